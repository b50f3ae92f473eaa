"""Replays a request after a 401: peeks at the response without consuming it, rewinds the body, and sends again.

Of tokens it knows only which response means that one is bad. The caller supplies the new Authorization header.
"""

from __future__ import annotations

import functools
import io
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

import requests
from requests.cookies import extract_cookies_to_jar
from requests.utils import rewind_body
from urllib3 import BaseHTTPResponse, HTTPResponse
from urllib3.exceptions import HTTPError

from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.socket_timer import SocketTimer
from requests_zohorecruit.zoho.api_answers import is_rejection

__all__ = ["close", "peek", "read_rejection", "replay", "rewind"]

#: Maximum number of bytes of a 401's body to examine, both compressed and decompressed; Zoho sends about a hundred.
_LONGEST_401 = 64 * 1024
#: Seconds after which no further read starts, and after which a pending read is cut short (T74). Thanks to the gap, a
#: body that merely arrives slowly stays complete for the caller.
_PATIENCE, _LONGEST_LOOK = 4.0, 5.0
#: Exceptions that reading may raise: from a connection, a closed file, or an adapter's file-like object. No broader,
#: because a time limit may interrupt the read with an exception of its own.
_UNREADABLE = (HTTPError, OSError, ValueError, TypeError, AttributeError, RuntimeError)


def read_rejection(response: requests.Response, *, stream: bool) -> bytes | None:
    """Return the examined part of the body if the response rejects the token, or None if it does not."""
    if response.status_code != requests.codes.unauthorized:
        return None
    body = peek(response, stream=stream)
    return body if is_rejection(body) else None


def peek(response: requests.Response, *, stream: bool) -> bytes:
    """Return the beginning of the body, and leave the response as readable as before (T35).

    Always bounded in bytes and in time (T74). A body that cannot be read counts as empty (T95).
    """
    state: Any = response  # types-requests lacks private names; requests itself sets those used here
    raw: Any = response.raw
    if raw is None or state._content is not False or state._content_consumed:  # noqa: SLF001
        return (state._content or b"")[:_LONGEST_401]  # noqa: SLF001 - False if another hook has consumed it
    read = _find_reader(raw)
    beginning = _Beginning.read_from(raw, read)
    if not isinstance(raw, BaseHTTPResponse):  # a file-like object, as caches, mocks and WSGI adapters use
        response.raw = _Rest(beginning, raw, read)
        return _unpack(beginning.data, response.headers) or beginning.data
    unpacked = _unpack(beginning.data, raw.headers)
    if not stream and (beginning.error or unpacked is None):
        # requests would raise instead of returning the 401.
        state._content, state._content_consumed = b"", True  # noqa: SLF001
    else:
        response.raw = HTTPResponse(
            _Rest(beginning, raw, functools.partial(raw.read, decode_content=False)),
            headers=raw.headers,
            status=raw.status,
            version=raw.version,
            reason=raw.reason,
            preload_content=False,
            decode_content=raw.decode_content,
            original_response=getattr(raw, "_original_response", None),
            enforce_content_length=False,  # the wrapped response does, and knows that HEAD has a length but no body
        )
    return unpacked or b""


def _find_reader(raw: Any) -> Callable[[int], bytes]:
    """Return a function that reads only what has arrived, so that reading a slow body can stop at any time."""
    if not isinstance(raw, BaseHTTPResponse):
        return getattr(raw, "read", lambda *_: b"")
    method = raw.read1 if hasattr(getattr(raw, "_fp", None), "read1") else raw.read
    return functools.partial(method, decode_content=False)


def _unpack(data: bytes, headers: Mapping[str, str]) -> bytes | None:
    """Decompress the body, only as far as needed: a few bytes of gzip can expand to a great many."""
    encoding = headers.get("Content-Encoding")
    if not encoding:
        return data
    body = HTTPResponse(_ByteByByte(data), headers={"Content-Encoding": encoding}, preload_content=False)
    try:
        return body.read(_LONGEST_401)
    except HTTPError as error:
        pass_interruption(error)
        return None


