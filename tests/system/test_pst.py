# SPDX-License-Identifier: Apache-2.0
"""PST and OST files of every form, made here with what real ones have:
folders by their ids, mail, items of other kinds; and faults, of which none
costs more than its own message. (test_pst_mail: what mail becomes.)
"""
import random
from collections import Counter

import pytest

from harness import dump
from harness.pst_make import (WHEN, WIP, File, Folder, Message, Named, Pst,
                              Raw, filetime)
from harness.pst_ltp import BOOLEAN, LONG, TIME, UNICODE
from harness.pst_read import bodies, files, of

BLOB = random.Random(5).randbytes(60_000)
FORMS = [(14, 0), (14, 1), (14, 2), (15, 1), (23, 0), (23, 1), (23, 2),
         (36, 0), (36, 1), (36, 2), (37, 0)]
TIGHT = {"per_x": 60, "per_sub": 2, "pieces": 400, "heap_page": 300,
         "btree_most": 48}
BOB = ("Bob Example", "bob@example.com")


# --- Forms -----------------------------------------------------------------


def mailbox(**how):
    """Folders with foreign names, and the same in each form."""
    p = Pst(**how)
    inbox = p.folder("Posteingang", use="inbox")
    for name, use in (("Gesendet", "sent"), ("Entwurf", "drafts"),
                      ("Papierkorb", "deleted"), ("Werbung", "junk"),
                      ("Ausgang", "outbox")):
        p.folder(name, use=use)
    work = p.folder("Größe/2024", p.folder("Arbeit", inbox))
    inbox.add(
        Message("Grüße", text="Schöne Grüße.\r\nBis bald\r\n", to=[BOB],
                cc=[("Cy Müller", "cy@example.com")], flags=1,
                keywords=["Red", "Blue"], when=WHEN),
        Message("unread", text="x", to=[BOB], flags=0, when=WHEN + 1),
        Message("answered", text="x", to=[BOB], when=WHEN + 2,
                props={0x10810003: 102, 0x10900003: 2}),
        Message("forwarded", text="x", to=[BOB], when=WHEN + 3,
                props={0x10810003: 104}))
    work.add(Message("files", text="see there", to=[BOB], when=WHEN + 4,
                     attachments=[File("Bild ä.bin", BLOB, "image/x-y"),
                                  File("small.txt", b"text\n")]))
    for i in range(60):
        work.add(Message(f"many {i}", text=f"text {i}", to=[BOB],
                         when=WHEN + 100 + i))
    return p


def expect(d):
    paths = {d.folders[raw]: use for raw, use in d.uses.items()}
    assert [paths[p] for p in ("Posteingang", "Gesendet", "Entwurf",
                               "Papierkorb", "Werbung")] == [1, 2, 3, 4, 5]
    assert len(d.messages) == 65 and not d.holes, d
    first = of(d, "Grüße")
    assert first.found.path == "Posteingang"
    assert first.found.flags == ("\\Seen",)
    assert first.found.date == WHEN
    assert set(first.found.keywords) == {"Red", "Blue"}
    assert first.msg["to"].addresses[0].addr_spec == "bob@example.com"
    assert first.msg["cc"].addresses[0].display_name == "Cy Müller"
    assert first.msg["from"].addresses[0].addr_spec == "ann@example.com"
    assert bodies(first.msg) == {
        "text/plain": "Schöne Grüße.\nBis bald\n"}
    assert first.msg["date"].datetime.timestamp() == WHEN
    assert of(d, "unread").found.flags == ()
    assert of(d, "answered").found.flags == (
        "\\Answered", "\\Flagged", "\\Seen")
    assert of(d, "forwarded").found.keywords == ("$Forwarded",)
    there = of(d, "files")
    assert there.found.path.startswith("Posteingang/Arbeit/")
    assert files(there.msg) == [
        ("Bild ä.bin", "image/x-y", BLOB),
        ("small.txt", "text/plain", b"text\n")]
    assert sum(c for s, c in d.subjects.items()
               if s.startswith("many ")) == 60
    assert len({m.found.uid for m in d.mail}) == 65


