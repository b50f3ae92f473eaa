"""What a process knows of a grant, brought together with what everybody else knows: memory, store, and their locks.

Owns the critical section and the merging of two records; knows nothing of Zoho Accounts, of what a store can do wrong,
or when a token is renewed.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from requests_zohorecruit.accounts import Application
from requests_zohorecruit.errors import TokenStoreError, ZohoAuthError
from requests_zohorecruit.locks import ForkSafeLock, OnceForAll
from requests_zohorecruit.records import Failure, Record
from requests_zohorecruit.recordstore import BusyHereError, RecordStore, UnlockError
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.stores.base import TokenStore

__all__ = ["LOCK_TIMEOUT", "SCHEME", "TRY_AGAIN", "SharedRecord", "Snapshot", "logger"]

logger = logging.getLogger("requests_zohorecruit")

SCHEME = "Zoho-oauthtoken"
#: Seconds that anybody waits for a store's lock.
LOCK_TIMEOUT = 60.0
#: Seconds after which a failed save, or a refresh nobody waits for, is tried again.
TRY_AGAIN = 2.0


class Snapshot(NamedTuple):
    """What a thread reads at once, so that token and expiry are of one generation (T28).

    :ivar header: the value of the Authorization header; empty when there is no token
    :ivar calm_until: until then, in epoch seconds, the header is used without another thought
    """

    record: Record
    header: str
    calm_until: float


class SharedRecord:
    """One grant's record: read without any lock, changed by one holder at a time, saved for everybody.

    :param application: whose record it must be
    :param store: where it is shared
    :param refresh_token: the grant to start from; see `ZohoRecruitAuth`
    :param clock: returns epoch seconds; wall time, since that is what processes and hosts have in common
    """

    def __init__(
        self,
        application: Application,
        store: TokenStore,
        *,
        refresh_token: Secret | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.application = application
        self.store = store
        self._records = RecordStore(application, store)
        self.clock = clock or wall_clock
        self._seed = refresh_token
        self._snapshot = Snapshot(Record(), "", 0.0)
        self._threads = ForkSafeLock()
        self._memory = ForkSafeLock()
        self._reading = OnceForAll()
        self._holder: tuple[int, int] | None = None
        #: What the store held when last seen, by its grant and token, or None when it was not read yet; `_found`: what
        #: it was when last read under the lock; `_unsaved`: memory is ahead of that.
        self._seen: tuple[str | None, ...] | None = None
        self._found: tuple[str | None, ...] | None = None
        self._unsaved = False
        self._save_due: float | None = None
        #: The grant that a person has given here last, until it has been saved or revoked.
        self._owed: Secret | None = None
        #: Grants that have given way here, to another or to none: whoever puts one back does not go before memory.
        self._former: deque[str | None] = deque(maxlen=16)
        self._final: Failure | None = None

    @contextmanager
    def _exclusive(self, timeout: float, *, unless: Callable[[], bool] | None = None) -> Iterator[bool]:
        """Hold the thread lock and then the store's, together waiting no longer than `timeout` seconds.

        :param unless: asked between the two; true = no need any more, yields False without the store's lock
        :raises BusyError: `timeout` is 0 and somebody else holds one of them
        :raises TokenStoreError: not obtained in time
        """
        me = (os.getpid(), threading.get_ident())
        if self._holder == me:
            # A save callback that calls the API with this very auth object, and no live token to do it with (T25).
            why = "this very thread is busy with it and cannot wait for itself"
            raise self._records.not_locked(timeout, why, busy=BusyHereError)
        started = time.monotonic()
        if not self._threads.acquire(timeout):
            why = "another thread of this process is still busy with it"
            raise self._records.not_locked(timeout, why, busy=BusyHereError)
        try:
            self._holder = me
            if unless is not None and unless():
                yield False
            else:
                left = max(0.0, timeout - (time.monotonic() - started))
                with self._records.lock(left, timeout):
                    yield True
        except UnlockError:
            self._seen = self._found
            self._save_again()
            raise
        finally:
            self._holder = None
            self._threads.release()

    def _read_store(self) -> None:
        """Read without the lock, so without waiting for whoever holds it; under the lock it is read again.

        Once for all threads that want to: with a connection for each, a process could use up a database's.
        """

        def read() -> None:
            before = self._snapshot
            self._merge(self._records.load(), unless_moved_from=before)

        try:
            self._reading.do(read, LOCK_TIMEOUT)
        except TimeoutError:
            failure = self._records.not_locked(LOCK_TIMEOUT, "another thread of this process is still reading it")
        else:
            return
        raise failure

    def _reload(self) -> None:
        """Read under the lock (T13)."""
        self._merge(self._records.load())
        self._found = self._seen

    def _merge(self, stored: Record | None, *, unless_moved_from: Snapshot | None = None) -> None:
        """Bring together what the store holds and what memory knows; the store rules unless memory is ahead of it."""
        with self._memory.hold(LOCK_TIMEOUT):
            memory = self._snapshot.record
            if unless_moved_from is not None and self._snapshot is not unless_moved_from:
                return
            before, self._seen = self._seen, _identity(stored)
            if before is None:
                first, unsaved = self._first_reading(stored, memory)
                if stored is not None:
                    self._replaces(stored.refresh_token, first.refresh_token)
                self._set(first, unsaved)
            elif stored is None:
                # An emptied store has lost nothing: the next save puts it back.
                self._set(memory, unsaved=True)
            elif self._unsaved and self._seen == before and memory.refresh_token == stored.refresh_token:
                self._set(memory.joined(stored), unsaved=True)
            elif self._unsaved and memory.refresh_token != stored.refresh_token and self._outlives(stored, before):
                self._replaces(stored.refresh_token, memory.refresh_token)
                self._set(replace(memory, extra=stored.extra), unsaved=True)
            else:
                self._save_due = None
                self._set(stored.with_mints_of(memory), unsaved=False)

    def _outlives(self, stored: Record, before: tuple[str | None, ...]) -> bool:
        """Tell whether the grant in memory, given or revoked here, goes before the one the store has now."""
        owed = self._owed is not None and self._owed == self._snapshot.record.refresh_token
        if stored.refresh_token is None:
            # It had none before either; or whoever has revoked a former one does not know of the login here.
            return before[:1] == (None,) or owed
        # Others have used a former one, or have put one back that an emptied store had lost.
        return stored.refresh_token in self._former or (owed and not before)

    def _first_reading(self, stored: Record | None, memory: Record) -> tuple[Record, bool]:
        """Let what this instance was given (refresh token, or grant just exchanged) win over the store, this once."""
        extra = stored.extra if stored else {}
        if memory.refresh_token or memory.token:
            return replace(memory, extra=extra), True
        seed = self._seed
        if stored is not None and (seed is None or stored.refresh_token == seed):
            return stored, False
        if stored is not None and stored.refresh_token is None:
            token = replace(stored.token, refresh_token=seed) if stored.token else None
            return replace(stored, refresh_token=seed, token=token), True
        return Record(refresh_token=seed, extra=extra), True

    def _bring(self, record: Record) -> None:
        """Put a grant that a person has just given in the place of whatever is known."""
        with self._memory.hold(LOCK_TIMEOUT):
            self._replaces(self._snapshot.record.refresh_token, record.refresh_token)
            self._owed, self._seen = record.refresh_token, None
            self._set(record, unsaved=True)
        self._save_again()

    def _insist(self, record: Record) -> None:
        """Put such a grant over what others have stored meanwhile, unless it was saved, revoked or replaced here."""
        with self._memory.hold(LOCK_TIMEOUT):
            memory = self._snapshot.record
            if self._owed is not None and self._owed == record.refresh_token != memory.refresh_token:
                self._replaces(memory.refresh_token, record.refresh_token)
                self._set(replace(record, extra=memory.extra), unsaved=True)

    def _take(self, record: Record, *, instead_of: Record) -> bool:
        """Remember what has become of `instead_of`, and tell whether that still matters.

        It does not if another grant is in memory by now: a person has authorized again, or a store lost its lock.
        """
        with self._memory.hold(LOCK_TIMEOUT):
            if self._snapshot.record.refresh_token != instead_of.refresh_token:
                return False
            self._replaces(instead_of.refresh_token, record.refresh_token)
            self._set(record, unsaved=True)
            return True

    def _replaces(self, former: str | None, grant: str | None) -> None:
        if grant is None:
            self._former.clear()  # after a revocation, others may go on with what was there before that grant
        if former != grant:
            self._former.append(former)

    def _set(self, record: Record, unsaved: bool) -> None:  # noqa: FBT001 - called with a pair of facts
        if record.access_token != self._snapshot.record.access_token:
            self._final = None
        self._unsaved = unsaved
        calm_until = record.token.stale_at if record.token else 0.0
        if self._save_due is not None:
            calm_until = min(calm_until, self._save_due)
        token = record.access_token
        self._snapshot = Snapshot(record, Secret(f"{SCHEME} {token}") if token else "", calm_until)

    def _save(self) -> None:
        """Save what is in memory.

        :raises TokenStoreError: it failed; it is tried again by the calls that follow
        """
        record = self._snapshot.record
        try:
            self._records.save(record)
        except TokenStoreError:
            self._save_again()
            raise
        with self._memory.hold(LOCK_TIMEOUT):
            self._seen = _identity(record)
            if self._owed == record.refresh_token:
                self._owed = None
            if self._snapshot.record is record:
                self._save_due = None
                self._set(record, unsaved=False)

    def _save_again(self) -> None:
        """Have what is in memory saved by one of the calls that follow."""
        with self._memory.hold(LOCK_TIMEOUT):
            self._save_due = self.clock() + TRY_AGAIN
            self._set(self._snapshot.record, unsaved=True)

    def _note(self) -> None:
        """Save bookkeeping; when that fails the work goes on, and memory remembers."""
        try:
            self._save()
        except TokenStoreError as error:
            logger.warning("%s", error)

    def _change(self, change: Callable[[Record], Record]) -> bool:
        """Change the bookkeeping in memory, and tell whether there was anything to change."""
        with self._memory.hold(LOCK_TIMEOUT):
            before = self._snapshot.record
            after = change(before)
            self._unsaved = self._unsaved or after != before
            self._snapshot = self._snapshot._replace(record=after)
            return after != before

    def _share(self, change: Callable[[Record], Record], *, wait: float) -> None:
        """Make the same change in the store, if its lock is to be had within `wait` seconds."""
        try:
            with self._exclusive(wait):
                self._reload()
                self._change(change)
                self._note()
        except ZohoAuthError as error:
            logger.debug("This is known to this process only: %s", error)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_holder": None}


def _identity(stored: Record | None) -> tuple[str | None, ...]:
    return () if stored is None else (stored.refresh_token, stored.access_token)


def wall_clock() -> float:
    """Return epoch seconds; looked up anew each time, so that tools which freeze time in tests reach it."""
    return time.time()
