"""The rows of "What happens to a request", with injected clock, accounts and store."""

from __future__ import annotations

import copy
import itertools
import logging
import os
import pickle
import sys
import threading
from contextlib import contextmanager, nullcontext, suppress
from types import SimpleNamespace

import pytest
from helpers.engine_parts import (
    START,
    FakeTokenEndpoint,
    WatchedStore,
    in_threads,
    make_refresher,
    token_record,
    true_in_a_child,
    unreachable,
)
from helpers.planted_secrets import GRANT

from requests_zohorecruit.engine import store_access
from requests_zohorecruit.engine.critical_section import read_wall_clock
from requests_zohorecruit.engine.limits import Budget
from requests_zohorecruit.engine.refresher import Refresher
from requests_zohorecruit.errors import (
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    TokenStoreError,
)
from requests_zohorecruit.stores import CallbackStore, MemoryStore
from requests_zohorecruit.thread_locks import ThreadLock
from requests_zohorecruit.zoho.token import Token


def header(token):
    return f"Zoho-oauthtoken {token}"


@pytest.fixture
def source(clock, accounts):
    return make_refresher(clock=clock, accounts=accounts)


def wrong_client():
    return ClientConfigurationError("the client secret is wrong", code="invalid_client", region="eu")


GOOD, WRONG = "1000.good", "1000.typo-or-old-environment"


@pytest.fixture
def wrong_is_dead():
    class Accounts(FakeTokenEndpoint):
        reached = True

        def mint(self, grant, previous, *, now):
            if not self.reached:
                raise unreachable()
            if grant.value == WRONG:
                raise dead_grant()
            return super().mint(grant, previous, now=now)

    return Accounts()


def dead_grant():
    return ReauthorizationRequired("the refresh token is dead", code="invalid_code", status_code=200, region="eu")


class Transaction(WatchedStore):
    """A store whose lock is a transaction: what is saved under it counts from its end on, or not at all."""

    commits = True

    @contextmanager
    def lock(self, timeout):
        before = self.record
        try:
            with super().lock(timeout):
                yield
            if not self.commits:
                raise OSError
        except BaseException:
            MemoryStore.save(self, before)
            raise


class WhenAllHaveCome(ThreadLock):
    """A lock that does something when so many have asked for it."""

    def __init__(self, count, then):
        super().__init__()
        self._missing = iter(range(count - 1, 0, -1))
        self._then = then

    def attempt(self, timeout):
        self._count_one()
        return super().attempt(timeout)

    def hold(self, timeout, **of):
        self._count_one()
        return super().hold(timeout, **of)

    def _count_one(self):
        if next(self._missing, 0) == 0:
            self._then()


def failing_login(source, what, grant="1000.login"):
    """Log in while something fails: ``loads_fail``, ``locks_fail`` or ``saves_fail``."""
    setattr(source.grant.store, what, OSError(28, "no"))
    with pytest.raises(TokenStoreError):
        source.adopt(Token("T9", grant, START + 3600), now=START)
    setattr(source.grant.store, what, None)


def begun_login(source, given):
    """Return a thread that logs in, and has got as far as memory."""
    thread = threading.Thread(target=source.adopt, args=(given,), kwargs={"now": START})
    thread.start()
    while source.token != given:
        thread.join(0.01)
    return thread


def throttled(seconds=60.0):
    return ThrottledError("Access Denied", retry_after=seconds, code="Access Denied", status_code=400, region="eu")


class TestFresh:
    def test_a_fresh_token_costs_no_store_access_and_no_lock(self, source):
        source.get_header()
        source.grant.store.done.clear()
        assert source.get_header() == header("T1")
        assert source.grant.store.done == []

    def test_the_token_is_none_before_first_use_and_a_snapshot_after(self, source):
        assert source.token is None
        source.get_header()
        assert source.token == Token("T1", GRANT, START + 3600, 3600)

    def test_a_worker_with_nothing_in_memory_takes_a_fresh_token_from_the_store_without_its_lock(self, accounts, clock):
        store = WatchedStore(token_record())
        source = make_refresher(store, clock=clock, accounts=accounts, grant=None)
        assert source.get_header() == header("T0")
        assert store.done == ["load"]
        assert accounts.calls == []

    def test_a_record_read_before_a_refresh_does_not_take_the_new_tokens_place(self, accounts, clock):
        class Slow(WatchedStore):
            def load(self):
                found = super().load()
                if self.meanwhile:
                    in_threads(1, self.meanwhile.pop())
                return found

        store = Slow(token_record(age=3600))
        source = make_refresher(store, clock=clock, accounts=accounts)
        store.meanwhile = [lambda _: source.refresh()]
        assert source.get_header() == header("T1")
        assert len(accounts.calls) == 1
        assert sum(isinstance(done, tuple) for done in store.done) == 1

    def test_the_default_clock_is_the_read_wall_clock(self, monkeypatch):
        monkeypatch.setattr("time.time", lambda: 42.0)
        assert Refresher(FakeTokenEndpoint(), MemoryStore()).grant.clock is read_wall_clock
        assert read_wall_clock() == 42.0


