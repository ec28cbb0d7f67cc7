# SPDX-License-Identifier: Apache-2.0
"""Maildirs of any make, as sources."""
import base64
import gzip
import os
import re
import shutil
import tarfile
import zipfile
from collections import Counter

import pytest

from harness import compare, corpus
from harness.archive import lf, read_maildir, write_maildir
from harness.mailbox import octets_of, sha


def copy(job, source, tmp_path, check=0):
    job.run("copy", f"maildir:{source}", f"maildir:{tmp_path}/to",
            check=check)
    return named(read_maildir(tmp_path / "to", dates=True))


def decoded(name):
    """Modified UTF-7 of RFC 3501; plain UTF-8 stays."""
    def part(m):
        b = m.group(1).replace(",", "/")
        return base64.b64decode(b + "=" * (-len(b) % 4)).decode("utf-16-be")
    return re.sub("&([A-Za-z0-9+,]+)-", part, name)


def named(found):
    return {decoded(f): c for f, c in found.items()}


def keywords(path):
    """{sha256 of wire form: the keywords of each}, of one folder."""
    with open(os.path.join(path, "dovecot-keywords"),
              encoding="ascii") as f:
        names = dict(line.split() for line in f)
    out = {}
    for name in os.listdir(os.path.join(path, "cur")):
        letters = re.search(r":2,(\w*)$", name).group(1)
        with open(os.path.join(path, "cur", name), "rb") as f:
            digest = sha(corpus.wire(f.read()))
        out[digest] = sorted(names[str(ord(c) - ord("a"))]
                             for c in letters if c.islower())
    return out


def test_against_its_own_files(job, tmp_path, shared):
    """Every octet, flag, date, folder and keyword of the real one."""
    source = os.path.join(shared, "corpora", "maildir")
    if not os.path.isdir(source):
        pytest.skip("no Maildir here")
    mine = tmp_path / "from"
    shutil.copytree(source, mine)
    inner = next(mine.glob(".Work*"))
    before = sorted(str(p) for p in mine.rglob("*"))
    found = copy(job, mine, tmp_path)
    assert sorted(str(p) for p in mine.rglob("*")) == before
    (inner / "new").mkdir(exist_ok=True)
    compare.same(named(read_maildir(mine, dates=True)), found)
    assert {f: sum(c.values()) for f, c in found.items()} == {
        "INBOX": 160, "Work/Größe": 40}
    have = keywords(next((tmp_path / "to").glob(".Work*")))
    assert have == keywords(inner)
    assert ["$Forwarded"] in have.values()
    job.run("verify", check=0)


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "zip"])
def test_packed(job, tmp_path, suffix):
    """The same from an archive; a zip keeps dates to two seconds only."""
    root = write_maildir(tmp_path / "from", {
        f: [m._replace(date=1500000000) for m in messages]
        for f, messages in corpus.mailbox(26).items()})
    packed = tmp_path / f"backup.{suffix}"
    if suffix == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
            for path in sorted(root.rglob("*")):
                z.write(path, path.relative_to(root))
    else:
        with tarfile.open(packed, "w:gz" if "gz" in suffix else "w") as t:
            t.add(root, arcname=".")
    found = copy(job, packed, tmp_path)
    want = named(read_maildir(root, dates=True))
    compare.same(want, found, exact=suffix != "zip")
    flags = Counter(k[1] for c in want.values() for k in c.elements())
    assert flags == Counter(k[1] for c in found.values()
                            for k in c.elements())


def test_both_name_encodings_and_directories(job, tmp_path):
    root = tmp_path / "from"
    messages = corpus.plain(6)
    where = {"INBOX": "INBOX", "Gr&APY-n": "Grön", "Café": "Café",
             "A/B": "A/B"}
    for i, name in enumerate(where):
        write_maildir(root, {name: [messages[i]]}, count=i)
    write_maildir(root / "plain" / "inner",
                  {"INBOX": [messages[4]], "Sub": [messages[5]]}, count=9)
    found = octets_of(copy(job, root, tmp_path))
    want = [*where.values(), "plain/inner", "plain/inner/Sub"]
    assert {f: list(c) for f, c in found.items() if c} == {
        f: [sha(m.octets)] for f, m in zip(want, messages)}


def test_what_only_its_server_can_open_is_a_problem(job, tmp_path):
    """Dovecot's zlib plugin: never moved as if that were the message."""
    messages = corpus.plain(3)
    root = write_maildir(tmp_path / "from", {"INBOX": messages[:2]})
    name = root / "cur" / "1600000000.M1.host,S=99:2,S"
    name.write_bytes(gzip.compress(lf(messages[2].octets)))
    found = copy(job, root, tmp_path, check=1)
    assert sorted(octets_of(found)["INBOX"]) == sorted(
        sha(m.octets) for m in messages[:2])
    said = job.run("problems").out
    assert "1600000000.M1.host" in said and "gunzip" in said


def test_a_later_backup_fills_the_gaps(job, tmp_path):
    """New mail, new flags, a new folder: by the next run, nothing twice."""
    messages = corpus.plain(8)
    root = write_maildir(tmp_path / "from", {"INBOX": messages[:4]})
    copy(job, root, tmp_path)
    write_maildir(root, {"INBOX": messages[4:6], "New": messages[6:]},
                  count=4)
    old = root / "new"
    first = sorted(os.listdir(old))[0]
    os.rename(old / first, root / "cur" / (first + ":2,FS"))
    job.run("run", check=0)
    compare.same(read_maildir(root), read_maildir(tmp_path / "to"))
    assert job.states() == {"moved": 8}


def test_messages_of_the_server_s_own_size(job, tmp_path):
    """S equal to W: the file is in wire form, its bare LF is content."""
    root = write_maildir(tmp_path / "from", {"INBOX": []})
    octets = b"From: a@example.com\r\nSubject: x\r\n\r\nbare\nline\r\n"
    n = len(octets)
    (root / "cur" / f"1600000000.M1.host,S={n},W={n}:2,S").write_bytes(octets)
    copy(job, root, tmp_path)
    to = tmp_path / "to" / "cur"
    assert [(to / f).read_bytes() for f in os.listdir(to)] == [octets]
