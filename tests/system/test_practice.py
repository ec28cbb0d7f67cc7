# SPDX-License-Identifier: Apache-2.0
"""The practice tenant's sign-in: every answer of m365.md A."""
import base64
import datetime
import hashlib
import http.client
import json
import re
import time
import urllib.parse
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from harness import practice

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRAPH = "https://graph.microsoft.com"
OUTLOOK = "https://outlook.office.com"
FIRST_PARTY = "14d82eec-204b-4c2f-b7e8-296a70dab67e"


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


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def refused(answer, number, error=None):
    """The error JSON of m365.md A.6, whole."""
    status, got = answer
    assert status in (400, 401, 429, 500, 503)
    assert got["error_codes"] == [number], got
    assert got["error_description"].startswith(f"AADSTS{number}: ")
    trace, correlation, when = re.search(
        r"\r\nTrace ID: (.*)\r\nCorrelation ID: (.*)\r\nTimestamp: (.*)$",
        got["error_description"]).groups()
    assert (got["trace_id"], got["correlation_id"], got["timestamp"]) == (
        trace, correlation, when)
    uuid.UUID(trace), uuid.UUID(correlation)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", when)
    assert got["error_uri"].endswith(f"error?code={number}")
    if error:
        assert got["error"] == error
    return status


def app_fields(p, **fields):
    return {"client_id": p.client_id, "client_secret": practice.SECRET,
            "grant_type": "client_credentials",
            "scope": GRAPH + "/.default", **fields}


def begin(p, scope="Mail.ReadWrite offline_access", **fields):
    status, device = p.sign_in(endpoint="devicecode", scope=scope,
                               client_id=p.client_id, **fields)
    assert status == 200, device
    return device


def poll(p, device, **fields):
    time.sleep(0.06)
    return p.sign_in(**{
        "grant_type": DEVICE, "client_id": p.client_id,
        "device_code": device["device_code"], **fields})


def signed_in(p, scope="Mail.ReadWrite offline_access",
              user="ann@contoso.com"):
    device = begin(p, scope)
    p.control("/device", user_code=device["user_code"], approve=user)
    status, answer = poll(p, device)
    assert status == 200, answer
    return answer


def refresh(p, answer, scope="Mail.ReadWrite", **fields):
    return p.sign_in(**{
        "grant_type": "refresh_token", "client_id": p.client_id,
        "scope": scope, "refresh_token": answer["refresh_token"], **fields})


# --- Tenants, client secrets ---------------------------------------------

def test_discovery(tenant):
    for name in (tenant.about["tenant_id"], "contoso.com", "organizations"):
        status, _, about = tenant.http(
            "GET", f"{tenant.about['login_url']}/{name}/v2.0/"
            ".well-known/openid-configuration")
        assert status == 200
        assert about["token_endpoint"] == \
            f"{tenant.about['login_url']}/{name}/oauth2/v2.0/token"
    for name in ("nowhere.example", "unverified.example"):
        status, _, about = tenant.http(
            "GET", f"{tenant.about['login_url']}/{name}/v2.0/"
            ".well-known/openid-configuration")
        refused((status, about), 90002)


def test_secret(tenant):
    status, answer = tenant.sign_in(**app_fields(tenant))
    assert status == 200
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3599
    assert "refresh_token" not in answer
    about = claims(answer["access_token"])
    assert about["tid"] == tenant.about["tenant_id"]
    assert about["aud"] == GRAPH
    assert about["appid"] == tenant.client_id
    assert "Mail.ReadWrite" in about["roles"]
    assert "scp" not in about
    assert about["exp"] - about["iat"] == 3600


def test_secret_by_header(tenant):
    pair = base64.b64encode(
        f"{tenant.client_id}:{practice.SECRET}".encode()).decode()
    status, _ = tenant.sign_in(
        headers={"Authorization": "Basic " + pair},
        grant_type="client_credentials", scope=GRAPH + "/.default")
    assert status == 200
    pair = base64.b64encode(f"{tenant.client_id}:no".encode()).decode()
    refused(tenant.sign_in(
        headers={"Authorization": "Basic " + pair},
        grant_type="client_credentials", scope=GRAPH + "/.default"),
        7000215, "invalid_client")


