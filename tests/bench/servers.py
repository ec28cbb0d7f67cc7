# SPDX-License-Identifier: Apache-2.0
"""Private Dovecot instances on loopback, and the delay proxy before them."""
import getpass
import grp
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

USER = "bench"
PASSWORD = "bench"
FORMATS = {"mdbox": "mdbox:~/mdbox", "maildir": "maildir:~/Maildir"}
# What Debian's Dovecot offers after sign-in, without MULTIAPPEND.
LITERAL_ONLY = (
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY "
    "THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT URL-PARTIAL "
    "CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 "
    "CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH "
    "LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY STATUS=SIZE "
    "SAVEDATE LITERAL+ NOTIFY SPECIAL-USE")

CONF = """\
protocols = imap
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
mail_location = {location}
mail_max_userip_connections = 100
{extra}
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def find(name):
    """Servers live in sbin, which an ordinary user's PATH may lack."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return shutil.which(name, path=path)


def wait_for(ready, what, seconds=15):
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not come up in {seconds} s")
        time.sleep(0.02)


class Dovecot:
    """One instance with one user, BENCH; its home is a folder of ours."""

    def __init__(self, root, fmt, extra=""):
        self.dir = pathlib.Path(root)
        self.home = self.dir / "home"
        self.port = free_port()
        self.conf = self.dir / "dovecot.conf"
        self.process = None
        shutil.rmtree(self.dir, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.conf.write_text(CONF.format(
            dir=self.dir, user=getpass.getuser(), password=PASSWORD,
            group=grp.getgrgid(os.getgid()).gr_name, uid=os.getuid(),
            gid=os.getgid(), location=FORMATS[fmt], port=self.port,
            extra=extra))

    def start(self):
        self.process = subprocess.Popen(
            [find("dovecot"), "-F", "-c", self.conf],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.answers, f"Dovecot in {self.dir}")
        return self

    def answers(self):
        """A whole session, so that its processes are up before a clock runs."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                f = s.makefile("rwb")
                f.readline()
                f.write(f"a LOGIN {USER} {PASSWORD}\r\n"
                        "b LOGOUT\r\n".encode())
                f.flush()
                return b"a OK" in f.read()
        except OSError:
            return False

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(20)
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def doveadm(self, *args):
        return [find("doveadm"), "-c", str(self.conf), *map(str, args)]

    def census(self):
        """{folder: (messages, octets)} of what is really there."""
        out = subprocess.run(
            self.doveadm("-f", "tab", "mailbox", "status", "-u", USER,
                         "messages vsize", "*"),
            check=True, capture_output=True, text=True).stdout
        rows = (line.split("\t") for line in out.splitlines()[1:])
        return {r[0]: (int(r[1]), int(r[2])) for r in rows}


class Delay:
    """delay.c before a source and a destination."""

    def __init__(self, binary, milliseconds, targets, ports=None):
        self.ports = ports or {label: free_port() for label in targets}
        self.events = {}
        self.arrived = threading.Condition()
        links = [f"{label}:{self.ports[label]}:{port}"
                 for label, port in targets.items()]
        self.process = subprocess.Popen(
            [binary, str(milliseconds), *links], stdout=subprocess.PIPE,
            text=True)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        self.wait("ready", 5)

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            with self.arrived:
                self.events[event["event"]] = event
                self.arrived.notify_all()

    def wait(self, name, seconds):
        """The event, or None when it did not come."""
        with self.arrived:
            self.arrived.wait_for(lambda: name in self.events, seconds)
            return self.events.get(name)

    def stop(self):
        """What was counted."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        end = self.wait("end", 5)
        self.process.wait(5)
        return end

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
