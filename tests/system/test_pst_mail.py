# SPDX-License-Identifier: Apache-2.0
"""What mail of a PST becomes: bodies, headers, attachments, and messages of
a class of their own.
"""
import hashlib
import struct

import pytest

from harness.pst_make import (File, Message, Named, Person, Pst, embedded,
                              filetime, lzfu, ole, reference, rtf, WHEN)
from harness.pst_ltp import BINARY, TIME, UNICODE
from harness.pst_read import bodies, files, of, one
from test_pst import BLOB, BOB


def sha(octets):
    return hashlib.sha256(octets).hexdigest()


def several(made, *messages):
    p = Pst()
    p.folder("Inbox", use="inbox").add(*messages)
    return made(p)


# --- Bodies ----------------------------------------------------------------

HTML = "<html><body><p>Gr\u00fc\u00dfe \u65e5\u672c</p></body></html>"


def test_text_and_html(made):
    m = one(made, Message("both", text="plain", html=HTML.encode(),
                          props={0x3fde0003: 65001}))
    assert m.msg.get_content_type() == "multipart/alternative"
    shown = bodies(m.msg)
    assert shown["text/plain"].rstrip("\n") == "plain"
    assert shown["text/html"].rstrip("\n") == HTML


@pytest.mark.parametrize("codepage,charset", [
    (1252, "cp1252"), (932, "cp932"), (1251, "cp1251"),
    (1200, "utf-16-le"), (77777, "cp1252"), (50220, "iso2022_jp"),
    (28591, "latin-1")])
def test_html_of_a_code_page(made, codepage, charset):
    text = {"cp932": "\u65e5\u672c\u8a9e", "cp1251": "\u043f\u0440",
            "iso2022_jp": "\u65e5\u672c"}.get(charset, "Gr\u00fc\u00dfe")
    m = one(made, Message("h", html=f"<p>{text}</p>".encode(charset),
                          props={0x3fde0003: codepage}))
    assert text in bodies(m.msg)["text/html"]


def test_html_that_is_not_as_it_is_told(made):
    """Its octets count; a wrong one is no reason to doubt the rest."""
    text = "Gr\u00fc\u00dfe"
    meta = "<meta charset=utf-8>"
    told = [(20127, "utf-8", ""), (20127, "cp1252", ""),
            (65001, "cp1252", ""), (1252, "utf-8", meta),
            (1252, "cp1252", meta), (1200, "utf-8", ""),
            (65001, "utf-16-le", ""), (0, "utf-16-le", "\ufeff"),
            (65000, "utf-7", ""), (0, "cp850", "<meta charset='cp850'>"),
            (20127, "cp850", "<meta content='text/html; charset=cp850'>"),
            (1252, "cp1252", "x" * 70_000)]
    d = several(made, *[
        Message(f"{page} {i}", html=f"<p>{head}{text}</p>".encode(charset),
                props={0x3fde0003: page})
        for i, (page, charset, head) in enumerate(told)], Message(
            "torn", html=b"<p>" + text.encode() + b"\xff</p>",
            props={0x3fde0003: 65001}))
    for m in d.mail:
        assert text in bodies(m.msg)["text/html"], m.octets


def test_text_newer_than_rtf(made):
    d = several(made, *[
        Message(str(sync), text="new", packed_rtf=lzfu(FROM_HTML),
                props={0x0e1f000b: sync}) for sync in (0, 1)])
    assert list(bodies(of(d, "0").msg)) == ["text/plain"]
    assert list(bodies(of(d, "1").msg)) == ["text/plain", "text/html"]


def test_html_as_text(made):
    m = one(made, Message("h", html=HTML))
    assert bodies(m.msg)["text/html"].rstrip("\n") == HTML


FROM_HTML = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0 Arial;}}"
    rb"{\*\htmltag64 <html><body>}{\*\htmltag64 <p>}\htmlrtf \par "
    rb"\htmlrtf0 Gr\'fc\'dfe{\*\htmltag72 </p>}"
    rb"{\*\htmltag72 </body></html>}}")
FROM_TEXT = (rb"{\rtf1\ansi\ansicpg1252\fromtext \deff0{\fonttbl{\f0 "
             rb"Arial;}}\plain Gr\'fc\'dfe\par second line}")


