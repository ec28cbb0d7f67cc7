# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between the program and an IMAP server that breaks things.

    with Proxy(server.port, [CutReply("APPEND")]) as p:
        run_mailhaul(["copy", source, server.locator("bob", port=p.port)])
        p.opened, p.max_open, p.refused     connections
        p.up, p.down                        octets from and to the program
        p.commands                          ["LOGIN", "UID FETCH", ...]
        p.fired                             how often a fault struck

It reads plain IMAP (imap+cleartext://), with literals both ways. With a
delay and no faults it does not look into the stream at all and costs
little: then it is good for benchmarks. delay = seconds added each way; the
rate is not limited. Each fault strikes `times` times (default once), and can be added
at any moment by p.faults.append(...).
"""
import asyncio
import re
import threading
from collections import deque

LITERAL = re.compile(rb"\{(\d+)(\+|-)?\}\r?\n$")
TWO_WORDS = {b"UID", b"AUTHENTICATE"}


class Cut(Exception):
    """Both sides of this connection are closed now."""


class Event:
    """A piece of the stream: a whole line, or octets of a literal."""

    __slots__ = ("line", "data", "tag", "name", "first", "last", "size",
                 "done", "sync")

    def __init__(self, **kw):
        for slot in self.__slots__:
            setattr(self, slot, kw.get(slot))


class Framer:
    """Cuts a stream into Events. name is the command's or, from the
    server, the untagged response's; a tagged one has its command's."""

    def __init__(self, commands, from_server):
        self.commands, self.from_server = commands, from_server
        self.rest, self.left, self.size = b"", 0, 0
        self.inside = False
        self.tag = self.name = b""

    def feed(self, data):
        data = self.rest + data if self.rest else data
        at, end = 0, len(data)
        while at < end:
            if self.left:
                piece = data[at:at + self.left]
                done = self.size - self.left
                self.left -= len(piece)
                at += len(piece)
                yield Event(line=False, data=piece, tag=self.tag,
                            name=self.name, size=self.size, done=done,
                            last=False)
                continue
            stop = data.find(b"\n", at)
            if stop < 0:
                break
            line = data[at:stop + 1]
            at = stop + 1
            yield self._line(line)
        self.rest = data[at:]

    def _line(self, line):
        first = not self.inside
        if first:
            self._begin(line)
        literal = LITERAL.search(line)
        self.inside = literal is not None
        if literal:
            self.size = self.left = int(literal.group(1))
        return Event(line=True, data=line, tag=self.tag, name=self.name,
                     first=first, last=not self.inside,
                     sync=bool(literal) and literal.group(2) is None)

    def _begin(self, line):
        words = line.split(None, 3) + [b"", b"", b""]
        self.tag = words[0]
        if not self.from_server:
            name = words[1].upper()
            if name in TWO_WORDS:
                name += b" " + words[2].upper()
            self.name = name
            self.commands[self.tag] = name
        elif self.tag == b"*":
            self.name = (words[2] if words[1].isdigit()
                         else words[1]).upper()
        else:
            self.name = self.commands.get(self.tag, b"")


# --- Faults ------------------------------------------------------------------

class Fault:
    """up and down may give back other octets (b"": swallowed), await, or
    raise Cut; None passes the event on as it is."""

    def __init__(self, times=1, skip=0):
        self.times, self.skip, self.struck = times, skip, 0

    def strikes(self):
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        self.struck += 1
        return True

    async def up(self, conn, event):
        return None

    async def down(self, conn, event):
        return None


class CutAppend(Fault):
    """Drops the connection after n octets of an APPEND's literal."""

    def __init__(self, after=100, **kw):
        super().__init__(**kw)
        self.after = after

    async def up(self, conn, event):
        if event.line or event.name != b"APPEND":
            return None
        end = event.done + len(event.data)
        if end < min(self.after, event.size) or event.done > self.after:
            return None
        if not self.strikes():
            return None
        await conn.to_server(event.data[:self.after - event.done])
        raise Cut


class CutReply(Fault):
    """Drops the connection in place of the tagged reply of a command: it
    was done, and nobody is told."""

    def __init__(self, command="APPEND", **kw):
        super().__init__(**kw)
        self.command = command.encode()

    async def down(self, conn, event):
        if (event.line and event.first and event.name == self.command
                and event.tag not in (b"*", b"+") and self.strikes()):
            raise Cut
        return None


class CutFetch(Fault):
    """Drops the connection inside a literal that the server sends."""

    def __init__(self, after=100, smallest=1, **kw):
        super().__init__(**kw)
        self.after, self.smallest = after, smallest

    async def down(self, conn, event):
        if event.line or event.name != b"FETCH":
            return None
        end = event.done + len(event.data)
        if event.size < self.smallest or end < min(self.after, event.size):
            return None
        if event.done > self.after or not self.strikes():
            return None
        await conn.to_client(event.data[:self.after - event.done])
        raise Cut


class Say(Fault):
    """At a certain moment says data to the program.

    when: "greeting" (in its place), "command" (as it comes by; it is not
    passed on), "reply" (in place of the tagged reply), or "data" (in place
    of the untagged one with this name). data: octets, or an iterable of
    them. then: "cut", "stall" (says nothing more, keeps the connection),
    or "go on".
    """

    def __init__(self, data, when="reply", name="APPEND", then="cut", **kw):
        super().__init__(**kw)
        self.data, self.when, self.then = data, when, then
        self.name = name.encode()

    async def up(self, conn, event):
        if (self.when == "command" and event.line and event.first
                and event.name == self.name and self.strikes()):
            await self._say(conn, event)
            return b""
        return None

    async def down(self, conn, event):
        if not event.line or not event.first:
            return None
        tagged = event.tag not in (b"*", b"+")
        fits = {"greeting": not conn.greeted,
                "reply": tagged and event.name == self.name,
                "data": event.tag == b"*" and event.name == self.name,
                }.get(self.when, False)
        if not fits or not self.strikes():
            return None
        await self._say(conn, event)
        return b""

    async def _say(self, conn, event):
        pieces = [self.data] if isinstance(self.data, bytes) else self.data
        for piece in pieces:
            await conn.to_client(piece.replace(b"%TAG%", event.tag))
        if self.then == "cut":
            raise Cut
        if self.then == "stall":
            conn.mute = True


class Stall(Say):
    """Says nothing more on this connection from a certain moment on."""

    def __init__(self, when="reply", name="APPEND", **kw):
        super().__init__(b"", when=when, name=name, then="stall", **kw)


class Drip(Fault):
    """From the first event with this name on one octet every interval."""

    def __init__(self, name="FETCH", interval=0.5, **kw):
        super().__init__(**kw)
        self.name, self.interval = name.encode(), interval
        self._dripping = set()

    async def down(self, conn, event):
        if conn not in self._dripping:
            if event.name != self.name or not self.strikes():
                return None
            self._dripping.add(conn)
        for i in range(len(event.data)):
            await conn.to_client(event.data[i:i + 1])
            await asyncio.sleep(self.interval)
        return b""


class HoldAppend(Fault):
    """A server that commits late: takes a whole APPEND, closes the
    program's connection, and hands the command to the server after so
    many listings (SEARCH, FETCH or STATUS answers) on other connections
    and so many seconds. committed counts what the server took then."""

    LISTINGS = (b"UID SEARCH", b"SEARCH", b"UID FETCH", b"FETCH", b"STATUS")

    def __init__(self, listings=1, seconds=0.0, limit=60.0, **kw):
        super().__init__(**kw)
        self.listings, self.seconds, self.limit = listings, seconds, limit
        self.committed = 0
        self._held = {}
        self._seen = 0

    async def up(self, conn, event):
        if conn not in self._held:
            if not (event.line and event.first and event.name == b"APPEND"
                    and self.strikes()):
                return None
            self._held[conn] = []
        data = event.data
        if event.line and event.sync:
            await conn.to_client(b"+ go on\r\n")
            data = LITERAL.sub(rb"{\1+}\r\n", data)
        self._held[conn].append(data)
        if event.line and event.last:
            self._seen = 0
            conn.keep_server = True
            conn.proxy.spawn(self._later(conn, event.tag))
            conn.close_client()
        return b""

    async def down(self, conn, event):
        if (event.line and event.first and conn not in self._held
                and event.tag != b"*" and event.name in self.LISTINGS):
            self._seen += 1
        return None

    async def _later(self, conn, tag):
        loop = asyncio.get_running_loop()
        until = loop.time() + self.limit
        while self._seen < self.listings and loop.time() < until:
            await asyncio.sleep(0.02)
        await asyncio.sleep(self.seconds)
        try:
            await conn.to_server(b"".join(self._held[conn]))
            while True:
                line = await conn.server[0].readline()
                if not line:
                    break
                if line.startswith(tag + b" "):
                    self.committed += line.startswith(tag + b" OK")
                    break
        except OSError:
            pass
        finally:
            conn.server[1].close()


class OnCommand(Fault):
    """Calls a function when a command with this name comes by: for what a
    test does behind the program's back at just that moment."""

    def __init__(self, name, call, **kw):
        super().__init__(**kw)
        self.name, self.call = name.encode(), call

    async def up(self, conn, event):
        if (event.line and event.first and event.name == self.name
                and self.strikes()):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, self.call)
        return None


