"""What holds for every test: no network beyond this machine, and none of this machine's own network settings."""

from __future__ import annotations

import functools
import ipaddress
import socket

import pytest
from hypothesis import settings

# The same examples every time: what fails here fails for everybody. No deadline: machines differ.
settings.register_profile("reproducible", derandomize=True, database=None, deadline=None)
settings.load_profile("reproducible")


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


def _guarded(connect):
    @functools.wraps(connect)
    def guarded(self, address):
        if isinstance(address, tuple):
            _refuse_strangers(address[0])
        return connect(self, address)

    return guarded


def _resolve(host, *arguments, **options):
    _refuse_strangers(host)
    return _getaddrinfo(host, *arguments, **options)


# Not an audit hook: one written in Python makes CPython 3.11 fail to trace threads that start at the same moment.
_getaddrinfo, socket.getaddrinfo = socket.getaddrinfo, _resolve
for _name in ("connect", "connect_ex"):
    setattr(socket.socket, _name, _guarded(getattr(socket.socket, _name)))


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
