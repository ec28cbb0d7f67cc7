# SPDX-License-Identifier: Apache-2.0
"""The readers of archives against the least that reading costs.

Every comparison is of programs that run in turns on the same files, which
are in the page cache; the median of the rounds counts. Exit 1 when a line
that must be reached was not.
"""

import argparse
import base64
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
import zipfile

MB = 1 << 20
MEMORY_MOST = 48 * MB
RATIO_MOST = 1.5
FROM = b"From ann@example.com Mon Nov 16 10:00:00 2026\n"
QUOTED = re.compile(rb"^(>*From )", re.M)
PART = (b"\n--=_bench\nContent-Type: image/jpeg; name=\"a.jpg\"\n"
        b"Content-Transfer-Encoding: base64\n\n")


def corpus():
    """Real messages, else some of our own making."""
    shared = os.environ.get("MAILHAUL_SHARED") or \
        pathlib.Path(__file__).resolve().parents[2].parent / "shared"
    files = sorted(pathlib.Path(shared, "corpora/mail/ham").glob("*"))
    mail = [f.read_bytes().replace(b"\r\n", b"\n") for f in files
            if f.is_file()]
    mail = [m.split(b"\n", 1)[1] if m.startswith(b"From ") else m
            for m in mail]
    if mail:
        return mail, "real messages"
    return made_up(random.Random(1)), "made-up messages"


def made_up(rng):
    words = "".join(rng.choices("etaoinshrdlu    \n", k=200_000))
    mail = []
    for i in range(2000):
        at, n = rng.randrange(100_000), int(rng.lognormvariate(7.4, 0.9))
        hops = "".join(
            f"Received: from mx{k}.example.com (192.0.2.{k})\n\tby "
            f"mx{k + 1}.example.com with ESMTP id {rng.random()};\n"
            "\tMon, 16 Nov 2026 10:00:00 +0000\n" for k in range(5))
        mail.append((
            f"{hops}Message-ID: <{i}.{rng.random()}@example.com>\n"
            "Date: Mon, 16 Nov 2026 10:00:00 +0000\n"
            "From: Ann <ann@example.com>\nTo: bob@example.com\n"
            f"Subject: {words[at:at + 30]!r}\n"
            f"Content-Type: text/plain\n\n{words[at:at + n]}\n").encode())
    return mail


