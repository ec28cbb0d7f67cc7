# SPDX-License-Identifier: Apache-2.0
"""What a reader should find of a message in Microsoft 365, by Python's own
email package, and how an exported message differs from it.

    want = expected(octets)              of the message's own octets
    wrong = compare(want, message)       [] or "kind: what" lines

The exported message has subject, body{contentType,content}, from, sender,
toRecipients, ccRecipients, bccRecipients, replyTo, internetMessageId,
receivedDateTime, sentDateTime, isRead, isDraft, importance, categories,
props {id: value} and attachments [{name, type, is_inline, content_id,
sha256, size}]. A key that is missing is not looked at, but for
recipients: those that are missing are none. exported() makes it from a
create call.

Python parses MIME by its own code, so the rules of which part is the text
are written here a second time.
"""
import base64
import datetime
import email.errors
import email.header
import email.message
import email.parser
import email.utils
import hashlib
import html
import inspect
import re
import urllib.parse

IDS = {"class": "String 0x001A", "sent": "SystemTime 0x0039",
       "header": "String 0x007D", "received": "SystemTime 0x0E06",
       "flags": "Integer 0x0E07", "message_id": "String 0x1035",
       "references": "String 0x1039", "in_reply_to": "String 0x1042",
       "icon": "Integer 0x1080", "verb": "Integer 0x1081"}
SOURCE_ID = "String {c0ae8a53-5d8a-4f6e-9c1f-6d61696c6861} Name SourceId"
HEADER_MOST = 60000
NAME_MOST = 200
VALUE_MOST = 30000
RECIPIENTS = ("toRecipients", "ccRecipients", "bccRecipients", "replyTo")

# As mail programs read them; None: UTF-8, else windows-1252.
CHARSETS = {
    "": None, "us-ascii": None, "ascii": None, "ansi_x3.4-1968": None,
    "x-unknown": None, "iso-8859-1": "cp1252", "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252", "latin1": "cp1252", "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874", "tis-620": "cp874", "gb2312": "gb18030",
    "gb_2312-80": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
    "cp936": "gb18030", "big5": "big5hkscs", "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "ksc_5601": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932",
    "x-sjis": "cp932", "utf8": "utf-8", "unicode-1-1-utf-7": "utf-7",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8",
    "x-mac-roman": "mac-roman"}
TEXTS = ("text/plain", "text/html", "text/enriched", "text/richtext")
LESSER = TEXTS + ("text/x-amp-html", "text/watch-html")


class _Message(email.message.Message):
    """An attached message stays octets."""

    def get_content_maintype(self):
        main = super().get_content_maintype()
        return "x-message" if main == "message" else main

    def get_content_type(self):
        kind = super().get_content_type()
        return "x-" + kind if kind.startswith("message/") else kind

    def get_default_type(self):
        kind = super().get_default_type()
        return "x-" + kind if kind.startswith("message/") else kind

    def said(self, name):
        """The values of all fields of this name, as they came."""
        return [v for k, v in self.raw_items()
                if k.strip().lower() == name]

    def first(self, name):
        return (self.said(name) or [None])[0]

    def get(self, name, failobj=None):
        value = self.first(name.lower())
        return failobj if value is None else value

    @property
    def kind(self):
        kind = self.get_content_type()
        return kind[2:] if kind.startswith("x-message/") else kind


def _guess(octets):
    """UTF-8; what is none, octet by octet windows-1252."""
    out = []
    while octets:
        try:
            out.append(octets.decode("utf-8"))
            break
        except UnicodeDecodeError as e:
            out.append(octets[:e.start].decode("utf-8"))
            out.append(octets[e.start:e.start + 1].decode(
                "cp1252", "replace"))
            octets = octets[e.start + 1:]
    return "".join(out)


def decoded(octets, charset):
    name = CHARSETS.get((charset or "").lower(), charset)
    if name is not None:
        try:
            return octets.decode(name, "replace").replace("\0", "\ufffd")
        except (LookupError, ValueError, UnicodeError):
            pass
    return _guess(octets).replace("\0", "\ufffd")


def _octets(value):
    """A header's value as it stood in the message."""
    return value.encode("utf-8", "surrogateescape")


