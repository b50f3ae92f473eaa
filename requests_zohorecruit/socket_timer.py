"""Ends what waits for a socket too long: a token call, the look at a 401, a database that is frozen.

A timeout of requests starts anew with each byte, address and line, so a server that drips could hold a call for days.
No limit inside a database ends a call to one that is stopped. Knows nothing of HTTP or SQL.
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
