"""What holds for every test: no network beyond this machine, and none of this machine's own network settings.

Owns also the servers that tests share; whoever stops one, or empties it, starts its own.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import socketguard
from helpers.database_servers import mariadb_server, postgres_server, redis_server
from helpers.thoroughness import choose, leave_out
from helpers.tried_packages import record
from helpers.without_coverage import measured_processes, unmeasured_processes  # noqa: F401 - fixtures
from hypothesis import HealthCheck, settings

# The same examples every time: what fails here fails for everybody. No deadline: machines differ.
settings.register_profile("reproducible", max_examples=choose(40, 100), derandomize=True, database=None, deadline=None)
# Others every time, as many as asked for: to look for what nobody has seen fail yet.
settings.register_profile(
    "searching",
    max_examples=int(os.environ.get("ZOHORECRUIT_FUZZ_EXAMPLES") or 1),
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("searching" if os.environ.get("ZOHORECRUIT_FUZZ_EXAMPLES") else "reproducible")


# In this process, and in every Python that a test starts.
socketguard.install()
_GUARD = str(Path(socketguard.__file__).parent)
_paths = [_GUARD, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, _paths)))


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def redis_process():
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_process():
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_process():
    with mariadb_server() as server:
        yield server


def pytest_collection_modifyitems(config, items):
    """Leave out what is for thorough runs only."""
    leave_out(config, items)


def pytest_addoption(parser):
    told = "after a run without a failure, record in docs/reference/tried-with.rst the versions it was made with"
    parser.addoption("--write-tried-with", action="store_true", help=told)


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """Print the figures that tests have measured, with `record_property`; note what they were tried with, if asked to."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    for name, figure in sorted({pair for report in reports for pair in getattr(report, "user_properties", ())}):
        terminalreporter.write_line(f"{name}: {figure}")
    if config.getoption("--write-tried-with") and exitstatus == 0:
        record({report.nodeid.partition("::")[0] for report in terminalreporter.stats.get("passed", ())})
