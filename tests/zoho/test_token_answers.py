"""Zoho's dialect: every answer of the token endpoint that is known, and a few that nobody has seen yet."""

from __future__ import annotations

import json
import re

import pytest
from helpers.planted_secrets import raising

from requests_zohorecruit.errors import (
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
)
from requests_zohorecruit.zoho.regions import Region
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_answers import Answer, make_redirect_error, read_revocation, read_token_answer

NOW = 1_800_000_000.0
EU = Region.lookup("eu")
PREVIOUS = Token("old", "1000.planted-grant", NOW, 3600, ("A", "B"), "https://www.zohoapis.eu")
GOOD = {
    "access_token": "1000.planted-access",
    "expires_in": 3600,
    "api_domain": "https://www.zohoapis.eu",
    "token_type": "Bearer",
}
DENIED = {
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "error": "Access Denied",
    "status": "failure",
}
DENIED_IN_CHINESE = {"error_description": "您的请求过于频繁。请稍后重试。", "error": "拒绝访问", "status": "failure"}
PAGE = "\n <!DOCTYPE html><html><body>planted 1000.planted-access</body></html>"


def read(body, status=200, *, retry_after=None, previous=PREVIOUS):
    text = body if isinstance(body, str) else json.dumps(body)
    return read_token_answer(Answer(status, text, retry_after), region=EU, requested_at=NOW, previous=previous)


# -- success -----------------------------------------------------------------------------------------------------------


def test_T24_the_lifetime_counts_from_when_the_request_left():
    token = read(GOOD)
    assert token == Token(
        "1000.planted-access", "1000.planted-grant", NOW + 3600, 3600, ("A", "B"), "https://www.zohoapis.eu", "Bearer"
    )


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {"refresh_token": None, "api_domain": None, "scope": None},
        {"refresh_token": "", "api_domain": "", "scope": ""},
        {"scope": []},
    ],
)
def test_T15_what_the_answer_leaves_out_is_carried_forward(nothing):
    token = read({"access_token": "new", **nothing})
    assert (token.access_token, token.refresh_token, token.api_domain, token.scope) == (
        "new",
        "1000.planted-grant",
        "https://www.zohoapis.eu",
        ("A", "B"),
    )
    alone = read({"access_token": "new", **nothing}, previous=None)
    assert (alone.refresh_token, alone.api_domain, alone.scope) == (None, None, ())


def test_T15_what_the_answer_says_replaces_what_was_known():
    token = read(GOOD | {"refresh_token": "1000.other", "scope": "C D", "api_domain": "https://www.zohoapis.com/"})
    assert (token.refresh_token, token.scope, token.api_domain) == (
        "1000.other",
        ("C", "D"),
        "https://www.zohoapis.com",
    )


@pytest.mark.parametrize("scope", ["A,B", "A B", " B, A ", ["A", "B"]])
def test_T04_an_echoed_scope_is_split_whatever_separates_it(scope):
    assert set(read(GOOD | {"scope": scope}).scope) == {"A", "B"}


@pytest.mark.parametrize("scope", [5, {"A": 1}, ["A", None], True])
def test_T04_a_scope_that_is_none_does_not_cost_the_token(scope):
    assert read(GOOD | {"scope": scope}).scope == ("A", "B")


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"expires_in": "3600"}, 3600),
        ({"expires_in": 3_600_000}, 3600),
        ({"expires_in": 3_600_000, "expires_in_sec": 3600}, 3600),
        ({"expires_in": 1800.0}, 1800),
        ({"expires_in": None}, 3600),
        ({"expires_in": float("nan")}, 3600),
        ({"expires_in": float("inf")}, 3600),
        ({"expires_in": -5}, 3600),
    ],
)
def test_T17_the_lifetime_is_understood_in_all_its_forms(fields, seconds):
    token = read(GOOD | fields)
    assert token.expires_in == seconds
    assert token.expires_at == NOW + seconds


@pytest.mark.parametrize(
    "domain", ["https://evil.example", "https://www.zohoapis.eu.evil.example", "http://www.zohoapis.eu", 5, ["x"]]
)
def test_T40_a_foreign_api_domain_is_not_taken_over(domain):
    assert read(GOOD | {"api_domain": domain}).api_domain == "https://www.zohoapis.eu"
    assert read(GOOD | {"api_domain": domain}, previous=None).api_domain is None


