# SPDX-License-Identifier: Apache-2.0
"""How near mailhaul comes to what Microsoft 365 allows, against the practice
tenant with its answer time of 250 ms. Called by run_m365.sh.

Rates are of the steady state: from the time when every mailbox (or lane) is
at work until the first of them has no more, by the tenant's own log; folders,
signing in and the end are not in them. A broken limit is a miss.
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import mailgen
import table
from table import Row

ROOT = os.environ.get("MAILHAUL_ROOT") or os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
from harness.practice import Practice                        # noqa: E402

ANSWER_MS = 250
AT_ONCE = 4
REQUESTS, REQUEST_WINDOW = 10_000, 600      # m365.md C.10, virtual seconds
OCTETS, OCTET_WINDOW = 150_000_000, 300
FEWER = 300                 # requests in their window, so that they bind
LANES = 3
ANN = "ann@contoso.com"


class Failed(Exception):
    """mailhaul ended badly: no number."""


# --- Mail -------------------------------------------------------------------

def letter(maker, number, size):
    """A text, and what is more than 2 kB as an attachment."""
    when = mailgen.EPOCH + number * mailgen.STEP
    date = time.strftime("%a, %d %b %Y %T +0000", time.gmtime(when))
    head = (f"Date: {date}\n"
            f"From: Sender {number % 97} <s{number % 97}@example.org>\n"
            "To: Ann <ann@contoso.com>\n"
            f"Subject: Message {number}\n"
            f"Message-ID: <{number}.{size}@bench.example.org>\n"
            "MIME-Version: 1.0\n")
    text = f"Letter {number}.\n" + "All is well.\n" * 40
    if size <= 2000:
        return (head + "Content-Type: text/plain\n\n" + text).encode()
    mixed = (head + 'Content-Type: multipart/mixed; boundary="=-"\n\n--=-\n'
             "Content-Type: text/plain\n\n" + text + "\n--=-\n"
             'Content-Type: application/octet-stream; name="data.bin"\n'
             "Content-Disposition: attachment; filename=data.bin\n"
             "Content-Transfer-Encoding: base64\n\n").encode()
    body = maker.body(number, size - len(mixed))
    # Whole groups of four characters, or it is no base64.
    body = body[:len(body) - len(body) % mailgen.LINE].replace(b"\r", b"")
    return mixed + body + b"--=---\n"


def write_maildir(path, maker, count, size, flags):
    for sub in ("cur", "new", "tmp"):
        os.makedirs(path / sub)
    for i in range(count):
        letters = "".join(sorted(
            {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F"}[f]
            for f in flags(i)))
        name = path / "cur" / f"{mailgen.EPOCH + i}.M{i}.bench:2,{letters}"
        name.write_bytes(letter(maker, i, size))
        when = mailgen.EPOCH + i * mailgen.STEP
        os.utime(name, (when, when))


def seen(_):
    return ("\\Seen",)


# --- One run ----------------------------------------------------------------

class Did:
    """What a run cost, and when its messages were taken."""

    def __init__(self, scale):
        self.scale = scale
        self.puts = collections.defaultdict(list)   # who: real seconds
        self.requests = []
        self.breaches = []
        self.seconds = self.processor = self.tenant = 0.0
        self.peak = 0       # KiB

    def steady(self, together=1):
        """(messages a second, seconds) while all were at work. The first
        ones, so many, come together: the time begins with the last."""
        begin = max(times[together - 1] for times in self.puts.values())
        end = min(times[-1] for times in self.puts.values())
        inside = sum(begin < t <= end
                     for times in self.puts.values() for t in times)
        if end <= begin:
            raise Failed("not all were at work at one time")
        return inside / (end - begin), end - begin

    def windows(self, span, times=None):
        """(a second, windows) over whole windows, the first left out: what
        comes in bursts has no rate of its own."""
        times = times or sorted(t for v in self.puts.values() for t in v)
        begin = times[0] + span
        n = int((times[-1] - begin) / span)
        if n < 1:
            raise Failed("not one whole window")
        return sum(begin < t <= begin + n * span for t in times) \
            / (n * span), n

    def busy(self):
        return f"processor: mailhaul {self.processor:.1f} s, tenant " \
            f"{self.tenant:.1f} s of {self.seconds:.0f} s"

    def as_json(self):
        return {"seconds": self.seconds, "processor": self.processor,
                "tenant": self.tenant, "peak_kib": self.peak,
                "messages": sum(len(v) for v in self.puts.values()),
                "breaches": self.breaches}


def processor_of(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seconds_of(entry, scale):
    head, _, tail = entry["time"].partition(".")
    when = datetime.datetime.fromisoformat(head + "+00:00").timestamp()
    return (when + float("0." + tail.rstrip("Z"))) / scale


def read_log(tenant, did):
    for e in tenant.log():
        when = seconds_of(e, did.scale)
        if e["kind"] == "imap" and e["command"] == "APPEND" and \
                e["answer"].startswith("OK"):
            did.puts[e["connection"]].append(when)
        text = e.get("text", "")
        if e["kind"] == "http" and "/users/" in text:
            did.requests.append(when)
        if text.startswith("POST ") and text.endswith("/messages") and \
                e["status"] == 201:
            did.puts[text.split("/")[3]].append(when)


class Bench:
    def __init__(self, folder, program, quick):
        self.folder = folder / "m365"
        self.program = program
        self.measure = folder / "bin" / "measure"
        self.quick = quick
        self.maker = mailgen.Maker()
        self.failures = []

    def few(self, n):
        return max(n // 3, 60) if self.quick else n

    def mail(self, count, size, flags=seen):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        write_maildir(self.folder / "from", self.maker, count, size, flags)

    def env(self, tenant, more):
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder),
                "TMPDIR": str(self.folder), "LANG": "C.UTF-8", "TZ": "UTC",
                "MAILHAUL_STORE": str(self.folder / "mailhaul.db"),
                **tenant.env, **more}

    def call(self, env, *args):
        """What it cost, by measure.c. Its words only if it fails."""
        cost = self.folder / "cost.json"
        done = subprocess.run(
            [self.measure, cost, self.program, *args], env=env, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=1800)
        if done.returncode:
            raise Failed(f"mailhaul {args[0]}: exit {done.returncode}: "
                         + done.stdout.decode(errors="replace")[-500:])
        return json.loads(cost.read_text())

    def run(self, door, addresses=(ANN,), options=(), env=None, **switches):
        """Each address gets the same mail."""
        scale = switches.get("clock", 1)
        more = {"MAILHAUL_TEST_GOV_SCALE": str(scale), **(env or {})}
        did = Did(scale)
        with Practice(latency_ms=ANSWER_MS, **switches) as tenant:
            for a in addresses:
                tenant.control("/user", upn=a)
                tenant.control("/mailbox", address=a)
            env = self.env(tenant, more)
            csv = self.folder / "fleet.csv"
            csv.write_text("from,to,name\n" + "".join(
                f"maildir:{self.folder}/from,{door}:{a},"
                f"{a.partition('@')[0]}\n" for a in addresses))
            trust = ("--ca-file", tenant.ca_file)
            self.call(env, "add", str(csv), *trust)
            before = processor_of(tenant.about["pid"])
            cost = self.call(env, "run", *trust, *options)
            did.seconds = cost["wall"]
            did.tenant = processor_of(tenant.about["pid"]) - before
            did.processor = cost["user"] + cost["sys"]
            did.peak = cost["rss_kib"]
            did.breaches = tenant.breaches()
            read_log(tenant, did)
            self.complete(tenant, did, addresses)
        return did

    def complete(self, tenant, did, addresses):
        want = len(os.listdir(self.folder / "from" / "cur"))
        for a in addresses:
            have = len(tenant.read("/mailbox", address=a)["messages"])
            if have != want:
                raise Failed(f"{a}: {have} of {want} messages")


# --- Items ------------------------------------------------------------------

def a_second(x):
    return "-" if x is None else f"{x:.2f}/s"


def row(work, did, rate, limit, share, note, show=a_second):
    broken = len(did.breaches)
    ratio = rate / limit
    return Row(work, rate, {"limit": limit}, show, f"{share:.2f}",
               ratio >= share and not broken, ratio,
               note=f"{note}; limits broken: {broken}; {did.busy()}",
               raw=did.as_json())


def imap(bench, flags=seen, work="IMAP, three lanes"):
    bench.mail(bench.few(900), 1000, flags)
    did = bench.run("m365+imap", options=("--lanes", str(LANES)))
    rate, seconds = did.steady()
    if len(did.puts) != LANES:
        raise Failed(f"{len(did.puts)} lanes instead of {LANES}")
    return [row(work, did, rate, LANES * 1000 / ANSWER_MS, 0.9,
                f"{seconds:.0f} s")]


def imap_flags(bench):
    """A star costs a STORE besides, for several messages at once."""
    return imap(bench, mailgen.flags_of, "IMAP, every fifth has a star")


def at_once(bench):
    bench.mail(bench.few(900), 1000)
    did = bench.run("m365+graph", no_imap=True)
    rate, seconds = did.steady(AT_ONCE)
    messages = sum(len(v) for v in did.puts.values())
    return [row("Graph, four at once", did, rate, AT_ONCE * 1000 / ANSWER_MS,
                0.95, f"{seconds:.0f} s; {len(did.requests)} requests for "
                f"{messages} messages")]


def fleet(bench):
    bench.mail(bench.few(600), 1000)
    names = [f"u{i}@contoso.com" for i in range(10)]
    did = bench.run("m365+graph", names, ("--mailboxes", "10"), no_imap=True)
    rate, seconds = did.steady(AT_ONCE)
    if len(did.puts) != 10:
        raise Failed(f"{len(did.puts)} mailboxes instead of 10")
    return [row("Graph, ten mailboxes", did, rate,
                10 * AT_ONCE * 1000 / ANSWER_MS, 0.95,
                f"{seconds:.0f} s, {did.peak / 1024:.0f} MB")]


def requests(bench):
    """At 250 ms four at once are fewer than the window's requests: it is
    made smaller, on both sides alike."""
    clock = 30 if bench.quick else 20
    span = REQUEST_WINDOW / clock
    fewer = FEWER * 20 // clock
    bench.mail(int(fewer * 3.3), 1000)
    ours = str(fewer * 9950 // 10000)
    did = bench.run("m365+graph", clock=clock, limit_requests=fewer,
                    no_imap=True, env={"MAILHAUL_TEST_GOV_REQUESTS": ours})
    rate, n = did.windows(span)
    return [row("Graph, requests", did, rate, fewer / span, 0.95,
                f"{n} windows of {span:.0f} s with {fewer}")]


def octets(bench):
    """With Microsoft's own number, in a window of a tenth."""
    clock = 20 if bench.quick else 10
    span = OCTET_WINDOW / clock
    size = 500_000
    bench.mail(int(OCTETS * 3.3 / size), size)
    did = bench.run("m365+graph", clock=clock, no_imap=True)
    rate, n = did.windows(span)
    each = len(letter(bench.maker, 1, size)) * 76 / 77
    return [row("Graph, octets", did, rate * each / 1e6, OCTETS / span / 1e6,
                0.95, f"{n} windows of {span:.0f} s",
                lambda x: f"{x:.2f} MB/s")]


