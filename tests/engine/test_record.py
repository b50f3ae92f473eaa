"""What is shared through a store: its shape, the mint budget, the cool-downs and the pause."""

from __future__ import annotations

import copy
import json
import math
import pickle
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import pytest
from helpers.planted_secrets import APPLICATION, raising
from hypothesis import given
from hypothesis import strategies as st

from requests_zohorecruit.engine.bookkeeping import Failure
from requests_zohorecruit.engine.limits import Budget, CoolDown
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.errors import (
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    TokenStoreError,
)
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import RefreshToken
from requests_zohorecruit.zoho.token import Token

NOW = 1_800_000_000.0
BUDGET = Budget()
GRANT = Secret("1000.planted-grant")
TOKEN = Token("1000.planted-access", GRANT, NOW + 3600, 3600, ("A", "B"), "https://www.zohoapis.eu")
RECORD = Record(RefreshToken(GRANT), TOKEN)
PLAIN = TOKEN.to_dict()


def restored(record):
    """The record after a stay in a store that keeps JSON."""
    return Record.from_mapping(json.loads(json.dumps(record.to_mapping(APPLICATION))), APPLICATION)


def failed(error, record=RECORD, now=NOW):
    return record.with_mint(now, BUDGET).with_failure(error, now, APPLICATION, record)


def throttled(retry_after=60.0):
    return ThrottledError(
        "Denied.", retry_after=retry_after, code="Access Denied", status_code=400, region="eu", hint="Wait."
    )


# -- round trips -------------------------------------------------------------------------------------------------------


def test_a_record_with_everything_makes_the_round_trip():
    record = failed(throttled(), replace(RECORD, mints=(NOW - 5, NOW - 4), extra={"tenant": 7}))
    record = record.with_pause(NOW)
    assert restored(record) == record
    stored = record.to_mapping(APPLICATION)
    assert {key: stored[key] for key in PLAIN} == PLAIN
    assert (stored["client_id"], stored["region"], stored["tenant"]) == ("1000.CLIENT", "eu", 7)
    assert stored["mint_times"] == [NOW - 5, NOW - 4]
    assert stored["rejection_pause"] == [NOW + 60, 60.0]
    assert json.loads(json.dumps(stored)) == stored


def test_T60_the_stored_record_never_holds_the_client_secret():
    record = failed(throttled(), RECORD)
    assert "planted-client-secret" not in json.dumps(record.to_mapping(APPLICATION))


def test_secrets_are_stored_as_plain_text():
    stored = RECORD.to_mapping(APPLICATION)
    assert {type(stored["access_token"]), type(stored["refresh_token"])} == {str}
    assert type(Record(RefreshToken(GRANT)).to_mapping(APPLICATION)["refresh_token"]) is str


def test_a_plain_token_dict_of_requests_oauthlib_is_a_record():
    assert Record.from_mapping(MappingProxyType(PLAIN), APPLICATION) == RECORD


def test_a_record_may_hold_a_refresh_token_only_or_nothing():
    assert Record.from_mapping({"refresh_token": str(GRANT)}, APPLICATION) == Record(RefreshToken(GRANT))
    assert Record.from_mapping({"access_token": None, "refresh_token": ""}, APPLICATION) == Record()
    assert Record.from_mapping({}, APPLICATION).access_token is None
    assert Record().to_mapping(APPLICATION) == {"client_id": "1000.CLIENT", "region": "eu"}


def test_unknown_keys_are_kept_whatever_they_hold():
    extra = {"tenant": None, "tags": [], "nested": {"a": [1, None]}, "zero": 0, "": ""}
    record = Record.from_mapping(PLAIN | extra, APPLICATION)
    assert record.extra == extra
    for changed in (record, record.with_token(Token("new")), failed(throttled(), record), record.with_pause(NOW)):
        assert extra.items() <= restored(changed).to_mapping(APPLICATION).items()


