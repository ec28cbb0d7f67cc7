# SPDX-License-Identifier: Apache-2.0
"""What became of everything in a source: in status, report and verify the
same sum, and it adds up."""
import csv
import gzip
import io
import json
import os
import signal
import sqlite3
import time

import pytest

from harness import corpus
from harness.archive import write_maildir, write_mbox
from harness.mailbox import Msg
from harness.program import until

BAD = Msg(b"Subject: the bad one\r\nX-Poison: yes\r\n\r\nbody\r\n")
REFUSE = [(b"X-Poison", "NO [CANNOT] Message contains a virus")]
TERMS = ("moved", "already_there", "left_out", "problems", "gone", "waiting")


def adds_up(box):
    assert box["items"] == sum(box[k] for k in TERMS), box
    assert box["adds_up"] is True
    return {k: box[k] for k in TERMS if box[k]}


def status(job):
    box, = job.run("status", "--json", check=0).json[0]["mailboxes"]
    return box


def report(job, *names):
    return json.loads(job.run("report", "--json", "-", *names, check=0).out)


@pytest.fixture(params=["mbox", "maildir"])
def source(request, tmp_path):
    """Ten small messages, a large one and one that is refused."""
    messages = corpus.plain(10) + [corpus.sized(60_000), BAD]
    if request.param == "mbox":
        return "mbox:%s" % write_mbox(tmp_path / "ann.mbox", messages)
    return "maildir:%s" % write_maildir(
        tmp_path / "ann", {"INBOX": messages[:6], "Work": messages[6:]})


def test_every_message_has_its_term(job, fake, source):
    target = fake(refuse=REFUSE)
    job.run("copy", source, target.locator(), "--name", "ann",
            "--max-size", "20K", check=1)
    wanted = {"moved": 10, "left_out": 1, "problems": 1}
    box = status(job)
    assert adds_up(box) == wanted and box["items"] == 12 and box["complete"]
    words = "12 messages in the source: 10 moved + 1 left out by your " \
        "choice + 1 problem = 12."
    assert words in job.run("status", check=0).out
    done = job.run("verify", check=1)
    assert words in done.out
    verified, = job.run("verify", "--json", check=1).json[0]["mailboxes"]
    assert adds_up(verified["sums"]) == wanted
    assert verified["counts"]["unaccounted"] == 0
    job.run("problems", "--ignore", check=0)
    assert adds_up(status(job)) == wanted
    assert status(job)["ignored"] == 1
    assert "1 ignored by your choice" in job.run("verify", check=0).out


def test_recognised_and_deleted(job, dovecot, source):
    target = dovecot()
    job.run("copy", source, target.locator("bob"), check=0)
    job.forget()
    job.run("copy", source, target.locator("bob"), check=0)
    assert adds_up(status(job)) == {"already_there": 12}
    job.forget()
    target.mailbox("carol")
    job.run("copy", source, target.locator("carol"), check=0)
    carol = target.mailbox("carol")
    carol.delete(next(f for f in carol.folders()
                      if carol.status(f)["MESSAGES"]), "1")
    job.run("run", check=0)
    assert adds_up(status(job)) == {"moved": 11, "gone": 1}
    assert adds_up(report(job)["sums"]) == {"moved": 11, "gone": 1}


def test_as_json(job, fake, source):
    target = fake(refuse=REFUSE)
    job.run("copy", source, target.locator(), "--name", "ann",
            "--max-size", "20K", check=1)
    whole = report(job)
    assert whole["v"] == 1 and whole["command"] == "report"
    box, = whole["mailboxes"]
    assert box["mailbox"] == "ann" and box["state"] == "problems"
    wanted = {"moved": 10, "left_out": 1, "problems": 1}
    assert adds_up(box) == wanted and adds_up(whole["sums"]) == wanted
    for folder in box["folders"]:
        adds_up(folder)
    for term in ("items", "bytes") + TERMS:
        assert box[term] == sum(f[term] for f in box["folders"])
    problem, = box["not_arrived"]
    assert problem["state"] == "problem"
    assert problem["error"]["code"] == "server-refused"
    assert "virus" in problem["error"]["detail"]


