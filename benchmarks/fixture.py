"""Measure what the fixture `zoho_sandbox` adds to a test after the first: ``python benchmarks/fixture.py``.

Exit code 1 when it is more than five milliseconds. Setting up and clearing away count, as pytest reports them; what
tests take that ask for `monkeypatch` only is subtracted.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import pytest

#: Milliseconds.
TARGET = 5.0
TESTS = """
import pytest

@pytest.mark.parametrize("turn", range(200))
def test_without(monkeypatch, turn):
    pass

@pytest.mark.parametrize("turn", range(200))
def test_with(zoho_sandbox, turn):
    zoho_sandbox.fault("throttle", 3)
    zoho_sandbox.new_code()
"""


class Stopwatch:
    """A plugin that adds up setup and teardown of each test."""

    def __init__(self):
        self.seconds = {}

    def pytest_runtest_logreport(self, report):
        if report.when != "call":
            self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    def milliseconds(self, name):
        """Return what each test but the first took."""
        return [1000 * each for test, each in self.seconds.items() if f"::{name}[" in test][1:]


def main() -> int:
    """Measure, print, and tell whether the target was reached."""
    stopwatch = Stopwatch()
    with tempfile.TemporaryDirectory() as name:
        Path(name, "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        path = Path(name, "test_fixture.py")
        path.write_text(TESTS, encoding="utf-8")
        arguments = ["-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:terminal"]
        status = pytest.main([*arguments, "--rootdir", name, str(path)], [stopwatch])
    if status:
        return int(status)
    without, with_it = stopwatch.milliseconds("test_without"), stopwatch.milliseconds("test_with")
    added = statistics.median(with_it) - statistics.median(without)
    slow = statistics.quantiles(with_it, n=20)[-1] - statistics.median(without)
    print(f"zoho_sandbox adds {added:.2f} ms to a test after the first (one in twenty: {slow:.2f} ms; target {TARGET})")
    return 0 if added <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