@pytest.mark.parametrize("sum_", [None, 0, 12345])
@pytest.mark.parametrize("packed", [True, False])
def test_html_out_of_rtf(made, sum_, packed):
    """An .ost has nothing else; no checksum costs the text."""
    m = one(made, Message("r", packed_rtf=lzfu(FROM_HTML, sum_, packed)))
    assert "<p>Gr\u00fc\u00dfe</p>" in bodies(m.msg)["text/html"]


def test_text_out_of_rtf(made):
    m = one(made, Message("r", packed_rtf=lzfu(FROM_TEXT)))
    assert bodies(m.msg)["text/plain"].rstrip("\n") == \
        "Gr\u00fc\u00dfe\nsecond line"
    assert not files(m.msg)


def test_plain_rtf(made):
    """As text, and the RTF beside it."""
    m = one(made, Message("r", packed_rtf=lzfu(rtf("Gr\u00fc\u00dfe\nb"))))
    assert bodies(m.msg)["text/plain"].split() == ["Gr\u00fc\u00dfe", "b"]
    (name, _, octets), = files(m.msg)
    assert name.endswith(".rtf") and octets == rtf("Gr\u00fc\u00dfe\nb")
    assert m.note


def test_no_body(made):
    m = one(made, Message("empty"))
    assert m.msg.get_content().strip() == ""


def test_long_text(made):
    """Longer than a heap holds; lines longer than mail may have."""
    text = "Gr\u00fc\u00dfe " * 30_000 + "\r\nend"
    m = one(made, Message("long", text=text))
    assert bodies(m.msg)["text/plain"].rstrip("\n") == \
        text.replace("\r\n", "\n")


def test_code_page_of_an_ansi_file(made):
    """Of the message, else of the store."""
    text = "\u041f\u0440\u0438\u0432\u0435\u0442"
    p = Pst(version=14, codepage=1251)
    p.folder("Inbox", use="inbox").add(
        Message(text, text=text), Message("own", text=None, props={
            0x1000001e: text.encode("koi8-r"), 0x3ffd0003: 20866}))
    d = made(p)
    assert bodies(of(d, text).msg)["text/plain"].strip() == text
    assert bodies(of(d, "own").msg)["text/plain"].strip() == text


# --- Headers ---------------------------------------------------------------

HEADERS = ("Received: from a.example by b.example; Mon, 5 Feb 2018 10:00:00"
           " +0100\r\nFrom: =?utf-8?Q?Ann_=C3=84?= <ann@example.com>\r\n"
           "To: bob@example.com\r\nSubject: =?utf-8?Q?h=C3=A9?=\r\n"
           "Date: Mon, 5 Feb 2018 10:00:00 +0100\r\n"
           "Message-ID: <own@example.com>\r\nMIME-Version: 1.0\r\n"
           "Content-Type: multipart/mixed; boundary=\"gone\"\r\n"
           "Content-Transfer-Encoding: 8bit\r\nX-Kept: yes\r\n\r\n")


def test_transport_headers(made):
    m = one(made, Message("other", text="t", headers=HEADERS))
    assert m.msg["subject"] == "h\u00e9"
    assert m.msg["message-id"] == "<own@example.com>"
    assert m.msg["x-kept"] == "yes" and m.msg["received"]
    assert m.msg.get_content_type() == "text/plain"
    assert len(m.msg.get_all("mime-version")) == 1
    assert m.octets.index(b"Received:") < m.octets.index(b"X-Kept:")


def test_mangled_headers(made):
    """No field, raw octets, bare line ends, fields that are far too long:
    the rest stays."""
    head = ("2.0: no field\r\nFrom: a@example.com\r\n17: 04:44\r\n"
            "Subject: Gr\u00fc\u00dfe\nX-Bare: 1\rX-Bare-Cr: 2\r\n"
            "X-Long: " + "word " * 500 + "\r\nX-Solid: " + "x" * 3000
            + "\r\nX-Nul: a\0b\r\nno colon here\r\n"
            "Date: Mon, 5 Feb 2018 10:00:00 +0100, Tue\r\nX-Last: 1\r\n")
    m = one(made, Message("s", text="t", headers=head))
    assert m.msg["from"].addresses[0].addr_spec == "a@example.com"
    assert "Gr\u00fc\u00dfe" in m.msg["subject"]
    assert m.msg["x-last"] == "1"
    assert m.msg["x-long"].split() == ["word"] * 500


