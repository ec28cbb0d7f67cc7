# SPDX-License-Identifier: Apache-2.0
"""Small PST and OST files with the oddities of real ones.

    p = Pst(version=23, crypt=1)
    inbox = p.folder("Posteingang", use="inbox")
    inbox.add(Message("Hello", text="Hi.", to=[("Ann", "ann@example.com")],
                      attachments=[File("a.bin", b"...")]))
    p.write(path)

Versions: 14, 15 ANSI, 23 Unicode, 36, 37 with 4k pages; crypt 0, 1, 2 and
WIP. ost=True: the tree of a cache, without the store's own ids. Where a
reader is to be led astray, the argument says so: see Message, File, Folder.
Properties are {id << 16 | type: value}; None takes one away.
"""
import struct
from collections import namedtuple

from .pst_ltp import (BINARY, LONG, MOST, MULTIPLE, UNICODE, Context, Raw,
                      table)
from .pst_ndb import WIP, Ndb, crc

__all__ = ["Pst", "Folder", "Message", "File", "Person", "Raw", "Named",
           "WIP", "embedded", "filetime", "lzfu", "ole", "reference", "rtf"]

KEY = bytes(range(0x30, 0x40))
WHEN = 1_600_000_000
# A named property: (set, number or name, type, value).
Named = namedtuple("Named", "set key type value")
# kind "EX": address is a legacyExchangeDN, smtp what it stands for.
Person = namedtuple("Person", "name address kind smtp",
                    defaults=("SMTP", None))
SETS = {"PUBLIC": "2903020000000000c000000000000046",
        "COMMON": "0820060000000000c000000000000046",
        "ADDRESS": "0420060000000000c000000000000046",
        "APPOINTMENT": "0220060000000000c000000000000046",
        "TASK": "0320060000000000c000000000000046",
        "NOTE": "0e20060000000000c000000000000046",
        "LOG": "0a20060000000000c000000000000046",
        "MEETING": "90dad86e0b451b1098da00aa003f1305",
        "HEADERS": "8603020000000000c000000000000046"}
PREFILLED = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman "
    b"\\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes "
    b"New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain"
    b"\\f0\\fs20\\b\\i\\u\\tab\\tx")

ROWS = (0x001a001f, 0x0037001f, 0x0e060040, 0x0e070003, 0x0e080003,
        0x300b0102)
FOLDERS = (0x3001001f, 0x36020003, 0x36030003, 0x360a000b)
PEOPLE = (0x0c150003, 0x0ffe0003, 0x0fff0102, 0x3001001f, 0x3002001f,
          0x3003001f, 0x39fe001f)
FILES = (0x0e200003, 0x3704001f, 0x37050003, 0x370b0003)
# Where the id of a folder of that use stands: of the store, of the Inbox.
OF_STORE = {"outbox": 0x35e2, "deleted": 0x35e3, "sent": 0x35e4}
OF_INBOX = {"calendar": 0x36d0, "contacts": 0x36d1, "journal": 0x36d2,
            "notes": 0x36d3, "tasks": 0x36d4, "drafts": 0x36d7}


def filetime(seconds):
    return (seconds + 11_644_473_600) * 10_000_000


def lzfu(octets, sum_=None, packed=True):
    """[MS-OXRTFCP]; sum_: in the place of the right checksum."""
    body = _packed(octets) if packed else octets
    if sum_ is None:
        sum_ = crc(body) if packed else 0
    return struct.pack("<II4sI", len(body) + 12, len(octets),
                       b"LZFu" if packed else b"MELA", sum_) + body


def _packed(octets):
    out, tokens, at = b"", [], len(PREFILLED)
    seen = PREFILLED + octets
    while at < len(seen):
        for n in range(min(17, len(seen) - at), 1, -1):
            found = seen.rfind(seen[at:at + n], max(0, at - 4000), at)
            if found >= 0:
                tokens.append(struct.pack(">H", found % 4096 << 4 | n - 2))
                at += n
                break
        else:
            tokens.append(seen[at:at + 1])
            at += 1
    tokens.append(struct.pack(">H", at % 4096 << 4))
    for i in range(0, len(tokens), 8):
        some = tokens[i:i + 8]
        out += bytes([sum((len(t) == 2) << k for k, t in enumerate(some))])
        out += b"".join(some)
    return out


