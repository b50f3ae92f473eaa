"""What the state machine found once, as plain tests: a person's new grant, or a live token, lost to somebody else's."""

from __future__ import annotations

import pytest
from helpers.simulated_world import LEASE, World

from requests_zohorecruit.errors import ReauthorizationRequired, ThrottledError, TokenStoreError


@pytest.fixture
def world():
    world = World(leased=False)
    assert world.one_after_the_other() == [200] * 3
    return world


def until(task, place):
    while task.at != place:
        task.step()
    return task


def stored_grant(world):
    return world.grants.index(world.disk.record["refresh_token"])


@pytest.mark.parametrize("name", ["refresh", "revoke"])
def test_a_login_while_another_thread_is_busy_with_the_old_grant_is_what_is_kept(world, name):
    until(world.begin(0, name), "ask")
    world.begin(0, "authorize")
    world.pending[-1].go_on()
    world.settle()
    assert stored_grant(world) == 1
    assert world.one_after_the_other() == [200] * 3


def test_a_login_that_could_not_lock_the_store_is_saved_within_seconds(world):
    login = until(world.begin(0, "authorize"), "lock")
    login.step(TokenStoreError("not lockable"))
    assert isinstance(login.result, TokenStoreError)
    world.now += 3
    world.begin(0, "call").go_on()
    assert stored_grant(world) == 1


def test_a_login_that_could_not_be_saved_survives_a_refresh_of_the_old_grant_by_others(world):
    login = until(world.begin(0, "authorize"), "save")
    login.step(OSError(28, "No space left on device"))
    assert isinstance(login.result, TokenStoreError)
    world.begin(1, "refresh").go_on()
    world.now += 3
    world.begin(0, "call").go_on()
    assert stored_grant(world) == 1


def test_a_login_that_could_not_be_saved_gives_way_to_a_later_one_of_another_process(world):
    until(world.begin(0, "authorize"), "save").step(OSError(28, "No space left on device"))
    world.begin(1, "authorize").go_on()
    world.now += 3
    world.begin(0, "call").go_on()
    assert stored_grant(world) == 2


def test_a_live_token_is_sent_although_the_store_turns_out_to_hold_a_dead_one(world):
    world.empty_store()
    world.now += 3590
    until(world.begin(0, "authorize"), "save").step(OSError(28, "No space left on device"))
    for grant in world.grants:
        world.ledger.find_grant(grant).blocked_until = world.now + 90
    puts_its_dead_token_back = world.begin(1, "call")
    puts_its_dead_token_back.go_on()
    assert isinstance(puts_its_dead_token_back.result, ThrottledError)
    world.now += 3
    call = world.begin(0, "call")
    call.go_on()
    assert call.result == 200


def test_a_refresh_that_outlived_its_lease_does_not_put_the_old_grant_over_a_new_one():
    world = World(leased=True)
    world.one_after_the_other()
    world.now += 3700
    refresh = until(world.begin(0, "refresh"), "answer")
    world.now += LEASE + 1
    world.begin(1, "authorize").go_on()
    call = world.begin(0, "call")  # in another thread of the same process
    call.go_on()
    assert call.result == 200
    refresh.go_on()
    world.now += 3
    assert world.one_after_the_other() == [200] * 3
    assert stored_grant(world) == 1


def test_a_login_is_not_saved_after_another_thread_has_revoked_it(world):
    world.now += 3700
    busy = until(world.begin(0, "call"), "ask")
    login = world.begin(0, "authorize").go_on()
    revocation = world.begin(0, "revoke").go_on()
    for task in (busy, revocation, login):
        task.go_on()
    assert "refresh_token" not in world.disk.record


def test_of_two_logins_in_threads_of_a_process_the_later_one_is_what_is_kept(world):
    busy = until(world.begin(0, "refresh"), "ask")
    logins = [world.begin(0, "authorize").go_on() for _ in range(2)]
    saves_the_later_one = world.begin(0, "refresh")
    saves_the_later_one.step()
    for task in (busy, saves_the_later_one, *logins):
        task.go_on()
    assert stored_grant(world) == 2


def test_a_login_is_not_saved_again_after_another_process_has_revoked_it(world):
    world.now += 3700
    busy = until(world.begin(0, "call"), "ask")
    logins = [world.begin(0, "authorize").go_on() for _ in range(2)]
    busy.go_on()
    saves_the_later_one, later = logins
    saves_the_later_one.go_on()
    world.begin(1, "revoke").go_on()
    until(world.begin(0, "call"), "load").go_on()
    later.go_on()
    assert "refresh_token" not in world.disk.record


def test_a_login_survives_a_revocation_of_the_old_grant_and_somebody_who_puts_that_back(world):
    world.empty_store()
    world.ledger.reject_all()
    revocation = until(world.begin(1, "revoke"), "ask")
    login = world.begin(1, "authorize").go_on()
    revocation.go_on()
    world.begin(0, "call").go_on()
    assert stored_grant(world) == 0
    login.go_on()
    assert stored_grant(world) == 1


def test_a_login_that_could_not_be_saved_outlives_an_old_grant_put_back_into_an_emptied_store(world):
    world.empty_store()
    world.ledger.reject_all()
    login = until(world.begin(1, "authorize"), "save")
    login.step(OSError(28, "No space left on device"))
    world.begin(0, "call").go_on()
    assert stored_grant(world) == 0
    world.now += 3
    world.begin(1, "call").go_on()
    assert stored_grant(world) == 1


def test_a_login_while_a_revocation_is_saved_outlives_an_old_grant_put_back_into_an_emptied_store(world):
    revocation = until(world.begin(1, "revoke"), "save")
    login = until(world.begin(1, "authorize"), "load")
    revocation.go_on()
    world.empty_store()
    world.begin(0, "call").go_on()
    assert stored_grant(world) == 0
    login.go_on()
    assert stored_grant(world) == 1


