"""The tree of errors: what can be caught as what, and that an error survives copying and pickling."""

from __future__ import annotations

import copy
import pickle

import pytest
import requests

from requests_zohorecruit import errors
from requests_zohorecruit.errors import (
    AuthorizationError,
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    TokenStoreError,
    UnknownRegionError,
    UntrustedHostError,
    ZohoAuthError,
)

KINDS = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (ZohoAuthError, {requests.RequestException}),
        (TokenEndpointError, {ZohoAuthError}),
        (ThrottledError, {TokenEndpointError}),
        (AuthorizationError, {ZohoAuthError}),
        (ReauthorizationRequired, {ZohoAuthError}),
        (ClientConfigurationError, {ZohoAuthError}),
        (TokenStoreError, {ZohoAuthError}),
        (UntrustedHostError, {ZohoAuthError, ValueError}),
        (UnknownRegionError, {ZohoAuthError, ValueError}),
    ],
)
def test_the_tree_is_the_documented_one(kind, parents):
    assert set(kind.__bases__) == parents
    assert kind in KINDS
    assert len(KINDS) == 9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_survives_copying_and_pickling_with_everything_it_says(kind, duplicate):
    details = {"code": "some_word", "status_code": 400, "region": "eu", "hint": "Do this."}
    if issubclass(kind, TokenEndpointError):
        details["uncertain"] = True
    if issubclass(kind, ThrottledError):
        details["retry_after"] = 77.0
    error = kind("It happened.", **details)
    again = duplicate(error)
    assert type(again) is kind
    assert str(again) == "It happened. Do this."
    assert again.args == ("It happened.",)
    assert {name: getattr(again, name) for name in details} == details
    assert again.__dict__ == error.__dict__


@pytest.mark.parametrize("kind", KINDS)
def test_without_details_everything_is_none_and_only_the_message_is_shown(kind):
    error = kind("It happened.")
    assert (error.code, error.status_code, error.region, error.hint) == (None, None, None, None)
    assert str(error) == error.message == "It happened."


def test_T60_no_error_carries_a_request_or_response():
    for kind in KINDS:
        error = kind("It happened.")
        assert error.request is None
        assert error.response is None


def test_an_endpoint_error_is_certain_and_a_throttle_lasts_a_minute_unless_said_otherwise():
    assert TokenEndpointError("x").uncertain is False
    assert ThrottledError("x").uncertain is False
    assert ThrottledError("x").retry_after == 60.0
