# SPDX-License-Identifier: Apache-2.0
"""Private Dovecot servers on loopback, as root or as an ordinary user.

    with Dovecot(format="mdbox", without=("MULTIAPPEND",)) as d:
        d.locator("alice")             imap+cleartext://alice@127.0.0.1:N
        d.locator("alice", tls=True)   imaps://alice@localhost:N
        d.mailbox("alice")             a Mailbox (mailbox.py)
        d.password                     the same for every user

Any user name signs in. The service that a machine may run by itself is
neither used nor touched: each instance has its own folder, ports and
process group. Tests get one by the fixture `dovecot` of conftest.py, which
stops them all at the end.
"""
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

from . import mailbox

# What Dovecot 2.3 offers after sign-in, less what needs COMPRESS.
CAPABILITIES = (
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY "
    "THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND "
    "URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED "
    "I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN "
    "CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY "
    "PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE").split()

SPECIAL = {"Sent": "\\Sent", "Drafts": "\\Drafts", "Trash": "\\Trash",
           "Junk": "\\Junk", "Archive": "\\Archive"}

# Of every user; a client that quotes wrongly fails at once.
PASSWORD = 'se"cret\\of-the-test'

LOCATIONS = {"maildir": "maildir:~/Maildir", "mdbox": "mdbox:~/mdbox",
             "sdbox": "sdbox:~/sdbox",
             "maildir-fs": "maildir:~/Maildir:LAYOUT=fs"}


def available():
    return shutil.which("dovecot", path=_path()) is not None


def _path():
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def free_ports(count):
    held = []
    for _ in range(count):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        held.append(s)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def _mail_user():
    """Who owns the mail: never root, Dovecot refuses that."""
    if os.getuid():
        return os.getuid(), os.getgid()
    return pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid


