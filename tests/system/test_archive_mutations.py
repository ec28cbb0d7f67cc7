# SPDX-License-Identifier: Apache-2.0
"""Damaged archives: 500 copies of each kind, each damaged in another way
(cut, bits flipped, blocks zeroed, swapped or doubled, octets put in or taken
out; always the same ones). The program neither crashes nor hangs nor takes
much memory, its parser does not crash either, and every message that stands
untouched is read as it is.
"""
import os
import random
import re
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import corpus, dump, packing
from harness.archive import FLAGS
from harness.corpus import plain, wire
from harness.mailbox import sha

COPIES = 500
PROCESSES = 2
SLOW_MS = 20_000    # of one small archive, on a machine with much to do
PEAK_KB = 48_000    # of either process
# What a parser that crashed leaves.
BROKEN = "broke down"

SMALL_KINDS = [k for k in corpus.KINDS if k.__name__ != "_big"]


def messages(seed, size=800):
    """Messages with LF line ends that end in one."""
    out = [m.octets for m in corpus.varied(24, seed, SMALL_KINDS)
           + plain(16, size, seed)]
    out = [packing.lf(o) for o in out]
    return [o if o.endswith(b"\n") else o + b"\n" for o in out]


# --- Damage --------------------------------------------------------------

class Damage:
    """A damaged copy; the first front octets and the last back octets are
    those of the original."""

    def __init__(self, what, octets, front, back):
        self.what, self.octets = what, octets
        self.front, self.back = front, back


