# SPDX-License-Identifier: Apache-2.0
"""Runs the program under test: never without a limit in time.

    job = Job(tmp_path, source.password, target.password)
    done = job.run("copy", FROM, TO)     or job.run("run", check=0)
    done.code, done.out, done.err, done.json   (a list of objects)
    job.start("run") -> subprocess.Popen, for tests that kill it

A Job is a folder with a store of its own. MAILHAUL_BIN names another
program than build/src/mailhaul.
"""
import json
import os
import pathlib
import sqlite3
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
LIMIT = int(os.environ.get("MAILHAUL_TEST_LIMIT", "120"))


def until(what, p=None, limit=LIMIT):
    """Waits for what() to be true, and gives that back. p must not end
    before."""
    end = time.monotonic() + limit
    while True:
        late = time.monotonic() > end
        ended = p is not None and p.poll() is not None
        got = what()
        if got:
            return got
        assert not ended, f"it ended before, with {p.returncode}"
        assert not late, f"not within {limit} s"
        time.sleep(0.02)


def binary():
    return os.environ.get("MAILHAUL_BIN",
                          str(ROOT / "build" / "src" / "mailhaul"))


class Done:
    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err
        self.said = out + err

    @property
    def json(self):
        """stdout as JSON: one object, or one a line."""
        try:
            return [json.loads(self.out)]
        except ValueError:
            return [json.loads(line) for line in self.out.splitlines()
                    if line.strip()]

    def __repr__(self):
        return "mailhaul %s\nexit %s\n--- stdout\n%s\n--- stderr\n%s" % (
            " ".join(self.args), self.code, self.out[-6000:],
            self.err[-6000:])


class Job:
    def __init__(self, path, from_password=None, to_password=None, **env):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.store = self.path / "mailhaul.db"
        self.env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.path), "LANG": "C.UTF-8", "TZ": "UTC",
            "MAILHAUL_STORE": str(self.store), "TMPDIR": str(self.path),
            # How long a server that lost its connection may still commit:
            # Dovecot on loopback is done long before.
            "MAILHAUL_TEST_LATE_MS": "700",
            # What a back-off starts from.
            "MAILHAUL_TEST_BACKOFF_MS": "50"}
        # Sanitizers and coverage of a build under test.
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                self.env[name] = value
        if from_password is not None:
            self.env["MAILHAUL_FROM_PASSWORD"] = from_password
        if to_password is not None:
            self.env["MAILHAUL_TO_PASSWORD"] = to_password
        self.env.update(env)

    def run(self, *args, check=None, timeout=LIMIT, env=None, stdin="",
            **kw):
        args = [str(a) for a in args]
        p = subprocess.run(
            [binary(), *args], env={**self.env, **(env or {})},
            cwd=self.path, input=stdin, capture_output=True, text=True,
            errors="replace", timeout=timeout, **kw)
        done = Done(args, p.returncode, p.stdout, p.stderr)
        if check is not None:
            codes = check if isinstance(check, tuple) else (check,)
            assert done.code in codes, f"expected exit {check}: {done!r}"
        assert done.code >= 0, f"killed by a signal: {done!r}"
        return done

    def peak(self, *args, timeout=LIMIT, env=None):
        """Runs it and gives back exit code and peak memory in kB."""
        p = self.start(*args, env=env)
        end, most = time.monotonic() + timeout, 0
        while time.monotonic() < end:
            # Not ru_maxrss: that counts the tests' own memory, too, of
            # which the program was a copy for a moment.
            try:
                status = pathlib.Path(f"/proc/{p.pid}/status").read_text()
            except OSError:
                status = ""
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    most = max(most, int(line.split()[1]))
            if p.poll() is not None:
                return p.returncode, most
            time.sleep(0.05)
        p.kill()
        p.wait()
        raise TimeoutError(f"mailhaul {args} takes more than {timeout} s")

    def words(self, *args, **kw):
        """stdout and stderr of a call as one text, lower case."""
        done = self.run(*args, **kw)
        return (done.out + done.err).lower()

    def start(self, *args, env=None, **kw):
        return subprocess.Popen(
            [binary(), *[str(a) for a in args]],
            env={**self.env, **(env or {})}, cwd=self.path,
            stdin=subprocess.DEVNULL,
            stdout=kw.pop("stdout", subprocess.DEVNULL),
            stderr=kw.pop("stderr", subprocess.DEVNULL), **kw)

    # --- The store, as docs/store.md describes it --------------------------

    def sql(self, query, *values):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True,
                             timeout=60) as db:
            return db.execute(query, values).fetchall()

    def states(self):
        """{"moved": 7, "problem": 1} over all mailboxes."""
        return dict(self.sql(
            "SELECT state, count(*) FROM messages GROUP BY state"))

    def forget(self):
        """The store is lost."""
        for suffix in ("", "-wal", "-shm"):
            path = pathlib.Path(str(self.store) + suffix)
            if path.exists():
                path.unlink()


def run_mailhaul(args, env=None, cwd=None, timeout=LIMIT, path="."):
    """One call without a Job: gives back a Done."""
    job = Job(cwd or path)
    job.env.update(env or {})
    return job.run(*args, timeout=timeout)
