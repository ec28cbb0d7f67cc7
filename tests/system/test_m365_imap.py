# SPDX-License-Identifier: Apache-2.0
"""Exchange's manners in the IMAP writer, against the practice tenant: what
it must be told after an APPEND, what it can't keep, what its refusals mean.
test_m365.py has what both doors share.
"""
import datetime
import re
from collections import Counter

import pytest

from harness import corpus
from harness.archive import write_maildir
from harness.mailbox import Msg, sha
from harness.practice import Practice

ANN = "ann@contoso.com"


@pytest.fixture
def tenant():
    """tenant(**switches): a Practice, stopped at the end."""
    started = []

    def start(**switches):
        started.append(Practice(**switches).start())
        return started[-1]

    yield start
    for p in started:
        p.stop()


@pytest.fixture
def source(fake):
    """source({folder: [Msg]}): its locator; a server that has keywords."""
    def make(folders):
        return fake().fill(folders).locator("alice")
    return make


def letter(n, head=b"", body=b"hello\r\n"):
    return (b"From: a@example.com\r\nTo: b@example.com\r\n"
            b"Subject: letter %d\r\nMessage-ID: <l%d@example.com>\r\n"
            b"%s\r\n%s" % (n, n, head, body))


def letters(n, flags=()):
    return [Msg(letter(i), flags, corpus.START + i) for i in range(n)]


class Move:
    def __init__(self, new_job, p, origin, **env):
        self.p = p
        self.job = new_job("m365", **p.env, **env)
        self.args = ("copy", origin, f"m365+imap:{ANN}", "--ca-file",
                     p.ca_file)

    def __call__(self, *more, check=0):
        return self.job.run(*self.args, *more, check=check)

    def there(self):
        return self.p.mailbox(ANN)

    def notes(self):
        return [n for n, in self.job.sql(
            "SELECT note FROM messages WHERE note IS NOT NULL")]


@pytest.fixture
def move(new_job):
    return lambda p, origin, **env: Move(new_job, p, origin, **env)


def flagged(m):
    """As everybody sees it, not IMAP alone."""
    return m.flag_status == "flagged"


def moment(m):
    return int(datetime.datetime.fromisoformat(
        m.received.replace("Z", "+00:00")).timestamp())


def commands(p):
    return [e["command"] for e in p.log("imap") if "command" in e]


def same(box, wanted):
    have = Counter(m.octets for m in box.messages)
    assert have == Counter(m.octets for messages in wanted.values()
                           for m in messages)


# --- the whole of it -------------------------------------------------------


def test_octets_flags_and_dates(tenant, move, source):
    p, box = tenant(), corpus.mailbox(40)
    m = move(p, source(box))
    m("--lanes", 3)
    wanted = Counter((sha(x.octets), "\\Seen" in x.flags,
                      "\\Flagged" in x.flags, "\\Answered" in x.flags,
                      "\\Draft" in x.flags, x.date)
                     for messages in box.values() for x in messages)
    have = Counter((sha(x.octets), x.is_read, flagged(x),
                    "\\Answered" in x.flags, x.is_draft, moment(x))
                   for x in m.there().messages)
    assert have == wanted
    assert not p.breaches(), p.breaches()[:5]
    said = commands(p)
    assert "LOGIN" not in said and "ENABLE" not in said
    m.job.run("verify", "--deep", check=0)


def test_one_wait_a_message(tenant, move, source):
    """Nothing but APPEND between the first and the last of them, save the
    flags of many at once and a glance at the first dates."""
    p = tenant()
    box = {"INBOX": letters(100, ("\\Seen",)) + [
        Msg(letter(200 + i), ("\\Flagged",), corpus.START)
        for i in range(20)]}
    m = move(p, source(box))
    m("--lanes", 1)
    said = commands(p)
    first = said.index("APPEND")
    last = len(said) - said[::-1].index("APPEND")
    between = Counter(said[first:last])
    assert between["APPEND"] == 120
    assert sum(between.values()) <= 120 * 1.08, between
    assert sum(flagged(x) for x in m.there().messages) == 20


def test_flags_outlive_a_lost_connection(tenant, move, source):
    p = tenant()
    p.fault(where="imap", match="UID STORE", what="drop-before", times=1)
    m = move(p, source({"INBOX": letters(12, ("\\Flagged",))}))
    m()
    assert [flagged(x) for x in m.there().messages] == [True] * 12


