# SPDX-License-Identifier: Apache-2.0
"""Writes and reads Maildir and mbox archives, LF on disk as they are.

    write_maildir(path, {"INBOX": [Msg, ...], "Work/2024": [...]})
    read_maildir(path) -> {folder: Counter((sha256 of wire form, flags))}
"""
import os
import re
import time
from collections import Counter

from .corpus import wire
from .mailbox import sha

LETTERS = {"\\Draft": "D", "\\Flagged": "F", "\\Answered": "R",
           "\\Seen": "S"}
FLAGS = {letter: flag for flag, letter in LETTERS.items()}


def lf(octets):
    return octets.replace(b"\r\n", b"\n")


def write_maildir(path, folders, count=0):
    """Maildir++; messages without flags lie in new/. count: how many were
    written there before, so that file names differ."""
    for folder, messages in folders.items():
        where = str(path)
        if folder != "INBOX":
            where = os.path.join(where, "." + folder.replace("/", "."))
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(where, sub), exist_ok=True)
        for m in messages:
            count += 1
            info = "".join(sorted(LETTERS[f] for f in m.flags
                                  if f in LETTERS))
            sub, tail = ("cur", ":2," + info) if info else ("new", "")
            file = os.path.join(where, sub,
                                f"{1500000000 + count}.M{count}.host{tail}")
            with open(file, "wb") as f:
                f.write(lf(m.octets))
            if m.date is not None:
                os.utime(file, (m.date, m.date))
    return path


def read_maildir(path, dates=False):
    """Sub-folders as Maildir++ (.A.B); flags as IMAP has them."""
    out = {}
    for where, folder in _maildirs(str(path)):
        out[folder] = Counter()
        for sub in ("cur", "new"):
            for name in os.listdir(os.path.join(where, sub)):
                file = os.path.join(where, sub, name)
                with open(file, "rb") as f:
                    octets = wire(f.read())
                letters = re.search(r":2,(\w*)$", name)
                flags = tuple(sorted(
                    FLAGS[c] for c in (letters.group(1) if letters else "")
                    if c in FLAGS))
                key = (sha(octets), flags)
                if dates:
                    key += (int(os.stat(file).st_mtime),)
                out[folder][key] += 1
    return out


def _maildirs(path):
    if os.path.isdir(os.path.join(path, "cur")):
        yield path, "INBOX"
    for name in sorted(os.listdir(path)):
        where = os.path.join(path, name)
        if name.startswith(".") and os.path.isdir(
                os.path.join(where, "cur")):
            yield where, name[1:].replace(".", "/")


def write_mbox(path, messages):
    """mboxrd: every line that looks like a From line gets a >."""
    with open(path, "wb") as f:
        for i, m in enumerate(messages):
            when = time.asctime(time.gmtime(m.date or 1500000000 + i))
            f.write(b"From sender@example.com %s\n" % when.encode())
            f.write(re.sub(rb"(?m)^(>*From )", rb">\1", lf(m.octets)))
            f.write(b"\n" if m.octets.endswith(b"\n") else b"\n\n")
    return path
