# SPDX-License-Identifier: Apache-2.0
"""What the owner of an Outlook file reads: of a file that is damaged, of what
is missing in it, and that it is the same the next time.
"""
import os

import pytest

from harness.pst_make import File, Message, Person, Pst

BLOB = bytes(range(256)) * 150
WHEN = 1_600_000_000
MAX = Person("Max", "/O=CONTOSO/OU=X/CN=RECIPIENTS/CN=MAX", "EX")
PARTS = "Angebot \u00dcbersicht.pdf"


def outlook(path, *messages, declared=None, **how):
    p = Pst(**how)
    f = p.folder("Posteingang", use="inbox", declared=declared)
    f.add(Message("Hallo", text="Gr\u00fc\u00dfe", when=WHEN), *messages)
    p.write(path)
    return path


@pytest.fixture
def faults(tmp_path):
    """One of each."""
    return outlook(
        tmp_path / "ann.ost",
        Message("Nur Kopf", when=WHEN + 86400, props={
            0x1000001f: None, 0x0e170003: 0x1000, 0x0e080003: 250_000}),
        Message("Anlage", text="t", attachments=[
            File("M\u00e4rz.pdf", None, declared=123_456)]),
        Message("fort", text="t", node=False),
        *[Message(f"an Max {i}", text="t", to=[MAX]) for i in range(4)],
        declared=30)


def test_plan_of_a_file(job, faults):
    done = job.run("plan", faults, check=1)
    for words in ("3 messages or places can't be read:\n",
                  "  Posteingang  Nur Kopf  2020-09-14\n",
                  "  Posteingang  Anlage (attachments)  20",
                  "without 1 of its attachments", "M\u00e4rz.pdf",
                  "  Posteingang  fort  20",
                  "\nMissing:\n  Posteingang: 22 items that the file counts",
                  "22 items that the file counts and does not hold. Another",
                  "--deep reads each of them whole"):
        assert words in done.out, (words, done.out)
    assert "node" not in done.out and "Besides" not in done.out
    assert done.err.strip() == "The archive was only read."
    told = job.run("plan", faults, "--json", check=1).json[0]["archives"][0]
    assert [p["key"] for p in told["problems"]] == [
        "Nur Kopf", "Anlage (attachments)", "fort"]


def test_plan_of_an_empty_file(job, tmp_path):
    p = Pst()
    p.folder("Inbox", use="inbox")
    p.write(tmp_path / "a.pst")
    out = job.run("plan", tmp_path / "a.pst", check=0).out
    assert "In all: 0 messages." in out
    assert "--deep" not in out and "Besides" not in out


def test_proof_tells_what_is_only_counted(job, tmp_path):
    outlook(tmp_path / "a.pst", declared=4)
    job.run("copy", tmp_path / "a.pst", f"maildir:{tmp_path}/to", check=0)
    out = job.run("verify", check=0).out
    assert "Proven: all 1 message of the source is at the destination, " \
        "once. The archive counts 3 more items and does not hold them" in out
    assert job.run("verify", "--json").json[0]["mailboxes"][0][
        "not_held"] == 3


def test_plan_without_a_path(job):
    assert "names no file" in job.run("plan", "pst:", check=65).err


def test_plan_of_nothing_claims_nothing(job, tmp_path):
    err = job.run("plan", tmp_path / "none.pst", check=65).err
    assert "no file or folder" in err and "only read" not in err


def test_plan_of_a_mailbox(job, faults, tmp_path):
    """What can't be read is not new."""
    job.run("add", faults, f"maildir:{tmp_path / 'to'}", "--name", "ann",
            check=0)
    out = job.run("plan", check=0).out
    assert "6 new; 3 can't be read at the source." in out, out
    told = job.run("plan", "--json", check=0).json[0]["mailboxes"][0]
    assert (told["messages"], told["new"], told["unreadable"]) == (9, 9, 3)


def test_problems_and_notes(job, faults, tmp_path):
    job.run("copy", faults, f"maildir:{tmp_path / 'to'}", check=1)
    out = job.run("problems", check=0).out
    head, *rows = out.splitlines()
    # Each has its own sentence, and none stands for the others.
    assert head == "3 messages, not-readable-at-source:"
    assert rows[0].startswith("  ann.ost  Posteingang  Nur Kopf  ")
    assert 'Of "Nur Kopf" Outlook had only fetched' in rows[1]
    assert "node" not in out and "propert" not in out
    # Of one note for many, once.
    assert out.count("@exchange.invalid") == 1
    assert sum("Posteingang  an Max" in row for row in rows) == 4


def test_one_sentence_for_all(job, tmp_path):
    path = outlook(tmp_path / "a.pst", *[
        Message(f"m{i}", text="t", lost=True) for i in range(3)])
    job.run("copy", path, f"maildir:{tmp_path / 'to'}", check=1)
    out = job.run("problems", check=0).out
    assert out.startswith("3 messages, not-readable-at-source: A message in")
    assert out.count("can't be read") == 1, out


def test_what_was_ignored_keeps_its_reason(job, faults, tmp_path):
    job.run("copy", faults, f"maildir:{tmp_path / 'to'}", check=1)
    job.run("problems", "--ignore", "--yes", check=0)
    out = job.run("problems", check=0).out
    assert "Ignored by your choice" in out
    assert 'Of "Nur Kopf" Outlook had only fetched' in out


