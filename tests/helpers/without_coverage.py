"""Turns coverage off for what other tests cover line by line: measured, processes and threads take up to twice as long."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager

import pytest

#: How coverage tells a Python that is started to measure itself, with ``patch = subprocess``.
_REQUEST = "COVERAGE_PROCESS_CONFIG"


@pytest.fixture(scope="session", autouse=True)
def unmeasured_processes():
    """Start processes that do not measure themselves, unless a test asks for `measured_processes`."""
    with pytest.MonkeyPatch.context() as patch:
        request = os.environ.get(_REQUEST)
        patch.delenv(_REQUEST, raising=False)
        yield request


@pytest.fixture
def measured_processes(unmeasured_processes, monkeypatch):
    """Let coverage measure the processes that this test starts: no other test runs some of their lines."""
    if unmeasured_processes:
        monkeypatch.setenv(_REQUEST, unmeasured_processes)


@contextmanager
def unmeasured_threads():
    """Exclude this thread, and those it starts, from coverage for a while; other tracers continue."""
    watching, watching_others = sys.gettrace(), threading.gettrace()
    if _is_coverage(watching):
        sys.settrace(None)
    if _is_coverage(watching_others):
        threading.settrace(None)
    try:
        yield
    finally:
        sys.settrace(watching)
        threading.settrace(watching_others)


def _is_coverage(watching):
    origin = getattr(watching, "__module__", None) or type(watching).__module__
    return origin.partition(".")[0] == "coverage"