def test_imap_role(tenant):
    about = claims(tenant.token(practice.IMAP_SCOPE))
    assert about["aud"] == "https://outlook.office365.com"
    assert about["roles"] == ["IMAP.AccessAsApp"]
    # The wrong resource: a token, but one that may nothing.
    assert "roles" not in claims(tenant.token(OUTLOOK + "/.default"))


@pytest.mark.parametrize("name,number", [
    ("common", 90124), ("organizations", 90130),
    ("nowhere.example", 90002)])
def test_client_credentials_want_a_tenant(tenant, name, number):
    refused(tenant.sign_in(tenant=name, **app_fields(tenant)), number,
            "invalid_request")


@pytest.mark.parametrize("change,number,error", [
    ({"client_secret": "wrong"}, 7000215, "invalid_client"),
    ({"client_id": str(uuid.uuid4())}, 700016, "unauthorized_client"),
    ({"scope": GRAPH + "/Mail.ReadWrite"}, 70011, "invalid_scope"),
    ({"scope": f"{GRAPH}/.default {OUTLOOK}/.default"}, 28002,
     "invalid_scope"),
    ({"scope": "https://nowhere.example/.default"}, 500011,
     "invalid_resource"),
    ({"grant_type": "password"}, 70003, "unsupported_grant_type"),
    ({"client_id": ""}, 900144, "invalid_request"),
    ({"scope": ""}, 70011, "invalid_scope"),
])
def test_client_credentials_refused(tenant, change, number, error):
    refused(tenant.sign_in(**app_fields(tenant, **change)), number, error)


def test_expired_secret(tenant):
    tenant.control("/app", client_id=tenant.client_id,
                   secrets={practice.SECRET: time.time() - 1})
    assert refused(tenant.sign_in(**app_fields(tenant)), 7000222) == 401


def test_no_secret_at_all(tenant):
    fields = app_fields(tenant)
    del fields["client_secret"]
    refused(tenant.sign_in(**fields), 7000218)


def test_public_app_sends_a_secret(tenant):
    tenant.control("/app", client_id=tenant.client_id, secrets={})
    refused(tenant.sign_in(**app_fields(tenant)), 700025)


def test_confidential_app_and_device_code(tenant):
    device = begin(tenant)
    tenant.control("/app", client_id=tenant.client_id, public_client=False)
    refused(poll(tenant, device), 7000218)
    refused(poll(tenant, device, client_secret=practice.SECRET), 70016)


def test_disabled_and_absent_app(tenant):
    tenant.control("/app", client_id=tenant.client_id, disabled=True)
    refused(tenant.sign_in(**app_fields(tenant)), 7000112)
    tenant.control("/app", client_id=tenant.client_id, disabled=False,
                   in_tenant=False)
    refused(tenant.sign_in(**app_fields(tenant)), 700016)


def test_correlation_id_is_the_clients(tenant):
    mine = str(uuid.uuid4())
    _, answer = tenant.sign_in(headers={"client-request-id": mine},
                               **app_fields(tenant, client_secret="no"))
    assert answer["correlation_id"] == mine


def test_token_without_roles(tenant):
    tenant.control("/consent", resource="graph", roles=[])
    token = tenant.token()
    assert "roles" not in claims(token)
    status, _, answer = tenant.http("GET", "/v1.0/organization",
                                    token=token)
    assert (status, answer["error"]["code"]) == (
        403, "Authorization_RequestDenied")


def test_loop(tenant):
    tenant.control("/config", loop_limit=3)
    for _ in range(3):
        tenant.token()
    refused(tenant.sign_in(**app_fields(tenant)), 50196)
    tenant.token(practice.IMAP_SCOPE)


# --- Certificates --------------------------------------------------------

