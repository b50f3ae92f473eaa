"""The engine's view of a token store: loads and saves a `Record`, and turns a store's exceptions into ours.

Knows nothing about memory, threads or when to refresh.
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
    """A lock is held, and the caller asked not to wait for it."""


class BusyHereError(BusyError):
    """The lock is held by a thread of this process, so its result will be visible to all threads here."""


class UnlockError(TokenStoreError):
    """The lock could not be released. If the lock is a transaction, the save may have been rolled back."""


class StoredRecord:
    """Loads, saves and locks the record of one application in one store."""

    def __init__(self, application: Application, store: TokenStore) -> None:
        self._application = application
        self._store = store
        self._complained: set[str] = set()

    def load(self, now: float = math.inf) -> Record | None:
        """Return the record, or None when there is none. Each kind of invalid bookkeeping is logged once.

        :param now: epoch seconds, to detect impossible times
        :raises TokenStoreError: the record could not be read, is damaged, or belongs to another client or region
        """
        try:
            mapping = self._store.load()
            refuse_awaitable(mapping, "load", name_store(self._store))
            if not (mapping is None or isinstance(mapping, Mapping)):
                raise TypeError  # noqa: TRY301 - reported like any other fault of a store
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
        """Replace the stored record.

        :raises TokenStoreError: saving failed
        """
        try:
            done = self._store.save(record.to_mapping(self._application))  # type: ignore[func-returns-value]
            refuse_awaitable(done, "save", name_store(self._store))
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            failure = self._translate(error, "saved")
            if record.token and not failure.hint:
                failure.hint = "The new token stays in use in memory, and later calls try to save it again."
            raise failure from None

    @contextmanager
    def lock(self, left: float, timeout: float) -> Iterator[None]:
        """Hold the store's lock.

        :param left: seconds that entering may still wait
        :param timeout: seconds the caller was willing to wait in total; 0 = do not wait
        :raises BusyError: the lock is held, and `timeout` is 0
        :raises UnlockError: on leaving, when the lock could not be released
        :raises TokenStoreError: the lock was not acquired
        """
        lock = self._enter(left, timeout)
        try:
            yield
        except BaseException as error:
            # A refresh that Zoho refused must not roll back a lock that is a transaction: it contains the record of
            # the refusal.
            kept = isinstance(error, ZohoAuthError) and not isinstance(error, TokenStoreError)
            with suppress_errors(Exception):  # the block's own error is more useful than one from cleaning up
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
        """Return the error for a lock that was not acquired within `timeout` seconds; one of class `busy` if it is 0.

        :param waited: seconds actually waited, where that differs from `timeout`
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
            # Report the actual wait, not the timeout: a lock may have a shorter limit of its own.
            waited = timeout - left + time.monotonic() - started
            raise self.not_locked(timeout, why, waited=waited) from None
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            raise self._translate(error, "locked") from None
        return lock

    def _complain(self, key: str) -> None:
        if key not in self._complained:
            self._complained.add(key)
            message = "%s returned a record with an impossible %s, which is ignored. Times are in epoch seconds."
            logger.warning(message, name_store(self._store), key)

    def _translate(self, error: Exception, doing: str) -> TokenStoreError:
        pass_interruption(error)
        failure = translate(error, name_store(self._store), doing, {})
        failure.region = self._application.region.code
        return failure
