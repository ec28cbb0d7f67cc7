# SPDX-License-Identifier: Apache-2.0
"""verify finds what a test removed, altered or doubled behind our back."""
import os

import pytest

from harness import corpus
from harness.archive import write_maildir
from harness.mailbox import Msg


@pytest.fixture
def moved(dovecot, job):
    source, target = dovecot(), dovecot()
    alice = source.mailbox("alice").fill(corpus.mailbox(26))
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0)
    return source, target, alice, target.mailbox("bob")


def kinds(job, *args):
    """{kind: number} of the differences that it finds."""
    done = job.run("verify", "--json", *args, check=1)
    box, = done.json[0]["mailboxes"]
    assert not box["proven"]
    assert len(box["differences"]) == sum(box["counts"].values())
    return {k: n for k, n in box["counts"].items() if n}


DEEP = pytest.mark.parametrize("deep", [[], ["--deep"]],
                               ids=["plain", "deep"])


@DEEP
def test_proven(job, moved, deep):
    job.run("verify", *deep, check=0)


@DEEP
def test_removed(job, moved, deep):
    _, _, _, bob = moved
    bob.delete("Sent", bob.uids("Sent")[1])
    done = job.run("verify", *deep, check=1)
    assert "Sent" in done.out, done
    assert kinds(job, *deep) == {"missing": 1}


@DEEP
def test_doubled(job, moved, deep):
    _, _, _, bob = moved
    m = bob.messages("Work")[0]
    bob.append("Work", m[3], m[1], m[2])
    done = job.run("verify", *deep, check=1)
    assert "Work" in done.out, done
    assert kinds(job, *deep) == {"doubled": 1}


@DEEP
def test_altered(job, moved, deep):
    """Another size: found without reading bodies."""
    _, _, _, bob = moved
    m = bob.messages("Work")[0]
    bob.delete("Work", m[0])
    bob.append("Work", m[3] + b"and a line more\r\n", m[1], m[2])
    done = job.run("verify", *deep, check=1)
    assert "Work" in done.out, done
    assert sum(kinds(job, *deep).values()) >= 1


def test_altered_on_disk_deep(job, dovecot):
    """The same UID and size, other octets: only deep can see that."""
    source, target = dovecot(), dovecot(format="maildir")
    source.mailbox("alice").fill({"INBOX": corpus.plain(5)})
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0)
    target.mailbox("bob").close()

    cur = os.path.join(target.folder_path("bob"))
    files = [os.path.join(cur, sub, n) for sub in ("cur", "new")
             for n in os.listdir(os.path.join(cur, sub))]
    assert len(files) == 5
    with open(files[0], "r+b") as f:
        octets = f.read()
        f.seek(len(octets) - 3)
        f.write(b"#")
    assert kinds(job, "--deep") == {"altered": 1}


@DEEP
def test_swapped(job, moved, deep):
    """One removed and another doubled: the numbers agree, the sets don't."""
    _, _, _, bob = moved
    a, b = bob.messages("INBOX")[1:3]
    bob.delete("INBOX", a[0])
    bob.append("INBOX", b[3], b[1], b[2])
    found = kinds(job, *deep)
    assert set(found) == {"missing", "doubled"}, found


def test_not_copied_yet(job, moved):
    _, _, alice, _ = moved
    alice.fill({"INBOX": corpus.plain(2, seed=40)})
    assert kinds(job) == {"not-copied": 2}
    job.run("run", check=0)
    job.run("verify", check=0)


def test_others_mail_is_no_difference(job, moved):
    _, _, _, bob = moved
    bob.fill({"INBOX": corpus.plain(3, seed=41), "Theirs":
              corpus.plain(1, seed=42)})
    job.run("verify", check=0)
    job.run("verify", "--deep", check=0)


def test_source_is_gone(job, moved):
    source, _, _, bob = moved
    source.stop(keep=True)
    done = job.run("verify", check=0)
    assert "source" in done.said.lower()
    bob.delete("Sent", bob.uids("Sent")[0])
    job.run("verify", check=1)


def test_destination_is_gone(job, moved):
    _, target, _, _ = moved
    target.stop(keep=True)
    assert job.run("verify").code in (2, 3)


@pytest.mark.parametrize("change", ["removed", "altered"])
def test_maildir(job, dovecot, tmp_path, change):
    source, path = dovecot(), tmp_path / "to"
    source.mailbox("alice").fill({"INBOX": corpus.plain(5)})
    job.run("copy", source.locator("alice"), f"maildir:{path}", check=0)
    job.run("verify", "--deep", check=0)
    file = sorted(p for sub in ("cur", "new")
                  for p in (path / sub).iterdir())[0]
    if change == "removed":
        file.unlink()
    else:
        octets = bytearray(file.read_bytes())
        octets[-3] ^= 1
        file.write_bytes(octets)
    job.run("verify", "--deep", check=1)


def test_archive_as_source(job, dovecot, tmp_path):
    target = dovecot()
    path = write_maildir(tmp_path / "m", {"INBOX": [
        Msg(m.octets) for m in corpus.plain(3)]})
    job.run("copy", f"maildir:{path}", target.locator("bob"), check=0)
    job.run("verify", "--deep", check=0)
    bob = target.mailbox("bob")
    bob.delete("INBOX", bob.uids("INBOX")[0])
    job.run("verify", check=1)
