# SPDX-License-Identifier: Apache-2.0
"""What the program makes of a PST: messages with their MIME, parsed.

    d = read(path, room)          harness.dump.Dump, and
    d.mail                        [Mail(found, note, octets, msg)]
    d.subjects                    Counter
    of(d, subject)                the one Mail of that subject
    complaints(octets)            what Python's parser finds wrong
    files(msg)                    [(name, type, octets)] of attachments
"""
import email
import email.policy
import json
import subprocess
from collections import Counter, namedtuple

from . import dump, pst_make

LIMIT = 120
Mail = namedtuple("Mail", "found note octets msg")


def parse(octets):
    return email.message_from_bytes(octets, policy=email.policy.default)


def read(path, room, *options, limit=LIMIT, check=True, scheme="pst:"):
    room.mkdir(exist_ok=True)
    done = subprocess.run(
        [str(dump.tool()), *options, "--save", str(room),
         f"{scheme}{path}"], env=dump.environment(), capture_output=True,
        timeout=limit)
    assert done.returncode in (0, 65), (done.returncode, done.stderr[-3000:])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    d = dump.Dump(lines, {"code": done.returncode, "ms": 0})
    told = [line for line in lines if "uid" in line]
    d.mail = []
    for found, line in zip(d.messages, told):
        if found.hole:
            continue
        octets = (room / f"{line['saved']}.eml").read_bytes()
        d.mail.append(Mail(found, line.get("note") or "", octets,
                           parse(octets)))
    d.subjects = Counter(m.msg["subject"] for m in d.mail)
    if check:
        assert d.code == 0, d
    return d


def of(d, subject):
    """The one message of that subject."""
    found = [m for m in d.mail if m.msg["subject"] == subject]
    assert len(found) == 1, (subject, d.subjects)
    return found[0]


def one(made, message, *options, **how):
    """The only message of a file (made: the fixture)."""
    p = pst_make.Pst(**how)
    p.folder("Inbox", use="inbox").add(message)
    d = made(p, *options)
    assert len(d.mail) == 1, d
    return d.mail[0]


def _texts(part):
    """Headers, so that their defects are known, and content."""
    out = [(name, value) for name, value in part.items()
           for d in getattr(value, "defects", ())]
    if not part.is_multipart():
        part.get_payload(decode=True)
    return out


def complaints(octets, headers=True):
    """[text] of what is wrong with a message in wire form."""
    out, msg = [], parse(octets)
    for part in msg.walk():
        wrong = _texts(part)
        if headers:
            out += [f"{name}: {value}"[:200] for name, value in wrong]
        out += [type(d).__name__ for d in part.defects]
    for line in octets.split(b"\r\n"):
        if len(line) > 998 or b"\r" in line or b"\n" in line:
            out.append(f"a line of {len(line)} octets: {line[:80]!r}")
    if b"\0" in octets:
        out.append("a NUL")
    return out


def bodies(msg):
    """{"text/plain": text, "text/html": text}, those that are shown; line
    ends as LF."""
    out = {}
    for part in _own(msg):
        if part.get_content_maintype() == "text" \
                and part.get_content_disposition() != "attachment":
            out.setdefault(part.get_content_type(), part.get_content()
                           .replace("\r\n", "\n"))
    return out


def _own(msg):
    """The parts of a message that are not of one inside it."""
    yield msg
    if msg.is_multipart() and msg.get_content_maintype() != "message":
        for part in msg.get_payload():
            yield from _own(part)


def files(msg):
    """[(name, type, octets or the message in it)] of what is attached, or
    shown within the text."""
    out = []
    for part in _own(msg):
        if part.get_content_type() == "message/rfc822":
            out.append((part.get_filename(), "message/rfc822",
                        part.get_payload(0)))
        elif not part.is_multipart() and (
                part.get_content_disposition() or part["content-id"]):
            out.append((part.get_filename(), part.get_content_type(),
                        part.get_payload(decode=True)))
    return out
