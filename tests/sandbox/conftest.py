"""The state machine at a desk, and behind its server."""

from __future__ import annotations

import pytest
import requests
from helpers.socketless_sandbox import Desk

from requests_zohorecruit.sandbox import Sandbox


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def zoho():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def session(zoho):
    with requests.Session() as session:
        session.verify = zoho.ca_bundle
        session.trust_env = False
        yield session
