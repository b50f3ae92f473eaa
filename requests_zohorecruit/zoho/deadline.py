"""Ends of calls: when the time is up, the sockets that a call waits for are shut down.

A timeout of requests starts anew with each byte, address and line, so a server that drips could hold a call for days.
Knows nothing of forms or answers. What goes through a `Deadline` is put together in `call_session`.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from requests_zohorecruit.interruptions import suppress_errors

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SLACK", "Deadline", "SocketTimer"]

#: Seconds that a call may last beyond its two timeouts: further addresses, a proxy, a slow but honest answer.
SLACK = 5.0


class SocketTimer:
    """Shuts down the sockets it has been shown, if its ``with`` block lasts too long.

    It does so from a thread of its own: only the socket beneath ends a read that waits for the rest of a line. The call
    itself stays in the caller's thread, because mocks hold locks there while a request is sent.

    :param seconds: that the block may last
    :ivar expired: whether that time has passed
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.expired = False
        self._watched: list[socket.socket] = []
        self._end = ExitStack()
        self._timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        # Where no thread can be started, as while the interpreter exits, the timeouts of requests are all there is.
        with suppress_errors(RuntimeError):
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._timer.is_alive():
            self._timer.join()  # or it could shut down a file descriptor that is another connection's by now
        self._end.close()

    def watch_socket(self, made: Any) -> None:
        """Include a socket, or what stands for one: that of TLS, of pyOpenSSL, of a tunnel through a proxy."""
        with suppress_errors(AttributeError, OSError, TypeError, ValueError):  # a mock's socket
            # A plain duplicate, since a TLS socket would go on in clear after its own shutdown.
            duplicate = socket.fromfd(made.fileno(), -1, -1)
            self._end.callback(duplicate.close)
            self._watched.append(duplicate)
            if self.expired:
                self._expire()

    def _expire(self) -> None:
        self.expired = True
        for each in self._watched[:]:
            with suppress_errors(OSError):  # the server was faster
                each.shutdown(socket.SHUT_RDWR)


class Deadline(SocketTimer):
    """The deadline of one token call.

    :param connect: seconds, for one attempt to connect
    :param read: seconds, to wait for a piece of the answer
    :ivar seconds: that the call may last: both, and `SLACK`
    """

    def __init__(self, connect: float, read: float) -> None:
        super().__init__(connect + read + SLACK)
        self._began = time.monotonic()
        # One that begins before this has failed, or succeeded, when the time is up.
        self._last_attempt = self._began + min(connect, read) + SLACK

    def check(self) -> None:
        """Raise when the time has passed.

        :raises TimeoutError: it has
        """
        if time.monotonic() >= self._began + self.seconds:
            self.expired = True
            raise TimeoutError("the deadline of the call has passed")

    def at_end(self, close: Callable[[], object]) -> None:
        """Call `close` when the call has ended."""
        self._end.callback(close)

    def watch(self, connection: Any) -> None:
        """Include a connection of urllib3 that is about to be made."""
        connection.socket_options = _Attempts(connection.socket_options or (), self._check_attempt)
        # Neither `sock` nor the response has the socket all the time: TLS takes it over, and so does the last answer.
        connect = connection._new_conn  # noqa: SLF001 - which urllib3's own SOCKS connections override as well

        def connect_and_watch() -> Any:
            made = connect()
            self.watch_socket(made)
            return made

        connection._new_conn = connect_and_watch  # noqa: SLF001

    def _check_attempt(self) -> None:
        if time.monotonic() > self._last_attempt:
            raise TimeoutError("no time is left to try another address")


class _Attempts(list[Any]):
    """The options of a socket, which urllib3 goes through once for each address that it tries."""

    def __init__(self, options: Iterable[Any], check: Callable[[], None]) -> None:
        super().__init__(options)
        self._check = check

    def __iter__(self) -> Iterator[Any]:
        self._check()
        return super().__iter__()
