"""The border between a store and its callers: whatever a driver raises leaves as a `TokenStoreError` without secrets.

Knows nothing of any particular driver, nor of what a record holds.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import traceback
from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

from requests_zohorecruit.errors import TokenStoreError

__all__ = ["FILE_HINTS", "guarded"]

_log = logging.getLogger(__name__)

FILE_HINTS = {
    errno.EBUSY: "It looks mounted by itself, as Docker does with a single file: mount its directory instead.",
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "The file is replaced as a whole and locked by a file beside it, so its directory must be writable.",
    ),
}

_Store = TypeVar("_Store")
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_Method: TypeAlias = Callable[Concatenate[_Store, _Given], _Result]


def guarded(
    doing: str, *passing: type[Exception], hints: Mapping[int, str] | None = None
) -> Callable[[_Method[_Store, _Given, _Result]], _Method[_Store, _Given, _Result]]:
    """Decorate a store's method so that it raises `TokenStoreError` only.

    Drivers put passwords into messages and `JSONDecodeError` carries the whole document, so the text of the cause is
    left out and the cause is neither chained nor reachable through the traceback, whose frames hold the record.

    :param doing: past participle for the message: "could not be *loaded*"
    :param passing: exceptions that are part of the method's own promise
    :param hints: errno of an OSError -> what to do about it
    """
    advice = hints or {}
    wanted: tuple[type[Exception], ...] = (TokenStoreError, *passing)

    def decorate(method: _Method[_Store, _Given, _Result]) -> _Method[_Store, _Given, _Result]:
        @functools.wraps(method)
        def call(store: _Store, /, *args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            failure: Exception
            try:
                return method(store, *args, **kwargs)
            except wanted as error:
                failure = error
            except Exception as cause:  # noqa: BLE001 - drivers raise what they like; that is what this is here for
                _log.debug("%r could not be %s\n%s", store, doing, "".join(traceback.format_tb(cause.__traceback__)))
                number = getattr(cause, "errno", None) or 0
                failure = TokenStoreError(
                    f"{store!r} could not be {doing}: {_describe(cause)}.", hint=advice.get(number)
                )
            del args, kwargs
            failure.__cause__ = failure.__context__ = None
            try:
                raise failure.with_traceback(None)
            finally:
                del failure

        return call

    return decorate


def _describe(cause: Exception) -> str:
    kind = type(cause).__name__
    if isinstance(cause, OSError) and cause.errno:
        return f"{os.strerror(cause.errno)} ({kind})"
    return kind
