# SPDX-License-Identifier: Apache-2.0
"""The practice tenant's IMAP against m365.md B: what Exchange says, refuses
and forgets. The server runs in this process, so that a test can look at,
and spoil, what it holds; the client is a socket that says what it is told.
"""
import base64
import re
import threading
import time

import pytest

from harness.practice_imap import (GONE, MAIL, Tenant, imap_signin, model,
                                   xoauth2)
from harness.program import until


@pytest.fixture
def tenant(tmp_path):
    made = []

    def start(**config):
        path = tmp_path / f"tenant{len(made)}"
        path.mkdir()
        made.append(Tenant(path, **config))
        return made[-1]

    yield start
    for t in made:
        t.stop()


@pytest.fixture
def t(tenant):
    return tenant()


# --- Greeting, sign-in -------------------------------------------------------

def test_greeting_and_capabilities(t):
    c = t.client()
    assert re.match(r"\* OK Microsoft Exchange IMAP4 service ready\. "
                    r"[0-9a-f-]{36} \(tcpproxy/15\.21\.0406\.000 "
                    r"BACKENDAUTHENTICATE\) \[[A-Za-z0-9+/=]+\]$",
                    c.greeting)
    assert c.do("CAPABILITY")[0] == (
        "CAPABILITY IMAP4 IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED SASL-IR "
        "UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+")
    assert c.sign_in("ann@contoso.com", t.token()) == [
        "OK AUTHENTICATE completed."]
    assert c.do("CAPABILITY")[0] == (
        "CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS "
        "MOVE ID UNSELECT CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION "
        "BACKENDAUTHENTICATE BACKENDAUTHENTICATE-IR CHILDREN IDLE NAMESPACE "
        "LITERAL+")
    assert c.do("NAMESPACE")[0] == 'NAMESPACE (("" "/")) NIL NIL'


def test_capabilities_of_other_years(tenant):
    c = tenant(imap4rev2=True).signed_in()
    assert " UNSELECT ENABLE IMAP4rev2 CLIENTACCESSRULES " in \
        c.do("CAPABILITY")[0]
    assert c.do("ENABLE IMAP4rev2")[0] == "ENABLED IMAP4rev2"
    c = tenant(old_greeting=True).client()
    assert c.greeting.startswith(
        "* OK The Microsoft Exchange IMAP4 service is ready. [")
    assert c.do("CAPABILITY")[0] == (
        "CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS "
        "MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+")


def test_passwords_are_of_no_use(t):
    c = t.client()
    assert c.do("LOGIN ann@contoso.com secret") == ["NO LOGIN failed."]
    assert c.do("AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=") == [
        "NO AUTHENTICATE failed."]


def test_sign_in_without_initial_response(t):
    c = t.client()
    assert c.do("AUTHENTICATE XOAUTH2") == ["+ "]
    c.send(xoauth2("ann@contoso.com", t.token()) + b"\r\n")
    assert c.until("t1") == ["OK AUTHENTICATE completed."]


def test_refused_tokens(t):
    refused = ["NO AUTHENTICATE failed."]
    ann = "ann@contoso.com"
    for token in ("x", "", t.token()[:-4] + "AAAA",
                  t.token(scope="https://graph.microsoft.com/Mail.ReadWrite"),
                  t.token(scope="https://outlook.office.com/SMTP.Send"),
                  t.app_token(model.GRAPH)):
        assert t.client().sign_in(ann, token) == refused
    c = t.client()
    assert c.do("AUTHENTICATE XOAUTH2 !!!") == refused
    good = t.token()
    assert c.do(b"AUTHENTICATE XOAUTH2 " + base64.b64encode(
        f"user={ann}\x01auth=Bearer {good}\x01".encode())) == refused
    assert c.sign_in(ann, good) == ["OK AUTHENTICATE completed."]
    t.app.roles[model.OUTLOOK_APP] = []
    assert t.client().sign_in(ann, t.app_token()) == refused


