# SPDX-License-Identifier: Apache-2.0
"""Runs the work items and prints the table. Called by run.sh."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import clients
import items
import rig
import table


def version(command):
    out = subprocess.run(command, capture_output=True, text=True, check=False)
    return (out.stdout or out.stderr).split("\n")[0]


def versions(program):
    known = {"mbsync": ["mbsync", "--version"],
             "interimap": ["interimap", "--version"]}
    found = {c.name: version(known[c.name]) for c in clients.peers()
             if c.name in known}
    found["dovecot"] = version([rig.servers.find("dovecot"), "--version"])
    if os.access(program, os.X_OK):
        found["mailhaul"] = version([program, "--version"])
    return found


def options():
    p = argparse.ArgumentParser(
        prog="run.sh", description="Measures mailhaul against its peers.")
    p.add_argument("--quick", action="store_true",
                   help="one round, big mailboxes a tenth of their size")
    p.add_argument("--only", action="append", choices=sorted(items.ITEMS),
                   help="this item; repeatable")
    p.add_argument("--rounds", type=int, help="rounds of each (3; quick: 1)")
    p.add_argument("--all-peers", action="store_true",
                   help="peers in the memory and append items, too")
    p.add_argument("--markdown", action="store_true",
                   help="print the table for docs/performance.md")
    return p.parse_args()


def chosen(only):
    """The processor table needs the copies."""
    if only is None:
        return list(items.ITEMS)
    names = [n for n in items.ITEMS if n in only]
    if "processor" in names and not {"delay", "direct"} & set(names):
        names.insert(0, "direct")
    return names


def main():
    args = options()
    root = pathlib.Path(os.environ["MAILHAUL_BENCH_DIR"])
    program = os.environ["MAILHAUL"]
    rounds = args.rounds or (1 if args.quick else 3)
    bench = items.Bench(rig.Rig(root, args.quick), program, rounds,
                        args.all_peers)
    if not bench.ours.available():
        print(f"{program} is not there: only the peers are measured.")
    rows = []
    for name in chosen(args.only):
        rows += items.ITEMS[name](bench)
    for r in rows:
        r.failed = bench.ours.available() and r.ours is None
    print("\n" + (table.markdown if args.markdown else table.text)(rows))
    result = {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
              "quick": args.quick, "rounds": rounds,
              "processors": os.cpu_count(), "versions": versions(program),
              "failures": bench.failures,
              "rows": [r.as_json() for r in rows]}
    out = root / "results.json"
    out.write_text(json.dumps(result, indent=1))
    print(f"\nall of it: {out}")
    missed = [r for r in rows if r.must and r.reached is False]
    return 1 if missed or bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
