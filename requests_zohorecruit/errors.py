"""Every error this library raises, as one tree under `requests.RequestException`.

Knows nothing of HTTP, tokens or stores: the code that raises an error says what happened, where, and what to do.

::

    requests.RequestException
    └─ ZohoAuthError
       ├─ TokenEndpointError
       │  └─ ThrottledError
       ├─ AuthorizationError
       ├─ ReauthorizationRequired
       ├─ ClientConfigurationError
       ├─ TokenStoreError
       ├─ UntrustedHostError         (also ValueError)
       └─ UnknownRegionError         (also ValueError)
"""

from __future__ import annotations

from typing import Any

import requests

__all__ = [
    "AuthorizationError",
    "ClientConfigurationError",
    "ReauthorizationRequired",
    "ThrottledError",
    "TokenEndpointError",
    "TokenStoreError",
    "UnknownRegionError",
    "UntrustedHostError",
    "ZohoAuthError",
]


class ZohoAuthError(requests.RequestException):
    """Base of every error here; never raised itself.

    It is a `requests.RequestException`, so code that already guards its API calls guards these too. `request` and
    `response` are always None: a request object carries the secrets this library keeps out of errors.

    :ivar message: what happened and where; never contains a secret
    :ivar code: Zoho's own word for it (``"invalid_code"``), or None
    :ivar status_code: HTTP status of the answer, or None when there was none
    :ivar region: code of the region concerned (``"eu"``), or None
    :ivar hint: the next thing to do, or None; printed after the message
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status_code: int | None = None,
        region: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status_code = status_code
        self.region = region
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # IOError's own __reduce__ would call the class with positional arguments only and lose the keywords.
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(kind: type[ZohoAuthError], message: str, state: dict[str, Any]) -> ZohoAuthError:
    error = kind(message)
    error.__dict__.update(state)
    return error


class TokenEndpointError(ZohoAuthError):
    """Zoho Accounts could not be reached or understood. Nothing was lost; try again later.

    :ivar uncertain: True when Zoho may have minted a token although no usable answer arrived
    """

    def __init__(self, message: str, *, uncertain: bool = False, **details: Any) -> None:
        super().__init__(message, **details)
        self.uncertain = uncertain


class ThrottledError(TokenEndpointError):
    """Zoho refuses to mint more tokens for now ("Access Denied"), or would if it were asked.

    :ivar retry_after: seconds until asking again makes sense
    """

    def __init__(self, message: str, *, retry_after: float = 60.0, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class AuthorizationError(ZohoAuthError):
    """The redirect back from Zoho was a refusal (``access_denied``), forged, incomplete or contradictory."""


class ReauthorizationRequired(ZohoAuthError):  # noqa: N818 - the contract's name: it says what has to happen next
    """The refresh token (or the code) is dead, or there is none: a person must authorize again."""


class ClientConfigurationError(ZohoAuthError):
    """Client id, secret, redirect URI and data centre do not fit together. Asking again cannot help."""


class TokenStoreError(ZohoAuthError):
    """A token store could not be read, written or locked, or holds a record that is not ours."""


class UntrustedHostError(ZohoAuthError, ValueError):
    """The token was about to leave for a host that is not trusted, or over http. Nothing was sent."""


class UnknownRegionError(ZohoAuthError, ValueError):
    """No region of that name; the message lists the known ones."""


def describe_type(value: object) -> str:
    """Return the name of a value's type for a message, with its module: other libraries have a Session, too."""
    kind = value if isinstance(value, type) else type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"the class {name}" if kind is value else name