def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    """A key with its certificate, as an application has it."""

    def __init__(self, days=10):
        self.key = rsa.generate_private_key(65537, 2048)
        now = datetime.datetime.utcnow()
        day = datetime.timedelta(days=1)
        cert = (x509.CertificateBuilder()
                .subject_name(x509.Name([])).issuer_name(x509.Name([]))
                .public_key(self.key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - 20 * day)
                .not_valid_after(now + days * day)
                .sign(self.key, hashes.SHA256()))
        self.pem = cert.public_bytes(serialization.Encoding.PEM).decode()

    def der(self):
        return base64.b64decode("".join(self.pem.split("\n")[1:-2]))

    def assertion(self, p, alg="PS256", thumb=None, signer=None,
                  header=None, **changes):
        now = int(time.time())
        head = {"alg": alg, "typ": "JWT"}
        if alg == "PS256":
            head["x5t#S256"] = thumb or b64(
                hashlib.sha256(self.der()).digest())
            how = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        else:
            head["x5t"] = thumb or b64(hashlib.sha1(self.der()).digest())
            how = padding.PKCS1v15()
        head.update(header or {})
        body = {"aud": f"{p.about['login_url']}/{p.about['tenant_id']}"
                       "/oauth2/v2.0/token",
                "iss": p.client_id, "sub": p.client_id, "nbf": now,
                "iat": now, "exp": now + 300, "jti": str(uuid.uuid4()),
                **changes}
        text = b64(json.dumps(head).encode()) + "." + \
            b64(json.dumps({k: v for k, v in body.items()
                            if v is not None}).encode())
        mark = (signer or self.key).sign(text.encode(), how,
                                         hashes.SHA256())
        return f"{text}.{b64(mark)}"


@pytest.fixture(scope="module")
def key():
    return Key()


def by_certificate(p, assertion, **fields):
    return p.sign_in(**{
        "client_id": p.client_id, "grant_type": "client_credentials",
        "scope": GRAPH + "/.default", "client_assertion_type": ASSERTION,
        "client_assertion": assertion, **fields})


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
def test_certificate(tenant, key, alg):
    tenant.control("/app", client_id=tenant.client_id,
                   certificates=[key.pem])
    assertion = key.assertion(tenant, alg)
    status, answer = by_certificate(tenant, assertion)
    assert status == 200, answer
    assert "Mail.ReadWrite" in claims(answer["access_token"])["roles"]
    # Once only.
    refused(by_certificate(tenant, assertion), 50013)


@pytest.mark.parametrize("change,number", [
    ({"thumb": "AAAA"}, 700027),
    ({"signer": rsa.generate_private_key(65537, 2048)}, 700027),
    ({"aud": "https://nowhere.example"}, 50012),
    ({"iss": "someone"}, 50012),
    ({"sub": "someone"}, 50012),
    ({"jti": None}, 50012),
    ({"exp": 1000}, 500133),
    ({"exp": None}, 500133),
    ({"nbf": int(time.time()) + 7200, "exp": int(time.time()) + 9000},
     500133),
    ({"header": {"alg": "HS256"}}, 50012),
    ({"header": {"alg": "RS256"}}, 700027),
])
def test_certificate_refused(tenant, key, change, number):
    tenant.control("/app", client_id=tenant.client_id,
                   certificates=[key.pem])
    assert refused(by_certificate(
        tenant, key.assertion(tenant, **change)), number) == 401


def test_certificate_not_registered_or_expired(tenant, key):
    refused(by_certificate(tenant, key.assertion(tenant)), 700027)
    old = Key(days=-1)
    tenant.control("/app", client_id=tenant.client_id,
                   certificates=[old.pem])
    refused(by_certificate(tenant, old.assertion(tenant)), 700027)
    refused(by_certificate(tenant, "no.token"), 50012)


# --- Device code ---------------------------------------------------------

def test_device_code(tenant):
    device = begin(tenant, "openid offline_access Mail.ReadWrite")
    assert device["expires_in"] == 900
    assert device["interval"] == 1
    assert device["user_code"] in device["message"]
    assert "verification_uri_complete" not in device
    refused(poll(tenant, device), 70016, "authorization_pending")
    tenant.control("/device", user_code=device["user_code"],
                   approve="ann@contoso.com")
    status, answer = poll(tenant, device)
    assert status == 200
    about = claims(answer["access_token"])
    assert about["upn"] == "ann@contoso.com"
    assert about["scp"] == "Mail.ReadWrite"
    assert "roles" not in about
    assert claims(answer["id_token"])["preferred_username"] == \
        "ann@contoso.com"
    assert answer["refresh_token"]
    assert "Mail.ReadWrite" in answer["scope"].split()
    # A code is good for one sign-in.
    refused(poll(tenant, device), 70018)


