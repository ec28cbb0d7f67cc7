# SPDX-License-Identifier: Apache-2.0
"""Microsoft's own schema of Graph (graph-v1.0-mail.csdl), and checks by it.

    schema = load(notice)          # None where the file is not at hand
    schema.request("message", body, "create")   -> [problem, ...]
    schema.action("move", "message", body)      -> [problem, ...]
    schema.answer("message", body)              -> [problem, ...]

A problem is (name of the property, what is wrong with it). Names must be
Microsoft's to the letter, even on types that the schema calls open: the
service refuses them too, because additions are made by extensions.
"""
import base64
import binascii
import os
import pathlib
import re
import xml.etree.ElementTree as ElementTree

NAME = "graph-v1.0-mail.csdl"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,12})?)?"
    r"(Z|[+-]\d\d:\d\d)\Z", re.I)
DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?\Z")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.I)
RANGES = {"Edm.Int16": 15, "Edm.Int32": 31, "Edm.Int64": 63}

# What the service computes. Those of m365.md C.3 and C.4 that it takes and
# ignores (isDraft, receivedDateTime, sentDateTime) are not among them.
READ_ONLY = {
    "outlookItem": {"id", "changeKey", "createdDateTime",
                    "lastModifiedDateTime"},
    "message": {"bodyPreview", "conversationIndex", "hasAttachments",
                "parentFolderId", "uniqueBody", "webLink"},
    "mailFolder": {"id", "childFolderCount", "parentFolderId",
                   "totalItemCount", "unreadItemCount"},
    "attachment": {"id", "lastModifiedDateTime"},
}
# Writable at creation only.
CREATE_ONLY = {
    "message": {"internetMessageHeaders", "attachments"},
    "mailFolder": {"isHidden"},
}


class Type:
    """One EntityType or ComplexType."""

    def __init__(self, element):
        self.base = local(element.get("BaseType"))
        self.abstract = element.get("Abstract") == "true"
        self.own = {}
        for kind in ("Property", "NavigationProperty"):
            for p in element.findall(EDM + kind):
                self.own[p.get("Name")] = (
                    p.get("Type"), p.get("Nullable") != "false")


def local(name):
    return name.rpartition(".")[2] if name else None


