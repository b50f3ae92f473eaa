"""A token store as the engine sees it: it keeps a `Record`, and what goes wrong with it leaves as one of our errors.

Knows nothing of memory, threads or when to refresh.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.errors import TokenStoreError, ZohoAuthError
from requests_zohorecruit.interruptions import pass_interruption, suppress_errors
from requests_zohorecruit.stores.base import TokenStore, refuse_awaitable
from requests_zohorecruit.stores.errors import is_ours, name_store, translate
from requests_zohorecruit.zoho.application import Application

__all__ = ["BusyError", "BusyHereError", "StoredRecord", "UnlockError"]

logger = logging.getLogger("requests_zohorecruit")


class BusyError(ZohoAuthError):
    """A lock is held, and the caller was not to wait for it."""


class BusyHereError(BusyError):
    """Its holder is a thread of this process, and what that finds out all threads know at once."""


class UnlockError(TokenStoreError):
    """The lock could not be given back. Where it is a transaction, what was saved may be gone with it."""


class StoredRecord:
    """Loads, saves and locks the record of one application.

    :param application: whose record it must be
    :param store: where it is kept
    """

    def __init__(self, application: Application, store: TokenStore) -> None:
        self._application = application
        self._store = store
        self._complained: set[str] = set()

    def load(self, now: float = math.inf) -> Record | None:
        """Return the record, or None when there is none. What is wrong with its bookkeeping is logged, once.

        :param now: epoch seconds, from which times that cannot be are told
        :raises TokenStoreError: it could not be read, is damaged, or belongs to another client or region
        """
        try:
            mapping = self._store.load()
            refuse_awaitable(mapping, "load", name_store(self._store))
            if not (mapping is None or isinstance(mapping, Mapping)):
                raise TypeError  # noqa: TRY301 - told like anything else a store does wrong
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            raise self._translate(error, "loaded") from None
        try:
            record = None if mapping is None else Record.from_mapping(mapping, self._application, self._complain)
        except TokenStoreError as error:
            pass_interruption(error)
            error.message = f"{name_store(self._store)}: {error.message}"
            raise
        believed = record and record.believed(now)
        if record and believed and record != believed:
            self._complain("expires_at" if record.token != believed.token else "granted_at")
        return believed

    def save(self, record: Record) -> None:
        """Replace the record.

        :raises TokenStoreError: it failed
        """
        try:
            done = self._store.save(record.to_mapping(self._application))  # type: ignore[func-returns-value]
            refuse_awaitable(done, "save", name_store(self._store))
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            failure = self._translate(error, "saved")
            if record.token and not failure.hint:
                failure.hint = _IN_MEMORY
            raise failure from None

    @contextmanager
    def lock(self, left: float, timeout: float) -> Iterator[None]:
        """Hold the store's lock.

        :param left: how long entering may wait, in seconds
        :param timeout: how long the caller was willing to wait at first; 0 = not at all
        :raises BusyError: it is held, and `timeout` is 0
        :raises UnlockError: on leaving
        :raises TokenStoreError: it was not obtained
        """
        lock = self._enter(left, timeout)
        try:
            yield
        except BaseException as error:
            # To the store, a refresh that Zoho refused is no failure: a transaction as lock has the refusal to keep.
            kept = isinstance(error, ZohoAuthError) and not isinstance(error, TokenStoreError)
            with suppress_errors(Exception):  # the error of the block says more than one of cleaning up after it
                lock.__exit__(*((None, None, None) if kept else (type(error), error, error.__traceback__)))
            raise
        try:
            lock.__exit__(None, None, None)
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            failure = self._translate(error, "unlocked")
            raise UnlockError(failure.message, region=failure.region, hint=failure.hint) from None

    def not_locked(
        self, timeout: float, why: str, *, busy: type[BusyError] = BusyError, waited: float | None = None
    ) -> ZohoAuthError:
        """Return the error for a lock that was not obtained within `timeout` seconds: of the kind `busy` if 0.

        :param waited: seconds, where the lock was given up earlier than that
        """
        if not timeout:
            return busy(why)
        seconds = round(timeout if waited is None else waited, 1)
        region, store = self._application.region.code, name_store(self._store)
        return TokenStoreError(
            f"{store} could not be locked within {seconds:g} s: {why.rstrip('.')} (region {region}).", region=region
        )

    def _enter(self, left: float, timeout: float) -> AbstractContextManager[object]:
        started = time.monotonic()
        try:
            lock = self._store.lock(left)
            refuse_awaitable(lock, "lock", name_store(self._store))
            lock.__enter__()
        except TimeoutError as error:
            pass_interruption(error)
            why = str(error) if is_ours(self._store) else "its lock is held"
            # Not what was allowed: a lock may have a limit of its own.
            waited = timeout - left + time.monotonic() - started
            raise self.not_locked(timeout, why, waited=waited) from None
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            raise self._translate(error, "locked") from None
        return lock

    def _complain(self, key: str) -> None:
        if key not in self._complained:
            self._complained.add(key)
            message = "%s gave back a record whose %s cannot be right; it is not used. Times are in epoch seconds."
            logger.warning(message, name_store(self._store), key)

    def _translate(self, error: Exception, doing: str) -> TokenStoreError:
        pass_interruption(error)
        failure = translate(error, name_store(self._store), doing, {})
        failure.region = self._application.region.code
        return failure


_IN_MEMORY = "The new token stays in use in memory, and saving it is tried again by the calls that follow."
