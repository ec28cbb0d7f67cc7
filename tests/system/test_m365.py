# SPDX-License-Identifier: Apache-2.0
"""Both ways into Microsoft 365, against the practice tenant: stopped at
every step, answers lost, tokens that end, limits met. Nothing lost, nothing
twice, no draft, dates and read state right.
"""
import calendar
import random
import re
import signal
import threading
import subprocess
import time
from collections import Counter

import pytest

from harness import corpus
from harness.archive import write_maildir
from harness.killing import Steps, kill_often
from harness.mailbox import Msg, sha
from harness.practice import ControlError, SECRET
from harness.program import until
from harness.pst_make import Message, Pst

STOPPED = 86
CEILING = 1500
DOORS = ("m365+imap", "m365+graph")
TO = "ann@contoso.com"
PERSON = {"MAILHAUL_CLIENT_SECRET": ""}  # signed in by device code


def letters(n, seed=1, size=400):
    """Ordinary letters with the flags that both doors can hold."""
    flags = ((), ("\\Seen",), ("\\Seen", "\\Answered"), ("\\Flagged",),
             ("\\Seen", "\\Flagged"), ("\\Draft",))
    return [Msg(m.octets, flags[i % len(flags)], corpus.START + 60 * i)
            for i, m in enumerate(corpus.plain(n, size, seed=seed))]


def small():
    """Ten messages: two equal ones, an attachment that goes apart."""
    out = {"INBOX": letters(5), "Sent": letters(2, seed=2),
           "Work/Files": letters(1, seed=3)}
    out["INBOX"].append(out["INBOX"][0])
    out["Work/Files"].append(large(4_200_000))
    return out