def test_many_refusals_do_not_end_the_session(tenant, move, source):
    p = tenant()
    p.fault(where="imap", match="^APPEND", what="bad10", times=0)
    m = move(p, source({"INBOX": letters(14)}))
    m("--lanes", 1, check=1)
    assert m.job.states() == {"problem": 14}
    said = p.log("imap")
    assert not [e for e in said if "BYE" in str(e.get("answer"))], said[-9:]
    p.clear_faults()
    m.job.run("problems", "--retry")
    m()
    assert len(m.there().messages) == 14


# --- what it can't keep ----------------------------------------------------

LABELS = {"INBOX": [
    Msg(letter(1), ("\\Seen", "blue", "$Forwarded"), corpus.START),
    Msg(letter(2), ("\\Seen", "green", "red"), corpus.START + 1),
    Msg(letter(3), ("\\Seen", "$MDNSent"), corpus.START + 2)]}


def test_labels_become_categories(tenant, move, source):
    p = tenant()
    m = move(p, source(LABELS))
    m()
    have = {x.subject: sorted(x.categories) for x in m.there().messages}
    assert have == {"letter 1": ["blue"], "letter 2": ["green", "red"],
                    "letter 3": []}
    # What no category can say is told.
    assert len(m.notes()) == 1 and "$Forwarded" in m.notes()[0]


def test_labels_are_told_where_graph_is_closed(tenant, move, source):
    p = tenant()
    p.control("/consent", resource="graph", roles=[])
    m = move(p, source(LABELS))
    m()
    assert not any(x.categories for x in m.there().messages)
    assert len(m.notes()) == 2
    assert all("can't be kept over IMAP" in n for n in m.notes())
    assert any("labels green, red" in n for n in m.notes())


def test_same_message_id_twice(tenant, move, source):
    """Which copy is meant can't be said: neither gets the label."""
    p = tenant()
    m = move(p, source({"INBOX": [
        Msg(letter(1), ("\\Seen", "blue"), corpus.START),
        Msg(letter(1, body=b"other\r\n"), ("\\Seen",), corpus.START)]}))
    m("--lanes", 1)
    marked = [x for x in m.there().messages if x.categories]
    assert len(marked) + len(m.notes()) == 1


# --- what it must not get --------------------------------------------------


def test_read_receipts_are_disarmed(tenant, move, source):
    ask = (b"Disposition-Notification-To: boss@example.com\r\n"
           b"return-receipt-to: boss@example.com\r\n")
    box = {"INBOX": [Msg(letter(1, ask), (), corpus.START),
                     Msg(letter(2, ask), ("\\Seen",), corpus.START),
                     Msg(letter(3), (), corpus.START)]}
    p = tenant()
    m = move(p, source(box))
    m()
    have = {x.subject: x.octets for x in m.there().messages}
    assert have["letter 2"] == box["INBOX"][1].octets
    assert have["letter 3"] == box["INBOX"][2].octets
    changed = have["letter 1"]
    assert changed == box["INBOX"][0].octets.replace(
        b"Disposition", b"X-mailhaul-Disposition").replace(
        b"return-rec", b"X-mailhaul-return-rec")
    assert m.job.sql("SELECT count(*) FROM messages WHERE repair_note "
                     "LIKE '%read receipt%'") == [(1,)]
    m.job.run("verify", "--deep", check=0)


def test_what_it_would_refuse_is_mended(tenant, move, source):
    plain = [Msg(letter(1, body=b"x" * 5000 + b"\r\n"), ("\\Seen",),
                 corpus.START)]
    bad = [Msg(letter(2, body=b"y" * 30000 + b"\r\n"), ("\\Seen",),
               corpus.START),
           Msg(letter(3, body=b"a\0b\r\n"), ("\\Seen",), corpus.START)]
    p = tenant()
    m = move(p, source({"INBOX": plain + bad}))
    m()
    have = {x.subject: x.octets for x in m.there().messages}
    assert have["letter 1"] == plain[0].octets
    assert b"\0" not in have["letter 3"]
    assert have["letter 2"].replace(b"=\r\n", b"").count(b"y") >= 30000
    assert not [e for e in p.log("imap")
                if str(e.get("answer", "")).startswith("BAD")]
    assert m.job.states() == {"moved": 3}


