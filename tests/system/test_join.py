# SPDX-License-Identifier: Apache-2.0
"""A second source joins a destination that the store knows: what came by
the first one is not sent again, and what is more often in the second is.

The first source is an IMAP server, the second one an archive of the same
mail: with gaps, with more of it, with messages twice.
"""
import shutil
from collections import Counter

import pytest

from harness import corpus
from harness.archive import write_maildir, write_mbox
from harness.mailbox import Msg, sha
from harness.program import until

STOPPED = 86


def octets(dump):
    """{folder: Counter(sha)} without flags and dates."""
    return {folder: Counter({}) + Counter(
        Counter(k[0] for k in items.elements()))
        for folder, items in dump.items() if items}


def shas(messages):
    return Counter(sha(m.octets) for m in messages)


def state_of(job, name):
    return dict(job.sql("SELECT state, count(*) FROM messages"
                        " WHERE mailbox=? GROUP BY state", name))


def listed(dump, folder):
    return octets(dump).get(folder, Counter())


def plain(n, seed):
    """Messages that are the same in an archive: LF and CRLF line ends."""
    return [m._replace(flags=("\\Seen",))
            for m in corpus.plain(n, 200, seed)]


class Ends:
    """An IMAP source, an archive, and a destination of both."""

    def __init__(self, dovecot, new_job, tmp_path, name="job", **manners):
        self.source, self.target = dovecot(), dovecot(**manners)
        self.job = new_job(name)
        self.file = tmp_path / "archive"
        self.alice = self.source.mailbox("alice")

    def imap(self):
        return self.source.locator("alice")

    def to(self, user="bob"):
        return self.target.locator(user)

    def mbox(self, messages, path=None):
        return "mbox:%s" % write_mbox(path or self.file, messages)

    def maildir(self, folders, path=None):
        return "maildir:%s" % write_maildir(path or self.file, folders)

    def bob(self, user="bob"):
        with self.target.mailbox(user) as box:
            return box.dump()


@pytest.fixture
def ends(dovecot, new_job, tmp_path):
    return Ends(dovecot, new_job, tmp_path)


def test_only_the_gaps_are_filled(ends):
    """Missing in the file, missing at the server, three against two."""
    a, b, c, d, e = plain(5, 71)
    ends.alice.fill({"INBOX": [a, b, c, c], "Work": [d]})
    ends.job.run("copy", ends.imap(), ends.to(), check=0)
    archive = ends.maildir({"INBOX": [a, c, c, c, e], "Work": [d]})
    ends.job.run("copy", archive, ends.to(), check=0)
    assert listed(ends.bob(), "INBOX") == shas([a, b, c, c, c, e])
    assert listed(ends.bob(), "Work") == shas([d])
    name = ends.job.sql("SELECT name FROM mailbox ORDER BY id")[1][0]
    assert state_of(ends.job, name) == {"already-there": 4, "moved": 2}
    # and the other way round: what the archive brought is known to the
    # first source's next pass
    ends.alice.fill({"INBOX": [e]})
    ends.job.run("run", check=0)
    assert listed(ends.bob(), "INBOX") == shas([a, b, c, c, c, e])
    ends.job.run("verify", check=0)


def test_three_sources(ends, tmp_path):
    a, b, c, d = plain(4, 72)
    ends.alice.fill({"INBOX": [a, b]})
    ends.job.run("copy", ends.imap(), ends.to(), check=0)
    ends.job.run("copy", ends.mbox([a, a, c], tmp_path / "one.mbox"),
                 ends.to(), check=0)
    ends.job.run("copy", ends.mbox([a, a, a, b, c, d],
                                   tmp_path / "two.mbox"),
                 ends.to(), check=0)
    assert Counter(k for f in octets(ends.bob()).values()
                   for k in f.elements()) == shas([a, a, a, b, c, d])
    ends.job.run("verify", check=0)
    ends.job.run("run", check=0)
    assert sum(sum(f.values()) for f in octets(ends.bob()).values()) == 6


