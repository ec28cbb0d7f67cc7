# SPDX-License-Identifier: Apache-2.0
"""The harness itself: a fault that does not strike proves nothing."""
import imaplib
import ssl
from collections import Counter

import pytest

from harness import corpus, mailbox
from harness.program import until
from harness.proxy import (CutAppend, CutFetch, CutReply, Drip, HoldAppend,
                           Say, huge_literal)

LOST = (OSError, imaplib.IMAP4.abort, imaplib.IMAP4.error, EOFError)


def box(port, server):
    return mailbox.Mailbox("127.0.0.1", port, "bob", server.password)


def test_corpus_survives_dovecot(dovecot):
    """What a server changes by itself would be blamed on the program."""
    messages = corpus.mailbox(40)
    for format in ("maildir", "mdbox"):
        m = dovecot(format=format).mailbox("alice").fill(messages)
        assert mailbox.nonempty(m.dump()) == {
            folder: Counter((mailbox.sha(x.octets), tuple(sorted(x.flags)),
                             x.date) for x in all_of_them)
            for folder, all_of_them in messages.items()}


def test_missing_capabilities(dovecot):
    m = dovecot(without=["MULTIAPPEND", "LITERAL+"]).mailbox("alice")
    m.imap.capability()
    caps = m.imap.capability()[1][0].split()
    assert b"MULTIAPPEND" not in caps and b"LITERAL+" not in caps
    assert b"UIDPLUS" in caps


def test_tls(dovecot, authority, good_cert):
    server = dovecot(tls=good_cert)
    context = ssl.create_default_context(cafile=authority.file)
    imap = imaplib.IMAP4_SSL("localhost", server.tls_port,
                             ssl_context=context, timeout=60)
    assert imap.login("alice", server.password)[0] == "OK"
    imap.logout()


def test_proxy_counts(dovecot, proxy):
    server = dovecot()
    p = proxy(server.port, cap=1)
    with box(p.port, server) as m:
        m.fill({"INBOX": corpus.varied(13)})
        assert len(m.messages("INBOX")) == 13
        with pytest.raises(LOST):
            box(p.port, server).imap
    assert (p.opened, p.max_open, p.refused) == (2, 1, 1)
    assert p.up > 300_000 and p.down > 300_000
    assert p.commands.count("APPEND") == 1


@pytest.mark.parametrize("fault,stored", [
    (CutAppend(100), 0), (CutReply("APPEND"), 3)])
def test_cut_append(dovecot, proxy, fault, stored):
    server = dovecot()
    p = proxy(server.port, [fault])
    with pytest.raises(LOST):
        box(p.port, server).fill({"INBOX": corpus.plain(3)})
    assert fault.struck == 1
    with server.mailbox("bob") as m:
        assert len(m.messages("INBOX")) == stored


@pytest.mark.parametrize("fault", [
    CutFetch(50), Say(huge_literal(), when="data", name="FETCH"),
    Say(b"* BYE enough\r\n", when="command", name="UID FETCH")])
def test_cut_fetch(dovecot, proxy, fault):
    server = dovecot()
    server.mailbox("bob").fill({"INBOX": corpus.plain(3)})
    p = proxy(server.port, [fault])
    with pytest.raises(LOST):
        box(p.port, server).messages("INBOX")
    assert fault.struck == 1
    assert len(box(p.port, server).messages("INBOX")) == 3


def test_drip(dovecot, proxy):
    server = dovecot()
    server.mailbox("bob").fill({"INBOX": corpus.plain(1, 50)})
    p = proxy(server.port, [Drip(interval=0.0005)])
    assert len(box(p.port, server).messages("INBOX")) == 1
    assert p.fired == 1


def test_hold_append(dovecot, proxy):
    server = dovecot()
    hold = HoldAppend(listings=1)
    p = proxy(server.port, [hold])
    with pytest.raises(LOST):
        box(p.port, server).fill({"INBOX": corpus.plain(2)})
    with box(p.port, server) as m:
        assert m.status("INBOX")["MESSAGES"] == 0
        until(lambda: hold.committed)
        assert m.status("INBOX")["MESSAGES"] == 2


def test_delay(dovecot, proxy):
    server = dovecot()
    p = proxy(server.port, delay=0.002)
    with box(p.port, server) as m:
        m.fill({"INBOX": corpus.varied(26)})
        assert len(m.messages("INBOX")) == 26


def test_fake_takes_what_dovecot_takes(fake):
    server = fake()
    m = box(server.port, server)
    messages = {"INBOX": corpus.varied(13), "Work": corpus.plain(3)}
    m.fill(messages)
    assert m.dump() == server.dump()
    assert server.octets("INBOX") == Counter(
        mailbox.sha(x.octets) for x in messages["INBOX"])


def test_fake_runs_bodies_as_commands(fake):
    """The hole that test_injection.py is about exists in the fake."""
    server = fake(bad_append=True)
    m = box(server.port, server)
    m.imap.send(b"x1 APPEND INBOX (\\Recent) {18+}\r\nx2 CREATE pwned\r\n\r\n"
                b"\r\n")
    answers = [m.imap.readline() for _ in range(2)]
    assert answers[0].startswith(b"x1 BAD") and b"x2 OK" in answers[1]
    assert "pwned" in server.folders


def test_fake_poison_and_refusals(fake):
    server = fake(poison=[rb"poison"], max_size=5000,
                  refuse=[(rb"X-Bad", "NO [CANNOT] not here")])
    with pytest.raises(LOST):
        box(server.port, server).append("INBOX", b"Subject: poison\r\n\r\n")
    for octets in (b"X-Bad: 1\r\n\r\n", b"a: b\r\n\r\n" + b"x" * 6000):
        with pytest.raises(AssertionError, match="NO"):
            box(server.port, server).append("INBOX", octets)
    assert not server.octets("INBOX")
