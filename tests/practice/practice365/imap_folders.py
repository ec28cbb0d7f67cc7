# SPDX-License-Identifier: Apache-2.0
"""Exchange's IMAP: the commands about folders (m365.md B.3, B.6).

Names are without regard to case, "/" is between levels, Inbox is INBOX in
every language, hidden folders are not there. No LIST-EXTENDED, no QUOTA.
"""
import re

from . import model
from .imap_answer import Answer, refuse
from .imap_parse import BadArguments, decode_name, sent_name, string, words
from .imap_view import FLAGS, View

USES = {"sentitems": "\\Sent", "deleteditems": "\\Trash",
        "drafts": "\\Drafts", "junkemail": "\\Junk"}
RESERVED = ("files",)
DEPTH, CHILDREN, NAME = 300, 10_000, 255


MISSING = "Mailbox doesn't exist."


def name_of(argument):
    return decode_name(string(argument))


def find(session, argument, text=MISSING):
    """The folder of a name argument."""
    folder = session.mailbox.by_imap_name(name_of(argument))
    if folder is None or not visible(folder):
        refuse(text)
    return folder


def visible(folder):
    while folder.parent is not None:
        if folder.hidden:
            return False
        folder = folder.parent
    return folder.well_known == "msgfolderroot"


def wants(command, count):
    arguments = command.arguments
    if len(arguments) != count:
        raise BadArguments("count")
    return arguments


# --- LIST ------------------------------------------------------------------

def _pattern(reference, mailbox):
    text = name_of(reference) + name_of(mailbox)
    parts = [".*" if c == "*" else "[^/]*" if c == "%" else re.escape(c)
             for c in text]
    return re.compile("".join(parts) + r"\Z", re.I | re.S)


def _attributes(session, folder, parents):
    out = []
    if folder.well_known == "inbox" and folder.unread:
        out.append("\\Marked")
    out.append("\\HasChildren" if folder in parents else "\\HasNoChildren")
    if not session.option("no_special_use"):
        use = USES.get(folder.well_known)
        out += [use] if use else []
    return " ".join(out)


def _listed(session):
    """(name, folder) in the order of the names, and who has children."""
    shown = [f for f in session.mailbox.folders()
             if f.parent is not None and visible(f)]
    named = sorted(((f.imap_name, f) for f in shown),
                   key=lambda pair: pair[0].casefold())
    return named, {f.parent for f in shown}


async def do_list(session, command):
    reference, mailbox = wants(command, 2)
    if isinstance(reference, list) or isinstance(mailbox, list):
        raise BadArguments("LIST-EXTENDED is not offered")
    if mailbox == b"":
        session.untagged('LIST (\\Noselect) "/" ""')
        return
    pattern = _pattern(reference, mailbox)
    named, parents = _listed(session)
    for name, folder in named:
        if pattern.match(name):
            session.untagged(
                f"LIST ({_attributes(session, folder, parents)}) \"/\" "
                f"{sent_name(name)}")


def _subscribed(session):
    """Folder ids; a new mailbox has its default folders in it."""
    every = session.core.shared.setdefault("imap_subscribed", {})
    box = session.mailbox
    if box.guid not in every:
        every[box.guid] = {f.id for f in box.folders() if f.well_known}
    return every[box.guid]


async def do_lsub(session, command):
    pattern = _pattern(*wants(command, 2))
    named, parents = _listed(session)
    chosen = _subscribed(session)
    for name, folder in named:
        if folder.id in chosen and pattern.match(name):
            session.untagged(
                f"LSUB ({_attributes(session, folder, parents)}) \"/\" "
                f"{sent_name(name)}")


async def do_subscribe(session, command):
    _subscribed(session).add(find(session, wants(command, 1)[0]).id)


async def do_unsubscribe(session, command):
    _subscribed(session).discard(find(session, wants(command, 1)[0]).id)


async def do_namespace(session, command):
    wants(command, 0)
    session.untagged('NAMESPACE (("" "/")) NIL NIL')


# --- STATUS, SELECT --------------------------------------------------------

ITEMS = {"MESSAGES": lambda f: len(f.messages), "RECENT": lambda f: 0,
         "UIDNEXT": lambda f: f.uidnext, "UNSEEN": lambda f: f.unread,
         "UIDVALIDITY": lambda f: f.uidvalidity}


