# SPDX-License-Identifier: Apache-2.0
"""The work items of the table, one function each; each returns its rows."""
import subprocess

import clients
import rig as rigs
import servers
import table
from table import Row, faster, median

ONE_WAY = 25                       # milliseconds: 50 ms round trip


class Bench:
    """What every item needs: the rig, who takes part, how often."""

    def __init__(self, rig, program, rounds, all_peers):
        self.rig = rig
        self.program = program
        self.rounds = rounds
        self.all_peers = all_peers
        self.peers = clients.peers()
        self.ours = clients.Mailhaul(program)
        self.everybody = (
            [self.ours] if self.ours.available() else []) + self.peers
        self.copies = {}
        self.failures = []

    def attempt(self, work, call, *args, **kwargs):
        """The result, or None and a noted failure."""
        try:
            return call(*args, **kwargs)
        except (rigs.Incomplete, subprocess.CalledProcessError,
                RuntimeError) as e:
            print(f"  FAILED {work}: {e}", flush=True)
            self.failures.append(f"{work}: {e}")
            return None

    def interleave(self, work, who, call):
        """{name: [result, ...]}: A B C, B C A, so that a busy moment of the
        machine meets everybody, and nobody is always first."""
        results = {c.name: [] for c in who}
        for i in range(self.rounds):
            first = i % len(who) if who else 0
            for client in who[first:] + who[:first]:
                r = self.attempt(f"{work}, {client.name}", call, client)
                if r is not None:
                    results[client.name].append(r)
        return results

    def option(self, *options):
        return clients.Mailhaul(self.program, options)


def split(results, value):
    """Medians: ours, and the peers that have one."""
    medians = {k: median([value(r) for r in v]) for k, v in results.items()}
    ours = medians.pop("mailhaul", None)
    return ours, {k: v for k, v in medians.items() if v is not None}


def wall(r):
    return r["wall"]


def copy_item(bench, delay):
    rows = []
    for fmt in servers.FORMATS:
        work = f"first copy, {2 * delay or 'no'} " + \
            ("ms" if delay else "delay") + f", {fmt}"
        print(work, flush=True)
        t = bench.rig.mailboxes.template("mixed", fmt)
        variants = [clients.DoveadmTuned()] if bench.all_peers else []
        results = bench.interleave(
            work, bench.everybody + variants,
            lambda c, t=t: bench.rig.copy(c, t, delay or None))
        bench.copies[work] = results
        ours, peers = split(results, wall)
        ratio = faster(ours, peers)
        must = 3.0 if delay else 1.0
        rows.append(Row(
            work, ours, peers, table.seconds,
            "3 times as fast" if delay else "faster than the fastest",
            ratio is not None and ratio >= must, ratio, raw=results))
        if not delay:
            rows.append(floor_row(bench, t, fmt, ours))
    return rows


def floor_row(bench, template, fmt, ours):
    """Ours against replaying the same octets on one connection."""
    times = {}
    for connections in (1, 4):
        runs = [bench.rig.replay("mixed", template, connections)["seconds"]
                for _ in range(bench.rounds)]
        times[f"replay x{connections}"] = median(runs)
    floor = times["replay x1"]
    ratio = ours / floor if ours else None
    return Row(f"against the floor, {fmt}", ours, times, table.seconds,
               "within 1.5 of replay x1",
               ratio is not None and ratio <= 1.5, ratio)


def delayed(bench):
    return copy_item(bench, ONE_WAY)


def direct(bench):
    return copy_item(bench, 0)


def second_pass(bench):
    work = "second run, nothing changed"
    print(work, flush=True)
    t = bench.rig.mailboxes.template("unchanged", "mdbox")
    results = {}
    for client in bench.everybody:
        r = bench.attempt(work, bench.rig.second, client, t, ONE_WAY)
        results[client.name] = [r] if r else []
    folders = len(t.census)

    def octets(r):
        links = r["proxy"]["links"].values()
        return sum(x["up"] + x["down"] for x in links) / folders

    def waits(r):
        links = r["proxy"]["links"].values()
        return sum(x["turnarounds"] for x in links) / folders

    label = f"second run, {t.messages:,} unchanged, {folders} folders: "
    ours, peers = split(results, octets)
    rows = [Row(label + "on the wire, a folder", ours, peers,
                table.kilobytes, "under 20 kB",
                ours is not None and ours < 20_000,
                raw=results)]
    ours, peers = split(results, waits)
    rows.append(Row(label + "waits, a folder", ours, peers, table.count,
                    "under 10", ours is not None and ours < 10,
                    note="doveadm has one end only" if peers else ""))
    ours, peers = split(results, wall)
    rows.append(Row(label + "time at 50 ms", ours, peers, table.seconds, "",
                    None, faster(ours, peers)))
    return rows