def test_keys_of_ours_are_not_kept_as_those_of_others():
    record = replace(failed(throttled(), RECORD), granted_at=NOW, mints=(NOW,)).with_pause(NOW)
    assert restored(record).extra == {}
    assert "granted_at" not in replace(restored(record), granted_at=None).to_mapping(APPLICATION)


def test_keys_of_ours_win_over_keys_of_others():
    stored = replace(RECORD, extra={"access_token": "x", "client_id": "y"}).to_mapping(APPLICATION)
    assert (stored["access_token"], stored["client_id"]) == ("1000.planted-access", "1000.CLIENT")


def test_T60_a_record_and_its_copies_show_no_secret():
    record = failed(throttled(), replace(RECORD, extra={"password": "planted"}))
    for copied in (record, copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
        assert copied == record
        assert "planted" not in repr(copied)


# -- what is refused, and what is left out -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"client_id": "1000.OTHER"}, r"another client id than this one \(1000.CLIENT\)"),
        ({"client_id": 5}, "another client id"),
        ({"client_id": ["1000.CLIENT"]}, "another client id"),
        ({"region": "us"}, r"another region than this one \(eu\)"),
        ({"region": "EU"}, "another region"),
        ({"region": {"planted": 1}}, "another region"),
    ],
)
def test_T29_a_record_of_another_client_or_region_is_refused(changes, match):
    with raising(TokenStoreError, match=f"{match}.* Use a separate store for each client and region") as caught:
        Record.from_mapping(PLAIN | changes, APPLICATION)
    assert caught.value.region == "eu"
    assert "OTHER" not in str(caught.value)


@pytest.mark.parametrize("unknown", [None, "", "1000.CLIENT"])
def test_a_record_that_does_not_say_whose_it_is_is_taken(unknown):
    assert Record.from_mapping({**PLAIN, "client_id": unknown}, APPLICATION) == RECORD


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"access_token": "planted token"}, "access_token contains"),
        ({"access_token": 5}, "access_token must be a string, not int"),
        ({"access_token": ["planted"]}, "access_token must be a string"),
        ({"refresh_token": "planted\n"}, "refresh_token contains"),
        ({"refresh_token": 5}, "refresh_token must be a string"),
        ({"refresh_token": {"planted": 1}}, "refresh_token must be a string"),
        ({"access_token": None, "refresh_token": ["planted"]}, "refresh_token must be a string"),
        ({"expires_at": "planted"}, "expires_at is not a number"),
        ({"scope": 5}, "scope is neither"),
    ],
)
def test_T60_a_record_with_damaged_tokens_is_refused_without_showing_them(changes, match):
    with raising(TokenStoreError, match=f"damaged: {match}.* Restore it, or remove it") as caught:
        Record.from_mapping(PLAIN | changes, APPLICATION)
    assert caught.value.region == "eu"


@pytest.mark.parametrize(
    "domain",
    [
        "https://evil.example",
        "http://www.zohoapis.eu",
        "https://user@www.zohoapis.eu",
        "https://www.zohoapis.eu.evil.example",
    ],
)
def test_T40_a_stored_host_is_checked_like_one_from_the_network(domain):
    assert Record.from_mapping(PLAIN | {"api_domain": domain}, APPLICATION).token.api_domain is None


def test_T18_a_stored_token_without_expires_at_is_expired():
    record = Record.from_mapping({"access_token": "a", "expires_in": 3600}, APPLICATION)
    assert not record.is_alive(NOW)
    assert not record.is_fresh(NOW)


@pytest.mark.parametrize(
    "mints", [None, "planted", 5, {}, [None, "x", True, [NOW]], [math.nan, math.inf, -math.inf, 10**400, 1e15]]
)
def test_damaged_mint_times_are_left_out(mints):
    assert Record.from_mapping(PLAIN | {"mint_times": mints}, APPLICATION) == RECORD


def test_mint_times_may_be_a_tuple_and_only_the_last_hundred_are_read():
    times = tuple(range(150))
    assert Record.from_mapping(PLAIN | {"mint_times": times}, APPLICATION).mints == tuple(map(float, range(50, 150)))


