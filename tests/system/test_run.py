# SPDX-License-Identifier: Apache-2.0
"""run: later passes over a mailbox that was moved before."""
import signal

import pytest

from harness import compare, corpus
from harness.archive import write_maildir
from harness.mailbox import octets_of, sha
from harness.program import until


@pytest.fixture
def moved(dovecot, job):
    """Two servers and a mailbox that is moved already."""
    source, target = dovecot(), dovecot()
    alice = source.mailbox("alice").fill(corpus.mailbox(26))
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0)
    bob = target.mailbox("bob")
    compare.all_there(alice, bob, at_least=28)
    return alice, bob


def test_nothing_new(job, moved):
    alice, bob = moved
    before = {f: bob.status(f) for f in bob.folders()}
    for _ in range(2):
        job.run("run", check=0)
    assert before == {f: bob.status(f) for f in bob.folders()}


def test_new_mail(job, moved):
    alice, bob = moved
    alice.fill({"INBOX": corpus.plain(3, seed=20),
                "New/folder": corpus.plain(2, seed=21)})
    job.run("run", check=0)
    compare.all_there(alice, bob, at_least=33)


def test_flag_changes(job, moved):
    alice, bob = moved
    uids = alice.uids("INBOX")
    alice.store("INBOX", uids[0], "FLAGS", "\\Seen \\Flagged $Label1")
    alice.store("INBOX", uids[1], "FLAGS", "")
    alice.store("INBOX", uids[2], "+FLAGS", "\\Answered")
    job.run("run", check=0)
    compare.all_there(alice, bob)


def test_deleted_is_never_set(job, moved):
    """Somebody's EXPUNGE would take the copy."""
    alice, bob = moved
    alice.store("INBOX", alice.uids("INBOX")[0], "+FLAGS", "\\Deleted")
    before = bob.dump()
    job.run("run", check=0)
    assert bob.dump() == before


def test_flags_that_a_person_set_there_stay(job, moved):
    alice, bob = moved
    uid = bob.uids("INBOX")[0]
    theirs = bob.messages("INBOX")[0]
    bob.store("INBOX", uid, "FLAGS", "\\Answered \\Seen $Mine")
    mine = [m[0] for m in alice.messages("INBOX") if m[3] == theirs[3]]
    for one in mine:
        alice.store("INBOX", one, "FLAGS", "\\Flagged")
    job.run("run", check=0)
    assert bob.messages("INBOX")[0][1] == ("$Mine", "\\Answered", "\\Seen")


def test_moved_messages_are_not_copied_again(job, moved):
    alice, bob = moved
    before = octets_of(bob.dump())
    count = sum(sum(c.values()) for c in before.values())
    alice.move("INBOX", alice.uids("INBOX")[:3], "Filed")
    done = job.run("run", check=0)
    after = octets_of(bob.dump())
    assert sum(sum(c.values()) for c in after.values()) == count, done


def test_moved_and_twins(job, moved):
    """A message that moved while another copy of it stays."""
    alice, bob = moved
    twin = corpus.plain(1, seed=70)[0]
    alice.fill({"INBOX": [twin, twin]})
    job.run("run", check=0)
    count = sum(map(len, (bob.messages(f) for f in bob.folders(all=False))))
    uid = [m[0] for m in alice.messages("INBOX") if m[3] == twin.octets][0]
    alice.move("INBOX", [uid], "Filed")
    job.run("run", check=0)
    job.run("run", check=0)
    now = sum(map(len, (bob.messages(f) for f in bob.folders(all=False))))
    assert now == count


def test_deleted_at_the_source_stays_here(job, moved):
    alice, bob = moved
    before = bob.dump()
    alice.delete("INBOX", alice.uids("INBOX")[:4])
    job.run("run", check=0)
    assert bob.dump() == before


def test_deleted_at_the_destination_stays_deleted(job, moved):
    alice, bob = moved
    gone = bob.uids("INBOX")[:2]
    octets = {m[3] for m in bob.messages("INBOX") if m[0] in gone}
    left = {m[3] for m in bob.messages("INBOX") if m[0] not in gone}
    bob.delete("INBOX", gone)
    alice.fill({"INBOX": corpus.plain(1, seed=22)})
    for _ in range(2):
        job.run("run", check=0)
    there = {m[3] for m in bob.messages("INBOX")}
    assert there >= left and not there & (octets - left)
    assert job.states()["gone-at-destination"] == 2
    # ... unless asked.
    job.run("problems", "--retry")
    job.run("run", check=0)
    assert octets <= {m[3] for m in bob.messages("INBOX")}


def test_uidvalidity_of_the_source_changed(job, moved):
    alice, bob = moved
    before = bob.dump()
    for folder in ("Work/2024", "Sent"):
        messages = alice.messages(folder)
        alice.remove(folder)
        alice.fill({folder: [corpus.Msg(m[3], m[1], m[2])
                             for m in messages]})
    job.run("run", check=0)
    assert octets_of(bob.dump()) == octets_of(before)


def test_uidvalidity_of_the_destination_changed(job, moved):
    """A folder that was rebuilt: its copies are named again."""
    alice, bob = moved
    messages = bob.messages("Sent")
    bob.remove("Sent")
    bob.fill({"Sent": [corpus.Msg(m[3], m[1], m[2]) for m in messages]})
    job.run("run", check=0)
    compare.all_there(alice, bob)
    job.run("verify", check=0)


