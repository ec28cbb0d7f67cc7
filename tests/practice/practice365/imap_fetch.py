# SPDX-License-Identifier: Apache-2.0
"""Exchange's IMAP: the commands about messages that are there.

FETCH knows no ENVELOPE, no BODYSTRUCTURE and no parts: what asks for them
is answered as a wrong argument. It streams: a folder of 5,000 messages is
never held as one answer.
"""
import datetime
import re

from .imap_answer import Answer, refuse
from .imap_folders import find
from .imap_parse import (BadArguments, Quoted, Uids, date, date_text, flags,
                         string)
from .imap_view import flags_of
from .model import QuotaFull

SECTION = re.compile(
    rb"BODY(\.PEEK)?\[(HEADER\.FIELDS(?:\.NOT)? \(([^()]*)\)|HEADER|TEXT|)\]"
    rb"(?:<(\d+)\.(\d+)>)?$", re.I)
MACROS = {"FAST": ["FLAGS", "INTERNALDATE", "RFC822.SIZE"]}
KNOWN = {"\\seen": "is_read", "\\answered": "answered",
         "\\deleted": "deleted", "$mdnsent": "mdn_sent"}


def moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def chosen(session, command, text):
    """uids of a set: of uids, or of message numbers."""
    view = session.view
    if command.name.startswith("UID "):
        return Uids(text, view.top).of(view.uids)
    numbers = Uids(text, len(view.uids))
    if any(high > len(view.uids) for _, high in numbers.ranges):
        raise BadArguments("no such message")
    return [uid for n, uid in enumerate(view.uids, 1) if n in numbers]


# --- FETCH -----------------------------------------------------------------

def _split(octets):
    end = octets.find(b"\r\n\r\n")
    return (octets, b"") if end < 0 else (octets[:end + 4], octets[end + 4:])


def _fields(header, names, negative):
    kept = []
    for field in re.split(rb"\r\n(?![ \t])", header.rstrip(b"\r\n")):
        name = field.partition(b":")[0].strip().lower()
        if (name in names) != negative and field:
            kept.append(field + b"\r\n")
    return b"".join(kept) + b"\r\n"


def _body(name, match):
    """An item like BODY.PEEK[HEADER]<0.100> as a function of a message."""
    what = match.group(2).upper()
    names = {n.strip(b'"').lower() for n in (match.group(3) or b"").split()}
    shown = b"BODY[" + match.group(2) + b"]"
    start, count = match.group(4), match.group(5)
    if start is not None:
        shown += b"<" + start + b">"

    def octets(m):
        data = m.octets()
        if what == b"HEADER":
            data = _split(data)[0]
        elif what == b"TEXT":
            data = _split(data)[1]
        elif what:
            data = _fields(_split(data)[0], names, b".NOT" in what)
        if start is not None:
            data = data[int(start):int(start) + int(count)]
        return shown + b" {%d}\r\n" % len(data) + data

    return octets


def _plain(name):
    return {
        "UID": lambda m: b"UID %d" % m.uid,
        "FLAGS": lambda m: b"FLAGS (" + flags_of(m).encode() + b")",
        "INTERNALDATE": lambda m: b'INTERNALDATE "%s"' % date_text(
            moment(m.received)).encode(),
        "RFC822.SIZE": lambda m: b"RFC822.SIZE %d" % m.size}.get(name)


def _items(argument, by_uid):
    """Functions of a message, and whether reading marks it as read."""
    atoms = argument if isinstance(argument, list) else [argument]
    out, reads, named = [], False, set()
    for atom in atoms:
        if isinstance(atom, (list, Quoted)):
            raise BadArguments("item")
        for item in MACROS.get(atom.decode("latin-1").upper(), [atom]):
            name = item.upper() if isinstance(item, str) \
                else item.decode("latin-1").upper()
            match = None if isinstance(item, str) else SECTION.match(item)
            if match:
                out.append(_body(name, match))
                reads |= match.group(1) is None
            elif _plain(name):
                out.append(_plain(name))
            else:
                raise BadArguments("item")
            named.add(name)
    if by_uid and "UID" not in named:
        out.insert(0, _plain("UID"))
    return out, reads


