"""Looking at a 401: bounded in bytes and in time whatever is sent (T74), and possible whatever the body is (T95)."""

from __future__ import annotations

import functools
import gzip
import http.client
import io
import socket
import threading
import time
import tracemalloc
import zlib
from types import SimpleNamespace

import pytest
import requests
from helpers.https_server import INVALID_TOKEN, OK, SCOPE_MISMATCH, Answer, Zoho, header
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3.response import GzipDecoder

from requests_zohorecruit.auth import replay

CANDIDATES = "/recruit/v2/Candidates"
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture
def zoho():
    with Zoho() as server:
        yield server


@pytest.fixture
def auth(zoho):
    """Holds a token that the API has forgotten."""
    return zoho.rejecting(zoho.auth())


def rejecting_with(zoho, answer):
    zoho.answers[CANDIDATES] = lambda arrived: OK if arrived.authorization in zoho.good else answer


def paused(zoho, auth):
    """Have the 401s of `auth` handed back."""
    zoho.answers[CANDIDATES] = lambda _: INVALID_TOKEN
    zoho.session.get(zoho.url(), auth=auth)
    assert auth._refresher.record.pause
    zoho.good.clear()


def check_cured(response):
    assert (response.status_code, response.json()) == (200, {"data": []})
    assert [past.status_code for past in response.history] == [401]


MEGABYTES = 80


@functools.cache
def bomb(encoding):
    """Return the header and the body of a 401 that unpacks to 80 MB."""
    zeros = bytes(1 << 20)
    if encoding == "br":
        packer = pytest.importorskip("brotli").Compressor(quality=5)
        return encoding, b"".join(packer.process(zeros) for _ in range(MEGABYTES)) + packer.finish()
    if encoding == "zstd":
        packer = pytest.importorskip("backports.zstd").ZstdCompressor()
        return encoding, b"".join(packer.compress(zeros) for _ in range(MEGABYTES)) + packer.flush()
    if encoding == "gzip, gzip":
        return encoding, gzip.compress(bomb("gzip")[1])
    window = {"gzip": 31, "deflate": 15, "raw deflate": -15}[encoding]
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return encoding.split()[-1], b"".join(packer.compress(zeros) for _ in range(MEGABYTES)) + packer.flush()


class TestBytes:
    """T74: no more than 64 KB of it are looked at, neither as sent nor unpacked."""

    @STREAM
    @pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "deflate", "raw deflate", "br", "zstd"])
    def test_T74_a_bomb_is_not_unpacked(self, zoho, auth, encoding, stream):
        name, body = bomb(encoding)
        rejecting_with(zoho, Answer(401, body, (("Content-Encoding", name),)))
        tracemalloc.start()
        try:
            response = zoho.session.get(zoho.url(), auth=auth, stream=stream)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        check_cured(response)
        assert most < 8 << 20
        assert len(response.history[0].content) <= 64 * 1024

    @STREAM
    @pytest.mark.parametrize(
        "declared", [(("Content-Length", str(1 << 40)),), ()], ids=["a terabyte", "until it closes"]
    )
    def test_T74_of_one_without_end_64_kib_are_read_and_the_connection_is_closed(self, zoho, auth, declared, stream):
        sent = []

        def pour(write):
            for _ in range(2000):  # 100 MB: more than any buffer between here and there takes
                write(bytes(50_000))
                sent.append(50_000)

        rejecting_with(zoho, Answer(401, pour, declared))
        response = zoho.session.get(zoho.url(), auth=auth, stream=stream)
        check_cured(response)
        assert len(response.history[0].content) == 64 * 1024
        assert sum(sent) < 100_000_000

    @STREAM
    def test_T74_so_it_is_in_chunks(self, zoho, auth, stream):
        left = iter([bytes(50_000)] * 2000)
        rejecting_with(zoho, Answer(401, left))
        response = zoho.session.get(zoho.url(), auth=auth, stream=stream)
        check_cured(response)
        assert len(response.history[0].content) == 64 * 1024
        assert next(left)

    def test_T74_nor_does_a_decoder_that_knows_no_bound_unpack_it(self, zoho, auth, monkeypatch):
        # As Brotli before 1.2; of gzip's, so that nobody has to install anything for this.
        bounded = GzipDecoder.decompress
        monkeypatch.setattr(GzipDecoder, "decompress", lambda self, data, **_: bounded(self, data))
        self.test_T74_a_bomb_is_not_unpacked(zoho, auth, "gzip", stream=True)

    def test_T74_what_fits_is_read_to_its_end_and_the_connection_used_again(self, zoho, auth):
        rejecting_with(zoho, Answer(401, b"x" * (64 * 1024 - 1)))
        check_cured(zoho.session.get(zoho.url(), auth=auth, stream=True))
        first, second = zoho.calls
        assert first.connection == second.connection

    def test_T74_a_bomb_that_is_handed_back_unpacks_in_the_callers_hands(self, zoho, auth):
        paused(zoho, auth)
        name, body = bomb("gzip")
        zoho.answers[CANDIDATES] = lambda _: Answer(401, body, (("Content-Encoding", name),))
        response = zoho.session.get(zoho.url(), auth=auth, stream=True)
        assert response.status_code == 401
        assert len(next(response.iter_content(1 << 20))) == 1 << 20
        response.close()