def test_an_api_domain_of_old_does_not_fail():
    assert read(GOOD | {"api_domain": "https://api.zoho.com"}).api_domain == "https://api.zoho.com"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Zoho-oauthtoken", "Zoho-oauthtoken"),
        ("Bearer", "Bearer"),
        (None, "Bearer"),
        (5, "Bearer"),
        ("<1000.x>", "Bearer"),
    ],
)
def test_T06_any_token_type_is_taken(given, kept):
    assert read(GOOD | {"token_type": given}).token_type == kept


def test_a_byte_order_mark_and_unknown_fields_do_no_harm():
    assert read("\ufeff" + json.dumps(GOOD | {"note": "x"})).access_token == "1000.planted-access"
    assert read(GOOD, 201).access_token == "1000.planted-access"


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize(
    ("word", "kind", "hint"),
    [
        ("invalid_code", ReauthorizationRequired, "authoriz"),
        ("invalid_grant", ReauthorizationRequired, "authoriz"),
        ("invalid_client", ClientConfigurationError, r"wrong region \(eu\)"),
        ("invalid_client_secret", ClientConfigurationError, "is of region eu"),
        ("invalid_redirect_uri", ClientConfigurationError, "registered"),
    ],
)
def test_T16_an_error_is_judged_by_its_body_whatever_the_status(word, kind, hint, status):
    for extra in ({}, {"status": "failure"}, {"access_token": "1000.planted"}):
        with raising(kind, match=hint) as caught:
            read({"error": word, **extra}, status)
        error = caught.value
        assert type(error) is kind
        assert (error.code, error.status_code, error.region) == (word, status, "eu")
        assert "accounts.zoho.eu" in str(error)


@pytest.mark.parametrize("status", [200, 400, 429])
@pytest.mark.parametrize(
    "body",
    [
        DENIED,
        DENIED_IN_CHINESE,
        {"error": "Access Denied"},
        {"status": "failure"},
        {"status": "failure", "error": {"planted": 1}},
        {"status": "failure", "access_token": "1000.planted"},
    ],
)
def test_T20_a_throttle_is_known_by_its_shape_in_any_language(body, status):
    with raising(
        ThrottledError,
        match=r"^Zoho Accounts \(accounts\.zoho\.eu, region eu\) refuses to mint more .* Zoho allows about ten per ten minutes",
    ) as caught:
        read(body, status)
    assert (caught.value.code, caught.value.status_code, caught.value.region) == ("Access Denied", status, "eu")
    assert caught.value.retry_after == 60.0
    assert caught.value.uncertain is False


@pytest.mark.parametrize("body", ["", PAGE, {}, [], {"error": "something"}, {"access_token": "1000.planted"}])
def test_T20_status_429_is_a_throttle_whatever_the_body(body):
    with raising(ThrottledError):
        read(body, 429)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 60),
        ("", 60),
        ("5", 60),
        ("60", 60),
        ("90", 90),
        ("3600", 3600),
        ("86400", 3600),
        ("9" * 10, 60),
        ("-5", 60),
        ("1e3", 60),
        ("٣٠٠", 60),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 60),
    ],
)
def test_T20_retry_after_is_a_minute_at_least_and_an_hour_at_most(header, seconds):
    with pytest.raises(ThrottledError) as caught:
        read(DENIED, 400, retry_after=header)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("server_error", "server_error"),
        ("General Error", "General Error"),
        ("1000.planted", None),
        (["planted"], None),
        ({"planted": 1}, None),
        (True, None),
        ("x" * 41, None),
    ],
)
def test_T60_an_unknown_error_is_told_unless_it_could_echo_a_secret(word, code):
    with raising(TokenEndpointError, match=rf"\({code or 'unknown'}\)") as caught:
        read({"error": word, "error_description": "1000.planted"}, 400)
    assert type(caught.value) is TokenEndpointError
    assert caught.value.code == code
    assert caught.value.uncertain is False


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "null",
        "true",
        "3600",
        "NaN",
        '"1000.planted-access"',
        "[]",
        json.dumps([GOOD]),
        json.dumps(GOOD)[:-1],
        json.dumps(GOOD) + "}",
        "access_token=1000.planted-access&expires_in=3600",
        "\x00",
        "\ufffd\ufffd",
        "{}",
        '{"access_token": null}',
        '{"access_token": ""}',
        '{"access_token": 0}',
        '{"access_token": 12345}',
        '{"access_token": true}',
        '{"access_token": ["1000.planted-access"]}',
        '{"access_token": {"planted": "1000.planted-access"}}',
        '{"access_token": "1000.planted access"}',
        '{"access_token": "1000.planted\\r\\nX-Evil: 1"}',
        '{"access_token": "1000.planted\\ufffd"}',
        '{"access_token": "\\ud800"}',
        '{"access_token": "new", "refresh_token": 5}',
        '{"access_token": "new", "refresh_token": ["1000.planted"]}',
        '{"access_token": "new", "refresh_token": "1000.planted\\n"}',
        '{"status": "success"}',
        '{"error": ""}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"access_token": ' + "[" * 100_000,
        '{"expires_in": ' + "9" * 10_000 + "}",
    ],
    ids=lambda body: body[:40],
)
def test_T16_T38_an_answer_without_a_token_is_an_endpoint_error_and_uncertain(body):
    with raising(TokenEndpointError, match="something that is not a token response. Try again later") as caught:
        read(body)
    assert type(caught.value) is TokenEndpointError
    assert (caught.value.status_code, caught.value.region) == (200, "eu")
    assert caught.value.uncertain is True