def large(size):
    part = b"\r\n".join([b"A" * 76] * (size // 78))
    return Msg(b"From: a@example.com\r\nTo: b@example.com\r\n"
               b"Date: Mon, 5 Feb 2018 10:00:00 +0100\r\n"
               b"Message-ID: <large.%d@example.com>\r\n"
               b"Subject: large\r\nMIME-Version: 1.0\r\n"
               b"Content-Type: multipart/mixed; boundary=XX\r\n\r\n"
               b"--XX\r\nContent-Type: text/plain\r\n\r\nsee below\r\n"
               b"--XX\r\nContent-Type: application/octet-stream;"
               b" name=big.bin\r\nContent-Transfer-Encoding: base64\r\n"
               b"Content-Disposition: attachment; filename=big.bin\r\n\r\n"
               % size + part + b"\r\n--XX--\r\n",
               ("\\Seen",), corpus.START)


def wanted(folders):
    """What must be there: a multiset of (octets, seen, flagged, draft,
    moment)."""
    out = Counter()
    for messages in folders.values():
        for m in messages:
            out[(sha(m.octets), "\\Seen" in m.flags, "\\Flagged" in m.flags,
                 "\\Draft" in m.flags, m.date)] += 1
    return out


def octets_hash(m):
    """Of the source's octets: as they stand there, or as our own property
    says."""
    for name, value in m.props.items():
        if "sourceid" in name.lower():
            assert value.split(".")[-1][0] == "w", f"half-made: {value}"
            return value.split(".")[1]
    return sha(m.octets)


def there(tenant, address=TO):
    return Counter((octets_hash(m), m.is_read, m.flag_status == "flagged",
                    m.is_draft, seconds(m.received))
                   for m in tenant.mailbox(address).messages)


def seconds(iso):
    return calendar.timegm(time.strptime(iso[:19], "%Y-%m-%dT%H:%M:%S"))


def same(want, have):
    lost, extra = want - have, have - want
    assert not lost and not extra, f"lost {lost}\nextra {extra}"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_maildir(tmp_path_factory.mktemp("m365") / "from", small())


def job_for(new_job, tenant, name):
    job = new_job(name, **tenant.env)
    job.env["MAILHAUL_TEST_SEARCH_MS"] = "20"
    return job


def sign_in(tenant, job, who=TO):
    """mailhaul login, with a person who types the code elsewhere."""
    said = []
    p = job.start("login", tenant.about["domain"], "--account", who,
                  "--ca-file", tenant.ca_file, env=PERSON,
                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    reader = threading.Thread(
        target=lambda: said.append(p.stdout.read()), daemon=True)
    reader.start()

    def approved():
        try:
            return tenant.control("/device", approve=who)
        except ControlError:
            return None
    until(approved, p)
    assert p.wait(60) == 0, said
    reader.join(60)


def no_breach(tenant):
    broken = tenant.breaches()
    assert not broken, broken[:5]


# --- stopped dead ----------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_every_step(practice, new_job, source, full, door):
    tenant, n, stopped = practice(), 1, 0
    want = wanted(small())
    while n < CEILING:
        tenant.control("/mailbox", address=TO, empty=True)
        job = job_for(new_job, tenant, f"job{n}")
        args = ("copy", f"maildir:{source}", f"{door}:{TO}", "--ca-file",
                tenant.ca_file, "--lanes", 1)
        done = job.run(*args, env={"MAILHAUL_TEST_STOP": str(n)})
        if done.code == 0:
            break
        assert done.code == STOPPED, done
        stopped += 1
        again = job.run(*args)
        assert again.code == 0, f"after step {n}: {again!r}"
        try:
            same(want, there(tenant))
        except AssertionError as e:
            raise AssertionError(f"stopped after step {n}: {e}")
        assert set(job.states()) <= {"moved", "already-there"}
        n += 1 if full or n < 30 else 4
    assert stopped >= 8
    same(want, there(tenant))
    no_breach(tenant)


@pytest.mark.parametrize("door", DOORS)
def test_the_store_is_lost(practice, new_job, source, door):
    tenant = practice()
    args = ("copy", f"maildir:{source}", f"{door}:{TO}", "--ca-file",
            tenant.ca_file, "--lanes", 1)
    for n in (4, 9, 15, 22):
        tenant.control("/mailbox", address=TO, empty=True)
        job = job_for(new_job, tenant, f"lost{n}")
        job.run(*args, env={"MAILHAUL_TEST_STOP": str(n)})
        job.forget()
        job.run(*args, check=0)
        have = there(tenant)
        assert Counter(k[0] for k in have.elements()) == \
            Counter(k[0] for k in wanted(small()).elements()), n


@pytest.mark.parametrize("door", DOORS)
def test_killed_at_random(practice, new_job, tmp_path, door):
    """kill -9, with several in flight. The seed is printed on failure."""
    tenant = practice(latency_ms=25)
    folders = {"INBOX": letters(60), "Work": letters(30, seed=4)}
    folders["Work"] += folders["Work"][:6]
    path = write_maildir(tmp_path / "from", folders)
    args = ("copy", f"maildir:{path}", f"{door}:{TO}", "--ca-file",
            tenant.ca_file)

    def begin(n):
        tenant.control("/mailbox", address=TO, empty=True)
        job = job_for(new_job, tenant, f"job{n}")
        job.env["MAILHAUL_TEST_LATE_MS"] = "1500"

        def whole():
            job.run(*args, check=0)
            same(wanted(folders), there(tenant))
            job.run("verify", "--deep", check=0)
        return job, args, whole

    seed = random.randrange(1 << 30)
    print("seed", seed)
    kill_often(random.Random(seed), 8, 60, begin)


@pytest.mark.parametrize("door", DOORS)
def test_a_later_pass(practice, new_job, tmp_path, door):
    """New mail and changed flags of our own copies."""
    tenant = practice()
    first = {"INBOX": letters(4)}
    path = write_maildir(tmp_path / "from", first)
    job = job_for(new_job, tenant, "job")
    args = ("copy", f"maildir:{path}", f"{door}:{TO}", "--ca-file",
            tenant.ca_file)
    job.run(*args, check=0)
    for name in list((path / "new").iterdir()):
        name.rename(path / "cur" / (name.name + ":2,FS"))
    write_maildir(path, {"INBOX": letters(2, seed=9)}, count=4)
    job.run("run", "--ca-file", tenant.ca_file, check=0)
    have = there(tenant)
    assert sum(have.values()) == 6
    changed = first["INBOX"][0]
    assert [k for k in have if k[0] == sha(changed.octets)] == [
        (sha(changed.octets), True, True, False, changed.date)]
    job.run("verify", "--deep", check=0)


# --- answers lost ----------------------------------------------------------


GRAPH_FAULTS = {
    "503": dict(match=r"POST .*/messages", what="503", times=3),
    "500": dict(match=r"POST .*/messages", what="500", times=2),
    "504, not stored": dict(match=r"POST .*/messages", what="504-before",
                            times=3),
    "504 after it was stored": dict(match=r"POST .*/messages$",
                                    what="504-after", times=3),
    "cut before": dict(match=r"POST .*/messages", what="drop-before",
                       times=3),
    "cut after it was stored": dict(match=r"POST .*/messages$",
                                    what="drop-after", times=3),
    "stored late": dict(match=r"POST .*/messages$", what="late", times=2,
                        delay=1),
    "429": dict(match=r"POST .*/messages", what="429", times=3,
                retry_after=1),
    "folder made, answer lost": dict(match=r"POST .*olders$",
                                     what="drop-after", times=1),
    "upload session": dict(match=r"createUploadSession", what="drop-after",
                           times=1),
    "chunk": dict(match=r"^PUT ", what="drop-after", times=2),
    "last step": dict(match=r"PATCH .*/messages/", what="drop-before",
                      times=1),
    "last step done, answer lost": dict(match=r"PATCH .*/messages/",
                                        what="drop-after", times=1),
    "listing": dict(match=r"GET .*/messages", what="504-before", times=2),
    "401": dict(match=r"POST .*/messages", what="401", times=2),
}

IMAP_FAULTS = {
    "cut before": dict(match="APPEND", what="drop-before", times=3),
    "cut after it was stored": dict(match="APPEND", what="drop-after",
                                    times=3),
    "stored late": dict(match="APPEND", what="late", times=2, delay=1),
    "flag not set": dict(match="UID STORE", what="drop-before", times=1),
    "flag set, answer lost": dict(match="UID STORE", what="drop-after",
                                  times=1),
    "BYE": dict(match="APPEND", what="bye", times=2),
    "CREATE": dict(match="CREATE", what="drop-after", times=1),
    "throttled": dict(match="APPEND", what="throttle", times=2,
                      retry_after=1),
    "not connected at first": dict(match="NAMESPACE|LIST|SELECT|STATUS",
                                   what="not-connected", times=1),
}


def through(practice, new_job, source, door, fault):
    tenant = practice()
    where = "graph" if "graph" in door else "imap"
    tenant.fault(where=where, **fault)
    job = job_for(new_job, tenant, "job")
    job.env["MAILHAUL_TEST_LATE_MS"] = "3000"
    args = ("copy", f"maildir:{source}", f"{door}:{TO}", "--ca-file",
            tenant.ca_file)
    done = job.run(*args)
    struck = [f["done"] for f in tenant.read("/state")["faults"]]
    assert struck and all(struck), "the fault never struck"
    if done.code == 2:
        done = job.run(*args)
    assert done.code == 0, done
    same(wanted(small()), there(tenant))
    job.run("verify", "--deep", check=0)


@pytest.mark.parametrize("what", GRAPH_FAULTS)
def test_graph_faults(practice, new_job, source, what):
    through(practice, new_job, source, "m365+graph", GRAPH_FAULTS[what])


@pytest.mark.parametrize("what", IMAP_FAULTS)
def test_imap_faults(practice, new_job, source, what):
    through(practice, new_job, source, "m365+imap", IMAP_FAULTS[what])


# --- the mailbox says no ---------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_mailbox_full(practice, new_job, source, door):
    tenant = practice()
    tenant.control("/mailbox", address=TO, quota_octets=3000)
    job = job_for(new_job, tenant, "job")
    args = ("copy", f"maildir:{source}", f"{door}:{TO}", "--ca-file",
            tenant.ca_file)
    done = job.run(*args)
    assert done.code == 3, done
    assert "full" in done.said, done
    tenant.control("/mailbox", address=TO, quota_octets=1 << 40)
    job.run(*args, check=0)
    same(wanted(small()), there(tenant))


@pytest.mark.parametrize("door", ("m365", "m365+graph"))
def test_mailbox_not_there_yet(practice, new_job, source, door):
    tenant = practice()
    tenant.control("/mailbox", address=TO, provisioned=False)
    job = job_for(new_job, tenant, "job")
    args = ("copy", f"maildir:{source}", f"{door}:{TO}", "--ca-file",
            tenant.ca_file)
    done = job.run(*args)
    assert done.code == 3, done
    assert "licence" in done.said, done
    tenant.control("/mailbox", address=TO, provisioned=True)
    job.run(*args, check=0)
    same(wanted(small()), there(tenant))


def test_imap_switched_off_goes_by_graph(practice, new_job, source):
    tenant = practice()
    tenant.control("/mailbox", address=TO, imap_enabled=False)
    job = job_for(new_job, tenant, "job")
    done = job.run("copy", f"maildir:{source}", f"m365:{TO}", "--ca-file",
                   tenant.ca_file, check=0)
    assert "goes by Graph" in done.said, done
    same(wanted(small()), there(tenant))


def test_imap_open_goes_by_imap(practice, new_job, source):
    tenant = practice()
    job = job_for(new_job, tenant, "job")
    done = job.run("copy", f"maildir:{source}", f"m365:{TO}", "--ca-file",
                   tenant.ca_file, check=0)
    assert "goes by IMAP" in done.said, done
    same(wanted(small()), there(tenant))


# --- tokens ----------------------------------------------------------------


def slow(practice, life=4, **options):
    return practice(token_life=life, latency_ms=120, **options)


@pytest.mark.parametrize("door", DOORS)
def test_token_ends_in_mid_folder(practice, new_job, tmp_path, door):
    tenant = slow(practice)
    folders = {"INBOX": letters(200 if "graph" in door else 60)}
    path = write_maildir(tmp_path / "from", folders)
    job = job_for(new_job, tenant, "job")
    job.run("copy", f"maildir:{path}", f"{door}:{TO}", "--ca-file",
            tenant.ca_file, "--lanes", 2, check=0)
    same(wanted(folders), there(tenant))


@pytest.mark.parametrize("door", DOORS)
def test_refresh_is_refused(practice, new_job, tmp_path, door):
    """Paused, told, and goes on after a sign-in."""
    tenant = slow(practice, device_interval=1)
    n = 260 if "graph" in door else 70
    folders = {"INBOX": letters(n)}
    path = write_maildir(tmp_path / "from", folders)
    job = job_for(new_job, tenant, "job")
    sign_in(tenant, job)
    tenant.fault(where="signin", match="token", what="AADSTS50173",
                 times=0, after=2)
    args = ("copy", f"maildir:{path}", f"{door}:{TO}", "--ca-file",
            tenant.ca_file, "--lanes", 1)
    done = job.run(*args, env=PERSON)
    assert done.code == 3, done
    assert "mailhaul login" in done.said, done
    assert "problem" not in job.states()
    before = sum(there(tenant).values())
    assert before < n, "the refusal came too late to be seen"
    tenant.clear_faults()
    tenant.control("/config", latency_ms=0)
    sign_in(tenant, job)
    job.run(*args, env=PERSON, check=0)
    same(wanted(folders), there(tenant))


@pytest.mark.parametrize("door, right", [
    ("m365+imap", "IMAP.AccessAsApp"), ("m365+graph", "Mail.ReadWrite")])
def test_a_role_is_missing(practice, new_job, source, door, right):
    tenant = practice()
    resource = "outlook-app" if "imap" in door else "graph"
    tenant.control("/consent", resource=resource, remove=[right])
    job = job_for(new_job, tenant, "job")
    args = ("copy", f"maildir:{source}", f"{door}:{TO}", "--ca-file",
            tenant.ca_file)
    done = job.run(*args)
    assert done.code == 3, done
    assert right in done.said, done
    assert not there(tenant)
    tenant.control("/consent", resource=resource, add=[right])
    job.run(*args, check=0)
    same(wanted(small()), there(tenant))


def test_no_secret_is_left_behind(practice, new_job, source, tmp_path):
    """Not in output, job store, command line, or a core."""
    tenant = slow(practice, life=600)
    job = job_for(new_job, tenant, "job")
    args = ("copy", f"maildir:{source}", f"m365:{TO}", "--ca-file",
            tenant.ca_file, "--verbose", "--lanes", 1)
    steps = Steps(job)
    with open(tmp_path / "said", "wb") as said:
        p = job.start(*args, stdout=said, stderr=subprocess.STDOUT,
                      env=steps.env)
        steps.wait(p, 8)
        with open(f"/proc/{p.pid}/cmdline", "rb") as f:
            line = f.read()
        p.send_signal(signal.SIGABRT)
        assert p.wait(60) == -signal.SIGABRT
    steps.close()
    job.run("run", "--verbose", "--ca-file", tenant.ca_file, check=0)
    secrets = [SECRET.encode()]
    searched = {"the command line": line,
                "the output": (tmp_path / "said").read_bytes()}
    for path in tmp_path.rglob("*"):
        if path.is_file() and "tokens" not in path.parts \
                and "tenant" not in str(path.relative_to(tmp_path)):
            searched[str(path)] = path.read_bytes()
    assert any("mailhaul.db" in name for name in searched)
    for name, octets in searched.items():
        for secret in secrets:
            assert secret not in octets, f"a secret is in {name}"
        assert not re.search(rb"eyJ[\w-]{20,}\.[\w-]{20,}", octets), name
    for path in job.path.rglob("tokens/**/*"):
        mode = path.stat().st_mode & 0o777
        assert mode == (0o700 if path.is_dir() else 0o600), path


# --- limits ----------------------------------------------------------------


def test_no_limit_is_broken(practice, new_job, tmp_path):
    """Four at once and a window of requests, kept exactly."""
    tenant = practice(limit_requests=60, limit_request_window=3,
                      latency_ms=20)
    folders = {"INBOX": letters(120)}
    path = write_maildir(tmp_path / "from", folders)
    job = job_for(new_job, tenant, "job")
    job.env["MAILHAUL_TEST_GOV_REQUESTS"] = "60"
    job.env["MAILHAUL_TEST_GOV_SCALE"] = "200"
    job.run("copy", f"maildir:{path}", f"m365+graph:{TO}", "--ca-file",
            tenant.ca_file, check=0, timeout=300)
    same(wanted(folders), there(tenant))
    no_breach(tenant)


def test_waiting_is_told_and_is_no_error(practice, new_job, tmp_path):
    tenant = practice()
    tenant.fault(where="graph", match=r"POST .*/messages", what="429",
                 times=1, retry_after=4, after=5)
    folders = {"INBOX": letters(20)}
    path = write_maildir(tmp_path / "from", folders)
    job = job_for(new_job, tenant, "job")
    done = job.run("copy", f"maildir:{path}", f"m365+graph:{TO}",
                   "--ca-file", tenant.ca_file, check=0)
    assert re.search(r"waiting 0:0\d, as Microsoft asked", done.said), done
    assert "problem" not in job.states()


def test_a_stop_in_the_middle_of_a_wait(practice, new_job, tmp_path):
    """Nobody waits ten seconds for what may not be sent for a minute."""
    tenant = practice()
    tenant.fault(where="graph", match=r"POST .*/messages", what="429",
                 times=1, retry_after=60, after=5)
    folders = {"INBOX": letters(30)}
    path = write_maildir(tmp_path / "from", folders)
    job = job_for(new_job, tenant, "job")
    args = ("copy", f"maildir:{path}", f"m365+graph:{TO}", "--ca-file",
            tenant.ca_file)
    p = job.start(*args)
    until(lambda: tenant.read("/state")["faults"][0]["done"], p)
    time.sleep(1)
    p.send_signal(signal.SIGTERM)
    assert p.wait(9) == 2
    job.run(*args, check=0)
    same(wanted(folders), there(tenant))


# --- what both doors serve -------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_labels_become_categories(practice, dovecot, new_job, door):
    tenant = practice()
    server = dovecot()
    m = letters(1)[0]._replace(flags=("\\Seen", "Invoices"))
    server.mailbox("alice").fill({"INBOX": [m]})
    job = job_for(new_job, tenant, "job")
    job.run("copy", server.locator("alice"), f"{door}:{TO}", "--ca-file",
            tenant.ca_file, check=0)
    assert [c.categories for c in tenant.mailbox(TO).messages] == [
        ["Invoices"]]


@pytest.mark.parametrize("door", DOORS)
def test_categories_of_outlook(practice, new_job, tmp_path, door):
    """By their names, with blanks and umlauts: Outlook knows the colour of
    each by that."""
    tenant, names = practice(), ["Red category", "Wichtig f\u00fcr Anna"]
    p = Pst()
    p.folder("Inbox", use="inbox").add(Message("one", keywords=names))
    file, job = p.write(tmp_path / "a.pst"), job_for(new_job, tenant, "job")
    for _ in range(3):
        job.run("copy", file, f"{door}:{TO}", "--ca-file", tenant.ca_file,
                check=0)
        assert [sorted(m.categories) for m in tenant.mailbox(TO).messages] \
            == [names]
    assert job.run("problems", "--json").json[0]["notes"] == []


def test_second_source_adopts_what_the_other_door_brought(
        practice, new_job, source):
    tenant = practice()
    job = job_for(new_job, tenant, "one")
    job.run("copy", f"maildir:{source}", f"m365+imap:{TO}", "--ca-file",
            tenant.ca_file, check=0)
    other = job_for(new_job, tenant, "two")
    other.run("copy", f"maildir:{source}", f"m365+graph:{TO}", "--ca-file",
              tenant.ca_file, check=0)
    same(wanted(small()), there(tenant))
    assert other.states().get("already-there") == sum(
        wanted(small()).values())


@pytest.mark.parametrize("door", DOORS)
def test_a_folder_is_deleted_meanwhile(practice, new_job, tmp_path, door):
    tenant = practice(latency_ms=40)
    tenant.fault(where="imap" if "imap" in door else "graph", times=0,
                 match="APPEND" if "imap" in door else "POST .*/messages",
                 what="slow", delay=1, after=30)
    folders = {"Work": letters(120)}
    path = write_maildir(tmp_path / "from", folders)
    job = job_for(new_job, tenant, "job")
    p = job.start("copy", f"maildir:{path}", f"{door}:{TO}", "--ca-file",
                  tenant.ca_file)
    until(lambda: there(tenant), p)
    tenant.control("/folder", address=TO, name="Work", delete=True)
    tenant.clear_faults()
    assert p.wait(60) in (0, 1, 2)
    job.run("run", "--ca-file", tenant.ca_file)
    job.run("problems", "--retry")
    job.run("run", "--ca-file", tenant.ca_file, check=0)
    same(wanted(folders), there(tenant))
