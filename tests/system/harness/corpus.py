# SPDX-License-Identifier: Apache-2.0
"""Messages that are hard on a migration, made from nothing but a seed.

    corpus.varied(40)          a list of Msg, each kind in turn
    corpus.plain(n, size)      n small messages, all different
    corpus.mailbox(n)          {folder: [Msg, ...]} over a few folders
    corpus.real(shared, n)     n messages of the corpora, in wire form

All octets are in wire form: CRLF line ends, no bare LF, no NUL (servers
change those by themselves).
"""
import os
import random

from .mailbox import Msg, sha  # noqa: F401 (tests take both from here)

START = 1_300_000_000
FLAGS = ((), ("\\Seen",), ("\\Seen", "\\Answered"), ("\\Flagged",),
         ("\\Draft",), ("\\Answered", "\\Flagged", "\\Seen"),
         ("\\Seen", "$Forwarded"), ("\\Seen", "NonJunk"))
WORDS = ("invoice order meeting holiday contract draft lunch report offer "
         "delivery Rechnung Besprechung r\u00e9union \u65e5\u672c\u8a9e "
         "\u043f\u0440\u0438\u0432\u0435\u0442").split()


def _head(i, subject, extra=()):
    lines = [f"From: Person {i} <person{i}@example.com>",
             "To: office@contoso.com",
             "Date: Mon, 5 Feb 2018 %02d:%02d:%02d +0100" % (
                 i // 3600 % 24, i // 60 % 60, i % 60),
             f"Message-ID: <{i}.{sha(str(i).encode())[:12]}@example.com>",
             f"Subject: {subject}", *extra]
    return "\r\n".join(lines).encode() + b"\r\n"


def text(i, rng, size=400):
    body, n = [], 0
    while n < size:
        line = " ".join(rng.choice(WORDS) for _ in range(8))
        body.append(line)
        n += len(line) + 2
    return "\r\n".join(body).encode() + b"\r\n"


def _plain(i, rng):
    return _head(i, f"plain {i}") + b"\r\n" + text(i, rng).replace(
        b"\xc3", b"c")


def _eight_bit(i, rng):
    return _head(i, f"8-bit {i}", [
        "Content-Type: text/plain; charset=iso-8859-1",
        "Content-Transfer-Encoding: 8bit"]) + b"\r\nGr\xfc\xdfe " \
        + bytes(range(128, 256)) + b"\r\n"


def _long_line(i, rng):
    return _head(i, f"long line {i}") + b"\r\n" + b"x" * 5000 + b"\r\nend\r\n"


def _bare_cr(i, rng):
    return _head(i, f"bare CR {i}") + b"\r\none\rtwo\r \rthree\r\n"


def _empty_body(i, rng):
    return _head(i, f"empty body {i}") + b"\r\n"


def _header_only(i, rng):
    return _head(i, f"no blank line {i}")


def _no_id(i, rng):
    return b"From: a@example.com\r\nSubject: no id %d\r\n\r\n" % i \
        + text(i, rng)


def _no_final_newline(i, rng):
    return _head(i, f"no final newline {i}") + b"\r\nthe end"


def _dots_and_from(i, rng):
    return _head(i, f"dots {i}") \
        + b"\r\nFrom here on\r\n>From there\r\n.\r\n..\r\n\r\n\r\n"


def _looks_like_imap(i, rng):
    return _head(i, f"commands {i}") \
        + b"\r\nx1 CREATE pwned\r\n* BYE\r\n)\r\n{10}\r\n{3+}\r\nabc\r\n"


def _multipart(i, rng):
    blob = rng.getrandbits(8 * 600).to_bytes(600, "big").hex().encode()
    lines = b"\r\n".join(blob[k:k + 76] for k in range(0, len(blob), 76))
    return _head(i, f"=?UTF-8?B?w6TDtsO8?= {i}", [
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="cut"']) \
        + b"\r\n--cut\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" \
        + text(i, rng) + b"--cut\r\nContent-Type: application/x-hex\r\n" \
        b'Content-Disposition: attachment; filename="a b.bin"\r\n\r\n' \
        + lines + b"\r\n--cut--\r\n"


def _raw_header(i, rng):
    return b"From: J\xc3\xbcrgen <j@example.com>\r\nSubject: \xe4 raw %d" \
        b"\r\nMessage-ID: <raw%d@example.com>\r\n\r\nbody\r\n" % (i, i)


def _big(i, rng):
    line = b"0123456789abcdef" * 4 + b"\r\n"
    return _head(i, f"big {i}") + b"\r\n" + line * (300_000 // len(line))


KINDS = (_plain, _eight_bit, _long_line, _bare_cr, _empty_body, _header_only,
         _no_id, _no_final_newline, _dots_and_from, _looks_like_imap,
         _multipart, _raw_header, _big)


def varied(n, seed=1, kinds=KINDS):
    rng = random.Random(seed)
    out = []
    for i in range(n):
        octets = kinds[i % len(kinds)](seed * 100_000 + i, rng)
        out.append(Msg(octets, FLAGS[i % len(FLAGS)],
                       START + i * 86_399 + seed))
    return out


def plain(n, size=400, seed=2):
    rng = random.Random(seed)
    return [Msg(_head(seed * 1_000_000 + i, f"message {i}") + b"\r\n"
                + text(i, rng, size), FLAGS[i % len(FLAGS)],
                START + i * 61) for i in range(n)]


def sized(size, seed=3):
    """One message of about so many octets."""
    line = b"The quick brown fox jumps over the lazy dog, again %d.\r\n"
    part = b"".join(line % i for i in range(1000))
    body = part * (size // len(part) + 1)
    return Msg(_head(seed * 7_000_000, f"of {size} octets") + b"\r\n"
               + body[:max(0, size - 300)] + b"\r\n", (), START)


def mailbox(n=40, seed=1):
    """Varied messages over INBOX, Work, Work/2024 and Sent; the first one
    of INBOX is there twice, in two folders and once more in its own."""
    all_of_them = varied(n, seed)
    folders = {"INBOX": all_of_them[0::4], "Work": all_of_them[1::4],
               "Work/2024": all_of_them[2::4], "Sent": all_of_them[3::4]}
    if n >= 4:
        twin = folders["INBOX"][0]
        folders["INBOX"] = folders["INBOX"] + [twin]
        folders["Work"] = folders["Work"] + [twin]
    return folders


def small(seed=4):
    """Seven messages in three folders, two of them the same: for tests
    that go through every step."""
    m = plain(4, 200, seed) + varied(3, seed, (_eight_bit, _bare_cr, _no_id))
    return {"INBOX": [m[0], m[1], m[1]], "Sent": [m[4], m[5]],
            "Work": [m[2], m[6]]}


def real(shared, n=None, seed=5):
    """Messages of the corpora in wire form; [] when they are not there."""
    out = []
    for kind in ("ham", "spam"):
        folder = os.path.join(shared, "corpora", "mail", kind)
        if not os.path.isdir(folder):
            continue
        for name in sorted(os.listdir(folder)):
            out.append(os.path.join(folder, name))
    random.Random(seed).shuffle(out)
    return [Msg(wire(open(path, "rb").read()).replace(b"\0", b""),
                FLAGS[i % len(FLAGS)], START + i * 3601)
            for i, path in enumerate(out[:n])]


def wire(octets):
    """The octets of an LF archive in wire form: a bare LF becomes CRLF."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
