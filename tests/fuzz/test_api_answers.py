"""Whatever an API answers: the caller gets it, or one typed error, and never two mints for one rejection."""

from __future__ import annotations

import json

import pytest
import requests
from helpers.canned_adapter import Wire
from helpers.planted_secrets import leaks
from helpers.strategies import bodies, headers, statuses
from hypothesis import example, given
from hypothesis import strategies as st

from requests_zohorecruit import ZohoAuthError, ZohoRecruitAuth
from requests_zohorecruit.zoho.api_answers import is_rejection

CANDIDATES = "https://recruit.zoho.eu/recruit/v2/Candidates"
MINTED = (200, {}, json.dumps({"access_token": "1000.planted-minted", "expires_in": 3600}).encode())


def make_auth(*answers):
    accounts = requests.Session()
    accounts.mount("https://", Wire(*answers))
    auth = ZohoRecruitAuth(
        "1000.CLIENT", "planted-client-secret", region="eu", refresh_token="1000.planted-grant", session=accounts
    )
    return auth, accounts.adapters["https://"]


@given(bodies)
def test_any_body_of_a_401_says_whether_it_rejects(body):
    assert is_rejection(body) in {True, False}


@pytest.mark.parametrize("stream", [False, True])
@given(body=bodies, headers=headers, first=st.just(401) | statuses, second=st.just(401) | statuses)
@example(body=b"\x1f\x8b broken", headers={"Content-Encoding": "gzip"}, first=401, second=401)
def test_any_answer_of_the_api_reaches_the_caller_after_one_replay_at_most(stream, body, headers, first, second):
    auth, mints = make_auth(MINTED)
    wire = Wire((first, headers, body), (second, headers, body))
    with requests.Session() as session:
        session.mount("https://", wire)
        try:
            answer = session.get(CANDIDATES, auth=auth, stream=stream, allow_redirects=False)
        except requests.RequestException as error:
            # What requests cannot read or decode, it could not without us either.
            assert type(error) in {requests.exceptions.ContentDecodingError, requests.exceptions.ChunkedEncodingError}
        else:
            assert answer.status_code == (second if len(wire.requests) == 2 else first)
            if not answer.is_redirect:  # where requests writes a history of its own
                assert [each.status_code for each in answer.history] == [first] * (len(wire.requests) - 1)
    assert len(wire.requests) <= (2 if first == 401 else 1)
    assert len(mints.requests) == len(wire.requests)


@given(bodies, headers, statuses)
def test_T60_when_the_refresh_after_a_401_fails_the_error_is_typed_and_shows_nothing(body, headers, status):
    auth, mints = make_auth(MINTED, (status, headers, body))
    with requests.Session() as session:
        session.mount("https://", Wire((401, {}, b'{"code": "INVALID_TOKEN"}')))
        try:
            answer = session.get(CANDIDATES, auth=auth)
        except ZohoAuthError as error:
            assert leaks(error) == []
            assert type(error) is not ZohoAuthError
        else:
            assert answer.status_code == 401
            assert 200 <= status < 300
    assert len(mints.requests) == 2


@given(bodies, headers, st.integers(0, 200))
def test_T35_a_401_that_is_handed_back_streams_the_same_bytes(body, headers, size):
    auth, _ = make_auth(MINTED)
    sent = {name: value for name, value in headers.items() if name != "Content-Encoding"}
    with requests.Session() as session:
        session.mount("https://", Wire((401, sent, body)))
        answer = session.get(CANDIDATES, auth=auth, stream=True)
        assert b"".join(answer.iter_content(size or None)) == body
