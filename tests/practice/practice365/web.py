# SPDX-License-Identifier: Apache-2.0
"""The HTTPS server: HTTP/1.1 and HTTP/2 (by ALPN), one table of routes.

    web.route("GET", "/v1.0/users/(?P<user>[^/]+)", handler)
    async def handler(request):
        return Response(200, {"id": request.params["user"]})

The expression must match the whole path, in which all but "/" is percent-
decoded; the first route that was registered wins. A handler never blocks.
It may raise Drop: the connection is closed without an answer. What it gave
to request.at_end() runs when the answer, after the answer time
(--latency-ms), is about to be written, or was never.
"""
import asyncio
import gzip
import json
import re
import sys
import traceback
import urllib.parse
import uuid

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from . import certs, clock

LARGEST = 200 << 20
REASONS = {100: "Continue", 200: "OK", 201: "Created", 202: "Accepted",
           204: "No Content", 302: "Found", 400: "Bad Request",
           401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 409: "Conflict", 410: "Gone",
           412: "Precondition Failed", 413: "Request Entity Too Large",
           415: "Unsupported Media Type", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable", 504: "Gateway Timeout",
           507: "Insufficient Storage"}


class Drop(Exception):
    """Close the connection (of HTTP/2: or only the stream) unanswered."""

    def __init__(self, stream_only=False):
        super().__init__()
        self.stream_only = stream_only


class BadRequest(Exception):
    """Not HTTP."""


