"""Receives Zoho's redirect for a program on this machine: one request on 127.0.0.1 (RFC 8252, section 7.3).

Handles HTTP and the page shown in the browser. `consent` interprets the redirect's URL.
"""

from __future__ import annotations

import os
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlsplit

from requests_zohorecruit.secret import Secret

__all__ = ["PATH", "PORT", "CallbackReceiver", "build_loopback_uri"]

PATH = "/callback"
#: Fixed, because the registered redirect URI must match exactly; no well-known service uses this port.
PORT = 8400
#: Seconds for the browser to fetch the page before the port is closed.
_GOODBYE = 5.0


def build_loopback_uri(port: int, *, host: str = "127.0.0.1") -> str:
    """Return the redirect URI to register at Zoho.

    :param host: ``127.0.0.1``, or ``localhost``, for which browsers may try ``::1`` first
    """
    return f"http://{host}:{port}{PATH}"


class CallbackReceiver:
    """Context manager that listens on 127.0.0.1 and accepts one redirect.

    The browser waits until `show` is called, so that the page reports the real outcome.

    :param port: as registered at Zoho
    :ivar shown: set when the browser has received its page
    :raises OSError: on entering, when the port is in use
    """

    def __init__(self, port: int) -> None:
        self._port = port
        # Not SimpleQueue: in Python 3.10 its get() can hang if the timeout expires just as it goes to sleep.
        self._addresses: Queue[Secret] = Queue()
        self._pages: Queue[bytes] = Queue()
        self._taken = threading.Lock()
        self.shown = threading.Event()

    def __enter__(self) -> CallbackReceiver:  # noqa: PYI034 - typing.Self is not in Python 3.10
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._taken.locked():
            self.show("Login failed", "See the terminal where you started the login.")
            self.shown.wait(_GOODBYE)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float) -> Secret | None:
        """Wait for the redirect and return its URL, or None if it has not arrived in time."""
        try:
            return self._addresses.get(timeout=seconds)
        except Empty:
            return None

    def show(self, title: str, text: str) -> None:
        """Show a page in the waiting browser. Only the first call counts."""
        self._pages.put(_render(title, text))

    def take(self, path: str) -> bytes | None:
        """Accept the redirect, wait, and return the page to show. None if one was accepted before."""
        if not self._taken.acquire(blocking=False):
            return None
        self._addresses.put(Secret(f"http://127.0.0.1:{self._port}{path}"))
        return self._pages.get()


class _Server(ThreadingHTTPServer):
    # On Windows this would let another program take over the port.
    allow_reuse_address = os.name == "posix"
    daemon_threads = True
    block_on_close = False
    receiver: CallbackReceiver

    def handle_error(self, request: object, client_address: object) -> None:
        """Do nothing: a browser that disconnects early is not our error."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    #: Seconds. Browsers open connections ahead of time and send nothing on them.
    timeout = 60

    def do_GET(self) -> None:
        hosts = {f"{name}:{self.server.server_port}" for name in ("127.0.0.1", "localhost")}
        if urlsplit(self.path).path != PATH or self.headers.get("Host") not in hosts:
            self._answer(404, _render("Nothing here", "This address is for Zoho's redirect only."))
            return
        page = self.server.receiver.take(self.path)
        if page is None:
            text = "This login has already received its redirect. You can close this window."
            self._answer(410, _render("Already received", text))
            return
        try:
            self._answer(200, page)
        finally:
            self.server.receiver.shown.set()

    def _answer(self, status: int, page: bytes) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name for it
        """Do nothing, because the URL contains the code (T61)."""


_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} - zohorecruit</title><style>:root {{ color-scheme: light dark; }} main {{ font: 1.05rem/1.6 system-ui,
sans-serif; margin: 20vh auto; max-width: 30rem; padding: 2rem; }}</style><main><h1>{title}</h1><p>{text}</p></main>"""


def _render(title: str, text: str) -> bytes:
    return _PAGE.format(title=escape(title), text=escape(text)).encode()
