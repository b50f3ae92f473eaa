"""The recipe for niquests in the documentation, and requests beside it, on the urllib3-future that niquests brings along.

That package takes urllib3's place for everything that is installed beside it, so no other test has it: ``tox run -e
recipes-niquests``.
"""

from __future__ import annotations

import pytest
import requests
from helpers.doc_pages import DOCS, blocks

from requests_zohorecruit.sandbox import Sandbox

EXAMPLES = [block.text for block in blocks(DOCS / "howto/other-clients.rst") if block.language == "python"]


@pytest.fixture
def zoho(monkeypatch):
    with Sandbox() as zoho:
        values = {"CLIENT_ID": zoho.client_id, "CLIENT_SECRET": zoho.client_secret}
        values |= {"ACCOUNTS_URL": zoho.region.accounts_url, "RECRUIT_URL": zoho.region.recruit_url}
        for name, value in (values | {"REFRESH_TOKEN": zoho.refresh_token}).items():
            monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", zoho.ca_bundle)
        yield zoho


@pytest.fixture
def names(zoho):
    names = {}
    for word in ("from_env(", "def call("):
        run(names, word)
    return names


def run(names, word):
    (example,) = (text for text in EXAMPLES if word in text)
    exec(compile(example, f"the example with {word}", "exec"), names)


def test_a_call_and_one_whose_token_is_rejected_make_two_token_requests(zoho, names):
    for expected in (1, 2):
        run(names, "niquests.get(")
        assert len(names.pop("candidates")) == 12
        assert zoho.token_requests == expected
        zoho.reject_tokens()
    url = f"{zoho.region.recruit_url}/recruit/v2/Candidates"
    assert requests.get(url, auth=names["auth"], timeout=30).ok
    assert zoho.token_requests == 3


def test_t21_an_api_that_rejects_everything_costs_one_mint(zoho, names):
    zoho.reject_all = True
    for _ in range(3):
        with pytest.raises(KeyError, match="data"):
            run(names, "niquests.get(")
    assert zoho.token_requests == 2