def test_a_short_pause_is_kept():
    assert Record.from_mapping(PLAIN | {"rejection_pause": [NOW, 0.5]}, APPLICATION).pause == CoolDown(NOW, 0.5)


@pytest.mark.parametrize(
    "pause",
    [
        None, 5, "planted", [], [NOW], [NOW, 60, 60], [NOW, "planted"], {NOW, 60}, [None, 60], [True, 60], [math.nan, 60], [NOW, math.inf],
        [10**400, 60], [NOW, 0], [NOW, -60], [NOW, 3601], [1e300, 1e300], {"until": NOW},
    ],
)  # fmt: skip
def test_a_damaged_pause_is_left_out(pause):
    assert Record.from_mapping(PLAIN | {"rejection_pause": pause}, APPLICATION) == RECORD


@pytest.mark.parametrize(
    "changes",
    [
        {"error": None}, {"error": "KeyError"}, {"error": "ZohoAuthError"}, {"error": ["ThrottledError"]}, {"error": {}},
        {"message": None}, {"message": 5}, {"code": 5}, {"status_code": "planted"}, {"hint": 5}, {"grant": None}, {"grant": 5},
        {"cool_down": None}, {"cool_down": [NOW]}, {"cool_down": [NOW, 1e300]}, {"cool_down": [10**400, 60]},
    ],
)  # fmt: skip
def test_a_damaged_failure_is_left_out(changes):
    stored = failed(throttled()).to_mapping(APPLICATION)
    assert Record.from_mapping(stored, APPLICATION).failure is not None
    damaged = stored | {"failure": stored["failure"] | changes}
    assert Record.from_mapping(damaged, APPLICATION) == RECORD


@pytest.mark.parametrize("failure", [None, 5, "planted", [], {}])
def test_a_failure_that_is_none_is_left_out(failure):
    assert Record.from_mapping(PLAIN | {"failure": failure}, APPLICATION) == RECORD


# -- numbers as stores give them back ----------------------------------------------------------------------------------

ODDLY = {
    "Decimal": lambda number: Decimal(repr(number)),
    "text": str,
    "bytes": lambda number: str(number).encode(),
    "spaced text": " {} ".format,
    "Fraction": Fraction,
    "a float of another library": type("float64", (float,), {}),
}
#: What epoch seconds and lengths look like, to the last digit.
times = st.floats(0, 4e9) | st.integers(0, 4_000_000_000).map(float)
lengths = st.floats(0.001, 3600)
cool_downs = st.builds(CoolDown, times, lengths)
records = st.builds(
    Record,
    grant=st.just(RefreshToken(Secret(GRANT))),
    token=st.builds(
        Token,
        st.just("1000.planted-access"),
        st.just(GRANT),
        times,
        st.integers(1, 86_400),
        st.sampled_from([(), ("A", "B")]),
        st.sampled_from([None, "https://www.zohoapis.eu"]),
    ),
    granted_at=st.none() | times,
    mints=st.lists(times, max_size=12).map(sorted).map(tuple),
    failure=st.none()
    | st.builds(
        Failure,
        st.sampled_from(["ThrottledError", "TokenEndpointError"]),
        st.just("Denied."),
        st.none() | st.just("Access Denied"),
        st.none() | st.integers(100, 599),
        st.none() | st.just("Wait."),
        st.just("#fingerprint"),
        cool_downs,
    ),
    pause=st.none() | cool_downs,
)


def convert(value, oddly):
    """A stored value with all its numbers given back in another form."""
    if isinstance(value, dict):
        return {key: convert(each, oddly) for key, each in value.items()}
    if isinstance(value, list):
        return [convert(each, oddly) for each in value]
    return oddly(value) if isinstance(value, (int, float)) else value


@given(record=records, oddly=st.sampled_from(sorted(ODDLY)))
def test_t80_a_record_is_the_same_whatever_form_its_numbers_come_back_in(record, oddly):
    stored, complaints = convert(record.to_mapping(APPLICATION), ODDLY[oddly]), []
    assert Record.from_mapping(stored, APPLICATION, complaints.append) == record
    assert complaints == []


