# SPDX-License-Identifier: Apache-2.0
"""Fills a mailbox by IMAP and dumps it as a multiset.

    m = server.mailbox("alice")
    m.fill({"INBOX": [Msg(octets, flags, date), ...], "Work/2024": [...]})
    m.dump()    {folder: Counter({(sha256, flags, date): n})}
    m.delete("INBOX", [3, 4]); m.store("INBOX", 1, "+FLAGS", "\\\\Seen")

Names are paths: modified UTF-7, parts joined by "/", without the prefix of
the personal namespace, so that the dumps of two servers compare. A test
that wants a name as the server has it says Raw(name). date is in seconds
since the epoch: a server may tell another zone than it was told, but never
another moment.
"""
import calendar
import hashlib
import imaplib
import re
import time
from collections import Counter, namedtuple

imaplib._MAXLINE = 64 << 20

Msg = namedtuple("Msg", "octets flags date")
Msg.__new__.__defaults__ = ((), None)

FETCHED = re.compile(
    rb'UID (\d+) FLAGS \(([^)]*)\) INTERNALDATE "([^"]+)"')
LISTED = re.compile(rb'\(([^)]*)\) ("[^"]*"|NIL) (.*)')


class Raw(str):
    """A folder's name as the server has it."""


def sha(octets):
    return hashlib.sha256(octets).hexdigest()


def quoted(name):
    if isinstance(name, bytes):
        name = name.decode("ascii")
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def date_text(seconds):
    t = time.gmtime(seconds)
    month = calendar.month_abbr[t.tm_mon]
    return "%02d-%s-%04d %02d:%02d:%02d +0000" % (
        t.tm_mday, month, t.tm_year, t.tm_hour, t.tm_min, t.tm_sec)


def date_seconds(text):
    """'17-Jul-1996 02:44:25 -0700' as seconds since the epoch."""
    t = time.strptime(text[:20].strip(), "%d-%b-%Y %H:%M:%S")
    zone = int(text[22:24]) * 3600 + int(text[24:26]) * 60
    return calendar.timegm(t) - (-zone if text[21] == "-" else zone)


def count(dump):
    """Messages in a dump."""
    return sum(sum(c.values()) for c in dump.values())


def octets_of(dump):
    """The dump without flags and dates: {folder: Counter(sha256)}."""
    out = {}
    for folder, messages in dump.items():
        out[folder] = Counter()
        for (digest, _, _), n in messages.items():
            out[folder][digest] += n
    return out


def nonempty(dump):
    return {folder: c for folder, c in dump.items() if c}