def first_message(bench):
    t = bench.rig.mailboxes.template("inbox", "mdbox")
    work = f"INBOX of {t.messages:,}: until the first message is stored"
    print(work, flush=True)
    results = {}
    for client in (c for c in bench.everybody if c.writes_imap):
        r = bench.attempt(work, bench.rig.first_stored, client, t, ONE_WAY)
        results[client.name] = [r] if r else []
    ours, peers = split(results, lambda r: r["chain"])
    rows = [Row(work + ", waits", ours, peers, table.count, "under 40",
                ours is not None and ours < 40, raw=results,
                note="the longest chain of question and answer")]
    ours, peers = split(results, lambda r: r["seconds"])
    rows.append(Row(work + ", time", ours, peers, table.seconds, "", None,
                    faster(ours, peers)))
    return rows


def memory_row(bench, work, name, must, client=None):
    """Peak memory over a whole copy; peers only when asked."""
    print(work, flush=True)
    t = bench.rig.mailboxes.template(name, "mdbox")
    results = {}
    who = [client or bench.ours] + (bench.peers if bench.all_peers else [])
    for c in (c for c in who if c.available()):
        r = bench.attempt(work, bench.rig.copy, c, t)
        results[c.name] = [r] if r else []
    ours, peers = split(results, lambda r: r["rss_kib"])
    return Row(work, ours, peers, table.mebibytes, must,
               ours is not None and ours < 64 * 1024, raw=results)


def memory(bench):
    rows = [memory_row(bench, "peak memory, 100 MB messages, four lanes",
                       "huge", "under 64 MB", bench.option("--lanes", "4")),
            memory_row(bench, "peak memory, one long folder", "long",
                       "under 64 MB")]
    sizes = {}
    t = bench.rig.mailboxes.template("mixed", "mdbox")
    for limit in ("2M", "256M") if bench.ours.available() else ():
        c = bench.option("--lanes", "4", "--memory", limit)
        r = bench.attempt(f"--memory {limit}", bench.rig.copy, c, t)
        if r:
            sizes[limit] = r["rss_kib"]
    small, big = sizes.get("2M"), sizes.get("256M")
    rows.append(Row(
        "peak memory with --memory 256M, and with 2M", big,
        {"2M:": small} if small else {}, table.mebibytes,
        "--memory moves it", bool(small and big and big > 1.5 * small)))
    return rows


def append_rate(bench):
    """The source has no delay: only the destination's round trip counts."""
    t = bench.rig.mailboxes.template("eight", "mdbox")
    rows = []
    manners = (("MULTIAPPEND", "", True, 5000),
               ("LITERAL+ alone",
                f"imap_capability = {servers.LITERAL_ONLY}", False, 1500))
    for name, extra, multi, must in manners:
        work = f"APPEND of 8 kB at 50 ms, {name}"
        print(work, flush=True)
        who = bench.everybody if bench.all_peers else [bench.ours]
        # interimap sends one at a time without MULTIAPPEND: 20 a second.
        slow = () if multi else ("interimap",)
        results = bench.interleave(
            work, [c for c in who if c.available() and c.writes_imap and
                   c.name not in slow],
            lambda c, x=extra: bench.rig.copy(c, t, ONE_WAY, both=False,
                                              extra=x))
        ours, peers = split(results, lambda r: stored_rate(t, r))
        floor = bench.rig.replay("eight", t, 1, ONE_WAY, multi)
        peers["replay"] = stored_rate(t, floor)
        rows.append(Row(work, ours, peers, table.rate, f"over {must:,}/s",
                        ours is not None and ours > must, raw=results,
                        note="from the first APPEND to the last APPENDUID"))
    return rows


def stored_rate(template, r):
    p = r["proxy"]
    return template.messages / (p["last_stored"] - p["first_append"])


def processor(bench):
    """From the copies that ran before; doveadm's holds the storing too."""
    rows = []
    for work, results in bench.copies.items():
        ours, peers = split(results, lambda r: (r["user"] + r["sys"]) /
                            (r["octets"] / 1e9))
        rows.append(Row(
            f"processor time a GB: {work}", ours, peers, table.seconds,
            "below every peer's", (faster(ours, peers) or 0) > 1,
            faster(ours, peers),
            note="doveadm's holds the storing, too" if "doveadm" in peers
            else ""))
    return rows


ITEMS = {"delay": delayed, "direct": direct, "second": second_pass,
         "first": first_message, "memory": memory, "append": append_rate,
         "processor": processor}
