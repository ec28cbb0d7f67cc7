# SPDX-License-Identifier: Apache-2.0
"""What archives give, by tests/tools/archive_dump, without a store.

    d = dump.one("mbox:/some/file")
    d.code                       0, 65
    d.messages                   [Found(folder, path, flags, ...)]
    d.good, d.holes              of these
    d.others                     [(name, what)]
    d.error                      why nothing was read, or None
    d.sums                       Counter of sha256 of the good ones
    dump.many(paths)             [Dump, ...], one process for all of them

A test without the tool (a program that is installed) is skipped.
"""
import json
import os
import pathlib
import subprocess
from collections import Counter, namedtuple

import pytest

from . import program

# The bits of enum mail_flag, as IMAP calls them.
BITS = {1: "\\Seen", 2: "\\Answered", 4: "\\Flagged", 8: "\\Draft",
        16: "\\Deleted"}

Found = namedtuple("Found", "folder path uid key size flags keywords date "
                            "zone sha256 hole")


class Dump:
    def __init__(self, lines, end):
        self.lines = lines
        self.code, self.ms = end["code"], end["ms"]
        self.folders = {}  # raw: path
        self.uses = {}
        self.messages, self.others, self.error = [], [], None
        for line in lines:
            self._add(line)
        # A folder's path may be told shorter once all are known.
        self.messages = [m._replace(path=self.folders[m.folder])
                         for m in self.messages]

    def _add(self, line):
        if "error" in line:
            self.error = line["error"]
        elif "other" in line:
            self.others.append((line["other"], line["what"]))
        elif "uid" in line:
            words = line["keywords"]
            self.messages.append(Found(
                line["folder"], None, line["uid"], line["key"],
                line["size"],
                tuple(sorted(f for bit, f in BITS.items()
                             if line["flags"] & bit)),
                tuple(words.split()) if words else (), line["date"],
                line.get("zone"), line.get("sha256"), line.get("hole")))
        elif "path" in line:
            self.folders[line["folder"]] = line["path"]
            self.uses[line["folder"]] = line["use"]

    @property
    def good(self):
        return [m for m in self.messages if not m.hole]

    @property
    def holes(self):
        return [m for m in self.messages if m.hole]

    @property
    def sums(self):
        return Counter(m.sha256 for m in self.good)

    @property
    def by_path(self):
        """{folder for people: Counter of sha256}"""
        out = {}
        for m in self.good:
            out.setdefault(m.path, Counter())[m.sha256] += 1
        return out

    def __repr__(self):
        return "code %s, %d messages, %d holes, %r\n%s" % (
            self.code, len(self.messages), len(self.holes), self.error,
            "\n".join(json.dumps(line)[:300] for line in self.lines[:60]))


def tool():
    path = pathlib.Path(program.binary()).parents[1] / "tests" / "tools" \
        / "archive_dump"
    if not os.access(path, os.X_OK):
        pytest.skip(f"no {path}: build with -Dtests=true")
    return path


def environment(**more):
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
           "LANG": "C.UTF-8", "TZ": "UTC", **more}
    for name, value in os.environ.items():
        if name.endswith("SAN_OPTIONS"):
            env[name] = value
    return env


def start(option="", **env):
    """Reads locators from stdin, a line each."""
    args = [str(tool()), *([option] if option else []), "--each"]
    return subprocess.Popen(args, env=environment(**env),
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def finish(p, paths, timeout=program.LIMIT):
    """[Dump, ...] and the peak of memory in kB of the process and of its
    largest child."""
    out, err = p.communicate("".join(f"{x}\n" for x in paths).encode(),
                             timeout=timeout)
    assert p.returncode == 0, f"exit {p.returncode}: {err[-3000:]!r}"
    dumps, lines, peaks = [], [], (0, 0)
    for line in out.split(b"\n")[:-1]:
        said = json.loads(line.decode("utf-8", "strict"))
        if "done" in said:
            assert said["done"] == str(paths[len(dumps)])
            dumps.append(Dump(lines, said))
            lines = []
        elif "peak" in said:
            peaks = said["peak"], said["peak_child"]
        else:
            lines.append(said)
    assert len(dumps) == len(paths)
    return dumps, peaks


def many(paths, option="", timeout=program.LIMIT, **env):
    return finish(start(option, **env), paths, timeout)[0]


def one(path, option="", **env):
    return many([path], option, **env)[0]
