# SPDX-License-Identifier: Apache-2.0
"""Graph's messages: list, read, change, move, delete, delta, new ones.

graph_create makes new ones of JSON and MIME (m365.md C.2, C.4)."""
import base64
import binascii
import json
import re

from . import graph_attachments, graph_filter, mime_json
from .graph import DEFAULT_PAGE, LARGEST_PAGE, Fail, Reply
from .graph_expand import expand_of, values

READ = ("Mail.ReadWrite", "Mail.Read")
LIST = ("$top", "$skip", "$select", "$expand", "$filter", "$orderby",
        "$count")
ORDER = ("createdDateTime", "receivedDateTime", "sentDateTime",
         "lastModifiedDateTime", "subject", "importance", "isRead",
         "from/emailAddress/address")
EXPAND = ("singleValueExtendedProperties", "attachments")
# Updatable on drafts only (m365.md C.5).
SENSITIVE = {"subject", "body", "toRecipients", "ccRecipients",
             "bccRecipients", "replyTo", "from", "sender",
             "internetMessageId"}
FREE_CONTENT = {"importance", "inferenceClassification",
                "isReadReceiptRequested", "isDeliveryReceiptRequested"}
RECOVERABLE = "recoverableitemsdeletions"


def found(call, *rights):
    """The message of the path."""
    call.need(*(rights or READ))
    text = call.params["message"]
    if not re.fullmatch(r"[\w=-]{20,}", text):
        raise Fail(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    message = call.box.find(text)
    if message is None or (call.params.get("folder") and
                           call.box.folder(call.params["folder"])
                           is not message.folder):
        raise Fail(404)
    return message


def to_json(call, message, names=None, expand=None):
    out = mime_json.to_json(message, names, call.immutable)
    if expand is not None:
        out.update(values(expand,
                          lambda p: mime_json.extended(message, p)))
        if expand.attachments is not None:
            out["attachments"] = [
                graph_attachments.to_json(a, expand.attachments or None)
                for a in message.attachments]
    return out


def one(call, message, status=200, names=None, expand=None):
    return Reply(status, {
        "@odata.context": call.context("messages/$entity"),
        **to_json(call, message, names, expand)}, "message")


# --- Lists ----------

def chosen(call, messages):
    """After $filter and $orderby."""
    text, order = call.query.get("$filter"), call.query.get("$orderby")
    try:
        fields = []
        if text is not None:
            f = graph_filter.Filter(text, graph_filter.MESSAGE)
            fields = f.fields
            messages = [m for m in messages if f.match(
                lambda n, m=m: mime_json.value(m, n))]
        by = graph_filter.order(order or "receivedDateTime desc", ORDER)
        if call.switch("ignore_orderby"):
            by = graph_filter.order("receivedDateTime desc", ORDER)
    except graph_filter.FilterError as e:
        raise Fail(400, "RequestBroker--ParseUri", str(e)) from None
    if text and order and call.switch("inefficient_filter") and \
            [n for n, _ in by] != fields[:len(by)]:
        raise Fail(400, "InefficientFilter", "The restriction or sort order "
                   "is too complex for this operation.")
    for name, down in reversed(by):
        messages.sort(key=lambda m, n=name: sortable(m, n), reverse=down)
    return messages


def sortable(message, name):
    found_value = mime_json.value(message, name)
    if found_value is None:
        return "" if name in ("subject", "importance") else 0
    return found_value.casefold() if isinstance(found_value, str) \
        else found_value


async def listing(call):
    call.need(*READ)
    call.options(*LIST)
    folder = call.params.get("folder")
    messages = list(call.box.folder(folder).messages.values()) if folder \
        else [m for m in call.box.messages.values()
              if m.folder.is_within(call.box.root)]
    names = call.select(mime_json.SELECTABLE, "message")
    expand = expand_of(call, EXPAND)
    page, more = call.page(chosen(call, messages))
    return Reply(200, {
        "@odata.context": call.context("messages"), **more,
        "value": [to_json(call, m, names, expand) for m in page]},
        "message")


async def get(call):
    call.options("$select", "$expand")
    message = found(call)
    return one(call, message, 200,
               call.select(mime_json.SELECTABLE, "message"),
               expand_of(call, EXPAND))


async def octets(call):
    call.options()
    return Reply(200, found(call).octets(), None,
                 {"Content-Type": "text/plain"})


# --- Changes ----------

def match_change_key(call, message):
    wanted = call.request.headers.get("if-match", "*").strip()
    if wanted != "*" and wanted != f'W/"{message.change_key}"':
        raise Fail(412)


def update_properties(message, given):
    for name, text in given.items():
        if name in mime_json.IGNORED_AT_UPDATE:
            continue
        if name == mime_json.SUBMIT:
            message.sent = mime_json.seconds_of(text)
        elif name == mime_json.MESSAGE_ID:
            message.edit(internetMessageId=text)
        else:
            message.props[name] = text


async def update(call):
    """isDraft, the dates, and 0x0E07 answer 200 and change nothing."""
    call.options()
    message = found(call, "Mail.ReadWrite", "Mail-Advanced.ReadWrite")
    body = call.json("message", "update")
    match_change_key(call, message)
    guarded = SENSITIVE & set(body)
    if guarded and not message.is_draft and call.switch("mail_advanced") \
            and not call.may("Mail-Advanced.ReadWrite"):
        raise Fail(403)
    given = properties_of(body)
    content = {n: body[n] for n in body if n in SENSITIVE}
    if content:
        message.edit(**content)
    # These leave the MIME of a message that has it as it is.
    message.fields.update({n: body[n] for n in body if n in FREE_CONTENT})
    update_properties(message, given)
    if body.get("isRead") is not None:
        message.is_read = body["isRead"]
    if body.get("categories") is not None:
        message.categories = list(body["categories"])
    if isinstance(body.get("flag"), dict) and \
            body["flag"].get("flagStatus"):
        message.flag_status = body["flag"]["flagStatus"]
    call.box.touch(message)
    return one(call, message)


def properties_of(body):
    try:
        return mime_json.properties_of(body)
    except mime_json.BodyError as e:
        raise Fail(e.status, e.code, e.message) from None


def destination(call, name):
    call.options()
    message = found(call, "Mail.ReadWrite")
    body = call.action(name, "message")
    target = body.get("destinationid")
    if not isinstance(target, str):
        raise Fail(400)
    return message, call.box.folder(target)


async def move(call):
    message, folder = destination(call, "move")
    call.box.move(message, folder)
    return one(call, message, 201)


async def copy(call):
    message, folder = destination(call, "copy")
    return one(call, call.box.copy(message, folder), 201)


async def delete(call):
    call.options()
    message = found(call, "Mail.ReadWrite")
    match_change_key(call, message)
    bin_ = call.box.folder(RECOVERABLE)
    if message.folder is bin_:
        call.box.remove(message)
    else:
        call.box.move(message, bin_)
    return Reply(204)


async def permanent_delete(call):
    call.options()
    call.box.remove(found(call, "Mail.ReadWrite"))
    return Reply(204)


# --- Delta ----------

def token_of(call, state):
    text = json.dumps(state, separators=(",", ":"))
    return base64.urlsafe_b64encode(
        (text + "|" + call.graph.sign(text)).encode()).decode()


def state_of(call, token):
    try:
        text, _, mark = base64.urlsafe_b64decode(
            token.encode()).decode().rpartition("|")
        state = json.loads(text)
    except (ValueError, binascii.Error):
        raise Fail(400, "ErrorInvalidUrlQuery",
                   "Badly formed token.") from None
    if mark != call.graph.sign(text):
        raise Fail(400, "ErrorInvalidUrlQuery", "Badly formed token.")
    if call.now > state["made"] + call.switch("delta_life"):
        raise Fail(410, "syncStateNotFound", "The sync state generation is "
                   "not found; continuation token=; start again.")
    return state


def delta_link(call, name, state):
    return call.core.urls.get("graph", "") + \
        call.request.target.partition("?")[0] + \
        f"?%24{name}token=" + token_of(call, state)


def changed_since(call, folder, since):
    """(messages there, ids gone), each once, in the order of change."""
    ids = {}
    for sequence, _, message_id in folder.changes:
        if sequence > since:
            ids.pop(message_id, None)
            ids[message_id] = True
    there, gone = [], []
    for message_id in ids:
        message = call.box.messages.get(message_id)
        if message is not None and message.folder is folder:
            there.append(message)
        else:
            gone.append(message_id)
    return there, gone


def delta_items(call, folder, state):
    known = call.core.shared.setdefault("delta-ids", {})
    names = state["select"]
    if state["since"] == 0:
        there, gone = list(folder.messages.values()), []
    else:
        there, gone = changed_since(call, folder, state["since"])
    out = []
    for m in there:
        known[m.id] = m.classic_id
        out.append(("there", m))
    for i in gone:
        out.append(("gone", i if call.immutable else known.get(i, i)))
    return out, names


def delta_start(call):
    select = call.query.get("$select")
    names = None if select is None else [
        n.strip() for n in select.split(",")]
    if names is not None:
        call.graph.known(names, mime_json.SELECTABLE, "message")
    return {"made": call.now, "since": 0, "until": call.box.sequence,
            "skip": 0, "select": names}


async def delta(call):
    call.need(*READ)
    folder = call.box.folder(call.params["folder"])
    token = call.query.get("$skiptoken") or call.query.get("$deltatoken")
    if token:
        if len(call.query) != 1:
            raise Fail(400, "ErrorInvalidUrlQuery", "A link is followed as "
                       "it was given.")
        state = state_of(call, token)
        if "$deltatoken" in call.query:
            state.update(since=state["until"], until=call.box.sequence,
                         skip=0, made=call.now)
    else:
        call.options("$select", "$top")
        state = delta_start(call)
    size = re.search(r"odata\.maxpagesize\s*=\s*(\d+)", call.prefer)
    size = min(int(size[1]), LARGEST_PAGE) if size and int(size[1]) else \
        DEFAULT_PAGE
    items, names = delta_items(call, folder, state)
    page = items[state["skip"]:state["skip"] + size]
    out = {"@odata.context": call.context("messages") + "/$delta"}
    if state["skip"] + size < len(items):
        link = "@odata.nextLink"
        out[link] = delta_link(call, "skip", {
            **state, "skip": state["skip"] + size})
    else:
        out["@odata.deltaLink"] = delta_link(call, "delta", state)
    out["value"] = [
        to_json(call, what, names) if kind == "there" else
        {"@removed": {"reason": "deleted"}, "id": what}
        for kind, what in page]
    return Reply(200, out, "message")


# --- Ids ----------

FORMATS = ("restId", "restImmutableEntryId", "entryId", "immutableEntryId",
           "ewsId")


async def translate(call):
    call.options()
    call.need(*READ, "Mail.ReadBasic")
    body = call._read_json()
    ids = body.get("inputIds") if isinstance(body, dict) else None
    if not isinstance(ids, list) or \
            body.get("sourceIdType") not in FORMATS or \
            body.get("targetIdType") not in FORMATS:
        raise Fail(400, "BadRequest", "inputIds, sourceIdType and "
                   "targetIdType are wanted.")
    if len(ids) > 1000:
        raise Fail(400, "ErrorInvalidRequest", "At most 1000 ids.")
    out = []
    for text in ids:
        message = call.box.find(text)
        if message is None:
            out.append({"sourceId": text, "errorDetails": {
                "code": "ErrorItemNotFound", "message": "Not found."}})
        else:
            out.append({"sourceId": text, "targetId": mime_json.id_of(
                message, "mmutable" in body["targetIdType"])})
    return Reply(200, {"@odata.context": call.base + "/$metadata#Collection("
                       "microsoft.graph.convertIdResult)", "value": out})


def add(graph):
    from . import graph_create
    graph.handle("POST", "translateExchangeIds", translate)
    graph.handle("GET", r"mailFolders/(?P<folder>[^/]+)/messages/"
                 r"delta(?:\(\))?", delta)
    for prefix in ("", r"mailFolders/(?P<folder>[^/]+)/"):
        many = prefix + "messages"
        single = many + r"/(?P<message>[^/]+)"
        graph.handle("GET", many, listing)
        graph.handle("POST", many, graph_create.create)
        graph.handle("GET", single, get)
        graph.handle("PATCH", single, update)
        graph.handle("DELETE", single, delete)
        graph.handle("GET", single + r"/\$value", octets)
        graph.handle("POST", single + "/move", move)
        graph.handle("POST", single + "/copy", copy)
        graph.handle("POST", single + "/permanentDelete", permanent_delete)
    graph.handle("POST", r"mailFolders/(?P<folder>[^/]+)/importMime",
                 graph_create.import_mime)
