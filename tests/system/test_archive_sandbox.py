# SPDX-License-Identifier: Apache-2.0
"""Archives are strangers' files: they are parsed by a child that can do
nothing else, and whose death costs one message."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

from harness.archive import read_maildir
from harness.program import binary

# What each part of the sandbox has to refuse, alone, by kind of root.
SECCOMP = {
    "file": ["socket", "connect", "fork", "exec", "ptrace", "kill", "code",
             "signal", "open", "above", "write", "beneath"],
    "folder": ["socket", "connect", "fork", "exec", "ptrace", "kill",
               "code", "signal", "write"]}
LANDLOCK = {"file": ["open", "above", "write", "exec", "beneath"],
            "folder": ["open", "above", "write", "exec"]}
BOTH = {root: sorted({*SECCOMP[root], *LANDLOCK[root], "memory"})
        for root in SECCOMP}
REFUSED, DONE, LACKING = 0, 3, 5
WHOLE = 40


@pytest.fixture
def root(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "beneath").write_text("x")
    (tmp_path / "file").write_text("x")
    return tmp_path


def attempt(what, root, *part):
    """The child's exit status, once it has tried it."""
    return subprocess.run(
        ["sh", "-c", 'exec "$@" 3<"$ROOT"', "sh", binary(), "archive-child",
         what, *part], env={**os.environ, "ROOT": str(root)},
        stderr=subprocess.DEVNULL, timeout=60).returncode


def refused(what, root, *part):
    """LACKING: a build with sanitizers can't refuse this."""
    code = attempt(what, root, *part)
    assert code in (REFUSED, -signal.SIGSYS) or (
        code == LACKING and what in ("code", "memory", "signal", "write")), (
            what, part, code)


@pytest.mark.parametrize("kind", SECCOMP)
@pytest.mark.parametrize("part, things", [
    ("seccomp", SECCOMP), ("landlock", LANDLOCK)])
def test_each_part_alone_shuts_the_door(root, kind, part, things):
    if attempt("open", root / kind, part) == LACKING:
        pytest.skip(f"this kernel or build has no {part}")
    for what in things[kind]:
        refused(what, root / kind, part)


@pytest.mark.parametrize("kind", BOTH)
def test_the_door_is_shut(root, kind):
    parts = {p: attempt("open", root / "file", p) != LACKING
             for p in ("landlock", "seccomp")}
    if not all(parts.values()):
        pytest.skip(f"this kernel or build lacks a part: {parts}")
    for what in BOTH[kind]:
        refused(what, root / kind)


def test_what_is_tried_can_be_done(root):
    """Without the part that refuses it: or the tests above prove nothing."""
    if attempt("open", root / "file", "landlock") == LACKING:
        pytest.skip("this kernel has no Landlock")
    for what in ("socket", "fork", "signal"):
        assert attempt(what, root / "folder", "landlock") == DONE
    if attempt("open", root / "file", "seccomp") == LACKING:
        pytest.skip("this kernel or build has no seccomp")
    assert attempt("open", root / "folder", "seccomp") == DONE


def test_a_folder_can_be_read_beneath(root):
    assert attempt("beneath", root / "folder") == DONE


# --- what a death costs --------------------------------------------------


def mbox(path, count=WHOLE):
    with open(path, "w") as f:
        for i in range(count):
            f.write(f"From a@example.com Thu Jan  1 00:00:{i:02d} 2015\n"
                    f"From: a@example.com\nMessage-ID: <{i}@example.com>\n"
                    f"Subject: number {i}\n\nbody-{i}-end\n"
                    + "some words, to fill more than one piece\n" * 500
                    + "\n")
    return path


def arrived(path):
    return sum(sum(f.values()) for f in read_maildir(path).values())


@pytest.mark.parametrize("needle", [
    "body-0-end", "body-17-end", "body-39-end",
    "hang:body-17-end", "memory:body-17-end"])