def test_as_table(job, fake, source):
    target = fake(refuse=REFUSE)
    job.run("copy", source, target.locator(), "--name", "ann",
            "--max-size", "20K", check=1)
    out = job.run("report", check=0).out
    assert "12 messages in the source: 10 moved + " in out
    assert "server-refused" in out
    assert "ALREADY" not in out and "LEFT OUT" in out


def test_as_csv(job, dovecot, tmp_path):
    """Names that a spreadsheet would run are only names."""
    target = dovecot()
    path = write_maildir(tmp_path / "m", {
        "INBOX": corpus.plain(2), "=1+1": corpus.plain(1, seed=8),
        'He said "no", twice': corpus.plain(1, seed=9)})
    job.run("copy", f"maildir:{path}", target.locator("bob"),
            "--name", "-ann", "--exclude", "He*", check=0)
    out = job.run("report", "--csv", "-", check=0).out
    head, *rows = csv.reader(io.StringIO(out, newline=""))
    assert all(len(row) == len(head) for row in rows), out
    rows = [dict(zip(head, row)) for row in rows]
    assert rows[0]["row"] == "mailbox" and rows[0]["mailbox"] == "'-ann"
    assert rows[0]["items"] == "4" and rows[0]["moved"] == "3"
    assert rows[0]["left_out"] == "1"
    folders = {r["from"]: r for r in rows if r["row"] == "folder"}
    assert set(folders) == {"INBOX", "'=1+1", 'He said "no", twice'}
    assert folders["'=1+1"]["moved"] == "1"
    assert folders['He said "no", twice']["state"] == "left-out"
    assert folders['He said "no", twice']["text"]


def test_csv_of_problems(job, fake, source):
    target = fake(refuse=REFUSE)
    job.run("copy", source, target.locator(), check=1)
    out = job.run("report", "--csv", "-", check=0).out
    row, = [r for r in csv.DictReader(io.StringIO(out, newline=""))
            if r["row"] == "message"]
    assert row["state"] == "problem" and row["code"] == "server-refused"
    assert len(row["text"]) > 20 and int(row["bytes"]) > 20


def test_files(job, dovecot, source):
    target = dovecot()
    job.run("copy", source, target.locator("bob"), check=0)
    path = job.path / "r.json"
    path.write_text("an old one")
    link = job.path / "link.csv"
    link.symlink_to("real.csv")
    (job.path / "real.csv").write_text("old")
    done = job.run("report", "--json", "r.json", "--csv", "link.csv",
                   "--quiet", check=0)
    assert done.said == ""
    assert json.loads(path.read_text())["sums"]["items"] == 12
    assert link.is_symlink()
    assert (job.path / "real.csv").read_text().startswith("row,mailbox,")
    left = {p.name for p in job.path.iterdir()
            if not p.name.startswith("mailhaul.db")}
    assert left == {"r.json", "link.csv", "real.csv"}
    assert "full" in job.words("report", "--csv", "/dev/full", check=73)
    assert os.path.exists("/dev/full")
    assert "nowhere" in job.words("report", "--csv", "nowhere/r.csv",
                                  check=65)


def test_wrong_usage(job, dovecot, source):
    target = dovecot()
    job.run("report", check=73)
    job.run("add", source, target.locator("bob"), "--name", "ann", check=0)
    assert "later version" in job.words("report", "--html", "x.html",
                                        check=64)
    job.run("report", "--json", "-", "--csv", "-", check=64)
    job.run("report", "nobody", check=65)
    assert "ann" in job.run("report", check=0).out
    box, = report(job, "a*")["mailboxes"]
    assert box["state"] == "new" and box["items"] == 0
    assert not box["complete"]


def test_beside_a_run(job, dovecot, tmp_path):
    """Whenever it is asked, the sum adds up."""
    target = dovecot()
    path = write_mbox(tmp_path / "ann.mbox", corpus.plain(40, 10_000))
    job.run("add", f"mbox:{path}", target.locator("bob"),
            "--rate", "20K", check=0)
    run = job.start("run")
    seen = []
    try:
        while run.poll() is None and len(seen) < 12:
            seen.append(status(job))
            adds_up(seen[-1])
            adds_up(report(job)["mailboxes"][0])
            time.sleep(0.2)
        until(lambda: status(job)["moved"], run)
    finally:
        run.send_signal(signal.SIGINT)
        assert run.wait(60) in (0, 2)
    assert any(not box["complete"] for box in seen)
    job.run("run", "--rate", "100M", check=0)
    assert adds_up(status(job)) == {"moved": 40}


