# SPDX-License-Identifier: Apache-2.0
"""Ways in which a message of a PST could be lost, doubled or left untold
that no other file goes: a file that changes between runs, one that was
damaged and is whole again, attachments that come later, a death in the
middle, packed files without room.
"""
import os
import random
import subprocess
from collections import Counter
from datetime import datetime, timezone
from email import message_from_bytes, policy
from email.utils import format_datetime
from pathlib import Path

import pytest

from harness import dump, packing
from harness.archive import lf, read_maildir, write_maildir
from harness.corpus import wire
from harness.killing import killed
from harness.mailbox import Msg
from harness.pst_ltp import TIME
from harness.pst_make import (File, Message, Named, Pst, embedded, filetime,
                              lzfu, rtf)

STOPPED = 86
WHEN = 1_600_000_000
BLOB = bytes(range(256)) * 300


def letter(n, text=None, **how):
    return Message(f"Letter {n}", text=text or f"text {n}", when=WHEN + n,
                   message_id=f"<{n}@example.com>", **how)


class Layout:
    """A PST whose messages keep their numbers wherever they stand."""

    def __init__(self, path, **how):
        self.path, self.how = path, how

    def write(self, **folders):
        """inbox=[(nid, message)], ..."""
        p = Pst(**self.how)
        given = {}
        for name, items in folders.items():
            f = p.folder(name, use=name if name in (
                "inbox", "drafts", "outbox") else None)
            f.add(*[m for _, m in items])
            given.update(items)
        nids = iter([n for items in folders.values() for n, _ in items])
        plain = p.nid
        p.nid = lambda kind: next(nids) << 5 | 4 if kind == 4 \
            else plain(kind)
        return p.write(self.path)


def numbered(*numbers):
    return [(0x10000 + n, letter(n)) for n in numbers]


def there(to):
    """{folder: Counter of subjects}, of a Maildir."""
    out = {}
    for path in Path(to).rglob("*"):
        if path.parent.name in ("cur", "new") and path.is_file():
            folder = path.parent.parent.relative_to(to).name.lstrip(".")
            m = message_from_bytes(path.read_bytes(),
                                   policy=policy.default)
            out.setdefault(folder or "INBOX", Counter())[m["subject"]] += 1
    return out


def all_there(to):
    return sum(there(to).values(), Counter())


def letters(*numbers):
    return Counter(f"Letter {n}" for n in numbers)


def stopped(job, *args, steps):
    done = job.run(*args, env={"MAILHAUL_TEST_STOP": str(steps)})
    assert done.code == STOPPED, done


# --- A file that changes between a run and its resume ----------------------


@pytest.mark.parametrize("steps", range(2, 12, 3))
def test_moved_while_interrupted(job, tmp_path, steps):
    """Outlook keeps a message's number when it is moved: it may turn up
    before the place where a run was stopped."""
    pst, to = Layout(tmp_path / "a.pst"), tmp_path / "to"
    pst.write(inbox=numbered(*range(20, 60)), Work=numbered(*range(60, 80)))
    args = ("copy", pst.path, f"maildir:{to}", "--lanes", 1)
    stopped(job, *args, steps=steps)
    # 10 is new, 70 has moved before all others, 55 behind; 25 is gone.
    pst.write(inbox=numbered(10, *range(20, 25), *range(26, 55),
                             *range(56, 60), 70),
              Work=numbered(55, *range(60, 70), *range(71, 80)))
    job.run(*args, check=0)
    got = all_there(to)
    del got["Letter 25"]
    assert got == letters(10, *range(20, 25), *range(26, 80))
    job.run("verify", check=0)