@pytest.mark.parametrize("version,crypt", FORMS)
def test_every_form(made, version, crypt):
    d = made(mailbox(version=version, crypt=crypt))
    expect(d)
    again = made(mailbox(version=version, crypt=crypt))
    assert again.sums == d.sums


@pytest.mark.parametrize("version", [14, 23, 36])
def test_deep_trees(made, version):
    """Small files with XXBLOCKs, SIBLOCKs and heaps of many blocks."""
    expect(made(mailbox(version=version, crypt=1, **TIGHT)))


def test_blocks_that_are_not_zipped(made):
    expect(made(mailbox(version=36, crypt=0, zipped=False)))


def test_a_long_table(made):
    """A contents table in many blocks; a message each."""
    p = Pst()
    p.folder("Inbox", use="inbox").add(
        *[Message(f"n {i}", text="t") for i in range(700)])
    d = made(p)
    assert len(d.subjects) == len(d.good) == 700


def test_an_ost(made):
    """Without the store's ids: below Root - Mailbox, IPM_SUBTREE."""
    p = Pst(version=36, crypt=0, ost=True)
    p.folder("Inbox", use="inbox").add(Message("in", text="t"))
    p.folder("Sync Issues", p.root).add(Message("log", text="t"))
    d = made(p, suffix="ost")
    assert d.subjects["in"] == 1
    assert [d.folders[m.found.folder] for m in d.mail
            if m.msg["subject"] == "in"] == ["INBOX"]


def test_a_password_is_no_lock(made):
    p = Pst(password=b"secret")
    p.folder("Inbox", use="inbox").add(Message("open", text="t"))
    assert made(p).subjects == {"open": 1}


def test_protected_by_windows(job, tmp_path):
    p = Pst(version=37, crypt=WIP)
    p.folder("Inbox").add(Message("locked", text="t"))
    path = p.write(tmp_path / "a.ost")
    done = job.run("plan", f"pst:{path}", check=65)
    assert "Windows Information Protection" in done.said


# --- Folders ---------------------------------------------------------------


def test_left_out_and_named(made):
    """Search folders and Outlook's own items are no mail."""
    p = Pst()
    inbox = p.folder("Inbox", use="inbox").add(Message("in", text="t"))
    inbox.hidden.append(Message("settings", class_="IPM.Configuration.X"))
    p.folder("Unread mail", search=True)
    d = made(p)
    assert d.subjects == {"in": 1}
    assert [what for name, what in d.others if "Unread mail" in name] \
        == ["a search folder"], d.others


def test_names_of_folders(made):
    """Two of one name stay two; a slash makes no level; a nameless one has
    a name."""
    p = Pst()
    for i in range(2):
        p.folder("Same").add(Message(f"same {i}", text="t"))
    p.folder("a/b").add(Message("slash", text="t"))
    p.folder("").add(Message("nameless", text="t"))
    d = made(p)
    assert sum(d.subjects.values()) == 4
    assert len({m.found.folder for m in d.mail}) == 4
    assert all(d.folders.values())


def test_a_loop_of_folders(made):
    """Each is the other's parent, by their nodes."""
    p = Pst()
    first = p.folder("one").add(Message("m1", text="t"))
    second = p.folder("two", parent=first).add(Message("m2", text="t"))
    first.parent = second
    assert made(p).subjects == {"m1": 1, "m2": 1}


def test_an_orphan(made):
    """A folder whose parent is not in the file, and its mail."""
    p = Pst()
    lost = Folder("lost", 0x99902)
    p.folder("orphan", parent=lost).add(Message("m", text="t"))
    assert made(p).subjects == {"m": 1}


# --- What is no mail -------------------------------------------------------


