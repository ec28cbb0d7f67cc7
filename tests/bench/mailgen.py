# SPDX-License-Identifier: Apache-2.0
"""Mail of known sizes, the same at every run: plain functions, no files.

Bodies are slices of one pool of base64 lines, so that 70 MB cost a fraction
of a second, and no message is equal to another.
"""
import math
import random
import statistics
import time

SEED = 20241
EPOCH = 1262304000            # 2010-01-01, the date of the oldest message
STEP = 7200                   # seconds between two messages
LINE = 78                     # 76 characters and CRLF

# What people have: one deep folder, one with a blank, one with an umlaut.
MIXED_FOLDERS = {
    "INBOX": 700, "Sent": 350, "Archive": 150, "Archive/2021": 400,
    "Mailing lists": 200, "Trash": 120, "Entw&APw-rfe": 80,
}
LARGEST = 25_000_000


class Message:
    """One message to make: where, what size, when, which flags."""

    __slots__ = ("folder", "number", "size", "when", "flags")

    def __init__(self, folder, number, size, flags=("\\Seen",)):
        self.folder = folder
        self.number = number
        self.size = size
        self.when = EPOCH + number * STEP
        self.flags = flags

    def internaldate(self):
        return time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(self.when))


def make_pool(size=4_000_000):
    rng = random.Random(SEED)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    count = size // LINE
    lines = ("".join(rng.choices(letters, k=LINE - 2)) for _ in range(4096))
    block = ("\r\n".join(lines) + "\r\n").encode()
    return block * max(1, count // 4096)


class Maker:
    """Makes the octets of messages."""

    def __init__(self):
        self.pool = make_pool()

    def body(self, number, size):
        """Whole lines from a place in the pool that depends on the number."""
        start = (number * 7919 % 4096) * LINE
        parts = []
        while size > 0:
            part = self.pool[start:start + size]
            parts.append(part)
            size -= len(part)
            start = 0
        text = b"".join(parts)
        return text[:-2] + b"\r\n" if len(text) > 2 else b"\r\n"

    def octets(self, m):
        """The wire form: CRLF line ends, exactly m.size octets or its head."""
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000",
                             time.gmtime(m.when))
        head = (
            f"Return-Path: <sender{m.number % 97}@example.org>\r\n"
            f"Date: {date}\r\n"
            f"From: Sender {m.number % 97} <sender{m.number % 97}@example.org>"
            f"\r\nTo: Owner <owner@example.com>\r\n"
            f"Subject: Message {m.number} in {m.folder}\r\n"
            f"Message-ID: <{m.number}.{m.size}@bench.example.org>\r\n"
            "MIME-Version: 1.0\r\n"
            'Content-Type: application/octet-stream; name="data.bin"\r\n'
            "Content-Transfer-Encoding: base64\r\n\r\n").encode()
        return head + self.body(m.number, max(m.size - len(head), 2))


def flags_of(number):
    kinds = (("\\Seen",), ("\\Seen",), ("\\Seen", "\\Answered"), (),
             ("\\Seen", "\\Flagged"))
    return kinds[number * 31 % len(kinds)]


def log_normal_sizes(count, median, sigma, largest):
    """Quantiles rather than draws: the sum does not depend on luck."""
    normal = statistics.NormalDist()
    sizes = [int(median * math.exp(sigma * normal.inv_cdf((i + 0.5) / count)))
             for i in range(count - 1)]
    sizes = [max(700, min(s, largest)) for s in sizes] + [largest]
    random.Random(SEED).shuffle(sizes)
    return sizes


def mixed():
    """2,000 messages, about 70 MB, median 11 kB, tail to 25 MB."""
    sizes = log_normal_sizes(sum(MIXED_FOLDERS.values()), 11_000, 1.2, LARGEST)
    number = 0
    for folder, count in MIXED_FOLDERS.items():
        for _ in range(count):
            yield Message(folder, number, sizes[number], flags_of(number))
            number += 1


def even(folders, each, size):
    """Folders of equal messages: the big mailboxes."""
    number = 0
    for folder in folders:
        for _ in range(each):
            yield Message(folder, number, size, flags_of(number))
            number += 1


def command_stream(messages, maker, user, password, batch=100,
                   batch_octets=4_000_000, multiappend=True):
    """Yields the pieces of a recorded session, for replay.c.

    MULTIAPPEND batches, or one APPEND each with LITERAL+, all pipelined.
    """
    yield f"A0 LOGIN {user} {password}\r\n".encode()
    made = {"INBOX"}
    tag = 0
    open_folder = None
    in_batch = octets = 0
    for m in messages:
        full = in_batch >= batch or octets >= batch_octets or not multiappend
        if open_folder is not None and (open_folder != m.folder or full):
            yield b"\r\n"
            open_folder = None
        if m.folder not in made:
            made.add(m.folder)
            tag += 1
            yield f'A{tag} CREATE "{m.folder}"\r\n'.encode()
        if open_folder is None:
            tag += 1
            yield f'A{tag} APPEND "{m.folder}"'.encode()
            open_folder = m.folder
            in_batch = octets = 0
        text = maker.octets(m)
        yield (f' ({" ".join(m.flags)}) "{m.internaldate()}" '
               f"{{{len(text)}+}}\r\n").encode()
        yield text
        in_batch += 1
        octets += len(text)
    if open_folder is not None:
        yield b"\r\n"
    yield b"Z LOGOUT\r\n"