def test_headers_without_end(made):
    m = one(made, Message("n", text="t", headers=HEADERS.strip() + "\r\n"
                          + "X-Long: x\r\n" * 60_000))
    assert m.msg["subject"] == "h\u00e9" and "longer" in m.note


def test_headers_of_a_part(made):
    """What they have isn't written again; what a message is stays, where
    only the MIME that it was goes."""
    head = ("References: <a@b>\r\nIn-Reply-To: <a@b>\r\nReply-To: "
            "z@example.com\r\nX-Priority: 1\r\nThread-Topic: own\r\n"
            "Content-Class: rpmsg.message\r\nContent-Language: de\r\n"
            "Content-ID: <gone@b>\r\n")
    props = {0x1039001f: "<a@b>", 0x1042001f: "<a@b>", 0x00170003: 2,
             0x0070001f: "topic"}
    named = [Named("HEADERS", "content-class", UNICODE, "voice")]
    d = several(made, Message("part", text="t", headers=head, props=props,
                              named=named),
                Message("none", text="t", props=props, named=named))
    part, none = of(d, "part").msg, of(d, "none").msg
    assert len(set(map(str.lower, part.keys()))) == len(part.keys())
    assert part["content-class"] == "rpmsg.message"
    assert part["content-language"] == "de" and not part["content-id"]
    assert part["from"] and part["message-id"]
    assert none["content-class"] == "voice" and none["references"] == "<a@b>"


def test_no_headers(made):
    """Built from properties: the same at each reading."""
    messages = [Message("a", text="t", to=[BOB]),
                Message("b", text="t", to=[BOB], message_id="<i@x.example>",
                        props={0x1042001f: "<re@x.example>",
                               0x1039001f: "<o@x.example> <re@x.example>",
                               0x00170003: 2, 0x00360003: 3})]
    p = Pst()
    p.folder("Inbox", use="inbox").add(*messages)
    d = made(p)
    first, second = of(d, "a").msg, of(d, "b").msg
    assert first["message-id"]
    assert second["message-id"] == "<i@x.example>"
    assert second["in-reply-to"] == "<re@x.example>"
    assert second["references"].split() == ["<o@x.example>",
                                            "<re@x.example>"]
    assert second["importance"].lower() == "high"
    assert "confidential" in second["sensitivity"].lower()
    p = Pst()
    p.folder("Inbox", use="inbox").add(*messages)
    assert made(p).sums == d.sums


def test_addresses_of_exchange(made):
    """SMTP where the file knows it, else a marked placeholder."""
    dn = "/O=CONTOSO/OU=EXCHANGE/CN=RECIPIENTS/CN="
    m = one(made, Message(
        "x", text="t", sender=Person("Ann", dn + "ANN", "EX"),
        to=[Person("Known", dn + "KNOWN", "EX", "known@contoso.com"),
            Person("Unknown", dn + "UNKNOWN", "EX")],
        bcc=[("Hidden", "hidden@contoso.com")]))
    known, unknown = m.msg["to"].addresses
    assert known.addr_spec == "known@contoso.com"
    assert unknown.domain.endswith(".invalid") and m.note
    assert unknown.display_name == "Unknown"
    assert m.msg["from"].addresses[0].domain.endswith(".invalid")
    assert m.msg["bcc"].addresses[0].addr_spec == "hidden@contoso.com"


def test_addresses_that_stand_elsewhere(made):
    """No name alone for the sender, no name in the place of an address, no
    quotes of quotes; a report came to whom it was sent."""
    me = {0x0040001f: "Me", 0x0075001f: "SMTP", 0x0076001f: "me@b.example"}
    d = several(made, Message(
        "from", text="t", to=[("Q", '"john doe"@example.com'),
                              ("ann@b.example", "x@\u00fcml.example")],
        props={0x0064001f: None, 0x0065001f: None, 0x5d02001f: None}),
        Message("report", text="t", class_="REPORT.IPM.Note.NDR",
                to=[("Bob", "bob@example.com")], props=me))
    m, report = of(d, "from"), of(d, "report")
    assert m.msg["from"] == "Ann Example <ann@example.com>"
    assert not m.msg["sender"]
    quoted, other = m.msg["to"].addresses
    assert quoted.addr_spec == '"john doe"@example.com'
    assert other.domain.endswith(".invalid") and m.note
    assert report.msg["to"] == "Me <me@b.example>"
    assert b"\nFinal-Recipient: rfc822; bob@example.com\r" in report.octets


