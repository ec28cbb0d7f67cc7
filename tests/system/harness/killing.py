# SPDX-License-Identifier: Apache-2.0
"""kill -9 by how far the program is, never by how long it has run: the
same on a fast machine and on a slow one.

    code = killed(job, steps, pause, "copy", FROM, TO)

Steps are those of src/util/step.h: each intend, reply, settle, transaction.
"""
import os
import select
import signal
import time

from .program import LIMIT


class Steps:
    """A pipe that the program tells its steps: job.start(..., env=s.env).
    What wait() does not read any more must fit: some 8000 steps."""

    def __init__(self, job):
        path = job.path / "steps"
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        # Opened before the program does, which would wait for it.
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.env = {"MAILHAUL_TEST_STEPS": str(path)}

    def wait(self, p, steps):
        """Until p has done so many more, or has ended."""
        end = time.monotonic() + LIMIT
        while steps > 0 and p.poll() is None:
            if time.monotonic() > end:
                raise TimeoutError(f"{steps} steps are missing")
            if select.select([self.fd], [], [], 0.05)[0]:
                steps -= os.read(self.fd, 512).count(b"\n")

    def close(self):
        os.close(self.fd)


def killed(job, steps, pause, *args):
    """Starts it, and kills it so many steps and seconds later. Gives back
    -9, or its exit code when it had ended before."""
    pipe = Steps(job)
    p = job.start(*args, env=pipe.env)
    try:
        pipe.wait(p, steps)
        time.sleep(pause)
    finally:
        p.kill()
        code = p.wait(60)
        pipe.close()
    assert code >= 0 or code == -signal.SIGKILL, code
    return code


def kill_often(rng, times, most, begin):
    """Kills it so many times, each at up to most steps and a moment.

    begin(n) gives (job, arguments, whole) with a destination of its own;
    whole() has that job end, and checks it: at last, and when it had ended
    by itself, after which begin() is called again."""
    job, args, whole = begin(0)
    struck = 0
    for n in range(1, 10 * times):
        code = killed(job, rng.randrange(most), rng.uniform(0, 0.01), *args)
        assert code <= 0, code
        struck += code < 0
        if struck == times:
            whole()
            return
        if code == 0:
            whole()
            job, args, whole = begin(n)
    raise AssertionError(f"killed {struck} times only")
