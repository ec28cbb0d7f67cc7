# SPDX-License-Identifier: Apache-2.0
"""mailhaul check: each row of the preflight table says what is so."""
import pytest

from harness import corpus
from harness.archive import write_maildir

TO = "ann@contoso.com"


@pytest.fixture
def source(tmp_path):
    return write_maildir(tmp_path / "from", {"INBOX": corpus.plain(12)})


def checked(tenant, new_job, source, to=f"m365:{TO}", code=0):
    job = new_job("job", **tenant.env)
    job.run("add", f"maildir:{source}", to, "--name", "ann", "--ca-file",
            tenant.ca_file, check=0)
    done = job.run("check", "--json", check=code)
    box = done.json[0]["mailboxes"][0]
    assert done.json[0]["exit"] == box["exit"] == code
    words = job.run("check", check=code)
    for row in box["checks"]:
        assert row["text"].split()[0] in words.out
    return {r["check"]: r for r in box["checks"]}, box


def test_all_is_well(practice, new_job, source):
    rows, box = checked(practice(), new_job, source)
    verdicts = {name: r["verdict"] for name, r in rows.items()}
    for name in ("source", "sign-in-graph", "sign-in-imap", "tenant",
                 "domain", "user", "licence", "mailbox", "language", "size",
                 "imap", "door"):
        assert verdicts[name] == "ok", rows[name]
    assert "Contoso" in rows["tenant"]["text"]
    assert "IMAP" in rows["door"]["text"]
    assert box["messages"] == box["left"] == 12
    assert box["estimate"]["limited_by"]


def test_nothing_is_changed(practice, new_job, source):
    tenant = practice(importmime=True)
    before = tenant.mailbox(TO).folders
    checked(tenant, new_job, source, to=f"m365+graph:{TO}")
    assert tenant.mailbox(TO).folders == before
    assert not tenant.breaches()


@pytest.mark.parametrize("change, name, verdict, word", [
    (("/mailbox", {"address": TO, "imap_enabled": False}), "imap", "note",
     "goes by Graph"),
    (("/mailbox", {"address": TO, "provisioned": False}), "mailbox", "fail",
     "licence"),
    (("/user", {"upn": TO, "delete": True}), "user", "fail",
     "no user with the address"),
    (("/domain", {"name": "contoso.com", "verified": False}), "domain",
     "fail", "not verified"),
    (("/consent", {"resource": "graph", "remove": ["User.Read.All"]}),
     "user", "unknown", "User.Read.All"),
    (("/mailbox", {"address": TO, "quota_octets": 100}), "quota", "fail",
     "less than the source holds"),
])
def test_what_is_wrong_is_said(practice, new_job, source, change, name,
                               verdict, word):
    tenant = practice()
    if change[0] == "/domain":
        # Else nobody of this tenant could sign in by its name.
        tenant.about["domain"] = tenant.about["tenant_id"]
    tenant.control(change[0], change[1])
    rows, _ = checked(tenant, new_job, source,
                      code=3 if verdict == "fail" else 0)
    assert rows[name]["verdict"] == verdict, rows[name]
    assert word in rows[name]["text"], rows[name]


@pytest.mark.parametrize("role, resource, to", [
    ("Mail.ReadWrite", "graph", "m365+graph"),
    ("IMAP.AccessAsApp", "outlook-app", "m365+imap")])
def test_the_missing_right_is_named(practice, new_job, source, role,
                                    resource, to):
    tenant = practice()
    tenant.control("/consent", resource=resource, remove=[role])
    rows, box = checked(tenant, new_job, source, to=f"{to}:{TO}", code=3)
    assert any(role in r["text"] for r in box["checks"]
               if r["verdict"] == "fail"), box["checks"]


def test_wrong_secret(practice, new_job, source):
    tenant = practice()
    job = new_job("job", **{**tenant.env, "MAILHAUL_CLIENT_SECRET": "no"})
    job.run("add", f"maildir:{source}", f"m365:{TO}", "--ca-file",
            tenant.ca_file, check=0)
    done = job.run("check", check=3)
    assert "secret" in done.out, done


def test_other_destinations(dovecot, new_job, source):
    server = dovecot()
    job = new_job("job")
    job.run("add", f"maildir:{source}", server.locator("bob"), check=0)
    done = job.run("check", "--json", check=0)
    rows = {r["check"]: r["verdict"]
            for r in done.json[0]["mailboxes"][0]["checks"]}
    assert rows == {"source": "ok", "destination": "ok"}
    server.stop()
    assert job.run("check").code == 2
