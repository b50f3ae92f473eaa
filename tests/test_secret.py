"""T60: text and mappings whose repr shows nothing, and the check of what can be a credential."""

from __future__ import annotations

import copy
import json
import pickle
from types import MappingProxyType

import pytest
from helpers.planted_secrets import raising
from hypothesis import example, given
from hypothesis import strategies as st

from requests_zohorecruit.secret import Secret, checked_secret, fingerprint, veil


@given(st.text())
def test_T60_a_secret_is_equal_to_its_text_but_its_repr_is_a_fingerprint(text):
    secret = Secret(text)
    assert secret == text
    assert hash(secret) == hash(text)
    assert repr(secret) == f"<secret {fingerprint(text)}>"
    assert f"{secret}" == str(secret) == text
    assert type(str(secret)) is str
    assert json.loads(json.dumps([secret])) == [text]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda secret: pickle.loads(pickle.dumps(secret))])
def test_T60_copies_of_a_secret_hide_it_too(duplicate):
    again = duplicate(Secret("planted"))
    assert again == "planted"
    assert "planted" not in repr([again])


def test_a_fingerprint_tells_secrets_apart_and_stays_the_same():
    assert fingerprint("a") == "#ca978112"  # SHA-256 of "a" begins so
    assert fingerprint("b") != fingerprint("a")
    assert fingerprint("\ud800").startswith("#")


def test_T60_veiled_text_and_mappings_stay_equal_and_show_nothing():
    assert type(veil("planted")) is Secret
    for mapping in ({"planted-key": "planted"}, MappingProxyType({"planted-key": "planted"})):
        veiled = veil(mapping)
        assert veiled == {"planted-key": "planted"}
        assert repr(veiled) == "<1 values, not shown>"
    for other in (None, 7, b"bytes", ["a"]):
        assert veil(other) is other


@pytest.mark.parametrize("value", ["1000.abc", "~!@#$%^&*()+=/?", "x"])
def test_printable_ascii_can_be_a_credential(value):
    assert checked_secret("token", value) == value
    assert type(checked_secret("token", value)) is Secret


@pytest.mark.parametrize(
    "value",
    [
        "planted\n",
        " planted",
        "plan ted planted",
        "planted\x00",
        "planted\x7f",
        "plantéd planted",
        "planted\u200b",
        "planted\ud800",
    ],
)
def test_T60_a_stray_paste_is_refused_without_being_shown(value):
    with raising(ValueError, match="refresh_token contains a space, line break") as caught:
        checked_secret("refresh_token", value)
    assert value not in str(caught.value)


def test_an_empty_credential_is_refused():
    with pytest.raises(ValueError, match="client_secret is empty"):
        checked_secret("client_secret", "")


@pytest.mark.parametrize("value", [None, 1, b"bytes", ["x"]])
def test_what_is_no_text_is_no_credential(value):
    with pytest.raises(TypeError, match=f"code must be a string, not {type(value).__name__}"):
        checked_secret("code", value)


@given(st.text(min_size=1))
@example("\u212a")
def test_a_credential_is_accepted_exactly_when_every_character_is_visible_ascii(text):
    if all("!" <= character <= "~" for character in text):
        assert checked_secret("code", text) == text
    else:
        with pytest.raises(ValueError, match="a stray paste"):
            checked_secret("code", text)
