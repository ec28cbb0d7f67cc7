#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how messages are recognised again: the table of docs/matching.md.

    tests/match/match.py PROGRAM [--every N] [--list]

PROGRAM is fingerprints, as built from fingerprints.c. The mail is found by
MAILHAUL_SHARED. --every N takes each Nth message; --list names every pair
that did not go as it should.
"""
import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import hands  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERDICTS = ("same", "unsure", "different")


def corpora():
    """Where the real mail is, or None."""
    shared = os.environ.get("MAILHAUL_SHARED", str(ROOT.parent / "shared"))
    path = pathlib.Path(shared) / "corpora"
    return path if path.is_dir() else None


MAIL = [("mail/ham", "*"), ("mail/spam", "*"), ("mbox/gyb", "*.eml"),
        ("mbox/gyb", "[gv]*.mbox"), ("mbox/dialects/truth", "*.eml")]
ODD = [("mbox/gyb", "historic*.mbox"),
       ("mime/stalwart-mail-parser", "**/*.eml"),
       ("mime/mikel-mail", "**/*.eml"), ("mime/cpython", "msg_*.txt")]


def messages(path, where, every=1):
    """(name, octets with LF) of each message of the samples, named once."""
    seen = set()
    found = []
    for folder, pattern in where:
        for file in sorted((path / folder).glob(pattern)):
            octets = file.read_bytes()
            parts = (mbox_messages(octets) if file.suffix == ".mbox"
                     else [octets])
            name = f"{folder}/{file.name}"
            found += [(f"{name}:{i}" if i else name, part)
                      for i, part in enumerate(parts)]
    for name, octets in found[::every]:
        octets = re.sub(rb"\A>?From .*\n", b"",
                        octets.replace(b"\r\n", b"\n"))
        key = squeezed(octets)
        if key and key not in seen and b":" in octets[:200]:
            seen.add(key)
            yield name, octets


def squeezed(octets):
    """The octets that no export loses."""
    return octets.translate(None, b" \t\r\n")


class Matcher:
    """The program: what it thinks of messages and of pairs."""

    def __init__(self, program):
        self.orders, self.n, self.program = [], 0, program
        self.pairs = []
        self.fingerprints = []

    def add(self, octets):
        """A message; its number."""
        self.orders.append(b"m %d\n%s" % (len(octets), octets))
        self.n += 1
        return self.n - 1

    def pair(self, kind, name, a, b):
        """Two messages to be compared, by number."""
        self.pairs.append((kind, name, a, b))

    def ask(self, orders):
        """The answers, a line each."""
        run = subprocess.run([self.program], input=b"".join(orders),
                             stdout=subprocess.PIPE, check=True)
        return run.stdout.decode().splitlines()

    def compare(self, pairs):
        """The verdicts of pairs of numbers."""
        lines = self.ask(self.orders + [b"c %d %d\n" % p for p in pairs])
        self.fingerprints = [line.split() for line in lines[:self.n]]
        return lines[self.n:]

    def table(self):
        """kind: Counter of verdicts, and kind: names of what was not so."""
        lines = self.compare([p[2:] for p in self.pairs])
        counts = collections.defaultdict(collections.Counter)
        names = collections.defaultdict(list)
        for (kind, name, _, _), verdict in zip(self.pairs, lines):
            counts[kind][verdict] += 1
            names[kind, verdict].append(name)
        return counts, names


def made_pairs(program, mail, kinds):
    """Pairs of a message and what a hand of that kind made of it."""
    m = Matcher(program)
    for name, octets in mail:
        first = m.add(octets)
        for kind, hand in kinds.items():
            pair = hand(octets, name)
            if not pair:
                continue
            a, b = pair if isinstance(pair, tuple) else (None, pair)
            m.pair(kind, name, first if a is None else m.add(a), m.add(b))
    return m.table()


def mbox_messages(octets):
    """A plain splitter for mboxes of which the truth is known; mboxrd's
    quoting is undone, mboxo's can't be."""
    octets = octets.replace(b"\r\n", b"\n")
    # "From ADDRESS DATE", the year somewhere behind.
    split = re.split(rb"(?m)(?:\A|(?<=\n\n))From \S+ .*\d\d\d\d.*\n", octets)
    return [part[:-1] if part.endswith(b"\n\n") else part
            for part in split[1:]]


def by_message_id(parts):
    """Message-ID: octets."""
    found = {}
    for part in parts:
        value = hands.field(part, b"Message-ID")
        if value:
            found[value.strip()] = part
    return found


def real_pairs(program, path):
    """Pairs that others have made: exports of one account, dialects."""
    m = Matcher(program)
    gyb = path / "mbox" / "gyb"
    exports = [("API .eml", by_message_id(
        f.read_bytes() for f in sorted(gyb.glob("*.eml"))))]
    for kind, pattern in (("Takeout", "*takeout.mbox"),
                          ("Vault", "vault*.mbox")):
        for file in gyb.glob(pattern):
            exports.append((kind, by_message_id(
                mbox_messages(file.read_bytes()))))
    for i, (kind, one) in enumerate(exports):
        for other_kind, other in exports[i + 1:]:
            for key in sorted(set(one) & set(other)):
                m.pair(f"{kind} / {other_kind}", key.decode("latin-1"),
                       m.add(one[key]), m.add(other[key]))
    dialects = path / "mbox" / "dialects"
    truth = sorted((dialects / "truth").glob("*.eml"))
    for name in ("mboxrd", "mboxo", "mboxcl2", "takeout"):
        octets = (dialects / f"{name}.mbox").read_bytes()
        octets = octets.replace(b"\r\n", b"\n")
        if name == "mboxcl2":
            parts = list(counted(octets))
        else:
            parts = mbox_messages(octets)
        if name in ("mboxrd", "takeout"):
            parts = [re.sub(rb"(?m)^>(>*From )", rb"\1", p) for p in parts]
        if len(parts) != len(truth):
            raise SystemExit(f"{name}: {len(parts)} messages found, "
                             f"{len(truth)} expected")
        for file, part in zip(truth, parts):
            m.pair(f"{name} / its messages", file.name,
                   m.add(file.read_bytes()), m.add(part))
    return m.table()


def counted(octets):
    """The messages of an mboxcl2."""
    at = 0
    while at < len(octets):
        at = octets.index(b"\n", at) + 1
        end = octets.index(b"\n\n", at) + 2
        n = int(re.search(rb"(?im)^content-length: *(\d+)",
                          octets[at:end])[1])
        yield octets[at:end + n]
        at = end + n + 1


def strangers(program, mail, change=lambda octets: octets):
    """All against all: (pairs, [pairs of names called the same])."""
    m = Matcher(program)
    names = [name for name, _ in mail]
    octets = [change(octets) for _, octets in mail]
    for o in octets:
        m.add(o)
    m.compare([])
    # Same needs the same text, whatever else.
    groups = collections.defaultdict(list)
    for i, fp in enumerate(m.fingerprints):
        groups[fp[5]].append(i)
    pairs = [(a, b) for g in groups.values()
             for k, a in enumerate(g) for b in g[k + 1:]]
    same = [p for p, v in zip(pairs, m.compare(pairs)) if v == "same"]
    joined = [(names[a], names[b]) for a, b in same
              if not alike(octets[a], octets[b])]
    twice = [(names[a], names[b]) for a, b in same
             if alike(octets[a], octets[b])]
    return len(mail) * (len(mail) - 1) // 2, joined, twice


def alike(a, b):
    """Whether two messages say the same by other means than ours: all
    fields that people see, and the body without white space."""
    def seen(octets):
        head, _, body = octets.partition(b"\n\n")
        return [squeezed(hands.field(head, name) or b"").lower()
                for name in (b"Message-ID", b"Date", b"Subject", b"To")
                ] + [squeezed(body)]
    return seen(a) == seen(b)


def line(kind, counts, bad):
    """A row of the table; bad: the verdicts that are errors."""
    n = sum(counts.values())
    unsure = 100.0 * counts["unsure"] / n if n else 0
    errors = sum(counts[v] for v in bad)
    return (f"| {kind} | {n} | {counts['same']} | {counts['unsure']} "
            f"({unsure:.2f} %) | {counts['different']} | {errors} |")


def total(*tables):
    """All rows of some tables in one."""
    return sum((c for t in tables for c in t.values()),
               collections.Counter())


class Measured:
    """The whole measurement of some mail."""

    def __init__(self, program, mail, real=None):
        self.n = len(mail)
        self.same, self.same_names = made_pairs(program, mail, hands.SAME)
        self.real, self.real_names = real or ({}, {})
        self.other, self.other_names = made_pairs(program, mail, hands.OTHER)
        self.all = strangers(program, mail)
        self.bare = strangers(program, mail, hands.no_id)

    def true_pairs(self):
        """Verdicts on what is the same."""
        return total(self.real, self.same)

    def false_pairs(self):
        """Verdicts on what is not."""
        return total(self.other)

    def print(self):
        """The table, in Markdown."""
        head = ("| pair | pairs | same | unsure | different | {} |\n"
                "|---|---|---|---|---|---|")
        print(head.format("false doubles"))
        for table in self.real, self.same:
            for kind, counts in table.items():
                print(line(kind, counts, ["different"]))
        print(line("**all that are the same**", self.true_pairs(),
                   ["different"]))
        print("\n" + head.format("false joins"))
        for kind, counts in self.other.items():
            print(line(kind, counts, ["same"]))
        print(line("**all that are not**", self.false_pairs(), ["same"]))
        for what, (pairs, joined, twice) in (
                ("Every two", self.all),
                ("Every two, without Message-IDs", self.bare)):
            print(f"\n{what}: {pairs} pairs, {len(joined)} false joins, "
                  f"{len(twice)} true duplicates")
            for which, found in (("joined", joined), ("twice", twice)):
                for a, b in found:
                    print(f"    {which}: {a}  {b}")

    def list(self):
        """What was not as it should be, by name."""
        for names, bad in ((self.real_names, ("unsure", "different")),
                           (self.same_names, ("unsure", "different")),
                           (self.other_names, ("same",))):
            for (kind, verdict), found in names.items():
                if verdict in bad:
                    for name in found:
                        print(f"{verdict}: {kind}: {name}")


def measure(program, path, every=1):
    """Of real mail, and of odd samples."""
    return (Measured(program, list(messages(path, MAIL, every)),
                     real_pairs(program, path)),
            Measured(program, list(messages(path, ODD, every))))


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    path = corpora()
    if not path:
        raise SystemExit("no real mail here: set MAILHAUL_SHARED")
    for what, m in zip(("Real mail", "Odd samples"),
                       measure(args.program, path, args.every)):
        print(f"\n## {what}: {m.n} messages\n")
        m.print()
        if args.list:
            m.list()


if __name__ == "__main__":
    main()
