"""T78: tokens die one after the other; processes that slept through that adopt a dead one, and get their answer."""

from __future__ import annotations

import functools
import itertools

import pytest
from helpers.storm_callers import calling, resting


@pytest.fixture
def ask(fleet, access, share):
    """Have one of the processes call the API with what it has in memory; return the status, and its warnings."""

    def run(index):
        jobs = [(resting, ())] * (index + 1)
        jobs[index] = functools.partial(calling, kept=True), (access, share, 1)
        results, _ = fleet.run_each(jobs)
        outcomes, warnings = results[index]
        return outcomes, warnings

    yield run
    fleet.run(fleet.size, resting, share)


ACCEPTED = [200], []


@pytest.mark.parametrize("order", [*itertools.permutations(range(2)), *itertools.permutations(range(3))])
@pytest.mark.thorough(one_in=12)
def test_T78_after_two_tokens_have_died_everybody_is_answered_for_one_mint(zoho, share, ask, order):
    for index in order:
        assert ask(index) == ACCEPTED
    zoho.reject_tokens()
    assert ask(0) == ACCEPTED
    zoho.reject_tokens()
    before = zoho.token_requests
    assert [ask(index) for index in order] == [ACCEPTED] * len(order)
    assert zoho.token_requests == before + 1
    assert "rejection_pause" not in share.open().load()


@pytest.mark.parametrize("order", [*itertools.permutations(range(2)), *itertools.permutations(range(3))])
@pytest.mark.thorough(one_in=24)
def test_T78_an_api_that_rejects_everything_still_gets_one_mint_and_then_a_pause(zoho, share, ask, order):
    for index in order:
        assert ask(index) == ACCEPTED
    zoho.reject_tokens()
    assert ask(order[0]) == ACCEPTED
    zoho.reject_all = True
    before = zoho.token_requests
    answers = [ask(index) for index in (*order[1:], *order)]
    assert [outcomes for outcomes, _ in answers] == [[401]] * len(answers)
    assert zoho.token_requests == before + 1
    assert "rejection_pause" in share.open().load()
    assert sum(len(warnings) for _, warnings in answers) == 1
