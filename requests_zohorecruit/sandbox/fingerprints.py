"""What arrived, told without its secrets: every secret value becomes a short fingerprint that can be compared.

Knows which fields and shapes are secret at Zoho, and nothing of what they open.
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
"""The shape of all that Zoho hands out: codes (devices' too), access and refresh tokens, wherever they turn up."""


def fingerprint(secret: str | bytes) -> str:
    """Return ``#`` and eight hexadecimal digits: enough to compare two secrets, too little to find one."""
    data = secret.encode() if isinstance(secret, str) else secret
    return "#" + hashlib.sha256(data).hexdigest()[:8]


def describe(request: Request, client_secrets: Iterable[str], region: str) -> Arrival:
    """Return what a request brought, with secrets fingerprinted and the scheme of ``Authorization`` left readable.

    :param region: code of the data centre where it arrived
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
