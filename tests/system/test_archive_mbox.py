# SPDX-License-Identifier: Apache-2.0
"""mbox files as sources: dialects, flags, Gmail's labels, later passes."""
import re
from collections import Counter

import pytest

from harness import corpus
from harness.archive import lf, read_maildir
from harness.mailbox import sha

FROM = b"From a@example.com Mon Aug  1 10:00:00 2022\n"
DATE = 1659348000
QUOTE = re.compile(rb"(?m)^(>*From )")


def parts(octets):
    head, _, body = lf(octets).partition(b"\n\n")
    return head + b"\n", body if body.endswith(b"\n") else body + b"\n"


def mboxrd(octets, fields=b""):
    head, body = parts(octets)
    return FROM + fields + head + b"\n" + QUOTE.sub(rb">\1", body) + b"\n"


def mboxcl2(octets):
    head, body = parts(octets)
    return (FROM + head + b"Content-Length: %d\n\n" % len(body) + body +
            b"\n")


def unquoted(octets):
    head, body = parts(octets)
    return FROM + head + b"\n" + body + b"\n"


def quoting(n):
    """Messages with lines that dialects quote, or should."""
    out = []
    for i in range(n):
        out.append(b"From: a@example.com\r\nMessage-ID: <q%d@example.com>\r\n"
                   b"Subject: %d\r\n\r\nFrom here on\r\n\r\nFrom me\r\n"
                   b">From you\r\n>>From them\r\n" % (i, i))
    return out


def shas(found, folder="INBOX"):
    return sorted(key[0] for key in found.get(folder, Counter()).elements())


def copy(job, path, tmp_path, check=0):
    job.run("copy", f"mbox:{path}", f"maildir:{tmp_path}/to", check=check)
    return read_maildir(tmp_path / "to", dates=True)


@pytest.mark.parametrize("write", [mboxrd, mboxcl2, unquoted])
@pytest.mark.parametrize("eol", [b"\n", b"\r\n"])
def test_dialects(job, tmp_path, write, eol):
    """From lines in bodies come out as they were."""
    messages = quoting(5)
    text = b"".join(map(write, messages)).replace(b"\n", eol)
    if eol == b"\r\n":
        # A length counts the octets that stand there.
        text = re.sub(rb"Content-Length: (\d+)", lambda m: b"Content-Length: "
                      b"%d" % (int(m[1]) + 5), text)
    path = tmp_path / "inbox.mbox"
    path.write_bytes(text)
    found = copy(job, path, tmp_path)
    got = [re.sub(rb"Content-Length: \d+\r\n", b"", m) for m in
           octets_in(tmp_path / "to")]
    assert sorted(got) == sorted(messages)
    assert {key[2] for c in found.values() for key in c} == {DATE}
    job.run("verify", check=0)


def octets_in(maildir):
    return [corpus.wire(f.read_bytes()) for sub in ("cur", "new")
            for f in (maildir / sub).iterdir()]


def test_grown_and_compacted(job, tmp_path):
    """A later pass takes what is new, and nothing twice."""
    messages = [m.octets for m in corpus.varied(9)]
    path = tmp_path / "inbox.mbox"
    path.write_bytes(b"".join(map(mboxrd, messages[:6])))
    copy(job, path, tmp_path)
    with open(path, "ab") as f:
        f.write(b"".join(map(mboxrd, messages[6:])))
    job.run("run", check=0)
    want = sorted(sha(corpus.wire(b"\n".join(parts(m)))) for m in messages)
    assert shas(read_maildir(tmp_path / "to")) == want
    # The third went: all behind it stand elsewhere.
    path.write_bytes(b"".join(map(mboxrd, messages[:2] + messages[3:])))
    job.run("run", check=0)
    assert shas(read_maildir(tmp_path / "to")) == want
    # And the first: the file is another folder, of the same messages.
    path.write_bytes(b"".join(map(mboxrd, messages[1:])))
    job.run("run", check=0)
    assert shas(read_maildir(tmp_path / "to")) == want


def test_labels(job, tmp_path):
    """One folder a message, none twice; a later label is a change."""
    labels = ["Inbox,Unread", "Inbox,Work/Clients,Starred", "Work/Clients",
              "Archived,Opened", "Sent", "=?UTF-8?Q?Gr=C3=B6=C3=9Fe?="]
    messages = [m.octets for m in corpus.varied(len(labels))]
    path = tmp_path / "All mail.mbox"
    path.write_bytes(b"".join(
        mboxrd(m, b"X-Gmail-Labels: %s\n" % n.encode())
        for m, n in zip(messages, labels)))
    found = copy(job, path, tmp_path)
    count = {f: sum(c.values()) for f, c in found.items() if c}
    assert sum(count.values()) == len(labels)
    assert sorted(count.values()) == [1, 1, 1, 1, 2]
    assert count["INBOX"] == 2 and count["Work/Clients"] == 1
    flags = sorted(key[1] for key in found["INBOX"])
    assert flags == [(), ("\\Flagged", "\\Seen")]
    job.run("run", check=0)
    again = read_maildir(tmp_path / "to", dates=True)
    assert again == found


def test_a_damaged_beginning(job, tmp_path):
    """What is no mail is a problem with a name; the rest arrives."""
    messages = [m.octets for m in corpus.varied(3)]
    path = tmp_path / "inbox.mbox"
    path.write_bytes(b"\0" * 5000 + b"\nodd\n" +
                     b"".join(map(mboxrd, messages)))
    found = copy(job, path, tmp_path, check=1)
    assert len(shas(found)) == 3
    assert "before its first message" in job.run("problems", check=0).out
