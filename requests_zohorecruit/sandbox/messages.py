"""The state machine's input and output: requests, answers and Recruit's errors as plain values.

Knows nothing about sockets or TLS, so that any transport can carry them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

__all__ = [
    "Answer",
    "Ending",
    "Endpoint",
    "Refused",
    "Request",
    "html",
    "json_answer",
    "make_invalid",
    "make_missing",
    "make_refusal",
]

Ending = Literal["whole", "cut", "hang", "reset"]
"""How the transport ends an answer: sends it, sends only half, never sends anything, or drops the connection."""


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    :ivar path: as sent, not decoded, without the query
    :ivar query: as in the URL, without the question mark
    :ivar headers: names and values as received, in order
    """

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first value of a header; its name is case-insensitive."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def fields(self) -> dict[str, str]:
        """Return the fields of query and body; those of the body count."""
        return self.query_fields() | self.form_fields()

    def query_fields(self) -> dict[str, str]:
        """Return the query's fields; values of a repeated key are joined by a comma."""
        return _parse_fields(self.query)

    def form_fields(self) -> dict[str, str]:
        """Return the fields of a urlencoded body, likewise; empty for any other body."""
        if (self.header("Content-Type") or "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            return {}
        return _parse_fields(self.body.decode("utf-8", "replace"))


@dataclass(frozen=True)
class Answer:
    """One HTTP response, and how to send it.

    :ivar delay: seconds that the transport waits before it sends anything; the state machine itself never waits
    :ivar ending: see `Ending`
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    ending: Ending = "whole"


class Refused(Exception):  # noqa: N818 - it says what happened
    """Ends a request with an error response.

    :ivar answer: the response to send
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


Endpoint = Callable[[Request], Answer]


def json_answer(content: Any, status: int = 200) -> Answer:
    """Return a JSON response. The default status is 200, which Zoho uses even for errors."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json;charset=UTF-8"}, body)


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


def html(page: str, status: int = 200) -> Answer:
    """Return an HTML page."""
    headers = {"Content-Type": "text/html;charset=UTF-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Answer(status, headers, page.encode())


def _parse_fields(encoded: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True):
        fields[key] = f"{fields[key]},{value}" if key in fields else value
    return fields
