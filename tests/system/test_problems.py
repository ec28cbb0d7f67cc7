# SPDX-License-Identifier: Apache-2.0
"""Messages that a destination will not have, and what becomes of them."""
from collections import Counter

import pytest

from harness import compare, corpus
from harness.mailbox import Msg, sha

BAD = b"Subject: the bad one\r\nX-Poison: yes\r\n\r\nbody\r\n"
LONG = b"Subject: long\r\n\r\n" + b"x" * 4000 + b"\r\n"


def source_of(dovecot, n=30, extra=(BAD,)):
    server = dovecot()
    messages = corpus.plain(n)
    for i, octets in enumerate(extra):
        messages.insert(3 + 5 * i, Msg(octets))
    server.mailbox("alice").fill({"INBOX": messages})
    return server, messages


def all_but(server, messages, bad):
    assert server.octets("INBOX") == Counter(
        sha(m.octets) for m in messages if m.octets not in bad)


MANNERS = {
    "multiappend": "IMAP4rev1 LITERAL+ UIDPLUS MULTIAPPEND",
    "literal+": "IMAP4rev1 LITERAL+ UIDPLUS",
    "plain": "IMAP4rev1 UIDPLUS",
    "bare": "IMAP4rev1",
}


@pytest.mark.parametrize("manner", MANNERS)
def test_refused_content(dovecot, fake, job, manner):
    """Found by halving; everything else arrives; exit 1."""
    target = fake(capabilities=MANNERS[manner], refuse=[
        (b"X-Poison", "NO [CANNOT] Message contains a virus")])
    source, messages = source_of(dovecot)
    job.run("copy", source.locator("alice"), target.locator(), check=1)
    all_but(target, messages, [BAD])
    assert job.states() == {"moved": 30, "problem": 1}
    done = job.run("problems")
    assert "the bad one" in done.out or "INBOX" in done.out, done


@pytest.mark.parametrize("manner", MANNERS)
def test_breaks_the_connection(dovecot, fake, job, manner):
    target = fake(capabilities=MANNERS[manner], poison=[b"X-Poison"])
    source, messages = source_of(dovecot)
    done = job.run("copy", source.locator("alice"), target.locator(),
                   timeout=300)
    for _ in range(5):
        if done.code != 2:
            break
        done = job.run("run", timeout=300)
    assert done.code == 1, done
    all_but(target, messages, [BAD])
    assert job.states() == {"moved": 30, "problem": 1}


def test_several_bad_ones(dovecot, fake, job):
    worse = BAD.replace(b"the bad one", b"another")
    target = fake(poison=[b"Subject: another"],
                  refuse=[(b"the bad one", "NO [CANNOT] no")])
    source, messages = source_of(dovecot, 60, (BAD, worse))
    done = job.run("copy", source.locator("alice"), target.locator(),
                   timeout=300)
    for _ in range(5):
        if done.code != 2:
            break
        done = job.run("run", timeout=300)
    assert done.code == 1, done
    all_but(target, messages, [BAD, worse])


@pytest.mark.parametrize("advertised", [True, False])
@pytest.mark.parametrize("manner", MANNERS)
def test_too_big(dovecot, fake, job, manner, advertised):
    big = corpus.sized(300_000).octets
    target = fake(capabilities=MANNERS[manner], max_size=100_000,
                  advertise_limit=advertised)
    source, messages = source_of(dovecot, 20, (big,))
    job.run("copy", source.locator("alice"), target.locator(), check=1)
    all_but(target, messages, [big])
    words = job.words("problems")
    assert "size" in words or "big" in words or "large" in words, words


def test_dovecots_own_size_limit(dovecot, job):
    target = dovecot(max_mail_size="100k")
    big = corpus.sized(300_000).octets
    source, messages = source_of(dovecot, 20, (big,))
    job.run("copy", source.locator("alice"), target.locator("bob"), check=1)
    assert sorted(sha(m[3]) for m in target.mailbox("bob").messages(
        "INBOX")) == sorted(sha(m.octets) for m in messages
                            if m.octets != big)


def test_repaired_copy(dovecot, fake, job):
    """Long lines are refused; a repaired copy is taken, and named."""
    target = fake(refuse=[(rb"[^\r\n]{999}", "NO [CANNOT] line too long")])
    source, messages = source_of(dovecot, 10, (LONG,))
    job.run("copy", source.locator("alice"), target.locator(), check=0)
    assert sum(target.octets("INBOX").values()) == 11
    assert sha(LONG) not in target.octets("INBOX")
    assert job.sql("SELECT count(*) FROM message WHERE orig_sha256 IS NOT "
                   "NULL AND orig_sha256 <> sha256") == [(1,)]
    job.run("verify", check=0)
    job.run("verify", "--deep", check=0)


