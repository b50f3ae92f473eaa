"""The deadline of one token call, after which the call's sockets are shut down.

Knows nothing about forms or responses. `call_session` applies a `Deadline` to connections.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from requests_zohorecruit.socket_timer import SocketTimer

__all__ = ["SLACK", "Deadline"]

#: Seconds that a call may take on top of its two timeouts: for further addresses, a proxy, or a slow response.
SLACK = 5.0


class Deadline(SocketTimer):
    """The deadline of one token call.

    :param connect: timeout of one connection attempt, in seconds
    :param read: timeout of one read, in seconds
    :ivar seconds: time limit of the whole call: the sum of both and `SLACK`
    """

    def __init__(self, connect: float, read: float) -> None:
        super().__init__(connect + read + SLACK)
        self._began = time.monotonic()
        # An attempt that begins before this ends before the deadline.
        self._last_attempt = self._began + min(connect, read) + SLACK

    def check(self) -> None:
        """Check that the deadline has not passed.

        :raises TimeoutError: it has
        """
        if time.monotonic() >= self._began + self.seconds:
            self.expired = True
            raise TimeoutError("the deadline of the call has passed")

    def at_end(self, close: Callable[[], object]) -> None:
        """Register a function to run when the call ends."""
        self._end.callback(close)

    def watch(self, connection: Any) -> None:
        """Watch a urllib3 connection that is about to connect."""
        connection.socket_options = _Attempts(connection.socket_options or (), self._check_attempt)
        # Hook the creation, because `sock` and the response do not hold the socket throughout: TLS wraps it, and the
        # last response takes it over.
        connect = connection._new_conn  # noqa: SLF001 - urllib3's SOCKS connections also override this method

        def connect_and_watch() -> Any:
            made = connect()
            self.watch_socket(made)
            return made

        connection._new_conn = connect_and_watch  # noqa: SLF001

    def _check_attempt(self) -> None:
        if time.monotonic() > self._last_attempt:
            raise TimeoutError("no time is left to try another address")


class _Attempts(list[Any]):
    """Socket options with a check, because urllib3 iterates over them once for each address it tries."""

    def __init__(self, options: Iterable[Any], check: Callable[[], None]) -> None:
        super().__init__(options)
        self._check = check

    def __iter__(self) -> Iterator[Any]:
        self._check()
        return super().__iter__()
