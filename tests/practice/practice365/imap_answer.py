# SPDX-License-Identifier: Apache-2.0
"""How a command or a connection ends, other than as expected."""


class Answer(Exception):
    """Ends a command: "OK", "NO" or "BAD", and a text."""

    def __init__(self, status, text):
        super().__init__(status, text)
        self.status, self.text = status, text


class Throttled(Answer):
    """Refused with a time to wait; then the connection ends."""

    def __init__(self, milliseconds):
        super().__init__("BAD", "Request is throttled. Suggested Backoff "
                         f"Time: {milliseconds} milliseconds")


class End(Exception):
    """Ends the connection: after a BYE if there is a text; abort: without
    so much as a goodbye of TLS. first: (status, text) of a tagged answer
    that goes before the BYE."""

    def __init__(self, bye=None, abort=False, first=None):
        super().__init__(bye)
        self.bye, self.abort, self.first = bye, abort, first


def refuse(text):
    raise Answer("NO", text)
