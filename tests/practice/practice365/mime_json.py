# SPDX-License-Identifier: Apache-2.0
"""A message as Graph's JSON, and JSON as a message.

    json = to_json(message, names, immutable)   names: of a $select, or None
    value(message, name)                        for $filter and $orderby
    extended(message, property id)              a MAPI property, or None
    read = from_json(body, now)                 -> Created, or BodyError

What a list shows of mail that came as MIME is read from its header alone,
so that thousands are listed quickly; the body is parsed when it is asked
for. mime.py does both ways of the content itself.
"""
import base64
import binascii
import hashlib
import re
import uuid

from . import mime, model
from .clock import iso, seconds_of

FLAGS, DELIVERY, SUBMIT = "Integer 0x0e07", "SystemTime 0x0e06", \
    "SystemTime 0x0039"
HEADERS, MESSAGE_ID, REFERENCES, REPLY_TO, CLASS = (
    "String 0x007d", "String 0x1035", "String 0x1039", "String 0x1042",
    "String 0x001a")
READ, UNSENT, HAS_ATTACH = 1, 8, 0x10
# A tag has one type: another is refused.
TYPED = {p.split()[1]: p for p in (
    FLAGS, DELIVERY, SUBMIT, HEADERS, MESSAGE_ID, REFERENCES, REPLY_TO,
    CLASS, "String 0x0037")}
# The service's own: whatever an update says of them is ignored.
IGNORED_AT_UPDATE = {FLAGS, DELIVERY}

HEADER_FIELDS = {"subject", "from", "sender", "toRecipients", "ccRecipients",
                 "bccRecipients", "replyTo", "internetMessageId",
                 "importance", "isReadReceiptRequested"}
CONTENT = ("subject", "importance", "body", "sender", "from",
           "toRecipients", "ccRecipients", "bccRecipients", "replyTo",
           "internetMessageId", "isReadReceiptRequested",
           "isDeliveryReceiptRequested", "inferenceClassification")
ALL = ("createdDateTime", "lastModifiedDateTime", "changeKey", "categories",
       "receivedDateTime", "sentDateTime", "hasAttachments",
       "internetMessageId", "subject", "bodyPreview", "importance",
       "parentFolderId", "conversationId", "conversationIndex",
       "isDeliveryReceiptRequested", "isReadReceiptRequested", "isRead",
       "isDraft", "webLink", "inferenceClassification", "body", "sender",
       "from", "toRecipients", "ccRecipients", "bccRecipients", "replyTo",
       "flag")
SELECTABLE = set(ALL) | {"id", "internetMessageHeaders", "uniqueBody"}
HEAD_END = re.compile(rb"\r?\n\r?\n")
ID_LINE = re.compile(
    rb"^message-id[ \t]*:[ \t]*((?:[^\r\n]|\r?\n[ \t])*)", re.I | re.M)
MOST_HEADERS, MOST_HEADER_VALUE = 5, 995
MOST_ATTACHMENTS = 250
EARLIEST, LATEST = -11644473600, 253402300800
# Of one attachment in a request, octets; larger ones need a session.
INLINE_MOST = 3_000_000