def drip(write, *, before=b"", every=b" ", pause=0.02, end=None):
    """Write without end: for 20 seconds at most, so that a test without a bound fails instead of hanging."""
    write(before)
    for _ in range(int(20 / pause)):
        write(every)
        time.sleep(pause)
    if end:
        end()


CHUNKED = (("Transfer-Encoding", "chunked"),)
LONG = (("Content-Length", "100000"),)
SLOW = {
    "bytes of a long body": (LONG, {"every": b"x"}),
    "bytes until it closes": ((), {"every": b"x"}),
    "chunks of a byte": (CHUNKED, {"every": b"1\r\nx\r\n"}),
    "a chunk's extension": (CHUNKED, {"before": b"5;", "every": b"x"}),
    "trailers": (CHUNKED, {"before": b"0\r\n", "every": b"A: b\r\n"}),
    "empty blocks of gzip": ((*CHUNKED, ("Content-Encoding", "gzip")), {
        "every": b"14\r\n" + gzip.compress(b"", mtime=0) + b"\r\n",
    }),
    "nothing at all": (LONG, {"every": b""}),
    "nothing before it closes": ((), {"before": b"x", "every": b""}),
    "nothing after the beginning": (LONG, {"before": b'{"code":', "every": b""}),
    "nothing of a chunk": (CHUNKED, {"before": b"5\r\nab", "every": b""}),
}  # fmt: skip


class TestTime:
    """T74: nobody waits for the rest of a 401 longer than a few seconds, whatever the timeout of the call."""

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch):
        monkeypatch.setattr(replay, "_PATIENCE", 0.2)
        monkeypatch.setattr(replay, "_LONGEST_LOOK", 0.4)

    @STREAM
    @pytest.mark.parametrize(("headers", "how"), SLOW.values(), ids=SLOW.keys())
    @pytest.mark.thorough(one_in=4)
    def test_T74_a_401_that_drips_is_unreadable_and_replayed(self, zoho, auth, headers, how, stream):
        ended = threading.Event()
        answer = Answer(401, functools.partial(drip, **how, end=ended.set), headers)
        rejecting_with(zoho, answer)
        response = zoho.session.get(zoho.url(), auth=auth, stream=stream)
        check_cured(response)
        assert len(zoho.token_calls) == 2
        assert not ended.is_set()

    def test_T74_one_that_is_handed_back_goes_on_where_it_was_left(self, zoho, auth):
        paused(zoho, auth)

        def write_slowly(write):
            for number in range(40):
                write(b"%03d\n" % number)
                time.sleep(0.02)

        zoho.answers[CANDIDATES] = lambda _: Answer(401, write_slowly, (("Content-Length", "160"),))
        response = zoho.session.get(zoho.url(), auth=auth, stream=True)
        assert response.status_code == 401
        assert response.content == b"".join(b"%03d\n" % number for number in range(40))

    def test_T74_one_that_had_to_be_cut_short_breaks_off_in_the_callers_hands(self, zoho, auth):
        paused(zoho, auth)
        slow = functools.partial(drip, before=b"before", every=b"")
        zoho.answers[CANDIDATES] = lambda _: Answer(401, slow, LONG)
        response = zoho.session.get(zoho.url(), auth=auth, stream=True)
        assert (response.status_code, response.raw.read(6)) == (401, b"before")
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = response.content
        # Not to be used again, or another answer would be taken for the rest of this one.
        zoho.answers[CANDIDATES] = lambda _: OK
        assert zoho.session.get(zoho.url(), auth=auth).json() == {"data": []}
        assert zoho.calls[-1].connection != zoho.calls[-2].connection

    def test_T74_without_a_thread_to_be_had_the_callers_own_timeout_counts(self, zoho, auth, monkeypatch):
        def refuse(_):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Timer, "start", refuse)
        rejecting_with(zoho, Answer(401, functools.partial(drip, every=b""), LONG))
        response = zoho.session.get(zoho.url(), auth=auth, timeout=0.5, stream=True)
        check_cured(response)
        # And it is looked at, where it comes in time.
        zoho.answers[CANDIDATES] = lambda _: SCOPE_MISMATCH
        response = zoho.session.get(zoho.url(), auth=auth, stream=True)
        assert (response.status_code, response.history, response.content) == (401, [], SCOPE_MISMATCH.body)

    def test_T74_what_stands_for_a_socket_is_shut_down_beneath_its_tls(self):
        # pyOpenSSL's, and that of a tunnel through an https proxy, are no sockets but know the descriptor of one.
        ours, theirs = socket.socketpair()
        with ours, theirs:
            raw = SimpleNamespace(connection=SimpleNamespace(sock=SimpleNamespace(fileno=ours.fileno)))
            assert replay._Beginning.read_from(raw, ours.recv) == (b"", None)

    def test_T74_what_is_no_socket_at_all_is_left_alone(self):
        raw = SimpleNamespace(connection=SimpleNamespace(sock=object()))
        assert replay._Beginning.read_from(raw, io.BytesIO(b"body").read) == (b"body", None)