def test_what_can_not_be_exported_is_named(job, faults, tmp_path):
    job.run("copy", faults, f"maildir:{tmp_path / 'to'}", check=1)
    err = job.run("problems", "--export", tmp_path / "out", check=1).err
    assert "ann.ost: Posteingang  Nur Kopf: " in err and "uid" not in err


@pytest.mark.parametrize("octets, words", [
    (bytes(9000), "is named like an Outlook file, but nothing in it"),
    (b"<html></html>", "is named like an Outlook file, but nothing in it"),
    (b"!BDN" + bytes(600), "cut off, damaged or empty"),
    (b"", "The file is empty.")], ids=["zeros", "other", "cut", "empty"])
def test_no_outlook_file(job, tmp_path, octets, words):
    path = tmp_path / "a.pst"
    path.write_bytes(octets)
    assert words in job.run("plan", path, check=65).err


def test_names_that_are_no_locators(job):
    """Not taken for mailboxes of a job store that is not there."""
    for name in ("imap:a.pst", "a\nb.pst"):
        outlook(job.path / name)
        err = job.run("plan", name, check=65).err
        assert "job store" not in err, err


def test_a_file_that_a_mailbox_is_called_like(job, tmp_path):
    outlook(job.path / "a.pst")
    job.run("copy", "a.pst", f"maildir:{tmp_path / 'to'}", check=0)
    for option in (["--deep"], ["--items", tmp_path / "items"]):
        err = job.run("plan", "a.pst", *option, check=64).err
        assert "write ./a.pst for the file" in err
        job.run("plan", "./a.pst", *option, check=0)


def test_cut(job, tmp_path):
    path = outlook(tmp_path / "a.pst", *[
        Message(f"m{i}", text="t" * 3000) for i in range(40)])
    n = os.path.getsize(path)
    os.truncate(path, n * 95 // 100)
    out = job.run("plan", path, check=1).out
    assert "  Posteingang  the file as a whole\n" in out, out
    assert f"cut off: {n * 95 // 100 // 1024} of its {n // 1024} KB" in out


# --- The same the next time --------------------------------------------------


def problems(job):
    return [(p["key"], p["error"]["text"])
            for p in job.run("problems", "--json").json[0]["problems"]]


def test_a_broken_attachment_stays_a_problem(job, tmp_path):
    """That it is broken is seen only when the message is read whole, and a
    later run reads none that it knows."""
    path = outlook(tmp_path / "a.pst", Message(
        "Antwort", text="t", attachments=[
            File("ok.bin", BLOB), File(PARTS, BLOB, lost=True)]))
    args = ("copy", path, f"maildir:{tmp_path / 'to'}")
    job.run(*args, check=1)
    first = problems(job)
    assert len(first) == 1 and first[0][0].endswith("Antwort (attachments)")
    assert PARTS in first[0][1] and "ok.bin" not in first[0][1]
    for touched in (False, True, True):
        if touched:
            os.utime(path)
        job.run(*args, check=1)
        assert problems(job) == first
        told = job.run("verify", "--json", check=1).json[0]["mailboxes"][0]
        assert told["sums"]["items"] == 3 and told["sums"]["problems"] == 1
        assert told["sums"]["adds_up"]


def test_a_broken_attachment_that_came_later(job, tmp_path):
    """Of a message that is met in a later pass, listed before it is read."""
    args = ("copy", outlook(tmp_path / "a.pst"),
            f"maildir:{tmp_path / 'to'}")
    job.run(*args, check=0)
    outlook(tmp_path / "a.pst", Message("Antwort", text="t", attachments=[
        File(PARTS, BLOB, lost=True)]))
    for _ in range(2):
        job.run(*args, check=1)
        (key, text), = problems(job)
        assert key == "Antwort (attachments)" and PARTS in text


def test_a_broken_attachment_is_whole_again(job, tmp_path):
    def write(**how):
        return outlook(tmp_path / "a.pst", Message(
            "Antwort", text="t", attachments=[File(PARTS, BLOB, **how)]))
    args = ("copy", write(lost=True), f"maildir:{tmp_path / 'to'}")
    job.run(*args, check=1)
    job.run(*args, check=1)
    write()
    job.run(*args, check=0)
    assert problems(job) == []
    job.run("verify", check=0)


# --- Another file in its place -----------------------------------------------


def other(path, word, *names):
    """As other programs than Outlook write it: nothing names a message."""
    p = Pst()
    for name in names:
        p.folder(name).add(Message(f"{name} {word}", text="t", when=WHEN))
    return p.write(path)


def test_another_file_in_its_place(job, tmp_path):
    """Its folders have the numbers of others, its messages those of
    others: each goes where it belongs, and none is taken for moved."""
    args = ("copy", other(tmp_path / "a.pst", "one", "Kinder", "Steuern"),
            f"maildir:{tmp_path / 'to'}")
    job.run(*args, check=0)
    other(tmp_path / "a.pst", "two", "Haus", "Kinder", "Steuern")
    job.run(*args, check=0)
    for name, words in (("Haus", ["two"]), ("Kinder", ["one", "two"]),
                        ("Steuern", ["one", "two"])):
        there = [f.read_text() for f in
                 (tmp_path / "to" / f".{name}").glob("cur/*")]
        assert len(there) == len(words), name
        for word in words:
            assert any(f"Subject: {name} {word}\n" in m for m in there)
    told = job.run("verify", "--json", check=0).json[0]["mailboxes"][0]
    assert told["sums"]["moved"] == 3
