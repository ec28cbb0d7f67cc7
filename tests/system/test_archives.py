# SPDX-License-Identifier: Apache-2.0
"""Archives against the truth: every message's octets, flags, date, folder
and keywords, of real archives and of the same mail in each kind; and the
examples.
"""
import calendar
import glob
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from email.header import Header

import pytest

from harness import dump, packing, program
from harness.archive import read_maildir
from harness.corpus import plain, varied, wire
from harness.mailbox import sha

EXAMPLES = program.ROOT / "examples"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def gyb(shared, name):
    found = glob.glob(os.path.join(shared, "corpora/mbox/gyb", name))
    if not found:
        pytest.skip(f"no corpora/mbox/gyb/{name}")
    return sorted(found)


def clean(d):
    """Nothing was a hole, and nothing was left."""
    assert d.code == 0 and not d.holes and not d.error, d
    return d


def zone_date(text):
    """'Mar 19 09:13:51 +0000 2019' -> seconds since the epoch."""
    month, day, clock, zone, year = text.split()
    h, m, s = clock.split(":")
    sec = calendar.timegm((int(year), MONTHS.index(month) + 1, int(day),
                           int(h), int(m), int(s)))
    offset = int(zone[1:3]) * 3600 + int(zone[3:5]) * 60
    return sec - (offset if zone[0] == "+" else -offset)


# --- Google --------------------------------------------------------------

def split_takeout(octets):
    """[(octets in wire form, date, value of X-Gmail-Labels)], as the file
    itself says: each From line of Takeout ends in @xxx and a date."""
    marks = list(re.finditer(
        rb"(?m)^From \d+@xxx \w+ (\w+ \d+ [\d:]+ \+\d+ \d+)\r\n", octets))
    out = []
    for mark, after in zip(marks, [*marks[1:], None]):
        part = octets[mark.end():after.start() if after else len(octets)]
        assert part.endswith(b"\r\n\r\n") or after is None
        if part.endswith(b"\r\n\r\n"):
            part = part[:-2]
        labels = re.search(rb"(?m)^X-Gmail-Labels: (.*\r\n(?:[ \t].*\r\n)*)",
                           part).group(1)
        out.append((re.sub(rb"(?m)^>(>*From )", rb"\1", part),
                    zone_date(mark.group(1).decode()), labels))
    return out


def test_takeout(shared):
    path, = gyb(shared, "google-takeout*.mbox")
    want = split_takeout(open(path, "rb").read())
    found = clean(dump.one(path)).messages
    assert len(want) == len(found) == 39
    for (octets, date, labels), m in zip(want, found):
        assert m.sha256 == sha(octets)
        assert m.date == date
        if labels.startswith(b"="):
            continue
        names = labels.decode().strip().split(",")
        assert m.path == ("INBOX" if "Inbox" in names else "takeout")
        assert ("\\Seen" in m.flags) == ("Unread" not in names)
        assert ("\\Flagged" in m.flags) == ("Starred" in names)
        assert ("$Important" in m.keywords) == ("Important" in names)
        assert ("takeout" in m.keywords) == (m.path != "takeout")
    paths = Counter(m.path for m in found)
    assert paths["\u262f"] == 8 and paths["1.Organiza\u010dn\u00ed"] == 2
    words = {w for m in found for w in m.keywords}
    assert any(w.endswith("'single-quote") for w in words)
    assert not any(set(w) & set(" \t") for w in words)


def test_vault(shared):
    """Google's own list of the export has a sum of each message."""
    path, = gyb(shared, "vault*.mbox")
    listed, = gyb(shared, "vault*-metadata.xml")
    sums = {name: digest for name, digest in re.findall(
        r"ExternalFile FileName='([^']*)' FileSize='\d+' Hash='([^']*)'",
        open(listed).read())}
    octets = open(path, "rb").read()
    marks = list(re.finditer(rb"(?m)^From (\S+)@xxx .*\r\n", octets))
    found = clean(dump.one(path)).messages
    assert len(marks) == len(found) == len(sums) == 53
    for mark, after, m in zip(marks, [*marks[1:], None], found):
        part = octets[mark.end():after.start() if after else len(octets)]
        part = part[:-2]
        assert hashlib.md5(part).hexdigest() == sums[
            mark.group(1).decode()]
        assert m.sha256 == sha(re.sub(rb"(?m)^>(>*From )", rb"\1", part))


