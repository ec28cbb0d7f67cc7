# SPDX-License-Identifier: Apache-2.0
"""The control API for tests: JSON over plain HTTP/1.1 on loopback.

README.md lists the calls. A call that is not understood is 400 with
{"error": text}; a done one 200 with what it made.
"""
import asyncio
import base64
import os
import time

from cryptography import x509

from . import clock, core as cores, export, model, web

RESOURCES = {"graph": model.GRAPH, "outlook": model.OUTLOOK,
             "outlook-app": model.OUTLOOK_APP}


class Wrong(Exception):
    """What the caller has got wrong."""


def assign(thing, about, without=()):
    for name, value in about.items():
        if name in without:
            continue
        if name.startswith("_") or not hasattr(thing, name) or \
                callable(getattr(thing, name)):
            raise Wrong(f"{type(thing).__name__} has no {name}")
        setattr(thing, name, value)


def plain(thing, names):
    return {n: getattr(thing, n) for n in names}


class Control:
    def __init__(self, core):
        self.core = core

        # For /reset.
        self.config = dict(vars(core.config))
        self.limits = {n: getattr(core.limits, n)
                       for n in core.limits.NAMES}

    # --- Read ------------------------------------------------------------

    async def get_state(self, given):
        t, core = self.core.tenant, self.core
        return {
            "now": clock.iso(core.clock.now(), True),
            "tenant": {"id": t.id, "name": t.name, "domains": t.domains},
            "users": [plain(u, (
                "upn", "id", "name", "enabled", "mail", "aliases",
                "assigned", "licence", "mfa_at_refresh",
                "device_code_blocked")) for u in t.users.values()],
            "apps": [{**plain(a, (
                "client_id", "name", "public_client", "first_party",
                "disabled", "in_tenant", "assignment_required",
                "service_principal", "roles", "scopes")),
                "certificates": len(a.certificates),
                "secrets": len(a.secrets)} for a in t.apps.values()],
            "mailboxes": [export.about(b) for b in t.mailboxes.values()],
            "full_access": sorted(t.full_access),
            "device_codes": [{
                "user_code": d.user_code, "polls": d.polls, "who": d.who,
                "used": d.used, "scope": d.scope}
                for d in core.signin.devices.values()],
            "refresh_tokens": len(core.signin.refresh),
            "limits": core.limits.state(),
            "faults": [f.state() for f in core.faults.list],
            "connections": core.web.connections, "http2": core.web.http2}

    async def get_mailbox(self, given):
        box = self.box(given)
        state = export.about(box)
        state["messages"] = [export.message_about(m)
                             for m in box.messages.values()]
        return state

    async def get_log(self, given):
        start = int(given.get("after", 0))
        kind = given.get("kind")
        entries = self.core.log.entries
        return {"next": len(entries), "entries": [
            e for e in entries[start:] if kind in (None, e["kind"])]}

    async def get_breaches(self, given):
        return {"breaches": self.core.limits.breaches}

    # --- Users, mailboxes, apps ------------------------------------------

    def need(self, given, *names):
        for name in names:
            if name not in given:
                raise Wrong(f"{name} is missing")
        return [given[n] for n in names]

    def box(self, given):
        address, = self.need(given, "address")
        box = self.core.tenant.mailbox(address)
        if box is None:
            raise Wrong(f"no mailbox {address}")
        return box

    async def post_user(self, given):
        t = self.core.tenant
        upn, = self.need(given, "upn")
        if given.get("delete"):
            t.users.pop(upn.lower(), None)
            t.mailboxes.pop(upn.lower(), None)
            return {}
        user = t.users.get(upn.lower()) or t.add_user(upn)
        assign(user, given, ("upn",))
        return {"id": user.id}

    async def post_mailbox(self, given):
        t = self.core.tenant
        address, = self.need(given, "address")
        if given.get("delete"):
            t.mailboxes.pop(address.lower(), None)
            return {}
        box = t.mailboxes.get(address.lower())
        if box is None or given.get("empty"):
            box = t.add_mailbox(
                address, language=given.get(
                    "language", self.core.config.language))
            if address.lower() not in t.users and \
                    given.get("kind") != "none":
                t.add_user(address)
        assign(box, given, ("address", "empty", "language"))
        return {"guid": box.guid}

    async def post_app(self, given):
        t = self.core.tenant
        client_id, = self.need(given, "client_id")
        client_id = client_id.lower()
        app = t.apps.get(client_id)
        if app is None:
            app = t.apps[client_id] = model.App(client_id)
        for pem in given.get("certificates", ()):
            app.certificates.append(
                x509.load_pem_x509_certificate(pem.encode()))
        assign(app, given, ("client_id", "certificates"))
        return {"object_id": app.object_id}

    async def post_consent(self, given):
        """resource; roles or scopes replace; add and remove change."""
        client_id = given.get("client_id", cores.CLIENT_ID).lower()
        app = self.core.tenant.apps[client_id]
        name, = self.need(given, "resource")
        resource = RESOURCES.get(name, name)
        for kind in ("roles", "scopes"):
            have = getattr(app, kind)
            if kind in given:
                have[resource] = list(given[kind])
            now = have.setdefault(resource, [])
            # What is added is a role or a scope by the resource's list.
            all_ = (cores.ROLES if kind == "roles" else cores.SCOPES).get(
                resource, ())
            now += [r for r in given.get("add", ())
                    if r in all_ and r not in now]
            have[resource] = [r for r in now
                              if r not in given.get("remove", ())]
        return {"roles": app.roles, "scopes": app.scopes}

    async def post_domain(self, given):
        name, = self.need(given, "name")
        if given.get("delete"):
            self.core.tenant.domains.pop(name, None)
        else:
            self.core.tenant.domains[name] = given.get("verified", True)
        return self.core.tenant.domains

    async def post_access(self, given):
        t = self.core.tenant
        if "app_full_access" in given:
            t.app_full_access = bool(given["app_full_access"])
        if "who" in given:
            who, address = self.need(given, "who", "address")
            pair = (who.lower(), address.lower())
            if given.get("give", True):
                t.full_access.add(pair)
            else:
                t.full_access.discard(pair)
        return {"full_access": sorted(t.full_access)}

    # --- What happens ----------------------------------------------------

    async def post_fault(self, given):
        if "where" not in given:
            raise Wrong("where is missing")
        return self.core.faults.add(**given).state()

    async def delete_fault(self, given):
        self.core.faults.clear()
        return {}

    async def post_device(self, given):
        who, = self.need(given, "approve")
        code = given.get("user_code")
        if code is None:
            pending = [d for d in self.core.signin.devices.values()
                       if d.who is None]
            if not pending:
                raise Wrong("no device code is pending")
            code = pending[-1].user_code
        if not self.core.signin.decide(code, who):
            raise Wrong("that code is not known, or it was used")
        return {"user_code": code}

    async def post_revoke(self, given):
        who, = self.need(given, "user")
        self.core.signin.revoke(who, given.get("number", 50173),
                                given.get("access", False))
        return {}

    async def post_clock(self, given):
        if "scale" in given:
            self.core.clock.set_scale(given["scale"])
        self.core.clock.forward(float(given.get("forward", 0)))
        return {"now": clock.iso(self.core.clock.now(), True),
                "scale": self.core.clock.scale}

    async def post_limits(self, given):
        try:
            self.core.limits.change(**given)
        except KeyError as e:
            raise Wrong(f"no limit {e}") from None
        return self.core.limits.state()["limits"]

    async def post_config(self, given):
        # Those of IMAP have their standard where they are asked for.
        assign(self.core.config, {k: v for k, v in given.items()
                                  if not k.startswith("imap_")})
        vars(self.core.config).update({
            k: v for k, v in given.items() if k.startswith("imap_")})
        return {k: v for k, v in vars(self.core.config).items()}

    async def post_drop(self, given):
        """All connections break; IMAP's too, if its part says how."""
        self.core.web.drop_all()
        self.core.shared.get("imap_drop", lambda: None)()
        return {}

    async def post_reset(self, given):
        """All as at the start of the process; config: switches that are
        to be otherwise."""
        core = self.core
        await self.post_drop({})
        vars(core.config).clear()
        vars(core.config).update(self.config)
        await self.post_config(given.get("config", {}))
        core.limits.change(**self.limits)
        core.tenant = cores.default_tenant(core.clock, core.config)
        core.limits.reset()
        core.faults.clear()
        core.log.entries.clear()
        core.signin.clear()
        for kept in core.shared.values():
            if isinstance(kept, (dict, set)):
                kept.clear()
        return {}

    # --- Mail ------------------------------------------------------------

    def folder(self, box, name, make=True):
        """By well-known name, id, or path ("A/B"; a list where names hold
        "/"), made where it is missing."""
        if isinstance(name, str):
            try:
                return box.folder(name)
            except model.NoSuchFolder:
                name = name.split("/")
        at = box.root
        for part in name:
            at = box.child(at, part) or box.create_folder(at, part)
        return at

    async def post_folder(self, given):
        box = self.box(given)
        name, = self.need(given, "name")
        parent = self.folder(box, given.get("parent", "msgfolderroot"))
        folder = box.child(parent, name) or box.create_folder(
            parent, name, given.get("hidden", False),
            given.get("class", "IPF.Note"))
        assign(folder, {k: v for k, v in given.items() if k in (
            "hidden", "uidvalidity", "uidnext")})
        if given.get("delete"):
            box.remove_folder(folder)
        return {"id": folder.id}

    async def post_seed(self, given):
        """One message or, with dir, each file of a folder."""
        box = self.box(given)
        folder = self.folder(box, given.get("folder", "inbox"))
        about = dict(given)
        for name in ("address", "folder", "eml", "octets", "dir", "text"):
            about.pop(name, None)
        for name in ("received", "sent"):
            if name in about:
                about[name] = clock.seconds_of(about[name])
        ids = [box.add(folder, model.Message(raw=raw, **about)).id
               for raw in self._octets(given)]
        return {"ids": ids}

    def _octets(self, given):
        if "octets" in given:
            yield base64.b64decode(given["octets"])
        if "text" in given:
            yield given["text"].encode()
        if "eml" in given:
            with open(given["eml"], "rb") as f:
                yield f.read()
        if "dir" in given:
            for name in sorted(os.listdir(given["dir"])):
                with open(os.path.join(given["dir"], name), "rb") as f:
                    yield f.read()

    async def post_message(self, given):
        """Changes or deletes ({"delete": true}) a message by its id."""
        box = self.box(given)
        id_, = self.need(given, "id")
        message = box.find(id_)
        if message is None:
            raise Wrong("no such message")
        if given.get("delete"):
            box.remove(message)
            return {}
        assign(message, given, ("address", "id"))
        box.touch(message)
        return export.message_about(message)

    async def post_export(self, given):
        path = given.get("dir") or os.path.join(
            self.core.config.dir, "export")
        addresses = [a.lower() for a in given.get("addresses", ())]
        return {"dir": path, "mailboxes": export.write(
            self.core.tenant, path, addresses)}

    # --- The server ------------------------------------------------------

    async def answer(self, request):
        name = request.method.lower() + "_" + request.path.strip("/")
        call = getattr(self, name, None)
        if call is None or not name.startswith(("get_", "post_", "delete_")):
            return web.Response(404, {"error": f"no {name}"})
        try:
            given = request.json() if request.body else dict(request.query)
            return web.Response(200, await call(given))
        except Wrong as e:
            return web.Response(400, {"error": str(e)})
        except (KeyError, TypeError, ValueError, OSError,
                model.QuotaFull, model.FolderExists,
                model.NoSuchFolder) as e:
            return web.Response(400, {"error": repr(e)})

    async def connection(self, reader, writer):
        try:
            await web.serve_plain(reader, writer, self.answer)
        except (OSError, asyncio.IncompleteReadError, web.BadRequest,
                asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


async def start(core):
    """Its URL."""
    core.shared["started"] = time.time()
    server = await asyncio.start_server(
        Control(core).connection, "127.0.0.1", 0, limit=1 << 20)
    core.shared["control"] = server
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