class Request:
    def __init__(self, method, target, headers, body, http2=False):
        """headers: list of (name, value)."""
        self.method = method
        self.target = target        # as it was sent
        self.http2 = http2
        self.headers = {}           # names in lower case
        for name, value in headers:
            name = name.lower()
            if name in self.headers:
                value = self.headers[name] + ", " + value
            self.headers[name] = value
        self.body = body
        path, _, self.raw_query = target.partition("?")
        self.path = urllib.parse.unquote(
            re.sub("%2f", "%252F", path, flags=re.I), errors="replace")
        self.query = dict(urllib.parse.parse_qsl(
            self.raw_query, keep_blank_values=True))
        self.params = {}
        self.id = str(uuid.uuid4())
        self.claims = None          # for whoever has checked the token
        self._ending = []
        self._ended = False

    @property
    def text(self):
        """For faults: "METHOD path?query", decoded."""
        return f"{self.method} " + urllib.parse.unquote_plus(
            self.target, errors="replace")

    def json(self):
        """ValueError when it is none."""
        return json.loads(self.body.decode("utf-8"))

    def form(self):
        return dict(urllib.parse.parse_qsl(
            self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def at_end(self, fn):
        if self._ended:
            fn()
        else:
            self._ending.append(fn)

    def ended(self):
        self._ended = True
        while self._ending:
            self._ending.pop()()


class Response:
    def __init__(self, status=200, content=b"", headers=None):
        """content: bytes, or what becomes JSON (None: nothing)."""
        self.status = status
        self.headers = dict(headers or {})
        self.cut = False            # half of it, then the line drops
        if isinstance(content, (bytes, bytearray)):
            self.body = bytes(content)
            return
        if content is None:
            self.body = b""
            return
        self.body = json.dumps(content, ensure_ascii=False).encode(
            "utf-8", "replace")
        self.headers.setdefault("Content-Type",
                                "application/json; charset=utf-8")


def graph_error(core, request, status, code, message, retry_after=None):
    """An error as Graph writes it (m365.md C.11)."""
    headers = {"request-id": request.id}
    inner = {"date": clock.iso(core.clock.now())[:-1],
             "request-id": request.id}
    client = request.headers.get("client-request-id")
    inner["client-request-id"] = client or request.id
    headers["client-request-id"] = inner["client-request-id"]
    if retry_after is not None:
        headers["Retry-After"] = str(int(retry_after))
    return Response(status, {"error": {
        "code": code, "message": message, "innerError": inner}}, headers)


class Web:
    def __init__(self, core):
        self.core = core
        self.routes = []
        # For what no route takes; a part may replace it.
        self.fallback = self._no_route
        self._servers = []
        self._writers = set()
        self.connections = 0        # ever made
        self.http2 = 0              # of these

    def route(self, method, regex, handler):
        self.routes.append((method, re.compile(regex + r"\Z"), handler))

    async def start(self, crt, key):
        """One more port; its number."""
        alpn = ["http/1.1"] if self.core.config.no_h2 else ["h2", "http/1.1"]
        server = await asyncio.start_server(
            self._connection, "127.0.0.1", 0, limit=1 << 20, backlog=512,
            ssl=certs.context(crt, key, alpn))
        self._servers.append(server)
        return server.sockets[0].getsockname()[1]

    def stop(self):
        for server in self._servers:
            server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    def drop_all(self):
        """All connections break now."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _no_route(self, request):
        paths = [m for m, r, _ in self.routes if r.match(request.path)]
        segment = request.path.rstrip("/").rpartition("/")[2]
        return graph_error(
            self.core, request, 405 if paths else 404,
            "Request_BadRequest" if paths else "ResourceNotFound",
            "Specified HTTP method is not allowed for the request target."
            if paths else f"Resource not found for the segment '{segment}'.")

    async def dispatch(self, request):
        """The handler's answer; also for the parts of a $batch."""
        for method, regex, handler in self.routes:
            match = regex.match(request.path)
            if match and method == request.method:
                request.params = {
                    k: v and re.sub("%2f", "/", v, flags=re.I)
                    for k, v in match.groupdict().items()}
                return await handler(request)
        return await self.fallback(request)

    async def answer(self, request):
        """With answer time and what was to be done at the end."""
        try:
            try:
                response = await self.dispatch(request)
            except Drop:
                self.core.log("http", text=request.text[:300], status=0)
                raise
            except Exception:
                traceback.print_exc(file=sys.stderr)
                response = graph_error(self.core, request, 500,
                                       "generalException",
                                       "The practice tenant has a fault.")
            self.core.log("http", text=request.text[:300],
                          status=response.status)
            await self.core.latency()
        finally:
            request.ended()
        response.headers.setdefault("Date", self.core.clock.http_date())
        self._compress(request, response)
        return response

    @staticmethod
    def _compress(request, response):
        if len(response.body) > 1024 and "gzip" in request.headers.get(
                "accept-encoding", "") and \
                "json" in response.headers.get("Content-Type", ""):
            response.body = gzip.compress(response.body, 1)
            response.headers["Content-Encoding"] = "gzip"

    # --- Connections -----------------------------------------------------

    async def _connection(self, reader, writer):
        self._writers.add(writer)
        self.connections += 1
        try:
            tls = writer.get_extra_info("ssl_object")
            if tls.selected_alpn_protocol() == "h2":
                self.http2 += 1
                await _Http2(self, reader, writer).run()
            else:
                await self._http1(reader, writer)
        except Drop:
            writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError, BadRequest,
                h2.exceptions.ProtocolError, asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _http1(self, reader, writer):
        while True:
            request, keep = await _read_http1(reader, writer)
            if request is None:
                return
            response = await self.answer(request)
            _write_http1(writer, response, keep)
            if response.cut:
                await writer.drain()
                raise Drop()
            await writer.drain()
            if not keep:
                return


# --- HTTP/1.1 ------------------------------------------------------------

async def _read_http1(reader, writer):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None, False
    lines = head[:-4].decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(lines[0])
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise BadRequest(line)
        headers.append((name, value.strip()))
    request = Request(words[0], words[1], headers, b"")
    if request.headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
    request.body = await _read_body(reader, request.headers)
    keep = words[2] == "HTTP/1.1" and \
        request.headers.get("connection", "").lower() != "close"
    return request, keep


async def _read_body(reader, headers):
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    length = int(headers.get("content-length") or 0)
    if length > LARGEST:
        raise BadRequest("too long")
    return await reader.readexactly(length) if length else b""


async def _read_chunks(reader):
    out = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            raise BadRequest("chunk") from None
        if size == 0:
            while (await reader.readuntil(b"\r\n")) != b"\r\n":
                pass
            return bytes(out)
        if len(out) + size > LARGEST:
            raise BadRequest("too long")
        out += await reader.readexactly(size)
        await reader.readexactly(2)


async def serve_plain(reader, writer, answer):
    """HTTP/1.1 for the control API."""
    while True:
        request, keep = await _read_http1(reader, writer)
        if request is None:
            return
        _write_http1(writer, await answer(request), keep)
        await writer.drain()
        if not keep:
            return


def _write_http1(writer, response, keep):
    lines = [f"HTTP/1.1 {response.status} "
             f"{REASONS.get(response.status, 'Status')}"]
    lines += [f"{n}: {v}" for n, v in response.headers.items()]
    if response.status != 204:
        lines.append(f"Content-Length: {len(response.body)}")
    if not keep:
        lines.append("Connection: close")
    body = response.body
    if response.cut:
        body = body[:len(body) // 2]
    writer.write("\r\n".join(lines + ["", ""]).encode("latin-1", "replace")
                 + (b"" if response.status == 204 else body))


# --- HTTP/2 --------------------------------------------------------------

class _Stream:
    def __init__(self, headers):
        self.headers = headers
        self.body = bytearray()
        self.room = asyncio.Event()     # the window has grown
        self.gone = False


class _Http2:
    WINDOW = 1 << 20

    def __init__(self, web, reader, writer):
        self.web = web
        self.reader, self.writer = reader, writer
        self.streams = {}
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8"))
        self.conn.local_settings = h2.settings.Settings(
            client=False, initial_values={
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: self.WINDOW,
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 100,
                h2.settings.SettingCodes.ENABLE_PUSH: 0})
        self.tasks = set()

    async def run(self):
        self.conn.initiate_connection()
        self.conn.increment_flow_control_window(4 * self.WINDOW)
        self._flush()
        try:
            while not self.writer.transport.is_closing():
                data = await self.reader.read(1 << 18)
                if not data:
                    return
                for event in self.conn.receive_data(data):
                    self._event(event)
                self._flush()
                await self.writer.drain()
        finally:
            for s in self.streams.values():
                s.gone = True
                s.room.set()

    def _flush(self):
        data = self.conn.data_to_send()
        if data and not self.writer.transport.is_closing():
            self.writer.write(data)

    def _event(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.streams[event.stream_id] = _Stream(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self._data(event)
        elif isinstance(event, h2.events.StreamEnded):
            self._spawn(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            stream = self.streams.pop(event.stream_id, None)
            if stream:
                stream.gone = True
                stream.room.set()
        elif isinstance(event, (h2.events.WindowUpdated,
                                h2.events.RemoteSettingsChanged)):
            for s in self.streams.values():
                s.room.set()
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.writer.close()

    def _data(self, event):
        if event.flow_controlled_length:
            self.conn.acknowledge_received_data(
                event.flow_controlled_length, event.stream_id)
        stream = self.streams.get(event.stream_id)
        if stream is None:
            return
        stream.body += event.data
        if len(stream.body) > LARGEST:
            raise BadRequest("too long")

    def _spawn(self, number):
        # What was received whole is done, even if the client goes away.
        task = asyncio.get_running_loop().create_task(self._serve(number))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, number):
        stream = self.streams[number]
        pseudo = {n: v for n, v in stream.headers if n.startswith(":")}
        plain = [(n, v) for n, v in stream.headers
                 if not n.startswith(":")]
        request = Request(pseudo.get(":method", ""),
                          pseudo.get(":path", "/"), plain,
                          bytes(stream.body), True)
        stream.body = bytearray()
        try:
            response = await self.web.answer(request)
            await self._send(number, stream, response)
        except Drop as drop:
            self._drop(number, stream, drop)
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            self.streams.pop(number, None)

    def _drop(self, number, stream, drop):
        if not drop.stream_only:
            self.writer.transport.abort()
        elif not stream.gone:
            self.conn.reset_stream(number,
                                   h2.errors.ErrorCodes.INTERNAL_ERROR)
            self._flush()

    async def _send(self, number, stream, response):
        if stream.gone:
            return
        headers = [(":status", str(response.status))] + [
            (n.lower(), str(v)) for n, v in response.headers.items()]
        body = response.body if response.status != 204 else b""
        headers.append(("content-length", str(len(body))))
        if response.cut:
            body = body[:len(body) // 2]
        self.conn.send_headers(number, headers,
                               end_stream=not body and not response.cut)
        self._flush()
        at = 0
        while at < len(body):
            window = min(self.conn.local_flow_control_window(number),
                         self.conn.max_outbound_frame_size)
            if window <= 0:
                stream.room.clear()
                await stream.room.wait()
                if stream.gone:
                    return
                continue
            piece = body[at:at + window]
            at += len(piece)
            self.conn.send_data(
                number, piece,
                end_stream=at == len(body) and not response.cut)
            self._flush()
            await self.writer.drain()
            if stream.gone:
                return
        if response.cut:
            raise Drop()