def test_an_expired_token_is_refused(tenant):
    t = tenant(token_life=0.3)
    token = t.token()
    time.sleep(0.4)
    assert t.client().sign_in("ann@contoso.com", token) == [
        "NO AUTHENTICATE failed."]


def unusable(client):
    return client.do("NOOP") + client.rest() == [
        "BAD User is authenticated but not connected.",
        "* BYE Connection closed. 14"]


@pytest.mark.parametrize("spoil", [
    lambda t: setattr(t.ann, "imap_enabled", False),
    lambda t: setattr(t.ann, "licensed", False),
    lambda t: setattr(t.ann, "provisioned", False),
    lambda t: setattr(t.app, "service_principal", False),
    lambda t: setattr(t.core.tenant, "app_full_access", False)])
def test_authenticated_but_not_connected(t, spoil):
    spoil(t)
    assert unusable(t.signed_in(token=t.app_token()))


def test_not_connected_by_wrong_name(t):
    assert unusable(t.signed_in("nobody@contoso.com"))
    assert unusable(t.signed_in("bob@contoso.com"))
    t.core.tenant.full_access.add(("ann@contoso.com", "bob@contoso.com"))
    c = t.signed_in("bob@contoso.com")
    assert c.do("SELECT INBOX")[-1].startswith("OK")


def test_not_connected_for_once(t):
    t.fault("AUTHENTICATE ann", "not-connected")
    assert unusable(t.signed_in())
    assert t.signed_in().do("NOOP") == ["OK NOOP completed."]


def test_connection_cap(t):
    t.core.limits.imap_connections = 2
    first, second = t.signed_in(), t.signed_in()
    assert unusable(t.signed_in())
    assert "imap-connections" in t.breaches()
    second.close()
    until(lambda: t.core.limits.state()["imap"][0]["connections"] == 1)
    assert t.signed_in().do("NOOP") == ["OK NOOP completed."]
    assert first.do("NOOP") == ["OK NOOP completed."]


EXPIRED = "BYE Session invalidated - AccessTokenExpired"


def test_a_token_that_ends_in_mid_session(t, monkeypatch):
    c, idle = t.signed_in(), t.signed_in()
    assert c.do("SELECT INBOX")[-1].startswith("OK")
    assert idle.do("SELECT INBOX")[-1].startswith("OK")
    assert idle.do("IDLE") == ["+ IDLE accepted, awaiting DONE command."]
    assert c.append()[-1].startswith("OK")
    assert idle.line() == "* 1 EXISTS"
    monkeypatch.setattr(imap_signin, "expired", lambda admitted: True)
    assert c.append() == [EXPIRED, GONE]
    assert idle.rest()[-1] == "* " + EXPIRED
    assert len(t.ann.folder("inbox").messages) == 1


# --- Folders -----------------------------------------------------------------

def test_list(t):
    t.call(t.ann.create_folder, t.ann.root, "Übersicht & mehr")
    c = t.signed_in()
    said = c.do('LIST "" "*"')[:-1]
    assert 'LIST (\\HasNoChildren) "/" INBOX' in said
    assert 'LIST (\\HasNoChildren \\Trash) "/" "Deleted Items"' in said
    assert 'LIST (\\HasNoChildren \\Sent) "/" "Sent Items"' in said
    assert 'LIST (\\HasNoChildren \\Drafts) "/" Drafts' in said
    assert 'LIST (\\HasNoChildren \\Junk) "/" "Junk Email"' in said
    for name in "Calendar", "Contacts", "Outbox", "Journal", "Notes":
        assert f'LIST (\\HasNoChildren) "/" {name}' in said
    assert 'LIST (\\HasNoChildren) "/" "&ANw-bersicht &- mehr"' in said
    assert not [s for s in said if "Sync" in s or "Conflicts" in s]
    assert c.do('LIST "" ""')[0] == 'LIST (\\Noselect) "/" ""'
    assert c.do('LIST "" inbox')[0].endswith(" INBOX")
    assert c.do('LIST "" (A B)') == ["BAD Command Argument Error. 11"]
    t.add()
    assert c.do('LIST "" INBOX')[0] == \
        'LIST (\\Marked \\HasNoChildren) "/" INBOX'


