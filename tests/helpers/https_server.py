"""A Zoho of a few lines on 127.0.0.1, over real TLS, that records what arrives."""

from __future__ import annotations

import functools
import json
import socket
import ssl
import threading
import traceback
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import requests
import trustme

from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT
from requests_zohorecruit import Region, ZohoRecruitAuth

TOKEN_PATH = "/oauth/v2/token"


def access_token(number):
    return f"1000.planted-access-{number}"


def header(number):
    return f"Zoho-oauthtoken {access_token(number)}"


class Arrived(NamedTuple):
    """A request as it came over the wire; `connection` is the client's address, so one per TCP connection."""

    method: str
    path: str
    headers: object
    body: bytes
    connection: tuple

    @property
    def authorization(self):
        return self.headers["Authorization"]


class Answer(NamedTuple):
    """`body` is bytes, an iterable of bytes to send in chunks, or a function that writes what follows the headers.

    `broken` promises more than it sends.
    """

    status: int = 200
    body: object = b""
    headers: tuple = ()
    broken: bool = False


def document(status, value, **headers):
    return Answer(status, json.dumps(value).encode(), tuple(headers.items()))


OK = document(200, {"data": []})
INVALID_TOKEN = document(401, {"code": "INVALID_TOKEN", "message": "invalid oauth token", "status": "error"})
SCOPE_MISMATCH = document(401, {"code": "OAUTH_SCOPE_MISMATCH", "details": {}, "status": "error"})
DENIED = document(400, {"error": "Access Denied", "error_description": "too many requests", "status": "failure"})


class Zoho:
    """Mints access tokens 1, 2, … and accepts those in `good`.

    :ivar token_answers: answers, or functions that return one, for the next token calls
    :ivar answers: path -> function of what arrived that returns the answer instead of the usual one
    """

    def __init__(self, *, tls=True):
        self.received = []
        self.minted = 0
        self.good = set()
        self.token_answers = []
        self.answers = {}
        self.errors = []
        self._memory = threading.Lock()
        self._server = _Server(self, tls=tls)
        self._end = ExitStack()

    def __enter__(self):
        self.ca = self._end.enter_context(_authority()[0].cert_pem.tempfile())
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        self._end.callback(thread.join)
        self._end.callback(self._server.stop)
        self.session = self.new_session()
        return self

    def __exit__(self, *_):
        self._end.close()
        assert self.errors == []

    @property
    def port(self):
        return self._server.server_port

    @property
    def host(self):
        return f"localhost:{self.port}"

    @property
    def region(self):
        return Region("test", f"https://{self.host}", f"https://{self.host}")

    @property
    def token_calls(self):
        return [arrived for arrived in self.received if arrived.path == TOKEN_PATH]

    @property
    def calls(self):
        """What arrived at the API."""
        return [arrived for arrived in self.received if arrived.path != TOKEN_PATH]

    def url(self, path="/recruit/v2/Candidates", *, host="localhost"):
        return f"https://{host}:{self.port}{path}"

    def new_session(self):
        session = requests.Session()
        session.verify = self.ca
        return self._end.enter_context(session)

    def auth(self, **options):
        options = {"region": self.region, "refresh_token": GRANT, "session": self.new_session(), **options}
        return ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET, **options)

    def rejecting(self, auth):
        """Let `auth` have a token, then let the API forget it."""
        auth(requests.Request("GET", self.url()).prepare())
        self.good.clear()
        return auth

    def answer(self, arrived):
        with self._memory:
            self.received.append(arrived)
        if arrived.path == TOKEN_PATH:
            planned = self.token_answers.pop(0) if self.token_answers else self.mint
        else:
            planned = self.answers.get(arrived.path.partition("?")[0], self.usual)
        if isinstance(planned, Answer):
            return planned
        return planned() if arrived.path == TOKEN_PATH else planned(arrived)

    def mint(self):
        with self._memory:
            self.minted += 1
            self.good.add(header(self.minted))
            return document(
                200, {"access_token": access_token(self.minted), "expires_in": 3600, "token_type": "Bearer"}
            )

    def usual(self, arrived):
        return OK if arrived.authorization in self.good else INVALID_TOKEN


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, zoho, *, tls):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.zoho = zoho
        self.tls = _authority()[1] if tls else None
        self.open = set()

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:
            # The handshake happens at the first read, in the connection's own thread.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self.open.add(connection)
        return connection, address

    def shutdown_request(self, request):
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        problem = traceback.format_exc()
        if not any(kind in problem for kind in ("ConnectionResetError", "BrokenPipeError", "SSLError", "SSLEOFError")):
            self.zoho.errors.append(problem)

    def stop(self):
        self.shutdown()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def _serve(self):
        arrived = Arrived(self.command, self.path, self.headers, self._body(), self.client_address)
        answer = self.server.zoho.answer(arrived)
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name.replace("_", "-"), value)
        if callable(answer.body):
            self.end_headers()
            self.close_connection = True
            answer.body(self.wfile.write)
            return
        if not isinstance(answer.body, bytes):
            self._send_chunks(answer)
            return
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body) + 1000 * answer.broken))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.close_connection = self.close_connection or answer.broken

    def _send_chunks(self, answer):
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in answer.body:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        if not answer.broken:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = self.close_connection or answer.broken

    def _body(self):
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_POST = do_HEAD = _serve  # noqa: N815 - names that http.server looks for


@functools.cache
def _authority():
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return authority, context


# -- T60 ---------------------------------------------------------------------------------------------------------------
