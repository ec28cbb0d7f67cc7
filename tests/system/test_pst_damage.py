# SPDX-License-Identifier: Apache-2.0
"""Damaged PST and OST files: cut anywhere, their header gone, pages and
blocks zeroed, swapped or changed. The program neither crashes nor hangs, its
parser does not crash either, and everything that can be reached is read.
"""
import os
import pathlib
import random
import shutil
from collections import Counter

import pytest

from harness import dump, pst_oracle, pst_read
from harness.pst_make import File, Message, Pst, embedded, lzfu, rtf
from harness.pst_ndb import BBT, NBT
from test_archive_mutations import read_all

SHARED = pathlib.Path(os.environ.get("MAILHAUL_SHARED", os.path.join(
    dump.program.ROOT, os.pardir, "shared"))) / "corpora" / "pst" / "npm"
OST = SHARED / "mtnman1965@outlook.com.ost"
ENRON = SHARED / "enron.pst"
# What is no mail, but an item.
KINDS = {"a contact", "an appointment", "a task", "a note",
         "a journal entry", "a distribution list"}
SHARES = (5, 15, 25, 35, 45, 55, 65, 75, 85, 95)
# Sanitizers want memory of their own.
PEAK_KB = 64_000 * (4 if any(
    name.endswith("SAN_OPTIONS") for name in os.environ) else 1)


def found(d):
    """Messages and items that could be read."""
    return len(d.good) + sum(what in KINDS for _, what in d.others)


def made(version=23, crypt=1, n=80):
    """A file whose messages and trees lie all over it."""
    p = Pst(version=version, crypt=crypt,
            spread=40_000 if version > 23 else 6_000)
    folders = [p.folder("Inbox", use="inbox"), p.folder("Work"),
               p.folder("Sent", use="sent")]
    for i in range(n):
        m = Message(f"n {i}", text=f"text {i} " * (i % 40),
                    to=[("Bob", "bob@example.com")], attachments=[
                        File(f"{i}.bin", bytes([i % 256]) * 9000)] * (i % 3))
        if i % 10 == 0:
            m.attachments.append(embedded(Message("in", packed_rtf=lzfu(
                rtf("inner")))))
        folders[i % 3].add(m)
    return p


