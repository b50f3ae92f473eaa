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
