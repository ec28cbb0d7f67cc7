# SPDX-License-Identifier: Apache-2.0
"""Archives as sources, interrupted: stopped dead after every step of the
journal, killed at any moment, their parser killed, the file grown, compacted,
renamed, vanished or unreadable between passes and within one. Each time
every message arrives exactly once, and what can't be read is told.
"""
import glob
import os
import random
import shutil
import signal
import time
from collections import Counter

import pytest

from harness import compare, dump, packing, program
from harness.archive import read_maildir, write_maildir
from harness.corpus import FLAGS, START, plain, wire
from harness.killing import Steps
from harness.mailbox import Msg, sha
from harness.program import LIMIT, until
from harness.pst_make import Message, Pst

STOPPED = 86
CEILING = 600  # steps; a run that never ends is a failure, too
LABELS = ("Inbox", "Work/2024,Inbox,Unread", "Sent", "Work/2024",
          "Work/2024,Unread", "Starred")


def mail(n=6, seed=70):
    """n messages, and the second one once more."""
    out = [packing.lf(m.octets) for m in plain(n, 200, seed)]
    return out + [out[1]]


def make_mbox(path):
    path.write_bytes(packing.mbox(mail(), lambda i: (
        b"Status: RO\n", b"Status: O\n", b"Status: RO\nX-Status: F\n"
        )[i % 3]))


def make_takeout(path):
    path.write_bytes(packing.takeout(
        [(m, LABELS[i % 6]) for i, m in enumerate(mail())]))


def make_maildir(path):
    m = [Msg(o, tuple(f for f in FLAGS[i % 8] if f[0] == "\\"),
             START + i) for i, o in enumerate(mail())]
    write_maildir(path, {"INBOX": m[:3], "Sent": m[3:5], "Work": m[5:]})


def make_eml(path):
    packing.tree(path, packing.emls(mail()))


def make_zip(path):
    path.write_bytes(packing.zipped(packing.emls(mail())))


def make_tgz(path):
    path.write_bytes(packing.gzipped(packing.tarred(packing.emls(mail()))))


def make_pst(path):
    """The twin has the same Message-ID, the others have none."""
    p = Pst(compact=True)
    inbox = p.folder("Inbox", use="inbox")
    work, sent = p.folder("2024", p.folder("Work")), p.folder(
        "Sent", use="sent")
    for i, folder in enumerate((inbox, work, sent, inbox, work, sent)):
        folder.add(Message(f"subject {i}", text=f"text {i}", flags=i % 2,
                           when=START + i, message_id=None if i else
                           "<twin@example.com>"))
    inbox.add(inbox.items[0])
    p.write(path)


KINDS = {"mbox": make_mbox, "takeout": make_takeout,
         "maildir": make_maildir, "eml": make_eml, "zip": make_zip,
         "tgz": make_tgz, "pst": make_pst}


def contents(path):
    """As read_maildir() gives a destination: what the archive holds."""
    d = dump.one(path)
    assert d.code == 0 and not d.holes, d
    out = {}
    for m in d.messages:
        flags = tuple(f for f in m.flags if f != "\\Deleted")
        out.setdefault(m.path, Counter())[m.sha256, flags, m.date] += 1
    return out


def arrived(to):
    return read_maildir(to, dates=True) if os.path.isdir(to) else {}


def verified(job, want, to):
    """Everything is there once, and verify says so."""
    compare.same(want, arrived(to))
    job.run("verify", check=0)
    left = set(job.states()) - {"moved", "already-there"}
    assert not left, job.states()


def every_step(make_job, args_of, check, stride):
    n = 1
    while n < CEILING:
        job, args = make_job(n), args_of(n)
        done = job.run(*args, env={"MAILHAUL_TEST_STOP": str(n)})
        if done.code == 0:
            check(job, n)
            return n - 1
        assert done.code == STOPPED, done
        again = job.run(*args)
        assert again.code == 0, f"after step {n}: {again!r}"
        try:
            check(job, n)
        except AssertionError as e:
            raise AssertionError(f"stopped after step {n}, resumed: {e}")
        n += stride
    raise AssertionError(f"more than {CEILING} steps for seven messages")


