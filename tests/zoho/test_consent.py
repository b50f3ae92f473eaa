"""The authorization URL, and what may be believed of the way back: nothing is sent in any of these tests."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from helpers.planted_secrets import APPLICATION

from requests_zohorecruit.errors import AuthorizationError, UntrustedHostError
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.consent import (
    build_consent_url,
    check_refresh_token,
    check_token_url,
    join_scopes,
    make_state,
    read_callback,
    read_session_code,
)
from requests_zohorecruit.zoho.regions import Region
from requests_zohorecruit.zoho.token import Token

EU = Region.lookup("eu")
CODE = "1000.planted-code"
SERVER = "accounts-server=https%3A%2F%2Faccounts.zoho.eu"


def callback(query, origin="https://app.example/callback"):
    return f"{origin}?{query}"


GOOD = callback(f"state=s1&code={CODE}&location=eu&{SERVER}&")


def test_the_authorization_url_has_commas_and_asks_for_a_lasting_grant():
    url = build_consent_url(
        APPLICATION, redirect_uri="http://127.0.0.1:8400/callback", scope=["A.b.C", "D.e.F"], state="s1"
    )
    assert url.startswith("https://accounts.zoho.eu/oauth/v2/auth?")
    assert {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} == {
        "response_type": "code",
        "client_id": "1000.CLIENT",
        "redirect_uri": "http://127.0.0.1:8400/callback",
        "scope": "A.b.C,D.e.F",
        "state": "s1",
        "access_type": "offline",
        "prompt": "consent",
    }


def test_commas_replace_only_what_is_between_scopes():
    assert join_scopes("https://a.example/x?scope=A+B&empty=&state=a+b") == (
        "https://a.example/x?scope=A%2CB&empty=&state=a+b"
    )


def test_T61_a_state_cannot_be_guessed_and_is_not_shown():
    one, two = make_state(), make_state()
    assert one != two
    assert len(one) >= 32
    assert str(one) not in repr(one)


def test_a_good_callback_gives_the_code():
    assert read_callback(GOOD, application=APPLICATION, state="s1") == (EU, CODE)


def test_the_way_back_to_ones_own_machine_needs_no_tls():
    for host in ("127.0.0.1", "localhost", "[::1]"):
        url = callback(f"state=s1&code={CODE}", f"http://{host}:8400/callback")
        assert read_callback(f"{url}&location=eu&{SERVER}", application=APPLICATION, state="s1").code == CODE


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (GOOD.replace("state=s1", "state=s2"), "another state .*Start the authorization again"),
        (GOOD.replace("state=s1&", ""), "another state"),
        (GOOD.replace(f"code={CODE}&", ""), "no code; nothing was sent. Start the authorization again"),
        (GOOD.replace(CODE, "two%20words"), "no code"),
        (GOOD.replace(f"code={CODE}", f"code={CODE}&code=other"), "twice"),
        (GOOD.replace("https://app", "http://app"), "over http; nothing was sent. Behind a proxy"),
        (callback("error=access_denied"), "did not grant access"),
        (callback(f"state=s1&code={CODE}&location=us&{SERVER}"), "another location"),
        (callback(f"state=s1&code={CODE}&{SERVER}"), "no location"),
    ],
)
def test_a_callback_that_is_refused_forged_or_incomplete_is_an_authorization_error(url, says):
    with pytest.raises(AuthorizationError, match=says) as caught:
        read_callback(url, application=APPLICATION, state="s1")
    assert "planted" not in str(caught.value)
    assert caught.value.region == (None if "twice" in says or "grant" in says else "eu")


def test_T40_a_callback_that_names_a_strangers_server_is_refused():
    url = GOOD.replace("accounts.zoho.eu", "accounts.zoho.eu.evil.example")
    with pytest.raises(UntrustedHostError):
        read_callback(url, application=APPLICATION, state="s1")


@pytest.mark.parametrize("state", [None, "", object()])
def test_without_a_state_of_its_own_a_session_believes_nobody(state):
    with pytest.raises(AuthorizationError, match="does not know which state .* Keep the state") as caught:
        read_callback(GOOD, application=APPLICATION, state=state)
    assert caught.value.region == "eu"


def test_a_person_of_another_region_needs_a_session_for_that_region():
    us = Application.create("1000.CLIENT", "planted-client-secret", "us")
    with pytest.raises(AuthorizationError, match="region eu") as caught:
        read_session_code(GOOD, application=us, state="s1")
    assert caught.value.region == "eu"
    assert "Region.from_callback(url)" in caught.value.hint


def test_tokens_come_from_the_regions_token_endpoint_only():
    check_token_url(EU.token_url, EU)
    for url in ("https://accounts.zoho.com/oauth/v2/token", EU.token_url + "/", EU.token_url.replace("https", "http")):
        with pytest.raises(UntrustedHostError, match=r"accounts\.zoho\.eu/.* Pass region\.token_url") as caught:
            check_token_url(url, EU)
        assert caught.value.region == "eu"


def test_a_missing_refresh_token_names_the_two_parameters_that_bring_one():
    with pytest.raises(AuthorizationError) as caught:
        check_refresh_token(Token("1000.a.b"), EU)
    error = caught.value
    assert "access_type=offline" in error.hint
    assert "prompt=consent" in error.hint
    assert error.region == "eu"
    assert "region eu" in str(error)
