# SPDX-License-Identifier: Apache-2.0
"""Every PST and OST of the corpora: what comes out is what pffexport and
readpst find, folder by folder and octet by octet, and each MIME is parsed
without a complaint by Python and by GMime.

Where they are wrong is told at each place.
"""
import json
import os
import pathlib
import re
import subprocess
from collections import Counter

import pytest

from harness import dump, pst_oracle, pst_read
from harness.pst_oracle import MAIL, sha

SHARED = os.environ.get("MAILHAUL_SHARED", os.path.join(
    dump.program.ROOT, os.pardir, "shared"))
ROOT = pathlib.Path(SHARED) / "corpora" / "pst"
SAMPLES = sorted(p for p in ROOT.rglob("*") if p.suffix in (".pst", ".ost"))
NAMES = [str(p.relative_to(ROOT))[-60:] for p in SAMPLES]
# What a kind of item is called.
# Logs of Outlook itself.
LEFT_OUT = {"Sync_Issues"}
# pffexport passes over posts, and over mail of unknown class.
POSTS = {"test_ansi.pst": 1, "test_unicode.pst": 2}
WORDS = {"Contact": "a contact", "Appointment": "an appointment",
         "Task": "a task", "Note": "a note", "Activity": "a journal entry",
         "DistributionList": "a distribution list"}


class Sample:
    """A file, what the program gives, what pffexport does; each once."""

    def __init__(self, path, room):
        self.path, self.room = path, room
        self.dump = pst_read.read(path, room / "mail")
        self._items = None

    @property
    def items(self):
        """Mail, but for the logs of Outlook itself."""
        return [i for i in self.everything
                if i.kind in MAIL and plainly(i.folder) not in LEFT_OUT]

    @property
    def everything(self):
        if self._items is None:
            self._items = pst_oracle.pffexport(self.path, self.room / "pff")
        return self._items


@pytest.fixture(scope="module", params=SAMPLES or [None],
                ids=NAMES or ["none"])
def sample(request, tmp_path_factory):
    if request.param is None:
        pytest.skip("no corpora here (MAILHAUL_SHARED)")
    return Sample(request.param, tmp_path_factory.mktemp("sample"))


def test_properties(sample, tmp_path):
    """Every property of every item, octet by octet."""
    tool = dump.tool().parent / "pst_props"
    done = subprocess.run([str(tool), str(sample.path)], check=True,
                          capture_output=True, timeout=pst_oracle.LIMIT)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    mine = Counter(frozenset(x["props"].items()) for x in told
                   if x["what"] in ("message", "embedded"))
    theirs = Counter(frozenset(v.items()) for v in pst_oracle.values(
        sample.path, tmp_path / "pff"))
    assert not theirs - mine
    assert sum(x["spoilt"] for x in told) == 0


def plainly(name):
    """A folder as both can be compared; the Inbox is INBOX here."""
    return re.sub(r"[^\w]+", "_", re.sub("^INBOX", "Inbox", name))


def subject(text):
    return re.sub(r"\s+", " ", text or "").strip()


def test_counts(sample):
    """Of mail in each folder, read or not, and of what is no mail."""
    d = sample.dump
    mine = Counter((plainly(m.path), subject(p.msg["subject"]),
                    "\\Seen" in m.flags) for m, p in zip(d.good, d.mail))
    theirs = Counter((plainly(i.folder), subject(i.subject), i.read)
                     for i in sample.items)
    assert not theirs - mine
    assert (mine - theirs).total() == POSTS.get(sample.path.name, 0)
    told = Counter(what for _, what in d.others)
    # Items that no table of a folder tells are items, too.
    assert not Counter(WORDS[i.kind] for i in sample.everything
                       if i.kind in WORDS) - told


def test_properties(sample, tmp_path):
    """Every property of every item, octet by octet."""
    tool = dump.tool().parent / "pst_props"
    done = subprocess.run([str(tool), str(sample.path)], check=True,
                          capture_output=True, timeout=pst_oracle.LIMIT)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    mine = Counter(frozenset(x["props"].items()) for x in told
                   if x["what"] in ("message", "embedded"))
    theirs = Counter(frozenset(v.items()) for v in pst_oracle.values(
        sample.path, tmp_path / "pff"))
    assert not theirs - mine
    assert sum(x["spoilt"] for x in told) == 0


def plainly(name):
    """A folder as both can be compared; the Inbox is INBOX here."""
    return re.sub(r"[^\w]+", "_", re.sub("^INBOX", "Inbox", name))


def subject(text):
    return re.sub(r"\s+", " ", text or "").strip()


def all_files(msg):
    """Octets of every file, also of messages in it."""
    out = []
    for name, kind, octets in pst_read.files(msg):
        if kind == "message/rfc822":
            out += all_files(octets)
        else:
            out.append((name, octets))
    return out


