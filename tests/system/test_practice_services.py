# SPDX-License-Identifier: Apache-2.0
"""The practice tenant's directory, HTTP, limits, control and export. Its
sign-in, Graph's mail and IMAP have files of their own."""
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse

import h2.config
import h2.connection
import h2.events
import pytest

from harness import practice

MAIL = b"From: a@x.example\r\nSubject: hello\r\n" \
    b"Date: Mon, 1 Jan 2024 10:00:00 +0100\r\n\r\nText\r\n"


@pytest.fixture(scope="module")
def shared():
    """One tenant for the tests of this file; tenant() is it, fresh."""
    with practice.Practice(device_interval=0.05, users=3) as p:
        yield p


@pytest.fixture
def tenant(shared):
    shared.fresh()
    yield shared
    assert "Traceback" not in shared.log_text()


def app_fields(p, **fields):
    return {"client_id": p.client_id, "client_secret": practice.SECRET,
            "grant_type": "client_credentials",
            "scope": practice.GRAPH_SCOPE, **fields}


# --- Directory -----------------------------------------------------------

def get(p, path, right=None, headers=None):
    """With only that right, where given."""
    if right:
        p.control("/consent", resource="graph", roles=[right])
    status, _, answer = p.http("GET", path, token=p.token(),
                               headers=headers)
    return status, answer


@pytest.mark.parametrize("path,right", [
    ("/v1.0/organization", "Organization.Read.All"),
    ("/v1.0/domains/contoso.com", "Domain.Read.All"),
    ("/v1.0/users", "User.Read.All"),
    ("/v1.0/users/ann@contoso.com", "User.Read.All"),
    ("/v1.0/users/ann@contoso.com/mailboxSettings", "MailboxSettings.Read"),
    ("/v1.0/subscribedSkus", "Organization.Read.All"),
    ("/v1.0/reports/getMailboxUsageDetail(period='D7')",
     "Reports.Read.All"),
])
def test_rights(tenant, path, right):
    assert get(tenant, path, right)[0] in (200, 302)
    status, answer = get(tenant, path, "Calendars.ReadWrite")
    assert status == 403
    assert answer["error"]["code"] in (
        "Authorization_RequestDenied", "ErrorAccessDenied")


def test_organization(tenant):
    status, answer = get(
        tenant, "/v1.0/organization?$select=id,displayName,verifiedDomains,"
        "countryLetterCode")
    assert status == 200
    assert set(answer["value"][0]) == {
        "id", "displayName", "verifiedDomains", "countryLetterCode"}
    assert [d["name"] for d in answer["value"][0]["verifiedDomains"]] == [
        "contoso.com", "contoso.onmicrosoft.com"]


def test_domains(tenant):
    _, answer = get(tenant, "/v1.0/domains/contoso.com")
    assert answer["isVerified"] and "Email" in answer["supportedServices"]
    _, answer = get(tenant, "/v1.0/domains/unverified.example")
    assert not answer["isVerified"]
    status, answer = get(tenant, "/v1.0/domains/nowhere.example")
    assert (status, answer["error"]["code"]) == (
        404, "Request_ResourceNotFound")


def test_user(tenant):
    tenant.control("/user", upn="ann@contoso.com",
                   aliases=["ann.long@contoso.com"])
    _, answer = get(tenant, "/v1.0/users/ann@contoso.com?$select="
                    "id,proxyAddresses,assignedPlans,accountEnabled")
    assert answer["proxyAddresses"] == [
        "SMTP:ann@contoso.com", "smtp:ann.long@contoso.com"]
    assert answer["assignedPlans"][0]["service"] == "exchange"
    assert answer["assignedPlans"][0]["capabilityStatus"] == "Enabled"
    assert get(tenant, "/v1.0/users/zoe@contoso.com")[0] == 404
    tenant.control("/mailbox", address="ann@contoso.com", licensed=False)
    _, answer = get(tenant, "/v1.0/users/ann@contoso.com?$select="
                    "assignedPlans")
    assert answer["assignedPlans"] == []


