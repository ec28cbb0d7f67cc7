#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes examples/archives: a small archive of every kind mailhaul reads.

    examples/make-archives.py [FOLDER]

They hold the mail of examples/sample (all but its two large messages), and
five messages more, which are not there. takeout.zip has all of these but one
message without a date and a Message-ID, which may be any. ann.ost has most of
the inbox, and two messages that are nowhere else.
The same octets come out each time; mail.7z is made where there is a 7z.
"""
import base64
import calendar
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import namedtuple
from email.header import Header

from outlook import cache

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE = os.path.join(HERE, "sample")
TARGET = os.path.join(HERE, "archives")
SMALL = 20_000  # octets; larger messages stay out of the archives
MADE = calendar.timegm((2018, 3, 1, 12, 0, 0))  # when the files were made

# folder: path for people; flags: letters of a Maildir, None: never seen
Mail = namedtuple("Mail", "folder octets when flags labels")
Mail.__new__.__defaults__ = ("",)

ROLES = {"INBOX": "Inbox", "Junk": "Spam", "Archive": "Archived"}


def utf7(name):
    """From the modified UTF-7 of a Maildir's folder."""
    return re.sub("&([^-]*)-", lambda m: base64.b64decode(
        m.group(1).replace(",", "/") + "===").decode("utf-16-be")
        if m.group(1) else "&", name)


def to_utf7(name):
    return re.sub("[^\x20-\x7e]+", lambda m: "&" + base64.b64encode(
        m.group().encode("utf-16-be")).decode().rstrip("=").replace(
        "/", ",") + "-", name.replace("&", "&-"))


def sample():
    """The messages of examples/sample, in the order of their arrival."""
    out = []
    for where, _, files in os.walk(SAMPLE):
        base = os.path.basename(os.path.dirname(where))
        folder = utf7(base[1:]).replace(".", "/") \
            if base.startswith(".") else "INBOX"
        for name in files:
            with open(os.path.join(where, name), "rb") as f:
                octets = f.read()
            flags = name.partition(":2,")[2] if ":2," in name else None
            number = int(re.search(r"M(\d+)", name).group(1))
            out.append((number, Mail(folder, octets, int(
                name.partition(".")[0]), flags)))
    mails = [m for _, m in sorted(out)]
    return [m for m in mails if len(m.octets) < SMALL]


def more():
    """Messages that the sample lacks: lost with the server, it may be."""
    start = calendar.timegm((2018, 2, 16, 9, 0, 0))
    what = (("INBOX", "Your parcel has arrived", "S", ""),
            ("INBOX", "Lunch on Friday?", None, "Projects,Opened"),
            ("Sent", "Re: Lunch on Friday?", "S", ""),
            ("Travel/Österreich", "Train to Vienna", "FS", "Important"),
            ("Projects", "From the start again", "RS", ""))
    out = []
    for i, (folder, title, flags, labels) in enumerate(what):
        when = start + i * 86400 * 2 + i * 61
        sent = folder == "Sent"
        olga, other = "Olga Lindt <olga@example.com>", "pia@contoso.com"
        octets = "\n".join([
            f"From: {olga if sent else other}",
            f"To: {other if sent else olga}", f"Subject: {title}",
            "Date: " + time.strftime("%a, %d %b %Y %H:%M:%S +0000",
                                     time.gmtime(when)),
            f"Message-ID: <later-{i}@contoso.com>", "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 8bit", "",
            "From here on it is later.", "", "Grüße", ""]).encode()
        out.append(Mail(folder, octets, when, flags, labels))
    return out


def on_the_pc():
    """What only Outlook's cache has kept."""
    return [m._replace(
        octets=m.octets.replace(b"later-", b"cached-").replace(
            b"Your parcel has arrived", b"The key is under the mat").replace(
            b"Lunch on Friday?", b"Minutes of Monday"),
        when=m.when + 86400 * 20) for m in more()[:2]]


def from_date(when):
    return time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(when))


def quoted(octets):
    """As mboxrd quotes."""
    return re.sub(rb"(?m)^(>*From )", rb">\1", octets)


