# SPDX-License-Identifier: Apache-2.0
"""Writes the lowest layer of PST and OST files ([MS-PST] 2.2): a header,
two trees of pages, blocks. pst_make is what tests use.

    db = Ndb(version=23, crypt=1)
    bid = db.data(b"any number of octets")
    db.node(0x21, bid, sub=0, parent=0)
    octets = db.finish()

version: 14, 15 (ANSI), 23 (Unicode), 36, 37 (pages of 4 kB, zlib blocks).
"""
import base64
import struct
import zlib

# The first two thirds of [MS-PST] 5.1; the last is the first inverted.
TABLES = base64.b64decode(
    "QTYTYqghbrv0FswEf2ToXR7yyyp0xV410pVHnpYtmohMfYQ/26wxtkhf9sTYOYvnIzs4js"
    "jB3yWxIKVGYE6c+6rTVlFFfFUAB8krnYWbCaCPrbMPY6uJS9enFVpxZkK/JkprmPrqd1Oy"
    "cAUs/Vk6hn7OBuuCeFfHjUOvtBzUW83i6SdPwwhygM+w7/Uobb4wTTSS1Q48IjLl5Pmfwt"
    "EKgRLh7pGDduOX5mGKF3mkt9yQelyMAqbKad5QGhGTuVKHWPztHTdJG2rgKTOZvWzZlPNA"
    "VG/wxnO41j5lGEQf3WcQ8QwZ7K4DoRR7qQv/+KPAogH3LrwkaHUN/rovtdDaPRRTD1azyH"
    "qc62VIFxYVnwLMVHyDAA0MC6JiqHbb2e3HxaTcrIV01tCnm66alnFmw2OZuN1zko6EfaVe"
    "0V2TsVdRUICJUpRPTgprvI1/bkdGQUBEARHLAz/39OGpjzw6+fvwGTCCCS7JnaCGSe5vTW"
    "3ELYE0JYcbiKr8BqESOP1MQnJkEzckanV3Q//mtEs2XOTYNT1FuSzstzErKQdoow5pexie"
    "ITm+KBpbePUjyiqwrz7+BIzn5ZgyldP2Suim6unz1S9wIPIfBWetVRDOzeMnO9q618Im1J"
    "Ed0hwiM/j68Vrvz5C2i7W9wL8Ilx5s4mHgxsFZq7tY3l/fYHl+soo=")
ENCODE, MIDDLE = TABLES[:256], TABLES[256:]
DECODE = bytes(ENCODE.index(i) for i in range(256))
WIP = 0x10
NBT, BBT, AMAP, PMAP = 0x81, 0x80, 0x84, 0x83


def crc(octets):
    """[MS-PST] 5.3"""
    return zlib.crc32(octets, 0xffffffff) ^ 0xffffffff


def signature(at, ident):
    """[MS-PST] 5.5"""
    v = (at ^ ident) & 0xffffffff
    return (v >> 16 ^ v) & 0xffff


def cyclic(octets, key):
    """[MS-PST] 5.2; there and back."""
    w = (key ^ key >> 16) & 0xffff
    out = bytearray(octets)
    for i, b in enumerate(out):
        low, high = w & 255, w >> 8
        b = ENCODE[b + low & 255]
        b = MIDDLE[b + high & 255]
        out[i] = DECODE[b - high & 255] - low & 255
        w = w + 1 & 0xffff
    return bytes(out)


class Form:
    """What differs between the versions."""

    def __init__(self, version):
        self.version = version
        self.ansi = version < 23
        self.four_k = version >= 36
        self.word = "I" if self.ansi else "Q"
        self.page = 4096 if self.four_k else 512
        self.entries = {True: 496, False: 488}[self.ansi]
        if self.four_k:
            self.entries = 4056
        self.align = 512 if self.four_k else 64
        self.tail = 12 if self.ansi else 24 if self.four_k else 16
        self.largest = (65536 if self.four_k else 8192) - self.tail
        self.first = 0x25000 if self.four_k else 0x4800


