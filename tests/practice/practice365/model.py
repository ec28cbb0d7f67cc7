# SPDX-License-Identifier: Apache-2.0
"""What the tenant holds: users, apps, mailboxes, folders and messages.

One model behind both doors: mail that came over IMAP is seen through Graph
and the other way round. Everything here is called from the one event loop,
never waits, and knows no protocol. Times are seconds of the virtual clock.

    box = tenant.mailbox("ann@contoso.com")
    inbox = box.folder("inbox")
    m = box.add(inbox, Message(raw=octets, received=t, is_read=True))
    box.move(m, box.folder("archive")); box.remove(m)
    box.touch(m)            after any change of a message's attributes
    box.listen(fn)          fn(event, folder, message) at every change

Events: "added", "removed", "changed" (message is given), "folder-added",
"folder-changed", "folder-removed" (message is None). A move is "removed"
from the one and "added" to the other.
"""
import base64
import itertools
import os
import re
import uuid

from . import mime
from .names import APART, DEFAULTS, ENGLISH, NAMES  # noqa: F401

UNSET = object()


class QuotaFull(Exception):
    """The mailbox has no room for this message."""


class FolderExists(Exception):
    """A folder of that name is there, maybe hidden or in another case."""


class NoSuchFolder(Exception):
    """No such folder, or not in this mailbox."""


def _token(length):
    octets = os.urandom(length)
    return base64.urlsafe_b64encode(octets).decode()[:length]


# --- Extended properties -------------------------------------------------

_TYPES = {t.lower(): t for t in (
    "ApplicationTime Binary Boolean CLSID Currency Double Float Integer Long "
    "Short String SystemTime Error Null Object").split()}
_TYPES.update({t.lower() + "array": t + "Array" for t in (
    "ApplicationTime Binary CLSID Currency Double Float Integer Long Short "
    "String SystemTime").split()})
_TAG = re.compile(r"(\w+)\s+0x([0-9a-f]{1,8})$", re.I)
_NAMED = re.compile(
    r"(\w+)\s+\{?([0-9a-f-]{36})\}?\s+(name|id)\s+(.+)$", re.I | re.S)


def property_id(text):
    """One spelling for each property; ValueError when it is none.

    'Integer 0xE07' -> 'Integer 0x0e07'; 'String 0x4001001E' -> its 16 bit
    id; 'String {GUID} Name x' -> 'String {guid} Name x' (x as it is)."""
    text = str(text).strip()
    tag = _TAG.match(text)
    if tag and tag[1].lower() in _TYPES:
        number = int(tag[2], 16)
        if len(tag[2]) > 4 and number > 0xffff:
            number >>= 16
        return f"{_TYPES[tag[1].lower()]} 0x{number:04x}"
    named = _NAMED.match(text)
    if not named or named[1].lower() not in _TYPES:
        raise ValueError(text)
    name = named[4].strip()
    if named[3].lower() == "id":
        name = f"0x{int(name, 16):04x}"
    return (f"{_TYPES[named[1].lower()]} {{{named[2].lower()}}} "
            f"{named[3].capitalize()} {name}")


# --- Messages ------------------------------------------------------------

class Attachment:
    def __init__(self, name="", content_type="application/octet-stream",
                 data=b"", is_inline=False, content_id=None,
                 odata_type="#microsoft.graph.fileAttachment",
                 last_modified=0.0, id=None):
        self.id = id or "AAMkAG" + _token(150)
        self.name = name
        self.content_type = content_type
        self.data = data
        self.is_inline = is_inline
        self.content_id = content_id
        self.odata_type = odata_type
        self.last_modified = last_modified

    def copy(self):
        return Attachment(self.name, self.content_type, self.data,
                          self.is_inline, self.content_id, self.odata_type,
                          self.last_modified)


