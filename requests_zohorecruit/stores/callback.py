"""`CallbackStore`: the user's own functions load and save the record.

Of the record's content it knows only which keys belong to the token.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, TypeAlias

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores.base import SharedByCopies, check_functions, refuse_awaitable
from requests_zohorecruit.stores.errors import guarded
from requests_zohorecruit.thread_locks import ThreadLock
from requests_zohorecruit.zoho.token import TOKEN_KEYS

__all__ = ["CallbackStore"]

_Lock: TypeAlias = Callable[[float], AbstractContextManager[object]]


class CallbackStore(SharedByCopies):
    """Calls plain functions with the record, a dict.

    Without `load` it works like requests-oauthlib's ``token_updater``. The last record is kept in memory, and `save` is
    called when the token changes or is revoked, but not for bookkeeping.

    :param save: takes the record; its return value is ignored
    :param load: returns the record as last saved (any mapping), or None when there is none
    :param lock: takes a timeout in seconds and returns a context manager that is exclusive among all users of the
        record, and raises TimeoutError on entering if the lock was not acquired. None = a lock between the threads that
        share this object, so several processes may mint one token each
    :raises TypeError: an argument cannot be called, or is a coroutine or generator function
    """

    def __init__(
        self,
        save: Callable[[dict[str, Any]], object],
        load: Callable[[], Mapping[str, Any] | None] | None = None,
        lock: _Lock | None = None,
    ) -> None:
        for name, function in (("save", save), ("load", load), ("lock", lock)):
            if not callable(function) and (name == "save" or function is not None):
                raise TypeError(f"{name} must be a function, not {type(function).__name__}")
        check_functions("CallbackStore", save=save, load=load, lock=lock)
        self._save = save
        self._load = load
        self._lock = lock
        self._own_lock = ThreadLock()
        self._record: dict[str, Any] | None = None
        self.in_memory = load is None

    @guarded("loaded")
    def load(self) -> dict[str, Any] | None:
        """Return the result of the user's `load` or, without one, a copy of the record saved last.

        :raises TokenStoreError: `load` raised an exception, or returned neither a mapping nor None
        """
        found = self._record if self._load is None else self._load()
        if found is None:
            return None
        refuse_awaitable(found, "load", repr(self))
        if not isinstance(found, Mapping):
            raise TokenStoreError(f"{self!r} could not be loaded: it returned {type(found).__name__}, not a mapping.")
        return copy.deepcopy(dict(found))

    def remember(self, record: Mapping[str, Any]) -> None:
        """Set the initial record of a store without `load`, so that `save` is called only for newer ones."""
        if self._load is None and self._record is None:
            self._record = copy.deepcopy(dict(record))

    @guarded("saved")
    def save(self, record: Mapping[str, Any]) -> None:
        """Pass a copy of the record to the user's `save`.

        :raises TokenStoreError: `save` raised an exception or returned an awaitable. The record does not count as saved
            then, so the next attempt calls `save` again
        """
        kept = copy.deepcopy(dict(record))
        if self._load is not None or _read_token(kept) != _read_token(self._record or {}):
            refuse_awaitable(self._save(copy.deepcopy(kept)), "save", repr(self))
        if self._load is None:
            self._record = kept

    def lock(self, timeout: float) -> AbstractContextManager[None]:
        """Hold the user's lock or, without one, a lock between the threads that share this object.

        :param timeout: in seconds; 0 = do not wait
        :raises TimeoutError: on entering, if the lock was not acquired in time
        :raises TokenStoreError: the user's lock raised something else, or is not a context manager
        """
        if self._lock is None:
            return self._own_lock.hold(timeout, of=self)
        return self._hold(self._lock, timeout)

    @contextmanager
    def _hold(self, lock: _Lock, timeout: float) -> Iterator[None]:
        held = self._enter(lock, timeout)
        try:
            yield
        except BaseException as error:
            with suppress(TokenStoreError):  # the block's own error is more useful than one from cleaning up
                self._leave(held, error)
            raise
        self._leave(held, None)

    @guarded("locked", TimeoutError)
    def _enter(self, lock: _Lock, timeout: float) -> AbstractContextManager[object]:
        held = lock(timeout)
        refuse_awaitable(held, "lock", repr(self))
        if not isinstance(held, AbstractContextManager):
            raise TokenStoreError(f"{self!r} could not be locked: its lock is not a context manager.")
        held.__enter__()
        return held

    @guarded("unlocked")
    def _leave(self, held: AbstractContextManager[object], error: BaseException | None) -> None:
        # A database transaction as lock must know whether to roll back.
        held.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)

    def __repr__(self) -> str:
        functions = (self._save, self._load, self._lock)
        return f"CallbackStore({', '.join(_name_function(each) for each in functions if each)})"


def _read_token(record: Mapping[str, Any]) -> list[Any]:
    # Without an access token a token_updater has nothing to use, except after a revocation, when that is the news.
    return [record.get(key) for key in TOKEN_KEYS] if record.get("access_token") else []


def _name_function(function: Callable[..., object]) -> str:
    # Never repr(): for a partial or a bound method it shows the bound objects.
    return getattr(function, "__qualname__", type(function).__name__)