class Dovecot:
    def __init__(self, format="mdbox", tls=None, without=(), capability=None,
                 separator=None, prefix="", special=None, fsync="never",
                 max_connections=None, quota=None, max_mail_size=None,
                 extra="", password=PASSWORD):
        """format: a key of LOCATIONS.
        tls: a certs.Pair; without it there is no TLS at all.
        without: capabilities that are not offered; capability: all of them.
        separator, prefix: of the personal namespace ("." and "INBOX.").
        special: {folder: "\\\\Sent", ...}, made at the first sign-in;
                 SPECIAL has the usual five.
        fsync: mail_fsync. max_connections: mail_max_userip_connections.
        quota, max_mail_size: "5M", "10k". extra: more configuration."""
        self.format = format
        self.tls = tls
        self.password = password
        self.prefix = prefix
        self.separator = separator or ("." if format == "maildir" else "/")
        self._settings = dict(
            without=[w.upper() for w in without], capability=capability,
            special=special or {}, fsync=fsync, quota=quota,
            max_connections=max_connections, extra=extra,
            max_mail_size=max_mail_size)
        self._process = None
        self.opened = []
        # Short, because a socket's path is; not below pytest's folders,
        # which Dovecot's own users may not enter.
        self.home = tempfile.mkdtemp(prefix="mhdc-")
        os.chmod(self.home, 0o755)

    # --- Life ------------------------------------------------------------

    def start(self):
        for attempt in range(5):
            self.port, self.tls_port = free_ports(2)
            self._configure()
            self._process = subprocess.Popen(
                ["dovecot", "-F", "-c", self._file("dovecot.conf")],
                env={"PATH": _path(), "TZ": "UTC", "LANG": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=open(self._file("stderr"), "wb"),
                start_new_session=True)
            if self._answers():
                return self
            self.stop(keep=True)
        log = self.log()
        self.stop()
        raise RuntimeError("Dovecot does not start:\n" + log)

    def stop(self, keep=False):
        if self._process is not None:
            self._end(signal.SIGKILL)
            self._process = None
        if not keep:
            shutil.rmtree(self.home, ignore_errors=True)

    def restart(self):
        """The same mail, another process, the same ports."""
        self._end()
        self._process = subprocess.Popen(
            ["dovecot", "-F", "-c", self._file("dovecot.conf")],
            env={"PATH": _path(), "TZ": "UTC", "LANG": "C"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        if not self._answers():
            raise RuntimeError("Dovecot does not come back:\n" + self.log())

    def _end(self, how=signal.SIGTERM):
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait(60)

    def _answers(self):
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            if self._process.poll() is not None:
                return False
            try:
                with socket.create_connection(
                        ("127.0.0.1", self.port), 60) as s:
                    if s.recv(100).startswith(b"* OK"):
                        return True
            except OSError:
                pass
            time.sleep(0.05)
        return False

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    # --- Use -------------------------------------------------------------

    def locator(self, user, tls=False, starttls=False, port=None,
                host=None):
        name = urllib.parse.quote(user, safe="")
        if tls:
            return f"imaps://{name}@{host or 'localhost'}:" \
                f"{port or self.tls_port}"
        if starttls:
            return f"imap://{name}@{host or 'localhost'}:{port or self.port}"
        return f"imap+cleartext://{name}@{host or '127.0.0.1'}:" \
            f"{port or self.port}"

    def mailbox(self, user):
        box = mailbox.Mailbox("127.0.0.1", self.port, user, self.password,
                              self.separator, self.prefix)
        self.opened.append(box)
        return box

    def folder_path(self, user):
        """Where the mail of a user lies on the disk."""
        kind = self.format.split("-")[0]
        name = {"maildir": "Maildir"}.get(kind, kind)
        return os.path.join(self.home, "mail", user, name)

    def log(self):
        text = ""
        for name in ("stderr", "log"):
            if os.path.exists(self._file(name)):
                with open(self._file(name), errors="replace") as f:
                    text += f.read()
        return text

    # --- Configuration -----------------------------------------------------

    def _file(self, name):
        return os.path.join(self.home, name)

    def _configure(self):
        uid, gid = _mail_user()
        mail = self._file("mail")
        os.makedirs(mail, exist_ok=True)
        if os.getuid() == 0:
            os.chown(mail, uid, gid)
        with open(self._file("dovecot.conf"), "w") as f:
            f.write("\n".join(
                self._basics(uid, gid, mail) + self._users()
                + self._tls_lines() + self._namespace() + self._limits()
                + [self._settings["extra"], ""]))

    def _basics(self, uid, gid, mail):
        s = self._settings
        return [
            "protocols = imap",
            "listen = 127.0.0.1",
            f"base_dir = {self._file('run')}",
            f"state_dir = {self._file('state')}",
            f"log_path = {self._file('log')}",
            f"instance_name = {os.path.basename(self.home)}",
            "disable_plaintext_auth = no",
            "auth_failure_delay = 0",
            "auth_mechanisms = plain login",
            "auth_username_chars =",
            "first_valid_uid = 1",
            "first_valid_gid = 1",
            f"mail_location = {LOCATIONS[self.format]}",
            f"mail_fsync = {s['fsync']}",
            "default_vsz_limit = 1024M",
            "passdb {", "  driver = static",
            f"  args = password={self.password}", "}",
            "userdb {", "  driver = static",
            f"  args = uid={uid} gid={gid} home={mail}/%u", "}",
            "service imap-login {", "  chroot =", "  service_count = 0",
            f"  inet_listener imap {{\n    port = {self.port}\n  }}",
            "  inet_listener imaps {\n    port = %d\n    ssl = yes\n  }"
            % (self.tls_port if self.tls else 0), "}",
            "service anvil {", "  chroot =",
            "  unix_listener anvil-auth-penalty {\n    mode = 0\n  }", "}",
            "service stats {", "  chroot =", "}",
            "service imap {", "  client_limit = 1",
            "  process_limit = 500", "}",
        ]

    def _users(self):
        if os.getuid() == 0:
            return []
        user = pwd.getpwuid(os.getuid()).pw_name
        group = grp.getgrgid(os.getgid()).gr_name
        return [f"default_internal_user = {user}",
                f"default_internal_group = {group}",
                f"default_login_user = {user}"]

    def _tls_lines(self):
        if not self.tls:
            return ["ssl = no"]
        return ["ssl = yes", f"ssl_cert = <{self.tls.cert}",
                f"ssl_key = <{self.tls.key}", "ssl_min_protocol = TLSv1.2"]

    def _namespace(self):
        lines = ["namespace inbox {", "  inbox = yes",
                 f"  prefix = {self.prefix}",
                 f"  separator = {self.separator}"]
        for folder, use in self._settings["special"].items():
            lines += [f'  mailbox "{folder}" {{', f"    special_use = {use}",
                      "    auto = subscribe", "  }"]
        return lines + ["}"]

    def _limits(self):
        s, lines = self._settings, []
        caps = s["capability"]
        if caps is None and s["without"]:
            caps = " ".join(c for c in CAPABILITIES
                            if c not in s["without"])
        if caps is not None:
            lines += ["protocol imap {", f"  imap_capability = {caps}", "}"]
        if s["max_connections"]:
            lines += ["protocol imap {", "  mail_max_userip_connections = "
                      f"{s['max_connections']}", "}"]
        else:
            lines += ["mail_max_userip_connections = 500"]
        if s["quota"] or s["max_mail_size"]:
            lines += ["mail_plugins = quota", "plugin {",
                      "  quota = count:User quota",
                      "  quota_vsizes = yes",
                      "  quota_grace = 0"]
            if s["quota"]:
                lines.append(f"  quota_rule = *:storage={s['quota']}")
            if s["max_mail_size"]:
                lines.append(f"  quota_max_mail_size = {s['max_mail_size']}")
            lines.append("}")
        return lines
