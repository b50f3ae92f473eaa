"""The record as JSON text: what makes the round trip, and what is refused on either way."""

from __future__ import annotations

from typing import Any

import pytest

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores.encoding import decode, encode


def test_a_record_makes_the_round_trip_as_compact_ascii() -> None:
    text = encode({"access_token": "ä", "scope": ["a", "b"]}, "the store")
    assert text == '{"access_token":"\\u00e4","scope":["a","b"]}'
    assert decode(text, "the store") == decode(text.encode(), "the store") == {"access_token": "ä", "scope": ["a", "b"]}


def test_a_byte_order_mark_in_front_is_left_out() -> None:
    text = '\ufeff{"access_token": "a"}'
    assert decode(text, "the store") == decode(text.encode(), "the store") == {"access_token": "a"}
    with pytest.raises(TokenStoreError, match="not a token record"):
        decode(f"\ufeff{text}", "the store")


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