def rtf(text):
    """Plain RTF of a text."""
    return (b"{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Arial;}}\r\n"
            b"\\pard " + "".join(
                c if ord(c) < 128 else "\\u%d?" % ord(c)
                for c in text.replace("\n", "\\par\n")).encode() + b"}")


class File:
    """An attachment. declared: its size as the row and the property tell
    it; octets None: its data are not there. gone: a row without sub-node;
    untold: a sub-node without row; lost: the blocks of its data are not in
    the file."""

    def __init__(self, name, octets=None, mime=None, method=1, declared=None,
                 cid=None, gone=False, untold=False, lost=False,
                 message=None, object_=None, props=()):
        self.name, self.octets, self.method = name, octets, method
        self.message, self.object = message, object_
        self.gone, self.untold, self.lost = gone, untold, lost
        self.size = declared if declared is not None \
            else len(octets or object_ or b"") + 100
        self.props = {0x0e200003: self.size, 0x37050003: method,
                      0x370b0003: -1, 0x3707001f: name,
                      0x3704001f: name and name[-12:], 0x370e001f: mime,
                      0x3712001f: cid, **dict(props)}
        if octets is not None and method == 1:
            self.props[0x37010102] = octets


def embedded(message, name="message.msg", **how):
    return File(name, method=5, message=message, declared=5000, **how)


def ole(name, octets, **how):
    return File(name, method=6, object_=octets, **how)


def reference(name, path):
    return File(name, method=2, declared=0, props={0x3708001f: path,
                                                   0x370d001f: path})


class Message:
    """An item of any class. row, node False: only the other one is there.
    spoiled: a checksum does not fit; lost: its block is not in the file."""

    def __init__(self, subject=None, text=None, html=None, packed_rtf=None,
                 sender=Person("Ann Example", "ann@example.com"), to=(),
                 cc=(), bcc=(), headers=None, when=WHEN, flags=1,
                 class_="IPM.Note", keywords=(), message_id=None,
                 attachments=(), props=(), named=(), row=True, node=True,
                 spoiled=False, lost=False):
        self.people = [(1, p) for p in to] + [(2, p) for p in cc] \
            + [(3, p) for p in bcc]
        self.attachments, self.named = list(attachments), list(named)
        self.row, self.node = row, node
        self.spoiled, self.lost = spoiled, lost
        if keywords:
            self.named.append(Named("PUBLIC", "Keywords", UNICODE | MULTIPLE,
                                    list(keywords)))
        self.props = {
            0x001a001f: class_, 0x0037001f: subject, 0x007d001f: headers,
            0x1000001f: text, 0x10090102: packed_rtf,
            0x1035001f: message_id, 0x0e070003:
            flags | (0x10 if attachments else 0),
            0x0e1b000b: int(bool(attachments)),
            0x0e080003: 1000 + sum(a.size for a in self.attachments)}
        self.props[0x10130102 if isinstance(html, bytes)
                   else 0x1013001f] = html
        for tag in (0x00390040, 0x0e060040, 0x30070040, 0x30080040):
            self.props[tag] = None if when is None else filetime(when)
        if sender is not None:
            self._sender(Person(*sender))
        self.props.update(props)

    def _sender(self, who):
        for name, kind, address, smtp in (
                (0x0042, 0x0064, 0x0065, 0x5d02),
                (0x0c1a, 0x0c1e, 0x0c1f, 0x5d01)):
            for id_, v in ((name, who.name), (kind, who.kind),
                           (address, who.address), (smtp, who.smtp)):
                self.props[id_ << 16 | UNICODE] = v


class Folder:
    """use: what Outlook knows it as, by id. declared: the number of items
    that it says it has. search: a search folder. parent: the folder that
    its node tells, other than the one it stands in."""

    def __init__(self, name, nid, use=None, kind="IPF.Note", declared=None,
                 search=False, parent=None, props=()):
        self.parent = parent
        self.name, self.nid, self.use, self.kind = name, nid, use, kind
        self.declared, self.search, self.props = declared, search, props
        self.folders, self.items, self.hidden = [], [], []

    def add(self, *messages):
        self.items += messages
        return self


