# SPDX-License-Identifier: Apache-2.0
"""Attachments, and upload sessions for large ones (m365.md C.6).

The uploadUrl is of another server (core.urls["outlook"]), pre-
authenticated by its authtoken: an Authorization header is refused there.
"""
import base64
import hashlib
import os
import re
import urllib.parse

from . import graph_messages, mime_json, model, web
from .clock import iso
from .graph import Fail, Reply, named, session_date

SELECT = {"id", "lastModifiedDateTime", "name", "contentType", "size",
          "isInline", "contentId", "contentLocation", "contentBytes"}
BASE = ("id", "lastModifiedDateTime", "name", "contentType", "size",
        "isInline")
FILE = BASE + ("contentId", "contentLocation", "contentBytes")
SESSION_LEAST, SESSION_MOST = 3_000_000, 150_000_000
PIECE_MOST = 4_000_000
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)\Z")
ITEM = "#microsoft.graph.itemAttachment"


def to_json(attachment, names=None):
    made = {
        "id": lambda: attachment.id,
        "lastModifiedDateTime": lambda: iso(attachment.last_modified),
        "name": lambda: attachment.name,
        "contentType": lambda: attachment.content_type,
        "size": lambda: len(attachment.data),
        "isInline": lambda: bool(attachment.is_inline),
        "contentId": lambda: attachment.content_id,
        "contentLocation": lambda: None,
        "contentBytes":
            lambda: base64.b64encode(attachment.data).decode(),
    }
    item = attachment.odata_type == ITEM
    out = {"@odata.type": attachment.odata_type}
    if not item:
        out["@odata.mediaContentType"] = attachment.content_type
    for name in BASE if item else FILE:
        if names is None or name in names or name == "id":
            out[name] = made[name]()
    return out


def found(call):
    message = graph_messages.found(call)
    for a in message.attachments:
        if a.id == call.params["attachment"]:
            return message, a
    raise Fail(404)


def context(call, message, tail=""):
    return call.context(f"messages('{mime_json.id_of(message, call.immutable)}"
                        f"')/attachments{tail}")


async def listing(call):
    message = graph_messages.found(call)
    call.options("$select", "$top", "$skip", "$count")
    names = call.select(SELECT, "attachment")
    page, more = call.page(message.attachments, 1000)
    return Reply(200, {"@odata.context": context(call, message), **more,
                       "value": [to_json(a, names) for a in page]},
                 "attachment")


async def get(call):
    message, attachment = found(call)
    call.options("$select")
    return Reply(200, {
        "@odata.context": context(call, message, "/$entity"),
        **to_json(attachment, call.select(SELECT, "attachment"))},
        "attachment")


async def octets(call):
    _, attachment = found(call)
    call.options()
    return Reply(200, attachment.data, None,
                 {"Content-Type": attachment.content_type.replace(
                     "\r", "").replace("\n", "")})


def put_on(box, message, attachment):
    if box.used + len(attachment.data) > box.quota_octets:
        raise model.QuotaFull(box.address)
    message.attach(attachment)
    box.touch(message)


async def create(call):
    call.options()
    message = graph_messages.found(call, "Mail.ReadWrite")
    body = call.json("attachment")
    try:
        attachment = mime_json.attachment_from(body, call.now)
    except mime_json.BodyError as e:
        raise Fail(e.status, e.code, e.message) from None
    if len(message.attachments) >= mime_json.MOST_ATTACHMENTS:
        raise Fail(400, "ErrorInvalidRequest", "Too many attachments.")
    put_on(call.box, message, attachment)
    return Reply(201, {"@odata.context": context(call, message, "/$entity"),
                       **to_json(attachment)}, "attachment")


async def delete(call):
    call.options()
    call.need("Mail.ReadWrite")
    message, attachment = found(call)
    message.detach(attachment)
    call.box.touch(message)
    return Reply(204)


# --- Upload sessions ----------