class TestStale:
    @pytest.fixture
    def store(self):
        return WatchedStore(token_record(age=3600 - 299))

    @pytest.fixture
    def source(self, store, clock, accounts):
        return make_refresher(store, clock=clock, accounts=accounts)

    def test_whoever_gets_the_lock_refreshes(self, source, store):
        assert source.get_header() == header("T1")
        assert store.record["access_token"] == "T1"
        assert ("lock", 0) in store.done

    def test_everybody_else_goes_on_at_once_with_the_live_token(self, source, accounts):
        accounts.gate = threading.Event()
        refresher = threading.Thread(target=source.get_header)
        refresher.start()
        assert accounts.entered.wait(30)
        assert source.get_header() == header("T0")
        accounts.gate.set()
        refresher.join(30)
        assert source.get_header() == header("T1")

    def test_whoever_goes_on_does_not_keep_the_one_who_looks_from_refreshing(self, source, store, monkeypatch):
        source.grant.read()
        load, gone_on = store.load, []

        def slow():
            monkeypatch.setattr(store, "load", load)
            gone_on.extend(in_threads(1, lambda _: source.get_header()))
            return load()

        monkeypatch.setattr(store, "load", slow)
        assert source.get_header() == header("T1")
        assert gone_on == [header("T0")]

    def test_a_token_that_somebody_else_has_replaced_is_read_without_the_lock(self, source, store, clock):
        clock.forward(-60)
        source.get_header()
        MemoryStore.save(store, token_record("T9"))
        store.busy = True
        clock.forward(60)
        assert source.get_header() == header("T9")
        assert store.done == ["load", "load"]

    def test_T13_a_token_replaced_between_the_look_and_the_lock_is_not_replaced_again(
        self, source, store, accounts, monkeypatch
    ):
        lock = store.lock

        def late(timeout):
            MemoryStore.save(store, token_record("T9"))
            return lock(timeout)

        monkeypatch.setattr(store, "lock", late)
        assert source.get_header() == header("T9")
        assert accounts.calls == []
        assert "save" not in store.done

    def test_while_somebody_else_is_at_it_a_process_looks_once_a_second(self, source, store, clock):
        store.busy = True
        for _ in range(10):
            assert source.get_header() == header("T0")
        assert [what for what in store.done if what != "load"] == [("lock", 0)]
        clock.forward(0.9)
        assert source.get_header() == header("T0")
        assert [what for what in store.done if what != "load"] == [("lock", 0)]
        clock.forward(0.2)
        store.busy = False
        assert source.get_header() == header("T1")

    def test_after_a_look_that_took_long_the_rest_is_as_long_as_after_a_quick_one(
        self, source, store, clock, monkeypatch
    ):
        lock = store.lock

        def slow(timeout):
            clock.forward(5)
            return lock(timeout)

        store.busy = True
        monkeypatch.setattr(store, "lock", slow)
        for _ in range(3):
            assert source.get_header() == header("T0")
        assert store.done.count(("lock", 0)) == 1

    def test_a_store_that_takes_its_time_to_fail_holds_up_one_call_only(self, source, store, clock, monkeypatch):
        source.grant.read()
        tries = []

        def slow():
            tries.append(clock())
            clock.forward(5)
            raise OSError(5, "no")

        monkeypatch.setattr(store, "load", slow)
        for _ in range(3):
            assert source.get_header() == header("T0")
        assert len(tries) == 1

    def test_towards_the_end_of_the_tokens_life_it_looks_after_half_of_what_is_left(self, clock, accounts):
        store = WatchedStore(token_record(age=3600 - 30.5))
        source = make_refresher(store, clock=clock, accounts=accounts)
        store.busy = True
        assert source.get_header() == header("T0")
        store.busy = False
        clock.forward(0.2)
        assert source.get_header() == header("T0")
        clock.forward(0.1)
        assert source.get_header() == header("T1")
        assert len(accounts.calls) == 1

    def test_a_new_worker_goes_on_with_the_live_token_of_the_store_while_another_refreshes(
        self, store, clock, accounts
    ):
        store.busy = True
        assert make_refresher(store, clock=clock, accounts=accounts).get_header() == header("T0")
        assert accounts.calls == []

    def test_T13_what_another_process_minted_meanwhile_is_found_by_reloading_inside_the_lock(
        self, source, store, accounts
    ):
        source.grant.read()
        MemoryStore.save(store, token_record("T-other"))
        assert source.get_header() == header("T-other")
        assert accounts.calls == []

    def test_T20_a_failed_refresh_is_not_the_callers_problem_and_not_repeated_with_every_call(
        self, source, accounts, clock, store
    ):
        accounts.fail = [throttled(90.0)]
        assert source.get_header() == header("T0")
        store.done.clear()
        clock.forward(89)
        assert source.get_header() == header("T0")
        assert store.done == []
        clock.forward(2)
        assert source.get_header() == header("T2")

    def test_T20_no_rest_after_a_failure_outlasts_the_token(self, source, accounts, clock):
        accounts.fail = [throttled(600.0)]
        assert source.get_header() == header("T0")
        clock.forward(270)
        with pytest.raises(ThrottledError):
            source.get_header()

    def test_T20_as_long_as_a_failure_is_remembered_nobody_tries_again(self, source, accounts, clock, store):
        accounts.fail = [unreachable()]
        assert source.get_header() == header("T0")
        until = store.record["failure"]["cool_down"][0]
        assert until > START + 2
        store.done.clear()
        clock.now = until - 0.1
        assert source.get_header() == header("T0")
        assert store.done == []
        clock.now = until
        assert source.get_header() == header("T2")

    def test_T20_a_failure_in_the_moment_the_token_grows_stale_is_not_repeated_with_every_call(
        self, source, accounts, store, clock
    ):
        source.grant.read()
        clock.now = source.token.stale_at
        accounts.fail = [unreachable()]
        assert source.get_header() == header("T0")
        store.done.clear()
        assert source.get_header() == header("T0")
        assert store.done == []

    def test_a_store_that_cannot_be_locked_or_read_is_not_the_callers_problem(self, source, store, caplog):
        source.grant.read()
        store.locks_fail = OSError(28, "no")
        assert source.get_header() == header("T0")
        store.locks_fail, store.loads_fail = None, RuntimeError("secret in here")
        source.grant.clock.forward(3)
        assert source.get_header() == header("T0")
        assert "could not be locked: No space left on device (OSError)" in caplog.text
        assert "could not be loaded: RuntimeError" in caplog.text
        assert "secret in here" not in caplog.text

    def test_a_failing_save_is_a_warning_and_the_new_token_is_in_use(self, source, store, caplog):
        store.saves_fail = OSError(30, "no")
        assert source.get_header() == header("T1")
        assert "saved" in caplog.text
        assert store.record["access_token"] == "T0"

    def test_a_budget_that_is_used_up_is_not_looked_at_with_every_call(self, accounts, clock):
        store = WatchedStore(token_record(age=3600 - 299, mint_times=[START - 9] * 10))
        source = make_refresher(store, clock=clock, accounts=accounts)
        assert source.get_header() == header("T0")
        store.done.clear()
        clock.forward(3)
        assert source.get_header() == header("T0")
        assert store.done == []
        assert accounts.calls == []

    def test_a_grant_revoked_elsewhere_still_serves_the_call_that_finds_out(self, source, store):
        source.grant.read()
        MemoryStore.save(store, {"client_id": "1000.CLIENT", "region": "eu"})
        assert source.get_header() == header("T0")
        with pytest.raises(ReauthorizationRequired):
            source.get_header()

    def test_T23_the_window_never_exceeds_a_quarter_of_the_lifetime(self, clock):
        accounts = FakeTokenEndpoint(expires_in=40)
        source = make_refresher(clock=clock, accounts=accounts)
        for _ in range(3):
            source.get_header()
        assert len(accounts.calls) == 1
        clock.forward(31)
        source.get_header()
        assert len(accounts.calls) == 2

    def test_T25_a_call_from_within_the_refresh_goes_on_with_the_live_token(self, accounts, clock):
        source = make_refresher(WatchedStore(token_record(age=3400)), clock=clock, accounts=accounts)
        used = []
        accounts.during = lambda: used.append(source.get_header())
        assert source.get_header() == header("T1")
        assert used == [header("T0")]
        assert len(accounts.calls) == 1


