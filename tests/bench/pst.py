# SPDX-License-Identifier: Apache-2.0
"""The reader of PST files against readpst, and against the least that
reading costs.

As archives.py: programs run in turns on the same files, which are in the
page cache. The files come from the generator in $MAILHAUL_SHARED. Exit 1
when a line that must be reached was not.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from archives import MB, Bench, Run, arguments

THIRD = 0.333
LINEAR = 1.15
MEMORY = 32 * MB

FILES = {
    "one": "--msgs 80000 --folders 1 --att-rate 0 --body 500",
    "forty": "--msgs 80000 --folders 40 --att-rate 0 --body 500",
    "thirty": "--msgs 300000 --folders 30 --att-rate 0 --body 500",
    "big": "--msgs 4000 --folders 20 --att-rate 0.5 --avg-att 900000 "
           "--big 300",
    "attachment": "--msgs 20 --folders 1 --att-rate 0 --big 300",
}


def generator():
    shared = os.environ.get("MAILHAUL_SHARED") or \
        pathlib.Path(__file__).resolve().parents[2].parent / "shared"
    path = pathlib.Path(shared, "corpora/tools/genpst.py")
    if not path.exists():
        sys.exit("pst.py: no genpst.py: set MAILHAUL_SHARED")
    return path


class PstBench(Bench):
    def file(self, name):
        """The path, and how many messages and octets it has."""
        path = self.dir / f"{name}.pst"
        told = path.with_suffix(".json")
        if not told.exists():
            out = subprocess.run(
                [sys.executable, generator(), path, *FILES[name].split()],
                check=True, capture_output=True)
            told.write_bytes(out.stdout)
        return path, json.loads(told.read_text())

    def readpst(self, path, *more):
        out = self.dir / "readpst"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        r = Run(["readpst", "-q", *more, "-o", out, path])
        shutil.rmtree(out)
        return r

    def against_readpst(self, name, what):
        if not self.wanted(name):
            return
        path, told = self.file(name)
        self.compare(f"{told['msgs']:,} messages {what}, "
                     f"{told['bytes'] / 1e6:,.0f} MB, against readpst",
                     lambda: self.null(f"pst:{path}", told["msgs"]),
                     lambda: self.readpst(path), THIRD)

    def growth(self):
        if not self.wanted("growth"):
            return
        small, few = self.file("forty")
        large, many = self.file("thirty")
        (a, b), (cpu_a, cpu_b) = self.turns(
            lambda: self.null(f"pst:{large}", many["msgs"]),
            lambda: self.null(f"pst:{small}", few["msgs"]))
        times = many["msgs"] / few["msgs"]
        self.row(f"{many['msgs']:,} messages against {few['msgs']:,}, "
                 "time a message", f"{a / many['msgs'] * 1e6:.1f} us",
                 f"{b / few['msgs'] * 1e6:.1f} us",
                 f"{a / b / times:.2f}", f"within {LINEAR}",
                 a / b / times <= LINEAR)
        self.row("the same: processor time",
                 f"{cpu_a / many['msgs'] * 1e6:.1f} us",
                 f"{cpu_b / few['msgs'] * 1e6:.1f} us",
                 f"{cpu_a / cpu_b / times:.2f}", "", None)

    def large(self):
        if not self.wanted("large"):
            return
        path, told = self.file("big")
        size = f"{told['bytes'] / 1e9:.1f} GB with attachments"
        self.compare(f"{size}, against reading and hashing it",
                     lambda: self.null(f"pst:{path}", told["msgs"]),
                     lambda: self.hashed([path]), 2)

    def memory_of_attachment(self):
        if not self.wanted("attachment"):
            return
        path, told = self.file("attachment")
        r = self.null(f"pst:{path}", told["msgs"], memory=True)
        self.row("peak memory, an attachment of 300 MB",
                 f"{r.peak / 10**6:.0f} MB", "-", "-", "under 32 MB",
                 r.peak < MEMORY)
        path, told = self.file("thirty")
        r = self.null(f"pst:{path}", told["msgs"], memory=True)
        self.row("peak memory, 300,000 messages",
                 f"{r.peak / 10**6:.0f} MB", "-", "-", "", None)


def main():
    b = PstBench(arguments())
    b.against_readpst("one", "in one folder")
    b.against_readpst("forty", "in 40 folders")
    b.growth()
    b.large()
    b.memory_of_attachment()
    b.print()
    return 1 if b.missed else 0


if __name__ == "__main__":
    sys.exit(main())
