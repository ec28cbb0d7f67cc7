# SPDX-License-Identifier: Apache-2.0
"""The door of the mailbox import and export API (m365.md D.1, D.2).

Ids, folders and import sessions only: the container of D.3 is not
imitated, and what is posted to an importUrl is refused as corrupt.
"""
import base64
import os
import re
import urllib.parse

from .graph import Call, Fail, Reply, session_date

RIGHTS = ("MailboxItem.ImportExport",)
SESSION_LIFE = 3600
FOLDERS = ("MailboxFolder.ReadWrite", "MailboxFolder.Read")


def mailbox_id(core, box):
    return f"MBX:{box.guid.split('-')[0]}@{core.tenant.id.split('-')[0]}"


async def settings(call):
    call.options()
    call.need("MailboxSettings.Read", "MailboxSettings.ReadWrite", *RIGHTS,
              "MailboxItem.Read")
    return Reply(200, {
        "@odata.context": call.context("settings/exchange"),
        "primaryMailboxId": mailbox_id(call.core, call.box)},
        "exchangeSettings")


def folder_json(call, folder):
    box = call.box
    return {"id": folder.id, "displayName": folder.display_name,
            "parentFolderId": (folder.parent or box.root).id,
            "type": folder.folder_class,
            "totalItemCount": len(folder.messages),
            "childFolderCount": len(box.children(folder))}


async def folders(call):
    call.need(*FOLDERS)
    call.options("$top", "$skip", "$count")
    page, more = call.page(call.box.children(call.box.root))
    return Reply(200, {"@odata.context": call.base + "/$metadata#folders",
                       **more,
                       "value": [folder_json(call, f) for f in page]},
                 "mailboxFolder")


async def folder(call):
    call.need(*FOLDERS)
    call.options()
    return Reply(200, {
        "@odata.context": call.base + "/$metadata#folders/$entity",
        **folder_json(call, call.box.folder(call.params["folder"]))},
        "mailboxFolder")


async def session(call):
    call.need(*RIGHTS)
    call.options()
    token = base64.urlsafe_b64encode(os.urandom(300)).decode()
    call.core.shared.setdefault("imports", set()).add(token)
    host = call.core.urls.get("outlook") or call.core.urls["graph"]
    return Reply(200, {
        "@odata.context": call.base +
        "/$metadata#microsoft.graph.mailboxItemImportSession",
        "importUrl": f"{host}/api/gv1.0/Mailboxes('" + urllib.parse.quote(
            mailbox_id(call.core, call.box), safe=":@") +
        f"')/importItem?authtoken={token}",
        "expirationDateTime": session_date(call.now + SESSION_LIFE)},
        "mailboxItemImportSession")


TABLE = (("GET", "folders", folders),
         ("GET", r"folders/(?P<folder>[^/]+)", folder),
         ("POST", "createImportSession", session))


class Exchange:
    def __init__(self, graph):
        self.graph, self.core = graph, graph.core

    def handler(self, call, rest):
        for method, regex, handler in TABLE:
            match = re.fullmatch(regex, rest)
            if match and method == call.request.method:
                call.params = match.groupdict()
                return handler
        raise Fail(404, "BadRequest", "Resource not found for the segment "
                   f"'{rest.rpartition('/')[2]}'.")

    async def serve(self, request):
        try:
            call = Call(self.graph, request, self.graph.claims(request))
            if not self.core.config.import_session:
                raise Fail(404, "BadRequest", "Resource not found for the "
                           "segment 'exchange'.")
            box = [b for b in self.core.tenant.mailboxes.values()
                   if mailbox_id(self.core, b) == request.params["mailbox"]]
            if not box:
                raise Fail(404)
            self.graph.find_mailbox(call, box[0].address)
            self.graph.enter(call)
            reply = await self.handler(call, request.params["rest"])(call)
            return self.graph.finish(call, reply)
        except Fail as fail:
            return self.graph.error(request, fail)

    async def import_item(self, request):
        known = request.query.get("authtoken") in self.core.shared.get(
            "imports", ())
        return self.graph.error(request, Fail(
            400, "ErrorCorruptData", "Data is corrupt.") if known
            else Fail(401))


def add(graph):
    exchange = Exchange(graph)
    graph.handle("GET", "settings/exchange", settings)
    for method in ("GET", "POST"):
        graph.core.web.route(
            method, r"/(?:v1\.0|beta)/admin/exchange/mailboxes/"
            r"(?P<mailbox>[^/]+)/(?P<rest>.+)", exchange.serve)
    graph.core.web.route(
        "POST", r"/api/gv1\.0/Mailboxes\('[^/]+'\)/importItem",
        exchange.import_item)
