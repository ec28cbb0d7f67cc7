# SPDX-License-Identifier: Apache-2.0
"""Sign-in to Microsoft 365: device code, secret, certificate; what each
refusal is called; where tokens are kept, and where no secret may be."""
import datetime
import http.server
import json
import os
import pathlib
import re
import shutil
import ssl
import stat
import subprocess
import sys
import threading
import time
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from harness import program
from harness.practice import SECRET
from harness.program import until

APP = "22222222-2222-4222-8222-222222222222"
ANN = "ann@contoso.com"
HERE = pathlib.Path(__file__).parent
PYTHON = sys.executable


@pytest.fixture
def tenant(practice):
    return practice(device_interval=1)


def outside(tenant, **more):
    """The environment without a secret: where the tenant is."""
    env = {k: v for k, v in tenant.env.items() if k.startswith(
        ("MAILHAUL_LOGIN", "MAILHAUL_GRAPH", "MAILHAUL_M365",
         "MAILHAUL_KEYRING"))}
    return {**env, **more}


def login(job, tenant, *args, secret=SECRET, check=None, name="contoso.com",
          env=None, **kw):
    """App-only, unless secret is None."""
    more = {} if secret is None else {"MAILHAUL_CLIENT_SECRET": secret}
    return job.run("login", name, "--client-id", APP, "--ca-file",
                   tenant.ca_file, *args, check=check,
                   env=outside(tenant, **more, **(env or {})), **kw)