def _raw(value):
    """Readable, with nothing decoded but 8-bit octets."""
    return clean(_guess(_octets(value or "")))


def clean(text):
    """Control characters are blanks, and blanks are one."""
    return re.sub("[\0-\x20\x7f-\x9f\ufffe\uffff]+", " ", text).strip(" ")


NOBODY = "(?i)undisclosed|unlisted-recipients|recipient list not shown"
WORD = re.compile(rb"=\?([^?\s]*)\?([bBqQ])\?(.*?)\?=")


def words(value):
    """RFC 2047 as readers do it: words anywhere, neighbours joined."""
    octets = re.sub(rb"\r?\n(?=[ \t])", b"", _octets(value))
    out, run, at = [], [], 0

    def flush():
        out.extend(decoded(o, charset) for charset, o in run)
        run.clear()

    for m in WORD.finditer(octets):
        between = octets[at:m.start()]
        if not run or between.strip():
            flush()
            out.append(_guess(between))
        charset = m.group(1).split(b"*")[0].decode("latin-1")
        data = _word(m.group(2), m.group(3))
        if run and run[-1][0].lower() == charset.lower():
            run[-1] = (charset, run[-1][1] + data)
        else:
            run.append((charset, data))
        at = m.end()
    flush()
    out.append(_guess(octets[at:]))
    return clean("".join(out))


def _word(how, data):
    if how in b"qQ":
        return re.sub(rb"=([0-9a-fA-F]{2})",
                      lambda m: bytes([int(m.group(1), 16)]),
                      data.replace(b"_", b" "))
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    if len(data) % 4 == 1:
        data = data[:-1]
    return base64.b64decode(data + b"=" * (-len(data) % 4))


def _getaddresses(values):
    if "strict" in inspect.signature(email.utils.getaddresses).parameters:
        return email.utils.getaddresses(values, strict=False)
    return email.utils.getaddresses(values)


def good_address(s):
    return len(s.encode()) <= 320 and re.fullmatch(
        r'(?:[^ ()<>\[\]:;@\\,"]+|".+")@'
        r'(?:[^ ()<>\[\]:;@\\,"]+|\[[0-9a-fA-F.:IPv]+\])', s) is not None


def people(values):
    out = []
    for value in values:
        text = re.sub(r"\r?\n(?=[ \t])", "", value)
        for name, address in _getaddresses([text]):
            name, address = words(name), words(address)
            if not name and not address:
                continue
            good = good_address(address)
            if not good and re.match(NOBODY, name or address):
                continue
            out.append((name or ("" if good else address),
                        address if good else ""))
    return out


def instant(value):
    """Seconds since the epoch; None if that is no date."""
    try:
        when = email.utils.parsedate_to_datetime(
            re.sub(r"\s+", " ", str(value)))
        if when.tzinfo is None:
            when = when.replace(tzinfo=datetime.timezone.utc)
        sec = int(when.timestamp())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return sec if 86400 <= sec < 4102444800 else None


