# SPDX-License-Identifier: Apache-2.0
"""Rows of the table: what was measured beside what must be reached."""
import statistics

COLUMNS = ("work", "ours", "peers", "ratio", "must reach", "reached")


def median(values):
    return statistics.median(values) if values else None


def seconds(x):
    return "-" if x is None else f"{x:.2f} s" if x < 100 else f"{x:.0f} s"


def mebibytes(x):
    return "-" if x is None else f"{x / 1024:.0f} MB"


def kilobytes(x):
    return "-" if x is None else f"{x / 1000:.1f} kB"


def rate(x):
    return "-" if x is None else f"{x:,.0f}/s"


def count(x):
    return "-" if x is None else f"{x:.1f}".removesuffix(".0")


class Row:
    """One line. reached is True, False, or None where ours did not run."""

    def __init__(self, work, ours, peers, show, must, reached, ratio=None,
                 note="", raw=None):
        self.work = work
        self.ours = ours
        self.peers = peers
        self.show = show
        self.must = must
        self.reached = None if ours is None else reached
        self.ratio = ratio
        self.note = note
        self.raw = raw
        self.failed = False      # ours took part, and there is no number

    def cells(self):
        peers = ", ".join(f"{k} {self.show(v)}"
                          for k, v in self.peers.items()) or "-"
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        reached = {True: "yes", False: "NO", None: "not run"}[self.reached]
        if self.failed:
            reached = "FAILED"
        if self.must == "":
            reached = ""
        return (self.work, self.show(self.ours), peers, ratio, self.must,
                reached)

    def as_json(self):
        return {"work": self.work, "ours": self.ours, "peers": self.peers,
                "ratio": self.ratio, "must": self.must,
                "reached": self.reached, "note": self.note, "raw": self.raw}


def faster(ours, peers):
    """How many times as fast as the fastest peer; a name with a slash is
    a variant that is shown for information."""
    times = [v for k, v in peers.items() if v is not None and "/" not in k]
    return min(times) / ours if ours and times else None


def text(rows):
    cells = [COLUMNS] + [r.cells() for r in rows]
    widths = [max(len(line[i]) for line in cells)
              for i in range(len(COLUMNS))]
    out = ["  ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip()
           for line in cells]
    out.insert(1, "  ".join("-" * w for w in widths))
    notes = [f"{r.work}: {r.note}" for r in rows if r.note]
    return "\n".join(out + ([""] + notes if notes else []))


def markdown(rows):
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    lines += ["| " + " | ".join(r.cells()) + " |" for r in rows]
    return "\n".join(lines)
