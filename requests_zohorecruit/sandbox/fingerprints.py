"""Describes received requests without their secrets: each becomes a short fingerprint that can be compared.

Knows which fields and formats are secret at Zoho, but not what the secrets give access to.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from requests_zohorecruit.sandbox.messages import Request

__all__ = ["Arrival", "describe", "fingerprint"]

Arrival = dict[str, Any]
"""``region`` (code, where it arrived), ``method``, ``path``, ``query``, ``headers``, ``form`` (dicts of strings),
``size`` and ``digest`` of the body."""

_SECRET_NAMES = frozenset(
    {
        "access_token",
        "client_secret",
        "code",
        "code_verifier",
        "cookie",
        "device_code",
        "proxy-authorization",
        "refresh_token",
        "token",
        "user_code",
    }
)
_TOKEN = re.compile(r"\b100[04]\.\w+\.\w+")
"""The format of everything Zoho issues: codes (including device codes), access tokens and refresh tokens."""


def fingerprint(secret: str | bytes) -> str:
    """Return ``#`` and eight hexadecimal digits: enough to compare two secrets, too few to recover one."""
    data = secret.encode() if isinstance(secret, str) else secret
    return "#" + hashlib.sha256(data).hexdigest()[:8]


def describe(request: Request, client_secrets: Iterable[str], region: str) -> Arrival:
    """Describe a request, with fingerprints for secrets but the scheme of ``Authorization`` left readable.

    :param region: code of the data centre that received it
    """
    secrets = list(client_secrets)

    def tell(name: str, value: str) -> str:
        if name.lower() == "authorization":
            scheme, space, credentials = value.partition(" ")
            return f"{scheme} {fingerprint(credentials)}" if space else fingerprint(value)
        if name.lower() in _SECRET_NAMES:
            return fingerprint(value)
        return scrub(value)

    def scrub(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, fingerprint(secret))
        return _TOKEN.sub(lambda found: fingerprint(found.group()), text)

    def tell_all(fields: dict[str, str]) -> dict[str, str]:
        return {scrub(name): tell(name, value) for name, value in fields.items()}

    return {
        "region": region,
        "method": request.method,
        "path": scrub(request.path),
        "query": tell_all(request.query_fields()),
        "headers": tell_all(dict(request.headers)),
        "form": tell_all(request.form_fields()),
        "size": len(request.body),
        "digest": fingerprint(request.body),
    }
