# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests. See harness/__init__.py for the parts.

    def test_x(dovecot, job, tmp_path):
        source, target = dovecot(), dovecot(without=["MULTIAPPEND"])
        source.mailbox("alice").fill(corpus.mailbox())
        job.run("copy", source.locator("alice"), target.locator("bob"),
                check=0)

Markers: full (only with --full: minutes, not seconds).
"""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from harness import certs, dovecot as dovecots, program, pst_read
from harness.fakeimap import FakeImap
from harness.practice import Practice
from harness.proxy import Proxy

ROOT = program.ROOT


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true",
                     help="also the tests that take minutes")


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes minutes; needs --full")
    # Told to end: as by Ctrl-C, so that servers are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    if config.getoption("--full"):
        return
    skip = pytest.mark.skip(reason="takes minutes: ./tests/run.sh --full")
    for item in items:
        if "full" in item.keywords:
            item.add_marker(skip)


def pytest_sessionstart(session):
    if session.config.option.collectonly:
        return
    if not os.access(program.binary(), os.X_OK):
        pytest.exit(f"{program.binary()} is not there: build it first "
                    "(meson setup build && ninja -C build)", 3)


@pytest.fixture(scope="session")
def full(request):
    return request.config.getoption("--full")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return certs.Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def good_cert(authority):
    return authority.server("good")


@pytest.fixture
def made(tmp_path):
    """made(Pst, *options): what comes of it; no complaint of any mail."""
    count = []

    def of_pst(pst, *options, suffix="pst"):
        count.append(1)
        path = tmp_path / f"{len(count)}.{suffix}"
        d = pst_read.read(pst.write(path), tmp_path / f"mail{len(count)}",
                          *options)
        for m in d.mail:
            if "--items" not in options:
                assert not pst_read.complaints(m.octets), m.octets[:3000]
        return d
    return of_pst


@pytest.fixture
def dovecot(request):
    """dovecot(**options) starts a server; all are stopped at the end."""
    if not dovecots.available():
        pytest.fail("Dovecot is not installed (dovecot-imapd)")
    started = []

    def start(**options):
        server = dovecots.Dovecot(**options).start()
        started.append(server)
        return server

    yield start
    report = getattr(request.node, "report_call", None)
    for server in started:
        if report is not None and report.failed:
            print(f"--- Dovecot of port {server.port}")
            print(server.log()[-3000:])
        for box in server.opened:
            box.close()
        server.stop()


@pytest.fixture
def proxy():
    """proxy(server.port, [faults], **options), stopped at the end."""
    started = []

    def start(port, faults=(), **options):
        p = Proxy(port, faults, **options).start()
        started.append(p)
        return p

    yield start
    for p in started:
        p.stop()


@pytest.fixture
def fake():
    """fake(**options): a FakeImap, stopped at the end."""
    started = []

    def start(**options):
        server = FakeImap(**options).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def practice(request):
    """practice(**switches): a practice tenant, stopped at the end."""
    started = []

    def start(**switches):
        tenant = Practice(**switches).start()
        started.append(tenant)
        return tenant

    yield start
    report = getattr(request.node, "report_call", None)
    for tenant in started:
        if report is not None and report.failed:
            print("--- practice tenant")
            print(tenant.log_text()[-3000:])
        tenant.stop()


@pytest.fixture
def job(tmp_path):
    """A folder with a store of its own and the harness's passwords."""
    return program.Job(tmp_path / "job", dovecots.PASSWORD,
                       dovecots.PASSWORD)


@pytest.fixture
def new_job(tmp_path):
    """new_job("second", NAME=value): more of them."""
    def make(name, **env):
        return program.Job(tmp_path / name, dovecots.PASSWORD,
                           dovecots.PASSWORD, **env)
    return make


@pytest.fixture(scope="session")
def shared():
    """The folder of real mail, or a skip that says so."""
    path = os.environ.get("MAILHAUL_SHARED", str(ROOT.parent / "shared"))
    if not os.path.isdir(os.path.join(path, "corpora", "mail")):
        pytest.skip("no real mail here: set MAILHAUL_SHARED")
    return path


@pytest.fixture(scope="session")
def compiler():
    found = shutil.which("cc") or shutil.which("gcc")
    if not found:
        pytest.skip("no C compiler")

    def build(source, output, *args):
        subprocess.run([found, "-Wall", "-Wextra", "-O1", "-o", output,
                        source, *args], check=True, timeout=120)
        return pathlib.Path(output)
    return build


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    setattr(item, f"report_{report.when}", report)
