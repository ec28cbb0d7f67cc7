# SPDX-License-Identifier: Apache-2.0
"""Exchange's IMAP: APPEND (m365.md B.3, B.4).

The arguments are judged first, the literal is read next, then the message:
long lines, NUL, size of the account that signs in, quota, rate. A refusal
of a synchronising literal comes instead of the "+"; the octets of the other
kind are read and thrown away, so that they are never taken for commands.
\\Flagged is kept for IMAP alone, keywords are dropped, $MDNSent becomes a
category that everybody sees.
"""
import re

from .imap_answer import Answer, End, refuse
from .imap_folders import find
from .imap_parse import BadArguments, Quoted, date_time, flags, parse
from .model import Message, QuotaFull

HARD_LIMIT = 150 << 20      # no mailbox takes more
TOO_BIG = "Maximum size of appendable message has been exceeded"
NOTE = "$MDNSent"


def longest_line_over(octets, limit):
    """Whether a line has more octets than the limit, without its end."""
    at = 0
    while at + limit < len(octets):
        end = octets.rfind(b"\n", at, at + limit + 2)
        if end < 0:
            return True
        at = end + 1
    return False


def arguments(command):
    """(mailbox, flags, seconds or None) of the text before the literal."""
    if command.message is None:
        raise BadArguments("no literal")
    text = command.text[:command.message.start()]
    if not text.endswith(b" "):
        raise BadArguments("space")
    values = parse(text[:-1])
    if not values or isinstance(values[0], list):
        raise BadArguments("mailbox")
    mailbox, rest = values[0], values[1:]
    names, when = [], None
    if rest and isinstance(rest[0], list):
        names = flags(rest.pop(0))
    if rest and isinstance(rest[0], Quoted):
        when = date_time(rest.pop(0).decode("latin-1")).timestamp()
    if rest or any(n.startswith("\\") and n.lower() not in (
            "\\seen", "\\answered", "\\flagged", "\\deleted", "\\draft")
            for n in names):
        raise BadArguments("flags or date")
    return mailbox, names, when


def size_limit(session):
    limit = min(session.admitted.account.receive_limit,
                session.admitted.account.send_limit)
    return min(limit, HARD_LIMIT) if limit else HARD_LIMIT


async def read(session, command):
    """The message and what ends the command."""
    size = int(command.message.group(1))
    octets = await session.literal(command, command.message)
    rest = await session.wire.line(1 << 16)
    command.message = None
    if rest or not size:
        # MULTIAPPEND is not offered.
        raise BadArguments("more than a message")
    return octets


def judge(session, octets):
    if longest_line_over(octets, session.option("line")):
        raise BadArguments("line")
    if session.option("nul") and b"\0" in octets:
        raise BadArguments("NUL")
    if session.option("header8"):
        end = octets.find(b"\r\n\r\n")
        if re.search(rb"[\x80-\xff]", octets[:end] if end >= 0 else octets):
            raise BadArguments("8-bit header")


def store(session, folder, octets, names, when):
    """Answers with the new UID. Whoever waits for it may be gone."""
    given = {n.lower() for n in names}
    if session.option("ignore_date"):
        when = None
    message = Message(
        raw=octets, received=when, is_read="\\seen" in given,
        is_draft="\\draft" in given, answered="\\answered" in given,
        deleted="\\deleted" in given, imap_flagged="\\flagged" in given,
        mdn_sent=NOTE.lower() in given,
        categories=[NOTE] if NOTE.lower() in given else [])
    try:
        session.mailbox.add(folder, message)
    except QuotaFull:
        raise Answer(*session.full()) from None
    raise Answer("OK", f"[APPENDUID {folder.uidvalidity} {message.uid}] "
                 "APPEND completed.")


def throttle(session):
    refusal = session.core.limits.append(session.mailbox.address)
    if refusal:
        session.throttled(refusal.backoff_ms)


async def append(session, command, fault):
    mailbox, names, when = arguments(command)
    folder = find(session, mailbox, "[TRYCREATE] Mailbox doesn't exist.")
    if folder.folder_class != "IPF.Note" or folder.well_known == "outbox":
        session.breach("imap-not-mail", command)
    if int(command.message.group(1)) > size_limit(session):
        refuse(TOO_BIG)
    if fault and fault.what == "drop-mid":
        await session.invite(command, command.message)
        await session.wire.exactly(int(command.message.group(1)) // 2)
        raise End(abort=True)
    octets = await read(session, command)
    await session.core.latency()
    session.check_token()
    throttle(session)

    async def act():
        judge(session, octets)
        if folder.id not in session.mailbox.by_id:
            refuse("[TRYCREATE] Mailbox doesn't exist.")
        store(session, folder, octets, names, when)

    await session.acted(fault, act)