def find(p, address, headers=None, count="true"):
    text = (f"mail eq '{address}' or userPrincipalName eq '{address}' or "
            f"proxyAddresses/any(p:p eq 'smtp:{address}')")
    return get(p, "/v1.0/users?" + urllib.parse.urlencode({
        "$filter": text, "$count": count,
        "$select": "id,userPrincipalName"}), headers=headers)


def test_user_filter(tenant):
    tenant.control("/user", upn="ann@contoso.com",
                   aliases=["ann.long@contoso.com"])
    eventual = {"ConsistencyLevel": "eventual"}
    for address in ("ann@contoso.com", "ANN.long@contoso.com"):
        status, answer = find(tenant, address, eventual)
        assert [u["userPrincipalName"] for u in answer["value"]] == [
            "ann@contoso.com"], answer
    assert find(tenant, "zoe@contoso.com", eventual)[1]["value"] == []
    status, answer = find(tenant, "ann@contoso.com")
    assert (status, answer["error"]["code"]) == (
        400, "Request_UnsupportedQuery")
    tenant.control("/config", plain_filter=True)
    assert find(tenant, "ann@contoso.com")[0] == 200
    assert get(tenant, "/v1.0/users?$filter=nonsense")[0] == 400


def test_users_paged(tenant):
    seen, url = [], "/v1.0/users?$top=3&$select=userPrincipalName"
    pages = 0
    while url:
        status, answer = get(tenant, url)
        seen += [u["userPrincipalName"] for u in answer["value"]]
        url = answer.get("@odata.nextLink")
        pages += 1
    assert pages == 2
    assert seen == ["ann@contoso.com", "bob@contoso.com",
                    "carol@contoso.com", "admin@contoso.com"]


def test_mailbox_settings(tenant):
    path = "/v1.0/users/ann@contoso.com/mailboxSettings"
    _, answer = get(tenant, path)
    assert answer["userPurpose"] == "user"
    assert answer["language"]["locale"] == "en-US"
    tenant.control("/mailbox", address="ann@contoso.com", kind="shared")
    assert get(tenant, path)[1]["userPurpose"] == "shared"
    tenant.control("/mailbox", address="ann@contoso.com", provisioned=False)
    status, answer = get(tenant, path)
    assert (status, answer["error"]["code"]) == (
        404, "MailboxNotEnabledForRESTAPI")
    tenant.control("/mailbox", address="bob@contoso.com",
                   policy_denied=True)
    status, answer = get(
        tenant, "/v1.0/users/bob@contoso.com/mailboxSettings")
    assert (status, answer["error"]["message"]) == (
        403, "Access to OData is disabled.")


def test_me(tenant):
    token = tenant.user_token(scope="User.Read MailboxSettings.Read")
    _, _, answer = tenant.http("GET", "/v1.0/me", token=token)
    assert answer["userPrincipalName"] == "ann@contoso.com"
    assert tenant.http("GET", "/v1.0/me/mailboxSettings",
                       token=token)[0] == 200
    for path in ("/v1.0/users/bob@contoso.com",
                 "/v1.0/users/bob@contoso.com/mailboxSettings"):
        assert tenant.http("GET", path, token=token)[0] == 403


def test_report(tenant):
    tenant.seed("ann@contoso.com", MAIL)
    status, headers, _ = tenant.http(
        "GET", "/v1.0/reports/getMailboxUsageDetail(period='D7')",
        token=tenant.token())
    assert status == 302
    status, _, data = tenant.http("GET", headers["Location"])
    lines = data.decode("utf-8-sig").splitlines()
    first = dict(zip(lines[0].split(","), lines[1].split(",")))
    assert first["User Principal Name"] == "ann@contoso.com"
    assert first["Item Count"] == "1"
    assert first["Storage Used (Byte)"] == str(len(MAIL))
    assert first["Has Archive"] == "False"


# --- HTTP ----------------------------------------------------------------

def connection(p):
    return http.client.HTTPSConnection(
        "127.0.0.1", int(p.about["graph_url"].rsplit(":", 1)[1]),
        timeout=60, context=ssl.create_default_context(cafile=p.ca_file))