LABELS = {"INBOX": "Inbox", "SENT": "Sent", "DRAFT": "Drafts",
          "TRASH": "Trash", "SPAM": "Spam", "UNREAD": "Unread",
          "STARRED": "Starred", "IMPORTANT": "Important"}


def account(shared):
    """[(octets, labels as Takeout has them)] of the account as the API
    gave it."""
    path, = gyb(shared, "*msg-db.sqlite")
    db = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    out = []
    for number, name in db.execute(
            "SELECT message_num, message_filename FROM messages"):
        file = os.path.join(os.path.dirname(path),
                            "gyb-format__" + name.replace("/", "__"))
        names = [row[0] for row in db.execute(
            "SELECT label FROM labels WHERE message_num = ?"
            " ORDER BY rowid", (number,))]
        out.append((open(file, "rb").read(), [
            LABELS.get(n) or n.replace("_", " ").capitalize()
            if n.isupper() and n.isascii() else n for n in names]))
    return out


def primary(names):
    """The rule of docs: where a message with these labels goes."""
    for label, folder in (("Trash", "Trash"), ("Spam", "Junk"),
                          ("Drafts", "Drafts"), ("Sent", "Sent"),
                          ("Inbox", "INBOX")):
        if label in names:
            return folder
    own = [n for n in names if n not in ("Unread", "Starred", "Important")
           and not n.startswith("Category ")]
    return own[0] if own else "Archive"


def encoded(names):
    value = ",".join(names)
    return value if value.isascii() else Header(
        value, "utf-8", maxlinelen=70).encode()


def test_takeout_against_the_raw_messages(shared, tmp_path):
    """The account's messages as the API gave them, in a Takeout with the
    labels it had, and in a folder."""
    mail = account(shared)
    assert len(mail) >= 10
    file = tmp_path / "t"
    file.write_bytes(packing.takeout(
        [(octets, encoded(names)) for octets, names in mail]))
    found = clean(dump.one(file)).messages
    assert len(found) == len(mail)
    for i, ((octets, names), m) in enumerate(zip(mail, found)):
        text = packing.labelled(octets, encoded(names), i)
        text += b"" if text.endswith(b"\n") else b"\n"
        assert m.sha256 == sha(wire(text)), i
        assert m.path == primary(names), names
        assert ("\\Seen" in m.flags) == ("Unread" not in names)
        assert ("\\Flagged" in m.flags) == ("Starred" in names)
        assert ("\\Draft" in m.flags) == ("Drafts" in names)
        assert m.date == packing.MADE + i
    packing.tree(tmp_path / "eml", packing.emls([o for o, _ in mail]))
    assert clean(dump.one(tmp_path / "eml")).sums == Counter(
        sha(wire(octets)) for octets, _ in mail)


# --- mbox ----------------------------------------------------------------

def truth(shared):
    where = os.path.join(shared, "corpora/mbox/dialects")
    if not os.path.isdir(where):
        pytest.skip("no corpora/mbox/dialects")
    out = []
    for line in open(os.path.join(where, "ORDER.txt")):
        octets = open(os.path.join(where, line.strip()), "rb").read()
        octets = packing.lf(octets)
        if octets.startswith(b"From "):
            octets = octets.partition(b"\n")[2]
        out.append(octets if octets.endswith(b"\n") else octets + b"\n")
    return where, out


TAKEOUT_LABELS = (b"Inbox,Unread", b"Sent", b"Archived,=?UTF-8?Q?"
                  b"Gr=C3=B6=C3=9Fe?=", b"Inbox,Important,Opened",
                  b"Starred,Work/Clients")
# folder, flags, keywords of these
TAKEOUT_PLACES = (
    ("INBOX", (), ()), ("Sent", ("\\Seen",), ()),
    ("Gr\u00f6\u00dfe", ("\\Seen",), ()),
    ("INBOX", ("\\Seen",), ("$Important",)),
    ("Work/Clients", ("\\Flagged", "\\Seen"), ()))


def in_dialect(octets, dialect, i):
    """What can be had back of a message of that dialect."""
    head, cut, body = octets.partition(b"\n\n")
    if dialect == "mboxo":
        # What the message quoted itself can't be told from what the file
        # quotes; it is read as mboxrd.
        body = re.sub(rb"(?m)^>(>*From )", rb"\1", body)
    elif dialect == "mboxcl2":
        head = re.sub(rb"(?im)^(content-length|lines):.*\n?", b"",
                      head).rstrip(b"\n")
        head += b"\nContent-Length: %d" % len(body)
    elif dialect == "takeout":
        head = b"X-GM-THRID: %d\nX-Gmail-Labels: %s\n" % (
            (1 << 60) | i, TAKEOUT_LABELS[i % 5]) + head
    return wire(head + cut + body)