async def do_fetch(session, command):
    arguments = command.arguments
    if len(arguments) != 2:
        raise BadArguments("count")
    uids = chosen(session, command, arguments[0])
    items, reads = _items(arguments[1], command.name.startswith("UID "))
    view, lines, size = session.view, [], 0
    for number, m in view.messages(uids):
        if reads and not view.readonly and not m.is_read:
            m.is_read = True
            session.mailbox.touch(m)
        line = b"* %d FETCH (%s)\r\n" % (
            number, b" ".join([item(m) for item in items]))
        lines.append(line)
        size += len(line)
        if size > 1 << 18:
            session.wire.write(b"".join(lines))
            lines, size = [], 0
            await session.wire.drain()
    session.wire.write(b"".join(lines))


# --- SEARCH ----------------------------------------------------------------

STATES = {
    "ALL": lambda m: True, "SEEN": lambda m: m.is_read,
    "UNSEEN": lambda m: not m.is_read, "ANSWERED": lambda m: m.answered,
    "UNANSWERED": lambda m: not m.answered, "DELETED": lambda m: m.deleted,
    "UNDELETED": lambda m: not m.deleted, "DRAFT": lambda m: m.is_draft,
    "UNDRAFT": lambda m: not m.is_draft, "RECENT": lambda m: False,
    "OLD": lambda m: True, "NEW": lambda m: False,
    "FLAGGED": lambda m: "\\Flagged" in flags_of(m),
    "UNFLAGGED": lambda m: "\\Flagged" not in flags_of(m)}


def _has_header(m, name, value):
    header = _split(m.octets())[0]
    found = _fields(header, {name.lower()}, False)[:-2]
    return bool(found) and value.lower() in re.sub(
        rb"\r\n(?=[ \t])", b"", found.lower()).partition(b":")[2]


class _Search:
    """The keys of a SEARCH, taken one after the other."""

    def __init__(self, view, arguments):
        self.view, self.left = view, list(arguments)

    def take(self):
        if not self.left:
            raise BadArguments("search key")
        return self.left.pop(0)

    def all(self):
        tests = []
        while self.left:
            tests.append(self.key())
        if not tests:
            raise BadArguments("no search key")
        return lambda m: all(t(m) for t in tests)

    def day(self):
        return date(string(self.take()).decode("latin-1"))

    def key(self):
        item = self.take()
        if isinstance(item, list):
            return _Search(self.view, item).all()
        name = item.decode("latin-1").upper()
        if name in STATES:
            return STATES[name]
        found = getattr(self, "key_" + name.lower(), None)
        if found is not None:
            return found()
        numbers = Uids(item, len(self.view.uids))
        return lambda m: self.view.number(m.uid) in numbers

    def key_uid(self):
        uids = Uids(self.take(), self.view.top)
        return lambda m: m.uid in uids

    def key_not(self):
        test = self.key()
        return lambda m: not test(m)

    def key_or(self):
        one, other = self.key(), self.key()
        return lambda m: one(m) or other(m)

    def key_header(self):
        name, value = string(self.take()), string(self.take())
        return lambda m: _has_header(m, name, value)

    def key_subject(self):
        value = string(self.take())
        return lambda m: _has_header(m, b"subject", value)

    def key_from(self):
        value = string(self.take())
        return lambda m: _has_header(m, b"from", value)

    def key_since(self):
        day = self.day()
        return lambda m: moment(m.received).date() >= day

    def key_before(self):
        day = self.day()
        return lambda m: moment(m.received).date() < day

    def key_on(self):
        day = self.day()
        return lambda m: moment(m.received).date() == day

    def size(self):
        text = string(self.take())
        if not text.isdigit():
            raise BadArguments("size")
        return int(text)

    def key_larger(self):
        size = self.size()
        return lambda m: m.size > size

    def key_smaller(self):
        size = self.size()
        return lambda m: m.size < size

    def key_keyword(self):
        known = string(self.take()).lower() == b"$mdnsent"
        return lambda m: known and m.mdn_sent

    def key_unkeyword(self):
        test = self.key_keyword()
        return lambda m: not test(m)


async def do_search(session, command):
    arguments = command.arguments
    if arguments and string(arguments[0]).upper() == b"CHARSET":
        if len(arguments) < 2 or string(arguments[1]).upper() not in (
                b"US-ASCII", b"UTF-8"):
            raise Answer("NO", "[BADCHARSET (US-ASCII UTF-8)] No.")
        arguments = arguments[2:]
    view = session.view
    test = _Search(view, arguments).all()
    by_uid = command.name.startswith("UID ")
    found = [m.uid if by_uid else number
             for number, m in view.messages(view.uids) if test(m)]
    session.untagged(" ".join(["SEARCH"] + [str(n) for n in found]))


