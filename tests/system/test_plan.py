# SPDX-License-Identifier: Apache-2.0
"""plan: folder by folder, changing nothing at either end; and what is in an
archive.
"""
import pytest

from harness import corpus, packing
from harness.archive import write_maildir


@pytest.fixture
def ready(dovecot, job):
    source, target = dovecot(), dovecot(special={"Gesendet": "\\Sent"})
    alice = source.mailbox("alice").fill(corpus.mailbox(26))
    bob = target.mailbox("bob").fill({"INBOX": corpus.plain(1)})
    job.run("add", source.locator("alice"), target.locator("bob"),
            "--exclude", "Work/*", "--max-size", "100K", check=0)
    return alice, bob


def test_changes_nothing(job, ready):
    alice, bob = ready
    before = alice.dump(), bob.dump(), bob.folders()
    job.run("plan", check=0)
    job.run("plan", "--json", check=0)
    assert before == (alice.dump(), bob.dump(), bob.folders())


def test_tells_where_each_folder_goes(job, ready):
    out = job.run("plan", check=0).out
    for folder in ("INBOX", "Work", "Work/2024", "Sent", "Gesendet"):
        assert folder in out, out


def test_json(job, ready):
    box, = job.run("plan", "--json", check=0).json[0]["mailboxes"]
    folders = {f["from"]: f for f in box["folders"]}
    assert folders["Sent"]["to"] == "Gesendet"
    assert folders["Sent"]["exists"] and folders["Sent"]["renamed"]
    assert folders["Work/2024"]["to"] is None
    assert folders["Work/2024"]["left_out"]
    assert folders["INBOX"]["messages"] == 8


def test_after_the_move(job, ready):
    job.run("run", check=0)
    assert "INBOX" in job.run("plan", check=0).out


def test_sign_in_fails(job, ready):
    job.env["MAILHAUL_TO_PASSWORD"] = "wrong"
    assert job.run("plan").code == 3


def test_archive(job, dovecot, tmp_path):
    target = dovecot()
    path = write_maildir(tmp_path / "m", corpus.mailbox(8))
    job.run("add", f"maildir:{path}", target.locator("bob"), check=0)
    assert "Work" in job.run("plan", check=0).out
    assert target.mailbox("bob").folders() == ["INBOX"]


# --- what is in an archive, without a store --------------------------------


def archive(tmp_path, **more):
    """Three folders of mail, two calendars, and a file that is none."""
    path = tmp_path / "old.zip"
    files = packing.emls([m.octets for m in corpus.plain(9)])
    path.write_bytes(packing.zipped({
        **files, "Calendar/x.ics": b"BEGIN:VCALENDAR\n",
        "Calendar/y.ics": b"BEGIN:VCALENDAR\n", "n.txt": b"hi", **more}))
    return path


def look(job, *args, check=0):
    answer, = job.run("plan", *args, "--json", check=check).json
    assert answer["exit"] == check
    return answer["archives"]


def test_a_path_needs_no_store(job, tmp_path):
    path = archive(tmp_path)
    before = sorted(p.name for p in job.path.iterdir())
    told = job.run("plan", path, check=0)
    for words in ("Work/2024", "In all: 9 messages", "from 2018-02-05",
                  "Calendar: a calendar (2)", "(top): not mail",
                  "3 files in the archive are no mail", "--deep"):
        assert words in told.out, told
    assert "read whole" not in job.run("plan", "--deep", path, check=0).out
    assert before == sorted(p.name for p in job.path.iterdir())


def test_a_path_as_json(job, tmp_path):
    mails = write_maildir(tmp_path / "m", corpus.mailbox(12))
    one, two = look(job, archive(tmp_path), f"maildir:{mails}")
    assert {f["folder"]: f["messages"] for f in one["folders"]} == {
        "INBOX": 3, "Sent": 3, "Work/2024": 3}
    assert one["messages"] == 9 and one["bytes"] > 0
    assert one["oldest"] == "2018-02-05T02:33:20Z" < one["newest"]
    assert {(o["what"], o["count"]) for o in one["others"]} == {
        ("a calendar", 2), ("not mail", 1)}
    assert {(o["folder"], o["count"]) for o in one["others_in_folders"]} == {
        ("Calendar", 2), ("", 1)}
    assert one["problems"] == [] and one["items"] is None
    assert two["archive"] == f"maildir:{mails}" and two["messages"] == 14


def test_deep_counts_what_is_read(job, tmp_path):
    mails = [m.octets for m in corpus.plain(9)]
    assert look(job, archive(tmp_path), "--deep")[0]["bytes"] == \
        sum(map(len, mails))


def test_what_can_not_be_read(job, tmp_path):
    path = archive(tmp_path, **{f"Old/{i}.msg": b"\xd0\xcf\x11\xe0\xa1\xb1"
                                b"\x1a\xe1" + bytes(600) for i in range(7)})
    told = job.run("plan", path, check=1).out
    assert "7 messages or places can't be read" in told
    assert told.count("is an Outlook message") == 5 and "and 2 more" in told
    assert job.run("plan", path, "--verbose", check=1).out.count(
        "is an Outlook message") == 7
    found, = look(job, path, check=1)
    assert found["messages"] == 9 and found["unreadable"] == 7
    assert {p["key"] for p in found["problems"]} == {
        f"Old/{i}.msg" for i in range(7)}


def test_no_archive(job, tmp_path):
    (tmp_path / "x").write_bytes(b"hello")
    for operand in (tmp_path / "x", tmp_path / "none", "pst:none.pst",
                    "./none"):
        assert job.run("plan", operand).code == 65
    assert job.run("plan", "none").code == 73
    found = look(job, archive(tmp_path), tmp_path / "none", check=65)
    assert found[0]["error"] is None and found[1]["error"]["code"]


def test_a_mailbox_of_that_name_comes_first(job, tmp_path):
    path = archive(tmp_path)
    job.run("add", path, "maildir:to", check=0)
    (job.path / "old.zip").write_bytes(path.read_bytes())
    assert "mailboxes" in job.run("plan", "old.zip", "--json").json[0]
    assert "archives" in job.run("plan", "./old.zip", "--json").json[0]
    job.run("plan", "old.zip", path, check=64)
    job.run("plan", "old.zip", "--deep", check=64)


def test_what_is_no_mail_in_the_plan_of_a_mailbox(job, tmp_path):
    job.run("add", archive(tmp_path), "maildir:to", check=0)
    assert "3 files in the archive are no mail" in job.run("plan").out
    box, = job.run("plan", "--json", check=0).json[0]["mailboxes"]
    assert {(o["what"], o["count"]) for o in box["others"]} == {
        ("a calendar", 2), ("not mail", 1)}
