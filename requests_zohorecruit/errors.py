"""The exceptions this library raises, all derived from `requests.RequestException`.

Knows nothing about HTTP, tokens or stores: the code that raises an error says what happened, where, and what to do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import requests

__all__ = [
    "AuthorizationError", "ClientConfigurationError", "ReauthorizationRequired", "ThrottledError",
    "TokenEndpointError", "TokenStoreError", "UnknownRegionError", "UntrustedHostError", "ZohoAuthError",
]  # fmt: skip

#: The attributes an error has besides its message, in the order in which `args` lists them.
_DETAILS = ("code", "status_code", "region", "hint", "uncertain", "retry_after")


class ZohoAuthError(requests.RequestException):
    """Base class of all errors in this module; never raised itself.

    It derives from `requests.RequestException`, so code that already handles failed API calls handles these too.
    `request` and `response` are always None, because a request object would carry secrets.

    Errors can be pickled and copied. Calling the class with an error's `args`, which are JSON types, creates an equal
    error: that is how Celery's result backends restore it.

    :ivar message: what happened and where; never contains a secret
    :ivar code: Zoho's error code (``"invalid_code"``), or None
    :ivar status_code: HTTP status of the response, or None when there was none
    :ivar region: code of the region concerned (``"eu"``), or None
    :ivar hint: what to do next, or None; printed after the message
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
        # Plain text: neither is a secret, and a `Secret` would hide them in its repr.
        self.code = None if code is None else str(code)
        self.status_code = status_code
        self.region = None if region is None else str(region)
        self.hint = hint
        self.__dict__.update(details or {})

    @property
    def args(self) -> tuple[Any, ...]:
        """Arguments from which the class creates an equal error: the message and, if there are any, the details."""
        values = {name: getattr(self, name, None) for name in _DETAILS}
        details = {name: value for name, value in values.items() if value is not None and value is not False}
        return (self.message, details) if details else (self.message,)

    @args.setter
    def args(self, args: tuple[Any, ...]) -> None:
        self.message = " ".join(map(str, args[:1]))  # programs set `args` to add context to the message

    @property
    def advice(self) -> str:
        """What to do next, as printed after the message."""
        return self.hint or ""

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError.__reduce__ bypasses the `args` property.
        return type(self), (self.message,), self.__dict__.copy()


class TokenEndpointError(ZohoAuthError):
    """Zoho Accounts could not be reached, or its response could not be understood. Nothing was lost; try again later.

    :ivar uncertain: True when Zoho may have minted a token although no usable answer arrived
    """

    def __init__(
        self, message: str, details: Mapping[str, Any] | None = None, *, uncertain: bool = False, **more: Any
    ) -> None:
        self.uncertain = uncertain
        super().__init__(message, details, **more)


class ThrottledError(TokenEndpointError):
    """Zoho refuses to mint more tokens for now ("Access Denied"), or the mint budget is used up and it was not asked.

    :ivar retry_after: seconds to wait before trying again, counted from when the error was raised; part of its text
    """

    def __init__(
        self, message: str, details: Mapping[str, Any] | None = None, *, retry_after: float = 60.0, **more: Any
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, details, **more)

    @property
    def advice(self) -> str:
        """How long to wait, followed by the hint."""
        wait = f"Try again in {math.ceil(self.retry_after)} s." if self.retry_after else ""
        return f"{wait} {super().advice}".strip()


class AuthorizationError(ZohoAuthError):
    """The redirect from Zoho reported a refusal (``access_denied``), or was forged, incomplete or contradictory.

    For a device: the person refused (``access_denied``), or the code expired before they accepted (``expired``).
    """


class ReauthorizationRequired(ZohoAuthError):  # noqa: N818 - a public name that says what has to happen next
    """The refresh token (or code) is no longer valid, or there is none: a person must authorize again."""


class ClientConfigurationError(ZohoAuthError):
    """The client id, secret, redirect URI and data centre do not match. Trying again will not help."""


class TokenStoreError(ZohoAuthError):
    """A token store could not be read, written or locked, or its record is damaged or another application's."""


class UnusableRecordError(TokenStoreError):
    """The stored record is damaged, or belongs to another client or region. Saving another one mends that."""


class UntrustedHostError(ZohoAuthError, ValueError):
    """The token would have been sent to an untrusted host, or over http. Nothing was sent."""


class UnknownRegionError(ZohoAuthError, ValueError):
    """There is no region of that name; the message lists the known ones."""


def check_text(name: str, value: object) -> str:
    """Return `value` if it is a string.

    :raises TypeError: it is not; the message names its type, not its value
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {describe_type(value)}")
    return value


def describe_type(value: object) -> str:
    """Return the name of a value's type for a message, with its module: other libraries have a `Session` too."""
    kind = value if isinstance(value, type) else type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"the class {name}" if kind is value else name
