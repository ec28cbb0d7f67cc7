# SPDX-License-Identifier: Apache-2.0
"""Folder names: whatever a folder is called, its mail arrives, in a folder
of its own."""
import pytest

from harness import compare, corpus
from harness.archive import read_maildir
from harness.mailbox import Raw, count, nonempty, octets_of


def copy(job, source, target, *args, code=0):
    return job.run("copy", source.locator("alice"), target.locator("bob"),
                   *args, check=code)


def one_each(names, seed=300):
    return {name: corpus.plain(2, seed=seed + i)
            for i, name in enumerate(names)}


def nothing_merged(source_dump, target_dump):
    """Each source folder's mail is together in one folder, and no two
    share one: names may change, the sorting may not."""
    want = octets_of(nonempty(source_dump))
    have = octets_of(nonempty(target_dump))
    assert sorted(map(sorted, want.values())) \
        == sorted(map(sorted, have.values())), (sorted(want), sorted(have))


UTF7 = ["Entw&APw-rfe", "&ZeVnLIqe-", "A&-B", "Gel&APY-schte Elemente",
        "&2D3eAA- smile", "Work/&APw-/&APY-", "100%25", "a+b",
        "it's", "[Gmail]/Alle", "(paren) {brace}", "semi;colon", "#hash"]


def test_modified_utf7(job, dovecot):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill(one_each(UTF7))
    copy(job, source, target)
    compare.all_there(box, target.mailbox("bob"), at_least=2 * len(UTF7))


def test_special_characters_of_commands(job, fake):
    """Quotes, backslashes and wildcards in names."""
    names = ['say "hi"', "back\\slash", "star*", "per%cent", "()", "{5}",
             "a]b", "NIL", "x NOOP"]
    source, target = fake(), fake()
    source.fill(one_each(names))
    copy(job, source, target)
    nothing_merged(source.dump(), target.dump())
    assert set(nonempty(target.dump())) >= set(names) - {"star*",
                                                         "per%cent"}


@pytest.mark.parametrize("there", [
    dict(format="maildir", separator="."),
    dict(format="maildir", separator=".", prefix="INBOX."),
    dict(separator="/"), dict(format="maildir-fs", separator="^")])
def test_the_other_sides_delimiter(job, dovecot, there):
    source, target = dovecot(), dovecot(**there)
    names = ["v1.2", "v1_2", "v1/2", "Inc. Ltd/x.y.z", "a.b/c.d", "..."]
    box = source.mailbox("alice")
    for name, messages in one_each(names).items():
        box.fill({Raw(name): messages})
    copy(job, source, target)
    nothing_merged(box.dump(), target.mailbox("bob").dump())


def test_slash_in_names(job, dovecot):
    source = dovecot(format="maildir-fs", separator="|")
    target = dovecot(format="maildir", separator=".")
    names = ["Work|2024", "Work|2024|Q1", "plain"]
    box = source.mailbox("alice")
    for name, messages in one_each(names).items():
        box.fill({Raw(name): messages})
    copy(job, source, target)
    compare.all_there(box, target.mailbox("bob"))


def test_children_of_inbox(job, dovecot):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill(
        one_each(["INBOX", "INBOX/Sub", "INBOX/Sub/Deep", "Sub"]))
    copy(job, source, target)
    nothing_merged(box.dump(), target.mailbox("bob").dump())


def test_inbox_prefix_both_ways(job, new_job, dovecot):
    """INBOX.Work of one server is Work of the other, and back."""
    flat = dovecot()
    deep = dovecot(format="maildir", prefix="INBOX.", separator=".")
    box = flat.mailbox("alice").fill(one_each(["INBOX", "Work",
                                               "Work/2024"]))
    copy(job, flat, deep)
    compare.all_there(box, deep.mailbox("bob"), at_least=6)
    assert "INBOX.Work.2024" in deep.mailbox("bob").folders(raw=True)
    new_job("back").run("copy", deep.locator("bob"), flat.locator("back"),
                        check=0)
    compare.all_there(box, flat.mailbox("back"), at_least=6)


