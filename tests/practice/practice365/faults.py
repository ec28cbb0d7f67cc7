# SPDX-License-Identifier: Apache-2.0
"""Faults on demand: what goes wrong, where, after how many, how often.

    {"where": "graph" | "imap" | "signin", "match": regular expression,
     "what": "503", "times": 1, "after": 0, "retry_after": 2, "delay": 3}

match is searched in "METHOD path?query" of HTTP (decoded), or in the IMAP
command line without its tag ("APPEND Sent ..."). after: so many that match
are let through first. times 0: for ever.

what, for HTTP (around() does these):
  "500" "502" "503" "504" "429" "401"...  refused with that status, not done
  "504-before" "503-before"...            the same
  "504-after" "500-after"...              done, and answered with that status
  "drop-before"   the connection is closed and nothing was done
  "drop-after"    done, and the connection closed without an answer
  "late"          the connection is closed; done `delay` seconds later
  "slow"          answered `delay` seconds later
  "half"          done; the connection is closed in the middle of the answer
Everything else ("quota", "bad"...) is the part's own business, as all of
IMAP's are: fault.what.
"""
import asyncio
import re

from . import web


class Fault:
    def __init__(self, where, match="", what="503", times=1, after=0,
                 retry_after=None, delay=2.0, **more):
        self.where = where
        self.match = match
        self._match = re.compile(match, re.I | re.S)
        self.what = str(what)
        self.times = times
        self.after = after
        self.retry_after = retry_after
        self.delay = delay
        self.more = more        # whatever else was given
        self.seen = 0
        self.done = 0

    def applies(self, where, text):
        if where != self.where or not self._match.search(text):
            return False
        if self.times and self.done >= self.times:
            return False
        self.seen += 1
        return self.seen > self.after

    def state(self):
        return {"where": self.where, "match": self.match, "what": self.what,
                "times": self.times, "after": self.after,
                "retry_after": self.retry_after, "delay": self.delay,
                "seen": self.seen, "done": self.done, **self.more}


class Faults:
    def __init__(self, log):
        self._log = log
        self.list = []

    def add(self, **about):
        fault = Fault(**about)
        self.list.append(fault)
        return fault

    def clear(self):
        self.list = []

    def next(self, where, text):
        """The fault for this request or command; None. Each that matches
        counts it; the first whose turn it is, is taken."""
        found = None
        for fault in self.list:
            if fault.applies(where, text) and found is None:
                found = fault
                fault.done += 1
        if found is not None:
            self._log("fault", where=where, text=text[:200],
                      what=found.what)
        return found

    async def around(self, core, fault, request, handler, error):
        """Acts out a fault of HTTP. error(status, fault) -> Response is
        the part's manner of errors. None: not one of ours."""
        what = fault.what
        number, _, when = what.partition("-")
        if number.isdigit() and when in ("", "before"):
            return error(int(number), fault)
        if number.isdigit() and when == "after":
            await handler(request)
            return error(int(number), fault)
        if what == "drop-before":
            raise web.Drop()
        if what == "drop-after":
            await handler(request)
            raise web.Drop()
        if what == "late":
            core.later(fault.delay, handler(request))
            raise web.Drop()
        if what == "slow":
            await asyncio.sleep(fault.delay)
            return await handler(request)
        if what == "half":
            response = await handler(request)
            response.cut = True
            return response
        return None
