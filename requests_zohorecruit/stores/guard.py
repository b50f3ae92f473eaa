"""The border between a store and its callers: whatever a driver raises leaves as a `TokenStoreError` without secrets.

Knows nothing of any particular driver, and what a record holds only as far as JSON goes.
"""

from __future__ import annotations

import errno
import functools
import json
import logging
import math
import os
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from requests_zohorecruit.errors import TokenStoreError

__all__ = ["FILE_HINTS", "MAX_RECORD_BYTES", "decode", "encode", "guarded"]

_log = logging.getLogger(__name__)

#: A record is a few hundred bytes. More than this is not a record, and reading it could exhaust the memory.
MAX_RECORD_BYTES = 1 << 20

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


def encode(record: Mapping[str, Any], store: object) -> str:
    """Return the record as JSON, in ASCII.

    :param store: who wants to save it, for the message
    :raises TokenStoreError: it holds something JSON has no form for (also NaN and infinity)
    """
    try:
        return json.dumps(dict(record), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise TokenStoreError(
            f"{store!r} could not be saved: the record is not JSON-serialisable.", hint="What was stored is unchanged."
        ) from None


def decode(data: str | bytes, store: object) -> dict[str, Any]:
    """Return the record that `encode` made, or that somebody else wrote as a JSON object in UTF-8.

    :param store: who read it, for the message
    :raises TokenStoreError: it is anything else
    """
    try:
        # Measured before it is parsed: what is no record must not cost memory and time either.
        record = _parsed(data) if len(data) <= MAX_RECORD_BYTES else None
    except (ValueError, RecursionError):
        record = None
    if isinstance(record, dict):
        return record
    raise TokenStoreError(
        f"{store!r} holds something that is not a token record (a JSON object in UTF-8 of at most 1 MiB).",
        hint="Nothing was changed: restore it from a backup, or move it away and authorize again.",
    )


def _parsed(data: str | bytes) -> object:
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    return json.loads(text, parse_float=_finite, parse_constant=_finite)


def _finite(number: str) -> float:
    # Python also reads NaN, Infinity and 1e999. `encode` refuses what comes of them, so the record could not be saved.
    value = float(number)
    if not math.isfinite(value):
        raise ValueError
    return value
