# SPDX-License-Identifier: Apache-2.0
"""--items DIR: what an Outlook file holds besides mail, as files; and what is
said of it without that.
"""
import email
import os
import struct
import subprocess
import sys
from collections import Counter

import pytest

from harness import corpus, packing, program
from harness.pst_make import File, Message, Named, Person, Pst, embedded, \
    ole, reference

BOB = Person("Bob Example", "bob@example.com")


def contact(name):
    return Message(name, class_="IPM.Contact", sender=None,
                   props={0x3001001f: name})


def outlook(path, contacts=("Ann Example", "Cy M\u00fcller"), more=()):
    p = Pst()
    p.folder("Inbox", use="inbox").add(
        *[Message(f"mail {i}", text="t", to=[BOB]) for i in range(3)])
    p.folder("Contacts", kind="IPF.Contact").add(*map(contact, contacts))
    p.folder("Notes", kind="IPF.StickyNote").add(
        Message("milk", text="milk\r\neggs", class_="IPM.StickyNote",
                sender=None), *more)
    p.write(path)
    return path


@pytest.fixture
def pst(tmp_path):
    return outlook(tmp_path / "ann.pst")


def tree(path):
    return {str(f.relative_to(path)): f.read_bytes()
            for f in path.rglob("*") if not f.is_dir()}


def only(maildir):
    """The only message of a Maildir."""
    file, = [f for f in maildir.rglob("*") if f.parent.name in ("cur", "new")]
    return email.message_from_bytes(file.read_bytes())


def look(job, *args, check=0):
    return job.run("plan", *args, "--json", check=check).json[0]["archives"]


def kinds(told):
    return {k["what"]: k["count"] for k in told}


def test_plan_of_the_file(job, pst):
    told = job.run("plan", pst, check=0).out
    for words in ("In all: 3 messages", "Contacts: 2 contacts",
                  "Notes: 1 note",
                  "2 contacts and 1 note are no mail and stay in the file; "
                  "--items DIR writes them"):
        assert words in told, told
    found, = look(job, pst)
    assert found["messages"] == 3
    assert kinds(found["others"]) == {"a contact": 2, "a note": 1}
    assert {(o["folder"], o["what"]) for o in found["others_in_folders"]} \
        == {("Contacts", "a contact"), ("Notes", "a note")}


def test_written_by_plan(job, pst, tmp_path):
    out = tmp_path / "new" / "items"
    told = job.run("plan", pst, "--items", out, check=0).out
    assert f"Wrote 2 contacts and 1 note to {out}." in told
    files = tree(out)
    assert set(files) == {"Contacts/Ann Example.vcf",
                          "Contacts/Cy M\u00fcller.vcf", "Notes/milk.txt"}
    assert b"FN:Ann Example\r\n" in files["Contacts/Ann Example.vcf"]
    assert b"eggs" in files["Notes/milk.txt"]
    # For the eyes of their owner only.
    assert out.stat().st_mode & 0o777 == 0o700
    assert (out / "Notes").stat().st_mode & 0o777 == 0o700
    assert (out / "Notes/milk.txt").stat().st_mode & 0o777 == 0o600
    # Once more: nothing is new, nothing is touched.
    times = {f: os.stat(out / f).st_mtime_ns for f in files}
    told = job.run("plan", pst, "--items", out, check=0).out
    assert f"2 contacts and 1 note are in {out} already." in told
    assert tree(out) == files
    assert times == {f: os.stat(out / f).st_mtime_ns for f in files}


def test_nothing_is_replaced(job, pst, tmp_path):
    out = tmp_path / "out"
    packing.tree(out, {"Contacts/Ann Example.vcf": b"another Ann",
                       "Notes/readme": b"mine"})
    found, = look(job, pst, "--items", out)
    assert (found["items"]["written"], found["items"]["already"]) == (3, 0)
    assert kinds(found["items"]["kinds"]) == {"a contact": 2, "a note": 1}
    files = tree(out)
    assert files.pop("Contacts/Ann Example.vcf") == b"another Ann"
    assert files.pop("Notes/readme") == b"mine"
    assert set(files) == {"Contacts/Ann Example (2).vcf",
                          "Contacts/Cy M\u00fcller.vcf", "Notes/milk.txt"}
    found, = look(job, pst, "--items", out)
    assert (found["items"]["written"], found["items"]["already"]) == (0, 3)


