# SPDX-License-Identifier: Apache-2.0
"""The writer over Microsoft Graph, against the practice tenant: nothing
lost, nothing twice, no draft that was none, nothing half-made; dates, read
state, flags and labels right.

A copy is known by its SourceId, which holds the SHA-256 of the source's
octets; those that came as MIME by their own octets.
"""
import base64
import calendar
import email.utils
import hashlib
import os
import random
import re
import time
from collections import Counter

import pytest

from harness import corpus, program
from harness.archive import write_maildir
from harness.corpus import Msg
from harness.practice import Practice

STOPPED = 86
SOURCE_ID = re.compile(r"mh2\.([0-9a-f]{64})(?:\.[0-9a-f]+){7}\.([wh]d?)\Z")


@pytest.fixture
def practice():
    """practice(**switches) starts a tenant; all are stopped at the end."""
    started = []

    def start(**switches):
        p = Practice(**switches).start()
        started.append(p)
        return p

    yield start
    for p in started:
        p.stop()


class Ends:
    """A Maildir as source, mailboxes of a practice tenant as target."""

    def __init__(self, tenant, path):
        self.tenant, self.path = tenant, path
        self.count = 0

    def source(self, folders, name="from"):
        return f"maildir:{write_maildir(self.path / name, folders)}"

    def job(self, name="job", **env):
        return program.Job(self.path / name, None, None, **{
            **self.tenant.env, "MAILHAUL_TEST_SEARCH_MS": "20",
            "MAILHAUL_TEST_GOV_SCALE": "50", **env})

    def copy(self, job, source, who, *more, **kw):
        return job.run("copy", source, f"m365+graph:{who}", "--ca-file",
                       self.tenant.ca_file, *more, **kw)

    def new_user(self):
        self.count += 1
        who = f"user{self.count}@contoso.com"
        self.tenant.control("/user", upn=who)
        self.tenant.control("/mailbox", address=who)
        return who


@pytest.fixture
def ends(practice, tmp_path):
    return lambda **switches: Ends(practice(**switches), tmp_path)


# --- What there is against what there should be ------------------------------

def source_id(m):
    """(SHA-256 of the source's octets, state) or None."""
    for name, value in m.props.items():
        if name.lower().endswith("name sourceid"):
            found = SOURCE_ID.match(value)
            assert found, value
            return found.groups()
    return None


def sha(octets):
    return hashlib.sha256(octets).hexdigest()


def path_of(folder):
    return "Inbox" if folder == "INBOX" else "Sent Items" \
        if folder == "Sent" else folder


def wanted(folders):
    """(folder, octets' hash, read, flagged, draft, date) -> how many."""
    return Counter(
        (path_of(folder), sha(corpus.wire(m.octets)), "\\Seen" in m.flags,
         "\\Flagged" in m.flags, "\\Draft" in m.flags, m.date)
        for folder, messages in folders.items() for m in messages)


def seconds(iso):
    return calendar.timegm(time.strptime(iso[:19], "%Y-%m-%dT%H:%M:%S"))


def found(box):
    out = Counter()
    for m in box.messages:
        known = source_id(m)
        assert known or m.from_mime, f"whose is {m!r}?"
        if known:
            assert known[1][0] == "w", f"half-made: {m!r}"
        out[(m.path, known[0] if known else sha(m.octets), m.is_read,
             m.flag_status == "flagged", m.is_draft,
             seconds(m.received))] += 1
    return out


def same(folders, box):
    want, have = wanted(folders), found(box)
    assert want, "there is nothing to compare"
    assert not want - have, f"missing: {want - have}; there: {have - want}"
    assert not have - want, f"too much: {have - want}"


def files(m):
    return Counter((a["name"], a["sha256"]) for a in m.attachments)


def verb(m):
    """PidTagLastVerbExecuted."""
    return {k.lower(): v for k, v in m.props.items()}.get("integer 0x1081")


# --- A copy ------------------------------------------------------------------

