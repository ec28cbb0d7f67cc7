# SPDX-License-Identifier: Apache-2.0
"""What people and a half-known service do to Microsoft 365 while mail moves:
our own copies copied and moved by a person, listings in another order,
answers that say "busy" behind a stored message, a canary stopped half-way.
"""
import calendar
import threading
import time
from collections import Counter

import pytest

from harness import corpus
from harness.archive import write_maildir
from harness.mailbox import Msg, sha
from harness import program

STOPPED = 86
TO = "ann@contoso.com"
USER = f"/v1.0/users/{TO}/"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


class World:
    def __init__(self, tenant, path):
        self.tenant, self.path = tenant, path
        self.job = program.Job(path / "job", None, None, **{
            **tenant.env, "MAILHAUL_TEST_SEARCH_MS": "20",
            "MAILHAUL_TEST_LATE_MS": "100",
            "MAILHAUL_TEST_GOV_SCALE": "50"})
        self.args = ("copy", f"maildir:{path / 'from'}", f"m365+graph:{TO}",
                     "--ca-file", tenant.ca_file)
        self.written = 0

    def write(self, folders):
        write_maildir(self.path / "from", folders, count=self.written)
        self.written += sum(len(v) for v in folders.values())

    def copy(self, *more, stop=None, check=0):
        env = {"MAILHAUL_TEST_STOP": str(stop)} if stop else {}
        done = self.job.run(*self.args, *more, env=env)
        assert done.code == (STOPPED if stop else check), done
        return done

    def until(self, wanted):
        """Stopped at the first step after which wanted(mailbox) holds and a
        message is being sent."""
        for n in range(1, 30):
            self.copy(stop=n)
            if self.job.states().get("sending") and wanted(self.box()):
                return
        raise AssertionError("no such step")

    def box(self):
        return self.tenant.mailbox(TO)

    def http(self, method, path, body=None):
        status, _, answer = self.tenant.http(
            method, USER + path, body, IMMUTABLE, self.tenant.token())
        assert status in (200, 201, 204), answer
        return answer

    def there(self):
        """(folder, our hash) -> how many."""
        return Counter((m.path, octets_hash(m)) for m in self.box().messages)


def octets_hash(m):
    for name, value in m.props.items():
        if "sourceid" in name.lower():
            return value.split(".")[1]
    return sha(m.octets)


def source_state(m):
    """"w", "h", or None of what has not our property."""
    for name, value in m.props.items():
        if "sourceid" in name.lower():
            return value.split(".")[-1][0]
    return None


def seconds(iso):
    return calendar.timegm(time.strptime(iso[:19], "%Y-%m-%dT%H:%M:%S"))


@pytest.fixture
def world(practice, tmp_path):
    return lambda **switches: World(practice(**switches), tmp_path)


def letter(i=0):
    return Msg(corpus.plain(i + 1, 300, seed=7)[i].octets, (),
               corpus.START + i)


# --- what a person does with our copies --------------------------------------


@pytest.mark.parametrize("how", ["copy", "move", "copy from elsewhere"])
def test_a_copy_by_a_person_is_not_ours(world, how):
    """An equal message is in doubt, and is not there: what a person has
    copied or moved there is no copy of it, nor one too many."""
    w, same = world(), letter()
    first = "INBOX" if how == "copy" else "Work"
    w.write({first: [same], "INBOX" if first == "Work" else "Work": [
        letter(1)]})
    w.copy()
    at = next(m for m in w.box().messages
              if octets_hash(m) == sha(same.octets))
    w.write({"INBOX": [same]})
    w.until(lambda box: True)
    assert sum(w.there().values()) == 2, "it has been sent already"
    w.http("POST", f"messages/{at.id}/{how.split()[0]}",
           {"destinationId": "inbox"})
    # The proof names what a person has doubled.
    w.copy(check=0 if how == "move" else 1)
    there = w.there()
    assert there[("Inbox", sha(same.octets))] == (3 if how == "copy" else 2)
    assert there[("Work", sha(same.octets))] == (how not in ("copy", "move"))
    assert "sending" not in w.job.states()


# --- a half-known service ----------------------------------------------------


@pytest.mark.parametrize("what", [
    dict(match=r"POST .*/messages$", what="503-after", retry_after=1),
    dict(match=r"POST .*/messages$", what="503-before", retry_after=1)])
