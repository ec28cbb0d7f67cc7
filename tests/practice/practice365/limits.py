# SPDX-License-Identifier: Apache-2.0
"""What Exchange allows, and a log of all that a client broke.

Graph, per application and mailbox (m365.md C.10): requests at once,
requests in a window, octets uploaded in a window. Exact sliding windows;
refused requests count too. IMAP, per mailbox over all its connections
(B.7): messages appended in a second, and connections.

    refusal = limits.enter(app, mailbox, octets)   before a request
    limits.leave(app, mailbox)                     after it, if not refused
    refusal = limits.append(mailbox)               before an APPEND
    refusal = limits.connect(mailbox) / limits.disconnect(mailbox)

Windows are of the virtual clock; what a client is told to wait is real
seconds (see clock.py).
"""
import collections
import math
import time

from . import clock as clocks

MB = 1_000_000


class Refusal:
    """code, message: as Graph says them. retry_after: real seconds,
    fractional; .seconds is what a header can hold. backoff_ms: the same in
    milliseconds, for IMAP's text."""

    def __init__(self, limit, code, message, retry_after):
        self.limit = limit
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.seconds = max(1, math.ceil(retry_after))
        self.backoff_ms = max(1, math.ceil(retry_after * 1000))


class _Window:
    """Numbers with times; the sum of those younger than `length`."""

    def __init__(self, length):
        self.length = length
        self._items = collections.deque()
        self.sum = 0

    def count(self, now):
        while self._items and self._items[0][0] <= now - self.length:
            self.sum -= self._items.popleft()[1]
        return self.sum

    def add(self, now, number):
        if number:
            self._items.append((now, number))
            self.sum += number

    def room_at(self, now, number, limit):
        """When `number` more will fit; now + length when it never does."""
        need = self.count(now) + number - limit
        for when, n in self._items:
            if need <= 0:
                return now
            need -= n
            if need <= 0:
                return when + self.length
        return now if need <= 0 else now + self.length


class _Imap:
    def __init__(self, limits):
        self.connections = 0
        self.most = 0
        self.appended = _Window(limits.imap_window)
        self.total = 0
        self.until = 0.0    # virtual
        self.told = 0.0     # real, monotonic


class _Budget:
    def __init__(self, limits):
        self.until = 0.0    # told to wait till then (real, monotonic)
        self.told = 0.0
        self.at_once = 0
        self.most = 0
        self.requests = _Window(limits.request_window)
        self.octets = _Window(limits.octet_window)
        self.total = 0
        self.refused = 0