def iso(sec):
    return None if sec is None else datetime.datetime.fromtimestamp(
        sec, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _payload(part):
    """A leaf's octets. uuencoded ones are beyond get_payload() when they
    are damaged, and message/* is left alone by it."""
    if part.is_multipart():
        return b""
    octets = part.get_payload(decode=True)
    return octets if octets is not None else b""


def _name(part):
    value = part.get_param("filename", None, "content-disposition")
    value = value if value else part.get_param("name", None, "content-type")
    if not value:
        return None
    if isinstance(value, tuple):
        value = clean(decoded(value[2].encode("latin-1", "replace"),
                              value[0]))
        return value.rpartition("\\")[2] or value
    name = words(email.utils.unquote(value))
    # What old programs wrote: the path of the sender's disk.
    last = name.rpartition("\\")
    return (last[2] or name) or None


def _cid(part):
    value = part.first("content-id")
    if value is None:
        return None
    value = _raw(value)
    value = value[value.find("<") + 1:].split(">")[0]
    return value or None


def _attached(part):
    how = part.get_content_disposition()
    return how is not None and how != "inline"


def _whole(part):
    """A multipart that was understood."""
    return part.is_multipart()


class _Roles:
    def __init__(self, root):
        self.root, self.texts, self.files = root, [], []
        self.take(root, "text")

    def is_text(self, part):
        kind = _kind(part)
        if _attached(part):
            return False
        if part is self.root and kind.startswith("text/") and not (
                kind in ("text/calendar", "text/directory")
                or "vcard" in kind):
            return True
        return kind in TEXTS and (not _name(part) or not self.texts)

    def worth(self, part):
        if not _whole(part):
            kind = _kind(part)
            return 0 if _attached(part) else \
                {"text/html": 2, "text/plain": 1}.get(kind, 0)
        if part.kind == "multipart/encrypted":
            return 0
        return max([self.worth(p) for p in part.get_payload()] or [0])

    def take(self, part, how):
        if not _whole(part):
            if how == "text" and self.is_text(part):
                self.texts.append(part)
            elif not (how == "lesser" and _kind(part) in LESSER
                      and not _attached(part) and not _name(part)):
                self.files.append(part)
            return
        kids = part.get_payload()
        if part.kind == "multipart/alternative":
            best = max([self.worth(p) for p in kids] or [0])
            chosen = [p for p in kids if best and self.worth(p) == best]
            for p in kids:
                twin = chosen and p is not chosen[-1] and not _whole(p) \
                    and how == "text" and _kind(p) == _kind(chosen[-1])
                self.take(p, how if not chosen or p is chosen[-1]
                          else "files" if twin else "lesser")
        elif part.kind == "multipart/related":
            start = part.get_param("start")
            root = [p for p in kids if start and _cid(p)
                    and start.strip("<>") == _cid(p)] \
                or [p for p in kids if self.worth(p)] or kids
            for p in kids:
                self.take(p, how if p is root[0] else "files")
        else:
            if part.kind == "multipart/encrypted":
                how = "files"
            for p in kids:
                self.take(p, how)


def _kind(part):
    kind = part.kind
    if kind.startswith("multipart/") and not part.is_multipart() \
            and part.kind == kind:
        return "text/plain"
    return kind


def _shown(cids, part):
    cid = _cid(part)
    return bool(cid) and cid in cids and (
        part.kind.startswith("image/") or not _attached(part))


def _importance(msg):
    for name in ("Importance", "X-Priority", "X-MSMail-Priority",
                 "Priority"):
        v = _raw(msg.first(name.lower())).lower()
        if re.match("high|urgent|[12]", v):
            return "high"
        if re.match("low|non-urgent|[45]", v):
            return "low"
        if re.match("normal|3", v):
            return "normal"
    return "normal"


FIELD = re.compile(rb"[\x21-\x39\x3b-\x7e\x80-\xff]+[ \t]*:")


def header_block(octets):
    """The header as it stands, cut between two fields if too long."""
    lines, at = octets.split(b"\n"), 0
    for i, line in enumerate(lines):
        if i == 0 and re.match(rb">?From ", line):
            octets = octets[len(line) + 1:]
            continue
        if line in (b"", b"\r") and (i < len(lines) - 1 or line):
            at += len(line) + 1
            break
        if line[:1] not in (b" ", b"\t") and not FIELD.match(line):
            break
        at += len(line) + 1
    block = octets[:at]
    if len(block) <= HEADER_MOST:
        return block
    cut = [m.start() + 1 for m in re.finditer(
        rb"\n(?=[^ \t])", block[:HEADER_MOST + 1])]
    cut = [c for c in cut if c <= HEADER_MOST]
    return block[:cut[-1]] if cut else block[:HEADER_MOST]


def expected(octets, sec=None, flags=(), keywords=()):
    """What a reader should find; sec is the INTERNALDATE, if there is
    one, flags and keywords as IMAP writes them."""
    msg = email.parser.BytesParser(_class=_Message).parsebytes(octets)
    roles = _Roles(msg)
    date = instant(_raw(msg.first("date")))
    if sec is None or not 86400 <= sec < 4102444800:
        top = _raw(msg.first("received"))
        sec = instant(top.rpartition(";")[2]) if ";" in top else None
        sec = date if sec is None else sec
    texts = [("html" if p.kind == "text/html" else "text",
              decoded(_payload(p), p.get_param("charset") and
                      _charset(p))) for p in roles.texts]
    cids = set()
    for kind, text in texts:
        for m in re.finditer(r"(?i)cid:([^\"'<>()\s]+)",
                             text if kind == "html" else ""):
            cids |= {m.group(1), urllib.parse.unquote(m.group(1))}
    who = {key: people(msg.said(name)) for key, name in (
        ("from", "from"), ("sender", "sender"), ("toRecipients", "to"),
        ("ccRecipients", "cc"), ("bccRecipients", "bcc"),
        ("replyTo", "reply-to"))}
    sender, author = who["sender"], who["from"]
    who["from"] = (author or sender)[:1]
    who["sender"] = (sender or author)[:1]
    low = [f.lower() for f in flags]
    answered = "\\answered" in low
    forwarded = "$forwarded" in [k.lower() for k in keywords]
    return {
        "subject": words(msg.first("subject") or ""), **who,
        "texts": texts, "html": any(k == "html" for k, _ in texts),
        "message_id": _raw(msg.first("message-id")) or None,
        "references": _raw(msg.first("references")) or None,
        "in_reply_to": _raw(msg.first("in-reply-to")) or None,
        "importance": _importance(msg),
        "received": iso(sec), "sent": iso(date if date else sec),
        "read": "\\seen" in low, "draft": "\\draft" in low,
        "flagged": "\\flagged" in low,
        "verb": "102" if answered else "104" if forwarded else None,
        "categories": [k for k in keywords if k[:1] not in "$\\"],
        "header": decoded(header_block(octets), None),
        "smime": msg.kind in ("application/pkcs7-mime",
                              "application/x-pkcs7-mime"),
        "attachments": [_file(p, cids) for p in roles.files]}


def _charset(part):
    value = part.get_param("charset")
    if isinstance(value, tuple):
        value = value[2]
    return clean(email.utils.unquote(value))


def _file(part, cids):
    octets = _payload(part)
    return {"name": _name(part), "type": _kind(part),
            "is_inline": _shown(cids, part), "content_id": _cid(part),
            "sha256": hashlib.sha256(octets).hexdigest(),
            "size": len(octets)}


def exported(call, apart=()):
    """The exported form of a create call and what went apart."""
    props = {p["id"]: p["value"]
             for p in call.get("singleValueExtendedProperties", [])}
    files = []
    for a in call.get("attachments", []):
        octets = base64.b64decode(a["contentBytes"], validate=True)
        files.append({
            "name": a["name"], "type": a["contentType"],
            "is_inline": a["isInline"], "content_id": a.get("contentId"),
            "sha256": hashlib.sha256(octets).hexdigest(),
            "size": len(octets)})
    return {**{k: v for k, v in call.items() if k not in (
        "singleValueExtendedProperties", "attachments")},
        "props": props, "attachments": files + list(apart),
        "isDraft": bool(int(props.get(IDS["flags"], "8")) & 8),
        "receivedDateTime": props.get(IDS["received"]),
        "sentDateTime": props.get(IDS["sent"])}


def _mailboxes(value):
    return [(clean(v.get("emailAddress", {}).get("name") or ""),
             v.get("emailAddress", {}).get("address") or "")
            for v in value or ()]


def _same_people(want, have):
    """A name that only repeats the address may be Exchange's own."""
    return len(want) == len(have) and all(
        w[1] == h[1] and (w[0] == h[0] or (not w[0] and h[0] == h[1]))
        for w, h in zip(want, have))


def _lines(text):
    return text.replace("\r\n", "\n")


def body_difference(want, body):
    kind = body["contentType"].lower()
    if kind != ("html" if want["html"] else "text"):
        return f"kind {kind}, expected html={want['html']}"
    rest = _lines(body["content"])
    for i, (kind, text) in enumerate(want["texts"]):
        text = _lines(text)
        if want["html"] and kind == "text":
            text = html.escape(text, quote=False)
            m = re.match(r"<pre[^>]*>", rest)
            rest = rest[m.end():] if m else rest
        elif i and rest.startswith("\n") and not text.startswith("\n"):
            rest = rest[1:]
        if not rest.startswith(text):
            at = next((k for k in range(min(len(rest), len(text)))
                       if rest[k] != text[k]), min(len(rest), len(text)))
            return "text %d differs at %d: expected %r, found %r" % (
                i, at, text[at:at + 40], rest[at:at + 40])
        rest = rest[len(text):]
        if want["html"] and kind == "text" and rest.startswith("</pre>"):
            rest = rest[6:]
    return f"too much: {rest[:60]!r}" if rest.strip("\n") else None


def _compare_files(want, have):
    out = []
    if len(want) != len(have):
        out.append("attachments: %d expected, %d found" % (
            len(want), len(have)))
    have = list(have)
    for w in want:
        same = [h for h in have if h["sha256"] == w["sha256"]]
        best = [h for h in same if h["name"] == w["name"]] or same
        if not best:
            out.append("attachment: octets of %r (%s, %d octets) not there"
                       % (w["name"], w["type"], w["size"]))
            continue
        h = best[0]
        have.remove(h)
        kind = h.get("type", h.get("contentType"))
        for key, a, b in (("name", w["name"] and w["name"], h["name"]),
                          ("type", w["type"], kind),
                          ("is_inline", w["is_inline"], h["is_inline"]),
                          ("content_id", w["content_id"],
                           h["content_id"])):
            if key == "name" and (a is None or b == a + ".eml" or
                                  len(a.encode()) > NAME_MOST):
                if not b:
                    out.append("attachment name: empty")
            elif a != b:
                out.append(f"attachment {key}: expected {a!r}, found {b!r}")
    return out


def compare(want, have):
    """Lines "kind: what"; [] when a reader finds what was sent."""
    out = []

    def check(kind, a, b):
        if a != b:
            out.append(f"{kind}: expected {str(a)[:160]!r}, "
                       f"found {str(b)[:160]!r}")

    if "subject" in have:
        check("subject", want["subject"], clean(have["subject"] or ""))
    for key in ("from", "sender"):
        found = _mailboxes([have[key]] if have.get(key) else [])
        if not _same_people(want[key], found):
            check(key, want[key], found)
    for key in RECIPIENTS:
        found = _mailboxes(have.get(key))
        if not _same_people(want[key], found):
            check(key, want[key], found)
    if "body" in have:
        wrong = body_difference(want, have["body"])
        if wrong:
            out.append(f"body: {wrong}")
    for key, theirs in (("received", "receivedDateTime"),
                        ("sent", "sentDateTime"), ("read", "isRead"),
                        ("draft", "isDraft"),
                        ("importance", "importance")):
        if theirs in have:
            check(key, want[key], have[theirs])
    if want["message_id"] and len(want["message_id"]) <= 995:
        check("message-id", want["message_id"],
              clean(have.get("internetMessageId") or ""))
    if "flag" in have or want["flagged"]:
        check("flag", want["flagged"], have.get("flag", {}).get(
            "flagStatus") == "flagged")
    check("categories", sorted(want["categories"]),
          sorted(have.get("categories") or []))
    out += _compare_props(want, have.get("props"))
    return out + _compare_files(want["attachments"], have["attachments"])


def _compare_props(want, props):
    if props is None:
        return []
    flags = str(int(want["read"]) | (8 if want["draft"] else 0))
    out = []
    for name, a in (
            ("flags", flags), ("received", want["received"]),
            ("sent", want["sent"]), ("message_id", want["message_id"]),
            ("references", want["references"]),
            ("in_reply_to", want["in_reply_to"]),
            ("verb", want["verb"]),
            ("class", "IPM.Note.SMIME" if want["smime"] else None),
            ("header", want["header"] or None)):
        b = props.get(IDS[name])
        if name == "flags" and b is not None:
            # Other bits are Exchange's to set.
            b = str(int(b) & 9)
        if name == "class" and a is None:
            continue
        if name == "header" and a and b:
            a, b = _lines(a), _lines(b)
        elif b:
            b = clean(b)
        if name in ("references", "in_reply_to", "message_id") and a \
                and len(a.encode()) > VALUE_MOST:
            a = b
        if a != b:
            at = next((k for k in range(min(len(a or ""), len(b or "")))
                       if a[k] != b[k]), 0)
            out.append("property %s: expected %r, found %r (at %d)" % (
                name, (a or "")[at:at + 80], (b or "")[at:at + 80], at))
    return out