def test_t80_mints_may_come_back_as_a_set_of_numbers():
    stored = PLAIN | {"mint_times": {Decimal(number) for number in (5, 3, 4)}}
    assert Record.from_mapping(stored, APPLICATION).mints == (3.0, 4.0, 5.0)
    assert Record.from_mapping(PLAIN | {"mint_times": frozenset({"5", "planted"})}, APPLICATION).mints == (5.0,)


@pytest.mark.parametrize(
    "oddity", ["planted", Decimal("NaN"), Decimal("sNaN"), math.inf, "1e999", True, 10**400, b"planted", 1j, object()]
)
@pytest.mark.parametrize("key", ["expires_in", "granted_at", "mint_times", "failure", "rejection_pause"])
def test_t80_what_cannot_be_read_is_told_by_its_key_and_costs_nothing_else(key, oddity):
    complaints, good = [], replace(failed(throttled()), granted_at=NOW, mints=(NOW,)).with_pause(NOW)
    stored = good.to_mapping(APPLICATION)
    found = Record.from_mapping(stored | {key: oddity}, APPLICATION, complaints.append)
    fields = {"granted_at": None, "mints": (), "failure": None, "pause": None}
    name = {"mint_times": "mints", "rejection_pause": "pause"}.get(key, key)
    assert complaints == [key]
    assert found == (replace(good, **{name: fields[name]}) if name in fields else good)


def test_t80_one_mint_that_cannot_be_read_is_told_and_the_others_count():
    complaints = []
    stored = PLAIN | {"mint_times": [NOW, "planted", Decimal(5)]}
    assert Record.from_mapping(stored, APPLICATION, complaints.append).mints == (5.0, NOW)
    assert complaints == ["mint_times"]


@pytest.mark.parametrize("nothing", [None, "", b"", [], (), {}, set()])
def test_t80_what_is_empty_is_nothing_to_complain_of(nothing):
    complaints = []
    keys = ("expires_in", "granted_at", "mint_times", "failure", "rejection_pause")
    assert Record.from_mapping(PLAIN | dict.fromkeys(keys, nothing), APPLICATION, complaints.append) == RECORD
    assert complaints == []


# -- what lies too far ahead -------------------------------------------------------------------------------------------

DAY = 86_400.0


@pytest.mark.parametrize("ahead", [DAY + 0.001, 10 * 365 * DAY, 999 * NOW, 1e300])
def test_t81_an_expiry_further_ahead_than_a_day_is_not_believed(ahead):
    record = replace(RECORD, token=replace(TOKEN, expires_at=NOW + ahead))
    assert not record.is_alive(NOW)
    assert not record.is_fresh(NOW)
    assert record.believed(NOW) == replace(RECORD, token=replace(TOKEN, expires_at=0.0))


def test_t81_an_expiry_within_a_day_is_believed():
    record = replace(RECORD, token=replace(TOKEN, expires_at=NOW + DAY))
    assert record.is_alive(NOW)
    assert record.is_fresh(NOW)
    assert record.believed(NOW) == record


def test_t81_a_date_further_ahead_than_a_day_is_not_believed():
    assert replace(RECORD, granted_at=1000 * NOW).believed(NOW) == RECORD
    dated = replace(RECORD, granted_at=NOW + DAY)
    assert dated.believed(NOW) == dated
    assert Record().believed(NOW) == Record()


@pytest.mark.parametrize("factor", [1000, 1.02])
def test_t81_bookkeeping_in_milliseconds_or_years_ahead_blocks_nothing(factor):
    record = failed(throttled(), replace(RECORD, mints=(NOW,) * 10)).with_pause(NOW)
    stored = record.to_mapping(APPLICATION)
    stored["mint_times"] = [at * factor for at in stored["mint_times"]]
    stored["failure"]["cool_down"][0] *= factor
    stored["rejection_pause"][0] *= factor
    found = Record.from_mapping(stored, APPLICATION)
    assert found.find_obstacle(NOW, APPLICATION, BUDGET) is None
    assert not found.is_paused(NOW)