class TestExpired:
    def test_T10_many_threads_make_one_refresh(self, source, accounts):
        accounts.gate = threading.Event()
        source.grant.threads = WhenAllHaveCome(8, accounts.gate.set)
        assert in_threads(8, lambda _: source.get_header()) == [header("T1")] * 8
        assert len(accounts.calls) == 1

    def test_T10_many_sources_on_one_store_make_one_refresh(self, accounts, clock):
        store = WatchedStore(token_record(age=3600))
        sources = [make_refresher(store, clock=clock, accounts=accounts) for _ in range(8)]
        accounts.gate = threading.Event()
        store._lock = WhenAllHaveCome(8, accounts.gate.set)
        assert in_threads(8, lambda index: sources[index].get_header()) == [header("T1")] * 8
        assert len(accounts.calls) == 1

    def test_an_expired_token_is_never_sent_and_a_failed_refresh_raises(self, accounts, clock):
        source = make_refresher(WatchedStore(token_record(age=3571)), clock=clock, accounts=accounts)
        accounts.fail = [unreachable()]
        with pytest.raises(type(unreachable()), match="No connection") as caught:
            source.get_header()
        assert not hasattr(caught.value, "retry_after")  # which is Zoho's to say

    def test_T14_a_failed_refresh_loses_neither_refresh_token_nor_old_token(self, accounts, clock):
        store = WatchedStore(token_record(age=3600))
        source = make_refresher(store, clock=clock, accounts=accounts)
        accounts.fail = [unreachable()]
        with pytest.raises(type(unreachable())):
            source.get_header()
        assert store.record["refresh_token"] == GRANT
        assert store.record["access_token"] == "T0"
        clock.forward(6)
        assert source.get_header() == header("T2")

    def test_T19_a_remembered_failure_is_raised_instead_of_handing_out_the_expired_token(self, source, accounts, clock):
        accounts.fail = [unreachable()]
        for _ in range(5):
            with pytest.raises(type(unreachable()), match="No connection"):
                source.get_header()
        assert len(accounts.calls) == 1
        clock.forward(5)
        assert source.get_header() == header("T2")

    def test_T20_a_throttle_is_respected_by_everybody_who_shares_the_store_and_grows(self, accounts, clock):
        store = WatchedStore()
        first, second = (make_refresher(store, clock=clock, accounts=accounts) for _ in range(2))
        accounts.fail = [throttled(), throttled()]
        with pytest.raises(ThrottledError) as caught:
            first.get_header()
        assert caught.value.retry_after == 60
        assert str(caught.value).endswith(" Try again in 60 s.")
        clock.forward(20)
        with pytest.raises(ThrottledError) as caught:
            second.get_header()
        assert caught.value.retry_after == 40
        assert str(caught.value).endswith(" Try again in 40 s.")
        assert len(accounts.calls) == 1
        clock.forward(40)
        with pytest.raises(ThrottledError) as caught:
            second.get_header()
        assert caught.value.retry_after == 120
        assert str(caught.value).endswith(" Try again in 120 s.")
        assert len(accounts.calls) == 2
        clock.forward(119)
        with pytest.raises(ThrottledError) as caught:
            first.get_header()
        assert caught.value.retry_after == 1
        assert str(caught.value).endswith(" Try again in 1 s.")
        clock.forward(1)
        assert first.get_header() == second.get_header() == header("T3")

    def test_a_dead_grant_is_asked_about_once_until_a_person_has_logged_in_again(self, accounts, clock):
        store = WatchedStore(token_record(age=3600))
        source = make_refresher(store, clock=clock, accounts=accounts)
        accounts.fail = [dead_grant()]
        for _ in range(3):
            with pytest.raises(ReauthorizationRequired) as caught:
                source.get_header()
            assert caught.value.region == "eu"
            clock.forward(1000)
        with pytest.raises(ReauthorizationRequired):
            make_refresher(store, clock=clock, accounts=accounts).get_header()
        assert len(accounts.calls) == 1
        MemoryStore.save(store, token_record(age=3600, grant="1000.new"))
        assert source.get_header() == header("T2")
        assert accounts.calls[-1][0] == "1000.new"

    def test_a_wrong_client_is_remembered_too_but_another_process_may_ask_after_a_minute(self, accounts, clock):
        store = WatchedStore()
        wrong = ClientConfigurationError("no such client", code="invalid_client", region="eu")
        first, second = (make_refresher(store, clock=clock, accounts=accounts) for _ in range(2))
        accounts.fail = [wrong]
        for source in (first, second, first):
            with pytest.raises(ClientConfigurationError, match="no such client"):
                source.get_header()
        assert len(accounts.calls) == 1
        clock.forward(61)
        with pytest.raises(ClientConfigurationError):
            first.get_header()
        assert second.get_header() == header("T2")
        assert first.get_header() == header("T2")

    @pytest.mark.parametrize("refusal", [dead_grant, wrong_client])
    def test_a_refusal_is_remembered_although_the_store_keeps_nothing(self, refusal, accounts, clock):
        store = CallbackStore(lambda _: None, load=lambda: token_record(age=3600))
        source = make_refresher(store, grant=None, clock=clock, accounts=accounts)
        accounts.fail = [refusal()]
        for _ in range(3):
            with pytest.raises(type(refusal())):
                source.get_header()
            clock.forward(10)
        assert len(accounts.calls) == 1

    def test_a_token_from_elsewhere_ends_the_memory_of_a_dead_grant(self, accounts, clock):
        store = WatchedStore()
        source = make_refresher(store, clock=clock, accounts=accounts)
        accounts.fail = [dead_grant()]
        with pytest.raises(ReauthorizationRequired):
            source.get_header()
        MemoryStore.save(store, token_record("T9"))
        assert source.get_header() == header("T9")
        clock.forward(4000)
        assert source.get_header() == header("T2")

    def test_no_grant_anywhere_says_how_to_get_one_and_locks_nothing(self, accounts, clock):
        store = WatchedStore()
        source = make_refresher(store, grant=None, clock=clock, accounts=accounts)
        with pytest.raises(ReauthorizationRequired, match="zohorecruit login"):
            source.get_header()
        assert accounts.calls == []
        assert store.done == ["load"]

    def test_T28_token_and_expiry_always_belong_together(self, source, clock):
        source.budget = Budget(mints=10**6)
        minted, seen, quick = {("T1", START + 3600)}, set(), sys.getswitchinterval()
        source.get_header()

        def read():
            for _ in range(20_000):
                token = source.token
                seen.add((token.access_token, token.expires_at))

        reader = threading.Thread(target=read)
        sys.setswitchinterval(1e-6)
        try:
            reader.start()
            while reader.is_alive():
                clock.forward(1)
                token = source.refresh()
                minted.add((token.access_token, token.expires_at))
        finally:
            sys.setswitchinterval(quick)
        assert seen <= minted
        assert source.get_header() == header(source.token.access_token)

    def test_T24_the_lifetime_counts_from_before_the_request(self, source, accounts, clock):
        accounts.during = lambda: clock.forward(25)
        source.get_header()
        assert source.token.expires_at == START + 3600
        assert source.grant.store.record["mint_times"] == [START + 25]

    def test_T56_a_lock_that_is_never_obtained_ends_in_an_error_that_says_where_and_how_long(self, accounts, clock):
        store = WatchedStore()
        store.busy = True
        source = make_refresher(store, clock=clock, accounts=accounts)
        with pytest.raises(TokenStoreError, match="WatchedStore") as caught:
            source.get_header()
        assert "within 0 s" in str(caught.value)
        assert ("lock", pytest.approx(60, abs=5)) in store.done

    def test_many_threads_do_not_need_a_connection_to_the_store_each(self, clock, accounts, monkeypatch):
        store = WatchedStore(token_record(age=3600))
        source = make_refresher(store, clock=clock, accounts=accounts)
        source.get_header()
        store.done.clear()
        clock.forward(3600)
        store.save(token_record("T9", age=-3600))
        store.done.clear()
        asked, attempt, load = threading.Semaphore(0), source.grant.reading._lock.attempt, store.load

        def noted(timeout):
            asked.release()
            return attempt(timeout)

        def slow():
            for _ in range(16 if not store.done else 0):
                assert asked.acquire(timeout=30)
            return load()

        monkeypatch.setattr(source.grant.reading._lock, "attempt", noted)
        monkeypatch.setattr(store, "load", slow)
        assert in_threads(16, lambda _: source.get_header()) == [header("T9")] * 16
        assert store.done == ["load", "load"]

    def test_T56_nobody_waits_for_a_thread_that_reads_longer_than_a_minute(self, source, monkeypatch):
        monkeypatch.setattr(source.grant.reading._lock, "attempt", lambda _: nullcontext(enter_result=False))
        with pytest.raises(TokenStoreError, match="could not be locked within 60 s.*still reading it"):
            source.get_header()

    def test_T56_nobody_waits_for_another_thread_longer_than_a_minute_either(self, source, monkeypatch):
        waits = []

        def never(timeout):
            waits.append(timeout)
            return nullcontext(enter_result=False)

        monkeypatch.setattr(source.grant.threads, "attempt", never)
        with pytest.raises(TokenStoreError, match="another thread"):
            source.get_header()
        assert waits == [60]

    def test_T58_a_store_that_is_down_is_an_error_only_when_there_is_no_live_token(self, accounts, clock):
        store = WatchedStore()
        source = make_refresher(store, clock=clock, accounts=accounts)
        source.get_header()
        store.loads_fail = ConnectionError("down")
        clock.forward(3400)
        assert source.get_header() == header("T1")
        clock.forward(200)
        with pytest.raises(TokenStoreError, match="could not be loaded"):
            source.get_header()
        store.loads_fail = None
        assert source.get_header() == header("T2")

    def test_an_emptied_store_loses_nothing(self, accounts, clock):
        store = WatchedStore()
        source = make_refresher(store, clock=clock, accounts=accounts)
        source.get_header()
        store._text = None
        clock.forward(3600)
        assert source.get_header() == header("T2")
        assert store.record["refresh_token"] == GRANT
        assert len(store.record["mint_times"]) == 1


class TestWaiting:
    """What was true before waiting for a lock is asked again after it."""

    @staticmethod
    def meanwhile(source, monkeypatch, lock, event):
        """Let `event` happen while `source` waits for one of its two locks."""
        happened = []
        target, name = {"threads": (source.grant.threads, "attempt"), "store": (source.grant.store, "lock")}[lock]
        original = getattr(target, name)

        def waited(timeout):
            if not happened:
                happened.append(True)
                event()
            return original(timeout)

        monkeypatch.setattr(target, name, waited)

    def test_T10_who_waited_for_a_thread_uses_what_it_got_without_locking_the_store(
        self, source, accounts, monkeypatch
    ):
        self.meanwhile(source, monkeypatch, "threads", source.get_header)
        assert source.get_header() == header("T1")
        assert len(accounts.calls) == 1
        assert [each for each in source.grant.store.done if each[0] == "lock"] == [("lock", pytest.approx(60, abs=5))]

    def test_T11_the_same_after_a_401(self, source, accounts, monkeypatch):
        source.get_header()
        self.meanwhile(source, monkeypatch, "threads", lambda: source.replace("T1"))
        assert source.replace("T1") == header("T2")
        assert len(accounts.calls) == 2

    def test_T13_who_waited_for_a_process_finds_its_token_by_reloading(self, source, accounts, monkeypatch):
        other = make_refresher(source.grant.store, clock=source.grant.clock, accounts=accounts)
        self.meanwhile(source, monkeypatch, "store", other.get_header)
        assert source.get_header() == header("T1")
        assert len(accounts.calls) == 1

    def test_T38_a_grant_that_was_revoked_just_when_it_was_renewed_is_an_error_and_no_empty_header(
        self, source, accounts
    ):
        source.get_header()
        source.grant.clock.forward(3600)
        mint = source._mint

        def revoked_at_once(record, reason):
            mint(record, reason)
            MemoryStore.save(source.grant.store, {"client_id": "1000.CLIENT", "region": "eu"})
            source.grant.read()

        source._mint = revoked_at_once
        with pytest.raises(ReauthorizationRequired):
            source.get_header()

    def test_a_read_that_was_overtaken_by_a_refresh_changes_nothing(self, source, monkeypatch):
        before = source.grant.store.load

        def overtaken():
            found = before()
            monkeypatch.setattr(source.grant.store, "load", before)
            source.get_header()
            return found

        monkeypatch.setattr(source.grant.store, "load", overtaken)
        source.grant.read()
        assert source.token.access_token == "T1"