@pytest.mark.parametrize("dialect", ("mboxrd", "mboxo", "mboxcl2",
                                     "takeout"))
def test_dialects(shared, dialect):
    where, mail = truth(shared)
    d = clean(dump.one(f"{where}/{dialect}.mbox"))
    assert len(d.messages) == len(mail) == 362
    for i, (octets, m) in enumerate(zip(mail, d.messages)):
        assert m.sha256 == sha(in_dialect(octets, dialect, i)), i
        assert m.date == 1659348000
        if dialect == "takeout":
            assert (m.path, m.flags, m.keywords) == TAKEOUT_PLACES[i % 5]


def test_other_dialects(shared, tmp_path):
    """mboxcl, unquoted and Thunderbird's, of the same mail."""
    _, mail = truth(shared)
    want = Counter(sha(wire(octets)) for octets in mail)

    def stored(body):
        return re.sub(rb"(?m)^From ", b">From ", body)

    marks = (0, 1, 9, 5, 0x1001)
    status = [b"X-Mozilla-Status: %04x\nX-Mozilla-Status2: 00000000\n" % m
              for m in marks]
    (tmp_path / "thunderbird").write_bytes(packing.mbox(
        mail, lambda i: status[i % 5]))
    (tmp_path / "plain").write_bytes(packing.mbox(mail, quote=bytes))
    lengths = []
    for octets in mail:
        head, cut, body = octets.partition(b"\n\n")
        head = re.sub(rb"(?im)^(content-length|lines):.*\n?", b"",
                      head).rstrip(b"\n")
        lengths.append(head + b"\nContent-Length: %d\n\n" % len(
            stored(body)) + stored(body))
    (tmp_path / "mboxcl").write_bytes(packing.mbox(lengths, quote=bytes))
    bird, unquoted, cl = (clean(dump.one(tmp_path / name)) for name in (
        "thunderbird", "plain", "mboxcl"))
    # A From line with a date after an empty line is one for every reader.
    split = [o for o in mail if re.search(
        rb"\n\nFrom \S+ \w{3} \w{3} +\d+ [\d:]+ \d{4}\n", o)]
    assert len(split) == 1
    assert want - unquoted.sums == Counter(sha(wire(o)) for o in split)
    assert bird.sums == Counter(sha(wire(status[i % 5] + octets))
                                for i, octets in enumerate(mail))
    for i, m in enumerate(bird.messages):
        assert m.flags == ((), ("\\Seen",), ("\\Deleted", "\\Seen"),
                           ("\\Flagged", "\\Seen"), ("\\Seen",))[i % 5]
        assert m.keywords == ((), (), (), (), ("$Forwarded",))[i % 5]
    assert len(cl.messages) == 362
    for octets, m in zip(lengths, cl.messages):
        head, cut, body = octets.partition(b"\n\n")
        assert m.sha256 == sha(wire(head + cut + re.sub(
            rb"(?m)^>(>*From )", rb"\1", body)))


# --- Maildir -------------------------------------------------------------

def maildir_files(path):
    """{folder: {base name: (octets, flags, mtime, letters of keywords)}}"""
    out = {}
    for where, dirs, names in os.walk(path):
        if os.path.basename(where) not in ("cur", "new"):
            continue
        folder = os.path.relpath(os.path.dirname(where), path)
        for name in names:
            file = os.path.join(where, name)
            base, _, letters = name.partition(":2,")
            flags = tuple(sorted(flag for letter, flag in (
                ("D", "\\Draft"), ("F", "\\Flagged"), ("R", "\\Answered"),
                ("S", "\\Seen"), ("T", "\\Deleted")) if letter in letters))
            out.setdefault(folder, {})[base] = (
                open(file, "rb").read(), flags,
                int(os.stat(file).st_mtime),
                "".join(c for c in letters if c.islower()))
    return out