class Ndb:
    """per_x, per_sub: entries of an XBLOCK or SLBLOCK at most, fewer than
    real ones have, so that small files have deep trees. pieces: octets of
    a block of a long value. zipped: blocks of 4k files are compressed.
    compact: no maps of free room, nor the room that they would have.
    spread: pages of the trees stand among the blocks, as in files that have
    grown, each after so many octets; else at the end."""

    def __init__(self, version=23, crypt=1, per_x=None, per_sub=None,
                 pieces=None, zipped=True, compact=False, spread=0):
        self.form = f = Form(version)
        self.crypt, self.compact = crypt, compact
        word = struct.calcsize("<" + f.word)
        self.per_x = per_x or (f.largest - 8) // word
        self.per_sub = per_sub or (f.largest - 8) // (3 * word)
        self.pieces = pieces or f.largest
        self.zipped = zipped and f.four_k
        self.out = bytearray(4096 if compact else f.first)
        self.spread, self.kept, self.turn = spread, {NBT: [], BBT: []}, 0
        self.blocks, self.nodes = {}, {}  # bid: ..., nid: ...
        self.leaves = {NBT: [], BBT: []}  # offsets of pages
        self.places = {}  # bid: (offset, octets), also of lost ones
        self.next_block, self.next_page = 4, 4

    # --- Blocks --------------------------------------------------------

    def _room(self, n, align):
        """The offset of n octets, where no map stands."""
        at = -(-len(self.out) // align) * align
        if not self.form.four_k and not self.compact:
            step = 253952
            k, inside = divmod(at - 0x4400, step)
            if inside < 512 * (1 + (k % 8 == 0)):
                at = 0x4400 + k * step + 512 * (1 + (k % 8 == 0))
            elif inside + n > step:
                at = 0x4400 + (k + 1) * step
                at += 512 * (1 + ((k + 1) % 8 == 0))
        self.out += bytes(at + n - len(self.out))
        return at

    def _keep_page(self):
        """Room for a page, for each tree by turns."""
        if self.spread and len(self.out) > self.turn:
            kind = NBT if len(self.kept[NBT]) <= len(self.kept[BBT]) else BBT
            self.kept[kind].append(self._room(self.form.page,
                                              self.form.page))
            self.turn = len(self.out) + self.spread

    def _coded(self, octets, bid):
        if self.crypt == 1:
            return octets.translate(ENCODE)
        return cyclic(octets, bid & 0xffffffff) if self.crypt == 2 \
            else octets

    def block(self, octets, inner=False):
        """A block; gives back its bid. inner: of a tree, not of data."""
        f = self.form
        assert len(octets) <= f.largest
        self._keep_page()
        bid = self.next_block | (2 if inner else 0)
        self.next_block += 4
        size = len(octets)
        if not inner:
            octets = self._coded(octets, bid)
        if self.zipped and size > 32:
            small = zlib.compress(octets)
            octets = small if len(small) < size else octets
        n, total = len(octets), -(-(len(octets) + f.tail) // f.align)
        at = self._room(total * f.align, f.align)
        tail = [n, signature(at, bid)]
        tail += [bid, crc(octets)] if f.ansi else [crc(octets), bid]
        tail = struct.pack("<HHII" if f.ansi else "<HHIQ", *tail)
        if f.four_k:
            tail += struct.pack("<HHI", 2, size, 0)
        end = at + total * f.align
        self.out[at:at + n] = octets
        self.out[end - len(tail):end] = tail
        self.blocks[bid] = at, n, size
        self.places[bid] = at, n
        return bid

    def tree(self, pieces):
        """The bid of blocks that follow on each other."""
        if len(pieces) < 2:
            return self.block(pieces[0]) if pieces else 0
        found = [(self.block(p), len(p)) for p in pieces]
        for level in (1, 2):
            found = [self._x(found[i:i + self.per_x], level)
                     for i in range(0, len(found), self.per_x)]
            if len(found) == 1:
                return found[0][0]
        raise ValueError("too long for an XXBLOCK")

    def _x(self, found, level):
        size = sum(n for _, n in found)
        return self.block(
            struct.pack("<BBHI", 1, level, len(found), size)
            + b"".join(struct.pack("<" + self.form.word, bid)
                       for bid, _ in found), True), size

    def data(self, octets):
        return self.tree([octets[i:i + self.pieces]
                          for i in range(0, len(octets), self.pieces)])

    def subnodes(self, entries):
        """[(nid, bid, bid of its sub-nodes)]; the bid of their tree."""
        if not entries:
            return 0
        w, pad = self.form.word, "" if self.form.ansi else "4x"
        entries, found = sorted(entries), []
        for i in range(0, len(entries), self.per_sub):
            some = entries[i:i + self.per_sub]
            found.append((some[0][0], self.block(
                struct.pack("<BBH" + pad, 2, 0, len(some)) + b"".join(
                    struct.pack("<3" + w, *e) for e in some), True)))
        if len(found) == 1:
            return found[0][1]
        return self.block(
            struct.pack("<BBH" + pad, 2, 1, len(found)) + b"".join(
                struct.pack("<2" + w, *e) for e in found), True)

    def node(self, nid, data, sub=0, parent=0):
        self.nodes[nid] = data, sub, parent

    # --- Faults --------------------------------------------------------

    def lose(self, bid):
        """The tree of blocks knows nothing of it, and it is zeros."""
        del self.blocks[bid]
        at, n = self.places[bid]
        self.out[at:at + n] = bytes(n)
        end = -(-(at + n + self.form.tail) // self.form.align) \
            * self.form.align
        self.out[end - self.form.tail:end] = bytes(self.form.tail)

    def spoil(self, bid):
        """Its checksum does not fit."""
        at, n = self.places[bid]
        end = -(-(at + n + self.form.tail) // self.form.align) \
            * self.form.align
        self.out[end - self.form.tail + (8 if self.form.ansi else 4)] ^= 1

    # --- Pages ---------------------------------------------------------

    def _page(self, octets, kind):
        f = self.form
        ident = self.next_page
        self.next_page += 4
        if self.kept[kind]:
            at = self.kept[kind].pop(0)
        else:
            at = self._room(f.page, f.page)
        size = f.page - (12 if f.ansi else 24 if f.four_k else 16)
        body = octets.ljust(size, b"\0")
        self.out[at:at + f.page] = self._trailed(
            body, kind, signature(at, ident), ident)
        return ident, at

    def _trailed(self, body, kind, sig, ident):
        f, head = self.form, struct.pack("<BBH", kind, kind, sig)
        if f.ansi:
            return body + head + struct.pack("<II", ident, crc(body))
        return body + head + struct.pack("<IQ", crc(body), ident) \
            + (struct.pack("<Q", 1) if f.four_k else b"")

    def _btree(self, kind, size, entries):
        """[(key, octets)]; (bid, offset) of its root."""
        f, level = self.form, 0
        while True:
            most, found = f.entries // size, []
            for i in range(0, len(entries) or 1, most):
                some = entries[i:i + most]
                body = b"".join(e for _, e in some).ljust(f.entries, b"\0")
                body += struct.pack("<HHBB" if f.four_k else "<BBBB",
                                    len(some), most, size, level)
                key = some[0][0] if some else 0
                found.append((key, self._page(body, kind)))
                if not level:
                    self.leaves[kind].append(found[-1][1][1])
            if len(found) == 1:
                return found[0][1]
            entries = [(key, struct.pack("<3" + f.word, key, bid, at))
                       for key, (bid, at) in found]
            size, level = struct.calcsize("<3" + f.word), level + 1

    def _trees(self):
        f = self.form
        if f.ansi:
            nodes, blocks = "<IIII", "<IIHH"
        else:
            nodes, blocks = "<QQQI4x", "<QQHHI"
        of_nodes = [(n, struct.pack(nodes, n, *v))
                    for n, v in sorted(self.nodes.items())]
        of_blocks = []
        for bid, (at, n, size) in sorted(self.blocks.items()):
            last = [2] if f.ansi else [size, 2] if f.four_k else [2, 0]
            of_blocks.append((bid, struct.pack(blocks, bid, at, n, *last)))
        return (self._btree(NBT, struct.calcsize(nodes), of_nodes),
                self._btree(BBT, struct.calcsize(blocks), of_blocks))

    def _maps(self):
        """Everything is taken; pads the file to its end."""
        if self.form.four_k or self.compact:
            self.out += bytes(-len(self.out) % self.form.page)
            return self.form.first & ~0xfff
        step, at = 253952, 0x4400
        self.out += bytes(-(len(self.out) - at) % step)
        full = b"\xff" * (496 + 4 * self.form.ansi)
        if self.form.ansi:
            full = bytes(4) + full[4:]
        for at in range(at, len(self.out), step):
            for kind, where in ((AMAP, at), (PMAP, at + 512)):
                if kind == AMAP or (at - 0x4400) // step % 8 == 0:
                    self.out[where:where + 512] = self._trailed(
                        full, kind, 0, where)
        return at

    # --- Header --------------------------------------------------------

    def finish(self):
        """The octets of the file."""
        nodes, blocks = self._trees()
        last = self._maps()
        root = [0, len(self.out), last, 0, 0, *nodes, *blocks, 2, 0, 0]
        f = self.form
        root = struct.pack("<I8%sBBH" % f.word, *root)
        head = struct.pack("<2sHHBBII", b"SO" if f.four_k else b"SM",
                           f.version, 12 if f.four_k else 19, 1, 1, 0, 0)
        counts = struct.pack("<32I", *[0x10000] * 32)
        free = b"\xff" * 128
        if f.ansi:
            head += struct.pack("<III", self.next_block, self.next_page, 1)
            head += counts + root + free * 2
            head += struct.pack("<BB50x", 0x80, self.crypt)
        else:
            head += struct.pack("<QQI", 0, self.next_page, 1)
            head += counts + bytes(8) + root + bytes(4) + free * 2
            head += struct.pack("<BB2xQ", 0x80, self.crypt, self.next_block)
        head = b"!BDN" + struct.pack("<I", crc(head[:471])) + head
        if not f.ansi:
            head += struct.pack("<I", crc(head[8:524]))
        self.out[:len(head)] = head
        return bytes(self.out)