class OnlyRead:
    def __init__(self, body):
        self._inner = io.BytesIO(body)

    def read(self, size=-1):
        return self._inner.read(size)


class Closing(OnlyRead):
    closed = False

    def close(self):
        self.closed = True


class ReadDecoded(OnlyRead):
    def read(self, amt=None, decode_content=None):
        return self._inner.read(amt)


class Recorded(http.client.HTTPResponse):
    """As vcrpy 7 has it: neither urllib3's response nor quite http.client's."""

    def __init__(self, body):
        self._content, self._closed = io.BytesIO(body), False
        self.tell, self.seek = self._content.tell, self._content.seek

    def read(self, *args, **kwargs):
        return self._content.read(*args, **kwargs)

    def stream(self, amt=65536, decode_content=None):
        while part := self._content.read(amt):
            yield part

    def close(self):
        self._closed = True

    def release_conn(self):
        pass


class Broken(OnlyRead):
    def read(self, size=-1):
        raise self._inner.read(size) and OSError(5, "no")


def closed(body):
    file = io.BytesIO(body)
    file.close()
    return file


class Forward(io.BytesIO):
    def seek(self, *_):
        raise io.UnsupportedOperation("seek")


READABLE = {
    "a file in memory": io.BytesIO,
    "a file that goes forward only": Forward,
    "an object with read": OnlyRead,
    "an object with read and decode_content": ReadDecoded,
    "vcrpy 7": Recorded,
    "urllib3 over a file": lambda body: HTTPResponse(io.BytesIO(body), preload_content=False),
    "urllib3 over a body of an adapter's own": lambda body: HTTPResponse(Closing(body), preload_content=False),
}
UNREADABLE = {
    "none": lambda _: None,
    "a closed file": closed,
    "an object without read": lambda _: object(),
    "text": lambda body: io.StringIO(body.decode()),
    "one that fails": Broken,
    "urllib3 that has read it": HTTPResponse,
}


class Filelike(BaseAdapter):
    """Answers a good token with 200, and any other with a 401 of the given shape."""

    def __init__(self, zoho, shape, body=INVALID_TOKEN.body):
        super().__init__()
        self.zoho, self.shape, self.body = zoho, shape, body
        self.sent = []

    def send(self, request, **_):
        self.sent.append(request.headers["Authorization"])
        response = requests.Response()
        response.request, response.url, response.connection = request, request.url, self
        response.status_code = 200 if self.sent[-1] in self.zoho.good else 401
        response.raw = io.BytesIO(OK.body) if response.status_code == 200 else self.shape(self.body)
        return response

    def close(self):
        """Nothing is open."""


class TestFiles:
    """T95: an adapter's body may be no more than a file, or less."""

    @STREAM
    @pytest.mark.parametrize("shape", [*READABLE.values(), *UNREADABLE.values()], ids=[*READABLE, *UNREADABLE])
    def test_T95_a_rejection_is_cured_whatever_its_body_is(self, zoho, auth, shape, stream):
        adapter = Filelike(zoho, shape)
        zoho.session.mount("https://", adapter)
        response = zoho.session.get(zoho.url(), auth=auth, stream=stream)
        check_cured(response)
        assert adapter.sent == [header(1), header(2)]

    @STREAM
    @pytest.mark.parametrize("shape", READABLE.values(), ids=READABLE.keys())
    def test_T95_another_401_is_understood_and_handed_back_readable(self, zoho, auth, shape, stream):
        zoho.session.mount("https://", Filelike(zoho, shape, SCOPE_MISMATCH.body))
        response = zoho.session.get(zoho.url(), auth=auth, stream=stream)
        assert (response.status_code, response.history, response.content) == (401, [], SCOPE_MISMATCH.body)
        assert len(zoho.token_calls) == 1

    @pytest.mark.parametrize("shape", READABLE.values(), ids=READABLE.keys())
    def test_T95_so_it_is_when_it_is_longer_than_what_is_looked_at(self, zoho, auth, shape):
        body = b"%0*d" % (200_000, 7)
        paused(zoho, auth)
        zoho.session.mount("https://", Filelike(zoho, shape, body))
        response = zoho.session.get(zoho.url(), auth=auth, stream=True)
        assert response.status_code == 401
        assert b"".join(response.iter_content(1000)) == body

    @STREAM
    def test_T95_a_body_that_somebody_has_used_up_is_unreadable(self, zoho, auth, stream):
        adapter = Filelike(zoho, io.BytesIO)
        zoho.session.mount("https://", adapter)

        def send(request, **kwargs):
            response = Filelike.send(adapter, request, **kwargs)
            if response.status_code == 401:
                list(response.iter_content(7))
            return response

        adapter.send = send
        check_cured(zoho.session.get(zoho.url(), auth=auth, stream=stream))