class Message:
    """Of one folder. raw (came as MIME) or fields (came as JSON) is given.

    Of a MIME message fields, attachments, internet_headers and sent are
    read from the MIME when first asked for. edit() and attachments'
    changes make a JSON message of it: its octets are regenerated then."""

    def __init__(self, raw=None, fields=None, received=None, sent=UNSET,
                 is_read=False, is_draft=False, answered=False,
                 deleted=False, mdn_sent=False, flag_status="notFlagged",
                 imap_flagged=False, categories=(), props=None,
                 attachments=None, given_headers=()):
        # Immutable: 68 characters, with ".EML" 72. The classic id changes
        # with every move.
        self.id = "AAkALgAAAAAAHYQD" + _token(52)
        self.classic_id = "AAMkAD" + _token(146)
        self.change_key = ""
        self.new_change_key()
        self.uid = 0
        self.folder = None
        self.created = None   # given by Mailbox.add()
        self.modified = None
        self.received = received  # None: add() takes the time of creation
        self.raw = raw
        self.is_read = is_read
        self.is_draft = is_draft
        self.answered = answered
        self.deleted = deleted
        self.mdn_sent = mdn_sent
        self.flag_status = flag_status
        self.imap_flagged = imap_flagged
        self.categories = list(categories)
        self.props = dict(props or {})
        self.given_headers = list(given_headers)
        self._parsed = None
        self._fields = dict(fields) if fields is not None else None
        self._attachments = list(attachments) if attachments is not None \
            else (None if raw is not None else [])
        if raw is None and self._fields is None:
            self._fields = {}
        self._sent = sent if sent is not UNSET or raw is not None else None
        self._rendered = None

    def new_change_key(self):
        self.change_key = "CQAAABYAAAB" + base64.b64encode(
            os.urandom(21)).decode()
        self._rendered = None

    # What a MIME message has only when asked for.

    def _parse(self):
        if self._parsed is None:
            self._parsed = mime.parse(self.raw)
        return self._parsed

    @property
    def fields(self):
        """Graph's JSON fields of the content. Change them by edit()."""
        if self._fields is None:
            self._fields = dict(self._parse().fields)
        return self._fields

    @property
    def attachments(self):
        if self._attachments is None:
            self._attachments = [
                Attachment(p.name, p.content_type, p.data, p.is_inline,
                           p.content_id, p.odata_type,
                           self.created or 0.0)
                for p in self._parse().attachments]
        return self._attachments

    @property
    def internet_headers(self):
        if self.raw is not None:
            return self._parse().headers
        block = self.props.get("String 0x007d")
        if block:
            parsed = mime.parse(block.encode("utf-8", "replace") +
                                b"\r\n\r\n")
            return parsed.headers + self.given_headers
        return self.given_headers

    @property
    def sent(self):
        if self._sent is UNSET:
            self._sent = self._parse().sent
        return self._sent

    @sent.setter
    def sent(self, value):
        self._sent = value

    # The octets.

    def octets(self):
        """As IMAP and $value show it."""
        if self.raw is not None:
            return self.raw
        if self._rendered is not None:
            return self._rendered
        octets = mime.render(self)
        if len(octets) < 1 << 18:
            self._rendered = octets
        return octets

    @property
    def size(self):
        return len(self.octets())

    def weight(self):
        """What the quota counts; cheap, and never less than the text."""
        if self.raw is not None:
            return len(self.raw)
        body = (self.fields.get("body") or {}).get("content") or ""
        return 1024 + len(body) + sum(len(a.data) for a in self.attachments)

    def edit(self, **fields):
        """Changes content fields, as a PATCH of a draft does."""
        self._become_json()
        self._fields.update(fields)
        self.new_change_key()

    def attach(self, attachment):
        self._become_json()
        self._attachments.append(attachment)
        self.new_change_key()

    def detach(self, attachment):
        self._become_json()
        self._attachments.remove(attachment)
        self.new_change_key()

    def _become_json(self):
        if self.raw is None:
            return
        fields, attached, sent = self.fields, self.attachments, self.sent
        headers = [h for h in self._parse().headers
                   if h["name"].lower().startswith("x-")]
        for name, prop in (("in-reply-to", "String 0x1042"),
                           ("references", "String 0x1039")):
            for h in self._parse().headers:
                if h["name"].lower() == name:
                    self.props.setdefault(prop, h["value"])
        self._fields, self._attachments, self._sent = fields, attached, sent
        self.given_headers = headers
        self.raw = self._parsed = None

    def copy(self):
        other = Message(
            raw=self.raw, received=self.received, is_read=self.is_read,
            sent=self._sent, is_draft=self.is_draft, answered=self.answered,
            deleted=self.deleted, mdn_sent=self.mdn_sent,
            flag_status=self.flag_status, categories=self.categories,
            props=self.props, given_headers=self.given_headers,
            fields=None if self.raw is not None else self._fields,
            attachments=None if self.raw is not None else
            [a.copy() for a in self.attachments])
        return other


