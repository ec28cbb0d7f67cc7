# SPDX-License-Identifier: Apache-2.0
"""Stops the program dead after step 1, 2, 3, ... of its journal, resumes
it, and compares both servers octet by octet: nothing lost, nothing twice.

The steps are those of src/util/step.h: each intend, literal, reply, settle
and transaction. One lane, so that the order is fixed.
"""
import pytest

from harness import compare, corpus
from harness.archive import read_maildir, write_maildir

STOPPED = 86
CEILING = 2000  # steps; a run that never ends is a failure, too

MANNERS = {
    "multiappend": {},
    "literal+": dict(without=["MULTIAPPEND"]),
    "neither": dict(without=["MULTIAPPEND", "LITERAL+"]),
    "no uidplus": dict(without=["UIDPLUS"]),
}


def stops(full):
    """n = 1, 2, ... ; the short tier leaves gaps once it has seen many."""
    n = 1
    while n < CEILING:
        yield n
        n += 1 if full or n < 60 else 3
    pytest.fail(f"more than {CEILING} steps for seven messages")


def every_step(job_of, locators, check, full, options=()):
    """job_of(n) gives a fresh job, locators(n) fresh ends; check(n)
    compares them. Gives back how many steps there were."""
    for n in stops(full):
        job = job_of(n)
        done = job.run("copy", *locators(n), "--lanes", 1, *options,
                       env={"MAILHAUL_TEST_STOP": str(n)})
        if done.code == 0:
            check(n)
            return n - 1
        assert done.code == STOPPED, done
        again = job.run("copy", *locators(n), "--lanes", 1, *options)
        assert again.code == 0, f"after step {n}: {again!r}"
        try:
            check(n)
        except AssertionError as e:
            raise AssertionError(f"stopped after step {n}, resumed: {e}")
        left = set(job.states()) - {"moved", "already-there"}
        assert not left, f"after step {n} rows are {job.states()}"


@pytest.mark.parametrize("manner", MANNERS)
def test_imap(dovecot, new_job, full, manner):
    source, target = dovecot(), dovecot(**MANNERS[manner])
    box = source.mailbox("alice").fill(corpus.small())

    def check(n):
        with target.mailbox(f"bob{n}") as bob:
            compare.all_there(box, bob, at_least=7)

    steps = every_step(
        lambda n: new_job(f"job{n}"),
        lambda n: (source.locator("alice"), target.locator(f"bob{n}")),
        check, full)
    assert steps >= 7


def test_maildir_as_destination(dovecot, new_job, full, tmp_path):
    source = dovecot()
    box = source.mailbox("alice").fill({
        folder: [m._replace(flags=tuple(f for f in m.flags
                                        if f.startswith("\\")))
                 for m in messages]
        for folder, messages in corpus.small().items()})
    want = box.dump()

    def check(n):
        compare.same(want, read_maildir(tmp_path / f"to{n}", dates=True))

    steps = every_step(
        lambda n: new_job(f"job{n}"),
        lambda n: (source.locator("alice"), f"maildir:{tmp_path}/to{n}"),
        check, full)
    assert steps >= 7


def test_maildir_as_source(dovecot, new_job, full, tmp_path):
    target = dovecot()
    path = write_maildir(tmp_path / "from", {
        folder: [m._replace(flags=tuple(f for f in m.flags
                                        if f.startswith("\\")))
                 for m in messages]
        for folder, messages in corpus.small().items()})
    want = read_maildir(path, dates=True)

    def check(n):
        with target.mailbox(f"bob{n}") as bob:
            compare.same(want, bob.dump())

    every_step(lambda n: new_job(f"job{n}"),
               lambda n: (f"maildir:{path}", target.locator(f"bob{n}")),
               check, full)


def test_a_later_pass(dovecot, new_job, full):
    """Stopped in a pass that brings new mail and flag changes."""
    target = dovecot()
    sources, n_of = {}, {}

    def locators(n):
        if n not in sources:
            server = source
            box = server.mailbox(f"alice{n}").fill(corpus.small())
            job = n_of[n]
            job.run("copy", server.locator(f"alice{n}"),
                    target.locator(f"bob{n}"), check=0)
            box.store("INBOX", "1:2", "+FLAGS", "\\Flagged")
            box.store("Sent", "1", "-FLAGS", "\\Seen")
            box.fill({"INBOX": corpus.plain(2, seed=30), "New":
                      corpus.plain(1, seed=31)})
            sources[n] = box
        return source.locator(f"alice{n}"), target.locator(f"bob{n}")

    def job_of(n):
        n_of[n] = new_job(f"job{n}")
        return n_of[n]

    def check(n):
        with target.mailbox(f"bob{n}") as bob:
            compare.all_there(sources[n], bob, at_least=10)
        sources[n].close()

    source = dovecot()
    assert every_step(job_of, locators, check, full) >= 3


def test_stopped_twice(dovecot, new_job):
    """Stopped again while it settles the first doubt."""
    source = dovecot()
    target = dovecot(without=["UIDPLUS"])
    box = source.mailbox("alice").fill(corpus.small())
    for n in (5, 9, 14, 20, 26):
        for m in (1, 2, 3, 5, 8):
            job = new_job(f"job{n}.{m}")
            user = f"bob{n}.{m}"
            args = ("copy", source.locator("alice"), target.locator(user),
                    "--lanes", 1)
            for stop in (n, m):
                assert job.run(*args, env={
                    "MAILHAUL_TEST_STOP": str(stop)}).code in (0, STOPPED)
            job.run(*args, check=0)
            with target.mailbox(user) as bob:
                compare.all_there(box, bob, at_least=7)


def test_the_store_is_lost_at_every_step(dovecot, new_job, full):
    """Without the store the copies are recognised by their content."""
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill(corpus.small())
    for n in list(range(1, 40, 1 if full else 4)):
        job, user = new_job(f"job{n}"), f"bob{n}"
        args = ("copy", source.locator("alice"), target.locator(user),
                "--lanes", 1)
        if job.run(*args, env={"MAILHAUL_TEST_STOP": str(n)}).code == 0:
            break
        job.forget()
        job.run(*args, check=0)
        with target.mailbox(user) as bob:
            compare.all_there(box, bob, exact=False, at_least=7)