def damage(octets, rng):
    what = rng.choice(("cut", "flip", "flip", "zero", "swap", "insert",
                       "delete", "double"))
    n = len(octets)
    at = rng.randrange(n)
    size = min(rng.choice((1, 7, 100, 600, 4096)), n - at)
    end = at + size
    if what == "cut":
        return Damage(what, octets[:at], at, 0)
    if what == "flip":
        size = min(size, 100)
        end = at + size
        some = bytearray(octets[at:end])
        for _ in range(rng.randrange(1, 9)):
            some[rng.randrange(size)] ^= 1 << rng.randrange(8)
        new = bytes(some)
    elif what == "zero":
        new = bytes(size)
    elif what == "swap":
        size = max(1, min(size, (n - at) // 2))
        end = at + 2 * size if at + 2 * size <= n else at
        new = octets[at + size:end] + octets[at:at + size] \
            if end > at else b""
    elif what == "insert":
        end = at
        new = bytes(rng.randrange(256) for _ in range(size))
    elif what == "delete":
        new = b""
    else:  # which of the two was there before can't be told
        new = octets[at:end] * 2
    return Damage(what, octets[:at] + new + octets[end:], at, n - end)


def copies(octets, seed, room, n=COPIES):
    """[(path, Damage)]"""
    rng = random.Random(seed)
    room.mkdir(exist_ok=True)
    out = []
    for i in range(n):
        d = damage(octets, rng)
        path = room / f"{i:03}"
        path.write_bytes(d.octets)
        out.append((path, d))
    return out


def read_all(paths, peak=PEAK_KB, option=""):
    """[Dump] of all, by several processes."""
    parts = [paths[i::PROCESSES] for i in range(PROCESSES)]
    with ThreadPoolExecutor(PROCESSES) as pool:
        done = list(pool.map(lambda part: dump.finish(
            dump.start(option), part, 360), parts))
    out = [None] * len(paths)
    for i, (dumps, peaks) in enumerate(done):
        out[i::PROCESSES] = dumps
        assert max(peaks) < peak, peaks
    for path, d in zip(paths, out):
        assert d.code in (0, 65), path
        assert d.ms < SLOW_MS, (path, d.ms)
        assert not any(BROKEN in m.hole for m in d.holes), (path, d)
    return out


def check(made, wanted, invent=True):
    """wanted(damage): Counter of the sums that must be there. invent: what
    is damaged may give octets that no message had."""
    failed, whole = [], wanted(Damage("none", b"", 1 << 60, 0))
    for (path, damaged), d in zip(made, read_all([p for p, _ in made])):
        lost = wanted(damaged) - d.sums
        # A block that stands there twice may hold messages.
        new = set() if invent else set(d.sums) - set(whole)
        if lost or new:
            failed.append((path.name, damaged.what, damaged.front,
                           damaged.back, sum(lost.values()), len(new)))
        path.unlink()
    assert not failed, (len(failed), failed[:20])
    return whole


def inside(spans, total):
    """wanted() for [(start, end, sum)]: those wholly in front of the damage
    or behind it."""
    def wanted(d):
        back = total - d.back if d.back else 1 << 60
        return Counter(digest for start, end, digest in spans
                       if end <= d.front or start >= back)
    return wanted


# --- Kinds ---------------------------------------------------------------

def spans_of_mbox(octets, wires):
    """From each From line to behind the next one, which ends it; with the
    empty line before."""
    marks = [m.start() for m in re.finditer(
        rb"(?m)^From \S+ \w{3} \w{3} +\d+ [\d:]+ (\+0000 )?\d{4}\r?\n",
        octets)]
    assert len(marks) == len(wires)
    ends = [m + 300 for m in marks[1:]] + [len(octets)]
    return [(max(0, mark - 4), min(end, len(octets)), sha(w))
            for mark, end, w in zip(marks, ends, wires)]


def test_mbox(tmp_path):
    mail = messages(81)
    octets = packing.mbox(mail)
    spans = spans_of_mbox(octets, [wire(m) for m in mail])
    assert sum(check(copies(octets, 81, tmp_path / "m"), inside(
        spans, len(octets))).values()) == len(mail)


def test_large_mbox(tmp_path):
    """Larger than what is looked at in one piece."""
    mail = messages(82, 60_000)
    octets = packing.mbox(mail)
    assert len(octets) > 900_000
    spans = spans_of_mbox(octets, [wire(m) for m in mail])
    check(copies(octets, 82, tmp_path / "m", 200),
          inside(spans, len(octets)))


def test_takeout(tmp_path):
    mail = messages(83)
    labels = ("Inbox", "Inbox,Unread", "Work,Starred", "Sent")
    octets = packing.takeout([(m, labels[i % 4])
                              for i, m in enumerate(mail)])
    spans = spans_of_mbox(octets, [
        wire(packing.labelled(m, labels[i % 4], i))
        for i, m in enumerate(mail)])
    check(copies(octets, 83, tmp_path / "t"), inside(spans, len(octets)))


def test_zip(tmp_path):
    """Each entry has a sum: what is damaged is never given as whole."""
    mail = messages(84)
    octets = packing.zipped(packing.emls(mail))
    marks = [m.start() for m in re.finditer(b"PK\3\4", octets)]
    assert len(marks) == len(mail)
    ends = marks[1:] + [octets.index(b"PK\1\2")]
    check(copies(octets, 84, tmp_path / "z"), inside(
        [(start, end, sha(wire(m))) for start, end, m in zip(
            marks, ends, mail)], len(octets)), invent=False)


def test_tar(tmp_path):
    mail = messages(85)
    octets = packing.tarred(packing.emls(mail))
    spans, at = [], 0
    for m in mail:
        size = 512 + (len(m) + 511) // 512 * 512
        spans.append((at, at + size, sha(wire(m))))
        at += size
    there = inside(spans, len(octets))
    # Of a tar the first header says that it is one.
    check(copies(octets, 85, tmp_path / "t"),
          lambda d: there(d) if d.front >= 512 else Counter())


def before(packed, spans):
    """wanted() for what was packed with zlib: what stands before the place
    that the untouched octets reach to."""
    def wanted(d):
        reached = len(zlib.decompressobj(31).decompress(packed[:d.front]))
        if d.front < len(packed):
            reached -= 1  # a wrong sum leaves the last message in doubt
        return Counter(digest for _, end, digest in spans
                       if end <= reached)
    return wanted


def test_tgz(tmp_path):
    mail = messages(86)
    plain_tar = packing.tarred(packing.emls(mail))
    octets, spans, at = packing.gzipped(plain_tar), [], 0
    for m in mail:
        size = 512 + (len(m) + 511) // 512 * 512
        spans.append((at, at + size, sha(wire(m))))
        at += size
    check(copies(octets, 86, tmp_path / "t"), before(octets, spans))


def test_gz(tmp_path):
    # What zlib makes of damage may look like an mbox that quotes nothing.
    mail = [m for m in messages(87) if b"\nFrom " not in m]
    box = packing.mbox(mail)
    octets = packing.gzipped(box)
    check(copies(octets, 87, tmp_path / "g"), before(
        octets, spans_of_mbox(box, [wire(m) for m in mail])))


def test_7z(tmp_path):
    """Its directory is its end: of a damaged one often nothing is left, but
    never something wrong."""
    mail = messages(88)
    octets = packing.seven_zip(
        tmp_path / "a.7z", packing.emls(mail)).read_bytes()
    whole = Counter(sha(wire(m)) for m in mail)
    check(copies(octets, 88, tmp_path / "7"),
          lambda d: whole if d.front > len(octets) else Counter(),
          invent=False)


def test_zip_in_zip(tmp_path):
    mail = messages(89)[:12]
    inner = packing.zipped(packing.emls(mail))
    octets = packing.zipped({"in.zip": inner}, method=0)
    read_all([p for p, _ in copies(octets, 89, tmp_path / "n", 200)])


def test_emlx(tmp_path):
    """One folder of 500 damaged files, and 40 whole ones between them."""
    rng, mail = random.Random(90), messages(90)
    room = tmp_path / "Inbox.mbox" / "Messages"
    room.mkdir(parents=True)
    for i in range(COPIES):
        octets = packing.emlx(mail[i % len(mail)])
        (room / f"{i}.emlx").write_bytes(damage(octets, rng).octets)
    for i, m in enumerate(mail):
        (room / f"{1000 + i * 3}.emlx").write_bytes(packing.emlx(m))
    d, = read_all([tmp_path], PEAK_KB)
    assert not Counter(sha(wire(m)) for m in mail) - d.sums
    # Nothing is passed over in silence.
    assert len(d.messages) + len(d.others) == COPIES + len(mail)


def test_eml(tmp_path):
    rng, mail = random.Random(91), messages(91)
    for i in range(COPIES):
        folder = tmp_path / f"{i % 7}"
        folder.mkdir(exist_ok=True)
        (folder / f"{i}.eml").write_bytes(damage(
            mail[i % len(mail)], rng).octets)
    packing.tree(tmp_path / "whole", packing.emls(mail))
    d, = read_all([tmp_path])
    assert not Counter(sha(wire(m)) for m in mail) - d.sums
    assert len(d.messages) + len(d.others) == COPIES + len(mail)


def odd_name(rng, name):
    """Any octets but those that no name of a file may have."""
    octets = bytearray(damage(name.encode(), rng).octets) or bytearray(b"x")
    for i, c in enumerate(octets):
        if c in b"\0/":
            octets[i] = 0xff
    return bytes(octets[:200])


def test_maildir(tmp_path):
    """Names and dovecot-keywords are damaged, the messages are not: each is
    read, or, where the name makes it none of the Maildir's, told."""
    rng, mail = random.Random(92), messages(92)[:10]
    words = b"0 $Forwarded\n1 invoice\n2 Gr\xc3\xbc\xc3\x9fe\n25 z\n"
    count = 0
    for k in range(25):
        where = os.fsencode(tmp_path) + b"/md" + (
            b"/." + odd_name(rng, "Work.Gr&APYA3w-e.2024") if k else b"")
        if os.path.exists(where + b"/cur"):
            continue
        os.makedirs(where + b"/cur")
        os.makedirs(where + b"/new")
        with open(where + b"/dovecot-keywords", "wb") as f:
            f.write(damage(words, rng).octets)
        for i in range(COPIES // 25):
            name = b"%02d" % i + odd_name(
                rng, "1500000000.M1.host,S=400:2,FSab")
            with open(where + b"/cur/" + name, "wb") as f:
                f.write(mail[i % len(mail)])
    for _, _, names in os.walk(os.fsencode(tmp_path)):
        count += len([n for n in names if n != b"dovecot-keywords"])
    d, = read_all([tmp_path / "md"])
    told = [o for o in d.others if not o[0].endswith("dovecot-keywords")]
    assert len(d.messages) + len(told) == count > 400
    assert set(d.sums) <= {sha(wire(m)) for m in mail}
    assert len(d.good) > count - 20
    assert all(f in FLAGS.values() or f == "\\Deleted"
               for m in d.messages for f in m.flags)
    assert len({(m.folder, m.uid) for m in d.messages}) == len(d.messages)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(1, 11))
def test_more_of_them(seed, tmp_path):
    """The same again with other damage."""
    mail = messages(100 + seed)
    box, files = packing.mbox(mail), packing.emls(mail)
    spans = spans_of_mbox(box, [wire(m) for m in mail])
    check(copies(box, seed, tmp_path / "m"), inside(spans, len(box)))
    packed = packing.gzipped(box)
    check(copies(packed, seed, tmp_path / "g"), before(packed, spans))
    for octets in (packing.zipped(files), packing.tarred(files),
                   packing.gzipped(packing.tarred(files))):
        read_all([p for p, _ in copies(octets, seed, tmp_path / "p")])
