"""Sending a request again: looking at the first answer without using it up, rewinding the body, the second try.

Knows of tokens only which answer says that one is bad, and is told what the Authorization header of the second try
says.
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

#: Bytes of a 401's body that are looked at, as sent and unpacked; Zoho's have about a hundred.
_LONGEST_401 = 64 * 1024
#: Seconds after which no more of it is asked for, and after which waiting for it is cut short (T74). Between the two, a
#: body that only comes slowly stays whole for the caller.
_PATIENCE, _LONGEST_LOOK = 4.0, 5.0
#: What reading raises: a connection, a file that is closed, an adapter's own idea of a file. Not more, since a time
#: limit may interrupt it with an exception of its own.
_UNREADABLE = (HTTPError, OSError, ValueError, TypeError, AttributeError, RuntimeError)


def read_rejection(response: requests.Response, *, stream: bool) -> bytes | None:
    """Return what was looked at of a response that says that the token is bad, or None if it does not say that."""
    if response.status_code != requests.codes.unauthorized:
        return None
    body = peek(response, stream=stream)
    return body if is_rejection(body) else None


def peek(response: requests.Response, *, stream: bool) -> bytes:
    """Return the beginning of the body, and leave the response as readable as it was (T35).

    Bounded in bytes and in time, whatever is sent (T74). What cannot be looked at counts as empty (T95).
    """
    state: Any = response  # types-requests knows no private names; requests sets those used here after reading, too
    raw: Any = response.raw
    if raw is None or state._content is not False or state._content_consumed:  # noqa: SLF001
        return (state._content or b"")[:_LONGEST_401]  # noqa: SLF001 - False where another hook has used it up
    read = _find_reader(raw)
    beginning = _Beginning.read_from(raw, read)
    if not isinstance(raw, BaseHTTPResponse):  # a file, as those of caches, mocks and WSGI adapters are
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
            enforce_content_length=False,  # the wrapped one does, and knows the method: HEAD has a length and no body
        )
    return unpacked or b""


def _find_reader(raw: Any) -> Callable[[int], bytes]:
    """Return what reads from a connection as much as there is, so that a slow one can be left at any time."""
    if not isinstance(raw, BaseHTTPResponse):
        return getattr(raw, "read", lambda *_: b"")
    method = raw.read1 if hasattr(getattr(raw, "_fp", None), "read1") else raw.read
    return functools.partial(method, decode_content=False)


def _unpack(data: bytes, headers: Mapping[str, str]) -> bytes | None:
    """Undo the content encoding, no further than is looked at: a few bytes of gzip can be many of text."""
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
    """For decoders that unpack at once all they are given, as Brotli's did before its version 1.2."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size and min(size, 1))


class _Beginning(NamedTuple):
    """What was read of a body, and how reading failed, if it did."""

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
    # The connection has let go of its socket where the server is going to close it; urllib3 has kept a method of it.
    sock = getattr(getattr(raw, "connection", None), "sock", None)
    return sock or getattr(getattr(raw, "_sock_shutdown", None), "__self__", None)


class _Rest(io.RawIOBase):
    """The body from its beginning: what was read already, then what there is still to read, or the error of that."""

    def __init__(self, beginning: _Beginning, raw: Any, read: Callable[..., bytes]) -> None:
        self._start, self._error = io.BytesIO(beginning.data), beginning.error
        self._raw, self._read = raw, read
        self._original_response = getattr(raw, "_original_response", None)  # where requests finds cookies

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            data = self._start.read() + self._read_on()
            # As http.client does at the end: urllib3's stream() reads on until its source is closed.
            self.close()
            return data
        return self._start.read(size) or self._read_on(size)

    read1 = read

    def close(self) -> None:
        with suppress(AttributeError):  # what can only be read
            self._raw.close()
        super().close()

    def _read_on(self, *size: int) -> bytes:
        if self._error:
            raise self._error
        return self._read(*size)


def close(response: requests.Response) -> None:
    """Close a response that no caller will read. Its adapter may have given it nothing to close."""
    with suppress(AttributeError):
        response.close()


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


def replay(response: requests.Response, body: bytes, header: str, kwargs: Mapping[str, Any]) -> requests.Response:
    """Send the request again with another token, as requests' digest auth does: same adapter, same settings (T34).

    :param body: what was looked at of the response, and all that is kept of it; the rest is not read (T74)
    """
    request: Any = response.request.copy()  # types-requests does not know _cookies
    from_jar = request.headers.get("Cookie") == _with_cookies_of_jar(request).headers.get("Cookie")
    extract_cookies_to_jar(request._cookies, response.request, response.raw)  # type: ignore[no-untyped-call]  # noqa: SLF001
    if from_jar:
        request = _with_cookies_of_jar(request)
    response.request = response.request.copy()  # the caller's own may be sent again
    response.request.headers["Authorization"] = repr(Secret(request.headers["Authorization"]))  # T96
    request.headers["Authorization"] = header
    close(response)  # one that was read to its end has given its connection back already
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
