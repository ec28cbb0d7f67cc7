# SPDX-License-Identifier: Apache-2.0
"""The cache that Outlook would have kept of some messages, as an OST: each
taken apart into properties, as Outlook does. make-archives.py uses it.

The writer of the file is the tests' (tests/system/harness/pst_make.py).
"""
import os
import sys
from email import message_from_bytes, policy
from email.utils import getaddresses

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "system"))
sys.dont_write_bytecode = True

from harness import pst_make as pst  # noqa: E402

NAMES = {"INBOX": ("Posteingang", "inbox"), "Sent": ("Gesendete Elemente",
                                                     "sent")}


def people(message, field):
    return [pst.Person(name or address, address) for name, address in
            getaddresses(str(v) for v in message.get_all(field, []))]


def body(message, subtype):
    part = message.get_body((subtype,))
    return part.get_content().replace("\r\n", "\n").replace("\n", "\r\n") \
        if part else None


def letter(octets, when, flags):
    """As Outlook keeps it: its header, its text, its attachments."""
    m = message_from_bytes(octets, policy=policy.default)
    head = octets.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    html = body(m, "html")
    mid = m["Message-ID"]
    return pst.Message(
        str(m["Subject"] or "") or None, text=body(m, "plain"),
        html=html.encode() if html else None,
        sender=(people(m, "From") or [None])[0],
        to=people(m, "To"), cc=people(m, "Cc"), when=when,
        headers=head.decode("latin-1").replace("\n", "\r\n") + "\r\n\r\n",
        message_id=str(mid).strip() if mid else None,
        flags=1 if flags and "S" in flags else 0,
        props={0x3fde0003: 65001,
               **({0x10810003: 102} if flags and "R" in flags else {}),
               **({0x10900003: 2} if flags and "F" in flags else {})},
        attachments=[pst.File(a.get_filename("file"), a.get_payload(
            decode=True), a.get_content_type())
            for a in m.iter_attachments() if a.get_payload(decode=True)])


def others(file):
    """What mailhaul does not move, and --items saves."""
    file.folder("Kontakte", use="contacts", kind="IPF.Contact").add(
        pst.Message(None, class_="IPM.Contact", sender=None, props={
            0x3001001f: "Pia Roth", 0x3a06001f: "Pia", 0x3a11001f: "Roth",
            0x3a1c001f: "+49 30 901820"}, named=[
                pst.Named("ADDRESS", 0x8083, 0x1f, "pia@contoso.com"),
                pst.Named("ADDRESS", 0x8082, 0x1f, "SMTP")]))
    start = 1_520_586_000
    file.folder("Kalender", use="calendar", kind="IPF.Appointment").add(
        pst.Message("Train to Vienna", class_="IPM.Appointment",
                    text="Track 7.", named=[
                        pst.Named("APPOINTMENT", 0x820d, 0x40,
                                  pst.filetime(start)),
                        pst.Named("APPOINTMENT", 0x820e, 0x40,
                                  pst.filetime(start + 7200)),
                        pst.Named("APPOINTMENT", 0x8208, 0x1f,
                                  "Main station")]))


def cache(mails, path):
    """An OST with these messages (folder, octets, when, flags)."""
    file = pst.Pst(version=36, ost=True)
    folders = {}
    for m in mails:
        parts, under = m.folder.split("/"), None
        for depth in range(len(parts)):
            key = "/".join(parts[:depth + 1])
            if key not in folders:
                name, use = NAMES.get(key, (parts[depth], None))
                folders[key] = file.folder(name, under, use=use)
            under = folders[key]
        under.add(letter(m.octets, m.when, m.flags))
    others(file)
    file.write(path)
