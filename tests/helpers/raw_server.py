"""A TLS server on 127.0.0.1 whose answers are written byte by byte, as no HTTP library would."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress

import requests

from helpers.https_server import _authority
from requests_zohorecruit import Region


class RawServer:
    """Reads a request, then lets `answer(connection)` write what it likes.

    :param before_tls: called with the bare connection first; TLS is not begun when it returns True
    :ivar forms: bodies of the requests that came whole
    """

    def __init__(self, answer, *, before_tls=None, tls=True):
        self.answer, self.before_tls, self.tls = answer, before_tls, tls
        self.forms = []
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._ca = _authority()[0].cert_pem.tempfile()
        self.ca = self._ca.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection, thread in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()
            connection.close()
        self._ca.__exit__(None, None, None)

    @property
    def region(self):
        return Region("test", f"https://localhost:{self.port}", f"https://localhost:{self.port}")

    def session(self, kind=requests.Session, *arguments):
        session = kind(*arguments)
        session.verify, session.trust_env = self.ca, False
        return session

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                # `shutdown` reaches the duplicate even after TLS has taken the connection over.
                thread = threading.Thread(target=self._serve, args=(connection.dup(),), daemon=True)
                self._open.append((connection, thread))
                thread.start()

    def _serve(self, connection):
        try:
            if self.before_tls and self.before_tls(connection):
                return
            if self.tls:
                connection = _authority()[1].wrap_socket(connection, server_side=True)
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536) or b"\r\n\r\n"
            head, _, body = received.partition(b"\r\n\r\n")
            length = [int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if b"content-length" in line]
            while length and len(body) < length[0]:
                body += connection.recv(65536)
            if head:
                self.forms.append(body)
            self.answer(connection)
        except (OSError, ssl.SSLError):
            pass  # the client has gone
        finally:
            connection.close()


def drip(connection, piece, interval=0.02):
    """Send `piece` again and again until the client has gone."""
    while True:
        connection.sendall(piece)
        time.sleep(interval)
