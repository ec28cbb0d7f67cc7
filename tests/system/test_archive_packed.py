# SPDX-License-Identifier: Apache-2.0
"""Packed archives by the whole program: cut, damaged, locked, bombs, names.

What the parser itself does is in tests/unit/test_archive_packed.c; here it
is in its sandbox, with archives of other hands (Python, p7zip, bsdtar).
"""
import bz2
import gzip
import io
import lzma
import random
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from collections import Counter

import pytest

from harness import corpus, dump, packing
from harness.mailbox import sha


def messages(n=30):
    return [m.octets for m in corpus.varied(n)]


def zip_ends(octets):
    """{name: octet behind what is packed of it}"""
    with zipfile.ZipFile(io.BytesIO(octets)) as z:
        return {i.filename: i.header_offset + 30 + len(i.filename)
                + i.compress_size for i in z.infolist()}


def tar_ends(octets):
    with tarfile.open(fileobj=io.BytesIO(octets)) as t:
        return {i.name: i.offset_data + i.size for i in t}


def unpacked(octets):
    return len(zlib.decompressobj(31).decompress(octets))


KINDS = {
    "zip": (packing.zipped, zip_ends, len),
    "stored": (lambda f: packing.zipped(f, zipfile.ZIP_STORED), zip_ends,
               len),
    "tar": (packing.tarred, tar_ends, len),
    "tgz": (lambda f: gzip.compress(packing.tarred(f), mtime=0),
            lambda o: tar_ends(gzip.decompress(o)), unpacked),
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_before_the_cut(tmp_path, kind):
    pack, ends_of, have = KINDS[kind]
    files = packing.emls(messages())
    whole, rng = pack(files), random.Random(6)
    ends, last = ends_of(whole), len(whole)
    cuts = sorted(rng.randrange(600, last) for _ in range(25))
    paths = []
    for cut in cuts:
        paths.append(tmp_path / f"{cut}.bin")
        paths[-1].write_bytes(whole[:cut])
    for cut, d in zip(cuts, dump.many(paths)):
        there = have(whole[:cut])
        want = Counter(sha(files[n]) for n, end in ends.items()
                       if end <= there)
        assert d.code == 0 and not want - d.sums, (cut, d)
        assert not d.sums - Counter(map(sha, files.values())), (cut, d)
        if max(ends.values()) > there:
            assert sum("is cut off" in m.hole for m in d.holes) == 1, d


@pytest.mark.parametrize("kind", ["zip", "stored"])
def test_one_damaged_place_costs_one_message(tmp_path, kind):
    files = packing.emls(messages())
    whole, rng = KINDS[kind][0](files), random.Random(7)
    most = max(zip_ends(whole).values())
    paths = []
    for i in range(25):
        at = rng.randrange(4, most - 8)
        octets = bytearray(whole)
        for j in range(at, at + 8):
            octets[j] ^= 0x5a
        paths.append(tmp_path / f"{at}.zip")
        paths[-1].write_bytes(octets)
    for d in dump.many(paths):
        lost = Counter(map(sha, files.values())) - d.sums
        # Eight octets may touch two entries.
        assert d.code == 0 and sum(lost.values()) <= 2, d
        # A header's time or its own version of the name may be wrong alone.
        assert d.holes or not lost, d
        assert not d.sums - Counter(map(sha, files.values())), d


def test_every_octet_of_a_gzip_counts(tmp_path):
    """libarchive looks at no sum of gzip's; mailhaul does."""
    whole = bytearray(gzip.compress(packing.mbox(messages(8)), 0, mtime=0))
    paths = []
    for at in range(60, len(whole) - 8, len(whole) // 12):
        whole[at] ^= 1
        paths.append(tmp_path / f"{at}.gz")
        paths[-1].write_bytes(whole)
        whole[at] ^= 1
    for d in dump.many(paths):
        assert d.holes, d


def test_passwords(tmp_path):
    tool = shutil.which("7z") or shutil.which("7zz")
    if not tool:
        pytest.skip("no 7z (p7zip-full)")
    packing.tree(tmp_path / "t", packing.emls(messages(5)))
    made = {"a.zip": [], "aes.zip": ["-mem=AES256"], "b.7z": [],
            "c.7z": ["-mhe=on"]}
    for name, how in made.items():
        subprocess.run([tool, "a", "-psecret", *how, tmp_path / name, "."],
                       cwd=tmp_path / "t", check=True, timeout=60,
                       stdout=subprocess.DEVNULL)
    for d in dump.many([tmp_path / n for n in made]):
        assert d.code == 0 and not d.good, d
        assert ["password" in m.hole for m in d.holes] == [True], d


def test_bomb_beside_mail(tmp_path):
    """It ends early, and the rest of the folder is read."""
    rest = packing.emls(messages(4))
    packing.tree(tmp_path / "in", rest)
    zeros = b"From: a@example.com\nSubject: x\n\n" + bytes(30 << 20)
    for name, octets in {
            "bomb.zip": packing.zipped({"x.eml": zeros, "y.eml": zeros}),
            "bomb.gz": gzip.compress(zeros),
            "bomb.tar.xz": lzma.compress(packing.tarred({"x": zeros})),
            "bomb.bz2": bz2.compress(zeros)}.items():
        (tmp_path / "in" / name).write_bytes(octets)
    d = dump.one(tmp_path / "in", MAILHAUL_TEST_PACKED_FREE="5000000")
    assert d.sums == Counter(map(sha, rest.values())), d
    assert sum("more than 500 times its size" in m.hole
               for m in d.holes) == 4, d


def test_nested_once(tmp_path):
    files = packing.emls(messages(9))
    once = {"a.zip": packing.zipped(files),
            "b.tgz": gzip.compress(packing.tarred(files)),
            "c.mbox.gz": gzip.compress(packing.mbox(files.values())),
            "d.mbox.xz": lzma.compress(packing.mbox(files.values()))}
    (tmp_path / "in.tar").write_bytes(packing.tarred(once))
    (tmp_path / "deep.zip").write_bytes(packing.zipped(
        {"in.tar": packing.tarred(once)}))
    good, deep = dump.many([tmp_path / "in.tar", tmp_path / "deep.zip"])
    assert len(good.good) == 4 * len(files) and not good.holes, good
    assert not deep.good and len(deep.holes) == 4, deep
    assert all("in an archive in an archive" in m.hole for m in deep.holes)


def test_names_in_any_charset(tmp_path):
    """Unflagged names of a zip made with code page 437, of a tar made with
    Latin-1, and flagged ones; no two become one."""
    octets = messages(4)
    flagged = packing.zipped({"Entwürfe/1.eml": octets[0]})
    plain = packing.zipped({"EntwXrfe/1.eml": octets[1]}).replace(
        b"EntwXrfe", b"Entw\x81rfe")
    latin = packing.tarred({"EntwXrfe/1.eml": octets[2]})
    at = latin.index(b"EntwXrfe")
    head = bytearray(latin[at:at + 512].replace(b"EntwX", b"Entw\xfc"))
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    latin = latin[:at] + bytes(head) + latin[at + 512:]
    for name, made in (("f.zip", flagged), ("p.zip", plain),
                       ("l.tar", latin)):
        (tmp_path / name).write_bytes(made)
        d = dump.one(tmp_path / name)
        assert [m.path for m in d.good] == ["Entwürfe"], d
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as z:
        with pytest.warns(UserWarning):
            for n, m in enumerate(octets):
                z.writestr("../Box/1.eml" if n % 2 else "/Box/1.eml", m)
    d = dump.one(tmp_path / "twice.zip")
    assert d.sums == Counter(map(sha, octets)), d
    assert {m.path for m in d.good} == {"Box"}, d


def test_archives_of_bsdtar(tmp_path):
    tool = shutil.which("bsdtar")
    if not tool:
        pytest.skip("no bsdtar (libarchive-tools)")
    files = packing.emls(messages(12))
    packing.tree(tmp_path / "t", files)
    made = {"a.zip": ["--format", "zip"], "b.7z": ["--format", "7zip"],
            "c.tar": ["--format", "pax"], "d.tar": ["--format", "gnutar"],
            "e.tar.zst": ["--zstd"], "f.tar.lzma": ["--lzma"],
            "g.tar.bz2": ["--bzip2"]}
    for name, how in made.items():
        subprocess.run([tool, *how, "-cf", tmp_path / name, "."],
                       cwd=tmp_path / "t", check=True, timeout=60)
    for d in dump.many([tmp_path / n for n in made]):
        assert d.code == 0 and not d.holes and not d.others, d
        assert d.sums == Counter(map(sha, files.values())), d


def test_exit_and_problems(job, tmp_path):
    """What was cut off is a problem in plain words, and exit 1."""
    files = packing.emls(messages(12))
    whole = packing.zipped(files)
    (tmp_path / "in.zip").write_bytes(whole[:len(whole) * 2 // 3])
    job.run("copy", f"eml:{tmp_path}/in.zip", f"maildir:{tmp_path}/to",
            check=1)
    said = job.run("problems", check=0).out
    assert "cut off" in said and "download" in said
