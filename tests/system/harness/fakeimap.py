# SPDX-License-Identifier: Apache-2.0
"""A small scripted IMAP server that remembers everything it was told.

    with FakeImap(capabilities="IMAP4rev1 LITERAL+ UIDPLUS",
                  refuse=[(b"poison", b"NO [CANNOT] no such mail")]) as s:
        s.add("INBOX", octets, flags, date)      what it holds
        s.locator("bob"), s.password
        s.folders["INBOX"].messages              what it holds now
        s.commands                               ["APPEND", "CREATE", ...]
        s.octets("Work")                         Counter of sha256
        s.executed                               whole command lines

Manners, each off unless named:
  greeting="PREAUTH"|"BYE text"|octets      other than OK
  tls=Pair, starttls=Pair                   implicit TLS, STARTTLS offered
  strip_starttls=True                       the offer is missing
  login="NO ..."                            every sign-in is refused so
  bad_append=True       BAD to flags or dates it does not like, and the
                        literal is read as commands, as Dovecot 2.3 does
  refuse=[(pattern, reply)]   APPEND of a message that matches is refused
  poison=[pattern]      the connection drops when such a message has come
  max_size=N            NO [TOOBIG], and APPENDLIMIT if advertise_limit
  holes={"INBOX": {3}}  UIDs that are listed and never fetched
  hole_answer="nil"|"missing"|"no"
  cap=N                 BYE to further connections
  overquota=N           NO [OVERQUOTA] after N messages
  backoff=(N, ms)       every N-th APPEND is refused with 'Suggested Backoff
                        Time: ms milliseconds'
  drop_after=N          the connection drops after N appended messages
  lose_replies=N        the first N APPENDs are stored, then it drops
A message's date may be a string: it is sent as it stands, as are flags
and folder names, so that a source can be hostile. One thread a connection.
"""
import base64
import re
import socket
import ssl
import threading
import time
import urllib.parse
from collections import Counter

from .dovecot import PASSWORD
from .mailbox import date_seconds, date_text, sha

CAPABILITIES = ("IMAP4rev1 SASL-IR LITERAL+ UIDPLUS NAMESPACE SPECIAL-USE "
                "MULTIAPPEND ESEARCH UNSELECT ID")
SYSTEM = {"\\seen", "\\answered", "\\flagged", "\\draft", "\\deleted"}


def astring(name):
    """A name as a server sends it: quoted, or a literal if it must be."""
    if "\r" in name or "\n" in name:
        return "{%d}\r\n%s" % (len(name.encode()), name)
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Drop(Exception):
    """The connection ends without a word."""


class Message:
    def __init__(self, uid, octets, flags, date):
        self.uid, self.octets = uid, octets
        self.flags, self.date = set(flags), date

    def key(self):
        return (sha(self.octets), tuple(sorted(self.flags)), self.date)


class Folder:
    def __init__(self, validity, use=None):
        self.messages, self.next, self.validity = [], 1, validity
        self.use, self.subscribed = use, False

    def add(self, octets, flags=(), date=None):
        m = Message(self.next, octets, flags,
                    int(time.time()) if date is None else date)
        self.next += 1
        self.messages.append(m)
        return m


