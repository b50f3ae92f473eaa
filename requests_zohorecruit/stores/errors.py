"""Errors of stores: each error that a driver raises reaches the caller as a `TokenStoreError` without secrets.

Knows nothing of any particular driver, nor of what a record holds.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.secret import clears_frames

if TYPE_CHECKING:
    from typing import Concatenate, TypeAlias

__all__ = ["FILE_HINTS", "expand_home", "guarded", "is_ours", "name_store", "translate"]

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
_Method: TypeAlias = "Callable[Concatenate[_Store, _Given], _Result]"


def guarded(
    doing: str, *passing: type[Exception], hints: Mapping[int, str] | None = None
) -> Callable[[_Method[_Store, _Given, _Result]], _Method[_Store, _Given, _Result]]:
    """Decorate a store's method so that it raises `TokenStoreError` only, and no error shows the record.

    What a signal handler raises leaves as it came (T71): a time limit of the caller's is no error of the driver's.

    :param doing: past participle for the message: "could not be *loaded*"
    :param passing: exceptions that are part of the method's own promise
    :param hints: errno of an OSError -> what to do about it
    """
    promised: tuple[type[Exception], ...] = (TokenStoreError, *passing)

    def decorate(method: _Method[_Store, _Given, _Result]) -> _Method[_Store, _Given, _Result]:
        @clears_frames
        @functools.wraps(method)
        def call(store: _Store, /, *args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            try:
                return method(store, *args, **kwargs)
            except Exception as cause:
                pass_interruption(cause)
                if isinstance(cause, promised):
                    raise
                _log.debug("%r could not be %s\n%s", store, doing, "".join(traceback.format_tb(cause.__traceback__)))
                raise translate(cause, repr(store), doing, hints or {}) from None

        return call

    return decorate


def translate(cause: Exception, name: str, doing: str, hints: Mapping[int, str]) -> TokenStoreError:
    """Return the error for a store's exception, without its text, which may hold a password.

    :param name: what the message calls the store
    :param doing: past participle for the message, as above
    """
    if isinstance(cause, TokenStoreError):
        return cause
    number = getattr(cause, "errno", None) or 0
    return TokenStoreError(f"{name} could not be {doing}: {_describe(cause)}.", hint=hints.get(number))


def name_store(store: object) -> str:
    """Return what messages call a store. The repr of one that is not ours may show a password."""
    return repr(store) if is_ours(store) else f"The token store {type(store).__name__}"


def is_ours(store: object) -> bool:
    """Tell whether this library brings the store along."""
    return type(store).__module__.startswith("requests_zohorecruit.")


def _describe(cause: Exception) -> str:
    kind = type(cause).__name__
    if isinstance(cause, OSError) and cause.errno:
        return f"{os.strerror(cause.errno)} ({kind})"
    return kind


def expand_home(find: Callable[[], Path], hint: str) -> Path:
    """Return the path that `find` returns, with the user's home directory in the place of ``~``.

    :param hint: what to do where there is no home directory, as for a user without an entry in the password database
    :raises TokenStoreError: there is none
    """
    try:
        return find().expanduser()  # older versions of platformdirs leave ``~`` in their paths
    except RuntimeError:
        pass
    raise TokenStoreError("This user has no home directory.", hint=hint)