def test_default_folders_in_another_language(tenant):
    t = tenant(language="de-DE")
    c = t.signed_in()
    said = c.do('LIST "" "*"')
    assert 'LIST (\\HasNoChildren \\Sent) "/" "Gesendete Elemente"' in said
    assert 'LIST (\\HasNoChildren \\Trash) "/" "Gel&APY-schte Elemente"' \
        in said
    assert 'LIST (\\HasNoChildren) "/" INBOX' in said
    assert not [s for s in said if "Posteingang" in str(s)]
    assert c.do("CREATE Posteingang") == ["NO Mailbox already exists."]


def test_create(t):
    c = t.signed_in()
    assert c.do("CREATE Work/2024/July") == ["OK CREATE completed."]
    assert c.do('LIST "" "Work*"')[:-1] == [
        'LIST (\\HasChildren) "/" Work',
        'LIST (\\HasChildren) "/" Work/2024',
        'LIST (\\HasNoChildren) "/" Work/2024/July']
    assert c.do('LIST "" "Work/%"')[:-1] == [
        'LIST (\\HasChildren) "/" Work/2024']
    assert c.do("CREATE WORK/2024/july") == ["NO Mailbox already exists."]
    assert c.do("CREATE Conflicts/x")[-1].startswith("OK")
    assert c.do('CREATE "Sync Issues"') == ["NO Mailbox already exists."]
    assert c.do("CREATE files") == ["NO Folder name is reserved."]
    assert c.do("CREATE Sub/FILES") == ["NO Folder name is reserved."]
    assert c.do("CREATE inbox/below")[-1].startswith("OK")
    assert c.do('LIST "" "INBOX/%"')[0].endswith("INBOX/below")
    assert c.do("CREATE a//b") == ["BAD Command Argument Error. 11"]
    assert c.do("CREATE caf\u00e9") == ["BAD Command Argument Error. 11"]
    assert c.do('CREATE "Trailing "')[-1].startswith("OK")
    assert t.ann.by_imap_name("Trailing") is not None


def test_rename_and_delete(t):
    c = t.signed_in()
    c.do("CREATE A/B")
    c.do("CREATE C")
    assert c.do("RENAME A/B C/D")[-1].startswith("OK")
    assert c.do('LIST "" "C/*"')[0].endswith(" C/D")
    assert c.do("RENAME A C") == ["NO Mailbox already exists."]
    assert c.do("RENAME C C/E")[-1].startswith("NO")
    assert c.do("DELETE C")[-1].startswith("NO")
    assert c.do("DELETE C/D")[-1].startswith("OK")
    assert c.do("DELETE Drafts")[-1].startswith("NO")
    assert c.do("SELECT C/D") == ["NO Mailbox doesn't exist."]


def test_subscriptions_and_status(t):
    c = t.signed_in()
    c.do("CREATE Work")
    assert not c.do('LSUB "" Work')[:-1]
    assert c.do("SUBSCRIBE Work")[-1].startswith("OK")
    assert c.do('LSUB "" Work')[0].endswith(" Work")
    c.append("Work")
    c.append("Work (\\Seen)")
    validity = t.ann.by_imap_name("Work").uidvalidity
    assert validity < 100
    assert c.do("STATUS work (MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT)")[
        0] == (f"STATUS Work (MESSAGES 2 UIDNEXT 3 UIDVALIDITY {validity} "
               "UNSEEN 1 RECENT 0)")
    assert c.do("STATUS Work (SIZE)") == ["BAD Command Argument Error. 11"]


def test_select(t):
    t.add(is_read=True)
    t.add()
    c = t.signed_in()
    validity = t.ann.folder("inbox").uidvalidity
    flags = "(\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)"
    assert c.do("SELECT inbox") == [
        "2 EXISTS", "0 RECENT", f"FLAGS {flags}",
        f"OK [PERMANENTFLAGS {flags}] Permanent flags",
        "OK [UNSEEN 2] Is the first unseen message",
        f"OK [UIDVALIDITY {validity}] UIDVALIDITY value",
        "OK [UIDNEXT 3] The next unique identifier value",
        "OK [READ-WRITE] SELECT completed."]
    said = c.do("EXAMINE Drafts")
    assert said[-1] == "OK [READ-ONLY] EXAMINE completed."
    assert not [s for s in said if "UNSEEN" in s]
    assert c.do("UNSELECT") == ["OK UNSELECT completed."]
    assert c.do("UID FETCH 1 (FLAGS)") == [
        "BAD Command received in Invalid state."]