def test_device_code_without_offline_access(tenant):
    answer = signed_in(tenant, "Mail.ReadWrite")
    assert "refresh_token" not in answer and "id_token" not in answer


def test_device_code_localised(tenant):
    status, _, device = tenant.http(
        "POST", f"{tenant.about['login_url']}/contoso.com/oauth2/v2.0/"
        "devicecode?mkt=de-DE", urllib.parse.urlencode({
            "client_id": tenant.client_id,
            "scope": "Mail.ReadWrite"}).encode())
    assert status == 200
    assert device["message"].startswith("Verwenden Sie")


def test_slow_down(tenant):
    tenant.control("/config", device_interval=30)
    device = begin(tenant)
    assert device["interval"] == 30
    refused(poll(tenant, device), 70016, "authorization_pending")
    refused(poll(tenant, device), 70016, "slow_down")
    assert tenant.log("polled-too-fast")


def test_declined(tenant):
    device = begin(tenant)
    tenant.control("/device", approve="decline")
    refused(poll(tenant, device), 65004, "authorization_declined")


def test_expired_device_code(tenant):
    tenant.control("/config", device_life=0.05)
    refused(poll(tenant, begin(tenant)), 70019, "expired_token")


def test_wrong_device_code(tenant):
    refused(poll(tenant, {"device_code": "nonsense"}), 70018,
            "bad_verification_code")


def test_device_code_by_itself(tenant):
    tenant.control("/config", device=["auto:bob:2"])
    device = begin(tenant)
    refused(poll(tenant, device), 70016)
    refused(poll(tenant, device), 70016)
    status, answer = poll(tenant, device)
    assert status == 200
    assert claims(answer["access_token"])["upn"] == "bob@contoso.com"


def test_device_page(tenant):
    device = begin(tenant)
    status, _, page = tenant.http("GET", device["verification_uri"])
    assert (status, b"<form" in page) == (200, True)
    tenant.http("POST", device["verification_uri"], urllib.parse.urlencode({
        "code": device["user_code"], "user": "bob@contoso.com"}).encode())
    assert poll(tenant, device)[0] == 200


@pytest.mark.parametrize("user,change,number", [
    ("nobody@contoso.com", {}, 50034),
    ("ann@contoso.com", {"enabled": False}, 50057),
    ("ann@contoso.com", {"device_code_blocked": True}, 53003),
])
def test_person_refused(tenant, user, change, number):
    if change:
        tenant.control("/user", upn=user, **change)
    device = begin(tenant)
    tenant.control("/device", approve=user)
    refused(poll(tenant, device), number, "invalid_grant")


def test_not_assigned(tenant):
    tenant.control("/app", client_id=tenant.client_id,
                   assignment_required=True)
    tenant.control("/user", upn="ann@contoso.com", assigned=False)
    device = begin(tenant)
    tenant.control("/device", approve="ann@contoso.com")
    refused(poll(tenant, device), 50105)


def test_scopes(tenant):
    imap = signed_in(tenant,
                     OUTLOOK + "/IMAP.AccessAsUser.All offline_access")
    about = claims(imap["access_token"])
    assert (about["aud"], about["scp"]) == (
        OUTLOOK, "IMAP.AccessAsUser.All")
    every = claims(signed_in(
        tenant, GRAPH + "/.default")["access_token"])
    assert "User.Read.All" in every["scp"].split()
    for scope, number in (
            (f"Mail.ReadWrite {OUTLOOK}/IMAP.AccessAsUser.All", 28002),
            ("https://nowhere.example/x", 500011)):
        refused(tenant.sign_in(endpoint="devicecode", scope=scope,
                               client_id=tenant.client_id), number)
    device = begin(tenant, "Mail.Nonsense")
    tenant.control("/device", approve="ann@contoso.com")
    refused(poll(tenant, device), 70011)


