# SPDX-License-Identifier: Apache-2.0
"""What other programs find in a PST: pffexport and readpst, where they are
installed, and the truth that a generator of large files writes.

    for item in pffexport(path, room):   Item(folder, kind, subject, ...)
    values(path, room)                   [{id: "type length crc32"}]
    readpst(path, room)                  [message as Python parses it]
    generated(shared, room, "--msgs", "500")    (path, [truth])
"""
import calendar
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zlib
from collections import namedtuple

import pytest

from . import pst_read

LIMIT = 120
# files: [sha256] of its own and of messages in it; texts: {suffix: octets}.
Item = namedtuple("Item", "folder kind subject sent read people files texts "
                          "head inner")
MAIL = {"Message", "Meeting", "Document", "Report"}


def sha(octets):
    return hashlib.sha256(octets).hexdigest()


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    return program


def _run(args):
    subprocess.run(args, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=LIMIT, check=False)


def _fields(path):
    """[{name: value}], a dictionary for each paragraph."""
    out = [{}]
    if not path.exists():
        return []
    for line in path.read_text("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith("\t"):
            out[-1][name] = value.strip()
        elif not line.strip():
            out.append({})
    return [f for f in out if f]


def _seconds(said):
    m = re.match(r"(\w{3} \d+, \d{4} [\d:]{8})", said or "")
    return calendar.timegm(time.strptime(
        m.group(1), "%b %d, %Y %H:%M:%S")) if m else None


def _one(where, folder):
    kind = re.sub(r"\d{5}$", "", where.name)
    head = {}
    for name in ("OutlookHeaders", kind):
        for fields in _fields(where / f"{name}.txt"):
            head = {**fields, **head}
    files, inner = [], []
    for found in sorted((where / "Attachments").glob("*")):
        if found.is_dir():
            inner += [_one(sub, folder) for sub in sorted(found.iterdir())
                      if sub.is_dir()]
        else:
            files.append(sha(found.read_bytes()))
    for item in inner:
        files += item.files
    mime = where / "InternetHeaders.txt"
    return Item(folder, kind, head.get("Subject", ""),
                _seconds(head.get("Client submit time")),
                "(Read" in head.get("Flags", ""),
                _fields(where / "Recipients.txt"), sorted(files),
                {p.suffix: p.read_bytes() for p in where.glob("Message.*")},
                mime.read_bytes() if mime.exists() else None, inner)


def _items(where, folder):
    for path in sorted(where.iterdir()):
        if not path.is_dir():
            continue
        if re.search(r"^[A-Z][A-Za-z]+\d{5}$", path.name):
            yield _one(path, folder)
        else:
            yield from _items(path, f"{folder}/{path.name}")


def pffexport(path, room):
    """All items; folders from below the top one, or that itself."""
    room.mkdir(exist_ok=True)
    _run([need("pffexport"), "-q", "-f", "all", "-m", "items", "-t",
          str(room / "x"), str(path)])
    out = []
    for item in _items(room / "x.export", ""):
        folder = item.folder.lstrip("/")
        for top in ("Root - Mailbox/IPM_SUBTREE/", "Root - Mailbox/"):
            if folder.startswith(top):
                folder = folder[len(top):]
                break
        else:
            top, _, below = folder.partition("/")
            folder = below or top
        out.append(item._replace(folder=folder))
    return out


def _values(text):
    out = {}
    for part in re.split(r"(?m)^Set:", text)[1:]:
        head = dict(re.findall(
            r"(?m)^(Entry type|Value type):\s+0x([0-9a-f]+)", part))
        id_, type_ = int(head["Entry type"], 16), int(head["Value type"], 16)
        octets = b"".join(
            bytes.fromhex(line.replace(" ", "")) for line in re.findall(
                r"(?m)^0x[0-9a-f]{8}: ((?:[0-9a-f]{2} {1,2}){1,16})", part))
        if type_ < 0x1000 and type_ != 0x0d:
            out["%04x" % id_] = "%x %d %08x" % (type_, len(octets),
                                                zlib.crc32(octets))
    return out


def values(path, room):
    """The properties of each message and item, embedded ones, too, as
    tests/tools/pst_props tells them."""
    room.mkdir(exist_ok=True)
    _run([need("pffexport"), "-q", "-d", "-m", "items", "-t",
          str(room / "x"), str(path)])
    return [_values(p.read_text("utf-8", "replace"))
            for p in sorted(room.rglob("ItemValues.txt"))
            if re.search(r"\d{5}$", p.parent.name)]


def readpst(path, room):
    """Every message that it writes, those that are no mail, too."""
    room.mkdir(exist_ok=True)
    # Its jobs side by side lose a message now and then.
    _run([need("readpst"), "-j", "0", "-q", "-e", "-o", str(room), str(path)])
    return [pst_read.parse(p.read_bytes())
            for p in sorted(room.rglob("*.eml"))]


def generated(shared, room, *options):
    """A synthetic file; what was written into it."""
    tool = os.path.join(shared, "corpora", "tools", "genpst.py")
    if not os.path.exists(tool):
        pytest.skip("no generator of large files here")
    path, truth = room / "made.pst", room / "truth"
    subprocess.run([sys.executable, tool, str(path), "--truth", str(truth),
                    *options], check=True, timeout=LIMIT,
                   stdout=subprocess.DEVNULL)
    return path, [json.loads(line) for line in truth.open()]
