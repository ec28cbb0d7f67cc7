# SPDX-License-Identifier: Apache-2.0
"""The virtual clock: runs `scale` times as fast as the real one.

All dates that are shown (Date:, receivedDateTime, INTERNALDATE...) and all
windows of the limits are of this clock: with --clock 60 ten minutes are ten
seconds. The program under test sleeps by the real clock: what it is told to
wait (Retry-After, Suggested Backoff Time, expires_in, interval) is real
time, see real().
"""
import asyncio
import datetime
import email.utils
import time


class Clock:
    def __init__(self, scale=1.0):
        self.scale = float(scale)
        self._start = time.time()
        self._from = time.monotonic()

    def now(self):
        """Virtual seconds since 1970."""
        return self._start + (time.monotonic() - self._from) * self.scale

    def set_scale(self, scale):
        self._start, self._from = self.now(), time.monotonic()
        self.scale = float(scale)

    def forward(self, seconds):
        """Virtual seconds pass at once."""
        self._start += seconds

    def real(self, virtual):
        """Real seconds that so many virtual ones take."""
        return virtual / self.scale

    async def sleep(self, virtual):
        await asyncio.sleep(self.real(virtual))

    def http_date(self):
        return email.utils.formatdate(self.now(), usegmt=True)


def iso(seconds, fraction=False):
    """"2024-05-15T12:00:00Z", as Graph writes it; None stays None."""
    if seconds is None:
        return None
    when = datetime.datetime(1970, 1, 1) + datetime.timedelta(
        seconds=seconds)
    if fraction:
        return when.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text):
    """Of an ISO 8601 time, UTC where no zone is given; ValueError."""
    text = str(text).strip().replace("Z", "+00:00")
    head, dot, tail = text.partition(".")
    if dot:
        digits = tail[:len(tail) - len(tail.lstrip("0123456789"))]
        text = head + "." + digits[:6].ljust(6, "0") + tail[len(digits):]
    when = datetime.datetime.fromisoformat(text)
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.timezone.utc)
    return when.timestamp()