def test_what_was_deleted_there_does_not_come_back(ends):
    a, b, c = plain(3, 73)
    ends.alice.fill({"INBOX": [a, b]})
    ends.job.run("copy", ends.imap(), ends.to(), check=0)
    with ends.target.mailbox("bob") as bob:
        bob.delete("INBOX", "1")
    left = listed(ends.bob(), "INBOX")
    assert sum(left.values()) == 1
    ends.job.run("copy", ends.maildir({"INBOX": [a, b, c]}), ends.to(),
                 check=0)
    assert listed(ends.bob(), "INBOX") == left + shas([c])
    name = ends.job.sql("SELECT name FROM mailbox ORDER BY id")[1][0]
    assert state_of(ends.job, name) == {
        "already-there": 1, "moved": 1, "gone-at-destination": 1}
    note = ends.job.sql("SELECT note FROM messages WHERE mailbox=?"
                        " AND state='gone-at-destination'", name)[0][0]
    assert "deleted at the destination" in note
    ends.job.run("verify", check=0)
    # asked for, it is sent again, by one of the two sources
    ends.job.run("problems", name, "--retry", check=None)
    ends.job.run("run", check=0)
    assert listed(ends.bob(), "INBOX") == shas([a, b, c])


def test_unsure_ones_are_kept_and_noted(ends):
    """The same Message-ID with another text."""
    a, b = plain(2, 74)
    other = Msg(a.octets + b"-- \r\na footer of the list\r\n", a.flags,
                a.date)
    ends.alice.fill({"INBOX": [a, b]})
    ends.job.run("copy", ends.imap(), ends.to(), check=0)
    ends.job.run("copy", ends.maildir({"INBOX": [other, b]}), ends.to(),
                 check=0)
    assert listed(ends.bob(), "INBOX") == shas([a, b, other])
    notes = ends.job.sql("SELECT note FROM messages WHERE note IS NOT NULL")
    assert len(notes) == 1 and "both were kept" in notes[0][0]
    assert "both were kept" in ends.job.run("problems").out


def test_a_gap_is_no_copy(ends):
    """What the first source could not deliver, the file brings."""
    a, b = plain(2, 75)
    ends.alice.fill({"INBOX": [a, b]})
    ends.job.run("copy", ends.imap(), ends.to(), "--max-size", 10, check=0)
    assert not listed(ends.bob(), "INBOX")
    ends.job.run("copy", ends.maildir({"INBOX": [a, b]}), ends.to(),
                 check=0)
    assert listed(ends.bob(), "INBOX") == shas([a, b])


def test_folders_go_where_those_of_the_first_went(ends):
    m = plain(6, 76)
    ends.alice.fill({"INBOX": [m[0]], "Work": [m[1]], "Work/2024": [m[2]],
                     "Sent": [m[3]]})
    ends.job.run("copy", ends.imap(), ends.to(), "--into", "Old", check=0)
    first = {f for f, n in octets(ends.bob()).items() if n}
    archive = ends.maildir({"INBOX": [m[0]], "work": [m[4]],
                            "Work/2024": [m[2]],
                            "Gesendete Objekte": [m[3], m[5]]})
    ends.job.run("copy", archive, ends.to(), check=0)
    there = ends.bob()
    assert {f for f, n in octets(there).items() if n} == first
    assert listed(there, "Old/Work") == shas([m[1], m[4]])
    assert listed(there, "Old/Sent") == shas([m[3], m[5]])


def test_stopped_at_every_step(dovecot, new_job, tmp_path, full):
    """The joined run: nothing lost, nothing twice, wherever it stops."""
    source, target = dovecot(), dovecot()
    a, b, c, d, e = plain(5, 77)
    source.mailbox("alice").fill({"INBOX": [a, b, c, c]})
    write_maildir(tmp_path / "file", {"INBOX": [a, c, c, c, d, e]})
    want = shas([a, b, c, c, c, d, e])
    for n in range(1, 400):
        if n > 30 and not full and n % 3:
            continue
        job, to = new_job(f"job{n}"), target.locator(f"bob{n}")
        job.run("copy", source.locator("alice"), to, check=0)
        args = ("copy", f"maildir:{tmp_path}/file", to, "--lanes", 1)
        first = job.run(*args, env={"MAILHAUL_TEST_STOP": str(n)})
        assert first.code in (0, STOPPED), first
        if first.code == STOPPED:
            job.run(*args, check=0)
        with target.mailbox(f"bob{n}") as bob:
            assert listed(bob.dump(), "INBOX") == want, f"step {n}"
        left = set(job.states()) - {"moved", "already-there"}
        assert not left, f"step {n}: {job.states()}"
        if first.code == 0:
            assert n > 5
            return
    pytest.fail("never ended")


