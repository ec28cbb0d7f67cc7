# SPDX-License-Identifier: Apache-2.0
"""A proxy breaks the connection in every way it can. The run reconnects
and ends complete, or stops with the right exit code and words."""
import pytest

from harness import compare, corpus
from harness.proxy import (CutAppend, CutFetch, CutReply, Drip, HoldAppend,
                           OnCommand, Say, Stall, WIDE_NUMBERS,
                           endless_line, huge_literal, nested)

# Deadlines that a test can wait for.
HASTE = {"MAILHAUL_TEST_DEADLINE_MS": "1500",
         "MAILHAUL_TEST_CONNECT_MS": "3000"}
RSS_LIMIT = 256 << 10  # kB: an endless line is 64 MB


def at_target():
    return {
        "cut inside a literal": CutAppend(100, times=3),
        "cut at the literal's end": CutAppend(10 ** 9, times=3),
        "cut before the first octet": CutAppend(0, times=3),
        "stored, reply lost": CutReply("APPEND", times=3),
        "reply lost to CREATE": CutReply("CREATE"),
        "reply lost to sign-in": CutReply("AUTHENTICATE PLAIN"),
        "stall instead of a reply": Stall("reply", "APPEND"),
        "BYE": Say(b"* BYE Server shutting down\r\n"),
        "BYE at the greeting": Say(b"* BYE try later\r\n", "greeting"),
        "garbage": Say(b"\0\xff\x80 no imap at all \x07\r\n" * 3),
        "half a line": Say(b"%TAG% OK [APPENDUID 12"),
        "a foreign tag": Say(b"zzzz99 OK done\r\n", then="go on"),
        "a huge literal": Say(huge_literal(), then="stall"),
        "a cut literal": Say(huge_literal(1000)),
        "an endless line": Say(endless_line()),
        "nested parentheses": Say(nested(), then="cut"),
        "wide numbers": Say(
            b"%TAG% OK [APPENDUID 99999999999999999999999 "
            b"99999999999999999999999] done\r\n", then="go on"),
        "a literal of 2^64": Say(
            b"* LIST () \"/\" {18446744073709551616}\r\nx"),
        "a negative literal": Say(b"* LIST () \"/\" {-1}\r\nx"),
        "APPENDUID 0": Say(b"%TAG% OK [APPENDUID 0 0] done\r\n",
                           then="go on"),
    }


def at_source():
    return {
        "cut inside a literal": CutFetch(100, times=3),
        "cut inside a big literal": CutFetch(200_000, smallest=250_000),
        "cut before the first octet": CutFetch(0, times=2),
        "cut between messages": CutReply("UID FETCH", times=2),
        "stall": Stall("data", "FETCH"),
        "stall at the reply": Stall("reply", "UID FETCH"),
        "stall at EXAMINE": Stall("reply", "EXAMINE"),
        "BYE": Say(b"* BYE Server shutting down\r\n", "data", "FETCH"),
        "garbage": Say(b"\0\xff\x80 no imap \x07\r\n", "data", "FETCH",
                       times=2),
        "half a line": Say(b"* 1 FETCH (UID 1 BOD", "data", "FETCH"),
        "a huge literal": Say(huge_literal(), "data", "FETCH",
                              then="stall"),
        "a huge literal, cut": Say(huge_literal(), "data", "FETCH"),
        "a huge literal of 64 bits": Say(
            huge_literal(1 << 63), "data", "FETCH"),
        "an endless line": Say(endless_line(), "data", "FETCH"),
        "an endless greeting": Say(endless_line(), "greeting"),
        "nested parentheses": Say(nested(), "data", "FETCH", then="cut"),
        "wide numbers": Say(WIDE_NUMBERS, "data", "FETCH"),
        "one octet every half second": Drip("FETCH"),
        "a literal in LIST, cut": Say(b'* LIST () "/" {5}\r\nab', "data",
                                      "LIST"),
        "wide EXISTS": Say(b"* 99999999999999999999 EXISTS\r\n", "data",
                           "EXISTS"),
    }


def copied(job, dovecot, proxy, fault, end, check=(0,)):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill(corpus.mailbox(26))
    server = source if end == "source" else target
    p = proxy(server.port, [fault])
    ports = {"source": (p.port, None), "target": (None, p.port)}[end]
    code, peak = job.peak(
        "copy", source.locator("alice", port=ports[0]),
        target.locator("bob", port=ports[1]), "--lanes", 2,
        env=HASTE, timeout=240)
    assert fault.struck >= 1, "the fault never struck"
    if code == 2:
        job.run("run", check=0, timeout=240)
    else:
        assert code in check, job.words("status")
    assert peak < RSS_LIMIT, f"{peak} kB of memory"
    compare.all_there(box, target.mailbox("bob"), at_least=28)
    assert set(job.states()) <= {"moved", "already-there"}, job.states()


