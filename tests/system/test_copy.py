# SPDX-License-Identifier: Apache-2.0
"""copy FROM TO: one mailbox, the whole job in one line."""
import os
import signal
import stat
import time

import pytest

from harness import compare, corpus
from harness.archive import read_maildir, write_maildir, write_mbox
from harness.mailbox import octets_of, sha
from harness.program import until

SERVERS = {
    "multiappend": {},
    "literal+": dict(without=["MULTIAPPEND"]),
    "one at a time": dict(without=["MULTIAPPEND", "LITERAL+"]),
    "no uidplus": dict(without=["UIDPLUS"]),
    "bare": dict(capability="IMAP4rev1"),
}


def ends(source, target):
    return source.locator("alice"), target.locator("bob")


def filled(server, n=26, user="alice"):
    return server.mailbox(user).fill(corpus.mailbox(n))


@pytest.mark.parametrize("manner", SERVERS)
def test_every_octet_flag_and_date(dovecot, job, manner):
    source, target = dovecot(), dovecot(**SERVERS[manner])
    filled(source)
    job.run("copy", *ends(source, target), check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"),
                      at_least=28)
    assert set(job.states()) == {"moved"}


@pytest.mark.parametrize("formats", [("maildir", "mdbox"),
                                     ("sdbox", "maildir"),
                                     ("mdbox", "sdbox")])
