"""What holds for every test: no network beyond this machine, and none of this machine's own network settings."""

from __future__ import annotations

import functools
import ipaddress
import os
import socket

import pytest
from hypothesis import HealthCheck, settings

# The same examples every time: what fails here fails for everybody. No deadline: machines differ.
settings.register_profile("reproducible", derandomize=True, database=None, deadline=None)
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


def _loopback(host):
    if isinstance(host, bytes):
        host = host.decode()
    if host in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse_strangers(host):
    if not _loopback(host):
        raise RuntimeError(f"a test tried to reach {host!r}, which is not on this machine")


def _guarded(method):
    @functools.wraps(method)
    def guarded(self, *arguments):
        # The address comes last wherever there is one; those of other families are paths.
        if arguments and isinstance(arguments[-1], tuple):
            _refuse_strangers(arguments[-1][0])
        return method(self, *arguments)

    return guarded


def _resolving(function):
    @functools.wraps(function)
    def guarded(host, *arguments, **options):
        _refuse_strangers(host)
        return function(host, *arguments, **options)

    return guarded


# Not an audit hook: one written in Python makes CPython 3.11 fail to trace threads that start at the same moment.
for _name in ("connect", "connect_ex", "sendto", "sendmsg"):
    setattr(socket.socket, _name, _guarded(getattr(socket.socket, _name)))
for _name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    setattr(socket, _name, _resolving(getattr(socket, _name)))


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def pytest_terminal_summary(terminalreporter):
    """Print the figures that tests have measured, with `record_property`."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    for name, figure in sorted({pair for report in reports for pair in getattr(report, "user_properties", ())}):
        terminalreporter.write_line(f"{name}: {figure}")
