"""What a token is minted from: the forms, what stands in a record, and what cannot be a grant."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT

from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import ClientCredentials, RefreshToken, read_grant
from requests_zohorecruit.zoho.token import Token

APPLICATION = Application.create(CLIENT_ID, CLIENT_SECRET, "eu")
SOID = "ZohoRecruit.60001234567"
ONE, TWO = "ZohoRecruit.modules.ALL", "ZohoRecruit.settings.ALL"
CREDENTIALS = ClientCredentials.create(SOID, ONE)
PERSONAL = RefreshToken(Secret(GRANT))
TOKEN = Token("T1", None, 1_800_000_000.0, 3600, ("elsewhere",))


def test_the_form_of_a_refresh_has_neither_scope_nor_redirect_uri():
    assert parse_qs(PERSONAL.make_body(APPLICATION)) == {
        "grant_type": ["refresh_token"],
        "client_id": [CLIENT_ID],
        "client_secret": [str(CLIENT_SECRET)],
        "refresh_token": [str(GRANT)],
    }


def test_the_form_of_client_credentials_has_the_scopes_with_commas():
    body = ClientCredentials.create(SOID, f"{TWO} {ONE}").make_body(APPLICATION)
    assert parse_qs(body) == {
        "grant_type": ["client_credentials"],
        "client_id": [CLIENT_ID],
        "client_secret": [str(CLIENT_SECRET)],
        "scope": [f"{ONE},{TWO}"],
        "soid": [SOID],
    }


@pytest.mark.parametrize(
    "scope", [f"{ONE},{TWO}", f"{TWO} {ONE}", [TWO, ONE], {ONE, TWO}, iter([ONE, TWO]), (ONE, TWO, ONE)]
)
def test_the_same_scopes_are_the_same_grant_in_whatever_order_and_form(scope):
    grant = ClientCredentials.create(SOID, scope)
    assert grant == ClientCredentials(SOID, (ONE, TWO))
    assert hash(grant) == hash(ClientCredentials(SOID, (ONE, TWO)))


def test_another_organisation_or_scope_is_another_grant():
    others = [ClientCredentials.create(f"{SOID}8", ONE), ClientCredentials.create(SOID, TWO), PERSONAL]
    assert len({CREDENTIALS.identity, *(other.identity for other in others)}) == 4
    assert CREDENTIALS not in others


@pytest.mark.parametrize("grant", [PERSONAL, CREDENTIALS, ClientCredentials.create(SOID, [ONE, TWO])])
def test_a_grant_in_a_record_is_read_as_the_same(grant):
    assert read_grant(grant.to_mapping()) == grant
    assert read_grant({**grant.to_mapping(), "access_token": "T1"}) == grant


@pytest.mark.parametrize("mapping", [{}, {"refresh_token": None}, {"refresh_token": "", "soid": ""}, {"scope": [ONE]}])
def test_a_record_without_either_has_no_grant(mapping):
    assert read_grant(mapping) is None


@pytest.mark.parametrize(
    ("soid", "scope", "error", "match"),
    [
        (5, ONE, TypeError, "soid must be a string, not int"),
        (b"ZohoRecruit.1", ONE, TypeError, "soid must be a string, not bytes"),
        ("", ONE, ValueError, 'like "ZohoRecruit'),
        ("60001234567", ONE, ValueError, 'like "ZohoRecruit'),
        ("ZohoRecruit.", ONE, ValueError, 'like "ZohoRecruit'),
        ("ZohoRecruit.6 7", ONE, ValueError, 'like "ZohoRecruit'),
        ("ZohoRecruit.6\n", ONE, ValueError, 'like "ZohoRecruit'),
        (SOID, "", ValueError, "scope is empty"),
        (SOID, " , ", ValueError, "scope is empty"),
        (SOID, [], ValueError, "scope is empty"),
        (SOID, None, TypeError, "scope must be text or an iterable of text, not NoneType"),
        (SOID, 5, TypeError, "scope must be text or an iterable of text, not int"),
        (SOID, b"x", TypeError, "scope must be text or an iterable of text, not bytes"),
        (SOID, {ONE: True}, TypeError, "scope must be text or an iterable of text, not dict"),
        (SOID, [ONE, 5], TypeError, "scope is neither text nor a list of text"),
    ],
)
def test_what_cannot_be_client_credentials_is_an_error_at_once(soid, scope, error, match):
    with pytest.raises(error, match=match):
        ClientCredentials.create(soid, scope)


def test_a_refresh_token_that_came_with_a_token_takes_the_place_of_the_one_before():
    assert PERSONAL.renew(TOKEN) is PERSONAL
    assert PERSONAL.renew(Token("T1", "1000.new")) == RefreshToken(Secret("1000.new"))
    assert CREDENTIALS.renew(Token("T1", "1000.new")) is CREDENTIALS


def test_a_token_of_a_grant_says_so():
    assert PERSONAL.own(TOKEN).refresh_token == GRANT
    assert CREDENTIALS.own(Token("T1", "1000.new")).refresh_token is None
    assert CREDENTIALS.own(TOKEN).scope == (ONE,)


def test_what_is_revoked_is_the_refresh_token_or_the_access_token_of_client_credentials():
    assert PERSONAL.choose_revocable(TOKEN) == PERSONAL.choose_revocable(None) == GRANT
    assert CREDENTIALS.choose_revocable(TOKEN) == "T1"
    assert CREDENTIALS.choose_revocable(None) is None


def test_a_grant_shows_no_secret():
    assert str(GRANT) not in repr(PERSONAL)
