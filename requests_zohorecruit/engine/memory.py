"""What a process knows of a grant, brought together with what everybody else knows: memory, store, and their locks.

Owns the critical section, and that memory changes as a whole; how two records become one is said in `records`. Knows
nothing of Zoho Accounts, of what a store can do wrong, or when a token is renewed.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from requests_zohorecruit.engine.merge import claimed, dated, merged
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.stored_record import BusyHereError, StoredRecord, UnlockError
from requests_zohorecruit.errors import TokenStoreError, ZohoAuthError
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.stores.base import TokenStore
from requests_zohorecruit.thread_locks import SharedWork, ThreadLock
from requests_zohorecruit.zoho.application import Application

__all__ = ["LOCK_TIMEOUT", "SCHEME", "TRY_AGAIN", "Memory", "SharedGrant", "logger"]

logger = logging.getLogger("requests_zohorecruit")

SCHEME = "Zoho-oauthtoken"
#: Seconds that anybody waits for a store's lock.
LOCK_TIMEOUT = 60.0
#: Seconds after which a failed save, or a refresh nobody waits for, is tried again.
TRY_AGAIN = 2.0


class Memory(NamedTuple):
    """What a thread reads at once, so that token and expiry are of one generation (T28).

    :ivar header: the value of the Authorization header; empty when there is no token
    :ivar calm_until: until then, in epoch seconds, the header is used without another thought
    :ivar base: what the store held when last seen, None = nothing; where the record differs, it has to be saved
    :ivar met: the store was seen; until then, what was given here goes first
    :ivar save_due: when a save that failed is tried again
    """

    record: Record
    header: str
    calm_until: float
    base: Record | None
    met: bool
    save_due: float

    @classmethod
    def of(cls, record: Record, base: Record | None, *, met: bool = True, save_due: float = math.inf) -> Memory:
        """Return a memory of this record."""
        token = record.access_token
        header = Secret(f"{SCHEME} {token}") if token else ""
        save_due = math.inf if record == base else save_due
        return cls(record, header, min(record.token.stale_at if record.token else 0.0, save_due), base, met, save_due)

    def merged(self, stored: Record | None, *, claim: bool) -> Memory:
        """Return what is known once this has been read from the store.

        :param claim: a grant that the store has not had yet goes before what is there, whatever the dates
        """
        mine = self.record
        if stored is None:
            # An emptied store has lost nothing: the next save puts it back.
            return Memory.of(mine, None, save_due=self.save_due)
        stored = dated(stored, mine=mine, base=self.base)
        unsaved = mine.refresh_token is not None and not (self.base and mine.same_grant(self.base))
        if not self.met or (claim and unsaved):
            mine = claimed(mine, stored)
        record = merged(mine, stored, base=self.base)
        # What memory adds to the store's mints is no reason to save, or to go before what comes next.
        base = record if replace(record, mints=stored.mints) == stored else stored
        return Memory.of(record, base, save_due=self.save_due)


class SharedGrant:
    """One grant's record: read without any lock, changed by one holder at a time, saved for everybody.

    :param application: whose record it must be
    :param store: where it is shared
    :param given: the grant to start from, with or without a token
    :param clock: returns epoch seconds; wall time, since that is what processes and hosts have in common
    """

    def __init__(
        self, application: Application, store: TokenStore, given: Record, clock: Callable[[], float] | None = None
    ) -> None:
        self.store = store
        self.records = StoredRecord(application, store)
        self.clock = clock or wall_clock
        given = replace(given, granted_at=given.granted_at or 0.0)
        self.memory = Memory.of(given, None, met=False)
        self.threads = ThreadLock()
        self.reading = SharedWork(ZohoAuthError)
        self._changing = ThreadLock()

    @contextmanager
    def exclusive(
        self, timeout: float, *, unless: Callable[[], bool] = lambda: False, claim: bool = False
    ) -> Iterator[bool]:
        """Hold the thread lock and then the store's, together waiting no longer than `timeout`, and read the store.

        :param unless: asked between the two; true = no need any more, yields False without the store's lock
        :raises BusyError: `timeout` is 0 and somebody else holds one of them
        :raises TokenStoreError: not obtained in time
        """
        if self.threads.is_held_here():
            # A save callback that calls the API with this very auth object, and no live token to do it with (T25).
            why = "this very thread is busy with it and cannot wait for itself"
            raise self.records.not_locked(timeout, why, busy=BusyHereError)
        started, found = time.monotonic(), self.memory
        try:
            with self.threads.attempt(timeout) as obtained:
                if not obtained:
                    why = "another thread of this process is still busy with it"
                    raise self.records.not_locked(timeout, why, busy=BusyHereError)
                if unless():
                    yield False
                    return
                left = max(0.0, timeout - (time.monotonic() - started))
                with self.records.lock(left, timeout):
                    self._merge(
                        self.records.load(), claim=claim
                    )  # what was true before waiting may not be any more (T13)
                    found = self.memory
                    yield True
        except UnlockError:
            self._save_again(found.base)
            raise

    def read(self) -> None:
        """Read without the lock, so without waiting for whoever holds it; under the lock it is read again.

        Once for all threads that want to: with a connection for each, a process could use up a database's.
        """

        def read() -> None:
            before = self.memory
            self._merge(self.records.load(), unless_moved_from=before)

        if not self.reading.do(read, LOCK_TIMEOUT):
            raise self.records.not_locked(LOCK_TIMEOUT, "another thread of this process is still reading it")

    def give(self, record: Record) -> None:
        """Put a grant that a person has just given in the place of whatever is known, here and in the store."""
        with self._changing.hold(LOCK_TIMEOUT):
            self.memory = Memory.of(record, None, met=False)
        self._save_again(None)

    def advance(self, record: Record, *, instead_of: Record) -> bool:
        """Remember what has become of `instead_of`, and tell whether that still matters.

        It does not if another grant is in memory by now: a person has authorized again, or a store lost its lock.
        """
        with self._changing.hold(LOCK_TIMEOUT):
            if self.memory.record.refresh_token != instead_of.refresh_token:
                return False
            self.memory = Memory.of(record, self.memory.base, save_due=self.memory.save_due)
            return True

    def save(self) -> None:
        """Save what is in memory. The lock is held.

        :raises TokenStoreError: it failed; it is tried again by the calls that follow
        """
        before = self.memory
        try:
            self.records.save(before.record)
        except TokenStoreError:
            self._save_again(before.base)
            raise
        with self._changing.hold(LOCK_TIMEOUT):
            if self.memory.record is before.record:
                self.memory = Memory.of(before.record, before.record)

    def note(self) -> None:
        """Save bookkeeping; when that fails the work goes on, and memory remembers."""
        try:
            self.save()
        except TokenStoreError as error:
            logger.warning("%s", error)

    def change(self, change: Callable[[Record], Record]) -> bool:
        """Change the bookkeeping in memory, and tell whether there was anything to change."""
        with self._changing.hold(LOCK_TIMEOUT):
            before = self.memory.record
            after = change(before)
            self.memory = self.memory._replace(record=after)
            return after != before

    def share(self, change: Callable[[Record], Record], *, wait: float) -> None:
        """Make the same change in the store, if its lock is to be had within `wait` seconds."""
        try:
            with self.exclusive(wait):
                self.change(change)
                self.note()
        except ZohoAuthError as error:
            logger.debug("This is known to this process only: %s", error)

    def rest(self, seconds: float, *, part: float = 1.0) -> None:
        """Do not try with every request what no caller has to know of: at most for a part of what the token has left.

        Counted from now, and not from when the trying began: that may have taken its time.
        """
        with self._changing.hold(LOCK_TIMEOUT):
            token, now = self.memory.record.token, self.clock()
            if token is not None and now >= self.memory.calm_until:
                self.memory = self.memory._replace(calm_until=now + min(seconds, part * (token.dead_at - now)))

    def _save_again(self, base: Record | None) -> None:
        """Have what is in memory saved by one of the calls that follow, over what the store may hold."""
        with self._changing.hold(LOCK_TIMEOUT):
            due = self.clock() + TRY_AGAIN
            self.memory = Memory.of(self.memory.record, base, met=self.memory.met, save_due=due)

    def _merge(self, stored: Record | None, *, claim: bool = False, unless_moved_from: Memory | None = None) -> None:
        with self._changing.hold(LOCK_TIMEOUT):
            if unless_moved_from is None or self.memory is unless_moved_from:
                self.memory = self.memory.merged(stored, claim=claim)


def wall_clock() -> float:
    """Return epoch seconds; looked up anew each time, so that tools which freeze time in tests reach it."""
    return time.time()
