# SPDX-License-Identifier: Apache-2.0
"""Graph's directory part (m365.md F): organization, domains, users,
mailboxSettings, subscribedSkus and the mailbox usage report."""
import csv
import hashlib
import io
import os
import re
import urllib.parse

from . import clock, core as cores, model, tokens
from .web import Response, graph_error

DENIED = (403, "Authorization_RequestDenied",
          "Insufficient privileges to complete the operation.")
MAIL_DENIED = (403, "ErrorAccessDenied",
               "Access is denied. Check credentials and try again.")
NO_MAILBOX = (404, "MailboxNotEnabledForRESTAPI",
              "The mailbox is either inactive, soft-deleted, or is hosted "
              "on-premise.")
PLAN = "efb87545-963c-4e0d-99df-69c6916d9eb0"
COLUMNS = (
    "Report Refresh Date,User Principal Name,Display Name,Is Deleted,"
    "Deleted Date,Created Date,Last Activity Date,Item Count,"
    "Storage Used (Byte),Issue Warning Quota (Byte),Prohibit Send Quota "
    "(Byte),Prohibit Send/Receive Quota (Byte),Deleted Item Count,"
    "Deleted Item Size (Byte),Deleted Item Quota (Byte),Has Archive,"
    "Report Period").split(",")


def has_right(claims, *rights):
    """Any of these roles (app) or scopes (delegated)."""
    have = claims.get("roles") or claims.get("scp", "").split()
    return any(r in have for r in rights)


class Problem(Exception):
    """(status, code, message) of an error."""


