# SPDX-License-Identifier: Apache-2.0
"""The practice tenant's Graph: folders and messages, what it takes, ignores,
refuses and answers.
"""
import base64

import pytest

from harness.graph_client import (IMMUTABLE, MIME, PLAIN, SOURCE_ID, USER,
                                  attachment, message, pages)
from harness.graph_client import schema, server, t  # noqa: F401


# --- Folders ----------

def test_folders_come_in_pages_of_ten(t):
    found, n, _ = pages(t, USER + "/mailFolders")
    assert n == 2 and len({f["id"] for f in found}) == len(found) > 10
    assert len(t.get(USER + "/mailFolders").json["value"]) == 10
    hidden = t.call("GET", USER + "/mailFolders?includeHiddenFolders=true"
                    "&$top=100").json["value"]
    assert len(hidden) > len(found)
    assert t.call("GET", USER + "/mailFolders?foo=1").status == 400
    assert t.get(USER + "/mailFolders", select="nothing").status == 400


def test_next_link_is_followed_verbatim(t):
    link = t.get(USER + "/mailFolders").json["@odata.nextLink"]
    assert t.call("GET", link).status == 200
    assert t.call("GET", link.replace("%24skip", "$skip")).status == 400
    assert len(t.breaches("nextlink")) == 1


def test_well_known_names(t):
    t.control("POST", "mailbox", address="dora@contoso.com",
              language="de-DE")
    user = "/v1.0/users/dora@contoso.com/mailFolders/"
    for name in ("inbox", "SentItems", "drafts", "archive", "msgfolderroot",
                 "recoverableitemsdeletions"):
        assert t.get(user + name).status == 200, name
    assert t.get(user + "sentitems").json["displayName"] == \
        "Gesendete Elemente"
    assert t.get(user + "nothing").code == "ErrorItemNotFound"
    assert t.get("/beta" + user[5:] + "inbox").json["wellKnownName"] == \
        "inbox"


def test_folders_are_made_renamed_and_deleted(t):
    made = t.call("POST", USER + "/mailFolders", {"displayName": "Work"})
    assert made.status == 201 and not made.json["isHidden"]
    one = USER + "/mailFolders/" + made.json["id"]
    child = t.call("POST", one + "/childFolders", {"displayName": "A/B"})
    assert child.json["parentFolderId"] == made.json["id"]
    assert [f["displayName"] for f in
            t.get(one + "/childFolders").json["value"]] == ["A/B"]
    assert t.get(one).json["childFolderCount"] == 1
    new = t.call("PATCH", one, {"displayName": "Play"})
    assert new.json["displayName"] == "Play"
    assert t.call("DELETE", one).status == 204
    assert t.get(one).status == 404
    assert t.call("DELETE", USER + "/mailFolders/inbox").status == 400


@pytest.mark.parametrize("status", (400, 409))
def test_a_folder_that_exists(t, status):
    t.control("POST", "config", folder_exists=status)
    t.call("POST", USER + "/mailFolders",
           {"displayName": "Work", "isHidden": True})
    for name in ("WORK", "inbox", "Sync Issues"):
        again = t.call("POST", USER + "/mailFolders", {"displayName": name})
        assert (again.status, again.code) == (status, "ErrorFolderExists")


def test_folder_exists_by_turns(t):
    t.control("POST", "config", folder_exists=0)
    seen = {t.call("POST", USER + "/mailFolders",
                   {"displayName": "Inbox"}).status for _ in range(4)}
    assert seen == {400, 409}


def test_a_folder_takes_name_and_hidden_only(t, schema):
    for more in ({"totalItemCount": 1}, {"parentFolderId": "x"},
                 {"displayname": "x"}, {"isHidden": "yes"}):
        bad = t.call("POST", USER + "/mailFolders",
                     {"displayName": "X", **more})
        assert bad.status == 400 and list(more)[0] in \
            bad.json["error"]["message"], bad
    assert len(t.breaches("schema")) == 4


def test_size_of_a_folder(t):
    t.make(message())
    answer = t.get(USER + "/mailFolders/inbox", expand="singleValueExtended"
                   "Properties($filter=id eq 'Long 0x0E08')")
    found = answer.json["singleValueExtendedProperties"]
    assert found[0]["id"].split()[1] == "0xe08"
    assert int(found[0]["value"]) > 0


# --- New messages of JSON ----------