def test_a_category_without_a_name(made):
    m = one(made, Message("k", text="t", keywords=["Red", "", "Blue"]))
    assert m.found.keywords == ("Blue", "Red")


@pytest.mark.parametrize("subject,prefix,want", [
    ("\x01\x05Re: topic", None, "Re: topic"),
    ("\x01\x01topic", None, "topic"),
    ('odd "quotes" (and) <angles>, @', None, None),
    ("\u65e5\u672c\u8a9e " * 30, None, None),
    ("two\r\nlines", None, "two lines"), ("tab\there", None, None)])
def test_subjects(made, subject, prefix, want):
    m = one(made, Message(subject, text="t"))
    assert m.msg["subject"].split() == (want or subject).split()


def test_names_of_people(made):
    names = ["Doe, John", 'quo"te', "\u65e5\u672c\u8a9e " * 10,
             "back\\slash", "a@b.example", "", "semi; colon: <x>"]
    m = one(made, Message("n", text="t", to=[
        (name, f"a{i}@example.com") for i, name in enumerate(names)]))
    found = m.msg["to"].addresses
    assert [a.addr_spec for a in found] == [
        f"a{i}@example.com" for i in range(len(names))]
    # Python's parser leaves the room between encoded words of a phrase.
    assert ["".join(a.display_name.split()) for a in found[:4]] == [
        "".join(n.split()) for n in names[:4]]


def test_many_recipients(made):
    m = one(made, Message("many", text="t", to=[
        (f"Name {i}", f"name{i}@example.com") for i in range(900)]))
    assert len(m.msg["to"].addresses) == 900


def test_dates(made):
    """A draft was never sent; a date no calendar has is as none."""
    p = Pst()
    p.folder("Inbox", use="inbox").add(
        Message("draft", text="t", flags=8, props={
            0x00390040: None, 0x0e060040: None}),
        Message("never", text="t", props={0x00390040: -1, 0x0e060040: -1}))
    d = made(p)
    assert "\\Draft" in of(d, "draft").found.flags
    assert of(d, "draft").msg["subject"] == "draft"


# --- Attachments -----------------------------------------------------------


def test_names_and_types(made):
    names = ["a b.txt", "\u65e5\u672c\u8a9e" * 50 + ".pdf", 'qu"ote.txt',
             "\u00fc" * 300,
             "../../etc/passwd", "semi;colon.doc", None]
    m = one(made, Message("f", text="t", attachments=[
        File(n, bytes([i]) * 100) for i, n in enumerate(names)]))
    found = files(m.msg)
    assert [o for _, _, o in found] == [
        bytes([i]) * 100 for i in range(len(names))]
    assert [n for n, _, _ in found[:4]] == names[:4]


def test_inline_images(made):
    m = one(made, Message("i", html=b'<img src="cid:pic1">', attachments=[
        File("pic.png", b"\x89PNG" * 50, "image/png", cid="pic1",
             props={0x37140003: 4}), File("other.bin", BLOB)]))
    assert m.msg.get_content_type() == "multipart/mixed"
    related, = [p for p in m.msg.walk()
                if p.get_content_type() == "multipart/related"]
    picture, = [p for p in related.walk()
                if p.get_content_type() == "image/png"]
    assert picture["content-id"] == "<pic1>"
    assert picture.get_payload(decode=True) == b"\x89PNG" * 50
    assert {n: o for n, _, o in files(m.msg)} == {
        "pic.png": b"\x89PNG" * 50, "other.bin": BLOB}


