# SPDX-License-Identifier: Apache-2.0
"""Ways in which a message of an archive could be lost, doubled or held up
that no other file goes: large messages before a slow destination, a file
that was changed while its messages waited, a folder that could not be made
for a while, equal messages that are found again by several lanes.
"""
import os

import pytest

from harness import packing
from harness.archive import read_maildir
from harness.corpus import plain

STOPPED = 86


def mail(n, size=24_000, seed=90):
    """n messages of about so many octets."""
    return [packing.lf(m.octets).rstrip(b"\n") + b"\n" + b"%063d\n" % i
            * (size // 64) for i, m in enumerate(plain(n, 100, seed))]


def count(to):
    return {name: sum(c.values()) for name, c in read_maildir(to).items()
            if c}


def begun(job, *args, steps=6):
    """A run that was stopped when some rows were known, some sent."""
    done = job.run(*args, "--memory", "1M",
                   env={"MAILHAUL_TEST_STOP": str(steps)})
    assert done.code == STOPPED, done


def test_large_messages_wait_in_the_archive(job, tmp_path):
    """Each beyond the limit of memory is a file: a few at a time."""
    source, most = tmp_path / "from", 0
    source.write_bytes(packing.mbox(mail(150, 60_000)))
    p = job.start("copy", source, f"maildir:{tmp_path}/to", "--memory",
                  "1M", "--rate", "6000000")
    while p.poll() is None:
        try:
            most = max(most, len(os.listdir(f"/proc/{p.pid}/fd")))
        except OSError:
            pass
    assert p.returncode == 0
    assert count(f"{tmp_path}/to") == {"from": 150}
    assert 5 < most < 80, most


def test_changed_while_messages_wait(job, tmp_path):
    """What is with the lanes is not read again when the file turns out to
    be another one."""
    source, to = tmp_path / "from", tmp_path / "to"
    m = mail(300)
    source.write_bytes(packing.mbox(m))
    args = ("copy", source, f"maildir:{to}", "--lanes", "4")
    begun(job, *args)
    rows, last = job.sql("SELECT count(*), max(uid) FROM message")[0]
    assert 0 < rows < 300
    octets, at = source.read_bytes(), (last >> 16) - 1
    source.write_bytes(octets[:at] + octets[at:].replace(
        b"Subject:", b"SUBJECT:", 1))
    done = job.run(*args, "--memory", "8M", "--rate", "3000000", check=0)
    assert "300" in done.out
    assert count(to) == {"from": 300}
    job.run("verify", check=0)


def test_folder_that_could_not_be_made(job, tmp_path):
    """Its neighbours in the same file went ahead: it is read from where it
    was, not from where they are."""
    source, to = tmp_path / "from", tmp_path / "to"
    labels = ("Inbox", "Sent", "Work")
    source.write_bytes(packing.takeout(
        [(o, labels[i % 3]) for i, o in enumerate(mail(240))]))
    for part in ("cur", "new", "tmp"):
        (to / part).mkdir(parents=True)
    for name in (".Sent", ".Work"):
        (to / name).write_bytes(b"in the way")
    args = ("copy", source, f"maildir:{to}")
    begun(job, *args)
    (to / ".Sent").unlink()
    begun(job, *args)
    (to / ".Work").unlink()
    job.run(*args, check=0)
    assert count(to) == {"INBOX": 80, "Sent": 80, "Work": 80}
    job.run("verify", check=0)


def test_equal_messages_found_again(job, tmp_path):
    """Every place in the file is another one: all lanes look for the same
    octets at once."""
    source, to = tmp_path / "from", tmp_path / "to"
    m = [o for o in mail(3, 500) for _ in range(400)]
    source.write_bytes(packing.mbox(m))
    args = ("copy", source, f"maildir:{to}", "--lanes", "8")
    job.run(*args, check=0)
    source.write_bytes(packing.mbox(mail(1, 500, 91) + m))
    job.run(*args, check=0)
    assert count(to) == {"from": 1201}


def test_what_is_no_mail_is_counted_once(job, tmp_path):
    """A later pass goes through the archive twice."""
    source, files = tmp_path / "from", packing.emls(mail(6, 100))
    packing.tree(source, {**files, "Inbox/notes.txt": b"no mail\n"})
    args = ("copy", source, f"maildir:{tmp_path}/to")
    assert "1 file in the archive" in job.words(*args)
    packing.tree(source, packing.emls(mail(7, 100)))
    assert "1 file in the archive" in job.words(*args)


def two_mboxes(path, m):
    packing.tree(path, {"A": packing.mbox(m[:80]),
                        "Z": packing.mbox(m[80:])})


def moved_and_compacted(path, m):
    packing.tree(path, {"0": packing.mbox(m[:5]),
                        "A": packing.mbox(m[5:80])})


def a_folder(path, m):
    packing.tree(path, {f"A/{i:03}.eml": o for i, o in enumerate(m)})


def renamed(path, _):
    os.rename(path / "A", path / "B")


def mbox_in_zip(path, m):
    path.write_bytes(packing.zipped(
        {"0/a.eml": m[0], "mail/Inbox.mbox": packing.mbox(m[1:])}))


def takeout_in_zip(path, m):
    path.write_bytes(packing.zipped({
        "0/a.eml": m[0], "mail/All.mbox": packing.takeout(
            [(o, ("Inbox", "Sent", "Work")[i % 3])
             for i, o in enumerate(m[1:])])}))


def another_mbox(path, m):
    path.write_bytes(packing.mbox(m))


def reordered(path, m):
    path.write_bytes(packing.mbox(m[::-1]))


def nothing(path, m):
    pass


@pytest.mark.parametrize("before, after", (
    (two_mboxes, moved_and_compacted), (two_mboxes, renamed),
    (a_folder, renamed), (another_mbox, reordered),
    (mbox_in_zip, nothing), (takeout_in_zip, nothing)))
def test_interrupted_and_changed(before, after, job, tmp_path):
    """What was moved of an archive that was never read to its end is known
    to be the same, wherever it stands now."""
    source, to, m = tmp_path / "from", tmp_path / "to", mail(160)
    before(source, m)
    args = ("copy", source, f"maildir:{to}")
    soon = {"MAILHAUL_TEST_ARCHIVE_SOON": "1"}
    moved = 0
    while not moved:
        done = job.run(*args, "--memory", "1M",
                       env={"MAILHAUL_TEST_STOP": "40", **soon})
        assert done.code == STOPPED, done
        moved = job.states().get("moved", 0)
    assert moved < 160
    after(source, m)
    job.run(*args, check=0, env=soon)
    assert sum(count(to).values()) == 160
    job.run("verify", check=0, env=soon)