def test_no_link_is_followed(job, pst, tmp_path):
    out, away = tmp_path / "out", tmp_path / "away"
    out.mkdir()
    away.mkdir()
    (out / "Contacts").symlink_to(away)
    (out / "Notes").mkdir()
    (out / "Notes/milk.txt").symlink_to(away / "milk.txt")
    told = job.run("plan", pst, "--items", out, check=1)
    assert not list(away.iterdir())
    assert told.err.count("A file or a link stands where its folder") == 2
    assert "2 items could not be written" in told.out
    assert b"eggs" in (out / "Notes/milk (2).txt").read_bytes()
    assert (out / "Notes/milk.txt").is_symlink()
    found, = look(job, pst, "--items", out, check=1)
    assert found["items"]["unwritten"] == 2
    assert all(f["error"]["code"] == "exists"
               for f in found["items"]["failures"])


def test_names_that_lead_elsewhere(job, tmp_path):
    """Each name becomes one of a file below its folder."""
    bad = ["../../up", "/abs", "..", ".hidden", "a/b", "line\r\nend",
           "same", "same", "SAME", "", "x" * 500, "\u202ecod.exe"]
    pst, out = outlook(tmp_path / "bad.pst", bad), tmp_path / "in" / "out"
    job.run("plan", pst, "--items", out, check=0)
    files = tree(tmp_path / "in")
    assert len(files) == len(bad) + 1
    assert all(f.startswith("out/Contacts/") and f.count("/") == 2
               for f in files if f.endswith(".vcf")), files
    assert not [f for f in files if f.split("/")[-1].startswith(".")]


def test_what_is_attached(job, tmp_path):
    """Small files stand in the .ics; what can't is a file beside it."""
    mail = Message("Re: a plan", text="see plan", to=[BOB])
    ole_octets, big = b"\xd0\xcf\x11\xe0" * 2000, bytes(range(256)) * 45000
    p = Pst()
    p.folder("Calendar", kind="IPF.Appointment").add(
        Message("Lunch", text="hi", class_="IPM.Appointment", sender=None,
                named=[Named("PUBLIC", "Shoe size", 5, 42.5)],
                attachments=[embedded(mail), embedded(contact("Cy")),
                             ole("Sheet", ole_octets), File("../big.bin", big),
                             File("small.pdf", b"%PDF"),
                             File("same.iso", big[1:]),
                             File("same.iso", big[2:]),
                             reference("link.doc", r"\\server\link.doc")]))
    p.folder("Notes", kind="IPF.StickyNote").add(
        Message("milk", text="m", class_="IPM.StickyNote", sender=None,
                attachments=[File("list.xlsx", b"xls")]))
    out = tmp_path / "out"
    told = job.run("plan", p.write(tmp_path / "a.pst"), "--items", out,
                   check=0).out
    assert f"Wrote 1 appointment, 7 attachments and 1 note to {out}." in told
    files = tree(out)
    ics = files.pop("Calendar/Lunch.ics").replace(b"\r\n ", b"")
    assert b"X-FILENAME=small.pdf:JVBERg==\r\n" in ics
    assert b"Shoe size: 42.5" in ics and rb"\\\\server\\link.doc" in ics
    same = {files.pop(f) for f in list(files) if "same" in f}
    assert same == {big[1:], big[2:]}
    eml = email.message_from_bytes(files.pop(
        "Calendar/Lunch - Re_ a plan.eml"))
    assert eml["Subject"] == "Re: a plan" and "see plan" in eml.get_payload()
    assert b"FN:Cy" in files.pop("Calendar/Lunch - Cy.vcf")
    assert b"list.xlsx" in files.pop("Notes/milk.txt")
    assert files == {"Calendar/Lunch - Sheet.ole": ole_octets,
                     "Calendar/Lunch - _big.bin": big,
                     "Notes/milk - list.xlsx": b"xls"}


def test_changed_instances(job, shared, tmp_path):
    """Of a real series: each that was changed has its own text."""
    out = tmp_path / "out"
    job.run("plan", f"{shared}/corpora/pst/java-libpst/dist-list.pst",
            "--items", out, check=0)
    file, = out.rglob("*.ics")
    events = file.read_text().split("BEGIN:VEVENT")[1:]
    assert [e.split("\nDTSTART;")[1].split(":")[1][:15] for e in events] == [
        "20160802T080000", "20160823T090000", "20160830T100000"]
    assert [e.split("\nDESCRIPTION:")[1].split("\n")[0] for e in events] == [
        "This is a complete test", "This is the appointment at 9",
        "This is the one at 10"]


