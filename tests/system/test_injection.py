# SPDX-License-Identifier: Apache-2.0
"""The body must never become commands. A server that answers BAD to an
APPEND's arguments reads a non-synchronising literal as commands; and a name
with CR LF would be one by itself. A hostile source creates nothing."""
from collections import Counter

import pytest

from harness.mailbox import sha

BODY = (b"x1 CREATE pwned\r\nx2 CREATE INBOX/pwned\r\n"
        b"x3 DELETE INBOX\r\nx4 SUBSCRIBE pwned\r\nx5 LOGOUT\r\n")

FLAGS = ["\\Recent", "\\Weird", "\\*", "\\", "", "a]b", "{3}", "(", "%",
         '"', "with\\back", "\\Seen\\Recent", "$ok", "ke\xffy", "NIL",
         "x" * 300, "\\Seen", "*", "key word"]

DATES = ["99-Foo-9999 99:99:99 +9999", "", "01-Jan-1970 00:00:00 +0000",
         "32-Jan-2020 10:00:00 +0000", "1-Jan-2020 10:00:00 +0000",
         "01-Jan-2020 10:00:00", "31-Dec-9999 23:59:60 -9999",
         "01-Jan-0000 00:00:00 +0000"]

NAMES = ["a\r\nx9 CREATE pwned", 'b" x8 CREATE "pwned', "c\nd", "e\rf",
         "tab\there", "bell\x07", "esc\x1b[2J", "del\x7f",
         "{3+}", "x\r\n"]


def hostile(fake, **options):
    source = fake(**options)
    for i, flag in enumerate(FLAGS):
        source.add("INBOX", BODY + b"flag %d\r\n" % i, [flag] if flag
                   else [])
    for i, date in enumerate(DATES):
        source.add("Dates", BODY + b"date %d\r\n" % i, [], date)
    for i, name in enumerate(NAMES):
        source.add(name, BODY + b"name %d\r\n" % i)
    return source


def unspeakable(name):
    """A name that can't go out in a command; its folder is left out."""
    return any(ord(c) < 32 or ord(c) == 127 for c in name)


def settled(job, done, source, digests):
    """Each message is there exactly once, or is a named problem, or its
    folder is left out with words."""
    assert done.code in (0, 1), done
    assert digests == Counter(set(digests)), "something arrived twice"
    must = Counter(sha(m.octets) for n, f in source.folders.items()
                   for m in f.messages if not unspeakable(n))
    may = Counter(sha(m.octets) for n, f in source.folders.items()
                  for m in f.messages if unspeakable(n))
    assert not digests - must - may
    states = job.states()
    problems = states.get("problem", 0) + states.get("left-out", 0)
    lost = must - digests
    assert sum(lost.values()) <= problems, (states, done)
    out = job.sql("SELECT count(*) FROM source_folder WHERE left_out "
                  "IS NOT NULL")[0][0]
    assert sum((may - digests).values()) <= out + problems, (states, done)


CAPS = {
    "multiappend": "IMAP4rev1 LITERAL+ MULTIAPPEND UIDPLUS NAMESPACE",
    "literal+": "IMAP4rev1 LITERAL+ UIDPLUS",
    "literal-": "IMAP4rev1 LITERAL- UIDPLUS",
    "plain": "IMAP4rev1",
}


@pytest.mark.parametrize("caps", CAPS)
@pytest.mark.parametrize("permanent", ["\\*", ""])
def test_a_server_that_runs_bodies(job, fake, caps, permanent):
    source = hostile(fake)
    target = fake(bad_append=True, capabilities=CAPS[caps],
                  permanent=permanent)
    done = job.run("copy", source.locator("alice"), target.locator("bob"),
                   timeout=240)
    digests = Counter(sha(m.octets) for f in target.folders.values()
                      for m in f.messages)
    ours = [line for line in target.executed
            if line[:3] in (b"x1 ", b"x2 ", b"x3 ", b"x4 ", b"x5 ",
                            b"x8 ", b"x9 ")]
    assert not ours, ours
    assert not [n for n in target.folders if "pwned" in n
                and "CREATE" not in n]
    settled(job, done, source, digests)


@pytest.mark.parametrize("without", [[], ["MULTIAPPEND"]])
def test_dovecot(job, fake, dovecot, without):
    source, target = hostile(fake), dovecot(without=without)
    done = job.run("copy", source.locator("alice"), target.locator("bob"),
                   timeout=240)
    bob = target.mailbox("bob")
    assert "INBOX" in bob.folders()
    assert "pwned" not in bob.folders()
    assert "INBOX/pwned" not in bob.folders()
    assert not [f for f in bob.subscribed() if f.endswith("pwned")
                and "CREATE" not in f]
    digests = Counter(d for c in bob.dump().values()
                      for d, _, _ in c.elements())
    settled(job, done, source, digests)
    assert sum(digests.values()) >= len(FLAGS) + len(DATES)
    flags = {f for c in bob.dump().values() for _, fl, _ in c for f in fl}
    assert "\\Seen" in flags and "$ok" in flags


def test_nothing_steers_the_terminal(job, fake, dovecot):
    """Names and a server's words are cleaned before they are shown."""
    source = hostile(fake)
    target = fake(refuse=[(b"flag 3", "NO \x1b]0;pwned\x07\x1b[2J no")])
    done = job.run("copy", source.locator("alice"), target.locator("bob"))
    said = done.said
    for args in (("status",), ("problems",), ("plan",), ("verify",)):
        more = job.run(*args)
        said += more.out + more.err
    bad = {c for c in said if ord(c) < 32 and c not in "\n\t"} | \
        {c for c in said if c in "\x7f\x9b"}
    assert not bad, (bad, said[:3000])


def test_hostile_names_to_maildir(job, fake, tmp_path):
    """A folder name can't climb out of the backup."""
    source = fake()
    for i, name in enumerate(["../../up", "..", ".", "/etc/x", "a/../../b",
                              "nul\x01", "cur", "new", "tmp", "a/cur"]):
        source.add(name, BODY + b"name %d\r\n" % i)
    home = tmp_path / "x" / "y"
    home.mkdir(parents=True)
    done = job.run("copy", source.locator("alice"), f"maildir:{home}/to")
    assert done.code in (0, 1), done
    outside = [p for p in tmp_path.rglob("*") if p.is_file()
               and home / "to" not in p.parents
               and job.path not in p.parents]
    assert not outside
    files = [p for p in (home / "to").rglob("*") if p.is_file()
             and p.parent.name in ("cur", "new")]
    problems = job.states().get("problem", 0) \
        + job.states().get("left-out", 0)
    assert len(files) + problems == 10