# --- Folders -------------------------------------------------------------

class Folder:
    def __init__(self, parent, display_name, uidvalidity, well_known=None,
                 hidden=False, folder_class="IPF.Note"):
        self.id = "AAMkADF" + _token(109) + "AAA="
        self.parent = parent
        self.display_name = display_name
        self.well_known = well_known
        self.hidden = hidden
        self.folder_class = folder_class
        self.uidvalidity = uidvalidity
        self.uidnext = 1
        self.messages = {}      # uid -> Message, in the order of the uids
        self.changes = []       # (sequence, "added"..., message id), delta

    @property
    def path(self):
        """Names from below the root down; [] of the root."""
        if self.parent is None:
            return []
        return self.parent.path + [self.display_name]

    @property
    def imap_name(self):
        """Not encoded, "/" between levels. How Exchange shows a "/" inside
        a name that Graph made is not known: here it is "_"."""
        path = [n.replace("/", "_") for n in self.path]
        if path and self.root_well_known() == "inbox":
            path[0] = "INBOX"
        return "/".join(path)

    def root_well_known(self):
        """The well-known name of the top folder that this one is in."""
        folder = self
        while folder.parent is not None and folder.parent.parent is not None:
            folder = folder.parent
        return folder.well_known

    @property
    def unread(self):
        return sum(1 for m in self.messages.values() if not m.is_read)

    def is_within(self, other):
        folder = self
        while folder is not None:
            if folder is other:
                return True
            folder = folder.parent
        return False


# --- Mailboxes -----------------------------------------------------------

