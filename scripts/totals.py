#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up test cases: totals.py REPORT.xml... (of ctest --output-junit)

A ctest entry holds many cases: it counts what its lines "# cases: passed=N failed=N skipped=N" say, else cmocka's
line for each case, else the entry as one case. Prints why each skipped case was skipped, then the totals.
Exits 1 when a case failed or none passed.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

CASES = re.compile(r"^# cases: passed=(\d+) failed=(\d+) skipped=(\d+)$", re.MULTILINE)
CMOCKA = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] ", re.MULTILINE)
# cmocka repeats its failed and skipped cases below such a line.
CMOCKA_SUMMARY = re.compile(r"^\[==========\] \d+ test\(s\) run\.$.*?(?=^\[==========\] Running |\Z)",
                            re.MULTILINE | re.DOTALL)
SKIP_LINE = re.compile(r"^(?:# skipped: .*|\[  SKIPPED \] .*)$", re.MULTILINE)


def count(status, output):
    """(passed, failed, skipped) of one ctest entry whose status is run, fail or skip."""
    totals = [sum(int(n) for n in column) for column in zip(*CASES.findall(output))]
    if not totals:
        words = CMOCKA.findall(CMOCKA_SUMMARY.sub("", output))
        totals = [words.count("OK"), words.count("FAILED"), words.count("SKIPPED")]
    if status == "run" and sum(totals) == 0:
        return 1, 0, 0
    if status == "skip" and sum(totals) == 0:
        return 0, 0, 1
    # It broke off: no case says so.
    if status == "fail" and totals[1] == 0:
        totals[1] = 1
    return tuple(totals)


def read(report):
    """(name, status, output, ctest's own words) of each entry; one that could not be started has failed."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        status, skipped = case.get("status"), case.find("skipped")
        words = skipped.get("message") if skipped is not None else ""
        if status not in ("run", "fail"):
            status = "skip" if status == "disabled" or words.startswith("SKIP_") else "fail"
        yield case.get("name"), status, case.findtext("system-out") or "", words


def main(reports):
    totals = [0, 0, 0]
    for report in reports:
        for name, status, output, words in read(report):
            counted = count(status, output)
            if counted[2]:
                reasons = set(SKIP_LINE.findall(CMOCKA_SUMMARY.sub("", output)))
                for reason in sorted(reasons) or [words or "no reason given"]:
                    print("%s: %s" % (name, reason.lstrip("# ")))
            if counted[1]:
                print("%s: %d of %d cases failed" % (name, counted[1], sum(counted)))
            totals = [t + c for t, c in zip(totals, counted)]
    print("%d passed, %d failed, %d skipped" % tuple(totals))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
