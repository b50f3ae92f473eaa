"""The engine against a model: whatever happens in whatever order, its promises hold, and everybody recovers."""

from __future__ import annotations

import os

import pytest
from helpers.simulated_world import LEASE, World
from helpers.thoroughness import choose
from helpers.without_coverage import unmeasured_threads
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from requests_zohorecruit.errors import (
    ReauthorizationRequired,
    TokenEndpointError,
    TokenStoreError,
)

#: So many worlds are played altogether.
EXAMPLES = int(os.environ.get("ZOHORECRUIT_MODEL_EXAMPLES") or choose(100, 2000))
WORKERS = st.integers(0, 2)
#: Seconds that pass at once: about those after which something changes.
SPELLS = st.sampled_from([1.0, 3.0, 10.0, 65.0, 130.0, 605.0, 3200.0, 3580.0, 7300.0])


def lost(*, uncertain):
    return TokenEndpointError("No answer.", uncertain=uncertain, region="eu")


#: What may go wrong at each place where a task stops.
FAULTS = {
    "load": lambda: TokenStoreError("not readable"),
    "save": lambda: OSError(28, "No space left on device"),
    "saved": lambda: TokenStoreError("saved, but the answer was lost"),
    "lock": lambda: TokenStoreError("not lockable"),
    "unlock": lambda: TokenStoreError("not unlockable"),
    "ask": lambda: lost(uncertain=False),
    "answer": lambda: lost(uncertain=True),
}


class Engine(RuleBasedStateMachine):
    leased = False

    def __init__(self):
        super().__init__()
        self.world = World(leased=self.leased)

    @initialize(warm=st.booleans())
    def begin(self, warm):
        if warm:
            assert self.world.one_after_the_other() == [200] * 3

    @rule(index=WORKERS)
    def call(self, index):
        self.world.begin(index, "call")

    @rule(index=WORKERS)
    def call_alone(self, index):
        self.world.begin(index, "call").go_on()

    @rule(index=WORKERS)
    def refresh(self, index):
        self.world.begin(index, "refresh")

    @rule(index=WORKERS, revoke=st.integers(0, 5))
    def a_person_acts(self, index, revoke):
        self.world.begin(index, "authorize" if revoke else "revoke")

    @precondition(lambda self: self.world.pending)
    @rule(data=st.data(), steps=st.integers(1, 6))
    def go_on(self, data, steps):
        task = self._task(data)
        for _ in range(steps):
            if task.runnable:
                task.step()

    @precondition(lambda self: self.world.pending)
    @rule(data=st.data())
    def go_on_to_the_end(self, data):
        self._task(data).go_on()

    @precondition(lambda self: any(task.at in FAULTS and task.runnable for task in self.world.pending))
    @rule(data=st.data())
    def go_wrong(self, data):
        task = data.draw(st.sampled_from([t for t in self.world.pending if t.at in FAULTS and t.runnable]))
        if not (task.name == "authorize" and task.at == "answer"):
            task.step(FAULTS[task.at]())

    @rule(index=WORKERS, name=st.sampled_from(["call", "refresh", "authorize"]), place=st.sampled_from(list(FAULTS)))
    def alone_but_something_goes_wrong(self, index, name, place):
        task = self.world.begin(index, name)
        while task.runnable and task.at != place:
            task.step()
        if task.runnable and not (name == "authorize" and place == "answer"):
            task.step(FAULTS[place]())
        task.go_on()

    @rule(seconds=SPELLS)
    def time_passes(self, seconds):
        self.world.now += seconds

    @rule(index=WORKERS)
    def killed(self, index):
        self.world.crash(index)

    @rule()
    def tokens_are_rejected(self):
        self.world.ledger.reject_all()

    @rule()
    def tokens_end_early(self):
        self.world.ledger.expire_all()

    @rule(everything=st.booleans())
    def the_api_rejects(self, everything):
        self.world.reject_all = everything

    @rule()
    def throttled(self):
        for grant in self.world.grants:
            if found := self.world.ledger.find_grant(grant):
                found.blocked_until = self.world.now + 90

    @rule(index=WORKERS, seconds=st.sampled_from([-4000.0, -90.0, 90.0, 4000.0]))
    def a_clock_jumps(self, index, seconds):
        self.world.jump(index, seconds)

    @rule()
    def the_store_is_emptied(self):
        self.world.empty_store()

    @invariant()
    def the_store_holds_one_grant(self):
        record = self.world.disk.record
        assert record is None or record.get("refresh_token") in {None, *self.world.grants}

    def teardown(self):
        self.world.settle()
        self._the_newest_grant_is_saved_within_seconds()
        self._everybody_converges_within_one_refresh()

    def _task(self, data):
        return data.draw(st.sampled_from(self.world.pending))

    def _quiet(self):
        world = self.world
        world.reject_all = False
        for worker in world.workers:
            worker.offset = 0.0

    def _the_newest_grant_is_saved_within_seconds(self):
        world = self.world
        self._quiet()
        world.now += 10 + (LEASE if self.leased else 0)  # somebody may have been killed with the lock in his hand
        world.one_after_the_other()
        if world.emptied or world.jumped:
            return  # whoever has a fresh token does not look into the store
        assert not world.owes_a_grant
        assert not world.owes_a_token
        if world.grant_in_use():
            assert world.disk.record.get("refresh_token") == world.grant_in_use()

    def _everybody_converges_within_one_refresh(self):
        world = self.world
        world.now += 7300
        if world.emptied or world.jumped:
            # Whoever remembers the grant puts it back; tokens dated by a clock that was ahead are found out.
            world.one_after_the_other()
            world.now += 7300
        before = world.mints
        results = world.one_after_the_other()
        if world.grant_in_use():
            assert results == [200] * 3
            assert world.mints == before + 1
        elif not world.doubtful:  # whoever does not know that saving worked may bring a grant back
            assert {type(result) for result in results} == {ReauthorizationRequired}
            world.begin(0, "authorize").go_on()
            assert world.one_after_the_other() == [200] * 3
            assert world.mints == before


class LeasedEngine(Engine):
    leased = True


@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("machine", [Engine, LeasedEngine])
def test_the_engine_keeps_its_promises(machine, part):
    seeded = seed(part)(type(machine.__name__, (machine,), {}))
    options = settings(
        max_examples=EXAMPLES // 4,
        stateful_step_count=40,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with unmeasured_threads():
        run_state_machine_as_test(seeded, settings=options)
