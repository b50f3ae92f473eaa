"""What a process knows of a grant, brought together with what everybody else knows: memory, store, and their locks.

Owns the critical section and the merging of two records; knows nothing of Zoho, and not when a token is renewed.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from typing import Any, NamedTuple

from requests_zohorecruit.accounts import Application
from requests_zohorecruit.errors import TokenStoreError, ZohoAuthError
from requests_zohorecruit.locks import ForkSafeLock
from requests_zohorecruit.records import Failure, Record
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.stores.base import TokenStore

__all__ = ["LOCK_TIMEOUT", "NEVER", "SCHEME", "TRY_AGAIN", "BusyError", "SharedRecord", "Snapshot"]

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
        self.clock = clock or wall_clock
        self._seed = refresh_token
        self._snapshot = Snapshot(Record(), "", 0.0)
        self._threads = ForkSafeLock()
        self._memory = ForkSafeLock()
        self._holder: tuple[int, int] | None = None
        #: What the store held when last seen, by its tokens; `_unsaved`: memory is ahead of that.
        self._seen: object = NEVER
        #: The same before the last save, in case that is undone.
        self._replaced: object = NEVER
        self._unsaved = False
        self._save_due: float | None = None
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
            raise self._not_locked(timeout, "this very thread is busy with it and cannot wait for itself")
        started = time.monotonic()
        if not self._threads.acquire(timeout):
            raise self._not_locked(timeout, "another thread of this process is still busy with it")
        try:
            self._holder = me
            if unless is not None and unless():
                yield False
            else:
                left = max(0.0, timeout - (time.monotonic() - started))
                with self._store_lock(left, timeout):
                    yield True
        finally:
            self._holder = None
            self._threads.release()

    @contextmanager
    def _store_lock(self, left: float, timeout: float) -> Iterator[None]:
        """Hold the store's lock; whatever goes wrong with it leaves as one of our errors."""
        lock = self._entered(left, timeout)
        try:
            yield
        except BaseException as error:
            with suppress(Exception):  # the error of the block says more than one of cleaning up after it
                lock.__exit__(type(error), error, error.__traceback__)
            raise
        try:
            lock.__exit__(None, None, None)
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            # Where the lock is a transaction, what was saved may be gone with it, and what was there before be back.
            self._seen = self._replaced
            self._save_due = self.clock() + TRY_AGAIN
            self._remember(self._snapshot.record, unsaved=True)
            failure = self._store_error("could not be unlocked", error)
        else:
            return
        raise failure

    def _entered(self, left: float, timeout: float) -> AbstractContextManager[object]:
        try:
            lock = self.store.lock(left)
            lock.__enter__()
        except TimeoutError as error:
            why = str(error) if _ours(self.store) else "its lock is held by somebody else"
            failure: ZohoAuthError = self._not_locked(timeout, why)
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            failure = self._store_error("could not be locked", error)
        else:
            return lock
        raise failure

    def _not_locked(self, timeout: float, why: str) -> ZohoAuthError:
        if not timeout:
            return BusyError(why)
        return self._store_error(f"was not to be had within {timeout:.0f} s ({why.rstrip('.')})")

    def _read_store(self) -> None:
        """Read without the lock, so without waiting for whoever holds it; under the lock it is read again (T13)."""
        before = self._snapshot.record
        self._merge(self._loaded(), unless_moved_from=before)

    def _reload(self) -> None:
        self._merge(self._loaded())

    def _loaded(self) -> Record | None:
        try:
            mapping = self.store.load()
            if not (mapping is None or isinstance(mapping, Mapping)):
                raise TypeError  # noqa: TRY301 - told like anything else a store does wrong
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            failure = self._store_error("could not be read", error)
        else:
            return None if mapping is None else self._understood(mapping)
        raise failure

    def _understood(self, mapping: Mapping[str, Any]) -> Record:
        try:
            return Record.from_mapping(mapping, self.application)
        except TokenStoreError as error:
            error.message = f"{_name(self.store)}: {error.message}"
            raise

    def _merge(self, stored: Record | None, *, unless_moved_from: Record | None = None) -> None:
        """Bring together what the store holds and what memory knows; the store rules unless memory is ahead of it."""
        with self._memory.hold(LOCK_TIMEOUT):
            memory = self._snapshot.record
            if unless_moved_from is not None and memory is not unless_moved_from:
                return
            identity = None if stored is None else (stored.refresh_token, stored.access_token)
            first, unmoved = self._seen is NEVER, self._seen == identity
            self._seen = identity
            if first:
                self._set(*self._first_reading(stored, memory))
            elif stored is None:
                # An emptied store has lost nothing: the next save puts it back.
                self._set(memory, unsaved=True)
            elif self._unsaved and unmoved:
                self._set(memory.joined(stored), unsaved=True)
            else:
                self._save_due = None
                self._set(stored.with_mints_of(memory), unsaved=False)

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

    def _remember(self, record: Record, *, unsaved: bool) -> None:
        with self._memory.hold(LOCK_TIMEOUT):
            self._set(record, unsaved=unsaved)

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
            self.store.save(record.to_mapping(self.application))
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            failure = self._store_error("could not be saved to", error, hint=_IN_MEMORY if record.token else None)
            self._save_due = self.clock() + TRY_AGAIN
            self._remember(record, unsaved=True)
        else:
            self._replaced, self._seen = self._seen, (record.refresh_token, record.access_token)
            self._save_due = None
            self._remember(record, unsaved=False)
            return
        raise failure

    def _note(self, record: Record) -> None:
        """Save bookkeeping; when that fails the work goes on, and memory remembers."""
        self._remember(record, unsaved=True)
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
                self._note(change(self._snapshot.record))
        except ZohoAuthError as error:
            logger.debug("This is known to this process only: %s", error)

    def _store_error(self, what: str, error: Exception | None = None, hint: str | None = None) -> TokenStoreError:
        region = self.application.region.code
        if isinstance(error, TokenStoreError):
            return TokenStoreError(error.message, region=region, hint=error.hint or hint)
        why = "" if error is None else f": {_described(error)}"
        return TokenStoreError(f"{_name(self.store)} {what}{why} (region {region}).", region=region, hint=hint)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_holder": None}


class BusyError(ZohoAuthError):
    """Somebody else holds a lock that nobody was to wait for."""


class _Never:
    """What a store held when it has not been read yet; unlike an object(), itself after pickling."""

    def __reduce__(self) -> str:
        return "NEVER"


NEVER = _Never()
_IN_MEMORY = "The new token stays in use in memory, and saving it is tried again by the calls that follow."


def wall_clock() -> float:
    """Return epoch seconds; looked up anew each time, so that tools which freeze time in tests reach it."""
    return time.time()


def _ours(store: object) -> bool:
    return type(store).__module__.startswith("requests_zohorecruit.")


def _name(store: object) -> str:
    # Other people's repr may show a password.
    return repr(store) if _ours(store) else f"The token store {type(store).__name__}"


def _described(error: Exception) -> str:
    text = f" ({os.strerror(error.errno)})" if isinstance(error, OSError) and error.errno else ""
    return f"{type(error).__name__}{text}"
