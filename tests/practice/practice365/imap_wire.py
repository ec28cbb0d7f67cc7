# SPDX-License-Identifier: Apache-2.0
"""The octets of one IMAP connection, and when each of them came.

    line = await wire.line(limit)       without its line end; Closed
    octets = await wire.exactly(n)      await wire.skip(n)
    wire.write(octets); await wire.drain()
    wire.at         position of the next octet to read
    wire.received   octets that came so far: more than `at` while an answer
                    is outstanding means that the client did not wait
"""
import asyncio

HIGH = 1 << 20


class Closed(Exception):
    """The other side is gone."""


class TooLong(Exception):
    """A line without an end."""


class Wire(asyncio.Protocol):
    def __init__(self, accepted):
        self._accepted = accepted
        self._buffer = bytearray()
        self._waiter = self._drained = None
        self._paused = self.ended = False
        self.received = self.at = 0

    # --- asyncio's side --------------------------------------------------

    def connection_made(self, transport):
        self.transport = transport
        self._accepted(self)

    def data_received(self, data):
        self._buffer += data
        self.received += len(data)
        if len(self._buffer) > HIGH and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self):
        self.ended = True
        self._wake()

    def connection_lost(self, error):
        self.ended = True
        self._wake()
        self.resume_writing()

    def pause_writing(self):
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self):
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    def _wake(self):
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- The session's side ------------------------------------------------

    async def _more(self):
        if self.ended:
            raise Closed
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _take(self, n):
        octets = bytes(self._buffer[:n])
        del self._buffer[:n]
        self.at += len(octets)
        if self._paused and len(self._buffer) < HIGH // 2:
            self._paused = False
            self.transport.resume_reading()
        return octets

    async def line(self, limit):
        """A line; one that ends in a bare LF is none of IMAP's."""
        seen = 0
        while True:
            end = self._buffer.find(b"\r\n", max(0, seen - 1))
            if end >= 0:
                return self._take(end + 2)[:-2]
            seen = len(self._buffer)
            if seen > limit:
                raise TooLong
            await self._more()

    async def exactly(self, n):
        out = bytearray()
        while True:
            out += self._take(n - len(out))
            if len(out) == n:
                return bytes(out)
            await self._more()

    async def skip(self, n):
        while True:
            n -= len(self._take(n))
            if not n:
                return
            await self._more()

    def write(self, octets):
        if not self.ended:
            self.transport.write(octets)

    async def drain(self):
        if self._drained is not None:
            await self._drained
        if self.ended:
            raise Closed

    def close(self):
        self.transport.close()

    def abort(self):
        self.transport.abort()
