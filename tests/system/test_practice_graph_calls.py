# SPDX-License-Identifier: Apache-2.0
"""The practice tenant's Graph: attachments, $batch, limits, faults, and the
states of a mailbox.
"""
import base64
import concurrent.futures
import http.client
import os
import time

import pytest

from harness.graph_client import (JSON, MIME, USER, attachment, message,
                                  pages)
from harness.graph_client import server, t  # noqa: F401


# --- Attachments ----------

def test_attachments(t):
    made = t.make(message(attachments=[
        attachment(b"one", isInline=True, contentId="cid@x")]))
    path = USER + f"/messages/{made['id']}/attachments"
    assert t.call("POST", path, attachment(b"two")).status == 201
    found = t.get(path).json["value"]
    assert [base64.b64decode(a["contentBytes"]) for a in found] == \
        [b"one", b"two"]
    assert found[0]["isInline"] and found[0]["contentId"] == "cid@x"
    assert t.get(path + "/" + found[1]["id"] + "/$value").body == b"two"
    assert t.get(USER + "/messages/" + made["id"]).json["hasAttachments"]
    assert not made["hasAttachments"]
    octets = t.get(USER + f"/messages/{made['id']}/$value").body
    assert b"Content-ID: <cid@x>" in octets
    assert t.call("DELETE", path + "/" + found[0]["id"]).status == 204
    small = t.get(path, select="name,size").json["value"]
    assert [a["size"] for a in small] == [3]


def session(t, size, made=None):
    made = made or t.make(message())
    path = USER + f"/messages/{made['id']}/attachments"
    return path, t.call("POST", path + "/createUploadSession", {
        "AttachmentItem": {"attachmentType": "file", "name": "big.bin",
                           "contentType": "application/zip", "size": size,
                           "isInline": False, "contentId": "c"}})


def put(t, url, data, first, total, **headers):
    return t.raw(url, "PUT", data, {
        "Content-Type": "application/octet-stream",
        "Content-Range": f"bytes {first}-{first + len(data) - 1}/{total}",
        **headers})


def test_an_upload_session(t):
    data = os.urandom(5_000_000)
    path, made = session(t, len(data))
    assert made.status == 201 and made.json["nextExpectedRanges"] == ["0-"]
    url = made.json["uploadUrl"]
    assert not url.startswith(t.about["graph_url"] + "/v1.0")
    assert put(t, url, data[:10], 10, len(data)).status == 416
    assert put(t, url, data[:10], 0, 10).status == 400
    assert put(t, url, data[:4_000_001], 0, len(data)).status == 413
    assert put(t, url, data[:100], 0, len(data),
               Authorization="Bearer " + t.token).status == 401
    assert put(t, url + "x", data[:100], 0, len(data)).status == 401
    first = put(t, url, data[:3_000_000], 0, len(data))
    assert first.status == 200
    assert first.json["nextExpectedRanges"] == ["3000000"]
    assert "ExpirationDateTime" in first.json
    assert put(t, url, data[:3_000_000], 0, len(data)).status == 416
    last = put(t, url, data[3_000_000:], 3_000_000, len(data))
    assert last.status == 201 and last.headers["Location"]
    found = t.get(path, select="id,name,size,contentType").json["value"][0]
    assert (found["size"], found["contentType"]) == (
        len(data), "application/zip")
    assert t.get(path + f"/{found['id']}/$value").body == data
    assert put(t, url, data[:1], 0, len(data)).status == 404


def test_sessions_have_bounds_and_ends(t):
    assert session(t, 2_999_999)[1].status == 400
    assert session(t, 150_000_001)[1].status == 400
    path, made = session(t, 4_000_000)
    t.control("POST", "clock", forward=2 * 86400)
    late = put(t, made.json["uploadUrl"], b"x" * 100, 0, 4_000_000)
    assert late.status == 404
    t.control("POST", "config", large_attachments_drafts_only=True)
    assert session(t, 4_000_000)[1].status == 403
    assert session(t, 4_000_000, t.make({}))[1].status == 201