# --- Messages ----------------------------------------------------------------

def test_append_and_read_back(t):
    c = t.signed_in()
    validity = t.ann.folder("inbox").uidvalidity
    assert c.append('INBOX (\\Seen \\Draft) "17-Jul-1996 02:44:25 -0700"')\
        == [f"OK [APPENDUID {validity} 1] APPEND completed."]
    assert c.append(plus=False)[-1].startswith("OK")
    c.do("SELECT INBOX")
    assert c.do("UID FETCH 1 (INTERNALDATE FLAGS RFC822.SIZE)")[0] == (
        '1 FETCH (UID 1 INTERNALDATE "17-Jul-1996 09:44:25 +0000" '
        f"FLAGS (\\Seen \\Draft) RFC822.SIZE {len(MAIL)})")
    assert c.do("UID FETCH 1:* (UID BODY.PEEK[])")[:-1] == [
        f"{n} FETCH (UID {n} BODY[] {{{len(MAIL)}}}\r\n{MAIL.decode()})"
        for n in (1, 2)]
    assert c.do("UID FETCH 2 BODY.PEEK[HEADER.FIELDS (Message-ID X)]")[
        0].endswith("{33}\r\nMessage-ID: <one@example.org>\r\n\r\n)")
    assert c.do("UID FETCH 2 (BODY.PEEK[]<9.3>)")[0] == (
        "2 FETCH (UID 2 BODY[]<9> {3}\r\ns\r\n)")
    assert c.do("UID FETCH 2 BODY.PEEK[HEADER]")[0].endswith(
        MAIL[:-7].decode() + ")")
    assert c.flags(2) == set()
    c.do("UID FETCH 2 (BODY[])")
    assert c.flags(2) == {"\\Seen"}
    inbox = t.ann.folder("inbox").messages
    assert inbox[1].is_draft and not inbox[2].is_draft


def test_flagged_by_append_is_forgotten(t):
    c = t.signed_in()
    c.do("SELECT INBOX")
    c.append("INBOX (\\Flagged \\Seen)")
    assert c.flags() == {"\\Seen", "\\Flagged"}
    message = t.ann.folder("inbox").messages[1]
    assert message.flag_status == "notFlagged"
    c.do("SELECT INBOX")
    assert c.flags() == {"\\Seen"}
    assert c.do("UID STORE 1 +FLAGS.SILENT (\\Flagged)") == [
        "OK UID STORE completed."]
    assert message.flag_status == "flagged"
    c.do("SELECT INBOX")
    assert c.flags() == {"\\Seen", "\\Flagged"}
    c.do("UID STORE 1 -FLAGS (\\Flagged)")
    assert message.flag_status == "notFlagged"


def test_keywords(t):
    c = t.signed_in()
    c.append("INBOX ($Forwarded Important $MDNSent)")
    message = t.ann.folder("inbox").messages[1]
    assert message.categories == ["$MDNSent"]
    c.do("SELECT INBOX")
    assert c.flags() == {"$MDNSent"}
    assert c.do("UID STORE 1 +FLAGS ($Junk \\Answered)")[0] == \
        "1 FETCH (UID 1 FLAGS (\\Answered $MDNSent))"


