"""T57, T58: PostgreSQL ends connections or itself in the middle of a refresh, and comes back."""

from __future__ import annotations

import signal

import pytest
from helpers.database_servers import postgres_server
from helpers.recovery_checks import HOUR, STALE, check_recovery

from requests_zohorecruit import TokenStoreError

LOCK_HOLDERS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
EVERYBODY = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


@pytest.fixture
def postgres():
    with postgres_server() as server:
        yield server


def ended(scene, sessions):
    """End these sessions; return how many there were."""
    import sqlalchemy

    query = sqlalchemy.text(f"SELECT count(pg_terminate_backend(pid)) FROM ({sessions}) AS sessions")
    with scene.engine().connect() as connection:
        return connection.execute(query).scalar_one()


@pytest.mark.parametrize("after_zoho", [False, True])
def test_T57_a_lock_lost_with_its_connection_costs_one_mint(scene_on, after_zoho):
    scene = scene_on("postgres")
    holder, rival = scene.client(), scene.client()
    holder.ahead = rival.ahead = HOUR
    seen = []

    def lose_the_lock():
        seen.append(ended(scene, LOCK_HOLDERS))
        seen.append(rival.outcome())

    holder.inside(lose_the_lock, after_zoho=after_zoho)
    assert type(holder.outcome()) is TokenStoreError  # "another process replaced the record"
    assert seen == [1, 200]
    assert scene.token_requests == 2
    check_recovery(scene, holder, rival, mints=0)


@pytest.mark.parametrize("after_zoho", [False, True])
@pytest.mark.thorough
def test_T58_every_connection_ended_in_the_middle_of_a_refresh_is_an_answer_or_an_error(scene_on, postgres, after_zoho):
    scene = scene_on("postgres", postgres.port)
    holder, stale = scene.client(), scene.client()
    holder.ahead, stale.ahead = HOUR, STALE
    seen = []

    def lose_all():
        seen.append(ended(scene, EVERYBODY) >= 1)
        seen.append(stale.outcome())

    holder.inside(lose_all, after_zoho=after_zoho)
    assert type(holder.outcome()) in {int, TokenStoreError}
    assert seen == [True, 200]
    assert scene.token_requests <= 2
    check_recovery(scene, holder, stale, mints=1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])  # "fast" and "immediate"
@pytest.mark.parametrize("after_zoho", [False, True])
@pytest.mark.thorough
def test_T58_a_postgres_shut_down_in_the_middle_of_a_refresh_comes_back_with_the_grant(
    scene_on, postgres, how, after_zoho
):
    scene = scene_on("postgres", postgres.port)
    fresh, stale, holder, rival = [scene.client() for _ in range(4)]
    stale.ahead, holder.ahead, rival.ahead = STALE, HOUR, HOUR
    holder.inside(lambda: postgres.stop(how), after_zoho=after_zoho)
    assert type(holder.outcome()) is TokenStoreError
    assert scene.token_requests == 1
    assert [each.outcome() for each in (fresh, stale, holder)] == [200] * 3
    assert type(rival.outcome()) is TokenStoreError
    assert postgres.start()
    scene.check_the_store()
    check_recovery(scene, holder, rival, stale, fresh)
