# SPDX-License-Identifier: Apache-2.0
"""A second opinion on XOAUTH2: Dovecot with its own OAuth2 passdb.

The practice tenant signs the tokens, Dovecot judges how they are presented.
The first tests are about Dovecot as we set it up, with a client of
Python's; the others about the program.
"""
import imaplib
import pathlib
import ssl

import pytest

from harness import corpus, dovecot as dovecots
from harness.mailbox import Msg, octets_of, sha
from harness.oauth_dovecot import OAuthDovecot, claims, make_token
from harness.practice import Practice

ANN = "ann@contoso.com"
REFUSED = b'{"status":"401","schemes":"bearer","scope":"mail"}'


@pytest.fixture
def oauth(request, good_cert):
    """oauth(**options) starts one; all are stopped at the end."""
    if not dovecots.available():
        pytest.fail("Dovecot is not installed (dovecot-imapd)")
    started = []

    def start(**options):
        started.append(OAuthDovecot(tls=good_cert, **options).start())
        return started[-1]

    yield start
    report = getattr(request.node, "report_call", None)
    for server in started:
        if report is not None and report.failed:
            print(server.log()[-3000:])
        for box in server.opened:
            box.close()
        server.stop()


# --- Dovecot itself ----------------------------------------------------------

def authenticate(server, ca_file, user, token):
    """None, or what came with the refusal."""
    challenges = []

    def answer(challenge):
        challenges.append(challenge)
        if len(challenges) > 1:
            return b""
        return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()

    client = imaplib.IMAP4_SSL(
        "localhost", server.tls_port,
        ssl_context=ssl.create_default_context(cafile=ca_file))
    try:
        client.authenticate("XOAUTH2", answer)
        client.select()
        return None
    except imaplib.IMAP4.error:
        return challenges[1:]
    finally:
        client.shutdown()


def test_dovecot_asks_about_a_token(oauth, authority):
    d = oauth()
    good = make_token()
    assert authenticate(d, authority.file, ANN, good) is None
    assert d.asked == [good]
    for user, token in ((ANN, make_token(exp=1)), (ANN, "nonsense"),
                        ("bob@contoso.com", good)):
        assert authenticate(d, authority.file, user, token) == [REFUSED]
    d.refuse = True
    assert authenticate(d, authority.file, ANN, good) == [REFUSED]


def test_dovecot_verifies_a_token_by_itself(oauth, authority):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    key, other = (rsa.generate_private_key(65537, 2048) for _ in "ab")
    d = oauth(key=key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo))
    assert authenticate(d, authority.file, ANN, make_token(key)) is None
    for token in (make_token(other), make_token(key, exp=1), make_token()):
        assert authenticate(d, authority.file, ANN, token) == [REFUSED]


# --- The program -------------------------------------------------------------

def app_token(token):
    """An app's token names nobody: the mailbox is the one asked for."""
    said = claims(token)
    if said.get("aud") != "https://outlook.office365.com" or \
            "IMAP.AccessAsApp" not in said.get("roles", []):
        return None
    return {**said, "upn": ANN}


class World:
    """A source, Dovecot in the place of Exchange, and a tenant that signs
    people in."""

    def __init__(self, source, target, tenant, job, ca_file):
        self.source, self.target = source, target
        self.tenant, self.job, self.ca_file = tenant, job, ca_file
        target.judge = app_token
        job.env.update(tenant.env)
        job.env["MAILHAUL_M365_IMAP"] = target.imap

    def run(self, command="copy", *more, **kw):
        return self.job.run(
            command, self.source.locator("alice"), f"m365+imap:{ANN}",
            "--ca-file", self.ca_file, *more, **kw)

    def arrived(self):
        return octets_of(self.target.mailbox(ANN).dump())

    def traces(self):
        """Everything that the program has left on the disk."""
        for path in pathlib.Path(self.job.path).rglob("*"):
            if path.is_file():
                yield path, path.read_bytes()


MAIL = corpus.plain(6, 400, seed=42)


@pytest.fixture
def world(dovecot, oauth, job, tmp_path, authority):
    source, target = dovecot(), oauth()
    source.mailbox("alice").fill(
        {"INBOX": [Msg(m.octets, ("\\Seen",), corpus.START) for m in MAIL]})
    with Practice() as tenant:
        both = tmp_path / "both.pem"
        both.write_bytes(pathlib.Path(authority.file).read_bytes() +
                         pathlib.Path(tenant.ca_file).read_bytes())
        yield World(source, target, tenant, job, both)


def test_a_token_that_dovecot_accepts(world):
    world.run(check=0)
    assert world.arrived()["INBOX"] == {sha(m.octets): 1 for m in MAIL}
    token = world.target.asked[0]
    assert claims(token)["roles"] == ["IMAP.AccessAsApp"]
    # Found in the cache of tokens and nowhere else.
    for path, octets in world.traces():
        if "tokens" not in path.parts:
            assert token.encode() not in octets, path
            assert b"practice-secret" not in octets, path


def test_a_refused_token(world):
    """The challenge is answered, the refusal is told; a person must act."""
    world.target.refuse = True
    done = world.run(check=3)
    assert ANN in done.said
    assert "token" in done.said or "sign" in done.said.lower()
    assert not any(t in done.said for t in world.target.asked)
    assert world.target.asked
    # Two challenges would be a session that never came to its end.
    assert "auth failed" in world.target.log()
    assert "INBOX" not in world.arrived() or not world.arrived()["INBOX"]
    world.target.refuse = False
    world.job.run("run", "--ca-file", world.ca_file, check=0)
    assert world.arrived()["INBOX"] == {sha(m.octets): 1 for m in MAIL}


def test_another_token_after_the_first_is_refused(world):
    """The first one has been withdrawn: a fresh one is fetched."""
    first = []

    def judge(token):
        first.append(token)
        return None if token == first[0] else app_token(token)

    world.target.judge = judge
    world.run(check=0)
    assert len(set(world.target.asked)) == 2
    assert world.arrived()["INBOX"] == {sha(m.octets): 1 for m in MAIL}


def test_reading_by_token(world):
    """m365+imap: as where mail comes from."""
    world.target.mailbox(ANN).fill(
        {"INBOX": [Msg(m.octets, (), corpus.START) for m in MAIL]})
    to = world.source.mailbox("bob")
    world.job.run("copy", f"m365+imap:{ANN}", world.source.locator("bob"),
                  "--ca-file", world.ca_file, check=0)
    assert octets_of(to.dump())["INBOX"] == {
        sha(m.octets): 1 for m in MAIL}


def test_dovecot_without_xoauth2(world, dovecot, good_cert):
    """A server that is no Exchange: the token is not even sent."""
    other = dovecot(tls=good_cert)
    world.job.env["MAILHAUL_M365_IMAP"] = \
        f"imaps://localhost:{other.tls_port}"
    done = world.run()
    assert done.code in (3, 2), done
    assert "XOAUTH2" in done.said, done