def test_attachments(sample):
    """The octets of each, folder by folder. (pffexport leaves OLE objects
    out.)"""
    theirs, mine = Counter(), Counter()
    for item in sample.items:
        theirs.update((plainly(item.folder), f) for f in item.files)
    for m in sample.dump.mail:
        mine.update((plainly(m.found.path), sha(octets))
                    for _, octets in all_files(m.msg))
    assert not theirs - mine


def test_attachments_of_readpst(sample, tmp_path):
    """The same by the other one, which writes RTF bodies as files."""
    mine = {sha(octets) for m in sample.dump.mail
            for _, octets in all_files(m.msg)}
    for msg in pst_oracle.readpst(sample.path, tmp_path / "eml"):
        for name, octets in all_files(msg):
            if octets and name not in (None, "rtf-body.rtf"):
                assert sha(octets) in mine, (msg["subject"], name)


def words(text):
    return Counter(re.findall(r"\w+", text))


def by_subject(sample, what):
    """{(folder, subject): [what(message)]}"""
    out = {}
    for m in sample.dump.mail:
        key = plainly(m.found.path), subject(m.msg["subject"])
        out.setdefault(key, []).append(what(m.msg))
    return lambda item: out[plainly(item.folder), subject(item.subject)]


def test_texts(sample):
    """Each word of a plain text stands in what was made of it; of HTML
    those that every charset has."""
    mine = by_subject(sample, lambda msg: words(
        " ".join(pst_read.bodies(msg).values())))
    for item in sample.items:
        for suffix in (".txt", ".html"):
            # What ISO-2022-JP has between its escapes looks like words.
            octets = re.sub(rb"\x1b\$.*?\x1b\(.", b"",
                            item.texts.get(suffix, b""), flags=re.S)
            want = words(octets.decode("utf-8", "replace"))
            if suffix == ".html":
                want = Counter({w: n for w, n in want.items()
                                if w.isascii()})
            assert any(not want - have for have in mine(item)), (
                item.subject, suffix)


def test_recipients(sample):
    """Of mail without transport headers: each address that is one."""
    mine = by_subject(sample, lambda msg: " ".join(
        str(msg[h] or "") for h in ("to", "cc", "bcc")).lower())
    for item in sample.items:
        for who in [] if item.head else item.people:
            address = who.get("Email address", "").lower()
            if who.get("Address type") == "SMTP" and "@" in address:
                assert any(address in f for f in mine(item)), item


def test_mime_in_python(sample):
    """Header fields as they came may be anything; what holds the parts
    together may not."""
    wrong = {m.msg["subject"]: pst_read.complaints(m.octets, headers=False)
             for m in sample.dump.mail}
    assert not [w for w in wrong.items() if w[1]]


def test_mime_in_gmime(sample, tmp_path):
    """Its parser warns of nothing but addresses that came so."""
    tool = dump.tool().parent / "gmime_check"
    if not os.access(tool, os.X_OK):
        pytest.skip(f"no {tool}: build with -Dtests=true")
    for i, m in enumerate(sample.dump.mail):
        (tmp_path / f"{i}.eml").write_bytes(m.octets)
    names = sorted(str(p) for p in tmp_path.glob("*.eml"))
    done = subprocess.run([str(tool), *names], capture_output=True,
                          timeout=pst_oracle.LIMIT, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    wrong = [line for line in done.stdout.splitlines()
             if line and "invalid address list" not in line]
    assert not wrong


def test_again(sample, tmp_path):
    """A second reading gives the same octets."""
    d = pst_read.read(sample.path, tmp_path / "again")
    assert d.sums == sample.dump.sums


# --- Files with known content ----------------------------------------------


@pytest.mark.parametrize("options", [
    [], ["--embed"], ["--embed", "--collide"], ["--folders", "7"]])
def test_generated(options, shared, tmp_path):
    """Each subject, sender, recipient, Message-ID and attachment."""
    path, truth = pst_oracle.generated(
        shared, tmp_path, "--msgs", "500", "--avg-att", "8000", *options)
    d = pst_read.read(path, tmp_path / "mail")
    assert len(d.mail) == len(truth) == 500 and not d.holes
    by_id = {m.msg["message-id"]: m for m in d.mail}
    for t in truth:
        m = by_id[t["mid"]].msg
        assert subject(m["subject"]) == t["subject"]
        assert m["from"].addresses[0].addr_spec == t["frm"]
        to = [a.addr_spec for h in ("to", "cc") for a in
              (m[h].addresses if m[h] else ())]
        assert sorted(to) == sorted(t["to"])
        own = [octets for _, kind, octets in pst_read.files(m)
               if kind != "message/rfc822"]
        assert sorted(map(len, own)) == sorted(n for n, _ in t["att"])
        shown = pst_read.bodies(m)
        assert len(shown["text/plain"].rstrip("\n")) == t["body"]
        assert ("text/html" in shown) == t["html"]
    inner = [octets["subject"] for m in d.mail
             for _, kind, octets in pst_read.files(m.msg)
             if kind == "message/rfc822"]
    assert len(inner) == (50 if "--embed" in options else 0)
    assert all(re.search(r"#1000\d{4}$", s) for s in inner)