class BodyError(Exception):
    """A body that Exchange refuses."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


# --- From a message ----------

def head_of(raw):
    found = HEAD_END.search(raw)
    return raw[:found.end()] if found else raw


def quick(message):
    """The fields that the header alone gives, of a MIME message."""
    kept = getattr(message, "_quick", None)
    if kept is None or kept[0] is not message.raw:
        parsed = mime.parse(head_of(message.raw))
        kept = message._quick = message.raw, parsed.fields, parsed.sent
    return kept


def content(message, name):
    """One of CONTENT."""
    if message.raw is None or message._fields is not None:
        return message.fields.get(name)
    if name == "internetMessageId":
        found = ID_LINE.search(head_of(message.raw))
        return mime.decode(found[1].decode("utf-8", "replace")) or None \
            if found else None
    if name in HEADER_FIELDS:
        return quick(message)[1].get(name)
    return message.fields.get(name)


def sent(message):
    if message.raw is not None and message._sent is model.UNSET:
        found = quick(message)[2]
    else:
        found = message.sent
    # A FILETIME begins in 1601; a Date: field may say anything.
    return None if found is None or not EARLIEST <= found < LATEST else found


def has_attachments(message):
    if message.raw is not None and message._attachments is None and \
            b"content-type" not in head_of(message.raw).lower():
        return False
    return any(not a.is_inline for a in message.attachments)


def preview(message):
    body = content(message, "body") or {}
    text = body.get("content") or ""
    if str(body.get("contentType")).lower() == "html":
        text = re.sub(r"(?s)<(style|script).*?</\1>|<[^>]*>", " ",
                      text[:20000])
    return " ".join(text[:4000].split())[:255]


def conversation(message):
    subject = re.sub(r"(?i)^((re|fwd?|aw|wg)\s*:\s*)+", "",
                     content(message, "subject") or "")
    return hashlib.sha256(subject.strip().lower().encode(
        "utf-8", "replace")).digest()


def body_of(message):
    body = content(message, "body") or {}
    return {"contentType": str(body.get("contentType") or "text").lower(),
            "content": body.get("content") or ""}


def flag_of(message):
    return {"flagStatus": message.flag_status}


def id_of(message, immutable):
    return message.id if immutable else message.classic_id


COMPUTED = {
    "createdDateTime": lambda m: iso(m.created),
    "lastModifiedDateTime": lambda m: iso(m.modified),
    "receivedDateTime": lambda m: iso(m.received),
    "sentDateTime": lambda m: iso(sent(m)),
    "changeKey": lambda m: m.change_key,
    "categories": lambda m: list(m.categories),
    "hasAttachments": has_attachments,
    "bodyPreview": preview,
    "parentFolderId": lambda m: m.folder.id,
    "conversationId": lambda m: "AAQkAD" + base64.urlsafe_b64encode(
        conversation(m)).decode(),
    "conversationIndex": lambda m: base64.b64encode(
        b"\x01\xda" + conversation(m)[:20]).decode(),
    "isRead": lambda m: m.is_read,
    "isDraft": lambda m: m.is_draft,
    "webLink": lambda m: "https://outlook.office365.com/owa/?ItemID=" +
    m.classic_id + "&exvsurl=1&viewmodel=ReadMessageItem",
    "body": body_of,
    "uniqueBody": body_of,
    "flag": flag_of,
    "importance": lambda m: (content(m, "importance") or "normal").lower(),
    "inferenceClassification":
        lambda m: content(m, "inferenceClassification") or "focused",
    "isReadReceiptRequested":
        lambda m: bool(content(m, "isReadReceiptRequested")),
    "isDeliveryReceiptRequested":
        lambda m: bool(m._fields and
                       m._fields.get("isDeliveryReceiptRequested")),
    "internetMessageHeaders": lambda m: [
        {"name": h["name"], "value": h["value"]}
        for h in m.internet_headers],
}
LISTS = {"toRecipients", "ccRecipients", "bccRecipients", "replyTo"}


def member(message, name):
    if name in COMPUTED:
        return COMPUTED[name](message)
    found = content(message, name)
    if name == "sender" and found is None:
        found = content(message, "from")
    if name in LISTS:
        return found or []
    return ("" if name == "subject" else None) if found is None else found


def to_json(message, names=None, immutable=False):
    out = {"@odata.etag": f'W/"{message.change_key}"',
           "id": id_of(message, immutable)}
    for name in ALL if names is None else names:
        if name != "id":
            out[name] = member(message, name)
    return out


def value(message, name):
    """As $filter and $orderby compare it."""
    if isinstance(name, tuple):
        found = extended(message, name[1])
        return () if found is None else ((name[1], found),)
    if name == "createdDateTime":
        return message.created
    if name == "receivedDateTime":
        return float(int(message.received))
    if name == "sentDateTime":
        return sent(message)
    if name == "lastModifiedDateTime":
        return message.modified
    if name == "singleValueExtendedProperties":
        return properties(message)
    found = message.id if name == "id" else None
    if found is None:
        first, *rest = name.split("/")
        found = member(message, first)
        for step in rest:
            found = (found or {}).get(step)
    return found


# --- MAPI properties ----------

def header_value(message, name):
    if message.raw is None:
        return None
    found = re.search(rb"(?im)^" + name + rb"[ \t]*:[ \t]*"
                      rb"((?:[^\r\n]|\r?\n[ \t])*)", head_of(message.raw))
    return mime.decode(found[1].decode("utf-8", "replace")) \
        if found else None


def extended(message, wanted):
    """The value as a string; None: there is none."""
    if wanted == FLAGS:
        bits = (READ if message.is_read else 0) | \
            (UNSENT if message.is_draft else 0) | \
            (HAS_ATTACH if has_attachments(message) else 0)
        return str(bits)
    if wanted == DELIVERY:
        return iso(message.received)
    if wanted == SUBMIT:
        return iso(sent(message))
    if wanted == MESSAGE_ID:
        return content(message, "internetMessageId")
    if wanted == "String 0x0037":
        return content(message, "subject")
    if wanted == "Integer 0x0e08":
        return str(message.size)
    if wanted in message.props:
        return message.props[wanted]
    if wanted == REFERENCES:
        return header_value(message, b"references")
    if wanted == REPLY_TO:
        return header_value(message, b"in-reply-to")
    if wanted == HEADERS and message.raw is not None:
        return head_of(message.raw).decode("utf-8", "replace").rstrip() + \
            "\r\n"
    return "IPM.Note" if wanted == CLASS else None


def properties(message):
    """(id, value) of all that a filter may meet; cheap ones first."""
    yield from message.props.items()
    for name in (FLAGS, DELIVERY, SUBMIT, MESSAGE_ID, REPLY_TO, REFERENCES):
        if name not in message.props:
            found = extended(message, name)
            if found is not None:
                yield name, found


def property_of(given):
    """(canonical id, value) of a JSON {"id", "value"}; BodyError."""
    name, text = given.get("id"), given.get("value")
    try:
        wanted = model.property_id(name)
    except (ValueError, TypeError):
        raise BodyError("ErrorInvalidProperty", "The extended property id "
                        f"'{name}' is malformed.") from None
    if not isinstance(text, str):
        raise BodyError("ErrorInvalidProperty", "The value of the extended "
                        f"property '{name}' must be a string.")
    kind, _, rest = wanted.partition(" ")
    if TYPED.get(rest, wanted) != wanted:
        raise BodyError("ErrorInvalidProperty", f"'{name}': the property "
                        f"is of another type: '{TYPED[rest]}'.")
    try:
        checked(kind, text)
    except (ValueError, binascii.Error):
        raise BodyError("ErrorInvalidProperty", f"'{text[:80]}' is no value "
                        f"for the extended property '{name}'.") from None
    return wanted, text


def checked(kind, text):
    if kind in ("Integer", "Long", "Short"):
        bits = {"Integer": 31, "Long": 63, "Short": 15}[kind]
        if not -(1 << bits) <= int(text) < 1 << bits:
            raise ValueError
    elif kind in ("Double", "Float"):
        float(text)
    elif kind == "SystemTime":
        if not EARLIEST <= seconds_of(text) < LATEST:
            raise ValueError
    elif kind == "Boolean" and text.lower() not in ("true", "false"):
        raise ValueError
    elif kind == "Binary":
        base64.b64decode(text, validate=True)
    elif kind == "CLSID":
        uuid.UUID(text)


def properties_of(body):
    out = dict(property_of(p)
               for p in body.get("singleValueExtendedProperties") or ())
    for p in body.get("multiValueExtendedProperties") or ():
        try:
            out[model.property_id(p.get("id"))] = list(p.get("value") or ())
        except (ValueError, TypeError):
            raise BodyError("ErrorInvalidProperty", "The extended property "
                            f"id '{p.get('id')}' is malformed.") from None
    return out


# --- From JSON ----------

def octets_of(text, name):
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise BodyError("UnableToDeserializePostBody",
                        f"'{name}' is no base64.") from None


def attachment_from(body, now):
    kind = body.get("@odata.type")
    if not body.get("name"):
        raise BodyError("ErrorInvalidProperty",
                        "Required property 'name' is missing.")
    about = {"name": body["name"], "is_inline": bool(body.get("isInline")),
             "odata_type": kind, "last_modified": now}
    if kind == "#microsoft.graph.itemAttachment":
        if not isinstance(body.get("item"), dict):
            raise BodyError("ErrorInvalidProperty",
                            "Required property 'item' is missing.")
        inner = from_json(body["item"], now)
        inner.created = now
        return model.Attachment(content_type="message/rfc822",
                                data=inner.octets(), **about)
    if kind != "#microsoft.graph.fileAttachment":
        raise BodyError("ErrorInvalidProperty", f"'{kind}' can't be stored.")
    if "contentBytes" not in body:
        raise BodyError("ErrorInvalidProperty",
                        "Required property 'contentBytes' is missing.")
    data = octets_of(body["contentBytes"], "contentBytes")
    if len(data) > INLINE_MOST:
        raise BodyError("RequestEntityTooLarge", "The attachment is too "
                        "large for one request: use an upload session.",
                        413)
    return model.Attachment(
        content_type=body.get("contentType") or "application/octet-stream",
        data=data, content_id=body.get("contentId"), **about)


def headers_from(body, strict):
    """Those that Exchange keeps: names beginning with x-."""
    out = []
    for h in body.get("internetMessageHeaders") or ():
        name, text = h.get("name") or "", h.get("value") or ""
        if not name.lower().startswith("x-"):
            if strict:
                raise BodyError("InvalidInternetMessageHeader",
                                "The internet message header name "
                                f"'{name}' should start with 'x-' or 'X-'.")
            continue
        if len(text) > MOST_HEADER_VALUE:
            raise BodyError("InvalidInternetMessageHeader", "The value of "
                            f"the internet message header '{name}' is too "
                            "long.")
        out.append({"name": name, "value": text})
    if len(out) > MOST_HEADERS:
        raise BodyError("InvalidInternetMessageHeaderCollection",
                        "Maximum number of headers in one message should "
                        f"be less than or equal to {MOST_HEADERS}.")
    return out


def new_message_id():
    return f"<{uuid.uuid4().hex.upper()}@PRACTICE.prod.outlook.com>"


def from_json(body, now, strict_headers=False):
    """A Message that was never saved; BodyError.

    receivedDateTime, sentDateTime, isDraft and headers without x- are
    ignored; MAPI's 0x0E07 (8: draft, 1: read), 0x0E06, 0x0039 and 0x1035
    decide. A message that says no 0x0E07 is a draft."""
    props = properties_of(body)
    flags = props.pop(FLAGS, None)
    fields = {n: body[n] for n in CONTENT if body.get(n) is not None}
    fields["internetMessageId"] = props.pop(MESSAGE_ID, None) or \
        fields.get("internetMessageId") or new_message_id()
    if "String 0x0037" in props:
        fields["subject"] = props.pop("String 0x0037")
    if len(body.get("attachments") or ()) > MOST_ATTACHMENTS:
        raise BodyError("ErrorInvalidRequest", "A message holds at most "
                        f"{MOST_ATTACHMENTS} attachments.")
    draft = flags is None or bool(int(flags) & UNSENT)
    # A new draft is its author's: read.
    read = body.get("isRead") if flags is None else int(flags) & READ
    received, submitted = props.pop(DELIVERY, None), props.pop(SUBMIT, None)
    return model.Message(
        fields=fields, props=props, is_draft=draft,
        is_read=True if read is None else bool(read),
        received=seconds_of(received) if received else None,
        sent=seconds_of(submitted) if submitted else now,
        flag_status=(body.get("flag") or {}).get("flagStatus")
        or "notFlagged",
        categories=body.get("categories") or (),
        given_headers=headers_from(body, strict_headers),
        attachments=[attachment_from(a, now)
                     for a in body.get("attachments") or ()])