def test_busy_behind_a_stored_message(world, what):
    """503 with Retry-After is no proof that nothing was stored."""
    w = world()
    w.write({"INBOX": [letter(i) for i in range(6)]})
    w.tenant.fault(where="graph", times=2, after=2, **what)
    w.copy()
    assert len(w.box().messages) == 6
    assert set(w.job.states()) == {"moved"}


def test_a_listing_by_another_order(world):
    """$orderby is not honoured: mail that came to the mailbox itself hides
    what an interrupted run has put there."""
    w, mine = world(), letter()
    w.tenant.control("/config", ignore_orderby=True)
    w.write({"INBOX": [letter(1)]})
    w.copy()
    mail = w.path / "mail"
    mail.mkdir()
    for i, m in enumerate(corpus.plain(510, 100, seed=8)):
        (mail / str(i)).write_bytes(m.octets)
    w.tenant.control("/seed", address=TO, dir=str(mail))
    w.tenant.control("/clock", forward=4000)
    w.write({"INBOX": [mine]})
    w.tenant.fault(where="graph", match=r"POST .*/messages$",
                   what="drop-after", times=1)
    w.tenant.fault(where="graph", match=r"messages\?\$filter=",
                   what="404", times=3)
    w.copy()
    assert w.there()[("Inbox", sha(mine.octets))] == 1


def test_mail_is_deleted_while_a_folder_is_listed(world):
    """Pages move up behind us: what was skipped is not gone."""
    w, n = world(latency_ms=100), 504
    w.write({"INBOX": [letter(0)._replace(octets=m.octets)
                       for m in corpus.plain(n, 60, seed=9)]})
    w.copy()
    newest = sorted(w.box().messages, key=lambda m: m.created)[-4:]
    seen = len(w.tenant.log())

    def person():
        while not [e for e in w.tenant.read("/log", after=seen)["entries"]
                   if "orderby" in e.get("text", "")]:
            time.sleep(0.01)
        for m in newest:
            w.tenant.control("/message", address=TO, id=m.id, delete=True)

    t = threading.Thread(target=person, daemon=True)
    t.start()
    w.job.run("run", "--ca-file", w.tenant.ca_file)
    t.join(60)
    assert len(w.box().messages) == n - len(newest)
    gone = {name for name, in w.job.sql(
        "SELECT dest_name FROM messages WHERE state='gone-at-destination'")}
    assert gone <= {m.id for m in newest}


def stamped(i):
    """With the Received: field of a server that got it long ago."""
    m = letter(i)
    return m._replace(octets=b"Received: from a by b with ESMTP id 1;\r\n"
                      b"\tSun, 13 Mar 2011 07:06:40 +0000\r\n" +
                      corpus.wire(m.octets))


def test_a_canary_that_is_stopped(world):
    """importMime sets the wrong date here: what was stopped before it was
    looked at is not taken for a good copy."""
    w = world(importmime=True)
    w.write({"INBOX": [stamped(i) for i in range(2)]})
    dates = {sha(stamped(i).octets): stamped(i).date for i in range(2)}
    half = 0
    for n in range(2, 30):
        w.tenant.control("/mailbox", address=TO, empty=True)
        w.job.forget()
        done = w.job.run(*w.args, "--verbose",
                         env={"MAILHAUL_TEST_STOP": str(n)})
        half += any(source_state(m) == "h" for m in w.box().messages)
        if done.code == 0:
            break
        w.job.run(*w.args, check=0)
        box = w.box().messages
        assert len(box) == 2, n
        wrong = [m for m in box if source_state(m) and
                 seconds(m.received) != dates[octets_hash(m)]]
        assert not wrong, f"stopped after step {n}: {wrong[0].received}"
        # Nothing proves that one is ours before it has our property.
        noted = w.job.sql("SELECT count(*) FROM messages WHERE note IS NOT"
                          " NULL")[0][0]
        assert noted == sum(not source_state(m) for m in box), n
    assert half and n > 6


def test_the_way_by_imap_is_throttled(world):
    """A connection that has said so is not asked again, and what was never
    sent is in no doubt."""
    w = world()
    w.tenant.fault(where="imap", match="APPEND", what="throttle", times=1,
                   retry_after=1)
    w.write({"INBOX": [corpus.sized(5_000_000), letter()]})
    said = w.copy().said
    assert len(w.box().messages) == 2
    assert "an answer was lost" not in said, said
    assert set(w.job.states()) == {"moved"}