def test_a_death_costs_one_message(job, tmp_path, needle):
    source = mbox(tmp_path / "in.mbox")
    env = {"MAILHAUL_TEST_ARCHIVE_CRASH": needle,
           "MAILHAUL_TEST_ARCHIVE_CPU_MS": "400"}
    job.run("copy", f"mbox:{source}", f"maildir:{tmp_path / 'out'}",
            check=1, env=env)
    assert arrived(tmp_path / "out") == WHOLE - 1
    said = job.run("problems", check=0).said
    assert "not-readable-at-source" in said and "broke down" in said, said
    # It is read once the fault is gone, and no other comes twice.
    job.run("problems", "--retry")
    job.run("run", check=0)
    assert arrived(tmp_path / "out") == WHOLE
    job.run("verify", check=0)


def test_many_deaths_cost_as_many_messages(job, tmp_path):
    source = mbox(tmp_path / "in.mbox")
    job.run("copy", f"mbox:{source}", f"maildir:{tmp_path / 'out'}",
            check=1, env={"MAILHAUL_TEST_ARCHIVE_CRASH": "body-1"})
    assert arrived(tmp_path / "out") == WHOLE - 11


def test_a_death_in_a_folder_of_messages(job, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for i in range(20):
        path = tmp_path / "in" / ("deep" if i % 2 else ".") / f"{i}.eml"
        path.write_text(f"From: a@example.com\nSubject: {i}\n"
                        f"Message-ID: <{i}@example.com>\n\nbody-{i}-end\n")
    job.run("copy", f"eml:{tmp_path / 'in'}", f"maildir:{tmp_path / 'out'}",
            check=1, env={"MAILHAUL_TEST_ARCHIVE_CRASH": "body-7-end"})
    assert arrived(tmp_path / "out") == 19


# --- what the child has, and when it ends --------------------------------


def children(pid):
    out = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = (path / "stat").read_text().rsplit(")", 1)[1].split()[1]
            if int(parent) == pid and b"archive-child" in \
                    (path / "cmdline").read_bytes():
                out.append(path)
        except (OSError, ValueError):
            continue
    return out


def until(seen, limit=60):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        got = seen()
        if got:
            return got
        time.sleep(0.05)
    raise AssertionError("it did not come to it")


def running(path):
    try:
        return "Z" not in (path / "stat").read_text().rsplit(")", 1)[1][:3]
    except OSError:
        return False


@pytest.fixture
def hanging(job, tmp_path):
    """A run whose child has lost its way, and that child."""
    source = mbox(tmp_path / "in.mbox", 5)
    job.env.update({"MAILHAUL_FROM_PASSWORD": "open-sesame",
                    "MAILHAUL_TO_PASSWORD": "shut-sesame",
                    "MAILHAUL_CLIENT_SECRET": "third-sesame",
                    "SOMETHING_ELSE": "fourth-sesame"})
    job.run("add", f"mbox:{source}", f"maildir:{tmp_path / 'out'}", check=0)
    process = job.start("run", env={
        "MAILHAUL_TEST_ARCHIVE_CRASH": "hang:body-2-end",
        "MAILHAUL_TEST_ARCHIVE_CPU_MS": "600000"})

    def busy():
        for path in children(process.pid):
            fields = (path / "stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[11]) > 20:  # ticks of its own: it turns
                return path
        return None

    yield process, until(busy)
    process.kill()
    process.wait(60)


def test_the_child_has_no_secret_and_no_other_file(hanging):
    child = hanging[1]
    try:
        environment = (child / "environ").read_bytes()
        open_files = os.listdir(child / "fd")
        own_file = os.readlink(child / "fd" / "4")
    except PermissionError:
        pytest.skip("only root may look into a process that is shut in")
    assert b"MAILHAUL_TEST_ARCHIVE_CRASH" in environment
    assert b"sesame" not in environment, environment
    assert sorted(open_files) == ["0", "1", "2", "3", "4"]
    assert own_file.endswith("(deleted)"), own_file


def test_the_child_ends_with_its_parent(hanging):
    process, child = hanging
    process.kill()
    until(lambda: not running(child))


def test_a_run_can_be_stopped_while_the_child_hangs(hanging):
    process, child = hanging
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 2
    assert not running(child)