def items():
    """One of each kind."""
    start = filetime(WHEN)
    return {
        "a contact": ("Contacts", "IPF.Contact", Message(
            "Cy M\u00fcller", class_="IPM.Contact", sender=None, props={
                0x3001001f: "Cy M\u00fcller", 0x3a06001f: "Cy",
                0x3a11001f: "M\u00fcller", 0x3a08001f: "+49 30 1"}, named=[
                    Named("ADDRESS", 0x8083, UNICODE, "cy@example.com")])),
        "an appointment": ("Calendar", "IPF.Appointment", Message(
            "Dentist", text="Bring cake; no, don't", named=[
                Named("APPOINTMENT", 0x820d, TIME, start),
                Named("APPOINTMENT", 0x820e, TIME, start + 36_000_000_000),
                Named("APPOINTMENT", 0x8215, BOOLEAN, 0)],
            class_="IPM.Appointment", sender=None)),
        "a task": ("Tasks", "IPF.Task", Message(
            "Water plants", class_="IPM.Task", sender=None, named=[
                Named("TASK", 0x8105, TIME, start),
                Named("TASK", 0x811c, BOOLEAN, 0)])),
        "a note": ("Notes", "IPF.StickyNote", Message(
            "milk", text="milk\r\neggs", class_="IPM.StickyNote",
            sender=None)),
        "a journal entry": ("Journal", "IPF.Journal", Message(
            "Call", text="We talked", class_="IPM.Activity", sender=None,
            named=[Named("LOG", 0x8706, TIME, start)])),
        "a distribution list": ("Contacts", "IPF.Contact", Message(
            "Friends", class_="IPM.DistList", sender=None, named=[
                Named("ADDRESS", 0x8053, UNICODE, "Friends"),
                Named("ADDRESS", 0x8064, LONG, 0)]))}


def with_items():
    p, folders = Pst(), {}
    p.folder("Inbox", use="inbox").add(Message("mail", text="t"))
    for name, kind, m in items().values():
        if name not in folders:
            folders[name] = p.folder(name, kind=kind)
        folders[name].add(m)
    folders["Contacts"].add(Message("mail among contacts", text="t"))
    return p


def test_items_are_counted(made):
    d = made(with_items())
    assert d.subjects == {"mail": 1, "mail among contacts": 1}
    told = Counter(what for _, what in d.others)
    assert {what: told[what] for what in items()} == dict.fromkeys(
        items(), 1), d.others


def test_items_are_written(made):
    d = made(with_items(), "--items")
    found = {m.found.key: m.octets.decode() for m in d.mail}
    assert len(found) == 6, found
    suffixes = Counter(name.rpartition(".")[2] for name in found)
    assert suffixes == {"vcf": 2, "ics": 2, "txt": 2}, found
    contact, = [t for n, t in found.items() if "Cy M" in n]
    assert "FN:Cy M\u00fcller\r\n" in contact \
        and "cy@example.com" in contact and "+49 30 1" in contact
    calendar, = [t for n, t in found.items() if "Dentist" in n]
    assert "BEGIN:VEVENT" in calendar and "SUMMARY:Dentist" in calendar \
        and "DTSTART" in calendar and "Bring cake\\; no\\, don't" in calendar
    task, = [t for n, t in found.items() if "Water" in n]
    assert "BEGIN:VTODO" in task
    note, = [t for n, t in found.items() if "milk" in n]
    assert "eggs" in note
    assert all(name.startswith(("Contacts/", "Calendar/", "Tasks/",
                                "Notes/", "Journal/")) for name in found)


# --- Faults ----------------------------------------------------------------


def with_fault(m, **how):
    p = Pst(**how)
    p.folder("Inbox", use="inbox").add(
        Message("before", text="t"), m, Message("after", text="t"))
    return p


@pytest.mark.parametrize("props", [
    {0x00420000: Raw(0, 77)}, {0x1f001f: Raw(0x1f, 0x7fffffe0)},
    {0x00700102: Raw(0x102, 0xfffe_0020)}, {0x1234001f: Raw(0x1f, 0x5f)},
    {0x00390040: Raw(0x40, 0x12345678)}, {0x1235101f: b"\xff" * 40},
    {0x12360102: Raw(0x102, 0x2_0040)}, {0x5566ffff: Raw(0xffff, 1)}])
