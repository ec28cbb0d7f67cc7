# SPDX-License-Identifier: Apache-2.0
"""The programs that are compared, each set up as its manual says.

A client prepares a state folder for a pair of servers once; its command can
then be run again: the second time is a second pass.
"""
import os
import shutil
import subprocess

import servers

MBSYNC = """\
IMAPAccount source
Host 127.0.0.1
Port {source}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN
Timeout 120

IMAPStore source
Account source

IMAPAccount destination
Host 127.0.0.1
Port {destination}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN
Timeout 120

IMAPStore destination
Account destination

Channel bench
Far :source:
Near :destination:
Patterns *
Create Near
Sync PullNew PullFlags
CopyArrivalDate yes
SyncState {state}/
"""

INTERIMAP = """\
database = {state}/interimap.db
list-mailbox = *

[local]
type = imap
host = 127.0.0.1
port = {destination}
username = {user}
password = {password}
STARTTLS = NO
compress = NO

[remote]
type = imap
host = 127.0.0.1
port = {source}
username = {user}
password = {password}
STARTTLS = NO
compress = NO
"""


class Client:
    name = ""
    program = ""
    # Octets that it adds to a message on purpose; checked as an upper bound.
    adds = 0
    # doveadm is a part of its destination and writes without IMAP.
    writes_imap = True

    @property
    def file_name(self):
        return self.name.replace("/", "-")

    def available(self):
        return servers.find(self.program) is not None

    def prepare(self, state, source, destination, server):
        """Ports of both ends; server is the Dovecot at the destination."""
        raise NotImplementedError

    def resume(self, state, source, destination, server):
        """As prepare, over the state that an earlier pass left."""
        self.prepare(state, source, destination, server)

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ, HOME=str(self.state), LC_ALL="C.UTF-8")

    def _write(self, state, name, template, **ports):
        self.state = state
        file = state / name
        file.write_text(template.format(state=state, user=servers.USER,
                                        password=servers.PASSWORD, **ports))
        file.chmod(0o600)
        return file


class Mbsync(Client):
    name = "mbsync"
    program = "mbsync"
    adds = len("X-TUID: 123456789012\r\n")

    def prepare(self, state, source, destination, server):
        self.file = self._write(state, "mbsyncrc", MBSYNC, source=source,
                                destination=destination)

    def command(self):
        return [servers.find("mbsync"), "-q", "-c", str(self.file), "bench"]


class Interimap(Client):
    name = "interimap"
    program = "interimap"

    def prepare(self, state, source, destination, server):
        self.file = self._write(state, "interimap.conf", INTERIMAP,
                                source=source, destination=destination)

    def command(self):
        return [servers.find("interimap"), f"--config={self.file}", "--quiet"]


class Doveadm(Client):
    """As Dovecot's guide to migration has it; modseq for the second pass."""
    name = "doveadm"
    program = "doveadm"
    writes_imap = False
    prefetch = 20

    def prepare(self, state, source, destination, server):
        self.state = state
        settings = {
            "imapc_host": "127.0.0.1", "imapc_port": source,
            "imapc_user": servers.USER, "imapc_password": servers.PASSWORD,
            "imapc_features": "rfc822.size fetch-headers modseq",
            "mail_prefetch_count": self.prefetch,
        }
        options = [w for k, v in settings.items() for w in ("-o", f"{k}={v}")]
        self.argv = server.doveadm(*options, "backup", "-R", "-u",
                                   servers.USER, "imapc:")

    def command(self):
        return self.argv


class DoveadmTuned(Doveadm):
    """With a setting that only one who has measured would choose: shown
    for information, and not among those that the ratio is taken to."""
    name = "doveadm/500"
    prefetch = 500


class Mailhaul(Client):
    name = "mailhaul"

    def __init__(self, program, options=()):
        self.program = str(program)
        self.options = list(options)

    def available(self):
        return os.access(self.program, os.X_OK)

    def prepare(self, state, source, destination, server):
        self.state = state
        self.store = str(state / "mailhaul.db")
        ends = [f"imap+cleartext://{servers.USER}@127.0.0.1:{port}"
                for port in (source, destination)]
        subprocess.run([self.program, "--store", self.store, "add", *ends],
                       check=True, env=self.environment(),
                       stdout=subprocess.DEVNULL)

    def resume(self, state, source, destination, server):
        self.state = state
        self.store = str(state / "mailhaul.db")

    def command(self):
        return [self.program, "--store", self.store, "run", *self.options,
                "--quiet"]

    def environment(self):
        return dict(super().environment(),
                    MAILHAUL_FROM_PASSWORD=servers.PASSWORD,
                    MAILHAUL_TO_PASSWORD=servers.PASSWORD)


def peers():
    return [c for c in (Mbsync(), Interimap(), Doveadm()) if c.available()]


def fresh_state(state):
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    return state
