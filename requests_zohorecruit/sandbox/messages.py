"""What goes into the state machine and what comes out of it: requests and answers as plain values.

Knows nothing of sockets, TLS or Zoho, so that anything that can move bytes can carry them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

__all__ = ["Answer", "Ending", "Endpoint", "Request", "html", "json_answer"]

Ending = Literal["whole", "cut", "hang", "reset"]
"""How the carrier ends an answer: sends it, announces all and sends half, sends nothing ever, drops the connection."""


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    :ivar path: as it was sent, not decoded, without the query
    :ivar query: as it stood in the URL, without the question mark
    :ivar headers: name and value as they arrived, in order
    """

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

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
    """One HTTP answer, and what the carrier is to do with it.

    :ivar delay: seconds to wait before anything is sent; never waited inside the state machine
    :ivar ending: see `Ending`
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    ending: Ending = "whole"


Endpoint = Callable[[Request], Answer]


def json_answer(content: Any, status: int = 200) -> Answer:
    """Return an answer in JSON. Zoho sends its own errors with status 200 unless told otherwise."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json;charset=UTF-8"}, body)


def html(page: str, status: int = 200) -> Answer:
    """Return an answer that is a page for people."""
    headers = {"Content-Type": "text/html;charset=UTF-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Answer(status, headers, page.encode())


def _parse_fields(encoded: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True):
        fields[key] = f"{fields[key]},{value}" if key in fields else value
    return fields