@pytest.mark.parametrize("uidplus", [True, False])
def test_the_first_was_stopped_and_the_second_runs_first(
        dovecot, new_job, tmp_path, full, uidplus):
    """What the first run left in doubt is settled by the second one's."""
    source = dovecot()
    target = dovecot(**({} if uidplus else {"without": ["UIDPLUS"]}))
    a, b, c, d = plain(4, 78)
    source.mailbox("alice").fill({"INBOX": [a, b, c]})
    write_maildir(tmp_path / "file", {"INBOX": [a, b, b, d]})
    want = shas([a, b, b, c, d])
    for n in range(1, 200, 1 if full else 2):
        job, to = new_job(f"job{n}"), target.locator(f"bob{n}")
        first = ("copy", source.locator("alice"), to, "--lanes", 1)
        stopped = job.run(*first, env={"MAILHAUL_TEST_STOP": str(n)})
        assert stopped.code in (0, STOPPED), stopped
        # which proves, too, that all of the file is there
        job.run("copy", f"maildir:{tmp_path}/file", to, check=0)
        with target.mailbox(f"bob{n}") as bob:
            assert not shas([a, b, b, d]) - listed(bob.dump(), "INBOX")
        job.run(*first, check=0)
        with target.mailbox(f"bob{n}") as bob:
            assert listed(bob.dump(), "INBOX") == want, f"step {n}"
        left = set(job.states()) - {"moved", "already-there"}
        assert not left, f"step {n}: {job.states()}"
        job.run("verify", check=0)
        if stopped.code == 0:
            assert n > 5
            return
    pytest.fail("never ended")


def test_killed_in_the_middle(ends):
    """The first job dies while mail is on its way, the file comes, and
    then the first one goes on."""
    mail = plain(120, 79)
    ends.alice.fill({"INBOX": mail})
    ends.job.run("add", ends.imap(), ends.to(), "--name", "imap",
                 "--rate", "2K", check=0)
    p = ends.job.start("run", "imap")
    with ends.target.mailbox("bob") as bob:
        until(lambda: bob.status("INBOX")["MESSAGES"], p)
    p.kill()
    assert p.wait(60) < 0
    more = plain(5, 80)
    ends.job.run("copy", ends.maildir({"INBOX": mail[:90] + more}),
                 ends.to(), check=0)
    ends.job.run("run", "--rate", "100M", check=0)
    assert listed(ends.bob(), "INBOX") == shas(mail + more)
    ends.job.run("verify", check=0)


def test_the_store_is_lost(ends):
    a, b, c = plain(3, 81)
    ends.alice.fill({"INBOX": [a, b]})
    ends.job.run("copy", ends.imap(), ends.to(), check=0)
    archive = ends.maildir({"INBOX": [a, b, b, c]})
    ends.job.run("copy", archive, ends.to(), check=0)
    ends.job.forget()
    ends.job.run("copy", archive, ends.to(), check=0)
    ends.job.run("copy", ends.imap(), ends.to(), check=0)
    assert listed(ends.bob(), "INBOX") == shas([a, b, b, c])
    assert ends.job.states() == {"already-there": 6}
    ends.job.run("verify", check=0)


def test_verify_of_the_second_alone(ends):
    """The proof of a joined message is the other source's copy."""
    a, b, c = plain(3, 82)
    ends.alice.fill({"INBOX": [a, b]})
    ends.job.run("copy", ends.imap(), ends.to(), check=0)
    archive = ends.maildir({"INBOX": [a, b, c]})
    ends.job.run("copy", archive, ends.to(), "--name", "file", check=0)
    ends.job.run("verify", "file", check=0)
    ends.job.run("verify", "file", "--deep", check=0)
    shutil.rmtree(ends.file)
    ends.job.run("verify", "file", check=0)
    with ends.target.mailbox("bob") as bob:
        bob.delete("INBOX", "1")
    done = ends.job.run("verify", "file", check=1)
    assert "no longer at the destination" in done.said.replace("\n", " ")


def plan_of(job, name):
    """{folder: (settled, already, new, unsure)}; checks that the sum is
    the whole folder."""
    done = job.run("plan", "--json", name, check=0).json[0]
    rows = done["mailboxes"][0]["folders"]
    for r in rows:
        assert r["compared"]
        assert r["messages"] == r["settled"] + r["already"] + r["new"] \
            + r["unsure"] + r["left_out_messages"], r
    return {r["from"]: (r["settled"], r["already"], r["new"], r["unsure"])
            for r in rows if r["messages"]}


