"""The pytest plugin: the fixture `zoho_sandbox`, a fresh sandbox for each test, and cassettes without secrets.

The sandbox is imported when the first test asks for the fixture, because pytest loads plugins in every run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from requests_zohorecruit.sandbox import Sandbox

__all__ = ["zoho_sandbox"]


@pytest.fixture(scope="session")
def _zoho_sandbox_server() -> Iterator[Sandbox]:
    # Starting the server and making its certificate takes time, so all tests of a process share them.
    from requests_zohorecruit.sandbox import Sandbox  # noqa: PLC0415 - see above

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def zoho_sandbox(_zoho_sandbox_server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Zoho Accounts and Recruit on 127.0.0.1, over TLS, with no state left over from other tests.

    During the test, requests trusts the sandbox's certificate and reaches it without a proxy.
    """
    _zoho_sandbox_server.renew(redirect_uris=("http://127.0.0.1:8400/callback",))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", _zoho_sandbox_server.ca_bundle)
    elsewhere = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, f"{elsewhere},127.0.0.1,localhost".lstrip(","))
    return _zoho_sandbox_server


@pytest.hookimpl(optionalhook=True)
def pytest_recording_configure(vcr: Any) -> None:
    """Keep Zoho's secrets out of the cassettes that pytest-recording writes."""
    from requests_zohorecruit.testing import hide_secrets_in_cassettes  # noqa: PLC0415 - most runs record nothing

    hide_secrets_in_cassettes(vcr)
