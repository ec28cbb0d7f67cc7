# SPDX-License-Identifier: Apache-2.0
"""Folders of .eml files and of Apple Mail's .emlx, as sources."""
import os
import pathlib
import shutil
from collections import Counter

import pytest

from harness import corpus
from harness.archive import lf, read_maildir
from harness.mailbox import sha

SEEN = ("\\Seen",)


def put(path, octets, when=1500000000):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    os.utime(path, (when, when))
    return path


def arrived(job, source, tmp_path, check=0, kind="eml:"):
    job.run("copy", f"{kind}{source}", f"maildir:{tmp_path}/to", check=check)
    return read_maildir(tmp_path / "to", dates=True)


def hashes(found):
    return {f: sorted(k[0] for k in c.elements()) for f, c in found.items()
            if c}


def test_folders_of_any_depth(job, tmp_path):
    """LF and CRLF, in directories in directories, and what is no mail."""
    messages = corpus.varied(12)
    root = tmp_path / "export"
    where = ["", "Sent", "Work/2024/Q1", "Work/2024"]
    want = {}
    for i, m in enumerate(messages):
        octets = m.octets if i % 2 else lf(m.octets)
        folder = where[i % 4]
        put(root / folder / f"{i}.eml", octets)
        want.setdefault(folder or "INBOX", []).append(sha(m.octets))
    put(root / "Work" / "notes.txt", b"nothing of the kind\n")
    put(root / "Calendar.ics", b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    found = arrived(job, root, tmp_path)
    assert hashes(found) == {f: sorted(v) for f, v in want.items()}
    flags = {k[1] for c in found.values() for k in c}
    assert flags == {SEEN}
    job.run("verify", check=0)


def test_dates_and_flags(job, tmp_path):
    root = tmp_path / "export"
    body = b"From: a@example.com\r\nSubject: x\r\n"
    put(root / "1.eml", b"Received: by a;\r\n Sat, 1 Jan 2022 00:00:00 +0000"
        b"\r\nDate: Fri, 1 Jan 2021 00:00:00 +0000\r\n" + body + b"\r\n1")
    put(root / "2.eml", b"Date: Fri, 1 Jan 2021 00:00:00 +0000\r\n" + body
        + b"Status: O\r\nX-Status: F\r\n\r\n2")
    put(root / "3.eml", b"\xef\xbb\xbf" + body + b"X-Unsent: 1\r\n\r\n3")
    found = arrived(job, root, tmp_path)["INBOX"]
    assert sorted((k[2], k[1]) for k in found) == [
        (1500000000, ("\\Draft", "\\Seen")),
        (1609459200, ("\\Flagged",)),
        (1640995200, SEEN)]
    assert sha(body + b"X-Unsent: 1\r\n\r\n3") in {k[0] for k in found}


def plist(flags, received):
    return (b'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">\n'
            b"<dict>\n\t<key>date-received</key>\n\t<integer>%d</integer>\n"
            b"\t<key>flags</key>\n\t<integer>%d</integer>\n</dict>\n"
            b"</plist>\n" % (received, flags))


def emlx(octets, flags=1, received=1400000000):
    return b"%-10d\n" % len(octets) + octets + plist(flags, received)


def no_received(m):
    return b"\n".join(line for line in lf(m.octets).split(b"\n")
                      if not line.lower().startswith(b"received:"))


def test_apple_mail(job, tmp_path):
    """The tree of ~/Library/Mail: one folder for all its numbered ones."""
    root = tmp_path / "V10" / "0F1E2D3C-0000-4000-8000-0123456789AB"
    inner = "0F1E2D3C-1111-4000-8000-0123456789AB/Data"
    octets = [no_received(m) for m in corpus.plain(5)]
    put(root / "INBOX.mbox" / inner / "Messages/1.emlx", emlx(octets[0], 0))
    put(root / "INBOX.mbox" / inner / "2/1/Messages/12.emlx",
        emlx(octets[1], 1 | 4 | 16))
    put(root / "INBOX.mbox" / inner / "2/1/Attachments/12/2/letter.eml",
        lf(corpus.plain(1, seed=9)[0].octets))
    put(root / "Work.mbox" / "Old.mbox" / inner / "Messages/3.emlx",
        emlx(octets[2]))
    put(root / "Work.mbox" / "Info.plist", b"bplist00\x01")
    found = arrived(job, root, tmp_path)
    assert hashes(found) == {
        "INBOX": sorted(sha(corpus.wire(o)) for o in octets[:2]),
        "Work/Old": [sha(corpus.wire(octets[2]))]}
    assert {k[1] for k in found["INBOX"]} == {
        (), ("\\Answered", "\\Flagged", "\\Seen")}
    assert {k[2] for k in found["INBOX"]} == {1400000000}


def test_what_is_damaged_or_apart_is_a_problem(job, tmp_path):
    octets = [no_received(m) for m in corpus.plain(4)]
    root = tmp_path / "Mail"
    put(root / "1.emlx", emlx(octets[0]))
    put(root / "2.emlx", b"90000\n" + octets[1])
    put(root / "3.partial.emlx", emlx(octets[2]))
    put(root / "4.eml", b"")
    found = arrived(job, root, tmp_path, check=1)
    assert hashes(found) == {"INBOX": sorted(
        sha(corpus.wire(o)) for o in (octets[0], octets[2]))}
    said = job.run("problems").out
    for name in ("2.emlx", "3.partial.emlx", "4.eml"):
        assert name in said, said
    assert "1.emlx" not in said


def test_later_files_fill_the_gaps(job, tmp_path):
    """A next run takes what has come, and nothing twice."""
    root = tmp_path / "export"
    messages = corpus.plain(5)
    for i, m in enumerate(messages[:3]):
        put(root / f"{i}.eml", m.octets)
    arrived(job, root, tmp_path)
    for i, m in enumerate(messages[3:]):
        put(root / "late" / f"{i}.eml", m.octets)
    job.run("run", check=0)
    job.run("run", check=0)
    found = read_maildir(tmp_path / "to")
    assert {f: sum(c.values()) for f, c in found.items()} == {
        "INBOX": 3, "late": 2}
    assert job.states() == {"moved": 5}


@pytest.mark.parametrize("name", ["letter.eml", "letter", "letter.json"])
def test_one_message_whatever_it_is_called(job, tmp_path, name):
    m = corpus.plain(1)[0]
    path = put(tmp_path / name, m.octets)
    found = arrived(job, path, tmp_path, kind="")
    assert hashes(found) == {"INBOX": [sha(m.octets)]}


def test_real_ones(job, tmp_path, shared):
    """Every octet of what an account's API gave, and of real mail."""
    gyb = pathlib.Path(shared) / "corpora" / "mbox" / "gyb"
    ham = pathlib.Path(shared) / "corpora" / "mail" / "ham"
    if not gyb.is_dir() or not ham.is_dir():
        pytest.skip("no real messages here")
    files = sorted(gyb.glob("*.eml")) + sorted(ham.iterdir())[:150]
    want = Counter()
    for i, file in enumerate(files):
        (tmp_path / "from").mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / "from" / str(i))
        want[sha(corpus.wire(file.read_bytes()))] += 1
    found = arrived(job, tmp_path / "from", tmp_path)
    assert Counter(k[0] for k in found["INBOX"].elements()) == want
    assert len(files) >= 160
