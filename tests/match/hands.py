# SPDX-License-Identifier: Apache-2.0
"""What hands make of a message: SAME still the same one, OTHER another.

A hand takes (octets with LF, a name that seeds chance) and gives what it
made of them, or a pair to compare where the first is changed too, or None
if there is nothing for it to do.
"""
import base64
import email
import email.header
import email.utils
import quopri
import random
import re
import zlib


# --- parts of a message, as octets ------------------------------------------

def split(octets):
    """Header fields with their folds, each with its last LF, and the body."""
    head, _, body = octets.partition(b"\n\n")
    return re.findall(rb"[^\n]*\n(?:[ \t][^\n]*\n)*", head + b"\n"), body


def join(fields, body):
    """The opposite."""
    return b"".join(fields) + b"\n" + body


def is_field(f, name):
    """Whether the field is called so."""
    return re.match(name + rb"[ \t]*:", f, re.I) is not None


def field(octets, name):
    """The value of the first field of that name, folds and all."""
    head = octets.replace(b"\r\n", b"\n")
    for f in split(head)[0]:
        if is_field(f, name):
            return f.partition(b":")[2].strip()
    return None


def change(octets, name, value):
    """The field set to a value, added, or taken away (None)."""
    fields, body = split(octets)
    kept = [f for f in fields if not is_field(f, name)]
    if value is not None:
        at = next((i for i, f in enumerate(fields) if is_field(f, name)),
                  len(kept))
        kept.insert(at, name + b": " + value + b"\n")
    return join(kept, body)


def chance(name, what):
    """Random numbers that are the same every time."""
    return random.Random(zlib.crc32(f"{name} {what}".encode()))


def date_of(octets):
    """The Date that any program can read, or None."""
    value = (field(octets, b"Date") or b"").decode("latin-1")
    try:
        when = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if not re.search(r"[+-]\d{4}", value) or when.tzinfo is None:
        return None
    return when


# --- the same message -------------------------------------------------------

def crlf(octets, name):
    """A server's line ends."""
    return octets.replace(b"\n", b"\r\n")


def mixed_ends(octets, name):
    """Line ends by chance, and no last one."""
    r = chance(name, "ends")
    lines = octets.rstrip(b"\n").split(b"\n")
    end = [b"\n" if r.random() < .5 else b"\r\n" for _ in lines[1:]] + [b""]
    return b"".join(line + e for line, e in zip(lines, end))


def trailing_space(octets, name):
    """Blanks at the ends of lines, and empty lines at the end."""
    fields, body = split(octets)
    lines = [line and line + b" " for line in body.split(b"\n")]
    return join(fields, b"\n".join(lines) + b"\n\n\n")


def mail_program(octets, name):
    """The fields that programs keep their notes in."""
    return (b"X-Gmail-Labels: Inbox,Unread\nX-GM-THRID: 17\nStatus: RO\n"
            b"X-Status: A\nX-UID: 17\nX-Mozilla-Status: 0001\n"
            b"X-Mozilla-Status2: 00000000\nX-Keywords: a\n"
            b"Content-Length: 12345\nLines: 12\n" + octets)


def no_trace(octets, name):
    """An export without what delivery had added."""
    fields, body = split(octets)
    gone = (b"Received", b"Return-Path", b"Delivered-To", b"X-Spam-[^:]*",
            b"Bcc", b"Envelope-To", b"X-Original-To")
    kept = [f for f in fields if not any(is_field(f, g) for g in gone)]
    return join(kept, body) if len(kept) < len(fields) else None


def other_order(octets, name):
    """Fields in another order; those of one name stay as they were."""
    fields, body = split(octets)
    names = [f.partition(b":")[0].lower() for f in fields]
    wanted = sorted(set(names), key=zlib.crc32)
    return join([f for n in wanted for f, m in zip(fields, names) if m == n],
                body)