class Session:
    def __init__(self, call, message, about):
        self.id = base64.urlsafe_b64encode(os.urandom(24)).decode()
        self.token = base64.urlsafe_b64encode(os.urandom(120)).decode()
        self.box, self.message, self.about = call.box, message, about
        self.app = call.app
        self.who = call.who
        self.size = about["size"]
        self.got = bytearray()
        self.ends = call.now + call.switch("upload_life")

    def url(self, core):
        return (core.urls.get("outlook") or core.urls["graph"]) + \
            "/api/gv1.0/users('" + urllib.parse.quote(self.who) + \
            f"')/messages('{self.message.id}')/AttachmentSessions('" \
            f"{self.id}')?authtoken={self.token}"

    def key(self):
        return hashlib.sha256(self.token.encode()).digest()


async def create_session(call):
    call.options()
    message = graph_messages.found(call, "Mail.ReadWrite")
    about = call.action("createUploadSession", "attachment").get(
        "attachmentitem") or {}
    if call.switch("large_attachments_drafts_only") and \
            not message.is_draft:
        raise Fail(403)
    if about.get("attachmentType") != "file" or not about.get("name") or \
            not isinstance(about.get("size"), int):
        raise Fail(400, "ErrorInvalidProperty", "AttachmentItem wants "
                   "attachmentType file, name and size.")
    if about["size"] < SESSION_LEAST:
        raise Fail(400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
                   "The attachment is smaller than an upload session takes.")
    if about["size"] > SESSION_MOST:
        raise Fail(400, "ErrorMessageSizeExceeded",
                   "The message exceeds the maximum supported size.")
    session = Session(call, message, about)
    call.core.shared["uploads"][session.id] = session
    return Reply(201, {
        "@odata.context": call.base +
        "/$metadata#microsoft.graph.uploadSession",
        "uploadUrl": session.url(call.core),
        "expirationDateTime": session_date(session.ends),
        "nextExpectedRanges": ["0-"]}, "uploadSession")


