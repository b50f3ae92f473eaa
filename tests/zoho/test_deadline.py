"""However a server behaves, a token call ends at its deadline, in a `TokenEndpointError`."""

from __future__ import annotations

import gc
import gzip
import io
import json
import socket
import threading
import time
import warnings
from types import SimpleNamespace

import pytest
import requests
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT, raising
from helpers.raw_server import RawServer, drip
from requests.adapters import BaseAdapter, HTTPAdapter
from requests_oauthlib import OAuth2Session

from requests_zohorecruit import MemoryStore, ZohoRecruitAuth, zohorecruit_compliance_fix
from requests_zohorecruit.errors import TokenEndpointError
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.deadline import Deadline
from requests_zohorecruit.zoho.grants import RefreshToken
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

NOW = 1_800_000_000.0
GOOD = json.dumps({"access_token": "1000.planted-access", "expires_in": 3600}).encode()
OK = b"HTTP/1.1 200 OK\r\n"
#: Seconds; the pieces of the servers below come much faster, so that no timeout of requests is ever reached.
TIMEOUT = (5, 5)


def answering(head, piece, **options):
    def answer(connection):
        connection.sendall(head)
        drip(connection, piece, **options)

    return answer


def drip_status_line(connection):
    for each in b"HTTP/1.1 200 " + b"O" * 65_000:
        connection.sendall(bytes([each]))
        time.sleep(0.02)


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = OK + b"Content-Encoding: gzip\r\n"
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
GZIP_HEAD = gzip.compress(b"")[:10]