class Mailbox:
    def __init__(self, address, clock, language="en-US", kind="user",
                 licensed=True, provisioned=True, imap_enabled=True,
                 quota_octets=50 << 30, receive_limit=45_000_000,
                 send_limit=45_000_000, archive=False, aliases=()):
        """receive_limit: MaxReceiveSize, octets. That of the account that
        signs in counts in an APPEND, not the target's. archive: whether
        there is an archive mailbox (the Archive folder is always made)."""
        self.address = address
        self.aliases = list(aliases)
        self.clock = clock
        self.language = language
        self.kind = kind
        self.licensed = licensed
        self.provisioned = provisioned
        self.imap_enabled = imap_enabled
        self.quota_octets = quota_octets
        self.receive_limit = receive_limit
        self.send_limit = send_limit
        self.archive = archive
        self.policy_denied = False  # 403 "Access to OData is disabled."
        self.time_zone = "UTC"
        self.guid = str(uuid.uuid4())
        self.used = 0
        self.sequence = 0
        self.listeners = []
        self.by_id = {}             # folder id -> Folder
        self.messages = {}          # message id -> Message
        self._classic = {}          # classic id -> Message
        self._validity = itertools.count(3)
        self._well_known = {}
        self._make_defaults()

    def __str__(self):
        return self.address

    def _make_defaults(self):
        names = NAMES.get(self.language, ENGLISH)
        self.root = self._make(None, names["msgfolderroot"], "msgfolderroot")
        for well_known, kind, hidden, parent in DEFAULTS:
            self._make(self._well_known[parent] if parent else self.root,
                       names[well_known], well_known, hidden, kind)
        for well_known, name in APART:
            self._make(None, name, well_known, True)

    def _make(self, parent, name, well_known=None, hidden=False,
              kind="IPF.Note"):
        folder = Folder(parent, name, next(self._validity), well_known,
                        hidden, kind)
        self.by_id[folder.id] = folder
        if well_known:
            self._well_known[well_known] = folder
        return folder

    # Folders.

    def folder(self, name):
        """By id or well-known name; NoSuchFolder."""
        folder = self.by_id.get(name) or self._well_known.get(
            str(name).lower())
        if folder is None:
            raise NoSuchFolder(name)
        return folder

    def folders(self):
        """All of the visible tree, root first, parents before children."""
        return [f for f in self.by_id.values() if f.is_within(self.root)]

    def children(self, parent, hidden=False):
        return [f for f in self.by_id.values() if f.parent is parent
                and (hidden or not f.hidden)]

    def child(self, parent, name):
        """Without regard to case, hidden ones too; None."""
        name = name.casefold()
        for f in self.by_id.values():
            if f.parent is parent and f.display_name.casefold() == name:
                return f
        return None

    def by_imap_name(self, name):
        """By the decoded IMAP name, without regard to case; None."""
        name = name.casefold()
        for f in self.by_id.values():
            if f.parent is not None and f.imap_name.casefold() == name:
                return f
        return None

    def create_folder(self, parent, name, hidden=False,
                      folder_class="IPF.Note"):
        if self.child(parent, name):
            raise FolderExists(name)
        folder = self._make(parent, name, None, hidden, folder_class)
        self._tell("folder-added", folder, None)
        return folder

    def rename_folder(self, folder, name, parent=None):
        there = self.child(parent or folder.parent, name)
        if there is not None and there is not folder:
            raise FolderExists(name)
        folder.display_name = name
        folder.parent = parent or folder.parent
        self._tell("folder-changed", folder, None)

    def remove_folder(self, folder):
        """With all that is in it and below it."""
        for child in self.children(folder, hidden=True):
            self.remove_folder(child)
        for message in list(folder.messages.values()):
            self.remove(message)
        del self.by_id[folder.id]
        if folder.well_known:
            del self._well_known[folder.well_known]
        self._tell("folder-removed", folder, None)

    # Messages.

    def find(self, id):
        """By immutable or classic id; None."""
        return self.messages.get(id) or self._classic.get(id)

    def add(self, folder, message):
        weight = message.weight()
        if self.used + weight > self.quota_octets:
            raise QuotaFull(self.address)
        self.used += weight
        now = self.clock.now()
        message.created = now if message.created is None else message.created
        message.modified = now
        if message.received is None:
            message.received = now
        self.messages[message.id] = message
        self._put(folder, message)
        message.counted = weight
        return message

    def _put(self, folder, message):
        message.folder = folder
        message.uid = folder.uidnext
        folder.uidnext += 1
        folder.messages[message.uid] = message
        self._classic[message.classic_id] = message
        self._tell("added", folder, message)

    def _take(self, message):
        folder = message.folder
        del folder.messages[message.uid]
        self._classic.pop(message.classic_id, None)
        self._tell("removed", folder, message)

    def move(self, message, folder):
        """A new uid and classic id; the immutable id stays."""
        self._take(message)
        message.classic_id = "AAMkAD" + _token(146)
        message.imap_flagged = False
        message.new_change_key()
        message.modified = self.clock.now()
        self._put(folder, message)

    def copy(self, message, folder):
        return self.add(folder, message.copy())

    def remove(self, message):
        """For good."""
        self._take(message)
        del self.messages[message.id]
        self.used -= message.counted

    def touch(self, message):
        """After a change of its attributes or content."""
        weight = message.weight()
        self.used += weight - message.counted
        message.counted = weight
        message.modified = self.clock.now()
        message.new_change_key()
        self._tell("changed", message.folder, message)

    # Listeners.

    def listen(self, fn):
        self.listeners.append(fn)

    def unlisten(self, fn):
        if fn in self.listeners:
            self.listeners.remove(fn)

    def _tell(self, event, folder, message):
        self.sequence += 1
        if message is not None:
            folder.changes.append((self.sequence, event, message.id))
        for fn in list(self.listeners):
            fn(event, folder, message)