def test_what_html_shows(made):
    """An identifier alone makes nothing a part of it: many programs give
    each attachment one. What isn't shown could not be found there."""
    image = {"octets": b"i", "mime": "image/png"}
    m = one(made, Message(
        "i", text="t", html=b'<img src="cid:in%40x"><img src="there.png">',
        attachments=[
            File("in.png", cid="<in@x>", **image),
            File("out.png", cid="out@x", **image),
            File("there.png", props={0x3713001f: "there.png"}, **image),
            File("flag.png", cid="f", props={0x37140003: 4}, **image),
            embedded(Message("letter", text="l"), cid="in@x",
                     props={0x37140003: 4})]))
    assert m.msg.get_content_type() == "multipart/mixed"
    related, *others = m.msg.iter_parts()
    assert [p.get_filename() for p in related.iter_parts()] == [
        None, "in.png", "there.png", "flag.png"]
    assert [(p.get_filename(), p.get_content_disposition())
            for p in others] == [("out.png", "attachment"),
                                 ("letter.eml", "attachment")]


def test_embedded(made):
    """Message in message in message, also where they have numbers of
    others."""
    inner = Message("inner", text="innermost", attachments=[
        File("deep.bin", BLOB[:5000])])
    p = Pst(nids=0x10000)
    p.folder("Inbox", use="inbox").add(
        Message("decoy", text="no"),
        Message("outer", text="o", attachments=[
            embedded(Message("middle", text="m", to=[BOB],
                             attachments=[embedded(inner)]))]))
    d = made(p)
    (_, _, middle), = files(of(d, "outer").msg)
    assert middle["subject"] == "middle"
    (_, _, innermost), = files(middle)
    assert innermost["subject"] == "inner"
    assert bodies(innermost)["text/plain"].strip() == "innermost"
    assert files(innermost)[0][2] == BLOB[:5000]


def test_very_deep(made):
    """No depth is too much for the rest of the message."""
    m = Message("level 0", text="t")
    for i in range(1, 40):
        m = Message(f"level {i}", text="t", attachments=[embedded(m)])
    assert one(made, m).msg["subject"] == "level 39"


def test_ole_and_reference(made):
    m = one(made, Message("o", text="t", attachments=[
        ole("Picture", BLOB[:4000]),
        reference("there.doc", "\\\\server.contoso.com\\share\\there.doc")]))
    found = files(m.msg)
    assert BLOB[:4000] in [o for _, _, o in found]
    assert b"server.contoso.com\\share\\there.doc" in m.octets


def test_attached_mail_as_file(made):
    """message/rfc822 as data: its octets, never as base64 of that type."""
    eml = b"From: a@example.com\r\nSubject: x\r\n\r\nbody \xff\r\n"
    m = one(made, Message("e", text="t", attachments=[
        File("x.eml", eml, "message/rfc822")]))
    (_, kind, got), = files(m.msg)
    assert kind != "message/rfc822" and got == eml \
        or got["subject"] == "x"


@pytest.mark.parametrize("how", [
    {"gone": True, "octets": b"x"}, {"octets": None, "declared": 5000},
    {"octets": BLOB, "lost": True}])
def test_an_attachment_that_is_not_there(made, how):
    """The mail arrives and says so; it is told beside as one missing."""
    p = Pst()
    p.folder("Inbox", use="inbox").add(Message(
        "half", text="the text", attachments=[
            File("gone.doc", **how), File("there.bin", BLOB)]))
    d = made(p)
    m = of(d, "half")
    assert "the text" in bodies(m.msg)["text/plain"]
    assert BLOB in [o for _, _, o in files(m.msg)]
    hole, = d.holes
    assert "gone.doc" in (hole.key or "") + hole.hole, hole


def test_an_attachment_that_no_table_tells(made):
    m = one(made, Message("u", text="t", attachments=[
        File("told.bin", b"told"), File("untold.bin", b"untold",
                                        untold=True)]))
    assert [o for _, _, o in files(m.msg)] == [b"told", b"untold"]


def macbinary(octets, resources=b"", second=b""):
    """A header, another one, the file, what is beside it."""
    head = bytearray(128)
    head[1:7] = b"\5a.jpg"
    struct.pack_into(">II", head, 83, len(octets), len(resources))
    struct.pack_into(">H", head, 120, len(second))
    return b"".join(part + bytes(-len(part) % 128)
                    for part in (bytes(head), second, octets, resources))


