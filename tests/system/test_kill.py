# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments. The seed is printed when it fails."""
import os
import random
import signal
import subprocess
import time

import pytest

from harness import compare, corpus


def killed(job, args, times, longest, seed):
    """Runs and kills it so many times; how often it was really killed."""
    rng, struck = random.Random(seed), 0
    for _ in range(times):
        p = job.start(*args)
        try:
            p.wait(rng.uniform(0.0, longest))
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            struck += 1
        p.wait(60)
        if p.returncode == 0:
            longest = max(0.02, longest * 0.6)
    return struck


def run(dovecot, job, new_job, messages, times, lanes, limit):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill(messages)
    # The server may be busy with what the killed ones left behind.
    job.env["MAILHAUL_TEST_LATE_MS"] = "2000"
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    begin = time.monotonic()
    new_job("whole").run("copy", source.locator("alice"),
                         target.locator("carol"), "--lanes", lanes, check=0,
                         timeout=limit)
    whole = time.monotonic() - begin
    args = ("copy", source.locator("alice"), target.locator("bob"),
            "--lanes", lanes)
    # So many pieces, each with its own start, take longer than one whole.
    struck = killed(job, args, times, max(0.3, 3 * whole / times), seed)
    assert struck >= times // 4, "it was hardly ever killed"
    job.run(*args, check=0, timeout=limit)
    with target.mailbox("bob") as bob:
        compare.all_there(box, bob,
                          at_least=sum(map(len, messages.values())))
    job.run("verify", "--deep", check=0, timeout=limit)


def test_ten_times(dovecot, job, new_job):
    messages = {"INBOX": corpus.plain(200, 3000), "Work": corpus.varied(52),
                "Sent": corpus.plain(48, 9000, seed=6)}
    run(dovecot, job, new_job, messages, 10, 2, 120)


@pytest.mark.full
def test_a_hundred_times(dovecot, job, new_job):
    messages = {"INBOX": corpus.plain(3000, 4000),
                "Work": corpus.plain(1500, 12000, seed=6),
                "Sent": corpus.plain(500, 30000, seed=7)}
    run(dovecot, job, new_job, messages, 100, 3, 600)


def test_second_interrupt_ends_at_once(dovecot, job):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(40, 30_000)})
    args = ("copy", source.locator("alice"), target.locator("bob"))
    p = job.start(*args, "--rate", "50K")
    with target.mailbox("bob") as bob:
        for _ in range(200):
            if bob.status("INBOX")["MESSAGES"] or p.poll() is not None:
                break
            time.sleep(0.1)
        p.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
        assert p.wait(30) == 2
        job.run(*args, "--rate", "100M", check=0)
        compare.all_there(box, bob, at_least=40)