class FakeImap:
    def __init__(self, **options):
        get = options.pop
        self.capabilities = get("capabilities", CAPABILITIES)
        self.greeting = get("greeting", None)
        self.tls, self.starttls = get("tls", None), get("starttls", None)
        self.strip_starttls = get("strip_starttls", False)
        self.login = get("login", None)
        self.bad_append = get("bad_append", False)
        self.refuse = get("refuse", [])
        self.poison = get("poison", [])
        self.max_size = get("max_size", None)
        self.advertise_limit = get("advertise_limit", False)
        self.holes = get("holes", {})
        self.hole_answer = get("hole_answer", "missing")
        self.cap = get("cap", None)
        self.overquota = get("overquota", None)
        self.backoff = get("backoff", None)
        self.drop_after = get("drop_after", None)
        self.lose_replies = get("lose_replies", 0)
        self.delimiter = get("delimiter", "/")
        self.prefix = get("prefix", "")
        self.case_blind = get("case_blind", False)
        self.permanent = get("permanent", "\\*")
        self.password = get("password", PASSWORD)
        if options:
            raise TypeError(f"no such manner: {sorted(options)}")
        self.lock = threading.RLock()
        self.folders = {"INBOX": Folder(1)}
        self.noselect = set()
        self.commands, self.executed = [], []
        self.signed_in = self.appends = self.throttled = 0
        self.open = self.opened = self.max_open = self.refused = 0
        self._sockets = set()

    # --- Life -----------------------------------------------------------------

    def start(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def stop(self):
        # A thread that sleeps in accept() does not see a close().
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self.lock:
            for s in list(self._sockets):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    def locator(self, user="bob", host=None, scheme=None):
        if scheme is None:
            scheme = "imaps" if self.tls else (
                "imap" if self.starttls or self.strip_starttls
                else "imap+cleartext")
        host = host or ("127.0.0.1" if scheme == "imap+cleartext"
                        else "localhost")
        user = urllib.parse.quote(user, safe="")
        return f"{scheme}://{user}@{host}:{self.port}"

    # --- What it holds ----------------------------------------------------------

    def create(self, name, use=None):
        with self.lock:
            self.folders.setdefault(name, Folder(len(self.folders) + 1, use))
            return self.folders[name]

    def add(self, folder, octets, flags=(), date=None):
        return self.create(folder).add(octets, flags, date)

    def fill(self, folders):
        for name, messages in folders.items():
            for m in messages:
                self.add(name, m.octets, m.flags, m.date)
        return self

    def dump(self):
        with self.lock:
            return {name: Counter(m.key() for m in f.messages)
                    for name, f in self.folders.items()
                    if name not in self.noselect}

    def octets(self, folder):
        with self.lock:
            return Counter(sha(m.octets)
                           for m in self.folders[folder].messages)

    # --- Connections ----------------------------------------------------------

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._session, args=(client,),
                             daemon=True).start()

    def _session(self, client):
        client.settimeout(300)
        with self.lock:
            self.opened += 1
            over = self.cap is not None and self.open >= self.cap
            self.refused += over
            self.open += 0 if over else 1
            self.max_open = max(self.max_open, self.open)
            self._sockets.add(client)
        session = Session(self, client)
        try:
            session.run(over)
        except (OSError, Drop, ValueError):
            pass
        finally:
            with self.lock:
                self._sockets.discard(client)
                self.open -= 0 if over else 1
            session.close()


