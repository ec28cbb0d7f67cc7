# SPDX-License-Identifier: Apache-2.0
"""Microsoft Graph's mail part: the door, and what is common to all calls.

Each call goes: token, user, mailbox, limits, faults, its own handler, the
check of the answer against Microsoft's schema. The handlers are in
graph_folders, graph_messages, graph_attachments and graph_exchange; each
is `async def handler(call) -> Reply` and raises Fail.

What a client sent against the schema stands in the breach log as "schema",
what we ourselves answered against it as "schema-answer".
"""
import datetime
import hashlib
import hmac
import json
import os
import re
import sys
import urllib.parse

from . import clock, model, schema, web
from .core import TokenError

# Whole requests, octets (m365.md C.2, C.9).
MOST = 4_000_000
DEFAULT_PAGE, LARGEST_PAGE = 10, 1000
METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT")
WORDS = {
    400: ("ErrorInvalidRequest", "The request is invalid."),
    401: ("InvalidAuthenticationToken", "Access token has expired or is not "
          "yet valid."),
    403: ("ErrorAccessDenied", "Access is denied. Check credentials and try "
          "again."),
    404: ("ErrorItemNotFound",
          "The specified object was not found in the store."),
    412: ("ErrorIrresolvableConflict", "The send or update operation could "
          "not be performed because the change key passed in the request "
          "does not match the current change key for the item."),
    413: ("RequestEntityTooLarge",
          "The maximum request length supported is 4MB."),
    429: ("ApplicationThrottled",
          "Application is over its MailboxConcurrency limit."),
    500: ("generalException", "An internal server error occurred."),
    502: ("generalException", "Bad gateway."),
    503: ("ServiceNotAvailable", "The service is temporarily unavailable."),
    504: ("generalException", "The gateway did not receive a response "
          "within the specified time period."),
    507: ("ErrorQuotaExceeded", "The mailbox is over its quota: the message "
          "can't be saved."),
}
# What is not known of the service (m365.md H), and what some tenants do:
# attributes of core.config, changeable while it runs.
SWITCHES = {
    # importMime: "now" or "received" (the top Received: header).
    "importmime_date": "now",
    "importmime_read": False,
    # Above so many octets a MIME post answers 200 and makes nothing; 0: off.
    "mime_lost_above": 0,
    # Upload sessions are refused for what is no draft.
    "large_attachments_drafts_only": False,
    # Headers without "x-" are refused, not ignored.
    "strict_headers": False,
    # $orderby is taken, and the standard order given.
    "ignore_orderby": False,
    # $orderby by what $filter does not begin with is refused.
    "inefficient_filter": True,
    # Life of delta tokens and of upload sessions, virtual seconds.
    "delta_life": 30 * 86400,
    "upload_life": 86400,
}
ALTERNATIVE = re.compile(r"\('([^'/]*)'\)")


class Fail(Exception):
    """An error for the client."""

    def __init__(self, status, code=None, message=None, retry_after=None):
        super().__init__(message)
        self.status = status
        self.code = code or WORDS[status][0]
        self.message = message or WORDS.get(
            status, ("", "The request is invalid."))[1]
        self.retry_after = retry_after


class Reply:
    """kind: the type in the schema, for the check; None: unchecked."""

    def __init__(self, status=200, content=None, kind=None, headers=None):
        self.status = status
        self.content = content
        self.kind = kind
        self.headers = dict(headers or {})


