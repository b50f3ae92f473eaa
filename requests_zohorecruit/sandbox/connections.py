"""The HTTPS server: passes each `Request` to the state machine and sends its `Answer`, with one thread per connection.

Knows sockets and HTTP/1.1, but nothing about Zoho: it gets a function from requests to answers.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Event, Lock, Thread, current_thread
from typing import Any
from urllib.parse import urlsplit

from requests_zohorecruit.sandbox.messages import Answer, Request

__all__ = ["Server"]


class Server(ThreadingMixIn, TCPServer):
    """Serves on 127.0.0.1 between `start` and `stop`.

    Uses the standard library's server, because werkzeug's closes the connection after every response, and this one must
    serve many clients with keep-alive.

    :param port: 0 = any free port
    """

    daemon_threads = True
    allow_reuse_address = sys.platform != "win32"
    request_queue_size = 2048
    """The listen backlog: 512 clients may connect at the same moment. The kernel reduces it to its own limit."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.handle: Callable[[Request], Answer]
        self.closing = Event()
        self._context = context
        self._open: dict[ssl.SSLSocket, Thread] = {}
        self._lock = Lock()
        self._acceptor = Thread(target=self.serve_forever, args=(0.02,), daemon=True, name="zoho-sandbox")

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def start(self, handle: Callable[[Request], Answer]) -> None:
        """Start answering requests."""
        self.handle = handle
        self._acceptor.start()

    def stop(self) -> None:
        """Stop at once. Requests that are being delayed are dropped."""
        self.closing.set()
        self.shutdown()
        self._acceptor.join()
        self.server_close()
        with self._lock:
            connections = dict(self._open)
        for connection in connections:
            _shut(connection)
        for thread in connections.values():
            thread.join(1)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Do the TLS handshake in the connection's own thread, so that a stalled client does not block the others."""
        with self._context.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as connection:
            self._remember(connection)
            try:
                connection.do_handshake()
                super().finish_request(connection, client_address)
            except Exception:  # noqa: BLE001 - handled here, to print before the client sees the connection close
                self.handle_error(request, client_address)
            finally:
                with self._lock:
                    del self._open[connection]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print bugs of the sandbox, but ignore clients that disconnected or refused our certificate."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def _remember(self, connection: ssl.SSLSocket) -> None:
        with self._lock:
            self._open[connection] = current_thread()
        if self.closing.is_set():
            _shut(connection)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "ZohoSandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    # Send head and body together, because the second of two small writes would wait for an acknowledgement.
    wbufsize = -1
    server: Server
    connection: ssl.SSLSocket

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            self.close_connection = True
            self.send_error(400, "Bad message body")
            return
        url = urlsplit(self.path)
        request = Request(self.command, url.path, url.query, tuple(self.headers.items()), body)
        answer = self.server.handle(request)
        if answer.delay and self.server.closing.wait(answer.delay):
            answer = Answer(503, ending="reset")
        self._send(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class looks up these names

    def _read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        return self._read_exactly(int(length)) if length.isdecimal() else None

    def _read_chunks(self) -> bytes | None:
        """Read a chunked body (RFC 9112, section 7.1)."""
        chunks = []
        while True:
            line = self.rfile.readline(1024)
            try:
                size = int(line.partition(b";")[0], 16)
            except ValueError:
                return None
            if size == 0:
                break
            chunks.append(self._read_exactly(size))
            self._read_exactly(2)
        while self.rfile.readline(1024).strip():
            pass
        return b"".join(chunks)

    def _read_exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionError("the client went away in the middle of a body")
        return data

    def _send(self, answer: Answer) -> None:
        if answer.ending != "whole":
            self.close_connection = True
        if answer.ending == "hang":
            # Returns when the client gives up or the server stops, whichever comes first.
            self.rfile.read()
        elif answer.ending == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        else:
            self._write(answer)

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in {204, 304}:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if answer.ending == "cut" else answer.body)

    def log_message(self, *_: Any) -> None:
        """Do nothing, to keep standard error for errors."""


_RESET_ON_CLOSE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


def _shut(connection: ssl.SSLSocket) -> None:
    # The plain socket's method, because SSLSocket.shutdown drops the TLS state that another thread is using.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
