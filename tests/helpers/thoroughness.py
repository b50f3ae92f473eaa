"""How thorough a run is: everything with ``ZOHORECRUIT_THOROUGH=1``, as in CI; by default, what takes a few minutes.

By default, tests marked ``thorough`` are left out, and tests marked ``thorough(one_in=n)`` run with every nth of their
cases. Tests that are named with ``::`` are always run.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TypeVar

__all__ = ["THOROUGH", "choose", "leave_out"]

THOROUGH = os.environ.get("ZOHORECRUIT_THOROUGH", "") not in {"", "0"}

_Value = TypeVar("_Value")


def choose(default: _Value, thorough: _Value) -> _Value:
    """Return how many there are of something that a test repeats."""
    return thorough if THOROUGH else default


def leave_out(config, items):
    """Take the cases that are for thorough runs out of the list of tests; the same ones every time, in every process."""
    if THOROUGH or any("::" in argument for argument in config.args):
        return
    cases = defaultdict(list)
    for item in items:
        if mark := item.get_closest_marker("thorough"):
            cases[item.nodeid.partition("[")[0], mark.kwargs.get("one_in")].append(item.nodeid)
    kept = {case for (_, one_in), each in cases.items() if one_in for case in sorted(each)[::one_in]}
    left_out = {case for each in cases.values() for case in each} - kept
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left_out])
    items[:] = [item for item in items if item.nodeid not in left_out]
