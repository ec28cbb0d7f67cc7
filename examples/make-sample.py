#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes examples/sample: a small mailbox as a Maildir++ archive.

    examples/make-sample.py          writes examples/sample anew

The mail is invented; every name is of example.com or contoso.com. The same
octets come out each time. A file's name begins with the moment of its
arrival, because git keeps no file dates.
"""
import base64
import calendar
import os
import quopri
import random
import shutil
import struct
import time
import zlib
from email.header import Header

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(HERE, "sample")
OWNER = "Olga Lindt <olga@example.com>"
START = calendar.timegm((2018, 1, 15, 8, 0, 0))

rng = random.Random(20180115)
count = 0


def subject(text, charset="utf-8"):
    if text.isascii():
        return text
    return Header(text, charset, maxlinelen=70).encode()


def head(title, sender=OWNER, to="office@contoso.com", extra=(), when=0,
         charset="utf-8", message_id=True):
    day = START + when
    lines = [f"From: {sender}", f"To: {to}",
             f"Subject: {subject(title, charset)}", "Date: " + rfc_date(day)]
    if message_id:
        lines.append(f"Message-ID: <{zlib.crc32(title.encode()):08x}."
                     f"{when}@example.com>")
    return "\n".join(lines + ["MIME-Version: 1.0", *extra]).encode()


def rfc_date(day):
    t = time.gmtime(day)
    return "%s, %d %s %d %02d:%02d:%02d +0000" % (
        calendar.day_abbr[t.tm_wday], t.tm_mday,
        calendar.month_abbr[t.tm_mon], t.tm_year, t.tm_hour, t.tm_min,
        t.tm_sec)


def text(title, body, charset="utf-8", how="8bit", **kw):
    octets = body.encode(charset)
    if how == "base64":
        octets = base64.encodebytes(octets)
    elif how == "quoted-printable":
        octets = quopri.encodestring(octets)
    return head(title, charset=charset, extra=[
        f"Content-Type: text/plain; charset={charset}",
        f"Content-Transfer-Encoding: {how}"], **kw) + b"\n\n" + octets


def part(kind, octets, disposition="", content_id=""):
    lines = [f"Content-Type: {kind}", "Content-Transfer-Encoding: base64"]
    if disposition:
        lines.append(f"Content-Disposition: {disposition}")
    if content_id:
        lines.append(f"Content-ID: <{content_id}>")
    return "\n".join(lines).encode() + b"\n\n" + base64.encodebytes(octets)


def plain_part(body):
    return b"Content-Type: text/plain; charset=utf-8\n" \
        b"Content-Transfer-Encoding: 8bit\n\n" + body.encode() + b"\n"


def multipart(title, parts, kind="mixed", boundary="=_part", **kw):
    edge = b"--" + boundary.encode()
    return head(title, extra=[
        f'Content-Type: multipart/{kind}; boundary="{boundary}"'], **kw) \
        + b"\n\n" + b"".join(edge + b"\n" + p for p in parts) \
        + edge + b"--\n"


def png(width=16, height=16):
    """A small picture, all of our own."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(
        v % 256 for x in range(width) for v in (x * 16, y * 16, 128))
        for y in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
        ">IIBBBBB", width, height, 8, 2, 0, 0, 0)) \
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def invitation():
    lines = ["BEGIN:VCALENDAR", "PRODID:-//example//sample//EN",
             "VERSION:2.0", "METHOD:REQUEST", "BEGIN:VEVENT",
             "UID:20180220-1@example.com", "DTSTAMP:20180201T080000Z",
             "DTSTART:20180220T090000Z", "DTEND:20180220T100000Z",
             "SUMMARY:Budget 2018", "ORGANIZER:mailto:olga@example.com",
             "ATTENDEE:mailto:office@contoso.com", "END:VEVENT",
             "END:VCALENDAR", ""]
    return b"Content-Type: text/calendar; charset=utf-8; method=REQUEST\n" \
        b"Content-Transfer-Encoding: 8bit\n\n" + "\n".join(lines).encode()