class Mailbox:
    def __init__(self, host, port, user, password, separator="/",
                 prefix="", timeout=120):
        self.address = host, port
        self.separator, self.prefix = separator, prefix
        self.user, self.password, self.timeout = user, password, timeout
        self._imap = None

    @property
    def imap(self):
        """A signed-in imaplib connection, made when first needed."""
        if self._imap is None:
            self._imap = imaplib.IMAP4(*self.address, timeout=self.timeout)
            self._imap.login(quoted(self.user), self.password)
        return self._imap

    def close(self):
        if self._imap is not None:
            try:
                self._imap.logout()
            except (OSError, imaplib.IMAP4.error):
                pass
            self._imap = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def ok(self, answer):
        status, data = answer
        assert status == "OK", f"the server said {status} {data!r}"
        return data

    def raw(self, path):
        """The name of a path, quoted for a command."""
        if isinstance(path, Raw):
            return quoted(path)
        if path.upper() == "INBOX":
            return quoted(path)
        name = path.replace("/", self.separator)
        if not name.startswith(self.prefix):
            name = self.prefix + name
        return quoted(name)

    def path(self, raw):
        if self.prefix and raw.startswith(self.prefix):
            raw = raw[len(self.prefix):]
        return raw.replace(self.separator, "/")

    # --- Changes -----------------------------------------------------------

    def create(self, folder, subscribe=True):
        self.ok(self.imap.create(self.raw(folder)))
        if subscribe:
            self.imap.subscribe(self.raw(folder))

    def ensure(self, folder):
        there = self.folders(raw=isinstance(folder, Raw))
        if folder.upper() != "INBOX" and folder not in there:
            self.create(folder)

    def append(self, folder, octets, flags=(), date=None):
        # imaplib changes bare line ends, so its own APPEND won't do.
        self._append(folder, [Msg(octets, tuple(flags), date)])

    def _append(self, folder, messages):
        """One MULTIAPPEND with LITERAL+, which Dovecot takes even where
        it is told not to say so."""
        imap = self.imap
        tag = imap._new_tag()
        out = [tag + b" APPEND " + self.raw(folder).encode()]
        for m in messages:
            head = b" (" + " ".join(m.flags).encode() + b")"
            if m.date is not None:
                head += b' "' + date_text(m.date).encode() + b'"'
            out.append(head + b" {%d+}\r\n" % len(m.octets))
            out.append(m.octets)
        out.append(b"\r\n")
        imap.send(b"".join(out))
        status, data = imap._command_complete("APPEND", tag)
        assert status == "OK", f"APPEND {folder}: {status} {data!r}"

    def fill(self, folders):
        """{folder: [Msg or octets, ...]}; folders are made as needed."""
        for folder, messages in folders.items():
            self.ensure(folder)
            messages = [m if isinstance(m, Msg) else Msg(m)
                        for m in messages]
            for i in range(0, len(messages), 100):
                self._append(folder, messages[i:i + 100])
        return self

    def select(self, folder, readonly=False):
        # imaplib's own select() dislikes an EXAMINE that follows a SELECT.
        data = self.ok(self.imap.select(self.raw(folder), readonly))
        return int(data[0] or 0)

    def store(self, folder, uids, what, flags):
        self.select(folder)
        uids = uids if isinstance(uids, str) else ",".join(
            str(u) for u in ([uids] if isinstance(uids, int) else uids))
        self.ok(self.imap.uid("STORE", uids, what, f"({flags})"))

    def delete(self, folder, uids):
        self.store(folder, uids, "+FLAGS", "\\Deleted")
        self.ok(self.imap.expunge())

    def move(self, folder, uids, target):
        self.ensure(target)
        self.select(folder)
        self.ok(self.imap.uid(
            "MOVE", ",".join(str(u) for u in uids), self.raw(target)))

    def remove(self, folder):
        self.imap.unselect() if self.imap.state == "SELECTED" else None
        self.ok(self.imap.delete(self.raw(folder)))

    # --- Looking -------------------------------------------------------------

    def folders(self, all=True, raw=False):
        """Paths; all: also those that hold no messages."""
        out = []
        for line in self.ok(self.imap.list('""', '"*"')):
            if line is None:
                continue
            if isinstance(line, tuple):  # the name came as a literal
                flags, name = LISTED.match(line[0]).group(1), line[1]
            else:
                flags, _, name = LISTED.match(line).groups()
                if name.startswith(b'"'):
                    name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
            if all or b"\\noselect" not in flags.lower():
                name = name.decode("utf-8", "surrogateescape")
                out.append(Raw(name) if raw else self.path(name))
        return out

    def subscribed(self):
        out = []
        for line in self.ok(self.imap.lsub('""', '"*"')):
            if line:
                name = LISTED.match(line).group(3)
                out.append(self.path(name.strip(b'"').decode()))
        return out

    def status(self, folder):
        """MESSAGES, UIDNEXT, UIDVALIDITY as a dictionary."""
        data = self.ok(self.imap.status(
            self.raw(folder), "(MESSAGES UIDNEXT UIDVALIDITY)"))
        found = re.findall(rb"([A-Z]+) (\d+)", data[0].rsplit(b"(", 1)[1])
        return {name.decode(): int(n) for name, n in found}

    def messages(self, folder):
        """[(uid, flags, date, octets), ...] of a folder."""
        if not self.select(folder, readonly=True):
            return []
        data = self.ok(self.imap.uid(
            "FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])"))
        out = []
        for item in data:
            if isinstance(item, tuple):
                head, octets = item
            elif item.endswith(b'BODY[] "")'):
                head, octets = item, b""
            else:
                continue
            uid, flags, date = FETCHED.search(head).groups()
            kept = tuple(sorted(f for f in flags.decode().split()
                                if f != "\\Recent"))
            out.append((int(uid), kept,
                        date_seconds(date.decode()), octets))
        return out

    def uids(self, folder):
        return [m[0] for m in self.messages(folder)]

    def dump(self):
        """{folder: Counter((sha256, flags, date))} of the whole mailbox."""
        out = {}
        for name in self.folders(all=False, raw=True):
            out[self.path(name)] = Counter(
                (sha(octets), flags, date)
                for _, flags, date, octets in self.messages(name))
        return out