def device(job, tenant, who, *args, check=None, env=None, account=ANN):
    """Begins a device sign-in, decides it, and gives back (code, stdout
    objects, stderr)."""
    process = subprocess.Popen(
        [program.binary(), "login", "contoso.com", "--client-id", APP,
         "--ca-file", tenant.ca_file, "--json",
         *(["--account", account] if account else []), *args],
        env={**job.env, **outside(tenant), **(env or {})}, cwd=job.path,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    first = json.loads(process.stdout.readline())
    assert first["event"] == "device-code", first
    if who is not None:
        tenant.control("/device", user_code=first["code"], approve=who)
    out, err = process.communicate(timeout=program.LIMIT)
    objects = [first] + [json.loads(line) for line in out.splitlines()]
    if check is not None:
        assert process.returncode == check, (process.returncode, out, err)
    return process.returncode, objects, err


def tokens_of(job):
    """Every file of the cache by its name."""
    root = pathlib.Path(job.path) / ".local/state/mailhaul/tokens"
    return {p.name: p for p in root.rglob("*") if p.is_file()}


def cached(job, name=ANN):
    return json.loads(tokens_of(job)[f"{name}.json"].read_text())


def doors(answer):
    return {d["door"]: d for d in answer["doors"]}


def certificate(tmp_path, tenant, passphrase=None, known=True):
    """A PEM file of key and certificate; the tenant knows it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailhaul")])
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(7)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=9))
            .sign(key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM))
    how = serialization.NoEncryption() if passphrase is None else \
        serialization.BestAvailableEncryption(passphrase.encode())
    path = tmp_path / "app.pem"
    path.touch(0o600)
    path.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        how) + cert)
    if known:
        tenant.control("/app", client_id=APP, certificates=[cert.decode()])
    return path


# --- App-only ---------------------------------------------------------------

def test_secret_of_the_environment(job, tenant):
    answer = login(job, tenant, "--json", check=0).json[0]
    assert answer["way"] == "secret" and answer["account"] is None
    for door in doors(answer).values():
        assert door["open"] and not door["missing"], door
        assert door["tenant_id"] == tenant.about["tenant_id"]
    said = login(job, tenant, check=0).said
    assert "Mail.ReadWrite" in said and "IMAP.AccessAsApp" in said


def test_secret_of_a_file(job, tenant):
    path = job.path / "secret.txt"
    path.write_text(SECRET + "\n")
    path.chmod(0o644)
    said = login(job, tenant, "--client-secret-file", path, secret=None,
                 check=3).said
    assert "chmod 600" in said
    path.chmod(0o600)
    login(job, tenant, "--client-secret-file", path, secret=None, check=0)
    assert SECRET not in said


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
def test_certificate(job, tenant, tmp_path, alg):
    path = certificate(tmp_path, tenant)
    answer = login(job, tenant, "--client-certificate", path, "--json",
                   secret=None, check=0,
                   env={"MAILHAUL_ASSERTION": alg}).json[0]
    assert answer["way"] == "certificate"
    assert all(d["open"] for d in answer["doors"])


def test_another_algorithm_is_tried(job, tenant, tmp_path):
    path = certificate(tmp_path, tenant)
    tenant.fault(where="signin", what="AADSTS700027", times=1)
    login(job, tenant, "--client-certificate", path, secret=None, check=0)
    tenant.fault(where="signin", what="AADSTS700027", times=1)
    done = login(job, tenant, "--client-certificate", path, secret=None,
                 env={"MAILHAUL_ASSERTION": "PS256"}, check=3)
    assert "certificate" in done.said


def test_certificate_that_is_not_known(job, tenant, tmp_path):
    path = certificate(tmp_path, tenant, known=False)
    said = login(job, tenant, "--client-certificate", path, secret=None,
                 check=3).said
    assert "certificate" in said and "uploaded" in said


def test_passphrase_of_the_key(job, tenant, tmp_path):
    path = certificate(tmp_path, tenant, passphrase="open sesame")
    login(job, tenant, "--client-certificate", path, secret=None, check=0,
          env={"MAILHAUL_CERTIFICATE_PASSPHRASE": "open sesame"})
    for given in ({}, {"MAILHAUL_CERTIFICATE_PASSPHRASE": "wrong"}):
        done = login(job, tenant, "--client-certificate", path, secret=None,
                     check=3, env=given, start_new_session=True)
        assert "passphrase" in done.said
        assert "sesame" not in done.said


def test_open_key_file_is_refused(job, tenant, tmp_path):
    path = certificate(tmp_path, tenant)
    path.chmod(0o640)
    said = login(job, tenant, "--client-certificate", path, secret=None,
                 check=3).said
    assert "chmod 600" in said


# --- Device code -------------------------------------------------------------

def test_device_code(job, tenant):
    _, objects, said = device(job, tenant, ANN, check=0)
    answer = objects[-1]
    assert answer["way"] == "device-code" and answer["account"] == ANN
    assert all(d["open"] for d in answer["doors"])
    # The page on a line of its own, the code spaced.
    assert objects[0]["url"] in [line.strip() for line in said.splitlines()]
    assert " ".join(objects[0]["code"]) in said
    assert {f"{ANN}.json", "last-sign-in"} <= set(tokens_of(job))


def test_declined(job, tenant):
    _, objects, said = device(job, tenant, "decline", check=3)
    assert "declined" in said
    assert objects[-1]["error"]["code"] == "sign-in-refused"
    assert f"{ANN}.json" not in tokens_of(job)


def test_nobody_came(job, practice):
    tenant = practice(device_interval=1, device_life=3)
    _, objects, said = device(job, tenant, None, check=3)
    assert "in time" in said and "mailhaul login contoso.com" in said
    assert objects[-1]["exit"] == 3


def test_interrupted(job, tenant):
    process = subprocess.Popen(
        [program.binary(), "login", "contoso.com", "--client-id", APP,
         "--ca-file", tenant.ca_file, "--json"],
        env={**job.env, **outside(tenant)}, cwd=job.path, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(2)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2, (out, err)
    assert "Nothing was changed" in err


def test_somebody_else_signed_in(job, tenant):
    done = device(job, tenant, "admin@contoso.com", check=0)
    assert done[1][-1]["account"] == "admin@contoso.com"
    assert "admin@contoso.com.json" in tokens_of(job)
    assert f"{ANN}.json" not in tokens_of(job)


class Entra(http.server.BaseHTTPRequestHandler):
    """Answers polls from a script, and notes when each came."""

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(text))
        server = self.server
        if self.path.endswith("/devicecode"):
            server.asked.append(form)
            status, answer = 200, {
                "device_code": "DEVICE", "user_code": "ABCD-EFGH",
                "verification_uri": "https://example.com/device",
                "expires_in": 60, "interval": 1, "message": "Go there."}
        elif "device_code" in form:
            server.polls.append(time.monotonic())
            status, answer = server.script.pop(0)
        else:
            server.asked.append(form)
            status, answer = server.then
        body = answer if isinstance(answer, bytes) else \
            json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def entra(good_cert):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Entra)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*good_cert)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.polls, server.asked, server.script = [], [], []
    server.then = (400, {"error": "invalid_grant", "error_codes": [65001]})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def scripted(job, entra, authority, *script, check):
    entra.script = list(script)
    return job.run(
        "login", "contoso.com", "--client-id", APP, "--ca-file",
        authority.file, check=check, env={
            "MAILHAUL_LOGIN_URL":
                f"https://127.0.0.1:{entra.server_address[1]}",
            "MAILHAUL_KEYRING": "no", "MAILHAUL_TEST_BACKOFF_MS": "10"})


PENDING = (400, {"error": "authorization_pending", "error_codes": [70016]})
SLOW = (400, {"error": "slow_down", "error_codes": [70016]})


def test_polls_as_it_is_told(job, entra, authority):
    said = scripted(
        job, entra, authority, PENDING, SLOW, PENDING, (503, {}),
        (400, {"error": "authorization_declined"}), check=3).said
    assert "declined" in said
    gaps = [b - a for a, b in zip(entra.polls, entra.polls[1:])]
    assert gaps[0] >= 0.9, gaps
    assert all(gap >= 5.9 for gap in gaps[1:]), gaps
    scopes = entra.asked[0]["scope"].split()
    assert {"https://graph.microsoft.com/Mail.ReadWrite", "offline_access",
            "openid", "profile"} <= set(scopes)


def test_strange_answers(job, entra, authority):
    for status, body in ((200, b"<html>"), (200, b"[]"), (200, {}),
                         (200, {"access_token": ""})):
        said = scripted(job, entra, authority, (status, body), check=2).said
        assert "no answer of Microsoft" in said
    assert not tokens_of(job)


def test_a_sign_in_that_can_not_be_kept_is_told(job, entra, authority):
    said = scripted(job, entra, authority, (
        200, {"access_token": "a.e30.b", "expires_in": 3599}), check=3).said
    assert "--client-certificate" in said


# --- Refusals ----------------------------------------------------------------

FAMILIES = {
    50034: "does not belong", 50053: "locked", 50055: "expired",
    50057: "switched off", 50126: "password", 50076: "multi-factor",
    50105: "Users and groups", 50194: "one organisation",
    500011: "does not have the service", 650052: "not subscribed",
    650057: "API permissions", 53003: "Conditional Access",
    65001: "adminconsent?client_id=" + APP, 65004: "declined",
    65002: "Microsoft itself", 700082: "has ended",
    700016: "client id", 7000112: "switched off", 70011: "--cloud",
    7000215: "secret's ID", 7000222: "has expired",
    700027: "certificate", 500133: "clock", 700025: "public client",
    7000218: "Allow public client flows", 90002: "know an organisation",
    90038: "clouds", 70019: "in time", 70018: "know the code"}


def test_each_family_has_its_sentence(job, tenant):
    said = {}
    for number, words in FAMILIES.items():
        tenant.clear_faults()
        tenant.fault(where="signin", what=f"AADSTS{number}", times=0)
        done = login(job, tenant, "--verbose", check=3)
        assert words in done.said, (number, done)
        # What its support asks for.
        assert re.search(rf"AADSTS{number}\b.*correlation_id [0-9a-f-]{{36}}",
                         done.said), done
        assert SECRET not in done.said
        said[number] = next(line for line in done.err.splitlines()
                            if line.startswith("mailhaul: "))
    assert len(set(said.values())) >= len(said) - 1, said


def test_passing_troubles_are_tried_again(job, tenant):
    for what in ("AADSTS90024", "AADSTS50033", "503", "drop-before"):
        tenant.fault(where="signin", what=what, times=2)
        login(job, tenant, check=0)
    tenant.fault(where="signin", what="AADSTS90024", times=0)
    assert "nothing is lost" in login(job, tenant, check=2).said


def test_missing_right(job, tenant):
    tenant.control("/consent", resource="graph", remove=["Mail.ReadWrite"])
    answer = login(job, tenant, "--json", check=3).json[0]
    graph = doors(answer)["graph"]
    assert not graph["open"] and doors(answer)["imap"]["open"]
    assert {"right": "Mail.ReadWrite", "needed": True} in graph["missing"]
    said = " ".join(login(job, tenant, check=3).said.split())
    assert "missing: Mail.ReadWrite" in said and "adminconsent" in said
    assert "One door suffices" in said


def test_wrong_usage(job, tenant):
    login(job, tenant, name="common", check=65)
    login(job, tenant, "--account", "nobody", check=65)
    login(job, tenant, "--cloud", "moon", check=65)
    job.run("login", check=64)
    said = job.run("login", "contoso.com", check=3).said
    assert "docs/microsoft365.md" in said and "--print-setup" in said


def test_print_setup(job):
    done = job.run("login", "contoso.com", "--print-setup", "--account",
                   "bob@contoso.com", check=0)
    assert "'contoso.com'" in done.out and "'bob@contoso.com'" in done.out
    for word in ("Mail.ReadWrite", "IMAP.AccessAsApp", "New-ServicePrincipal",
                 "Add-MailboxPermission", "IsFallbackPublicClient"):
        assert word in done.out
    assert not re.search(r"\{[A-Z]\}", done.out)
    gov = job.run("login", "x.onmicrosoft.us", "--print-setup", "--cloud",
                  "usgov", check=0).out
    assert "-Environment USGov " in gov and "--cloud usgov" in gov


# --- What is kept ------------------------------------------------------------

def test_cache_is_for_its_owner(job, tenant):
    device(job, tenant, ANN, check=0)
    login(job, tenant, check=0)
    for path in tokens_of(job).values():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, path
    kept = cached(job)
    assert kept["refresh_token"] and set(kept["access"]) == {
        "graph", "imap"}
    assert "refresh_token" not in cached(job, "app")


def test_forget(job, tenant):
    device(job, tenant, ANN, check=0)
    login(job, tenant, "--account", ANN, "--forget", secret=None, check=0)
    assert f"{ANN}.json" not in tokens_of(job)
    assert "last-sign-in" not in tokens_of(job)


def test_forget_everybody(job, tenant):
    login(job, tenant, check=0)
    device(job, tenant, ANN, check=0)
    device(job, tenant, "bob@contoso.com", account="bob@contoso.com",
           check=0)
    assert {"app.json", f"{ANN}.json", "bob@contoso.com.json"} <= set(
        tokens_of(job))
    login(job, tenant, "--forget", secret=None, check=0)
    assert all(name.endswith(".lock") for name in tokens_of(job))


@pytest.fixture
def ready(job, tmp_path):
    """A mailbox in the job's store: maildir to m365."""
    def prepare(tenant, **env):
        source = tmp_path / "source"
        for name in ("cur", "new", "tmp"):
            (source / name).mkdir(parents=True, exist_ok=True)
        job.run("add", f"maildir:{source}", f"m365:{ANN}", "--name", "ann",
                "--client-id", APP, "--ca-file", tenant.ca_file, check=0)
        return outside(tenant, **env)
    return prepare


def count(tenant, kind="token"):
    return len(tenant.log(kind))


def test_tokens_are_used_again(job, tenant, ready):
    env = ready(tenant)
    device(job, tenant, ANN, check=0)
    before = count(tenant)
    job.run("check", env=env, check=0)
    assert count(tenant) == before
    # The registration's own too: Microsoft punishes those who ask often.
    env["MAILHAUL_CLIENT_SECRET"] = SECRET
    job.run("check", env=env, check=0)
    between = count(tenant)
    assert between == before + 2
    job.run("check", env=env, check=0)
    assert count(tenant) == between


def test_refresh_tokens_rotate(job, practice, ready):
    tenant = practice(device_interval=1, token_life=4, strict_rotation=True)
    env = ready(tenant)
    device(job, tenant, ANN, check=0)
    seen = {cached(job)["refresh_token"]}
    for _ in range(3):
        time.sleep(4)
        job.run("check", env=env, check=0)
        seen.add(cached(job)["refresh_token"])
    assert len(seen) == 4


def test_two_processes_refresh_one_after_the_other(job, practice, ready):
    tenant = practice(device_interval=1, token_life=5, strict_rotation=True,
                      latency_ms=100)
    env = ready(tenant)
    device(job, tenant, ANN, check=0)
    for _ in range(2):
        time.sleep(5)
        running = [job.start("check", env=env) for _ in range(3)]
        assert [p.wait(60) for p in running] == [0, 0, 0]


def test_another_ones_sign_in_serves(job, tenant, ready):
    """An administrator with full access signed in, the owner did not."""
    env = ready(tenant)
    tenant.control("/access", who="admin@contoso.com", address=ANN,
                   give=True)
    device(job, tenant, "admin@contoso.com", check=0)
    done = job.run("check", env=env)
    assert "admin@contoso.com" in done.said


def test_nobody_has_signed_in(job, tenant, ready):
    env = ready(tenant)
    said = " ".join(job.run("check", env=env, check=3).said.split())
    assert f"mailhaul login contoso.com --client-id {APP} " \
        f"--account {ANN}" in said
    assert "nothing is lost" in said


def test_refused_at_refresh_and_resumed(job, practice, ready):
    tenant = practice(device_interval=1, token_life=3)
    env = ready(tenant)
    device(job, tenant, ANN, check=0)
    tenant.control("/revoke", user=ANN, number=50173)
    time.sleep(3)
    said = " ".join(job.run("check", env=env, check=3).said.split())
    assert "has ended" in said and "mailhaul login" in said
    device(job, tenant, ANN, check=0)
    job.run("check", env=env, check=0)


def test_damaged_cache(job, tenant, ready):
    env = ready(tenant)
    device(job, tenant, ANN, check=0)
    tokens_of(job)[f"{ANN}.json"].write_text("{")
    job.run("check", env=env, check=3)
    assert f"{ANN}.json.damaged" in tokens_of(job)
    device(job, tenant, ANN, check=0)
    job.run("check", env=env, check=0)


# --- The desktop's keyring ---------------------------------------------------

@pytest.fixture
def desktop(tmp_path):
    """desktop(*options): a bus with a keyring on it; (environment, file)."""
    linked = subprocess.run(["ldd", program.binary()], capture_output=True,
                            text=True).stdout
    if "libsecret" not in linked:
        pytest.skip("built without libsecret")
    if shutil.which("dbus-daemon") is None or subprocess.run(
            [PYTHON, "-c", "import dbus.mainloop.glib, gi"],
            capture_output=True).returncode:
        pytest.skip("needs dbus-daemon, python3-dbus and python3-gi")
    running = []

    def start(*options):
        bus = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address=1"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        running.append(bus)
        env = {"DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().strip(),
               "MAILHAUL_KEYRING": "yes"}
        file = tmp_path / "keyring.json"
        keyring = subprocess.Popen(
            [PYTHON, str(HERE / "harness" / "keyring.py"), str(file),
             *options], env={**os.environ, **env}, text=True,
            stdout=subprocess.PIPE)
        running.append(keyring)
        assert keyring.stdout.readline() == "ready\n"
        return env, file

    yield start
    for process in reversed(running):
        process.terminate()
        process.wait(60)


def test_keyring_of_the_desktop(job, tenant, desktop, ready):
    bus, file = desktop()
    env = {**ready(tenant), **bus}
    device(job, tenant, ANN, env=bus, check=0)
    kept = json.loads(file.read_text())
    assert [i["attributes"]["account"] for i in kept] == [ANN]
    assert "refresh_token" in json.loads(kept[0]["secret"])
    assert not any(name.endswith(".json") for name in tokens_of(job))
    before = count(tenant)
    job.run("check", env=env, check=0)
    assert count(tenant) == before
    login(job, tenant, "--account", ANN.upper(), "--forget", secret=None,
          env=bus, check=0)
    assert json.loads(file.read_text()) == []


def test_locked_keyring_is_left_alone(job, tenant, desktop):
    bus, file = desktop("--locked")
    device(job, tenant, ANN, env=bus, check=0)
    assert f"{ANN}.json" in tokens_of(job)
    assert json.loads(file.read_text()) == []


# --- No secret anywhere ------------------------------------------------------

def all_tokens(job):
    found = []
    for name in ("app", ANN):
        kept = cached(job, name)
        found += [a["token"] for a in kept["access"].values()]
        found.append(kept.get("refresh_token"))
    return [t for t in found if t]


def test_no_secret_in_output_or_files(job, tenant, ready):
    env = ready(tenant)
    _, objects, said = device(job, tenant, ANN, "--verbose", check=0)
    said += json.dumps(objects)
    said += login(job, tenant, "--verbose", "--json", check=0).said
    said += job.run("check", "--verbose", env=env, check=0).said
    said += job.run("check", "--verbose", check=0, env={
        **env, "MAILHAUL_CLIENT_SECRET": SECRET}).said
    secrets = [SECRET, *all_tokens(job)]
    assert len(secrets) == 6
    for secret in secrets:
        assert secret not in said
        assert urllib.parse.quote(secret) not in said
    kept = {str(p) for p in tokens_of(job).values()}
    for path in pathlib.Path(job.path).rglob("*"):
        if path.is_file() and str(path) not in kept:
            content = path.read_bytes()
            assert not any(s.encode() in content for s in secrets), path


def test_no_secret_in_the_process_list_or_a_core(job, practice):
    tenant = practice(latency_ms=2000)
    process = job.start(
        "login", "contoso.com", "--client-id", APP, "--ca-file",
        tenant.ca_file,
        env=outside(tenant, MAILHAUL_CLIENT_SECRET=SECRET))
    proc = pathlib.Path(f"/proc/{process.pid}")

    def core_limit():
        line = next(line for line in (proc / "limits").read_text()
                    .splitlines() if line.startswith("Max core file size"))
        return line.split()[4:6]
    try:
        until(lambda: core_limit() == ["0", "0"], process)
        for name in ("cmdline", "environ"):
            try:
                content = (proc / name).read_bytes()
            except PermissionError:
                continue
            assert SECRET.encode() not in content, name
        # Not to be traced or dumped by others: /proc belongs to root.
        assert os.stat(proc / "environ").st_uid == 0
    finally:
        process.wait(60)
    assert process.returncode == 0
