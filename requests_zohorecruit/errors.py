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

import math
from collections.abc import Mapping
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


#: What an error says beside its message, in the order of `args`.
_DETAILS = ("code", "status_code", "region", "hint", "uncertain", "retry_after")


class ZohoAuthError(requests.RequestException):
    """Base of every error here; never raised itself.

    It is a `requests.RequestException`, so code that already guards its API calls guards these too. `request` and
    `response` are always None: a request object carries the secrets this library keeps out of errors.

    It can be pickled and copied. Its class also makes an equal one of its `args`, which are JSON types: that is how
    Celery's result backends return it.

    :ivar message: what happened and where; never contains a secret
    :ivar code: Zoho's own word for it (``"invalid_code"``), or None
    :ivar status_code: HTTP status of the answer, or None when there was none
    :ivar region: code of the region concerned (``"eu"``), or None
    :ivar hint: the next thing to do, or None; printed after the message
    """

    def __init__(  # noqa: PLR0913 - all but two are keyword-only
        self,
        message: str,
        details: Mapping[str, Any] | None = None,
        *,
        code: str | None = None,
        status_code: int | None = None,
        region: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        # As plain text: neither is a secret, and a repr that hides them helps nobody.
        self.code = None if code is None else str(code)
        self.status_code = status_code
        self.region = None if region is None else str(region)
        self.hint = hint
        self.__dict__.update(details or {})

    @property
    def args(self) -> tuple[Any, ...]:
        """What the class makes an equal error of: the message and, if there are any, the details."""
        values = {name: getattr(self, name, None) for name in _DETAILS}
        details = {name: value for name, value in values.items() if value is not None and value is not False}
        return (self.message, details) if details else (self.message,)

    @args.setter
    def args(self, args: tuple[Any, ...]) -> None:
        self.message = " ".join(map(str, args[:1]))  # what programs change that add where it happened

    @property
    def advice(self) -> str:
        """The next thing to do, as it stands behind the message."""
        return self.hint or ""

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError's own does not see that `args` is a property here.
        return type(self), (self.message,), self.__dict__.copy()


class TokenEndpointError(ZohoAuthError):
    """Zoho Accounts could not be reached or understood. Nothing was lost; try again later.

    :ivar uncertain: True when Zoho may have minted a token although no usable answer arrived
    """

    def __init__(
        self, message: str, details: Mapping[str, Any] | None = None, *, uncertain: bool = False, **more: Any
    ) -> None:
        self.uncertain = uncertain
        super().__init__(message, details, **more)


class ThrottledError(TokenEndpointError):
    """Zoho refuses to mint more tokens for now ("Access Denied"), or would if it were asked.

    :ivar retry_after: seconds until asking again makes sense, counted from the moment it was raised; said in its text
    """

    def __init__(
        self, message: str, details: Mapping[str, Any] | None = None, *, retry_after: float = 60.0, **more: Any
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, details, **more)

    @property
    def advice(self) -> str:
        """How long to wait, before the hint."""
        wait = f"Try again in {math.ceil(self.retry_after)} s." if self.retry_after else ""
        return f"{wait} {super().advice}".strip()


class AuthorizationError(ZohoAuthError):
    """The redirect back from Zoho was a refusal (``access_denied``), forged, incomplete or contradictory.

    Of a device: the person refused (``access_denied``), or the code ended before they accepted (``expired``).
    """


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


def check_text(name: str, value: object) -> str:
    """Return `value` if it is a string.

    :raises TypeError: it is none; the message names its type and not the value
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {describe_type(value)}")
    return value


def describe_type(value: object) -> str:
    """Return the name of a value's type for a message, with its module: other libraries have a Session, too."""
    kind = value if isinstance(value, type) else type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"the class {name}" if kind is value else name
