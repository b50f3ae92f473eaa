"""Whatever is passed as Zoho's redirect: a code for a known region, or one typed error that does not show the code."""

from __future__ import annotations

import pytest
from helpers.canned_adapter import session_over
from helpers.planted_secrets import APPLICATION, leaks
from helpers.strategies import PLANTED, anything, callbacks, urls
from hypothesis import example, given
from hypothesis import strategies as st
from requests_oauthlib import OAuth2Session

from requests_zohorecruit import (
    AuthorizationError,
    Region,
    TokenEndpointError,
    UntrustedHostError,
    zohorecruit_compliance_fix,
)
from requests_zohorecruit.zoho.consent import join_scopes, read_callback
from requests_zohorecruit.zoho.regions import parse_callback

GOOD = f"https://app.example/?state=STATE&code={PLANTED}&location=eu&accounts-server=https%3A%2F%2Faccounts.zoho.eu"
REFUSED = (AuthorizationError, UntrustedHostError)


def check(error):
    assert leaks(error) == []
    assert error.__context__ is None
    assert error.region in {None, *(region.code for region in Region.all())}


@given(callbacks)
@example(GOOD)
def test_T40_any_callback_names_a_known_region_or_is_refused(url):
    try:
        region = Region.from_callback(url)
    except REFUSED as error:
        check(error)
        return
    assert region in Region.all()
    values = parse_callback(url)
    assert values["accounts-server"].removesuffix("/") == region.accounts_url


@pytest.mark.parametrize("read", [Region.from_callback, parse_callback], ids=lambda read: read.__name__)
@given(value=anything.filter(lambda value: not isinstance(value, str)))
def test_a_callback_that_is_no_text_is_a_type_error(read, value):
    with pytest.raises(TypeError, match="must be a string") as caught:
        read(value)
    assert "planted" not in str(caught.value)


@given(callbacks, st.sampled_from(["STATE", "", None]))
@example(GOOD, "STATE")
@example(GOOD.replace("STATE", "ANOTHER"), "STATE")
def test_T60_any_callback_gives_a_code_of_this_region_and_state_or_is_refused(url, state):
    try:
        code = read_callback(url, application=APPLICATION, state=state).code
    except REFUSED as error:
        check(error)
        return
    assert state == "STATE"
    assert parse_callback(url)["state"] == "STATE"
    assert code in parse_callback(url)["code"]
    assert "planted" not in repr(code)


@given(callbacks)
@example(GOOD)
@example(GOOD.replace("STATE", "ANOTHER").replace("https:", "http:"))
def test_T60_any_callback_gives_region_and_code_or_is_refused(url):
    try:
        found = read_callback(url, application=APPLICATION, state="STATE")
    except REFUSED as error:
        check(error)
        return
    assert found.region in Region.all()
    assert found.code
    assert "planted" not in repr(found)


def fixed_session(**options):
    session = OAuth2Session("1000.CLIENT", state="STATE", redirect_uri="https://app.example/", **options)
    session.mount("https://", session_over((500, {}, b"")).adapters["https://"])
    return zohorecruit_compliance_fix(session, region="eu", client_secret="planted-client-secret")


@given(callbacks)
@example(GOOD)
def test_T60_a_session_sends_the_code_of_a_good_callback_to_zoho_and_refuses_any_other(url):
    session = fixed_session()
    wire = session.adapters["https://"]
    try:
        session.fetch_token(Region.lookup("eu").token_url, authorization_response=url)
    except TokenEndpointError as error:  # what the wire answers
        check(error)
        assert [sent.url for sent in wire.requests] == [session.zoho_auth.region.token_url]
    except REFUSED as error:
        check(error)
        assert wire.requests == []


@given(callbacks.map(lambda url: url.replace("?", "#", 1)))
@example(f"https://app.example/#state=STATE&access_token={PLANTED}&token_type=Bearer&expires_in=3600")
def test_T60_any_fragment_of_an_implicit_grant_gives_a_token_or_is_refused(url):
    session = fixed_session()
    try:
        token = session.token_from_fragment(url)
    except REFUSED as error:
        check(error)
        return
    assert token["access_token"]


@given(urls)
def test_the_scopes_of_any_authorization_url_get_commas_or_it_is_no_url(url):
    try:
        assert isinstance(join_scopes(url), str)
    except ValueError:
        assert "[" in url or "]" in url or not url.isascii()
