# SPDX-License-Identifier: Apache-2.0
"""What is wrong with an Outlook file, or was left in it, is told once, and
whatever the options leave out.
"""
import pytest

from harness.pst_make import Message, Pst

WHEN = 1_600_000_000


def made(path, folders=("Inbox", "Work"), n=3):
    p = Pst(spread=6_000)
    for name in folders:
        p.folder(name, use="inbox" if name == "Inbox" else None).add(
            *[Message(f"{name} {i}", text="text " * 400, when=WHEN)
              for i in range(n)])
    return p.write(path)


def cut(path):
    made(path, n=40)
    octets = path.read_bytes()
    path.write_bytes(octets[:len(octets) * 8 // 10])
    return path


def problems(job):
    return [p["reason"]["text"] if isinstance(p.get("reason"), dict)
            else str(p) for p in
            job.run("problems", "--json").json[0]["problems"]]


@pytest.mark.parametrize("options", [
    (), ("--exclude", "INBOX"), ("--include", "Work"), ("--exclude", "*")])
def test_damage_is_told_whatever_is_left_out(job, tmp_path, options):
    file, to = cut(tmp_path / "ann.pst"), f"maildir:{tmp_path}/to"
    job.run("add", file, to, "--name", "ann", *options, check=0)
    plan = job.run("plan", "ann", "--json", check=0).json[0]
    assert plan["mailboxes"][0]["unreadable"] == 1
    for _ in range(3):
        job.run("run", "ann", check=1)
        assert ["cut off" in p for p in problems(job)] == [True]
        job.run("verify", check=1)


def ost(path):
    p = Pst(version=36, ost=True)
    p.folder("Inbox", use="inbox").add(Message("mine"))
    mailbox = next(f for f in p.root.folders if f.name == "Root - Mailbox")
    data = p.folder("Shared Data", mailbox)
    p.folder("Info", data).add(Message("to all"), Message("to none"))
    p.folder("Drizzle", mailbox).add(Message("inner"))
    return p.write(path)


def test_mail_of_other_mailboxes(job, tmp_path):
    """What Outlook has fetched of shared mailboxes is there, is told, and
    is another's until somebody asks for it."""
    file, info = ost(tmp_path / "ann.ost"), "Root - Mailbox/Shared Data/Info"
    out = job.run("plan", file, check=0).out
    assert "2 messages are of other mailboxes" in out and f"  {info}" in out
    told, = job.run("plan", file, "--json", check=0).json[0]["archives"]
    assert {f["folder"]: f["shared"] for f in told["folders"]} == {
        "INBOX": False, info: True}
    assert [o["what"] for o in told["others"]] == [
        "a folder of Outlook's own"]
    job.run("copy", file, f"maildir:{tmp_path}/to", "--include", "**",
            check=0)
    assert job.states() == {"moved": 1, "left-out": 2}
    assert "belongs to somebody else" in job.run("plan").out
    job.run("add", file, f"maildir:{tmp_path}/info", "--name", "info",
            "--include", info, check=0)
    job.run("run", "info", check=0)
    assert sorted(job.sql("SELECT key FROM messages WHERE mailbox='info'"
                          " AND state='moved'")) == [("to all",), ("to none",)]
    job.run("verify", check=0)
