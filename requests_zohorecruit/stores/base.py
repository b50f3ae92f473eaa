"""What a token store is.

Knows nothing of tokens, Zoho or HTTP: a store keeps one JSON-serialisable mapping and can be locked.
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
    """Where a grant is kept, so that all its users see the same one.

    `requests_zohorecruit.testing.TokenStoreContract` checks a store of your own against all that is said here.
    """

    def load(self) -> Mapping[str, Any] | None:
        """Return the record, or None when there is none. Never waits for a holder of the lock.

        The caller may change what it gets; that does not change what is stored.
        """

    def save(self, record: Mapping[str, Any]) -> None:
        """Replace the record, all or nothing. Called with the lock held.

        Keys the store does not know are kept, and keys of the former record that are missing now are gone.
        """

    def lock(self, timeout: float) -> AbstractContextManager[object]:
        """Return a context manager that is exclusive among all users of this record, and not re-entrant.

        A holder that dies must lose the lock within a bounded time.

        :param timeout: how long entering it may wait, in seconds; 0 = do not wait
        :raises TimeoutError: on entering, when it was not obtained in time
        """


class SharedByCopies:
    """A store whose copies are the store itself, so that copies of an auth share its grant (T97).

    :cvar in_memory: whether a pickled copy has a record of its own; pickling says so in the log, once
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
    """Refuse functions that would do nothing when they are called, since nothing awaits or iterates what they return.

    :param owner: what the message calls the whole
    :param functions: load, save and lock; None = there is none
    :raises TypeError: one of them is a coroutine function, or a function with ``yield``
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
    """Refuse what a function has returned instead of doing its work: a coroutine, a future, a generator.

    :raises TokenStoreError: it is one
    """
    if inspect.isawaitable(result) or inspect.isasyncgen(result) or inspect.isgenerator(result):
        if inspect.iscoroutine(result):
            result.close()  # or Python warns that it was never awaited
        raise TokenStoreError(
            f"{owner} is not synchronous: its {method} returned a {type(result).__name__}, which nothing awaits.",
            hint="Give it a plain function that returns when the work is done, as one with asyncio.run(…) does.",
        )
