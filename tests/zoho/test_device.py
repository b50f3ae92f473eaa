"""Device authorization: what Zoho's answers mean, good and absurd ones."""

from __future__ import annotations

import json

import pytest
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET

from requests_zohorecruit.errors import (
    AuthorizationError,
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    UnknownRegionError,
    UntrustedHostError,
)
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.device import (
    DevicePrompt,
    Pending,
    read_device_code,
    read_poll,
)
from requests_zohorecruit.zoho.regions import Region
from requests_zohorecruit.zoho.token_answers import Answer

EU, US = Region.lookup("eu"), Region.lookup("us")
MARS = Region("mars", "https://accounts.zoho.example:8443", "https://recruit.zoho.example")
APPLICATION = Application.create(CLIENT_ID, CLIENT_SECRET, EU)
PAGE = "https://accounts.zoho.eu/oauth/v3/device"
NOW = 1_800_000_000.0
CODE = {
    "user_code": "1A2B3C4D",
    "device_code": "1004.planted.device",
    "verification_url": PAGE,
    "verification_uri_complete": f"{PAGE}?user_code=1A2B3C4D",
    "interval": 5000,
    "expires_in": 300000,
}
TOKENS = {"access_token": "1000.a.b", "refresh_token": "1000.c.d", "expires_in": 3600, "scope": "ZohoRecruit.users.ALL"}


def say(body, status=200):
    return Answer(status, body if isinstance(body, str) else json.dumps(body))


def read_code(answer=None, **changes):
    answer = answer or say({key: value for key, value in {**CODE, **changes}.items() if value != "left out"})
    return read_device_code(answer, region=EU, extra=(MARS,), requested_at=NOW)


def poll(body, status=200):
    return read_poll(say(body, status), region=US, extra=(MARS,), requested_at=NOW)


class TestCode:
    def test_what_is_shown_is_not_what_is_sent(self):
        code = read_code()
        assert code.value == "1004.planted.device"
        assert code.prompt == DevicePrompt("1A2B3C4D", PAGE, f"{PAGE}?user_code=1A2B3C4D", NOW + 300)
        assert "planted" not in repr(code)

    @pytest.mark.parametrize(
        ("interval", "pause"),
        [
            (5000, 30.0),
            (30000, 30.0),
            ("45000", 45.0),
            (60000.0, 60.0),
            (1, 30.0),
            (0, 30.0),
            (-5000, 30.0),
            (10**12, 120.0),
            (10**400, 30.0),
            ("soon", 30.0),
            (None, 30.0),
            (True, 30.0),
            ([5000], 30.0),
            (float("nan"), 30.0),
            (float("inf"), 30.0),
            ("left out", 30.0),
        ],
    )
    def test_no_interval_makes_it_poll_sooner_than_every_thirty_seconds_or_hardly_ever(self, interval, pause):
        assert read_code(interval=interval).pause == pause

    @pytest.mark.parametrize(
        ("expires_in", "lifetime"),
        [
            (300000, 300),
            ("600000", 600),
            (0, 300),
            (-1, 300),
            (10**15, 1800),
            ("later", 300),
            (None, 300),
            ("left out", 300),
        ],
    )
    def test_no_lifetime_makes_it_wait_for_ever_or_not_at_all(self, expires_in, lifetime):
        assert read_code(expires_in=expires_in).prompt.expires_at == NOW + lifetime

    @pytest.mark.parametrize(
        "changes",
        [
            {"user_code": "left out"},
            {"user_code": ""},
            {"user_code": 12345678},
            {"user_code": "\x1b[2J1A2B"},
            {"user_code": "1A2B\n"},
            {"user_code": "A" * 40},
            {"device_code": "left out"},
            {"device_code": ""},
            {"device_code": "planted device"},
            {"device_code": ["1004.planted"]},
            {"verification_url": "left out"},
            {"verification_url": None},
            {"verification_url": [PAGE]},
        ],
    )
    def test_an_answer_that_lacks_a_field_or_has_nonsense_in_it_is_not_understood(self, changes):
        with pytest.raises(TokenEndpointError, match=r"accounts\.zoho\.eu, region eu") as caught:
            read_code(**changes)
        assert "planted" not in str(caught.value)

    @pytest.mark.parametrize("text", ["<html>", "", "[]", "null", "[" * 100_000, '{"user_code":'])
    def test_html_and_other_texts_are_not_understood(self, text):
        with pytest.raises(TokenEndpointError):
            read_code(say(text))

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (say({"error": "invalid_client"}), ClientConfigurationError),
            (say({"error": "invalid_scope"}), ClientConfigurationError),
            (say({"error": "Access Denied", "status": "failure"}, 400), ThrottledError),
            (say({**CODE, "error": "general_error"}), TokenEndpointError),
            (say("", 500), TokenEndpointError),
        ],
    )
    def test_an_error_is_the_same_as_of_any_token_call(self, answer, kind):
        with pytest.raises(kind) as caught:
            read_code(answer)
        assert type(caught.value) is kind

    @pytest.mark.parametrize(
        "url",
        [
            "http://accounts.zoho.eu/oauth/v3/device",
            "https://accounts.zoho.evil.example/oauth/v3/device",
            "https://accounts.zoho.eu.evil.example/",
            "https://accounts.zoho.eu@evil.example/",
            "https://evil.example/?https://accounts.zoho.eu",
            "https://accounts.zoho.eu:8443/oauth/v3/device",
            "https://recruit.zoho.eu/oauth/v3/device",
            "https://accounts.zoho.eu\\@evil.example/",
            "https://accounts.zoho.eu/\x1b[2J",
            "https://\u0430ccounts.zoho.eu/oauth/v3/device",
            "javascript:alert(1)",
            "accounts.zoho.eu/device",
        ],
    )
    @pytest.mark.parametrize("field", ["verification_url", "verification_uri_complete"])
    def test_a_page_on_a_foreign_host_is_refused(self, field, url):
        with pytest.raises(UntrustedHostError, match="not on a host of Zoho") as caught:
            read_code(**{field: url})
        assert "evil" not in str(caught.value)

    def test_a_complete_address_of_another_type_is_refused(self):
        with pytest.raises(UntrustedHostError):
            read_code(verification_uri_complete=5)

    @pytest.mark.parametrize("region", [EU, US, MARS], ids=lambda region: region.code)
    def test_any_known_accounts_host_will_do(self, region):
        page = f"{region.accounts_url}/device"
        assert read_code(verification_url=page, verification_uri_complete="").prompt.verification_url == page

    @pytest.mark.parametrize("complete", ["left out", "", None])
    def test_without_a_complete_address_it_is_the_plain_one(self, complete):
        assert read_code(verification_uri_complete=complete).prompt.verification_url_complete == PAGE


