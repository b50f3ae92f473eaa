"""What an operator reads in the log: one line for each mint, adopted grant and cool-down, as the documentation has it."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from helpers.engine_parts import (
    START,
    WatchedStore,
    make_refresher,
    token_record,
    unreachable,
)
from helpers.planted_secrets import GRANT

from requests_zohorecruit.errors import ReauthorizationRequired, ThrottledError, TokenEndpointError
from requests_zohorecruit.secret import fingerprint
from requests_zohorecruit.stores import MemoryStore
from requests_zohorecruit.zoho.token import Token

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "auth.rst"
OTHER = "1000.other"


@pytest.fixture
def store():
    return WatchedStore()


@pytest.fixture
def refresher(store, clock, accounts):
    return make_refresher(store, clock=clock, accounts=accounts)


@pytest.fixture
def lines(caplog):
    """Return the lines of a level that were written since it was last asked, with the seconds a mint took left out."""
    caplog.set_level(logging.DEBUG, logger="requests_zohorecruit")

    def read(level="INFO"):
        found = [record for record in caplog.records if record.levelname == level]
        assert {record.name for record in found} <= {"requests_zohorecruit"}
        documented = " ".join(REFERENCE.read_text().split())
        for record in found:
            assert re.sub(r"%[.\d]*[a-z]", "…", record.msg) in documented
        assert not any(secret in caplog.text for secret in (GRANT, OTHER, "T0", "T1", "T2", "T3"))
        caplog.clear()
        return [re.sub(r"in \d+\.\d\d s", "in … s", record.getMessage()) for record in found]

    return read


def minted(token, reason, expiry):
    return f"Access token {fingerprint(token)} minted in … s (region eu, {reason}); expires {expiry}."


def test_the_first_mint_says_that_there_was_no_token(refresher, lines):
    refresher.get_header()
    assert lines() == [minted("T1", "missing", "2027-01-15 09:00:00 UTC")]
    refresher.get_header()
    assert lines("DEBUG") == lines() == []


@pytest.mark.parametrize(("later", "reason"), [(3400, "stale"), (3600, "expired")])
def test_a_mint_says_how_old_the_token_was(later, reason, refresher, clock, lines):
    refresher.get_header()
    lines()
    clock.forward(later)
    refresher.get_header()
    expiry = {3400: "2027-01-15 09:56:40 UTC", 3600: "2027-01-15 10:00:00 UTC"}[later]
    assert lines() == [minted("T2", reason, expiry)]


def test_a_mint_says_that_the_token_was_rejected_or_that_it_was_asked_for(refresher, lines):
    refresher.get_header()
    lines()
    refresher.replace("T1")
    assert lines() == [minted("T2", "rejected", "2027-01-15 09:00:00 UTC")]
    refresher.refresh()
    assert lines() == [minted("T3", "asked for", "2027-01-15 09:00:00 UTC")]


def test_a_grant_adopted_from_the_store_is_told_once(store, clock, accounts, lines):
    MemoryStore.save(store, token_record("T0", grant=OTHER))
    refresher = make_refresher(store, grant=None, clock=clock, accounts=accounts)
    refresher.get_header()
    refresher.grant.read()
    assert lines() == [f"Grant {fingerprint(OTHER)} adopted (region eu): the store holds it."]


def test_a_grant_that_a_person_has_just_given_is_told_once(refresher, lines):
    refresher.adopt(Token("T0", OTHER, START + 3600), now=START)
    assert lines() == [f"Grant {fingerprint(OTHER)} adopted (region eu): a person has just given it."]


def test_an_access_token_adopted_from_the_store_is_a_decision(refresher, store, clock, lines):
    refresher.get_header()
    lines("DEBUG")
    MemoryStore.save(store, token_record("T0", age=-3600))
    clock.forward(3400)
    refresher.get_header()
    assert lines("DEBUG") == [f"Access token {fingerprint('T0')} adopted (region eu): the store holds it."]


def throttled():
    return ThrottledError("Zoho throttles this grant.", region="eu", retry_after=60.0)


@pytest.mark.parametrize(
    ("failure", "seconds", "why"),
    [(throttled, 60, "Zoho throttles this grant."), (unreachable, 5, "No connection to accounts.zoho.eu.")],
)
def test_a_cool_down_is_told_when_it_begins_and_when_it_ends(failure, seconds, why, refresher, accounts, clock, lines):
    accounts.fail = [failure()]
    with pytest.raises(TokenEndpointError):
        refresher.get_header()
    assert lines() == [f"Cool-down of {seconds} s begun (region eu): {why}"]
    with pytest.raises(TokenEndpointError):
        refresher.get_header()
    assert lines() == []
    clock.forward(seconds)
    refresher.get_header()
    assert lines()[1:] == ["Cool-down ended (region eu): Zoho mints again."]


def test_a_dead_grant_begins_no_cool_down(refresher, accounts, lines):
    accounts.fail = [ReauthorizationRequired("the refresh token is dead", region="eu")]
    with suppress(ReauthorizationRequired):
        refresher.get_header()
    assert lines() == []


def test_a_pause_is_a_warning_and_its_end_is_told(refresher, lines):
    refresher.get_header()
    refresher.pause(refresher.replace("T1").removeprefix("Zoho-oauthtoken "), "recruit.zoho.eu")
    lines()
    assert refresher.replace("T2") is None
    assert lines("DEBUG") == [f"Access token {fingerprint('T2')} was rejected; during the pause it is not replaced."]
    refresher.end_pause()
    refresher.end_pause()
    assert lines() == ["Pause ended (region eu): the API accepts a token again."]


def test_a_caller_that_another_one_spared_a_mint_says_so(refresher, store, clock, lines):
    refresher.get_header()
    clock.forward(3600)
    held = store.lock

    @contextmanager
    def lock(timeout):
        with held(timeout):
            MemoryStore.save(store, token_record("T0", age=-3600))
            yield

    store.lock = lock
    lines()
    refresher.get_header()
    assert lines("DEBUG")[-1] == "Nothing had to be minted (expired): another caller was first."


def test_a_holder_elsewhere_is_a_decision(refresher, store, clock, lines):
    refresher.get_header()
    lines("DEBUG")
    clock.forward(3400)
    store.busy = True
    refresher.get_header()
    assert lines("DEBUG") == ["The live access token stays in use: its lock is held."]
