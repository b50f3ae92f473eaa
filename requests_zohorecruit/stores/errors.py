"""Errors of stores: turns each error that a driver raises into a `TokenStoreError` without secrets.

Knows the error codes of drivers, but imports none of them. Knows nothing about a record's content.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import re
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.secret import clears_frames

__all__ = ["FILE_HINTS", "describe", "expand_home", "find_code", "guarded", "is_ours", "name_store", "translate"]

_log = logging.getLogger(__name__)

FILE_HINTS = {
    errno.EBUSY: "It looks mounted by itself, as Docker does with a single file: mount its directory instead.",
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "The file is replaced as a whole and locked by a file beside it, so its directory must be writable.",
    ),
}

_NO_DIRECTORY = "A part of its path is a file, where a directory should be."

#: Hint -> the drivers' error codes, and fragments of their messages (in lower case) where they give no code.
_HINTS = {
    "The server refused the login: check user, password and the server's access rules.": [
        "SQLSTATE 28P01", "SQLSTATE 28000", "error 1045", "NOAUTH", "WRONGPASS", "password authentication failed",
        "authentication required", "username-password pair", "no pg_hba.conf entry",
    ],
    "This user may connect but not do this: grant it SELECT, INSERT and UPDATE, or the Redis commands and keys.": [
        "SQLSTATE 42501", "error 1142", "NOPERM", "no permissions to",
    ],
    "Another session holds a lock on the row, the table or the database; find and end it.": [
        "SQLSTATE 55P03", "error 1205", "SQLITE_BUSY", "SQLITE_LOCKED", "database is locked",
    ],
    "The database took too long; look for locks, a slow disk or a standby that does not answer.": ["SQLSTATE 57014"],
    "The server has no connection left: close idle ones, or raise its limit.": [
        "SQLSTATE 53300", "error 1040", "too many clients", "connection slots", "max number of clients",
    ],
    "This server is a read-only replica, or set to read-only: use the primary's address.": [
        "SQLSTATE 25006", "error 1290", "READONLY", "SQLITE_READONLY", "read only replica",
    ],
    "Redis is out of memory: raise maxmemory, or remove other keys.": ["OOM", "used memory >"],
    "The server does not answer in time or accepts no connections: check its address, and whether it is running.": [
        "SQLSTATE 57P03", "error 2003", "error 2013", "connection refused", "timed out", "timeout",
        "loading the dataset", "server closed the connection",
    ],
}  # fmt: skip

_Method = TypeVar("_Method", bound=Callable[..., Any])


def guarded(
    doing: str, *passing: type[Exception], hints: Mapping[int, str] | None = None
) -> Callable[[_Method], _Method]:
    """Decorate a store's method so that it raises only `TokenStoreError`, and no error shows the record.

    An exception from a signal handler passes unchanged (T71): the caller's time limit is not an error of the driver.

    :param doing: past participle for the message: "could not be *loaded*"
    :param passing: exceptions that are part of the method's contract
    :param hints: errno of an OSError -> what to do about it
    """
    promised: tuple[type[Exception], ...] = (TokenStoreError, *passing)

    def decorate(method: _Method) -> _Method:
        @clears_frames
        @functools.wraps(method)
        def call(store: object, /, *args: Any, **kwargs: Any) -> Any:
            try:
                return method(store, *args, **kwargs)
            except Exception as cause:
                pass_interruption(cause)
                if isinstance(cause, promised):
                    raise
                _log.debug("%r could not be %s\n%s", store, doing, "".join(traceback.format_tb(cause.__traceback__)))
                raise translate(cause, repr(store), doing, hints or {}) from None

        return cast("_Method", call)

    return decorate


def translate(cause: Exception, name: str, doing: str, hints: Mapping[int, str]) -> TokenStoreError:
    """Return the error for a store's exception, without its text, which may contain a password.

    :param name: the store's name for the message
    :param doing: past participle for the message, as above
    """
    if isinstance(cause, TokenStoreError):
        return cause
    hint = {errno.ENOTDIR: _NO_DIRECTORY, **hints}.get(_read_number(cause)) or _suggest(cause)
    return TokenStoreError(f"{name} could not be {doing}: {describe(cause)}.", hint=hint)


def name_store(store: object) -> str:
    """Return a store's name for messages. The repr of a store that is not ours might show a password."""
    return repr(store) if is_ours(store) else f"The token store {type(store).__name__}"


def is_ours(store: object) -> bool:
    """Return whether the store's class is part of this library."""
    return type(store).__module__.startswith("requests_zohorecruit.")


def describe(cause: Exception) -> str:
    """Return the parts of a driver's error that are safe to show: its class and error code, but never its text."""
    kind, driver = type(cause).__name__, _unwrap(cause)
    if isinstance(cause, OSError) and (number := _read_number(cause)):
        return f"{os.strerror(number)} ({kind})"
    shown = ", ".join(each for each in (type(driver).__name__, find_code(cause)) if each not in {"", kind})
    return f"{kind} ({shown})" if shown else kind


def find_code(cause: Exception) -> str:
    """Return the driver's error code, or "" if there is none: SQLSTATE 28P01, error 1045, SQLITE_BUSY, WRONGTYPE."""
    driver = _unwrap(cause)
    first = driver.args[0] if driver.args else ""
    family = type(driver).__module__.partition(".")[0]
    if family in {"redis", "valkey"}:
        prefix, form, code = "", "[A-Z]{3,20}", str(first).partition(" ")[0]
    elif family in {"pymysql", "MySQLdb"}:
        prefix, form, code = "error ", "[0-9]{3,5}", str(first)
    elif family == "sqlite3":
        prefix, form, code = "", "SQLITE_[A-Z_]{2,40}", getattr(driver, "sqlite_errorname", "")  # from Python 3.11 on
    else:
        state = getattr(driver, "sqlstate", None) or getattr(driver, "pgcode", None)
        prefix, form, code = "SQLSTATE ", "[0-9A-Z]{5}", str(first.get("C") if isinstance(first, dict) else state)
    return prefix + code if re.fullmatch(form, code) else ""


def _read_number(cause: Exception) -> int:
    """Return the errno of an error, or 0: `OSError` accepts any first argument of two as its errno, unchecked."""
    number = getattr(cause, "errno", None)
    return number if isinstance(number, int) and number in errno.errorcode else 0


def _unwrap(cause: Exception) -> BaseException:
    """Return the driver's own error, which SQLAlchemy wraps."""
    driver = getattr(cause, "orig", None)
    return driver if isinstance(driver, BaseException) else cause


def _suggest(cause: Exception) -> str | None:
    """Return a hint for a driver's error. Its text is searched, never shown, because not every driver gives a code."""
    code, text = find_code(cause), str(_unwrap(cause)).lower()
    for hint, signs in _HINTS.items():
        if any(sign == code or sign in text for sign in signs):
            return hint
    return None


def expand_home(find: Callable[[], Path], hint: str) -> Path:
    """Return the path from `find`, with ``~`` replaced by the user's home directory.

    :param hint: what to do if there is no home directory, for example for a user missing from the password database
    :raises TokenStoreError: there is no home directory
    """
    try:
        return find().expanduser()  # older versions of platformdirs leave ``~`` in their paths
    except RuntimeError:
        raise TokenStoreError("This user has no home directory.", hint=hint) from None