def memory(bench):
    size = 150_000_000
    bench.mail(1, size)
    did = bench.run("m365+graph", no_imap=True)
    peak = did.peak / 1024
    broken = len(did.breaches)
    return [Row("peak memory, a message of 150 MB by upload session", peak,
                {}, lambda x: f"{x:.0f} MB", "under 48 MB",
                peak < 48 and not broken,
                note=f"{did.seconds:.0f} s; limits broken: {broken}",
                raw=did.as_json())]


def markdown(rows):
    lines = ["| work | ours | limit | ratio | must reach | limits broken | "
             "reached |", "|---" * 7 + "|"]
    for r in rows:
        work, ours, _, ratio, must, reached = r.cells()
        limit = r.show(r.peers.get("limit")) if r.peers else "-"
        lines.append("| " + " | ".join((
            work, ours, limit, ratio, must, str(len(r.raw["breaches"])),
            reached)) + " |")
    return "\n".join(lines)


ITEMS = {"imap": imap, "imap-flags": imap_flags, "at-once": at_once,
         "requests": requests, "octets": octets, "fleet": fleet,
         "memory": memory}


def options():
    p = argparse.ArgumentParser(
        prog="run_m365.sh",
        description="Measures mailhaul against the practice tenant's limits.")
    p.add_argument("--quick", action="store_true", help="a third of the mail")
    p.add_argument("--only", action="append", choices=sorted(ITEMS),
                   help="this item; repeatable")
    p.add_argument("--markdown", action="store_true",
                   help="print the table for docs/performance.md")
    return p.parse_args()


def measure(bench, names):
    rows = []
    for name in names:
        print(name, flush=True)
        try:
            rows += ITEMS[name](bench)
        except (Failed, OSError, RuntimeError) as e:
            print(f"  FAILED {name}: {e}", flush=True)
            bench.failures.append(f"{name}: {e}")
    return rows


def main():
    args = options()
    root = pathlib.Path(os.environ["MAILHAUL_BENCH_DIR"])
    bench = Bench(root, os.environ["MAILHAUL"], args.quick)
    rows = measure(bench, [n for n in ITEMS
                           if not args.only or n in args.only])
    print("\n" + (markdown if args.markdown else table.text)(rows))
    out = root / "m365.json"
    out.write_text(json.dumps({
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": args.quick, "processors": os.cpu_count(),
        "failures": bench.failures,
        "rows": [r.as_json() for r in rows]}, indent=1))
    print(f"\nall of it: {out}")
    shutil.rmtree(bench.folder, ignore_errors=True)
    missed = [r for r in rows if r.reached is False]
    return 1 if missed or bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
