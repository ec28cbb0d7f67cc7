# SPDX-License-Identifier: Apache-2.0
"""Several connections for one mailbox, and servers that count them."""
import pytest

from harness import compare, corpus
from harness.proxy import CutReply


@pytest.mark.parametrize("manner", [
    {}, dict(without=["MULTIAPPEND"]),
    dict(without=["MULTIAPPEND", "UIDPLUS"])])
def test_twins_and_lost_replies(job, dovecot, proxy, manner):
    """Two lanes, two identical messages in a folder, replies lost: both
    arrive, neither twice."""
    source, target = dovecot(), dovecot(**manner)
    twin, other = corpus.plain(2)
    box = source.mailbox("alice").fill({
        "INBOX": [twin, twin], "Work": [twin, other, twin, other]})
    cut = CutReply("APPEND", times=2)
    p = proxy(target.port, [cut])
    done = job.run("copy", source.locator("alice"),
                   target.locator("bob", port=p.port), "--lanes", 2)
    assert cut.struck == 2
    assert done.code in (0, 2), done
    if done.code == 2:
        job.run("run", check=0)
    compare.all_there(box, target.mailbox("bob"), at_least=6)


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_lanes(job, dovecot, proxy, lanes):
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill(corpus.mailbox(60))
    ends = proxy(source.port), proxy(target.port)
    job.run("copy", source.locator("alice", port=ends[0].port),
            target.locator("bob", port=ends[1].port), "--lanes", lanes,
            check=0)
    compare.all_there(box, target.mailbox("bob"), at_least=62)
    # One more may be out for listing and naming.
    assert all(p.max_open <= lanes + 1 for p in ends), [
        p.max_open for p in ends]


@pytest.mark.parametrize("end", ["source", "target"])
def test_cap_of_four(job, dovecot, proxy, end):
    """BYE on the fifth: the run goes on with what it has, learns the cap,
    and does not try it again and again."""
    source, target = dovecot(), dovecot()
    box = source.mailbox("alice").fill(corpus.mailbox(80))
    p = proxy((source if end == "source" else target).port, cap=4)
    ports = (p.port, None) if end == "source" else (None, p.port)
    args = (source.locator("alice", port=ports[0]),
            target.locator("bob", port=ports[1]))
    job.run("copy", *args, "--lanes", 8, check=0)
    assert p.max_open <= 4
    assert p.refused <= 8, f"{p.refused} refusals"
    compare.all_there(box, target.mailbox("bob"), at_least=82)
    refused = p.refused
    source.mailbox("alice").fill({"INBOX": corpus.plain(30, seed=40)})
    job.run("run", check=0)
    assert p.refused <= refused + 1, "the cap was not remembered"
    compare.all_there(box, target.mailbox("bob"), at_least=112)


def test_dovecots_own_cap(job, dovecot):
    source, target = dovecot(), dovecot(max_connections=2)
    box = source.mailbox("alice").fill(corpus.mailbox(40))
    job.run("copy", source.locator("alice"), target.locator("bob"),
            "--lanes", 6, check=0)
    compare.all_there(box, target.mailbox("bob"))
