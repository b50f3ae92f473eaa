"""Formats tracebacks that are safe to share: without the messages of errors from other libraries.

Such a message may contain anything, for example a proxy's password.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from requests_zohorecruit.errors import ZohoAuthError

__all__ = ["format_traceback"]


def format_traceback(error: BaseException) -> str:
    """Return the traceback of an error, after those of the errors that caused it."""
    return "\n".join(_format_parts(error, set()))


def _format_parts(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _format_parts(before, seen)
        yield "\nwhich led to:\n"
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    text = f": {error.message}" if isinstance(error, ZohoAuthError) else " (its text is not shown)"
    yield f"{type(error).__module__}.{type(error).__qualname__}{text}"
