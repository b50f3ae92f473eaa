"""Tracebacks to look at or send to others: where an error came from, without the text of errors that are not ours.

Knows nothing of commands. The message of another library's error may hold anything, a proxy's password for instance.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from requests_zohorecruit.errors import ZohoAuthError

__all__ = ["format_traceback"]


def format_traceback(error: BaseException) -> str:
    """Return the traceback of an error, and before it those of what led to it."""
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