def put(folder, octets, when, flags=None):
    """flags: letters of a Maildir name; None: new, never looked at."""
    global count
    count += 1
    where = TARGET if folder == "INBOX" else os.path.join(
        TARGET, "." + folder)
    sub = "new" if flags is None else "cur"
    info = "" if flags is None else ":2," + "".join(sorted(flags))
    os.makedirs(os.path.join(where, sub), exist_ok=True)
    name = f"{START + when}.M{count:03d}.sample{info}"
    with open(os.path.join(where, sub, name), "wb") as f:
        f.write(octets)


DAY = 86400


def inbox():
    hello = text("Welcome to your mailbox", "Dear Olga,\n\nthis is your "
                 "first message.\n\n-- \nThe office\n",
                 sender="Office <office@contoso.com>", to=OWNER)
    put("INBOX", hello, 0, "S")
    put("INBOX", hello, 0, "S")  # a duplicate: it stays one
    put("INBOX", text("Grüße aus Köln", "Liebe Olga,\n\nschöne Grüße! "
                      "Straße, Öl, Übermut.\n", "iso-8859-1", when=DAY,
                      sender="Jo Mueller <jo@example.com>",
                      to=OWNER), DAY, "RS")
    put("INBOX", text("Réunion de jeudi", "Bonjour,\n\nà jeudi, après le "
                      "déjeuner ?\n", how="quoted-printable", when=2 * DAY),
        2 * DAY, "FS")
    put("INBOX", text("会議のお知らせ", "来週の火曜日に会議があります。\n",
                      "iso-2022-jp", "7bit", when=3 * DAY), 3 * DAY, "S")
    put("INBOX", text("Привет из Москвы", "Привет!\n\nКак дела?\n",
                      "koi8-r", "base64", when=4 * DAY), 4 * DAY, "S")
    put("INBOX", text("مرحبا", "مرحبا أولغا،\n\nشكرا جزيلا.\n",
                      how="base64", when=5 * DAY), 5 * DAY)
    put("INBOX", text("Ευχαριστώ", "Καλημέρα!\n", "iso-8859-7",
                      when=6 * DAY), 6 * DAY)
    put("INBOX", text("你好", "下周见。\n", "gb2312", when=7 * DAY), 7 * DAY,
        "S")
    put("INBOX", multipart("A picture in the text", [
        b'Content-Type: text/html; charset=utf-8\n\n<p>Look: '
        b'<img src="cid:dot@example.com"></p>\n',
        part("image/png", png(), 'inline; filename="dot.png"',
             "dot@example.com")], "related", when=8 * DAY), 8 * DAY, "S")
    put("INBOX", multipart("Invitation: Budget 2018", [
        plain_part("Please come."), invitation()], "alternative",
        when=9 * DAY), 9 * DAY, "S")
    put("INBOX", b"From: printer@example.com\nSubject: toner low\n\n"
        b"No Message-ID, no Date.\n", 10 * DAY)
    put("INBOX", head("An empty message", when=11 * DAY) + b"\n\n", 11 * DAY)
    put("INBOX", b"From: J\xf6rg <joerg@example.com>\nTo: olga@example.com\n"
        b"Subject: \xdcbung\nMessage-ID: <raw-1@example.com>\n\n"
        b"Eight bits in the header, as old programs wrote them: \xe4\xf6"
        b"\xfc.\n", 12 * DAY, "S")


def sent():
    thread = "<offer-1@example.com>"
    put("Sent", head("Offer for 20 chairs", when=13 * DAY, extra=[
        "Content-Type: text/plain; charset=us-ascii"])
        + b"\n\nTwenty chairs, 25 EUR each.\n", 13 * DAY, "S")
    for i in range(3):
        put("Sent", head(f"Re: Offer for {20 + i} chairs", extra=[
            f"In-Reply-To: {thread}", f"References: {thread}",
            "Content-Type: text/plain; charset=us-ascii"],
            when=(14 + i) * DAY) + b"\n\n> the offer\n\nAgreed, as of "
            b"today.\n", (14 + i) * DAY, "S")
    put("Sent", multipart("The signed contract", [
        plain_part("Attached."),
        part("application/pdf", b"%PDF-1.4\n% a stand-in\n" + bytes(
            rng.randrange(256) for _ in range(40_000)),
            'attachment; filename="Vertrag Mueller.pdf"')],
        when=18 * DAY), 18 * DAY, "S")