def test_the_ends_that_append_can_come_to(t):
    c = t.signed_in()
    wrong = ["BAD Command Argument Error. 11"]
    fine = b"Subject: x\r\n\r\n" + b"a" * 10_500 + b"\r\n"
    assert c.append(octets=fine)[-1].startswith("OK")
    for plus in True, False:
        assert c.append(octets=fine + b"b" * 10_501 + b"\r\n",
                        plus=plus) == wrong
    assert c.append(octets=b"a" * 10_501) == wrong
    assert c.append(octets=MAIL + b"\0\r\n") == wrong
    assert c.append("INBOX (\\Wrong)") == wrong
    assert c.append('INBOX "not a date"') == wrong
    for plus in True, False:
        assert c.append("Nowhere", plus=plus) == [
            "NO [TRYCREATE] Mailbox doesn't exist."]
    # The eighth error on this connection was the last so far.
    assert c.do("NOOP") == ["OK NOOP completed."]
    assert len(t.ann.folder("inbox").messages) == 1


def test_folders_that_hold_no_mail(t):
    c = t.signed_in()
    assert c.append("Calendar")[-1].startswith("OK")
    assert c.append("Drafts")[-1].startswith("OK")
    assert t.breaches() == ["imap-not-mail"]


def test_no_multiappend(t):
    c = t.signed_in()
    n = len(MAIL)
    c.send(b"x APPEND INBOX {%d+}\r\n%s {%d+}\r\n" % (n, MAIL, n))
    assert c.until("x") == ["BAD Command Argument Error. 11"]


def test_eight_bit_headers(tenant):
    octets = "Subject: é\r\n\r\né\r\n".encode()
    assert tenant().signed_in().append(octets=octets)[-1].startswith("OK")
    c = tenant(imap_header8=True).signed_in()
    assert c.append(octets=octets) == ["BAD Command Argument Error. 11"]
    assert c.append(octets="Subject: e\r\n\r\né\r\n".encode())[
        -1].startswith("OK")


def test_size_of_the_account_that_signs_in(t):
    big = MAIL + b"x\r\n" * 1000
    too_big = ["NO Maximum size of appendable message has been exceeded"]
    t.core.tenant.full_access.add(("ann@contoso.com", "bob@contoso.com"))
    bob = t.core.tenant.mailbox("bob@contoso.com")
    bob.receive_limit = 1000
    assert t.signed_in("bob@contoso.com").append(octets=big)[
        -1].startswith("OK")
    app = t.signed_in("bob@contoso.com", t.app_token())
    assert app.append(octets=big) == too_big
    t.ann.receive_limit, bob.receive_limit = 1000, 45_000_000
    c = t.signed_in("bob@contoso.com")
    for plus in True, False:
        assert c.append(octets=big, plus=plus) == too_big
    assert c.do("NOOP") == ["OK NOOP completed."]


def test_quota(tenant):
    t = tenant(quota=len(MAIL) + 10)
    c = t.signed_in()
    assert c.append()[-1].startswith("OK")
    assert c.append() == ["NO Server Unavailable. 15"]
    t.core.config.imap_quota_argument = True
    assert c.append() == ["BAD Command Argument Error. 11"]


def test_dates_can_be_ignored(tenant):
    t = tenant(imap_ignore_date=True)
    t.signed_in().append('INBOX "17-Jul-1996 02:44:25 -0700"')
    m = t.ann.folder("inbox").messages[1]
    assert abs(m.received - time.time()) < 60


def test_search_store_move(t):
    for n in range(3):
        t.add(raw=MAIL.replace(b"one", b"no%d" % n), received=n * 864000)
    c = t.signed_in()
    c.do("SELECT INBOX")
    assert c.do("UID SEARCH ALL")[0] == "SEARCH 1 2 3"
    assert c.do("UID SEARCH UID 2:*")[0] == "SEARCH 2 3"
    assert c.do("UID SEARCH SINCE 5-Jan-1970")[0] == "SEARCH 2 3"
    assert c.do('UID SEARCH HEADER Message-ID "<no1@example.org>"')[0] == \
        "SEARCH 2"
    assert c.do("UID SEARCH LARGER 9 NOT UID 2 UNSEEN OR 2 3")[0] == "SEARCH 3"
    assert c.do("UID SEARCH LARGER x") == ["BAD Command Argument Error. 11"]
    assert c.do("UID SEARCH RETURN (ALL) ALL") == [
        "BAD Command Argument Error. 11"]
    c.do("CREATE Work")
    validity = t.ann.by_imap_name("Work").uidvalidity
    assert c.do("UID COPY 1,3 Work") == [
        f"OK [COPYUID {validity} 1,3 1:2] COPY completed."]
    assert c.do("UID MOVE 1 Work") == [
        f"OK [COPYUID {validity} 1 3]", "1 EXPUNGE", "OK MOVE completed."]
    c.do("UID STORE 2:3 +FLAGS.SILENT (\\Deleted)")
    assert c.do("UID EXPUNGE 3") == ["2 EXPUNGE", "OK UID EXPUNGE completed."]
    assert c.do("EXPUNGE") == ["1 EXPUNGE", "OK EXPUNGE completed."]
    assert c.do("EXAMINE Work")[-1].startswith("OK")
    assert c.do("UID STORE 1 +FLAGS (\\Seen)")[-1].startswith("NO")