def test_json_with_mapi_properties_is_no_draft(t):
    made = t.make(message(categories=["Red"],
                          flag={"flagStatus": "flagged"}))
    assert not made["isDraft"] and made["isRead"]
    assert made["receivedDateTime"] == "2024-05-15T12:00:00Z"
    assert made["sentDateTime"] == "2024-05-15T11:59:58Z"
    assert made["internetMessageId"] == "<json@example.com>"
    assert made["categories"] == ["Red"]
    assert made["flag"]["flagStatus"] == "flagged"
    octets = t.get(USER + f"/messages/{made['id']}/$value").body
    for line in (b"Message-ID: <json@example.com>", b"Subject: S",
                 b"References: <r1@example.com>",
                 b"Date: Wed, 15 May 2024 11:59:58 +0000"):
        assert line in octets


@pytest.mark.parametrize("bits, draft, read", (
    ("0", False, False), ("1", False, True), ("4", False, False),
    ("8", True, False), ("9", True, True), (None, True, True)))
def test_the_draft_rule(t, bits, draft, read):
    props = [{"id": "Integer 0x0E07", "value": bits}] if bits else []
    made = t.make(message(singleValueExtendedProperties=props))
    assert (made["isDraft"], made["isRead"]) == (draft, read)


def test_what_is_ignored_at_creation(t):
    made = t.make({
        "subject": "S", "receivedDateTime": "2001-01-01T00:00:00Z",
        "sentDateTime": "2001-01-01T00:00:00Z", "isDraft": False,
        "internetMessageHeaders": [
            {"name": "Received", "value": "from a"},
            {"name": "X-Mine", "value": "kept"}]})
    assert made["isDraft"]
    assert not made["receivedDateTime"].startswith("2001")
    assert not made["sentDateTime"].startswith("2001")
    headers = t.get(USER + f"/messages/{made['id']}",
                    select="internetMessageHeaders").json
    assert headers["internetMessageHeaders"] == [
        {"name": "X-Mine", "value": "kept"}]


@pytest.mark.parametrize("headers", (
    [{"name": f"x-{i}", "value": ""} for i in range(6)],
    [{"name": "x-long", "value": "v" * 996}]))
def test_internet_headers_are_few_and_short(t, headers):
    bad = t.call("POST", USER + "/messages",
                 message(internetMessageHeaders=headers))
    assert bad.status == 400


def test_what_may_be_written_in_headers(t):
    """Five, of 995 characters."""
    t.make(message(internetMessageHeaders=[
        {"name": f"x-{i}", "value": "v" * 995} for i in range(5)]))


@pytest.mark.parametrize("change, name", (
    ({"subjekt": "x"}, "subjekt"), ({"subject": 1}, "subject"),
    ({"isRead": "true"}, "isRead"), ({"changeKey": "x"}, "changeKey"),
    ({"hasAttachments": True}, "hasAttachments"),
    ({"importance": "urgent"}, "importance"),
    ({"body": {"contentType": "rtf", "content": ""}}, "body.contentType"),
    ({"toRecipients": {"emailAddress": {}}}, "toRecipients"),
    ({"toRecipients": [{"emailAddress": {"adress": "x"}}]},
     "toRecipients[0].emailAddress.adress"),
    ({"attachments": [{"name": "x"}]}, "attachments[0]"),
    ({"attachments": [attachment(contentBytes="*")]},
     "attachments[0].contentBytes"),
    ({"attachments": [attachment(size="1")]}, "attachments[0].size"),
    ({"singleValueExtendedProperties": [
        {"id": "Integer 0x0E07", "value": 1}]},
     "singleValueExtendedProperties[0].value")))
def test_bodies_are_checked_by_the_schema(t, schema, change, name):
    bad = t.call("POST", USER + "/messages", message(**change))
    assert bad.status == 400
    assert f"'{name}'" in bad.json["error"]["message"], bad
    assert len(t.breaches("schema")) == 1
    assert t.get(USER + "/messages").json["value"] == []


@pytest.mark.parametrize("name, value", (
    ("Integer 0xE07x", "1"), ("Whole 0x0E07", "1"), ("Integer 0x0E07", "a"),
    ("String 0x0E07", "1"), ("SystemTime 0x0E06", "yesterday"),
    ("String {8ECCC264} Name X", "a")))
def test_extended_properties_are_checked(t, name, value):
    bad = t.call("POST", USER + "/messages", message(
        singleValueExtendedProperties=[{"id": name, "value": value}]))
    assert (bad.status, bad.code) == (400, "ErrorInvalidProperty")


