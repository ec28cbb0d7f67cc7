# SPDX-License-Identifier: Apache-2.0
"""The mailboxes of the bench: made once, kept, copied for each run.

A template is the home folder of a Dovecot user, filled through IMAP by
replay.c, and the census of what is in it.
"""
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

import mailgen
import servers

HERE = pathlib.Path(__file__).parent


def _folders(count):
    return ["INBOX"] + [f"Folder {i:02}" for i in range(1, count)]


def recipes(quick):
    """name: a function that yields the messages."""
    part = 10 if quick else 1
    return {
        "mixed": mailgen.mixed,
        "unchanged": lambda: mailgen.even(_folders(10), 10_000 // part, 700),
        "inbox": lambda: mailgen.even(["INBOX"], 150_000 // part, 700),
        "long": lambda: mailgen.even(["INBOX"], 200_000 // part, 700),
        "huge": lambda: mailgen.even(_folders(4), 2, 100_000_000),
        "eight": lambda: mailgen.even(["INBOX"], 20_000 // part, 8_000),
    }


class Template:
    def __init__(self, path, fmt):
        self.home = path / "home"
        self.fmt = fmt
        self.census = {k: tuple(v) for k, v in json.loads(
            (path / "census.json").read_text()).items()}

    @property
    def messages(self):
        return sum(n for n, _ in self.census.values())

    @property
    def octets(self):
        return sum(size for _, size in self.census.values())


class Mailboxes:
    def __init__(self, root, replay, quick):
        self.root = root / ("quick" if quick else "full")
        self.replay = replay
        self.recipes = recipes(quick)
        self.maker = None

    def _stamp(self):
        text = b"".join((HERE / f).read_bytes()
                        for f in ("mailgen.py", "mailboxes.py"))
        return hashlib.sha256(text).hexdigest()

    def template(self, name, fmt):
        path = self.root / f"{name}-{fmt}"
        stamp = path / "stamp"
        if not stamp.exists() or stamp.read_text() != self._stamp():
            print(f"making the mailbox {name} as {fmt} ...", flush=True)
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
            self._fill(path, name, fmt)
            stamp.write_text(self._stamp())
        return Template(path, fmt)

    def stream(self, name, path, multiappend=True, part=None):
        """Writes the recorded session of a mailbox; part is (which, of)."""
        self.maker = self.maker or mailgen.Maker()
        messages = self.recipes[name]()
        if part is not None:
            messages = self._share(list(messages), *part)
        with open(path, "wb", buffering=1 << 20) as f:
            for piece in mailgen.command_stream(
                    messages, self.maker, servers.USER, servers.PASSWORD,
                    multiappend=multiappend):
                f.write(piece)
        return path

    @staticmethod
    def _share(messages, which, of):
        """Whole folders, dealt out by size, the largest first."""
        sizes = {}
        for m in messages:
            sizes[m.folder] = sizes.get(m.folder, 0) + m.size
        loads = [0] * of
        owner = {}
        for folder in sorted(sizes, key=sizes.get, reverse=True):
            owner[folder] = loads.index(min(loads))
            loads[owner[folder]] += sizes[folder]
        return [m for m in messages if owner[m.folder] == which]

    def _fill(self, path, name, fmt):
        stream = self.stream(name, path / "stream")
        with servers.Dovecot(path / "server", fmt) as server:
            subprocess.run([self.replay, str(server.port), stream],
                           check=True, stdout=subprocess.DEVNULL)
            census = server.census()
        (path / "census.json").write_text(json.dumps(census))
        (path / "server" / "home").rename(path / "home")
        shutil.rmtree(path / "server")
        stream.unlink()


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in recipes(False):
        sys.exit("usage: gen " + "|".join(recipes(False)))
    Mailboxes(pathlib.Path(), "", False).stream(sys.argv[1], "/dev/stdout")


if __name__ == "__main__":
    main()
