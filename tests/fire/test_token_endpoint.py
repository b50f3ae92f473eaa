"""Zoho Accounts hangs, resets, or answers half, to processes that share a grant: one asks, and all are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.recovery_checks import STALE, check_recovery
from helpers.shared_stores import KINDS
from helpers.storm_callers import calling

from requests_zohorecruit import TokenEndpointError

THREADS = 2
#: Seconds to connect, and to wait for an answer.
TIMEOUT = (5, 1)
FAULTS = ("hang", "reset", "truncated", "mint-then-reset", "server-error")


@pytest.fixture
def access(access):
    return replace(access, timeout=TIMEOUT)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.thorough(one_in=4)
def test_one_process_is_failed_by_the_token_endpoint_and_all_are_told(zoho, fleet, access, scene_on, kind, fault):
    scene = scene_on(kind)
    scene.expire()
    zoho.fault(fault)
    results, seconds = fleet.run(fleet.size, calling, access, scene.share, THREADS)
    outcomes = [outcome for of_process, _ in results for outcome in of_process]
    assert {type(outcome) for outcome in outcomes} == {TokenEndpointError}
    assert len(outcomes) == THREADS * fleet.size
    assert scene.token_requests == 1
    assert seconds < 60
    check_recovery(scene, scene.newcomer())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.thorough(one_in=8)
def test_a_token_endpoint_that_fails_a_stale_token_is_nobodys_problem(zoho, access, scene_on, kind, fault):
    scene = scene_on(kind)
    one, other = scene.client(), scene.client()
    one.ahead = other.ahead = STALE
    zoho.fault(fault)
    assert [one.outcome(), other.outcome()] == [200, 200]
    assert scene.token_requests == 1
    check_recovery(scene, one, other)
