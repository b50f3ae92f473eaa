"""The protocol of a token store: it keeps one JSON-serialisable mapping and can be locked.

Knows nothing about tokens, Zoho or HTTP.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from requests_zohorecruit.errors import TokenStoreError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SharedByCopies", "TokenStore", "check_functions", "refuse_awaitable"]

_log = logging.getLogger(__name__)


@runtime_checkable
class TokenStore(Protocol):
    """Stores a grant, so that all processes that use it share the same one.

    `requests_zohorecruit.testing.TokenStoreContract` tests your own store against everything stated here.
    """

    def load(self) -> Mapping[str, Any] | None:
        """Return the record, or None when there is none. Must not wait for the holder of the lock.

        The caller may modify the returned mapping without changing the stored record.
        """

    def save(self, record: Mapping[str, Any]) -> None:
        """Replace the record atomically. Called with the lock held.

        Unknown keys must be kept. Keys of the previous record that are missing from the new one must be gone.
        """

    def lock(self, timeout: float) -> AbstractContextManager[object]:
        """Return a context manager that is exclusive among all users of this record, and not re-entrant.

        A holder that dies must lose the lock within a bounded time.

        :param timeout: how long entering may wait, in seconds; 0 = do not wait
        :raises TimeoutError: on entering, if the lock was not acquired in time
        """


class SharedByCopies:
    """Base of stores whose copies are the store itself, so that copies of an auth object share its grant (T97).

    :cvar in_memory: whether a pickled copy has its own record; pickling then logs a warning, once
    """

    in_memory = False
    _complained = False

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        if self.in_memory and not self._complained:
            self._complained = True
            _log.warning(
                "A pickled %r is a copy that shares nothing: each process that gets one mints access tokens of its "
                "own, until Zoho locks the grant out. Use FileStore, or another store that processes share.",
                self,
            )
        return self.__dict__


def check_functions(owner: str, **functions: object) -> None:
    """Refuse coroutine and generator functions, which do nothing when called: nothing awaits or iterates the result.

    :param owner: what the functions belong to, for the message
    :param functions: load, save and lock; None if absent
    :raises TypeError: a function is a coroutine function, or contains ``yield``
    """
    for name, function in functions.items():
        bare = function
        while isinstance(bare, functools.partial):
            bare = bare.func
        for each in (bare, getattr(type(bare), "__call__", None)):  # noqa: B004 - an object may have an async one
            if inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each):
                raise TypeError(
                    f"{name} of {owner} must be a plain function, not a coroutine function: nothing awaits it"
                )
            if inspect.isgeneratorfunction(each):
                cure = ": decorate it with contextlib.contextmanager" if name == "lock" else ""
                raise TypeError(f"{name} of {owner} must not be a generator function{cure}")


def refuse_awaitable(result: object, method: str, owner: str) -> None:
    """Refuse a coroutine, future or generator, which a function returned instead of doing its work.

    :raises TokenStoreError: `result` is one
    """
    if inspect.isawaitable(result) or inspect.isasyncgen(result) or inspect.isgenerator(result):
        if inspect.iscoroutine(result):
            result.close()  # or Python warns that it was never awaited
        raise TokenStoreError(
            f"{owner} is not synchronous: its {method} returned a {type(result).__name__}, which nothing awaits.",
            hint="Give it a plain function that returns when the work is done, as one with asyncio.run(…) does.",
        )
