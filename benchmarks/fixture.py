"""What the fixture `zoho_sandbox` adds to a test after the first.

Setting up and clearing away count, as pytest reports them; what tests take that ask for `monkeypatch` only is
subtracted.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import pytest
from report import Table

__all__ = ["measure"]

#: Milliseconds.
_TARGET = 5.0
_TESTS = """
import pytest

@pytest.mark.parametrize("turn", range({turns}))
def test_without(monkeypatch, turn):
    pass

@pytest.mark.parametrize("turn", range({turns}))
def test_with(zoho_sandbox, turn):
    zoho_sandbox.fault("throttle", 3)
    zoho_sandbox.new_code()
"""


class _Stopwatch:
    """A plugin that adds up setup and teardown of each test."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what was reported."""
        if report.when != "call":
            self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration

    def milliseconds(self, name: str) -> list[float]:
        """Return what each test but the first took."""
        return [1000 * each for test, each in self._seconds.items() if f"::{name}[" in test][1:]


def measure(*, quick: bool = False) -> Table:
    """Run tests with the fixture and without it."""
    turns = 20 if quick else 400
    table = Table("`zoho_sandbox`: what it adds to a test after the first", ("", "ms"))
    without, with_it = _run(turns)
    plain = statistics.median(without)
    added = statistics.median(with_it) - plain
    table.add("median", f"{added:.2f}")
    table.add("one in twenty", f"{statistics.quantiles(with_it, n=20)[-1] - plain:.2f}")
    table.notes.append(f"{turns} tests with it and {turns} without.")
    table.expect(added <= _TARGET, f"`zoho_sandbox` adds at most {_TARGET:g} ms to a test after the first")
    return table


def _run(turns: int) -> tuple[list[float], list[float]]:
    stopwatch = _Stopwatch()
    with tempfile.TemporaryDirectory() as name:
        Path(name, "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        path = Path(name, "test_fixture.py")
        path.write_text(_TESTS.format(turns=turns), encoding="utf-8")
        arguments = ["-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:terminal"]
        status = pytest.main([*arguments, "--rootdir", name, str(path)], [stopwatch])
    if status:
        raise RuntimeError(f"the tests that are timed did not pass: {status!r}")
    return stopwatch.milliseconds("test_without"), stopwatch.milliseconds("test_with")