@pytest.mark.parametrize("kind", ["maildir", "mbox", "imap"])
def test_the_plan_says_what_the_run_will_do(ends, kind):
    a, b, c, d, e = plain(5, 83)
    other = Msg(c.octets + b"a footer\r\n", c.flags, c.date)
    file = [a, b, b, d, e, other]
    ends.alice.fill({"INBOX": [a, b, c]})
    ends.job.run("copy", ends.imap(), ends.to(), check=0)
    with ends.target.mailbox("bob") as bob:
        bob.fill({"Mine": [d], "INBOX": [e]})  # by another tool
    if kind == "imap":
        with ends.source.mailbox("carol") as carol:
            carol.fill({"INBOX": file})
        second = ends.source.locator("carol")
    elif kind == "mbox":
        second = ends.mbox(file)
    else:
        second = ends.maildir({"INBOX": file})
    ends.job.run("add", second, ends.to(), "--name", "second", check=0)
    before = ends.job.sql("SELECT * FROM messages")
    copies = ends.job.sql("SELECT * FROM dest_copy")
    (planned,) = plan_of(ends.job, "second").values()
    assert planned == (0, 4, 1, 1)
    assert ends.job.sql("SELECT * FROM messages") == before
    assert ends.job.sql("SELECT * FROM dest_copy") == copies
    assert sum(sum(f.values()) for f in octets(ends.bob()).values()) == 5
    ends.job.run("run", "second", check=0)
    assert state_of(ends.job, "second") == {"already-there": 4, "moved": 2}
    (planned,) = plan_of(ends.job, "second").values()
    assert planned == (6, 0, 0, 0)


def test_the_plan_of_an_archive_alone(ends):
    """Nothing is known, but the destination has some of it."""
    a, b, c = plain(3, 84)
    with ends.target.mailbox("bob") as bob:
        bob.fill({"INBOX": [a], "Elsewhere": [b, b]})
    ends.job.run("add", ends.maildir({"INBOX": [a, a, b, c]}), ends.to(),
                 "--name", "file", "--max-size", "5K", check=0)
    assert plan_of(ends.job, "file") == {"INBOX": (0, 2, 2, 0)}
    assert not ends.job.sql("SELECT * FROM dest_folder")
    ends.job.run("run", "file", check=0)
    assert state_of(ends.job, "file") == {"already-there": 2, "moved": 2}


def test_copies_of_neither_are_recognised_too(ends):
    """What the owner had there, which the first source does not have,
    is no less there for the second, though its folder is a new one."""
    a, b = plain(2, 85)
    ends.alice.fill({"INBOX": [a]})
    with ends.target.mailbox("bob") as bob:
        bob.fill({"INBOX": [b]})
    ends.job.run("copy", ends.imap(), ends.to(), check=0)
    ends.job.run("copy", ends.maildir({"Work": [a, b]}), ends.to(), check=0)
    assert listed(ends.bob(), "INBOX") == shas([a, b])
    assert not listed(ends.bob(), "Work")


def test_a_microsoft_365_mailbox(dovecot, practice, new_job, tmp_path):
    """By IMAP of the practice tenant, which rewrites what it stores."""
    tenant, source = practice(), dovecot()
    mail = plain(6, 86)
    source.mailbox("alice").fill({"INBOX": mail[:3], "Sent": mail[3:4]})
    job = new_job("m365", **tenant.env,
                  MAILHAUL_FROM_PASSWORD=source.password)
    to = "m365+imap:ann@contoso.com"
    trust = ("--ca-file", tenant.ca_file)
    job.run("copy", source.locator("alice"), to, *trust, check=0)
    path = write_maildir(tmp_path / "file", {
        "INBOX": [mail[0], mail[1], mail[1], mail[4]],
        "Gesendete Elemente": [mail[3], mail[5]]})
    job.run("copy", f"maildir:{path}", to, "--name", "file", *trust,
            check=0)
    assert state_of(job, "file") == {"already-there": 3, "moved": 3}
    job.run("verify", check=0)
    box = tenant.mailbox("ann@contoso.com")
    assert len(box.messages) == 7


def test_the_archive_is_made_anew(ends):
    """Another export of the same mail, in another order and with one more:
    joined messages are found again, and stay joined."""
    m = plain(5, 87)
    ends.alice.fill({"INBOX": m[:3]})
    ends.job.run("copy", ends.imap(), ends.to(), check=0)
    archive = ends.mbox(m[:4])
    ends.job.run("copy", archive, ends.to(), "--name", "file", check=0)
    ends.mbox([m[4], m[3], m[1], m[0], m[2]])
    ends.job.run("run", "file", check=0)
    assert sum((Counter(f) for f in octets(ends.bob()).values()),
               Counter()) == shas(m)
    assert state_of(ends.job, "file") == {"already-there": 3, "moved": 2}
    ends.job.run("verify", check=0)
