"""Ends waits on a socket that take too long: token calls, reading the body of a 401, a frozen database.

The timeouts of requests restart with each byte, address and line, so a server that drips could hold a call for days. No
limit set inside a database ends a call to a server that is stopped. Knows nothing about HTTP or SQL.
"""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from requests_zohorecruit.interruptions import suppress_errors

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SocketTimer"]


class SocketTimer:
    """Shuts down the sockets it watches if its ``with`` block takes too long.

    A separate timer thread does this, because only shutting the socket down ends a read that waits for the rest of a
    line. The call itself stays in the caller's thread, because mocks hold locks there while a request is sent.

    :param seconds: time limit of the block
    :ivar expired: whether the time limit has passed
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.expired = False
        self._watched: list[socket.socket] = []
        self._end = ExitStack()
        self._timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        # No thread can be started while the interpreter exits; then only the timeouts of requests apply. Python raises
        # a KeyError if an interruption arrives when the thread has just started, and this passes the interruption on.
        with suppress_errors(RuntimeError, KeyError):
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._timer.is_alive():
            self._timer.join()  # or it could shut down a file descriptor that now belongs to another connection
        self._end.close()

    def watch_socket(self, made: Any) -> None:
        """Watch a socket, or a wrapper around one: of TLS, of pyOpenSSL, of a tunnel through a proxy."""
        with suppress_errors(AttributeError, OSError, TypeError, ValueError):  # a mock's socket
            # A plain duplicate, because a TLS socket would continue unencrypted after its own shutdown().
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
