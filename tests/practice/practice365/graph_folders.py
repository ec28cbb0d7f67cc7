# SPDX-License-Identifier: Apache-2.0
"""Graph's mail folders (m365.md C.1)."""
from . import graph_filter, model
from .graph import Fail, Reply
from .graph_expand import expand_of, values

SELECT = {"id", "displayName", "parentFolderId", "childFolderCount",
          "unreadItemCount", "totalItemCount", "isHidden"}
LIST = ("$top", "$skip", "$select", "$expand", "$filter", "$orderby",
        "$count", "includeHiddenFolders")
# The service has a page of its own for these, and it is not the root's.
ROOT = "msgfolderroot"
SIZE = "Long 0x0e08"


def extended(folder, wanted):
    """A folder's MAPI property, or None."""
    if wanted == SIZE:
        return str(sum(m.weight() for m in folder.messages.values()))
    if wanted == "String 0x3613":
        return folder.folder_class
    return getattr(folder, "props", {}).get(wanted)


def to_json(call, folder, names=None, expand=None):
    box = call.box
    parent = folder.parent or box.root
    made = {
        "id": lambda: folder.id,
        "displayName": lambda: folder.display_name,
        "parentFolderId": lambda: parent.id,
        "childFolderCount": lambda: len(box.children(folder)),
        "unreadItemCount": lambda: folder.unread,
        "totalItemCount": lambda: len(folder.messages),
        "isHidden": lambda: folder.hidden,
    }
    out = {n: make() for n, make in made.items()
           if names is None or n in names or n == "id"}
    if call.beta and (names is None or "wellKnownName" in names):
        out["wellKnownName"] = folder.well_known
    if expand is not None:
        out.update(values(expand, lambda p: extended(folder, p)))
        if expand.children:
            out["childFolders"] = [to_json(call, f)
                                   for f in box.children(folder)]
    return out


def selected(call):
    allowed = SELECT | ({"wellKnownName"} if call.beta else set())
    return call.select(allowed, "mailFolder")


def value(call, folder, name):
    if name == "singleValueExtendedProperties":
        name = name, SIZE
    if isinstance(name, tuple):
        found_value = extended(folder, name[1])
        return () if found_value is None else ((name[1], found_value),)
    return to_json(call, folder, {name}).get(name)


def found(call, name="folder"):
    call.need("Mail.ReadWrite", "Mail.Read", "Mail.ReadBasic")
    return call.box.folder(call.params[name])


async def listing(call):
    parent = found(call) if call.params.get("folder") else call.box.root
    call.need("Mail.ReadWrite", "Mail.Read", "Mail.ReadBasic")
    call.options(*LIST)
    names = selected(call)
    expand = expand_of(call, ("singleValueExtendedProperties",
                              "childFolders"))
    folders = call.box.children(parent, call.flag("includeHiddenFolders"))
    try:
        if "$filter" in call.query:
            f = graph_filter.Filter(call.query["$filter"],
                                    graph_filter.FOLDER, "mailFolder")
            folders = [x for x in folders
                       if f.match(lambda n, x=x: value(call, x, n))]
        for name, down in reversed(graph_filter.order(
                call.query.get("$orderby", "displayName"),
                ("displayName", "totalItemCount", "unreadItemCount"))):
            folders.sort(key=lambda x, n=name: str(value(call, x, n))
                         .casefold() if n == "displayName"
                         else value(call, x, n), reverse=down)
    except graph_filter.FilterError as e:
        raise Fail(400, "RequestBroker--ParseUri", str(e)) from None
    page, more = call.page(folders)
    return Reply(200, {
        "@odata.context": call.context("mailFolders"), **more,
        "value": [to_json(call, f, names, expand) for f in page]},
        "mailFolder")


async def get(call):
    folder = found(call)
    call.options("$select", "$expand", "includeHiddenFolders")
    expand = expand_of(call, ("singleValueExtendedProperties",
                              "childFolders"))
    return Reply(200, {"@odata.context": call.context("mailFolders/$entity"),
                       **to_json(call, folder, selected(call), expand)},
                 "mailFolder")


def exists(call, name):
    status = call.switch("folder_exists")
    if status not in (400, 409):
        # Both in turn.
        call.graph.folder_turn = not getattr(call.graph, "folder_turn",
                                             False)
        status = 409 if call.graph.folder_turn else 400
    return Fail(status, "ErrorFolderExists", "A folder with the specified "
                f"name already exists., Could not create folder '{name}'.")


def name_of(body):
    name = body.get("displayName")
    if not isinstance(name, str) or not name.strip():
        raise Fail(400, "ErrorInvalidRequest",
                   "The folder's displayName is missing or empty.")
    if len(name) > 255:
        raise Fail(400, "ErrorInvalidRequest", "The folder's displayName is "
                   "longer than 255 characters.")
    return name.strip()


async def create(call):
    call.options()
    call.need("Mail.ReadWrite")
    parent = found(call) if call.params.get("folder") else call.box.root
    body = call.json("mailFolder")
    for key in body:
        if key not in ("displayName", "isHidden",
                       "singleValueExtendedProperties") and "@" not in key:
            call.graph.refuse(call, [(key, "is read-only")], "mailFolder")
    name = name_of(body)
    if len(parent.path) >= 300:
        raise Fail(400, "ErrorFolderHierarchyTooDeep",
                   "The folders are nested too deeply.")
    try:
        folder = call.box.create_folder(parent, name,
                                        bool(body.get("isHidden")))
    except model.FolderExists:
        raise exists(call, name) from None
    return Reply(201, {"@odata.context": call.context("mailFolders/$entity"),
                       **to_json(call, folder)}, "mailFolder")


async def update(call):
    call.options()
    call.need("Mail.ReadWrite")
    folder = found(call)
    body = call.json("mailFolder", "update")
    name = name_of(body)
    if folder.well_known:
        raise Fail(400, "ErrorCannotRenameDistinguishedFolder",
                   "Distinguished folders cannot be renamed.")
    try:
        call.box.rename_folder(folder, name)
    except model.FolderExists:
        raise exists(call, name) from None
    return Reply(200, {"@odata.context": call.context("mailFolders/$entity"),
                       **to_json(call, folder)}, "mailFolder")


async def delete(call):
    call.options()
    call.need("Mail.ReadWrite")
    folder = found(call)
    if folder.well_known:
        raise Fail(400, "ErrorDeleteDistinguishedFolder",
                   "Distinguished folders cannot be deleted.")
    call.box.remove_folder(folder)
    return Reply(204)


async def move(call):
    call.options()
    call.need("Mail.ReadWrite")
    folder = found(call)
    body = call.action("move", "mailFolder")
    target = call.box.folder(body.get("destinationid"))
    if folder.well_known or target.is_within(folder):
        raise Fail(400, "ErrorMoveCopyFailed",
                   "The folder can't be moved there.")
    try:
        call.box.rename_folder(folder, folder.display_name, target)
    except model.FolderExists:
        raise exists(call, folder.display_name) from None
    return Reply(201, {"@odata.context": call.context("mailFolders/$entity"),
                       **to_json(call, folder)}, "mailFolder")


def add(graph):
    one = r"mailFolders/(?P<folder>[^/]+)"
    graph.handle("GET", "mailFolders", listing)
    graph.handle("POST", "mailFolders", create)
    graph.handle("GET", one, get)
    graph.handle("PATCH", one, update)
    graph.handle("DELETE", one, delete)
    graph.handle("POST", one + "/move", move)
    graph.handle("POST", one + "/permanentDelete", delete)
    graph.handle("GET", one + "/childFolders", listing)
    graph.handle("POST", one + "/childFolders", create)