class Call:
    """One request to one mailbox."""

    def __init__(self, graph, request, claims):
        self.graph, self.core = graph, graph.core
        self.request, self.claims = request, claims
        self.app = claims.get("appid") or claims.get("azp") or "?"
        self.beta = request.path.startswith("/beta/")
        self.base = self.core.urls.get("graph", "") + (
            "/beta" if self.beta else "/v1.0")
        self.who = ""
        self.box = None
        self.params = {}
        self.query = request.query
        self.prefer = request.headers.get("prefer", "")
        self.immutable = not self.core.config.classic_ids and bool(
            re.search(r'IdType\s*=\s*"?ImmutableId"?', self.prefer))

    @property
    def now(self):
        return self.core.clock.now()

    def switch(self, name):
        return getattr(self.core.config, name)

    def context(self, what):
        return f"{self.base}/$metadata#users('{self.who}')/{what}"

    # --- What may be done

    def may(self, *wanted):
        """Whether the token has one of these permissions. Of delegated
        ones, those of other mailboxes end in .Shared."""
        if "roles" in self.claims and "scp" not in self.claims:
            roles = self.claims["roles"]
            return any(w in roles or w + ".All" in roles for w in wanted)
        scopes = str(self.claims.get("scp", "")).split()
        if self.own():
            return any(w in scopes for w in wanted)
        return any(w + ".Shared" in scopes for w in wanted) and \
            self.core.tenant.may_open(self.upn(), self.box)

    def need(self, *wanted):
        if not self.may(*wanted):
            raise Fail(403)

    def upn(self):
        return self.claims.get("upn") or \
            self.claims.get("preferred_username") or ""

    def own(self):
        return self.core.tenant.mailbox(self.upn()) is self.box

    # --- Bodies

    def json(self, kind, mode="create"):
        body = self._read_json()
        if self.graph.schema:
            self.graph.refuse(self, self.graph.schema.request(
                kind, body, mode), kind)
        elif not isinstance(body, dict):
            raise Fail(400)
        return body

    def action(self, name, bound):
        """Its parameters, by names in lower case."""
        body = self._read_json()
        if self.graph.schema:
            self.graph.refuse(self, self.graph.schema.action(
                name, bound, body), name)
        elif not isinstance(body, dict):
            raise Fail(400)
        return {k.lower(): v for k, v in body.items()}

    def _read_json(self):
        kind = self.request.headers.get("content-type", "")
        if kind.split(";")[0].strip().lower() != "application/json":
            raise Fail(400, "BadRequest", "Write requests (excluding DELETE)"
                       " must contain the Content-Type header declaration.")
        try:
            return self.request.json()
        except (ValueError, RecursionError):
            raise Fail(400, "BadRequest", "Unable to read JSON request "
                       "payload. Please ensure Content-Type header is set "
                       "and payload is of valid JSON format.") from None

    # --- Options and pages

    def options(self, *allowed):
        for name in self.query:
            if name not in allowed and name != "$skiptoken":
                raise Fail(400, "BadRequest", f"The query option '{name}' "
                           "is not allowed or not known here.")
        if "$skiptoken" in self.query:
            self._verbatim()

    def _verbatim(self):
        """A nextLink comes back as it was given, to the octet."""
        link, _, mark = self.request.target.partition("&%24skiptoken=")
        if not hmac.compare_digest(self.graph.sign(link), mark):
            self.graph.breach(self, "nextlink",
                              "a nextLink was changed by the client")
            raise Fail(400, "BadRequest", "Skip token is malformed.")

    def number(self, name, default, least, most):
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isdigit() or int(text) < least:
            raise Fail(400, "BadRequest", f"Invalid value '{text}' for "
                       f"{name} query option.")
        if int(text) > most:
            raise Fail(400, "ErrorInvalidUrlQuery", f"The limit of '{most}' "
                       f"for {name} query has been exceeded.")
        return int(text)

    def flag(self, name):
        text = self.query.get(name, "false").lower()
        if text not in ("true", "false"):
            raise Fail(400, "BadRequest", f"{name}: true or false.")
        return text == "true"

    def page(self, items, default=DEFAULT_PAGE):
        """The slice of this page, and {"@odata.nextLink"} or {}."""
        top = self.number("$top", default, 1, LARGEST_PAGE)
        skip = self.number("$skip", 0, 0, 1 << 31)
        out = {}
        if self.flag("$count"):
            out["@odata.count"] = len(items)
        if skip + top < len(items):
            out["@odata.nextLink"] = self.next_link(
                {**self.query, "$skip": str(skip + top)})
        return items[skip:skip + top], out

    def next_link(self, query):
        """Signed, so that it is seen when it is re-encoded."""
        query = {k: v for k, v in query.items() if k != "$skiptoken"}
        # Spelt as no library would: small hex digits, "%20".
        words = "&".join(
            re.sub("%[0-9A-F]{2}", lambda m: m[0].lower(),
                   urllib.parse.quote(k, safe="") + "=" +
                   urllib.parse.quote(v, safe="(),'"))
            for k, v in query.items())
        path = self.request.target.partition("?")[0]
        link = f"{path}?{words}"
        return (self.core.urls.get("graph", "") + link +
                "&%24skiptoken=" + self.graph.sign(link))

    def select(self, allowed, entity):
        text = self.query.get("$select")
        if text is None:
            return None
        names = [n.strip() for n in text.split(",")]
        self.graph.known(names, allowed, entity)
        return names