class TestSeed:
    def test_the_argument_seeds_an_empty_store(self, source):
        source.get_header()
        assert source.grant.store.record["refresh_token"] == GRANT

    def test_the_argument_wins_over_another_refresh_token_and_drops_its_access_token(self, accounts, clock):
        store = WatchedStore(token_record("T-other-grant", grant="1000.old", note="kept"))
        source = make_refresher(store, clock=clock, accounts=accounts)
        assert source.get_header() == header("T1")
        assert accounts.calls == [(GRANT, START)]
        assert store.record["refresh_token"] == GRANT
        assert store.record["note"] == "kept"

    def test_it_keeps_winning_while_it_cannot_be_saved(self, accounts, clock):
        store = WatchedStore(token_record("T-other-grant", grant="1000.old"))
        source = make_refresher(store, clock=clock, accounts=accounts)
        store.saves_fail = OSError(30, "no")
        with pytest.raises(TokenStoreError):
            source.get_header()
        clock.forward(3600)
        with pytest.raises(TokenStoreError):
            source.get_header()
        assert [grant for grant, _ in accounts.calls] == [GRANT, GRANT]

    def test_afterwards_the_store_rules_so_a_later_login_is_picked_up(self, source, accounts, clock):
        source.get_header()
        MemoryStore.save(source.grant.store, token_record("T-login", grant="1000.login", age=-3600))
        clock.forward(3600)
        assert source.get_header() == header("T-login")
        clock.forward(3600)
        source.get_header()
        assert accounts.calls[-1][0] == "1000.login"

    def test_a_login_between_first_reading_and_lock_is_picked_up(self, accounts, clock):
        store = WatchedStore(token_record("T-old", grant="1000.old"))
        source = make_refresher(store, clock=clock, accounts=accounts)
        source.grant.read()
        MemoryStore.save(store, token_record("T-login", grant="1000.login"))
        assert source.get_header() == header("T-login")

    @pytest.mark.parametrize("failure", [dead_grant, unreachable, throttled])
    @pytest.mark.parametrize("act", ["get_header", "refresh"])
    def test_T79_a_grant_that_has_minted_nothing_leaves_the_store_as_it_is(self, act, failure, accounts, clock):
        stored = token_record("T-good", grant="1000.good", note="kept")
        store = WatchedStore(stored)
        source = make_refresher(store, grant=WRONG, clock=clock, accounts=accounts)
        for _ in range(3):
            accounts.fail = [failure()]
            with pytest.raises(type(failure())):
                getattr(source, act)()
            clock.forward(700)
            assert store.record == stored
        assert make_refresher(store, grant=None, clock=clock, accounts=accounts).get_header() == header("T-good")

    def test_T79_it_takes_the_stores_place_once_it_has_minted(self, accounts, clock):
        stored = token_record("T-good", grant="1000.good")
        store = WatchedStore(stored)
        others = make_refresher(store, grant=None, clock=clock, accounts=accounts)
        others.get_header()
        source = make_refresher(store, clock=clock, accounts=accounts)
        accounts.fail = [unreachable()]
        with pytest.raises(TokenEndpointError):
            source.get_header()
        assert store.record == stored
        clock.forward(5)
        assert source.get_header() == header("T2")
        assert store.record["refresh_token"] == GRANT
        clock.forward(3400)
        assert others.get_header() == header("T3")
        assert accounts.calls[-1][0] == GRANT

    @pytest.mark.parametrize("stored", [token_record("T-good", grant=GOOD, age=3600), None], ids=["stored", "empty"])
    @pytest.mark.parametrize("order", list(itertools.product(["good", "wrong", "none"], repeat=4)), ids="-".join)
    @pytest.mark.parametrize("reached", [0, 2, 4])
    @pytest.mark.thorough(one_in=5)
    def test_T79_a_wrong_argument_costs_other_processes_nothing(self, reached, order, stored, wrong_is_dead, clock):
        store = WatchedStore(stored)
        names = {"good": GOOD, "wrong": WRONG, "none": None}
        sources = {
            name: make_refresher(store, grant=grant, clock=clock, accounts=wrong_is_dead)
            for name, grant in names.items()
        }
        for source in sources.values():
            source.grant.read()
        for turn, name in enumerate(order):
            wrong_is_dead.reached = turn >= reached
            with suppress(ReauthorizationRequired, TokenEndpointError):
                sources[name].get_header()
            assert stored is None or store.record["refresh_token"] == GOOD
            clock.forward(10)
        wrong_is_dead.reached = True
        clock.forward(3600)
        assert sources["good"].get_header()
        assert store.record["refresh_token"] == GOOD

    @pytest.mark.parametrize("reached", [True, False])
    def test_T79_a_wrong_argument_beside_an_emptied_store_costs_nobody_the_grant(self, reached, wrong_is_dead, clock):
        store = WatchedStore(token_record("T-good", grant=GOOD))
        fleet = make_refresher(store, grant=None, clock=clock, accounts=wrong_is_dead)
        fleet.get_header()
        wrong = make_refresher(store, grant=WRONG, clock=clock, accounts=wrong_is_dead)
        wrong.grant.read()
        wrong_is_dead.reached = reached
        store._text = None
        with pytest.raises(ReauthorizationRequired if reached else TokenEndpointError):
            wrong.get_header()
        assert store.record is None
        clock.forward(3600)
        wrong_is_dead.reached = True
        assert fleet.get_header()
        assert store.record["refresh_token"] == GOOD
        assert wrong.record.grant_identity == WRONG

    @pytest.mark.parametrize("reached", [True, False])
    def test_T79_a_wrong_argument_that_finds_an_emptied_store_gives_way_to_the_grant_that_others_remember(
        self, reached, wrong_is_dead, clock
    ):
        store = WatchedStore(token_record("T-good", grant=GOOD))
        fleet = make_refresher(store, grant=None, clock=clock, accounts=wrong_is_dead)
        fleet.get_header()
        store._text = None
        wrong = make_refresher(store, grant=WRONG, clock=clock, accounts=wrong_is_dead)
        wrong_is_dead.reached = reached
        with pytest.raises(ReauthorizationRequired if reached else TokenEndpointError):
            wrong.get_header()
        assert store.record["refresh_token"] == WRONG
        wrong_is_dead.reached = True
        clock.forward(3600)
        assert fleet.get_header()
        assert store.record["refresh_token"] == GOOD
        assert wrong.get_header() == fleet.get_header()

    def test_T79_of_two_arguments_at_one_empty_store_each_is_used_until_it_has_minted(self, clock):
        store, accounts = WatchedStore(), FakeTokenEndpoint()
        one, two = (
            make_refresher(store, grant=grant, clock=clock, accounts=accounts) for grant in ("1000.1", "1000.2")
        )
        one.grant.read()
        accounts.fail = [unreachable()]
        with pytest.raises(TokenEndpointError):
            two.get_header()
        assert store.record["refresh_token"] == "1000.2"
        assert one.get_header() == header("T2")
        assert store.record["refresh_token"] == "1000.1"
        assert two.get_header() == header("T2")

    def test_T79_to_revoke_an_argument_that_has_minted_nothing_leaves_the_stores_grant(self, accounts, clock):
        stored = token_record("T-good", grant="1000.good")
        store = WatchedStore(stored)
        source = make_refresher(store, clock=clock, accounts=accounts)
        source.revoke()
        assert accounts.revoked == [GRANT]
        assert store.record == stored
        assert source.get_header() == header("T-good")

    def test_a_record_that_has_lost_its_refresh_token_gets_it_back_and_keeps_its_access_token(self, accounts, clock):
        record = token_record()
        del record["refresh_token"]
        store = WatchedStore(record)
        source = make_refresher(store, clock=clock, accounts=accounts)
        assert source.get_header() == header("T0")
        assert source.token.refresh_token == GRANT
        clock.forward(3600)
        source.get_header()
        assert store.record["refresh_token"] == GRANT

    def test_a_revoked_record_is_seeded_like_an_empty_one(self, accounts, clock):
        source = make_refresher(
            WatchedStore({"client_id": "1000.CLIENT", "region": "eu"}), clock=clock, accounts=accounts
        )
        assert source.get_header() == header("T1")

    @pytest.mark.parametrize("binding", [{"client_id": "1000.OTHER"}, {"region": "us"}])
    def test_T29_a_record_of_another_client_or_region_is_refused(self, binding, accounts, clock):
        store = WatchedStore(token_record(**binding))
        source = make_refresher(store, clock=clock, accounts=accounts)
        with pytest.raises(TokenStoreError, match="another") as caught:
            source.get_header()
        assert "WatchedStore" in str(caught.value)
        assert "save" not in store.done

    def test_T18_a_plain_token_dict_with_nothing_but_expires_in_counts_as_expired(self, accounts, clock):
        store = WatchedStore({"access_token": "T0", "refresh_token": GRANT, "expires_in": 3600})
        assert make_refresher(store, clock=clock, accounts=accounts).get_header() == header("T1")