class Pst:
    """password: its checksum stands in the store. heap_page, btree_most:
    as of Context; more of Ndb: per_x, per_sub, pieces, zipped. nids: of
    embedded messages from that number on (they may repeat others')."""

    def __init__(self, version=23, crypt=1, ost=False, password=None,
                 codepage=1252, key=KEY, heap_page=None, btree_most=MOST,
                 store=(), nids=None, **ndb):
        self.db = Ndb(version, crypt, **ndb)
        self.key, self.page, self.btree_most = key, heap_page, btree_most
        self.charset = "cp%d" % codepage
        self.names, self.next = {}, {2: 0x400, 4: 0x10000}
        self.nids = nids
        self.store = {0x0ff90102: key, 0x3001001f: "Outlook",
                      0x67ff0003: crc(password) if password else 0}
        if version < 23:
            self.store[0x66c30003] = codepage
        self.root = Folder("", 0x122)
        self.root.kind = None
        if ost:
            mailbox = self.folder("Root - Mailbox", self.root)
            for name in ("Root - Public", "~MAPISP(Internal)"):
                self.folder(name, self.root)
            for name in ("Finder", "Common Views", "Shortcuts", "Schedule"):
                self.folder(name, mailbox)
            self.ipm = self.folder("IPM_SUBTREE", mailbox)
        else:
            self.ipm = Folder("Top of Outlook data file", 0x8022)
            finder = Folder("Search Root", 0x8042)
            self.root.folders += [self.ipm, finder]
            self.store.update({0x35df0003: 0x89,
                               0x35e00102: self.entry(0x8022),
                               0x35e70102: self.entry(0x8042)})
        self.store.update(store)
        self.uses, self.placed = {}, {}  # placed: Message: its nid

    # --- What is in it -------------------------------------------------

    def entry(self, nid):
        """The id of a folder or message, as entry ids tell it."""
        return bytes(4) + self.key + struct.pack("<I", nid)

    def nid(self, kind):
        index = self.next.setdefault(kind, 0x10000)
        self.next[kind] += 1
        if self.next[kind] << 5 in (0x8020, 0x8040):
            self.next[kind] += 2
        return index << 5 | kind

    def folder(self, name, under=None, use=None, search=False, **how):
        f = Folder(name, self.nid(3 if search else 2), use, search=search,
                   **how)
        (under or self.ipm).folders.append(f)
        return f

    def _named(self, n):
        """The id of a named property in this file."""
        key = SETS.get(n.set, n.set), n.key
        return self.names.setdefault(key, 0x8000 + len(self.names))

    # --- Writing -------------------------------------------------------

    def _context(self, props=()):
        c = Context(self.db, self.charset, self.page, self.btree_most)
        for tag, value in dict(props).items():
            if value is not None:
                c.put(tag, value)
        return c

    def _table(self, tags, rows):
        return table(self.db, tags, [
            (i, {t: v for t, v in values.items() if v is not None})
            for i, values in rows], self.charset, self.page)

    def _people(self, m):
        rows = []
        for i, (kind, who) in enumerate(m.people):
            who = Person(*who)
            rows.append((i, {
                0x0c150003: kind, 0x0ffe0003: 6, 0x3001001f: who.name,
                0x3002001f: who.kind, 0x3003001f: who.address,
                0x39fe001f: who.smtp}))
        return (0x692, *self._table(PEOPLE, rows))

    def _attachment(self, a):
        """(its data, its sub-nodes)"""
        c = self._context(a.props)
        before = set(self.db.blocks)
        if a.message is not None:
            nid = (self.nids or 0x2000000) << 5 | 4
            self.nids = (nid >> 5) + 1
            c.put(0x3701000d, struct.pack("<II", nid, a.size))
            c.sub.append((nid, *self._message(a.message)))
        elif a.object is not None:
            nid = 0x300 << 5 | 0x1f
            c.put(0x3701000d, struct.pack("<II", nid, len(a.object)))
            c.sub.append((nid, self.db.data(a.object), 0))
        data, sub = c.write()
        if a.lost:
            for bid in set(self.db.blocks) - before - {data, sub}:
                self.db.lose(bid)
        return data, sub

    def _attachments(self, m, c):
        rows = []
        for i, a in enumerate(m.attachments):
            nid = 0x400 + i << 5 | 5
            if not a.untold:
                rows.append((nid, {
                    0x0e200003: a.size, 0x3704001f: a.props[0x3704001f],
                    0x37050003: a.method, 0x370b0003: -1}))
            if not a.gone:
                c.sub.append((nid, *self._attachment(a)))
        c.sub.append((0x671, *self._table(FILES, rows)))

    def loose(self, m):
        """A message without a node, as one that was deleted."""
        return self._message(m)

    def _message(self, m):
        c = self._context(m.props)
        for n in m.named:
            c.put(self._named(n) << 16 | n.type, n.value)
        if m.people:
            c.sub.append(self._people(m))
        if m.attachments:
            self._attachments(m, c)
        data, sub = c.write()
        if m.spoiled:
            self.db.spoil(data)
        if m.lost:
            self.db.lose(data)
        return data, sub

    def _items(self, folder, items, kind):
        rows = []
        for m in items:
            nid = self.nid(kind)
            self.placed[m] = nid
            if m.node:
                self.db.node(nid, *self._message(m), folder.nid)
            if m.row:
                rows.append((nid, {t: m.props.get(t) for t in ROWS}))
        return rows

    def _folder(self, f, parent):
        of_type = (f.nid & ~0x1f).__or__
        if f.use:
            self.uses[f.use] = f
        for child in f.folders:
            self._folder(child, f.nid)
        rows = self._items(f, f.items, 4)
        props = {0x3001001f: f.name, 0x36020003:
                 len(rows) if f.declared is None else f.declared,
                 0x36030003: 0, 0x360a000b: int(bool(f.folders)),
                 0x3613001f: f.kind, **dict(f.props)}
        f.context = self._context(props)
        f.above = f.parent.nid if f.parent else parent
        self.db.node(of_type(0x10 if f.search else 0x0e),
                     *self._table(ROWS, rows))
        if f.search:
            return
        self.db.node(of_type(0x0d), *self._table(FOLDERS, [
            (c.nid, {0x3001001f: c.name, 0x36020003: len(c.items),
                     0x36030003: 0, 0x360a000b: int(bool(c.folders))})
            for c in f.folders]))
        self.db.node(of_type(0x0f), *self._table(
            ROWS, self._items(f, f.hidden, 8)))

    def _uses(self):
        """The ids of special folders, on the store, the root and the
        Inbox; then every folder's properties."""
        ids = {use: self.entry(f.nid) for use, f in self.uses.items()}
        for use, id_ in OF_STORE.items():
            if use in ids:
                self.store[id_ << 16 | BINARY] = ids[use]
        for f in (self.root, self.uses.get("inbox")):
            if f is None or not ids:
                continue
            for use, id_ in OF_INBOX.items():
                if use in ids:
                    f.context.put(id_ << 16 | BINARY, ids[use])
            if "junk" in ids:
                f.context.put(0x36d80000 | BINARY | MULTIPLE,
                              [b"", b"", b"", b"", ids["junk"]])
        if "inbox" in ids:
            self.db.node(0x62b, *self._table(
                (0x001a001f, 0x66050102),
                [(1, {0x001a001f: "", 0x66050102: ids["inbox"]})]))

    def _folders_done(self, f):
        self.db.node(f.nid, *f.context.write(), f.above)
        for child in f.folders:
            self._folders_done(child)

    def _name_map(self):
        """[MS-PST] 2.4.7"""
        c, sets = Context(self.db), []
        entries, texts, buckets = b"", b"", {}
        for (set_, key), id_ in sorted(self.names.items(),
                                       key=lambda kv: kv[1]):
            if set_ == SETS["PUBLIC"]:
                number = 2
            else:
                if set_ not in sets:
                    sets.append(set_)
                number = 3 + sets.index(set_)
            first, hashed = key, key
            if isinstance(key, str):
                octets = key.encode("utf-16-le")
                first, hashed = len(texts), crc(octets)
                texts += struct.pack("<I", len(octets)) + octets
                texts += bytes(-len(texts) % 4)
            which = number << 1 | isinstance(key, str)
            entries += struct.pack("<IHH", first, which, id_ - 0x8000)
            bucket = 0x1000 + (hashed ^ which) % 251
            buckets[bucket] = buckets.get(bucket, b"") + struct.pack(
                "<IHH", hashed, which, id_ - 0x8000)
        c.put(0x00010003, 251)
        for id_, octets in ((2, b"".join(map(bytes.fromhex, sets))),
                            (3, entries), (4, texts), *buckets.items()):
            c.put(id_ << 16 | BINARY, octets)
        self.db.node(0x61, *c.write())

    def octets(self):
        self._folder(self.root, 0x122)
        self._uses()
        self._folders_done(self.root)
        # Other readers want at least one with a set of its own.
        self._named(Named("COMMON", 0x8580, LONG, 0))
        self._name_map()
        self.db.node(0x21, *self._context(self.store).write())
        return self.db.finish()

    def write(self, path):
        with open(path, "wb") as f:
            f.write(self.octets())
        return path
