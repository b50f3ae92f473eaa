"""The guard of these tests: whoever wants to reach another machine fails at once, without a packet sent."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
import requests

#: How a program can begin to talk to somebody, with what stands for the host.
WAYS = {
    "connect": "socket.socket().connect((host, 443))",
    "connect_ex": "socket.socket().connect_ex((host, 443))",
    "sendto": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', (host, 53))",
    "sendto with flags": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', 0, (host, 53))",
    "sendmsg": "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b''], [], 0, (host, 53))",
    "getaddrinfo": "socket.getaddrinfo(host, 443)",
    "gethostbyname": "socket.gethostbyname(host)",
    "gethostbyname_ex": "socket.gethostbyname_ex(host)",
    "gethostbyaddr": "socket.gethostbyaddr(host)",
}
STRANGERS = ["192.0.2.1", "2001:db8::1", "fe80::1%lo", "::ffff:192.0.2.1", "::", "accounts.zoho.example"]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("host", STRANGERS)
def test_nothing_beyond_this_machine_can_be_reached(host, way):
    with pytest.raises(RuntimeError, match="not on this machine"):
        eval(way, {"socket": socket, "host": host})


@pytest.mark.parametrize("host", STRANGERS)
def test_requests_does_not_get_further(host):
    address = f"[{host}]" if ":" in host else host
    with pytest.raises(RuntimeError, match="not on this machine"):
        requests.get(f"https://{address}/", timeout=1)


def test_neither_does_a_program_that_a_test_starts():
    program = "import socket, sys; host = sys.argv[1]; " + WAYS["connect"]
    for host in STRANGERS:
        told = subprocess.run([sys.executable, "-c", program, host], capture_output=True, text=True, timeout=60)
        assert told.returncode != 0
        assert "not on this machine" in told.stderr


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
    assert socket.gethostbyname("localhost") == "127.0.0.1"