@pytest.mark.parametrize("kind", KINDS)
def test_every_step(kind, new_job, tmp_path, full):
    source = tmp_path / "from"
    KINDS[kind](source)
    want = contents(source)
    assert sum(sum(c.values()) for c in want.values()) == 7
    steps = every_step(
        lambda n: new_job(f"job{n}"),
        lambda n: ("copy", source, f"maildir:{tmp_path}/to{n}"),
        lambda job, n: verified(job, want, f"{tmp_path}/to{n}"),
        1 if full else 2)
    assert steps >= 7


def test_every_step_of_a_later_pass(new_job, tmp_path, full):
    """Takeout that grew: labels bring a folder that was not there."""
    pairs = [(m, LABELS[i % 6]) for i, m in enumerate(mail(8))]

    def make_job(n):
        job, source = new_job(f"job{n}"), tmp_path / f"from{n}"
        source.write_bytes(packing.takeout(pairs[:5]))
        job.run("copy", source, f"maildir:{tmp_path}/to{n}", check=0)
        source.write_bytes(packing.takeout(
            pairs[:8] + [(pairs[8][0], "New/Label")]))
        return job

    def check(job, n):
        verified(job, contents(tmp_path / f"from{n}"),
                 f"{tmp_path}/to{n}")

    assert every_step(make_job, lambda n: (
        "copy", tmp_path / f"from{n}", f"maildir:{tmp_path}/to{n}"),
        check, 1 if full else 4) >= 4


def test_every_step_into_imap(dovecot, new_job, tmp_path, full):
    source, server = tmp_path / "from", dovecot()
    make_takeout(source)
    want = {folder: Counter(k[0] for k in c.elements())
            for folder, c in contents(source).items()}

    def check(job, n):
        with server.mailbox(f"bob{n}") as bob:
            got = {folder: Counter(k[0] for k in c.elements())
                   for folder, c in bob.dump().items() if c}
            assert got == want
        job.run("verify", check=0)

    assert every_step(
        lambda n: new_job(f"job{n}"),
        lambda n: ("copy", source, server.locator(f"bob{n}"), "--lanes", 1),
        check, 1 if full else 5) >= 7


def test_a_folder_more_after_an_interruption(new_job, tmp_path):
    """What was left out when a first walk was cut short is read from the
    beginning, not from where the others go on."""
    source = tmp_path / "from"
    make_takeout(source)
    want = contents(source)
    stopped = 0
    for n in range(3, 30, 3):
        job, to = new_job(f"job{n}"), tmp_path / f"to{n}"
        args = ("copy", source, f"maildir:{to}")
        stopped += job.run(*args, "--exclude", "Sent", env={
            "MAILHAUL_TEST_STOP": str(n)}).code == STOPPED
        done = job.run(*args, "--exclude", "Nothing")
        if done.code != 0 or compare.differences(want, arrived(to)):
            # An option of a job that has begun applies to its next pass.
            job.run("run", check=0)
        verified(job, want, to)
    assert stopped >= 4


# --- Killed --------------------------------------------------------------

def many(path, kind, n=400):
    """Enough for a run that can be killed in the middle."""
    octets = [packing.lf(m.octets) for m in plain(n, 3000, 71)]
    if kind == "mbox":
        path.write_bytes(packing.mbox(octets))
    elif kind == "takeout":
        path.write_bytes(packing.takeout(
            [(o, LABELS[i % 6]) for i, o in enumerate(octets)]))
    elif kind == "zip":
        path.write_bytes(packing.zipped(packing.emls(octets)))
    elif kind == "eml":
        packing.tree(path, packing.emls(octets))
    return path


def child_of(pid):
    """The process that parses for it, or None."""
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path) as f:
                found = f.read().split()
        except OSError:
            continue
        if found:
            return int(found[0])
    return None