def test_extended_properties_come_back(t):
    made = t.make(message())
    answer = t.get(USER + f"/messages/{made['id']}", select="id", expand=(
        "singleValueExtendedProperties($filter=id eq 'Integer 0x0E07' or "
        f"id eq '{SOURCE_ID}' or id eq 'String 0x1042')"))
    found = {p["id"].lower(): p["value"] for p in
             answer.json["singleValueExtendedProperties"]}
    assert found == {"integer 0xe07": "1", SOURCE_ID.lower(): "Abc-1"}


def test_a_request_over_four_megabytes(t):
    big = t.call("POST", USER + "/messages", message(
        body={"contentType": "text", "content": "x" * 4_100_000}))
    assert big.status == 413


def test_the_quota(t):
    t.control("POST", "mailbox", address="ann@contoso.com",
              quota_octets=10_000)
    full = t.call("POST", USER + "/messages", message(
        attachments=[attachment(b"x" * 20_000)]))
    assert (full.status, full.code) == (507, "ErrorQuotaExceeded")
    inner = full.json["error"]["innerError"]
    assert set(inner) == {"date", "request-id", "client-request-id"}


# --- New messages of MIME ----------

def post_mime(t, raw, path=USER + "/messages"):
    return t.call("POST", path, base64.b64encode(raw), PLAIN)


@pytest.mark.parametrize("path", ("/messages",
                                  "/mailFolders/inbox/messages"))
def test_mime_makes_a_draft(t, path):
    made = post_mime(t, MIME, USER + path)
    assert made.status == 201 and made.json["isDraft"]
    assert made.json["sentDateTime"] == "2024-05-15T11:00:00Z"
    assert made.json["receivedDateTime"][:4] != "2024"
    assert made.json["from"]["emailAddress"]["name"] == "Jürg"
    assert len(made.json["toRecipients"]) == 2
    assert made.json["internetMessageId"] == "<mime@example.com>"
    one = USER + "/messages/" + made.json["id"]
    assert t.get(one + "/$value").body == MIME


def test_a_draft_stays_one(t):
    made = post_mime(t, MIME).json
    one = USER + "/messages/" + made["id"]
    answer = t.call("PATCH", one, {
        "isDraft": False, "isRead": False, "singleValueExtendedProperties":
        [{"id": "Integer 0x0E07", "value": "1"}]})
    assert answer.status == 200 and answer.json["isDraft"]
    assert not answer.json["isRead"]


@pytest.mark.parametrize("raw", (
    MIME.replace(b"\r\n", b"\n"),
    b"DKIM-Signature: " + b"x" * 1000 + b"\r\n" + MIME))
def test_mime_that_is_refused(t, raw):
    bad = post_mime(t, raw)
    assert (bad.status, bad.code) == (400, "UnableToDeserializePostBody")


def test_mime_that_is_no_base64(t):
    bad = t.call("POST", USER + "/messages", b"From: a", PLAIN)
    assert bad.code == "ErrorMimeContentInvalidBase64String"


def test_mime_that_is_lost_without_a_word(t):
    t.control("POST", "config", mime_lost_above=2_240_000)
    lost = post_mime(t, MIME + b"x" * 2_300_000)
    assert lost.status == 200 and lost.body == b""
    assert t.get(USER + "/messages").json["value"] == []


def test_import_mime(t):
    path = "/beta" + USER[5:] + "/mailFolders/inbox/importMime"
    off = t.call("POST", path, b"", PLAIN)
    assert off.status == 404
    assert "Resource not found for the segment" in \
        off.json["error"]["message"]
    t.control("POST", "config", importmime=True)
    assert t.call("POST", path, b"", PLAIN).status == 400
    assert t.call("POST", path.replace("/beta", "/v1.0"), b"",
                  PLAIN).status == 404
    made = post_mime(t, MIME, path)
    assert made.status == 201 and not made.json["isDraft"]
    assert not made.json["isRead"]
    assert made.json["receivedDateTime"][:4] != "2024"
    t.control("POST", "config", importmime_date="received",
              importmime_read=True)
    made = post_mime(t, MIME, path).json
    assert made["receivedDateTime"] == "2024-05-15T11:00:07Z"
    assert made["isRead"]
    t.control("POST", "consent", resource="graph",
              remove=["Mail-Advanced.ReadWrite.All"])
    t.token = t.sign_in()
    assert t.call("POST", path, b"", PLAIN).status == 403


# --- Reading ----------