def cuts(path, room, whole):
    """{percent kept: found}; all of them are told as what they are."""
    room.mkdir()
    octets, paths = path.read_bytes(), {}
    for share in SHARES:
        name = room / f"{share}{path.suffix}"
        name.write_bytes(octets[:len(octets) * share // 100])
        paths[share] = name
    done = dict(zip(SHARES, read_all(list(paths.values()), PEAK_KB)))
    for share, d in done.items():
        assert d.error or d.holes, (share, d)
        assert not d.sums - whole.sums or share, share
    shutil.rmtree(room)
    return {share: found(d) for share, d in done.items()}


def growing(counts):
    some = [counts[s] for s in SHARES]
    return some == sorted(some)


def need(path):
    if not path.exists():
        pytest.skip("no corpora here (MAILHAUL_SHARED)")
    return path


def test_cut_ost(tmp_path):
    """A cache copied from a disk that died: everything from 25 % on, for
    its trees and what is new stand far in front."""
    whole = dump.one(need(OST))
    got = cuts(OST, tmp_path / "cut", whole)
    assert growing(got), got
    assert all(got[s] == found(whole) for s in SHARES if s >= 25), got
    assert got[15] * 5 >= found(whole), (got, found(whole))


def test_cut_enron(tmp_path):
    whole = dump.one(need(ENRON))
    assert found(whole) == 71
    got = cuts(ENRON, tmp_path / "cut", whole)
    assert growing(got), got
    assert got[95] >= 66 and got[55] >= 30, got


@pytest.mark.parametrize("version,crypt", [(14, 1), (23, 2), (36, 0)])
def test_cut_of_each_form(version, crypt, tmp_path):
    path = made(version, crypt).write(tmp_path / "a.pst")
    whole = dump.one(f"pst:{path}")
    assert found(whole) == 80, whole
    got = cuts(path, tmp_path / "cut", whole)
    assert growing(got), got
    assert got[55] >= 40 and got[95] >= 75, got


@pytest.mark.parametrize("version", [14, 23, 36])
def test_no_header(version, tmp_path):
    """The first octets are gone but for the name of the format."""
    octets = bytearray(made(version, 1).octets())
    whole = tmp_path / "whole.pst"
    whole.write_bytes(octets)
    keep = octets[:12]
    octets[:564] = bytes(564)
    octets[:12] = keep
    path = tmp_path / "a.pst"
    path.write_bytes(octets)
    one, d = read_all([whole, path], PEAK_KB)
    assert len(one.good) == 80 and d.sums == one.sums, d


# --- A page of the index is gone, and no older one of its kind is there ----

AGAIN = "put together again from its parts"
IN_PART = "Not all of its parts were found"


def noted(d, text):
    return sum(text in (line.get("note") or "") for line in d.lines)


def pages_lost(p, room, kind=NBT, first=1):
    """[path], the first one whole, the others each without one page of
    leaves; the first page of nodes has the folders."""
    octets, out = p.octets(), [room / "whole.pst"]
    out[0].write_bytes(octets)
    for at in p.db.leaves[kind][first:]:
        out.append(room / f"{at}.pst")
        out[-1].write_bytes(octets[:at] + bytes(p.db.form.page)
                            + octets[at + p.db.form.page:])
    return out


@pytest.mark.parametrize("version,crypt,n", [(14, 1, 80), (23, 2, 80),
                                             (36, 0, 200)])
def test_pages_of_the_index_lost(version, crypt, n, tmp_path):
    """Its messages are known by the rows of their folders, and whole."""
    whole, *some = read_all(pages_lost(made(version, crypt, n), tmp_path),
                            PEAK_KB)
    assert len(whole.good) == n and some, whole
    for d in some:
        assert d.sums == whole.sums and len(d.holes) == 1, d
        assert noted(d, AGAIN) > 0 and not noted(d, IN_PART), d
        assert {m.uid for m in d.good} == {m.uid for m in whole.good}


@pytest.mark.parametrize("version", [14, 23, 36])
def test_pages_of_blocks_lost(version, tmp_path):
    whole, *some = read_all(pages_lost(made(version), tmp_path, BBT, 0),
                            PEAK_KB)
    assert len(whole.good) == 80 and some, whole
    for d in some:
        assert d.sums == whole.sums and not noted(d, AGAIN), d


def without_nodes(p, messages, room, *lost, contexts=()):
    """Reads it without the pages that have the nodes of these, nor lists of
    sub-nodes (of the messages in lost), nor contexts."""
    inbox = p.folder("Inbox", use="inbox").add(*messages)
    for i in range(8):  # the pages before them
        p.folder(f"f {i}", inbox)
    p.octets()
    for m in lost:
        p.db.lose(p.db.nodes[p.placed[m]][1])
    for m in contexts:
        p.db.lose(p.db.nodes[p.placed[m]][0])
    out, nodes, size = p.db.out, sorted(p.db.nodes), p.db.form.page
    for m in messages:
        page = nodes.index(p.placed[m]) // (p.db.form.entries // 32)
        assert nodes[page * 15] > inbox.nid | 0x1f
        at = p.db.leaves[NBT][page]
        out[at:at + size] = bytes(size)
    path = room / "a.pst"
    path.write_bytes(out)
    return pst_read.read(path, room / "mail")


def test_which_of_two(tmp_path):
    """Two that their rows can't tell apart are not given for each other; of
    what was written again the last is right."""
    p, key = Pst(), {0x300b0102: b"one and the same"}
    for text, props in (("old", key), ("draft", {**key, 0x0e070003: 9}),
                        ("gone", {0x300b0102: b"of a deleted one"})):
        p.loose(Message("again", text=text, props=props))
    d = without_nodes(p, [
        Message("twin", text="a"), Message("twin", text="b"),
        Message("sole", text="c"),
        Message("again", text="new", props=key)], tmp_path)
    assert sorted(m.key for m in d.good) == ["again", "sole"], d
    assert sorted(m.key for m in d.holes)[:2] == ["the file as a whole",
                                                  "twin"], d
    assert len(d.holes) == 3 and noted(d, AGAIN) == 2, d
    assert noted(d, IN_PART) == 0, d
    assert "new" in pst_read.of(d, "again").msg.get_content()


def test_what_is_deleted_stays_so(tmp_path):
    """Nobody misses it."""
    p = Pst()
    p.loose(Message("gone", text="x"))
    d = without_nodes(p, [Message("kept"), Message("no row", row=False)],
                      tmp_path)
    assert [m.key for m in d.good] == ["kept"], d


def test_parts_that_are_lost_as_well(tmp_path):
    """What its own blocks have is given, and that it is not all."""
    bob = [("Bob", "bob@example.com")]
    short, long, last = (
        Message("short", text="s", to=bob, props={0x0e04001f: "Bob"}),
        Message("long", text="long " * 2000, to=bob),
        Message("last", text="l", to=bob))
    d = without_nodes(Pst(), [short, long, last], tmp_path, short, long)
    assert sorted(m.key for m in d.good) == ["last", "short"], d
    assert noted(d, IN_PART) == 1 and noted(d, AGAIN) == 2, d
    assert sum("text could not be read" in m.hole for m in d.holes) == 1, d


@pytest.mark.parametrize("to", [[], [("Bob", "bob@example.com")]])
def test_parts_of_another_message(to, tmp_path):
    """Whose own blocks are lost: they are nobody else's."""
    other = Message("other", to=[("Ann", "ann@example.com")],
                    attachments=[File("a.bin", b"theirs")])
    mine = Message("mine", text="m", to=to, props={
        0x0e04001f: "Bob" if to else None})
    p = Pst()
    p.folder("Sent", use="sent").add(*[
        Message(f"n {i}", to=[("Bob", "bob@example.com")])
        for i in range(30)])
    d = without_nodes(p, [mine, other], tmp_path, *[mine] * bool(to),
                      contexts=[other])
    assert noted(d, IN_PART) == bool(to) and noted(d, AGAIN) >= 1, d
    got = pst_read.of(d, "mine").msg
    assert not got["To"] or "ann" not in got["To"], got
    assert not list(got.iter_attachments()), got


def damaged(octets, rng, page):
    """One damage, of the kinds that disks and copies make."""
    out, n = bytearray(octets), len(octets)
    what = rng.choice(("flip", "flip", "zero", "swap", "number", "cut",
                       "noise"))
    at = rng.randrange(n)
    if what == "flip":
        for _ in range(rng.randrange(1, 30)):
            out[rng.randrange(n)] ^= 1 << rng.randrange(8)
    elif what == "zero":
        at -= at % page
        size = min(n - at, page * rng.randrange(1, 9))
        out[at:at + size] = bytes(size)
    elif what == "swap":
        one, two = (rng.randrange(n // page) * page for _ in "ab")
        out[one:one + page], out[two:two + page] = \
            octets[two:two + page], octets[one:one + page]
    elif what == "number":
        for _ in range(rng.randrange(1, 9)):
            at = rng.randrange(n - 4) & ~3
            out[at:at + 4] = rng.choice((
                b"\xff\xff\xff\xff", b"\0\0\0\x80", rng.randbytes(4),
                (n - 1).to_bytes(4, "little"), octets[at - 4:at] or b"1234"))
    elif what == "cut":
        del out[at:]
    else:
        size = min(n - at, rng.choice((8, 64, 512, 4000)))
        out[at:at + size] = rng.randbytes(size)
    return bytes(out)


def mutations(octets, n, seed, room, page=512):
    """Reads n damaged copies, mail and items by turns; gives back how many
    items each had."""
    rng, paths = random.Random(seed), []
    room.mkdir(exist_ok=True)
    for i in range(n):
        name = room / f"{i:04}.pst"
        name.write_bytes(damaged(octets, rng, page))
        paths.append(name)
    half = n // 2
    out = read_all(paths[:half], PEAK_KB) \
        + read_all(paths[half:], PEAK_KB, "--items")
    for name in paths:
        name.unlink()
    return [found(d) for d in out[:half]]


def forms(n=30):
    for version, crypt in ((14, 1), (23, 1), (36, 0)):
        yield version, made(version, crypt, n).octets()


def test_mutations(tmp_path):
    """What is damaged is lost, and little else."""
    for version, octets in forms():
        got = mutations(octets, 60, version, tmp_path / "m",
                        4096 if version == 36 else 512)
        assert sum(got) > len(got) * 24, (version, Counter(got))


@pytest.mark.full
@pytest.mark.parametrize("seed", range(5))
def test_more_mutations(seed, tmp_path):
    """The same, 200 at a time; with the sanitizers if the program has
    them."""
    for version, octets in forms(20):
        mutations(octets, 66, 1000 * seed + version, tmp_path / "m",
                  4096 if version == 36 else 512)


@pytest.mark.full
def test_mutations_of_real_ones(tmp_path):
    for seed, path in enumerate((OST, ENRON)):
        octets = need(path).read_bytes()
        for i in range(10):
            mutations(octets, 10, 100 * seed + i, tmp_path / "m", 4096)


def test_the_truth_of_the_oracle(tmp_path):
    """What is made here is what another program reads."""
    path = made().write(tmp_path / "a.pst")
    items = pst_oracle.pffexport(path, tmp_path / "pff")
    assert len(items) == 80
    assert Counter(i.folder for i in items) == {
        "Inbox": 27, "Work": 27, "Sent": 26}