# --- STORE, COPY, MOVE, EXPUNGE --------------------------------------------

def change_flags(m, how, names):
    """The bit of a draft is given at creation and never changes."""
    wanted = {n.lower() for n in names}
    for flag, attribute in KNOWN.items():
        if how == "":
            setattr(m, attribute, flag in wanted)
        elif flag in wanted:
            setattr(m, attribute, how == "+")
    if how == "" or "\\flagged" in wanted:
        on = "\\flagged" in wanted and how != "-"
        # A task that is complete has no flag over IMAP and stays so.
        if on or m.flag_status != "complete":
            m.flag_status = "flagged" if on else "notFlagged"
        m.imap_flagged = False


def _writable(session):
    if session.view.readonly:
        refuse("Mailbox is read-only.")


async def do_store(session, command):
    arguments = command.arguments
    if len(arguments) < 3:
        raise BadArguments("count")
    uids = chosen(session, command, arguments[0])
    how = re.fullmatch(r"([+-]?)FLAGS(\.SILENT)?",
                       string(arguments[1]).decode("latin-1").upper())
    names = [n for a in arguments[2:] for n in flags(a)]
    if not how or any(n.startswith("\\") and not known_flag(n)
                      for n in names):
        raise BadArguments("flags")
    _writable(session)
    view = session.view
    view.quiet = True
    for number, m in view.messages(uids):
        before = flags_of(m), m.imap_flagged
        change_flags(m, how.group(1), names)
        if (flags_of(m), m.imap_flagged) != before:
            session.mailbox.touch(m)
        if not how.group(2):
            uid = f"UID {m.uid} " if command.name != "STORE" else ""
            session.untagged(f"{number} FETCH ({uid}FLAGS ({flags_of(m)}))")
    view.quiet = False


def known_flag(name):
    return name.lower() in ("\\seen", "\\answered", "\\flagged",
                            "\\deleted", "\\draft")


def _ranges(uids):
    """1, 2, 3, 7 as "1:3,7"; the order is kept."""
    out = []
    for uid in uids:
        if out and uid == out[-1][1] + 1:
            out[-1][1] = uid
        else:
            out.append([uid, uid])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in out)


def _transfer(session, command, act):
    """[COPYUID ...], or None: nothing to do."""
    arguments = command.arguments
    if len(arguments) != 2:
        raise BadArguments("count")
    uids = chosen(session, command, arguments[0])
    target = find(session, arguments[1],
                  "[TRYCREATE] Mailbox doesn't exist.")
    old, new = [], []
    for _, m in list(session.view.messages(uids)):
        old.append(m.uid)
        new.append(act(m, target).uid)
    if not old:
        return None
    return f"[COPYUID {target.uidvalidity} {_ranges(old)} {_ranges(new)}]"


async def do_copy(session, command):
    try:
        code = _transfer(session, command, session.mailbox.copy)
    except QuotaFull:
        raise Answer(*session.full()) from None
    raise Answer("OK", f"{code + ' ' if code else ''}COPY completed.")


async def do_move(session, command):
    _writable(session)

    def move(m, target):
        session.mailbox.move(m, target)
        return m

    code = _transfer(session, command, move)
    if code:
        session.untagged("OK " + code)
    raise Answer("OK", "MOVE completed.")


async def do_expunge(session, command):
    _writable(session)
    view = session.view
    uids = view.uids
    if command.name == "UID EXPUNGE":
        arguments = command.arguments
        if len(arguments) != 1:
            raise BadArguments("count")
        uids = chosen(session, command, arguments[0])
    elif command.text:
        raise BadArguments("count")
    for m in [m for _, m in view.messages(uids) if m.deleted]:
        session.mailbox.remove(m)


HANDLERS = {}
for _name, _do in (("FETCH", do_fetch), ("SEARCH", do_search),
                   ("STORE", do_store), ("COPY", do_copy),
                   ("MOVE", do_move), ("EXPUNGE", do_expunge)):
    HANDLERS[_name] = HANDLERS["UID " + _name] = _do
