"""How memory and store become one record: each rule as a table of examples, and what holds for all records."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from helpers.thoroughness import choose
from hypothesis import given, settings
from hypothesis import strategies as st

from requests_zohorecruit.engine.bookkeeping import Failure
from requests_zohorecruit.engine.critical_section import Memory
from requests_zohorecruit.engine.limits import CoolDown
from requests_zohorecruit.engine.merge import date_grant, merge
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.grants import RefreshToken
from requests_zohorecruit.zoho.token import Token

HOUR = 3600.0
NOW = 1_800_000_000.0
EARLIER, LATER = NOW - 3 * HOUR, NOW - 2 * HOUR
KEPT = {"tenant": 7}


def a_failure(error, until):
    return Failure(error, "No.", None, None, None, "fingerprint", CoolDown(until, 60.0))


DEAD = a_failure("ReauthorizationRequired", NOW)
THROTTLED = a_failure("ThrottledError", NOW + 60)


def live(grant, date, access="T1", expires=NOW + HOUR, **more):
    return Record(RefreshToken(Secret(grant)), Token(access, Secret(grant), expires, 3600), date, **more)


def dead(grant, date):
    return live(grant, date, failure=DEAD)


def argument(grant="1000.argument", access=None):
    """A grant given as an argument, which has proved nothing yet."""
    return Record(RefreshToken(Secret(grant)), Token(access, Secret(grant), NOW + HOUR, 3600) if access else None)


def token_alone(access="T-alone", date=None):
    return Record(None, Token(access, None, NOW + HOUR, 3600), date)


def revoked(date):
    return Record(granted_at=date)


OLD, NEW = live("1000.old", EARLIER, "T-old"), live("1000.new", LATER, "T-new")
MIDDLE = live("1000.middle", EARLIER + 60, "T-middle")
NEVER_SEEN, EMPTIED = None, Record()


# -- two grants: which one it is ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "theirs", "base"),
    [
        pytest.param(Record(), OLD, NEVER_SEEN, id="nothing in memory yet"),
        pytest.param(Record(), revoked(EARLIER), NEVER_SEEN, id="nothing in memory yet, and a revocation in the store"),
        pytest.param(NEW, OLD, NEW, id="unchanged since the store was seen, though the store's is earlier"),
        pytest.param(NEW, OLD, replace(NEW, token=None), id="a new token of the grant the store had is no new grant"),
        pytest.param(NEW, revoked(LATER), NEW, id="unchanged, and revoked by another process"),
        pytest.param(NEW, revoked(EARLIER), NEW, id="unchanged, and something else revoked by another process"),
        pytest.param(NEW, dead("1000.old", EARLIER), NEW, id="unchanged, and the store's is dead"),
        pytest.param(revoked(LATER), OLD, revoked(LATER), id="T92 a revocation that was noticed, and a grant after it"),
        pytest.param(EMPTIED, OLD, EMPTIED, id="nothing was there, and now there is a grant"),
    ],
)
def test_where_memory_has_not_changed_the_store_rules(mine, theirs, base):
    theirs = replace(theirs, extra=KEPT)
    assert merge(mine, theirs, base=base) == theirs


@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, MIDDLE])
def test_of_two_live_grants_the_later_one_counts(base):
    assert merge(NEW, replace(OLD, extra=KEPT), base=base) == replace(NEW, extra=KEPT)
    assert merge(OLD, replace(NEW, extra=KEPT), base=base) == replace(NEW, extra=KEPT)


@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, OLD])
def test_of_two_grants_with_one_date_the_stores_counts_so_that_all_processes_agree(base):
    theirs = live("1000.other", LATER)
    assert merge(NEW, theirs, base=base) is theirs


@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, OLD])
def test_a_revocation_in_the_store_ends_the_grant_of_its_own_date(base):
    theirs = replace(revoked(LATER), extra=KEPT)
    assert merge(NEW, theirs, base=base) is theirs


@pytest.mark.parametrize("date", [EARLIER, LATER + 1, NOW + 9 * HOUR])
@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, OLD])
def test_a_revocation_in_the_store_ends_no_grant_of_another_date(base, date):
    assert merge(NEW, replace(revoked(date), extra=KEPT), base=base) == replace(NEW, extra=KEPT)


def test_a_revocation_in_memory_ends_the_grant_of_its_own_date():
    theirs = replace(NEW, extra=KEPT)
    assert merge(revoked(LATER), theirs, base=NEW) == replace(revoked(LATER), extra=KEPT)
    assert merge(revoked(LATER), theirs, base=EMPTIED.with_date(EARLIER, after=None)).is_empty is False


@pytest.mark.parametrize("date", [EARLIER, LATER + 1, NOW + 9 * HOUR])
def test_a_revocation_in_memory_ends_no_grant_of_another_date(date):
    assert merge(revoked(date), NEW, base=live("1000.revoked-here", date)) is NEW


@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, MIDDLE])
@pytest.mark.parametrize("date", [EARLIER, LATER, NOW])
def test_a_dead_grant_in_the_store_gives_way_to_a_live_one_in_memory_whatever_their_dates(date, base):
    theirs = replace(dead("1000.dead", date), extra=KEPT)
    assert merge(NEW, theirs, base=base) == replace(NEW, extra=KEPT)


@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, MIDDLE])
@pytest.mark.parametrize("theirs", [OLD, revoked(EARLIER), dead("1000.older", EARLIER), token_alone(date=EARLIER)])
def test_a_dead_grant_in_memory_gives_way_to_whatever_the_store_holds(theirs, base):
    assert merge(dead("1000.dead", LATER), theirs, base=base) is theirs


@pytest.mark.parametrize("error", ["ThrottledError", "TokenEndpointError", "ClientConfigurationError"])
def test_a_grant_that_failed_otherwise_is_not_dead(error):
    mine = replace(NEW, failure=a_failure(error, NOW + 60))
    assert merge(mine, OLD, base=NEVER_SEEN) == mine
    assert merge(OLD, mine, base=NEVER_SEEN) is mine


@pytest.mark.parametrize("date", [EARLIER, LATER, NOW])
def test_T79_where_memory_has_not_changed_the_store_does_not_rule_with_a_grant_that_has_never_worked(date):
    theirs = replace(dead("1000.mistyped", date), token=None, extra=KEPT)
    assert merge(NEW, theirs, base=NEW) == replace(NEW, extra=KEPT)
    assert merge(Record(), theirs, base=NEVER_SEEN) is theirs
    assert merge(dead("1000.new", LATER), theirs, base=NEW) is theirs


@pytest.mark.parametrize("failure", [None, THROTTLED])
def test_a_refresh_token_without_an_access_token_that_was_put_into_the_store_by_hand_rules(failure):
    theirs = Record(RefreshToken(Secret("1000.by-hand")), None, NOW, failure=failure)
    assert merge(NEW, theirs, base=NEW) is theirs


# -- one grant: which token, which mints, which failure ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "theirs", "base", "expected"),
    [
        pytest.param(("T1", 1), ("T2", 2), ("T0", 0), "T2", id="the store's is newer"),
        pytest.param(("T2", 2), ("T1", 1), ("T0", 0), "T2", id="memory's is newer, and not saved yet"),
        pytest.param(("T2", 2), ("T1", 1), ("T1", 1), "T2", id="memory's is newer than what the store still holds"),
        pytest.param(("T2", 2), ("T1", 1), None, "T2", id="memory's is newer, and the store was not seen yet"),
        pytest.param(("T2", 2), ("T1", 1), ("T2", 2), "T1", id="memory's is what was stored, and has been replaced"),
        pytest.param(("T1", 2), ("T2", 2), ("T0", 0), "T2", id="both live as long"),
        pytest.param((None, 0), ("T1", 1), ("T0", 0), "T1", id="memory has none"),
        pytest.param(("T1", 1), (None, 0), ("T0", 0), "T1", id="the store has none"),
    ],
)
def test_of_one_grant_the_newer_access_token_counts(mine, theirs, base, expected):
    def record(token):
        access, hours = token
        made = live("1000.one", LATER, access or "none", NOW + hours * HOUR)
        return made if access else replace(made, token=None)

    merged = merge(record(mine), replace(record(theirs), extra=KEPT), base=base and record(base))
    assert (merged.access_token, merged.extra) == (expected, KEPT)


def test_of_one_grant_a_token_that_is_given_with_the_grant_counts_like_any_other():
    mine, theirs = argument("1000.one", "T2"), live("1000.one", LATER, "T1", NOW + 60)
    assert merge(mine, theirs, base=NEVER_SEEN) == live("1000.one", LATER, "T2")
    assert (
        merge(argument("1000.one", "T2"), live("1000.one", LATER, "T3", NOW + 2 * HOUR), base=None).access_token == "T3"
    )


def test_of_one_grant_what_both_sides_remember_counts_while_memory_goes_before():
    pause = CoolDown(NOW + 60, 60.0)
    mine, theirs = replace(NEW, failure=THROTTLED), replace(NEW, pause=pause, extra=KEPT)
    assert merge(mine, theirs, base=NEW) == replace(NEW, failure=THROTTLED, pause=pause, extra=KEPT)
    assert merge(replace(NEW, pause=pause), replace(NEW, failure=THROTTLED), base=NEW) == replace(mine, pause=pause)


def test_of_one_grant_a_failure_or_pause_that_another_process_has_ended_is_over():
    mine = replace(NEW, failure=THROTTLED, pause=CoolDown(NOW + 60, 60.0))
    assert merge(mine, NEW, base=mine) == NEW


def test_of_one_grant_a_newer_token_in_the_store_ends_what_memory_remembers_of_failures():
    newer = live("1000.new", LATER, "T-newer", NOW + 2 * HOUR)
    assert merge(replace(NEW, failure=THROTTLED), newer, base=NEW) == newer


@pytest.mark.parametrize("base", [NEVER_SEEN, NEW, replace(NEW, mints=(1.0, 3.0, 3.0))])
@pytest.mark.parametrize("expires", [NOW, NOW + 2 * HOUR])
def test_of_one_grant_no_mint_is_lost(base, expires):
    mine = replace(NEW, mints=(1.0, 3.0, 3.0))
    theirs = live("1000.new", LATER, "T-other", expires, mints=(2.0, 3.0))
    assert merge(mine, theirs, base=base).mints == (1.0, 2.0, 3.0, 3.0)


def test_of_one_grant_the_stores_date_counts_so_that_all_processes_agree():
    assert merge(replace(NEW, granted_at=NOW), replace(NEW, token=None), base=NEVER_SEEN).granted_at == LATER


def test_mints_of_another_grant_do_not_count():
    mine, theirs = replace(NEW, mints=(1.0,)), replace(OLD, mints=(2.0,))
    assert merge(mine, theirs, base=NEVER_SEEN).mints == (1.0,)
    assert merge(mine, theirs, base=mine).mints == (2.0,)
    assert merge(replace(argument(), mints=(1.0,)), theirs, base=NEVER_SEEN).mints == (1.0,)


# -- a grant given as an argument --------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [NEVER_SEEN, NEW])
@pytest.mark.parametrize("theirs", [NEW, dead("1000.new", LATER)])
def test_T79_an_argument_is_used_in_the_place_of_what_the_store_held_when_it_was_first_read(theirs, base):
    assert merge(argument(), replace(theirs, extra=KEPT), base=base) == replace(argument(), extra=KEPT)


@pytest.mark.parametrize("base", [EMPTIED, OLD, revoked(LATER)])
def test_T79_an_argument_gives_way_if_a_person_has_logged_in_since_the_store_was_first_read(base):
    assert merge(argument(), NEW, base=base) is NEW


@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, OLD])
@pytest.mark.parametrize("failure", [None, THROTTLED, DEAD])
def test_T79_an_argument_does_not_give_way_to_another_one_that_has_minted_nothing_either(failure, base):
    theirs = Record(RefreshToken(Secret("1000.another-argument")), None, NOW, failure=failure, extra=KEPT)
    assert merge(argument(), theirs, base=base) == replace(argument(), extra=KEPT)


@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, OLD])
def test_T79_an_argument_does_not_give_way_to_a_login_that_is_dead_by_now(base):
    assert merge(argument(), replace(dead("1000.new", NOW), extra=KEPT), base=base) == replace(argument(), extra=KEPT)


def test_T79_an_argument_does_not_come_back_once_it_has_given_way():
    given_way = merge(argument(), NEW, base=OLD)
    assert merge(given_way, NEW, base=NEW) == NEW


@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, OLD])
@pytest.mark.parametrize("access", [None, "T-given"])
@pytest.mark.parametrize("date", [EARLIER, NOW])
def test_an_argument_takes_the_place_of_a_revoked_grant(date, access, base):
    mine = argument(access=access)
    assert merge(mine, replace(revoked(date), extra=KEPT), base=base) == replace(mine, extra=KEPT)


@pytest.mark.parametrize("base", [NEVER_SEEN, OLD])
def test_a_record_that_has_lost_its_refresh_token_gets_the_arguments_and_keeps_its_access_token(base):
    merged = merge(argument(), replace(token_alone(date=LATER), extra=KEPT), base=base)
    assert merged.grant_identity == merged.token.refresh_token == "1000.argument"
    assert (merged.access_token, merged.granted_at, merged.extra) == ("T-alone", None, KEPT)
    assert merge(argument(access="T-given"), token_alone(date=LATER), base=base).access_token == "T-given"


@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, OLD, NEW])
@pytest.mark.parametrize("theirs", [OLD, dead("1000.old", EARLIER)])
def test_an_access_token_given_alone_does_not_cost_the_store_its_grant(theirs, base):
    assert merge(token_alone(), theirs, base=base) is theirs


@pytest.mark.parametrize("base", [NEVER_SEEN, EMPTIED, OLD])
def test_an_access_token_given_alone_is_used_where_the_store_has_nothing(base):
    assert merge(token_alone(), replace(revoked(LATER), extra=KEPT), base=base) == replace(token_alone(), extra=KEPT)


# -- dates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [None, OLD])
def test_a_grant_that_has_a_date_keeps_it(base):
    assert date_grant(NEW, mine=replace(NEW, granted_at=NOW), base=base, now=NOW) is NEW


@pytest.mark.parametrize(
    ("mine", "base"),
    [
        pytest.param(NEW, OLD, id="in memory"),
        pytest.param(OLD, NEW, id="in the store before"),
        pytest.param(Record(), NEW, id="in the store before, and nothing in memory"),
        pytest.param(NEW, None, id="in memory, and the store was not seen yet"),
        pytest.param(NEW, replace(NEW, granted_at=None), id="in memory, and stored before without its date"),
        pytest.param(argument("1000.new"), NEW, id="in the store before, and given as an argument"),
    ],
)
def test_a_plain_token_dict_of_a_known_grant_has_the_date_of_that_grant(mine, base):
    stored = replace(NEW, token=Token("T-plain", NEW.grant_identity, NOW, 3600), granted_at=None)
    assert date_grant(stored, mine=mine, base=base, now=NOW) == replace(stored, granted_at=LATER)


@pytest.mark.parametrize("base", [None, EMPTIED, NEW, argument("1000.plain")])
@pytest.mark.parametrize("mine", [Record(), NEW, argument(), argument("1000.plain")])
def test_a_plain_token_dict_of_another_grant_is_new(mine, base):
    stored = replace(live("1000.plain", None), extra=KEPT)
    assert date_grant(stored, mine=mine, base=base, now=NOW) == replace(stored, granted_at=NOW)


def test_a_plain_token_dict_comes_after_what_is_in_memory_whatever_the_clock_says():
    stored = live("1000.plain", None)
    dated = date_grant(stored, mine=NEW, base=None, now=LATER - 5 * HOUR)
    assert dated.is_later_than(NEW)
    assert merge(NEW, dated, base=None) is dated


@pytest.mark.parametrize("trace", [{"failure": THROTTLED}, {"mints": (NOW,)}], ids=["failure", "mint"])
def test_T79_a_grant_that_was_tried_in_vain_comes_before_every_other(trace):
    stored = replace(argument("1000.wrong"), **trace)
    dated = date_grant(stored, mine=OLD, base=OLD, now=LATER)
    assert dated.granted_at == 0.0
    assert merge(OLD, dated, base=OLD) == OLD
    assert merge(Record(), dated, base=None) is dated
    assert date_grant(stored, mine=replace(NEW, grant=stored.grant), base=None, now=NOW).granted_at == LATER


def test_a_record_of_nothing_without_a_date_is_a_revocation_of_no_known_grant():
    assert date_grant(Record(extra=KEPT), mine=NEW, base=NEW, now=NOW) == Record(granted_at=NOW, extra=KEPT)
    assert date_grant(Record(), mine=revoked(EARLIER), base=NEW, now=NOW) == revoked(EARLIER)


# -- what holds for all records ----------------------------------------------------------------------------------------

NAMES = ["1000.one", "1000.two", "1000.three"]
DATES = st.sampled_from([NOW - 9 * HOUR, NOW - HOUR, NOW - 1, NOW, NOW + 1, NOW + 9 * HOUR])
MINTS = st.lists(st.sampled_from([1.0, 2.0, 3.0]), max_size=4).map(lambda mints: tuple(sorted(mints)))


@st.composite
def records(draw, dates):
    grant, access = draw(st.sampled_from([None, *NAMES])), draw(st.sampled_from([None, "T1", "T2", "T3"]))
    date = draw(dates)
    if grant is None and access is None:
        return Record(granted_at=date)
    token = Token(access, grant and Secret(grant), draw(DATES), 3600) if access else None
    failure = draw(st.sampled_from([None, DEAD, THROTTLED])) if grant else None
    pause = draw(st.sampled_from([None, CoolDown(NOW, 60.0), CoolDown(NOW + 9, 120.0)]))
    return Record(grant and RefreshToken(Secret(grant)), token, date, draw(MINTS), failure, pause)


dated = records(DATES)
dated_or_not = records(DATES | st.none())
bases = st.none() | dated_or_not
many = settings(max_examples=choose(100, 300))


def is_unchanged(mine, base):
    return mine.is_empty if base is None else mine.has_same_grant(base)


@many
@given(mine=dated_or_not, stored=st.none() | dated_or_not, base=bases, claim=st.booleans(), late=st.booleans())
def test_to_read_the_same_again_changes_nothing(mine, stored, base, claim, late):
    once = Memory().with_record(mine, base).with_stored(stored, NOW, claim=claim)
    assert once.with_stored(stored, NOW + HOUR * late, claim=claim) == once
    assert once.with_stored(stored, NOW + HOUR * late) == once


@many
@given(mine=dated_or_not, theirs=dated, base=bases)
def test_to_merge_the_result_again_changes_nothing(mine, theirs, base):
    once = merge(mine, theirs, base=base)
    known = once if once == theirs.with_mints_of(once) else theirs
    assert merge(once, theirs, base=known) == once


@many
@given(mine=dated_or_not, theirs=dated, base=bases, same=st.sampled_from([None, *NAMES]))
def test_no_mint_of_one_grant_is_lost_and_none_is_counted_twice(mine, theirs, base, same):
    mine, theirs = (replace(each, grant=same and RefreshToken(Secret(same))) for each in (mine, theirs))
    if mine.has_same_grant(theirs):
        merged = merge(mine, theirs, base=base)
        assert Counter(merged.mints) == Counter(mine.mints) | Counter(theirs.mints)


@many
@given(mine=dated_or_not, theirs=dated, base=bases)
def test_the_result_is_one_of_the_two_grants(mine, theirs, base):
    merged = merge(mine, theirs, base=base)
    assert merged.has_same_grant(mine) or merged.has_same_grant(theirs)
    assert merged.access_token in {mine.access_token, theirs.access_token}
    assert merged.token is None or merged.token.refresh_token == merged.grant_identity or not merged.grant_identity


@many
@given(mine=dated_or_not, theirs=dated, base=bases)
def test_no_live_grant_is_lost_but_to_a_revocation_of_its_own_or_to_a_store_that_rules(mine, theirs, base):
    merged = merge(mine, theirs, base=base)
    if merged.is_empty and not theirs.is_empty:
        assert mine.granted_at == theirs.granted_at
        assert not is_unchanged(mine, base)
    if merged.is_empty and not mine.is_empty:
        assert mine.is_dead or is_unchanged(mine, base) or mine.granted_at == theirs.granted_at
    if merged.is_dead and not mine.has_same_grant(theirs):
        no_grant_here = mine.is_empty or mine.is_dead or (mine.grant, mine.granted_at) == (None, None)
        assert no_grant_here or mine.granted_at is None or is_unchanged(mine, base)


@many
@given(mine=dated, theirs=dated, base=bases)
def test_of_two_live_grants_none_goes_before_a_later_one_unless_memory_has_nothing_new(mine, theirs, base):
    empty_or_dead = any(each.is_empty or each.is_dead for each in (mine, theirs))
    if not empty_or_dead and not is_unchanged(mine, base) and not mine.has_same_grant(theirs):
        merged = merge(mine, theirs, base=base)
        assert merged.granted_at == max(mine.granted_at, theirs.granted_at)


class Process:
    """Reads, mints if it has proved nothing yet, and saves what the store does not have."""

    def __init__(self, record, base, ahead):
        self.memory = Memory().with_record(record, base)
        self.ahead = ahead

    def exchange(self, stored, now):
        now += self.ahead
        memory = self.memory.with_stored(stored, now)
        record = memory.record
        if record.granted_at is None and record.grant is not None:
            minted = record.with_token(Token("T-minted", None, now + HOUR, 3600)).with_date(now, after=memory.base)
            memory = memory.with_record(minted, memory.base)
        if memory.record != memory.base:
            stored = memory.record
            memory = memory.with_record(stored, stored)
        self.memory = memory
        return stored


@settings(max_examples=choose(200, 600))
@given(
    one=st.tuples(dated_or_not, bases, st.sampled_from([0.0, -5 * HOUR, 5 * HOUR])),
    other=st.tuples(dated_or_not, bases, st.sampled_from([0.0, -5 * HOUR, 5 * HOUR])),
    stored=st.none() | dated_or_not,
)
def test_processes_whose_clocks_differ_by_hours_agree_on_one_grant_after_two_exchanges(one, other, stored):
    processes = Process(*one), Process(*other)
    for turn in range(4):
        stored = processes[turn % 2].exchange(stored, NOW + turn)
    settled = stored or Record()
    for turn in range(4):
        stored = processes[turn % 2].exchange(stored, NOW + HOUR + turn)
    stored = stored or Record()
    assert stored.has_same_grant(settled)
    for record in (process.memory.record for process in processes):
        assert record.has_same_grant(stored)
        assert record.access_token == stored.access_token
        # What another library stored stays without a date there until there is something to save.
        assert stored.granted_at in {None, record.granted_at}


# -- memory: withheld, claimed, emptied --------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [NEW, dead("1000.new", LATER), live("1000.plain", None)])
def test_T79_an_argument_is_withheld_from_a_store_that_holds_another_grant_until_it_has_minted(stored):
    memory = Memory().with_record(argument(), None).with_stored(stored, NOW)
    assert memory.record == argument()
    assert memory.is_withheld
    minted = memory.record.with_token(Token("T1")).with_date(EARLIER, after=memory.base)
    assert minted.is_later_than(memory.base)
    assert not memory.with_record(minted, memory.base).is_withheld


@pytest.mark.parametrize("stored", [None, Record(), revoked(LATER), token_alone(date=LATER), argument()])
def test_an_argument_is_not_withheld_where_no_other_grant_is_at_stake(stored):
    assert not Memory().with_record(argument(), None).is_withheld
    assert not Memory().with_record(argument(), None).with_stored(stored, NOW).is_withheld


def test_a_grant_with_a_date_is_never_withheld():
    assert not Memory().with_record(NEW, OLD).is_withheld


@pytest.mark.parametrize("date", [NOW, NOW + 5 * HOUR])
def test_a_login_goes_before_what_is_in_the_store_when_that_is_first_seen_whatever_the_clocks_say(date):
    stored = live("1000.other", date)
    memory = Memory().with_record(NEW, None).with_stored(stored, NOW)
    assert (memory.record.grant_identity, memory.base) == ("1000.new", stored)
    assert memory.record.is_later_than(stored)


def test_a_login_that_claims_its_place_goes_before_what_was_saved_while_it_waited():
    stored = live("1000.other", NOW)
    waiting = Memory().with_record(NEW, OLD)
    assert waiting.with_stored(stored, NOW).record is stored
    claimed = waiting.with_stored(stored, NOW, claim=True).record
    assert claimed.grant_identity == "1000.new"
    assert claimed.is_later_than(stored)


def test_a_login_that_was_saved_claims_nothing_any_more():
    stored = live("1000.other", NOW)
    assert Memory().with_record(NEW, NEW).with_stored(stored, NOW, claim=True).record is stored


@pytest.mark.parametrize("record", [NEW, revoked(LATER), argument()])
def test_an_emptied_store_has_lost_nothing(record):
    memory = Memory().with_record(record, record, NOW + 2).with_stored(None, NOW)
    assert (memory.record, memory.base) == (record, EMPTIED)


def test_T79_an_argument_that_is_withheld_stays_so_when_the_store_is_emptied():
    memory = Memory().with_record(argument(), None).with_stored(NEW, NOW)
    assert memory.with_stored(None, NOW) == memory
    assert memory.is_withheld
    assert not Memory().with_record(argument(), None).with_stored(None, NOW).is_withheld


def test_T92_a_revocation_that_an_emptied_store_has_lost_ends_no_grant_that_is_put_back():
    memory = Memory().with_record(revoked(LATER), revoked(LATER)).with_stored(None, NOW)
    assert memory.with_stored(OLD, NOW).record is OLD
    assert memory.with_stored(NEW, NOW).record.is_empty is False


def test_a_grant_that_an_emptied_store_has_lost_goes_before_an_earlier_one_that_is_put_back_and_after_a_later_one():
    emptied = Memory().with_record(NEW, NEW).with_stored(None, NOW)
    assert emptied.with_stored(OLD, NOW).record == NEW
    latest = live("1000.latest", NOW)
    assert emptied.with_stored(latest, NOW).record is latest


def test_mints_that_memory_adds_are_no_reason_to_save():
    memory = Memory().with_record(replace(NEW, mints=(1.0,)), replace(NEW, mints=(1.0,))).with_stored(NEW, NOW)
    assert memory.record.mints == (1.0,)
    assert memory.record == memory.base