def test_news_from_the_other_door(t):
    c, other = t.signed_in(), t.signed_in()
    c.do("SELECT INBOX")
    other.do("SELECT INBOX")
    message = t.add()
    assert c.do("UID FETCH 1:* (FLAGS)")[:-1] == ["1 EXISTS", "0 RECENT"]
    assert c.flags() == set()

    def change():
        message.is_read, message.flag_status = True, "flagged"
        t.ann.touch(message)
    t.call(change)
    assert c.do("NOOP")[0] == "1 FETCH (UID 1 FLAGS (\\Seen \\Flagged))"
    c.do("UID STORE 1 +FLAGS.SILENT (\\Answered)")
    assert other.do("NOOP")[2] == \
        "1 FETCH (UID 1 FLAGS (\\Seen \\Answered \\Flagged))"
    t.call(t.ann.move, message, t.ann.folder("archive"))
    assert c.do("NOOP") == ["1 EXPUNGE", "OK NOOP completed."]


# --- One command at a time ---------------------------------------------------

def test_commands_behind_an_append(t):
    c = t.signed_in()
    n = len(MAIL)
    c.send(b"1 APPEND INBOX {%d+}\r\n%s\r\n2 APPEND INBOX {%d+}\r\n%s\r\n"
           b"3 NOOP\r\n" % (n, MAIL, n, MAIL))
    assert c.until("1")[-1].startswith("OK [APPENDUID")
    behind = ["BAD Command is not valid in this state."]
    assert c.until("2") == behind
    assert c.until("3") == behind
    assert t.breaches() == ["imap-pipelining"] * 2
    assert c.do("NOOP") == ["OK NOOP completed."]
    assert len(t.ann.folder("inbox").messages) == 1


def test_commands_sent_while_one_is_worked_at(t):
    c = t.signed_in()
    t.core.config.latency_ms = 1000
    c.send(b"1 NOOP\r\n")
    time.sleep(0.1)
    c.send(b"2 NOOP\r\n")
    assert c.until("2")[-1] == "OK NOOP completed."
    assert t.breaches() == ["imap-pipelining"]


def test_a_literal_that_did_not_wait(t):
    c = t.signed_in()
    c.send(b"1 APPEND INBOX {%d}\r\n%s\r\n" % (len(MAIL), MAIL))
    assert c.until("1") == ["+ Ready for additional command text."]
    assert c.until("1")[-1].startswith("OK")
    assert t.breaches() == ["imap-literal"]


def test_a_refused_literal_is_not_executed(t):
    c = t.signed_in()
    evil = b"x CREATE Evil\r\n" * 50
    assert c.append("Nowhere", octets=evil)[-1].startswith("NO")
    assert c.append("INBOX (\\Nonsense)", octets=evil)[-1].startswith("BAD")
    assert c.do(b"APPEND", evil) == ["BAD Command Argument Error. 11"]
    assert c.do('LIST "" Evil') == ["OK LIST completed."]


def test_ten_errors_end_a_connection(t):
    c = t.signed_in()
    for _ in range(9):
        assert c.do("SELECT Nowhere")[-1].startswith("NO")
    assert c.do("NONSENSE") == ["BAD Command Error. 12"]
    assert c.rest() == ["* BYE Connection closed."]