def test_formats(dovecot, job, formats):
    source, target = (dovecot(format=f) for f in formats)
    filled(source)
    job.run("copy", *ends(source, target), check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"))


def test_bare_source(dovecot, job):
    """A source that offers nothing beyond RFC 3501."""
    source = dovecot(capability="IMAP4rev1")
    target = dovecot()
    filled(source)
    job.run("copy", *ends(source, target), check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"))


def test_source_is_never_changed(dovecot, job):
    source, target = dovecot(), dovecot()
    box = filled(source)
    before = box.dump(), {f: box.status(f) for f in box.folders()}
    job.run("copy", *ends(source, target), check=0)
    assert before == (box.dump(), {f: box.status(f) for f in box.folders()})


def test_what_is_there_stays(dovecot, job):
    source, target = dovecot(), dovecot()
    filled(source)
    there = corpus.plain(5, seed=77)
    bob = target.mailbox("bob").fill({"INBOX": there, "Private": there[:2]})
    before = bob.dump()
    job.run("copy", *ends(source, target), check=0)
    expected = source.mailbox("alice").dump()
    for folder, messages in before.items():
        expected[folder] = expected.get(folder, type(messages)()) + messages
    compare.same(expected, bob.dump())


def test_what_another_tool_copied_is_recognised(dovecot, job):
    source, target = dovecot(), dovecot()
    filled(source)
    messages = corpus.mailbox(26)
    target.mailbox("bob").fill({"INBOX": messages["INBOX"][:3],
                                "Work": messages["Work"][1:4]})
    job.run("copy", *ends(source, target), check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"),
                      exact=False)
    assert job.states()["already-there"] == 6


def test_duplicates_of_the_source_stay(dovecot, job):
    source, target = dovecot(), dovecot()
    twin = corpus.plain(1)[0]
    source.mailbox("alice").fill({"INBOX": [twin] * 7, "Work": [twin] * 2})
    job.run("copy", *ends(source, target), check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"),
                      at_least=9)


def test_empty_folders_arrive_subscribed(dovecot, job):
    source, target = dovecot(), dovecot()
    alice = source.mailbox("alice").fill({"INBOX": corpus.plain(1)})
    alice.create("Empty")
    alice.create("Deep/er")
    job.run("copy", *ends(source, target), check=0)
    bob = target.mailbox("bob")
    assert {"Empty", "Deep/er"} <= set(bob.folders())
    assert {"Empty", "Deep/er"} <= set(bob.subscribed())


def test_empty_mailbox(dovecot, job):
    source, target = dovecot(), dovecot()
    source.mailbox("alice").imap.noop()
    job.run("copy", *ends(source, target), check=0)


def test_special_use(dovecot, job):
    """Sent goes to Sent, whatever it is called at either end."""
    source = dovecot(special={"Gesendete Objekte": "\\Sent",
                              "Papierkorb": "\\Trash"})
    target = dovecot(special={"Sent Items": "\\Sent", "Deleted": "\\Trash",
                              "Spam": "\\Junk"})
    m = corpus.plain(6)
    source.mailbox("alice").fill({
        "Gesendete Objekte": m[:2], "Papierkorb": m[2:4], "Junk": m[4:]})
    job.run("copy", *ends(source, target), check=0)
    got = octets_of(target.mailbox("bob").dump())
    for folder, sent in (("Sent Items", m[:2]), ("Deleted", m[2:4]),
                         ("Spam", m[4:])):
        assert sorted(got[folder]) == sorted(sha(x.octets) for x in sent)


def test_prefix_and_delimiter(dovecot, job):
    source = dovecot(format="maildir", prefix="INBOX.", separator=".")
    target = dovecot(separator="/")
    filled(source)
    job.run("copy", *ends(source, target), check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"))


def test_into_prefix(dovecot, job):
    source = dovecot()
    target = dovecot(format="maildir", prefix="INBOX.", separator=".")
    filled(source)
    job.run("copy", *ends(source, target), check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"))


@pytest.mark.parametrize("how", ["tls", "starttls"])
def test_encrypted(dovecot, job, authority, good_cert, how):
    source, target = dovecot(tls=good_cert), dovecot(tls=good_cert)
    filled(source, 13)
    args = {how: True}
    job.run("copy", source.locator("alice", **args),
            target.locator("bob", **args), "--ca-file", authority.file,
            check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"))


def test_odd_user_names(dovecot, job):
    source, target = dovecot(), dovecot()
    source.mailbox("al+ice@example.com").fill({"INBOX": corpus.plain(2)})
    job.run("copy", source.locator("al+ice@example.com"),
            target.locator("b:ob%x@example.com"), check=0)
    compare.all_there(source.mailbox("al+ice@example.com"),
                      target.mailbox("b:ob%x@example.com"))


def test_big_messages_in_little_memory(dovecot, job):
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({"INBOX": [
        corpus.sized(12 << 20), corpus.sized(7 << 20, 8),
        *corpus.plain(5)]})
    job.run("copy", *ends(source, target), "--memory", "2M", check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"),
                      at_least=7)


# --- Archives -----------------------------------------------------------------

def test_imap_to_maildir(dovecot, job, tmp_path):
    source = dovecot()
    filled(source)
    target = tmp_path / "backup"
    job.run("copy", source.locator("alice"), f"maildir:{target}", check=0)
    expected = {
        folder: {(digest, tuple(f for f in flags if f.startswith("\\")), d)
                 for digest, flags, d in messages}
        for folder, messages in source.mailbox("alice").dump().items()}
    found = read_maildir(target, dates=True)
    assert {f: set(c) for f, c in found.items() if c} == expected
    assert sum(sum(c.values()) for c in found.values()) == 28
    for where, _, names in os.walk(target):
        assert not (where.endswith("/tmp") and names)


def test_maildir_to_imap(dovecot, job, tmp_path):
    target = dovecot()
    folders = {f: [m._replace(flags=tuple(x for x in m.flags
                                          if x.startswith("\\")))
                   for m in messages]
               for f, messages in corpus.mailbox(26).items()}
    path = write_maildir(tmp_path / "old", folders)
    before = read_maildir(path, dates=True)
    job.run("copy", f"maildir:{path}", target.locator("bob"), check=0)
    found = {f: type(c)(c) for f, c in target.mailbox("bob").dump().items()}
    compare.same(before, found)
    assert read_maildir(path, dates=True) == before


def ended(octets):
    """An mbox keeps no missing line end at the end of a message."""
    return octets if octets.endswith(b"\n") else octets + b"\r\n"


def test_mbox_to_imap(dovecot, job, tmp_path):
    target = dovecot()
    messages = corpus.varied(13)
    path = write_mbox(tmp_path / "Old mail.mbox", messages)
    octets = path.read_bytes()
    job.run("copy", f"mbox:{path}", target.locator("bob"), check=0)
    found = octets_of(target.mailbox("bob").dump())
    digests = sorted(d for c in found.values() for d in c.elements())
    want = sorted(sha(ended(m.octets)) for m in messages)
    assert digests == want
    assert path.read_bytes() == octets


def test_archive_kind_is_found(dovecot, job, tmp_path):
    target = dovecot()
    path = write_maildir(tmp_path / "unknown",
                         {"INBOX": corpus.plain(3)})
    job.run("copy", path, target.locator("bob"), check=0)
    assert len(target.mailbox("bob").messages("INBOX")) == 3


def test_maildir_to_maildir(job, tmp_path):
    path = write_maildir(tmp_path / "a", corpus.mailbox(26))
    job.run("copy", f"maildir:{path}", f"maildir:{tmp_path / 'b'}", check=0)
    compare.same(read_maildir(path, dates=True),
                 read_maildir(tmp_path / "b", dates=True))


# --- Options ---------------------------------------------------------------------

FILTERS = {
    "include": (["--include", "Work/**", "--include", "INBOX"],
                {"INBOX", "Work/2024", "Work/a/b"}),
    "include one level": (["--include", "Work*", "--include", "Work/*"],
                          {"Work", "Work/2024"}),
    "exclude": (["--exclude", "Work/**", "--exclude", "Sent"],
                {"INBOX", "Work"}),
}


@pytest.mark.parametrize("which", FILTERS)
def test_folder_filters(dovecot, job, which):
    args, folders = FILTERS[which]
    source, target = dovecot(), dovecot()
    box = filled(source)
    box.fill({"Work/a/b": corpus.plain(1, seed=50)})
    job.run("copy", *ends(source, target), *args, check=0)
    want = {f: c for f, c in box.dump().items() if f in folders}
    assert set(want) == folders
    compare.same(want, target.mailbox("bob").dump())


def test_map_and_into(dovecot, job):
    source, target = dovecot(), dovecot()
    box = filled(source)
    job.run("copy", *ends(source, target), "--map", "Work=Projects/Old",
            "--into", "From Alice", check=0)
    want, found = box.dump(), target.mailbox("bob").dump()
    renamed = {}
    for folder, messages in want.items():
        if folder == "Work" or folder.startswith("Work/"):
            folder = "Projects/Old" + folder[4:]
        renamed["From Alice/" + folder] = messages
    compare.same(renamed, found)


def test_dates_and_size(dovecot, job):
    source, target = dovecot(), dovecot()
    day = 86400
    base = 1_500_000_000 // day * day  # a midnight
    m = [x._replace(date=base + d) for x, d in zip(
        corpus.plain(5), (-1, 0, 5 * day, 10 * day - 1, 10 * day))]
    big = corpus.sized(200_000)._replace(date=base + day)
    source.mailbox("alice").fill({"INBOX": m + [big]})
    first, last = (time.strftime("%Y-%m-%d", time.gmtime(base + d))
                   for d in (0, 10 * day))
    job.run("copy", *ends(source, target), "--since", first,
            "--before", last, "--max-size", "100K", check=0)
    got = octets_of(target.mailbox("bob").dump())["INBOX"]
    assert sorted(got) == sorted(sha(x.octets) for x in m[1:4])
    assert job.states() == {"moved": 3, "left-out": 3}


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_order(dovecot, job, order):
    source, target = dovecot(), dovecot()
    m = corpus.plain(30)
    source.mailbox("alice").fill({"INBOX": m})
    job.run("copy", *ends(source, target), "--lanes", 1, "--order", order,
            check=0)
    arrived = [sha(x[3]) for x in target.mailbox("bob").messages("INBOX")]
    sent = [sha(x.octets) for x in m]
    assert sorted(arrived) == sorted(sent)
    # Within a batch any order may be; the halves may not change places.
    first = set(sent[:3] if order == "oldest" else sent[-3:])
    assert arrived == (sent if order == "oldest" else sent[::-1]) \
        or first & set(arrived[:15])


def test_dry_run_changes_nothing(dovecot, job):
    source, target = dovecot(), dovecot()
    filled(source)
    bob = target.mailbox("bob").fill({"INBOX": corpus.plain(1)})
    before = bob.dump()
    job.run("copy", *ends(source, target), "--dry-run", check=0)
    assert bob.dump() == before


def test_rate_and_interrupt(dovecot, job):
    """SIGINT: exit 2, and a run goes on from there."""
    source, target = dovecot(), dovecot()
    source.mailbox("alice").fill({"INBOX": corpus.plain(60, 20_000)})
    p = job.start("copy", *ends(source, target), "--rate", "50K",
                  "--lanes", 1)
    bob = target.mailbox("bob")
    until(lambda: bob.status("INBOX")["MESSAGES"], p)
    p.send_signal(signal.SIGINT)
    assert p.wait(60) == 2
    assert 0 < len(bob.messages("INBOX")) < 60
    job.run("run", "--rate", "100M", check=0)
    compare.all_there(source.mailbox("alice"), bob, at_least=60)


def test_copy_again_is_a_pass(dovecot, job):
    source, target = dovecot(), dovecot()
    filled(source, 13)
    job.run("copy", *ends(source, target), check=0)
    source.mailbox("alice").fill({"INBOX": corpus.plain(1, seed=9)})
    job.run("copy", *ends(source, target), check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"))
    assert job.sql("SELECT count(*) FROM mailbox") == [(1,)]


# --- Passwords -----------------------------------------------------------------

def secret(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def test_password_file_and_command(dovecot, new_job, tmp_path):
    source, target = dovecot(), dovecot()
    filled(source, 4)
    job = new_job("secrets")
    del job.env["MAILHAUL_FROM_PASSWORD"], job.env["MAILHAUL_TO_PASSWORD"]
    secret(tmp_path / "alice.pw", source.password + "\nnot this\n")
    secret(tmp_path / "bob.pw", target.password + "\n")
    job.run("copy", *ends(source, target),
            "--from-password-file", tmp_path / "{user}.pw",
            "--to-password-command", f"cat {tmp_path}/{{user}}.pw", check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"))
    assert source.password.encode() not in job.store.read_bytes()


def test_open_password_file_is_refused(dovecot, new_job, tmp_path):
    source, target = dovecot(), dovecot()
    job = new_job("secrets")
    del job.env["MAILHAUL_FROM_PASSWORD"]
    path = secret(tmp_path / "pw", source.password, 0o644)
    done = job.run("copy", *ends(source, target),
                   "--from-password-file", path)
    assert done.code in (3, 65), done
    assert "others" in done.said or "chmod" in done.said, done
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_no_password(dovecot, new_job):
    source, target = dovecot(), dovecot()
    job = new_job("none")
    del job.env["MAILHAUL_TO_PASSWORD"]
    done = job.run("copy", *ends(source, target), check=3)
    assert "password" in done.said.lower()


# --- Usage --------------------------------------------------------------------------

def test_usage(job):
    assert job.run(check=64).out
    assert "mailhaul" in job.run("--version", check=0).out
    assert "copy" in job.run("help", check=0).out
    assert "--max-size" in job.run("help", "copy", check=0).out
    job.run("copy", check=64)
    job.run("copy", "--no-such-option", "a", "b", check=64)
    job.run("fly", check=64)


BAD_INPUT = [
    ("ftp://a@example.com", "maildir:/nowhere/x"),
    ("imaps://example.com", "maildir:/nowhere/x"),
    ("imaps://a@", "maildir:/nowhere/x"),
    ("imaps://a@b@example.com", "maildir:/nowhere/x"),
    ("imaps://a@example.com:99999", "maildir:/nowhere/x"),
    ("imaps://a:password@example.com", "maildir:/nowhere/x"),
    ("imaps://a@example.com", "mbox:/nowhere/x"),
    ("imaps://a@example.com", "imaps://a@EXAMPLE.com:993"),
]


@pytest.mark.parametrize("ends_", BAD_INPUT, ids=lambda e: e[0] + " " + e[1])
def test_bad_locators(job, ends_):
    done = job.run("copy", *ends_)
    assert done.code == 65, done
    assert len(done.said.split()) > 4


@pytest.mark.parametrize("args", [
    ("--since", "yesterday"), ("--max-size", "huge"), ("--lanes", "0"),
    ("--order", "sideways"), ("--map", "nothing"), ("--rate", "-1"),
    ("--since", "2020-02-30"), ("--before", "2020-13-01")])
def test_bad_options(job, tmp_path, args):
    done = job.run("copy", "imaps://a@example.com", tmp_path / "x", *args)
    assert done.code in (64, 65), done
    assert args[0] in done.said


def test_missing_archive(job, dovecot):
    target = dovecot()
    job.run("copy", "/nowhere/at/all.mbox", target.locator("bob"), check=65)


# --- Real mail -----------------------------------------------------------------------

def test_real_mail(dovecot, job, shared):
    source, target = dovecot(format="maildir"), dovecot()
    mail = corpus.real(shared, 400)
    assert len(mail) == 400
    source.mailbox("alice").fill({"INBOX": mail[:250], "Lists": mail[250:]})
    job.run("copy", *ends(source, target), check=0)
    compare.all_there(source.mailbox("alice"), target.mailbox("bob"),
                      at_least=400)


@pytest.mark.full
def test_all_real_mail(dovecot, job, shared):
    """All octets, but where Dovecot itself changes them when it stores:
    it makes CR LF of the CR CR LF that one of these messages holds. Such a
    copy is the same message by its text, and verify says so."""
    source, target = dovecot(format="maildir"), dovecot(format="maildir")
    box = source.mailbox("alice").fill({"INBOX": corpus.real(shared)})
    done = job.run("copy", *ends(source, target), check=0, timeout=600)
    sent, there = (m.dump()["INBOX"]
                   for m in (box, target.mailbox("bob")))
    assert sum(sent.values()) == sum(there.values()) >= 2000
    changed = sum((sent - there).values())
    assert changed <= 1, compare.differences({"I": sent}, {"I": there})
    assert ("white space" in done.said) == (changed == 1), done


def test_real_archives(job, shared, tmp_path):
    """The dialects' mboxrd, of which the octets are known; into a Maildir,
    because Dovecot changes NULs."""
    folder = os.path.join(shared, "corpora", "mbox", "dialects")
    if not os.path.isdir(folder):
        pytest.skip("no mbox dialects here")
    job.run("copy", "mbox:" + os.path.join(folder, "mboxrd.mbox"),
            f"maildir:{tmp_path}/to", check=0)
    truth = os.path.join(folder, "truth")
    want = []
    for name in os.listdir(truth):
        with open(os.path.join(truth, name), "rb") as f:
            want.append(sha(ended(corpus.wire(f.read()))))
    found = read_maildir(tmp_path / "to")
    assert sorted(d for c in found.values()
                  for d, _ in c.elements()) == sorted(want)