class Directory:
    def __init__(self, core):
        self.core = core
        self.reports = {}       # token of a download -> CSV
        for method, path, handler, rights in (
                ("GET", "/organization", self.organization,
                 ("Organization.Read.All", "Directory.Read.All")),
                ("GET", "/domains/(?P<domain>[^/]+)", self.domain,
                 ("Domain.Read.All", "Directory.Read.All")),
                ("GET", "/domains", self.domains,
                 ("Domain.Read.All", "Directory.Read.All")),
                ("GET", "/users", self.users,
                 ("User.Read.All", "Directory.Read.All")),
                ("GET", "/users/(?P<user>[^/]+)", self.user, ()),
                ("GET", "/(?P<user>me)", self.user, ()),
                ("GET", "/users/(?P<user>[^/]+)/mailboxSettings",
                 self.settings, ()),
                ("GET", "/(?P<user>me)/mailboxSettings", self.settings, ()),
                ("GET", "/subscribedSkus", self.skus,
                 ("Organization.Read.All", "Directory.Read.All")),
                ("GET", r"/reports/getMailboxUsageDetail\(period='(?P<p>"
                 r"D7|D30|D90|D180)'\)", self.report,
                 ("Reports.Read.All",))):
            core.web.route(method, r"/(?:v1\.0|beta)" + path,
                           self.guard(handler, rights))
        core.web.route("GET", "/reports-download/(?P<token>[^/]+)",
                       self.download)

    def guard(self, handler, rights):
        async def checked(request):
            try:
                request.claims = self.core.check_token(
                    request.headers.get("authorization"), model.GRAPH)
                if rights and not has_right(request.claims, *rights):
                    raise Problem(*DENIED)
                response = await handler(request)
            except cores.TokenError as e:
                response = graph_error(
                    self.core, request, 401, "InvalidAuthenticationToken",
                    e.message)
                response.headers["WWW-Authenticate"] = \
                    'Bearer realm="", error="invalid_token"'
            except Problem as e:
                response = graph_error(self.core, request, *e.args)
            response.headers.setdefault("request-id", request.id)
            response.headers.setdefault(
                "client-request-id", request.headers.get(
                    "client-request-id", request.id))
            return response

        async def with_faults(request):
            fault = self.core.faults.next("graph", request.text)
            if fault is None:
                return await checked(request)
            answer = await self.core.faults.around(
                self.core, fault, request, checked,
                lambda status, f: graph_error(
                    self.core, request, status, "TooManyRequests"
                    if status == 429 else "ServiceNotAvailable"
                    if status == 503 else "generalException",
                    "A fault that was asked for.", f.retry_after))
            return answer or await checked(request)
        return with_faults

    # --- Answers ---------------------------------------------------------

    def one(self, request, kind, content, status=200):
        wanted = request.query.get("$select")
        if wanted:
            names = [n.strip() for n in wanted.split(",")]
            content = {n: content.get(n) for n in names
                       if n in content or n == "id"}
        context = f"{model.GRAPH}/v1.0/$metadata#{kind}"
        return Response(status, {"@odata.context": context, **content})

    def many(self, request, kind, items, standard=100):
        try:
            size = min(999, max(1, int(request.query.get("$top", standard))))
            start = int(request.query.get("$skiptoken", 0))
        except ValueError:
            raise Problem(400, "Request_BadRequest",
                          "Invalid page size specified.") from None
        wanted = request.query.get("$select")
        names = [n.strip() for n in wanted.split(",")] if wanted else None
        page = [{n: i.get(n) for n in names} if names else i
                for i in items[start:start + size]]
        out = {"@odata.context": f"{model.GRAPH}/v1.0/$metadata#{kind}"}
        if request.query.get("$count") == "true":
            out["@odata.count"] = len(items)
        if start + size < len(items):
            query = {**request.query, "$skiptoken": str(start + size)}
            out["@odata.nextLink"] = self.core.urls["graph"] + \
                request.target.partition("?")[0] + "?" + \
                urllib.parse.urlencode(query)
        return Response(200, {**out, "value": page})

    def missing(self, what):
        return Problem(404, "Request_ResourceNotFound", f"Resource '{what}' "
                       "does not exist or one of its queried "
                       "reference-property objects are not present.")

    # --- Tenant ----------------------------------------------------------

    async def organization(self, request):
        t = self.core.tenant
        domains = [{"name": d, "isDefault": d == t.domain,
                    "isInitial": d.endswith(".onmicrosoft.com"),
                    "type": "Managed",
                    "capabilities": "Email, OfficeCommunicationsOnline"}
                   for d, verified in t.domains.items() if verified]
        return self.many(request, "organization", [{
            "id": t.id, "displayName": t.name,
            "countryLetterCode": t.country, "verifiedDomains": domains,
            "tenantType": "AAD", "assignedPlans": [self.plan("Enabled")]}])

    def domain_of(self, name):
        t = self.core.tenant
        verified = t.domains[name]
        return {"id": name, "authenticationType": "Managed",
                "isAdminManaged": True, "isDefault": name == t.domain,
                "isInitial": name.endswith(".onmicrosoft.com"),
                "isRoot": True, "isVerified": verified,
                "supportedServices": [
                    "Email", "OfficeCommunicationsOnline"]
                if verified else []}

    async def domains(self, request):
        return self.many(request, "domains", [
            self.domain_of(d) for d in self.core.tenant.domains])

    async def domain(self, request):
        name = request.params["domain"].lower()
        if name not in self.core.tenant.domains:
            raise self.missing(name)
        return self.one(request, "domains/$entity", self.domain_of(name))

    async def skus(self, request):
        used = sum(1 for m in self.core.tenant.mailboxes.values()
                   if m.licensed)
        return self.many(request, "subscribedSkus", [{
            "id": f"{self.core.tenant.id}_{PLAN}", "skuId": PLAN,
            "skuPartNumber": "EXCHANGESTANDARD", "appliesTo": "User",
            "capabilityStatus": "Enabled", "consumedUnits": used,
            "prepaidUnits": {"enabled": max(25, used), "suspended": 0,
                             "warning": 0, "lockedOut": 0},
            "servicePlans": [{
                "servicePlanId": PLAN, "servicePlanName":
                "EXCHANGE_S_STANDARD", "provisioningStatus": "Success",
                "appliesTo": "User"}]}])

    # --- Users -----------------------------------------------------------

    def plan(self, status):
        return {"assignedDateTime": "2024-01-01T00:00:00Z",
                "capabilityStatus": status, "service": "exchange",
                "servicePlanId": PLAN}

    def user_of(self, u):
        box = self.core.tenant.mailboxes.get(u.upn.lower())
        addresses = [f"SMTP:{u.mail}"] if u.mail else []
        addresses += [f"smtp:{a}" for a in u.aliases]
        licensed = box is not None and box.licensed
        return {
            "id": u.id, "displayName": u.name, "userPrincipalName": u.upn,
            "mail": u.mail, "mailNickname": u.upn.split("@")[0],
            "givenName": u.name, "proxyAddresses": addresses,
            "accountEnabled": u.enabled, "userType": "Member",
            "onPremisesSyncEnabled": True if u.on_premises else None,
            "usageLocation": self.core.tenant.country,
            "assignedPlans": [self.plan(u.licence)] if licensed else [],
            "assignedLicenses": [{"skuId": PLAN, "disabledPlans": []}]
            if licensed else []}

    STANDARD = ("displayName", "givenName", "mail", "userPrincipalName",
                "id")

    async def users(self, request):
        users = [self.user_of(u) for u in self.core.tenant.users.values()]
        text = request.query.get("$filter")
        if text is not None:
            wanted = [self.clause(request, c) for c in split_or(text)]
            users = [u for u in users if any(w(u) for w in wanted)]
        if "$select" not in request.query:
            users = [{n: u[n] for n in self.STANDARD} for u in users]
        return self.many(request, "users", users)

    def clause(self, request, text):
        text = text.strip().strip("()") if "any(" not in text else \
            text.strip()
        plain = re.fullmatch(r"(mail|userPrincipalName|id|displayName|"
                             r"mailNickname) eq '((?:[^']|'')*)'", text)
        if plain:
            name, value = plain[1], plain[2].replace("''", "'").lower()
            return lambda u: (u[name] or "").lower() == value
        starts = re.fullmatch(r"startswith\((mail|userPrincipalName|"
                              r"displayName), ?'((?:[^']|'')*)'\)",
                              text if "(" in text else text + ")", re.I)
        if starts:
            name, value = starts[1], starts[2].replace("''", "'").lower()
            return lambda u: (u[name] or "").lower().startswith(value)
        proxy = re.fullmatch(r"proxyAddresses/any\((\w+): ?\1 eq "
                             r"'((?:[^']|'')*)'\)", text)
        if proxy:
            if not self.core.config.plain_filter and (
                    request.headers.get("consistencylevel", "").lower()
                    != "eventual" or request.query.get("$count") != "true"):
                raise Problem(400, "Request_UnsupportedQuery", "Unsupported "
                              "Query. Set ConsistencyLevel: eventual and "
                              "$count=true.")
            value = proxy[2].replace("''", "'").lower()
            return lambda u: value in [
                p.lower() for p in u["proxyAddresses"]]
        raise Problem(400, "Request_UnsupportedQuery",
                      f"Unsupported or invalid query filter clause: {text}")

    def found(self, request):
        key = request.params["user"]
        if key == "me":
            key = request.claims.get("upn")
            if key is None:
                raise Problem(400, "BadRequest", "/me request is only valid "
                              "with delegated authentication flow.")
        user = self.core.tenant.user(key)
        if user is None:
            raise self.missing(key)
        return user

    def is_own(self, request, user):
        return request.claims.get("upn") == user.upn

    async def user(self, request):
        if not has_right(request.claims, "User.Read.All",
                         "Directory.Read.All") and not (
                has_right(request.claims, "User.Read") and
                (request.params["user"] == "me" or
                 self.is_own(request, self.found(request)))):
            raise Problem(*DENIED)
        content = self.user_of(self.found(request))
        if "$select" not in request.query:
            content = {n: content[n] for n in self.STANDARD}
        return self.one(request, "users/$entity", content)

    async def settings(self, request):
        if not has_right(request.claims, "MailboxSettings.Read",
                         "MailboxSettings.ReadWrite"):
            raise Problem(*MAIL_DENIED)
        user = self.found(request)
        if "upn" in request.claims and not self.is_own(request, user):
            raise Problem(*MAIL_DENIED)
        box = self.core.tenant.mailbox(user.upn)
        if box is None or not box.provisioned or not box.licensed and \
                box.kind == "user":
            raise Problem(*NO_MAILBOX)
        if box.policy_denied:
            raise Problem(403, "ErrorAccessDenied",
                          "Access to OData is disabled.")
        app = request.claims["appid"]
        refusal = self.core.limits.enter(app, box.address, 0)
        if refusal:
            return graph_error(self.core, request, 429, refusal.code,
                               refusal.message, refusal.seconds)
        request.at_end(lambda: self.core.limits.leave(app, box.address))
        return self.one(request, "users/mailboxSettings", {
            "userPurpose": box.kind, "timeZone": box.time_zone,
            "language": {"locale": box.language,
                         "displayName": box.language},
            "archiveFolder": box.folder("archive").id
            if "archive" in [f.well_known for f in box.folders()] else None,
            "dateFormat": "yyyy-MM-dd", "timeFormat": "HH:mm",
            "automaticRepliesSetting": {"status": "disabled"}})

    # --- Report ----------------------------------------------------------

    async def report(self, request):
        token = tokens.encode(os.urandom(48))
        self.reports[token] = self.usage(request.params["p"])
        return Response(302, None, {
            "Location": f"{self.core.urls['graph']}/reports-download/"
                        f"{token}"})

    def usage(self, period):
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\r\n")
        rows.writerow(COLUMNS)
        two_days_ago = clock.iso(self.core.clock.now() - 2 * 86400)[:10]
        for box in self.core.tenant.mailboxes.values():
            upn, quota = box.address, box.quota_octets
            name = box.address.split("@")[0]
            if self.core.tenant.conceal_reports:
                upn, name = (hashlib.md5(t.encode()).hexdigest().upper()
                             for t in (upn, name))
            deleted = box.folder("recoverableitemsdeletions").messages
            rows.writerow((
                two_days_ago, upn, name, "False", "", "2024-01-01",
                two_days_ago, len(box.messages), box.used,
                quota * 98 // 100, quota * 99 // 100, quota, len(deleted),
                sum(m.weight() for m in deleted.values()), 30 << 30,
                str(box.archive), period[1:]))
        return ("\ufeff" + out.getvalue()).encode()

    async def download(self, request):
        data = self.reports.get(request.params["token"])
        if data is None:
            return Response(403, b"")
        return Response(200, data, {
            "Content-Type": "application/octet-stream",
            "Content-Disposition":
                "attachment; filename=MailboxUsageDetail.csv"})


def split_or(text):
    """The clauses between " or ", outside of quotes."""
    pieces = re.split(r"('(?:[^']|'')*')", text)
    for i in range(0, len(pieces), 2):
        pieces[i] = pieces[i].replace(" or ", "\0")
    return "".join(pieces).split("\0")


def register(core):
    core.shared["directory"] = Directory(core)
