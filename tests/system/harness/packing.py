# SPDX-License-Identifier: Apache-2.0
"""Puts messages into archives of every kind, the same octets each time.

    files = packing.emls(messages)         {name: octets}
    packing.tree(path, files)              as files below a folder
    packing.zipped(files), packing.tarred(files), packing.gzipped(octets)
    packing.seven_zip(path, files)         skips the test without a 7z
    packing.mbox(messages)                 octets; dialects by arguments
    packing.takeout(messages)              [(octets, labels), ...]
"""
import gzip
import io
import os
import re
import shutil
import subprocess
import tarfile
import time
import zipfile

import pytest

MADE = 1_500_000_000


def lf(octets):
    return octets.replace(b"\r\n", b"\n")


def emls(messages, folders=("Inbox", "Sent", "Work/2024")):
    return {f"{folders[i % len(folders)]}/{i:05}.eml": octets
            for i, octets in enumerate(messages)}


def tree(path, files, when=MADE):
    for name, octets in files.items():
        file = os.path.join(str(path), name)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as f:
            f.write(octets)
        os.utime(file, (when, when))
    return path


def quoted(octets):
    return re.sub(rb"(?m)^(>*From )", rb">\1", octets)


def mbox(messages, front=b"", quote=quoted):
    """front: header lines before each message, or a function of i."""
    out = []
    for i, octets in enumerate(messages):
        octets = lf(octets)
        when = time.asctime(time.gmtime(MADE + i)).encode()
        out += [b"From sender@example.com " + when + b"\n",
                front(i) if callable(front) else front, quote(octets),
                b"\n" if octets.endswith(b"\n") else b"\n\n"]
    return b"".join(out)


def labelled(octets, labels, i=0):
    """A message as Takeout changes it."""
    return b"X-GM-THRID: %d\nX-Gmail-Labels: %s\n" % (
        (1 << 60) + i, labels.encode()) + lf(octets)


def takeout(pairs, when=MADE):
    out = []
    for i, (octets, labels) in enumerate(pairs):
        line = time.strftime("@xxx %a %b %d %H:%M:%S +0000 %Y",
                             time.gmtime(when + i)).encode()
        octets = quoted(labelled(octets, labels, i))
        out.append(b"From %d%s\n" % ((1 << 60) + i, line) + octets
                   + (b"\n" if octets.endswith(b"\n") else b"\n\n"))
    return b"".join(out).replace(b"\n", b"\r\n")


def emlx(octets, flags=1):
    octets = lf(octets)
    return b"%-10d\n" % len(octets) + octets + (
        '<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">\n'
        "<dict>\n\t<key>flags</key>\n\t<integer>%d</integer>\n</dict>\n"
        "</plist>\n" % flags).encode()


def zipped(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, octets in files.items():
            info = zipfile.ZipInfo(name, time.gmtime(MADE)[:6])
            info.compress_type = method
            z.writestr(info, octets)
    return out.getvalue()


def tarred(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, octets in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(octets), MADE
            t.addfile(info, io.BytesIO(octets))
    return out.getvalue()


def gzipped(octets):
    return gzip.compress(octets, 6, mtime=MADE)


def seven_zip(path, files):
    tool = shutil.which("7z") or shutil.which("7zz")
    if not tool:
        pytest.skip("no 7z (p7zip-full)")
    room = str(path) + ".files"
    tree(room, files)
    made = str(path) + ".tmp.7z"  # it gives a suffix to a name without
    subprocess.run([tool, "a", "-mx=1", "-mmt=1", "-bd", made,
                    *sorted(os.listdir(room))], cwd=room, check=True,
                   stdout=subprocess.DEVNULL, timeout=120)
    os.replace(made, path)
    shutil.rmtree(room)
    return path