def test_maildir(shared):
    path = os.path.join(shared, "corpora/maildir")
    if not os.path.isdir(path):
        pytest.skip("no corpora/maildir")
    want = maildir_files(path)
    d = clean(dump.one(path))
    assert set(d.folders.values()) == {"INBOX", "Work/Gr\u00f6\u00dfe"}
    words = dict(line.split() for line in open(
        os.path.join(path, ".Work.Gr&APYA3w-e", "dovecot-keywords")))
    seen = 0
    for folder, files in want.items():
        mine = [m for m in d.messages if (m.path == "INBOX") == (
            folder == ".")]
        assert len(mine) == len(files)
        for m in mine:
            octets, flags, when, letters = files[m.key]
            assert m.sha256 == sha(wire(octets))
            assert m.flags == flags and m.date == when
            assert m.keywords == tuple(sorted(
                words[str(ord(c) - ord("a"))] for c in letters))
            seen += bool(letters)
    assert sum(map(len, want.values())) == len(d.messages) > 180
    assert seen


# --- The same mail in every kind -----------------------------------------

def in_every_kind(room, mail):
    """{name of a file without suffix: octets}"""
    files = packing.emls(mail)
    box = packing.mbox(mail)
    out = {
        "emls-zip": packing.zipped(files),
        "emls-tar": packing.tarred(files),
        "emls-tgz": packing.gzipped(packing.tarred(files)),
        "mbox": box,
        "mbox-gz": packing.gzipped(box),
        "mbox-in-zip": packing.zipped({"a/b/Inbox.mbox": box}),
        "zip-in-zip": packing.zipped({"backup/in.zip":
                                      packing.zipped(files)}),
        "mbox-gz-in-tar": packing.tarred({"in.gz": packing.gzipped(box)}),
    }
    packing.tree(room, out)
    packing.tree(room / "emls", files)
    names = [*out, "emls"]
    if shutil.which("7z") or shutil.which("7zz"):
        packing.seven_zip(room / "emls-7z", files)
        names.append("emls-7z")
    return names


def check_kinds(room, mail):
    names = in_every_kind(room, mail)
    whole = Counter(sha(wire(o)) for o in mail)
    for name, d in zip(names, dump.many([room / n for n in names])):
        clean(d)
        assert not d.others, name
        assert d.sums == whole, name
        if "emls" in name or name == "zip-in-zip":
            ends = {p.split("/")[-1] for p in d.folders.values()}
            assert ends >= {"Sent", "2024"}, name


def test_the_same_mail_in_every_kind(shared, tmp_path):
    _, mail = truth(shared)
    check_kinds(tmp_path, mail)


def test_made_mail_in_every_kind(tmp_path):
    """Without the corpora: bare CR, long lines, eight bits, From lines."""
    mail = [packing.lf(m.octets) for m in varied(52)]
    check_kinds(tmp_path, [o if o.endswith(b"\n") else o + b"\n"
                           for o in mail])


def test_names_that_lie(tmp_path):
    """The kind is found from the content."""
    mail = [packing.lf(m.octets) for m in plain(6)]
    files, box = packing.emls(mail), packing.mbox(mail)
    lies = {
        "an mbox.zip": box, "a zip.txt": packing.zipped(files),
        "a tar.eml": packing.tarred(files), "a tgz.mbox": packing.gzipped(
            packing.tarred(files)), "gz.7z": packing.gzipped(box),
        "no suffix": box, "takeout.pst": packing.takeout(
            [(m, "Inbox") for m in mail])}
    packing.tree(tmp_path / "lies", lies)
    packing.tree(tmp_path, {"one.zip": mail[0], "x.tar": packing.emlx(
        mail[0])})
    for name, d in zip(lies, dump.many(
            [tmp_path / "lies" / n for n in lies])):
        assert len(clean(d).messages) == 6, name
    for name in ("one.zip", "x.tar"):
        assert clean(dump.one(tmp_path / name)).sums == Counter(
            [sha(wire(mail[0]))])
    d = clean(dump.one(tmp_path / "lies"))
    assert len(d.messages) == 6 * len(lies)
    assert len({m.path for m in d.messages}) >= len(lies)


def test_what_is_no_archive(tmp_path):
    packing.tree(tmp_path, {"a.mbox": b"\x89PNG\r\n\x1a\n" + bytes(999),
                            "b.zip": b"hello world\n" * 100,
                            "c.mbox": b"%PDF-1.4\n" + bytes(999)})
    for name in ("a.mbox", "b.zip", "c.mbox", "nothing-here"):
        d = dump.one(tmp_path / name)
        assert d.code == 65 and len(d.error) > 40, (name, d)


# --- The examples --------------------------------------------------------

