# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments. The seed is printed when it fails."""
import os
import random
import signal
import time

import pytest

from harness import compare, corpus
from harness.killing import kill_often
from harness.program import until


def run(dovecot, new_job, messages, times, most, lanes, limit):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill(messages)

    def begin(n):
        job = new_job(f"job{n}")
        # The server may be busy with what the killed ones left behind.
        job.env["MAILHAUL_TEST_LATE_MS"] = "2000"
        args = ("copy", source.locator("alice"), target.locator(f"bob{n}"),
                "--lanes", lanes)

        def whole():
            job.run(*args, check=0, timeout=limit)
            with target.mailbox(f"bob{n}") as bob:
                compare.all_there(
                    box, bob, at_least=sum(map(len, messages.values())))
            job.run("verify", "--deep", check=0, timeout=limit)
        return job, args, whole

    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    kill_often(random.Random(seed), times, most, begin)


def test_ten_times(dovecot, new_job):
    messages = {"INBOX": corpus.plain(200, 3000), "Work": corpus.varied(52),
                "Sent": corpus.plain(48, 9000, seed=6)}
    run(dovecot, new_job, messages, 10, 150, 2, 120)


@pytest.mark.full
def test_a_hundred_times(dovecot, new_job):
    messages = {"INBOX": corpus.plain(3000, 4000),
                "Work": corpus.plain(1500, 12000, seed=6),
                "Sent": corpus.plain(500, 30000, seed=7)}
    run(dovecot, new_job, messages, 100, 300, 3, 600)


def test_second_interrupt_ends_at_once(dovecot, job):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(40, 30_000)})
    args = ("copy", source.locator("alice"), target.locator("bob"))
    p = job.start(*args, "--rate", "50K")
    with target.mailbox("bob") as bob:
        until(lambda: bob.status("INBOX")["MESSAGES"], p)
        p.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
        assert p.wait(60) == 2
        job.run(*args, "--rate", "100M", check=0)
        compare.all_there(box, bob, at_least=40)