def fill(t, n, folder="inbox"):
    for i in range(n):
        t.control("POST", "seed", address="ann@contoso.com", folder=folder,
                  octets=base64.b64encode(MIME.replace(
                      b"mime@", b"m%d@" % i)).decode(),
                  received=f"2024-01-01T00:00:{i:02}Z", is_read=bool(i % 2))


def test_lists_pages_order_and_count(t):
    fill(t, 25)
    path = USER + "/mailFolders/inbox/messages"
    found, n, _ = pages(t, path, select="id,internetMessageId")
    assert (len(found), n) == (25, 3)
    assert set(found[0]) == {"@odata.etag", "id", "internetMessageId"}
    assert found[0]["internetMessageId"] == "<m24@example.com>"
    found, n, last = pages(t, path, top=20, orderby="receivedDateTime asc",
                           count="true")
    assert n == 2 and last["@odata.count"] == 25
    times = [m["receivedDateTime"] for m in found]
    assert times == sorted(times)
    for bad in ("$top=0", "$top=1001", "$foo=1", "$select=id,foo",
                "$orderby=foo", "$filter=foo%20eq%201", "$search=x"):
        assert t.call("GET", f"{path}?{bad}").status == 400, bad
    assert t.get(path, top=1000).status == 200


@pytest.mark.parametrize("text, count", (
    ("internetMessageId eq '<m3@example.com>'", 1),
    ("receivedDateTime ge 2024-01-01T00:00:04Z", 2),
    ("createdDateTime ge 2024-01-01T00:00:00Z and isDraft eq false", 7),
    ("isDraft eq true", 0), ("isRead eq true", 3),
    (f"singleValueExtendedProperties/Any(ep: ep/id eq '{SOURCE_ID}' and "
     "ep/value eq 'ABC-1')", 1),
    ("singleValueExtendedProperties/any(ep:ep/id eq '"
     + SOURCE_ID.replace("SourceId", "sourceid") +
     "' and ep/value eq 'Abc-1')", 0),
    ("singleValueExtendedProperties/any(e:e/id eq 'Integer 0x0E07' and "
     "cast(e/value, Edm.Int32) eq 1)", 3)))
def test_filters(t, text, count):
    fill(t, 6)
    t.make(message(singleValueExtendedProperties=[
        {"id": "Integer 0x0E07", "value": "0"},
        {"id": "SystemTime 0x0E06", "value": "2023-01-01T00:00:00Z"},
        {"id": SOURCE_ID, "value": "Abc-1"}]), "archive")
    found = t.get(USER + "/messages", filter=text, select="id", top=100)
    assert found.status == 200, found
    assert len(found.json["value"]) == count


@pytest.mark.parametrize("text", (
    "isDraft eq 'true'", "receivedDateTime ge '2024-01-01T00:00:00Z'",
    "isDraft eq true and", "internetMessageId eq <a>",
    "singleValueExtendedProperties/any(e:e/value eq 'x' and "
    "e/id eq 'Nothing')",
    "singleValueExtendedProperties/any(e:e/id eq 'Integer 0x0E07' and "
    "e/value eq 1)"))
def test_filters_that_are_refused(t, text):
    assert t.get(USER + "/messages", filter=text).status == 400


def test_immutable_ids(t):
    made = t.make(message(), headers=IMMUTABLE)
    assert len(made["id"] + ".EML") == 72
    one = USER + "/messages/"
    classic = t.get(one + made["id"]).json["id"]
    assert len(classic + ".EML") >= 140
    translated = t.call("POST", USER + "/translateExchangeIds", {
        "inputIds": [classic], "sourceIdType": "restId",
        "targetIdType": "restImmutableEntryId"}).json["value"]
    assert translated == [{"sourceId": classic, "targetId": made["id"]}]
    moved = t.call("POST", one + made["id"] + "/move",
                   {"destinationId": "archive"}, IMMUTABLE)
    assert moved.status == 201 and moved.json["id"] == made["id"]
    assert t.get(one + classic).status == 404
    assert t.get(one + made["id"]).json["id"] != classic
    assert t.get(one + "x").code == "ErrorInvalidIdMalformed"


