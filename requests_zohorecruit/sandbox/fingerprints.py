"""What arrived, told without its secrets: every secret value becomes a short fingerprint that can be compared.

Knows which fields and shapes are secret at Zoho, and nothing of what they open.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from requests_zohorecruit.sandbox.messages import Request

__all__ = ["Arrival", "describe", "fingerprint"]

Arrival = dict[str, Any]
"""``method``, ``path``, ``query``, ``headers``, ``form`` (dicts of strings), ``size`` and ``digest`` of the body."""

_SECRET_NAMES = frozenset(
    {
        "access_token",
        "client_secret",
        "code",
        "code_verifier",
        "cookie",
        "proxy-authorization",
        "refresh_token",
        "token",
    }
)
_TOKEN = re.compile(r"\b1000\.\w+\.\w+")
"""The shape of everything Zoho hands out: codes, access tokens and refresh tokens, wherever they turn up."""


def fingerprint(secret: str | bytes) -> str:
    """Return ``#`` and eight hexadecimal digits: enough to compare two secrets, too little to find one."""
    data = secret.encode() if isinstance(secret, str) else secret
    return "#" + hashlib.sha256(data).hexdigest()[:8]


def describe(request: Request, client_secret: str) -> Arrival:
    """Return what a request brought, with secrets fingerprinted and the scheme of ``Authorization`` left readable."""

    def tell(name: str, value: str) -> str:
        if name.lower() == "authorization":
            scheme, space, credentials = value.partition(" ")
            return f"{scheme} {fingerprint(credentials)}" if space else fingerprint(value)
        if name.lower() in _SECRET_NAMES:
            return fingerprint(value)
        return scrub(value)

    def scrub(text: str) -> str:
        text = text.replace(client_secret, fingerprint(client_secret))
        return _TOKEN.sub(lambda found: fingerprint(found.group()), text)

    def tell_all(fields: dict[str, str]) -> dict[str, str]:
        return {scrub(name): tell(name, value) for name, value in fields.items()}

    return {
        "method": request.method,
        "path": scrub(request.path),
        "query": tell_all(request.query_fields()),
        "headers": tell_all(dict(request.headers)),
        "form": tell_all(request.form_fields()),
        "size": len(request.body),
        "digest": fingerprint(request.body),
    }
