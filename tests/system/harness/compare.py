# SPDX-License-Identifier: Apache-2.0
"""Compares what is at both ends as multisets, and says what differs."""
from collections import Counter

from .mailbox import count, nonempty, octets_of


def differences(expected, found):
    """Lines that say what is lost and what is there too often."""
    out = []
    for folder in sorted(set(expected) | set(found)):
        want = expected.get(folder, Counter())
        have = found.get(folder, Counter())
        for what, items in (("lost", want - have), ("extra", have - want)):
            for key, n in items.items():
                out.append(f"{folder}: {n} {what}: {str(key)[:200]}")
    return out


def same(expected, found, exact=True):
    """Every message is there exactly once. exact: also flags and dates.
    Folders without messages do not count."""
    if not exact:
        expected, found = octets_of(expected), octets_of(found)
    wrong = differences(nonempty(expected), nonempty(found))
    assert not wrong, "\n".join(wrong[:40])


def all_there(source, target, exact=True, at_least=1):
    """Mailbox objects; the source must hold something, too, or the
    comparison would prove nothing."""
    expected = source.dump()
    assert count(expected) >= at_least
    same(expected, target.dump(), exact)
