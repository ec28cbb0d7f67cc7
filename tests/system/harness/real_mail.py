# SPDX-License-Identifier: Apache-2.0
"""Every real message of the corpora, as a source and as what is found.

    mail = everything(shared, share=8)  every eighth; of mime/ all
    source = put(path, mail)            a Maildir; {date: Real}
    seen = by_graph(tenant, address)    {date: [message as Graph shows it]}
    for kind, what in not_found(real.octets, seen[date][0]): ...
    for kind in changed(real.octets, seen[date][0]): ...

Each message of a source has a date of its own, by which it is known again
at the other end. not_found() and changed() share nothing with
graph_compare: the one walks all leaves of Python's own tree and looks for
each, the other names what a reader finds changed by design.
"""
import base64
import calendar
import email.errors
import email.parser
import hashlib
import html
import os
import pathlib
import re
import time
import urllib.parse
from collections import defaultdict, namedtuple

from . import corpus, graph_compare
from .archive import LETTERS

FLAGS = ((), ("\\Seen",), ("\\Seen", "\\Answered"), ("\\Flagged",),
         ("\\Draft",), ("\\Answered", "\\Flagged", "\\Seen"))
# Relative to corpora/: where it lies, and the folder that it gets.
KINDS = (("mail/ham", "INBOX"), ("mail/spam", "spam"),
         ("maildir", "maildir"), ("mbox/dialects/truth", "Work/truth"),
         ("mbox/gyb", "Work/gyb"), ("mime", "mime"))
IDS = {k: v for k, v in graph_compare.IDS.items() if k != "icon"}
SPELT = {"%s 0x%x" % (t, int(n, 16)): i for i in IDS.values()
         for t, n in [i.split()]}

Real = namedtuple("Real", "name octets flags folder")


# --- The source --------------------------------------------------------------


def _of_mbox(octets):
    """Cut at what is surely the beginning of a message."""
    parts = re.split(rb"(?m)^From [^\r\n]*\r?\n(?=[!-9;-~]+:)", octets)
    return [p for p in parts if p.strip()]


def _is_mail(path):
    if path.suffix in (".eml", ".mbox"):
        return True
    if path.parent.name == "cpython":
        return path.suffix == ".txt"
    return path.suffix != ".json" and (
        path.parent.name in ("cur", "new") or "maildir__" in path.name)


def everything(shared, share=1):
    """[(name, folder, octets as they lie on the disk)]"""
    root, out = pathlib.Path(shared) / "corpora", []
    for kind, folder in KINDS:
        found = []
        for path in sorted((root / kind).rglob("*")):
            if not path.is_file() or not _is_mail(path):
                continue
            name = str(path.relative_to(root))
            if path.suffix != ".mbox":
                found.append((name, folder, path.read_bytes()))
                continue
            found += [(f"{name}#{i}", folder, octets) for i, octets in
                      enumerate(_of_mbox(path.read_bytes()))]
        out += found if kind == "mime" else found[::share]
    return out


def put(path, mail):
    """A Maildir of octets as they are; gives back {date: Real} with the
    octets in wire form."""
    out = {}
    for i, (name, folder, octets) in enumerate(mail):
        where = pathlib.Path(path)
        if folder != "INBOX":
            where /= "." + folder.replace("/", ".")
        flags, date = FLAGS[i % len(FLAGS)], corpus.START + 3601 * i
        info = "".join(sorted(LETTERS[f] for f in flags))
        for sub in ("cur", "new", "tmp"):
            (where / sub).mkdir(parents=True, exist_ok=True)
        file = where / ("cur" if info else "new") / (
            key(date) + (":2," + info if info else ""))
        file.write_bytes(octets)
        os.utime(file, (date, date))
        out[date] = Real(name, corpus.wire(octets), flags, folder)
    return out


def key(date):
    """Of the message of that date, as problems names it."""
    i = (date - corpus.START) // 3601
    return f"{1500000000 + i}.M{i}.host"


# --- What is there, as Graph shows it ----------------------------------------


def seconds(iso):
    return calendar.timegm(time.strptime(iso[:19], "%Y-%m-%dT%H:%M:%S"))


def _pages(tenant, token, path):
    url = tenant.about["graph_url"] + path
    while url:
        status, _, page = tenant.http("GET", url, token=token)
        assert status == 200, page
        yield from page["value"]
        url = page.get("@odata.nextLink")


def _folders(tenant, token, base, path=""):
    for folder in _pages(tenant, token, base + "?$top=100"):
        name = path + folder["displayName"]
        yield name, folder["id"]
        if folder["childFolderCount"]:
            ident = urllib.parse.quote(folder["id"], safe="")
            yield from _folders(
                tenant, token, base.split("/mailFolders")[0]
                + f"/mailFolders/{ident}/childFolders", name + "/")