def test_a_bad_property(made, props):
    """Never more than itself."""
    d = made(with_fault(Message("odd", text="the text", to=[BOB],
                                props=props)))
    assert d.subjects == {"before": 1, "odd": 1, "after": 1}
    assert bodies(of(d, "odd").msg)["text/plain"].strip() == "the text"


def test_a_wrong_checksum(made):
    d = made(with_fault(Message("odd", text="the text", spoiled=True)))
    assert d.subjects == {"before": 1, "odd": 1, "after": 1}
    assert "checksum" in of(d, "odd").note


@pytest.mark.parametrize("how", [{"lost": True}, {"node": False}])
def test_a_message_that_is_not_there(made, how):
    """A hole, which its row in the folder names."""
    d = made(with_fault(Message("odd one", text="the text", **how)))
    assert d.subjects == {"before": 1, "after": 1}
    hole, = d.holes
    assert "odd one" in (hole.key or "") + hole.hole, hole


def test_a_message_that_no_table_tells(made):
    d = made(with_fault(Message("odd", text="the text", row=False)))
    assert d.subjects == {"before": 1, "odd": 1, "after": 1}


def test_more_declared_than_there_is(made):
    p = Pst()
    p.folder("Inbox", use="inbox", declared=7).add(Message("m", text="t"))
    d = made(p)
    assert d.subjects == {"m": 1}
    assert any(name.startswith("Inbox") and "6 items" in what
               for name, what in d.others), d.others


def test_header_only(made):
    """A cache that fetched no more than the header."""
    d = made(with_fault(Message("only a head", to=[BOB], props={
        0x0e170003: 0x1000, 0x0e080003: 250_000})))
    assert d.subjects == {"before": 1, "after": 1}
    hole, = d.holes
    assert "only a head" in (hole.key or "") + hole.hole


# --- In the program --------------------------------------------------------


def test_a_copy_and_a_later_pass(job, tmp_path):
    """New mail of a file that grew; nothing twice; verify agrees."""
    def write(n):
        p = Pst()
        p.folder("Work").add(Message("w", text="t"))
        p.folder("Posteingang", use="inbox").add(
            *[Message(f"n {i}", text=f"t {i}", when=WHEN + i)
              for i in range(n)])
        return p.write(tmp_path / "a.pst")

    job.run("copy", f"pst:{write(5)}", f"maildir:{tmp_path}/to", check=0)
    assert job.states() == {"moved": 6}
    job.run("run", check=0)
    assert job.states() == {"moved": 6}
    write(8)
    job.run("run", check=0)
    assert sum(job.states().values()) == 9
    job.run("verify", check=0)
    d = dump.one(f"{tmp_path}/to")
    assert len(d.good) == 9 and not d.holes
    assert {m.path for m in d.good} == {"INBOX", "Work"}


def test_an_attachment_in_its_place_later(job, tmp_path):
    """What the cache did not hold is a problem that names it."""
    p = Pst(version=36, crypt=0)
    p.folder("Inbox", use="inbox").add(Message(
        "half", text="t", attachments=[
            File("gone.doc", None, declared=5000)]))
    path = p.write(tmp_path / "a.ost")
    job.run("copy", f"pst:{path}", f"maildir:{tmp_path}/to", check=1)
    assert "gone.doc" in job.run("problems").out


def test_attachments_of_which_nothing_is_left(job, tmp_path):
    """The message says that it has some, and not one is in the file."""
    p = Pst()
    p.folder("Inbox", use="inbox").add(
        Message("Three files", text="See there.", flags=0x11),
        Message("None", text="Hello."))
    path = p.write(tmp_path / "a.pst")
    done = job.run("copy", f"pst:{path}", f"maildir:{tmp_path}/to", check=1)
    assert "2 moved + 1 problem = 3" in done.out
    said = job.run("problems").out
    assert '"Three files" has attachments' in said and "None" not in said
    # It stays a problem, and the message stays one.
    job.run("run", check=1)
    assert job.states() == {"moved": 2, "hole": 1}
    job.run("problems", "--ignore", "--yes", check=0)
    job.run("verify", check=0)