def other_folds(octets, name):
    """Names in another case, long lines folded anew."""
    fields, body = split(octets)
    made = []
    for f in fields:
        head, colon, value = f.partition(b":")
        if not colon:
            return None
        words = value.split()
        made.append(head.upper() + b":" + b"".join(
            (b"\n\t" if i % 4 == 3 else b" ") + w
            for i, w in enumerate(words)) + b"\n")
    return join(made, body)


def reencoded(octets, name):
    """Subject and the name in From as UTF-8 in base64."""
    made = octets
    for what in (b"Subject", b"From"):
        value = field(octets, what)
        if not value or b"=?" not in value and max(value) < 0x80 and (
                what == b"From"):
            continue
        try:
            value.decode("ascii")
            text = str(email.header.make_header(
                email.header.decode_header(value.decode())))
        except UnicodeDecodeError:
            try:
                text = value.decode("utf-8")
            except UnicodeDecodeError:
                text = value.decode("cp1252", "replace")
        except (LookupError, ValueError):
            continue
        if what == b"From":
            person, address = email.utils.parseaddr(text)
            if not person or "@" not in address or not address.isascii():
                continue
            new = words(person) + b" <" + address.encode() + b">"
        else:
            new = words(" ".join(text.split()))
        made = change(made, what, new)
    return made if made != octets else None


def words(text):
    """Encoded words, folded."""
    pieces = [text[i:i + 10] for i in range(0, len(text), 10)]
    return b"\n ".join(b"=?utf-8?B?" + base64.b64encode(
        p.encode("utf-8", "replace")) + b"?=" for p in pieces)


def spoilt_words(octets, name):
    """8-bit octets in fields as X, as Cyrus makes them."""
    head, _, body = octets.partition(b"\n\n")
    made = re.sub(rb"[\x80-\xff]", b"X", head)
    return made + b"\n\n" + body if made != head else None


def nul(octets, name):
    """NUL as 0x80, as Dovecot makes it."""
    return octets.replace(b"\0", b"\x80") if b"\0" in octets else None


