# SPDX-License-Identifier: Apache-2.0
"""Prints "passed failed skipped" of meson's or pytest's record.

A record that is missing or holds nothing counts as one failure: a run that
ran no test has not passed. (meson leaves no record when no test is defined;
that is no failure by itself.)
"""
import json
import os
import sys
import xml.etree.ElementTree as ET


def meson(path):
    if not os.path.exists(path):
        return 0, 0, 0
    results = [json.loads(line)["result"] for line in open(path)]
    good = sum(r in ("OK", "EXPECTEDFAIL") for r in results)
    skipped = results.count("SKIP")
    return good, len(results) - good - skipped, skipped


def junit(path):
    if not os.path.exists(path):
        return 0, 1, 0
    total = bad = skipped = 0
    for suite in ET.parse(path).getroot().iter("testsuite"):
        total += int(suite.get("tests"))
        bad += int(suite.get("failures")) + int(suite.get("errors"))
        skipped += int(suite.get("skipped"))
    if total == 0:
        return 0, 1, 0
    return max(0, total - bad - skipped), bad, skipped


print(*{"meson": meson, "junit": junit}[sys.argv[1]](sys.argv[2]))