def others():
    put("Drafts", text("Half a thought", "I wanted to say that\n",
                       when=19 * DAY), 19 * DAY, "DS")
    put("Drafts", head("", when=20 * DAY, message_id=False)
        + b"\n\n", 20 * DAY, "D")
    put("Trash", text("Old newsletter", "Ten tips for a tidy desk.\n",
                      when=21 * DAY, sender="news@example.com"), 21 * DAY,
        "S")
    put("Junk", text("You have won!!!", "Click nowhere.\n", when=22 * DAY,
                     sender="Prize <prize@example.com>"), 22 * DAY)
    inner = text("The forwarded one", "Hello inside.\n", when=23 * DAY)
    put("Archive", multipart("Fwd: The forwarded one", [
        plain_part("See below."),
        b"Content-Type: message/rfc822\n\n" + inner], when=23 * DAY),
        23 * DAY, "PS")
    put("Archive", multipart("Undelivered mail returned", [
        plain_part("Could not be delivered."),
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; "
        b"mail.example.com\n\nFinal-Recipient: rfc822; nobody@contoso.com\n"
        b"Action: failed\nStatus: 5.1.1\n"], "report",
        sender="MAILER-DAEMON@example.com", when=24 * DAY), 24 * DAY, "S")
    for i in range(6):
        put("Archive.2017", text(
            f"Minutes {i + 1}", "\n".join(
                f"Item {k}: {rng.choice(['done', 'open', 'moved'])}"
                for k in range(1, 9 + i)) + "\n", when=-(300 - i) * DAY),
            -(300 - i) * DAY, "S" if i else "FS")
    put("Projects.Caf&AOk-", text(
        "Menu du café", "Croissant 1,20 €\nThé 2,00 €\n",
        when=25 * DAY), 25 * DAY, "S")
    put("Projects.Caf&AOk-", multipart("Photos of the terrace", [
        plain_part("Three of them."), *(part(
            "image/png", png(64 + i, 48), f'attachment; filename="{i}.png"')
            for i in range(3))], when=26 * DAY), 26 * DAY, "FS")
    put("Projects.Caf&AOk-", multipart("Plans, large", [
        plain_part("The drawings."),
        part("application/zip", bytes(rng.randrange(256)
                                      for _ in range(150_000)),
             'attachment; filename="plans.zip"')], when=27 * DAY), 27 * DAY)
    long = "An endless line: " + "word " * 400
    put("Projects", head("A very long line", when=28 * DAY) + b"\n\n"
        + long.encode() + b"\n", 28 * DAY, "S")
    put("Projects", text("From here on", "From the start\n>From the "
                         "middle\n.\nEnd\n", when=29 * DAY), 29 * DAY, "S")
    put("Projects", multipart("Business card", [
        plain_part("My card."), b"Content-Type: text/vcard; charset=utf-8\n"
        b"\nBEGIN:VCARD\nVERSION:3.0\nFN:Olga Lindt\nEMAIL:olga@example.com"
        b"\nEND:VCARD\n"], when=30 * DAY), 30 * DAY, "RS")
    put("Projects", multipart("HTML and text", [
        plain_part("Prices: 10 €"), b"Content-Type: text/html; charset="
        b"utf-8\n\n<p>Prices: <b>10 &euro;</b></p>\n"], "alternative",
        when=31 * DAY), 31 * DAY, "S")


def main():
    shutil.rmtree(TARGET, ignore_errors=True)
    inbox()
    sent()
    others()
    print(f"{count} messages in {TARGET}")


main()
