"""The critical section: reconciles what this process knows about a grant with what the store holds.

Ensures that memory changes atomically, and that only one lock holder at a time changes the store. Merging two records
is left to `merge`, and deciding when to mint a token to `refresher`.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from requests_zohorecruit.engine.bookkeeping import Failure
from requests_zohorecruit.engine.limits import LOCK_TIMEOUT, TRY_AGAIN
from requests_zohorecruit.engine.merge import date_grant, merge
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.store_access import BusyHereError, StoredRecord, UnlockError
from requests_zohorecruit.errors import TokenStoreError, ZohoAuthError
from requests_zohorecruit.secret import Secret, SentSecret, fingerprint
from requests_zohorecruit.stores.base import TokenStore
from requests_zohorecruit.thread_locks import SharedWork, ThreadLock
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import Grant

__all__ = ["Memory", "SharedGrant", "logger"]

logger = logging.getLogger("requests_zohorecruit")

#: Number of rejected access tokens to remember.
_REJECTED = 16


class Memory(NamedTuple):
    """Everything a process knows about a grant. Replaced as a whole, so a token always matches its expiry (T28).

    :ivar record: the grant and its state
    :ivar base: the store's record as last read or saved; None if it has not been read since the grant was given
    :ivar save_due: when to retry a failed save, in epoch seconds
    :ivar next_look: epoch seconds until which the header is used without any further check
    :ivar header: the value of the Authorization header; empty when there is no token
    :ivar rejected: access tokens the API has refused, none of which is adopted from the store again
    :ivar refusal: the current access token, and the failure that only a person can fix, even if the store loses it
    """

    record: Record = Record()
    base: Record | None = None
    save_due: float = math.inf
    next_look: float = 0.0
    header: str = ""
    rejected: tuple[str, ...] = ()
    refusal: tuple[str | None, Failure] | None = None

    @property
    def is_withheld(self) -> bool:
        """Whether the grant was passed as an argument and must mint before it replaces the one in the store (T79)."""
        record, base = self.record, self.base
        if record.granted_at is not None or base is None or base.grant is None:
            return False
        return not record.has_same_grant(base)

    def with_record(self, record: Record, base: Record | None, save_due: float = math.inf) -> Memory:
        """Return a copy that holds this record, and notes that the store holds `base`."""
        token, due = record.token, math.inf if record == base else save_due
        return self._replace(
            record=record,
            base=base,
            save_due=due,
            next_look=min(token.stale_at, due) if token else 0.0,
            header=_write_header(record),
        )

    def with_stored(
        self, stored: Record | None, now: float, *, only: Grant | None = None, claim: bool = False
    ) -> Memory:
        """Return a copy updated with the record that was read from the store at `now`.

        :param only: the configured grant, which no other may replace, or None
        :param claim: date a grant that is not in the store yet after the stored one, regardless of their dates
        """
        mine, base = self.record, self.base
        if stored is None:
            # The store was emptied: the next save restores it. A withheld grant waits for another process to do so.
            return self if self.is_withheld else self.with_record(mine, Record(), self.save_due)
        if only is not None and stored.grant != only:
            return self.with_record(mine.with_extra_of(stored), stored, self.save_due)
        stored = date_grant(stored, mine=mine, base=base, now=now)
        if base is None or (claim and not mine.has_same_grant(base)):
            mine = mine.dated_after(stored)
        record = merge(mine, stored, base=base)
        # Extra mint times in memory alone neither justify a save nor make memory win the next merge.
        return self.with_record(record, record if record == stored.with_mints_of(record) else stored, self.save_due)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, tuple(self._replace(header=""))  # a SentSecret does not survive pickling


def _write_header(record: Record) -> str:
    return SentSecret(record.token.authorization) if record.token else ""


def _restore(*values: Any) -> Memory:
    memory = Memory(*values)
    return memory._replace(header=_write_header(memory.record))


class SharedGrant:
    """One grant: read without locking, changed by one holder at a time, and saved for all processes that share it.

    :param application: the owner of the grant
    :param store: where the grant is shared
    :param given: the grant to start from, with or without a token
    :param clock: returns epoch seconds; wall time, which processes and hosts share
    """

    def __init__(self, application: Application, store: TokenStore, given: Record, clock: Callable[[], float]) -> None:
        self.application = application
        self.store = store
        self.stored = StoredRecord(application, store)
        self.clock = clock
        self.memory = Memory().with_record(given.believed(clock()), None)
        self._only = given.grant if given.grant is not None and given.grant.is_configured else None
        self.threads = ThreadLock()
        self.reading = SharedWork(ZohoAuthError)
        self._changing = ThreadLock()

    @contextmanager
    def hold(
        self, timeout: float, *, unless: Callable[[], bool] = lambda: False, claim: bool = False
    ) -> Iterator[bool]:
        """Acquire the thread lock, then the store's lock, then read the store. Yields True while both are held.

        :param timeout: seconds to wait for both together; 0 = do not wait
        :param unless: called between the two; if true, yields False without locking the store
        :param claim: see `Memory.with_stored`
        :raises BusyError: `timeout` is 0 and one of the locks is held
        :raises TokenStoreError: a lock was not acquired in time
        """
        if self.threads.is_held_here():
            # For example, a save callback calls the API with this same auth object and there is no live token (T25).
            why = "this very thread is busy with it and cannot wait for itself"
            raise self.stored.not_locked(timeout, why, busy=BusyHereError)
        started, base = time.monotonic(), self.memory.base
        try:
            with self.threads.attempt(timeout) as obtained:
                if not obtained:
                    why = "another thread of this process is still busy with it"
                    raise self.stored.not_locked(timeout, why, busy=BusyHereError)
                if unless():
                    yield False
                    return
                left = max(0.0, timeout - (time.monotonic() - started))
                with self.stored.lock(left, timeout):
                    # The record may have changed while we waited (T13).
                    self._read(claim=claim)
                    base = self.memory.base
                    yield True
        except UnlockError:
            self._save_again(base)
            raise

    def read(self) -> None:
        """Read the store without its lock, so without waiting for the holder. It is read again under the lock.

        Threads that ask at the same time share one read, so that a process does not exhaust a database's connections.
        """
        if not self.reading.do(self._read_unlocked, LOCK_TIMEOUT):
            raise self.stored.not_locked(LOCK_TIMEOUT, "another thread of this process is still reading it")

    def give(self, record: Record) -> None:
        """Replace the grant in memory, and the one now in the store, with one that a person has just given."""
        # Memory first, before anything can fail: a code cannot be exchanged twice.
        record = record.dated_after(self.memory.record)
        self._adopt(lambda memory: memory.with_record(record, None), "a person has just given it")
        self._save_again(None)
        self._read(claim=True)

    def advance(self, record: Record, *, instead_of: Record) -> bool:
        """Replace `instead_of` in memory with `record`. Return whether that happened.

        It does not if memory holds another grant by now: a person has authorized again, or a store lost its lock.
        """

        def change(memory: Memory) -> Memory:
            if memory.record.grant != instead_of.grant:
                return memory
            changed = memory.with_record(record, memory.base, memory.save_due)
            # Due from now on, not just after a failed save: an interruption may prevent the save from even starting.
            return changed if changed.is_withheld else changed.with_record(record, memory.base, due)

        due = self.clock() + TRY_AGAIN
        _, after = self._change(change)
        return after.record is record

    def save(self) -> None:
        """Save the record in memory. The caller must hold the lock.

        :raises TokenStoreError: saving failed; later calls try again
        """
        before = self.memory
        if before.is_withheld:
            return
        try:
            self.stored.save(before.record)
        except BaseException:  # including Ctrl-C during the save (T72)
            self._save_again(before.base)
            raise
        saved = before.record
        self._change(lambda memory: memory.with_record(saved, saved) if memory.record is saved else memory)

    def save_if_possible(self) -> None:
        """Save bookkeeping. A failure is logged and does not stop the caller; memory keeps the record."""
        try:
            self.save()
        except TokenStoreError as error:
            logger.warning("%s", error)

    def reject(self, access_token: str) -> None:
        """Remember that the API refused this access token."""
        rejected = Secret(access_token)
        self._change(lambda memory: memory._replace(rejected=(*memory.rejected, rejected)[-_REJECTED:]))

    def refuse(self, failure: Failure, access_token: str | None) -> None:
        """Remember a failure that only a person can fix, for as long as this access token is the current one."""
        self._change(lambda memory: memory._replace(refusal=(access_token, failure)))

    def update(self, change: Callable[[Record], Record]) -> bool:
        """Change the bookkeeping in memory. Return whether anything changed."""
        before, after = self._change(lambda memory: memory._replace(record=change(memory.record)))
        return after.record != before.record

    def share(self, change: Callable[[Record], Record], *, wait: float) -> None:
        """Apply the same change to the store, if its lock can be acquired within `wait` seconds."""
        try:
            with self.hold(wait):
                self.update(change)
                self.save_if_possible()
        except ZohoAuthError as error:
            logger.debug("This is known to this process only: %s", error)

    def postpone_look(self, seconds: float, *, part: float = 1.0) -> None:
        """Use the header without another check for `seconds`, but at most for `part` of the token's remaining life.

        Counted from now, not from the start of the last check, which may have been slow.
        """
        now = self.clock()

        def change(memory: Memory) -> Memory:
            token = memory.record.token
            if token is None or now < memory.next_look:
                return memory
            return memory._replace(next_look=now + min(seconds, part * (token.dead_at - now)))

        self._change(change)

    def _read(self, *, claim: bool) -> None:
        stored, now = self.stored.load(self.clock()), self.clock()
        self._adopt(lambda memory: memory.with_stored(stored, now, only=self._only, claim=claim), "the store holds it")

    def _read_unlocked(self) -> None:
        before, stored, now = self.memory, self.stored.load(self.clock()), self.clock()

        def change(memory: Memory) -> Memory:
            return memory.with_stored(stored, now, only=self._only) if memory is before else memory

        self._adopt(change, "the store holds it")

    def _adopt(self, change: Callable[[Memory], Memory], reason: str) -> None:
        before, after = (memory.record for memory in self._change(change))
        region = self.application.region.code
        if after.grant and after.grant != before.grant:
            logger.info("Grant %s adopted (region %s): %s.", fingerprint(after.grant.identity), region, reason)
        elif after.access_token and after.access_token != before.access_token:
            logger.debug("Access token %s adopted (region %s): %s.", fingerprint(after.access_token), region, reason)

    def _save_again(self, base: Record | None) -> None:
        """Have a later call save the record in memory, treating `base` as what the store held."""
        due = self.clock() + TRY_AGAIN
        self._change(lambda memory: memory.with_record(memory.record, base, due))

    def _change(self, change: Callable[[Memory], Memory]) -> tuple[Memory, Memory]:
        """Replace the memory. Return the one before and the one after."""
        with self._changing.hold(LOCK_TIMEOUT):
            before = self.memory
            self.memory = after = change(before)
            return before, after


def read_wall_clock() -> float:
    """Return epoch seconds. `time.time` is looked up on every call, so that tools that freeze time can patch it."""
    return time.time()
