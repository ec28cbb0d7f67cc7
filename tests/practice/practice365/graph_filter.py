# SPDX-License-Identifier: Apache-2.0
"""$filter and $orderby of OData, as far as Exchange takes them.

    f = Filter("isDraft eq true and createdDateTime ge 2026-01-01T00:00:00Z",
               kinds)
    f.match(get)     get("from/emailAddress/address") -> the item's value
    f.fields         the names compared, in their order

get(("singleValueExtendedProperties", id)) wants that property only.
kinds says which names there are and of what kind: string, bool, date (a
number of seconds), enum, int, strings (a collection), properties (MAPI's,
a collection of (id, value)). Whatever is not understood raises
FilterError: the service answers 400, and so a mistake is seen.
"""
import datetime
import re

from . import model

TOKEN = re.compile(r"""\s*(?:
    (?P<string>'(?:[^']|'')*')
  | (?P<date>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?
             (?:Z|[+-]\d\d:\d\d))?(?![\w-]))
  | (?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})
  | (?P<number>-?\d+(?:\.\d+)?)
  | (?P<name>[A-Za-z_@][\w.@]*(?:/[A-Za-z_][\w.]*)*)
  | (?P<mark>[(),:])
)""", re.X)
COMPARE = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b,
    "gt": lambda a, b: a is not None and a > b,
    "ge": lambda a, b: a is not None and a >= b,
    "lt": lambda a, b: a is not None and a < b,
    "le": lambda a, b: a is not None and a <= b}
TESTS = {"startswith": str.startswith, "endswith": str.endswith,
         "contains": str.__contains__}
CASTS = {
    "Edm.Int16": ("Short", int), "Edm.Int32": ("Integer", int),
    "Edm.Int64": ("Long", int), "Edm.Boolean": ("Boolean", None),
    "Edm.Guid": ("CLSID", None), "Edm.DateTimeOffset": ("SystemTime", None),
    "Edm.Double": ("Double", float), "Edm.String": ("String", str)}
MESSAGE = {
    "id": "string", "subject": "string", "internetMessageId": "string",
    "conversationId": "string", "parentFolderId": "string",
    "createdDateTime": "date", "receivedDateTime": "date",
    "sentDateTime": "date", "lastModifiedDateTime": "date",
    "isDraft": "bool", "isRead": "bool", "hasAttachments": "bool",
    "importance": "enum", "flag/flagStatus": "enum",
    "inferenceClassification": "enum",
    "from/emailAddress/address": "string",
    "from/emailAddress/name": "string",
    "sender/emailAddress/address": "string",
    "categories": "strings", "singleValueExtendedProperties": "properties"}
FOLDER = {"displayName": "string", "parentFolderId": "string",
          "totalItemCount": "int", "unreadItemCount": "int",
          "childFolderCount": "int", "isHidden": "bool",
          "singleValueExtendedProperties": "properties"}

class FilterError(ValueError):
    """The text is said in the answer."""


def property_id(text):
    """The one spelling of a MAPI property's id, or None if it is none."""
    try:
        return model.property_id(text)
    except ValueError:
        return None


def seconds(text):
    """Of an ISO date with a zone; FilterError."""
    try:
        if "T" not in text.upper():
            text += "T00:00:00Z"
        text = re.sub(r"(\.\d{6})\d+", r"\1", text.upper())
        when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        if when.tzinfo is None:
            raise ValueError
        return when.timestamp()
    except (ValueError, OverflowError):
        raise FilterError(f"'{text}' is no date with a time zone") from None