def test_a_change_key_that_does_not_match(t):
    _, made = session(t, 4_000_000)
    t.control("POST", "fault", where="graph", match="PUT upload",
              what="changekey")
    url = made.json["uploadUrl"]
    assert put(t, url, b"x" * 100, 0, 4_000_000).status == 412
    assert put(t, url, b"x" * 100, 0, 4_000_000).status == 200


# --- $batch ----------

def batch(t, *parts):
    return t.call("POST", "/v1.0/$batch", {"requests": list(parts)})


def part(number, method, url, body=None, **more):
    out = {"id": str(number), "method": method, "url": url, **more}
    if body is not None:
        out.update(body=body, headers=JSON)
    return out


def test_a_batch(t):
    made = t.make(message())
    one = f"/users/ann@contoso.com/messages/{made['id']}"
    answer = batch(
        t, *[part(i, "PATCH", one, {"isRead": bool(i % 2)})
             for i in range(18)],
        part("x", "GET", "/users/ann@contoso.com/messages/" + "A" * 60),
        part("v", "GET", one + "/$value"))
    found = {r["id"]: r for r in answer.json["responses"]}
    assert len(found) == 20
    assert found["0"]["status"] == 200 and found["x"]["status"] == 404
    assert b"Subject: S" in base64.b64decode(found["v"]["body"])


def test_batches_that_are_refused(t):
    get = "/users/ann@contoso.com/mailFolders/inbox"
    for parts in ([part(i, "GET", get) for i in range(21)],
                  [part("a", "GET", get), part("A", "GET", get)],
                  [part(1, "GET", get, dependsOn=["2"])], [],
                  [part(1, "GET", t.about["graph_url"] + get)],
                  [{"id": "1", "method": "PATCH", "url": get, "body": {}}]):
        assert batch(t, *parts).status == 400, parts


def test_a_batch_in_sequence(t):
    get = "/users/ann@contoso.com/mailFolders/"
    answer = batch(t, part(1, "GET", get + "nothing"),
                   part(2, "GET", get + "inbox", dependsOn=["1"]),
                   part(3, "GET", get + "inbox"))
    found = {r["id"]: r["status"] for r in answer.json["responses"]}
    assert found == {"1": 404, "2": 424, "3": 200}


def test_a_part_is_throttled_by_itself(t):
    t.control("POST", "limits", requests=5)
    get = "/users/ann@contoso.com/mailFolders/inbox"
    answer = batch(t, *[part(i, "GET", get) for i in range(7)])
    found = answer.json["responses"]
    assert answer.status == 200
    refused = [r for r in found if r["status"] == 429]
    assert len(refused) == 2
    assert int(refused[0]["headers"]["Retry-After"]) > 0


# --- Limits, faults, states of a mailbox ----------

def test_the_fifth_at_once_is_refused(t):
    t.control("POST", "config", latency_ms=700)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda _: t.get(
            USER + "/mailFolders/inbox"), range(5)))
    statuses = sorted(a.status for a in found)
    assert statuses == [200, 200, 200, 200, 429]
    refused = next(a for a in found if a.status == 429)
    assert refused.code == "ApplicationThrottled"
    assert int(refused.headers["Retry-After"]) >= 1
    assert len(t.breaches("concurrent")) == 1


def test_uploaded_octets_are_limited(t):
    t.control("POST", "limits", octets=10_000)
    t.make(message())
    big = t.call("POST", USER + "/messages", message(
        body={"contentType": "text", "content": "x" * 10_000}))
    assert big.status == 429 and int(big.headers["Retry-After"]) > 100
    assert t.breaches("octets")


@pytest.mark.parametrize("what, status, there", (
    ("503", 503, 0), ("500", 500, 0), ("504-before", 504, 0),
    ("504-after", 504, 1), ("429", 429, 0), ("quota", 507, 0),
    ("401", 401, 0), ("drop-before", None, 0), ("drop-after", None, 1)))
