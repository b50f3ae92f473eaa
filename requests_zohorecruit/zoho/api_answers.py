"""Decides which 401 responses of the Recruit API mean that the access token is bad.

Knows nothing about requests or responses beyond the bytes of a body.
"""

from __future__ import annotations

from collections.abc import Mapping

from requests_zohorecruit.zoho.token_answers import parse_object

__all__ = ["is_rejection"]

#: The three error codes with which Recruit refuses a token, and which a fresh token may cure.
REJECTIONS = frozenset({"INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"})


def is_rejection(body: bytes) -> bool:
    """Return whether a 401 with this body means that the token is bad, rather than the scope or a permission.

    An unreadable body counts as a rejection, because proxies and old API versions answer in HTML or XML. The mint
    budget and the pause bound how many tokens that may cost.
    """
    document = parse_object(body.decode("utf-8", "replace"))
    nested = document.get("error")
    code = document.get("code") or (nested.get("code") if isinstance(nested, Mapping) else nested)
    return not isinstance(code, str) or code in REJECTIONS
