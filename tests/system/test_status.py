# SPDX-License-Identifier: Apache-2.0
"""status: how far each mailbox is; works beside a run."""
import signal

from harness import corpus
from harness.program import until


def test_before_and_after(job, dovecot):
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({"INBOX": corpus.plain(12)})
    job.run("add", source.locator("alice"), target.locator("bob"),
            "--name", "ann", check=0)
    assert "ann" in job.run("status", check=0).out
    job.run("run", check=0)
    out = job.run("status", check=0).out
    assert "12" in out, out
    box, = job.run("status", "--json", check=0).json[0]["mailboxes"]
    assert box["mailbox"] == "ann" and box["state"] == "finished"
    assert box["progress"]["moved"] == 12 and box["progress"]["left"] == 0


def test_never_all_while_anything_is_left(job, dovecot):
    """Beside a run: it tells of it, and never of 100 %."""
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({"INBOX": corpus.plain(30, 20_000)})
    job.run("add", source.locator("alice"), target.locator("bob"),
            "--rate", "20K", check=0)
    run = job.start("run")
    bob = target.mailbox("bob")
    try:
        until(lambda: bob.status("INBOX")["MESSAGES"], run)
        out = job.run("status", check=0).out
        assert "100 %" not in out and "100%" not in out
    finally:
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 2
    assert "100%" not in job.run("status", check=0).out.replace(" ", "")
    job.run("run", "--rate", "100M", check=0)


def test_watch_ends_with_the_run(job, dovecot):
    """Without a terminal --watch prints and ends when nothing runs, or
    goes on until it is told to stop: it never hangs on a signal."""
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({"INBOX": corpus.plain(3)})
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0)
    said = job.path / "said"
    with open(said, "wb") as out:
        watch = job.start("status", "--watch", stdout=out)
    until(lambda: said.stat().st_size, watch)
    watch.send_signal(signal.SIGINT)
    assert watch.wait(60) in (0, 2)


def test_lines_without_a_terminal(job, dovecot):
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({"INBOX": corpus.plain(5)})
    done = job.run("copy", source.locator("alice"), target.locator("bob"),
                   check=0)
    assert "\x1b" not in done.said
    assert "\r" not in done.said
    quiet = job.run("run", "--quiet", check=0)
    assert len(quiet.err) <= len(done.said)