class TestRejected:
    def test_T11_many_threads_with_one_rejected_token_make_one_refresh(self, source, accounts):
        source.get_header()
        accounts.gate = threading.Event()
        source.grant.threads = WhenAllHaveCome(8, accounts.gate.set)
        assert in_threads(8, lambda _: source.replace("T1")) == [header("T2")] * 8
        assert len(accounts.calls) == 2

    def test_T12_another_process_replaced_it_already_so_it_is_adopted(self, accounts, clock):
        store = WatchedStore()
        first, second = (make_refresher(store, clock=clock, accounts=accounts) for _ in range(2))
        first.get_header()
        second.get_header()
        assert first.replace("T1") == header("T2")
        assert second.replace("T1") == header("T2")
        assert len(accounts.calls) == 2

    def test_a_token_known_to_be_rejected_is_not_adopted_from_the_store(self, accounts, clock):
        store = WatchedStore()
        source = make_refresher(store, clock=clock, accounts=accounts)
        source.get_header()
        store.saves_fail = OSError(30, "no")
        source.replace("T1")
        store.saves_fail = None
        MemoryStore.save(store, token_record("T1", age=-10))
        assert source.replace("T2") == header("T3")

    def test_a_save_that_fails_is_a_warning_since_the_call_can_succeed(self, source, caplog):
        source.get_header()
        source.grant.store.saves_fail = OSError(28, "no")
        assert source.replace("T1") == header("T2")
        assert ["stays in use in memory" in record.getMessage() for record in caplog.records] == [True, True]
        assert all(record.getMessage().startswith("The token store WatchedStore") for record in caplog.records)
        assert {record.name for record in caplog.records} == {"requests_zohorecruit"}

    def test_a_store_that_cannot_be_read_is_an_error(self, source):
        source.get_header()
        source.grant.store.loads_fail = OSError(5, "no")
        with pytest.raises(TokenStoreError, match="Input/output error"):
            source.replace("T1")

    def test_one_of_many_locks_the_store(self, source, accounts):
        source.get_header()
        source.grant.store.done.clear()
        accounts.gate = threading.Event()
        source.grant.threads = WhenAllHaveCome(8, accounts.gate.set)
        assert in_threads(8, lambda _: source.replace("T1")) == [header("T2")] * 8
        assert sum(isinstance(done, tuple) for done in source.grant.store.done) == 1

    def test_the_store_is_read_once(self, source):
        source.get_header()
        source.grant.store.done.clear()
        source.replace("T1")
        assert source.grant.store.done.count("load") == 1

    @pytest.mark.parametrize(("name", "remembered"), [("R0", False), ("R1", True)])
    def test_the_last_16_rejected_tokens_are_not_taken_from_the_store_again(self, source, accounts, name, remembered):
        source.get_header()
        for number in range(16):
            assert source.replace(f"R{number}") == header("T1")
        MemoryStore.save(source.grant.store, token_record(name))
        assert source.replace("T1") == header("T2" if remembered else name)

    def test_a_refresh_that_fails_raises_its_error(self, source, accounts):
        source.get_header()
        accounts.fail = [throttled()]
        with pytest.raises(ThrottledError):
            source.replace("T1")

    def test_T21_a_replacement_rejected_too_pauses_replacing_for_everybody(self, accounts, clock, caplog):
        store = WatchedStore()
        first, second = (make_refresher(store, clock=clock, accounts=accounts) for _ in range(2))
        first.get_header()
        second.get_header()
        first.replace("T1")
        first.pause("T2", "recruit.zoho.eu")
        first.pause("T2", "recruit.zoho.eu")
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "recruit.zoho.eu" in caplog.text
        assert "region eu" in caplog.text
        assert first.replace("T2") is None
        assert second.replace("T1") == header("T2")
        assert second.replace("T2") is None
        assert len(accounts.calls) == 2

    @pytest.mark.parametrize(("since", "is_paused"), [(-0.5, True), (0.0, True), (0.5, False)])
    def test_T78_a_token_minted_before_the_request_was_sent_starts_no_pause(self, source, clock, since, is_paused):
        source.get_header()
        clock.forward(100)
        source.replace("T1")
        assert source.pause("T2", "host", since=clock() + since) is is_paused
        assert bool(source.record.pause) is is_paused
        assert source.replace("T2") == (None if is_paused else header("T3"))

    def test_T78_a_refused_token_that_has_been_replaced_meanwhile_starts_no_pause(self, source):
        source.get_header()
        source.replace("T1")
        source.refresh()
        assert not source.pause("T2", "host")
        assert source.replace("T2") == header("T3")

    def test_T21_the_pause_grows_and_ends_with_the_first_accepted_call(self, source, clock, accounts):
        source.get_header()
        source.replace("T1")
        assert not source.record.pause
        source.pause("T2", "host")
        clock.forward(59)
        assert source.replace("T2") is None
        clock.forward(1)
        assert source.replace("T2") == header("T3")
        source.pause("T3", "host")
        clock.forward(119)
        assert source.replace("T3") is None
        assert source.record.pause
        source.grant.store.done.clear()
        source.end_pause()
        assert ("lock", 0) in source.grant.store.done
        assert not source.record.pause
        assert "rejection_pause" not in source.grant.store.record
        assert source.replace("T3") == header("T4")
        source.pause("T4", "host")
        clock.forward(60)
        assert source.replace("T4") == header("T5")

    def test_T21_a_pause_that_somebody_else_has_ended_is_over_for_everybody(self, accounts, clock):
        store = WatchedStore()
        first, second = (make_refresher(store, clock=clock, accounts=accounts) for _ in range(2))
        first.get_header()
        first.replace("T1")
        first.pause("T2", "host")
        assert second.get_header() == header("T2")
        assert second.replace("T2") is None
        first.end_pause()
        assert second.replace("T2") == header("T3")

    def test_T21_an_accepted_call_ends_the_pause_here_although_the_store_is_busy(self, source):
        source.get_header()
        source.pause("T1", "host")
        source.grant.store.busy = True
        source.end_pause()
        assert source.record.pause is None
        assert source.grant.store.record["rejection_pause"]

    def test_accepted_again_changes_nothing(self, source):
        source.get_header()
        source.grant.store.done.clear()
        source.end_pause()
        assert source.grant.store.done == []

    def test_T21_a_401_that_comes_late_does_not_pause_again(self, source):
        source.get_header()
        source.replace("T1")
        source.pause("T2", "host")
        pause = source.grant.store.record["rejection_pause"]
        source.pause("T2", "host")
        assert source.grant.store.record["rejection_pause"] == pause

    def test_T21_a_401_for_an_older_token_is_not_answered_with_the_one_that_was_rejected_too(self, source):
        source.get_header()
        source.replace("T1")
        source.pause("T2", "host")
        assert source.replace("T1") is None

    def test_T21_a_pause_is_noted_beside_what_somebody_else_has_saved_meanwhile(self, source):
        source.get_header()
        source.replace("T1")
        MemoryStore.save(source.grant.store, token_record("T-other"))
        source.pause("T2", "host")
        assert source.grant.store.record["access_token"] == "T-other"
        assert source.grant.store.record["rejection_pause"] == [START + 60, 60]

    def test_a_pause_and_a_cool_down_noted_by_two_processes_at_once_both_count(self, accounts, clock):
        store = WatchedStore()
        first, second = (make_refresher(store, clock=clock, accounts=accounts) for _ in range(2))
        first.get_header()
        second.get_header()
        store.locks_fail = OSError(5, "no")
        first.pause("T1", "host")
        store.locks_fail = None
        accounts.fail = [throttled(300.0)]
        with pytest.raises(ThrottledError):
            second.refresh()
        with pytest.raises(ThrottledError):
            first.refresh()
        assert first.replace("T1") is None
        assert len(accounts.calls) == 2

    @pytest.mark.parametrize("calls", range(12))
    def test_T21_a_rejected_token_is_not_sent_again_although_the_pause_ends_meanwhile(self, calls, source, clock):
        source.get_header()
        source.replace("T1")
        source.pause("T2", "host")
        clock.forward(59)
        times = iter([clock.now] * calls)
        source.grant.clock = lambda: next(times, START + 60)
        assert source.replace("T2") in {None, header("T3")}

    def test_T21_expiry_driven_mints_go_on_during_the_pause(self, source, clock):
        source.get_header()
        source.replace("T1")
        source.pause("T2", "host")
        clock.forward(3600)
        source.pause("T2", "host")
        assert source.get_header() == header("T3")

    def test_a_pause_is_known_in_memory_when_the_store_cannot_be_told(self, source, caplog):
        caplog.set_level(logging.DEBUG)
        source.get_header()
        source.replace("T1")
        source.grant.store.locks_fail = OSError(5, "no")
        source.grant.store.done.clear()
        source.pause("T2", "host")
        assert source.grant.store.done == [("lock", pytest.approx(5, abs=0.5))]  # the caller has an answer in hand
        assert source.replace("T2") is None
        assert "this process only: The token store WatchedStore could not be" in caplog.text

    def test_a_pause_found_in_the_store_under_the_lock_is_respected(self, accounts, clock):
        store = WatchedStore(token_record())
        source = make_refresher(store, clock=clock, accounts=accounts)
        source.get_header()
        MemoryStore.save(store, token_record(rejection_pause=[START + 60, 60]))
        assert source.replace("T0") is None
        assert accounts.calls == []

    def test_T21_the_mint_budget_holds_whatever_the_api_answers(self, source, accounts, clock):
        source.get_header()
        with pytest.raises(ThrottledError) as caught:
            for number in range(1, 20):
                source.replace(f"T{number}")
                clock.forward(1)
        assert len(accounts.calls) == 10
        assert caught.value.retry_after == 600 - 9
        clock.forward(caught.value.retry_after)
        assert source.replace("T10") == header("T11")