def endless(mail, attachments, seed=7):
    """Messages without end, each with a Message-ID of its own."""
    rng = random.Random(seed)
    image = base64.encodebytes(rng.randbytes(2 * MB))
    k = 0
    while True:
        for m in mail:
            head, _, body = m.partition(b"\n\n")
            k += 1
            head = re.sub(rb"(?mi)^message-id:.*\n", b"", head + b"\n")
            head = b"Message-ID: <%d@bench.example.com>\n%s" % (k, head)
            if attachments and rng.random() < 0.25:
                head = re.sub(rb"(?mi)^content-.*\n([ \t].*\n)*", b"", head)
                n = min(int(rng.lognormvariate(10.5, 1.2)), 2 * MB)
                body = (b"--=_bench\n\n" + body + PART +
                        image[:n // 77 * 77] + b"--=_bench--\n")
                head += (b"Content-Type: multipart/mixed; "
                         b"boundary=\"=_bench\"\n")
            yield head + b"\n" + body


def mbox(path, mail, attachments, octets):
    done = path.with_suffix(".done")
    if done.exists():
        return path
    n = 0
    with open(path, "wb") as out:
        for m in endless(mail, attachments):
            m = FROM + QUOTED.sub(rb">\1", m)
            n += out.write(m + (b"\n" if m.endswith(b"\n") else b"\n\n"))
            if n >= octets:
                break
    done.touch()
    return path


def maildir(path, mail, attachments, octets):
    done = path.with_suffix(".done")
    if done.exists():
        return path
    for sub in ("cur", "new", "tmp"):
        (path / sub).mkdir(parents=True, exist_ok=True)
    n = 0
    for k, m in enumerate(endless(mail, attachments)):
        name = f"{1700000000 + k}.M{k}P1.bench:2,S"
        n += (path / "cur" / name).write_bytes(m)
        if n >= octets:
            break
    done.touch()
    return path


def packed(path, mail, messages):
    if path.exists():
        return path
    half = path.with_suffix(".half")
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as z:
        for k, m in zip(range(messages), endless(mail, False)):
            z.writestr(f"Inbox/{k:05}.eml", m.replace(b"\n", b"\r\n"))
    half.rename(path)
    return path


class Resident(threading.Thread):
    """The most memory of a process and its children together."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.on = pid, 0, True
        self.start()

    def run(self):
        while self.on:
            self.peak = max(self.peak, family(self.pid))
            time.sleep(0.02)


def memory_of(pid):
    """Shared pages by their share where that may be asked (root)."""
    for name, field in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            with open(f"/proc/{pid}/{name}") as f:
                for line in f:
                    if line.startswith(field):
                        return int(line.split()[1]) * 1024
        except OSError:
            continue
    return 0


def family(pid):
    total = memory_of(pid)
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                total += sum(family(int(c)) for c in f.read().split())
    except (OSError, ValueError):
        pass
    return total


class Run:
    """One run of a program: wall and processor time, peak of memory."""

    def __init__(self, args, stdin=b"", memory=False):
        start = time.perf_counter()
        p = subprocess.Popen([str(a) for a in args], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        watch = Resident(p.pid) if memory else None
        p.stdin.write(stdin)
        p.stdin.close()
        self.out = p.stdout.read()
        talk = p.stderr.read()
        _, status, used = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.perf_counter() - start
        self.processor = used.ru_utime + used.ru_stime
        self.peak = 0
        if watch:
            watch.on = False
            watch.join()
            self.peak = watch.peak
        if p.returncode:
            sys.exit(f"{args} gave {p.returncode}: "
                     f"{talk.decode(errors='replace')[-800:]}")


class Bench:
    def __init__(self, a):
        self.a, self.dir, self.rows, self.missed = a, a.dir, [], False
        self.bin = a.dir / "bin"
        self.dump = self.bin / "tests/tools/archive_dump"
        self.mail, self.kind = corpus()

    def wanted(self, item):
        return not self.a.only or item in self.a.only

    def row(self, work, ours, least, ratio, must, reached):
        self.rows.append((work, ours, least, ratio, must, reached))
        self.missed |= reached is False
        print(f"{work}: {ours}, {least}, {ratio}", file=sys.stderr)

    def turns(self, mine, floor):
        mine(), floor()
        pairs = [(mine(), floor()) if k % 2 else (floor(), mine())[::-1]
                 for k in range(self.a.rounds)]

        def median(of, i):
            return statistics.median(of(p[i]) for p in pairs)

        return [(median(of, 0), median(of, 1))
                for of in (lambda r: r.wall, lambda r: r.processor)]

    def compare(self, work, mine, floor, most=RATIO_MOST):
        (ours, least), (cpu, cpu_least) = self.turns(mine, floor)
        self.row(work, f"{ours:.2f} s", f"{least:.2f} s",
                 f"{ours / least:.2f}",
                 f"within {most}" if most else "",
                 ours / least <= most if most else None)
        self.row(work + ": processor time", f"{cpu:.2f} s",
                 f"{cpu_least:.2f} s", f"{cpu / cpu_least:.2f}", "", None)

    def null(self, locator, messages=0, **more):
        r = Run([self.dump, "--null", locator], **more)
        told = json.loads(r.out)
        if told["holes"] or (messages and told["messages"] != messages):
            sys.exit(f"{locator}: {told}")
        return r

    def hashed(self, names):
        return Run([self.bin / "hash_files"],
                   b"".join(os.fsencode(n) + b"\n" for n in names))

    def mbox(self, octets):
        for item, attachments, what, most in (
                ("mbox", True, "with attachments", RATIO_MOST),
                ("small", False, "text only, 4 kB each", RATIO_MOST)):
            if not self.wanted(item):
                continue
            path = mbox(self.dir / f"{item}.mbox", self.mail, attachments,
                        octets)
            self.compare(f"mbox of {octets // 10**6:,} MB, {what}",
                         lambda: self.null(f"mbox:{path}"),
                         lambda: self.hashed([path]), most)

    def maildir(self, octets):
        if not self.wanted("maildir"):
            return
        path = maildir(self.dir / "maildir", self.mail, True, octets)
        names = [e.path for e in os.scandir(path / "cur")]
        self.compare(f"Maildir of {len(names):,} files, "
                     f"{octets // 10**6:,} MB",
                     lambda: self.null(f"maildir:{path}", len(names)),
                     lambda: self.hashed(names))

    def zip(self, messages):
        if not self.wanted("zip"):
            return
        path = packed(self.dir / "mail.zip", self.mail, messages)
        self.compare(f"{messages:,} .eml in a zip, against libarchive alone",
                     lambda: self.null(path, messages),
                     lambda: Run([self.bin / "unpack", path]))

    def sandbox(self, octets):
        if not self.wanted("sandbox"):
            return
        price = self.bin / "sandbox_price"
        path = mbox(self.dir / "mbox.mbox", self.mail, True, octets)
        for what, where in (("mbox", path),
                            ("Maildir", self.dir / "maildir")):
            if where.exists():
                self.compare(
                    f"sandbox and socket, {what}, against the parser alone",
                    lambda: Run([price, "behind", where]),
                    lambda: Run([price, "inside", where]), None)

    def memory(self, octets):
        if not self.wanted("memory"):
            return
        path = mbox(self.dir / f"memory{octets // 10**9}.mbox", self.mail,
                    True, octets)
        size = f"mbox of {octets / 10**9:g} GB"
        self.peak(f"peak memory, {size}",
                  self.null(f"mbox:{path}", memory=True))
        out = self.dir / "copy"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        program, store = self.bin / "src/mailhaul", out / "job.db"
        Run([program, "add", "--store", store, f"mbox:{path}",
             f"maildir:{out / 'to'}"])
        r = Run([program, "run", "--yes", "--quiet", "--store", store],
                memory=True)
        self.peak(f"peak memory, run of it into a Maildir "
                  f"({octets / r.wall / 10**6:.0f} MB/s)", r, False)
        self.peak("peak memory, verify of that",
                  Run([program, "verify", "--quiet", "--store", store],
                      memory=True), False)
        shutil.rmtree(out)
        if octets > 10**9:
            path.with_suffix(".done").unlink()
            path.unlink()

    def peak(self, work, r, promised=True):
        """The reader is bounded; a whole run also keeps what is in flight,
        and a Maildir's names."""
        self.row(work, f"{r.peak / 10**6:.0f} MB", "-", "-",
                 "under 48 MB" if promised else "",
                 r.peak < MEMORY_MOST if promised else None)

    def print(self):
        print(f"({self.kind}; {self.a.rounds} rounds)\n")
        print("| work | ours | least | ratio | must reach | reached |")
        print("|---|---|---|---|---|---|")
        for *cells, reached in self.rows:
            said = {None: "", True: "yes", False: "NO"}[reached]
            print("| " + " | ".join([*cells, said]) + " |")


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--dir", type=pathlib.Path, required=True)
    p.add_argument("--full", action="store_true")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", action="append", default=[])
    return p.parse_args()


def main():
    b = Bench(arguments())
    b.mbox(10**9)
    b.maildir(500 * 10**6)
    b.zip(6000)
    b.sandbox(10**9)
    b.memory(10**10 if b.a.full else 10**9)
    b.print()
    return 1 if b.missed else 0


if __name__ == "__main__":
    sys.exit(main())