def test_mail_of_the_other_door_has_json(t):
    raw = (b"From: a@example.com\r\nTo: b@example.com\r\nSubject: both\r\n"
           b"MIME-Version: 1.0\r\nImportance: high\r\n"
           b"Content-Type: multipart/mixed; boundary=B\r\n\r\n"
           b"--B\r\nContent-Type: text/html\r\n\r\n<b>hi</b>\r\n"
           b"--B\r\nContent-Type: application/pdf; name=a.pdf\r\n"
           b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--B--\r\n")
    t.control("POST", "seed", address="ann@contoso.com",
              octets=base64.b64encode(raw).decode())
    found = t.get(USER + "/messages", expand="attachments").json["value"][0]
    assert found["hasAttachments"] and found["importance"] == "high"
    assert found["body"] == {"contentType": "html", "content": "<b>hi</b>"}
    assert base64.b64decode(found["attachments"][0]["contentBytes"]) == \
        b"%PDF"


# --- Changing ----------

def test_what_may_be_changed(t):
    made = t.make(message())
    one = USER + "/messages/" + made["id"]
    answer = t.call("PATCH", one, {
        "isRead": False, "categories": ["A", "B"], "importance": "high",
        "flag": {"flagStatus": "complete"},
        "receivedDateTime": "2001-01-01T00:00:00Z",
        "singleValueExtendedProperties": [
            {"id": SOURCE_ID, "value": "new"}]})
    assert answer.status == 200
    now = t.get(one).json
    assert (now["isRead"], now["categories"], now["importance"],
            now["flag"]["flagStatus"]) == (False, ["A", "B"], "high",
                                           "complete")
    assert now["receivedDateTime"] == "2024-05-15T12:00:00Z"
    assert now["changeKey"] != made["changeKey"]
    stale = t.call("PATCH", one, {"isRead": True},
                   {"If-Match": made["@odata.etag"]})
    assert (stale.status, stale.code) == (412, "ErrorIrresolvableConflict")


def test_headers_are_given_at_creation_only(t, schema):
    one = USER + "/messages/" + t.make(message())["id"]
    assert t.call("PATCH", one, {"internetMessageHeaders": []}).status == 400


def test_the_enforcement_of_2026(t):
    one = USER + "/messages/" + t.make(message())["id"]
    draft = USER + "/messages/" + t.make({"subject": "draft"})["id"]
    assert t.call("PATCH", one, {"subject": "new"}).status == 200
    t.control("POST", "config", mail_advanced=True)
    assert t.call("PATCH", one, {"subject": "newer"}).status == 200
    t.control("POST", "consent", resource="graph",
              remove=["Mail-Advanced.ReadWrite.All"])
    t.token = t.sign_in()
    assert t.call("PATCH", one, {"subject": "newest"}).status == 403
    assert t.call("PATCH", one, {"isRead": False}).status == 200
    assert t.call("PATCH", draft, {"subject": "new"}).status == 200


def test_deleted_and_gone(t):
    made = t.make(message(), headers=IMMUTABLE)
    one = USER + "/messages/" + made["id"]
    copied = t.call("POST", one + "/copy", {"destinationId": "archive"})
    assert copied.status == 201
    assert t.call("DELETE", one).status == 204
    bin_ = USER + "/mailFolders/recoverableitemsdeletions/messages"
    assert len(t.get(bin_).json["value"]) == 1
    assert t.call("POST", one + "/permanentDelete").status == 204
    assert t.get(bin_).json["value"] == []
    assert len(t.get(USER + "/messages").json["value"]) == 1


def test_delta(t):
    fill(t, 12)
    path = USER + "/mailFolders/inbox/messages/delta"
    answer = t.call("GET", path + "?$select=id,isRead", headers={
        "Prefer": "odata.maxpagesize=5"})
    ids = []
    while "@odata.nextLink" in answer.json:
        ids += [m["id"] for m in answer.json["value"]]
        answer = t.call("GET", answer.json["@odata.nextLink"], headers={
            "Prefer": "odata.maxpagesize=5"})
    ids += [m["id"] for m in answer.json["value"]]
    assert len(set(ids)) == 12
    link = answer.json["@odata.deltaLink"]
    assert t.call("GET", link).json["value"] == []
    t.call("POST", USER + f"/messages/{ids[0]}/permanentDelete")
    t.call("PATCH", USER + f"/messages/{ids[1]}", {"isRead": True})
    new = t.make(message())
    found = {m["id"]: m for m in t.call("GET", link).json["value"]}
    assert set(found) == {ids[0], ids[1], new["id"]}
    assert "@removed" in found[ids[0]] and found[ids[1]]["isRead"]
    t.control("POST", "clock", forward=40 * 86400)
    t.control("POST", "config", token_life=1e9)
    t.token = t.sign_in()
    gone = t.call("GET", link)
    assert (gone.status, gone.code) == (410, "syncStateNotFound")
