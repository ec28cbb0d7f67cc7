# SPDX-License-Identifier: Apache-2.0
"""The practice tenant (tests/practice) as a process of the test's own.

    with Practice(latency_ms=50, importmime=True) as p:
        p.env                       for mailhaul: MAILHAUL_LOGIN_URL...
        p.ca_file                   for --ca-file
        p.fault(where="graph", match="POST .*messages", what="504-after")
        p.seed("ann@contoso.com", octets, folder="inbox", is_read=True)
        p.mailbox("ann@contoso.com").messages     what is there now
        p.breaches()                limits that were broken
        p.control("/user", upn="zoe@contoso.com")

Options are the tenant's switches with "_" for "-"; True for those without
a value, a list for those that may be repeated. tests/practice/README.md
says what the tenant can do.
"""
import base64
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
TENANT = os.path.join(ROOT, "tests", "practice", "tenant")
SECRET = "practice-secret"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"
IMAP_SCOPE = "https://outlook.office365.com/.default"


class ControlError(Exception):
    """The control API did not like the call."""


class Message:
    """One message of the export: .octets and all of state.json."""

    def __init__(self, about, octets):
        self.octets = octets
        self.about = about

    def __getattr__(self, name):
        try:
            return self.about[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self):
        return f"<{'/'.join(self.folder)} {self.uid} {self.flags}>"

    @property
    def path(self):
        """"Inbox/Sub"."""
        return "/".join(self.folder)

    @property
    def subject(self):
        return self.fields.get("subject")


class Mailbox:
    """What a mailbox held at the time of the export."""

    def __init__(self, path):
        with open(os.path.join(path, "state.json"), encoding="utf-8") as f:
            self.state = json.load(f)
        self.folders = self.state["folders"]
        self.messages = []
        for about in self.state["messages"]:
            with open(os.path.join(path, about["file"]), "rb") as f:
                self.messages.append(Message(about, f.read()))

    def folder(self, path):
        """The messages in a folder: "Inbox", "Inbox/Sub", in their order;
        or in the folder of that well-known name."""
        names = [f["path"] for f in self.folders
                 if path in (f["well_known"], "/".join(f["path"]))]
        return [m for m in self.messages if m.folder in names]

    def octets(self):
        """A multiset: (folder, octets) -> how many."""
        return Counter((m.path, m.octets) for m in self.messages)

    def drafts(self):
        return [m for m in self.messages if m.is_draft]


