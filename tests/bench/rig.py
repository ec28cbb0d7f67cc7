# SPDX-License-Identifier: Apache-2.0
"""One measured run: servers up, a client through it, what arrived, what it
cost. Nothing is timed that did not copy everything."""
import atexit
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import clients
import mailboxes
import servers

TIMEOUT = 1800
FAST_ROOM = 4_000_000_000


class Incomplete(Exception):
    """A client failed, or what arrived is not what was sent."""


def copy_home(source, target):
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", source, target], check=True)


def compare(client, wanted, found):
    """Raises unless every folder has its messages and their octets."""
    for folder, (count, octets) in wanted.items():
        n, size = found.get(folder, (0, 0))
        if n != count or not octets <= size <= octets + n * client.adds:
            raise Incomplete(
                f"{client.name}: {folder}: {n} of {count} messages, "
                f"{size} of {octets} octets")


class Run:
    """A pair of servers with a client between them."""

    def __init__(self, rig, client, template, both=True, extra="",
                 ports=None):
        self.rig = rig
        self.client = client
        self.template = template
        self.both = both
        self.ports = ports
        self.state = rig.work / "state" / client.file_name
        self.source = servers.Dovecot(rig.fast / "source", template.fmt)
        self.target = servers.Dovecot(rig.fast / "target", template.fmt,
                                      extra)
        copy_home(template.home, self.source.home)
        self.proxy = None

    def __enter__(self):
        self.source.start()
        self.target.start()
        return self

    def __exit__(self, *_):
        self.close_proxy()
        self.source.stop()
        self.target.stop()

    def open_proxy(self, delay):
        """The ports that the client is to use, behind a proxy if asked."""
        ends = {"source": self.source.port, "destination": self.target.port}
        if delay is None:
            return ends
        through = ends if self.both else {"destination": self.target.port}
        self.proxy = servers.Delay(self.rig.tool("delay"), delay, through,
                                   self.ports)
        return {**ends, **self.proxy.ports}

    def close_proxy(self):
        end = self.proxy.stop() if self.proxy else None
        self.proxy = None
        return end

    def prepare(self, delay):
        ports = self.open_proxy(delay)
        clients.fresh_state(self.state)
        self.client.prepare(self.state, ports["source"],
                            ports["destination"], self.target)

    def _spawn(self):
        self.result = self.rig.work / "result.json"
        self.result.unlink(missing_ok=True)
        os.sync()         # nobody pays for what was written before
        self.log = open(self.rig.work / f"{self.client.file_name}.log", "wb")
        return subprocess.Popen(
            [self.rig.tool("measure"), self.result, *self.client.command()],
            env=self.client.environment(), cwd=self.state,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def _tail(self):
        text = pathlib.Path(self.log.name).read_text(errors="replace")
        return "\n".join(text.splitlines()[-5:])

    def go(self):
        """Runs the client to its end; what it cost."""
        process = self._spawn()
        try:
            code = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.stop_client(process)
            code = "no end"
        if code != 0:
            raise Incomplete(f"{self.client.name}: exit {code}: "
                             f"{self._tail()}")
        cost = json.loads(self.result.read_text())
        cost["octets"] = self.template.octets
        cost["proxy"] = self.close_proxy()
        compare(self.client, self.template.census, self.target.census())
        return cost

    def until_stored(self, seconds=300):
        """Runs the client until its first message is stored."""
        process = self._spawn()
        event = self.proxy.wait("first-stored", seconds)
        self.stop_client(process)
        self.close_proxy()
        if event is None:
            raise Incomplete(f"{self.client.name}: nothing stored in "
                             f"{seconds} s: {self._tail()}")
        return event

    @staticmethod
    def stop_client(process):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def fast_folder(otherwise):
    """Where the servers keep their mail: memory where there is room.

    ext4 will not use an inode again for five seconds after its file was
    deleted, and looks for another: a Maildir that is made anew for each run
    would measure that. The state of the clients stays on the disk.
    """
    shm = pathlib.Path("/dev/shm")
    if not shm.is_dir() or shutil.disk_usage(shm).free < FAST_ROOM:
        return otherwise
    path = shm / f"mailhaul-bench-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


class Rig:
    def __init__(self, root, quick):
        self.root = root
        self.work = root / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.fast = fast_folder(self.work)
        self.mailboxes = mailboxes.Mailboxes(root / "mailboxes",
                                             self.tool("replay"), quick)
        self.quick = quick

    def tool(self, name):
        return str(self.root / "bin" / name)

    def copy(self, client, template, delay=None, **manner):
        with Run(self, client, template, **manner) as run:
            run.prepare(delay)
            return run.go()

    def first_stored(self, client, template, delay):
        with Run(self, client, template) as run:
            run.prepare(delay)
            return run.until_stored()

    def _snapshot(self, client, template):
        """Both ends and the state after a first pass, kept between benches."""
        kept = self.root / "second" / f"{client.file_name}-{template.messages}"
        stamp = second_stamp(client, template)
        if (kept / "stamp").exists() and \
                (kept / "stamp").read_text() == stamp:
            return kept
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        print(f"{client.name}: the first pass of {template.messages} "
              "messages ...", flush=True)
        with Run(self, client, template) as run:
            run.prepare(0)
            ports = run.proxy.ports
            run.go()
        copy_home(run.target.home, kept / "home")
        copy_home(run.state, kept / "state")
        (kept / "ports.json").write_text(json.dumps(ports))
        (kept / "stamp").write_text(stamp)
        return kept

    def second(self, client, template, delay):
        """The second pass over an unchanged mailbox."""
        kept = self._snapshot(client, template)
        ports = json.loads((kept / "ports.json").read_text())
        run = Run(self, client, template, ports=ports)
        copy_home(kept / "home", run.target.home)
        with run:
            used = run.open_proxy(delay)
            copy_home(kept / "state", run.state)
            client.resume(run.state, used["source"], used["destination"],
                          run.target)
            return run.go()

    def replay(self, name, template, connections=1, delay=None,
               multiappend=True):
        """The floor: the same octets, recorded, into an empty server."""
        streams = []
        for i in range(connections):
            path = self.work / f"stream-{i}"
            self.mailboxes.stream(name, path, multiappend,
                                  (i, connections))
            streams.append(path)
        with servers.Dovecot(self.fast / "target", template.fmt) as target:
            proxy = None
            port = target.port
            if delay is not None:
                proxy = servers.Delay(self.tool("delay"), delay,
                                      {"destination": target.port})
                port = proxy.ports["destination"]
            os.sync()
            out = subprocess.run(
                [self.tool("replay"), str(port), *streams], check=True,
                capture_output=True, text=True).stdout
            cost = json.loads(out)
            cost["proxy"] = proxy.stop() if proxy else None
            compare(clients.Client(), template.census, target.census())
        for path in streams:
            path.unlink()
        return cost


def second_stamp(client, template):
    """A new build of ours, or other mail, makes the first pass again."""
    h = hashlib.sha256(json.dumps(template.census).encode())
    program = servers.find(client.program)
    if program is not None:
        h.update(pathlib.Path(program).read_bytes())
    return h.hexdigest()
