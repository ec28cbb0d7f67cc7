# SPDX-License-Identifier: Apache-2.0
"""The grammar of IMAP commands (RFC 3501, 9): bytes in, values out.

    parse(b'"Sent Items" (\\Seen) {5+}')   [Quoted, [b"\\Seen"], b"{5+}"]
    decode_name(b"&AOk-t&AOk-")            "été"
    encode_name("été")                     "&AOk-t&AOk-"
    Uids(b"1:4,9:*", top)                  a set to ask `n in uids`

Everything that is not as the grammar says is BadArguments: a server that
forgives teaches a client bad manners.
"""
import base64
import binascii
import datetime
import re

ATOM_END = b' ()"\r\n'
LITERAL = re.compile(rb"\{(\d{1,10})(\+?)\}$")
MONTHS = ("jan feb mar apr may jun jul aug sep oct nov dec").split()
DATE_TIME = re.compile(r'([ \d]\d)-([A-Za-z]{3})-(\d{4}) '
                       r'(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$')
DATE = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})$")
SET = re.compile(rb"(\d+|\*)(:(\d+|\*))?(,(\d+|\*)(:(\d+|\*))?)*$")


class BadArguments(Exception):
    """BAD Command Argument Error."""


class Quoted(bytes):
    """A string, where an atom would mean something else."""


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def more(self):
        return self.at < len(self.data)

    def peek(self):
        return self.data[self.at:self.at + 1]

    def quoted(self):
        out, at, data = bytearray(), self.at + 1, self.data
        while at < len(data):
            c = data[at:at + 1]
            if c == b'"':
                self.at = at + 1
                return Quoted(out)
            if c == b"\\":
                at += 1
                c = data[at:at + 1]
                if c not in (b"\\", b'"'):
                    raise BadArguments("escape")
            out += c
            at += 1
        raise BadArguments("no closing quote")

    def atom(self):
        start, depth, data = self.at, 0, self.data
        while self.at < len(data):
            c = data[self.at:self.at + 1]
            if c == b"[":
                depth += 1
            elif c == b"]" and depth:
                depth -= 1
            elif not depth and c in (b" ", b"(", b")", b'"'):
                break
            self.at += 1
        if depth or start == self.at:
            raise BadArguments("atom")
        return bytes(data[start:self.at])

    def value(self):
        c = self.peek()
        if c == b'"':
            return self.quoted()
        if c == b"(":
            self.at += 1
            return self.values(b")")
        return self.atom()

    def values(self, end):
        """Values with one space between, up to end (b"": the end)."""
        out = []
        while True:
            if self.peek() == end:
                self.at += 1
                return out
            if out:
                if self.peek() != b" ":
                    raise BadArguments("space")
                self.at += 1
            elif not self.more():
                raise BadArguments("end")
            out.append(self.value())


def parse(data):
    """The arguments of a command as a list of bytes, Quoted and lists."""
    return _Reader(data).values(b"") if data else []


def quote(octets):
    """A literal as the quoted string that parse() takes."""
    return b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def string(value):
    """An astring's text: names and header fields."""
    if isinstance(value, list):
        raise BadArguments("list")
    return bytes(value)


def words(value):
    """A list of atoms, as upper case text; one atom is a list of one."""
    items = value if isinstance(value, list) else [value]
    if any(isinstance(i, list) for i in items):
        raise BadArguments("list in list")
    return [i.decode("latin-1").upper() for i in items]


def flags(value):
    """Flags as they were written."""
    items = value if isinstance(value, list) else [value]
    if any(isinstance(i, (list, Quoted)) for i in items):
        raise BadArguments("flags")
    return [i.decode("latin-1") for i in items]


# --- Names -----------------------------------------------------------------


def _decode_shift(part):
    if part == b"":
        return "&"
    try:
        octets = base64.b64decode(part.replace(b",", b"/")
                                  + b"=" * (-len(part) % 4), validate=True)
        return octets.decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError):
        raise BadArguments("modified UTF-7") from None


def decode_name(raw):
    """A name as Exchange holds it; it offers no UTF8=ACCEPT."""
    if any(c > 126 or c < 32 for c in raw):
        raise BadArguments("8-bit or control character in a name")
    out = []
    for i, piece in enumerate(raw.split(b"&")):
        if i == 0:
            out.append(piece.decode("ascii"))
            continue
        shifted, minus, rest = piece.partition(b"-")
        if not minus:
            raise BadArguments("modified UTF-7 without end")
        out.append(_decode_shift(shifted) + rest.decode("ascii"))
    return "".join(out)


def encode_name(name):
    out, run = [], []

    def flush():
        if run:
            octets = "".join(run).encode("utf-16-be", "surrogatepass")
            text = base64.b64encode(octets).decode("ascii")
            out.append("&" + text.rstrip("=").replace("/", ",") + "-")
            run.clear()

    for c in name:
        if " " <= c <= "~":
            flush()
            out.append("&-" if c == "&" else c)
        else:
            run.append(c)
    flush()
    return "".join(out)


def sent_name(path):
    """A path as a server sends it: an atom where that is possible."""
    name = encode_name(path)
    if re.fullmatch(r'[^\s(){%*"\\\]]+', name) and name.upper() != "NIL":
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- Sets and dates --------------------------------------------------------


class Uids:
    """A sequence set; "*" is the highest there is."""

    def __init__(self, text, top):
        if isinstance(text, (list, Quoted)) or not SET.match(text):
            raise BadArguments("set")
        self.ranges = []
        for part in text.decode().split(","):
            low, colon, high = part.partition(":")
            low = self._number(low, top)
            high = self._number(high, top) if colon else low
            self.ranges.append((min(low, high), max(low, high)))

    @staticmethod
    def _number(text, top):
        number = top if text == "*" else int(text)
        if text != "*" and not 0 < number < 1 << 32:
            raise BadArguments("number")
        return number

    def __contains__(self, n):
        return any(low <= n <= high for low, high in self.ranges)

    def of(self, known):
        """Those of a sorted list of numbers, in its order."""
        if len(self.ranges) == 1:
            low, high = self.ranges[0]
            if low == high:
                return [low] if low in known else []
        return [n for n in known if n in self]


def date_time(text):
    """'17-Jul-1996 02:44:25 -0700' as an aware moment."""
    m = DATE_TIME.match(text)
    if not m or m.group(2).lower() not in MONTHS:
        raise BadArguments("date")
    zone = datetime.timedelta(hours=int(m.group(8)),
                              minutes=int(m.group(9)))
    if m.group(7) == "-":
        zone = -zone
    try:
        return datetime.datetime(
            int(m.group(3)), MONTHS.index(m.group(2).lower()) + 1,
            int(m.group(1)), *map(int, m.group(4, 5, 6)),
            tzinfo=datetime.timezone(zone))
    except ValueError:
        raise BadArguments("date") from None


def date(text):
    """'1-Jan-2024' of SEARCH as a day."""
    m = DATE.match(text)
    if not m or m.group(2).lower() not in MONTHS:
        raise BadArguments("date")
    try:
        return datetime.date(int(m.group(3)),
                             MONTHS.index(m.group(2).lower()) + 1,
                             int(m.group(1)))
    except ValueError:
        raise BadArguments("date") from None


def date_text(moment):
    """A moment as INTERNALDATE, in UTC as Exchange Online tells it."""
    t = moment.astimezone(datetime.timezone.utc)
    return (f"{t.day:02d}-{MONTHS[t.month - 1].capitalize()}-{t.year:04d} "
            f"{t.hour:02d}:{t.minute:02d}:{t.second:02d} +0000")