# --- folders ---------------------------------------------------------------


def test_reserved_names(tenant, move, source):
    names = ("Files", "Work/Files", "Notes", "Calendar/2024", "work/Tasks")
    box = {name: [Msg(letter(i), ("\\Seen",), corpus.START)]
           for i, name in enumerate(names)}
    p = tenant()
    m = move(p, source(box))
    m()
    have = {x.subject: x.path for x in m.there().messages}
    assert have["letter 0"] == "Files (mail)"
    assert have["letter 1"] == "Work/Files (mail)"
    assert have["letter 2"] == "Notes (mail)"
    assert have["letter 3"] == "Calendar (mail)/2024"
    assert re.match(r"work( \(2\))?/Tasks$", have["letter 4"], re.I)
    # And so they stay.
    m.job.run("run", check=0)
    m.job.run("verify", check=0)
    assert len(m.there().messages) == 5


DEFAULTS = {
    "en-US": ("Sent Items", "Deleted Items", "Drafts", "Junk Email"),
    "de-DE": ("Gesendete Elemente", "Gelöschte Elemente", "Entwürfe",
              "Junk-E-Mail"),
    "fr-FR": ("Éléments envoyés", "Éléments supprimés", "Brouillons",
              "Courrier indésirable"),
    "ja-JP": ("送信済みアイテム", "削除済みアイテム", "下書き",
              "迷惑メール")}


@pytest.mark.parametrize("told", ["attributes", "graph", "names"])
@pytest.mark.parametrize("language", DEFAULTS)
def test_default_folders(tenant, move, source, language, told):
    p = tenant(language=language)
    if told != "attributes":
        p.control("/config", imap_no_special_use=True)
    if told == "names":
        p.control("/consent", resource="graph", roles=[])
    names = ("Sent", "Trash", "Drafts", "Spam")
    m = move(p, source({name: [Msg(letter(i), ("\\Seen",), corpus.START)]
                        for i, name in enumerate(names)}))
    m()
    have = {x.subject: x.path for x in m.there().messages}
    assert tuple(have[f"letter {i}"] for i in range(4)) == DEFAULTS[language]


def test_names_that_exchange_takes_for_one(tenant, move, source):
    p = tenant()
    box = {"Work": letters(2, ("\\Seen",)),
           "Work ": [Msg(letter(9), ("\\Seen",), corpus.START)]}
    m = move(p, source(box))
    m()
    same(m.there(), box)
    assert not any(x.path.endswith(" ") for x in m.there().messages)


# --- dates -----------------------------------------------------------------


def test_dates_that_are_not_kept(tenant, move, source):
    """A canary: the first few are looked at, and no more is sent."""
    p = tenant()
    p.control("/config", imap_ignore_date=True)
    m = move(p, source({"INBOX": letters(200, ("\\Seen",))}))
    done = m("--lanes", 1, check=3)
    assert "dates" in done.said and "m365+graph:" in done.said
    have = len(m.there().messages)
    assert 0 < have <= 16
    assert m.job.states()["moved"] == have
    assert m.job.states().get("sending", 0) == 0


def test_lanes_share_the_work(tenant, move, source):
    """One message at a time on each connection: all three have some, and
    the folders are asked for once."""
    p = tenant()
    p.fault(where="imap", match="^APPEND", what="slow", delay=0.1, times=0)
    box = {"INBOX": letters(90, ("\\Seen",))}
    m = move(p, source(box))
    m("--lanes", 3)
    same(m.there(), box)
    by = Counter(e["connection"] for e in p.log("imap")
                 if e.get("command") == "APPEND")
    assert len(by) == 3 and min(by.values()) >= 5, by
    assert commands(p).count("LIST") == 1
    assert not p.breaches(), p.breaches()[:5]


# --- refusals --------------------------------------------------------------


def test_throttled_exactly_so_long(tenant, move, source):
    # Longer than the grace for what was under way.
    p = tenant(limit_imap_rate=5, limit_imap_window=1,
               limit_imap_backoff=5)
    box = {"INBOX": letters(20, ("\\Seen",))}
    m = move(p, source(box))
    m("--lanes", 3)
    same(m.there(), box)
    assert "problem" not in m.job.states()
    assert p.breaches("imap-rate")
    assert not p.breaches("imap-early"), p.breaches()[:5]