EXPECTED = {  # archive: messages, folders that hold some
    "sample.mbox": (16, 1), "takeout.mbox": (9, 4), "thunderbird": (26, 3),
    "apple": (6, 1), "eml": (8, 3), "export.zip": (41, 10),
    "takeout.zip": (40, 10), "maildir.tgz": (41, 10), "mail.tar": (5, 2),
    "inbox.mbox.gz": (16, 1), "nested.zip": (9, 4), "mail.7z": (41, 10),
    "ann.ost": (19, 4)}


def test_examples():
    here = EXAMPLES / "archives"
    assert sorted(os.listdir(here)) == sorted(EXPECTED)
    for name, d in zip(EXPECTED, dump.many(
            [here / name for name in EXPECTED])):
        clean(d)
        assert (len(d.messages), len({m.path for m in d.messages})) == \
            EXPECTED[name], (name, d)


def test_examples_are_what_makes_them(tmp_path):
    """The committed files are those that the script writes. Compression
    may differ between versions of a library, what is in them may not."""
    subprocess.run(["/usr/bin/python3", EXAMPLES / "make-archives.py",
                    tmp_path / "anew"], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    for name in EXPECTED:
        if not (tmp_path / "anew" / name).exists():
            assert name == "mail.7z"
            continue
        old, new = dump.many([EXAMPLES / "archives" / name,
                              tmp_path / "anew" / name])
        assert [m._replace(date=0) for m in old.messages] == \
            [m._replace(date=0) for m in new.messages], name


# --- Through the whole program -------------------------------------------

def test_copy_of_every_example(new_job, tmp_path):
    for name, (messages, folders) in EXPECTED.items():
        job, to = new_job(name), tmp_path / ("to-" + name)
        job.run("copy", EXAMPLES / "archives" / name, f"maildir:{to}",
                check=0)
        got = read_maildir(to)
        assert sum(sum(c.values()) for c in got.values()) == messages, name
        assert len([c for c in got.values() if c]) == folders, name
        want = dump.one(EXAMPLES / "archives" / name).sums
        assert Counter(k[0] for c in got.values()
                       for k in c.elements()) == want, name
        job.run("verify", check=0)


# --- Large ---------------------------------------------------------------

def io_of(pid):
    """Octets that a process has read so far."""
    try:
        with open(f"/proc/{pid}/io") as f:
            return int(re.search(r"rchar: (\d+)", f.read()).group(1))
    except (OSError, AttributeError):
        return None


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(c) for c in f.read().split()]
    except OSError:
        return []


def peak_of(pid):
    try:
        with open(f"/proc/{pid}/status") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
    except (OSError, AttributeError):
        return 0


def large_mbox(path, size):
    """A block of messages again and again; -> how many messages."""
    mail = [packing.lf(m.octets) for m in plain(400, size=20_000)]
    block = packing.mbox(mail)
    n = size // len(block) + 1
    with open(path, "wb") as f:
        for _ in range(n):
            f.write(block)
    return mail, n


@pytest.mark.full
def test_more_than_four_gigabytes(tmp_path):
    """Offsets behind 2^32, the first message before much is read, memory
    that does not grow."""
    path = tmp_path / "large"
    free = shutil.disk_usage(tmp_path).free
    if free < 6 << 30:
        pytest.skip("needs 6 GB of disk")
    mail, blocks = large_mbox(path, 4_500_000_000)
    p = dump.start()
    p.stdin.write(f"{path}\n".encode())
    p.stdin.close()
    peaks, first = {}, None

    def watch():
        while p.poll() is None:
            for pid in (p.pid, *children(p.pid)):
                peaks[pid] = max(peaks.get(pid, 0), peak_of(pid))
            time.sleep(0.05)

    threading.Thread(target=watch, daemon=True).start()
    whole, n, uid = Counter(), 0, 0
    for line in p.stdout:
        said = json.loads(line)
        if "uid" not in said:
            continue
        if first is None:
            first = [io_of(c) for c in children(p.pid)]
        assert said["uid"] > uid and "hole" not in said
        uid = said["uid"]
        whole[said["sha256"]] += 1
        n += 1
    assert p.wait(60) == 0
    size = path.stat().st_size
    path.unlink()
    assert n == blocks * len(mail)
    assert whole == Counter({sha(wire(o)): blocks for o in mail})
    assert uid >> 16 > 1 << 32 and uid >> 16 <= size
    assert first and first[0] is not None and first[0] < 100 << 20
    assert sum(peaks.values()) < 48_000, peaks
