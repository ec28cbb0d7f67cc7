# SPDX-License-Identifier: Apache-2.0
"""Writes lists, tables and properties into an Ndb ([MS-PST] 2.3).

    pc = Context(db, codepage=1252)
    pc.put(0x0037001f, "a text")     by tag: id << 16 | type
    data, sub = pc.write()
    data, sub = table(db, tags, [(row id, {tag: value})])

Values: int (also of times: 100 ns since 1601), str, bytes, float, a list
for multiple values, Raw for a fault. Texts are written as 8-bit ones into
ANSI files.
"""
import struct
from collections import namedtuple

SHORT, LONG, FLOAT, DOUBLE, CURRENCY, APPTIME = 2, 3, 4, 5, 6, 7
ERROR, BOOLEAN, OBJECT, I8, STRING8, UNICODE = 0xa, 0xb, 0xd, 0x14, 0x1e, 0x1f
TIME, GUID, BINARY, MULTIPLE = 0x40, 0x48, 0x102, 0x1000

SMALL = {SHORT: "<hxx", LONG: "<i", FLOAT: "<f", BOOLEAN: "<B3x",
         ERROR: "<i"}
WIDE = {DOUBLE: "<d", CURRENCY: "<q", APPTIME: "<d", I8: "<q", TIME: "<q"}
WIDTH = {SHORT: 2, BOOLEAN: 1, DOUBLE: 8, CURRENCY: 8, APPTIME: 8, I8: 8,
         TIME: 8}
MOST = 3580  # octets of a heap's item
LTP = 0x1f

# A property as it stands: any type, any number in the place of its value.
Raw = namedtuple("Raw", "type number")


def inline(type_, v):
    return struct.pack(SMALL[type_], v if type_ == BOOLEAN else _signed(v))


def _signed(v):
    return v - (1 << 32) if v >= 1 << 31 else v


def octets_of(type_, v, codepage):
    """What stands in the heap."""
    if type_ & MULTIPLE and not isinstance(v, bytes):
        return _several(type_ & ~MULTIPLE, v, codepage)
    if type_ in WIDE:
        return struct.pack(WIDE[type_], v)
    if type_ == UNICODE and isinstance(v, str):
        return v.encode("utf-16-le")
    if type_ == STRING8 and isinstance(v, str):
        return v.encode(codepage, "replace")
    return bytes(v)


def _several(type_, values, codepage):
    if type_ in (SHORT, LONG, FLOAT):
        return b"".join(inline(type_, v)[:WIDTH.get(type_, 4)]
                        for v in values)
    parts = [octets_of(type_, v, codepage) for v in values]
    if type_ in WIDE or type_ == GUID:
        return b"".join(parts)
    at, out = 4 + 4 * len(parts), struct.pack("<I", len(parts))
    for part in parts:
        out += struct.pack("<I", at)
        at += len(part)
    return out + b"".join(parts)


def of_ansi(tag):
    """The tag in an ANSI file."""
    if tag & ~MULTIPLE & 0xffff == UNICODE:
        return tag & ~1
    return tag


class Heap:
    """A heap on a node ([MS-PST] 2.3.1). page: octets of a block at most;
    less than the form's makes heaps of many blocks."""

    def __init__(self, db, client, page=None):
        self.db, self.client, self.root = db, client, 0
        self.page = page or db.form.largest
        self.pages, self.used = [[]], [12]

    def add(self, octets):
        assert len(octets) <= MOST
        n = len(self.pages[-1])
        if n and self.used[-1] + len(octets) + 2 * n + 10 > self.page:
            number = len(self.pages)
            self.pages.append([])
            self.used.append(66 if number % 128 == 8 else 2)
        self.pages[-1].append(octets)
        self.used[-1] += len(octets)
        bits = 19 if self.db.form.four_k else 16
        return len(self.pages) - 1 << bits | len(self.pages[-1]) << 5

    def write(self):
        """The bid of its octets."""
        out = []
        for number, items in enumerate(self.pages):
            head = 12 if not number else 66 if number % 128 == 8 else 2
            at, places = head, []
            for item in items:
                places.append(at)
                at += len(item)
            places.append(at)
            pad = at & 1
            head = struct.pack("<H", at + pad) + bytes(head - 2)
            if not number:
                head = struct.pack("<HBBII", at + pad, 0xec, self.client,
                                   self.root, 0)
            out.append(head + b"".join(items) + bytes(pad) + struct.pack(
                f"<HH{len(places)}H", len(items), 0, *places))
        return self.db.tree(out)


def btree(heap, key, value, records, most=MOST):
    """A BTH ([MS-PST] 2.3.2) of [(key, octets)]; the HID of its header."""
    if not records:
        return heap.add(struct.pack("<BBBBI", 0xb5, key, value, 0, 0))
    records = sorted(records)
    shape = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}[key]
    level, per = 0, most // (key + value)
    while True:
        found = []
        for i in range(0, len(records), per):
            some = records[i:i + per]
            found.append((some[0][0], heap.add(b"".join(
                struct.pack(shape, k) + v for k, v in some))))
        if len(found) == 1:
            break
        records = [(k, struct.pack("<I", hid)) for k, hid in found]
        level, per = level + 1, most // (key + 4)
    return heap.add(struct.pack("<BBBBI", 0xb5, key, value, level,
                                found[0][1]))