# -- windows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "fresh", "alive"),
    [
        (3600, True, True),
        (300.5, True, True),
        (300, False, True),
        (30.5, False, True),
        (30, False, False),
        (0, False, False),
        (-1, False, False),
    ],
)
def test_T23_a_token_is_fresh_then_stale_then_dead(left, fresh, alive):
    assert RECORD.is_fresh(TOKEN.expires_at - left) is fresh
    assert RECORD.is_alive(TOKEN.expires_at - left) is alive


def test_nothing_is_neither_fresh_nor_alive():
    assert not Record().is_fresh(0)
    assert not Record().is_alive(0)
    assert Record().access_token is None
    assert RECORD.access_token == "1000.planted-access"


# -- minting -----------------------------------------------------------------------------------------------------------


def test_T15_a_mint_keeps_the_grant_and_forgets_the_failure():
    record = failed(throttled()).with_token(Token("new"))
    assert (record.grant_identity, record.token.refresh_token, record.failure) == (GRANT, GRANT, None)
    assert type(record.grant_identity) is Secret


def test_a_grant_that_zoho_replaced_is_replaced():
    record = RECORD.with_token(Token("new", "1000.other"))
    assert record.grant_identity == record.token.refresh_token == "1000.other"


def test_a_grant_keeps_its_date_with_each_token_and_one_that_zoho_put_in_its_place_comes_after_it():
    record = replace(RECORD, granted_at=NOW)
    assert record.with_token(Token("new")).granted_at == NOW
    assert Record(granted_at=NOW).with_token(Token("new", GRANT)).granted_at == NOW
    assert record.with_token(Token("new", "1000.replaced")).is_later_than(record)


def test_a_token_without_any_grant_stays_without():
    assert Record().with_token(Token("new")) == Record(token=Token("new"))


def test_T21_the_eleventh_mint_in_ten_minutes_is_not_asked_for():
    record = RECORD
    for number in range(10):
        assert record.find_obstacle(NOW + number, APPLICATION, BUDGET) is None
        record = record.with_mint(NOW + number, BUDGET)
    obstacle = record.find_obstacle(NOW + 10, APPLICATION, BUDGET)
    assert type(obstacle) is ThrottledError
    assert obstacle.retry_after == 590
    assert obstacle.region == "eu"
    assert "10 access tokens within 600 s" in str(obstacle)
    assert "look for code that discards them" in obstacle.hint
    assert record.find_obstacle(NOW + 599.9, APPLICATION, BUDGET) is not None
    assert record.find_obstacle(NOW + 600, APPLICATION, BUDGET) is None
    assert record.with_mint(NOW + 600, BUDGET).find_obstacle(NOW + 600, APPLICATION, BUDGET).retry_after == 1


def test_more_mints_than_allowed_wait_until_enough_are_old():
    record = replace(RECORD, mints=tuple(NOW + n for n in range(12)))
    assert record.find_obstacle(NOW + 20, APPLICATION, BUDGET).retry_after == 582
    assert record.find_obstacle(NOW + 601.9, APPLICATION, BUDGET) is not None
    assert record.find_obstacle(NOW + 602, APPLICATION, BUDGET) is None


def test_a_mint_to_come_is_noted_and_the_old_ones_are_forgotten():
    record = replace(RECORD, mints=(NOW - 601, NOW - 600, NOW - 599)).with_mint(NOW, BUDGET)
    assert record.mints == (NOW - 599, NOW)


def test_T24_mints_noted_by_a_clock_that_ran_ahead_count_as_now_for_a_window_at_most():
    ahead = replace(RECORD, mints=(NOW + 599,) * 10)
    assert ahead.find_obstacle(NOW, APPLICATION, BUDGET).retry_after == 600
    assert ahead.with_mint(NOW, BUDGET).mints == (NOW,) * 11
    assert replace(RECORD, mints=(NOW + 600,) * 10).find_obstacle(NOW, APPLICATION, BUDGET) is None