def test_a_wrong_sum_is_a_difference(job, dovecot, source, tmp_path):
    """The file is gone by now, and a row that was in the store, too."""
    target = dovecot()
    job.run("copy", source, target.locator("bob"), check=0)
    os.rename(source.partition(":")[2], tmp_path / "elsewhere")
    done = job.run("verify", check=0)
    assert "12 messages in the source: 12 moved." in done.out
    with sqlite3.connect(job.store) as db:
        db.execute("DELETE FROM message WHERE id=(SELECT max(id) FROM "
                   "message)")
    db.close()
    assert status(job)["adds_up"] is False
    assert "does not add up" in job.run("status", check=0).out
    done = job.run("verify", check=1)
    assert "not accounted for" in done.out and "12" in done.out
    box, = job.run("verify", "--json", check=1).json[0]["mailboxes"]
    assert box["counts"]["unaccounted"] == 1 and not box["proven"]


def test_a_message_less_in_the_file(job, dovecot, tmp_path):
    """It was moved before: it counts as that, not as a difference."""
    target = dovecot()
    messages = corpus.plain(5)
    path = write_mbox(tmp_path / "ann.mbox", messages)
    job.run("copy", f"mbox:{path}", target.locator("bob"), check=0)
    write_mbox(path, messages[:4])
    job.run("run", check=0)
    box = status(job)
    assert adds_up(box) == {"moved": 4} and box["not_in_source"] == 1
    assert "no longer in the source" in job.run("verify", check=0).out


def test_second_source(job, dovecot, tmp_path):
    """It is told that it joins, and what is new; the sums tell it, too."""
    messages = corpus.plain(9)
    target = dovecot()
    one = write_mbox(tmp_path / "one.mbox", messages[:6])
    two = write_mbox(tmp_path / "Inbox.mbox", messages[2:])
    job.run("copy", tmp_path / "nothing.mbox", target.locator("bob"),
            check=65)
    first = job.run("copy", one, target.locator("bob"), "--name", "one",
                    check=0)
    assert "joins" not in first.said
    added = job.run("add", "--json", two, target.locator("bob"), "--name",
                    "two", check=0).json[0]
    assert added["added"] == ["two"] and added["joins"] == ["one"]
    again = job.run("add", two, target.locator("bob"), check=0).out
    assert "'two' joins 'one'" in again and "mailhaul plan two" in again
    box, = job.run("plan", "--json", "two", check=0).json[0]["mailboxes"]
    assert (box["already"], box["new"], box["unsure"]) == (4, 3, 0)
    folder, = box["folders"]
    assert folder["compared"] and folder["already"] == 4
    out = job.run("plan", "two", check=0)
    assert "THERE" in out.out and "4 already there" in out.out
    assert "Nothing was changed" in out.err
    job.run("run", "two", check=0)
    whole = report(job)
    assert adds_up(whole["mailboxes"][-1]) == {"moved": 3,
                                               "already_there": 4}
    assert adds_up(whole["sums"]) == {"moved": 9, "already_there": 4}
    assert "THERE" not in job.run("plan", "two", check=0).out


def test_a_cut_archive(job, dovecot, tmp_path):
    """What can't be read is one term like every other."""
    target = dovecot()
    path = write_mbox(tmp_path / "ann.mbox", corpus.plain(40, 3000))
    with open(path, "rb") as f:
        packed = gzip.compress(f.read())
    (tmp_path / "ann.mbox.gz").write_bytes(packed[:len(packed) // 2])
    job.run("copy", tmp_path / "ann.mbox.gz", target.locator("bob"),
            "--name", "ann", check=1)
    box = status(job)
    terms = adds_up(box)
    assert set(terms) == {"moved", "problems"} and terms["moved"] > 5
    line = job.run("status", check=0).out.splitlines()[1].split()
    assert line[:2] == ["ann", "problems"]
    assert str(terms["problems"]) in line
    out = job.run("verify", check=1).out
    assert "%d moved + %d problem" % (terms["moved"],
                                      terms["problems"]) in out
    assert len(report(job)["mailboxes"][0]["not_arrived"]) == \
        terms["problems"]