def test_everything_arrives(ends):
    e = ends()
    folders = corpus.mailbox(26)
    source = e.source(folders)
    job = e.job()
    e.copy(job, source, "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    same(folders, box)
    assert set(job.states()) == {"moved"}
    assert not e.tenant.breaches()
    # Again: nothing happens.
    before = len(e.tenant.log())
    job.run("run", check=0)
    same(folders, e.tenant.mailbox("ann@contoso.com"))
    assert not [m for m in e.tenant.log()[before:]
                if m.get("method") == "POST" and "messages" in
                m.get("path", "") and "batch" not in m.get("path", "")]
    job.run("verify", check=0)


def test_four_at_once_and_no_more(ends):
    e = ends(latency_ms=60)
    folders = {"INBOX": corpus.plain(40, 300)}
    e.copy(e.job(), e.source(folders), "ann@contoso.com", check=0)
    same(folders, e.tenant.mailbox("ann@contoso.com"))
    assert not e.tenant.breaches("concurrent")


def test_folders_in_another_language(ends):
    e = ends(language="de-DE")
    folders = {"INBOX": corpus.plain(2, seed=2), "Sent": corpus.plain(
        2, seed=3), "Drafts": corpus.plain(1, seed=4), "Projekte/2024":
        corpus.plain(1, seed=5), "INBOX/Kunden": corpus.plain(1, seed=6)}
    e.copy(e.job(), e.source(folders), "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    assert len(box.folder("inbox")) == 2
    assert len(box.folder("sentitems")) == 2
    assert len(box.folder("drafts")) == 1
    assert len([m for m in box.messages if m.path.endswith("/Kunden")]) == 1
    assert len(box.folder("Projekte/2024")) == 1
    assert len(box.messages) == 7


@pytest.mark.parametrize("status", [400, 409])
def test_folders_that_are_there_are_used(ends, status):
    e = ends(folder_exists=status)
    token = e.tenant.token()
    for body in ({"displayName": "WORK"},
                 {"displayName": "Hidden", "isHidden": True}):
        answer = e.tenant.http(
            "POST", "/v1.0/users/ann@contoso.com/mailFolders", body,
            token=token)
        assert answer[0] == 201, answer
    folders = {"work": corpus.plain(2, seed=2), "hidden": corpus.plain(
        1, seed=3), "Files": corpus.plain(1, seed=4)}
    e.copy(e.job(), e.source(folders), "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    assert len(box.folder("WORK")) == 2
    assert len(box.folder("Hidden")) == 1
    assert len(box.folder("Files (mail)")) == 1


# --- Attachments -------------------------------------------------------------

def with_files(i, *sizes):
    """A message with attachments of so many octets."""
    rng = random.Random(i)
    parts = []
    for n, size in enumerate(sizes):
        text = base64.encodebytes(rng.randbytes(size)).replace(
            b"\n", b"\r\n")
        parts.append(
            b"--b\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Disposition: attachment; filename=\"f%d.bin\"\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" % n + text)
    return Msg(
        b"From: a@example.com\r\nTo: b@contoso.com\r\n"
        b"Date: Mon, 5 Feb 2018 10:00:00 +0100\r\n"
        b"Message-ID: <files%d@example.com>\r\nSubject: files %d\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nSee the files.\r\n" % (i, i)
        + b"".join(parts) + b"--b--\r\n", ("\\Seen",), corpus.START + i)


def hashes(i, *sizes):
    rng = random.Random(i)
    return Counter((f"f{n}.bin", sha(rng.randbytes(size)))
                   for n, size in enumerate(sizes))


FILES = (10_000, 2_500_000, 7_000_000, 2_800_000)


def test_large_attachments(ends):
    e = ends()
    folders = {"INBOX": [with_files(1, *FILES), with_files(2, 100)]}
    job = e.job()
    e.copy(job, e.source(folders), "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    same(folders, box)
    have = {m.subject: files(m) for m in box.messages}
    assert have == {"files 1": hashes(1, *FILES), "files 2": hashes(2, 100)}
    job.run("verify", check=0)


@pytest.mark.parametrize("fault", [
    {"match": "POST .*createUploadSession", "what": "504-after"},
    {"match": "POST .*/attachments$", "what": "504-after"},
    {"match": "POST .*/attachments$", "what": "504-before"},
    {"match": "PUT ", "what": "503", "after": 1},
    {"match": "PUT ", "what": "504-after"},
    {"match": "PUT ", "what": "drop-after", "after": 1},
    {"match": "PUT ", "what": "drop-before", "after": 1},
    {"match": "PATCH ", "what": "drop-after"},
    {"match": "PATCH ", "what": "504-before"},
])
def test_attachments_survive_faults(ends, fault):
    e = ends()
    sizes = (2_800_000, 2_800_000, 5_000_000)
    folders = {"INBOX": [with_files(1, *sizes)]}
    e.tenant.fault(where="graph", **fault)
    e.copy(e.job(), e.source(folders), "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    same(folders, box)
    assert files(box.messages[0]) == hashes(1, *sizes)
    assert e.tenant.log("fault")


def test_an_attachment_that_is_refused_leaves_nothing(ends):
    e = ends(no_imap=True)
    folders = {"INBOX": [with_files(1, 7_000_000), *corpus.plain(3)]}
    e.tenant.fault(where="graph", match="POST .*createUploadSession",
                   what="400", times=0)
    job = e.job()
    e.copy(job, e.source(folders), "ann@contoso.com", check=1)
    same({"INBOX": folders["INBOX"][1:]},
         e.tenant.mailbox("ann@contoso.com"))
    assert job.states() == {"moved": 3, "problem": 1}


def test_what_graph_cannot_take_goes_by_imap(ends):
    e = ends()
    big = corpus.sized(5_000_000)._replace(flags=("\\Flagged", "\\Seen"))
    folders = {"INBOX": [big, *corpus.plain(3)], "Sub": [
        corpus.sized(5_000_000, seed=8)]}
    job = e.job()
    e.copy(job, e.source(folders), "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    same(folders, box)
    assert len([m for m in box.messages if m.from_mime]) == 2
    job.run("verify", check=0)


def test_large_attachments_that_only_drafts_may_have(ends):
    """Nothing half-made stays of what is begun by Graph."""
    e = ends()
    e.tenant.control("/config", large_attachments_drafts_only=True)
    folders = {"INBOX": [with_files(1, 7_000_000), with_files(2, 500)]}
    job = e.job()
    e.copy(job, e.source(folders), "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    same(folders, box)
    assert [m.subject for m in box.messages if m.from_mime] == ["files 1"]
    job.run("verify", check=0)


def test_what_nobody_can_take_is_told(ends):
    e = ends(no_imap=True)
    folders = {"INBOX": [corpus.sized(5_000_000), *corpus.plain(3)]}
    job = e.job()
    e.copy(job, e.source(folders), "ann@contoso.com", check=1)
    same({"INBOX": folders["INBOX"][1:]},
         e.tenant.mailbox("ann@contoso.com"))
    assert "imap" in job.words("problems")


# --- Lost answers and kills --------------------------------------------------

@pytest.mark.parametrize("what", ["504-after", "504-before", "drop-after",
                                  "drop-before", "half", "503", "500-after"])
def test_lost_answers(ends, what):
    e = ends()
    folders = corpus.small()
    e.tenant.fault(where="graph", match="POST .*mailFolders/.*/messages",
                   what=what, times=2, after=1)
    e.copy(e.job(), e.source(folders), "ann@contoso.com", check=0)
    same(folders, e.tenant.mailbox("ann@contoso.com"))
    assert len(e.tenant.log("fault")) == 2


def test_an_answer_that_is_lost_and_a_late_commit(ends):
    e = ends()
    folders = corpus.small()
    e.tenant.fault(where="graph", match="POST .*mailFolders/.*/messages",
                   what="late", delay=0.4, after=2)
    job = e.job(MAILHAUL_TEST_LATE_MS="2000")
    e.copy(job, e.source(folders), "ann@contoso.com", check=0)
    same(folders, e.tenant.mailbox("ann@contoso.com"))


def test_throttling_is_waited_for(ends):
    e = ends()
    folders = corpus.small()
    # Longer than the grace for what was under way.
    e.tenant.fault(where="graph", match="POST .*messages", what="429",
                   retry_after=4, times=2, after=1)
    e.copy(e.job(), e.source(folders), "ann@contoso.com", check=0)
    same(folders, e.tenant.mailbox("ann@contoso.com"))
    assert len(e.tenant.log("fault")) == 2
    assert not e.tenant.breaches("early")


def test_a_refused_property_is_left_out(ends):
    """400 once: again without sender, Message-ID and header block."""
    e = ends()
    folders = {"INBOX": corpus.plain(3)}
    e.tenant.fault(where="graph", match="POST .*mailFolders/.*/messages",
                   what="400", times=1)
    e.copy(e.job(), e.source(folders), "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    same(folders, box)
    bare = [m for m in box.messages
            if not any(k.lower() == "string 0x007d" for k in m.props)]
    assert len(bare) == 1


def every_step(e, folders, full, options=(), more=()):
    source = e.source(folders)
    n = 0
    while True:
        n += 1 if full or n < 45 else 4
        assert n < 1000, "a run that never ends"
        who, job = e.new_user(), e.job(f"job{n}")
        done = e.copy(job, source, who, *more,
                      env={"MAILHAUL_TEST_STOP": str(n)})
        if done.code == 0:
            return n - 1
        assert done.code == STOPPED, done
        again = e.copy(job, source, who, *more)
        assert again.code == 0, f"after step {n}: {again!r}"
        try:
            same(folders, e.tenant.mailbox(who))
        except AssertionError as why:
            raise AssertionError(f"stopped after step {n}: {why}")
        left = set(job.states()) - {"moved", "already-there"}
        assert not left, f"after step {n} rows are {job.states()}"


def test_every_step(ends, full):
    assert every_step(ends(), corpus.small(), full) >= 14


def test_every_step_of_a_large_attachment(ends, full):
    folders = {"INBOX": [with_files(1, 2_800_000, 2_800_000, 4_000_000)]}
    assert every_step(ends(), folders, full) >= 7


def test_every_step_of_importmime(ends, full):
    e = ends(importmime=True)
    e.tenant.control("/config", importmime_date="received")
    assert every_step(e, stamped(corpus.small()), full) >= 14


def test_the_store_is_lost(ends):
    e = ends()
    folders = {**corpus.small(), "Large": [with_files(1, 4_000_000)]}
    source = e.source(folders)
    begun = 0
    for n in range(2, 48, 2):
        who, job = e.new_user(), e.job(f"job{n}")
        e.copy(job, source, who, env={"MAILHAUL_TEST_STOP": str(n)})
        stopped_half = any(source_id(m)[1][0] == "h"
                           for m in e.tenant.mailbox(who).messages)
        job.forget()
        e.copy(job, source, who, check=0)
        box = e.tenant.mailbox(who)
        whole = [m for m in box.messages if source_id(m)[1][0] == "w"]
        have = Counter((m.path, source_id(m)[0]) for m in whole)
        want = Counter(k[:2] for k in wanted(folders).elements())
        assert have == want, n
        # What was begun told of itself which message it was to become.
        assert len(box.messages) == len(whole), n
        begun += stopped_half
    assert begun, "no stop left anything half-made"


# --- Flags -------------------------------------------------------------------

def test_flags_of_a_later_pass(ends):
    e = ends()
    first = corpus.plain(6, seed=9)
    folders = {"INBOX": [m._replace(flags=()) for m in first]}
    source = e.source(folders)
    job = e.job()
    e.copy(job, source, "ann@contoso.com", check=0)
    token = e.tenant.token()
    box = e.tenant.mailbox("ann@contoso.com")
    touched, deleted = box.messages[0], box.messages[1]
    user = "/v1.0/users/ann@contoso.com/messages/"
    prefer = {"Prefer": 'IdType="ImmutableId"'}
    assert e.tenant.http("PATCH", user + touched.id, {
        "categories": ["Red category"]}, prefer, token)[0] == 200
    assert e.tenant.http("DELETE", user + deleted.id, None, prefer,
                         token)[0] == 204
    # Everything is read now at the source.
    cur = e.path / "from" / "cur"
    new = e.path / "from" / "new"
    for name in os.listdir(new):
        os.rename(new / name, cur / (name + ":2,FRS"))
    job.run("run", check=0)
    now = e.tenant.mailbox("ann@contoso.com").folder("inbox")
    assert len(now) == 5
    for m in now:
        if m.id == touched.id:
            assert not m.is_read and m.categories == ["Red category"]
        else:
            assert m.is_read and m.flag_status == "flagged"
            assert verb(m) == "102"
    assert job.states() == {"moved": 5, "gone-at-destination": 1}


def test_drafts_are_drafts_and_nothing_else_is(ends):
    e = ends()
    folders = {"Drafts": [corpus.plain(1, seed=3)[0]._replace(
        flags=("\\Draft", "\\Seen"))], "INBOX": corpus.plain(4, seed=4)}
    e.copy(e.job(), e.source(folders), "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    assert [m.path for m in box.drafts()] == ["Drafts"] or \
        len(box.drafts()) == 1 + sum(
            "\\Draft" in m.flags for m in folders["INBOX"])
    same(folders, box)


# --- importMime --------------------------------------------------------------

def stamped(folders):
    """With the Received: field of a server that got it at that time."""
    def stamp(m):
        when = email.utils.formatdate(m.date)
        return m._replace(octets=(
            "Received: from a.example by b.example with ESMTP id 1;\r\n"
            f"\t{when}\r\n").encode() + corpus.wire(m.octets))
    return {folder: [stamp(m) for m in messages]
            for folder, messages in folders.items()}


def by_mime(box):
    return [m for m in box.messages if m.from_mime]


KINDS = tuple(k for k in corpus.KINDS if k.__name__ in (
    "_plain", "_eight_bit", "_multipart", "_no_id", "_empty_body"))


def test_importmime_is_used_when_the_canary_is_right(ends):
    e = ends(importmime=True)
    e.tenant.control("/config", importmime_date="received")
    folders = stamped({"INBOX": corpus.varied(16, kinds=KINDS),
                       "Work": corpus.plain(8)})
    job = e.job()
    e.copy(job, e.source(folders), "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    same(folders, box)
    assert len(by_mime(box)) == 24 - len(box.drafts())
    assert all(source_id(m) for m in box.messages)
    job.run("verify", check=0)


def test_importmime_with_a_wrong_date_is_taken_back(ends):
    e = ends(importmime=True)
    folders = stamped(corpus.small())
    done = e.copy(e.job(), e.source(folders), "ann@contoso.com",
                  "--verbose", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    same(folders, box)
    assert not by_mime(box)
    assert "wrong date" in done.said


def test_importmime_of_a_message_whose_date_is_lost(ends):
    """The canary was right; a message without Received: comes out wrong."""
    e = ends(importmime=True)
    e.tenant.control("/config", importmime_date="received")
    folders = stamped({"INBOX": corpus.plain(8, seed=5)})
    folders["Later"] = corpus.plain(2, seed=6)
    job = e.job()
    e.copy(job, e.source(folders), "ann@contoso.com", check=0)
    box = e.tenant.mailbox("ann@contoso.com")
    same(folders, box)
    assert by_mime(box)
    assert not [m for m in by_mime(box) if m.path == "Later"]


@pytest.mark.parametrize("fault", [
    {"what": "drop-after"}, {"what": "504-after"}, {"what": "drop-before"},
    {"what": "503"}, {"what": "400"}])
def test_importmime_with_faults(ends, fault):
    e = ends(importmime=True)
    e.tenant.control("/config", importmime_date="received")
    folders = stamped({"INBOX": corpus.plain(30, 200)})
    e.tenant.fault(where="graph", match="POST .*importMime", times=1,
                   after=2, **fault)
    e.copy(e.job(), e.source(folders), "ann@contoso.com", check=0)
    same(folders, e.tenant.mailbox("ann@contoso.com"))
    assert e.tenant.log("fault")