def test_a_budget_can_be_smaller():
    assert RECORD.with_mint(NOW, BUDGET).find_obstacle(NOW + 4, APPLICATION, Budget(1, 5.0)).retry_after == 1


def test_no_grant_is_said_before_anything_else_and_says_what_to_do():
    obstacle = Record(mints=(NOW,) * 10).find_obstacle(NOW, APPLICATION, BUDGET)
    assert type(obstacle) is ReauthorizationRequired
    assert "1000.CLIENT in region eu, so nothing was sent." in str(obstacle)
    assert "zohorecruit login" in obstacle.hint
    assert obstacle.region == "eu"


def test_mints_of_the_same_grant_are_added():
    record, other = replace(RECORD, mints=(1.0, 3.0, 3.0)), replace(RECORD, mints=(2.0, 3.0), failure=None)
    assert record.with_mints_of(other).mints == (1.0, 2.0, 3.0, 3.0)


def test_of_two_records_of_one_grant_the_longer_failure_and_pause_count():
    short, long = CoolDown(NOW + 60, 60.0), CoolDown(NOW + 120, 120.0)
    failure = RECORD.with_failure(throttled(90.0), NOW, APPLICATION, RECORD).failure
    one = replace(RECORD, failure=None, pause=long, mints=(1.0,))
    other = replace(RECORD, failure=failure, pause=short, mints=(2.0,), extra={"note": "kept"})
    for joined in (one.join(other), replace(other, extra={}).join(replace(one, extra=other.extra))):
        assert (joined.failure, joined.pause, joined.mints) == (failure, long, (1.0, 2.0))
        assert joined.extra == {"note": "kept"}


# -- remembered failures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (TokenEndpointError("Broken.", status_code=503, code="x", hint="Later."), 5),
        (throttled(), 60),
        (throttled(90.0), 90),
        (throttled(3600.0), 3600),
        (ClientConfigurationError("Wrong.", code="invalid_client", status_code=400), 60),
    ],
)
def test_T19_a_failure_is_raised_again_instead_of_asking_again_until_its_time_is_over(error, seconds):
    record = restored(failed(error))
    again = record.find_obstacle(NOW + seconds - 1, APPLICATION, BUDGET)
    assert type(again) is type(error)
    assert (again.code, again.status_code, again.hint, again.region) == (
        error.code,
        error.status_code,
        error.hint,
        "eu",
    )
    wait = "Try again in 1 s." if isinstance(error, ThrottledError) else "Not asked again for 1 s."
    assert str(again) == " ".join(filter(None, (error.message, wait, error.hint)))
    if isinstance(error, ThrottledError):
        assert again.retry_after == 1
    assert record.find_obstacle(NOW + seconds, APPLICATION, BUDGET) is None


def test_a_dead_grant_stays_dead_for_everybody_until_there_is_another():
    record = restored(failed(ReauthorizationRequired("Dead.", code="invalid_code", status_code=200, hint="Again.")))
    again = record.find_obstacle(NOW + 10**6, APPLICATION, BUDGET)
    assert (type(again), str(again), again.code) == (ReauthorizationRequired, "Dead. Again.", "invalid_code")
    assert again.region == "eu"
    assert replace(record, grant=RefreshToken(Secret("1000.another"))).find_obstacle(NOW, APPLICATION, BUDGET) is None


def test_an_error_whose_time_is_over_says_no_seconds():
    failure = failed(throttled()).failure
    assert failure.to_error("eu", NOW + 60).message == "Denied."


def test_T20_cool_downs_grow_to_ten_minutes_and_start_anew_after_a_success():
    record, lengths, now = RECORD, [], NOW
    for _ in range(6):
        record = restored(failed(throttled(), record, now))
        lengths.append(record.failure.cool_down.seconds)
        now += record.failure.cool_down.seconds
        assert record.find_obstacle(now, APPLICATION, BUDGET) is None
    assert lengths == [60, 120, 240, 480, 600, 600]
    assert failed(throttled(), record.with_token(Token("new")), now).failure.cool_down.seconds == 60


