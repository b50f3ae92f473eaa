"""T05: what requests_oauthlib and oauthlib log holds no secret, at any level, with any handler."""

from __future__ import annotations

import gc
import io
import logging
import pickle
import subprocess
import sys

import pytest
from oauthlib.oauth2 import WebApplicationClient

from requests_zohorecruit.session.log_filter import _SECRETS, hide_secrets_of

LOGGERS = ("requests_oauthlib", "oauthlib")


@pytest.fixture
def printed():
    """Return what handlers attached before and after the fix print at DEBUG."""
    stream = io.StringIO()
    handlers = []

    def attach(name):
        handler = logging.StreamHandler(stream)
        handlers.append((logging.getLogger(name), handler, logging.getLogger(name).level))
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.DEBUG)
        return stream

    yield attach
    for logger, handler, level in handlers:
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_T05_a_whole_life_at_debug_prints_no_secret_and_still_prints_the_rest(zoho, make, url, printed):
    printed("requests_oauthlib")
    printed("oauthlib")
    session = make(pkce="S256")
    stream = printed("requests_oauthlib.oauth2_session")
    where, _ = session.authorization_url(zoho.region.authorize_url)
    callback = zoho.consent(where)
    code = callback.partition("code=")[2].partition("&")[0]
    token = session.fetch_token(zoho.region.token_url, authorization_response=callback)
    session.get(url)
    session.refresh_token(zoho.region.token_url)
    told = stream.getvalue()
    verifier = session._code_verifier
    for secret in (zoho.client_secret, token["access_token"], token["refresh_token"], code, verifier):
        assert secret not in told
    assert session.token["access_token"] not in told
    assert "***" in told
    assert "Generated new state" in told


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("Response was %s", ("{'access_token': 'planted-a', 'expires_in': 3600}",)),
        ('got {"refresh_token": "planted-a", "n": 1}', ()),
        ("POST body client_secret=planted-a&code=planted-b", ()),
        ("headers %s", ({"Authorization": "Zoho-oauthtoken planted-a"},)),
        ("Authorization: Bearer planted-planted-planted", ()),
        ("Zoho-oauthtoken planted-a", ()),
        ("[('code', 'planted-a')]", ()),
        ("a token 1000.plantedaaaa.plantedbbbb somewhere", ()),
    ],
)
def test_T05_secrets_are_known_by_name_and_shape(make, printed, message, arguments):
    make()
    stream = printed("oauthlib.oauth2")
    logging.getLogger("oauthlib.oauth2").debug(message, *arguments)
    assert "planted" not in stream.getvalue()
    assert "***" in stream.getvalue()


def test_T05_a_logger_made_later_is_covered_by_its_package(make, printed):
    make()
    stream = printed("requests_oauthlib")
    logging.getLogger("requests_oauthlib.made.later").warning("access_token=planted-a and the rest")
    assert stream.getvalue() == "access_token=*** and the rest\n"


def test_T05_a_session_whose_secret_is_part_of_a_name_exposes_no_other_secret(make, printed):
    session = make(fix={"client_secret": "secret"})
    stream = printed("oauthlib")
    logging.getLogger("oauthlib").warning("client_secret=planted-a and the rest")
    assert "planted" not in stream.getvalue()
    assert "secret" in session.secrets()


def test_T05_tracebacks_too(make, printed):
    make()
    stream = printed("oauthlib")
    for text, shown in (("client_secret=planted-a", "***"), ("nothing special", "nothing special")):
        try:
            raise ValueError(text)
        except ValueError:
            logging.getLogger("oauthlib").exception("failed")
        assert shown in stream.getvalue()
    assert "planted" not in stream.getvalue()


def test_T05_a_secret_of_any_shape_is_hidden_while_its_session_lives(zoho, make, printed):
    session = make()
    stream = printed("oauthlib")
    logging.getLogger("oauthlib").warning("so it was %s then, error code 'INVALID_TOKEN'", zoho.client_secret)
    assert stream.getvalue() == "so it was *** then, error code 'INVALID_TOKEN'\n"
    assert zoho.client_secret in session.secrets()


def test_T05_so_are_state_verifier_and_code(zoho, make, printed):
    session = make(pkce="S256", client=WebApplicationClient(zoho.client_id, code="planted-code"))
    _, state = session.authorization_url(zoho.region.authorize_url)
    stream = printed("oauthlib")
    logging.getLogger("oauthlib").warning("%s, %s, %s", state, session._code_verifier, "planted-code")
    assert stream.getvalue() == "***, ***, ***\n"


@pytest.mark.parametrize("arrive", [lambda session: session, lambda session: pickle.loads(pickle.dumps(session))])
def test_T05_each_sessions_are_also_of_one_that_was_pickled(make, printed, arrive):
    # Of each only one is left: those that were pickled are collected here, or keep a secret they share.
    sessions = [arrive(make(fix={"client_secret": f"planted of {name}".replace(" ", "-")})) for name in ("one", "two")]
    gc.collect()
    stream = printed("oauthlib")
    logging.getLogger("oauthlib").warning("planted-of-one, planted-of-two")
    assert stream.getvalue() == "***, ***\n"
    assert len(sessions) == 2


def test_other_log_content_and_wrong_calls_are_left_alone(make, printed):
    make()
    stream = printed("oauthlib")
    logging.getLogger("oauthlib").warning("Found %d hooks for %s", 3, "protected_request")
    assert stream.getvalue() == "Found 3 hooks for protected_request\n"
    record = logging.LogRecord("oauthlib", logging.INFO, "", 1, "%s %s", ("one",), None)
    assert logging.getLogger("oauthlib").filter(record)


def test_short_and_absent_values_hide_nothing(printed):
    class Owner:
        def secrets(self):
            return (None, "", "abc")

    owner = Owner()
    hide_secrets_of(owner, Owner.secrets)
    stream = printed("oauthlib")
    logging.getLogger("oauthlib").warning("abc")
    assert stream.getvalue() == "abc\n"
    key = id(owner)
    assert key in _SECRETS
    del owner
    assert key not in _SECRETS


def test_a_program_with_a_session_at_module_level_ends_in_silence():
    program = """
from requests_oauthlib import OAuth2Session
from requests_zohorecruit import zohorecruit_compliance_fix
session = zohorecruit_compliance_fix(OAuth2Session("1000.A"), region="eu", client_secret="secret")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_nothing_is_installed_by_an_import_and_nothing_twice(make):
    for _ in range(3):
        make()
    for name in LOGGERS:
        assert len([each for each in logging.getLogger(name).handlers if type(each).__name__ == "_Hider"]) == 1
