# SPDX-License-Identifier: Apache-2.0
"""Intend before you act: the intent is on the disk, not only in the page
cache, before the first octet of a message leaves. kill -9 can't show that;
a shim that records the order of calls can."""
import hashlib
import os

import pytest

from harness import compare, corpus

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture
def shim(compiler, tmp_path):
    path = compiler(os.path.join(HERE, "fsync_shim.c"),
                    str(tmp_path / "shim.so"), "-shared", "-fPIC",
                    "-D_GNU_SOURCE", "-ldl", "-lpthread")
    return str(path), str(tmp_path / "calls")


def calls(path):
    """[(kind, path, octets), ...] in the order of the calls."""
    with open(path, "rb") as f:
        data = f.read()
    out, at = [], 0
    while at < len(data):
        end = data.index(b"\n", at)
        kind, _, length, name = data[at:end].split(b" ", 3)
        at = end + 1
        out.append((kind.decode(), name.decode("utf-8", "replace"),
                    data[at:at + int(length)]))
        at += int(length)
    return out


def first(log, kinds, path, octets=b"", after=-1):
    for i, (kind, name, data) in enumerate(log):
        if i > after and kind in kinds and path in name and octets in data:
            return i
    return None


def messages():
    m = corpus.plain(40, 300)
    return [x._replace(octets=x.octets + b"token-%04d-\r\n" % i)
            for i, x in enumerate(m)]


@pytest.mark.parametrize("manner", [
    {}, dict(without=["MULTIAPPEND"]),
    dict(without=["MULTIAPPEND", "LITERAL+"])])
def test_intent_is_synced_before_append(job, dovecot, shim, manner):
    source, target = dovecot(), dovecot(**manner)
    sent = messages()
    box = source.mailbox("alice").fill({"INBOX": sent})
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0,
            env={"LD_PRELOAD": shim[0], "SHIM_LOG": shim[1]})
    compare.all_there(box, target.mailbox("bob"), at_least=40)
    log = calls(shim[1])
    for i, m in enumerate(sent):
        digest = hashlib.sha256(m.octets).digest()
        intent = first(log, "W", "mailhaul.db", digest)
        assert intent is not None, "the intent names no SHA-256"
        sync = first(log, "S", "mailhaul.db", after=intent)
        left = first(log, "N", "", b"token-%04d-" % i)
        assert left is not None, "the shim did not see the message leave"
        assert sync is not None and intent < sync < left, (
            f"message {i}: intent at {intent}, synced at {sync}, "
            f"left at {left}")


def test_maildir_is_durable(job, dovecot, shim, tmp_path):
    """Intent synced, file synced, renamed, folder synced, in this order;
    settled only then."""
    source = dovecot()
    sent = messages()
    source.mailbox("alice").fill({"INBOX": sent})
    to = tmp_path / "to"
    job.run("copy", source.locator("alice"), f"maildir:{to}", check=0,
            env={"LD_PRELOAD": shim[0], "SHIM_LOG": shim[1]})
    log = calls(shim[1])
    files = {}
    for sub in ("cur", "new"):
        for name in os.listdir(to / sub):
            files[corpus.wire((to / sub / name).read_bytes())] = name
    assert len(files) == 40
    for i, m in enumerate(sent):
        name = files[m.octets]
        intent = first(log, "W", "mailhaul.db", name.split(":")[0].encode())
        assert intent is not None, "the intent names no file"
        synced = first(log, "S", "mailhaul.db", after=intent)
        wrote = first(log, "W", str(to), b"token-%04d-" % i)
        file_sync = first(log, "S", str(to), after=wrote)
        renamed = first(log, "R", "", name.split(":")[0].encode(),
                        after=wrote)
        assert None not in (synced, wrote, file_sync, renamed)
        assert intent < synced < renamed and wrote < file_sync < renamed
        assert first(log, "S", str(to), after=renamed) is not None, \
            "the folder is not synced after the rename"