def mbox(mails, fields=None, from_line=None):
    """fields(m): header lines to put in front."""
    out = []
    for i, m in enumerate(mails):
        line = from_line(i, m) if from_line else \
            f"From olga@example.com {from_date(m.when)}"
        out += [line.encode() + b"\n",
                fields(m) if fields else b"", quoted(m.octets),
                b"" if m.octets.endswith(b"\n") else b"\n", b"\n"]
    return b"".join(out)


def status_fields(m):
    """As mutt and many servers keep flags."""
    status = "O" if m.flags is None else "RO" if "S" in m.flags else "O"
    more = "".join(new for old, new in (("R", "A"), ("F", "F"), ("D", "T"))
                   if old in (m.flags or ""))
    return f"Status: {status}\n".encode() + (
        f"X-Status: {more}\n".encode() if more else b"")


def mozilla_fields(m):
    bits = sum(bit for letter, bit in (("S", 1), ("R", 2), ("F", 4),
                                       ("P", 0x1000))
               if letter in (m.flags or ""))
    return f"X-Mozilla-Status: {bits:04x}\n" \
           "X-Mozilla-Status2: 00000000\nX-Mozilla-Keys:\n".encode()


def label_fields(m):
    names = [ROLES.get(m.folder, m.folder)]
    names += [n for n in m.labels.split(",") if n]
    flags = m.flags or ""
    names += ["Starred"] * ("F" in flags) + ["Unread"] * ("S" not in flags)
    value = ",".join(names)
    if not value.isascii():
        value = Header(value, "utf-8", maxlinelen=70).encode()
    return b"X-GM-THRID: 159000000%010d\n" % m.when \
        + f"X-Gmail-Labels: {value}\n".encode()


def takeout(mails):
    """Google's: CRLF, and labels instead of folders."""
    def line(i, m):
        return time.strftime(
            f"From {1590000000000000000 + i}@xxx %a %b %d %H:%M:%S +0000 %Y",
            time.gmtime(m.when))
    return crlf(mbox(mails, label_fields, line))


