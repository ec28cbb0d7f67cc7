# SPDX-License-Identifier: Apache-2.0
"""A full disk under the store and under the spool: stops cleanly with its
own words, and goes on when there is room again."""
import os
import subprocess

import pytest

from harness import compare, corpus
from harness.archive import read_maildir
from harness.pst_make import Message, Pst

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture
def tmpfs(tmp_path):
    """A disk of 1 MB, and a function that makes it larger."""
    path = tmp_path / "disk"
    path.mkdir()

    def mount(*options):
        return subprocess.run(
            ["mount", *options, str(path)], capture_output=True,
            timeout=60).returncode == 0

    if os.getuid() or not mount("-t", "tmpfs", "-o", "size=1m", "none"):
        pytest.skip("no right to mount a small disk here; the tests with "
                    "a played full disk do run")
    yield path, lambda: mount("-o", "remount,size=200m")
    subprocess.run(["umount", str(path)], timeout=60)


@pytest.fixture
def shim(compiler, tmp_path):
    return str(compiler(os.path.join(HERE, "fsync_shim.c"),
                        str(tmp_path / "shim.so"), "-shared", "-fPIC",
                        "-D_GNU_SOURCE", "-ldl", "-lpthread"))


def said_so(done):
    assert done.code in (2, 3, 73), done
    words = done.said.lower()
    assert "full" in words or "space" in words or "room" in words, done


def test_store_on_a_small_disk(job, dovecot, tmpfs):
    path, enlarge = tmpfs
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(3000, 60)})
    job.env["MAILHAUL_STORE"] = str(path / "mailhaul.db")
    job.store = path / "mailhaul.db"
    args = ("copy", source.locator("alice"), target.locator("bob"))
    said_so(job.run(*args, timeout=240))
    assert enlarge()
    job.run(*args, check=0, timeout=240)
    compare.all_there(box, target.mailbox("bob"), at_least=3000)


def test_report_on_a_small_disk(job, dovecot, tmpfs):
    """The report of yesterday stays, and nothing half-made beside it."""
    path, _ = tmpfs
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({"INBOX": corpus.plain(3)})
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0)
    (path / "r.json").write_text("yesterday")
    with open(path / "filler", "wb", buffering=0) as f:
        try:
            while f.write(b"x" * 4096):
                pass
        except OSError:
            pass
    done = job.run("report", "--json", path / "r.json", check=73)
    assert "full" in done.err and "r.json" in done.err
    assert (path / "r.json").read_text() == "yesterday"
    assert {p.name for p in path.iterdir()} == {"r.json", "filler"}


def test_spool_on_a_small_disk(job, dovecot, tmpfs):
    path, enlarge = tmpfs
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill({"INBOX": [
        corpus.sized(9 << 20), *corpus.plain(5)]})
    job.env["TMPDIR"] = str(path)
    args = ("copy", source.locator("alice"), target.locator("bob"),
            "--memory", "1M")
    said_so(job.run(*args))
    assert enlarge()
    job.run(*args, check=0)
    compare.all_there(box, target.mailbox("bob"), at_least=6)


@pytest.mark.parametrize("after", [0, 100_000, 250_000, 400_000])
def test_store_played(job, dovecot, shim, after):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(400, 60),
                                        "Work": corpus.varied(13)})
    args = source.locator("alice"), target.locator("bob")
    job.run("add", *args, check=0)
    done = job.run("run", env={
        "LD_PRELOAD": shim, "SHIM_FULL": "mailhaul.db",
        "SHIM_FULL_AFTER": str(after)}, timeout=240)
    said_so(done)
    job.run("run", check=0)
    compare.all_there(box, target.mailbox("bob"), at_least=413)


def test_spool_played(job, dovecot, shim):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill({"INBOX": [
        corpus.sized(9 << 20), *corpus.plain(5)]})
    spool = job.path / "spool"
    spool.mkdir()
    job.env["TMPDIR"] = str(spool)
    args = ("copy", source.locator("alice"), target.locator("bob"),
            "--memory", "1M")
    said_so(job.run(*args, env={
        "LD_PRELOAD": shim, "SHIM_FULL": str(spool),
        "SHIM_FULL_AFTER": "1000000"}))
    job.run(*args, check=0)
    compare.all_there(box, target.mailbox("bob"), at_least=6)


def test_full_maildir_played(job, dovecot, shim, tmp_path):
    """The backup's own disk is full."""
    source = dovecot()
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(60, 5000)})
    to = tmp_path / "backup"
    done = job.run("copy", source.locator("alice"), f"maildir:{to}", env={
        "LD_PRELOAD": shim, "SHIM_FULL": str(to),
        "SHIM_FULL_AFTER": "100000"}, timeout=240)
    said_so(done)
    job.run("run", check=0)
    compare.same(box.dump(), {f: c for f, c in read_maildir(
        to, dates=True).items()}, exact=False)


def test_items_on_a_small_disk(job, tmp_path, tmpfs):
    """What was written is whole, and there is no half of a file."""
    path, enlarge = tmpfs
    p, text = Pst(), "eggs and milk\r\n" * 50_000
    p.folder("Inbox", use="inbox").add(Message("mail", text="t"))
    p.folder("Notes", kind="IPF.StickyNote").add(*[
        Message(name, text=text, class_="IPM.StickyNote", sender=None)
        for name in ("one", "two", "three")])
    args = ("plan", p.write(tmp_path / "ann.pst"), "--items", path / "out")
    done = job.run(*args)
    said_so(done)
    assert [f.name for f in (path / "out/Notes").iterdir()] == ["one.txt"]
    assert len((path / "out/Notes/one.txt").read_bytes()) > len(text)
    assert enlarge()
    job.run(*args, check=0)
    assert sorted(f.name for f in (path / "out/Notes").iterdir()) == [
        "one.txt", "three.txt", "two.txt"]
