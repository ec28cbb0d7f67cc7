# SPDX-License-Identifier: Apache-2.0
"""The one object that every part of the tenant gets.

    core.tenant, core.clock, core.limits, core.faults, core.log, core.config
    core.web.route(method, regex, async handler(request) -> Response)
    core.check_token(authorization, resource) -> claims, or TokenError
    await core.latency()        the answer time (HTTP adds it by itself)
    core.spawn(coroutine)       a task that outlives the request
    core.urls["login" | "graph" | "outlook" | "control"], core.imap_port

A part is a module with `def register(core)` (routes on core.web) and, if
it listens by itself, `async def start(core) -> port`. Files that are not
there are left out: a tenant without IMAP or Graph still signs people in.
"""
import asyncio
import importlib
import importlib.util
import sys

from . import clock, faults, limits, model, web

PARTS = ("signin", "directory", "graph")


class TokenError(Exception):
    """reason: missing, malformed, signature, expired, audience, revoked,
    tenant. message: what Graph says of it."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason
        self.message = message


class Config:
    """Every switch of the command line, by its name with "_" for "-"."""

    def __init__(self, **given):
        self.dir = "."
        self.clock = 1.0
        self.latency_ms = 0
        self.token_life = 3600      # real seconds
        self.users = 4
        self.language = "en-US"
        self.imap4rev2 = False
        self.importmime = False
        self.import_session = False
        self.old_greeting = False
        self.no_imap = False
        self.no_h2 = False
        self.strict_rotation = False
        self.loop_limit = 0
        self.device = []
        self.device_life = 900      # real seconds
        self.device_interval = 5    # real seconds
        self.folder_exists = 409
        self.classic_ids = False
        self.quota = 50 << 30
        self.plain_filter = False
        self.mail_advanced = False  # the enforcement of 31 Dec 2026
        self.limits = {}
        self.__dict__.update(given)


class Log:
    """What happened, newest last; /log of the control API."""

    KEPT = 20000

    def __init__(self, clock):
        self._clock = clock
        self.entries = []

    def __call__(self, kind, **about):
        self.entries.append(
            {"time": clock.iso(self._clock.now(), True), "kind": kind,
             **about})
        if len(self.entries) > self.KEPT:
            del self.entries[:self.KEPT // 2]


class Core:
    def __init__(self, config=None, tenant=None):
        self.config = config or Config()
        self.clock = clock.Clock(self.config.clock)
        self.log = Log(self.clock)
        self.limits = limits.Limits(self.clock, **self.config.limits)
        self.faults = faults.Faults(self.log)
        self.tenant = tenant or default_tenant(self.clock, self.config)
        self.web = web.Web(self)
        self.urls = {}
        self.imap_port = None
        self.tls = None         # ssl.SSLContext of the servers, no ALPN
        self.signin = None      # set by signin.register()
        self.shared = {}        # parts keep here what others may want
        self._tasks = set()

    # --- Use -------------------------------------------------------------

    def check_token(self, authorization, resource=model.GRAPH):
        """Claims of "Bearer ..." (or the bare token) for the resource.
        model.OUTLOOK takes both Outlook audiences."""
        return self.signin.check_token(authorization, resource)

    async def latency(self):
        if self.config.latency_ms:
            await asyncio.sleep(self.config.latency_ms / 1000)

    def spawn(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task):
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            self.log("failure", what=repr(task.exception()))
            sys.stderr.write(f"tenant: {task.exception()!r}\n")

    def later(self, real_seconds, coroutine):
        async def wait():
            await asyncio.sleep(real_seconds)
            await coroutine
        return self.spawn(wait())

    # --- Life ------------------------------------------------------------

    def register_parts(self):
        for name in PARTS:
            part = load(name)
            if part is not None:
                part.register(self)

    async def start_imap(self):
        part = None if self.config.no_imap else load("imap")
        if part is not None:
            self.imap_port = await part.start(self)


def load(name):
    """The module of a part; None while its file does not exist."""
    full = __package__ + "." + name
    if importlib.util.find_spec(full) is None:
        return None
    return importlib.import_module(full)


# --- What the tenant holds at the start ----------------------------------

TENANT_ID = "11111111-1111-4111-8111-111111111111"
CLIENT_ID = "22222222-2222-4222-8222-222222222222"
SECRET = "practice-secret"
FIRST_PARTY = "14d82eec-204b-4c2f-b7e8-296a70dab67e"

ROLES = {
    model.GRAPH: (
        "Mail.ReadWrite Mail-Advanced.ReadWrite.All User.Read.All "
        "Organization.Read.All Domain.Read.All Reports.Read.All "
        "MailboxSettings.Read MailboxItem.ImportExport.All "
        "MailboxFolder.ReadWrite.All Calendars.ReadWrite "
        "Contacts.ReadWrite").split(),
    model.OUTLOOK_APP: ["IMAP.AccessAsApp"],
}
SCOPES = {
    model.GRAPH: (
        "Mail.ReadWrite Mail.ReadWrite.Shared Mail-Advanced.ReadWrite "
        "Mail-Advanced.ReadWrite.Shared User.Read User.Read.All "
        "Organization.Read.All Domain.Read.All Reports.Read.All "
        "MailboxSettings.Read MailboxItem.ImportExport "
        "MailboxFolder.ReadWrite Calendars.ReadWrite "
        "Contacts.ReadWrite").split(),
    model.OUTLOOK: ["IMAP.AccessAsUser.All", "SMTP.Send",
                    "POP.AccessAsUser.All"],
}
NAMES = ("ann", "bob", "carol", "dave", "eve", "frank", "grace", "heidi",
         "ivan", "judy")


def user_names(count):
    """ann, bob, ... then user11, user12, ..."""
    return [NAMES[i] if i < len(NAMES) else f"user{i + 1}"
            for i in range(count)]


def default_tenant(clock_, config):
    tenant = model.Tenant(
        TENANT_ID, "Contoso", {"contoso.com": True,
                               "contoso.onmicrosoft.com": True,
                               "unverified.example": False}, clock_)
    app = model.App(CLIENT_ID, "mailhaul", {SECRET: None})
    app.roles = {r: list(v) for r, v in ROLES.items()}
    app.scopes = {r: list(v) for r, v in SCOPES.items()}
    tenant.apps[CLIENT_ID] = app
    tools = model.App(FIRST_PARTY, "Microsoft Graph Command Line Tools",
                      first_party=True)
    tools.scopes = {model.GRAPH: list(SCOPES[model.GRAPH])}
    tenant.apps[FIRST_PARTY] = tools
    for name in user_names(config.users) + ["admin"]:
        upn = f"{name}@contoso.com"
        tenant.add_user(upn)
        tenant.add_mailbox(upn, language=config.language,
                           quota_octets=config.quota)
    return tenant
