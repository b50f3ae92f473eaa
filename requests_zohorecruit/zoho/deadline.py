"""The deadline of one token call: when the time is up, the sockets that the call waits for are shut down.

Knows nothing of forms or answers. What goes through a `Deadline` is put together in `call_session`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from requests_zohorecruit.socket_timer import SocketTimer

__all__ = ["SLACK", "Deadline"]

#: Seconds that a call may last beyond its two timeouts: further addresses, a proxy, a slow but honest answer.
SLACK = 5.0


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