def test_unavailable_once_is_a_pause(tenant, move, source):
    p = tenant()
    p.fault(where="imap", match="^APPEND", what="no15", times=1, after=3)
    box = {"INBOX": letters(9, ("\\Seen",))}
    m = move(p, source(box))
    m("--lanes", 1)
    same(m.there(), box)


def test_unavailable_for_good_is_a_full_mailbox(tenant, move, source):
    p = tenant()
    p.control("/mailbox", address=ANN, quota_octets=800)
    m = move(p, source({"INBOX": letters(9, ("\\Seen",))}))
    done = m("--lanes", 1, check=3)
    assert "full" in done.said
    assert not [e for e in p.log("imap") if "BYE" in str(e.get("answer"))]


def test_too_big(tenant, move, source):
    p = tenant()
    p.control("/mailbox", address=ANN, receive_limit=100_000)
    box = {"INBOX": [Msg(letter(1, body=b"z" * 70 + b"\r\n" * 1), (
        "\\Seen",), corpus.START),
        Msg(letter(2, body=(b"z" * 70 + b"\r\n") * 2000), ("\\Seen",),
            corpus.START)]}
    m = move(p, source(box))
    m(check=1)
    assert m.job.states() == {"moved": 1, "problem": 1}
    assert m.job.sql("SELECT why_code FROM messages WHERE state='problem'") \
        == [("message-too-big",)]


@pytest.mark.parametrize("what", ["bad10", "bad11"])
def test_refused_once_is_sent_repaired(tenant, move, source, what):
    p = tenant()
    p.fault(where="imap", match="^APPEND", what=what, times=1)
    box = {"INBOX": letters(5, ("\\Seen",))}
    m = move(p, source(box))
    m()
    same(m.there(), box)


def test_not_connected_for_good(tenant, move, source):
    p = tenant()
    p.control("/mailbox", address=ANN, imap_enabled=False)
    m = move(p, source({"INBOX": letters(2)}))
    done = m(check=3)
    for word in ("Set-CASMailbox", "licence", "New-ServicePrincipal",
                 "Add-MailboxPermission", "mailhaul check"):
        assert word in done.said, word
    assert not m.there().messages


def test_not_connected_at_first(tenant, move, source):
    p = tenant()
    p.fault(where="imap", match="NAMESPACE", what="not-connected", times=1)
    box = {"INBOX": letters(2, ("\\Seen",))}
    m = move(p, source(box))
    m()
    same(m.there(), box)


def test_no_service_principal(tenant, move, source):
    """The app's role is there, the mailbox is not its to open."""
    p = tenant()
    p.control("/access", app_full_access=False)
    m = move(p, source({"INBOX": letters(2)}))
    done = m(check=3)
    assert "New-ServicePrincipal" in done.said


def test_role_is_missing(tenant, move, source):
    p = tenant()
    p.control("/consent", resource="outlook-app", roles=[])
    m = move(p, source({"INBOX": letters(2)}))
    done = m(check=3)
    assert "IMAP.AccessAsApp" in done.said
    # The token of before is kept, and of no use any more.
    p.control("/consent", resource="outlook-app", add=["IMAP.AccessAsApp"])
    m()
    assert len(m.there().messages) == 2


def test_passwords_are_told_where_to_go(tenant, new_job, tmp_path):
    p = tenant()
    src = write_maildir(tmp_path / "from", {"INBOX": letters(1)})
    port = p.about["imap"].rsplit(":", 1)[1]
    done = new_job("job").run(
        "copy", f"maildir:{src}", f"imaps://ann%40contoso.com@127.0.0.1:"
        f"{port}", "--ca-file", p.ca_file, check=3)
    assert "m365:" in done.said


def test_tokens_that_end(tenant, move, source):
    """New ones in time, between messages: no session is ended by the
    server, nothing is in doubt."""
    p = tenant(token_life=8, latency_ms=30)
    box = {"INBOX": letters(300, ("\\Seen",))}
    m = move(p, source(box))
    m("--lanes", 1)
    same(m.there(), box)
    assert not [e for e in p.log("imap")
                if "AccessTokenExpired" in str(e)]