class _ByteByByte(io.BytesIO):
    """Feeds decoders one byte at a time, because some decompress all their input at once, as Brotli before 1.2 did."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size and min(size, 1))


class _Beginning(NamedTuple):
    """The part of a body that was read, and the error that stopped reading, if any."""

    data: bytes
    error: Exception | None = None

    @classmethod
    def read_from(cls, raw: object, read: Callable[[int], bytes]) -> _Beginning:
        data, ends_at = bytearray(), time.monotonic() + _PATIENCE
        try:
            with SocketTimer(_LONGEST_LOOK) as timer:
                timer.watch_socket(_find_socket(raw))
                while len(data) < _LONGEST_401 and time.monotonic() < ends_at:
                    part = read(_LONGEST_401 - len(data))
                    if not part:
                        break
                    data += part
        except _UNREADABLE as error:
            pass_interruption(error)
            return cls(bytes(data), error.with_traceback(None))
        return cls(bytes(data))


def _find_socket(raw: object) -> object:
    # If the server is going to close it, the connection has dropped its socket, but urllib3 still holds a method of it.
    sock = getattr(getattr(raw, "connection", None), "sock", None)
    return sock or getattr(getattr(raw, "_sock_shutdown", None), "__self__", None)


class _Rest(io.RawIOBase):
    """The whole body: the part already read, followed by the unread part, or by the error that reading raised."""

    def __init__(self, beginning: _Beginning, raw: Any, read: Callable[..., bytes]) -> None:
        self._start, self._error = io.BytesIO(beginning.data), beginning.error
        self._raw, self._read = raw, read
        self._original_response = getattr(raw, "_original_response", None)  # where requests finds cookies

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            data = self._start.read() + self._read_on()
            # http.client also closes at the end, and urllib3's stream() keeps reading until its source is closed.
            self.close()
            return data
        return self._start.read(size) or self._read_on(size)

    read1 = read

    def close(self) -> None:
        with suppress(AttributeError):  # an object that only has read()
            self._raw.close()
        super().close()

    def _read_on(self, *size: int) -> bytes:
        if self._error:
            raise self._error
        return self._read(*size)


def close(response: requests.Response) -> None:
    """Close a response that no caller will read, if its adapter gave it anything to close."""
    with suppress(AttributeError):
        response.close()


def rewind(request: requests.PreparedRequest) -> bool:
    """Rewind the body to where it began, and return whether that was possible (T31)."""
    body: object = request.body
    if body is None or isinstance(body, (str, bytes, bytearray)):
        return True
    try:
        rewind_body(request)
    except Exception as error:  # noqa: BLE001 - a body is other people's code
        pass_interruption(error)
        return False
    return True


def replay(response: requests.Response, body: bytes, header: str, kwargs: Mapping[str, Any]) -> requests.Response:
    """Send the request again with another token, as requests' digest auth does: same adapter, same settings (T34).

    :param body: the examined part of the response's body, which becomes its content; the rest is not read (T74)
    """
    request: Any = response.request.copy()  # types-requests does not know _cookies
    from_jar = request.headers.get("Cookie") == _with_cookies_of_jar(request).headers.get("Cookie")
    extract_cookies_to_jar(request._cookies, response.request, response.raw)  # type: ignore[no-untyped-call]  # noqa: SLF001
    if from_jar:
        request = _with_cookies_of_jar(request)
    response.request = response.request.copy()  # the caller may send the original again
    response.request.headers["Authorization"] = repr(Secret(request.headers["Authorization"]))  # T96
    request.headers["Authorization"] = header
    close(response)  # if it was read to the end, its connection is already back in the pool
    first: Any = response
    first._content, first._content_consumed = body, True  # noqa: SLF001
    started = time.perf_counter()
    second = response.connection.send(request, **kwargs)
    second.elapsed = timedelta(seconds=time.perf_counter() - started)
    second.history = [*response.history, response]
    return second


def _with_cookies_of_jar(request: Any) -> Any:
    fresh = request.copy()
    fresh.headers.pop("Cookie", None)
    fresh.prepare_cookies(fresh._cookies)  # noqa: SLF001 - as requests does when it follows a redirect
    return fresh