@pytest.mark.parametrize("status", [200, 404, 500, 503])
def test_an_html_page_is_called_one(status):
    with raising(TokenEndpointError, match=f"HTTP {status} with an HTML page"):
        read(PAGE, status)


@pytest.mark.parametrize("status", [100, 199, 300, 400, 401, 403, 404, 500, 503])
def test_T16_a_token_in_an_answer_that_failed_is_not_taken(status):
    with raising(TokenEndpointError, match=f"HTTP {status}") as caught:
        read(GOOD, status)
    assert caught.value.uncertain is False


@pytest.mark.parametrize(
    ("status", "uncertain"),
    [
        (199, False),
        (200, True),
        (204, True),
        (299, True),
        (300, False),
        (400, False),
        (500, False),
        (502, True),
        (503, False),
        (504, True),
    ],
)
def test_whether_zoho_may_have_minted_depends_on_who_gave_up(status, uncertain):
    with pytest.raises(TokenEndpointError) as caught:
        read("", status)
    assert caught.value.uncertain is uncertain


def test_T37_a_redirect_names_the_host_that_redirected():
    error = make_redirect_error(307, EU)
    assert type(error) is TokenEndpointError
    assert re.search(r"accounts\.zoho\.eu.* with a redirect \(HTTP 307\).* look for a proxy", str(error))
    assert (error.status_code, error.region, error.uncertain) == (307, "eu", False)


# -- revocation --------------------------------------------------------------------------------------------------------


def test_a_revocation_is_confirmed_by_zohos_success_body():
    read_revocation(Answer(200, '{"status": "success"}'), region=EU)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "{}"),
        (200, ""),
        (200, PAGE),
        (200, "[]"),
        (200, '{"status": "SUCCESS"}'),
        (200, '"success"'),
        (400, PAGE),
        (400, '{"status": "success"}'),
        (201, '{"status": "success"}'),
        (204, ""),
        (500, "planted"),
    ],
)
def test_any_other_answer_confirms_no_revocation(status, body):
    with raising(TokenEndpointError, match="did not confirm .* If it was revoked before") as caught:
        read_revocation(Answer(status, body), region=EU)
    assert (caught.value.status_code, caught.value.region) == (status, "eu")


def test_a_throttled_revocation_is_known_by_its_status_alone():
    with raising(ThrottledError) as caught:
        read_revocation(Answer(429, PAGE), region=EU)
    assert (caught.value.status_code, caught.value.region) == (429, "eu")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": "invalid_client"}, ClientConfigurationError),
        ({"error": "invalid_code"}, ReauthorizationRequired),
        (DENIED, ThrottledError),
        ({"status": "failure"}, ThrottledError),
        ({"error": "odd"}, TokenEndpointError),
    ],
)
def test_an_error_on_revocation_is_the_same_error_as_elsewhere(body, kind):
    with raising(kind) as caught:
        read_revocation(Answer(400, json.dumps(body)), region=EU)
    assert type(caught.value) is kind


def test_T60_an_answer_shows_its_size_only():
    assert repr(Answer(200, "planted")) == str(Answer(200, "planted")) == "Answer(status=200, 7 characters)"
