"""T57: whoever holds the lock is killed, at any instant; the grant survives, and nobody waits for the dead."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.killed_processes import ANSWERED, FREE, LOCKED, SAVED, STAGES, Forge, unlimited
from helpers.shared_stores import KINDS
from helpers.storm_callers import outcome
from helpers.thoroughness import choose

from requests_zohorecruit import Token, ZohoAuthError
from requests_zohorecruit.engine.critical_section import LOCK_TIMEOUT

#: Holders to kill in each store.
KILLS = choose(8, 300)
#: Of a dead Redis holder's lock, in seconds: short, because each kill has to wait for its end.
LEASE = 0.25


@pytest.fixture
def no_limits(zoho):
    zoho.mints_per_window, zoho.max_live_access_tokens = 10**9, 100


@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize("kind", KINDS)
def test_T57_the_grant_survives_its_holders_being_killed(kind, scene_on, access, record_property):
    scene = scene_on(kind, lease=LEASE)
    survivor = unlimited(access.auth(scene.share.open()))
    # When to kill: any time while the lock is held, and more often in what is over soonest.
    instants = {LOCKED: max(_timed(survivor.refresh)[1] for _ in range(5)), ANSWERED: 0.003, SAVED: 0.0005}
    stages, waits, refused = Counter(), [], 0
    with Forge(access, scene.share) as forge, ThreadPoolExecutor(1) as other:
        while stages.total() - stages[FREE] < KILLS:
            forge.victim()
            competing = other.submit(_timed, survivor.refresh)
            stage = random.choice(list(instants))
            stages[forge.kill(stage, after=random.uniform(0, instants[stage]))] += 1
            answer, seconds = competing.result(2 * LOCK_TIMEOUT)
            waits.append(seconds)
            assert isinstance(answer, (Token, ZohoAuthError))
            refused += isinstance(answer, ZohoAuthError)
            scene.check_the_store()
            assert scene.newcomer().call() == 200
    counted = ", ".join(f"{stages[stage]} {stage}" for stage in STAGES)
    record_property(f"Kills of the holder, {kind}", f"{counted}; {refused} refused; longest wait {max(waits):.2f} s")
    assert max(waits) < LOCK_TIMEOUT
    survivor.refresh()
    scene.check_the_store()
    if kind == "file":
        names = {path.name for path in scene.store.path.parent.iterdir()}
        assert names == {scene.store.path.name, f"{scene.store.path.name}.lock"}


def _timed(work):
    started = time.perf_counter()
    return outcome(work), time.perf_counter() - started