# --- Users, apps, the tenant ---------------------------------------------

GRAPH = "https://graph.microsoft.com"
OUTLOOK = "https://outlook.office.com"
OUTLOOK_APP = "https://outlook.office365.com"


class User:
    def __init__(self, upn, name=None, enabled=True, on_premises=False,
                 aliases=(), mail=UNSET, assigned=True, guid=None):
        """assigned: whether the user may use apps that want assignment."""
        self.id = guid or str(uuid.uuid5(uuid.NAMESPACE_DNS, upn))
        self.upn = upn
        self.name = name or upn.split("@")[0].capitalize()
        self.enabled = enabled
        self.on_premises = on_premises
        self.aliases = list(aliases)
        self.mail = upn if mail is UNSET else mail
        self.assigned = assigned
        self.licence = "Enabled"    # capabilityStatus of the Exchange plan
        self.mfa_at_refresh = False
        self.device_code_blocked = False    # by Conditional Access
        self.revoked_at = None      # tokens issued before are void
        self.admin = upn.split("@")[0] == "admin"


class App:
    def __init__(self, client_id, name="mailhaul", secrets=None,
                 public_client=True, first_party=False):
        """secrets: {secret: virtual time of its end, or None}."""
        self.client_id = client_id
        self.name = name
        self.object_id = str(uuid.uuid5(uuid.NAMESPACE_URL, client_id))
        self.secrets = dict(secrets or {})
        self.certificates = []      # x509 certificates of cryptography
        self.public_client = public_client
        self.first_party = first_party
        self.disabled = False
        self.in_tenant = True       # has an enterprise application here
        self.assignment_required = False
        # Consented by an administrator: application roles and delegated
        # scopes, by resource (GRAPH, OUTLOOK, OUTLOOK_APP).
        self.roles = {}
        self.scopes = {}
        # Registered in Exchange with New-ServicePrincipal (IMAP app-only).
        self.service_principal = True


class Tenant:
    def __init__(self, id, name, domains, clock):
        """domains: {name: whether verified}; the first is the default."""
        self.id = id
        self.name = name
        self.domains = dict(domains)
        self.clock = clock
        self.country = "US"
        self.conceal_reports = False
        self.apps = {}
        self.users = {}         # upn in lower case -> User
        self.mailboxes = {}     # address in lower case -> Mailbox
        # (upn or client id in lower case, mailbox address in lower case).
        # An app's entry is Add-MailboxPermission of its service principal.
        self.full_access = set()
        self.app_full_access = True     # every app for every mailbox

    @property
    def domain(self):
        return next(iter(self.domains))

    def is_named(self, text):
        text = text.lower()
        return text == self.id or self.domains.get(text) is True

    def user(self, key):
        """By id, UPN, mail or alias; None."""
        key = str(key).lower()
        if key in self.users:
            return self.users[key]
        for u in self.users.values():
            if key in (u.id, (u.mail or "").lower()) or \
                    key in [a.lower() for a in u.aliases]:
                return u
        return None

    def mailbox(self, key):
        """By address, alias, or its user's id or UPN; None."""
        key = str(key).lower()
        if key in self.mailboxes:
            return self.mailboxes[key]
        user = self.user(key)
        if user and user.upn.lower() in self.mailboxes:
            return self.mailboxes[user.upn.lower()]
        for m in self.mailboxes.values():
            if key in [a.lower() for a in m.aliases] or key == m.guid:
                return m
        return None

    def may_open(self, who, mailbox):
        """Whether a user (upn) or app (client id) has full access."""
        who, address = who.lower(), mailbox.address.lower()
        if (who, address) in self.full_access:
            return True
        if who in self.apps:
            return self.app_full_access and self.apps[who].service_principal
        return self.mailbox(who) is mailbox

    def add_user(self, upn, **about):
        user = User(upn, **about)
        self.users[upn.lower()] = user
        return user

    def add_mailbox(self, address, **about):
        box = Mailbox(address, self.clock, **about)
        self.mailboxes[address.lower()] = box
        return box
