# SPDX-License-Identifier: Apache-2.0
"""Messages between MIME and Graph's JSON fields.

parse(octets)   -> Parsed: what Graph shows of mail that came as MIME
render(message) -> octets: what IMAP shows of mail that came as JSON. It is
                   regenerated, as Exchange does: structure, encodings,
                   signatures and Received: are not the source's.
"""
import base64
import email
import email.header
import email.message
import email.policy
import email.utils
import re
from collections import namedtuple

Parsed = namedtuple("Parsed", "fields headers sent attachments")
Part = namedtuple("Part", "name content_type data is_inline content_id "
                          "odata_type")

LISTS = (("To", "toRecipients"), ("Cc", "ccRecipients"),
         ("Bcc", "bccRecipients"), ("Reply-To", "replyTo"))


# --- From MIME -----------------------------------------------------------

def decode(value):
    """A header's value as text, whatever is in it."""
    value = _octets_as_text(str(value))
    try:
        pieces = email.header.decode_header(value)
    except (ValueError, email.errors.HeaderParseError):
        pieces = [(value, None)]
    text = "".join(_text(p, charset or "latin-1") if isinstance(p, bytes)
                   else p for p, charset in pieces)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"\r?\n[ \t]*", " ", text).strip()


def _octets_as_text(value):
    """8-bit octets, which the parser keeps as surrogates, are UTF-8 or
    else Windows-1252."""
    if not any("\udc80" <= c <= "\udcff" for c in value):
        return value
    return _text(value.encode("utf-8", "surrogateescape"), "utf-8")


def _text(octets, charset):
    for name in (charset, "utf-8", "windows-1252"):
        try:
            return octets.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return octets.decode("latin-1")


def _raw(message, name):
    """All values of a header, as they came."""
    return [str(v) for n, v in message.raw_items()
            if n.lower() == name.lower()]


def _first(message, name):
    return (_raw(message, name) or [""])[0]


def addresses(values):
    out = []
    for name, address in email.utils.getaddresses(
            [re.sub(r"\r?\n", "", v) for v in values]):
        if name or address:
            out.append({"emailAddress": {"name": decode(name) or address,
                                         "address": decode(address)}})
    return out


def date_of(value):
    """Seconds since 1970 of a Date: header, or None."""
    try:
        when = email.utils.parsedate_tz(str(value))
        return float(email.utils.mktime_tz(when)) if when else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _payload(part):
    if part.get_content_maintype() == "message" or part.is_multipart():
        inner = part.get_payload()
        if isinstance(inner, list) and inner:
            return b"".join(i.as_bytes(policy=email.policy.compat32.clone(
                linesep="\r\n")) for i in inner)
    try:
        data = part.get_payload(decode=True)
    except (ValueError, AssertionError, TypeError):
        data = None
    if data is None:
        data = str(part.get_payload()).encode("utf-8", "surrogateescape")
    return data


def _filename(part):
    try:
        name = part.get_filename()
    except (ValueError, TypeError, LookupError):
        name = None
    return decode(name) if name else ""


def _is_body(part):
    return part.get_content_type() in ("text/plain", "text/html") and \
        part.get_content_disposition() != "attachment" and \
        not _filename(part)


def _walk(part, bodies, others, related=False):
    kind = part.get_content_type()
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        inside = related or kind == "multipart/related"
        for child in part.get_payload():
            _walk(child, bodies, others, inside)
        return
    if _is_body(part) and kind not in bodies:
        bodies[kind] = _text(_payload(part),
                             _charset(part))
        return
    others.append((part, related))


def _charset(part):
    try:
        return str(part.get_param("charset", "utf-8") or "utf-8")
    except (ValueError, TypeError, IndexError):
        return "utf-8"


def _attachment(part, related):
    cid = decode(_first(part, "Content-ID")).strip("<> ")
    inline = part.get_content_disposition() == "inline" or \
        (related and bool(cid) and
         part.get_content_disposition() != "attachment")
    kind = part.get_content_type()
    item = kind == "message/rfc822"
    name = _filename(part)
    if not name and item and part.is_multipart():
        name = decode(_first(part.get_payload()[0], "Subject"))
    return Part(name or "attachment", kind, _payload(part), inline,
                cid or None, "#microsoft.graph.itemAttachment" if item
                else "#microsoft.graph.fileAttachment")


def _importance(message):
    text = " ".join(_raw(message, "Importance") +
                    _raw(message, "X-Priority")).lower()
    if "high" in text or re.search(r"\b[12]\b", text):
        return "high"
    if "low" in text or re.search(r"\b[45]\b", text):
        return "low"
    return "normal"


