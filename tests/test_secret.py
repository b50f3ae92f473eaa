"""T60, T76: text whose repr shows nothing, errors without local variables, and the check of what can be a credential."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import traceback
from types import ModuleType

import cloudpickle
import dill
import pytest
import yaml
from helpers.planted_secrets import raising
from hypothesis import example, given
from hypothesis import strategies as st

from requests_zohorecruit.secret import Secret, SentSecret, checked_secret, clears_frames, fingerprint


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


SENT = SentSecret("Zoho-oauthtoken planted")


def test_T84_what_sends_prints_or_parses_a_sent_secret_has_it():
    assert SENT.encode() == SENT.encode("latin-1") == b"Zoho-oauthtoken planted"
    assert f"{SENT}" == "%s" % SENT == str(SENT) == "Zoho-oauthtoken planted"  # noqa: UP031
    assert f"{SENT:>24}" == " Zoho-oauthtoken planted"
    assert type(str(SENT)) is str
    assert SENT == "Zoho-oauthtoken planted" == SENT == SentSecret(str(SENT))
    assert {SENT: 1}["Zoho-oauthtoken planted"] == 1
    assert SENT != "<secret>"
    assert SENT != SentSecret("another")
    assert SENT.split() == ["Zoho-oauthtoken", "planted"]
    assert SENT.partition(" ")[2] == SENT.removeprefix("Zoho-oauthtoken ") == "planted"
    assert (SENT.startswith("Zoho"), SENT.endswith("planted"), "planted" in SENT) == (True, True, True)


def test_T84_its_repr_its_characters_and_what_serialises_them_have_the_fingerprint():
    shown = f"<secret {fingerprint('Zoho-oauthtoken planted')}>"
    assert repr(SENT) == "".join(SENT) == SENT[:100] == shown
    assert json.loads(json.dumps([SENT])) == [shown]
    SENT.encode()  # as is done to whatever is recorded
    assert yaml.safe_load(yaml.dump([SENT], Dumper=yaml.Dumper)) == yaml.safe_load(yaml.safe_dump([SENT])) == [shown]


@pytest.mark.parametrize("dump", [pickle.dumps, cloudpickle.dumps, dill.dumps], ids=["pickle", "cloudpickle", "dill"])
def test_T77_out_of_a_pickle_comes_the_fingerprint_as_plain_text(dump):
    assert b"planted" not in dump(SENT)
    again = pickle.loads(dump(SENT))
    assert (again, type(again)) == (repr(SENT), str)


def test_a_copy_within_the_process_is_the_same_sent_secret():
    assert copy.copy(SENT) is copy.deepcopy([SENT])[0] is SENT


def test_T84_a_yaml_that_another_thread_is_importing_is_left_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml.representer", ModuleType("yaml.representer"))
    assert SENT.encode() == b"Zoho-oauthtoken planted"


def test_a_fingerprint_tells_secrets_apart_and_stays_the_same():
    assert fingerprint("a") == "#ca978112"  # SHA-256 of "a" begins so
    assert fingerprint("b") != fingerprint("a")
    assert fingerprint("\ud800").startswith("#")


@clears_frames
def entry_point(secret, *, then):
    """Work with a secret, and call on."""
    local = {"key": [secret]}
    then()
    return local


def shown_locals(error):
    """Return the local variables of all frames but the test's own."""
    shown, each = [], error
    while each is not None:
        frames = [frame for frame, _ in traceback.walk_tb(each.__traceback__)]
        shown += [dict(frame.f_locals) for frame in frames if not frame.f_code.co_name.startswith("test_")]
        each = each.__cause__ or each.__context__
    return repr(shown)


def fail(kind):
    mapping = {"secret": "planted"}
    raise kind(len(mapping))


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_T76_no_frame_of_an_error_that_leaves_an_entry_point_has_local_variables(kind):
    with pytest.raises(kind) as caught:
        entry_point("planted", then=lambda: fail(kind))
    assert "planted" not in shown_locals(caught.value)


def test_T76_nor_have_the_errors_it_was_raised_from_or_during():
    def chain():
        try:
            fail(LookupError)
        except LookupError as error:
            try:
                fail(OSError)
            except OSError:
                raise ValueError("again") from error

    with pytest.raises(ValueError, match="again") as caught:
        entry_point("planted", then=chain)
    assert isinstance(caught.value.__cause__, LookupError)
    assert "planted" not in shown_locals(caught.value)


def test_T76_an_error_that_is_its_own_cause_is_gone_through_once():
    def raise_from_itself():
        try:
            fail(LookupError)
        except LookupError as error:
            raise error from error

    with pytest.raises(LookupError) as caught:
        entry_point("planted", then=raise_from_itself)
    caught.value.__cause__ = None
    assert "planted" not in shown_locals(caught.value)


def test_T76_what_an_error_was_raised_from_none_of_is_forgotten_with_all_its_attributes():
    def translate():
        try:
            raise OSError("planted")
        except OSError:
            raise ValueError("clean") from None

    with pytest.raises(ValueError, match="clean") as caught:
        entry_point("planted", then=translate)
    assert caught.value.__context__ is None


def test_what_the_caller_was_handling_stays_as_it_was():
    def handling():
        evidence = "of the caller"
        try:
            raise LookupError(evidence)
        except LookupError:
            entry_point("planted", then=lambda: fail(ValueError))

    with pytest.raises(ValueError) as caught:
        handling()
    assert isinstance(caught.value.__context__, LookupError)
    assert "of the caller" in shown_locals(caught.value)
    assert "'then'" not in shown_locals(caught.value)


def test_an_entry_point_keeps_its_name_its_text_and_its_result():
    assert entry_point("text", then=int) == {"key": ["text"]}
    assert (entry_point.__name__, entry_point.__doc__) == ("entry_point", "Work with a secret, and call on.")


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
        with pytest.raises(ValueError, match="other character that no"):
            checked_secret("code", text)
