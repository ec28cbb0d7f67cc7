# SPDX-License-Identifier: Apache-2.0
"""Messages as the JSON that goes to Microsoft Graph, against what Python's
own email package finds in them: made ones, and every real one there is.
"""
import json
import os
import pathlib
import re
import subprocess

import pytest

from harness import corpus, graph_compare, program

# Relative to corpora/: what differs, and why. Python reads these otherwise
# than people do, or gives up; docs/microsoft365.md has the reasons.
KNOWN = {
    "mail/ham/00495.3bba63110f3a2a97ae71ce53268766cf.eml": {"toRecipients"},
    "mail/spam/00001.317e78fa8ee2f54cd4890fdc09ba8176.eml": {
        "sent", "property sent"},
    "mail/spam/00038.906d76babc3d78d6294c71b1b52d4d7f.eml": {"toRecipients"},
    "mail/spam/00080.2dda9e4297c6b66bff478c9d2d3756f1.eml": {"from"},
    "mail/spam/00135.9996d6845094dcec94b55eb1a828c7c4.eml": {"sender"},
    "mail/spam/00136.870132877ae18f6129c09da3a4d077af.eml": {"sender"},
    "mail/spam/00343.c84d94ad804925c271bb15b979e11dc7.eml": {"toRecipients"},
    "mail/spam/00344.e6463530b23a12554d2e6f0e08ae10a7.eml": {"toRecipients"},
    "mbox/dialects/truth/"
    "316-00005.34bcaad58ad5f598f5d6af8cfa0c0465.eml": {"body"},
}
# Broken on purpose: of these only a share is looked at.
TORTURE = "mime/"
TORTURE_SAME = 0.93


def tool():
    """Where the build has it; a test of an installed program has none."""
    path = pathlib.Path(program.binary()).parents[1] / "tests" / "tools" \
        / "graph_json"
    if not os.access(path, os.X_OK):
        pytest.skip(f"no {path}: build with -Dtests=true")
    return path


def told(paths, most=0, *facts):
    """{path: what the tool said} of all of them, in one run."""
    done = subprocess.run(
        [tool(), str(most), *map(str, facts)],
        input="".join(f"{p}\n" for p in paths).encode(),
        capture_output=True, timeout=program.LIMIT)
    assert done.returncode == 0, done.stderr[-3000:]
    out = {}
    for line in done.stdout.split(b"\n")[:-1]:
        said = json.loads(line.decode("utf-8", "strict"))
        out[said["path"]] = said
    assert len(out) == len(paths)
    return out


def differences(path, said, **facts):
    if said["note"] and "kept whole" in said["note"]:
        return []
    want = graph_compare.expected(pathlib.Path(path).read_bytes(), **facts)
    return graph_compare.compare(
        want, graph_compare.exported(said["json"], said["apart"]))


def put(folder, messages):
    folder.mkdir(exist_ok=True)
    paths = []
    for i, octets in enumerate(messages):
        path = folder / f"{i:05}.eml"
        path.write_bytes(octets)
        paths.append(str(path))
    return paths


def test_made_messages(tmp_path):
    messages = [m.octets for m in corpus.varied(52)]
    paths = put(tmp_path / "made", messages)
    facts = {"sec": 1_500_000_000, "flags": ("\\Seen", "\\Flagged"),
             "keywords": ("$Forwarded", "work")}
    for path, said in told(paths, 0, 1 | 4, facts["sec"],
                           "$Forwarded work").items():
        assert differences(path, said, **facts) == [], path
        assert said["json"]["singleValueExtendedProperties"]


def test_the_limit_holds_and_nothing_is_left_out(tmp_path):
    paths = put(tmp_path / "made", [m.octets for m in corpus.varied(26)])
    for most in (26_000, 60_000, 400_000):
        for path, said in told(paths, most).items():
            if said["obstacle"]:
                continue
            assert said["octets"] <= most
            assert said["files"] == len(said["apart"]) + len(
                said["json"].get("attachments", []))
            assert all(a["said"] == a["size"] for a in said["apart"])
            assert differences(path, said) == []


