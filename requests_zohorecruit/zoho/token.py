"""What a token is: one immutable value with an absolute expiry, and the windows in which it grows old.

Knows nothing of HTTP, stores or clocks: callers pass the time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

from requests_zohorecruit.secret import Secret, checked_secret, clears_frames, fingerprint

__all__ = ["LONGEST_LIFETIME", "SCHEME", "TOKEN_KEYS", "Token", "read_lifetime", "read_number", "split_scope"]

#: The scheme of the Authorization header, even if ``token_type`` says otherwise.
SCHEME = "Zoho-oauthtoken"
#: The keys of a token dict that are the token's.
TOKEN_KEYS = ("access_token", "refresh_token", "expires_at", "expires_in", "scope", "api_domain", "token_type")


#: Seconds an access token lives when Zoho does not say (www.zoho.com/accounts/protocol/oauth/ says one hour).
DEFAULT_LIFETIME = 3600
#: No Zoho access token lives longer than this: a larger ``expires_in`` is in milliseconds, and no token is believed to
#: be alive for longer than this from now on (T81).
LONGEST_LIFETIME = 86_400
#: Seconds before expiry from which a refresh is tried while other callers go on with the token.
ADVISORY_WINDOW = 300.0
#: Seconds before expiry from which the token is not sent any more.
MANDATORY_WINDOW = 30.0


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """An access token and what came with it.

    :ivar access_token: sent as ``Authorization: Zoho-oauthtoken …``
    :ivar refresh_token: the grant it was minted from, or None when unknown
    :ivar expires_at: end of its life in epoch seconds; 0.0 when unknown, which counts as expired
    :ivar expires_in: its lifetime as issued, in seconds
    :ivar scope: the scopes, as a tuple of strings
    :ivar api_domain: ``https://www.zohoapis.eu`` or the like, or None; Recruit does not live there
    :ivar token_type: what the server called it; the scheme sent is always ``Zoho-oauthtoken``
    """

    access_token: str
    refresh_token: str | None = None
    expires_at: float = 0.0
    expires_in: int = DEFAULT_LIFETIME
    scope: tuple[str, ...] = ()
    api_domain: str | None = None
    token_type: str = "Bearer"  # noqa: S105 - a word of RFC 6750, not a password

    def __post_init__(self) -> None:
        object.__setattr__(self, "access_token", checked_secret("access_token", self.access_token))
        if self.refresh_token is not None:
            object.__setattr__(self, "refresh_token", checked_secret("refresh_token", self.refresh_token))

    def __repr__(self) -> str:
        # str(): a debugger may show the token whose values are just being refused.
        values = {key: repr(getattr(self, key)) for key in TOKEN_KEYS}
        values["access_token"] = fingerprint(str(self.access_token))
        values["refresh_token"] = fingerprint(str(self.refresh_token)) if self.refresh_token else "None"
        return f"Token({', '.join(f'{key}={value}' for key, value in values.items())})"

    @classmethod
    @clears_frames
    def from_dict(cls, mapping: Mapping[str, Any]) -> Token:
        """Read the dict that requests-oauthlib uses; unknown keys are ignored, null and empty mean absent.

        Without ``expires_at`` the expiry is unknown and the token counts as expired: ``expires_in`` alone says how
        long it once lived, not since when.

        :raises ValueError: no ``access_token``, or a value that cannot be what its key says; never shows the value
        :raises TypeError: `mapping` is no mapping, or a token is no string
        """
        if not isinstance(mapping, Mapping):
            raise TypeError(f"a token dict must be a mapping, not {type(mapping).__name__}")
        if not mapping.get("access_token"):
            raise ValueError("the token dict has no access_token")
        return cls(
            access_token=mapping["access_token"],
            refresh_token=mapping.get("refresh_token") or None,
            expires_at=_parse_epoch(mapping.get("expires_at")),
            expires_in=read_lifetime(mapping),
            scope=split_scope(mapping.get("scope")),
            api_domain=_read_text("api_domain", mapping.get("api_domain")),
            token_type=_read_text("token_type", mapping.get("token_type")) or "Bearer",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the dict that requests-oauthlib uses: plain JSON types, absolute ``expires_at``, no null values."""
        values = {key: getattr(self, key) for key in TOKEN_KEYS}
        values["access_token"], values["scope"] = str(self.access_token), list(self.scope)
        values["refresh_token"] = str(self.refresh_token) if self.refresh_token else None
        return {key: value for key, value in values.items() if value is not None}

    @property
    def authorization(self) -> str:
        """The value of the Authorization header; its repr shows a fingerprint only."""
        return Secret(f"{SCHEME} {self.access_token}")

    @property
    def stale_at(self) -> float:
        """Epoch seconds from which a refresh is due: the last 5 minutes, or a quarter of a shorter life (T23)."""
        return self.expires_at - min(ADVISORY_WINDOW, self.expires_in / 4)

    @property
    def dead_at(self) -> float:
        """Epoch seconds from which it must not be sent: the last 30 seconds, or an eighth of a shorter life."""
        return self.expires_at - min(MANDATORY_WINDOW, self.expires_in / 8)


# The generated __init__ holds what it is given while __post_init__ refuses it.
Token.__init__ = clears_frames(Token.__init__)  # type: ignore[method-assign]


def read_lifetime(answer: Mapping[str, Any]) -> int:
    """Read the seconds a token lives from an answer: ``expires_in_sec`` if there, else ``expires_in``.

    Zoho's ``expires_in`` was milliseconds in the days when ``expires_in_sec`` stood beside it, and may come as a
    string. What cannot be read means one hour: a good token is not thrown away for its label (T17).
    """
    for key in ("expires_in_sec", "expires_in"):
        seconds = read_number(answer.get(key))
        if seconds is not None and seconds > LONGEST_LIFETIME:
            seconds /= 1000
        if seconds is not None and 1 <= seconds <= LONGEST_LIFETIME:
            return int(seconds)
    return DEFAULT_LIFETIME


def read_number(value: object) -> float | None:
    """Read a number as stores give it back: any type of number, `Decimal` included, or its digits as text or bytes.

    Returns None for everything else: a bool, NaN, infinity, and what no `float` can hold.
    """
    if isinstance(value, bool) or not isinstance(value, (Number, str, bytes)):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # complex numbers are numbers, too
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def split_scope(value: object) -> tuple[str, ...]:
    """Split scopes on commas and white space, or take them from a list: Zoho asks for one and echoes the other (T04).

    :raises ValueError: neither text nor a list of text
    """
    if value is None:
        return ()
    words = [value] if isinstance(value, str) else value
    if not (isinstance(words, (list, tuple, set, frozenset)) and all(isinstance(word, str) for word in words)):
        raise ValueError("scope is neither text nor a list of text")
    return tuple(dict.fromkeys(scope for word in words for scope in re.split(r"[,\s]+", word) if scope))


def _parse_epoch(value: object) -> float:
    if value is None or value == "":
        return 0.0
    seconds = read_number(value)
    if seconds is None:
        raise ValueError("expires_at is no number of epoch seconds")
    return seconds


def _read_text(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise ValueError(f"{name} is no text")
