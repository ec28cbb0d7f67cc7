# SPDX-License-Identifier: Apache-2.0
"""Entra ID's endpoints (m365.md A): device code, client credentials,
refresh, and the discovery document.

All times here are real ones, as a client compares them with its own clock;
only "timestamp" of an error is of the virtual clock.
"""
import base64
import binascii
import collections
import datetime
import html
import math
import os
import random
import time
import urllib.parse
import uuid

from . import aadsts, clock, core as cores, model, tokens
from .web import Response

GRAPH_ID = "00000003-0000-0000-c000-000000000000"
OUTLOOK_ID = "00000002-0000-0ff1-ce00-000000000000"
OPENID = ("openid", "profile", "email", "offline_access")
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SKEW = 300
MESSAGES = {
    "en": "To sign in, use a web browser to open the page {uri} and enter "
          "the code {code} to authenticate.",
    "de": "Verwenden Sie zum Anmelden einen Webbrowser, öffnen Sie die "
          "Seite {uri}, und geben Sie den Code {code} ein."}


class Refused(Exception):
    """An error of aadsts.ERRORS; about fills its text."""

    def __init__(self, number, error=None, **about):
        super().__init__(number)
        self.number = number
        self.error = error
        self.about = about


class DeviceCode:
    def __init__(self, app, scope, life, interval):
        self.code = tokens.encode(os.urandom(120))
        self.user_code = "".join(random.choices(
            "ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=9))
        self.app = app
        self.scope = scope
        self.interval = interval
        self.ends = time.monotonic() + life
        self.polled = None
        self.polls = 0
        self.who = None         # upn, "" when declined
        self.used = False


class Grant:
    """What a refresh token stands for."""

    def __init__(self, user, app):
        self.user = user
        self.app = app
        self.issued = time.time()
        self.used = 0


class SignIn:
    def __init__(self, core):
        self.core = core
        self.key = os.urandom(32)
        self.clear()

    def clear(self):
        self.devices = {}       # device code -> DeviceCode
        self.refresh = {}       # refresh token -> Grant
        self.seen = set()       # jti of assertions
        self.issued = collections.deque()  # (virtual time, kind) of tokens
        self.void_before = {}   # upn or client id -> real time
        self.revoked = {}       # upn -> (real time, number)

    def register(self):
        web = self.core.web
        base = "/(?P<tenant>[^/]+)"
        web.route("POST", base + "/oauth2/v2.0/devicecode", self.guard(
            self.device_code))
        web.route("POST", base + "/oauth2/v2.0/token", self.guard(
            self.token))
        web.route("GET", base + "/v2.0/.well-known/openid-configuration",
                  self.guard(self.discovery))
        web.route("GET", "/devicelogin", self.page)
        web.route("POST", "/devicelogin", self.page_sent)

    # --- Errors ----------------------------------------------------------

    def guard(self, handler):
        async def guarded(request):
            try:
                return await handler(request)
            except Refused as refused:
                return self.error(request, refused)

        async def with_faults(request):
            form = request.form()
            fault = self.core.faults.next(
                "signin", request.text + " " + form.get("grant_type", ""))
            if fault is None:
                return await guarded(request)
            if fault.what.startswith("AADSTS"):
                return self.error(request, Refused(int(fault.what[6:])))
            answer = await self.core.faults.around(
                self.core, fault, request, guarded,
                lambda status, f: self.trouble(request, status, f))
            return answer or await guarded(request)
        return with_faults

    def trouble(self, request, status, fault):
        number = {503: 90024, 429: 90055}.get(status, 50033)
        response = self.error(request, Refused(number))
        response.status = status
        if fault.retry_after is not None:
            response.headers["Retry-After"] = str(int(fault.retry_after))
        return response

    def error(self, request, refused):
        status, error, text = aadsts.ERRORS[refused.number]
        form = request.form()
        app = self.core.tenant.apps.get(form.get("client_id", ""))
        about = {"app": form.get("client_id", ""), "user": "",
                 "name": app.name if app else "", "reason": "",
                 "tenant": self.core.tenant.name, "resource": model.GRAPH,
                 "scope": form.get("scope", ""), **refused.about}
        trace = str(uuid.uuid4())
        given = request.headers.get("client-request-id", "")
        try:
            correlation = str(uuid.UUID(given))
        except ValueError:
            correlation = str(uuid.uuid4())
        when = clock.iso(self.core.clock.now()).replace("T", " ")
        content = {
            "error": refused.error or error,
            "error_description":
                f"AADSTS{refused.number}: {text.format(**about)}\r\n"
                f"Trace ID: {trace}\r\nCorrelation ID: {correlation}\r\n"
                f"Timestamp: {when}",
            "error_codes": [refused.number], "timestamp": when,
            "trace_id": trace, "correlation_id": correlation,
            "error_uri": "https://login.microsoftonline.com/error?code="
                         f"{refused.number}"}
        if refused.number in aadsts.SUBERRORS:
            content["suberror"] = aadsts.SUBERRORS[refused.number]
        self.core.log("signin-refused", number=refused.number,
                      error=content["error"], app=about["app"],
                      correlation_id=correlation)
        return Response(status, content, {**NO_STORE,
                                          "x-ms-request-id": trace})

    # --- Who asks --------------------------------------------------------

    def tenant_of(self, request, concrete=False):
        name = request.params["tenant"]
        if name.lower() in ("common", "organizations", "consumers"):
            if concrete:
                raise Refused(90124 if name == "common" else 90130)
            if name.lower() == "consumers":
                raise Refused(9001023)
            return
        if not self.core.tenant.is_named(name):
            raise Refused(90002, tenant=name)

    def app_of(self, client_id):
        if not client_id:
            raise Refused(900144, reason="client_id")
        app = self.core.tenant.apps.get(client_id.lower())
        if app is None or not app.in_tenant:
            raise Refused(700016, app=client_id)
        if app.disabled:
            raise Refused(7000112, app=client_id, name=app.name)
        return app

    def client(self, request, form):
        """The app, and whether it has proved who it is."""
        header = request.headers.get("authorization", "")
        if header.lower().startswith("basic "):
            try:
                pair = base64.b64decode(header[6:], validate=True).decode()
            except (binascii.Error, ValueError):
                raise Refused(7000215) from None
            name, _, secret = pair.partition(":")
            form.setdefault("client_id", urllib.parse.unquote_plus(name))
            form.setdefault("client_secret",
                            urllib.parse.unquote_plus(secret))
        app = self.app_of(form.get("client_id"))
        if "client_assertion" in form:
            self.assertion(request, form, app)
            return app, True
        if "client_secret" in form:
            self.secret(form["client_secret"], app)
            return app, True
        return app, False

    def secret(self, given, app):
        if not app.secrets and not app.certificates and app.public_client:
            raise Refused(700025)
        if given not in app.secrets:
            raise Refused(7000215, app=app.client_id)
        ends = app.secrets[given]
        if ends is not None and ends < time.time():
            raise Refused(7000222, app=app.client_id)

    def assertion(self, request, form, app):
        if form.get("client_assertion_type") != ASSERTION:
            raise Refused(900144, reason="client_assertion_type")
        if not app.secrets and not app.certificates and app.public_client:
            raise Refused(700025)
        try:
            header, claims, text, mark = tokens.parts(
                form["client_assertion"])
        except tokens.Malformed:
            raise Refused(50012, reason="The assertion is not a JSON web "
                          "token.") from None
        if header.get("alg") not in tokens.FORMS:
            raise Refused(50012, reason="The algorithm is not supported.")
        cert = tokens.certificate_of(header, app.certificates)
        if cert is None:
            raise Refused(700027, reason="The key was not found.")
        if not tokens.signature_right(header, text, mark, cert):
            raise Refused(700027, reason="The signature is not valid.")
        if cert.not_valid_after < datetime.datetime.utcnow():
            raise Refused(700027, reason="The key used is expired.")
        self.assertion_claims(request, claims, app)

    def assertion_claims(self, request, claims, app):
        wanted = (self.core.urls["login"], "https://login.microsoftonline.com")
        path = request.path
        audiences = [w + path for w in wanted] + [
            f"{w}/{t}/{tail}" for w in wanted
            for t in (self.core.tenant.id, *self.core.tenant.domains)
            for tail in ("oauth2/v2.0/token", "v2.0")]
        if claims.get("aud") not in audiences:
            raise Refused(50012, reason="The audience is not this tenant's "
                          "token endpoint.")
        for name in ("iss", "sub"):
            if claims.get(name) != app.client_id:
                raise Refused(50012, reason=f"'{name}' is not the client "
                              "id.")
        now = time.time()
        ends, begins = claims.get("exp"), claims.get("nbf", now)
        if not isinstance(ends, (int, float)) or \
                not isinstance(begins, (int, float)) or \
                ends < now - SKEW or begins > now + SKEW or \
                ends - begins > 86400:
            raise Refused(500133, reason=f"Current time: {int(now)}, "
                          f"not before: {begins}, expires: {ends}.")
        if not claims.get("jti"):
            raise Refused(50012, reason="'jti' is missing.")
        if claims["jti"] in self.seen:
            raise Refused(50013, reason="'jti' was used before.")
        self.seen.add(claims["jti"])

    # --- Scopes ----------------------------------------------------------

    def resource_of(self, text):
        text = text.rstrip("/").lower()
        if text in (model.GRAPH, GRAPH_ID) or \
                text == self.core.urls.get("graph"):
            return model.GRAPH
        if text in (model.OUTLOOK, model.OUTLOOK_APP):
            return text
        if text == OUTLOOK_ID:
            return model.OUTLOOK_APP
        return None

    def scopes_of(self, scope):
        """(resource, [names], [of OpenID]); Refused when it can't be."""
        names, openid, resources = [], [], []
        for word in (scope or "").split():
            if word in OPENID:
                openid.append(word)
                continue
            head, slash, name = word.rpartition("/")
            resource = self.resource_of(head) if slash else model.GRAPH
            if resource is None:
                raise Refused(500011, resource=head)
            if not name:
                raise Refused(70011, scope=word)
            resources.append(resource)
            names.append(name)
        if len(set(resources)) > 1:
            raise Refused(28002, scope=scope)
        if not names and not openid:
            raise Refused(70011 if scope is not None else 900144,
                          reason="scope", scope=scope or "")
        return (resources or [model.GRAPH])[0], names, openid

    def granted(self, app, resource, names):
        """The delegated scopes of a token."""
        if app.first_party and resource != model.GRAPH:
            raise Refused(65002, app=app.client_id, resource=resource)
        have = app.scopes.get(resource, [])
        if ".default" in names:
            names = list(have)
            if not names:
                raise Refused(65001, app=app.client_id, name=app.name)
        known = {n.lower(): n for n in cores.SCOPES.get(resource, [])}
        known.update({n.lower(): n for n in have})
        for name in names:
            if name.lower() not in known:
                raise Refused(70011, scope=f"{resource}/{name}")
            if known[name.lower()] not in have:
                raise Refused(65001, app=app.client_id, name=app.name)
        return [known[n.lower()] for n in names]

    # --- Discovery -------------------------------------------------------

    async def discovery(self, request):
        self.tenant_of(request)
        base = f"{self.core.urls['login']}/{request.params['tenant']}"
        host = urllib.parse.urlsplit(self.core.urls["graph"]).netloc
        return Response(200, {
            "token_endpoint": base + "/oauth2/v2.0/token",
            "device_authorization_endpoint":
                base + "/oauth2/v2.0/devicecode",
            "authorization_endpoint": base + "/oauth2/v2.0/authorize",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post", "private_key_jwt",
                "client_secret_basic"],
            "issuer": "https://login.microsoftonline.com/"
                      f"{self.core.tenant.id}/v2.0",
            "tenant_region_scope": "EU", "msgraph_host": host,
            "cloud_instance_name": "microsoftonline.com"})

    # --- Device code -----------------------------------------------------

    async def device_code(self, request):
        self.tenant_of(request)
        form = request.form()
        app = self.app_of(form.get("client_id"))
        if "scope" not in form:
            raise Refused(900144, reason="scope")
        self.scopes_of(form["scope"])
        config = self.core.config
        d = DeviceCode(app, form["scope"], config.device_life,
                       config.device_interval)
        self.devices[d.code] = d
        uri = self.core.urls["login"] + "/devicelogin"
        language = request.query.get("mkt", "en")[:2].lower()
        message = MESSAGES.get(language, MESSAGES["en"])
        return Response(200, {
            "user_code": d.user_code, "device_code": d.code,
            "verification_uri": uri, "expires_in": int(config.device_life),
            "interval": max(1, math.ceil(d.interval)),
            "message": message.format(uri=uri, code=d.user_code)}, NO_STORE)

    def decide(self, user_code, who):
        """A person has typed the code: upn, or "decline"."""
        for d in self.devices.values():
            if d.user_code == user_code.strip().upper() and not d.used:
                d.who = "" if who == "decline" else who
                return True
        return False

    def _automatic(self, d):
        for rule in self.core.config.device:
            _, who, *more = rule.split(":")
            if d.who is None and d.polls > int(more[0] if more else 1):
                d.who = who if "@" in who or who == "decline" else \
                    f"{who}@{self.core.tenant.domain}"
                d.who = "" if who == "decline" else d.who

    def device_token(self, form, app):
        d = self.devices.get(form.get("device_code", ""))
        if d is None or d.used or d.app is not app:
            raise Refused(70018)
        now = time.monotonic()
        if now > d.ends:
            raise Refused(70019)
        soon = d.polled is not None and now - d.polled < d.interval * 0.9
        d.polled = now
        d.polls += 1
        if soon:
            self.core.log("polled-too-fast", user_code=d.user_code)
            raise Refused(70016, error="slow_down")
        self._automatic(d)
        if d.who is None:
            raise Refused(70016)
        if d.who == "":
            raise Refused(65004)
        user = self.person(d.who, app, at_sign_in=True)
        if user.device_code_blocked:
            raise Refused(53003, user=user.upn)
        answer = self.user_token(app, user, d.scope)
        d.used = True
        return answer

    def person(self, upn, app, at_sign_in=False):
        user = self.core.tenant.user(upn)
        if user is None:
            raise Refused(50034, user=upn)
        if not user.enabled:
            raise Refused(50057)
        if app.assignment_required and not user.assigned:
            raise Refused(50105, user=user.upn, app=app.client_id,
                          name=app.name)
        if user.mfa_at_refresh and not at_sign_in:
            raise Refused(50076)
        return user

    # --- Tokens ----------------------------------------------------------

    async def token(self, request):
        form = request.form()
        kind = form.get("grant_type")
        if not kind:
            raise Refused(900144, reason="grant_type")
        self.tenant_of(request, kind == "client_credentials")
        app, proved = self.client(request, form)
        if kind == "client_credentials":
            answer = self.app_token(form, app, proved)
        elif kind == DEVICE:
            self.may_be_public(app, proved)
            answer = self.device_token(form, app)
        elif kind == "refresh_token":
            self.may_be_public(app, proved)
            answer = self.refresh_token(form, app)
        else:
            raise Refused(70003, reason=kind)
        return Response(200, answer, NO_STORE)

    @staticmethod
    def may_be_public(app, proved):
        if not proved and not app.public_client:
            raise Refused(7000218)

    def app_token(self, form, app, proved):
        if not proved:
            raise Refused(7000218)
        resource, names, openid = self.scopes_of(form.get("scope"))
        if names != [".default"] or openid:
            raise Refused(70011, scope=form.get("scope", ""))
        roles = app.roles.get(resource, [])
        claims = {"idtyp": "app", "oid": app.object_id,
                  "sub": app.object_id}
        if roles:
            claims["roles"] = list(roles)
        self.loop(f"app {app.client_id} {resource}")
        return self.bearer(app, resource, claims)

    def user_token(self, app, user, scope):
        resource, names, openid = self.scopes_of(scope)
        names = self.granted(app, resource, names)
        self.loop(f"user {user.upn} {resource}")
        answer = self.bearer(app, resource, {
            "idtyp": "user", "oid": user.id, "sub": user.id,
            "scp": " ".join(names), "upn": user.upn, "name": user.name,
            "unique_name": user.upn})
        shown = names if resource == model.GRAPH else [
            f"{resource}/{n}" for n in names]
        answer["scope"] = " ".join(
            shown + [o for o in openid if o != "offline_access"])
        if "offline_access" in openid:
            token = "1.AXkA" + tokens.encode(os.urandom(300))
            self.refresh[token] = Grant(user.upn, app)
            answer["refresh_token"] = token
        if "openid" in openid:
            now = int(time.time())
            answer["id_token"] = tokens.sign(self.key, {
                "aud": app.client_id, "iss": self.issuer, "iat": now,
                "nbf": now, "exp": now + 3600, "name": user.name,
                "oid": user.id, "preferred_username": user.upn,
                "sub": user.id, "tid": self.core.tenant.id, "ver": "2.0"})
        return answer

    @property
    def issuer(self):
        return f"https://sts.windows.net/{self.core.tenant.id}/"

    def bearer(self, app, resource, claims):
        now = time.time()
        life = self.core.config.token_life
        token = tokens.sign(self.key, {
            "aud": resource, "iss": self.issuer, "iat": int(now),
            "nbf": int(now), "exp": int(now + life),
            "app_displayname": app.name, "appid": app.client_id,
            "appidacr": "1", "tid": self.core.tenant.id, "ver": "1.0",
            "uti": tokens.encode(os.urandom(16)), "x_ends": now + life,
            "x_made": now, **claims})
        self.core.log("token", app=app.client_id, resource=resource,
                      user=claims.get("upn"))
        return {"token_type": "Bearer", "expires_in": max(1, int(life) - 1)
                if life >= 60 else max(1, int(life)),
                "ext_expires_in": int(life), "access_token": token}

    def loop(self, kind):
        limit = self.core.config.loop_limit
        now = self.core.clock.now()
        self.issued.append((now, kind))
        while self.issued and self.issued[0][0] < now - 300:
            self.issued.popleft()
        count = sum(1 for _, k in self.issued if k == kind)
        if limit and count > limit:
            self.core.log("token-loop", what=kind, count=count)
            raise Refused(50196)

    def refresh_token(self, form, app):
        token = form.get("refresh_token", "")
        grant = self.refresh.get(token)
        if grant is None or grant.app is not app:
            raise Refused(70000)
        when, number = self.revoked.get(grant.user, (0, 0))
        if grant.issued < when:
            raise Refused(number)
        if grant.used and self.core.config.strict_rotation:
            raise Refused(70000)
        user = self.person(grant.user, app)
        scope = form.get("scope")
        if scope is None:
            raise Refused(900144, reason="scope")
        if "offline_access" not in scope.split():
            # A refresh always gives a new one.
            scope += " offline_access"
        answer = self.user_token(app, user, scope)
        grant.used += 1
        return answer

    def revoke(self, who, number=50173, access=False):
        """The user's refresh tokens are void with that number; access:
        also the access tokens (of a user, or an app by its client id)."""
        if number:
            self.revoked[who] = (time.time(), int(number))
        if access:
            self.void_before[who] = time.time()

    # --- For the services ------------------------------------------------

    def check_token(self, authorization, resource):
        """Claims; x_ends is when it ends, real seconds with fraction."""
        token = authorization or ""
        if token.lower().startswith("bearer "):
            token = token[7:].strip()
        if not token:
            raise cores.TokenError("missing", "Access token is empty.")
        try:
            claims = tokens.check(self.key, token)
        except tokens.Malformed:
            raise cores.TokenError(
                "malformed", "CompactToken parsing failed with error code: "
                "80049217") from None
        if claims is None:
            raise cores.TokenError(
                "signature", "Access token validation failure.")
        if claims["x_ends"] <= time.time():
            raise cores.TokenError(
                "expired", "Lifetime validation failed, the token is "
                "expired.")
        outlook = (model.OUTLOOK, model.OUTLOOK_APP)
        allowed = outlook if resource in outlook else (resource,)
        if claims["aud"] not in allowed:
            raise cores.TokenError(
                "audience", "Access token validation failure. Invalid "
                "audience.")
        for who in (claims.get("upn"), claims["appid"]):
            if who and claims["x_made"] < self.void_before.get(who, 0):
                raise cores.TokenError(
                    "revoked", "Continuous access evaluation resulted in "
                    "challenge with result: InteractionRequired")
        return claims

    # --- The page where a person types the code --------------------------

    async def page(self, request, said=""):
        code = html.escape(request.query.get("code", ""), True)
        return Response(200, PAGE.format(
            said=html.escape(said), code=code,
            user="ann@" + self.core.tenant.domain).encode(),
            {"Content-Type": "text/html; charset=utf-8"})

    async def page_sent(self, request):
        form = request.form()
        who = "decline" if "decline" in form else form.get("user", "")
        done = self.decide(form.get("code", ""), who)
        return await self.page(request, (
            "You may close this page." if done else
            "That code is not known, or it was used."))


NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
PAGE = """<!DOCTYPE html><title>Practice tenant: enter the code</title>
<h1>Practice tenant</h1><p><b>{said}</b></p>
<form method=post action=/devicelogin>
<p>Code <input name=code value="{code}"> as <input name=user value="{user}">
<button>Sign in</button> <button name=decline value=1>Decline</button>
</form>"""


def register(core):
    core.signin = SignIn(core)
    core.signin.register()