@pytest.mark.parametrize("kind", ("mbox", "takeout", "zip", "eml"))
def test_killed_at_any_moment(kind, job, tmp_path, full):
    source, to = many(tmp_path / "from", kind), tmp_path / "to"
    want = contents(source)
    rng, killed = random.Random(kind), 0
    args = ("copy", source, f"maildir:{to}", "--rate")
    for _ in range(12 if full else 4):
        steps = Steps(job)
        p = job.start(*args, "300K", env=steps.env)
        steps.wait(p, rng.randrange(150))
        time.sleep(rng.uniform(0, 0.01))
        child = child_of(p.pid)
        p.kill()
        killed += p.wait(60) < 0
        steps.close()
        if child:
            until(lambda: gone(child))
    assert killed
    job.run(*args, "100M", check=0)
    verified(job, want, to)


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("kind", ("mbox", "takeout", "zip", "eml"))
def test_the_parser_is_killed(kind, job, tmp_path, full):
    """Costs at most the message it was at, which is told; and what can be
    read is read again by problems --retry."""
    source, to = many(tmp_path / "from", kind), tmp_path / "to"
    want = contents(source)
    rng = random.Random(kind)
    steps = Steps(job)
    p = job.start("copy", source, f"maildir:{to}", "--rate", "600K",
                  env=steps.env)
    kills = 0
    for _ in range(3):
        steps.wait(p, rng.randrange(1, 100))
        child = child_of(p.pid)
        if child:
            os.kill(child, signal.SIGKILL)
            kills += 1
    code = p.wait(LIMIT)
    steps.close()
    assert kills and code in (0, 1), job.run("run")
    lost = [line for line in compare.differences(want, arrived(to))]
    assert len(lost) <= kills and not any("extra" in x for x in lost), lost
    states = job.states()
    assert states.get("problem", 0) == len(lost) == (
        sum(states.values()) - states["moved"]), states
    if lost:
        assert code == 1
        assert "broke" in job.words("problems") or "damaged" in \
            job.words("problems")
        job.run("problems", "--retry", check=(0, 1))
        job.run("run", check=0)
    verified(job, want, to)


# --- The file changes ----------------------------------------------------

def copied(job, source, to, code=0):
    job.run("copy", source, f"maildir:{to}", check=code)


def test_mbox_that_grew(job, tmp_path):
    source, to = tmp_path / "from", tmp_path / "to"
    octets = mail(10)
    source.write_bytes(packing.mbox(octets[:6]))
    copied(job, source, to)
    before = set(files_of(to))
    source.write_bytes(packing.mbox(octets))
    copied(job, source, to)
    assert before <= set(files_of(to)) and len(files_of(to)) == 11
    verified(job, contents(source), to)


def files_of(to):
    return [os.path.join(where, name.partition(":")[0])
            for where, _, names in os.walk(to) for name in names
            if os.path.basename(where) in ("cur", "new")]


def test_mbox_that_was_compacted(job, tmp_path):
    """Messages in front are gone: the others are not copied again, and the
    copies of those that are gone stay."""
    source, to = tmp_path / "from", tmp_path / "to"
    octets = mail(10)[:10]
    source.write_bytes(packing.mbox(octets[:8]))
    copied(job, source, to)
    before = sorted(files_of(to))
    source.write_bytes(packing.mbox(octets[3:8]))
    copied(job, source, to)
    assert sorted(files_of(to)) == before
    source.write_bytes(packing.mbox(octets[4:10]))
    copied(job, source, to)
    got = Counter(k[0] for c in arrived(to).values() for k in c.elements())
    assert got == Counter(sha(wire(o)) for o in octets)


def test_mbox_that_was_replaced(job, tmp_path):
    source, to = tmp_path / "from", tmp_path / "to"
    source.write_bytes(packing.mbox(mail(5)[:5]))
    copied(job, source, to)
    source.write_bytes(packing.mbox(mail(5, seed=72)[:5]))
    copied(job, source, to)
    got = Counter(k[0] for c in arrived(to).values() for k in c.elements())
    assert got == Counter(sha(wire(o)) for o in
                          mail(5)[:5] + mail(5, seed=72)[:5])


def test_maildir_whose_flags_changed(job, tmp_path):
    """Another name for the same message."""
    source, to = tmp_path / "from", tmp_path / "to"
    make_maildir(source)
    copied(job, source, to)
    name = next(n for n in os.listdir(source / "new"))
    os.rename(source / "new" / name, source / "cur" / (name + ":2,FS"))
    copied(job, source, to)
    verified(job, contents(source), to)


