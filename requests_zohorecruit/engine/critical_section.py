"""What a process knows of a grant, brought together with the store: the critical section.

Owns that memory changes as a whole and that one holder at a time changes the store. How two records become one is
`merge`'s; when a token is minted is `refresher`'s.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from requests_zohorecruit.engine.limits import LOCK_TIMEOUT, TRY_AGAIN
from requests_zohorecruit.engine.merge import date_grant, merge
from requests_zohorecruit.engine.record import Failure, Record
from requests_zohorecruit.engine.store_access import BusyHereError, StoredRecord, UnlockError
from requests_zohorecruit.errors import TokenStoreError, ZohoAuthError
from requests_zohorecruit.secret import Secret, SentSecret, fingerprint
from requests_zohorecruit.stores.base import TokenStore
from requests_zohorecruit.thread_locks import SharedWork, ThreadLock
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import Grant

__all__ = ["Memory", "SharedGrant", "logger"]

logger = logging.getLogger("requests_zohorecruit")

#: So many rejected access tokens are remembered.
_REJECTED = 16


class Memory(NamedTuple):
    """All that a process knows of a grant; exchanged whole, so that token and expiry are of one generation (T28).

    :ivar record: the grant and its state
    :ivar base: what the store held when it was last seen, None = it was not seen since the grant was given
    :ivar save_due: when a save that failed is tried again, in epoch seconds
    :ivar next_look: until then, in epoch seconds, the header is used without another thought
    :ivar header: the value of the Authorization header; empty when there is no token
    :ivar rejected: access tokens the API has refused, so that none of them is taken from the store again
    :ivar refusal: what Zoho said of the access token in hand that only a person can change, whatever the store says
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
        """Whether the store keeps another grant until this one, which was given as an argument, has minted (T79)."""
        record, base = self.record, self.base
        if record.granted_at is not None or base is None or base.grant is None:
            return False
        return not record.has_same_grant(base)

    def with_record(self, record: Record, base: Record | None, save_due: float = math.inf) -> Memory:
        """Return the memory that knows this record, and that the store holds `base`."""
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
        """Return what is known once this has been read from the store at `now`.

        :param only: the grant that no other takes the place of, or None
        :param claim: a grant that the store has not had yet comes after the one that is there, whatever their dates
        """
        mine, base = self.record, self.base
        if stored is None:
            # An emptied store has lost nothing: the next save puts it back. What is withheld waits for that of others.
            return self if self.is_withheld else self.with_record(mine, Record(), self.save_due)
        if only is not None and stored.grant != only:
            return self.with_record(mine.with_extra_of(stored), stored, self.save_due)
        stored = date_grant(stored, mine=mine, base=base, now=now)
        if base is None or (claim and not mine.has_same_grant(base)):
            mine = mine.dated_after(stored)
        record = merge(mine, stored, base=base)
        # What memory adds to the store's mints is no reason to save, or to go before what comes next.
        return self.with_record(record, record if record == stored.with_mints_of(record) else stored, self.save_due)

    def with_rejected(self, access_token: str) -> Memory:
        """Return the memory that knows that the API refused this access token."""
        return self._replace(rejected=(*self.rejected, Secret(access_token))[-_REJECTED:])

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, tuple(self._replace(header=""))  # which a pickle would not keep


def _write_header(record: Record) -> str:
    return SentSecret(record.token.authorization) if record.token else ""


def _restore(*values: Any) -> Memory:
    memory = Memory(*values)
    return memory._replace(header=_write_header(memory.record))