def test_a_login_that_waits_for_the_lock_outlives_an_old_grant_put_back_into_an_emptied_store(world):
    world.begin(0, "authorize").go_on()
    world.ledger.reject_all()
    call = until(world.begin(1, "call"), "lock")
    call.step()
    login = world.begin(2, "authorize").go_on()
    world.empty_store()
    call.go_on()
    assert stored_grant(world) == 0
    login.go_on()
    assert stored_grant(world) == 2


def test_a_login_outlives_an_old_grant_put_back_although_another_thread_has_read_that_in_between():
    world = World(leased=False)
    first = until(world.begin(2, "authorize"), "saved")
    world.empty_store()
    refresh = world.begin(0, "refresh").go_on()
    login = world.begin(0, "authorize").go_on()
    first.go_on()
    world.begin(2, "refresh").go_on()
    assert stored_grant(world) == 1
    refresh.go_on()
    login.go_on()
    assert stored_grant(world) == 2


def test_after_a_revocation_others_may_put_back_the_grant_before(world):
    until(world.begin(0, "authorize"), "load").step(TokenStoreError("not readable"))
    world.begin(0, "revoke").go_on()
    world.empty_store()
    world.now += 3600
    assert world.one_after_the_other()[1:] == [200] * 2
    assert world.one_after_the_other() == [200] * 3
    assert stored_grant(world) == 0


@pytest.mark.parametrize("looks", [True, False])
def test_T92_a_worker_that_noticed_a_revocation_adopts_the_grant_an_emptied_store_holds_later(world, looks):
    world.begin(0, "authorize").go_on()
    world.begin(1, "revoke").go_on()
    assert isinstance(world.begin(0, "refresh").go_on().result, ReauthorizationRequired)
    world.empty_store()
    if looks:
        assert isinstance(world.begin(0, "call").go_on().result, ReauthorizationRequired)
    world.now += 3600
    assert world.begin(2, "call").go_on().result == 200
    for _ in range(3):
        assert world.begin(0, "call").go_on().result == 200
        world.now += 3600


def test_a_revocation_of_a_later_login_does_not_end_an_earlier_one_that_waits_for_a_dead_holders_lock():
    world = World(leased=True)
    assert world.one_after_the_other() == [200] * 3
    until(world.begin(2, "refresh"), "ask")
    world.crash(2)
    earlier = world.begin(0, "authorize").go_on()
    later = world.begin(1, "authorize").go_on()
    revocation = world.begin(1, "revoke").go_on()
    assert {task.at for task in (earlier, later, revocation)} == {"queue"}
    world.now += LEASE
    later.go_on()
    revocation.go_on()
    assert "refresh_token" not in world.disk.record
    earlier.go_on()
    assert stored_grant(world) == 1
    assert world.one_after_the_other() == [200] * 3


def test_a_revocation_of_a_later_login_does_not_end_an_earlier_one_that_could_not_be_saved(world):
    until(world.begin(0, "authorize"), "lock").step(TokenStoreError("not lockable"))
    world.begin(1, "authorize").go_on()
    world.begin(1, "revoke").go_on()
    assert "refresh_token" not in world.disk.record
    world.now += 3
    assert world.begin(0, "call").go_on().result == 200
    assert stored_grant(world) == 1
    assert world.one_after_the_other() == [200] * 3


def agreed(world):
    """Let an hour pass twice, have each process call, and return the grant on which all agree."""
    for _ in range(2):
        world.now += 3700
        assert world.one_after_the_other() == [200] * 3
    records = [worker.source.record for worker in world.workers]
    assert {record.grant_identity for record in records} == {world.disk.record["refresh_token"]}
    return stored_grant(world)


@pytest.mark.parametrize("hours", [-5, -1, 1, 5])
def test_a_login_on_a_host_whose_clock_differs_is_what_is_kept_where_the_store_is_intact(world, hours):
    world.begin(0, "authorize").go_on()
    world.jump(2, hours * 3600)
    world.begin(2, "authorize").go_on()
    assert agreed(world) == 2


@pytest.mark.parametrize(("hours", "kept"), [(-5, 1), (-2, 1), (1, 2), (5, 2)])
def test_after_an_emptied_store_was_seen_dates_decide_and_all_processes_agree(world, hours, kept):
    world.begin(0, "authorize").go_on()
    world.begin(1, "refresh").go_on()
    world.now += 3700
    world.empty_store()
    call = until(world.begin(1, "call"), "lock")  # it has seen that the store is empty
    world.crash(2)
    world.jump(2, hours * 3600)
    world.begin(2, "authorize").go_on()
    assert stored_grant(world) == 2
    call.go_on()
    assert call.result == 200
    assert agreed(world) == kept


@pytest.mark.parametrize("hours", [-5, -1, 1, 5])
def test_after_an_emptied_store_that_was_not_seen_the_store_rules_whatever_the_clocks_say(world, hours):
    world.begin(0, "authorize").go_on()
    world.begin(1, "refresh").go_on()
    world.empty_store()
    world.crash(2)
    world.jump(2, hours * 3600)
    world.begin(2, "authorize").go_on()
    assert agreed(world) == 2


def test_T21_a_rejected_token_is_not_sent_again_although_the_clock_goes_back_meanwhile(world):
    world.reject_all = True
    first, second = world.begin(1, "call"), world.begin(1, "call")
    second.go_on()
    world.jump(0, -4000.0)
    world.begin(0, "call").go_on()
    world.jump(1, -4000.0)
    for _ in range(4):
        first.step()
    world.jump(1, -4000.0)
    assert first.go_on().result == 401
