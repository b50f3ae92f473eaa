"""The tree of errors: what can be caught as what, and that an error survives copying and pickling."""

from __future__ import annotations

import copy
import pickle

import pytest
import requests
from celery import Celery

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
from requests_zohorecruit.secret import Secret

KINDS = [getattr(errors, name) for name in errors.__all__]


def through_celery(error, serializer):
    """What a program that waits for a task's result gets, when the task raised `error`."""
    app = Celery("tasks", set_as_current=False)
    app.conf.update(result_serializer=serializer, accept_content=["json", "pickle"], result_backend="cache+memory://")
    backend = app.backend
    stored = backend.encode(backend.prepare_exception(error))
    return backend.exception_to_python(backend.decode(stored))


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
@pytest.mark.parametrize(
    "duplicate",
    [
        copy.copy,
        copy.deepcopy,
        lambda error: pickle.loads(pickle.dumps(error)),
        lambda error: through_celery(error, "json"),
        lambda error: through_celery(error, "pickle"),
        lambda error: type(error)(*error.args),
    ],
    ids=["copy", "deepcopy", "pickle", "Celery with JSON", "Celery with pickle", "args"],
)
def test_an_error_survives_copying_and_pickling_with_everything_it_says(kind, duplicate):
    details = {"code": "some_word", "status_code": 400, "region": "eu", "hint": "Do this."}
    if issubclass(kind, TokenEndpointError):
        details["uncertain"] = True
    if issubclass(kind, ThrottledError):
        details["retry_after"] = 77.0
    error = kind("It happened.", **details)
    again = duplicate(error)
    assert type(again) is kind
    wait = "Try again in 77 s. " if issubclass(kind, ThrottledError) else ""
    assert str(again) == str(error) == f"It happened. {wait}Do this."
    assert again.args == error.args == ("It happened.", details)
    assert {name: getattr(again, name) for name in details} == details
    assert again.__dict__ == error.__dict__


@pytest.mark.parametrize("kind", KINDS)
def test_without_details_everything_is_none_and_only_the_message_is_shown(kind):
    error = kind("It happened.")
    assert (error.code, error.status_code, error.region, error.hint) == (None, None, None, None)
    assert error.message == "It happened."
    assert str(error) == ("It happened. Try again in 60 s." if kind is ThrottledError else "It happened.")


def test_T60_no_error_carries_a_request_or_response():
    for kind in KINDS:
        error = kind("It happened.")
        assert error.request is None
        assert error.response is None


def test_an_endpoint_error_is_certain_and_a_throttle_lasts_a_minute_unless_said_otherwise():
    assert TokenEndpointError("x").uncertain is False
    assert ThrottledError("x").uncertain is False
    assert ThrottledError("x").retry_after == 60.0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(60.0, "It happened. Try again in 60 s."), (0.2, "It happened. Try again in 1 s."), (0.0, "It happened.")],
)
def test_a_throttle_says_how_many_seconds_to_wait_and_says_it_again_when_they_have_changed(seconds, said):
    error = ThrottledError("It happened.", retry_after=3600.0, hint="Wait.")
    assert str(error) == "It happened. Try again in 3600 s. Wait."
    error.retry_after = seconds
    error.hint = None
    assert str(error) == said
    assert str(through_celery(error, "json")) == said


@pytest.mark.parametrize("kind", KINDS)
def test_the_word_and_the_region_are_plain_text_whatever_they_were_cut_out_of(kind):
    error = kind("It happened.", code=Secret("invalid_code"), region=Secret("eu"))
    assert (repr(error.code), repr(error.region)) == ("'invalid_code'", "'eu'")


def test_what_a_program_adds_to_the_arguments_is_in_the_message():
    error = ThrottledError("It happened.", region="eu")
    error.args = (f"{error.args[0]} To customer 7.", *error.args[1:])
    assert str(error) == "It happened. To customer 7. Try again in 60 s."
    assert error.region == "eu"
