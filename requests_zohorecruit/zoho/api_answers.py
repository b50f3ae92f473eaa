"""What the Recruit API's answers mean for the access token: which 401 says that it is bad.

Knows nothing of requests or responses beyond the bytes of a body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

__all__ = ["is_rejection"]

#: The three codes under which Recruit refuses a token that a fresh one may cure.
REJECTIONS = frozenset({"INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"})


def is_rejection(body: bytes) -> bool:
    """Tell whether the body of a 401 says that the token is bad, rather than the scope or a permission.

    A body that cannot be read says nothing against it and counts as a rejection: proxies and old API versions answer
    in HTML or XML. How often that may mint a token is bounded elsewhere.
    """
    try:
        document = json.loads(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return True
    if not isinstance(document, dict):
        return True
    nested = document.get("error")
    code = document.get("code") or (nested.get("code") if isinstance(nested, Mapping) else nested)
    return not isinstance(code, str) or code in REJECTIONS