# --- What a broken server might say -------------------------------------------

def huge_literal(size=1 << 30):
    return b"* 1 FETCH (UID 1 BODY[] {%d}\r\nSubject: x\r\n" % size


def endless_line(octets=64 << 20):
    yield b"* OK "
    for _ in range(octets // 65536):
        yield b"x" * 65536


def nested(depth=50000):
    yield b"* 1 FETCH (UID 1 BODYSTRUCTURE "
    yield b"(" * depth
    yield b")" * depth + b")\r\n"


WIDE_NUMBERS = (
    b"* 1 FETCH (UID 99999999999999999999999 RFC822.SIZE "
    b"99999999999999999999999)\r\n* 99999999999999999999999 EXISTS\r\n")


# --- The proxy ------------------------------------------------------------------

class Connection:
    def __init__(self, proxy, client):
        self.proxy, self.client, self.server = proxy, client, None
        self.commands = {}
        self.greeted = self.mute = self.keep_server = False

    async def to_client(self, data):
        self.client[1].write(data)
        self.proxy.down += len(data)
        await self.client[1].drain()

    async def to_server(self, data):
        self.server[1].write(data)
        self.proxy.up += len(data)
        await self.server[1].drain()

    def close_client(self):
        self.client[1].close()

    async def run(self):
        self.server = await asyncio.open_connection(
            *self.proxy.target, limit=1 << 24)
        tasks = [asyncio.ensure_future(self._pump(True)),
                 asyncio.ensure_future(self._pump(False))]
        try:
            await asyncio.wait(tasks,
                               return_when=asyncio.FIRST_COMPLETED)
        finally:
            for t in tasks:
                t.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if not self.keep_server:
                self.server[1].close()
            self.client[1].close()

    async def _pump(self, up):
        try:
            if self.proxy.watch:
                await self._pump_framed(up)
            else:
                await self._pump_late(up)
        except (Cut, OSError, asyncio.IncompleteReadError):
            pass

    async def _pump_late(self, up):
        """Each chunk leaves delay seconds after it came."""
        source = (self.client if up else self.server)[0]
        sink = (self.server if up else self.client)[1]
        loop, queue = asyncio.get_running_loop(), deque()
        wake, state = asyncio.Event(), {"end": False}

        async def deliver():
            while True:
                if not queue:
                    if state["end"]:
                        return
                    wake.clear()
                    await wake.wait()
                    continue
                due, data = queue[0]
                wait = due - loop.time()
                if wait > 0:
                    await asyncio.sleep(wait)
                queue.popleft()
                if up:
                    self.proxy.up += len(data)
                else:
                    self.proxy.down += len(data)
                sink.write(data)
                await sink.drain()

        task = asyncio.ensure_future(deliver())
        try:
            while True:
                data = await source.read(1 << 18)
                if not data:
                    break
                queue.append((loop.time() + self.proxy.delay, data))
                wake.set()
            state["end"] = True
            wake.set()
            await task
        finally:
            task.cancel()

    async def _pump_framed(self, up):
        source = (self.client if up else self.server)[0]
        put = self.to_server if up else self.to_client
        framer = Framer(self.commands, not up)
        while True:
            data = await source.read(1 << 18)
            if not data:
                return
            for event in framer.feed(data):
                await self._pass(up, put, event)

    async def _pass(self, up, put, event):
        out = event.data
        if up and event.line and event.first:
            self.proxy.commands.append(event.name.decode("latin-1"))
        for fault in list(self.proxy.faults):
            answer = await (fault.up if up else fault.down)(self, event)
            if answer is not None:
                out = answer
                break
        if not up:
            self.greeted = True
        if out and not (self.mute and not up):
            await put(out)


class Proxy:
    def __init__(self, port, faults=(), cap=None, delay=0.0,
                 host="127.0.0.1",
                 cap_text=b"* BYE Maximum number of connections from "
                          b"user+IP exceeded\r\n"):
        self.target, self.faults = (host, port), list(faults)
        self.cap, self.delay, self.cap_text = cap, delay, cap_text
        self.watch = bool(faults) or not delay
        self.commands = []
        self.up = self.down = 0
        self.open = self.opened = self.max_open = self.refused = 0
        self._tasks = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, daemon=True)

    @property
    def fired(self):
        return sum(f.struck for f in self.faults)

    def start(self):
        self._thread.start()
        if not self._ready.wait(60):
            raise RuntimeError("the proxy does not start")
        return self

    def stop(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _main(self):
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda loop, context: None)
        server = self._loop.run_until_complete(asyncio.start_server(
            self._accept, "127.0.0.1", 0, limit=1 << 24, backlog=100))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0.05))
            self._loop.close()

    async def _accept(self, reader, writer):
        self.opened += 1
        if self.cap is not None and self.open >= self.cap:
            self.refused += 1
            writer.write(self.cap_text)
            writer.close()
            return
        self.open += 1
        self.max_open = max(self.max_open, self.open)
        try:
            await Connection(self, (reader, writer)).run()
        except OSError:
            writer.close()
        finally:
            self.open -= 1