def from_quoted(octets, name):
    """mboxo's quoting, which nobody can undo for sure."""
    fields, body = split(octets)
    made = re.sub(rb"(?m)^(>*From )", rb">\1", body)
    if made == body:
        lines = body.split(b"\n")
        lines.insert(len(lines) // 2, b"From the beginning")
        body = b"\n".join(lines)
        if b"Content-Type: multipart" in octets or is_base64(octets):
            return None
        made = re.sub(rb"(?m)^(>*From )", rb">\1", body)
    return join(fields, body), join(fields, made)


def is_base64(octets):
    """Whether any of it is."""
    return re.search(rb"(?im)^content-transfer-encoding: *base64",
                     octets) is not None


def no_id(octets, name=None):
    """Without its Message-ID."""
    return change(octets, b"Message-ID", None)


def id_one_side(octets, name):
    """A server has added a Message-ID."""
    return no_id(octets), octets


def id_no_side(octets, name):
    """No Message-ID, and other fields rewritten."""
    made = other_folds(no_id(octets), name)
    return (no_id(octets), made) if made else None


def other_zone(octets, name):
    """Date told in UTC."""
    when = date_of(octets)
    if not when:
        return None
    return change(octets, b"Date", email.utils.format_datetime(
        when.astimezone(email.utils.datetime.timezone.utc)).encode())


def rewrapped(octets, name):
    """base64 in lines of another length."""
    def again(m):
        text = m[1].replace(b"\n", b"")
        return b"\n".join(text[i:i + 60]
                          for i in range(0, len(text), 60)) + b"\n"
    made = re.sub(rb"(?m)^((?:[A-Za-z0-9+/]{60,76}\n){2,})", again, octets)
    return made if made != octets and is_base64(octets) else None


class Rewriter:
    """MIME written anew: other boundaries, other encodings."""

    def __init__(self, text_as, generate=False):
        self.text_as, self.generate, self.n = text_as, generate, 0

    def leaf(self, part):
        """A part without parts."""
        kind = part.get_content_type()
        octets = part.get_payload(decode=True)
        charset = part.get_param("charset")
        head = b"Content-Type: " + kind.encode()
        if charset and isinstance(charset, str):
            head += b'; charset="' + charset.encode() + b'"'
        if self.generate and kind == "text/html":
            self.generate = False
            return self.multi("alternative", [
                b"Content-Type: text/plain\n\nmade from the other\n",
                self.coded(head, octets, "qp")])
        how = self.text_as if kind.startswith("text/") else "base64"
        return self.coded(head, octets, how)

    def coded(self, head, octets, how):
        """A header and content in an encoding."""
        if how == "base64":
            return (head + b"\nContent-Transfer-Encoding: base64\n\n" +
                    base64.encodebytes(octets))
        if how == "qp":
            return (head + b"\nContent-Transfer-Encoding: "
                    b"quoted-printable\n\n" +
                    quopri.encodestring(octets) + b"\n")
        return head + b"\nContent-Transfer-Encoding: 8bit\n\n" + octets

    def multi(self, kind, parts):
        """A multipart of such parts."""
        self.n += 1
        mark = b"_=_again%d_=_" % self.n
        return (b"Content-Type: multipart/" + kind.encode() +
                b';\n boundary="' + mark + b'"\n\nSome words\n' +
                b"".join(b"\n--" + mark + b"\n" + p for p in parts) +
                b"\n--" + mark + b"--\n")

    def part(self, part):
        """Any."""
        if part.is_multipart():
            if part.get_content_maintype() == "multipart":
                return self.multi(part.get_content_subtype(),
                                  [self.part(p) for p in part.get_payload()])
            # A message within, its own header as it was.
            inner = part.get_payload(0)
            return (b"Content-Type: message/rfc822\n\n" +
                    self.whole(inner.as_bytes()))
        return self.leaf(part)

    def whole(self, octets):
        """A message."""
        message = email.message_from_bytes(octets)
        fields, _ = split(octets)
        kept = [f for f in fields if not is_field(f, rb"Content-[^:]*")]
        return b"".join(kept) + self.part(message)


def well_formed(octets):
    """Whether two programs can agree on what the parts are."""
    try:
        message = email.message_from_bytes(octets)
        parts = list(message.walk())
    except (ValueError, LookupError, AttributeError):
        return False
    for part in parts:
        how = str(part.get("Content-Transfer-Encoding", "7bit"))
        if part.defects or how.strip().lower() not in (
                "7bit", "8bit", "binary", "base64", "quoted-printable"):
            return False
        if part.get_content_type() in ("message/external-body",
                                       "message/delivery-status",
                                       "message/partial"):
            return False
    return "MIME-Version" in message


def rewritten(text_as, generate=False):
    """A hand that writes MIME anew."""
    def hand(octets, name):
        if not well_formed(octets):
            return None
        if generate and (b"text/html" not in octets or
                         b"text/plain" in octets):
            return None
        try:
            return Rewriter(text_as, generate).whole(octets)
        except (ValueError, LookupError, AttributeError, TypeError):
            return None
    return hand


def export(octets, name):
    """All that an export does at once."""
    made = mail_program(other_folds(no_trace(octets, name) or octets, name)
                        or octets, name)
    return crlf(other_zone(made, name) or made, name)


SAME = {
    "CRLF": crlf,
    "mixed line ends, no last one": mixed_ends,
    "trailing white space": trailing_space,
    "Status, X-Mozilla-*, X-Gmail-* added": mail_program,
    "Received, Bcc and the like gone": no_trace,
    "fields in another order": other_order,
    "fields folded anew, other case": other_folds,
    "Subject, From encoded anew": reencoded,
    "8-bit octets in fields as X": spoilt_words,
    "NUL as 0x80": nul,
    ">From (mboxo)": from_quoted,
    "Date in another zone": other_zone,
    "base64 in other lines": rewrapped,
    "MIME written anew, texts in base64": rewritten("base64"),
    "MIME written anew, texts quoted-printable": rewritten("qp"),
    "MIME written anew, texts 8-bit": rewritten("8bit"),
    "text/plain made from HTML": rewritten("qp", True),
    "Message-ID on one side": id_one_side,
    "no Message-ID": id_no_side,
    "an export: fields, folds, zone, CRLF": export,
}


# --- another message --------------------------------------------------------

def edited(octets, name):
    """A word more, the same Message-ID."""
    fields, body = split(octets)
    if b"boundary=" in octets or is_base64(octets):
        return None
    at = body.find(b"\n", len(body) // 2)
    return join(fields, body[:at + 1] + b"edited " + body[at + 1:])


def other_attachment(octets, name):
    """A character in the middle of an attachment."""
    m = re.search(rb"(?m)(?:^[A-Za-z0-9+/]{60,76}\n){3,}", octets)
    if not m or not is_base64(octets):
        return None
    at = (m.start() + m.end()) // 2
    while not octets[at:at + 1].isalnum():
        at += 1
    new = b"A" if octets[at:at + 1] != b"A" else b"B"
    return octets[:at] + new + octets[at + 1:]


def list_copy(octets, name):
    """By a list: prefix, footer, List-Id."""
    made = edited(octets, name)
    if not made:
        return None
    fields, body = split(octets)
    subject = field(octets, b"Subject") or b""
    return change(change(join(fields, body + b"--\nthe list\n"), b"List-Id",
                         b"<other.lists.example.com>"), b"Subject",
                  b"[other] " + subject)


def list_id_only(octets, name):
    """By a list that leaves all else as it is."""
    return octets, join([b"List-Id: Other <other.lists.example.com>\n"] +
                        split(octets)[0], split(octets)[1])


def list_prefix_only(octets, name):
    """By a list that tells itself in the subject alone."""
    subject = field(octets, b"Subject")
    if not subject or max(subject) >= 0x80:
        return None
    return change(octets, b"Subject", b"[other] " + subject)


def later(octets):
    """The same a second later."""
    when = date_of(octets)
    if not when:
        return None
    return change(octets, b"Date", email.utils.format_datetime(
        when + email.utils.datetime.timedelta(seconds=1)).encode())


def same_id_later(octets, name):
    """A sender whose mails all have one Message-ID."""
    return later(octets)


def no_id_later(octets, name):
    """The same report, a second later."""
    made = later(no_id(octets))
    return (no_id(octets), made) if made else None


def no_id_edited(octets, name):
    """Two states of a draft."""
    made = edited(no_id(octets), name)
    return (no_id(octets), made) if made else None


def no_id_other_subject(octets, name):
    """Two reports of one second."""
    made = list_prefix_only(no_id(octets), name)
    return (no_id(octets), made) if made else None


def empty_other_subject(octets, name):
    """Nothing but a subject."""
    a = change(join(split(no_id(octets))[0], b""), b"Subject", b"1")
    return a, change(a, b"Subject", b"2")


def raw_other_subject(octets, name):
    """Subjects that differ in raw 8-bit octets alone."""
    a = change(no_id(octets), b"Subject", b"M\xfcller")
    return a, change(a, b"Subject", b"M\xf6ller")


def no_date(octets, name):
    """Drafts that say nothing of themselves but their text."""
    a = change(no_id(octets), b"Date", None)
    return a, mail_program(a, name)


def other_id(octets, name):
    """Sent again."""
    if not field(octets, b"Message-ID"):
        return None
    return change(octets, b"Message-ID", b"<again@example.com>")


OTHER = {
    "same Message-ID, a word more": edited,
    "same Message-ID, other attachment": other_attachment,
    "same Message-ID, a second later": same_id_later,
    "list copy: prefix, footer, List-Id": list_copy,
    "list copy: List-Id alone": list_id_only,
    "list copy: prefix alone": list_prefix_only,
    "another Message-ID, else equal": other_id,
    "no Message-ID, a second later": no_id_later,
    "no Message-ID, a word more": no_id_edited,
    "no Message-ID, other subject": no_id_other_subject,
    "no Message-ID, no body, other subject": empty_other_subject,
    "no Message-ID, other raw 8-bit subject": raw_other_subject,
    "no Message-ID, no Date": no_date,
}
