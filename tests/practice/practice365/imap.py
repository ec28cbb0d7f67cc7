# SPDX-License-Identifier: Apache-2.0
"""Exchange's IMAP: connections, sign-in, and which command goes where.

    port = await start(core)        implicit TLS on 127.0.0.1

imap_wire    octets of a connection     imap_signin   who may open what
imap_parse   grammar, names, dates      imap_folders  LIST, SELECT, CREATE...
imap_fetch   FETCH, SEARCH, STORE...    imap_append   APPEND
imap_view    what a session knows of the folder it has selected

A command is read whole, the answer time passes, it is done, answered. What
a client sends before the answer to its last command is a breach, and BAD
when that was an APPEND. Faults (core.faults, "imap", matched against the
command line without its tag): drop-before, drop-mid, drop-after, late,
slow, bye, not-connected, bad10, bad11, no15, quota, throttle.

Switches of core.config: imap4rev2, old_greeting, and SWITCHES below, each
with "imap_" before its name (POST /config of the control API).
"""
import asyncio
import base64
import re
import uuid

from . import clock, imap_append, imap_fetch, imap_folders, imap_signin
from .imap_answer import Answer, End, Throttled
from .imap_parse import LITERAL, BadArguments, parse, quote
from .imap_wire import Closed, TooLong, Wire

# Longest command line, without its literals. Exchange refuses very long
# ones (thousands of UIDs) with this answer; the number is a guess.
LINE = 10_240
ARGUMENT = 65_536       # longest literal that is no message

SWITCHES = {
    "quota_argument": False,    # a full mailbox says BAD ... 11
    "ignore_date": False,       # INTERNALDATE is the time of arrival
    "header8": False,           # 8-bit octets in a header are refused
    "nul": True,                # NUL is refused
    "no_special_use": False,    # LIST without \\Sent and so on
    "line": 10_500,             # longest line of a message
    "errors": 10}               # after so many the connection ends

NOT_CONNECTED = "User is authenticated but not connected."
ARGUMENT_ERROR = "Command Argument Error. 11"
UNKNOWN = "Command Error. 12"
INVALID_STATE = "Command received in Invalid state."
BEHIND = "Command is not valid in this state."

BEFORE = ("IMAP4 IMAP4rev1 {login}AUTH=XOAUTH2{disabled} SASL-IR UIDPLUS "
          "MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+")
AFTER = ("IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID "
         "UNSELECT {rev2}CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION "
         "BACKENDAUTHENTICATE {ir}CHILDREN IDLE NAMESPACE LITERAL+")

ANY, OUT, IN, SELECTED = "any", "out", "in", "selected"
COMMANDS = {
    "CAPABILITY": ANY, "NOOP": ANY, "LOGOUT": ANY, "ID": ANY,
    "AUTHENTICATE": OUT, "LOGIN": OUT, "STARTTLS": OUT,
    "NAMESPACE": IN, "LIST": IN, "LSUB": IN, "STATUS": IN, "SELECT": IN,
    "EXAMINE": IN, "CREATE": IN, "DELETE": IN, "RENAME": IN,
    "SUBSCRIBE": IN, "UNSUBSCRIBE": IN, "APPEND": IN, "IDLE": IN,
    "ENABLE": IN,
    "CHECK": SELECTED, "CLOSE": SELECTED, "UNSELECT": SELECTED,
    "EXPUNGE": SELECTED, "FETCH": SELECTED, "SEARCH": SELECTED,
    "STORE": SELECTED, "COPY": SELECTED, "MOVE": SELECTED,
    "UID FETCH": SELECTED, "UID SEARCH": SELECTED, "UID STORE": SELECTED,
    "UID COPY": SELECTED, "UID MOVE": SELECTED, "UID EXPUNGE": SELECTED}


class Command:
    """tag, name ("UID FETCH"), text: its arguments as octets; message:
    the match of APPEND's literal, not yet read; began: its position."""

    def __init__(self, tag, name, text, began):
        self.tag, self.name, self.text = tag, name, text
        self.began, self.message = began, None

    @property
    def line(self):
        text = self.text.decode("latin-1")
        return self.name + (" " + text if text else "")

    @property
    def arguments(self):
        return parse(self.text)


