# SPDX-License-Identifier: Apache-2.0
"""Messages are recognised again as docs/matching.md promises."""
import os
import pathlib
import sys

import pytest

from harness import program

sys.path.insert(0, str(program.ROOT / "tests" / "match"))
import match  # noqa: E402


def tool():
    """Where the build has it; a test of an installed program has none."""
    path = pathlib.Path(program.binary()).parents[1] / "tests" / "match" \
        / "fingerprints"
    if not os.access(path, os.X_OK):
        pytest.skip(f"no {path}: build with -Dtests=true")
    return str(path)


@pytest.fixture(scope="module")
def measured():
    """The measurement of all the samples."""
    path = match.corpora()
    if not path:
        pytest.skip("no real mail here: set MAILHAUL_SHARED")
    real, odd = match.measure(tool(), path)
    assert real.n > 3000 and odd.n > 300
    return real, odd


def test_no_message_is_lost(measured):
    """What is another message is never called the same."""
    for m in measured:
        pairs = m.false_pairs()
        assert sum(pairs.values()) > 2000
        names = [n for (_, v), n in m.other_names.items() if v == "same"]
        assert pairs["same"] == 0, names
    real, _ = measured
    assert real.all[1] == [] and real.bare[1] == []


def test_no_message_is_doubled(measured):
    """What is the same is never called another, rarely unsure."""
    real, _ = measured
    for table in real.real, real.same:
        for kind, counts in table.items():
            assert counts["different"] == 0, kind
            assert counts["unsure"] < .01 * sum(counts.values()), kind
    pairs = real.true_pairs()
    assert sum(pairs.values()) > 40000
    assert pairs["unsure"] < .01 * sum(pairs.values())
    assert real.real["takeout / its messages"]["same"] == 362


def test_a_known_pair(measured):
    """The only real pair of two exports of one account."""
    real, _ = measured
    assert real.real["Takeout / Vault"]["same"] == 1