class TestRefresh:
    def test_it_replaces_the_token_in_hand(self, source):
        source.get_header()
        assert source.refresh().access_token == "T2"

    def test_zoho_is_asked_with_the_token_before_which_knows_what_an_answer_may_leave_out(
        self, source, accounts, monkeypatch
    ):
        source.get_header()
        before, asked = source.token, []
        mint = accounts.mint

        def noted(grant, previous, *arguments, **options):
            asked.append(previous)
            return mint(grant, previous, *arguments, **options)

        monkeypatch.setattr(accounts, "mint", noted)
        source.refresh()
        assert asked == [before]

    def test_with_nothing_in_hand_a_live_token_of_the_store_will_do(self, accounts, clock):
        source = make_refresher(WatchedStore(token_record()), clock=clock, accounts=accounts)
        assert source.refresh().access_token == "T0"
        assert accounts.calls == []

    def test_many_at_once_make_one_mint(self, source, accounts):
        assert source.get_header() == header("T1")
        accounts.gate = threading.Event()
        source.grant.threads = WhenAllHaveCome(8, accounts.gate.set)
        tokens = in_threads(8, lambda _: source.refresh().access_token)
        assert set(tokens) == {"T2"}
        assert len(accounts.calls) == 2

    def test_it_respects_the_cool_down(self, source, accounts):
        accounts.fail = [ThrottledError("Access Denied", retry_after=60, region="eu")]
        for _ in range(2):
            with pytest.raises(ThrottledError):
                source.refresh()
        assert len(accounts.calls) == 1

    def test_it_respects_the_budget(self, source, accounts):
        for _ in range(10):
            source.refresh()
        with pytest.raises(ThrottledError):
            source.refresh()
        assert len(accounts.calls) == 10

    def test_it_does_not_respect_the_pause_because_somebody_asked_for_it(self, source):
        source.get_header()
        source.replace("T1")
        source.pause("T2", "host")
        assert source.refresh().access_token == "T3"

    def test_a_failing_save_raises_and_the_token_is_in_use(self, source):
        source.grant.store.saves_fail = OSError(28, "no")
        with pytest.raises(TokenStoreError, match="stays in use in memory"):
            source.refresh()
        assert source.token.access_token == "T1"