def test_eml_that_was_renamed(job, tmp_path):
    """Moved or named anew: nothing is copied twice, nothing is lost."""
    source, to = tmp_path / "from", tmp_path / "to"
    make_eml(source)
    copied(job, source, to)
    old = sorted((source / "Inbox").iterdir())[0]
    old.rename(old.with_name("another name.eml"))
    copied(job, source, to)
    got = Counter(k[0] for c in arrived(to).values() for k in c.elements())
    assert got == Counter(sha(wire(o)) for o in mail())
    verified(job, contents(source), to)


@pytest.mark.parametrize("kind", ("mbox", "takeout", "zip", "eml"))
def test_gone_midway(kind, job, tmp_path):
    """The file is deleted while it is read, and comes back."""
    source, to = many(tmp_path / "from", kind), tmp_path / "to"
    want = contents(source)
    p = job.start("copy", source, f"maildir:{to}", "--rate", "1500K")
    until(lambda: len(files_of(to)) > 20, p)
    os.rename(source, tmp_path / "away")
    # An open file stays readable: then all may have arrived.
    code = p.wait(LIMIT)
    assert code in (0, 1, 2, 3, 65), code
    if not os.path.exists(source):
        done = job.run("run")
        assert done.code in (2, 3, 65) or (
            done.code == 0 and code == 0), done
        os.rename(tmp_path / "away", source)
    again = job.run("run")
    if again.code == 1:
        job.run("problems", "--retry")
        again = job.run("run")
    assert again.code == 0, again
    verified(job, want, to)


def test_one_file_that_must_not_be_read(job, tmp_path, monkeypatch):
    """One problem with its name; when it may be read, it moves."""
    source, to = tmp_path / "from", tmp_path / "to"
    make_eml(source)
    want = contents(source)
    without_privileges(tmp_path, monkeypatch)
    file = sorted((source / "Inbox").iterdir())[1]
    file.chmod(0)
    copied(job, source, to, code=1)
    assert file.name in job.run("problems").said
    assert len(files_of(to)) == 6
    file.chmod(0o600)
    job.run("problems", "--retry")
    job.run("run", check=0)
    verified(job, want, to)


def without_privileges(tmp_path, monkeypatch):
    """As root every file is readable, but for a root without its
    privileges."""
    if os.getuid():
        return
    script = tmp_path / "unprivileged"
    script.write_text("#!/bin/sh\nexec setpriv --bounding-set -all "
                      f"--inh-caps -all {program.binary()} \"$@\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("MAILHAUL_BIN", str(script))


def test_a_cut_archive_that_is_whole_later(job, tmp_path):
    """A download that was not finished: what stands there moves, the cut is
    told; the whole file brings the rest, and nothing twice."""
    source, to = tmp_path / "from", tmp_path / "to"
    octets = [packing.lf(m.octets) for m in plain(60, 3000, 73)]
    whole = packing.zipped(packing.emls(octets))
    source.write_bytes(whole[:len(whole) // 2])
    copied(job, source, to, code=1)
    some = len(files_of(to))
    assert 15 < some < 45
    assert "cut" in job.words("problems") or "end" in job.words("problems")
    source.write_bytes(whole)
    done = job.run("run")
    assert len(files_of(to)) == 60, done
    compare.same(contents(source), arrived(to))
    job.run("verify", check=0)
    # The place where it was cut is no message that anybody had.
    assert set(job.states()) <= {"moved", "gone-at-source"}


def test_a_small_disk_for_the_spool(job, tmp_path):
    """A message larger than the memory, and no room beside it."""
    source, to = tmp_path / "from", tmp_path / "to"
    big = packing.lf(plain(1, 30_000_000, 74)[0].octets)
    source.write_bytes(packing.mbox([mail()[0], big, mail()[2]]))
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.getuid() or os.system(
            f"mount -t tmpfs -o size=1m none {disk} 2>/dev/null"):
        pytest.skip("no right to mount a small disk here")
    try:
        env = {"TMPDIR": str(disk)}
        done = job.run("copy", source, f"maildir:{to}", "--memory", "4M",
                       env=env)
        words = done.said.lower()
        assert done.code in (2, 3, 73), done
        assert "full" in words or "space" in words or "room" in words, done
    finally:
        os.system(f"umount {disk}")
    job.run("run", check=0)
    verified(job, contents(source), to)
    shutil.rmtree(disk)