async def do_status(session, command):
    argument, items = wants(command, 2)
    if not isinstance(items, list) or not items:
        raise BadArguments("items")
    asked = words(items)
    if any(i not in ITEMS for i in asked):
        raise BadArguments("item")
    folder = find(session, argument)
    values = " ".join(f"{i} {ITEMS[i](folder)}" for i in asked)
    session.untagged(f"STATUS {sent_name(folder.imap_name)} ({values})")


async def do_select(session, command):
    argument, = wants(command, 1)
    session.leave_folder()
    folder = find(session, argument)
    readonly = command.name == "EXAMINE"
    # A \Flagged that came with APPEND is known to nobody from here on.
    for m in folder.messages.values():
        m.imap_flagged = False
    view = session.view = View(session.mailbox, folder, readonly)
    unseen = next((n for n, m in view.messages(view.uids)
                   if not m.is_read), 0)
    session.untagged(f"{len(view.uids)} EXISTS")
    session.untagged("0 RECENT")
    session.untagged(f"FLAGS ({FLAGS})")
    session.untagged(f"OK [PERMANENTFLAGS ({'' if readonly else FLAGS})] "
                     "Permanent flags")
    if unseen:
        session.untagged(f"OK [UNSEEN {unseen}] Is the first unseen message")
    session.untagged(f"OK [UIDVALIDITY {folder.uidvalidity}] "
                     "UIDVALIDITY value")
    session.untagged(f"OK [UIDNEXT {folder.uidnext}] "
                     "The next unique identifier value")
    raise Answer("OK", "[READ-ONLY] EXAMINE completed." if readonly
                 else "[READ-WRITE] SELECT completed.")


async def do_unselect(session, command):
    wants(command, 0)
    session.leave_folder()


async def do_close(session, command):
    wants(command, 0)
    view = session.view
    if not view.readonly:
        for m in [m for _, m in view.messages(view.uids) if m.deleted]:
            session.mailbox.remove(m)
    session.leave_folder()


# --- CREATE, DELETE, RENAME ------------------------------------------------

def _parts(argument):
    """The levels of a new name; trailing blanks go, as in Outlook."""
    name = name_of(argument)
    parts = [p.rstrip(" ") for p in name.rstrip("/").split("/")]
    if not all(parts) or any(c < " " or c == "\x7f" for c in name):
        raise BadArguments("name")
    if any(p.casefold() in RESERVED for p in parts):
        refuse("Folder name is reserved.")
    if len(parts) > DEPTH or any(len(p) > NAME for p in parts):
        refuse("Folder name is too long or too deep.")
    return parts


def _child(box, parent, name):
    if parent is box.root and name.upper() == "INBOX":
        return box.folder("inbox")
    return box.child(parent, name)


def _make(box, parent, name):
    if len(box.children(parent, hidden=True)) >= CHILDREN:
        refuse("Too many folders.")
    return box.create_folder(parent, name)


def _parent_for(box, parts):
    """The folder that a new one goes into; those on the way are made."""
    parent = box.root
    for part in parts[:-1]:
        parent = _child(box, parent, part) or _make(box, parent, part)
    return parent


async def do_create(session, command):
    argument, = wants(command, 1)
    box, parts = session.mailbox, _parts(argument)
    parent = _parent_for(box, parts)
    try:
        if _child(box, parent, parts[-1]):
            raise model.FolderExists
        _make(box, parent, parts[-1])
    except model.FolderExists:
        refuse("Mailbox already exists.")


async def do_delete(session, command):
    folder = find(session, wants(command, 1)[0])
    box = session.mailbox
    if folder.well_known or box.children(folder):
        refuse("Mailbox can't be deleted.")
    box.remove_folder(folder)


async def do_rename(session, command):
    old, new = wants(command, 2)
    folder, box = find(session, old), session.mailbox
    if folder.well_known:
        refuse("Mailbox can't be renamed.")
    parts = _parts(new)
    parent = _parent_for(box, parts)
    there = _child(box, parent, parts[-1])
    if there is not None and there is not folder:
        refuse("Mailbox already exists.")
    if parent.is_within(folder):
        refuse("Mailbox can't be renamed.")
    box.rename_folder(folder, parts[-1], parent)


HANDLERS = {
    "LIST": do_list, "LSUB": do_lsub, "SUBSCRIBE": do_subscribe,
    "UNSUBSCRIBE": do_unsubscribe, "NAMESPACE": do_namespace,
    "STATUS": do_status, "SELECT": do_select, "EXAMINE": do_select,
    "UNSELECT": do_unselect, "CLOSE": do_close, "CREATE": do_create,
    "DELETE": do_delete, "RENAME": do_rename}