@pytest.mark.parametrize("octets,more", [
    (BLOB, (b"resources",)), (b"short", (b"", b"x" * 130))])
def test_files_of_a_macintosh(made, octets, more):
    """Others could not read them with what is around them."""
    props = {0x37020102: bytes.fromhex("2a864886f714030b01")}
    m = one(made, Message("mac", text="t", attachments=[
        File("a.jpg", macbinary(octets, *more), "multipart/appledouble",
             props=props), File("b.jpg", octets, props=props)]))
    assert files(m.msg) == [("a.jpg", "image/jpeg", octets),
                            ("b.jpg", "image/jpeg", octets)]
    assert ("Macintosh" in m.note) == bool(more[0])


def test_a_large_attachment(made):
    """With an XXBLOCK of the real size."""
    blob = BLOB * 160
    m = one(made, Message("big", text="t", attachments=[
        File("big.bin", blob)]))
    assert sha(files(m.msg)[0][2]) == sha(blob)


# --- Special messages ------------------------------------------------------

SIGNED = (b"Content-Type: multipart/signed; protocol="
          b"\"application/pkcs7-signature\";\r\n micalg=sha1; boundary=\"b\""
          b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsigned  text\r\n"
          b"--b\r\nContent-Type: application/pkcs7-signature\r\n"
          b"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n")


@pytest.mark.parametrize("before", [
    b"", b"\r\n", b"Mime-Version: 1.0\r\n"])
def test_signed(made, before):
    """The signed octets are copied as they are."""
    m = one(made, Message(
        "signed", class_="IPM.Note.SMIME.MultipartSigned", attachments=[
            File("smime.p7m", before + SIGNED, "multipart/signed")]))
    assert m.msg.get_content_type() == "multipart/signed"
    assert SIGNED.partition(b"\r\n\r\n")[2] in m.octets
    assert len(m.msg.get_all("mime-version")) == 1


def test_pgp(made):
    """Its two parts are attachments to Outlook; no other text is lost."""
    head = HEADERS.replace("multipart/mixed", "multipart/encrypted; "
                           "protocol=\"application/pgp-encrypted\"")
    parts = [File("version", b"Version: 1\r\n", "application/pgp-encrypted"),
             File("encrypted.asc", b"-----BEGIN PGP MESSAGE-----\r\n")]
    kinds = [one(made, Message("p", text=text, headers=head,
                               attachments=parts)).msg
             for text in ("\r\n", "a text")]
    assert [m.get_content_type() for m in kinds] == [
        "multipart/encrypted", "multipart/mixed"]
    assert kinds[0].get_param("protocol") == "application/pgp-encrypted"
    assert [p.get_payload(decode=True) for p in kinds[0].iter_parts()] == [
        p.octets for p in parts]


def test_encrypted(made):
    m = one(made, Message("sealed", class_="IPM.Note.SMIME", attachments=[
        File("smime.p7m", BLOB, "application/pkcs7-mime")]))
    assert m.msg.get_content_type() == "application/pkcs7-mime"
    assert m.msg.get_payload(decode=True) == BLOB


def test_report(made):
    m = one(made, Message(
        "Undeliverable: x", text="It failed.", to=[BOB],
        class_="REPORT.IPM.Note.NDR", props={0x1001001f: "Not there."}))
    assert m.msg.get_content_type() == "multipart/report"
    assert m.msg.get_param("report-type") == "delivery-status"
    assert "message/delivery-status" in [
        p.get_content_type() for p in m.msg.walk()]


def test_meeting_request(made):
    start = filetime(WHEN)
    m = one(made, Message(
        "Lunch", text="Join us", to=[BOB],
        class_="IPM.Schedule.Meeting.Request", named=[
            Named("APPOINTMENT", 0x820d, TIME, start),
            Named("APPOINTMENT", 0x820e, TIME, start + 36_000_000_000),
            Named("APPOINTMENT", 0x8208, UNICODE, "Room 5")]))
    calendar, = [p for p in m.msg.walk()
                 if p.get_content_type() == "text/calendar"]
    assert calendar.get_param("method").upper() == "REQUEST"
    text = calendar.get_content()
    assert "DTSTART" in text and "SUMMARY:Lunch" in text