@pytest.mark.parametrize("what", at_target())
def test_destination(job, dovecot, proxy, what):
    copied(job, dovecot, proxy, at_target()[what], "target")


@pytest.mark.parametrize("what", at_source())
def test_source(job, dovecot, proxy, what):
    copied(job, dovecot, proxy, at_source()[what], "source")


@pytest.mark.parametrize("without", [
    ["MULTIAPPEND"], ["MULTIAPPEND", "LITERAL+"]])
def test_equal_messages_of_a_batch_in_doubt(job, dovecot, proxy, without):
    """Some have their answer, one has not: it must not take the copy of
    another one for its own."""
    source, target = dovecot(), dovecot(without=without)
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(1) * 24})
    fault = CutReply("APPEND", times=4, skip=5)
    p = proxy(target.port, [fault])
    done = job.run("copy", source.locator("alice"),
                   target.locator("bob", port=p.port), "--lanes", 1,
                   env=HASTE, timeout=240)
    assert done.code in (0, 2), done
    if done.code == 2:
        job.run("run", check=0, timeout=240)
    assert fault.struck
    compare.all_there(box, target.mailbox("bob"), at_least=24)
    assert set(job.states()) == {"moved"}, job.states()


@pytest.mark.parametrize("manner", [
    {}, dict(without=["MULTIAPPEND"]),
    dict(without=["MULTIAPPEND", "LITERAL+"]), dict(without=["UIDPLUS"])])
@pytest.mark.parametrize("fault", ["reply", "literal"])
def test_every_third_append_dies(job, dovecot, proxy, manner, fault):
    """Again and again, in every manner of writing."""
    source, target = dovecot(), dovecot(**manner)
    box = source.mailbox("alice").fill(corpus.mailbox(40))
    fault = CutReply("APPEND", times=6) if fault == "reply" \
        else CutAppend(200, times=6)
    p = proxy(target.port, [fault])
    done = job.run("copy", source.locator("alice"),
                   target.locator("bob", port=p.port), env=HASTE,
                   timeout=240)
    assert done.code in (0, 2), done
    if done.code == 2:
        job.run("run", check=0)
    assert fault.struck >= 1
    compare.all_there(box, target.mailbox("bob"), at_least=42)


def test_dead_server_stops_with_2(job, dovecot, proxy):
    """Connection lost for good: not finished, and it says how to go on."""
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill(corpus.mailbox(13))
    cut = CutReply("APPEND", times=None)
    p = proxy(target.port, [cut])
    done = job.run("copy", source.locator("alice"),
                   target.locator("bob", port=p.port), timeout=400,
                   env=HASTE)
    assert done.code in (0, 2), done
    p.faults.clear()
    if done.code == 2:
        assert "run" in done.said, done
        job.run("run", check=0)
    compare.all_there(box, target.mailbox("bob"))


# --- A server that commits late --------------------------------------------------

@pytest.mark.parametrize("manner", [{}, dict(without=["UIDPLUS"])])
@pytest.mark.parametrize("seconds", [0, 1.0])
def test_late_commit(job, dovecot, proxy, manner, seconds):
    """The connection dies, we list and see nothing, then it commits."""
    source, target = dovecot(), dovecot(**manner)
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(12)})
    hold = HoldAppend(listings=1, seconds=seconds)
    p = proxy(target.port, [hold])
    done = job.run("copy", source.locator("alice"),
                   target.locator("bob", port=p.port), "--lanes", 1,
                   env={**HASTE, "MAILHAUL_TEST_LATE_MS": "3000"},
                   timeout=240)
    assert hold.struck == 1
    assert done.code in (0, 2), done
    for _ in range(3):
        if done.code == 0 and hold.committed:
            break
        done = job.run("run", env=HASTE, timeout=240)
    job.run("run", check=0)
    job.run("verify", check=0)
    compare.all_there(box, target.mailbox("bob"), at_least=12)


def test_source_changes_while_it_is_read(job, dovecot, proxy):
    """Mail that comes and goes during the run is no fault."""
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(40)})

    def change():
        with source.mailbox("alice") as other:
            other.delete("INBOX", [5, 6, 7])
            other.fill({"INBOX": corpus.plain(3, seed=60)})

    fault = OnCommand("UID FETCH", change, skip=1)
    p = proxy(source.port, [fault])
    done = job.run("copy", source.locator("alice", port=p.port),
                   target.locator("bob"))
    assert done.code in (0, 1, 2), done
    job.run("run", check=0)
    want, found = box.dump(), target.mailbox("bob").dump()
    lost = [d for d in compare.differences(want, found) if "lost" in d]
    assert not lost
    assert len(target.mailbox("bob").messages("INBOX")) <= 43