def test_another_file_in_its_place(job, tmp_path):
    """Halfway through: a new export of the same mailbox, with numbers and
    a key of its own."""
    to = tmp_path / "to"
    pst = Layout(tmp_path / "a.pst")
    pst.write(inbox=numbered(*range(20, 60)), Work=numbered(*range(60, 80)))
    args = ("copy", pst.path, f"maildir:{to}", "--lanes", 1)
    moved = 0
    while not moved:
        stopped(job, *args, steps=24)
        moved = job.states().get("moved", 0)
    assert moved < 60
    pst = Layout(tmp_path / "a.pst", key=bytes(16))
    pst.write(Work=[(0x10000 + 3 * n, letter(n)) for n in range(60, 82)],
              inbox=[(0x10000 + 3 * n, letter(n)) for n in range(18, 60)])
    job.run(*args, check=0)
    assert all_there(to) == letters(*range(18, 82))
    job.run("verify", check=0)


# --- What was missing is there later ---------------------------------------


def with_blob(n, **how):
    return letter(n, attachments=[File("a.pdf", BLOB, **how)])


def sizes(to):
    """[(subject, octets of attachments)]"""
    out = []
    for path in Path(to).rglob("*"):
        if path.parent.name in ("cur", "new") and path.is_file():
            m = message_from_bytes(path.read_bytes(),
                                   policy=policy.default)
            out.append((m["subject"], sum(
                len(p.get_payload(decode=True) or b"") for p in m.walk()
                if p.get_content_disposition() == "attachment"
                and p.get_filename() == "a.pdf")))
    return sorted(out)


def test_attachments_come_later(job, tmp_path):
    """The cache had not fetched one; a newer copy of it has."""
    pst, to = Layout(tmp_path / "a.ost", version=36, crypt=0), tmp_path / "to"
    pst.write(inbox=[(0x10001, with_blob(1)), (0x10002, letter(
        2, attachments=[File("a.pdf", None, declared=len(BLOB))]))])
    args = ("copy", pst.path, f"maildir:{to}")
    job.run(*args, check=1)
    pst.write(inbox=[(0x10001, with_blob(1)), (0x10002, with_blob(2))])
    job.run(*args, check=0)
    assert ("Letter 2", len(BLOB)) in sizes(to)
    assert sizes(to).count(("Letter 1", len(BLOB))) == 1
    job.run("verify", check=0)
    job.run(*args, check=0)
    assert len(sizes(to)) == 3