def test_keep_alive_and_chunks(tenant):
    before = tenant.read("/state")["connections"]
    c = connection(tenant)
    body = urllib.parse.urlencode(app_fields(tenant)).encode()
    for chunked in (False, True, False):
        c.request("POST", "/contoso.com/oauth2/v2.0/token",
                  iter([body[:7], body[7:]]) if chunked else body,
                  {"Content-Type": "application/x-www-form-urlencoded"},
                  encode_chunked=chunked)
        answer = c.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    c.close()
    assert tenant.read("/state")["connections"] == before + 1


def test_expect_continue(tenant):
    body = urllib.parse.urlencode(app_fields(tenant)).encode()
    port = int(tenant.about["login_url"].rsplit(":", 1)[1])
    out = subprocess.run(
        ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}",
         "-CAfile", tenant.ca_file], capture_output=True, timeout=60,
        input=b"POST /contoso.com/oauth2/v2.0/token HTTP/1.1\r\n"
        b"Host: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body).stdout
    assert out.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")


class H2:
    """A small HTTP/2 client: several requests at once."""

    def __init__(self, p):
        self.p = p
        context = ssl.create_default_context(cafile=p.ca_file)
        context.set_alpn_protocols(["h2"])
        port = int(p.about["graph_url"].rsplit(":", 1)[1])
        self.socket = context.wrap_socket(
            socket.create_connection(("127.0.0.1", port), 20),
            server_hostname="127.0.0.1")
        assert self.socket.selected_alpn_protocol() == "h2"
        self.conn = h2.connection.H2Connection(
            h2.config.H2Configuration(header_encoding="utf-8"))
        self.conn.initiate_connection()
        self.answers = {}
        self.done = set()

    def flush(self):
        self.socket.sendall(self.conn.data_to_send())

    def pump(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError("closed")
        for e in self.conn.receive_data(data):
            if isinstance(e, h2.events.ResponseReceived):
                self.answers[e.stream_id] = [
                    int(dict(e.headers)[":status"]), b""]
            elif isinstance(e, h2.events.DataReceived):
                self.answers[e.stream_id][1] += e.data
                self.conn.acknowledge_received_data(
                    e.flow_controlled_length, e.stream_id)
            elif isinstance(e, h2.events.StreamEnded):
                self.done.add(e.stream_id)
        self.flush()

    def send(self, method, path, headers, body=b""):
        number = self.conn.get_next_available_stream_id()
        self.conn.send_headers(number, [
            (":method", method), (":path", path), (":scheme", "https"),
            (":authority", "127.0.0.1"), *headers], end_stream=not body)
        while body:
            self.flush()
            room = min(self.conn.local_flow_control_window(number),
                       self.conn.max_outbound_frame_size)
            if room <= 0:
                self.pump()
                continue
            self.conn.send_data(number, body[:room],
                                end_stream=len(body) <= room)
            body = body[room:]
        self.flush()
        return number

    def wait(self, *numbers):
        while not set(numbers) <= self.done:
            self.pump()
        return [self.answers[n] for n in numbers]


def test_http2(tenant):
    auth = [("authorization", "Bearer " + tenant.token())]
    c = H2(tenant)
    numbers = [c.send("GET", "/v1.0/users", auth) for _ in range(20)]
    assert {status for status, _ in c.wait(*numbers)} == {200}
    # 6 MB: more than any window.
    form = urllib.parse.urlencode(app_fields(tenant)).encode()
    big = c.send("POST", "/contoso.com/oauth2/v2.0/token", [],
                 form + b"&filler=" + b"x" * 6_000_000)
    assert c.wait(big)[0][0] == 200


def test_http2_large_answer(tenant):
    for i in range(900):
        tenant.control("/user", upn=f"u{i}@contoso.com", name="x" * 900)
    auth = [("authorization", "Bearer " + tenant.token())]
    c = H2(tenant)
    (status, body), = c.wait(c.send("GET", "/v1.0/users?$top=999", auth))
    assert (status, len(json.loads(body)["value"])) == (200, 904)


def test_no_http2():
    with practice.Practice(no_h2=True, no_imap=True) as p:
        assert p.about["imap"] is None
        with pytest.raises(AssertionError):
            H2(p)


# --- Limits --------------------------------------------------------------

SETTINGS = "/v1.0/users/ann@contoso.com/mailboxSettings"


def at_once(p, count):
    p.control("/config", latency_ms=1000)
    auth = [("authorization", "Bearer " + p.token())]
    c = H2(p)
    return [status for status, _ in c.wait(
        *[c.send("GET", SETTINGS, auth) for _ in range(count)])]


def test_concurrency(tenant):
    assert at_once(tenant, 4) == [200] * 4
    assert tenant.breaches() == []
    assert sorted(at_once(tenant, 6)) == [200] * 4 + [429] * 2
    assert [b["count"] for b in tenant.breaches("concurrent")] == [5, 5]
    state = tenant.read("/state")["limits"]["graph"][0]
    assert (state["most_at_once"], state["at_once"]) == (4, 0)


def test_request_window(tenant):
    tenant.control("/limits", requests=5, request_window=4)
    token = tenant.token()

    def ask(user="ann"):
        status, headers, answer = tenant.http(
            "GET", f"/v1.0/users/{user}@contoso.com/mailboxSettings",
            token=token)
        return status, int(headers["Retry-After"] or 0)
    assert [ask()[0] for _ in range(5)] == [200] * 5
    status, wait = ask()
    assert status == 429 and 0 < wait <= 4
    # Each mailbox has its own; what is told is enough.
    assert ask("bob")[0] == 200
    time.sleep(wait)
    assert ask()[0] == 200
    assert [b["limit"] for b in tenant.breaches()] == ["requests"]


def test_window_arithmetic():
    """Exact, without waiting: the clock is ours."""
    sys.path.insert(0, os.path.dirname(practice.TENANT))
    from practice365.limits import MB, Limits

    class Clock:
        time = 1000.0

        def now(self):
            return self.time

        def real(self, virtual):
            return virtual
    clock = Clock()
    limits = Limits(clock)
    for _ in range(37):
        assert limits.enter("app", "ann", 4 * MB) is None
        limits.leave("app", "ann")
        clock.time += 1
    refusal = limits.enter("app", "ann", 4 * MB)
    # 152 MB: the first 4 leave the window at 1300.
    assert (refusal.limit, refusal.seconds) == ("octets", 1300 - 1037)
    assert limits.enter("app", "bob", 4 * MB) is None
    clock.time = 1299.9
    assert limits.enter("app", "ann", 0).limit == "octets"
    clock.time = 1300
    assert limits.enter("app", "ann", 0) is None
    assert limits.breaches[0]["count"] == 152 * MB
    for _ in range(10):
        limits.append("ann")
    limits.change(imap_rate=2, imap_window=10)
    clock.time += 100
    assert [limits.append("eve") for _ in range(20)] == [None] * 20
    assert limits.append("eve").backoff_ms == 300_000
    clock.time += 299
    assert limits.append("eve").backoff_ms == 1000
    clock.time += 1
    assert limits.append("eve") is None


def test_early(tenant):
    tenant.control("/limits", requests=1, request_window=30, early_grace=0.1)
    token = tenant.token()
    for _ in range(2):
        tenant.http("GET", SETTINGS, token=token)
    time.sleep(0.15)
    tenant.http("GET", SETTINGS, token=token)
    assert [b["limit"] for b in tenant.breaches()] == [
        "requests", "early", "requests"]


# --- Control, export -----------------------------------------------------

def test_seed_and_export(tenant):
    tenant.control("/mailbox", address="zoe@contoso.com", language="de-DE",
                   kind="shared")
    tenant.seed("zoe@contoso.com", MAIL, folder="inbox", is_read=True,
                categories=["Red"], received="2020-02-02T02:02:02Z")
    tenant.seed("zoe@contoso.com", MAIL, folder="Ablage/2024.1", is_draft=True)
    box = tenant.mailbox("zoe@contoso.com")
    inbox, filed = box.folder("inbox")[0], box.folder("Ablage/2024.1")[0]
    assert inbox.path == "Posteingang"
    assert inbox.octets == filed.octets == MAIL
    assert inbox.flags == ["\\Seen"] and filed.flags == ["\\Draft"]
    assert inbox.received == "2020-02-02T02:02:02Z"
    assert inbox.sent == "2024-01-01T09:00:00Z"
    assert inbox.categories == ["Red"]
    assert inbox.subject == "hello"
    assert inbox.fields["from"]["emailAddress"]["address"] == "a@x.example"
    assert [m.path for m in box.drafts()] == ["Ablage/2024.1"]
    assert len(box.octets()) == 2


def test_control_refuses_nonsense(tenant):
    for path, body in (("/mailbox", {"address": "a@b", "no_such": 1}),
                       ("/seed", {"address": "no@body"}),
                       ("/limits", {"no_such": 1}), ("/nonsense", {})):
        with pytest.raises(practice.ControlError):
            tenant.control(path, body)


def test_clock(tenant):
    before = tenant.read("/state")["now"]
    tenant.control("/clock", forward=86400)
    assert tenant.read("/state")["now"][:10] > before[:10]
    _, headers, _ = tenant.http("GET", "/v1.0/organization")
    assert headers["Date"].endswith("GMT")
    tenant.control("/clock", forward=-86400)


def test_languages():
    with practice.Practice(language="fr-FR", no_imap=True) as p:
        names = [f["path"] for f in p.mailbox("ann@contoso.com").folders]
        assert ["Éléments envoyés"] in names


# --- Faults --------------------------------------------------------------

ORGANIZATION = "/v1.0/organization"


@pytest.mark.parametrize("what,status,code", [
    ("503", 503, "ServiceNotAvailable"), ("429", 429, "TooManyRequests"),
    ("504-after", 504, "generalException"),
    ("500-before", 500, "generalException")])
def test_faults_with_a_status(tenant, what, status, code):
    tenant.fault(where="graph", match="^GET .*organization", what=what,
                 after=1, retry_after=3)
    token = tenant.token()
    answers = [tenant.http("GET", ORGANIZATION, token=token)
               for _ in range(3)]
    assert [a[0] for a in answers] == [200, status, 200]
    assert answers[1][1]["Retry-After"] == "3"
    assert answers[1][2]["error"]["code"] == code
    assert tenant.read("/state")["faults"][0]["done"] == 1


@pytest.mark.parametrize("what", [
    "drop-before", "drop-after", "late", "half"])
def test_faults_of_the_line(tenant, what):
    tenant.fault(where="graph", match="organization", what=what, delay=0.05)
    token = tenant.token()
    with pytest.raises((OSError, http.client.HTTPException)):
        tenant.http("GET", ORGANIZATION, token=token)
    assert tenant.http("GET", ORGANIZATION, token=token)[0] == 200
    tenant.fault(where="graph", match="organization", what=what, delay=0.05)
    auth = [("authorization", "Bearer " + token)]
    c = H2(tenant)
    with pytest.raises(OSError):
        c.wait(c.send("GET", ORGANIZATION, auth))


def test_fault_slow_and_cleared(tenant):
    tenant.fault(where="graph", match="organization", what="slow",
                 delay=0.3)
    token, before = tenant.token(), time.monotonic()
    assert tenant.http("GET", ORGANIZATION, token=token)[0] == 200
    assert time.monotonic() - before > 0.29
    tenant.fault(where="graph", match="", what="500", times=0)
    tenant.clear_faults()
    assert tenant.http("GET", ORGANIZATION, token=token)[0] == 200


def test_drop(tenant):
    auth = [("authorization", "Bearer " + tenant.token())]
    c = H2(tenant)
    c.wait(c.send("GET", ORGANIZATION, auth))
    tenant.control("/drop")
    with pytest.raises(OSError):
        c.wait(c.send("GET", ORGANIZATION, auth))


def test_reset(tenant):
    before = tenant.control("/config")
    tenant.control("/config", token_life=1, imap_errors=3)
    tenant.control("/limits", concurrent=1)
    tenant.seed("ann@contoso.com", MAIL)
    tenant.control("/reset")
    assert tenant.control("/config") == before
    state = tenant.read("/state")
    assert state["limits"]["limits"]["concurrent"] == 4
    assert tenant.mailbox("ann@contoso.com").messages == []