class Context:
    """A property context ([MS-PST] 2.3.3). sub: further sub-nodes."""

    def __init__(self, db, codepage="cp1252", page=None, btree_most=MOST):
        self.db, self.codepage, self.page = db, codepage, page
        self.btree_most = btree_most
        self.props, self.sub, self.long = {}, [], 0

    def put(self, tag, value):
        if self.db.form.ansi and not isinstance(value, Raw):
            tag = of_ansi(tag)
        self.props[tag >> 16] = tag & 0xffff, value

    def get(self, id_):
        return self.props.get(id_, (0, None))[1]

    def _value(self, heap, type_, v):
        """(type, the four octets of its place)"""
        if isinstance(v, Raw):
            return v.type, struct.pack("<I", v.number)
        if type_ in SMALL:
            return type_, inline(type_, v)
        octets = octets_of(type_, v, self.codepage)
        if not octets:
            return type_, bytes(4)
        if len(octets) <= MOST:
            return type_, struct.pack("<I", heap.add(octets))
        self.long += 1
        nid = 0x400 + self.long << 5 | LTP
        self.sub.append((nid, self.db.data(octets), 0))
        return type_, struct.pack("<I", nid)

    def write(self):
        heap = Heap(self.db, 0xbc, self.page)
        records = []
        for id_, (type_, v) in sorted(self.props.items()):
            type_, place = self._value(heap, type_, v)
            records.append((id_, struct.pack("<H", type_) + place))
        heap.root = btree(heap, 2, 6, records, self.btree_most)
        return heap.write(), self.db.subnodes(self.sub)


def _layout(tags):
    """{tag: (offset, size, bit)} and the ends of 4, 2, 1 octets, of row."""
    tags = [0x67f20003, 0x67f30003] + sorted(
        set(tags) - {0x67f20003, 0x67f30003})
    size = {t: WIDTH.get(t & 0xffff, 4) for t in tags}
    order = [t for t in tags if size[t] >= 4]
    order += [t for t in tags if size[t] == 2]
    order += [t for t in tags if size[t] == 1]
    where, at, ends = {}, 0, [0, 0, 0]
    for bit, t in enumerate(order):
        where[t] = at, size[t], bit
        at += size[t]
        if size[t] >= 4:
            ends[0] = at
        if size[t] >= 2:
            ends[1] = at
        ends[2] = at
    return where, ends + [at + (len(order) + 7) // 8]


class _Rows:
    def __init__(self, db, heap, tags, codepage):
        self.db, self.heap, self.codepage = db, heap, codepage
        self.where, self.ends = _layout(tags)
        self.sub, self.long = [], 0

    def _cell(self, tag, v):
        type_ = tag & 0xffff
        if type_ in SMALL:
            return inline(type_, v)[:WIDTH.get(type_, 4)]
        octets = octets_of(type_, v, self.codepage)
        if type_ in WIDE:
            return octets
        if not octets:
            return bytes(4)
        if len(octets) <= MOST:
            return struct.pack("<I", self.heap.add(octets))
        self.long += 1
        nid = 0x800 + self.long << 5 | LTP
        self.sub.append((nid, self.db.data(octets), 0))
        return struct.pack("<I", nid)

    def row(self, number, ident, values):
        out = bytearray(self.ends[3])
        values = {0x67f20003: ident, 0x67f30003: number + 1, **values}
        for tag, v in values.items():
            tag = of_ansi(tag) if self.db.form.ansi else tag
            at, size, bit = self.where[tag]
            out[at:at + size] = self._cell(tag, v)
            out[self.ends[2] + bit // 8] |= 0x80 >> bit % 8
        return bytes(out)

    def matrix(self, rows):
        """The HID or nid of the rows."""
        octets = b"".join(rows)
        if len(octets) <= MOST:
            return self.heap.add(octets) if rows else 0
        full = self.db.form.largest
        per, blocks = full // self.ends[3], []
        for i in range(0, len(rows), per):
            some = b"".join(rows[i:i + per])
            blocks.append(some if i + per >= len(rows)
                          else some.ljust(full, b"\0"))
        nid = 0x400 << 5 | LTP
        self.sub.append((nid, self.db.tree(blocks), 0))
        return nid


def table(db, tags, rows, codepage="cp1252", page=None):
    """A table context ([MS-PST] 2.3.4); (data, sub). rows: [(row id,
    {tag: value})]"""
    heap = Heap(db, 0x7c, page)
    if db.form.ansi:
        tags = [of_ansi(t) for t in tags]
    made = _Rows(db, heap, tags, codepage)
    octets = [made.row(i, *row) for i, row in enumerate(rows)]
    index = btree(heap, 4, 2 if db.form.ansi else 4, [
        (row[0], struct.pack("<H" if db.form.ansi else "<I", i))
        for i, row in enumerate(rows)])
    matrix = made.matrix(octets)
    columns = sorted((t, *v) for t, v in made.where.items())
    heap.root = heap.add(
        struct.pack("<BB4HIII", 0x7c, len(columns), *made.ends, index,
                    matrix, 0)
        + b"".join(struct.pack("<IHBB", *c) for c in columns))
    return heap.write(), db.subnodes(made.sub)
