# SPDX-License-Identifier: Apache-2.0
"""plan: folder by folder; changes nothing at either end."""
import pytest

from harness import corpus
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