def zone(rule):
    return (f"BEGIN:VTIMEZONE\r\nTZID:W\\, Europe\r\nBEGIN:STANDARD\r\n"
            f"DTSTART:19700101T000000\r\nTZOFFSETFROM:{rule}\r\n"
            f"TZOFFSETTO:{rule}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n")


def test_calendars_are_joined(tmp_path):
    """The script that the guide names: one calendar, each zone once, and
    those of one name that are not the same told apart."""
    event = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}BEGIN:VEVENT\r\nUID:{}\r\n"
             'DTSTART;TZID="W, Europe":20260302T090000\r\n'
             "DTEND:20260302T100000Z\r\nSUMMARY:{}\r\nEND:VEVENT\r\n"
             "END:VCALENDAR\r\n")
    long = "\u20ac" * 100
    packing.tree(tmp_path, {
        "cal/a.ics": event.format(zone("+0100"), "a", "x").encode(),
        "cal/deep/b.ics": event.format(zone("+0100"), "b",
                                       f"{long[:20]}\r\n {long[20:]}").encode(),
        "cal/c.ics": event.format(zone("+0200"), "c", "z").encode()})
    done = subprocess.run(
        [sys.executable, program.ROOT / "examples/join-calendar.py",
         tmp_path / "cal"], capture_output=True, check=True)
    assert all(len(line) <= 75 and line.decode() is not None
               for line in done.stdout.split(b"\r\n"))
    text = done.stdout.decode().replace("\r\n ", "")
    assert [text.count(f"BEGIN:{c}\r") for c in
            ("VCALENDAR", "VTIMEZONE", "VEVENT")] == [1, 2, 3]
    assert f"SUMMARY:{long}\r\n" in text
    first, second = text.split("TZID:W\\, Europe\r\n")[1].split(
        "TZID:W\\, Europe 2\r\n")
    # a, then c with rules of its own, then b with those of a.
    assert 'UID:a\r\nDTSTART;TZID="W, Europe":2026' in first
    assert 'UID:c\r\nDTSTART;TZID="W, Europe 2":2026' in second
    assert 'UID:b\r\nDTSTART;TZID="W, Europe":2026' in second
    assert "+0100" in first and "+0200" in second and "+0100" not in second


