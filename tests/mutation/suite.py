"""The tests, imported once, and what a run of them on the unchanged library tells: their times, and what they call.

Knows nothing of mutants.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from live import PACKAGE, place

TESTS = Path(__file__).resolve().parent.parent
FOLDER = Path(importlib.util.find_spec(PACKAGE).origin).parent
#: Seconds a test may take beyond a multiple of its usual time.
PATIENCE = 15
# Without rewritten assertions, since what plugins and helpers there are has been imported before pytest looks.
_OPTIONS = ("-q", "-s", "--assert=plain", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider")


def collected(files, then):
    """Import the tests of `files`, and return ``then(suite)``."""
    suite = Suite(then)
    pytest.main([*_OPTIONS, *(str(TESTS.parent / file) for file in files)], plugins=[suite])
    if suite.result is None:
        raise SystemExit("the tests could not be collected")
    return suite.result


class Suite:
    """A pytest plugin that takes pytest's place when the tests have been collected."""

    def __init__(self, then):
        self._then = then
        self.result = self.failed = None
        self.items = []

    def pytest_sessionstart(self):
        # What is looked for is found soon or by another test; and a small counterexample is worth nothing here.
        few = {"phases": (Phase.explicit, Phase.generate), "max_examples": 30}
        settings.register_profile("mutation", settings.get_profile("reproducible"), **few)
        settings.load_profile("mutation")

    def pytest_runtest_logreport(self, report):
        if report.failed and self.failed is None:
            self.failed = report.nodeid

    def pytest_runtestloop(self, session):
        if session.testsfailed:
            return True  # a file that cannot be imported would only be missing, and its kills with it
        self.items = session.items
        self.result = self._then(self)
        return True

    def passes(self, items, seconds=None):
        """Run these tests, up to the first that fails.

        :param seconds: how long each of them usually takes; one that takes much longer ends this process
        """
        for item, following in zip(items, [*items[1:], None], strict=True):
            if seconds is not None:
                signal.alarm(PATIENCE + int(20 * seconds.get(item.nodeid, 1.0)))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return False
        return True

    def measure(self, file):
        """Run all tests, and write down, for each that passes: its seconds, and which functions it calls."""
        measured = {}
        for item in self.items:
            self.failed = None
            started = time.monotonic()
            called = calls_of(lambda item=item: self.passes([item]))
            if self.failed is None:
                measured[item.nodeid] = (time.monotonic() - started, sorted(called))
        file.write_text(json.dumps(measured))


def calls_of(work):
    """Return which functions of the package `work` calls, in whatever thread."""
    called = set()
    ours = str(FOLDER)

    def note(frame, *_):  # called for calls only, as long as it returns nothing
        if frame.f_code.co_filename.startswith(ours):
            called.add(place(frame.f_code))

    threading.settrace(note)
    sys.settrace(note)
    try:
        work()
    finally:
        sys.settrace(None)
        threading.settrace(None)
    return called


def imported(modules):
    """Import these modules of the package, and return which of its functions that calls."""
    return calls_of(lambda: [importlib.import_module(f"{PACKAGE}.{module}") for module in modules])


def of_the_tests(name):
    """Tell whether a name in `sys.modules` is a module of these tests."""
    return str(getattr(sys.modules[name], "__file__", None) or "").startswith(f"{TESTS}/") and name != "__main__"