class Schema:
    """The parsed file."""

    def __init__(self, path):
        root = ElementTree.parse(path).getroot()
        self.enums = {
            e.get("Name"): {m.get("Name") for m in e.findall(EDM + "Member")}
            for e in root.iter(EDM + "EnumType")}
        self.types = {
            e.get("Name"): Type(e)
            for tag in ("EntityType", "ComplexType")
            for e in root.iter(EDM + tag)}
        self.actions = {}
        for action in root.iter(EDM + "Action"):
            parameters = action.findall(EDM + "Parameter")
            bound = parameters[0].get("Type").rstrip(")").rpartition(".")[2]
            self.actions[action.get("Name"), bound] = {
                p.get("Name").lower():
                (p.get("Type"), p.get("Nullable") != "false")
                for p in parameters[1:]}
        self._properties = {}
        self._read_only = {}

    def lineage(self, name):
        while name in self.types:
            yield name
            name = self.types[name].base

    def properties(self, name):
        if name not in self._properties:
            found = {}
            for t in self.lineage(name):
                found.update(self.types[t].own)
            self._properties[name] = found
        return self._properties[name]

    def read_only(self, name, mode):
        key = name, mode
        if key not in self._read_only:
            found = set()
            for t in self.lineage(name):
                found |= READ_ONLY.get(t, set())
                if mode == "update":
                    found |= CREATE_ONLY.get(t, set())
            self._read_only[key] = found
        return self._read_only[key]

    # What comes in and what goes out.

    def request(self, name, body, mode="create"):
        if not isinstance(body, dict):
            return [("", "the body is no JSON object")]
        problems = []
        self._object(name, body, "", mode, problems)
        return problems

    def action(self, action, bound, body):
        if not isinstance(body, dict):
            return [("", "the body is no JSON object")]
        parameters = self.actions[action, bound]
        problems = []
        for key, value in body.items():
            if "@" in key:
                continue
            known = parameters.get(key.lower())
            if known is None:
                problems.append((key, "no parameter of this action"))
            else:
                self._value(known, value, key, "create", problems)
        given = {key.lower() for key in body}
        problems += [(p, "is missing") for p, known in parameters.items()
                     if not known[1] and p not in given]
        return problems

    def answer(self, name, body):
        problems = []
        if isinstance(body, dict) and isinstance(body.get("value"), list) \
                and "value" not in self.properties(name):
            for key in body:
                if key != "value" and not key.startswith("@odata."):
                    problems.append((key, "is not part of a collection"))
            for i, item in enumerate(body["value"]):
                self._object(name, item, f"value[{i}]", "answer", problems)
        elif isinstance(body, dict):
            self._object(name, body, "", "answer", problems)
        else:
            problems.append(("", "the answer is no JSON object"))
        return problems

    def _concrete(self, name, body, where, mode, problems):
        given = body.get("@odata.type")
        if given is None:
            if self.types[name].abstract:
                problems.append((where or name, "@odata.type is missing"))
                return None
            return name
        if not isinstance(given, str) or \
                not given.startswith("#microsoft.graph."):
            problems.append((join(where, "@odata.type"), "is malformed"))
            return None
        kind = local(given)
        if name not in self.lineage(kind) or self.types[kind].abstract:
            problems.append((join(where, "@odata.type"),
                             f"{given} is no {name}"))
            return None
        return kind

    def _object(self, name, body, where, mode, problems):
        if not isinstance(body, dict):
            problems.append((where, f"is no object of type {name}"))
            return
        name = self._concrete(name, body, where, mode, problems)
        if name is None:
            return
        known = self.properties(name)
        barred = () if mode == "answer" else self.read_only(name, mode)
        for key, value in body.items():
            if "@" in key:
                continue
            at = join(where, key)
            if key not in known:
                problems.append((at, f"does not exist on type {name}"))
            elif key in barred:
                problems.append((at, "is read-only"))
            else:
                self._value(known[key], value, at, mode, problems)

    def _value(self, known, value, where, mode, problems):
        kind, nullable = known
        if kind.startswith("Collection("):
            if not isinstance(value, list):
                problems.append((where, "is no collection"))
                return
            inner = kind[len("Collection("):-1], False
            for i, item in enumerate(value):
                self._value(inner, item, f"{where}[{i}]", mode, problems)
            return
        if value is None:
            if not nullable:
                problems.append((where, "may not be null"))
            return
        if kind.startswith("Edm."):
            wrong = edm_problem(kind, value)
            if wrong:
                problems.append((where, wrong))
            return
        name = local(kind)
        if name in self.enums:
            # What comes in may be spelt "HTML"; what goes out, "html".
            asked = value if mode == "answer" or \
                not isinstance(value, str) else lower_first(value)
            if asked not in self.enums[name]:
                problems.append((where, f"is none of {name}"))
        elif name in self.types:
            self._object(name, value, where, mode, problems)


def lower_first(value):
    return value.lower() if value.isupper() else value[:1].lower() + value[1:]


def join(where, key):
    return f"{where}.{key}" if where else key


def edm_problem(kind, value):
    """Why value is not of this primitive type, or None."""
    if kind == "Edm.Boolean":
        return None if isinstance(value, bool) else "is no boolean"
    if kind in RANGES:
        if isinstance(value, bool) or not isinstance(value, int):
            return f"is no {kind}"
        bound = 1 << RANGES[kind]
        return None if -bound <= value < bound else f"is out of {kind}"
    if kind == "Edm.Double":
        good = isinstance(value, (int, float)) and \
            not isinstance(value, bool)
        return None if good else "is no number"
    if not isinstance(value, str):
        return f"is no string ({kind})"
    pattern = {"Edm.DateTimeOffset": DATE_TIME, "Edm.Date": DATE,
               "Edm.TimeOfDay": TIME, "Edm.Guid": GUID}.get(kind)
    if pattern:
        return None if pattern.match(value) else f"is no {kind}"
    if kind in ("Edm.Binary", "Edm.Stream"):
        return binary_problem(value)
    return None


def binary_problem(value):
    try:
        # Only the shape of long ones: decoding is the handler's.
        sample = value if len(value) < 4096 else value[:4096]
        base64.b64decode(sample, validate=True)
    except (binascii.Error, ValueError):
        return "is no base64"
    return None if len(value) % 4 == 0 else "is no base64"


def path():
    root = pathlib.Path(__file__).resolve().parents[3]
    shared = os.environ.get("MAILHAUL_SHARED", str(root.parent / "shared"))
    return pathlib.Path(shared) / NAME


def load(notice=print):
    """The schema, or None with a notice."""
    where = path()
    if not where.is_file():
        notice(f"{NAME} is not at hand: nothing is checked against "
               "Microsoft's schema. Set MAILHAUL_SHARED.")
        return None
    return Schema(where)
