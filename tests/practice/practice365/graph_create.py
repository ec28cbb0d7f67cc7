# SPDX-License-Identifier: Apache-2.0
"""New messages over Graph: from JSON, from MIME, by importMime."""
import base64
import binascii
import re

from . import mime, mime_json, model
from .graph import Fail, Reply
from .graph_messages import one

LONGEST_LINE = 998
BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}\Z")


async def create(call):
    call.options()
    call.need("Mail.ReadWrite")
    folder = call.box.folder(call.params.get("folder") or "drafts")
    kind = call.request.headers.get("content-type", "").split(";")[0]
    if kind.strip().lower() == "text/plain":
        return draft_of_mime(call, folder)
    body = call.json("message")
    try:
        message = mime_json.from_json(body, call.now,
                                      call.switch("strict_headers"))
    except mime_json.BodyError as e:
        raise Fail(e.status, e.code, e.message) from None
    return created(call, folder, message)


def created(call, folder, message):
    call.box.add(folder, message)
    reply = one(call, message, 201)
    reply.headers["Location"] = (
        f"{call.base}/users('{call.who}')/messages('{reply.content['id']}')")
    return reply


# --- MIME --------------------------------------------------------------------

def octets_of(call):
    text = re.sub(rb"[\r\n]", b"", call.request.body)
    try:
        if len(text) % 4 or not BASE64.match(text):
            raise ValueError
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Fail(400, "ErrorMimeContentInvalidBase64String",
                   "Invalid base64 string for MIME content.") from None


def check_mime(raw):
    """What the service can't take apart: bare LF, endless header lines."""
    head = mime_json.head_of(raw)
    if re.search(rb"(?<!\r)\n", raw) or not re.match(
            rb"[!-9;-~]+[ \t]*:", raw) or any(
            len(line) > LONGEST_LINE for line in head.split(b"\r\n")):
        raise Fail(400, "UnableToDeserializePostBody",
                   "were unable to deserialize ")


def draft_of_mime(call, folder):
    raw = octets_of(call)
    check_mime(raw)
    limit = call.switch("mime_lost_above")
    if limit and len(raw) > limit:
        # As reported in 2021: says yes and makes nothing.
        call.core.log("mime-lost", octets=len(raw))
        return Reply(200, None)
    return created(call, folder, model.Message(
        raw=raw, is_draft=True, is_read=True, received=call.now))


def received_by_header(raw, now):
    """The time of the topmost Received:, as far as it can be read."""
    head = mime_json.head_of(raw)
    found = re.search(rb"(?ims)^received[ \t]*:(.*?)(?=\r\n[^ \t]|\Z)", head)
    if not found:
        return now
    text = found[1].decode("utf-8", "replace").rpartition(";")[2]
    when = mime.date_of(" ".join(text.split()))
    return now if when is None else when


async def import_mime(call):
    """Beta; behind --importmime. The date and the read state that it sets
    are not known: importmime_date, importmime_read."""
    if not call.beta or not call.switch("importmime"):
        raise Fail(404, "BadRequest",
                   "Resource not found for the segment 'importMime'.")
    call.options()
    call.need("Mail-Advanced.ReadWrite")
    folder = call.box.folder(call.params["folder"])
    kind = call.request.headers.get("content-type", "").split(";")[0]
    if not call.request.body:
        raise Fail(400, "ErrorInvalidRequest", "The MIME content is empty.")
    if kind.strip().lower() != "text/plain":
        raise Fail(400, "BadRequest", "Content-Type must be text/plain.")
    raw = octets_of(call)
    check_mime(raw)
    when = call.now if call.switch("importmime_date") == "now" else \
        received_by_header(raw, call.now)
    return created(call, folder, model.Message(
        raw=raw, is_draft=False, is_read=bool(call.switch(
            "importmime_read")), received=when))
