"""The token: an immutable value with an absolute expiry, and the windows that decide when it is refreshed.

Knows nothing about HTTP, stores or clocks: callers pass the time.
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
#: The keys of a token dict that belong to the token.
TOKEN_KEYS = ("access_token", "refresh_token", "expires_at", "expires_in", "scope", "api_domain", "token_type")


#: Lifetime of an access token in seconds if Zoho does not give one (www.zoho.com/accounts/protocol/oauth/: one hour).
DEFAULT_LIFETIME = 3600
#: No Zoho access token lives longer than this: a larger ``expires_in`` is in milliseconds, and an expiry further ahead
#: is not believed (T81).
LONGEST_LIFETIME = 86_400
#: Seconds before expiry from which one caller tries to refresh while the others continue with the token.
ADVISORY_WINDOW = 300.0
#: Seconds before expiry from which the token is no longer sent.
MANDATORY_WINDOW = 30.0


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """An access token, with the other values of its token response.

    :ivar access_token: sent as ``Authorization: Zoho-oauthtoken …``
    :ivar refresh_token: the refresh token it was minted from, or None if unknown
    :ivar expires_at: expiry in epoch seconds; 0.0 if unknown, which counts as expired
    :ivar expires_in: its lifetime as issued, in seconds
    :ivar scope: the scopes, as a tuple of strings
    :ivar api_domain: for example ``https://www.zohoapis.eu``, or None; Recruit is not served there
    :ivar token_type: the type in the response; the scheme sent is always ``Zoho-oauthtoken``
    """

    access_token: str
    refresh_token: str | None = None
    expires_at: float = 0.0
    expires_in: int = DEFAULT_LIFETIME
    scope: tuple[str, ...] = ()
    api_domain: str | None = None
    token_type: str = "Bearer"  # noqa: S105 - a term from RFC 6750, not a password

    def __post_init__(self) -> None:
        object.__setattr__(self, "access_token", checked_secret("access_token", self.access_token))
        if self.refresh_token is not None:
            object.__setattr__(self, "refresh_token", checked_secret("refresh_token", self.refresh_token))

    def __repr__(self) -> str:
        # str(), because a debugger may show a token whose values have just been refused.
        values = {key: repr(getattr(self, key)) for key in TOKEN_KEYS}
        values["access_token"] = fingerprint(str(self.access_token))
        values["refresh_token"] = fingerprint(str(self.refresh_token)) if self.refresh_token else "None"
        return f"Token({', '.join(f'{key}={value}' for key, value in values.items())})"

    @classmethod
    @clears_frames
    def from_dict(cls, mapping: Mapping[str, Any]) -> Token:
        """Parse a token dict of requests-oauthlib. Unknown keys are ignored; null and empty values count as absent.

        Without ``expires_at`` the expiry is unknown, and the token counts as expired: ``expires_in`` alone gives the
        lifetime, but not its start.

        :raises ValueError: there is no ``access_token``, or a value is malformed; the message never shows the value
        :raises TypeError: `mapping` is not a mapping, or a token is not a string
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
        """Return a token dict as requests-oauthlib uses it: JSON types, absolute ``expires_at``, no null values."""
        values = {key: getattr(self, key) for key in TOKEN_KEYS}
        values["access_token"], values["scope"] = str(self.access_token), list(self.scope)
        values["refresh_token"] = str(self.refresh_token) if self.refresh_token else None
        return {key: value for key, value in values.items() if value is not None}

    @property
    def authorization(self) -> str:
        """The value of the Authorization header. Its repr shows only a fingerprint."""
        return Secret(f"{SCHEME} {self.access_token}")

    @property
    def stale_at(self) -> float:
        """Epoch seconds from which a refresh is due: the last 5 minutes, or a quarter of a shorter life (T23)."""
        return self.expires_at - min(ADVISORY_WINDOW, self.expires_in / 4)

    @property
    def dead_at(self) -> float:
        """Epoch seconds from which it must not be sent: the last 30 seconds, or an eighth of a shorter life."""
        return self.expires_at - min(MANDATORY_WINDOW, self.expires_in / 8)


# The frame of the generated __init__ holds the secrets when __post_init__ refuses them.
Token.__init__ = clears_frames(Token.__init__)  # type: ignore[method-assign]


def read_lifetime(answer: Mapping[str, Any]) -> int:
    """Return a token's lifetime in seconds from a response: ``expires_in_sec`` if present, else ``expires_in``.

    Zoho's ``expires_in`` used to be in milliseconds, next to ``expires_in_sec``, and may be a string. An unreadable
    value counts as one hour, so that a good token is not discarded for its label (T17).
    """
    for key in ("expires_in_sec", "expires_in"):
        seconds = read_number(answer.get(key))
        if seconds is not None and seconds > LONGEST_LIFETIME:
            seconds /= 1000
        if seconds is not None and 1 <= seconds <= LONGEST_LIFETIME:
            return int(seconds)
    return DEFAULT_LIFETIME


def read_number(value: object) -> float | None:
    """Parse a number as stores may return it: any numeric type including `Decimal`, or digits as text or bytes.

    Returns None for anything else: a bool, NaN, infinity, or a number too large for a `float`.
    """
    if isinstance(value, bool) or not isinstance(value, (Number, str, bytes)):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # Number includes complex
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def split_scope(value: object) -> tuple[str, ...]:
    """Split scopes at commas and white space, or take them from a list. Zoho expects commas but echoes spaces (T04).

    :raises ValueError: `value` is neither text nor a list of text
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
        raise ValueError("expires_at is not a number of epoch seconds")
    return seconds


def _read_text(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise ValueError(f"{name} is not text")
