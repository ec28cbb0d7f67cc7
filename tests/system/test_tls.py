# SPDX-License-Identifier: Apache-2.0
"""Everything that must be refused before a password leaves, each with its
own plain sentence; and sign-ins that a server refuses."""
import socket

import pytest

from harness import certs, compare, corpus
from harness.mailbox import Msg

HASTE = {"MAILHAUL_TEST_CONNECT_MS": "3000",
         "MAILHAUL_TEST_DEADLINE_MS": "3000"}


def refused(job, locator, *args, codes=(3,), env=HASTE):
    """Tries to read from it; gives back what was said."""
    done = job.run("copy", locator, f"maildir:{job.path}/to", *args,
                   env=env, timeout=180)
    assert done.code in codes, done
    assert not (job.path / "to" / "cur").exists() or not list(
        (job.path / "to" / "cur").iterdir())
    said = [line for line in done.said.splitlines() if line.strip()]
    assert said, done
    assert max(len(line.split()) for line in said) >= 6, done
    return done.said


@pytest.fixture
def bad(authority, fake):
    """Servers by what is wrong with them."""
    stranger = certs.Authority(authority.path + "/stranger", "stranger")
    pairs = {
        "expired": authority.server("old", days=-1),
        "self-signed": certs.Authority(
            authority.path + "/own").self_signed(),
        "wrong name": authority.server(
            "other", names=["mail.example.net"], addresses=[]),
        "unknown authority": stranger.server("strange"),
    }
    return {name: fake(tls=pair) for name, pair in pairs.items()}


def test_each_refusal_has_its_own_sentence(job, bad, authority):
    said = {}
    for name, server in bad.items():
        said[name] = refused(job, server.locator("alice"), "--ca-file",
                             authority.file)
        assert not server.signed_in and "LOGIN" not in server.commands
        assert "AUTHENTICATE" not in server.commands
    plain = {name: "".join(c for c in text if not c.isdigit())
             for name, text in said.items()}
    assert len(set(plain.values())) == len(plain), said
    assert "expired" in said["expired"].lower()
    assert "mail.example.net" in said["wrong name"] \
        or "name" in said["wrong name"].lower()


def test_starttls_checks_the_same(job, fake, authority):
    for label, options in (("s1", dict(days=-1)),
                           ("s2", dict(names=["x.example.net"],
                                       addresses=[]))):
        server = fake(starttls=authority.server(label, **options))
        refused(job, server.locator("alice"), "--ca-file", authority.file)
        assert not server.signed_in
        assert "LOGIN" not in server.commands


def test_without_the_ca_file_it_is_refused(job, fake, good_cert):
    server = fake(tls=good_cert)
    refused(job, server.locator("alice"))
    assert not server.signed_in


def test_address_not_in_the_certificate(job, fake, authority):
    server = fake(tls=authority.server("named", addresses=[]))
    refused(job, server.locator("alice", host="127.0.0.1"), "--ca-file",
            authority.file)
    assert not server.signed_in


def test_good(job, fake, authority, good_cert):
    for host in ("localhost", "127.0.0.1"):
        server = fake(tls=good_cert).fill({"INBOX": [Msg(b"a: b\r\n\r\n")]})
        job.run("copy", server.locator("alice", host=host),
                f"maildir:{job.path}/to", "--ca-file", authority.file,
                check=0)
        assert server.signed_in


def test_pin(job, new_job, fake, authority, good_cert):
    """The certificate and no other, whoever vouches for it."""
    alone = certs.Authority(authority.path + "/pin").self_signed("pinned")
    server = fake(tls=alone)
    job.run("copy", server.locator("alice"), f"maildir:{job.path}/to",
            "--pin", certs.fingerprint(alone.cert), check=0)
    other = fake(tls=good_cert)
    refused(new_job("other"), other.locator("alice"), "--ca-file",
            authority.file, "--pin", certs.fingerprint(alone.cert))
    assert not other.signed_in


def test_starttls_stripped(job, fake):
    server = fake(strip_starttls=True)
    said = refused(job, server.locator("alice"))
    assert "encrypt" in said.lower() or "starttls" in said.lower()
    assert not server.signed_in
    assert "LOGIN" not in server.commands


@pytest.mark.parametrize("scheme", ["imaps", "imap", "imap+cleartext"])
def test_preauth(job, fake, authority, good_cert, scheme):
    """A mailbox that nobody asked a password for may be anybody's."""
    kind = {"imaps": dict(tls=good_cert), "imap": dict(starttls=good_cert),
            "imap+cleartext": {}}[scheme]
    server = fake(greeting="PREAUTH welcome, whoever you are", **kind)
    server.add("INBOX", b"a: b\r\n\r\n")
    refused(job, server.locator("alice", scheme=scheme), "--ca-file",
            authority.file, codes=(2, 3))


def test_wrong_password(job, dovecot):
    server = dovecot()
    job.env["MAILHAUL_FROM_PASSWORD"] = "not-it"
    said = refused(job, server.locator("alice"))
    assert "password" in said.lower()
    assert "not-it" not in said


def test_sign_in_refused_for_another_reason(job, fake):
    server = fake(login="NO [UNAVAILABLE] backend is down; "
                        "try again in 1 second")
    refused(job, server.locator("alice"), codes=(2, 3))


def test_unknown_host(job):
    said = refused(job, "imaps://alice@no-such-host.invalid", codes=(2, 3))
    assert "no-such-host.invalid" in said


def test_nobody_listens(job):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))  # nobody else gets it
        port = s.getsockname()[1]
        refused(job, f"imaps://alice@127.0.0.1:{port}", codes=(2, 3))


def test_silent_server(job):
    with socket.create_server(("127.0.0.1", 0), backlog=20) as s:
        port = s.getsockname()[1]
        for scheme in ("imaps", "imap+cleartext"):
            refused(job, f"{scheme}://alice@127.0.0.1:{port}", codes=(2, 3),
                    env={name: "500" for name in HASTE})


def test_no_tls_where_tls_is_expected(job, fake):
    server = fake()
    refused(job, server.locator("alice", scheme="imaps"), codes=(2, 3))


def test_password_command_is_asked_again(job, dovecot, tmp_path):
    """A command's password that is refused is asked for once more."""
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill({"INBOX": corpus.plain(2)})
    script, count = tmp_path / "ask", tmp_path / "count"
    (tmp_path / "pw").write_text(source.password + "\n")
    script.write_text(
        f"#!/bin/sh\necho x >>{count}\n"
        f"if [ $(wc -l <{count}) -ge 2 ]; then cat {tmp_path}/pw; "
        "else echo stale; fi\n")
    script.chmod(0o700)
    del job.env["MAILHAUL_FROM_PASSWORD"]
    job.run("copy", source.locator("alice"), target.locator("bob"),
            "--from-password-command", script, check=0)
    compare.all_there(box, target.mailbox("bob"))
