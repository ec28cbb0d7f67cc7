# SPDX-License-Identifier: Apache-2.0
"""Bodies in RTF: unpacked, and HTML and text taken out of them, as
decompressrtf and rtf-stream-parser do it. What those said is recorded in
data/rtf.json (tests/tools/rtf_record.js): of real bodies only checksums.
"""
import hashlib
import json
import os
import pathlib
import struct
import subprocess

import pytest

from harness import dump

HERE = pathlib.Path(__file__).parent
RECORD = json.loads((HERE / "data" / "rtf.json").read_text())
SHARED = os.environ.get("MAILHAUL_SHARED", os.path.join(
    dump.program.ROOT, os.pardir, "shared"))
CORPORA = pathlib.Path(SHARED) / "corpora"
LIMIT = 120


def run(*args):
    tool = dump.tool().parent / "rtf_dump"
    done = subprocess.run([str(tool), *map(str, args)],
                          env=dump.environment(), capture_output=True,
                          timeout=LIMIT)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def sha(octets):
    return hashlib.sha256(octets).hexdigest()


def differs(told, want):
    """What is not as recorded: names."""
    return [name for name, value in want.items() if told[name] != value]


def unpacked(rtf):
    """PidTagRtfCompressed that isn't ([MS-OXRTFCP] 2.1.3.1.5)."""
    return struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf


def test_made(tmp_path):
    """Each feature of the encapsulation, in short."""
    files = []
    for i, made in enumerate(RECORD["made"]):
        files.append(tmp_path / f"{i:03}")
        files[-1].write_bytes(unpacked(made["rtf"].encode("latin-1")))
    told = run("--save", tmp_path, "--body", *files)
    assert len(told) == len(RECORD["made"]) > 40
    for got, made in zip(told, RECORD["made"]):
        assert got["kind"] == made["kind"]
        if got["kind"] != "plain":
            out = (tmp_path / f"{got['body']}.out").read_text("utf-8")
            assert out == made["text"], made["rtf"]


def test_corpora_pst():
    files = sorted(p for p in CORPORA.glob("pst/**/*")
                   if p.suffix in (".pst", ".ost"))
    if not files:
        pytest.skip("no corpora here (MAILHAUL_SHARED)")
    told = run("--pst", *files)
    assert len(told) > 200
    assert not [t for t in told if t["doubt"]]
    wrong = {t["body"]: differs(t, RECORD["bodies"][t["body"]])
             for t in told}
    assert not {k: v for k, v in wrong.items() if v}
    kinds = {t["kind"] for t in told}
    assert kinds == {"html", "text", "plain"}


def carved(octets):
    """Packed bodies that lie in one piece in another file."""
    at = octets.find(b"LZFu")
    while at >= 0:
        if at >= 8:
            n, = struct.unpack_from("<I", octets, at - 8)
            body = octets[at - 8:at - 4 + n]
            if sha(body) in RECORD["bodies"]:
                yield body
        at = octets.find(b"LZFu", at + 1)


def test_corpora_msg_tnef(tmp_path):
    """Outlook's other files hold the same bodies."""
    files = sorted([*CORPORA.glob("msg/**/*.msg"),
                    *CORPORA.glob("tnef/**/*.tnef")])
    if not files:
        pytest.skip("no corpora here (MAILHAUL_SHARED)")
    bodies = {sha(b): b for p in files for b in carved(p.read_bytes())}
    assert len(bodies) > 15
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
    told = run("--body", *(tmp_path / name for name in sorted(bodies)))
    for got, name in zip(told, sorted(bodies)):
        assert got["body"] == name
        assert not got["doubt"]
        assert not differs(got, RECORD["bodies"][name]), got