def parse(octets):
    message = email.message_from_bytes(octets, policy=email.policy.compat32)
    bodies, others = {}, []
    _walk(message, bodies, others)
    html = bodies.get("text/html")
    text = bodies.get("text/plain", "")
    fields = {
        "subject": decode(_first(message, "Subject")),
        "body": {"contentType": "text" if html is None else "html",
                 "content": text if html is None else html},
        "importance": _importance(message),
        "internetMessageId":
            decode(_first(message, "Message-ID")) or None,
    }
    source = addresses(_raw(message, "From"))
    sender = addresses(_raw(message, "Sender")) or source
    fields["from"] = source[0] if source else None
    fields["sender"] = sender[0] if sender else None
    for header, field in LISTS:
        fields[field] = addresses(_raw(message, header))
    if _first(message, "Disposition-Notification-To"):
        fields["isReadReceiptRequested"] = True
    headers = [{"name": n, "value": decode(v)} for n, v in message.raw_items()]
    return Parsed(fields, headers, date_of(_first(message, "Date")),
                  [_attachment(p, r) for p, r in others])


# --- To MIME -------------------------------------------------------------

def _clean(text):
    text = re.sub(r"[\r\n\0]+", " ", str(text))
    return text.encode("utf-8", "replace").decode("utf-8")


def _encoded(text):
    text = _clean(text)
    if text.isascii():
        return text
    return email.header.Header(text, "utf-8", maxlinelen=75).encode(
        linesep="\r\n")


def _address(recipient):
    who = (recipient or {}).get("emailAddress") or {}
    name, address = who.get("name") or "", _clean(who.get("address") or "")
    if not name or name == address:
        return f"<{address}>" if address else ""
    if name.isascii():
        name = '"' + _clean(name).replace("\\", "\\\\").replace(
            '"', '\\"') + '"'
    else:
        name = _encoded(name)
    return f"{name} <{address}>"


def _headers(m):
    f = m.fields
    out = []
    for header, field in (("From", "from"), ("Sender", "sender")):
        who = _address(f.get(field))
        if who and not (header == "Sender" and
                        f.get("sender") == f.get("from")):
            out.append((header, who))
    for header, field in LISTS:
        many = [a for a in map(_address, f.get(field) or []) if a]
        if many:
            out.append((header, ",\r\n ".join(many)))
    out.append(("Subject", _encoded(f.get("subject") or "")))
    when = m.sent if m.sent is not None else m.created
    out.append(("Date", email.utils.format_datetime(
        email.utils.datetime.datetime.fromtimestamp(
            int(when), email.utils.datetime.timezone.utc))))
    for header, value in (
            ("Message-ID", f.get("internetMessageId")),
            ("In-Reply-To", m.props.get("String 0x1042")),
            ("References", m.props.get("String 0x1039"))):
        if value:
            out.append((header, _fold(_clean(value))))
    if (f.get("importance") or "normal").lower() != "normal":
        out.append(("Importance", f["importance"].lower()))
    for h in m.given_headers:
        out.append((_clean(h.get("name")), _encoded(h.get("value") or "")))
    return out


def _fold(text):
    return "\r\n ".join(text.split()) if len(text) > 70 else text


def _base64(data):
    text = base64.b64encode(data).decode()
    return "\r\n".join(text[i:i + 76] for i in range(0, len(text), 76))


def _leaf(headers, data):
    head = "".join(f"{n}: {v}\r\n" for n, v in headers)
    return (head + "Content-Transfer-Encoding: base64\r\n\r\n").encode(
        "utf-8", "replace") + _base64(data).encode() + b"\r\n"


def _multipart(kind, parts, mark):
    head = f'Content-Type: multipart/{kind};\r\n boundary="{mark}"\r\n\r\n'
    out = [head.encode()]
    for part in parts:
        out += [f"--{mark}\r\n".encode(), part]
    return b"".join(out + [f"--{mark}--\r\n".encode()])


def _attached(a):
    quoted = _encoded(a.name or "attachment")
    quoted = quoted if "=?" in quoted else quoted.replace('"', "'")
    kind = _clean(a.content_type or "application/octet-stream")
    headers = [("Content-Type", f'{kind};\r\n name="{quoted}"'),
               ("Content-Disposition",
                ("inline" if a.is_inline else "attachment") +
                f';\r\n filename="{quoted}"')]
    if a.content_id:
        headers.append(("Content-ID", f"<{_clean(a.content_id)}>"))
    if kind.lower() == "message/rfc822":
        return "".join(f"{n}: {v}\r\n" for n, v in headers).encode() + \
            b"\r\n" + a.data + (b"" if a.data.endswith(b"\n") else b"\r\n")
    return _leaf(headers, a.data)


def render(m):
    """The MIME of a message that has none of its own."""
    body = m.fields.get("body") or {}
    kind = "html" if str(body.get("contentType", "text")).lower() == "html" \
        else "plain"
    top = _leaf([("Content-Type", f'text/{kind}; charset="utf-8"')],
                (body.get("content") or "").encode("utf-8", "replace"))
    mark = "_" + m.id[-12:].strip("=") + "_"
    inline = [a for a in m.attachments if a.is_inline and a.content_id]
    rest = [a for a in m.attachments if a not in inline]
    if inline:
        top = _multipart("related", [top] + [_attached(a) for a in inline],
                         "_001" + mark)
    if rest:
        top = _multipart("mixed", [top] + [_attached(a) for a in rest],
                         "_000" + mark)
    head = "".join(f"{n}: {v}\r\n" for n, v in _headers(m))
    return (head + "MIME-Version: 1.0\r\n").encode("utf-8", "replace") + top