class SharedGrant:
    """One grant: read without any lock, changed by one holder at a time, saved for every process that shares it.

    :param application: whose grant it must be
    :param store: where it is shared
    :param given: the grant to start from, with or without a token
    :param clock: returns epoch seconds; wall time, since that is what processes and hosts have in common
    """

    def __init__(
        self, application: Application, store: TokenStore, given: Record, clock: Callable[[], float] | None = None
    ) -> None:
        self.application = application
        self.store = store
        self.stored = StoredRecord(application, store)
        self.clock = clock or read_wall_clock
        self.memory = Memory().with_record(given.believed(self.clock()), None)
        self._only = given.grant if given.grant is not None and given.grant.is_configured else None
        self.threads = ThreadLock()
        self.reading = SharedWork(ZohoAuthError)
        self._changing = ThreadLock()

    @contextmanager
    def hold(
        self, timeout: float, *, unless: Callable[[], bool] = lambda: False, claim: bool = False
    ) -> Iterator[bool]:
        """Hold the thread lock and then the store's, together waiting no longer than `timeout`, and read the store.

        :param unless: asked between the two; true = no need any more, yields False without the store's lock
        :param claim: see `Memory.with_stored`
        :raises BusyError: `timeout` is 0 and one of them is held
        :raises TokenStoreError: not obtained in time
        """
        if self.threads.is_held_here():
            # A save callback that calls the API with this very auth object, and no live token to do it with (T25).
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
                    # What was true before waiting may not be any more (T13).
                    self._read(claim=claim)
                    base = self.memory.base
                    yield True
        except UnlockError:
            self._save_again(base)
            raise

    def read(self) -> None:
        """Read without the lock, so without waiting for its holder; under the lock it is read again.

        Once for all threads that want to: with a connection for each, a process could use up a database's.
        """
        if not self.reading.do(self._read_unlocked, LOCK_TIMEOUT):
            raise self.stored.not_locked(LOCK_TIMEOUT, "another thread of this process is still reading it")

    def give(self, record: Record) -> None:
        """Put a grant that a person has just given in the place of what is known, and of what the store holds now."""
        # In memory before anything can go wrong: a code cannot be exchanged twice.
        record = record.dated_after(self.memory.record)
        self._adopt(lambda memory: memory.with_record(record, None), "a person has just given it")
        self._save_again(None)
        self._read(claim=True)

    def advance(self, record: Record, *, instead_of: Record) -> bool:
        """Remember what has become of `instead_of`, and tell whether that still matters.

        It does not if another grant is in memory by now: a person has authorized again, or a store lost its lock.
        """

        def change(memory: Memory) -> Memory:
            if memory.record.grant != instead_of.grant:
                return memory
            changed = memory.with_record(record, memory.base, memory.save_due)
            # Due from now on, and not only when saving it has failed: an interruption may come before it is begun.
            return changed if changed.is_withheld else changed.with_record(record, memory.base, due)

        due = self.clock() + TRY_AGAIN
        return self._change(change).record is record

    def save(self) -> None:
        """Save what is in memory. The lock is held.

        :raises TokenStoreError: it failed; it is tried again by the calls that follow
        """
        before = self.memory
        if before.is_withheld:
            return
        try:
            self.stored.save(before.record)
        except BaseException:  # Ctrl-C in the middle of it, too (T72)
            self._save_again(before.base)
            raise
        saved = before.record
        self._change(lambda memory: memory.with_record(saved, saved) if memory.record is saved else memory)

    def save_if_possible(self) -> None:
        """Save bookkeeping; when that fails the work goes on, and memory remembers."""
        try:
            self.save()
        except TokenStoreError as error:
            logger.warning("%s", error)

    def reject(self, access_token: str) -> None:
        """Remember that the API refused this access token."""
        self._change(lambda memory: memory.with_rejected(access_token))

    def refuse(self, failure: Failure, access_token: str | None) -> None:
        """Remember, as long as that access token is in hand, that only a person can help."""
        self._change(lambda memory: memory._replace(refusal=(access_token, failure)))

    def update(self, change: Callable[[Record], Record]) -> bool:
        """Change the bookkeeping in memory, and tell whether there was anything to change."""
        before: list[Record] = []

        def apply(memory: Memory) -> Memory:
            before.append(memory.record)
            return memory._replace(record=change(memory.record))

        return self._change(apply).record != before[0]

    def share(self, change: Callable[[Record], Record], *, wait: float) -> None:
        """Make the same change in the store, if its lock is free within `wait` seconds."""
        try:
            with self.hold(wait):
                self.update(change)
                self.save_if_possible()
        except ZohoAuthError as error:
            logger.debug("This is known to this process only: %s", error)

    def postpone_look(self, seconds: float, *, part: float = 1.0) -> None:
        """Use the header without another look for so many seconds, at most for a part of what the token has left.

        Counted from now, and not from when the last look began: that may have taken its time.
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
        before, after = self.memory.record, self._change(change).record
        region = self.application.region.code
        if after.grant is not None and after.grant != before.grant:
            logger.info("Grant %s adopted (region %s): %s.", fingerprint(after.grant_identity), region, reason)
        elif after.token is not None and after.access_token != before.access_token:
            logger.debug(
                "Access token %s adopted (region %s): %s.", fingerprint(after.token.access_token), region, reason
            )

    def _save_again(self, base: Record | None) -> None:
        """Have what is in memory saved by one of the calls that follow, over what the store may hold."""
        due = self.clock() + TRY_AGAIN
        self._change(lambda memory: memory.with_record(memory.record, base, due))

    def _change(self, change: Callable[[Memory], Memory]) -> Memory:
        with self._changing.hold(LOCK_TIMEOUT):
            self.memory = memory = change(self.memory)
            return memory


def read_wall_clock() -> float:
    """Return epoch seconds; looked up anew each time, so that tools which freeze time in tests reach it."""
    return time.time()