def test_trailing_and_leading_blanks(job, dovecot, fake):
    names = ["Name", "Name ", " Name", "Name  ", "P /child", "P/child"]
    source, target = fake(), dovecot()
    source.fill(one_each(names))
    copy(job, source, target)
    nothing_merged(source.dump(), target.mailbox("bob").dump())


def test_case_clashes(job, fake):
    """Two folders that the destination can't tell apart."""
    source, target = fake(), fake(case_blind=True)
    source.fill(one_each(["Work", "work", "WORK/a", "Work/A", "inbox2"]))
    copy(job, source, target)
    assert count(target.dump()) == 10
    want = sorted(d for c in octets_of(source.dump()).values()
                  for d in c.elements())
    have = sorted(d for c in octets_of(target.dump()).values()
                  for d in c.elements())
    assert want == have


def test_noselect_parents(job, fake, dovecot):
    source, target = fake(), dovecot()
    source.fill(one_each(["P/child", "P/other/leaf"]))
    for name in ("P", "P/other"):
        source.create(name)
        source.noselect.add(name)
    copy(job, source, target)
    compare.same(source.dump(), target.mailbox("bob").dump(), exact=False)


def test_noselect_in_the_way(job, fake):
    """The destination has a folder of that name that holds no mail."""
    source, target = fake(), fake()
    source.fill(one_each(["Work", "Work/a"]))
    target.create("Work")
    target.noselect.add("Work")
    done = job.run("copy", source.locator("alice"), target.locator("bob"))
    assert done.code in (0, 1, 3), done
    arrived = count(target.dump())
    assert arrived >= 2, done
    if done.code != 3:
        assert arrived + job.states().get("problem", 0) == 4
        return
    assert "Work" in done.said and "--map" in done.said
    job.run("run", "--map", "Work=Work mail", check=0)
    assert count(target.dump()) == 4


@pytest.mark.parametrize("levels", [30, 300])
def test_levels(job, fake, levels):
    source, target = fake(), fake()
    name = "/".join("abcdefghij"[i % 10] for i in range(levels))
    source.fill(one_each(["top", name]))
    copy(job, source, target)
    compare.same(source.dump(), target.dump())


def test_long_names(job, fake, dovecot):
    """Names longer than the other side takes."""
    source, target = fake(), dovecot(format="maildir")
    names = ["x" * 200, "x" * 200 + "y", "d" * 120 + "/" + "e" * 120]
    source.fill(one_each(names))
    done = job.run("copy", source.locator("alice"), target.locator("bob"))
    assert done.code in (0, 1), done
    settled = job.states()
    assert settled.get("moved", 0) + settled.get("problem", 0) == 6
    assert count(target.mailbox("bob").dump()) == settled.get("moved", 0)


def test_names_that_are_no_utf7(job, fake, dovecot):
    """8-bit octets, broken base64: kept as they are, or made fit."""
    source, target = fake(), dovecot()
    source.fill(one_each(["B\xfccher", "&broken", "&AAA", "\U0001f600"]))
    done = job.run("copy", source.locator("alice"), target.locator("bob"))
    assert done.code == 0, done
    nothing_merged(source.dump(), target.mailbox("bob").dump())


def test_names_to_maildir(job, dovecot, tmp_path):
    source = dovecot()
    names = ["v1.2", "v1/2", "Entw&APw-rfe", "..x", "a b"]
    source.mailbox("alice").fill(one_each(names))
    job.run("copy", source.locator("alice"), f"maildir:{tmp_path}/to",
            check=0)
    found = read_maildir(tmp_path / "to")
    assert count(found) == 10
    assert len(nonempty(found)) == len(names)
    inside = [p for p in (tmp_path).rglob("*") if p.name == "cur"]
    assert all(str(p).startswith(str(tmp_path / "to")) for p in inside)