class Uploads:
    """What comes to an uploadUrl."""

    def __init__(self, graph):
        self.graph, self.core = graph, graph.core
        self.open = self.core.shared.setdefault("uploads", {})

    def session(self, request):
        if "authorization" in request.headers:
            self.breach(request, None, "Authorization at an uploadUrl")
            raise Fail(401, "InvalidAuthenticationToken", "The request is "
                       "authenticated twice.")
        session = self.open.get(request.params["session"])
        if session is None or self.core.clock.now() > session.ends:
            raise Fail(404, "ErrorItemNotFound",
                       "The upload session was not found or has expired.")
        if request.query.get("authtoken") != session.token or \
                request.target.split("?")[0] != urllib.parse.urlsplit(
                    session.url(self.core)).path:
            raise Fail(401, "InvalidAuthenticationToken",
                       "The upload URL was changed.")
        return session

    def breach(self, request, session, what):
        self.core.limits.breaches.append({
            "time": iso(self.core.clock.now(), True), "limit": "upload",
            "app": session and session.app,
            "mailbox": session and session.box.address,
            "request": request.method, "what": what, "refused": True})

    async def serve(self, request):
        try:
            session = self.session(request)
            self.enter(request, session)
            return await self.with_faults(request, session)
        except Fail as fail:
            return self.graph.error(request, fail)

    def enter(self, request, session):
        """Its octets count as all uploads do. Whether it counts among the
        four at once is not known: not here."""
        if request.method != "PUT":
            return
        refusal = self.core.limits.upload(
            session.app, session.box.address, len(request.body))
        if refusal is not None:
            raise Fail(429, refusal.code, refusal.message, refusal.seconds)

    async def with_faults(self, request, session):
        async def handler(_):
            try:
                return self.handle(request, session)
            except Fail as fail:
                return self.graph.error(request, fail)
            except model.QuotaFull:
                return self.graph.error(request, Fail(507))

        # Without the URL, which is secret: "PUT upload bytes 0-9/10".
        text = f"{request.method} upload " + request.headers.get(
            "content-range", "")
        fault = self.core.faults.next("graph", text)
        if fault is None:
            return await handler(request)
        response = await self.core.faults.around(
            self.core, fault, request, handler, lambda status, f:
            self.fault(request, session, status, f))
        if response is not None:
            return response
        if fault.what == "expire":
            del self.open[session.id]
            raise Fail(404)
        raise Fail({"quota": 507, "changekey": 412}.get(fault.what, 500))

    def fault(self, request, session, status, fault):
        wait = fault.retry_after
        wait = 2 if status == 429 and wait is None else wait
        if wait is not None and status in (429, 503):
            self.core.limits.told_to_wait(session.app, session.box.address,
                                          wait)
        return self.graph.error(request, Fail(
            status, "generalException", "An error on demand.", wait))

    def handle(self, request, session):
        if request.method == "DELETE":
            del self.open[session.id]
            return web.Response(204)
        if request.method == "GET":
            return web.Response(200, self.state(session))
        return self.put(request, session)

    @staticmethod
    def state(session):
        # The service's own spelling: a capital E, and no dash.
        return {"ExpirationDateTime": session_date(session.ends),
                "nextExpectedRanges": [str(len(session.got))]}

    def put(self, request, session):
        body = request.body
        match = RANGE.match(request.headers.get("content-range", ""))
        if not match:
            raise Fail(400, "ErrorInvalidRequest",
                       "Content-Range is missing or malformed.")
        first, last, total = map(int, match.groups())
        if len(body) > PIECE_MOST:
            self.breach(request, session, "a piece over 4 MB")
            raise Fail(413)
        if last - first + 1 != len(body) or total != session.size or \
                last >= total:
            self.breach(request, session, "Content-Range and body differ")
            raise Fail(400, "ErrorInvalidRequest", "Content-Range does not "
                       "fit the body or the session.")
        if first != len(session.got):
            raise Fail(416, "ErrorInvalidRequest",
                       "Invalid start offset for upload.")
        if request.headers.get("content-type", "").split(";")[0] != \
                "application/octet-stream":
            raise Fail(400, "ErrorInvalidRequest",
                       "Content-Type must be application/octet-stream.")
        if self.gone(session):
            raise Fail(404)
        session.got += body
        if len(session.got) < session.size:
            return web.Response(200, {
                "@odata.context": self.core.urls["graph"] +
                "/v1.0/$metadata#uploadSession", **self.state(session)})
        return self.complete(session)

    @staticmethod
    def gone(session):
        return session.box.messages.get(session.message.id) \
            is not session.message

    def complete(self, session):
        about = session.about
        attachment = model.Attachment(
            about["name"],
            about.get("contentType") or "application/octet-stream",
            bytes(session.got), bool(about.get("isInline")),
            about.get("contentId"),
            last_modified=self.core.clock.now())
        session.got = bytearray()
        del self.open[session.id]
        put_on(session.box, session.message, attachment)
        base = session.url(self.core).partition("/AttachmentSessions")[0]
        return web.Response(201, None, {
            "Location": f"{base}/Attachments('{attachment.id}')"})


def add(graph):
    uploads = Uploads(graph)
    for method in ("PUT", "GET", "DELETE"):
        graph.core.web.route(
            method, r"/api/gv1\.0/(?P<who>users\('[^/]+'\))/messages\("
            r"'(?P<message>[^/]+)'\)/AttachmentSessions\('"
            r"(?P<session>[^/]+)'\)", lambda r: uploads.serve(named(r)))
    for prefix in ("", r"mailFolders/(?P<folder>[^/]+)/"):
        many = prefix + r"messages/(?P<message>[^/]+)/attachments"
        single = many + r"/(?P<attachment>[^/]+)"
        graph.handle("GET", many, listing)
        graph.handle("POST", many, create)
        graph.handle("POST", many + "/createUploadSession", create_session)
        graph.handle("GET", single, get)
        graph.handle("GET", single + r"/\$value", octets)
        graph.handle("DELETE", single, delete)