def test_consent_missing(tenant):
    tenant.control("/consent", resource="graph", remove=["Mail.ReadWrite"])
    device = begin(tenant)
    tenant.control("/device", approve="ann@contoso.com")
    _, answer = poll(tenant, device)
    refused((400, answer), 65001, "invalid_grant")
    assert answer["suberror"] == "consent_required"
    tenant.control("/consent", resource="graph", add=["Mail.ReadWrite"])
    assert poll(tenant, device)[0] == 200


def test_microsofts_own_client_id(tenant):
    def sign_in(scope):
        _, device = tenant.sign_in(
            endpoint="devicecode", scope=scope, client_id=FIRST_PARTY)
        tenant.control("/device", approve="admin@contoso.com")
        return poll(tenant, device, client_id=FIRST_PARTY)
    assert sign_in("Organization.Read.All")[0] == 200
    refused(sign_in(OUTLOOK + "/IMAP.AccessAsUser.All"), 65002)


# --- Refresh -------------------------------------------------------------

def test_refresh(tenant):
    first = signed_in(tenant)
    status, second = refresh(tenant, first)
    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    # The old one is not revoked, and serves another resource.
    status, imap = refresh(tenant, first,
                           OUTLOOK + "/IMAP.AccessAsUser.All")
    assert status == 200
    assert claims(imap["access_token"])["aud"] == OUTLOOK


def test_strict_rotation(tenant):
    tenant.control("/config", strict_rotation=True)
    first = signed_in(tenant)
    assert refresh(tenant, first)[0] == 200
    refused(refresh(tenant, first), 70000)


@pytest.mark.parametrize("number", [50173, 700082, 70008, 70043, 50133])
def test_revoked(tenant, number):
    first = signed_in(tenant)
    tenant.control("/revoke", user="ann@contoso.com", number=number)
    refused(refresh(tenant, first), number, "invalid_grant")
    # A new sign-in is good again.
    assert refresh(tenant, signed_in(tenant))[0] == 200


def test_refresh_refused(tenant):
    first = signed_in(tenant)
    refused(refresh(tenant, {"refresh_token": "nonsense"}), 70000)
    refused(refresh(tenant, first, client_id=FIRST_PARTY), 70000)
    tenant.control("/user", upn="ann@contoso.com", mfa_at_refresh=True)
    refused(refresh(tenant, first), 50076, "interaction_required")


def test_errors_on_demand(tenant):
    tenant.fault(where="signin", match="/token", what="AADSTS90024")
    assert refused(tenant.sign_in(**app_fields(tenant)), 90024) == 503
    tenant.fault(where="signin", match="/token", what="429", retry_after=7)
    status, headers, _ = tenant.http(
        "POST", f"{tenant.about['login_url']}/contoso.com/oauth2/v2.0/"
        "token", b"a=b")
    assert (status, headers["Retry-After"]) == (429, "7")
    tenant.fault(where="signin", what="drop-before")
    with pytest.raises((OSError, http.client.HTTPException)):
        tenant.sign_in(**app_fields(tenant))
    assert tenant.sign_in(**app_fields(tenant))[0] == 200


# --- Tokens at the resource ----------------------------------------------

def organization(p, token):
    status, headers, answer = p.http("GET", "/v1.0/organization",
                                     token=token)
    if status == 401:
        assert "WWW-Authenticate" in headers
        assert answer["error"]["code"] == "InvalidAuthenticationToken"
        assert answer["error"]["innerError"]["request-id"]
    return status


def test_tokens_are_checked(tenant):
    token = tenant.token()
    assert organization(tenant, token) == 200
    head, body, mark = token.split(".")
    forged = json.dumps({**claims(token), "roles": ["All"]}).encode()
    for bad in (None, "nonsense", f"{head}.{b64(forged)}.{mark}",
                tenant.token(practice.IMAP_SCOPE)):
        assert organization(tenant, bad) == 401


def test_tokens_end(tenant):
    assert organization(tenant, tenant.token()) == 200
    tenant.control("/config", token_life=0.3)
    token = tenant.token()
    time.sleep(0.35)
    assert organization(tenant, token) == 401


def test_tokens_are_revoked(tenant):
    token = tenant.token()
    tenant.control("/revoke", user=tenant.client_id, access=True)
    assert organization(tenant, token) == 401
    assert organization(tenant, tenant.token()) == 200
