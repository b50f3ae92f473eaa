"""The guard of these tests: a connection to anywhere but this machine fails at once, without a packet sent."""

from __future__ import annotations

import socket

import pytest
import requests


@pytest.mark.parametrize("host", ["192.0.2.1", "203.0.113.7", "accounts.zoho.example"])
def test_nothing_beyond_this_machine_can_be_reached(host):
    with socket.socket() as stranger, pytest.raises(RuntimeError, match="not on this machine"):
        stranger.connect((host, 443))
    with socket.socket() as stranger, pytest.raises(RuntimeError, match="not on this machine"):
        stranger.connect_ex((host, 443))
    with pytest.raises(RuntimeError, match="not on this machine"):
        requests.get(f"https://{host}/", timeout=1)


@pytest.mark.parametrize("host", ["2001:db8::1", "fe80::1%lo", "::ffff:192.0.2.1", "::"])
@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_nor_by_ipv6(host, method):
    with socket.socket(socket.AF_INET6) as stranger, pytest.raises(RuntimeError, match="not on this machine"):
        getattr(stranger, method)((host, 443, 0, 0))


@pytest.mark.parametrize(
    "send",
    [
        lambda stranger, to: stranger.sendto(b"x", to),
        lambda stranger, to: stranger.sendto(b"x", 0, to),
        lambda stranger, to: stranger.sendmsg([b"x"], [], 0, to),
    ],
)
def test_nor_without_a_connection(send):
    with socket.socket(type=socket.SOCK_DGRAM) as stranger, pytest.raises(RuntimeError, match="not on this machine"):
        send(stranger, ("192.0.2.1", 53))


@pytest.mark.parametrize("resolve", ["getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"])
def test_no_name_of_a_stranger_is_looked_up(resolve):
    arguments = (443,) if resolve == "getaddrinfo" else ()
    with pytest.raises(RuntimeError, match="not on this machine"):
        getattr(socket, resolve)("accounts.zoho.example", *arguments)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "localhost")])
def test_this_machine_can_be_reached(family, host):
    with socket.create_server(("127.0.0.1", 0), family=family) as server, socket.socket(family) as client:
        client.connect((host, server.getsockname()[1]))
        with server.accept()[0] as accepted:
            client.sendmsg([b"hello"])
            assert accepted.recv(5) == b"hello"
