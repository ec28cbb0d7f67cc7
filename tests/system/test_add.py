# SPDX-License-Identifier: Apache-2.0
"""add FROM TO and add FILE.csv: nothing is asked of a server."""
import sqlite3

import pytest

from harness import compare, corpus


def names(job):
    return sorted(n for (n,) in job.sql("SELECT name FROM mailbox"))


def csv(path, text, mode=0o600, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    path.chmod(mode)
    return path


def test_one(job):
    job.run("add", "imaps://ann@example.com", "imaps://ann@example.org",
            "--lanes", "2", check=0)
    assert len(names(job)) == 1
    assert job.store.stat().st_mode & 0o777 == 0o600


def test_named(job):
    job.run("add", "imaps://a@example.com", "imaps://a@example.org",
            "--name", "ann", check=0)
    job.run("add", "imaps://b@example.com", "imaps://b@example.org",
            "--name", "bert", check=0)
    assert names(job) == ["ann", "bert"]
    done = job.run("add", "imaps://c@example.com", "imaps://c@example.org",
                   "--name", "ann", check=65)
    assert "ann" in done.said
    assert names(job) == ["ann", "bert"]


def test_known_ones_are_not_added_again(job):
    args = ("add", "imaps://a@example.com", "imaps://a@example.org")
    first = job.run(*args, "--json", check=0).json[0]
    again = job.run(*args, "--lanes", 2, "--json", check=0).json[0]
    assert len(first["added"]) == 1 and not first["known"]
    assert again["known"] == first["added"] and not again["added"]
    assert len(names(job)) == 1


def test_fleet(job, dovecot, tmp_path):
    source, target = dovecot(), dovecot()
    lines = ["from;to;name;from_password;to_password;max_size"]
    for i in range(3):
        source.mailbox(f"u{i}").fill({"INBOX": corpus.plain(3, seed=i + 9)})
        quoted = '"' + source.password.replace('"', '""') + '"'
        lines.append(f"{source.locator(f'u{i}')};{target.locator(f'v{i}')};"
                     f"box{i};{quoted};{quoted};10M")
    path = csv(tmp_path / "fleet.csv", "\ufeff" + "\r\n".join(lines))
    for name in ("MAILHAUL_FROM_PASSWORD", "MAILHAUL_TO_PASSWORD"):
        del job.env[name]
    job.run("add", path, check=0)
    assert names(job) == ["box0", "box1", "box2"]
    assert source.password.encode() not in job.store.read_bytes()
    job.run("run", check=0)
    for i in range(3):
        compare.all_there(source.mailbox(f"u{i}"), target.mailbox(f"v{i}"),
                          at_least=3)


def test_template(job, dovecot, tmp_path):
    source, target = dovecot(), dovecot()
    for user in ("ann@example.com", "bert@example.com"):
        source.mailbox(user).fill({"INBOX": corpus.plain(2)})
    path = csv(tmp_path / "users.csv",
               "user\nann@example.com\nbert@example.com\n")
    job.run("add", path,
            "--from-template", source.locator("X").replace("X", "{user}"),
            "--to-template", target.locator("X").replace("X", "{user}"),
            check=0)
    job.run("run", check=0)
    for user in ("ann@example.com", "bert@example.com"):
        compare.all_there(source.mailbox(user), target.mailbox(user),
                          at_least=2)


def test_every_mistake_at_once(job, tmp_path):
    path = csv(tmp_path / "bad.csv", "\n".join([
        "from,to,lanes,since",
        "imaps://a@example.com,imaps://a@example.org,2,2020-01-01",
        "ftp://b@example.com,imaps://b@example.org,2,",
        "imaps://c@example.com,imaps://c@example.org,many,",
        "imaps://d@example.com,imaps://d@example.org,1,01.02.2020",
        "imaps://e@example.com",
        "imaps://f@example.com,imaps://f@example.com,1,", ""]))
    done = job.run("add", path, check=65)
    for line in (3, 4, 5, 6, 7):
        assert str(line) in done.said, (line, done)
    assert not job.store.exists() or not names(job)


@pytest.mark.parametrize("text", [
    "", "from,to\n", "name,lanes\nx,1\n", "from,to,colour\na,b,red\n",
    "from,to\n\"imaps://a@example.com,imaps://b@example.org\n",
    "from,from,to\na,b,c\n"], ids=["empty", "header", "no from", "unknown",
                                   "open quote", "twice"])
def test_broken_files(job, tmp_path, text):
    done = job.run("add", csv(tmp_path / "x.csv", text), check=65)
    assert len(done.said.split()) > 4


def test_duplicates_in_a_file(job, tmp_path):
    path = csv(tmp_path / "twice.csv", "from,to,name\n"
               "imaps://a@example.com,imaps://a@example.org,ann\n"
               "imaps://b@example.com,imaps://b@example.org,ann\n")
    done = job.run("add", path, check=65)
    assert "ann" in done.said


def test_passwords_others_may_read(job, tmp_path):
    path = csv(tmp_path / "open.csv", "from,to,from_password\n"
               "imaps://a@example.com,imaps://a@example.org,hush\n", 0o644)
    done = job.run("add", path, check=65)
    assert "chmod" in done.said or "others" in done.said
    assert "hush" not in done.said


def test_missing_file(job, tmp_path):
    job.run("add", tmp_path / "none.csv", check=65)


# --- The store --------------------------------------------------------------------

def test_store_that_is_none(job):
    job.store.write_bytes(b"this is my diary\n" * 100)
    before = job.store.read_bytes()
    done = job.run("add", "imaps://a@example.com", "imaps://a@example.org",
                   check=73)
    assert str(job.store) in done.said or "mailhaul.db" in done.said
    assert job.store.read_bytes() == before


def test_database_of_somebody_else(job):

    with sqlite3.connect(job.store) as db:
        db.execute("CREATE TABLE mine(x)")
    db.close()
    job.run("add", "imaps://a@example.com", "imaps://a@example.org",
            check=73)
    with sqlite3.connect(job.store) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() \
            == (1,)


def test_newer_store(job):

    job.run("add", "imaps://a@example.com", "imaps://a@example.org",
            check=0)
    with sqlite3.connect(job.store) as db:
        now = db.execute("PRAGMA user_version").fetchone()[0]
        assert now > 0
        db.execute(f"PRAGMA user_version = {now + 1000}")
    db.close()
    done = job.run("status", check=73)
    assert "newer" in done.said.lower()


def test_damaged_store(job):
    job.run("add", "imaps://a@example.com", "imaps://a@example.org",
            check=0)
    octets = bytearray(job.store.read_bytes())
    for at in range(4096, len(octets), 3):
        octets[at] ^= 0x5a
    job.store.write_bytes(octets)
    done = job.run("status", check=73)
    assert "damaged" in done.said.lower()


def test_store_is_missing(job):
    done = job.run("status")
    assert done.code in (65, 73), done


def test_store_cannot_be_written(job, tmp_path):
    done = job.run("--store", "/nowhere/at/all/x.db", "add",
                   "imaps://a@example.com", "imaps://a@example.org")
    if done.code == 64:  # the option belongs behind the command
        done = job.run("add", "--store", "/nowhere/at/all/x.db",
                       "imaps://a@example.com", "imaps://a@example.org")
    assert done.code == 73, done