class Graph:
    """The mail part; core.shared["graph"]."""

    def __init__(self, core):
        self.core = core
        self.schema = schema.load(
            lambda text: print("tenant: " + text, file=sys.stderr))
        self.secret = os.urandom(16)
        self.handlers = []
        for name, value in SWITCHES.items():
            if not hasattr(core.config, name):
                setattr(core.config, name, value)

    def handle(self, method, regex, handler):
        """regex: of what stands behind the user."""
        self.handlers.append((method, re.compile(regex + r"/?\Z"), handler))

    def sign(self, text):
        return hmac.new(self.secret, text.encode(),
                        hashlib.sha256).hexdigest()[:32]

    @staticmethod
    def known(names, allowed, entity):
        for n in names:
            if n not in allowed:
                raise Fail(400, "RequestBroker--ParseUri", "Could not find "
                           f"a property named '{n}' on type "
                           f"'microsoft.graph.{entity}'.")

    # --- The breach log

    def breach(self, call, kind, what):
        self.core.limits.breaches.append({
            "time": clock.iso(self.core.clock.now(), True), "limit": kind,
            "app": call.app,
            "mailbox": call.box.address if call.box else None,
            "request": call.request.text[:200], "what": what,
            "refused": kind != "schema-answer"})

    def refuse(self, call, problems, kind):
        if not problems:
            return
        name, what = problems[0]
        self.breach(call, "schema", [f"{n}: {w}" for n, w in problems[:20]])
        shape = any(w in what for w in ("does not exist", "read-only",
                                        "is missing", "no parameter"))
        raise Fail(400, "ErrorInvalidProperty" if shape
                   else "UnableToDeserializePostBody",
                   f"The property '{name}' {what} (microsoft.graph.{kind}).")

    def check(self, call, reply):
        if not self.schema or reply.kind is None:
            return
        content = reply.content
        if call.beta and reply.kind == "mailFolder":
            content = without(content, "wellKnownName")
        problems = self.schema.answer(reply.kind, content)
        if problems:
            self.breach(call, "schema-answer",
                        [f"{n}: {w}" for n, w in problems[:20]])

    # --- The way of a call

    def error(self, request, fail):
        response = web.graph_error(self.core, request, fail.status,
                                   fail.code, fail.message,
                                   fail.retry_after)
        if fail.status == 401:
            response.headers["WWW-Authenticate"] = (
                'Bearer realm="", authorization_uri="' +
                self.core.urls.get("login", "") +
                '/common/oauth2/authorize", client_id='
                '"00000003-0000-0000-c000-000000000000"')
        return response

    def claims(self, request):
        try:
            return self.core.check_token(
                request.headers.get("authorization"), model.GRAPH)
        except TokenError as e:
            raise Fail(401, "InvalidAuthenticationToken",
                       e.message) from None

    def find_mailbox(self, call, who):
        tenant = self.core.tenant
        if who == "me":
            if not call.upn():
                raise Fail(400, "BadRequest", "/me request is only valid "
                           "with delegated authentication flow.")
            who = call.upn()
        call.who = who
        user, box = tenant.user(who), tenant.mailbox(who)
        if user is None and box is None:
            raise Fail(404, "ErrorInvalidUser",
                       f"The requested user '{who}' is invalid.")
        if box is None or not box.licensed or not box.provisioned or \
                (user is not None and user.on_premises):
            raise Fail(404, "MailboxNotEnabledForRESTAPI", "The mailbox is "
                       "either inactive, soft-deleted, or is hosted "
                       "on-premise.")
        call.box = box
        if box.policy_denied:
            raise Fail(403, "ErrorAccessDenied",
                       "Access to OData is disabled.")

    async def serve(self, request):
        """Everything about a user's mail."""
        try:
            call = Call(self, request, self.claims(request))
            call.who = request.params["who"]
            if len(request.body) > MOST:
                raise Fail(413)
            self.find_mailbox(call, call.who)
            self.enter(call)
            return await self.with_faults(call, request.params["rest"])
        except Fail as fail:
            return self.error(request, fail)

    def enter(self, call):
        limits, request = self.core.limits, call.request
        address = call.box.address
        octets = len(request.body) if request.method in (
            "POST", "PATCH", "PUT") else 0
        refusal = limits.enter(call.app, address, octets)
        if refusal is not None:
            raise Fail(429, refusal.code, refusal.message, refusal.seconds)
        request.at_end(lambda: limits.leave(call.app, address))

    async def with_faults(self, call, rest):
        async def handler(_):
            return await self.answered(call, rest)

        fault = self.core.faults.next("graph", call.request.text)
        if fault is None:
            return await handler(call.request)
        response = await self.core.faults.around(
            self.core, fault, call.request, handler,
            lambda status, f: self.fault(call, status, f))
        if response is not None:
            return response
        if fault.what == "quota":
            raise Fail(507)
        if fault.what == "changekey":
            raise Fail(412)
        raise Fail(500)

    def fault(self, call, status, fault):
        wait = fault.retry_after
        if status == 429 and wait is None:
            wait = 2
        if wait is not None and status in (429, 503) and call.box:
            self.core.limits.told_to_wait(call.app, call.box.address, wait)
        fail = Fail(status) if status in WORDS else Fail(
            status, "generalException", "An error on demand.")
        fail.retry_after = wait
        return self.error(call.request, fail)

    async def answered(self, call, rest):
        try:
            reply = await self.handler_of(call, rest)(call)
        except Fail as fail:
            return self.error(call.request, fail)
        except model.QuotaFull:
            return self.error(call.request, Fail(507))
        except model.NoSuchFolder:
            return self.error(call.request, Fail(404))
        except (AttributeError, KeyError, TypeError, ValueError):
            # With the schema at hand no body of a wrong shape comes here.
            if self.schema or not call.request.body:
                raise
            return self.error(call.request, Fail(
                400, "UnableToDeserializePostBody"))
        return self.finish(call, reply)

    def finish(self, call, reply):
        self.check(call, reply)
        response = web.Response(reply.status, reply.content, reply.headers)
        headers = response.headers
        headers.setdefault("request-id", call.request.id)
        headers["client-request-id"] = call.request.headers.get(
            "client-request-id", call.request.id)
        headers["x-ms-ags-diagnostic"] = json.dumps(
            {"ServerInfo": {"DataCenter": "Practice", "Slice": "E"}})
        if isinstance(reply.content, dict):
            headers["OData-Version"] = "4.0"
            headers["Content-Type"] = (
                "application/json;odata.metadata=minimal;"
                "odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
            if call.immutable:
                headers["Preference-Applied"] = 'IdType="ImmutableId"'
        return response

    def handler_of(self, call, rest):
        rest = ALTERNATIVE.sub(r"/\1", rest)
        method, there = call.request.method, False
        for m, regex, handler in self.handlers:
            match = regex.match(rest)
            if match and m == method:
                call.params = match.groupdict()
                return handler
            there = there or bool(match)
        if there:
            raise Fail(405, "Request_BadRequest", "Specified HTTP method is "
                       "not allowed for the request target.")
        raise Fail(404, "BadRequest", "Resource not found for the segment "
                   f"'{rest.rstrip('/').rpartition('/')[2]}'.")


def without(content, name):
    if not isinstance(content, dict):
        return content
    if isinstance(content.get("value"), list):
        return {**content, "value": [without(c, name)
                                     for c in content["value"]]}
    return {k: v for k, v in content.items() if k != name}


def session_date(seconds):
    """With seven digits, as expirationDateTime stands."""
    when = datetime.datetime(1970, 1, 1) + datetime.timedelta(
        seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f") + "7Z"


def register(core):
    from . import graph_attachments, graph_batch, graph_exchange, \
        graph_folders, graph_messages
    graph = core.shared["graph"] = Graph(core)
    for part in (graph_folders, graph_messages, graph_attachments,
                 graph_exchange, graph_batch):
        part.add(graph)
    for method in METHODS:
        core.web.route(
            method, r"/(?:v1\.0|beta)/(?:(?P<who>me|users/[^/]+|"
            r"users\('[^/]+'\))/)(?P<rest>(?:mailFolders|messages|"
            r"translateExchangeIds|settings/exchange)(?:[/(].*)?)",
            lambda request: graph.serve(named(request)))


def named(request):
    """users/ann@... and users('ann@...') are the same."""
    who = request.params["who"]
    if who.startswith("users("):
        who = who[len("users('"):-2]
    elif who.startswith("users/"):
        who = who[len("users/"):]
    request.params["who"] = who
    return request