class Filter:
    """A parsed $filter."""

    def __init__(self, text, kinds, entity="message"):
        self.kinds, self.entity = kinds, entity
        self.text, self.tokens, self.at = text, [], 0
        self.fields = []
        self.aliases = {}
        self._wanted = []
        at = 0
        while at < len(text.rstrip()):
            m = TOKEN.match(text, at)
            if not m:
                raise FilterError(f"Syntax error at position {at} in "
                                  f"'{text}'.")
            self.tokens.append((m.lastgroup, m[m.lastgroup]))
            at = m.end()
        self._test = self._or()
        if self.at != len(self.tokens):
            raise self._error()

    def match(self, get):
        return self._test(get)

    # --- The parser: each part returns a function of get.

    def _error(self):
        return FilterError(f"Syntax error in '{self.text}'.")

    def _peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) \
            else (None, None)

    def _next(self, kind=None, text=None):
        token = self._peek()
        if token[0] is None or (kind and token[0] != kind) or \
                (text and token[1].lower() != text):
            raise self._error()
        self.at += 1
        return token

    def _word(self, *words):
        kind, text = self._peek()
        if kind == "name" and text.lower() in words:
            self.at += 1
            return True
        return False

    def _or(self):
        parts = [self._and()]
        while self._word("or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else \
            lambda get: any(p(get) for p in parts)

    def _and(self):
        parts = [self._not()]
        while self._word("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else \
            lambda get: all(p(get) for p in parts)

    def _not(self):
        if self._word("not"):
            inner = self._not()
            return lambda get: not inner(get)
        if self._peek() == ("mark", "("):
            self._next()
            inner = self._or()
            self._next("mark", ")")
            return inner
        return self._primary()

    def _primary(self):
        kind, text = self._peek()
        if kind == "name" and text.lower() in TESTS:
            return self._function()
        low = text.lower() if kind == "name" else ""
        if low.endswith(("/any", "/all")):
            return self._lambda()
        left = self._operand()
        operator = self._next("name")[1].lower()
        if operator not in COMPARE:
            raise self._error()
        right = self._operand()
        return self._compare(left, COMPARE[operator], right, operator)

    def _function(self):
        test = TESTS[self._next()[1].lower()]
        self._next("mark", "(")
        left = self._operand()
        self._next("mark", ",")
        right = self._operand()
        self._next("mark", ")")
        if left[0] != "string" or right[0] != "string" or \
                left[2] is None or right[2] is not None:
            raise self._error()
        name, value = left[2], right[1].lower()
        return lambda get: test(str(get(name) or "").lower(), value)

    def _operand(self):
        """(kind, value, name): name None for a literal."""
        kind, text = self._next()
        if kind == "string":
            return "string", text[1:-1].replace("''", "'"), None
        if kind == "date":
            return "date", seconds(text), None
        if kind == "number":
            return "int", float(text), None
        if kind == "guid":
            return "guid", text.lower(), None
        if kind == "mark" and text == "(":
            inner = self._operand()
            self._next("mark", ")")
            return inner
        if kind != "name":
            raise self._error()
        if text.lower() in ("true", "false"):
            return "bool", text.lower() == "true", None
        if text == "null":
            return "null", None, None
        if text.lower() == "cast" and self._peek() == ("mark", "("):
            return self._cast()
        return self._field(text)

    def _cast(self):
        self._next("mark", "(")
        name = self._next("name")[1]
        self._next("mark", ",")
        kind = self._next("name")[1]
        self._next("mark", ")")
        alias, _, rest = name.partition("/")
        if self.aliases.get(alias) != "properties" or rest != "value" or \
                kind not in CASTS:
            raise FilterError(f"cast({name}, {kind}) can't be made.")
        return "cast:" + kind, None, name

    def _field(self, name):
        alias, _, rest = name.partition("/")
        of = self.aliases.get(alias)
        if of == "strings" and not rest:
            return "string", None, name
        if of == "properties" and rest in ("id", "value"):
            return "property " + rest, None, name
        if of is None and name in self.kinds and self.kinds[name] not in (
                "strings", "properties"):
            self.fields.append(name)
            return self.kinds[name], None, name
        raise FilterError(f"Could not find a property named '{name}' on "
                          f"type 'microsoft.graph.{self.entity}'.")

    def _lambda(self):
        name, _, which = self._next()[1].rpartition("/")
        of = self.kinds.get(name)
        if of not in ("strings", "properties"):
            raise FilterError(f"'{name}' is no collection.")
        self.fields.append(name)
        self._next("mark", "(")
        alias = self._next("name")[1]
        self._next("mark", ":")
        if alias in self.aliases:
            raise self._error()
        self.aliases[alias] = of
        self._wanted, start = [], self.at
        inner = self._or()
        del self.aliases[alias]
        source = self._source(name, which, start)
        self._next("mark", ")")
        choose = any if which.lower() == "any" else all

        def test(get):
            return choose(inner(element(get, alias, e))
                          for e in get(source) or ())
        return test

    def _source(self, name, which, start):
        """What to go through: where only one property can match, that
        one, (name, its id), because thousands of messages are asked."""
        words = {t.lower() for k, t in self.tokens[start:self.at]
                 if k == "name"}
        if len(self._wanted) == 1 and which.lower() == "any" and \
                not words & {"or", "not"}:
            return name, self._wanted[0]
        return name

    # --- Comparisons

    def _compare(self, left, test, right, operator):
        if left[2] is None:
            left, right = right, left
        if left[2] is None or right[2] is not None:
            raise self._error()
        kind, _, name = left
        given, value, _ = right
        if given == "null":
            return lambda get: test(get(name), None)
        if kind == "property id":
            return self._property(name, operator, value)
        if kind == "property value":
            return self._untyped(name, test, given, value)
        if kind.startswith("cast:"):
            return self._typed(name, test, kind[5:], given, value)
        wanted = {"enum": "string", "guid": "string"}.get(kind, kind)
        if wanted != given:
            raise FilterError(
                "A binary operator with incompatible types was detected. "
                f"Found operand types for '{name}' and a {given}.")
        if kind == "enum":
            value = value[:1].lower() + value[1:]
        return lambda get: test(get(name), value)

    def _property(self, name, operator, value):
        wanted = property_id(value)
        if operator != "eq" or wanted is None:
            raise FilterError(f"The property id '{value}' is malformed.")
        self._wanted.append(wanted)
        return lambda get: get(name) == wanted

    def _untyped(self, name, test, given, value):
        if given != "string":
            raise FilterError("An extended property that is no string "
                              "must be cast.")
        value = value.lower()
        return lambda get: isinstance(get(name), str) and \
            test(get(name).lower(), value)

    def _typed(self, name, test, kind, given, value):
        wanted = {"Edm.Guid": "guid", "Edm.Boolean": "bool",
                  "Edm.DateTimeOffset": "date", "Edm.String": "string"}.get(
                      kind, "int")
        if given != wanted:
            raise FilterError(f"A {given} can't be compared with {kind}.")

        def compare(get):
            try:
                return test(cast(kind, get(name)), value)
            except (ValueError, FilterError):
                return False
        return compare


def cast(kind, text):
    if kind == "Edm.DateTimeOffset":
        return seconds(text)
    if kind == "Edm.Boolean":
        return text.lower() == "true"
    if kind == "Edm.Guid":
        return text.lower().strip("{}")
    if kind == "Edm.String":
        return text
    return float(text)


def element(get, alias, value):
    """get, with alias standing for one element of a collection."""
    def inner(name):
        first, _, rest = name.partition("/")
        if first != alias:
            return get(name)
        if not rest:
            return value
        return value[0] if rest == "id" else value[1]
    return inner


def order(text, allowed):
    """[(name, descending), ...] of an $orderby."""
    out = []
    for part in text.split(","):
        words = part.split()
        if not words or len(words) > 2 or words[0] not in allowed or \
                (len(words) == 2 and words[1].lower() not in (
                    "asc", "desc")):
            raise FilterError(f"Can't order by '{part.strip()}'.")
        out.append((words[0], len(words) == 2 and
                    words[1].lower() == "desc"))
    return out