def test_T20_zohos_own_wait_is_respected_when_it_is_longer():
    record = failed(throttled(1800.0))
    assert record.failure.cool_down == CoolDown(NOW + 1800, 1800)
    assert failed(throttled(1800.0), record).failure.cool_down.seconds == 1800


def test_a_failure_of_another_kind_does_not_make_the_cool_down_grow():
    record = failed(throttled(), failed(TokenEndpointError("Broken.")))
    assert record.failure.cool_down.seconds == 60


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (TokenEndpointError("x", uncertain=True), True),
        (TokenEndpointError("x"), False),
        (throttled(), False),
        (ReauthorizationRequired("x"), False),
    ],
)
def test_a_mint_that_may_have_happened_counts_and_one_that_did_not_does_not(error, counted):
    before = replace(RECORD, mints=(NOW - 10,))
    assert failed(error, before).mints == ((NOW - 10, NOW) if counted else (NOW - 10,))


@pytest.mark.parametrize(
    "other",
    [
        Application.create("1000.OTHER", "planted-client-secret", "eu"),
        Application.create("1000.CLIENT", "another-secret", "eu"),
        Application.create("1000.CLIENT", "planted-client-secret", "us"),
    ],
)
def test_a_failure_holds_for_the_configuration_it_happened_with_only(other):
    record = failed(ReauthorizationRequired("Dead."))
    assert record.find_obstacle(NOW, APPLICATION, BUDGET) is not None
    assert record.find_obstacle(NOW, other, BUDGET) is None
    assert replace(record, grant=RefreshToken(Secret("1000.new"))).find_obstacle(NOW, APPLICATION, BUDGET) is None


def test_a_failure_does_not_cost_the_live_token():
    record = failed(throttled())
    assert (record.token, record.grant_identity) == (TOKEN, GRANT)


# -- waits and the pause -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "over"),
    [
        (NOW - 61, True),
        (NOW - 60, False),
        (NOW - 1, False),
        (NOW, False),
        (NOW + 59.9, False),
        (NOW + 60, True),
        (NOW + 1e9, True),
        (0.0, True),
    ],
)
def test_T24_a_wait_is_over_in_time_or_when_the_clock_went_far_back(now, over):
    assert CoolDown(NOW + 60, 60.0).is_over(now) is over


def test_T20_a_cool_down_holds_for_a_host_whose_clock_is_a_little_behind():
    record = restored(failed(throttled()))
    assert record.find_obstacle(NOW - 2, APPLICATION, BUDGET).retry_after == 62


def test_waits_double_up_to_the_longest():
    wait, lengths = None, []
    for _ in range(4):
        wait = CoolDown.extend(wait, NOW, seconds=10.0, longest=50.0)
        assert wait.until == NOW + wait.seconds
        lengths.append(wait.seconds)
    assert lengths == [10, 20, 40, 50]


def test_T21_the_pause_grows_from_a_minute_to_an_hour_and_ends_with_an_accepted_call():
    record, lengths, now = RECORD, [], NOW
    for _ in range(8):
        record = restored(record.with_pause(now))
        lengths.append(record.pause.seconds)
        assert record.is_paused(now)
        now += record.pause.seconds
        assert not record.is_paused(now)
    assert lengths == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert not record.with_pause(now).without_pause().is_paused(now)
    assert record.without_pause().with_pause(now).pause.seconds == 60
    assert not RECORD.is_paused(NOW)


def test_T21_the_pause_is_no_obstacle_to_a_mint_at_expiry():
    assert RECORD.with_pause(NOW).find_obstacle(NOW, APPLICATION, BUDGET) is None


def test_the_pause_outlives_a_mint():
    record = RECORD.with_pause(NOW).with_token(Token("new"))
    assert record.is_paused(NOW)
