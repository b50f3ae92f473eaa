"""What a process knows, and the critical section in which it changes the store."""

from __future__ import annotations

import math
import pickle
import threading

import pytest
from helpers.engine_parts import START, WatchedStore, in_threads, token_record
from helpers.planted_secrets import APPLICATION, GRANT

from requests_zohorecruit.engine.critical_section import Memory, SharedGrant
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.store_access import BusyError, BusyHereError
from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.grants import RefreshToken
from requests_zohorecruit.zoho.token import Token

RECORD = Record(RefreshToken(Secret(GRANT)), Token("T0", Secret(GRANT), START + 3600, 3600), START)


@pytest.fixture
def store():
    return WatchedStore(token_record(granted_at=START))


@pytest.fixture
def grant(store, clock):
    return SharedGrant(APPLICATION, store, Record(), clock)


class TestMemory:
    def test_nothing_is_known_at_first_and_the_first_call_looks(self):
        assert Memory() == (Record(), None, math.inf, 0.0, "", (), None)

    def test_header_and_next_look_follow_from_the_record(self):
        memory = Memory().with_record(RECORD, RECORD)
        assert (memory.header, memory.next_look) == ("Zoho-oauthtoken T0", RECORD.token.stale_at)
        assert memory.with_record(Record(granted_at=START), RECORD)[3:5] == (0.0, "")

    def test_a_save_that_is_due_brings_the_next_look_forward_until_memory_is_saved(self):
        memory = Memory().with_record(RECORD, Record(), START + 2)
        assert (memory.save_due, memory.next_look) == (START + 2, START + 2)
        assert memory.with_record(RECORD, RECORD, START + 2).save_due == math.inf
        assert memory.with_record(RECORD, None).save_due == math.inf

    def test_rejected_tokens_and_a_refusal_outlast_another_record(self):
        memory = Memory(refusal=(None, None), rejected=("T1",)).with_record(RECORD, None)
        assert (memory.rejected, memory.refusal) == (("T1",), (None, None))

    def test_rejected_tokens_are_not_shown(self, grant):
        grant.reject("T-planted")
        assert "T-planted" in grant.memory.rejected
        assert "T-planted" not in repr(grant.memory)


class TestHold:
    def test_the_store_is_read_under_its_lock(self, grant, store):
        with grant.hold(7) as needed:
            assert needed
            assert store.done == [("lock", pytest.approx(7, abs=1)), "load"]
            assert grant.memory.record.access_token == "T0"

    def test_without_need_the_store_is_not_locked(self, grant, store):
        with grant.hold(7, unless=lambda: True) as needed:
            assert not needed
        assert store.done == []
        with grant.hold(0) as needed:
            assert needed

    @pytest.mark.parametrize("timeout", [0, 7])
    def test_a_thread_that_holds_it_does_not_wait_for_itself(self, grant, timeout):
        kind = BusyHereError if timeout == 0 else TokenStoreError
        with grant.hold(7), pytest.raises(kind) as caught, grant.hold(timeout):
            raise AssertionError
        assert "cannot wait for itself" in str(caught.value)

    def test_another_thread_that_does_not_wait_is_told_that_this_process_is_busy(self, grant):
        def hold_too(_):
            with grant.hold(0):
                raise AssertionError

        with grant.hold(7):
            (error,) = in_threads(1, hold_too)
        assert type(error) is BusyHereError

    def test_another_process_is_told_that_the_store_is_busy(self, grant, store):
        store.busy = True
        with pytest.raises(BusyError) as caught, grant.hold(0):
            raise AssertionError
        assert type(caught.value) is BusyError

    def test_after_an_error_both_locks_are_free(self, grant):
        with pytest.raises(ZeroDivisionError), grant.hold(7):
            raise ZeroDivisionError
        with grant.hold(0) as needed:
            assert needed

    def test_a_copy_made_meanwhile_holds_nothing(self, grant):
        with grant.hold(7):
            twin = pickle.loads(pickle.dumps(grant))
        with twin.hold(0) as needed:
            assert needed

    def test_what_an_unlocking_store_may_have_taken_back_is_due_to_be_saved(self, grant, store, clock):
        store.unlocks_fail = OSError(5, "no")
        before = None
        with pytest.raises(TokenStoreError), grant.hold(7):
            before = grant.memory.base
            grant.advance(RECORD.with_pause(START), instead_of=grant.memory.record)
            grant.save()
            assert grant.memory.base != before
        assert grant.memory.base == before
        assert grant.memory.save_due == clock.now + 2

    def test_an_unlocking_error_keeps_region_and_hint(self, grant, store):
        store.unlocks_fail = TokenStoreError("not unlocked", hint="Ask the owner.")
        with pytest.raises(TokenStoreError, match="not unlocked") as caught, grant.hold(7):
            pass
        assert (caught.value.region, caught.value.hint) == ("eu", "Ask the owner.")