def test_a_hole_in_the_file_and_whole_again(job, tmp_path):
    """As the problem itself advises: copied again from where it comes."""
    pst, to = Layout(tmp_path / "a.pst"), tmp_path / "to"
    pst.write(inbox=[(0x10000 + n, with_blob(n)) for n in range(1, 25)],
              Work=numbered(*range(40, 60)))
    whole = pst.path.read_bytes()
    n = len(whole)
    pst.path.write_bytes(whole[:n // 3] + bytes(n // 2 - n // 3)
                         + whole[n // 2:])
    args = ("copy", pst.path, f"maildir:{to}")
    job.run(*args, check=1)
    assert 0 < sum(all_there(to).values()) < 44
    pst.path.write_bytes(whole)
    job.run(*args, check=0)
    got = sizes(to)
    for n in range(1, 25):
        assert got.count((f"Letter {n}", len(BLOB))) == 1, got
    assert Counter(s for s, _ in got if int(s.split()[1]) >= 40) \
        == letters(*range(40, 60))
    job.run("verify", check=0)


def test_a_header_gets_its_text(job, tmp_path):
    pst, to = Layout(tmp_path / "a.ost", version=36, crypt=0), tmp_path / "to"
    bare = letter(2, props={0x1000001f: None, 0x0e170003: 0x1000,
                            0x0e080003: 250_000})
    pst.write(inbox=[(0x10001, letter(1)), (0x10002, bare)])
    args = ("copy", pst.path, f"maildir:{to}")
    job.run(*args, check=1)
    assert all_there(to) == letters(1)
    pst.write(inbox=numbered(1, 2))
    job.run(*args, check=0)
    assert all_there(to) == letters(1, 2)
    job.run("verify", check=0)


def test_a_lost_text_is_there_again(job, tmp_path):
    pst, to = Layout(tmp_path / "a.pst"), tmp_path / "to"
    pst.write(inbox=[(0x10001, letter(1)), (0x10002, letter(2, lost=True))])
    args = ("copy", pst.path, f"maildir:{to}")
    job.run(*args, check=1)
    pst.write(inbox=numbered(1, 2))
    job.run(*args, check=0)
    assert all_there(to) == letters(1, 2)
    job.run("verify", check=0)


# --- Later passes ----------------------------------------------------------


def modified(when):
    return {0x30080040: filetime(when)}


def test_a_draft_is_written_on(job, tmp_path):
    """Its number and all that identifies it stay; so does an untouched
    one, whatever its flags."""
    pst, to = Layout(tmp_path / "a.ost"), tmp_path / "to"

    def write(text, when, flags):
        pst.write(drafts=[
            (0x10001, letter(1, text, flags=8, props=modified(when))),
            (0x10002, letter(2, flags=flags, props=modified(when)))])
    write("begun", WHEN, 8)
    args = ("copy", pst.path, f"maildir:{to}")
    job.run(*args, check=0)
    write("begun, and ended", WHEN + 100, 9)
    job.run(*args, check=0)
    texts = sorted(wire(p.read_bytes()).split(b"\r\n\r\n", 1)[1].strip()
                   for p in Path(to).rglob("*")
                   if p.parent.name in ("cur", "new"))
    assert texts == [b"begun", b"begun, and ended", b"text 2"]
    job.run("verify", check=0)


def test_a_newer_copy(job, tmp_path):
    """New mail, flags, moves between folders, what was deleted."""
    pst, to = Layout(tmp_path / "a.ost"), tmp_path / "to"
    pst.write(inbox=numbered(*range(1, 20)), Work=numbered(30, 31))
    args = ("copy", pst.path, f"maildir:{to}")
    job.run(*args, check=0)
    pst.write(inbox=numbered(*range(4, 20), 30) + [
        (0x10050, letter(50, flags=0))], Work=[
            (0x10000 + 31, letter(31, props={0x10900003: 2})),
            (0x10003, letter(3))])
    job.run(*args, check=0)
    assert all_there(to) == letters(*range(1, 20), 30, 31, 50)
    assert {flags for folder in read_maildir(to).values()
            for _, flags in folder} == {
                ("\\Seen",), ("\\Flagged", "\\Seen"), ()}
    job.run("verify", check=0)


def test_a_folder_gets_another_name(job, tmp_path):
    """Flags are followed in it all the same."""
    pst, to = tmp_path / "a.ost", tmp_path / "to"
    args = ("copy", pst, f"maildir:{to}")
    for name, flags in (("Work", 0), ("Done", 1)):
        p = Pst()
        p.folder("inbox", use="inbox").add(letter(1))
        p.folder(name).add(letter(2, flags=flags))
        p.write(pst)
        job.run(*args, check=0)
    assert {flags for folder in read_maildir(to).values()
            for _, flags in folder} == {("\\Seen",)}
    assert all_there(to) == letters(1, 2)


def test_more_files_come(job, tmp_path):
    """Their folders are told apart by then; what is new goes where the
    others of its folder are."""
    room, to = tmp_path / "room", tmp_path / "to"
    room.mkdir()
    args = ("copy", room, f"maildir:{to}")
    Layout(room / "a.pst").write(inbox=numbered(1), Work=numbered(2))
    job.run(*args, check=0)
    Layout(room / "a.pst").write(inbox=numbered(1, 3), Work=numbered(2, 4))
    Layout(room / "b.pst", key=bytes(16)).write(inbox=numbered(5),
                                                Work=numbered(6))
    job.run(*args, check=0)
    assert there(to) == {"INBOX": letters(1, 3), "Work": letters(2, 4),
                         "b.inbox": letters(5), "b.Work": letters(6)}


def test_an_attachment_is_found_to_be_lost(job, tmp_path, monkeypatch):
    """Nothing but reading it shows that, which a listing does not do: it is
    told in a later pass as well."""
    def attachment(self, a):
        before = set(self.db.blocks)
        made = whole(self, a)
        data = [b for b in sorted(set(self.db.blocks) - before - set(made))
                if not b & 2]
        self.db.lose(data[len(data) // 2])
        return made
    pst, to = Layout(tmp_path / "a.pst"), tmp_path / "to"
    args = ("copy", pst.path, f"maildir:{to}")
    pst.write(inbox=numbered(1))
    job.run(*args, check=0)
    whole = Pst._attachment
    monkeypatch.setattr(Pst, "_attachment", attachment)
    pst.write(inbox=[(0x10001, letter(1)), (0x10002, letter(
        2, attachments=[File("lost.pdf", BLOB)]))])
    for touched in (False, False, True, True):
        if touched:
            os.utime(pst.path)
        job.run(*args, check=1)
        assert all_there(to) == letters(1, 2)
        told = job.run("problems", "--json").json[0]
        assert ["lost.pdf" in p["error"]["text"]
                for p in told["problems"]] == [True]
        assert told["notes"] == []


# --- Joining ---------------------------------------------------------------


HEAD = ("Message-ID: <{0}@example.com>\r\nFrom: Ann Example"
        " <ann@example.com>\r\nTo: bob@example.com\r\nDate: {1}\r\n"
        "Subject: {2}\r\n")


def head(n, subject=None, when=WHEN):
    return HEAD.format(n, format_datetime(datetime.fromtimestamp(
        when, timezone.utc)), subject or f"Letter {n}")


def sent(n, text="text", **how):
    """As the server has it."""
    return Msg((head(n, **how) + "\r\n" + text + "\r\n").encode(),
               ("\\Seen",), WHEN)


def kept(n, text="text as Outlook keeps it", subject=None, when=WHEN, **how):
    return Message(subject or f"Letter {n}", text=text, when=when,
                   headers=head(n, subject, when),
                   message_id=f"<{n}@example.com>", **how)


def joined(job, tmp_path, messages, items, check=0):
    """What came from a Maildir, then from a PST beside it; the store's
    states of the latter."""
    to = tmp_path / "to"
    write_maildir(tmp_path / "from", {"INBOX": messages})
    Layout(tmp_path / "a.pst").write(
        inbox=[(0x10000 + i, m) for i, m in enumerate(items)])
    job.run("copy", f"maildir:{tmp_path}/from", f"maildir:{to}", check=0)
    job.run("add", tmp_path / "a.pst", f"maildir:{to}", "--name", "pst",
            check=0)
    planned = job.run("plan", "pst", "--json", check=0).json[0]
    job.run("run", "pst", check=check)
    job.run("verify", "pst", check=check)
    job.run("verify", "--deep", "pst", check=check)
    return planned["mailboxes"][0], dict(job.sql(
        "SELECT state, count(*) FROM messages WHERE mailbox='pst'"
        " GROUP BY state"))


def test_stripped_at_the_server(job, tmp_path):
    """Somebody took the attachments out of his mailbox because it was
    full; the file still has them."""
    planned, states = joined(
        job, tmp_path, [sent(1), sent(2)],
        [kept(1, attachments=[File("a.pdf", BLOB)]), kept(2)])
    assert ("Letter 1", len(BLOB)) in sizes(tmp_path / "to")
    assert [planned[k] for k in ("already", "new", "unsure")] == [1, 0, 1]
    assert states == {"moved": 1, "already-there": 1}


def test_as_many_as_there_are(job, tmp_path):
    """A file has one twice, the server has it once; another the other way
    round."""
    joined(job, tmp_path, [sent(1), sent(2), sent(2), sent(3)],
           [kept(1), kept(1), kept(2), kept(4), kept(4)])
    assert all_there(tmp_path / "to") == Counter(
        {"Letter 1": 2, "Letter 2": 2, "Letter 3": 1, "Letter 4": 2})


def test_machines_that_repeat_themselves(job, tmp_path):
    """One Message-ID for ever: date and subject tell."""
    count = 30
    planned, states = joined(
        job, tmp_path,
        [sent(0, f"text {i}", subject="Alarm", when=WHEN + 60 * i)
         for i in range(count)],
        [kept(0, subject="Alarm", when=WHEN + 60 * i)
         for i in range(count + 3)])
    assert all_there(tmp_path / "to") == {"Alarm": count + 3}
    assert planned["new"] + planned["unsure"] == 3


def test_a_spoiled_message_is_not_taken_for_the_good_one(job, tmp_path):
    """Its checksum does not fit: what the server has comes as well."""
    Layout(tmp_path / "a.pst").write(inbox=[
        (0x10001, kept(1, spoiled=True)), (0x10002, kept(2))])
    write_maildir(tmp_path / "from", {"INBOX": [sent(1), sent(2)]})
    to = f"maildir:{tmp_path}/to"
    job.run("copy", tmp_path / "a.pst", to, check=0)
    job.run("copy", f"maildir:{tmp_path}/from", to, check=0)
    assert all_there(tmp_path / "to") == letters(1, 1, 2)


def test_three_sources(job, tmp_path):
    """The server's, the cache, and an archive of before."""
    to = tmp_path / "to"
    write_maildir(tmp_path / "from", {"INBOX": [
        sent(n) for n in (1, 2, 2, 3, 7)]})
    Layout(tmp_path / "a.ost", version=36, crypt=0).write(inbox=[
        (0x10000 + i, kept(n)) for i, n in enumerate((2, 3, 3, 4, 4))])
    Layout(tmp_path / "b.pst").write(Old=[
        (0x10000 + i, kept(n, "old text")) for i, n in enumerate(
            (1, 1, 3, 4, 5, 7))])
    for source in (f"maildir:{tmp_path}/from", tmp_path / "b.pst",
                   tmp_path / "a.ost"):
        job.run("add", source, f"maildir:{to}", check=0)
    job.run("run", check=0)
    assert all_there(to) == letters(1, 1, 2, 2, 3, 3, 4, 4, 5, 7)
    job.run("verify", "--deep", check=0)
    job.run("run", check=0)
    assert all_there(to) == letters(1, 1, 2, 2, 3, 3, 4, 4, 5, 7)


def test_an_export_made_anew(job, tmp_path):
    """Another store, other numbers: what never had a Message-ID is known
    by its search key, within a job and beside it."""
    def items(text="t"):
        return [Message(f"Letter {n}", text=text, when=WHEN + n, props={
            0x300b0102: bytes([n]) * 16}) for n in range(1, 6)]
    to = tmp_path / "to"
    for name, key, start in (("a", 1, 0x10000), ("a", 2, 0x20000),
                             ("b", 3, 0x30000)):
        pst = Layout(tmp_path / f"{name}.pst", key=bytes([key]) * 16)
        pst.write(inbox=[(start + i, m) for i, m in enumerate(items())])
        job.run("copy", pst.path, f"maildir:{to}", check=0)
        assert all_there(to) == letters(*range(1, 6)), (name, key)


def test_what_was_left_out_comes_later(job, tmp_path):
    pst, to = Layout(tmp_path / "a.pst"), tmp_path / "to"
    pst.write(inbox=[(0x10001, letter(1)), (0x10002, with_blob(2)),
                     (0x10003, letter(3, props={
                         0x0e060040: filetime(WHEN - 10 ** 8)}))],
              Work=numbered(4, 5))
    args = ("copy", pst.path, f"maildir:{to}")
    job.run(*args, "--exclude", "Work", "--max-size", "50k", "--since",
            "2019-01-01", check=0)
    assert all_there(to) == letters(1)
    assert job.states() == {"moved": 1, "left-out": 4}
    job.run("verify", check=0)
    job.run(*args, "--exclude", "none", "--max-size", "50M", "--since",
            "2000-01-01", check=0)
    assert all_there(to) == letters(*range(1, 6))
    job.run("verify", check=0)


# --- Deaths ----------------------------------------------------------------


@pytest.mark.parametrize("needle", [
    "text 7 end", "Letter 7", "memory:text 7 end"])
def test_a_death_costs_one_message(job, tmp_path, needle):
    """Also of one that has a problem beside it, and in each folder."""
    pst, to = Layout(tmp_path / "a.pst"), tmp_path / "to"
    pst.write(inbox=[(0x10000 + n, letter(n, f"text {n} end", attachments=[
        File("gone.pdf", None, declared=5000)] if n in (7, 9) else ()))
        for n in range(1, 20)], Work=numbered(*range(30, 40)))
    env = {"MAILHAUL_TEST_ARCHIVE_CRASH": needle}
    args = ("copy", pst.path, f"maildir:{to}")
    job.run(*args, check=1, env=env)
    want = letters(*range(1, 20), *range(30, 40))
    assert all_there(to) == want - letters(7)
    problems = job.run("problems", "--json").json[0]["problems"]
    said = [p["error"]["text"] for p in problems]
    assert sum("broke down" in text for text in said) == 1, said
    assert sum("gone.pdf" in text for text in said) == 1, said
    job.run("run", check=1)
    assert all_there(to) == want
    job.run("run", check=1)
    assert all_there(to) == want


# --- Killed while the file changes -----------------------------------------


FOLDERS = ("inbox", "Work", "drafts", "Sent", "Old")


class Changing:
    """A file of 200 messages, twenty of them twice, that people work in."""

    def __init__(self, path, seed):
        self.rng, self.pst = random.Random(seed), Layout(path)
        self.at = {0x10000 + 2 * i: (self.rng.choice(FOLDERS), i // 2
                                     if i < 40 else i) for i in range(200)}
        self.new, self.deleted = 1000, Counter()
        self.write()

    def write(self):
        folders = {name: [] for name in FOLDERS}
        for nid, (name, n) in sorted(self.at.items()):
            folders[name].append((nid, kept(n, attachments=[
                File("a.pdf", BLOB[:9000])] if n % 11 == 5 else ())))
        self.pst.write(**folders)

    def change(self):
        for _ in range(3):
            nid = self.rng.choice(list(self.at))
            self.at[nid] = self.rng.choice(FOLDERS), self.at[nid][1]
        nid = 0x10001 + 2 * self.rng.randrange(600)
        if self.rng.random() < .5 and nid not in self.at:
            self.at[nid] = "inbox", self.new
            self.new += 1
        elif self.rng.random() < .5:
            nid = self.rng.choice(list(self.at))
            self.deleted[self.at.pop(nid)[1]] += 1
        self.write()


def test_killed_while_the_file_changes(job, dovecot, tmp_path, full):
    """Beside a mailbox that it joins."""
    source, target = dovecot(), dovecot()
    server = [n for n in range(120) if n % 3 == 0]
    server += [n for n in range(20) if n % 4 == 0]
    source.mailbox("alice").fill({"INBOX": [
        sent(n) for n in server]})
    file = Changing(tmp_path / "a.pst", seed=full)
    for path, name in ((source.locator("alice"), "server"),
                       (file.pst.path, "file")):
        job.run("add", path, target.locator("bob"), "--name", name, check=0)
    struck = 0
    for _ in range(40 if full else 8):
        steps, pause = file.rng.randrange(80), file.rng.uniform(0, 0.1)
        struck += killed(job, steps, pause, "run", "--rate", "300000",
                         "--lanes", "3") < 0
        if file.rng.random() < .6:
            file.change()
    assert struck
    job.run("run", check=(0, 1))
    job.run("run", check=0)
    job.run("verify", check=0)
    with target.mailbox("bob") as box:
        got = Counter(message_from_bytes(octets, policy=policy.default)[
            "Subject"] for name in box.folders(all=False, raw=True)
            for _, _, _, octets in box.messages(name))
    there, server = Counter(n for _, n in file.at.values()), Counter(server)
    for n in set(there) | set(server) | set(file.deleted):
        most = there[n] + file.deleted[n]
        # Without its attachment it is not the same.
        most = most + server[n] if n % 11 == 5 else max(most, server[n])
        assert max(there[n], server[n]) <= got.pop(f"Letter {n}", 0) \
            <= most, n
    assert not got


# --- Packed ----------------------------------------------------------------


def two(tmp_path):
    """A zip of two PSTs and a message."""
    files = {"note.eml": lf(sent(90).octets)}
    for i, numbers in enumerate((range(1, 40), range(50, 60))):
        pst = Layout(tmp_path / "one.pst", key=bytes([i]) * 16)
        files[f"old/{'ab'[i]}.pst"] = pst.write(
            inbox=numbered(*numbers), Work=[(0x20000 + i, letter(
                100 + i, "x" * 200_000))]).read_bytes()
    path = tmp_path / "all.zip"
    path.write_bytes(packing.zipped(files))
    return path, letters(*range(1, 40), *range(50, 60), 90, 100, 101)


@pytest.mark.parametrize("steps", [4, 16, 28])
def test_in_a_zip(job, tmp_path, steps):
    path, want = two(tmp_path)
    to = tmp_path / "to"
    args = ("copy", path, f"maildir:{to}", "--lanes", 2)
    stopped(job, *args, steps=steps)
    job.run(*args, check=0)
    assert all_there(to) == want
    job.run("verify", "--deep", check=0)
    job.run("run", check=0)
    assert all_there(to) == want


def test_in_a_zip_in_a_zip(job, tmp_path):
    path, want = two(tmp_path)
    outer = tmp_path / "outer.zip"
    outer.write_bytes(packing.zipped({"in/all.zip": path.read_bytes()}))
    job.run("copy", outer, f"maildir:{tmp_path}/to", check=0)
    assert all_there(tmp_path / "to") == want
    job.run("verify", check=0)


def test_the_same_octets_however_it_is_read(tmp_path):
    """Twice, and from a zip."""
    pst = Layout(tmp_path / "a.pst")
    pst.write(inbox=[
        (0x10000 + n, Message(f"Letter {n}", text=f"text {n}", html=b"<p>",
                              attachments=[File("a.bin", BLOB[:n * 99])]))
        for n in range(1, 30)])
    path = tmp_path / "a.zip"
    path.write_bytes(packing.zipped({"a.pst": pst.path.read_bytes()}))
    first, second, third = dump.many([f"pst:{pst.path}"] * 2 + [path])
    assert len(first.sums) == 29
    assert first.sums == second.sums == third.sums
    assert [m.uid for m in first.good] == [m.uid for m in third.good]


def test_no_room_to_unpack(job, tmp_path):
    """The mail beside it moves; each file is a problem that says what
    helps, until there is room."""
    path, want = two(tmp_path)
    to = tmp_path / "to"
    args = ("copy", path, f"maildir:{to}")
    job.run(*args, check=1, env={"TMPDIR": str(tmp_path / "none")})
    assert all_there(to) == letters(90)
    said = job.run("problems").out
    assert "a.pst" in said and "b.pst" in said and "TMPDIR" in said, said
    job.run(*args, check=0)
    assert all_there(to) == want
    job.run("verify", check=0)


def test_a_small_disk_to_unpack_to(job, tmp_path):
    """What did not fit leaves the room to others."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.getuid() or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=600k", "none", disk],
            capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small disk here")
    try:
        big = Layout(tmp_path / "big.pst")
        big.write(inbox=[(0x10000 + n, with_blob(n)) for n in range(1, 20)])
        small = Layout(tmp_path / "small.pst")
        small.write(inbox=numbered(*range(30, 40)))
        assert small.path.stat().st_size < 500_000
        path = tmp_path / "all.zip"
        path.write_bytes(packing.zipped({
            "a.pst": big.path.read_bytes(),
            "b.pst": small.path.read_bytes(),
            "c.eml": lf(sent(90).octets) + b"x" * 70 * 7000}))
        done = job.run("copy", path, f"maildir:{tmp_path}/to", "--memory",
                       "1M", env={"TMPDIR": str(disk)})
        assert done.code == 1, done
    finally:
        subprocess.run(["umount", disk], check=False)
    assert all_there(tmp_path / "to") == letters(*range(30, 40), 90)
    assert "a.pst" in job.run("problems").out
    job.run("run", check=0)
    assert all_there(tmp_path / "to") == letters(
        *range(1, 20), *range(30, 40), 90)


# --- Microsoft 365 ---------------------------------------------------------


SIGNED = (b"Content-Type: multipart/signed; protocol="
          b"\"application/pkcs7-signature\"; micalg=sha1; boundary=b\r\n\r\n"
          b"--b\r\nContent-Type: text/plain\r\n\r\nsigned  text\r\n--b\r\n"
          b"Content-Type: application/pkcs7-signature\r\n"
          b"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n")


def special():
    """Of each kind that another server may take otherwise."""
    inner = letter(101, attachments=[File("a.pdf", BLOB)])
    return [
        letter(1, attachments=[embedded(inner), File("b.bin", b"b" * 999)]),
        letter(2, class_="IPM.Note.SMIME.MultipartSigned", attachments=[
            File("smime.p7m", SIGNED, "multipart/signed")]),
        letter(3, class_="IPM.Schedule.Meeting.Request", named=[
            Named("APPOINTMENT", 0x820d, TIME, filetime(WHEN)),
            Named("APPOINTMENT", 0x820e, TIME, filetime(WHEN + 3600))]),
        letter(4, keywords=["Red", "Two Words"], flags=0,
               props={0x10900003: 2, 0x10810003: 102}),
        letter(5, class_="REPORT.IPM.Note.NDR"),
        letter(6, flags=8), kept(7), kept(7),
        letter(8, html=b'<img src="cid:p">', attachments=[
            File("p.png", BLOB[:999], "image/png", cid="p")]),
        letter(9, sender=("Ann", "/O=X/CN=ANN", "EX"),
               packed_rtf=lzfu(rtf("Gr\u00fc\u00dfe"))),
        letter(10, attachments=[File("gone.pdf", None, declared=5000)])]


@pytest.mark.parametrize("door", ["m365+imap", "m365+graph"])
def test_into_microsoft_365(practice, new_job, tmp_path, door):
    """All arrive once, verify proves it, and a lost store changes
    nothing."""
    pst = Layout(tmp_path / "a.pst")
    pst.write(inbox=[(0x10000 + i, m) for i, m in enumerate(special())])
    want = letters(*range(1, 11), 7)
    tenant = practice()
    for name in ("one", "two"):
        job = new_job(name, **tenant.env)
        job.env["MAILHAUL_TEST_SEARCH_MS"] = "20"
        job.run("copy", pst.path, f"{door}:ann@contoso.com", "--ca-file",
                tenant.ca_file, check=1)
        job.run("run", check=1)
        got = Counter(m.subject for m in
                      tenant.mailbox("ann@contoso.com").messages)
        assert got == want, name
        said = job.run("verify", "--deep", check=1).out
        assert "1 message could not be moved" in said, said
    assert job.states() == {"already-there": 11, "hole": 1}
    assert [m.subject for m in tenant.mailbox("ann@contoso.com").drafts()
            ] == ["Letter 6"]
