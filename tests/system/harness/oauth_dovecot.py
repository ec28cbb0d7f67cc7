# SPDX-License-Identifier: Apache-2.0
"""A private Dovecot that lets people in by XOAUTH2: a second opinion.

    with OAuthDovecot(tls=good_cert) as d:
        d.imap                     "imaps://localhost:N", MAILHAUL_M365_IMAP
        d.asked                    [token, ...] that Dovecot wanted judged
        d.refuse = True            no token is good any more
        d.judge = function         token -> dict of claims, or None
        d.mailbox("ann@contoso.com")   a Mailbox, by password

Dovecot asks a little HTTP server of ours about each token
(introspection_mode = auth, as for Microsoft's own /me) and lets the user
in whose name comes back. What the token says of itself is believed here:
Dovecot judges how the program speaks, the practice tenant signs.

    with OAuthDovecot(key=public_pem) ...  Dovecot verifies RS256 by itself

Dovecot refuses by "+ <base64 of JSON>" and expects an empty line.
"""
import base64
import http.server
import json
import os
import threading
import time

from .dovecot import Dovecot


def claims(token):
    """What a token says of itself; {} if it is none."""
    try:
        part = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(
            part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}


def _b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def make_token(key=None, kid="practice", **more):
    """A token as Microsoft's look; signed if there is an RSA key."""
    now = int(time.time())
    payload = {"aud": "https://outlook.office.com", "iss": "practice",
               "iat": now, "nbf": now, "exp": now + 3599,
               "sub": "ann", "upn": "ann@contoso.com",
               "scp": "IMAP.AccessAsUser.All"}
    payload.update(more)
    head = {"typ": "JWT", "alg": "RS256", "kid": kid}
    text = ".".join(_b64(json.dumps(p).encode()) for p in (head, payload))
    if key is None:
        return text + "." + _b64(b"signature")
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    return text + "." + _b64(key.sign(text.encode(), padding.PKCS1v15(),
                                      hashes.SHA256()))


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        word, _, token = self.headers.get("Authorization", "").partition(" ")
        status, body = self.server.owner.answer(
            token.strip() if word.lower() == "bearer" else "")
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


class OAuthDovecot(Dovecot):
    def __init__(self, tls, key=None, **options):
        super().__init__(tls=tls, **options)
        self.asked, self.refuse, self.judge = [], False, self.believe
        self._key, self._http = key, None

    @property
    def imap(self):
        return f"imaps://localhost:{self.tls_port}"

    # --- The one that Dovecot asks ---------------------------------------

    @staticmethod
    def believe(token):
        """A token that has not expired names its person."""
        said = claims(token)
        if said.get("exp", 0) <= time.time() or not said.get("upn"):
            return None
        return said

    def answer(self, token):
        self.asked.append(token)
        said = None if self.refuse else self.judge(token)
        if said is None:
            # A plain 401 is a trouble of the server's to Dovecot 2.3.
            return 200, {"upn": claims(token).get("upn", ""),
                         "active": "no"}
        return 200, {"upn": said["upn"], "active": "yes"}

    # --- Life --------------------------------------------------------------

    def start(self):
        if self._key is None and self._http is None:
            self._http = http.server.ThreadingHTTPServer(
                ("127.0.0.1", 0), _Handler)
            self._http.daemon_threads = True
            self._http.owner = self
            threading.Thread(target=self._http.serve_forever,
                             daemon=True).start()
        return super().start()

    def stop(self, keep=False):
        if self._http is not None and not keep:
            self._http.shutdown()
            self._http.server_close()
            self._http = None
        super().stop(keep)

    # --- Configuration -------------------------------------------------------

    def _basics(self, uid, gid, mail):
        lines = super()._basics(uid, gid, mail)
        at = lines.index("auth_mechanisms = plain login")
        # The password is for the harness, which looks into the mailbox.
        lines[at] = "auth_mechanisms = plain login xoauth2"
        at = lines.index("  driver = static")
        lines[at:at] = ["  mechanisms = plain login"]
        with open(self._file("oauth2.conf"), "w") as f:
            f.write("\n".join(self._oauth() + [""]))
        return lines + ["passdb {", "  driver = oauth2",
                        "  mechanisms = xoauth2",
                        f"  args = {self._file('oauth2.conf')}", "}"]

    def _oauth(self):
        if self._key is None:
            port = self._http.server_address[1]
            return ["introspection_mode = auth",
                    f"introspection_url = http://127.0.0.1:{port}/me",
                    "username_attribute = upn", "timeout_msecs = 5000",
                    "active_attribute = active", "active_value = yes"]
        where = os.path.join(self._file("keys"), "default", "RS256")
        os.makedirs(where, exist_ok=True)
        with open(os.path.join(where, "practice"), "wb") as f:
            f.write(self._key)
        return ["introspection_mode = local",
                "local_validation_key_dict = fs:posix:prefix="
                + self._file("keys") + "/",
                "username_attribute = upn"]