class Practice:
    def __init__(self, folder=None, **switches):
        self.given = folder
        self.switches = switches
        self.about = {}
        self._process = None
        self._exports = 0

    # --- Life ------------------------------------------------------------

    def _arguments(self):
        out = []
        for name, value in self.switches.items():
            name = "--" + name.replace("_", "-")
            for one in value if isinstance(value, list) else [value]:
                if one is True:
                    out.append(name)
                elif one is not False and one is not None:
                    out += [name, str(one)]
        return out

    def start(self):
        self.home = self.given or tempfile.mkdtemp(prefix="mh365-")
        with open(self._file("stderr"), "wb") as err:
            self._process = subprocess.Popen(
                [TENANT, "--dir", self.home, "--with-parent",
                 *self._arguments()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=err, start_new_session=True)
        limit = time.monotonic() + 60
        while not os.path.exists(self._file("tenant.json")):
            if self._process.poll() is not None or \
                    time.monotonic() > limit:
                log = self.log_text()
                self.stop()
                raise RuntimeError("the tenant does not start:\n" + log)
            time.sleep(0.02)
        with open(self._file("tenant.json")) as f:
            self.about = json.load(f)
        return self

    def stop(self):
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(60)
            self._process = None
        if self.given is None:
            shutil.rmtree(self.home, ignore_errors=True)

    def fresh(self, **switches):
        """As at the start, by these switches; for the next test."""
        self.control("/reset", {"config": {
            **{k: v for k, v in self.switches.items()
               if not k.startswith("limit_")}, **switches}})
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    def _file(self, name):
        return os.path.join(self.home, name)

    def log_text(self):
        """What it wrote to stderr: faults of its own."""
        with open(self._file("stderr"), errors="replace") as f:
            return f.read()

    # --- For the program under test --------------------------------------

    @property
    def ca_file(self):
        return self.about["ca_file"]

    @property
    def client_id(self):
        return self.about["client_id"]

    @property
    def env(self):
        out = {"MAILHAUL_LOGIN_URL": self.about["login_url"],
               "MAILHAUL_GRAPH_URL": self.about["graph_url"],
               "MAILHAUL_TENANT": self.about["domain"],
               "MAILHAUL_CLIENT_ID": self.client_id,
               "MAILHAUL_CLIENT_SECRET": SECRET,
               "MAILHAUL_KEYRING": "no"}
        # Without IMAP: a port where nobody listens, never the real one.
        out["MAILHAUL_M365_IMAP"] = self.about["imap"] or \
            "imaps://127.0.0.1:1"
        return out

    # --- Control ---------------------------------------------------------

    def _call(self, method, path, body=None):
        request = urllib.request.Request(
            self.about["control_url"] + path, method=method,
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            raise ControlError(
                f"{method} {path}: {e.read().decode()}") from None

    def control(self, path, body=None, **fields):
        """POST; the answer."""
        return self._call("POST", path, {**(body or {}), **fields})

    def read(self, path, **query):
        """GET: /state, /log, /breaches, /mailbox."""
        return self._call("GET", path + (
            "?" + urllib.parse.urlencode(query) if query else ""))

    def fault(self, **about):
        return self.control("/fault", about)

    def clear_faults(self):
        self._call("DELETE", "/fault")

    def breaches(self, *limits):
        """All, or those of these limits ("concurrent", "requests",
        "octets", "early", "imap-rate"...)."""
        return [b for b in self.read("/breaches")["breaches"]
                if not limits or b["limit"] in limits]

    def log(self, kind=None):
        query = {"kind": kind} if kind else {}
        return self.read("/log", **query)["entries"]

    def seed(self, address, octets, folder="inbox", **about):
        """One message that came as MIME; its id."""
        return self.control("/seed", {
            "address": address, "folder": folder,
            "octets": base64.b64encode(octets).decode(), **about})["ids"][0]

    def mailbox(self, address):
        self._exports += 1
        path = self._file(f"export-{self._exports}")
        found = self.control("/export", dir=path, addresses=[address])
        box = Mailbox(found["mailboxes"][address.lower()])
        shutil.rmtree(path, ignore_errors=True)
        return box

    # --- As a client -----------------------------------------------------

    def http(self, method, url, body=None, headers=None, token=None):
        """(status, headers, body: JSON where it is such). url: whole, or a
        path on Graph."""
        if url.startswith("/"):
            url = self.about["graph_url"] + url
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = "Bearer " + token
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(url, body, headers, method=method)
        opener = urllib.request.build_opener(
            _NoRedirect, urllib.request.HTTPSHandler(
                context=ssl.create_default_context(cafile=self.ca_file)))
        try:
            answer = opener.open(request, timeout=60)
        except urllib.error.HTTPError as e:
            answer = e
        with answer:
            data = answer.read()
            if "json" in answer.headers.get("Content-Type", ""):
                data = json.loads(data)
            return answer.status, answer.headers, data

    def sign_in(self, tenant=None, endpoint="token", headers=None,
                **fields):
        """POST to an endpoint of the sign-in; (status, JSON)."""
        url = f"{self.about['login_url']}/" \
            f"{tenant or self.about['tenant_id']}/oauth2/v2.0/{endpoint}"
        status, _, answer = self.http(
            "POST", url, urllib.parse.urlencode(fields).encode(), headers)
        return status, answer

    def token(self, scope=GRAPH_SCOPE, **fields):
        """An access token of the app."""
        fields = {"client_id": self.client_id, "client_secret": SECRET,
                  "grant_type": "client_credentials", "scope": scope,
                  **fields}
        status, answer = self.sign_in(**fields)
        if status != 200:
            raise RuntimeError(f"no token: {answer}")
        return answer["access_token"]

    def user_token(self, user="ann@contoso.com", scope="Mail.ReadWrite"):
        """An access token of a person, by device code."""
        _, device = self.sign_in(
            endpoint="devicecode", client_id=self.client_id, scope=scope)
        self.control("/device", user_code=device["user_code"], approve=user)
        status, answer = self.sign_in(
            client_id=self.client_id, device_code=device["device_code"],
            grant_type="urn:ietf:params:oauth:grant-type:device_code")
        if status != 200:
            raise RuntimeError(f"no token: {answer}")
        return answer["access_token"]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None
