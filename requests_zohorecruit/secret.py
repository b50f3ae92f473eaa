"""Text that must not be shown: a `str` whose repr hides it, and the fingerprint that may be shown instead.

Knows nothing of tokens or Zoho. It is the second line of defence: error messages and logs never contain secrets in the
first place; this keeps them out of tracebacks printed with local variables, debuggers and dumps of dictionaries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar, cast

__all__ = ["Secret", "checked_secret", "fingerprint", "veil"]

_Value = TypeVar("_Value")


class Secret(str):
    """A string equal to the plain one in every way but its repr, which shows a fingerprint only."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<secret {fingerprint(self)}>"


class _VeiledDict(dict[str, Any]):
    """A dict equal to the plain one in every way but its repr, which shows nothing of it."""

    def __repr__(self) -> str:
        return f"<{len(self)} values, not shown>"


def veil(value: _Value) -> _Value:
    """Return text or a mapping as an equal one whose repr does not show it; anything else as it is.

    What a function is given stays in its frame, so its first line veils what a traceback must not show.
    """
    if isinstance(value, str):
        return cast("_Value", Secret(value))
    return cast("_Value", _VeiledDict(value)) if isinstance(value, Mapping) else value


def fingerprint(secret: str) -> str:
    """Return ``#`` and eight hex digits that tell secrets apart without revealing them (SHA-256, truncated)."""
    return "#" + hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def checked_secret(name: str, value: object) -> Secret:
    """Return `value` as a `Secret` when it can be a credential: printable ASCII without spaces (RFC 6749, appendix A).

    :raises TypeError: not a string
    :raises ValueError: empty, or with a character that no credential has; the value is not shown
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    value = Secret(value)
    if not value:
        raise ValueError(f"{name} is empty")
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise ValueError(f"{name} contains a space, line break or other character that no {name} has: a stray paste?")
    return value