class TestChanges:
    def test_advancing_matters_as_long_as_the_grant_is_the_same(self, grant):
        grant.read()
        paused = grant.memory.record.with_pause(START)
        assert grant.advance(paused, instead_of=grant.memory.record)
        assert grant.memory.record is paused
        grant.give(Record(RefreshToken(Secret("1000.login")), None, START))
        assert not grant.advance(paused, instead_of=paused)
        assert grant.memory.record.grant_identity == "1000.login"

    def test_a_given_grant_is_dated_after_the_one_before_and_what_the_store_holds(self, grant, store):
        grant.read()
        grant.give(Record(RefreshToken(Secret("1000.login")), None, START - 7200))
        assert grant.memory.record.granted_at > START
        assert grant.memory.base.grant_identity == GRANT
        assert grant.memory.record.granted_at < START + 1

    def test_a_given_grant_is_dated_after_the_one_before_although_the_store_cannot_be_read(self, grant, store, clock):
        grant.read()
        store.loads_fail = OSError(5, "no")
        with pytest.raises(TokenStoreError):
            grant.give(Record(RefreshToken(Secret("1000.login")), None, START - 7200))
        assert grant.memory.record.grant_identity == "1000.login"
        assert grant.memory.record.granted_at > START
        assert grant.memory.base is None
        assert grant.memory.save_due == clock.now + 2

    def test_a_given_grant_goes_before_what_is_saved_while_another_thread_reads_too(self, clock):
        class Store(WatchedStore):
            before_loading = []

            def load(self):
                for work in self.before_loading[:1]:
                    self.before_loading.clear()
                    in_threads(1, work)
                return super().load()

        def read_and_have_another_login_saved(_):
            grant.read()
            store.save(token_record("T-other", grant="1000.other", granted_at=START + 60))

        store = Store(token_record(granted_at=START))
        grant = SharedGrant(APPLICATION, store, Record(), clock)
        grant.read()
        store.before_loading.append(read_and_have_another_login_saved)
        grant.give(Record(RefreshToken(Secret("1000.login")), None, START))
        assert grant.memory.base.grant_identity == "1000.other"
        assert grant.memory.record.grant_identity == "1000.login"
        assert grant.memory.record.granted_at > START + 60

    def test_a_change_waits_for_one_that_another_thread_is_making(self, grant):
        begun, go_on = threading.Event(), threading.Event()

        def pause_slowly(record):
            begun.set()
            go_on.wait(30)
            return record.with_pause(START)

        grant.read()
        slow = threading.Thread(target=grant.update, args=(pause_slowly,))
        slow.start()
        assert begun.wait(30)
        threading.Timer(0.1, go_on.set).start()
        grant.reject("T0")
        slow.join(30)
        assert grant.memory.rejected == ("T0",)
        assert grant.memory.record.pause

    def test_updating_tells_whether_there_was_anything_to_change(self, grant):
        grant.read()
        assert not grant.update(Record.without_pause)
        assert grant.update(lambda record: record.with_pause(START))
        assert grant.update(Record.without_pause)

    def test_what_is_shared_is_saved_if_the_lock_is_free_and_known_here_at_least(self, grant, store):
        def pause(record):
            return record.with_pause(START)

        grant.share(pause, wait=0)
        assert store.record["rejection_pause"] == [START + 60, 60.0]
        store.busy = True
        grant.update(Record.without_pause)
        grant.share(Record.without_pause, wait=0)
        assert store.record["rejection_pause"] == [START + 60, 60.0]

    @pytest.mark.parametrize(("seconds", "part"), [(1.0, 1.0), (9999.0, 0.5), (9999.0, 1.0)])
    def test_the_next_look_is_postponed_no_longer_than_a_part_of_the_tokens_life(self, grant, clock, seconds, part):
        grant.read()
        clock.forward(3400)
        token = grant.memory.record.token
        left = token.dead_at - clock.now
        grant.postpone_look(seconds, part=part)
        assert grant.memory.next_look == clock.now + min(seconds, part * left)

    def test_the_next_look_is_not_postponed_again_nor_without_a_token(self, grant, clock):
        grant.postpone_look(5)
        assert grant.memory.next_look == 0.0
        grant.read()
        fresh = grant.memory.next_look
        grant.postpone_look(5)
        assert grant.memory.next_look == fresh

    def test_an_argument_is_not_saved_over_the_stores_grant(self, store, clock):
        grant = SharedGrant(APPLICATION, store, Record(RefreshToken(Secret("1000.argument"))), clock)
        with grant.hold(7):
            grant.save()
        assert "save" not in store.done
        assert not grant.memory.record.has_same_grant(grant.memory.base)