def by_graph(tenant, address):
    """{received: [message in the form of graph_compare.compare(), with
    folder, id and source_id]}"""
    token, out = tenant.token(), defaultdict(list)
    user = f"/v1.0/users/{address}/mailFolders"
    wanted = " or ".join(
        f"id eq '{i}'" for i in [*IDS.values(), graph_compare.SOURCE_ID])
    query = urllib.parse.quote(
        "attachments,singleValueExtendedProperties($filter=%s)" % wanted,
        safe="")
    for folder, ident in _folders(tenant, token, user):
        ident = urllib.parse.quote(ident, safe="")
        for m in _pages(tenant, token, f"{user}/{ident}/messages?$top=100"
                        f"&$expand={query}"):
            m["folder"] = folder
            out[seconds(m["receivedDateTime"])].append(_formed(m))
    return out


def _formed(m):
    given = {p["id"]: p["value"]
             for p in m.pop("singleValueExtendedProperties", [])}
    m["source_id"] = next(
        (v for k, v in given.items() if k.endswith("Name SourceId")), None)
    m["props"] = {SPELT[k]: v for k, v in given.items() if k in SPELT}
    files = m["attachments"]
    m["attachments"] = []
    for a in files:
        octets = base64.b64decode(a["contentBytes"], validate=True)
        assert a["size"] >= len(octets)
        m["attachments"].append({
            "name": a["name"], "type": a["contentType"],
            "is_inline": a["isInline"], "content_id": a["contentId"],
            "sha256": hashlib.sha256(octets).hexdigest(),
            "size": len(octets)})
    return m


# --- What a reader looks for -------------------------------------------------


def _parsed(octets):
    return email.parser.BytesParser(_class=graph_compare._Message) \
        .parsebytes(octets)


def _leaves(part, above=()):
    """(leaf, the multiparts around it, outermost first)"""
    if not part.is_multipart():
        yield part, above
        return
    for child in part.get_payload():
        yield from _leaves(child, (*above, part))


def _octets(part):
    return part.get_payload(decode=True) or b""


def _readings(part):
    """The text of a leaf, in each charset that could be meant."""
    octets, said = _octets(part), part.get_content_charset()
    out = [graph_compare.decoded(octets, None)]
    if said:
        out.append(graph_compare.decoded(octets, str(said)))
    return out


def _squeezed(text):
    return re.sub(r"[\s\0\ufffd]+", "", html.unescape(text))


def not_found(octets, seen):
    """(kind, what) of each leaf that is neither an attachment nor in the
    body, and of each attachment that no leaf explains."""
    msg = _parsed(octets)
    body = _squeezed(seen["body"]["content"])
    there = [a["sha256"] for a in seen["attachments"]]
    out = []
    for part, above in _leaves(msg):
        digest = hashlib.sha256(_octets(part)).hexdigest()
        if digest in there:
            there.remove(digest)
        elif not any(_squeezed(t) in body for t in _readings(part)):
            lesser = any(m.kind == "multipart/alternative" for m in above) \
                and part.kind.startswith("text/") \
                and not part.get_filename()
            out.append(("lesser text" if lesser else "part",
                        f"{part.kind}, {len(_octets(part))} octets"))
    return out + [("extra file", digest) for digest in there]


def _nameless(part):
    return not (part.get_param("filename", None, "content-disposition")
                or part.get_param("name", None, "content-type"))


def changed(octets, seen):
    """What is otherwise by design: a set of the names in
    test_m365_real.CHANGED."""
    msg, out = _parsed(octets), set()
    parts = list(msg.walk())
    kinds = {p.kind for p in parts}
    shown = [p for p, _ in _leaves(msg) if p.kind in (
        "text/plain", "text/html") and not graph_compare._attached(p)]
    files = {a["sha256"] for a in seen["attachments"]}
    if any(kind == "lesser text" for kind, _ in not_found(octets, seen)):
        out.add("text beside HTML")
    elif len([p for p in shown if hashlib.sha256(
            _octets(p)).hexdigest() not in files]) > 1:
        out.add("several texts")
    if any(p.is_multipart() and ((p.preamble or "").strip()
                                 or (p.epilogue or "").strip())
           for p in parts):
        out.add("around the parts")
    if "multipart/signed" in kinds:
        out.add("signature")
    if "multipart/encrypted" in kinds:
        out.add("encrypted")
    if any("pkcs7-mime" in k for k in kinds):
        out.add("S/MIME")
    if any(k == "message/rfc822" for k in kinds):
        out.add("attached message")
    if any(_nameless(p) and hashlib.sha256(_octets(p)).hexdigest() in files
           and p is not msg for p, _ in _leaves(msg)):
        out.add("file without a name")
    if not msg.first("message-id"):
        out.add("no Message-ID")
    if graph_compare.instant(msg.first("date")) is None:
        out.add("no date")
    if not msg.first("from") and not msg.first("sender"):
        out.add("no sender")
    people = [seen[k] for k in ("from", "sender") if seen.get(k)]
    for name in graph_compare.RECIPIENTS:
        people += seen[name]
    if any(not p["emailAddress"].get("address") for p in people):
        out.add("no valid address")
    if "\ufffd" in seen["body"]["content"] + (seen["subject"] or ""):
        out.add("no such character")
    if any(msg.first(n) for n in (
            "disposition-notification-to", "return-receipt-to",
            "x-confirm-reading-to")):
        out.add("receipt")
    return out
