# SPDX-License-Identifier: Apache-2.0
"""$expand of Graph: extended properties, attachments, child folders."""
import re

from . import model
from .graph import Fail

ITEM = re.compile(r"(\w+)(?:\((.*)\))?\Z", re.S)
ID = re.compile(r"\s*id\s+eq\s+'((?:[^']|'')*)'\s*\Z")
SELECT = re.compile(r"\s*\$select\s*=\s*([\w,\s]+)\Z")


class Expand:
    def __init__(self):
        self.properties = []        # canonical ids
        self.children = False
        self.attachments = None     # None, or the names ([]: all)


def split(text, mark):
    """At mark, but not within quotes or parentheses."""
    depth, quoted, out = 0, False, [""]
    for c in text:
        quoted ^= c == "'"
        if not quoted:
            depth += (c == "(") - (c == ")")
        if c == mark and not depth and not quoted:
            out.append("")
        else:
            out[-1] += c
    return out


def bad(text):
    return Fail(400, "RequestBroker--ParseUri",
                f"Parsing OData Select and Expand failed: {text}")


def ids_of(text):
    """Of "$filter=id eq '...' or id eq '...'"."""
    name, _, rest = (text or "").strip().partition("=")
    if name.strip() != "$filter":
        raise bad("singleValueExtendedProperties wants "
                  "$filter=id eq '...'")
    out = []
    for part in re.split(r"\bor\b(?=\s+id\s+eq\b)", rest):
        found = ID.match(part)
        try:
            out.append(model.property_id(found[1].replace("''", "'")))
        except (TypeError, ValueError):
            raise bad(part) from None
    return out


def spelt(wanted):
    """As the service answers: no zeros in front, "Integer 0xe07"."""
    return re.sub(r" 0x0*(?=[0-9a-f])", " 0x", wanted)


def values(expand, get):
    """The member singleValueExtendedProperties, or nothing: {}."""
    found = [{"id": spelt(p), "value": v} for p, v in
             ((p, get(p)) for p in expand.properties) if isinstance(v, str)]
    return {"singleValueExtendedProperties": found} if found else {}


def expand_of(call, allowed):
    """The Expand of a call, or None."""
    text = call.query.get("$expand")
    if text is None:
        return None
    out = Expand()
    for part in split(text, ","):
        found = ITEM.match(part.strip())
        if not found or found[1] not in allowed:
            raise bad(part)
        if found[1] == "singleValueExtendedProperties":
            out.properties += ids_of(found[2])
        elif found[1] == "childFolders":
            out.children = True
        else:
            out.attachments = attachment_names(found[2])
    return out


def attachment_names(text):
    if not text:
        return []
    found = SELECT.match(text)
    if not found:
        raise bad(text)
    return [n.strip() for n in found[1].split(",")]
