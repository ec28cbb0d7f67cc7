# SPDX-License-Identifier: Apache-2.0
"""A practice tenant and a small Graph client of its own, for the tests of
the tenant itself.

    schema   skips where Microsoft's schema is not at hand (a fixture)
    server   one running tenant of a test module (a fixture)
    t        the same in its first state; afterwards it must not have
             answered against Microsoft's schema (a fixture)
"""
import base64
import http.client
import json
import os
import pathlib
import ssl
import urllib.parse

import pytest

from harness.practice import Practice

ROOT = pathlib.Path(__file__).resolve().parents[3]
SOURCE_ID = "String {8ECCC264-6880-4EBE-992F-8888D2EEAA1D} Name SourceId"
USER = "/v1.0/users/ann%40contoso.com"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
JSON = {"Content-Type": "application/json"}
PLAIN = {"Content-Type": "text/plain"}
MIME = (b"From: =?utf-8?q?J=C3=BCrg?= <j@example.com>\r\n"
        b"To: Ann <ann@contoso.com>, \"B, C\" <bc@example.com>\r\n"
        b"Subject: Hello\r\nDate: Wed, 15 May 2024 11:00:00 +0000\r\n"
        b"Received: from x by y; Wed, 15 May 2024 11:00:07 +0000\r\n"
        b"Message-ID: <mime@example.com>\r\n"
        b"References: <r1@example.com>\r\n\r\nThe body.\r\n")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["error"]["code"]

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class Tenant:
    """One running tenant and a client of it."""

    def __init__(self, **switches):
        self.practice = Practice(**switches).start()
        self.about = self.practice.about
        self.tls = ssl.create_default_context(cafile=self.about["ca_file"])
        self.token = self.sign_in()

    def stop(self):
        self.practice.stop()

    def sign_in(self):
        return self.practice.token()

    def control(self, method, name, **given):
        return self.practice._call(method, "/" + name,
                                   None if method == "GET" else given)

    def raw(self, url, method, body=None, headers=()):
        parts = urllib.parse.urlsplit(url)
        line = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=60, context=self.tls)
        try:
            line.request(method, parts.path + (
                "?" + parts.query if parts.query else ""), body,
                dict(headers))
            answer = line.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            line.close()

    def call(self, method, path, body=None, headers=(), token=None):
        """path: or a whole nextLink."""
        headers = {"Authorization": "Bearer " + (token or self.token),
                   **dict(headers)}
        if isinstance(body, (dict, list)):
            headers = {**JSON, **headers}
            body = json.dumps(body).encode()
        url = path if path.startswith("https:") else \
            self.about["graph_url"] + path
        return self.raw(url, method, body, headers)

    def get(self, path, **options):
        if options:
            path += "?" + "&".join(
                "$" + k + "=" + urllib.parse.quote(str(v))
                for k, v in options.items())
        return self.call("GET", path)

    def make(self, body, folder="inbox", headers=()):
        answer = self.call("POST", f"{USER}/mailFolders/{folder}/messages",
                           body, headers)
        assert answer.status == 201, answer
        return answer.json

    def breaches(self, *kinds):
        found = self.control("GET", "breaches")["breaches"]
        return [b for b in found if not kinds or b["limit"] in kinds]


def message(**more):
    """A non-draft of C.4 (a)."""
    out = {
        "subject": "S", "body": {"contentType": "html", "content": "<p>x"},
        "from": {"emailAddress": {"name": "A", "address": "a@example.com"}},
        "toRecipients": [{"emailAddress": {"address": "b@example.com"}}],
        "internetMessageId": "<json@example.com>",
        "singleValueExtendedProperties": [
            {"id": "Integer 0x0E07", "value": "1"},
            {"id": "SystemTime 0x0E06", "value": "2024-05-15T12:00:00Z"},
            {"id": "SystemTime 0x0039", "value": "2024-05-15T11:59:58Z"},
            {"id": "String 0x1039", "value": "<r1@example.com>"},
            {"id": SOURCE_ID, "value": "Abc-1"}]}
    out.update(more)
    return out


def attachment(data=b"octets", **more):
    return {"@odata.type": "#microsoft.graph.fileAttachment", "name": "f.bin",
            "contentType": "application/pdf",
            "contentBytes": base64.b64encode(data).decode(), **more}


@pytest.fixture
def schema():
    shared = os.environ.get("MAILHAUL_SHARED", ROOT.parent / "shared")
    if not (pathlib.Path(shared) / "graph-v1.0-mail.csdl").is_file():
        pytest.skip("Microsoft's schema is not here: set MAILHAUL_SHARED")


@pytest.fixture(scope="module")
def server():
    tenant = Tenant()
    yield tenant
    tenant.stop()


@pytest.fixture
def t(server):
    """A fresh state; at the end no answer of ours broke the schema."""
    server.control("POST", "reset")
    before = server.control("POST", "config")
    server.token = server.sign_in()
    yield server
    assert server.breaches("schema-answer") == []
    server.control("POST", "config", **{
        k: v for k, v in before.items() if k != "dir"})
    limits = dict(concurrent=4, requests=10_000, octets=150_000_000)
    server.control("POST", "limits", **limits)


def pages(t, path, **options):
    """All values, and the number of pages."""
    answer, out, n = t.get(path, **options), [], 0
    while True:
        assert answer.status == 200, answer
        out += answer.json["value"]
        n += 1
        if "@odata.nextLink" not in answer.json:
            return out, n, answer.json
        answer = t.call("GET", answer.json["@odata.nextLink"])