class Limits:
    """The numbers may be changed while it runs: POST /limits."""

    NAMES = ("concurrent", "requests", "request_window", "octets",
             "octet_window", "concurrency_retry", "imap_rate", "imap_window",
             "imap_backoff", "imap_connections", "early_grace", "enforce")

    def __init__(self, clock, concurrent=4, requests=10_000,
                 request_window=600, octets=150 * MB, octet_window=300,
                 concurrency_retry=1, imap_rate=0, imap_window=10,
                 imap_backoff=300, imap_connections=20, early_grace=2,
                 enforce=True):
        """0 for a limit: none. The windows, imap_backoff and imap_rate
        (messages a second, over imap_window) are of the virtual clock,
        concurrency_retry and early_grace are real seconds.
        enforce=False: breaches are logged and nothing is refused."""
        self._clock = clock
        self.concurrent = concurrent
        self.requests = requests
        self.request_window = request_window
        self.octets = octets
        self.octet_window = octet_window
        self.concurrency_retry = concurrency_retry
        self.imap_rate = imap_rate
        self.imap_window = imap_window
        self.imap_backoff = imap_backoff
        self.imap_connections = imap_connections
        self.early_grace = early_grace
        self.enforce = enforce
        self.reset()

    def reset(self):
        self.breaches = []
        self._graph = {}
        self._imap = {}

    def change(self, **numbers):
        for name, value in numbers.items():
            if name not in self.NAMES:
                raise KeyError(name)
            setattr(self, name, value)
        for b in self._graph.values():
            b.requests.length = self.request_window
            b.octets.length = self.octet_window
        for b in self._imap.values():
            b.appended.length = self.imap_window

    # --- Graph -----------------------------------------------------------

    def enter(self, app, mailbox, octets=0):
        """Before a request; octets: of the body of a PATCH, POST or PUT.
        None, or the Refusal; then leave() must not be called."""
        b = self._of_graph(app, mailbox)
        refusal = self._count(b, app, mailbox, octets, True)
        if refusal is None:
            b.at_once += 1
            b.most = max(b.most, b.at_once)
        return refusal

    def upload(self, app, mailbox, octets):
        """A PUT of an upload session, which is pre-authenticated: itself
        and its octets count; whether it is one of those at once is not
        known: it is not. No leave()."""
        return self._count(self._of_graph(app, mailbox), app, mailbox,
                           octets, False)

    def _of_graph(self, app, mailbox):
        return self._graph.setdefault((app, mailbox.lower()), _Budget(self))

    def _count(self, b, app, mailbox, octets, at_once):
        now = self._clock.now()
        self._early(b, app, mailbox)
        b.total += 1
        b.requests.add(now, 1)
        b.octets.add(now, octets)
        refusal = self._over(b, app, mailbox, now, at_once)
        if refusal is None or not self.enforce:
            return None
        b.refused += 1
        self._wait(b, refusal.seconds)
        return refusal

    def leave(self, app, mailbox):
        b = self._graph.get((app, mailbox.lower()))
        if b is not None and b.at_once:     # none after a reset
            b.at_once -= 1

    def told_to_wait(self, app, mailbox, seconds):
        """An injected 429 or 503 has said Retry-After (real seconds)."""
        self._wait(self._of_graph(app, mailbox), seconds)

    def _wait(self, b, seconds):
        now = time.monotonic()
        b.until = max(b.until, now + seconds)
        b.told = now

    def _early(self, b, app, mailbox):
        """Sent although it was told to wait, and had time to know."""
        now = time.monotonic()
        # A quarter second: Retry-After is obeyed by another clock.
        if b.told + self.early_grace < now < b.until - 0.25:
            self._breach("early", app, mailbox, round(b.until - now, 2), 0,
                         refused=False)

    def _over(self, b, app, mailbox, now, one_more=True):
        found = None
        if one_more and self.concurrent and b.at_once + 1 > self.concurrent:
            found = self._refuse(
                "concurrent", app, mailbox, b.at_once + 1, self.concurrent,
                "ApplicationThrottled", "Application is over its "
                "MailboxConcurrency limit.", self.concurrency_retry)
        requests = b.requests.count(now)
        if self.requests and requests > self.requests:
            found = self._refuse(
                "requests", app, mailbox, requests, self.requests,
                "ApplicationThrottled",
                "Application is over its Request limit.",
                self._until(b.requests, now, 1, self.requests))
        octets = b.octets.count(now)
        if self.octets and octets > self.octets:
            found = self._refuse(
                "octets", app, mailbox, octets, self.octets,
                "ApplicationThrottled",
                "Application is over its Upload limit.",
                self._until(b.octets, now, 1, self.octets))
        return found

    def _until(self, window, now, number, limit):
        return self._clock.real(window.room_at(now, number, limit) - now)

    def _refuse(self, limit, app, mailbox, count, most, code, text, wait):
        refusal = Refusal(limit, code, text, wait)
        self._breach(limit, app, mailbox, count, most, self.enforce,
                     refusal.retry_after)
        return refusal

    def _breach(self, limit, app, mailbox, count, most, refused,
                retry_after=None):
        self.breaches.append({
            "time": clocks.iso(self._clock.now(), True), "limit": limit,
            "app": app, "mailbox": mailbox, "count": count, "most": most,
            "refused": refused, "retry_after": retry_after})

    # --- IMAP ------------------------------------------------------------

    def _of(self, mailbox):
        return self._imap.setdefault(mailbox.lower(), _Imap(self))

    def connect(self, mailbox):
        """A connection has signed in. When refused: no disconnect()."""
        b = self._of(mailbox)
        if self.imap_connections and \
                b.connections + 1 > self.imap_connections:
            refusal = self._refuse(
                "imap-connections", "imap", mailbox, b.connections + 1,
                self.imap_connections, "", "", 60)
            if self.enforce:
                return refusal
        b.connections += 1
        b.most = max(b.most, b.connections)
        return None

    def disconnect(self, mailbox):
        b = self._of(mailbox)
        b.connections = max(0, b.connections - 1)

    def append(self, mailbox):
        """Before an APPEND. Over the rate: back-off for the mailbox, on
        all its connections, until it is over."""
        b = self._of(mailbox)
        now = self._clock.now()
        if now < b.until and self.enforce:
            wait = self._clock.real(b.until - now)
            # What was under way on other connections is no breach.
            if time.monotonic() > b.told + self.early_grace:
                return self._refuse("imap-early", "imap", mailbox, 1, 0,
                                    "", "", wait)
            return Refusal("imap-early", "", "", wait)
        b.appended.add(now, 1)
        b.total += 1
        count = b.appended.count(now)
        most = self.imap_rate * self.imap_window
        if not self.imap_rate or count <= most:
            return None
        refusal = self._refuse("imap-rate", "imap", mailbox, count, most,
                               "", "", self._clock.real(self.imap_backoff))
        if not self.enforce:
            return None
        b.until = now + self.imap_backoff
        b.told = time.monotonic()
        return refusal

    # --- Read back -------------------------------------------------------

    def state(self):
        now = self._clock.now()
        out = {"limits": {n: getattr(self, n) for n in self.NAMES},
               "graph": [], "imap": []}
        for (app, mailbox), b in self._graph.items():
            out["graph"].append({
                "app": app, "mailbox": mailbox, "at_once": b.at_once,
                "most_at_once": b.most, "requests": b.requests.count(now),
                "octets": b.octets.count(now), "total": b.total,
                "refused": b.refused})
        for mailbox, b in self._imap.items():
            out["imap"].append({
                "mailbox": mailbox, "connections": b.connections,
                "most_connections": b.most, "appended": b.total})
        return out