class Session:
    def __init__(self, core, wire, number):
        self.core, self.wire, self.number = core, wire, number
        self.admitted = self.view = None
        self.connected = False      # counts among the mailbox's connections
        self.useless = False        # "authenticated but not connected"
        self.errors = 0
        # Positions up to which the client had sent before it was answered.
        self.early = self.behind_append = 0

    @property
    def mailbox(self):
        return self.admitted.mailbox if self.admitted else None

    def option(self, name):
        return getattr(self.core.config, "imap_" + name, SWITCHES[name])

    def untagged(self, text):
        self.wire.write(b"* " + text.encode("utf-8") + b"\r\n")

    def breach(self, limit, command):
        address = self.mailbox.address if self.mailbox else ""
        self.core.limits.breaches.append({
            "time": clock.iso(self.core.clock.now(), True), "limit": limit,
            "app": "imap", "mailbox": address, "count": 1, "most": 0,
            "refused": False, "retry_after": None, "command": command.name})

    # --- Life --------------------------------------------------------------

    async def run(self):
        try:
            await self.greet()
            while True:
                await self.one()
        except (Closed, ConnectionError):
            self.wire.abort()
        except End as e:
            if e.bye is not None:
                self.untagged("BYE " + e.bye)
            self.wire.abort() if e.abort else self.wire.close()
        except TooLong:
            self.untagged("BYE Connection closed. 14")
            self.wire.close()
        finally:
            self.forget()

    def forget(self):
        self.leave_folder()
        if self.connected:
            self.connected = False
            self.core.limits.disconnect(self.mailbox.address)

    def leave_folder(self):
        if self.view is not None:
            self.view.close()
            self.view = None

    async def greet(self):
        await self.core.latency()
        if getattr(self.core.config, "old_greeting", False):
            name = base64.b64encode("practice".encode("utf-16-le")).decode()
            self.untagged("OK The Microsoft Exchange IMAP4 service is "
                          f"ready. [{name}]")
            return
        name = base64.b64encode(b"practice.contoso.com").decode()
        self.untagged("OK Microsoft Exchange IMAP4 service ready. "
                      f"{uuid.uuid4()} (tcpproxy/15.21.0406.000 "
                      f"BACKENDAUTHENTICATE) [{name}]")

    def capabilities(self):
        old = getattr(self.core.config, "old_greeting", False)
        if self.admitted is None:
            return BEFORE.format(login="AUTH=PLAIN " if old else "",
                                 disabled="" if old else " LOGINDISABLED")
        rev2 = getattr(self.core.config, "imap4rev2", False)
        return AFTER.format(rev2="ENABLE IMAP4rev2 " if rev2 else "",
                            ir="" if old else "BACKENDAUTHENTICATE-IR ")

    # --- Reading -----------------------------------------------------------

    async def one(self):
        """Reads a command, does it, answers."""
        began = self.wire.at
        line = await self.wire.line(LINE + ARGUMENT)
        words = line.split(b" ", 2)
        tag = words[0].decode("latin-1")
        if len(words) < 2 or not re.fullmatch(r'[^\s(){%*"\\+]+', tag):
            self.answer(tag or "*", "BAD", "Command Error. 10")
            return
        name = words[1].upper().decode("latin-1")
        rest = words[2] if len(words) > 2 else b""
        if name == "UID":
            sub, _, rest = rest.partition(b" ")
            name = "UID " + sub.upper().decode("latin-1")
        command = Command(tag, name, rest, began)
        answer = await self.outcome(command)
        # The octets of a refused message are no commands.
        await self.pass_over(command)
        if isinstance(answer, End):
            if answer.first:
                self.answer(command.tag, *answer.first)
            raise answer
        self.finish(command, answer.status, answer.text)
        if isinstance(answer, Throttled):
            raise End
        await self.wire.drain()

    async def outcome(self, command):
        try:
            await self.whole(command)
            await self.perform(command)
            return Answer("OK", f"{command.name} completed.")
        except BadArguments:
            return Answer("BAD", ARGUMENT_ERROR)
        except Answer as a:
            return a
        except End as e:
            if e.abort:
                raise
            return e

    async def whole(self, command):
        """Reads the command's literals; an APPEND's message is left."""
        while True:
            literal = LITERAL.search(command.text)
            if literal is None:
                break
            if command.name == "APPEND" and literal.start() > 0:
                command.message = literal
                break
            size = int(literal.group(1))
            if size > ARGUMENT:
                command.message = literal
                raise BadArguments("literal")
            octets = await self.literal(command, literal)
            command.text = command.text[:literal.start()] + quote(octets) \
                + await self.wire.line(LINE + ARGUMENT)
        if len(command.text) > LINE + ARGUMENT:
            raise TooLong

    async def literal(self, command, literal):
        await self.invite(command, literal)
        return await self.wire.exactly(int(literal.group(1)))

    async def invite(self, command, literal):
        """The "+" that a synchronising literal waits for."""
        if literal.group(2):
            return
        if self.wire.received > self.wire.at:
            self.breach("imap-literal", command)
        await self.core.latency()
        self.wire.write(b"+ Ready for additional command text.\r\n")

    async def pass_over(self, command):
        """The octets of a refused literal that comes without a "+", and
        the rest of its line."""
        literal, command.message = command.message, None
        if literal and literal.group(2):
            await self.wire.skip(int(literal.group(1)))
            await self.wire.line(LINE + ARGUMENT)

    # --- Answering -----------------------------------------------------------

    def finish(self, command, status, text):
        if self.view is not None and status != "BAD":
            self.view.tell(self, expunges=command.name not in
                           ("FETCH", "STORE", "SEARCH"))
        self.core.log("imap", connection=self.number, command=command.name,
                      mailbox=self.mailbox.address if self.mailbox else "",
                      answer=f"{status} {text}")
        self.answer(command.tag, status, text)
        # What has come by now was sent without waiting for this answer.
        if self.wire.received > self.wire.at:
            self.early = self.wire.received
            if command.name == "APPEND":
                self.behind_append = self.wire.received

    def answer(self, tag, status, text):
        self.wire.write(f"{tag} {status} {text}\r\n".encode("utf-8"))
        if status != "OK":
            self.errors += 1
            if self.errors >= self.option("errors"):
                raise End("Connection closed.")

    # --- Doing ---------------------------------------------------------------

    async def perform(self, command):
        if command.began < self.early:
            self.breach("imap-pipelining", command)
            if command.began < self.behind_append:
                raise Answer("BAD", BEHIND)
        self.check_token()
        fault = None
        if command.name != "AUTHENTICATE":
            fault = self.core.faults.next("imap", command.line)
        self.check_state(command, fault)
        if command.name == "APPEND":
            await imap_append.append(self, command, fault)
            return
        if len(command.text) > LINE:
            raise Answer("BAD", "Command Error. 10")
        if command.name != "IDLE":
            await self.core.latency()
        handler = self.handler(command.name)
        await self.acted(fault, lambda: handler(command))

    def check_token(self):
        """A token's end is the end of what was opened with it."""
        if self.admitted and imap_signin.expired(self.admitted):
            raise End("Session invalidated - AccessTokenExpired")

    def check_state(self, command, fault):
        if self.useless or fault and fault.what == "not-connected":
            raise End("Connection closed. 14", first=("BAD", NOT_CONNECTED))
        wanted = COMMANDS.get(command.name)
        if wanted is None:
            raise Answer("BAD", UNKNOWN)
        if wanted == OUT and self.admitted \
                or wanted in (IN, SELECTED) and not self.admitted \
                or wanted == SELECTED and self.view is None:
            raise Answer("BAD", INVALID_STATE)

    def handler(self, name):
        own = getattr(self, "do_" + name.lower(), None)
        if own is not None:
            return own
        for part in (imap_folders, imap_fetch):
            found = part.HANDLERS.get(name)
            if found is not None:
                return lambda command: found(self, command)
        raise Answer("BAD", UNKNOWN)

    async def acted(self, fault, act):
        """Does it, or what a fault makes of it."""
        what = fault.what if fault else None
        if what == "drop-before":
            raise End(abort=True)
        if what == "bye":
            raise End("Connection closed. 14")
        if what == "late":
            self.core.later(fault.delay, self._late(act))
            raise End(abort=True)
        if what == "slow":
            await asyncio.sleep(fault.delay)
        refusals = {"bad10": ("BAD", "Command Error. 10"),
                    "bad11": ("BAD", ARGUMENT_ERROR),
                    "no15": ("NO", "Server Unavailable. 15"),
                    "quota": self.full()}
        if what in refusals:
            raise Answer(*refusals[what])
        if what == "throttle":
            seconds = fault.retry_after
            self.throttled(int(1000 * (5 if seconds is None else seconds)))
        try:
            await act()
        finally:
            if what == "drop-after":
                raise End(abort=True)

    @staticmethod
    async def _late(act):
        try:
            await act()
        except (Answer, BadArguments, End, Closed):
            pass

    def full(self):
        """How a full mailbox answers."""
        if self.option("quota_argument"):
            return "BAD", ARGUMENT_ERROR
        return "NO", "Server Unavailable. 15"

    def throttled(self, milliseconds):
        raise Throttled(milliseconds)

    # --- Any state, sign-in --------------------------------------------------

    async def do_capability(self, command):
        self.untagged("CAPABILITY " + self.capabilities())

    async def do_noop(self, command):
        pass

    do_check = do_noop

    async def do_id(self, command):
        self.untagged('ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" '
                      '"version" "15.21")')

    async def do_enable(self, command):
        if not getattr(self.core.config, "imap4rev2", False):
            raise Answer("BAD", UNKNOWN)
        self.untagged("ENABLED IMAP4rev2")

    async def do_logout(self, command):
        self.untagged("BYE Microsoft Exchange Server IMAP4 server signing "
                      "off.")
        raise End(first=("OK", "LOGOUT completed."))

    async def do_login(self, command):
        # Basic authentication is off for good, whatever the password.
        raise Answer("NO", "LOGIN failed.")

    async def do_starttls(self, command):
        raise Answer("BAD", INVALID_STATE)

    async def do_authenticate(self, command):
        words = command.text.split(b" ")
        if words[0].upper() != b"XOAUTH2" or len(words) > 2:
            raise Answer("NO", "AUTHENTICATE failed.")
        command.text = b"XOAUTH2"   # no token in a log
        if len(words) == 1:
            self.wire.write(b"+ \r\n")
            words.append(await self.wire.line(ARGUMENT))
            await self.core.latency()
        try:
            target, token = imap_signin.credentials(words[1])
            fault = self.core.faults.next("imap", "AUTHENTICATE " + target)
            await self.acted(fault if fault and fault.what !=
                             "not-connected" else None, self.do_nothing)
            self.admit(imap_signin.admit(self.core, target, token), fault)
        except imap_signin.BadCredentials as e:
            self.core.log("imap-refused", reason=str(e))
            raise Answer("NO", "AUTHENTICATE failed.") from None

    async def do_nothing(self):
        pass

    def admit(self, admitted, fault):
        problem = admitted.problem
        if fault and fault.what == "not-connected":
            problem = "fault"
        if problem is None and \
                self.core.limits.connect(admitted.mailbox.address):
            problem = "too many connections"
        self.connected, self.useless = problem is None, problem is not None
        self.admitted = admitted
        self.core.log("imap-sign-in", who=admitted.who, problem=problem,
                      mailbox=admitted.mailbox.address
                      if admitted.mailbox else "")

    # --- IDLE ---------------------------------------------------------------

    async def do_idle(self, command):
        self.wire.write(b"+ IDLE accepted, awaiting DONE command.\r\n")
        line = asyncio.ensure_future(self.wire.line(LINE))
        try:
            while not line.done():
                await asyncio.wait([line], timeout=0.05)
                self.check_token()
                if self.view is not None:
                    self.view.tell(self, expunges=True)
        finally:
            if not line.done():
                line.cancel()
        if line.result().strip().upper() != b"DONE":
            raise Answer("BAD", ARGUMENT_ERROR)


async def start(core):
    sessions, number = set(), 0

    def accepted(wire):
        nonlocal number
        number += 1
        session = Session(core, wire, number)
        sessions.add(session)
        task = core.spawn(session.run())
        task.add_done_callback(lambda _: sessions.discard(session))

    def drop():
        for session in list(sessions):
            session.forget()
            session.wire.abort()

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Wire(accepted), "127.0.0.1", 0,
                                      ssl=core.tls, backlog=200)
    core.shared["imap"], core.shared["imap_drop"] = server, drop
    return server.sockets[0].getsockname()[1]