def test_answer_time(t):
    """Of each connection by itself."""
    clients = [t.signed_in() for _ in range(4)]
    t.core.config.latency_ms = 1000
    start = time.monotonic()
    threads = [threading.Thread(target=c.append) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # One behind the other they would take four.
    assert 1 <= time.monotonic() - start < 4
    assert len(t.ann.folder("inbox").messages) == 4


# --- Throttling, faults ------------------------------------------------------

BACKOFF = re.compile(r"BAD Request is throttled\. Suggested Backoff Time: "
                     r"(\d+) milliseconds$")


def test_throttling_is_shared_by_the_mailbox(tenant):
    t = tenant(clock=300)
    limits = t.core.limits
    limits.imap_rate, limits.imap_window = 2, 3
    limits.imap_backoff = 300
    first, second = t.signed_in(), t.signed_in()
    t.core.clock.set_scale(1)
    for c in (first, second, first, second, first, second):
        assert c.append()[-1].startswith("OK")
    t.core.clock.set_scale(300)
    limits.imap_rate = 0.001
    said = first.append()
    told = int(BACKOFF.match(said[0]).group(1))
    assert 0 < told <= 1000
    assert first.rest() == []
    assert BACKOFF.match(second.append()[0])
    limits.imap_rate = 0
    time.sleep(told / 1000)
    assert t.signed_in().append()[-1].startswith("OK")
    assert len(t.ann.folder("inbox").messages) == 7
    assert "imap-rate" in t.breaches()


def test_coming_back_too_early(t):
    limits = t.core.limits
    limits.imap_rate, limits.imap_window, limits.early_grace = .01, 100, .1
    c = t.signed_in()
    c.append()
    assert BACKOFF.match(c.append()[0])
    time.sleep(0.3)
    assert BACKOFF.match(t.signed_in().append()[0])
    assert t.breaches() == ["imap-rate", "imap-early"]


@pytest.mark.parametrize("what,stored,said", [
    ("drop-before", 0, [GONE]), ("drop-mid", 0, [GONE]),
    ("drop-after", 1, [GONE]),
    ("bye", 0, ["BYE Connection closed. 14", GONE]),
    ("bad10", 0, ["BAD Command Error. 10"]),
    ("bad11", 0, ["BAD Command Argument Error. 11"]),
    ("no15", 0, ["NO Server Unavailable. 15"]),
    ("quota", 0, ["NO Server Unavailable. 15"]),
    ("not-connected", 0, ["BAD User is authenticated but not connected."]),
    ("throttle", 0, ["BAD Request is throttled. Suggested Backoff Time: "
                     "1500 milliseconds"])])
def test_faults(t, what, stored, said):
    t.fault("APPEND INBOX", what, retry_after=1.5)
    assert t.signed_in().append() == said
    assert len(t.ann.folder("inbox").messages) == stored
    assert t.signed_in().append()[-1].startswith("OK")


def test_late_and_slow(t):
    t.fault("APPEND INBOX", "late", delay=2)
    assert t.signed_in().append() == [GONE]
    assert not t.ann.folder("inbox").messages
    until(lambda: t.ann.folder("inbox").messages)
    assert len(t.ann.folder("inbox").messages) == 1
    t.fault("UID FETCH", "slow", delay=0.3)
    c = t.signed_in()
    c.do("SELECT INBOX")
    start = time.monotonic()
    assert c.flags() == set()
    assert time.monotonic() - start > 0.3


def test_five_thousand_messages(t):
    def fill():
        inbox = t.ann.folder("inbox")
        for n in range(5000):
            t.ann.add(inbox, model.Message(raw=MAIL, received=n))
    t.call(fill)
    c = t.signed_in()
    c.do("SELECT INBOX")
    assert len(c.do("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)")) \
        == 5001
    assert len(c.do("UID SEARCH ALL")[0].split()) == 5001
    for _ in range(200):
        assert c.append()[-1].startswith("OK")