def test_winmail(made):
    """Left as it is."""
    m = one(made, Message("w", text="t", attachments=[
        File("winmail.dat", b"\x78\x9f\x3e\x22" + bytes(40),
             "application/ms-tnef")]))
    assert files(m.msg)[0][2][:4] == b"\x78\x9f\x3e\x22"


def packed(class_, *props):
    """A winmail.dat of properties (id, octets) ([MS-OXTNEF])."""
    def attribute(id_, data):
        return b"\1" + struct.pack("<II", id_, len(data)) + data \
            + struct.pack("<H", sum(data) & 0xffff)
    return struct.pack("<IH", 0x223e9f78, 1) + attribute(
        0x00078008, class_.encode() + b"\0") + attribute(
        0x00069003, struct.pack("<I", len(props)) + b"".join(
            struct.pack("<HHII", BINARY, id_, 1, len(octets)) + octets
            + bytes(-len(octets) % 4) for id_, octets in props))


def test_what_only_winmail_has(made):
    """Mostly its message has the text alone, not what it looked like; what
    is no mail stays packed as well."""
    kinds = {"html": packed("IPM.Note", (0x1013, b"<p>HTML</p>")),
             "rtf": packed("IPM.Note", (0x1009, lzfu(rtf("RTF")))),
             "task": packed("IPM.Task", (0x1013, b"<p>HTML</p>"))}
    p = Pst()
    p.folder("Inbox", use="inbox").add(*[
        Message(name, text="outer", attachments=[File("winmail.dat", octets)])
        for name, octets in kinds.items()])
    d = made(p, "--unpack")
    for m in d.mail:
        assert bodies(m.msg)["text/plain"].strip() == "outer"
    assert "HTML" in bodies(of(d, "html").msg)["text/html"]
    assert {m.msg["subject"]: [name for name, _, _ in files(m.msg)]
            for m in d.mail} == {
                "html": [], "rtf": ["message.rtf"], "task": ["winmail.dat"]}


def test_read_receipt(made):
    m = one(made, Message("Read: x", text="It was read.", to=[BOB],
                          class_="REPORT.IPM.Note.IPNRN"))
    assert m.msg.get_param("report-type") == "disposition-notification"


def test_sealed_by_its_class_alone(made):
    m = one(made, Message("s", text="the text", class_="IPM.Note.SMIME",
                          attachments=[File("a.pdf", b"%PDF-1.4")]))
    assert "the text" in bodies(m.msg)["text/plain"]
    assert files(m.msg)[0][2] == b"%PDF-1.4"


@pytest.mark.parametrize("class_,octets", [
    ("IPM.Note.SMIME", None), ("IPM.Note.SMIME.MultipartSigned", None),
    ("IPM.Note.SMIME.MultipartSigned", b"no header at all"),
    ("REPORT.IPM.Note.DR", None), ("IPM.Schedule.Meeting.Canceled", None),
    ("IPM.Unheard.Of", None), ("", None)])
def test_not_what_its_class_says(made, class_, octets):
    """A signed mail without its signature, a report of nobody."""
    m = one(made, Message("odd", text=None if octets else "the text",
                          class_=class_, attachments=[
                              File("smime.p7m", octets)] if octets else []))
    if octets:
        assert octets in [o for _, _, o in files(m.msg)]
    else:
        assert any("the text" in t for t in bodies(m.msg).values())


def test_nothing_is_slipped_in(made):
    """Line ends in any property make no field, whatever it becomes."""
    evil = "a\r\nX-Evil: 1\r\n\r\n--b"
    m = one(made, Message(
        evil, text="t", sender=Person(evil, evil), to=[(evil, evil)],
        message_id=evil, keywords=[evil],
        props={tag << 16 | UNICODE: evil for tag in (
            0x1042, 0x1039, 0x0070, 0x0050, 0x004f)},
        attachments=[File(evil, b"x", evil, cid=evil),
                     File("b", b"y", "multipart/mixed; boundary=b"),
                     reference("c", evil)]))
    assert b"\nX-Evil" not in m.octets.partition(b"\r\n\r\n")[0]
    assert [o for _, _, o in files(m.msg)] == [b"x", b"y"]
