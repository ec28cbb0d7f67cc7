# SPDX-License-Identifier: Apache-2.0
"""A PST joins a mailbox that came over IMAP, and the other way round: its
messages are written anew, and are recognised all the same.
"""
import os
import shutil
import subprocess
from collections import Counter
from email import message_from_bytes, policy

import pytest

from harness.mailbox import Msg
from harness.pst_make import File, Message, Pst

STOPPED = 86
WHEN = 1_600_000_000


def sent(n, text="Hello.", **fields):
    """A letter as somebody sent it, and its headers."""
    head = {"Message-ID": f"<{n}@example.com>",
            "Date": "Sun, 13 Sep 2020 12:26:40 +0000",
            "From": "Ann Example <ann@example.com>",
            "To": "bob@example.com", "Subject": f"Letter {n}", **fields}
    lines = "".join(f"{k}: {v}\r\n" for k, v in head.items() if v)
    return lines, (lines + "\r\n" + text + "\r\n").encode()


def imap(octets, when=WHEN):
    return Msg(octets, ("\\Seen",), when)


def as_pst(n, text="Hello.", **how):
    lines, _ = sent(n)
    return Message(f"Letter {n}", text=text, headers=lines,
                   message_id=f"<{n}@example.com>", **how)


def ids(dovecot, user="bob"):
    """How often each Message-ID is there, in all folders."""
    with dovecot.mailbox(user) as box:
        return Counter(
            message_from_bytes(octets, policy=policy.compat32)[
                "Message-ID"].strip()
            for name in box.folders(all=False, raw=True)
            for _, _, _, octets in box.messages(name))


def once(*numbers):
    return Counter(f"<{n}@example.com>" for n in numbers)


def states(job, name):
    return dict(job.sql("SELECT state, count(*) FROM messages"
                        " WHERE mailbox=? GROUP BY state", name))


@pytest.fixture
def file(tmp_path):
    p = Pst()
    p.folder("Inbox", use="inbox").add(
        as_pst(1), as_pst(2, "Another text, as Outlook keeps it."),
        as_pst(3), as_pst(4))
    p.folder("Work").add(as_pst(5))
    p.write(tmp_path / "ann.pst")
    return tmp_path / "ann.pst"


def test_only_the_gaps_are_filled(dovecot, job, file):
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({
        "INBOX": [imap(sent(n)[1]) for n in (1, 2, 9)]})
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0)
    job.run("add", file, target.locator("bob"), "--name", "ann", check=0)
    planned = job.run("plan", "ann", "--json", check=0).json[0]
    assert [planned["mailboxes"][0][k] for k in (
        "already", "new", "unsure")] == [2, 3, 0]
    job.run("run", "ann", check=0)
    assert ids(target) == once(1, 2, 3, 4, 5, 9)
    assert states(job, "ann") == {"already-there": 2, "moved": 3}
    job.run("verify", check=0)
    job.run("run", check=0)
    assert ids(target) == once(1, 2, 3, 4, 5, 9)


def test_the_file_came_first(dovecot, job, file):
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({
        "INBOX": [imap(sent(n)[1]) for n in (1, 2, 9)]})
    job.run("copy", file, target.locator("bob"), check=0)
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0)
    assert ids(target) == once(1, 2, 3, 4, 5, 9)
    job.run("verify", check=0)


def test_a_lost_store_is_no_reason_to_copy_twice(dovecot, new_job, file):
    """What stands there is adopted by what it says, IMAP's and our own."""
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({"INBOX": [imap(sent(2)[1])]})
    new_job("one").run("copy", source.locator("alice"),
                       target.locator("bob"), check=0)
    new_job("two").run("copy", file, target.locator("bob"), check=0)
    three = new_job("three")
    three.run("copy", file, target.locator("bob"), check=0)
    assert ids(target) == once(1, 2, 3, 4, 5)
    assert three.states() == {"already-there": 5}
    three.run("verify", "--deep", check=0)


def test_drafts_and_parts_are_not_taken_for_the_whole(dovecot, job,
                                                      tmp_path):
    """A draft may have been written on; what the cache lacks, the server
    has."""
    source, target = dovecot(), dovecot()
    p = Pst()
    p.folder("Inbox", use="inbox").add(
        as_pst(1, "An older draft.", flags=8),
        as_pst(2, attachments=[File("a.pdf", None, declared=90_000)]),
        as_pst(3, "Hello."))
    p.write(tmp_path / "a.pst")
    done = job.run("copy", tmp_path / "a.pst", target.locator("bob"))
    assert done.code == 1 and "a.pdf" in job.run("problems").out
    source.mailbox("alice").fill({
        "INBOX": [imap(sent(n, "The whole of it.")[1]) for n in (1, 2, 3)]})
    job.run("add", source.locator("alice"), target.locator("bob"),
            "--name", "alice", check=0)
    job.run("run", "alice", check=0)
    assert ids(target) == once(1, 1, 2, 2, 3)
    assert states(job, "alice") == {"moved": 2, "already-there": 1}
    # One sentence for both.
    assert job.run("problems", "alice").out.count("may be the same") == 1


def test_stopped_at_every_step(dovecot, new_job, file, full):
    """The joined run: nothing lost, nothing twice, wherever it stops."""
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({
        "INBOX": [imap(sent(n)[1]) for n in (2, 9)]})
    for n in range(1, 300):
        if n > 20 and not full and n % 3:
            continue
        job, to = new_job(f"job{n}"), target.locator(f"bob{n}")
        job.run("copy", source.locator("alice"), to, check=0)
        args = ("copy", file, to, "--lanes", 1)
        first = job.run(*args, env={"MAILHAUL_TEST_STOP": str(n)})
        assert first.code in (0, STOPPED), first
        if first.code == STOPPED:
            job.run(*args, check=0)
        assert ids(target, f"bob{n}") == once(1, 2, 3, 4, 5, 9), n
        assert not set(job.states()) - {"moved", "already-there"}, n
        if first.code == 0:
            assert n > 5
            return
    pytest.fail("never ended")


def test_enron(dovecot, new_job, shared, tmp_path):
    """A real PST whose conversion by another program moved first, with
    gaps."""
    pst = os.path.join(shared, "corpora", "pst", "npm", "enron.pst")
    if not os.path.exists(pst):
        pytest.skip("no enron.pst among the real mail")
    if not shutil.which("readpst"):
        pytest.skip("no readpst (pst-utils)")
    (tmp_path / "eml").mkdir()
    # Its jobs side by side lose a message now and then: none.
    subprocess.run(["readpst", "-j", "0", "-q", "-e",
                    "-o", tmp_path / "eml", pst],
                   check=True, capture_output=True)
    emls = sorted((tmp_path / "eml").rglob("*.eml"))
    assert len(emls) == 71
    for path in emls[::9]:
        path.unlink()
    source, target, job = dovecot(), dovecot(), new_job("enron")
    new_job("fill").run("copy", f"eml:{tmp_path}/eml",
                        source.locator("alice"), check=0)
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0)
    before = ids(target)
    job.run("add", pst, target.locator("bob"), "--name", "pst", check=0)
    job.run("run", "pst", check=0)
    after = ids(target)
    assert set(after.values()) == {1} and len(after) == 71
    assert not before - after
    assert states(job, "pst") == {"already-there": 63, "moved": 8}
    job.run("verify", check=0)