def test_no_repair(dovecot, fake, job):
    target = fake(refuse=[(rb"[^\r\n]{999}", "NO [CANNOT] line too long")])
    source, messages = source_of(dovecot, 10, (LONG,))
    job.run("copy", source.locator("alice"), target.locator(),
            "--no-repair", check=1)
    all_but(target, messages, [LONG])


def test_overquota(dovecot, fake, job):
    """A person must act; afterwards it goes on."""
    target = fake(overquota=12)
    source, messages = source_of(dovecot, 40, ())
    done = job.run("copy", source.locator("alice"), target.locator(),
                   check=3)
    assert "full" in done.said.lower() or "quota" in done.said.lower()
    assert sum(target.octets("INBOX").values()) <= 12
    target.overquota = None
    job.run("run", check=0)
    all_but(target, messages, [])


def test_dovecots_own_quota(dovecot, job):
    target = dovecot(quota="40k")
    source, messages = source_of(dovecot, 100, ())
    job.run("copy", source.locator("alice"), target.locator("bob"), check=3)


def test_throttled(dovecot, fake, job):
    """Waits as long as asked, and loses nothing."""
    target = fake(capabilities="IMAP4rev1 UIDPLUS", backoff=(5, 300))
    source, messages = source_of(dovecot, 23, ())
    job.run("copy", source.locator("alice"), target.locator(), check=0)
    assert target.throttled >= 2
    all_but(target, messages, [])


@pytest.mark.parametrize("answer", ["nil", "missing", "no"])
def test_holes(dovecot, fake, job, answer):
    """Listed and never readable: kept, reported, tried again."""
    source = fake(holes={"INBOX": {3, 7}}, hole_answer=answer)
    target = dovecot()
    messages = corpus.plain(12)
    source.fill({"INBOX": messages})
    done = job.run("copy", source.locator("alice"), target.locator("bob"))
    assert done.code in (1, 2), done
    assert len(target.mailbox("bob").messages("INBOX")) == 10
    assert job.states() == {"moved": 10, "hole": 2}
    assert "INBOX" in job.run("problems").out
    source.holes.clear()
    job.run("run", check=0)
    assert {d[0] for d in target.mailbox("bob").dump()["INBOX"]} \
        == set(source.octets("INBOX"))


# --- The command ------------------------------------------------------------------

@pytest.fixture
def troubled(dovecot, fake, job):
    target = fake(refuse=[(b"X-Poison", "NO [CANNOT] it has a virus")])
    source, messages = source_of(dovecot)
    job.run("copy", source.locator("alice"), target.locator(), check=1)
    return target, messages


def test_list_has_reason_and_remedy(job, troubled):
    done = job.run("problems")
    assert done.code in (0, 1)
    assert len(done.out.split()) > 10
    row, = job.run("problems", "--json").json[0]["problems"]
    assert row["folder"] == "INBOX" and row["state"] == "problem"
    assert row["error"]["text"] and "virus" in row["error"]["detail"]


def test_export(job, troubled, tmp_path):
    job.run("problems", "--export", tmp_path / "out")
    files = list((tmp_path / "out").rglob("*.eml"))
    assert len(files) == 1
    assert files[0].read_bytes() == BAD


def test_retry(job, troubled):
    target, messages = troubled
    target.refuse.clear()
    job.run("run", check=1)
    all_but(target, messages, [BAD])
    assert job.run("problems", "--retry").code == 0
    told, = job.run("status", "--json").json[0]["mailboxes"]
    assert told["state"] == "unfinished"
    job.run("run", check=0)
    all_but(target, messages, [])


def test_ignore(job, troubled):
    target, messages = troubled
    assert job.run("problems", "--ignore").code == 0
    told, = job.run("status", "--json").json[0]["mailboxes"]
    assert told["state"] == "finished" and told["exit"] == 1
    job.run("run", check=0)
    assert job.states() == {"moved": 30, "ignored": 1}
    all_but(target, messages, [BAD])


def test_no_problems(job, dovecot):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(2)})
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0)
    assert job.run("problems", check=0).out
    compare.all_there(box, target.mailbox("bob"))