def test_a_folder_that_can_not_be_made(job, pst, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for where in (tmp_path / "file", tmp_path / "file" / "below"):
        done = job.run("plan", pst, "--items", where, check=65)
        assert "can't be made or opened" in done.err
        job.run("copy", pst, "maildir:to", "--items", where, check=65)
        assert not (job.path / "to").exists()


def test_copy_and_run(job, pst, tmp_path):
    out = tmp_path / "out"
    told = job.run("copy", pst, "maildir:to", "--name", "ann", "--items",
                   out, check=0)
    assert f"ann: Wrote 2 contacts and 1 note to {out}." in told.out
    assert "are no mail" not in told.err
    assert len(tree(out)) == 3
    assert "3 messages in the source: 3 moved" in \
        job.run("status", check=0).out
    events = job.run("run", "--items", out, "--json", check=0).json
    done, = [e for e in events if e["event"] == "items"]
    assert done["mailbox"] == "ann" and done["already"] == 3
    assert events[-1]["event"] == "end" and events[-1]["exit"] == 0
    # It is of the run, and not kept.
    assert "items" not in job.run("plan", "--json").json[0]["mailboxes"][0][
        "options"]
    box, = job.run("plan", "--json").json[0]["mailboxes"]
    assert kinds(box["others"]) == {"a contact": 2, "a note": 1}
    job.run("run", "--dry-run", "--items", tmp_path / "none", check=0)
    assert not (tmp_path / "none").exists()


def test_several(job, tmp_path):
    out = tmp_path / "out"
    one = outlook(tmp_path / "one.pst", ["Ann"])
    two = outlook(tmp_path / "two.pst", ["Bob"])
    for name, path in (("a", one), ("b", two)):
        job.run("add", path, f"maildir:{name}", "--name", name, check=0)
    job.run("run", "--items", out, check=0)
    assert {"a/Contacts/Ann.vcf", "b/Contacts/Bob.vcf"} <= set(tree(out))
    job.run("plan", one, two, "--items", tmp_path / "out2", check=0)
    assert Counter(f.split("/")[0] for f in tree(tmp_path / "out2")) == {
        "one.pst": 2, "two.pst": 2}


def test_what_is_no_outlook_file(job, tmp_path):
    """Mail is never written as an item."""
    out, path = tmp_path / "out", tmp_path / "a.zip"
    path.write_bytes(packing.zipped(packing.emls(
        [m.octets for m in corpus.plain(3)])))
    told = job.run("plan", path, "--items", out, check=0).out
    assert "no file was written" in told
    assert tree(out) == {}


def test_a_source_that_is_no_archive(job, dovecot, tmp_path):
    server = dovecot()
    server.mailbox("alice")
    job.run("copy", server.locator("alice"), "maildir:to", "--items",
            tmp_path / "out", check=64)
    assert not (tmp_path / "out").exists()
    job.run("plan", "alice", "--items", tmp_path / "out", check=64)


def test_packed(job, pst, tmp_path):
    out, path = tmp_path / "out", tmp_path / "a.zip"
    path.write_bytes(packing.zipped({"x/ann.pst": pst.read_bytes()}))
    job.run("plan", path, "--items", out, check=0)
    assert {f.rpartition("/")[2] for f in tree(out)} == {
        "Ann Example.vcf", "Cy M\u00fcller.vcf", "milk.txt"}


@pytest.mark.parametrize("value", ["yes", "no"])
def test_unpack_winmail_is_kept(job, pst, value):
    job.run("add", pst, "maildir:to", f"--unpack-winmail={value}", check=0)
    box, = job.run("plan", "--json").json[0]["mailboxes"]
    assert box["options"]["unpack-winmail"] is (value == "yes")


def winmail(name, octets):
    """A winmail.dat with one file in it ([MS-OXTNEF])."""
    def attribute(id_, data):
        return b"\2" + struct.pack("<II", id_, len(data)) + data \
            + struct.pack("<H", sum(data) & 0xffff)
    return struct.pack("<IH", 0x223e9f78, 1) \
        + attribute(0x00069002, struct.pack("<HIHHI", 1, 0, 0, 0, 0)) \
        + attribute(0x00018010, name.encode() + b"\0") \
        + attribute(0x0006800f, octets)


def test_winmail_is_unpacked(job, tmp_path):
    p = Pst()
    p.folder("Inbox", use="inbox").add(Message("w", text="t", attachments=[
        File("winmail.dat", winmail("plan.bin", b"\1\2\3" * 50),
             "application/ms-tnef")]))
    file = p.write(tmp_path / "w.pst")
    for to, option in (("as-is", "no"), ("unpacked", "yes")):
        job.run("copy", file, f"maildir:{to}", f"--unpack-winmail={option}",
                check=0)
    names = {to: [part.get_filename() for part in only(job.path / to).walk()
                  if part.get_filename()] for to in ("as-is", "unpacked")}
    assert names == {"as-is": ["winmail.dat"], "unpacked": ["plan.bin"]}
    part, = [part for part in only(job.path / "unpacked").walk()
             if part.get_filename()]
    assert part.get_payload(decode=True) == b"\1\2\3" * 50


def test_export_unpacks_winmail(job, tmp_path):
    """What is saved is what would have been sent."""
    p, to = Pst(), tmp_path / "to"
    p.folder("Inbox", use="inbox").add(Message("w", text="t", attachments=[
        File("winmail.dat", winmail("plan.bin", b"\1\2\3" * 50),
             "application/ms-tnef")]))
    args = ("copy", p.write(tmp_path / "w.pst"), f"maildir:{to}",
            "--unpack-winmail=yes")
    job.run(*args, check=0)
    arrived, = [f for f in to.rglob("*mailhaul*") if f.parent.name == "cur"
                or f.parent.name == "new"]
    octets = arrived.read_bytes()
    arrived.unlink()
    job.run(*args)
    job.run("problems", "--export", tmp_path / "out", check=0)
    saved, = (tmp_path / "out").iterdir()
    assert b"plan.bin" in octets
    assert saved.read_bytes() == octets
