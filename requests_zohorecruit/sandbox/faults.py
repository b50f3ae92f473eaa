"""The ways in which a token endpoint is known to fail, by name.

Defines what a fault does to a response. `zoho` decides when it happens.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from requests_zohorecruit.sandbox import pages
from requests_zohorecruit.sandbox.messages import Answer, html, json_answer

__all__ = ["FAULTS", "apply_fault", "refuse_mint"]

_HUGE = 16 * 1024 * 1024


def refuse_mint(
    description: str = "You have made too many requests continuously. Please try again after some time.",
    error: str = "Access Denied",
    status: int = 400,
) -> Answer:
    """Return Zoho's response to a grant that mints too often."""
    return json_answer({"error_description": description, "error": error, "status": "failure"}, status)


_INSTEAD: dict[str, Callable[[str], Answer]] = {
    "throttle": lambda _: refuse_mint(),
    "throttle-200": lambda _: refuse_mint(status=200),
    "throttle-localised": lambda _: refuse_mint("您的请求过于频繁。请稍后重试。", "拒绝访问"),
    "server-error": lambda _: html(pages.render_problem("Something went wrong", "We are looking into it."), 500),
    "html": lambda _: html(pages.render_problem("Down for maintenance", "We will be back in a few minutes.")),
    "hang": lambda _: Answer(200, ending="hang"),
    "redirect": lambda elsewhere: Answer(307, {"Location": elsewhere}),
    "garbage": lambda _: Answer(200, {"Content-Type": "application/json"}, b"}{ %% zoho zoho %% \x00"),
    "reset": lambda _: Answer(200, ending="reset"),
    "list": lambda _: json_answer(["unexpected"]),
}
"""Faults that replace the response: nothing is minted."""

_FIELDS: dict[str, dict[str, Any]] = {
    "null-refresh-token": {"refresh_token": None},
    "null-access-token": {"access_token": None},
    "milliseconds": {"expires_in": 3_600_000},
    "milliseconds-and-seconds": {"expires_in": 3_600_000, "expires_in_sec": 3600},
    "no-expiry": {"expires_in": ...},
    "foreign-scope": {"scope": "ZohoCRM.modules.ALL"},
    "empty-strings": {"refresh_token": "", "api_domain": "", "scope": "", "token_type": ""},
    "numbers-as-strings": {"expires_in": "3600"},
}
"""Faults in the response's fields (... = omitted): the token is minted, and works."""

_BYTES: dict[str, Callable[[Answer], Answer]] = {
    "truncated": lambda answer: replace(answer, ending="cut"),
    "mint-then-reset": lambda answer: replace(answer, ending="reset"),
    "not-utf8": lambda answer: replace(answer, body=answer.body[:-1] + b', "note": "\xe9\xff"}'),
    "huge": lambda answer: replace(answer, body=answer.body[:-1] + b', "padding": "%b"}' % (b"0" * _HUGE)),
}
"""Faults in the response's bytes: the token is minted, but the client may be unable to read it."""

FAULTS: tuple[str, ...] = (*_INSTEAD, *_FIELDS, *_BYTES)


def apply_fault(name: str, answer: Callable[[], Answer], *, elsewhere: str) -> Answer:
    """Return the response with the fault applied.

    :param answer: mints and returns the correct response; not called if the fault replaces that
    :param elsewhere: a URL on another host, the target of ``redirect``
    """
    if name in _INSTEAD:
        return _INSTEAD[name](elsewhere)
    correct = answer()
    if correct.status != HTTPStatus.OK or b'"access_token"' not in correct.body:
        return correct
    if name in _BYTES:
        return _BYTES[name](correct)
    content = json.loads(correct.body) | _FIELDS[name]
    return json_answer({key: value for key, value in content.items() if value is not ...})
