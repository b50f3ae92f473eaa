"""The border between stores and their callers: what a driver raises, and what gets out of it."""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Mapping
from typing import Any

import pytest

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores.errors import guarded
from requests_zohorecruit.stores.json_record import decode, encode


class Store:
    """Raises what it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    @guarded("loaded", TimeoutError, hints={errno.EBUSY: "Wait a little.", errno.EPERM: "It is not yours."})
    def load(self, key: str = "a", *, fresh: bool = False) -> Mapping[str, Any]:
        """Return what was asked for."""
        if self.error:
            raise self.error
        return {"key": key, "fresh": fresh}

    def __repr__(self) -> str:
        return "Store()"


def test_a_guarded_method_is_the_method_where_nothing_goes_wrong() -> None:
    assert Store().load() == {"key": "a", "fresh": False}
    assert Store().load("b", fresh=True) == {"key": "b", "fresh": True}
    assert (Store.load.__name__, Store.load.__doc__) == ("load", "Return what was asked for.")


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (KeyError("planted"), "Store() could not be loaded: KeyError."),
        (OSError("planted"), "Store() could not be loaded: OSError."),
        (OSError(0, "planted"), "Store() could not be loaded: OSError."),
        (OSError(errno.EIO, "planted"), "Store() could not be loaded: Input/output error (OSError)."),
        (
            OSError(errno.EBUSY, "planted"),
            f"Store() could not be loaded: {os.strerror(errno.EBUSY)} (OSError). Wait a little.",
        ),
    ],
)
def test_what_a_driver_raises_leaves_as_our_error_without_its_text(cause: Exception, text: str) -> None:
    with pytest.raises(TokenStoreError) as caught:
        Store(cause).load()
    assert str(caught.value) == text
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("promised", [TimeoutError("held by somebody"), TokenStoreError("Not a record.")])
def test_what_a_method_promises_to_raise_leaves_as_it_is(promised: Exception) -> None:
    with pytest.raises(type(promised)) as caught:
        Store(promised).load()
    assert caught.value is promised
    assert "raise self.error" not in [str(frame.statement).strip() for frame in caught.traceback]


def test_what_is_not_an_error_of_the_driver_is_not_touched() -> None:
    class Interrupted(Store):
        @guarded("loaded")
        def load(self) -> None:  # type: ignore[override]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted().load()


def test_the_place_where_a_driver_failed_is_in_the_log_at_debug_level(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(TokenStoreError):
        Store(KeyError("planted")).load()
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("requests_zohorecruit.stores.guard", logging.DEBUG)
    text = record.getMessage()
    assert re.match(r"Store\(\) could not be loaded\n  File .*, in load\n    raise self.error$", last_frame(text))
    assert "planted" not in text


def last_frame(text: str) -> str:
    first, *frames = re.split(r"\n(?=  File )", text.rstrip())
    return f"{first}\n{frames[-1]}"


def test_a_record_makes_the_round_trip_as_compact_ascii() -> None:
    text = encode({"access_token": "ä", "scope": ["a", "b"]}, "the store")
    assert text == '{"access_token":"\\u00e4","scope":["a","b"]}'
    assert decode(text, "the store") == decode(text.encode(), "the store") == {"access_token": "ä", "scope": ["a", "b"]}


def test_a_record_may_be_as_long_as_one_mebibyte_and_no_longer() -> None:
    record = b'{"access_token": "a"}'
    assert decode(record.ljust(1_048_576), "the store") == {"access_token": "a"}
    with pytest.raises(TokenStoreError, match="^'the store' holds something that is not a token record"):
        decode(record.ljust(1_048_577), "the store")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_what_could_not_be_saved_again_is_no_record(number: str) -> None:
    with pytest.raises(TokenStoreError, match="^'the store' holds something that is not a token record"):
        decode(f'{{"expires_at": [{number}]}}', "the store")
    assert decode('{"expires_at": [1e3, -0.5]}', "the store") == {"expires_at": [1000.0, -0.5]}


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), object(), {1: object()}])
def test_what_json_has_no_form_for_is_refused(odd: object) -> None:
    with pytest.raises(
        TokenStoreError, match="^'the store' could not be saved: the record is not JSON-serialisable"
    ) as e:
        encode({"odd": odd}, "the store")
    assert e.value.__suppress_context__
    assert e.value.hint == "What was stored is unchanged."


def test_a_record_that_holds_itself_is_refused() -> None:
    record: dict[str, Any] = {}
    record["itself"] = record
    with pytest.raises(TokenStoreError, match="not JSON-serialisable"):
        encode(record, "the store")
