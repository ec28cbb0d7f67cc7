# SPDX-License-Identifier: Apache-2.0
"""$batch (m365.md C.9): up to 20 calls in one, answered in any order.

Its parts take a quarter of the answer time each, four of a batch at once.
"""
import asyncio
import base64
import json
import random

from . import web
from .graph import MOST, Fail

PARTS, AT_ONCE = 20, 4
METHODS = {"GET", "POST", "PATCH", "PUT", "DELETE"}
MEMBERS = {"id", "method", "url", "headers", "body", "dependsOn",
           "atomicityGroup"}


def malformed(text):
    return Fail(400, "BadRequest", f"Invalid batch payload format. {text}")


class Part:
    def __init__(self, given, earlier):
        if not isinstance(given, dict) or set(given) - MEMBERS:
            raise malformed("A request has members that are not known.")
        self.id = given.get("id")
        self.method = given.get("method")
        self.url = given.get("url")
        self.headers = given.get("headers") or {}
        self.body = given.get("body")
        self.depends = given.get("dependsOn") or []
        if not isinstance(self.id, str) or not self.id or \
                self.id.lower() in earlier:
            raise malformed("Request ids must be unique strings.")
        if str(self.method).upper() not in METHODS:
            raise malformed("A method is missing or not known.")
        if not isinstance(self.url, str) or not self.url.startswith("/"):
            raise malformed("A url must be relative and begin with '/'.")
        if not isinstance(self.headers, dict) or not all(
                isinstance(v, str) for v in self.headers.values()):
            raise malformed("Headers must be strings.")
        if not isinstance(self.depends, list) or any(
                str(d).lower() not in earlier for d in self.depends):
            raise malformed("dependsOn names a request that does not "
                            "stand before it.")
        self.method = self.method.upper()
        self.failed = False
        self.answer = None

    def octets(self):
        if self.body is None:
            return b""
        kind = next((v for n, v in self.headers.items()
                     if n.lower() == "content-type"), None)
        if kind is None:
            raise malformed("A body needs a Content-Type header.")
        if "json" in kind:
            return json.dumps(self.body).encode()
        if not isinstance(self.body, str):
            raise malformed("A body that is no JSON is a base64 string.")
        try:
            return base64.b64decode(self.body, validate=True)
        except ValueError:
            raise malformed("A body is no base64.") from None


class Batch:
    def __init__(self, graph):
        self.graph, self.core = graph, graph.core

    async def serve(self, request):
        try:
            self.graph.claims(request)
            if len(request.body) > MOST:
                raise Fail(413)
            parts = self.read(request)
        except Fail as fail:
            return self.graph.error(request, fail)
        fault = self.core.faults.next("graph", request.text)

        async def handler(_):
            return await self.run(request, parts)

        if fault is None:
            return await handler(request)
        response = await self.core.faults.around(
            self.core, fault, request, handler, lambda status, f:
            self.graph.error(request, Fail(
                status, "generalException", "An error on demand.",
                f.retry_after)))
        return response or self.graph.error(request, Fail(500))

    @staticmethod
    def read(request):
        try:
            given = request.json()
        except (ValueError, RecursionError):
            raise malformed("No JSON.") from None
        if not isinstance(given, dict) or set(given) != {"requests"} or \
                not isinstance(given["requests"], list) or \
                not given["requests"]:
            raise malformed("'requests' is wanted, and nothing else.")
        if len(given["requests"]) > PARTS:
            raise malformed("The number of requests exceeds the limit of "
                            f"{PARTS}.")
        parts, seen = [], set()
        for one in given["requests"]:
            part = Part(one, seen)
            part.octets()
            seen.add(part.id.lower())
            parts.append(part)
        return parts

    async def run(self, request, parts):
        version = request.path.split("/")[1]
        if any(p.depends for p in parts):
            for part in parts:
                await self.one(request, version, part, parts)
        else:
            gate = asyncio.Semaphore(AT_ONCE)

            async def gated(part):
                async with gate:
                    await self.one(request, version, part, parts)
            for done in await asyncio.gather(*map(gated, parts),
                                             return_exceptions=True):
                if isinstance(done, BaseException):
                    raise done
        answers = [p.answer for p in parts]
        random.shuffle(answers)
        return web.Response(200, {"responses": answers},
                            {"request-id": request.id})

    async def one(self, outer, version, part, parts):
        by_id = {p.id.lower(): p for p in parts}
        if any(by_id[d.lower()].failed for d in part.depends):
            part.failed = True
            part.answer = {"id": part.id, "status": 424, "headers": {},
                           "body": {"error": {
                               "code": "FailedDependency", "message":
                               "Dependent request failed."}}}
            return
        headers = {"authorization": outer.headers.get("authorization", ""),
                   **{n.lower(): v for n, v in part.headers.items()}}
        inner = web.Request(part.method, f"/{version}{part.url}",
                            list(headers.items()), part.octets())
        try:
            response = await self.core.web.dispatch(inner)
            await asyncio.sleep(self.core.config.latency_ms / 4000)
        finally:
            inner.ended()
        self.core.log("http", text="$batch " + inner.text[:290],
                      status=response.status)
        part.failed = response.status >= 400
        part.answer = {"id": part.id, "status": response.status,
                       "headers": response.headers}
        if response.body:
            part.answer["body"] = self.content(response)

    @staticmethod
    def content(response):
        if "json" in response.headers.get("Content-Type", ""):
            return json.loads(response.body)
        return base64.b64encode(response.body).decode()


def add(graph):
    batch = Batch(graph)
    graph.core.web.route("POST", r"/(?:v1\.0|beta)/\$batch", batch.serve)