class Session:
    def __init__(self, server, client):
        self.server, self.sock = server, client
        self.file = client.makefile("rb")
        self.folder = self.name = None
        self.user = None
        self.secure = False

    def close(self):
        try:
            self.file.close()
            self.sock.close()
        except OSError:
            pass

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes)
                          else data.encode("utf-8", "surrogateescape"))

    def _wrap(self, pair):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.file = self.sock.makefile("rb")
        self.secure = True

    def run(self, over):
        if self.server.tls:
            self._wrap(self.server.tls)
        if over:
            self.send("* BYE Too many connections\r\n")
            return
        greeting = self.server.greeting
        if isinstance(greeting, bytes):
            self.send(greeting)
            return
        self.send(f"* {greeting or 'OK ready'}\r\n")
        if (greeting or "").startswith("BYE"):
            return
        while self._command():
            pass

    # --- Reading ----------------------------------------------------------------

    def line(self):
        line = self.file.readline(1 << 20)
        if not line.endswith(b"\n"):
            raise Drop
        return line

    def _command(self):
        line = self.line()
        words = line.rstrip(b"\r\n").split(b" ", 2)
        if len(words) < 2 or not words[0]:
            self.send("* BAD what?\r\n")
            return True
        self.tag = words[0].decode("latin-1")
        name = words[1].upper().decode("latin-1")
        rest = words[2] if len(words) > 2 else b""
        if name == "UID":
            sub, _, rest = rest.partition(b" ")
            name = "UID " + sub.upper().decode("latin-1")
        with self.server.lock:
            self.server.commands.append(name)
            self.server.executed.append(line[:200])
        handler = getattr(self, "do_" + name.lower().replace(" ", "_"), None)
        if handler is None:
            self.reply("BAD", f"unknown command {name}")
            return True
        if name != "APPEND":
            rest = self._with_literals(rest)
        return handler(rest) is not False

    def _with_literals(self, rest):
        """Small literals in arguments become quoted strings."""
        while True:
            m = re.search(rb"\{(\d+)(\+?)\}$", rest)
            if not m:
                return rest
            if not m.group(2):
                self.send("+ go on\r\n")
            octets = self.file.read(int(m.group(1)))
            octets = octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            rest = rest[:m.start()] + b'"' + octets + b'"' \
                + self.line().rstrip(b"\r\n")

    @staticmethod
    def words(rest):
        """Splits arguments; quoted strings without their quotes."""
        out = []
        for q, a in re.findall(rb'"((?:[^"\\]|\\.)*)"|(\([^)]*\)|[^ ]+)',
                               rest):
            out.append(a if a else re.sub(rb"\\(.)", rb"\1", q))
        return [w.decode("utf-8", "surrogateescape") for w in out]

    def reply(self, status, text="done"):
        self.send(f"{self.tag} {status} {text}\r\n")

    def caps(self):
        s = self.server
        caps = s.capabilities
        if s.starttls and not self.secure:
            caps += " STARTTLS LOGINDISABLED"
        else:
            caps += " AUTH=PLAIN"
        if s.advertise_limit and s.max_size:
            caps += f" APPENDLIMIT={s.max_size}"
        return caps

    # --- Any state -----------------------------------------------------------

    def do_capability(self, rest):
        self.send(f"* CAPABILITY {self.caps()}\r\n")
        self.reply("OK")

    def do_noop(self, rest):
        self.reply("OK")

    do_check = do_noop

    def do_id(self, rest):
        self.send('* ID ("name" "fake")\r\n')
        self.reply("OK")

    def do_enable(self, rest):
        self.send("* ENABLED\r\n")
        self.reply("OK")

    def do_logout(self, rest):
        self.send("* BYE until later\r\n")
        self.reply("OK")
        return False

    def do_starttls(self, rest):
        if not self.server.starttls or self.secure:
            self.reply("BAD", "no")
            return
        self.reply("OK", "begin")
        self._wrap(self.server.starttls)

    def _sign_in(self, user, password):
        if self.server.login is not None:
            self.send(f"{self.tag} {self.server.login}\r\n")
        elif password != self.server.password:
            self.reply("NO", "[AUTHENTICATIONFAILED] wrong password")
        else:
            self.user = user
            self.server.signed_in += 1
            self.reply("OK", f"[CAPABILITY {self.caps()}] welcome")

    def do_login(self, rest):
        words = self.words(rest)
        self._sign_in(words[0], words[1])

    def do_authenticate(self, rest):
        words = self.words(rest)
        if words[0].upper() != "PLAIN":
            self.reply("NO", "no such mechanism")
            return
        if len(words) < 2:
            self.send("+ \r\n")
            words.append(self.line().strip().decode())
        parts = base64.b64decode(words[1]).split(b"\0")
        self._sign_in(parts[1].decode(), parts[2].decode())

    # --- Folders ------------------------------------------------------------------

    def do_namespace(self, rest):
        self.send(f'* NAMESPACE (("{self.server.prefix}" '
                  f'"{self.server.delimiter}")) NIL NIL\r\n')
        self.reply("OK")

    def do_list(self, rest):
        s = self.server
        words = self.words(rest)
        if words[-1] == "" or (len(words) == 2 and words[1] == ""):
            self.send(f'* LIST (\\Noselect) "{s.delimiter}" ""\r\n')
            self.reply("OK")
            return
        with s.lock:
            for name, folder in s.folders.items():
                flags = ["\\Noselect"] if name in s.noselect else []
                flags += [folder.use] if folder.use else []
                self.send(f'* LIST ({" ".join(flags)}) "{s.delimiter}" '
                          f'{astring(name)}\r\n')
        self.reply("OK")

    do_lsub = do_list

    def _find(self, name):
        s = self.server
        if name.upper() == "INBOX":
            return "INBOX"
        if s.case_blind:
            for there in s.folders:
                if there.lower() == name.lower():
                    return there
        return name

    def do_create(self, rest):
        name = self._find(self.words(rest)[0])
        use = re.search(rb"USE \((\\\w+)\)", rest)
        with self.server.lock:
            if name in self.server.folders:
                self.reply("NO", "[ALREADYEXISTS] it is there")
                return
            self.server.create(name, use and use.group(1).decode())
        self.reply("OK")

    def do_subscribe(self, rest):
        name = self._find(self.words(rest)[0])
        with self.server.lock:
            if name in self.server.folders:
                self.server.folders[name].subscribed = True
        self.reply("OK")

    def _open(self, rest):
        name = self._find(self.words(rest)[0])
        with self.server.lock:
            folder = self.server.folders.get(name)
        if folder is None or name in self.server.noselect:
            self.folder = None
            self.reply("NO", "[NONEXISTENT] no such folder")
            return None
        self.folder, self.name = folder, name
        return folder

    def do_select(self, rest, readonly=False):
        f = self._open(rest)
        if f is None:
            return
        s = self.server
        with s.lock:
            self.send(
                "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"
                "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen"
                f" \\Draft{' ' + s.permanent if s.permanent else ''})] ok"
                f"\r\n* {len(f.messages)} EXISTS\r\n* 0 RECENT\r\n"
                f"* OK [UIDVALIDITY {f.validity}] ok\r\n"
                f"* OK [UIDNEXT {f.next}] ok\r\n")
        self.reply("OK", "[READ-ONLY] done" if readonly
                   else "[READ-WRITE] done")

    def do_examine(self, rest):
        self.do_select(rest, True)

    def do_unselect(self, rest):
        self.folder = None
        self.reply("OK")

    do_close = do_unselect

    def do_status(self, rest):
        name = self._find(self.words(rest)[0])
        with self.server.lock:
            f = self.server.folders.get(name)
            if f is None or name in self.server.noselect:
                self.reply("NO", "[NONEXISTENT] no such folder")
                return
            self.send(f'* STATUS {astring(name)} '
                      f'(MESSAGES {len(f.messages)} '
                      f'UIDNEXT {f.next} UIDVALIDITY {f.validity})\r\n')
        self.reply("OK")

    # --- Messages: reading ------------------------------------------------------

    def _set(self, text):
        top = max([m.uid for m in self.folder.messages], default=0)
        uids = set()
        for part in text.split(","):
            lo, _, hi = part.partition(":")
            lo = top if lo == "*" else int(lo)
            hi = lo if not hi else (top if hi == "*" else int(hi))
            lo, hi = min(lo, hi), max(lo, hi)
            uids.update(m.uid for m in self.folder.messages
                        if lo <= m.uid <= hi)
        return uids

    def do_uid_search(self, rest):
        if self.folder is None:
            self.reply("BAD", "no folder")
            return
        text = rest.decode("latin-1").upper()
        uids = sorted(m.uid for m in self.folder.messages)
        wanted = re.search(r"UID ([\d:*,]+)", text)
        if wanted:
            uids = sorted(self._set(wanted.group(1)))
        if "RETURN" in text:
            found = " ALL " + ",".join(map(str, uids)) if uids else ""
            self.send(f'* ESEARCH (TAG "{self.tag}") UID{found}\r\n')
        else:
            self.send("* SEARCH" + "".join(f" {u}" for u in uids) + "\r\n")
        self.reply("OK")

    def do_uid_fetch(self, rest):
        if self.folder is None:
            self.reply("BAD", "no folder")
            return
        which, _, items = rest.decode("latin-1").partition(" ")
        uids = self._set(which)
        holes = self.server.holes.get(self.name, ())
        failed = False
        for seq, m in enumerate(list(self.folder.messages), 1):
            if m.uid not in uids:
                continue
            if "BODY" in items.upper() and m.uid in holes:
                failed |= self.server.hole_answer == "no"
                if self.server.hole_answer == "nil":
                    self.send(f"* {seq} FETCH (UID {m.uid} BODY[] NIL)\r\n")
                continue
            self._fetch_one(seq, m, items)
        if failed:
            self.reply("NO", "some messages can't be read")
        else:
            self.reply("OK")

    def _fetch_one(self, seq, m, items):
        upper = items.upper()
        parts = [f"UID {m.uid}".encode()]
        if "FLAGS" in upper:
            parts.append(f"FLAGS ({' '.join(sorted(m.flags))})".encode())
        if "INTERNALDATE" in upper:
            date = m.date if isinstance(m.date, str) else date_text(m.date)
            parts.append(f'INTERNALDATE "{date}"'.encode())
        if "RFC822.SIZE" in upper:
            parts.append(b"RFC822.SIZE %d" % len(m.octets))
        for section in re.findall(r"BODY(?:\.PEEK)?\[([^\]]*)\](<[\d.]+>)?",
                                  items):
            octets = self._section(m.octets, section[0].upper())
            name = f"BODY[{section[0]}]"
            if section[1]:
                start, _, count = section[1].strip("<>").partition(".")
                octets = octets[int(start):int(start) + int(count)]
                name += f"<{start}>"
            parts.append(name.encode() + b" {%d}\r\n" % len(octets)
                         + octets)
        self.send(b"* %d FETCH (" % seq + b" ".join(parts) + b")\r\n")

    @staticmethod
    def _section(octets, section):
        head, _, _ = octets.partition(b"\r\n\r\n")
        if section == "":
            return octets
        if section == "HEADER":
            return head + b"\r\n\r\n"
        wanted = re.search(r"HEADER\.FIELDS \(([^)]*)\)", section)
        if wanted:
            names = {n.encode().lower() for n in wanted.group(1).split()}
            kept = [f for f in re.split(rb"\r\n(?![ \t])", head)
                    if f.partition(b":")[0].strip().lower() in names]
            return b"".join(f + b"\r\n" for f in kept) + b"\r\n"
        return b""

    # --- Messages: writing ------------------------------------------------------

    def do_uid_store(self, rest):
        m = re.match(rb"([\d:*,]+) (?:\(.*?\) )?([+-]?)FLAGS(?:\.SILENT)? "
                     rb"\(?([^)]*)\)?", rest)
        uids = self._set(m.group(1).decode())
        flags = set(m.group(3).decode().split())
        for seq, msg in enumerate(self.folder.messages, 1):
            if msg.uid in uids:
                how = m.group(2)
                msg.flags = (msg.flags | flags if how == b"+" else
                             msg.flags - flags if how == b"-" else flags)
                self.send(f"* {seq} FETCH (UID {msg.uid} FLAGS "
                          f"({' '.join(sorted(msg.flags))}))\r\n")
        self.reply("OK")

    def do_uid_expunge(self, rest):
        uids = self._set(rest.decode())
        with self.server.lock:
            self.folder.messages[:] = [
                m for m in self.folder.messages
                if m.uid not in uids or "\\Deleted" not in m.flags]
        self.reply("OK")

    def _flags_fine(self, flags):
        return all(not f.startswith("\\") or f.lower() in SYSTEM
                   for f in flags)

    def do_append(self, rest):
        """RFC 3501 6.3.11, 3502: any number of messages, all or none."""
        m = re.match(rb'("(?:[^"\\]|\\.)*"|[^ ]+) ', rest)
        name = self._find(self.words(m.group(1))[0])
        rest, items, refusal = rest[m.end():], [], None
        while True:
            head = re.match(
                rb'\s*(?:\(([^)]*)\) )?(?:"([^"]*)" )?\{(\d+)(\+?)\}$',
                rest.rstrip(b"\r\n"))
            if not head:
                self.reply("BAD", "Invalid arguments")
                return
            flags = (head.group(1) or b"").decode("latin-1").split()
            if self.server.bad_append and not self._args_fine(head, flags):
                # The literal is left in the stream, as Dovecot 2.3 does.
                self.reply("BAD", "Invalid flags or date")
                return
            size, sync = int(head.group(3)), not head.group(4)
            problem = self._folder_problem(name) or self._too_big(size)
            if problem and sync:
                self.send(f"{self.tag} {problem}\r\n")
                return
            if sync:
                self.send("+ OK\r\n")
            octets = self.file.read(size)
            if len(octets) < size:
                raise Drop
            refusal = refusal or problem or self._content(octets)
            date = head.group(2)
            items.append((octets, flags,
                          date_seconds(date.decode()) if date else None))
            rest = self.line()
            if not rest.strip():
                break
        self._commit(name, items, refusal)

    def _args_fine(self, head, flags):
        try:
            if head.group(2):
                date_seconds(head.group(2).decode())
        except ValueError:
            return False
        return self._flags_fine(flags)

    def _folder_problem(self, name):
        with self.server.lock:
            if name not in self.server.folders:
                return "NO [TRYCREATE] no such folder"
            if name in self.server.noselect:
                return "NO [CANNOT] holds no messages"
        return None

    def _too_big(self, size):
        if self.server.max_size and size > self.server.max_size:
            return "NO [TOOBIG] Message size exceeds fixed maximum size"
        return None

    def _content(self, octets):
        for pattern in self.server.poison:
            if re.search(pattern, octets):
                raise Drop
        for pattern, reply in self.server.refuse:
            if re.search(pattern, octets):
                return reply.decode() if isinstance(reply, bytes) else reply
        return None

    def _commit(self, name, items, refusal):
        s = self.server
        with s.lock:
            s.appends += 1
            held = sum(len(f.messages) for f in s.folders.values())
            if s.overquota is not None \
                    and held + len(items) > s.overquota:
                refusal = refusal or "NO [OVERQUOTA] Quota exceeded"
            if s.backoff and s.appends % s.backoff[0] == 0:
                s.throttled += 1
                refusal = refusal or (
                    "NO [UNAVAILABLE] Request is throttled. Suggested "
                    f"Backoff Time: {s.backoff[1]} milliseconds")
            if refusal:
                self.send(f"{self.tag} {refusal}\r\n")
                return
            folder = s.folders[name]
            stored = [folder.add(*i) for i in items]
            lost = s.lose_replies > 0
            s.lose_replies -= lost
            if s.drop_after is not None:
                s.drop_after -= len(items)
                if s.drop_after < 0:
                    s.drop_after, lost = None, True
        if lost:
            raise Drop
        if "UIDPLUS" in s.capabilities:
            uids = f"{stored[0].uid}:{stored[-1].uid}" \
                if len(stored) > 1 else str(stored[0].uid)
            self.reply("OK", f"[APPENDUID {folder.validity} {uids}] done")
        else:
            self.reply("OK")