def test_store_lost(job, moved):
    """Copies that are there are recognised and adopted; duplicates of the
    source stay as many as they are."""
    alice, bob = moved
    alice.fill({"Sent": corpus.plain(2, seed=23)})
    args = job.sql("SELECT from_locator, to_locator FROM mailbox")[0]
    job.forget()
    job.run("copy", *args, check=0)
    compare.all_there(alice, bob, exact=False, at_least=30)
    assert job.states() == {"already-there": 28, "moved": 2}


def test_store_lost_and_folders_renamed(job, moved):
    """People and localised programs move mail: the whole mailbox counts."""
    alice, bob = moved
    bob.ok(bob.imap.rename("Work", "Arbeit"))
    count = sum(sum(c.values()) for c in bob.dump().values())
    args = job.sql("SELECT from_locator, to_locator FROM mailbox")[0]
    job.forget()
    job.run("copy", *args, check=0)
    assert sum(sum(c.values()) for c in bob.dump().values()) == count


def test_two_sources_of_one_destination(job, dovecot):
    """One after the other in one run: the second is not refused."""
    one, two, target = dovecot(), dovecot(), dovecot()
    one.mailbox("alice").fill({"INBOX": corpus.plain(6, seed=50)})
    two.mailbox("carol").fill({"INBOX": corpus.plain(5, seed=51)})
    job.run("add", one.locator("alice"), target.locator("bob"), check=0)
    job.run("add", two.locator("carol"), target.locator("bob"), check=0)
    job.run("run", "--mailboxes", 4, check=0)
    found = octets_of(target.mailbox("bob").dump())["INBOX"]
    assert sum(found.values()) == 11
    assert set(found.values()) == {1}


def test_changed_options_apply_from_the_next_pass(job, dovecot):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill(corpus.mailbox(20))
    ends = source.locator("alice"), target.locator("bob")
    job.run("copy", *ends, "--include", "INBOX", check=0)
    assert set(f for f, c in target.mailbox("bob").dump().items() if c) \
        == {"INBOX"}
    job.run("run", "--include", "**", check=0)
    compare.all_there(box, target.mailbox("bob"))


def test_maildir_source_passes(job, dovecot, tmp_path):
    target = dovecot()
    path = write_maildir(tmp_path / "m", {"INBOX": corpus.plain(4)})
    job.run("copy", f"maildir:{path}", target.locator("bob"), check=0)
    new = corpus.plain(6, seed=24)
    write_maildir(path, {"Sub": new})
    for name in list((path / "new").iterdir())[:1]:
        name.rename(path / "cur" / (name.name + ":2,FS"))
    job.run("run", check=0)
    got = octets_of(target.mailbox("bob").dump())
    assert sorted(got["Sub"]) == sorted(sha(m.octets) for m in new)
    assert sum(got["INBOX"].values()) == 4


def test_one_run_at_a_time(job, dovecot):
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({"INBOX": corpus.plain(40, 20_000)})
    ends = source.locator("alice"), target.locator("bob")
    job.run("add", *ends, "--rate", "20K", check=0)
    first = job.start("run")
    try:
        bob = target.mailbox("bob")
        until(lambda: bob.status("INBOX")["MESSAGES"], first)
        job.run("run", check=75)
        # Everything else works beside it.
        for args in (("status",), ("problems",), ("status", "--json"),
                     ("add", *reversed(ends), "--name", "other")):
            assert job.run(*args).code == 0, args
    finally:
        first.send_signal(signal.SIGINT)
        assert first.wait(60) == 2


def test_fleet(job, dovecot):
    """Many mailboxes at once, one of them hopeless."""
    source, target = dovecot(), dovecot()
    boxes = [source.mailbox(f"u{i}").fill(
        {"INBOX": corpus.plain(6, seed=100 + i),
         "Work": corpus.plain(3, seed=200 + i)}) for i in range(6)]
    for i in range(6):
        job.run("add", source.locator(f"u{i}"), target.locator(f"v{i}"),
                "--name", f"box{i}", check=0)
    job.run("run", "box[0-4]", "--mailboxes", 3, check=0)
    for i in range(5):
        compare.all_there(boxes[i], target.mailbox(f"v{i}"), at_least=9)
    assert not target.mailbox("v5").messages("INBOX")
    job.run("run", "no-such-name", check=65)
    job.run("run", check=0)
    compare.all_there(boxes[5], target.mailbox("v5"), at_least=9)


def test_fleet_exit_code_is_the_highest(job, dovecot, fake):
    source, target = dovecot(), dovecot()
    picky = fake(refuse=[(b"plain 1", "NO [CANNOT] not this one")])
    shut = fake(login="NO [AUTHENTICATIONFAILED] no")
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(2)})
    box.append("INBOX", b"Subject: plain 1\r\n\r\nx\r\n")
    for name, server in (("good", target), ("picky", picky),
                         ("shut", shut)):
        job.run("add", source.locator("alice"), server.locator("bob"),
                "--name", name, check=0)
    assert job.run("run").code == 3
    assert job.run("run", "good", "picky").code == 1
    assert job.run("run", "good").code == 0
    compare.all_there(box, target.mailbox("bob"), at_least=3)


def test_json_events(job, dovecot):
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({"INBOX": corpus.plain(5)})
    job.run("add", source.locator("alice"), target.locator("bob"), check=0)
    done = job.run("run", "--json", check=0)
    events = done.json
    assert {e["v"] for e in events} == {1}
    assert events[-1]["event"] == "end" and events[-1]["exit"] == 0
    assert events[-1]["mailboxes"][0]["progress"]["moved"] == 5
    assert {"start", "done"} <= {e["event"] for e in events}
