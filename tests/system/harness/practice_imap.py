# SPDX-License-Identifier: Apache-2.0
"""A practice tenant's IMAP in this process, and a client of sockets.

    t = Tenant(folder, latency_ms=0, ...)     core.Config's switches
    c = t.signed_in()                         as ann@contoso.com
    c.do("SELECT INBOX")    ["2 EXISTS", ..., "OK [READ-WRITE] SELECT ..."]
    c.append("INBOX (\\Seen)", octets)        with LITERAL+
    t.ann, t.core           what is behind it; t.call(fn) in its thread
    t.stop()

GONE in an answer: the connection has ended.
"""
import asyncio
import base64
import re
import socket
import ssl
import sys
import threading

from . import program

sys.path.insert(0, str(program.ROOT / "tests" / "practice"))

from practice365 import (certs, core as cores, imap, imap_signin,  # noqa
                         model, signin)

MAIL = b"Subject: s\r\nMessage-ID: <one@example.org>\r\n\r\nhello\r\n"
GONE = object()


class Tenant:
    """A tenant in a thread with a loop of its own."""

    def __init__(self, path, **config):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever,
                                       daemon=True)
        self.thread.start()
        self.core = self.do(self._start(str(path), config))
        self.tls = ssl.create_default_context(cafile=f"{path}/ca.pem")
        self.ann = self.core.tenant.mailbox("ann@contoso.com")
        self.open = []

    async def _start(self, path, config):
        core = cores.Core(cores.Config(dir=path, **config))
        _, crt, key = certs.make(path)
        core.tls = certs.context(crt, key)
        signin.register(core)
        core.imap_port = await imap.start(core)
        return core

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(
            coroutine, self.loop).result(60)

    def call(self, fn, *args, **kw):
        """fn in the tenant's own thread."""
        async def run():
            return fn(*args, **kw)
        return self.do(run())

    def stop(self):
        for client in self.open:
            client.close()
        self.do(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    async def _end(self):
        self.core.shared["imap"].close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    # Tokens.

    @property
    def app(self):
        return self.core.tenant.apps[cores.CLIENT_ID]

    def token(self, user="ann@contoso.com",
              scope="https://outlook.office.com/IMAP.AccessAsUser.All"):
        return self.call(self.core.signin.user_token, self.app,
                         self.core.tenant.user(user), scope)["access_token"]

    def app_token(self, resource=model.OUTLOOK_APP):
        return self.call(self.core.signin.app_token,
                         {"scope": resource + "/.default"}, self.app,
                         True)["access_token"]

    # Clients.

    def client(self):
        client = Client(self)
        self.open.append(client)
        return client

    def signed_in(self, user="ann@contoso.com", token=None):
        client = self.client()
        said = client.sign_in(user, token or self.token())
        assert said[-1] == "OK AUTHENTICATE completed.", said
        return client

    def add(self, folder="inbox", raw=MAIL, **about):
        return self.call(self.ann.add, self.ann.folder(folder),
                         model.Message(raw=raw, **about))

    def breaches(self):
        return [b["limit"] for b in self.core.limits.breaches]

    def fault(self, match, what, **more):
        return self.call(self.core.faults.add, where="imap", match=match,
                         what=what, **more)


def xoauth2(user, token):
    return base64.b64encode(
        f"user={user}\x01auth=Bearer {token}\x01\x01".encode())


class Client:
    def __init__(self, tenant):
        raw = socket.create_connection(
            ("127.0.0.1", tenant.core.imap_port), 60)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = tenant.tls.wrap_socket(raw, server_hostname="localhost")
        self.file = self.sock.makefile("rb")
        self.number = 0
        self.greeting = self.line()

    def close(self):
        self.file.close()
        self.sock.close()

    def send(self, octets):
        self.sock.sendall(octets)

    def line(self):
        """A line, with small literals in it; GONE at the end."""
        out = b""
        while True:
            try:
                line = self.file.readline()
            except (ConnectionError, ssl.SSLError):
                return GONE
            if not line:
                return GONE
            out += line
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if not literal:
                return out[:-2].decode("latin-1")
            out += self.file.read(int(literal.group(1)))

    def until(self, tag):
        """Untagged lines and the tagged one, without "* " and tag."""
        out = []
        while True:
            line = self.line()
            if line is GONE:
                return out + [GONE]
            if line.startswith("+"):
                return out + [line]
            head, _, rest = line.partition(" ")
            out.append(rest)
            if head == tag:
                return out

    def do(self, text, literal=None, plus=True):
        self.number += 1
        tag = f"t{self.number}"
        if isinstance(text, str):
            text = text.encode()
        line = tag.encode() + b" " + text
        if literal is None:
            self.send(line + b"\r\n")
        elif plus:
            self.send(line + b" {%d+}\r\n" % len(literal) + literal
                      + b"\r\n")
        else:
            self.send(line + b" {%d}\r\n" % len(literal))
            said = self.until(tag)
            if not said[-1].startswith("+"):
                return said
            self.send(literal + b"\r\n")
        return self.until(tag)

    def rest(self):
        """What still comes before the connection ends."""
        out = []
        while True:
            line = self.line()
            if line is GONE:
                return out
            out.append(line)

    def sign_in(self, user, token):
        return self.do(b"AUTHENTICATE XOAUTH2 " + xoauth2(user, token))

    def append(self, arguments="INBOX", octets=MAIL, plus=True):
        return self.do("APPEND " + arguments, octets, plus)

    def uid(self, answer):
        return int(re.match(r"OK \[APPENDUID \d+ (\d+)\] ",
                            answer[-1]).group(1))

    def flags(self, uid=1):
        said = self.do(f"UID FETCH {uid} (FLAGS)")[0]
        return set(re.search(r"FLAGS \((.*?)\)", said).group(1).split())