class TestSaving:
    @pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
    def test_T72_a_token_whose_saving_was_interrupted_is_saved_within_seconds_and_not_minted_again(
        self, interruption, source, accounts, clock
    ):
        def interrupt():
            source.grant.store.saves_fail = interruption()

        accounts.during = interrupt
        with pytest.raises(interruption):
            source.get_header()
        source.grant.store.saves_fail = None
        assert source.get_header() == header("T1")
        assert "access_token" not in source.grant.store.record
        clock.forward(2.1)
        assert source.get_header() == header("T1")
        assert source.grant.store.record["access_token"] == "T1"
        assert len(accounts.calls) == 1

    def test_T72_an_interruption_while_the_mint_is_logged_costs_no_token(self, source, accounts, clock, caplog):
        # A handler may write to a full pipe: that is where Ctrl-C, or a time limit, is likely to arrive.
        def interrupt(record):
            if "minted" in record.msg:
                raise KeyboardInterrupt
            return True

        caplog.set_level(logging.INFO, "requests_zohorecruit")
        caplog.handler.addFilter(interrupt)
        try:
            with pytest.raises(KeyboardInterrupt):
                source.get_header()
        finally:
            caplog.handler.removeFilter(interrupt)
        assert source.token.access_token == "T1"
        clock.forward(2.1)
        assert source.get_header() == header("T1")
        assert source.grant.store.record["access_token"] == "T1"
        assert len(accounts.calls) == 1

    def test_T72_a_pause_whose_saving_was_interrupted_is_saved_within_seconds(self, source, clock):
        source.get_header()
        source.replace("T1")
        source.grant.store.saves_fail = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            source.pause("T2", "host")
        source.grant.store.saves_fail = None
        assert "rejection_pause" not in source.grant.store.record
        clock.forward(2.1)
        assert source.get_header() == header("T2")
        assert "rejection_pause" in source.grant.store.record

    def test_T25_the_token_is_adopted_before_it_is_saved_and_saving_is_tried_again(self, source, accounts, clock):
        source.grant.store.saves_fail = RuntimeError("planted")
        with pytest.raises(TokenStoreError, match="RuntimeError") as caught:
            source.get_header()
        assert "planted" not in str(caught.value)
        assert source.token.access_token == "T1"
        assert source.get_header() == header("T1")
        source.grant.store.saves_fail = None
        source.grant.store.done.clear()
        clock.forward(1.9)
        assert source.get_header() == header("T1")
        assert source.grant.store.done == []
        clock.forward(0.1)
        assert source.get_header() == header("T1")
        assert source.grant.store.record["access_token"] == "T1"
        source.grant.store.done.clear()
        clock.forward(3)
        source.get_header()
        assert source.grant.store.done == []
        assert len(accounts.calls) == 1

    def test_T25_a_save_callback_may_make_an_authenticated_request_of_its_own(self, accounts, clock):
        headers = []
        source = make_refresher(
            CallbackStore(lambda _: headers.append(source.get_header())), clock=clock, accounts=accounts
        )
        assert source.get_header() == header("T1")
        assert headers == [header("T1")]

    def test_T25_even_from_another_thread_that_it_waits_for(self, accounts, clock):
        headers = []

        def save(_):
            headers.extend(in_threads(1, lambda _: source.get_header()))

        source = make_refresher(CallbackStore(save), clock=clock, accounts=accounts)
        assert source.get_header() == header("T1")
        assert headers == [header("T1")]

    def test_T25_a_request_from_inside_that_would_need_the_lock_fails_instead_of_hanging(self, accounts, clock):
        source = make_refresher(CallbackStore(lambda _: source.replace("T1")), clock=clock, accounts=accounts)
        with pytest.raises(TokenStoreError, match="this very thread"):
            source.get_header()
        assert source.token.access_token == "T1"

    def test_T25_while_a_save_callback_blocks_everybody_else_uses_the_new_token(self, accounts, clock):
        saving, go_on = threading.Event(), threading.Event()

        def save(_):
            saving.set()
            assert go_on.wait(30)

        source = make_refresher(CallbackStore(save), clock=clock, accounts=accounts)
        first = threading.Thread(target=source.get_header)
        first.start()
        assert saving.wait(30)
        assert source.get_header() == header("T1")
        go_on.set()
        first.join(30)

    def test_what_another_process_stored_meanwhile_is_not_overwritten_by_a_late_save(self, source, clock):
        source.grant.store.saves_fail = OSError(28, "no")
        with pytest.raises(TokenStoreError):
            source.get_header()
        source.grant.store.saves_fail = None
        MemoryStore.save(source.grant.store, token_record("T-other", grant="1000.login"))
        clock.forward(3)
        assert source.get_header() == header("T-other")
        assert source.grant.store.record["refresh_token"] == "1000.login"

    def test_the_mint_is_written_down_before_zoho_is_asked(self, source, accounts):
        seen = []
        accounts.during = lambda: seen.append(source.grant.store.record["mint_times"])
        source.get_header()
        assert seen == [[START]]

    def test_T16_a_token_updater_is_not_called_for_a_refused_refresh(self, accounts, clock):
        saved = []
        source = make_refresher(CallbackStore(saved.append), clock=clock, accounts=accounts)
        accounts.fail = [dead_grant()]
        with pytest.raises(ReauthorizationRequired):
            source.get_header()
        assert saved == []

    def test_a_token_updater_is_called_once_per_refresh(self, accounts, clock):
        saved = []
        source = make_refresher(CallbackStore(saved.append), clock=clock, accounts=accounts)
        source.get_header()
        clock.forward(3600)
        source.get_header()
        assert [record["access_token"] for record in saved] == ["T1", "T2"]

    def test_a_save_that_failed_is_not_tried_again_with_each_call(self, source, clock):
        source.grant.store.saves_fail = OSError(28, "no")
        with pytest.raises(TokenStoreError):
            source.get_header()
        source.grant.store.saves_fail = None
        source.grant.store.done.clear()
        assert source.get_header() == header("T1")
        assert source.grant.store.done == []
        clock.forward(3)
        source.get_header()
        assert source.grant.store.record["access_token"] == "T1"

    def test_a_lock_that_fails_on_release_is_reported_and_the_save_repeated(self, source, clock):
        source.grant.store.unlocks_fail = RuntimeError()
        with pytest.raises(TokenStoreError, match=r"could not be unlocked: RuntimeError\."):
            source.get_header()
        source.grant.store.unlocks_fail = None
        source.grant.store._text = None
        clock.forward(3)
        assert source.get_header() == header("T1")
        assert source.grant.store.record["access_token"] == "T1"

    def test_what_a_transaction_took_back_on_unlocking_is_saved_again(self, accounts, clock):
        store = Transaction(token_record(age=3600))
        source = make_refresher(store, clock=clock, accounts=accounts)
        store.commits = False
        with pytest.raises(TokenStoreError, match="could not be unlocked"):
            source.adopt(Token("T9", "1000.login", START + 3600), now=START)
        assert store.record["refresh_token"] == GRANT
        store.commits = True
        clock.forward(3)
        assert source.get_header() == header("T9")
        assert store.record["refresh_token"] == "1000.login"

    def test_what_others_saved_after_a_failed_unlocking_is_not_overwritten(self, accounts, clock):
        store = Transaction(token_record(age=3600))
        source = make_refresher(store, clock=clock, accounts=accounts)
        store.commits = False
        with pytest.raises(TokenStoreError, match="could not be unlocked"):
            source.get_header()
        store.commits = True
        MemoryStore.save(store, token_record("T-other"))
        clock.forward(3)
        assert source.get_header() == header("T-other")
        assert store.record["access_token"] == "T-other"

    @pytest.mark.parametrize("error", [throttled(), dead_grant(), unreachable()])
    def test_T20_a_refusal_is_kept_where_the_lock_is_a_transaction(self, error, accounts, clock):
        store = Transaction(token_record(age=3600))
        accounts.fail = [error]
        for _ in range(2):
            with pytest.raises(type(error)):
                make_refresher(store, clock=clock, accounts=accounts).get_header()
        assert len(accounts.calls) == 1

    @pytest.mark.parametrize(
        ("store", "name"),
        [(MemoryStore(), r"MemoryStore\(\)"), (WatchedStore(), "The token store WatchedStore")],
        ids=["ours", "somebody's"],
    )
    def test_a_lock_that_is_not_to_be_had_is_told_with_the_stores_name(self, store, name, accounts, clock, monkeypatch):
        def held(timeout):
            raise TimeoutError("held by somebody.")

        monkeypatch.setattr(store, "lock", held)
        why = "held by somebody" if name.startswith("Memory") else "its lock is held"
        text = rf"^{name} could not be locked within 0 s: {why} \(region eu\)\.$"
        with pytest.raises(TokenStoreError, match=text) as caught:
            make_refresher(store, clock=clock, accounts=accounts).get_header()
        assert caught.value.region == "eu"

    def test_a_lock_that_gives_up_early_is_reported_after_the_time_that_really_passed(
        self, accounts, clock, monkeypatch
    ):
        seconds = itertools.count(100.0, 1.5)  # of which the thread lock has had some
        monkeypatch.setattr(store_access, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
        store = WatchedStore()
        store.busy = True
        with pytest.raises(TokenStoreError, match=r"could not be locked within 1\.5 s: its lock is held"):
            make_refresher(store, clock=clock, accounts=accounts).get_header()

    def test_an_error_of_the_stores_own_keeps_its_words_and_hint(self, accounts, clock):
        store = WatchedStore()
        store.loads_fail = TokenStoreError("It is gone.", hint="Fetch it back.")
        with pytest.raises(TokenStoreError) as caught:
            make_refresher(store, clock=clock, accounts=accounts).get_header()
        assert (str(caught.value), caught.value.region) == ("It is gone. Fetch it back.", "eu")
        store.loads_fail, store.saves_fail = None, TokenStoreError("It is full.")
        with pytest.raises(TokenStoreError, match=r"^It is full\. The new token stays in use in memory"):
            make_refresher(store, clock=clock, accounts=accounts).get_header()

    @pytest.mark.parametrize("undone", [True, False])
    def test_a_token_is_not_lost_with_a_transaction_that_could_not_be_ended(self, accounts, clock, undone):
        class Database(WatchedStore):
            @contextmanager
            def lock(self, timeout):
                before = self.record
                with super().lock(timeout):
                    yield
                if fail:
                    if undone:
                        MemoryStore.save(self, before)
                    raise fail.pop()

        fail = [RuntimeError()]
        store = Database(token_record(age=3600))
        source = make_refresher(store, clock=clock, accounts=accounts)
        with pytest.raises(TokenStoreError, match="could not be unlocked"):
            source.get_header()
        assert source.get_header() == header("T1")
        clock.forward(3)
        assert source.get_header() == header("T1")
        assert store.record["access_token"] == "T1"
        assert len(accounts.calls) == 1

    def test_a_lock_is_told_the_error_of_the_block(self, accounts, clock):
        class Lock:
            def __enter__(self):
                return self

            def __exit__(self, *error):
                told.append(error)

        told, record = [], {}
        store = CallbackStore(record.update, lambda: record or None, lambda _: Lock())
        source = make_refresher(store, clock=clock, accounts=accounts)
        accounts.fail = [KeyboardInterrupt()]
        with pytest.raises(KeyboardInterrupt) as caught:
            source.get_header()
        ((kind, error, trace),) = told
        assert (kind, error) == (KeyboardInterrupt, caught.value)
        assert trace is not None

    def test_a_lock_is_told_of_a_failed_save_but_not_of_a_refusal(self, accounts, clock):
        told = []

        class Store(Transaction):
            @contextmanager
            def lock(self, timeout):
                try:
                    with super().lock(timeout):
                        yield
                except BaseException as error:
                    told.append(type(error))
                    raise

        store = Store(token_record(age=3600))
        source = make_refresher(store, clock=clock, accounts=accounts)
        store.saves_fail = TokenStoreError("It is full.")
        with pytest.raises(TokenStoreError):
            source.get_header()
        assert told == [TokenStoreError]
        store.saves_fail, accounts.fail = None, [throttled()]
        with pytest.raises(ThrottledError):
            source.refresh()
        assert told == [TokenStoreError]

    def test_the_error_of_the_block_is_not_hidden_by_one_of_cleaning_up(self, accounts, clock):
        class Lock:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                raise RuntimeError

        record = {}
        store = CallbackStore(record.update, lambda: record or None, lambda _: Lock())
        source = make_refresher(store, clock=clock, accounts=accounts)
        accounts.fail = [unreachable()]
        with pytest.raises(type(unreachable()), match="No connection"):
            source.get_header()

    @pytest.mark.parametrize("found", [[], "text", 7])
    def test_a_store_that_returns_no_mapping_is_an_error(self, found, accounts, clock):
        class Odd(WatchedStore):
            def load(self):
                return found

        with pytest.raises(TokenStoreError, match="Odd could not be loaded"):
            make_refresher(Odd(), clock=clock, accounts=accounts).get_header()


class TestAdoptAndRevoke:
    def test_an_exchanged_token_is_saved_at_once_with_its_mint(self, accounts, clock):
        store = WatchedStore(token_record("T-old", grant="1000.old", note="kept"))
        source = make_refresher(store, grant=None, clock=clock, accounts=accounts)
        source.adopt(Token("T9", "1000.login", START + 3600), now=START)
        record = store.record
        assert (record["access_token"], record["refresh_token"]) == ("T9", "1000.login")
        assert record["mint_times"] == [START]
        assert record["note"] == "kept"
        assert source.get_header() == header("T9")

    def test_an_exchanged_token_without_a_grant_takes_the_place_of_the_old_grant_too(self, accounts, clock):
        store = WatchedStore(token_record("T-old", grant="1000.old"))
        source = make_refresher(store, grant=None, clock=clock, accounts=accounts)
        source.adopt(Token("T9", None, START + 3600), now=START)
        assert (store.record["access_token"], store.record.get("refresh_token")) == ("T9", None)
        assert source.get_header() == header("T9")

    @pytest.mark.parametrize("looks", [0, 1, 2, 3])
    def test_a_login_in_the_moment_before_a_refresh_goes_first(self, looks, accounts):
        store = WatchedStore(token_record(age=3600))
        given = Token("T9", "1000.login", START + 3600)
        logins = []

        left = iter(range(looks))

        def clock():
            under_the_lock = store.done[-1:] == ["load"] and isinstance(store.done[-2:][0], tuple)
            if not logins and under_the_lock and next(left, None) is None:
                logins.append(begun_login(source, given))
            return START

        source = make_refresher(store, clock=clock, accounts=accounts)
        assert source.get_header() == header("T9")
        logins[0].join(30)
        assert store.record["refresh_token"] == "1000.login"
        assert accounts.calls == []

    @pytest.mark.parametrize("moment", ["saving", "failing"])
    def test_a_login_in_the_middle_of_a_refresh_goes_first(self, moment, accounts, clock):
        given, logins = Token("T9", "1000.login", START + 3600), []

        def log_in():
            if not logins:
                logins.append(begun_login(source, given))

        class Store(WatchedStore):
            def save(self, record):
                if moment == "saving":
                    log_in()
                super().save(record)

        store = Store(token_record(age=3600))
        source = make_refresher(store, clock=clock, accounts=accounts)
        if moment == "failing":
            accounts.during, accounts.fail = log_in, [unreachable()]
        assert source.get_header() == header("T9")
        logins[0].join(30)
        assert store.record["refresh_token"] == "1000.login"

    @pytest.mark.parametrize("fails", [False, True])
    @pytest.mark.parametrize("grant", ["1000.login", None])
    def test_a_login_is_saved_over_one_that_was_saved_while_it_waited_but_not_without_a_grant(
        self, grant, fails, clock, accounts
    ):
        class Store(WatchedStore):
            meanwhile = [token_record("T-other", grant="1000.other", note="kept")]

            @contextmanager
            def lock(self, timeout):
                with super().lock(timeout):
                    for record in self.meanwhile:
                        MemoryStore.save(self, record)
                    yield

        store = Store(token_record())
        source = make_refresher(store, grant=None, clock=clock, accounts=accounts)
        store.saves_fail = OSError(28, "no") if fails else None
        with pytest.raises(TokenStoreError) if fails else nullcontext():
            source.adopt(Token("T9", grant, START + 3600), now=START)
        store.saves_fail, store.meanwhile = None, []
        clock.forward(3)
        assert source.get_header() == header("T9" if grant else "T-other")
        assert store.record["refresh_token"] == (grant or "1000.other")
        assert store.record["note"] == "kept"

    def test_a_login_is_not_lost_to_a_reading_while_it_is_being_saved_over_another(self, clock, accounts):
        class Store(WatchedStore):
            @contextmanager
            def lock(self, timeout):
                with super().lock(timeout):
                    MemoryStore.save(self, token_record("T-other", grant="1000.other"))
                    yield

            def save(self, record):
                in_threads(1, lambda _: source.grant.read())
                super().save(record)

        source = make_refresher(Store(token_record()), grant=None, clock=clock, accounts=accounts)
        source.adopt(Token("T9", "1000.login", START + 3600), now=START)
        assert source.token.access_token == "T9"

    def test_once_a_login_is_saved_the_store_rules_even_if_the_grant_before_it_comes_back(self, source, clock):
        source.get_header()
        source.adopt(Token("T9", "1000.login", START + 3600), now=START)
        MemoryStore.save(source.grant.store, token_record("T0"))
        clock.forward(3400)
        source.get_header()
        assert source.token.refresh_token == GRANT

    @pytest.mark.parametrize("former", [GRANT, "1000.first", "1000.other"])
    def test_a_login_not_yet_saved_outlives_each_grant_that_has_given_way_here(self, former, source, clock):
        source.get_header()
        source.adopt(Token("T8", "1000.first", START + 3600), now=START)
        MemoryStore.save(source.grant.store, token_record("T-other", grant="1000.other"))
        failing_login(source, "saves_fail")
        MemoryStore.save(source.grant.store, token_record("T0", grant=former, note="kept", granted_at=0.0))
        clock.forward(3)
        assert source.get_header() == header("T9")
        assert (source.grant.store.record["refresh_token"], source.grant.store.record["note"]) == (
            "1000.login",
            "kept",
        )

    def test_a_login_not_yet_saved_outlives_a_revocation_of_the_grant_before_it_by_others(
        self, source, clock, accounts
    ):
        source.get_header()
        failing_login(source, "saves_fail")
        make_refresher(source.grant.store, clock=clock, accounts=accounts).revoke()
        clock.forward(3)
        assert source.get_header() == header("T9")
        assert source.grant.store.record["refresh_token"] == "1000.login"

    def test_a_login_not_yet_saved_outlives_whatever_is_put_back_into_an_emptied_store(self, clock, accounts):
        source = make_refresher(grant=None, clock=clock, accounts=accounts)
        failing_login(source, "saves_fail")
        MemoryStore.save(source.grant.store, token_record("T0", granted_at=0.0))
        clock.forward(3)
        assert source.get_header() == header("T9")
        assert source.grant.store.record["refresh_token"] == "1000.login"

    def test_a_login_that_gave_way_to_a_later_one_does_not_bring_that_back_after_others_have_revoked_it(
        self, source, clock, accounts
    ):
        source.get_header()
        failing_login(source, "locks_fail")
        MemoryStore.save(source.grant.store, token_record("T-later", grant="1000.later"))
        clock.forward(3)
        assert source.get_header() == header("T-later")
        source.grant.store.busy = True
        source.pause("T-later", "recruit.zoho.eu")
        source.grant.store.busy = False
        make_refresher(source.grant.store, grant=None, clock=clock, accounts=accounts).revoke()
        clock.forward(3600)
        with pytest.raises(ReauthorizationRequired):
            source.get_header()
        assert "refresh_token" not in source.grant.store.record

    @pytest.mark.parametrize("grant", ["1000.login", None])
    def test_a_login_that_could_not_read_the_store_goes_before_what_is_there(self, grant, source, clock):
        MemoryStore.save(source.grant.store, token_record("T-other", grant="1000.other", note="kept"))
        failing_login(source, "loads_fail", grant)
        clock.forward(3)
        assert source.get_header() == header("T9")
        assert source.grant.store.record.get("refresh_token") == grant
        assert source.grant.store.record["note"] == "kept"

    @pytest.mark.parametrize("login", [True, False])
    def test_what_others_keep_in_the_record_survives_a_first_reading_under_the_lock(self, login, source):
        MemoryStore.save(source.grant.store, token_record("T-other", grant="1000.other", note="kept"))
        if login:
            failing_login(source, "loads_fail")
        source.refresh()
        assert source.grant.store.record["refresh_token"] == ("1000.login" if login else GRANT)
        assert source.grant.store.record["note"] == "kept"

    def test_a_login_that_an_emptied_store_has_lost_outlives_the_grant_before_it(self, source, clock):
        source.get_header()
        source.adopt(Token("T9", "1000.login", START + 3600), now=START)
        clock.forward(3400)
        source.grant.store._text, source.grant.store.busy = None, True
        assert source.get_header() == header("T9")
        MemoryStore.save(source.grant.store, token_record("T0", age=-3400, granted_at=0.0))
        source.grant.store.busy = False
        clock.forward(1)
        source.get_header()
        assert source.grant.store.record["refresh_token"] == "1000.login"

    def test_an_exchanged_token_that_cannot_be_saved_is_in_use(self, source):
        source.grant.store.loads_fail = OSError(5, "no")
        with pytest.raises(TokenStoreError):
            source.adopt(Token("T9", "1000.login", START + 3600), now=START)
        assert source.get_header() == header("T9")

    def test_revoking_forgets_in_memory_and_store_and_everywhere_else(self, accounts, clock):
        store = WatchedStore()
        source, other = (make_refresher(store, clock=clock, accounts=accounts) for _ in range(2))
        source.get_header()
        other.get_header()
        source.revoke()
        assert accounts.revoked == [GRANT]
        assert store.record == {"client_id": "1000.CLIENT", "region": "eu", "granted_at": START}
        assert source.token is None
        with pytest.raises(ReauthorizationRequired):
            source.get_header()
        with pytest.raises(ReauthorizationRequired):
            other.replace("T1")
        assert len(accounts.calls) == 1

    def test_a_revoked_grant_is_not_read_back_while_it_is_being_forgotten(self, clock, accounts):
        class Slow(WatchedStore):
            def save(self, record):
                if "refresh_token" not in record:
                    (result,) = in_threads(1, lambda _: source.get_header())
                    seen.append(type(result))
                super().save(record)

        seen = []
        source = make_refresher(Slow(token_record()), clock=clock, accounts=accounts)
        source.get_header()
        source.revoke()
        assert seen == [ReauthorizationRequired]
        assert source.token is None

    def test_a_revocation_that_is_not_confirmed_forgets_nothing(self, source, accounts, monkeypatch):
        source.get_header()

        def refuse(_):
            raise unreachable()

        monkeypatch.setattr(accounts, "revoke", refuse)
        with pytest.raises(type(unreachable())):
            source.revoke()
        assert source.grant.store.record["refresh_token"] == GRANT
        assert source.get_header() == header("T1")

    def test_without_a_grant_there_is_nothing_to_revoke(self, accounts, clock):
        with pytest.raises(ReauthorizationRequired):
            make_refresher(grant=None, clock=clock, accounts=accounts).revoke()
        assert accounts.revoked == []

    def test_an_access_token_without_refresh_token_is_revoked_itself(self, accounts, clock):
        record = token_record()
        del record["refresh_token"]
        make_refresher(WatchedStore(record), grant=None, clock=clock, accounts=accounts).revoke()
        assert accounts.revoked == ["T0"]

    def test_revoking_with_a_store_that_cannot_be_written_still_forgets_in_memory(self, source):
        source.get_header()
        source.grant.store.saves_fail = OSError(28, "no")
        with pytest.raises(TokenStoreError, match=r"saved: No space left on device \(OSError\)\.$"):
            source.revoke()
        with pytest.raises(ReauthorizationRequired):
            source.get_header()


class TestCopies:
    def test_T07_a_pickled_source_goes_on_where_it_was(self, source):
        source.get_header()
        source.endpoint.entered = source.endpoint.during = None
        twin = pickle.loads(pickle.dumps(source))
        assert twin.get_header() == header("T1")
        assert twin.grant.memory == source.grant.memory

    def test_T07_an_unused_one_still_knows_its_seed(self, source):
        source.endpoint.entered = source.endpoint.during = None
        twin = pickle.loads(pickle.dumps(source))
        twin.endpoint = FakeTokenEndpoint()
        assert twin.get_header() == header("T1")
        assert twin.grant.store.record["refresh_token"] == GRANT

    def test_T07_a_copy_made_in_the_middle_of_a_refresh_is_not_in_the_middle_of_it(self, source, accounts):
        twins = []
        accounts.during = lambda: twins.append(copy.copy(source))
        source.get_header()
        accounts.during = lambda: None
        assert twins[0].refresh() is source.token  # they share what they know

    def test_T29_two_sources_share_nothing_by_accident(self, clock):
        one, two = make_refresher(clock=clock), make_refresher(clock=clock, grant="1000.two")
        one.get_header()
        assert two.token is None

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_T26_a_child_forked_while_another_thread_refreshes_is_not_stuck(self, source, accounts):
        accounts.gate = threading.Event()
        refresher = threading.Thread(target=source.get_header)
        refresher.start()
        assert accounts.entered.wait(30)

        def in_the_child():
            accounts.gate = None
            return source.get_header() == header("T2")

        try:
            assert true_in_a_child(in_the_child)
        finally:
            accounts.gate.set()
            refresher.join(30)
