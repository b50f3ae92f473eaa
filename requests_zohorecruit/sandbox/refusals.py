"""Recruit's errors, and the sandbox's own error for anything it does not support.

Defines their wording, not when they occur.
"""

from __future__ import annotations

from typing import Any

from requests_zohorecruit.sandbox.messages import Refused, json_answer

__all__ = ["make_invalid", "make_missing", "make_refusal"]


def make_refusal(status: int, code: str, message: str, details: Any = None) -> Refused:
    """Return an error as Recruit words it."""
    content = {"code": code, "message": message, "status": "error"}
    return Refused(json_answer(content if details is None else {"code": code, "details": details, **content}, status))


def make_invalid(message: str, details: Any = None) -> Refused:
    """Return Recruit's error for an invalid value."""
    return make_refusal(400, "INVALID_DATA", message, {} if details is None else details)


def make_missing(what: str) -> Refused:
    """Return HTTP 501, which Recruit never sends, for a feature that the sandbox lacks but Zoho may have."""
    return make_refusal(501, "NOT_IN_SANDBOX", f"The sandbox does not have {what}. Zoho Recruit may have it.", {})
