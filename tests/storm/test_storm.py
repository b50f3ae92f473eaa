"""Everybody calls at once when the token is gone: real processes, real threads, real TLS, one file or server."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest
from helpers.storm_callers import refreshing

from requests_zohorecruit import ThrottledError

of_each_grant = pytest.mark.parametrize("access", [False, True], ids=["person", "client-credentials"], indirect=True)


def test_T10_eight_threads_with_an_expired_token_make_one_token_request(storm, expire):
    expire()
    assert storm(1, 8) == ([200] * 8, [], 1)


def test_T11_eight_threads_with_a_rejected_token_make_one_token_request(storm, zoho):
    zoho.reject_tokens()
    assert storm(1, 8) == ([200] * 8, [], 1)


@of_each_grant
@pytest.mark.thorough(one_in=6)
def test_T12_eight_processes_of_64_threads_with_an_expired_token_make_one_token_request(storm, expire):
    expire()
    assert storm(8, 64) == ([200] * 512, [], 1)


@of_each_grant
@pytest.mark.thorough(one_in=6)
def test_T12_eight_processes_of_64_threads_with_a_rejected_token_make_one_token_request(storm, zoho):
    zoho.reject_tokens()
    assert storm(8, 64) == ([200] * 512, [], 1)


def test_a_fresh_token_in_the_store_is_used_by_all_without_a_token_request(storm):
    assert storm(8, 2) == ([200] * 16, [], 0)


@pytest.mark.thorough(one_in=6)
def test_T21_an_api_that_rejects_a_thousand_calls_of_eight_processes_gets_no_more_than_the_budget(storm, zoho, access):
    zoho.reject_all = True
    outcomes, warnings, token_requests = storm(8, 5, calls=25)
    assert outcomes == [401] * 1000
    assert 1 <= token_requests <= 10 - 1  # the token that was in the store is one of the ten
    host = urlsplit(access.url).netloc
    assert warnings
    assert all(host in text and "region sandbox" in text for text in warnings)


@of_each_grant
@pytest.mark.thorough(one_in=4)
def test_T20_eight_processes_that_keep_asking_for_new_tokens_stop_at_the_budget_and_say_so(storm):
    # More calls than there are tokens to be had: each call needs another one than the call before.
    outcomes, _, token_requests = storm(8, 2, calls=12, job=refreshing)
    refused = [outcome for outcome in outcomes if outcome is not True]
    assert token_requests == 10 - 1
    assert refused
    assert {type(error) for error in refused} == {ThrottledError}
    assert all(0 < error.retry_after <= 600 and "10 access tokens" in str(error) for error in refused)


def test_T20_a_throttled_grant_is_asked_for_once_by_eight_processes_and_again_after_the_cool_down(
    storm, zoho, expire, change, share
):
    expire()
    zoho.fault("throttle")
    for token_requests in (1, 0):
        outcomes, _, asked = storm(8, 2)
        assert asked == token_requests
        assert {type(error) for error in outcomes} == {ThrottledError}
        assert all(0 < error.retry_after <= 60 for error in outcomes)
    over = share.open().load()["failure"]
    change(failure={**over, "cool_down": [time.time() - 1, 60.0]})
    assert storm(8, 2) == ([200] * 16, [], 1)


def test_T20_a_live_token_stays_in_use_while_the_grant_is_throttled(storm, zoho, change):
    change(expires_at=time.time() + 240)  # stale
    zoho.fault("throttle")
    outcomes, warnings, token_requests = storm(8, 2, calls=3)
    assert (outcomes, token_requests) == ([200] * 48, 1)
    assert all("stays in use" in text for text in warnings)
    outcomes, _, token_requests = storm(8, 2, calls=3)
    assert (outcomes, token_requests) == ([200] * 48, 0)