def test_faults(t, what, status, there):
    t.control("POST", "fault", where="graph", match="POST .*/messages",
              what=what)
    try:
        answer = t.call("POST", USER + "/messages", message())
        assert answer.status == status
        assert set(answer.json["error"]["innerError"]) == {
            "date", "request-id", "client-request-id"}
        assert ("Retry-After" in answer.headers) == (what == "429")
    except (OSError, http.client.HTTPException):
        assert status is None
    assert len(t.get(USER + "/messages").json["value"]) == there
    assert t.call("POST", USER + "/messages", message()).status == 201


def test_a_late_one(t):
    t.control("POST", "fault", where="graph", match="POST .*/messages",
              what="late", delay=0.3)
    with pytest.raises((OSError, http.client.HTTPException)):
        t.call("POST", USER + "/messages", message())
    deadline = time.monotonic() + 60
    while not t.get(USER + "/messages").json["value"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("state, status, code", (
    ({"provisioned": False}, 404, "MailboxNotEnabledForRESTAPI"),
    ({"licensed": False}, 404, "MailboxNotEnabledForRESTAPI"),
    ({"policy_denied": True}, 403, "ErrorAccessDenied")))
def test_states_of_a_mailbox(t, state, status, code):
    t.control("POST", "mailbox", address="bob@contoso.com", **state)
    answer = t.get("/v1.0/users/bob@contoso.com/mailFolders/inbox")
    assert (answer.status, answer.code) == (status, code)


def test_who_may_not(t):
    inbox = USER + "/mailFolders/inbox"
    nobody = t.get("/v1.0/users/nobody@contoso.com/mailFolders/inbox")
    assert (nobody.status, nobody.code) == (404, "ErrorInvalidUser")
    bad = t.call("GET", inbox, token="nonsense")
    assert (bad.status, bad.code) == (401, "InvalidAuthenticationToken")
    assert t.get("/v1.0/me/mailFolders").status == 400
    assert t.call("PUT", inbox, {}).status == 405
    assert t.get(inbox + "/nothing").status == 404
    t.control("POST", "consent", resource="graph", remove=["Mail.ReadWrite"])
    t.token = t.sign_in()
    denied = t.get(inbox)
    assert (denied.status, denied.code) == (403, "ErrorAccessDenied")


def test_headers_of_an_answer(t):
    answer = t.call("GET", USER + "/mailFolders/inbox",
                    headers={"client-request-id": "mine"})
    assert answer.headers["client-request-id"] == "mine"
    assert answer.headers["request-id"] and answer.headers["Date"]


def test_the_door_of_the_import_api(t):
    found = t.get(USER + "/settings/exchange").json["primaryMailboxId"]
    path = "/v1.0/admin/exchange/mailboxes/" + found
    assert t.call("POST", path + "/createImportSession").status == 404
    t.control("POST", "config", import_session=True)
    made = t.call("POST", path + "/createImportSession")
    assert made.status == 200
    url = made.json["importUrl"]
    assert t.raw(url, "POST", b"{}", JSON).code == "ErrorCorruptData"
    assert t.get(path + "/folders").json["value"]


def test_a_person_and_the_mailboxes_of_others(t):
    t.token = t.practice.user_token()
    assert t.get("/v1.0/me/mailFolders/inbox").status == 200
    assert t.get(USER + "/mailFolders/inbox").status == 200
    bob = "/v1.0/users/bob@contoso.com/mailFolders/inbox"
    assert t.get(bob).status == 403
    t.token = t.practice.user_token(
        scope="Mail.ReadWrite Mail.ReadWrite.Shared")
    assert t.get(bob).status == 403
    t.control("POST", "access", who="ann@contoso.com",
              address="bob@contoso.com")
    assert t.get(bob).status == 200


def test_thousands_are_listed(t, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(3000):
        (folder / f"{i:05}").write_bytes(MIME.replace(
            b"mime@", b"m%d@" % i))
    t.control("POST", "seed", address="ann@contoso.com", dir=str(folder))
    found, n, _ = pages(t, USER + "/mailFolders/inbox/messages", top=500,
                        select="id,internetMessageId")
    assert len({m["internetMessageId"] for m in found}) == 3000 and n == 6