def crlf(octets):
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def emlx(m, number):
    bits = {"S": 1, "R": 4, "F": 16, "D": 64}
    flags = sum(bit for letter, bit in bits.items()
                if letter in (m.flags or ""))
    plist = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" \
"http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
\t<key>date-received</key>
\t<integer>{m.when}</integer>
\t<key>flags</key>
\t<integer>{flags}</integer>
\t<key>remote-id</key>
\t<string>{number}</string>
</dict>
</plist>
"""
    return b"%-10d\n" % len(m.octets) + m.octets + plist.encode()


def emls(mails, names=None):
    """{path: octets} as Windows programs export: a file each, CRLF."""
    out = {}
    for i, m in enumerate(mails):
        folder = (names or {}).get(m.folder, m.folder)
        out[f"{folder}/{i + 1:03}.eml"] = crlf(m.octets)
    return out


def maildir(mails):
    out = {}
    for i, m in enumerate(mails):
        folder = "" if m.folder == "INBOX" else "." + to_utf7(
            m.folder.replace("/", ".")) + "/"
        sub, info = ("new", "") if m.flags is None else (
            "cur", ":2," + m.flags)
        out[f"{folder}{sub}/{m.when}.M{i}.sample,S={len(m.octets)}{info}"] \
            = m.octets
    return out


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, octets in files.items():
            info = zipfile.ZipInfo(name, time.gmtime(MADE)[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            z.writestr(info, octets, compresslevel=9)
    return out.getvalue()


def tarred(files, dates=None):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as t:
        for name, octets in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(octets), (dates or {}).get(
                name, MADE)
            t.addfile(info, io.BytesIO(octets))
    return out.getvalue()


def gzipped(octets):
    return gzip.compress(octets, 9, mtime=MADE)


def put(path, octets):
    path = os.path.join(TARGET, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(octets)
    os.utime(path, (MADE, MADE))


def seven_zip(path, files):
    """-> whether there was a 7z."""
    tool = shutil.which("7z") or shutil.which("7zz")
    if not tool:
        return False
    room = os.path.join(TARGET, ".7z")
    shutil.rmtree(room, ignore_errors=True)
    for name, octets in files.items():
        put(os.path.join(".7z", name), octets)
    for where, _, _ in os.walk(room):
        os.utime(where, (MADE, MADE))
    target = os.path.join(TARGET, path)
    if os.path.exists(target):
        os.unlink(target)
    try:
        subprocess.run([tool, "a", "-mx=9", "-mmt=1", "-mtc=off",
                        "-mta=off", "-bd", target, *sorted(
                            os.listdir(room))], cwd=room, check=True,
                       stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(room)
    return True


def apple(mails):
    uuid = "apple/INBOX.mbox/5F0C2A51-7D9B-4C57-9A62-3B8E0C4D1E2F/Data"
    out = {"apple/INBOX.mbox/Info.plist": b'<?xml version="1.0"?>\n<plist/>\n'}
    for i, m in enumerate(mails):
        number = 900 + i * 50
        digit = f"/{number // 1000}" if number >= 1000 else ""
        out[f"{uuid}{digit}/Messages/{number}.emlx"] = emlx(m, number)
    return out


def main():
    global TARGET
    if len(sys.argv) > 1:
        TARGET = os.path.abspath(sys.argv[1])
    old, new = sample(), more()
    mails = sorted(old + new, key=lambda m: m.when)
    inbox = [m for m in mails if m.folder == "INBOX"]
    sent = [m for m in mails if m.folder == "Sent"]
    projects = [m for m in mails if m.folder.startswith("Projects")]
    few = inbox[-3:] + sent[-2:] + projects[-3:]
    # Without a date and a Message-ID nobody can tell for sure.
    certain = [m for m in mails if b"\nDate: " in m.octets
               or b"\nMessage-ID: " in m.octets]

    put("sample.mbox", mbox(inbox, status_fields))
    put("takeout.mbox", takeout(few + [m for m in new if m not in few]))
    put("thunderbird/Inbox", mbox(
        inbox, mozilla_fields, lambda i, m: f"From - {from_date(m.when)}"))
    put("thunderbird/Inbox.msf", b"// <!-- <mdb:mork:z v=\"1.4\"/> -->\n")
    put("thunderbird/Sent", mbox(sent, mozilla_fields))
    put("thunderbird/Inbox.sbd/Projects", mbox(
        [m for m in projects if m.folder == "Projects"], mozilla_fields))
    for name, octets in emls(few, {"INBOX": "Posteingang"}).items():
        put("eml/" + name, octets)
    for name, octets in apple(inbox[:6]).items():
        put(name, octets)
    put("export.zip", zipped(emls(mails)))
    put("takeout.zip", zipped({
        "Takeout/archive_browser.html": b"<!DOCTYPE html>\n<html></html>\n",
        "Takeout/Mail/All mail Including Spam and Trash.mbox":
            takeout(certain)}))
    files = maildir(mails)
    dates = {name: m.when for name, m in zip(files, mails)}
    put("maildir.tgz", gzipped(tarred(files, dates)))
    put("mail.tar", tarred({
        "mail/Inbox.mbox": mbox(inbox[-3:]),
        **{"mail/" + name: octets for name, octets in emls(
            sent[-2:]).items()}}))
    put("inbox.mbox.gz", gzipped(mbox(inbox)))
    put("nested.zip", zipped({
        "backup/2018.zip": zipped(emls(few)),
        "backup/Travel.mbox": mbox(
            [m for m in new if m.folder.startswith("Travel")])}))
    cache([m for m in inbox[-12:] + sent + [
        n for n in new if n.folder not in ("INBOX", "Sent")]
           if b"\nMessage-ID: " in m.octets and b"\nDate: " in m.octets]
          + on_the_pc(),
          os.path.join(TARGET, "ann.ost"))
    if not seven_zip("mail.7z", emls(mails)):
        print("mail.7z is left as it was: there is no 7z (p7zip-full)")
    total = sum(os.path.getsize(os.path.join(where, name))
                for where, _, names in os.walk(TARGET) for name in names)
    print(f"{len(mails)} messages, {len(new)} of them not in the sample; "
          f"{total} octets in {TARGET}")


if __name__ == "__main__":
    main()
