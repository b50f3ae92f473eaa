"""Sending a request again: looking at the first answer without using it up, rewinding the body, the second try.

Knows nothing of tokens: it is told what the Authorization header of the second try says.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import requests
from requests.cookies import extract_cookies_to_jar
from requests.utils import rewind_body
from urllib3 import BaseHTTPResponse, HTTPResponse
from urllib3.exceptions import HTTPError

from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.secret import Secret

__all__ = ["peek", "replay", "rewind"]

#: Bytes of a 401's body that are looked at; Zoho's have about a hundred.
_LONGEST_401 = 64 * 1024


def peek(response: requests.Response, *, stream: bool) -> bytes:
    """Return the beginning of the body, and leave the response as readable as it was (T35)."""
    raw = response.raw
    if not (stream and isinstance(raw, BaseHTTPResponse)):
        return _read_all(response)
    try:
        start = raw.read(_LONGEST_401, decode_content=False)
    except (HTTPError, OSError) as error:
        pass_interruption(error)
        return _read_all(response)
    response.raw = HTTPResponse(
        _Rest(start, raw),
        headers=raw.headers,
        status=raw.status,
        version=raw.version,
        reason=raw.reason,
        preload_content=False,
        decode_content=raw.decode_content,
        original_response=getattr(raw, "_original_response", None),
        enforce_content_length=False,  # the wrapped one does, and knows the method: HEAD has a length and no body
    )
    encoding = {"Content-Encoding": raw.headers.get("Content-Encoding", "")}
    try:
        # Decoded no further than that either: a few bytes of gzip can be many of text.
        return HTTPResponse(io.BytesIO(start), headers=encoding, preload_content=False).read(_LONGEST_401)
    except HTTPError as error:
        pass_interruption(error)
        return b""


def _read_all(response: requests.Response) -> bytes:
    """Read the whole body into the response. One that breaks off or cannot be decoded counts as empty."""
    try:
        return response.content or b""  # None where an adapter gave it no body
    except (requests.RequestException, HTTPError, OSError) as error:
        pass_interruption(error)
        state: Any = response  # types-requests knows no private names; this one requests sets after reading, too
        state._content = b""  # noqa: SLF001
        return b""


class _Rest(io.RawIOBase):
    """The body from its beginning: what was read already, then what the connection still has."""

    def __init__(self, start: bytes, raw: BaseHTTPResponse) -> None:
        self._start = io.BytesIO(start)
        self._raw = raw

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            data = self._start.read() + self._raw.read(decode_content=False)
            # As http.client does at the end: urllib3's stream() reads on until its source is closed.
            self.close()
            return data
        return self._start.read(size) or self._raw.read(size, decode_content=False)

    read1 = read

    def close(self) -> None:
        self._raw.close()
        super().close()


def rewind(request: requests.PreparedRequest) -> bool:
    """Put the body back to where it began, and tell whether that was possible (T31)."""
    body: object = request.body
    if body is None or isinstance(body, (str, bytes, bytearray)):
        return True
    try:
        rewind_body(request)
    except Exception as error:  # noqa: BLE001 - a body is other people's code
        pass_interruption(error)
        return False
    return True


def replay(response: requests.Response, header: str, kwargs: Mapping[str, Any]) -> requests.Response:
    """Send the request again with another token, as requests' digest auth does: same adapter, same settings (T34)."""
    request: Any = response.request.copy()  # types-requests does not know _cookies
    from_jar = request.headers.get("Cookie") == _with_cookies_of_jar(request).headers.get("Cookie")
    extract_cookies_to_jar(request._cookies, response.request, response.raw)  # type: ignore[no-untyped-call]  # noqa: SLF001
    if from_jar:
        request = _with_cookies_of_jar(request)
    response.request = response.request.copy()  # the caller's own may be sent again
    response.request.headers["Authorization"] = repr(Secret(request.headers["Authorization"]))  # T96
    request.headers["Authorization"] = header
    _read_all(response)  # drained, so that the connection can be used again
    response.close()
    started = time.perf_counter()
    second = response.connection.send(request, **kwargs)
    second.elapsed = timedelta(seconds=time.perf_counter() - started)
    second.history.append(response)
    return second


def _with_cookies_of_jar(request: Any) -> Any:
    fresh = request.copy()
    fresh.headers.pop("Cookie", None)
    fresh.prepare_cookies(fresh._cookies)  # noqa: SLF001 - as requests does when it follows a redirect
    return fresh
