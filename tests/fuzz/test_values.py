"""Whatever is passed as a region, a host or a token: a valid value, or the documented error without what was passed."""

from __future__ import annotations

import json
import math

import pytest
import requests
from helpers.planted_secrets import leaks
from helpers.strategies import PLANTED, anything, callbacks, mappings, texts, urls
from hypothesis import example, given
from hypothesis import strategies as st

from requests_zohorecruit import Region, Token, UnknownRegionError, UntrustedHostError, ZohoRecruitAuth
from requests_zohorecruit.auth.trusted_hosts import TrustedHosts
from requests_zohorecruit.zoho.regions import https_host

CODES = [region.code for region in Region.all()]
HOST = st.sampled_from(
    ["accounts.zoho.example", "[::1]:8443", "EXAMPLE.com:443", "localhost:0", "x.", "a..b", "é.example"]
)


@given(urls | st.sampled_from(CODES).map(str.swapcase))
def test_T42_any_text_names_a_region_of_the_table_or_none(text):
    try:
        region = Region.lookup(text)
    except UnknownRegionError as error:
        assert PLANTED not in str(error)
        assert all(code in error.message for code in CODES)
        return
    assert region in Region.all()
    assert text.isascii()


@given(anything.filter(lambda value: not isinstance(value, str)))
def test_a_region_that_is_no_text_is_a_type_error(value):
    with pytest.raises(TypeError, match="region must be") as caught:
        Region.lookup(value)
    assert "planted" not in str(caught.value)


@given(
    st.sampled_from(["mars", "eu"]) | anything,
    *[HOST.map("https://{}".format) | urls | anything] * 2,
    st.just("") | HOST.map("https://{}".format) | anything,
)
def test_any_custom_region_has_https_origins_or_is_refused(code, accounts_url, recruit_url, upload_url):
    try:
        region = Region(code, accounts_url, recruit_url, upload_url)
    except (TypeError, ValueError) as error:
        assert not isinstance(error, UnicodeError)
        return
    for url in (region.accounts_url, region.recruit_url, region.upload_url, region.api_domain):
        assert url == url.lower()
        assert https_host(url) == url.removeprefix("https://")
        assert requests.Request("GET", url).prepare().url == f"{url}/"
    assert len(region.hosts) <= 4


@given(urls | anything)
def test_the_host_of_anything_is_a_lower_case_name_or_none(url):
    host = https_host(url)
    assert host is None or (host == host.lower() and "@" not in host and not host.endswith((".", ":")))


@given(urls)
def test_T40_whatever_the_url_the_token_goes_to_trusted_hosts_only(url):
    hosts = TrustedHosts(Region.lookup("eu"), ["localhost:8443"])
    try:
        hosts.check(url)
    except UntrustedHostError as error:
        assert PLANTED not in str(error)
        return
    sent = requests.Request("GET", url).prepare().url
    assert https_host(sent) in {*Region.lookup("eu").hosts, "localhost:8443"}


@given(st.lists(HOST | urls | anything, max_size=2) | anything)
def test_T60_any_allowed_hosts_are_hosts_or_refused_without_being_shown(allowed):
    try:
        hosts = TrustedHosts(Region.lookup("eu"), allowed)
    except (TypeError, ValueError) as error:
        assert PLANTED not in str(error)
        return
    assert hosts.trusts("https://recruit.zoho.eu/recruit/v2/Candidates")
    assert not hosts.trusts("https://stranger.invalid/")


@given(mappings | anything)
@example({"access_token": "a", "expires_at": 10**400, "expires_in": 10**400})
@example({"access_token": "a", "expires_at": "1" * 5000})
def test_T60_any_dict_is_a_token_or_an_error_that_shows_no_value(mapping):
    try:
        token = Token.from_dict(mapping)
    except (TypeError, ValueError) as error:
        assert not isinstance(error, UnicodeError)
        assert leaks(error) == []
        assert error.__context__ is None
        return
    assert math.isfinite(token.expires_at)
    assert 1 <= token.expires_in <= 86_400
    assert token.stale_at <= token.dead_at <= token.expires_at
    assert Token.from_dict(json.loads(json.dumps(token.to_dict()))) == token


# What is no text is refused by its type, without being hidden from the frames of the traceback.
@given(texts | callbacks | anything, st.none() | texts | anything.filter(lambda value: "planted" not in repr(value)))
def test_T60_any_secret_and_grant_are_taken_or_refused_without_being_shown(secret, grant):
    try:
        auth = ZohoRecruitAuth("1000.CLIENT", secret, region="eu", refresh_token=grant)
    except (TypeError, ValueError, requests.RequestException) as error:
        assert leaks(error) == []
        assert not isinstance(error, UnicodeError)
        return
    assert auth.token is None
