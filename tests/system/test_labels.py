# SPDX-License-Identifier: Apache-2.0
"""Labels: what a server can hold arrives as a keyword that its programs
read, what it can't is told, and no later pass takes it for a change.
"""
import pytest

from harness.pst_make import Message, Pst

WHEN = 1_600_000_000
LONG = "Wichtiges vom " * 4 + "Vorstand"


def flags(dovecot):
    """{subject: keywords} of bob's inbox."""
    with dovecot.mailbox("bob") as box:
        return {octets.split(b"Subject: ")[1].split(b"\r\n")[0].decode():
                {f for f in found if not f.startswith("\\")}
                for _, found, _, octets in box.messages("INBOX")}


def notes(job):
    return {n["note"] for n in job.run("problems", "--json").json[0]["notes"]}


@pytest.fixture
def file(tmp_path):
    p = Pst()
    p.folder("Inbox", use="inbox").add(
        Message("plain", when=WHEN),
        Message("named", when=WHEN, keywords=[
            "Wichtig für Anna", "Red Category", "R&D (neu)", "Blue"]),
        Message("long", when=WHEN, keywords=["Blue", LONG]))
    p.write(tmp_path / "ann.pst")
    return tmp_path / "ann.pst"


def test_categories_become_keywords(dovecot, job, file):
    target = dovecot()
    job.run("copy", file, target.locator("bob"), check=0)
    words = {"Wichtig_f&APw-r_Anna", "Red_Category", "R&D__neu_", "Blue"}
    after = {"plain": set(), "named": words, "long": {"Blue"}}
    assert flags(target) == after
    # Dovecot refuses the whole message for a keyword of more than 50.
    told = {f"the label {LONG} can't be kept at the destination, which takes"
            " no such keywords"}
    assert notes(job) == told
    with target.mailbox("bob") as box:
        before = box.status("INBOX")
    for _ in range(2):
        job.run("run", check=0)
        job.run("verify", check=0)
    with target.mailbox("bob") as box:
        assert box.status("INBOX") == before
    assert flags(target) == after and notes(job) == told


def test_a_server_without_keywords(fake, job, file):
    target = fake(permanent="Blue")
    job.run("copy", file, target.locator("bob"), check=0)
    kept = [m.flags for m in target.folders["INBOX"].messages]
    assert sorted("Blue" in flags for flags in kept) == [False, True, True]
    told = notes(job)
    assert any("the labels R&D (neu), Red Category, Wichtig für Anna can't"
               in n for n in told) and len(told) == 2
    for _ in range(2):
        job.run("run", check=0)
        job.run("verify", check=0)
    assert not [c for c in target.commands if "STORE" in str(c).upper()]
    assert notes(job) == told


def test_keywords_of_another_server(fake, dovecot, job):
    source, target = fake(), dovecot()
    words = ["gr&APYA3w-e", "work/urgent", "$Forwarded", "x" * 60]
    source.add("INBOX", b"Subject: one\r\n\r\ntext\r\n", words, WHEN)
    job.run("copy", source.locator("alice"), target.locator("bob"), check=0)
    assert flags(target) == {"one": set(words[:3])}
    assert len(notes(job)) == 1
    # A label that comes later and can't be kept is told as well.
    source.folders["INBOX"].messages[0].flags |= {"y" * 60, "Late"}
    for _ in range(3):
        job.run("run", check=0)
    assert flags(target) == {"one": {*words[:3], "Late"}}
    assert "y" * 60 in " ".join(notes(job))


def test_a_maildir_holds_26(job, tmp_path):
    p, to = Pst(), tmp_path / "to"
    p.folder("Inbox", use="inbox").add(Message(
        "many", keywords=["für alle", *(f"n{i:02}" for i in range(30))]))
    args = "copy", p.write(tmp_path / "a.pst"), f"maildir:{to}"
    job.run(*args, check=0)
    told = {"the labels n25, n26, n27, n28, n29 can't be kept in a Maildir,"
            " which has room for 26"}
    assert notes(job) == told
    file, = to.rglob("dovecot-keywords")
    assert file.read_bytes().startswith(b"0 f&APw-r_alle\n")
    before = file.read_bytes(), [f.name for f in to.rglob("*mailhaul*")]
    for _ in range(2):
        job.run(*args, check=0)
        job.run("verify", check=0)
    assert notes(job) == told
    assert (file.read_bytes(),
            [f.name for f in to.rglob("*mailhaul*")]) == before
