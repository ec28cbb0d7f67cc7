# SPDX-License-Identifier: Apache-2.0
"""The state read back: octets as Maildir, everything else as JSON.

    DIR/mailboxes/<address>/state.json
    DIR/mailboxes/<address>/Maildir/<folder>/cur/<uid>.<id>:2,<flags>

<folder> is the path with "%" for what is special, levels joined by ".".
state.json: about() below.
"""
import hashlib
import json
import os
import shutil
import urllib.parse

from . import clock


def flags_of(m):
    out = [name for name, there in (
        ("\\Seen", m.is_read), ("\\Answered", m.answered),
        ("\\Flagged", m.flag_status == "flagged"),
        ("\\Deleted", m.deleted), ("\\Draft", m.is_draft),
        ("$MDNSent", m.mdn_sent)) if there]
    return out


def message_about(m, octets=None):
    return {
        "id": m.id, "uid": m.uid, "folder": m.folder.path,
        "flags": flags_of(m), "imap_flagged": m.imap_flagged,
        "is_read": m.is_read, "is_draft": m.is_draft,
        "flag_status": m.flag_status,
        "received": clock.iso(m.received), "sent": clock.iso(m.sent),
        "created": clock.iso(m.created, True), "categories": m.categories,
        "from_mime": m.raw is not None,
        "importance": m.fields.get("importance", "normal"),
        "props": m.props, "fields": m.fields,
        "headers": m.internet_headers,
        "size": len(m.octets() if octets is None else octets),
        "attachments": [{
            "name": a.name, "type": a.content_type,
            "is_inline": a.is_inline, "content_id": a.content_id,
            "size": len(a.data), "odata_type": a.odata_type,
            "sha256": hashlib.sha256(a.data).hexdigest()}
            for a in m.attachments]}


def about(box):
    """A mailbox without its octets."""
    return {
        "address": box.address, "aliases": box.aliases,
        "language": box.language, "kind": box.kind,
        "licensed": box.licensed, "provisioned": box.provisioned,
        "imap_enabled": box.imap_enabled, "used": box.used,
        "quota_octets": box.quota_octets,
        "folders": [{
            "id": f.id, "path": f.path, "name": f.display_name,
            "well_known": f.well_known, "hidden": f.hidden,
            "class": f.folder_class, "imap_name": f.imap_name,
            "uidvalidity": f.uidvalidity, "uidnext": f.uidnext,
            "messages": len(f.messages)} for f in box.by_id.values()],
        "messages": []}


def _folder_name(folder):
    return ".".join(urllib.parse.quote(n, safe=" ").replace(".", "%2E")
                    for n in folder.path) or "%"


def write_mailbox(box, path):
    shutil.rmtree(path, ignore_errors=True)
    state = about(box)
    for folder in box.by_id.values():
        if not folder.messages:
            continue
        base = os.path.join("Maildir", _folder_name(folder))
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(path, base, sub), exist_ok=True)
        for m in folder.messages.values():
            octets = m.octets()
            marks = "".join(c for c, there in (
                ("D", m.is_draft), ("F", m.flag_status == "flagged"),
                ("R", m.answered), ("S", m.is_read), ("T", m.deleted))
                if there)
            name = os.path.join(base, "cur", f"{m.uid}.{m.id}:2,{marks}")
            with open(os.path.join(path, name), "wb") as f:
                f.write(octets)
            state["messages"].append(
                {"file": name, **message_about(m, octets)})
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, "state.json"), "w",
              encoding="utf-8", errors="replace") as f:
        json.dump(state, f, indent=1, ensure_ascii=False)


def write(tenant, path, addresses=None):
    """All mailboxes, or those; returns the folder of each."""
    out = {}
    for address, box in tenant.mailboxes.items():
        if addresses and address not in addresses:
            continue
        out[address] = os.path.join(path, "mailboxes", address)
        write_mailbox(box, out[address])
    return out
