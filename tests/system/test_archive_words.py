# SPDX-License-Identifier: Apache-2.0
"""What the owner of an archive reads: what is told of files that hold mail
and are not read, of names in other languages, and of what can be done.
"""
import zipfile

from harness import corpus, packing

PST = b"!BDN" + bytes(600)  # of no version that there is
MSG = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def mail(n, seed=1):
    return [m.octets for m in corpus.plain(n, 200, seed)]


def folders(maildir):
    return sorted(p.name for p in maildir.iterdir() if p.name[0] == ".")


def test_outlook_files_that_cannot_be_read_are_problems(job, tmp_path):
    """They are mail: nobody may think that all of it has arrived."""
    src = tmp_path / "backup"
    packing.tree(src, {"Inbox": packing.mbox(mail(3)), "old.pst": PST,
                       "Kunden/one.msg": MSG, "photo.jpg": b"\xff\xd8\xff"})
    done = job.run("copy", src, "maildir:to", "--name", "ann", check=1)
    assert "5 messages in the source: 3 moved + 2 problems = 5" in done.out
    assert "1 file in the archive is no mail" in done.said
    assert "photo.jpg (a picture)" in done.said
    told = job.run("problems", check=0)
    assert "old.pst is an Outlook file" in told.out
    assert "Kunden/one.msg is an Outlook message" in told.out
    # None of it is there to be exported.
    assert "DIR" not in told.err and "can't be exported" in told.err
    job.run("problems", "--ignore", "--yes", check=0)
    job.run("run", check=0)
    # In a packed archive, too.
    packed = tmp_path / "backup.zip"
    packed.write_bytes(packing.zipped({"old.pst": PST}))
    done = job.run("copy", packed, "maildir:to2", check=1)
    assert "old.pst is an Outlook file" in done.said


def test_lone_outlook_files_say_what_helps(job, tmp_path):
    for name, octets, words in (("a.pst", PST, "Look for another copy"),
                                ("a.msg", MSG, "save them as .eml")):
        (tmp_path / name).write_bytes(octets)
        done = job.run("copy", tmp_path / name, "maildir:to", check=65)
        assert words in done.said


def test_an_inbox_of_another_language_is_the_inbox(job, tmp_path):
    first, more = mail(6, seed=2), mail(4, seed=3)
    packing.tree(tmp_path / "first", {"Inbox": packing.mbox(first),
                                      "Sent": packing.mbox(mail(2, seed=4))})
    packing.tree(tmp_path / "export", {
        "Posteingang.mbox": packing.mbox(first + more),
        "Gesendete Objekte.mbox": packing.mbox(mail(2, seed=4))})
    job.run("copy", tmp_path / "first", "maildir:to", "--name", "a", check=0)
    job.run("add", tmp_path / "export", "maildir:to", "--name", "b", check=0)
    plan = job.run("plan", "b", "--json", check=0).json[0]["mailboxes"][0]
    assert {f["from"]: f["to"] for f in plan["folders"]} == {
        "Posteingang": "INBOX", "Gesendete Objekte": "Sent"}
    assert (plan["already"], plan["new"], plan["unsure"]) == (8, 4, 0)
    job.run("run", "b", check=0)
    job.run("verify", check=0)
    assert folders(job.path / "to") == [".Sent"]


def test_thunderbirds_names_of_imap_folders(job, tmp_path):
    packing.tree(tmp_path / "ImapMail", {
        "imap.example.com/INBOX": packing.mbox(mail(2)),
        "imap.example.com/INBOX.sbd/Gr&APY-n": packing.mbox(mail(1, 5)),
        "imap.example.com/Q&A": packing.mbox(mail(1, 6))})
    job.run("copy", tmp_path / "ImapMail", "maildir:to", check=0)
    report = job.run("report", "--json", "-", check=0).json[0]
    assert {f["folder"] for f in report["mailboxes"][0]["folders"]} == {
        "INBOX", "INBOX/Gr\u00f6n", "Q&A"}


def test_another_kind_than_asked_for(job, tmp_path):
    packing.tree(tmp_path / "mails", {"a.eml": mail(1)[0]})
    for kind in ("mbox", "maildir"):
        done = job.run("copy", f"{kind}:{tmp_path / 'mails'}", "maildir:to",
                       check=65)
        assert "name its path alone" in done.said
    job.run("copy", tmp_path / "mails", "maildir:to", check=0)


def test_every_file_that_was_left_is_named(job, tmp_path):
    left = {f"note{i}.txt": b"remember the milk\n" for i in range(9)}
    packing.tree(tmp_path / "mails", {"a.eml": mail(1)[0], **left})
    done = job.run("copy", tmp_path / "mails", "maildir:to", "--verbose",
                   check=0)
    assert "9 files in the archive are no mail" in done.said
    for name in left:
        assert f"left there: {name} (not mail)" in done.err


def locked(path, name):
    """A .zip of one file that says it is encrypted."""
    with zipfile.ZipFile(path, "w") as z:
        z.writestr(name, bytes(200))
    octets = bytearray(path.read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        octets[octets.find(mark) + at] |= 1
    path.write_bytes(octets)


def test_one_file_with_a_password(job, tmp_path):
    locked(tmp_path / "a.zip", "a.eml")
    done = job.run("copy", tmp_path / "a.zip", "maildir:to", check=1)
    assert "1 file protected by a password" in done.said
    assert "1 message in the source: 1 problem." in done.out


def test_what_waits_is_told_apart(job, tmp_path):
    """An archive's messages have numbers, too."""
    (tmp_path / "a.mbox").write_bytes(packing.mbox(mail(3)))
    job.run("copy", tmp_path / "a.mbox", "maildir:to", check=0)
    (tmp_path / "a.mbox").write_bytes(packing.mbox(mail(3) + mail(2, 7)))
    done = job.run("verify", check=1)
    named = [line for line in done.out.splitlines() if ": uid " in line]
    assert len(named) == 2 == len(set(named)), done
    assert "5 messages in the source: 3 moved + 2 not moved yet = 5" \
        in done.out


def test_an_archive_that_was_never_read_proves_nothing(job, tmp_path):
    file = tmp_path / "a.mbox"
    file.write_bytes(packing.mbox(mail(3)))
    job.run("add", file, "maildir:to", check=0)
    file.rename(tmp_path / "hidden")
    job.run("run", check=65)
    done = job.run("verify", check=2)
    assert "Not proven: no run has come to its end" in done.out
    assert job.run("verify", "--json").json[0]["exit"] == 2
    (tmp_path / "hidden").rename(file)
    job.run("run", check=0)
    file.unlink()
    done = job.run("verify", check=0)
    assert "The copies are proven: all 3 messages" in done.out