def real(shared):
    root = pathlib.Path(shared) / "corpora"
    out = [p for kind in ("mail/ham", "mail/spam", "mime", "maildir",
                          "mbox/dialects/truth", "mbox/gyb", "tnef")
           for p in sorted((root / kind).rglob("*")) if p.is_file()]
    return root, [p for p in out if "/maildir/" in str(p)
                  and "/cur/" in str(p) or p.suffix in (".eml", ".txt")
                  and not p.name.endswith("ORDER.txt")]


def test_real_messages(tmp_path, shared):
    root, found = real(shared)
    paths = put(tmp_path / "real",
                [corpus.wire(p.read_bytes()) for p in found])
    name = {path: str(p.relative_to(root)) for path, p in zip(paths, found)}
    wrong, torture = [], []
    for path, said in told(paths).items():
        lines = differences(path, said)
        if name[path].startswith(TORTURE):
            torture.append(not lines)
            continue
        kinds = {re.match("[^:]*", line).group() for line in lines}
        if kinds != KNOWN.get(name[path], set()):
            wrong.append(f"{name[path]}: {lines}")
    assert len(paths) > 3000
    assert not wrong, "\n".join(wrong[:20])
    assert sum(torture) >= TORTURE_SAME * len(torture)


def peak(path):
    """The tool's most memory for one message, in kB."""
    code = ("import resource, subprocess, sys\n"
            "subprocess.run([sys.argv[1]], input=sys.argv[2].encode() "
            "+ b'\\n', stdout=subprocess.DEVNULL, check=True)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run(
        ["/usr/bin/python3", "-c", code, str(tool()), str(path)],
        capture_output=True, text=True, timeout=program.LIMIT, check=True)
    return int(done.stdout)


HOSTILE = {
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
             + b"--b\r\n\r\n" * 400_000,
    "nested": b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n"
        % (i, i) for i in range(50_000)),
    "messages": b"Content-Type: message/rfc822\r\n\r\n" * 50_000,
    "people": b"To: " + b"(" * 300_000 + b"\r\nCc: " + b"a@b," * 300_000
              + b"\r\nBcc: " + b"a:" * 200_000 + b";\r\n\r\n",
    "field": b"Subject: " + b"=?utf-8?Q?x?= " * 3_000_000 + b"\r\n\r\n",
    "line": b"Subject: x\r\n\r\n" + b"y" * 30_000_000,
    "prologue": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                + b"p\r\n" * 10_000_000 + b"--b--\r\n",
}


@pytest.mark.skipif("SAN_OPTIONS" in " ".join(os.environ),
                    reason="sanitizers have a memory of their own")
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_mail_takes_little_memory(tmp_path, kind):
    tiny, path = put(tmp_path / "h", [b"Subject: x\r\n\r\n", HOSTILE[kind]])
    assert peak(path) - peak(tiny) < 10_000


@pytest.mark.skipif("SAN_OPTIONS" in " ".join(os.environ),
                    reason="sanitizers have a memory of their own")
def test_a_large_message_takes_little_memory(tmp_path):
    tiny = put(tmp_path / "h", [b"Subject: x\r\n\r\n"])[0]
    path = tmp_path / "large.eml"
    with open(path, "wb") as f:
        f.write(b"Content-Type: application/zip; name=a.zip\r\n"
                b"Content-Transfer-Encoding: base64\r\n\r\n")
        block = (b"QUJD" * 19 + b"\r\n") * 10_000
        for _ in range(192):
            f.write(block)
    assert path.stat().st_size > 149_000_000
    assert peak(path) - peak(tiny) < 10_000
    said = told([str(path)])[str(path)]
    assert said["obstacle"] == 0
    assert [a["size"] for a in said["apart"]] == [192 * 10_000 * 57]
