"""A token store as the engine sees it: it keeps a `Record`, and what goes wrong with it leaves as one of our errors.

Owns the translation, since a store is other people's code; knows nothing of memory, threads or when to refresh.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress

from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.errors import TokenStoreError, ZohoAuthError
from requests_zohorecruit.secret import veil
from requests_zohorecruit.stores.base import TokenStore
from requests_zohorecruit.zoho.application import Application

__all__ = ["BusyError", "BusyHereError", "StoredRecord", "UnlockError"]


class BusyError(ZohoAuthError):
    """Somebody else holds a lock that nobody was to wait for."""


class BusyHereError(BusyError):
    """It is a thread of this process, and what that finds out all of them know at once."""


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

    def load(self) -> Record | None:
        """Return the record, or None when there is none.

        :raises TokenStoreError: it could not be read, or is damaged or somebody else's
        """
        try:
            mapping = veil(self._store.load())  # from here on it is in frames that tracebacks show
            if not (mapping is None or isinstance(mapping, Mapping)):
                raise TypeError  # noqa: TRY301 - told like anything else a store does wrong
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            failure = self._error("could not be read", error)
        else:
            return None if mapping is None else self._understood(mapping)
        raise failure

    def save(self, record: Record) -> None:
        """Replace the record.

        :raises TokenStoreError: it failed
        """
        try:
            self._store.save(record.to_mapping(self._application))
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            failure = self._error("could not be saved to", error, hint=_IN_MEMORY if record.token else None)
        else:
            return
        raise failure

    @contextmanager
    def lock(self, left: float, timeout: float) -> Iterator[None]:
        """Hold the store's lock.

        :param left: how long entering may wait, in seconds
        :param timeout: how long the caller was willing to wait at first; 0 = not at all
        :raises BusyError: somebody else holds it, and `timeout` is 0
        :raises UnlockError: on leaving
        :raises TokenStoreError: it was not to be had
        """
        lock = self._entered(left, timeout)
        try:
            yield
        except BaseException as error:
            # To the store, a refresh that Zoho refused is no failure: a transaction as lock has the refusal to keep.
            kept = isinstance(error, ZohoAuthError) and not isinstance(error, TokenStoreError)
            with suppress(Exception):  # the error of the block says more than one of cleaning up after it
                lock.__exit__(*((None, None, None) if kept else (type(error), error, error.__traceback__)))
            raise
        try:
            lock.__exit__(None, None, None)
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            failure = self._error("could not be unlocked", error, kind=UnlockError)
        else:
            return
        raise failure

    def not_locked(self, timeout: float, why: str, *, busy: type[BusyError] = BusyError) -> ZohoAuthError:
        """Return the error for a lock that was not to be had within `timeout` seconds: of the kind `busy` if 0."""
        if not timeout:
            return busy(why)
        return self._error(f"was not to be had within {timeout:.0f} s ({why.rstrip('.')})")

    def _entered(self, left: float, timeout: float) -> AbstractContextManager[object]:
        try:
            lock = self._store.lock(left)
            lock.__enter__()
        except TimeoutError as error:
            why = str(error) if self._is_ours else "its lock is held by somebody else"
            failure = self.not_locked(timeout, why)
        except Exception as error:  # noqa: BLE001 - a store is other people's code
            failure = self._error("could not be locked", error)
        else:
            return lock
        raise failure

    def _understood(self, mapping: Mapping[str, object]) -> Record:
        try:
            return Record.from_mapping(mapping, self._application)
        except TokenStoreError as error:
            error.message = f"{self._name}: {error.message}"
            raise

    def _error(
        self,
        what: str,
        error: Exception | None = None,
        *,
        hint: str | None = None,
        kind: type[TokenStoreError] = TokenStoreError,
    ) -> TokenStoreError:
        region = self._application.region.code
        if isinstance(error, TokenStoreError):
            return kind(error.message, region=region, hint=error.hint or hint)
        why = "" if error is None else f": {_described(error)}"
        return kind(f"{self._name} {what}{why} (region {region}).", region=region, hint=hint)

    @property
    def _is_ours(self) -> bool:
        return type(self._store).__module__.startswith("requests_zohorecruit.")

    @property
    def _name(self) -> str:
        # Other people's repr may show a password.
        return repr(self._store) if self._is_ours else f"The token store {type(self._store).__name__}"


_IN_MEMORY = "The new token stays in use in memory, and saving it is tried again by the calls that follow."


def _described(error: Exception) -> str:
    text = f" ({os.strerror(error.errno)})" if isinstance(error, OSError) and error.errno else ""
    return f"{type(error).__name__}{text}"
