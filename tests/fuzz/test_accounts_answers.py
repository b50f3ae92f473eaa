"""Whatever Zoho Accounts answers, byte by byte: a token that can be used, or one error of the tree without a secret."""

from __future__ import annotations

import dataclasses

import pytest
import requests
from helpers.canned_adapter import session_over
from helpers.planted_secrets import APPLICATION, leaks
from helpers.strategies import PLANTED, bodies, headers, statuses, texts
from hypothesis import example, given
from hypothesis import strategies as st

from requests_zohorecruit import (
    ClientConfigurationError,
    MemoryStore,
    ReauthorizationRequired,
    Region,
    ThrottledError,
    Token,
    TokenEndpointError,
    ZohoRecruitAuth,
)
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.grants import RefreshToken
from requests_zohorecruit.zoho.token_answers import Answer, read_token_answer
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

EU = Region.lookup("eu")
NOW = 1_800_000_000.0
PREVIOUS = Token("1000.planted-before", "1000.planted-grant", NOW, 3600, ("ZohoRecruit.modules.ALL",))
MEANT = (TokenEndpointError, ReauthorizationRequired, ClientConfigurationError)


def accounts(*answers):
    return TokenEndpoint(APPLICATION, session=session_over(*answers))


def check(error, status):
    assert leaks(error) == []
    assert (error.region, error.status_code) in {("eu", status), ("eu", None)}
    assert error.__context__ is None
    if isinstance(error, ThrottledError):
        assert 60 <= error.retry_after <= 3600


@given(bodies, statuses, headers, st.none() | st.just(PREVIOUS))
@example(b"\xef\xbb\xbf" + b'{"access_token": "a", "expires_in": "3600"}', 200, {}, None)
@example(b'{"access_token": "a"}', 200, {"Content-Encoding": "gzip"}, None)
@example(b'{"access_token": "a", "expires_in": NaN}', 200, {}, PREVIOUS)
def test_T60_any_answer_to_a_refresh_is_a_token_or_a_typed_error(body, status, headers, previous):
    try:
        token = accounts((status, headers, body)).mint(RefreshToken(Secret("1000.planted-grant")), previous, now=NOW)
    except MEANT as error:
        check(error, status)
        return
    assert 200 <= status < 300
    assert 1 <= token.expires_in <= 86_400
    assert token.expires_at == NOW + token.expires_in
    assert previous is None or token.refresh_token
    assert token.api_domain in {None, *(f"https://{host}" for host in EU.hosts)} or "zoho" in token.api_domain
    assert Token.from_dict(token.to_dict()) == token
    assert "planted" not in repr(dataclasses.replace(token, scope=()))  # scopes are no secret


@given(bodies, statuses, headers)
def test_T60_any_answer_to_an_exchange_is_a_token_or_a_typed_error(body, status, headers):
    try:
        token = accounts((status, headers, body)).exchange("1000.planted-code", now=NOW)
    except MEANT as error:
        check(error, status)
        return
    assert token.access_token


@given(bodies, statuses, headers)
@example(b'{"status": "success"}', 200, {})
def test_T60_any_answer_to_a_revocation_is_a_success_or_a_typed_error(body, status, headers):
    try:
        accounts((status, headers, body)).revoke("1000.planted-grant")
    except MEANT as error:
        check(error, status)
        return
    assert status == 200
    assert b"success" in body or body.startswith((b"\x1f\x8b", b"\xff\xfe"))


@given(texts | st.integers().map(str) | st.from_regex(r"[0-9]{1,12}"))
def test_any_retry_after_is_a_wait_of_one_minute_to_one_hour(retry_after):
    with pytest.raises(ThrottledError) as caught:
        read_token_answer(Answer(429, "", retry_after), region=EU, requested_at=NOW)
    assert 60 <= caught.value.retry_after <= 3600
    assert leaks(caught.value) == []


@given(st.lists(st.tuples(statuses, headers, bodies), min_size=1, max_size=4))
def test_T38_any_run_of_answers_gives_a_header_with_a_token_in_it_or_a_typed_error_and_a_record_that_loads(answers):
    store = MemoryStore()
    auth = ZohoRecruitAuth(
        "1000.CLIENT",
        "planted-client-secret",
        region="eu",
        refresh_token=PLANTED,
        store=store,
        session=session_over(*answers),
    )
    for _ in range(len(answers) + 1):
        prepared = requests.Request("GET", "https://recruit.zoho.eu/recruit/v2/Candidates").prepare()
        try:
            header = auth(prepared).headers["Authorization"]
        except MEANT as error:
            assert leaks(error) == []
            assert "Authorization" not in prepared.headers
        else:
            assert header == f"Zoho-oauthtoken {auth.token.access_token}"
        kept = Record.from_mapping(store.load(), APPLICATION)
        assert kept.grant
        assert kept.token == auth.token
