"""T58: Redis stalls, is shut down, loses everything; whoever has a live token goes on, and the grant comes back."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.database_servers import redis_server
from helpers.recovery_checks import HOUR, STALE, check_recovery

from requests_zohorecruit import TokenStoreError

#: Of the lock, in seconds: what a holder that cannot give it back costs others.
LEASE = 3.0


@pytest.fixture
def redis():
    with redis_server() as server:
        yield server


@pytest.fixture
def lasting_redis():
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


@pytest.mark.thorough
def test_T58_a_stalled_redis_takes_no_live_token_away(redis, scene_on):
    scene = scene_on("redis", redis.port, patience=1.0, lease=LEASE)
    fresh, stale, late, newcomer = scene.client(), scene.client(), scene.client(), scene.newcomer()
    stale.ahead, late.ahead = STALE, HOUR
    with redis.stalled():
        assert [fresh.outcome(20), stale.outcome(20)] == [200, 200]
        assert [type(each.outcome(20)) for each in (late, newcomer)] == [TokenStoreError] * 2
        assert scene.token_requests == 0
    check_recovery(scene, late, stale, fresh)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_T58_a_redis_that_comes_back_empty_gets_the_grant_from_whoever_has_it(redis, scene_on, how):
    scene = scene_on("redis", redis.port, lease=LEASE)
    fresh, *late = [scene.client() for _ in range(4)]
    redis.stop(how)
    for each in late:
        each.ahead = HOUR
    assert fresh.outcome() == 200
    assert [type(each.outcome()) for each in late] == [TokenStoreError] * 3
    assert redis.start()
    with ThreadPoolExecutor(3) as at_once:
        assert [*at_once.map(lambda each: each.outcome(), late)] == [200] * 3
    assert scene.token_requests == 1
    check_recovery(scene, fresh, *late, mints=0)


@pytest.mark.parametrize("after_zoho", [False, True])
def test_T58_a_redis_flushed_in_the_middle_of_a_refresh_costs_one_mint(redis, scene_on, after_zoho):
    scene = scene_on("redis", redis.port, lease=LEASE)
    holder, rival = scene.client(), scene.client()
    holder.ahead = rival.ahead = HOUR
    rivals = []

    def lose_everything():
        scene.store._client.flushall()
        rivals.append(rival.outcome())  # the lock has gone with all the rest

    holder.inside(lose_everything, after_zoho=after_zoho)
    assert type(holder.outcome()) is TokenStoreError  # "another process replaced the record"
    assert rivals == [200]
    assert scene.token_requests == 2
    check_recovery(scene, holder, rival, mints=0)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("after_zoho", [False, True])
@pytest.mark.thorough(one_in=2)
def test_T58_a_redis_shut_down_in_the_middle_of_a_refresh_comes_back_with_the_grant(
    lasting_redis, scene_on, how, after_zoho
):
    scene = scene_on("redis", lasting_redis.port, lease=LEASE)
    holder, rival = scene.client(), scene.client()
    holder.ahead = rival.ahead = HOUR
    holder.inside(lambda: lasting_redis.stop(how), after_zoho=after_zoho)
    assert type(holder.outcome()) is TokenStoreError
    assert scene.token_requests == 1
    assert holder.outcome() == 200  # by what it has in memory
    assert type(rival.outcome()) is TokenStoreError
    assert lasting_redis.start()
    scene.check_the_store()
    check_recovery(scene, holder, rival, mints=0)


def test_T58_a_redis_that_stalls_in_the_middle_of_a_refresh_keeps_nobody_waiting(redis, scene_on):
    scene = scene_on("redis", redis.port, patience=1.0, lease=LEASE)
    holder, rival = scene.client(), scene.client()
    holder.ahead = rival.ahead = HOUR
    stall = redis.stalled()
    holder.inside(stall.__enter__)
    try:
        assert [type(each.outcome(20)) for each in (holder, rival)] == [TokenStoreError] * 2
        assert holder.outcome(20) == 200
    finally:
        stall.__exit__(None, None, None)
    assert scene.token_requests == 1
    check_recovery(scene, rival, holder)
