"""What a token is, and when it grows old."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import pickle
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import pytest
from helpers.planted_secrets import raising

from requests_zohorecruit.zoho.token import DEFAULT_LIFETIME, Token, read_lifetime, split_scope

NOW = 1_800_000_000.0
FULL = {
    "access_token": "1000.planted-access",
    "refresh_token": "1000.planted-refresh",
    "expires_at": NOW + 3600,
    "expires_in": 3600,
    "scope": ["ZohoRecruit.modules.ALL", "ZohoRecruit.settings.ALL"],
    "api_domain": "https://www.zohoapis.eu",
    "token_type": "Bearer",
}


def test_the_dict_of_requests_oauthlib_makes_the_round_trip():
    token = Token.from_dict(FULL)
    assert token == Token(
        "1000.planted-access",
        "1000.planted-refresh",
        NOW + 3600,
        3600,
        ("ZohoRecruit.modules.ALL", "ZohoRecruit.settings.ALL"),
        "https://www.zohoapis.eu",
        "Bearer",
    )
    assert token.to_dict() == FULL
    assert json.loads(json.dumps(token.to_dict())) == FULL
    assert Token.from_dict(MappingProxyType(FULL)) == token
    assert Token.from_dict({**FULL, "expires_in": 1800}).to_dict() == {**FULL, "expires_in": 1800}


def test_the_dict_holds_plain_types_and_nothing_null():
    plain = Token.from_dict(FULL).to_dict()
    assert {type(value) for value in plain.values()} <= {str, float, int, list}
    assert Token("a").to_dict() == {
        "access_token": "a",
        "expires_at": 0.0,
        "expires_in": 3600,
        "scope": [],
        "token_type": "Bearer",
    }


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_empty_values_mean_absent(nothing):
    token = Token.from_dict(
        {"access_token": "a"}
        | dict.fromkeys(["refresh_token", "expires_at", "expires_in", "scope", "api_domain", "token_type"], nothing)
    )
    assert token == Token("a")
    assert token.refresh_token is None
    assert token.api_domain is None


def test_unknown_keys_are_ignored():
    assert Token.from_dict({**FULL, "id_token": "x", 5: 6}) == Token.from_dict(FULL)


@pytest.mark.parametrize("name", ["Zoho-oauthtoken", "bearer", "mac", "Bearer"])
def test_T06_any_token_type_is_accepted(name):
    assert Token.from_dict({**FULL, "token_type": name}).token_type == name


def test_T28_a_token_cannot_be_changed():
    token = Token.from_dict(FULL)
    with pytest.raises(dataclasses.FrozenInstanceError):
        token.access_token = "other"
    assert not hasattr(token, "__dict__")
    assert hash(token) == hash(Token.from_dict(FULL))


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda token: pickle.loads(pickle.dumps(token)), dataclasses.replace]
)
def test_T60_neither_a_token_nor_its_copies_show_secrets(duplicate):
    token = duplicate(Token.from_dict(FULL))
    assert token == Token.from_dict(FULL)
    for text in (
        repr(token),
        str(token),
        f"{token}",
        repr(dataclasses.asdict(token)),
        repr(dataclasses.astuple(token)),
    ):
        assert "planted" not in text
    assert "expires_at=1800003600.0" in repr(token)


def test_the_repr_tells_tokens_and_grants_apart():
    shown = {repr(Token(access, refresh)) for access in ("a", "b") for refresh in ("c", "d", None)}
    assert len(shown) == 6
    assert "refresh_token=None" in repr(Token("a"))


# -- lifetimes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ({"expires_in": 3600}, 3600),
        ({"expires_in": 3600.9}, 3600),
        ({"expires_in": "3600"}, 3600),
        ({"expires_in": " 3600.5 "}, 3600),
        ({"expires_in": Decimal(1800)}, 1800),
        ({"expires_in": b"1800"}, 1800),
        ({"expires_in": Decimal("NaN")}, 3600),
        ({"expires_in": Decimal("sNaN")}, 3600),
        ({"expires_in": 1j}, 3600),
        ({"expires_in": 3_600_000}, 3600),
        ({"expires_in": 3_600_000.0}, 3600),
        ({"expires_in": "3600000"}, 3600),
        ({"expires_in": 1}, 1),
        ({"expires_in": 86_400}, 86_400),
        ({"expires_in": 86_401}, 86),
        ({"expires_in": 86_400_000}, 86_400),
        ({"expires_in_sec": 1800, "expires_in": 1_800_000}, 1800),
        ({"expires_in_sec": "1800", "expires_in": 3600}, 1800),
        ({"expires_in_sec": None, "expires_in": 1800}, 1800),
        ({"expires_in_sec": "soon", "expires_in": 1800}, 1800),
        ({"expires_in_sec": 0, "expires_in": 1800}, 1800),
        ({}, DEFAULT_LIFETIME),
        ({"expires_in": None}, 3600),
        ({"expires_in": ""}, 3600),
        ({"expires_in": 0}, 3600),
        ({"expires_in": 0.5}, 3600),
        ({"expires_in": -1}, 3600),
        ({"expires_in": True}, 3600),
        ({"expires_in": "NaN"}, 3600),
        ({"expires_in": math.nan}, 3600),
        ({"expires_in": math.inf}, 3600),
        ({"expires_in": "1e999"}, 3600),
        ({"expires_in": 10**400}, 3600),
        ({"expires_in": 86_400_001}, 3600),
        ({"expires_in": [3600]}, 3600),
        ({"expires_in": {}}, 3600),
    ],
)
def test_T17_a_lifetime_is_seconds_whatever_the_label(answer, seconds):
    assert read_lifetime(answer) == seconds
    assert type(read_lifetime(answer)) is int


def test_T18_without_expires_at_the_token_is_expired_whatever_expires_in_says():
    token = Token.from_dict({"access_token": "a", "expires_in": 3600})
    assert token.expires_at == 0.0
    assert token.dead_at < NOW
    assert token.to_dict()["expires_at"] == 0.0


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (5, 5.0), ("1800000000.5", 1_800_000_000.5), (1.5, 1.5), (-1, -1.0), (0, 0.0), (b"5", 5.0), ("1.8e9", 1.8e9),
        (Decimal("1800000000.5"), 1_800_000_000.5), (Fraction(3, 2), 1.5),
    ],
)  # fmt: skip
def test_an_expiry_may_be_any_number(value, at):
    token = Token.from_dict({"access_token": "a", "expires_at": value})
    assert token.expires_at == at
    assert type(token.expires_at) is float


@pytest.mark.parametrize(
    ("expires_in", "advisory", "mandatory"),
    [
        (3600, 300, 30),
        (1200, 300, 30),
        (1000, 250, 30),
        (240, 60, 30),
        (239, 59.75, 29.875),
        (60, 15, 7.5),
        (1, 0.25, 0.125),
    ],
)
def test_T23_the_windows_are_bounded_by_the_lifetime(expires_in, advisory, mandatory):
    token = Token("a", expires_at=NOW + expires_in, expires_in=expires_in)
    assert token.stale_at == NOW + expires_in - advisory
    assert token.dead_at == NOW + expires_in - mandatory
    assert NOW < token.stale_at < token.dead_at < token.expires_at


# -- scopes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        (None, ()),
        ("", ()),
        (" , ", ()),
        ("A,B", ("A", "B")),
        ("A B", ("A", "B")),
        ("A, B\n\tC,,A", ("A", "B", "C")),
        (["A", "B C", "A"], ("A", "B", "C")),
        (("A,B",), ("A", "B")),
        ({"A"}, ("A",)),
        (frozenset({"A"}), ("A",)),
        ([], ()),
    ],
)
def test_T04_scopes_are_split_on_commas_and_spaces(value, scopes):
    assert split_scope(value) == scopes
    assert Token.from_dict({"access_token": "a", "scope": value}).scope == scopes


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mapping", "kind", "match"),
    [
        ({}, ValueError, "no access_token"),
        ({"access_token": None}, ValueError, "no access_token"),
        ({"access_token": ""}, ValueError, "no access_token"),
        ({"access_token": 12}, TypeError, "access_token must be a string, not int"),
        ({"access_token": ["planted"]}, TypeError, "access_token must be a string"),
        ({"refresh_token": 12}, TypeError, "refresh_token must be a string"),
        ({"expires_at": "planted"}, ValueError, "expires_at is not a number"),
        ({"expires_at": True}, ValueError, "expires_at is not a number"),
        ({"expires_at": [1]}, ValueError, "expires_at is not a number"),
        ({"expires_at": math.nan}, ValueError, "expires_at is not a number"),
        ({"expires_at": "inf"}, ValueError, "expires_at is not a number"),
        ({"expires_at": 10**400}, ValueError, "expires_at is not a number"),
        ({"scope": 5}, ValueError, "scope is neither"),
        ({"scope": ["planted", 5]}, ValueError, "scope is neither"),
        ({"scope": {"planted": 1}}, ValueError, "scope is neither"),
        ({"api_domain": 5}, ValueError, "api_domain is not text"),
        ({"token_type": ["planted"]}, ValueError, "token_type is not text"),
    ],
)
def test_T60_a_damaged_dict_is_refused_without_showing_the_value(mapping, kind, match):
    if mapping and "access_token" not in mapping:
        mapping = FULL | mapping
    with pytest.raises(kind, match=match) as caught:
        Token.from_dict(mapping)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("key", ["access_token", "refresh_token"])
@pytest.mark.parametrize("value", ["planted token", "planted\n", "planted\x00"])
def test_T60_a_damaged_secret_is_shown_by_no_frame(key, value):
    with raising(ValueError, match=f"{key} contains a space"):
        Token.from_dict({**FULL, key: value})


@pytest.mark.parametrize(
    ("mapping", "kind"), [(None, "NoneType"), ("planted", "str"), (5, "int"), (["planted"], "list")]
)
def test_a_token_dict_is_a_mapping(mapping, kind):
    with pytest.raises(TypeError, match=f"must be a mapping, not {kind}$") as caught:
        Token.from_dict(mapping)
    assert "planted" not in str(caught.value)


def test_T38_there_is_no_token_without_text():
    for nothing in (None, 5, b"bytes"):
        with pytest.raises(TypeError, match="access_token must be a string"):
            Token(nothing)
    with pytest.raises(ValueError, match="access_token is empty"):
        Token("")
    with pytest.raises(TypeError, match="refresh_token must be a string"):
        Token("a", 5)


def test_T60_a_token_that_is_refused_is_in_no_frame_of_the_error():
    with raising(TypeError):
        Token("1000.planted", 6)
    with raising(ValueError):
        Token("1000.planted with a space")
