#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs one test file and prints the totals that scripts/test adds up.

usage: run.py FILE [Class | Class.test ...] [-v]
Exit code: 0 all passed, 1 something failed, 77 everything was skipped (ctest's SKIP_RETURN_CODE).
"""
import faulthandler
import importlib.util
import os
import signal
import sys
import unittest


class Result(unittest.TextTestResult):
    """Counts test methods, not subtests, and remembers why a test was skipped."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.started = set()
        self.broken = set()
        self.skip_lines = []

    def startTest(self, test):
        super().startTest(test)
        self.started.add(test.id())

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skip_lines.append((test.id(), reason))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.broken.add(test.id())

    def addError(self, test, err):
        super().addError(test, err)
        self.broken.add(test.id())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.broken.add(test.id())

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.broken.add(test.id())


def load(path):
    """Imports a test file by its path."""
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def count(suite):
    """The number of test methods per class that a suite holds."""
    return suite.countTestCases()


def main(argv):
    args = [a for a in argv[1:] if not a.startswith("-")]
    if not args:
        print(__doc__, file=sys.stderr)
        return 2
    # A test that hangs shows where when ctest (or a person) sends SIGABRT.
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    module = load(args[0])
    loader = unittest.TestLoader()
    if len(args) > 1:
        suite = loader.loadTestsFromNames(args[1:], module)
    else:
        suite = loader.loadTestsFromModule(module)
    total = count(suite)
    runner = unittest.TextTestRunner(
        stream=sys.stdout, verbosity=2 if "-v" in argv else 1, resultclass=Result)
    result = runner.run(suite)
    stem = os.path.splitext(os.path.basename(args[0]))[0]
    for name, reason in result.skip_lines:
        print("# skipped: %s: %s" % (name, reason))
    # A failure in setUpClass is not a started test: every test of that class counts as failed.
    class_failures = [b for b in result.broken if b not in result.started]
    class_skips = [n for n, _ in result.skip_lines if n not in result.started]
    skipped = len({n for n, _ in result.skip_lines if n in result.started})
    failed = len(result.broken & result.started)
    passed = len(result.started) - failed - skipped
    not_run = total - len(result.started)
    if class_failures:
        failed += max(not_run, 1)
    elif class_skips:
        skipped += not_run
    print("# cases: passed=%d failed=%d skipped=%d" % (passed, failed, skipped))
    if total == 0:
        print("%s: no tests" % stem, file=sys.stderr)
        return 1
    if failed or not result.wasSuccessful():
        return 1
    return 77 if passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