DRIPS = {
    "status line": drip_status_line,
    "one endless header": answering(OK + b"X-Drip: ", b"x"),
    "header lines": answering(OK, b"X-Drip: x\r\n", interval=0.2),
    "100 Continue": answering(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "100 Continue without a rest": answering(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, interval=0),
    "headers of 100 Continue": answering(b"HTTP/1.1 100 Continue\r\n", b"X-Drip: x\r\n"),
    "body": answering(OK + b"Content-Length: 60000\r\n\r\n{", b" "),
    "body that ends with the connection": answering(OK + b"Connection: close\r\n\r\n" + GOOD, b" "),
    "body of a redirect": answering(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 60000\r\n\r\n", b" "),
    "body of a throttle": answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 60000\r\n\r\n", b" "),
    "chunks": answering(CHUNKED, b"1\r\n \r\n"),
    "chunk extension": answering(CHUNKED + b"1;", b"x"),
    "chunk size": answering(CHUNKED, b"0"),
    "trailers": answering(CHUNKED + b"%x\r\n%s\r\n0\r\n" % (len(GOOD), GOOD), b"X-Drip: x\r\n"),
    "empty gzip blocks": answering(GZIP + b"\r\n" + GZIP_HEAD, EMPTY_BLOCK),
    "empty gzip blocks without a rest": answering(GZIP + b"\r\n" + GZIP_HEAD, EMPTY_BLOCK * 4000, interval=0),
    "empty gzip blocks in chunks": answering(
        GZIP + b"Transfer-Encoding: chunked\r\n\r\na\r\n" + GZIP_HEAD + b"\r\n", b"5\r\n" + EMPTY_BLOCK + b"\r\n"
    ),
    "empty gzip members": answering(GZIP + b"\r\n", gzip.compress(b"")),
}


@pytest.fixture(autouse=True)
def _collect_sockets():
    # http.client drops a response whose status line breaks off without closing its file: the collector does. Also
    # before, so that it finds no other test's in the middle of this one.
    collect_sockets()
    yield
    collect_sockets()


def collect_sockets():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def half_a_second(monkeypatch):
    """Let every call end after half a second."""
    begin = Deadline.__init__

    def begin_and_hurry(deadline, *timeout):
        begin(deadline, *timeout)
        deadline.seconds = deadline._timer.interval = 0.5

    monkeypatch.setattr(Deadline, "__init__", begin_and_hurry)


hurried = pytest.mark.usefixtures("half_a_second")


def endpoint(server, session=None, **options):
    application = Application.create(CLIENT_ID, CLIENT_SECRET, server.region)
    session = session or server.session()
    return TokenEndpoint(application, session=session, **{"timeout": TIMEOUT} | options)


def fail(server, session=None, match=r"No complete answer within 0\.5 s from localhost", **options):
    with raising(TokenEndpointError, match=match) as caught:
        endpoint(server, session, **options).mint(RefreshToken(Secret(GRANT)), None, now=NOW)
    assert [each.name for each in threading.enumerate() if isinstance(each, threading.Timer)] == []
    return caught.value


class OwnAdapter(HTTPAdapter):
    """A user's, which records."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def send(self, request, *args, **kwargs):
        self.calls.append(request.url)
        return super().send(request, *args, **kwargs)


@hurried
@pytest.mark.parametrize("kind", DRIPS)
@pytest.mark.thorough(one_in=5)
def test_t73_an_answer_that_drips_ends_at_the_deadline(kind):
    with RawServer(DRIPS[kind]) as server:
        assert fail(server).uncertain is True
        assert len(server.forms) == 1


@hurried
@pytest.mark.parametrize("kind", ["status line", "body", "body that ends with the connection"])
@pytest.mark.thorough(one_in=2)
def test_t73_a_session_and_an_adapter_of_the_users_own_end_there_too(kind):
    with RawServer(DRIPS[kind]) as server, server.session() as session:
        session.mount("https://", adapter := OwnAdapter())
        assert fail(server, session).uncertain is True
        assert adapter.calls == [server.region.token_url]


@hurried
@pytest.mark.parametrize("kind", ["status line", "body", "trailers"])
@pytest.mark.thorough(one_in=2)
def test_t73_calls_of_an_oauth2session_end_there_too(kind):
    with RawServer(DRIPS[kind]) as server, server.session(OAuth2Session, CLIENT_ID) as session:
        zohorecruit_compliance_fix(session, region=server.region, client_secret=CLIENT_SECRET)
        with raising(TokenEndpointError, match=r"No complete answer within 0\.5 s"):
            session.fetch_token(server.region.token_url, code="1000.planted-code", timeout=TIMEOUT, verify=server.ca)


@hurried
def test_t73_a_caller_with_a_live_token_waits_no_longer_and_uses_it():
    stale = {"access_token": "1000.planted-live", "refresh_token": GRANT, "expires_in": 3600}
    with RawServer(DRIPS["body"]) as server, server.session() as session:
        store = MemoryStore()
        store.save(stale | {"expires_at": time.time() + 120, "client_id": CLIENT_ID, "region": "test"})
        auth = ZohoRecruitAuth(
            CLIENT_ID, CLIENT_SECRET, region=server.region, store=store, session=session, timeout=TIMEOUT
        )
        request = requests.Request("GET", server.region.recruit_url, auth=auth).prepare()
        assert request.headers["Authorization"] == "Zoho-oauthtoken 1000.planted-live"
        assert len(server.forms) == 1


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (OK, b"X-Endless: x\r\n" * 1000),
        (OK + b"X-Endless: ", b"x" * 65_536),
        (b"", b"x" * 65_536),
        (OK + b"\r\n", b" " * 65_536),
        (CHUNKED + b"1;", b"x" * 65_536),
    ],
    ids=["headers", "header", "status line", "body", "chunk extension"],
)
@pytest.mark.thorough(one_in=2)
def test_t73_an_endless_answer_is_an_error_long_before_the_deadline(head, piece):
    with RawServer(answering(head, piece, interval=0)) as server:
        assert fail(server, match="connection broke|not a token response", timeout=(30, 30)).uncertain is True


@pytest.mark.parametrize(
    ("head", "piece"),
    [(CHUNKED, b"-5\r\n"), (OK, b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n")],
    ids=["chunk of less than nothing", "two lengths"],
)
def test_t73_a_length_that_cannot_be_is_no_fault_of_the_proxy_settings(head, piece):
    # Out of requests comes a ValueError then, as it does where proxy settings are wrong and nothing is sent.
    with RawServer(answering(head, piece)) as server:
        assert fail(server, match="The connection broke before a complete answer arrived from").uncertain is True
        assert len(server.forms) == 1


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(
        "requests_zohorecruit.zoho.deadline.time", SimpleNamespace(monotonic=lambda: 1000.0 + now.seconds)
    )
    return now


# -- before the form is sent -------------------------------------------------------------------------------------------


def test_t73_a_server_that_takes_a_connection_and_says_nothing_ends_with_the_timeout():
    ended = threading.Event()
    with RawServer(None, before_tls=lambda _: ended.wait(30)) as server:
        assert fail(server, match="No answer within the timeout", timeout=(0.1, 0.1)).uncertain is True
        ended.set()
        assert server.forms == []


def drip_handshake(connection):
    connection.recv(65536)
    connection.sendall(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb\x03\x03")  # the beginning of a long ServerHello
    drip(connection, b"\x00")


@hurried
def test_t73_a_dripping_handshake_ends_at_the_deadline():
    with RawServer(None, before_tls=drip_handshake) as server:
        assert fail(server).uncertain is True
        assert server.forms == []


@hurried
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("head", "piece"),
    [(b"HTTP/1.1 200 ", b"O"), (b"HTTP/1.1 200 Connected\r\nX-Drip: ", b"x")],
    ids=["status line", "header"],
)
@pytest.mark.thorough(one_in=2)
def test_t73_a_proxy_that_drips_ends_at_the_deadline(scheme, head, piece):
    with RawServer(answering(head, piece), tls=scheme == "https") as proxy, proxy.session() as session:
        session.proxies["https"] = f"{scheme}://localhost:{proxy.port}"
        fail(proxy, session)
        assert proxy.forms == [b""]  # of CONNECT


@hurried
def test_t73_a_handshake_that_drips_through_a_proxy_with_tls_ends_at_the_deadline():
    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        drip_handshake(connection)

    with RawServer(answer) as proxy, proxy.session() as session:
        session.proxies["https"] = f"https://localhost:{proxy.port}"
        fail(proxy, session)


def test_t73_many_dead_addresses_take_no_longer_than_the_deadline(clock, monkeypatch):
    attempts = []

    def connect(_, address):
        attempts.append(address)
        clock.seconds += 5
        raise TimeoutError

    dead = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in range(1, 200)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: dead)
    monkeypatch.setattr(socket.socket, "connect", connect)
    accounts = TokenEndpoint(Application.create(CLIENT_ID, CLIENT_SECRET, "eu"), timeout=(5, 30))
    with raising(TokenEndpointError, match="No connection within the timeout to") as caught:
        accounts.mint(RefreshToken(Secret(GRANT)), None, now=NOW)
    assert caught.value.uncertain is False
    assert [port for _, port in attempts] == [1, 2, 3]


# -- the parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connect", "read", "last"), [(5, 30, 10), (30, 5, 10), (0.5, 1, 5.5), (100, 100, 105), (3, 3, 8)]
)
@pytest.mark.thorough(one_in=3)
def test_t73_no_attempt_to_connect_begins_that_could_outlast_the_call(clock, connect, read, last):
    deadline = Deadline(connect, read)
    connection = SimpleNamespace(socket_options=[(6, 1, 1)], _new_conn=None)
    deadline.watch(connection)
    clock.seconds += last
    assert list(connection.socket_options) == [(6, 1, 1)]
    assert last + connect <= deadline.seconds
    clock.seconds += 0.01
    with pytest.raises(TimeoutError):
        list(connection.socket_options)


def test_t73_a_connection_made_after_the_deadline_is_shut_down_at_once():
    ours, theirs = socket.socketpair()
    with ours, theirs, Deadline(1, 1) as deadline:
        ours.setblocking(False)  # or the timer would shut it down while this waits for the end
        connection = SimpleNamespace(socket_options=None, _new_conn=lambda: ours)
        deadline.watch(connection)
        deadline.expired = True
        assert connection._new_conn() is ours
        assert ours.recv(1) == b""


def test_t73_a_socket_that_is_none_is_let_alone():
    with Deadline(1, 1) as deadline:
        mock = object()
        connection = SimpleNamespace(socket_options=None, _new_conn=lambda: mock)
        deadline.watch(connection)
        assert connection._new_conn() is mock


@hurried
def test_t73_a_connection_that_has_gone_already_is_no_problem_for_the_next():
    ours, theirs = socket.socketpair()
    with socket.socket() as gone, ours, theirs, Deadline(1, 1) as deadline:
        made = iter([gone, ours])
        connection = SimpleNamespace(socket_options=None, _new_conn=lambda: next(made))
        deadline.watch(connection)
        connection._new_conn(), connection._new_conn()
        ours.settimeout(30)
        assert ours.recv(1) == b""
    assert deadline.expired is True


def test_t73_where_no_thread_can_be_started_the_timeouts_are_what_is_left(monkeypatch):
    def refuse(_):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Timer, "start", refuse)

    def answer(connection):
        connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD)

    with RawServer(answer) as server:
        assert endpoint(server).mint(RefreshToken(Secret(GRANT)), None, now=NOW).access_token == "1000.planted-access"


class Elsewhere(BaseAdapter):
    """Makes no connection, and answers with a body of its own."""

    def __init__(self, raw):
        super().__init__()
        self.raw = raw

    def send(self, request, **_):
        response = requests.Response()
        response.status_code, response.raw, response.url = 200, self.raw, request.url
        return response

    def close(self):
        pass


class Dripping(io.RawIOBase):
    """A body that comes from no connection."""

    def __init__(self, clock):
        self.clock = clock

    def read(self, size=-1):
        self.clock.seconds += 1
        return b" "


def test_t73_an_adapter_without_connections_is_left_between_two_pieces(clock):
    session = requests.Session()
    session.mount("https://", Elsewhere(Dripping(clock)))
    accounts = TokenEndpoint(Application.create(CLIENT_ID, CLIENT_SECRET, "eu"), session=session)
    with raising(TokenEndpointError, match="No complete answer within 40 s from"):
        accounts.mint(RefreshToken(Secret(GRANT)), None, now=NOW)
    assert clock.seconds == 1040


class Broken(io.RawIOBase):
    def read(self, size=-1):
        raise OSError(5, "planted")


def test_t73_an_adapters_body_that_cannot_be_read_is_an_answer_that_broke_off():
    session = requests.Session()
    session.mount("https://", Elsewhere(Broken()))
    accounts = TokenEndpoint(Application.create(CLIENT_ID, CLIENT_SECRET, "eu"), session=session)
    with raising(TokenEndpointError, match="The connection broke before a complete answer arrived from") as caught:
        accounts.mint(RefreshToken(Secret(GRANT)), None, now=NOW)
    assert caught.value.uncertain is True


def test_t73_a_timeout_of_centuries_is_still_one(clock):
    with Deadline(threading.TIMEOUT_MAX, threading.TIMEOUT_MAX) as deadline:
        deadline.check()
        assert deadline._timer.is_alive()
