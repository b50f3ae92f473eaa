"""The budget of mints and the times in which nothing is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requests_zohorecruit.engine.limits import Budget, CoolDown

NOW = 1_800_000_000.0
MOMENTS = st.lists(st.integers(-1500, 1500).map(lambda seconds: NOW + seconds), max_size=30)


def test_the_budget_is_zohos_ten_mints_in_ten_minutes():
    assert Budget() == (10, 600.0)


@pytest.mark.parametrize(
    ("ago", "counts"),
    [(0, True), (1, True), (599, True), (600, False), (601, False), (-1, True), (-599, True), (-600, False)],
)
def test_a_mint_counts_for_less_than_a_window_before_and_after_now(ago, counts):
    assert len(Budget().list_recent([NOW - ago], NOW)) == counts


def test_mints_that_count_come_oldest_first_and_none_after_now():
    assert Budget().list_recent([NOW + 5, NOW - 1, NOW - 9], NOW) == (NOW - 9, NOW - 1, NOW)


def test_the_wait_ends_when_the_mint_that_is_one_too_many_has_left_the_window():
    budget = Budget(mints=2, window=100.0)
    assert budget.wait([NOW - 30], NOW) == 0.0
    assert budget.wait([NOW - 30, NOW - 10], NOW) == 70
    assert budget.wait([NOW - 30, NOW - 20, NOW - 10], NOW) == 80


@given(mints=MOMENTS)
def test_after_the_wait_one_more_mint_is_within_the_budget_and_before_it_is_not(mints):
    budget = Budget(mints=3, window=600.0)
    past = [at for at in mints if at <= NOW]
    wait = budget.wait(past, NOW)
    assert 0 <= wait <= budget.window
    assert len(budget.list_recent(past, NOW + wait)) < budget.mints
    assert not wait or len(budget.list_recent(past, NOW + wait - 0.5)) >= budget.mints


def test_a_cool_down_begins_now_and_has_a_length():
    assert CoolDown.begin(NOW, 60.0) == (NOW + 60, 60.0)


@pytest.mark.parametrize(
    ("previous", "seconds", "expected"),
    [
        pytest.param(None, 5.0, 5.0, id="the first"),
        pytest.param(None, 0.5, 0.5, id="the first, and short"),
        pytest.param(None, 50.0, 40.0, id="the first, too long"),
        pytest.param(10.0, 5.0, 20.0, id="twice the one before"),
        pytest.param(10.0, 30.0, 30.0, id="longer than that"),
        pytest.param(30.0, 5.0, 40.0, id="no longer than the longest"),
    ],
)
def test_a_cool_down_is_twice_as_long_as_the_one_before_up_to_the_longest(previous, seconds, expected):
    previous = previous and CoolDown(NOW - 1, previous)
    assert CoolDown.extend(previous, NOW, seconds=seconds, longest=40.0) == (NOW + expected, expected)
