"""Turns coverage off for code that other tests cover line by line: measuring takes up to twice as long."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager

#: How coverage tells a Python that is started to measure itself, with ``patch = subprocess``.
_REQUEST = "COVERAGE_PROCESS_CONFIG"


@contextmanager
def unmeasured_processes():
    """Start processes, in a ``with`` block, that do not measure themselves."""
    request = os.environ.pop(_REQUEST, None)
    try:
        yield
    finally:
        if request is not None:
            os.environ[_REQUEST] = request


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