class TestPoll:
    def test_the_tokens(self):
        token = poll(TOKENS)
        assert (token.access_token, token.refresh_token, token.expires_at) == ("1000.a.b", "1000.c.d", NOW + 3600)

    def test_not_yet(self):
        assert poll({"error": "authorization_pending"}) == Pending(US)
        assert poll({"error": "slow_down"}) == Pending(US, 5.0)

    @pytest.mark.parametrize(("name", "region"), [("eu", EU), ("EU", EU), ("com", US), ("mars", MARS)])
    def test_a_person_who_lives_elsewhere_is_asked_for_there(self, name, region):
        assert poll({"user_location": name, "error": "other_dc"}) == Pending(region)

    @pytest.mark.parametrize(
        "name",
        [
            "venus",
            "xx",
            "zz.zz",
            "",
            None,
            7,
            ["eu"],
            {"eu": 1},
            "https://accounts.zoho.evil.example",
            "accounts.zoho.eu",
            "e u",
        ],
    )
    def test_a_data_centre_that_is_not_known_gets_no_poll(self, name):
        with pytest.raises(UnknownRegionError, match="not known here; nothing was sent to it") as caught:
            poll({"user_location": name, "error": "other_dc"})
        assert "evil" not in str(caught.value)

    def test_without_a_location_neither(self):
        with pytest.raises(UnknownRegionError):
            poll({"error": "other_dc"})

    @pytest.mark.parametrize(
        ("body", "kind", "told"),
        [
            ({"error": "access_denied"}, AuthorizationError, "pressed Reject"),
            ({"error": "expired"}, AuthorizationError, "Ask for a new code"),
            ({"error": "invalid_code"}, ReauthorizationRequired, "authorize again"),
            ({"error": "invalid_client_secret"}, ClientConfigurationError, "one secret per data centre"),
            ({"error": "something_new"}, TokenEndpointError, "something_new"),
            ({"error": ["slow_down"]}, TokenEndpointError, "unknown"),
            ({**TOKENS, "refresh_token": None}, AuthorizationError, "offline access"),
            ({}, TokenEndpointError, "not a token response"),
            ("<html>", TokenEndpointError, "HTML"),
        ],
    )
    def test_everything_else_is_an_error_with_its_remedy(self, body, kind, told):
        with pytest.raises(kind, match="region us") as caught:
            poll(body)
        assert type(caught.value) is kind
        assert told in str(caught.value)
