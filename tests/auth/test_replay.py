"""What happens after a 401: the one replay, and the answer that is handed back as readable as it came."""

from __future__ import annotations

import copy
import gzip
import io
import itertools
import json
import logging
import os
import pickle
import random
import threading
import time
from contextlib import ExitStack
from multiprocessing.reduction import ForkingPickler

import cloudpickle
import dill
import joblib
import pytest
import requests
from celery import Celery
from helpers.engine_parts import Clock, in_threads
from helpers.https_server import DENIED, INVALID_TOKEN, OK, SCOPE_MISMATCH, Answer, Zoho, document, header
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT, quiet_about_secrets, raising
from requests.adapters import HTTPAdapter
from requests.hooks import dispatch_hook
from requests_cache import CachedSession
from requests_oauthlib import OAuth2Session
from urllib3 import HTTPResponse

from requests_zohorecruit import (
    MemoryStore,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    zohorecruit_compliance_fix,
)
from requests_zohorecruit.secret import Secret

CANDIDATES = "/recruit/v2/Candidates"


@pytest.fixture(autouse=True)
def _quiet(caplog):
    with quiet_about_secrets(caplog):
        yield


@pytest.fixture
def zoho():
    with Zoho() as server:
        yield server


@pytest.fixture
def auth(zoho):
    """Holds a token that the API has forgotten."""
    return zoho.rejecting(zoho.auth())


def tokens_sent(zoho):
    return [call.authorization for call in zoho.calls]


REJECTIONS = {
    "INVALID_TOKEN": INVALID_TOKEN,
    "with details": document(401, {"code": "INVALID_TOKEN", "details": {}, "message": "…", "status": "error"}),
    "INVALID_OAUTHTOKEN": document(401, {"code": "INVALID_OAUTHTOKEN"}),
    "AUTHENTICATION_FAILURE": document(401, {"code": "AUTHENTICATION_FAILURE"}),
    "nested": document(401, {"error": {"code": "INVALID_TOKEN"}}),
    "nested as text": document(401, {"error": "INVALID_TOKEN"}),
    "no code": document(401, {"message": "?"}),
    "HTML": Answer(401, b"<html><body>Unauthorized</body></html>"),
    "XML": Answer(401, b'<?xml version="1.0"?><response><error><code>4834</code></error></response>'),
    "empty": Answer(401),
    "truncated": Answer(401, b'{"code":"OAUTH_SCOPE_MIS'),
    "invalid UTF-8": Answer(401, b'{"code":"\xff\xfe"'),
    "a list": Answer(401, b"[]"),
    "deep": Answer(401, b"[" * 60_000),
    "broken in the middle": Answer(401, b'{"code":', broken=True),
    "broken between chunks": Answer(401, (b'{"code":',), broken=True),
    "no gzip at all": Answer(401, b"not gzip", (("Content-Encoding", "gzip"),)),
    "long": Answer(401, b"x" * 300_000),
    "long and broken": Answer(401, b"x" * 300_000, broken=True),
    "a gzip bomb": Answer(401, gzip.compress(b"[" * 10_000_000), (("Content-Encoding", "gzip"),)),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("answer", REJECTIONS.values(), ids=REJECTIONS.keys())
@pytest.mark.thorough(one_in=3)
def test_a_rejection_or_an_unreadable_401_is_cured_by_one_refresh_and_one_replay(zoho, auth, answer, stream):
    zoho.answers[CANDIDATES] = lambda arrived: OK if arrived.authorization in zoho.good else answer
    response = zoho.session.get(zoho.url(), auth=auth, stream=stream)
    assert (response.status_code, response.json()) == (200, {"data": []})
    assert [past.status_code for past in response.history] == [401]
    assert tokens_sent(zoho) == [header(1), header(2)]
    assert len(zoho.token_calls) == 2
    assert response.request.headers["Authorization"] == header(2)
    assert response.history[0].request.headers["Authorization"] == repr(Secret(header(1)))


LEFT_ALONE = {
    "T22 OAUTH_SCOPE_MISMATCH": SCOPE_MISMATCH,
    "T22 nested": document(401, {"error": {"code": "OAUTH_SCOPE_MISMATCH"}}),
    "a code we do not know": document(401, {"code": "SOMETHING_NEW"}),
    "a permission as 401": document(401, {"code": "NO_PERMISSION"}),
    "403": document(403, {"code": "NO_PERMISSION"}),
    "403 that says INVALID_TOKEN": document(403, {"code": "INVALID_TOKEN"}),
    "400": document(400, {"code": "AUTHORIZATION_FAILED"}),
    "404": document(404, {"code": "INVALID_URL_PATTERN"}),
    "429": document(429, {"code": "TOO_MANY_REQUESTS"}, Retry_After="1"),
    "500": Answer(500, b"oops"),
    "T36 204": Answer(204),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("answer", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_T22_T36_whatever_else_the_api_says_is_the_callers_at_once(zoho, auth, answer, stream):
    zoho.answers[CANDIDATES] = lambda _: answer
    response = zoho.session.get(zoho.url(), auth=auth, stream=stream)
    assert (response.status_code, response.content, response.history) == (answer.status, answer.body, [])
    assert len(zoho.calls) == len(zoho.token_calls) == 1


@pytest.mark.parametrize("second", [document(500, {}), SCOPE_MISMATCH, Answer(204), document(429, {})])
def test_the_second_answer_is_returned_whatever_it_is(zoho, auth, second):
    zoho.answers[CANDIDATES] = lambda arrived: second if arrived.authorization in zoho.good else INVALID_TOKEN
    response = zoho.session.get(zoho.url(), auth=auth)
    assert (response.status_code, response.content) == (second.status, second.body)
    assert [past.json()["code"] for past in response.history] == ["INVALID_TOKEN"]
    assert len(zoho.calls) == len(zoho.token_calls) == 2
    assert not auth._refresher.record.pause


def after_eight(answer):
    """Return what answers after eight requests have carried the first token, so that none learns sooner that it is bad."""
    barrier = threading.Barrier(8)

    def together(arrived):
        if arrived.authorization == header(1):
            barrier.wait(30)
        return answer(arrived)

    return together


def test_T11_eight_threads_with_one_rejected_token_make_one_mint_and_get_eight_200s(zoho, auth):
    zoho.answers[CANDIDATES] = after_eight(zoho.usual)
    sessions = [zoho.new_session() for _ in range(8)]
    codes = in_threads(8, lambda index: sessions[index].get(zoho.url(), auth=auth).status_code)
    assert codes == [200] * 8
    assert len(zoho.token_calls) == 2
    assert sorted(tokens_sent(zoho)) == [header(1)] * 8 + [header(2)] * 8


def test_a_different_token_of_somebody_else_is_adopted_and_nothing_minted(zoho):
    store = MemoryStore()
    here, there = zoho.rejecting(zoho.auth(store=store)), zoho.auth(store=store)
    there.refresh()
    assert zoho.session.get(zoho.url(), auth=here).status_code == 200
    assert tokens_sent(zoho) == [header(1), header(2)]
    assert len(zoho.token_calls) == 2


def test_T27_a_session_whose_own_auth_this_is_refreshes_through_another_one_without_recursion(zoho):
    session = zoho.new_session()
    session.auth = auth = zoho.auth(session=session)
    zoho.rejecting(auth)
    assert session.get(zoho.url()).status_code == 200
    assert len(zoho.token_calls) == 2
    assert [call.authorization for call in zoho.token_calls] == [None, None]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (DENIED, ThrottledError),
        (document(200, {"error": "invalid_code"}), ReauthorizationRequired),
        (Answer(502, b"<html>"), TokenEndpointError),
    ],
)
def test_T38_a_refresh_that_fails_after_the_401_raises_its_error_and_nothing_is_replayed(
    zoho, auth, answer, kind, stream
):
    zoho.token_answers = [answer]
    with raising(kind):
        zoho.session.get(zoho.url(), auth=auth, stream=stream)
    assert tokens_sent(zoho) == [header(1)]


def test_a_connection_that_breaks_during_the_replay_raises_what_requests_raises(zoho, auth):
    class Breaking(HTTPAdapter):
        def send(self, request, **kwargs):
            if request.headers["Authorization"] == header(2):
                raise requests.ConnectionError("broken")
            return super().send(request, **kwargs)

    zoho.session.mount("https://", Breaking())
    with pytest.raises(requests.ConnectionError, match="broken"):
        zoho.session.get(zoho.url(), auth=auth)


class TestBodies:
    """T31: the replay sends every byte again, from where the body began, or is not made."""

    def check(self, zoho, auth, expected, **request):
        zoho.answers[CANDIDATES] = zoho.usual
        response = zoho.session.post(zoho.url(), auth=auth, **request)
        assert response.status_code == 200
        first, second = zoho.calls
        assert (first.body, second.body) == (expected, expected)
        for name in ("Content-Type", "Content-Length", "Transfer-Encoding"):
            assert first.headers[name] == second.headers[name]

    def hand_back(self, zoho, auth, **request):
        response = zoho.session.post(zoho.url(), auth=auth, **request)
        assert (response.status_code, response.json()["code"], response.history) == (401, "INVALID_TOKEN", [])
        assert len(zoho.calls) == 1
        # The refresh happened, so the next call works.
        assert len(zoho.token_calls) == 2
        assert zoho.session.post(zoho.url(), auth=auth).status_code == 200

    def test_T31_bytes(self, zoho, auth):
        body = bytes(range(256)) * 1000
        self.check(zoho, auth, body, data=body)

    def test_T31_bytearray(self, zoho, auth):
        self.check(zoho, auth, b"\x00\xffab", data=bytearray(b"\x00\xffab"))

    def test_T31_text(self, zoho, auth):
        self.check(zoho, auth, "Žluťoučký".encode(), data="Žluťoučký")

    def test_T31_a_form(self, zoho, auth):
        self.check(zoho, auth, b"a=1&a=2&b=x+y", data={"a": [1, 2], "b": "x y"})

    def test_T31_json(self, zoho, auth):
        self.check(zoho, auth, b'{"data": [{"Last_Name": "\\u017d"}]}', json={"data": [{"Last_Name": "Ž"}]})

    def test_T31_multipart(self, zoho, auth, tmp_path):
        (tmp_path / "cv.pdf").write_bytes(b"%PDF" + bytes(100_000))
        with (tmp_path / "cv.pdf").open("rb") as file:
            assert zoho.session.post(zoho.url(), auth=auth, files={"file": file}).status_code == 200
        first, second = zoho.calls
        assert b"%PDF" + bytes(100_000) in first.body
        assert first.body == second.body
        assert first.headers["Content-Type"] == second.headers["Content-Type"]

    def test_T31_a_file_opened_at_offset_3(self, zoho, auth, tmp_path):
        (tmp_path / "cv").write_bytes(b"012" + bytes(range(256)) * 500)
        with (tmp_path / "cv").open("rb") as file:
            file.seek(3)
            self.check(zoho, auth, bytes(range(256)) * 500, data=file)

    def test_T31_a_stream_in_memory_at_an_offset(self, zoho, auth):
        body = io.BytesIO(b"abcdefgh")
        body.seek(5)
        self.check(zoho, auth, b"fgh", data=body)

    def test_T31_a_generator(self, zoho, auth):
        self.hand_back(zoho, auth, data=(part for part in [b"a", b"b"]))
        assert zoho.calls[0].body == b"ab"

    def test_T31_a_pipe(self, zoho, auth):
        reading, writing = os.pipe()
        os.write(writing, b"through the pipe")
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            self.hand_back(zoho, auth, data=pipe)
        assert zoho.calls[0].body == b"through the pipe"

    @pytest.mark.parametrize("problem", [None, OSError("no"), NotImplementedError(), RuntimeError("closed")])
    def test_T31_an_object_with_tell_that_does_not_seek(self, zoho, auth, problem):
        class Forward:
            def __init__(self):
                self._inner = io.BytesIO(b"forward only")
                self.read, self.tell = self._inner.read, self._inner.tell

            def __iter__(self):
                return iter(self._inner)

        def seek(*where):
            if zoho.calls:
                raise problem
            return body._inner.seek(*where)

        body = Forward()
        if problem:
            body.seek = seek
        self.hand_back(zoho, auth, data=body)
        assert zoho.calls[0].body == b"forward only"

    def test_T31_a_file_that_was_closed_meanwhile(self, zoho, auth):
        body = io.BytesIO(b"closed when sent")

        class Closing(HTTPAdapter):
            def send(self, request, **kwargs):
                response = super().send(request, **kwargs)
                body.close()
                return response

        zoho.session.mount("https://", Closing())
        response = zoho.session.post(zoho.url(), auth=auth, data=body)
        assert (response.status_code, len(zoho.calls), len(zoho.token_calls)) == (401, 1, 2)


def carried_on(zoho, kind):
    """Arrange for a 401 that is handed back; return what has to be asked for it."""
    if kind == "scope mismatch":
        return zoho.auth(), {}
    if kind == "not rewindable":
        return zoho.rejecting(zoho.auth()), {"data": (part for part in [b"x"])}
    auth = zoho.rejecting(zoho.auth())
    zoho.answers[CANDIDATES] = lambda _: INVALID_TOKEN
    zoho.session.post(zoho.url(), auth=auth)
    assert auth._refresher.record.pause
    return auth, {}


READERS = {
    "content": lambda response: response.content,
    "json": lambda response: response.json(),
    "iter_content": lambda response: b"".join(response.iter_content(101)),
    "iter_content of any size": lambda response: b"".join(response.iter_content(None)),
    "iter_lines": lambda response: list(response.iter_lines()),
    "raw.read": lambda response: response.raw.read(),
    "raw.read decoded": lambda response: response.raw.read(decode_content=True),
    "raw.read in pieces": lambda response: b"".join(iter(lambda: response.raw.read(1000), b"")),
    "raw.stream": lambda response: b"".join(response.raw.stream(1000)),
    "raw.readinto": lambda response: (buffer := bytearray(100), response.raw.readinto(buffer), bytes(buffer)),
    "raw.read1": lambda response: b"".join(iter(lambda: response.raw.read1(1000), b"")),
    "text wrapper": lambda response: _wrapped(response).read(),
    "text wrapper by lines": lambda response: list(_wrapped(response)),
    "raw.data": lambda response: response.raw.data,
}


def _wrapped(response):
    response.raw.auto_close = False
    return io.TextIOWrapper(response.raw, "latin-1")


def sent_as(kind, text):
    if kind == "gzip":
        return Answer(401, gzip.compress(text), (("Content-Encoding", "gzip"),))
    if kind == "chunked":
        size = max(50, len(text) // 200)
        return Answer(401, [text[at : at + size] for at in range(0, len(text), size)])
    return Answer(401, text)


class Watching(HTTPAdapter):
    def __init__(self):
        super().__init__()
        self.beneath = []

    def build_response(self, request, raw):
        self.beneath.append(raw)
        return super().build_response(request, raw)


class Canned(HTTPAdapter):
    """Answers by itself, always the same."""

    def __init__(self, content, headers=(("Content-Encoding", "gzip"),)):
        super().__init__()
        self._content, self._headers = content, dict(headers)

    def send(self, request, **_):
        self.body = io.BytesIO(self._content)
        raw = HTTPResponse(self.body, self._headers, status=401, preload_content=False)
        return self.build_response(request, raw)


class TestHandedBack:
    """T35: as readable as if this library had not looked."""

    @pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
    @pytest.mark.parametrize("encoding", ["plain", "gzip", "chunked"])
    @pytest.mark.parametrize("why", ["scope mismatch", "not rewindable", "pause"])
    @pytest.mark.thorough(one_in=8)
    def test_T35_a_401_that_is_handed_back_reads_as_it_does_without_us(self, zoho, why, encoding, reader):
        code = "OAUTH_SCOPE_MISMATCH" if why == "scope mismatch" else "INVALID_TOKEN"
        auth, request = carried_on(zoho, why)
        answer = sent_as(encoding, json.dumps({"code": code, "lines": ["\n".join("abc")] * 20}, indent=1).encode())
        zoho.answers[CANDIDATES] = lambda _: answer
        self.compare(zoho, auth, request, reader)

    @pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
    @pytest.mark.parametrize("encoding", ["plain", "gzip", "chunked"])
    @pytest.mark.parametrize("why", ["not rewindable", "pause"])
    @pytest.mark.thorough(one_in=12)
    def test_T35_so_does_one_that_is_longer_than_what_we_look_at(self, zoho, why, encoding, reader):
        auth, request = carried_on(zoho, why)
        noise = "".join(f"{number * 7919 % 100_003:x}\\n" for number in range(26_000))
        answer = sent_as(encoding, json.dumps({"code": "INVALID_TOKEN", "noise": noise}).encode())
        assert len(answer.body) > 64 * 1024 or encoding == "chunked"
        zoho.answers[CANDIDATES] = lambda _: answer
        self.compare(zoho, auth, request, reader)

    def test_T35_its_first_line_and_nothing_read_are_as_they_are_without_us(self, zoho):
        # Of the body nothing must be lost by asking for none of it.
        zoho.answers[CANDIDATES] = lambda _: SCOPE_MISMATCH
        self.compare(zoho, zoho.auth(), {}, lambda response: (
            response.raw.status, response.raw.reason, response.raw.version, response.raw.read(0), response.raw.read(),
        ))  # fmt: skip

    @pytest.mark.parametrize("reader", ["content", "iter_content", "raw.read", "raw.read in pieces", "raw.data"])
    @pytest.mark.parametrize("size", [200, 200_000])
    @pytest.mark.thorough(one_in=3)
    def test_T35_so_does_one_of_an_adapter_that_answers_by_itself_as_caches_and_mocks_do(self, zoho, reader, size):
        # They leave decoding to urllib3's response, where requests' own adapter leaves it to requests.
        noise = random.Random(size).randbytes(size // 2).hex()
        adapter = Canned(gzip.compress(json.dumps({"code": "INVALID_TOKEN", "noise": noise}).encode()))
        zoho.session.mount("https://", adapter)
        ours, plain = (
            zoho.session.post(zoho.url(), auth=auth, data=(part for part in [b"x"]), stream=True)
            for auth in (zoho.rejecting(zoho.auth()), lambda unsigned: unsigned)
        )
        assert ours.status_code == 401
        # Not every reader there is: of a body in memory urllib3 itself reads on for ever with some.
        assert READERS[reader](ours) == READERS[reader](plain)

    def test_T35_one_without_end_is_read_no_further_than_the_caller_reads(self, zoho):
        adapter = Canned(b"x" * 1_000_000, headers={})
        zoho.session.mount("https://", adapter)
        auth, body = zoho.rejecting(zoho.auth()), (part for part in [b"x"])
        response = zoho.session.post(zoho.url(), auth=auth, data=body, stream=True)
        assert adapter.body.tell() <= 64 * 1024
        for _ in range(80):
            assert len(response.raw.read(1000)) == 1000
        assert adapter.body.tell() < 100_000

    @pytest.mark.parametrize("encoding", ["plain", "gzip"])
    @pytest.mark.parametrize(("size", "codes"), [(64 * 1024, []), (64 * 1024 + 1, [401])])
    def test_T35_no_more_than_64_kib_of_a_stream_are_looked_at(self, zoho, auth, encoding, size, codes):
        # What is cut off there is unreadable, and an unreadable 401 is a rejection.
        answer = sent_as(encoding, SCOPE_MISMATCH.body.rjust(size))
        zoho.answers[CANDIDATES] = lambda arrived: OK if arrived.authorization in zoho.good else answer
        with zoho.session.get(zoho.url(), auth=auth, stream=True) as response:
            assert [past.status_code for past in response.history] == codes

    def compare(self, zoho, auth, request, reader):
        calls = len(zoho.calls)
        ours = zoho.session.post(zoho.url(), auth=auth, stream=True, **request)
        assert (ours.status_code, ours.history, len(zoho.calls)) == (401, [], calls + 1)
        plain = zoho.session.post(zoho.url(), auth=lambda unsigned: unsigned, stream=True)
        assert reader(ours) == reader(plain)
        ours.close()
        plain.close()

    def test_T35_the_second_401_is_as_readable_as_the_first(self, zoho, auth):
        zoho.answers[CANDIDATES] = lambda _: INVALID_TOKEN
        response = zoho.session.get(zoho.url(), auth=auth, stream=True)
        assert [response.raw.read(), response.history[0].content] == [INVALID_TOKEN.body] * 2

    def test_a_401_to_a_HEAD_has_a_length_and_no_body(self, zoho, auth):
        zoho.answers[CANDIDATES] = lambda _: INVALID_TOKEN
        response = zoho.session.head(zoho.url(), auth=auth, stream=True)
        assert (response.status_code, response.content, len(response.history)) == (401, b"", 1)

    def test_a_body_that_breaks_off_is_handed_back_empty_or_breaks_off_in_the_callers_hands(self, zoho):
        auth, _ = carried_on(zoho, "pause")
        zoho.answers[CANDIDATES] = lambda _: Answer(401, b'{"code":', broken=True)
        response = zoho.session.get(zoho.url(), auth=auth)
        assert (response.status_code, response.content) == (401, b"")
        response = zoho.session.get(zoho.url(), auth=auth, stream=True)
        assert response.status_code == 401
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = response.content

    def test_closing_a_stream_unread_closes_the_connection_beneath(self, zoho):
        zoho.answers[CANDIDATES] = lambda _: SCOPE_MISMATCH
        adapter = Watching()
        zoho.session.mount("https://", adapter)
        response = zoho.session.get(zoho.url(), auth=zoho.auth(), stream=True)
        assert not response.raw.closed
        response.close()
        assert response.raw.closed
        assert adapter.beneath[0].closed

    def test_a_refresh_that_fails_closes_the_stream_that_nobody_will_get(self, zoho, auth):
        zoho.token_answers = [DENIED]
        adapter = Watching()
        zoho.session.mount("https://", adapter)
        zoho.answers[CANDIDATES] = lambda _: Answer(401, b"x" * 300_000)
        with raising(ThrottledError):
            zoho.session.get(zoho.url(), auth=auth, stream=True)
        assert adapter.beneath[0].closed

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    def test_a_401_that_cannot_be_drained_is_closed_before_the_replay(self, zoho, auth, stream):
        unreadable = Answer(401, b"not gzip" * 40_000, (("Content-Encoding", "gzip"),))
        zoho.answers[CANDIDATES] = lambda arrived: OK if arrived.authorization in zoho.good else unreadable
        adapter = Watching()
        zoho.session.mount("https://", adapter)
        with zoho.session.get(zoho.url(), auth=auth, stream=stream) as response:
            assert [past.status_code for past in response.history] == [401]
            assert adapter.beneath[0].closed

    def test_an_adapter_without_urllib3_is_read_as_requests_reads_it(self, zoho):
        class Bare(requests.adapters.BaseAdapter):
            def send(self, request, **_):
                response = requests.Response()
                response.status_code, response.request, response.url = 401, request, request.url
                response.raw = io.BytesIO(INVALID_TOKEN.body)
                return response

            def close(self):
                pass

        zoho.session.mount("https://", Bare())
        response = zoho.session.get(zoho.url(), auth=zoho.rejecting(zoho.auth()), stream=True)
        # It does not say which adapter it came through, so it is not replay.
        assert (response.status_code, response.content, len(zoho.token_calls)) == (401, INVALID_TOKEN.body, 2)

    def test_an_adapter_that_gives_no_body_is_an_unreadable_401(self, zoho):
        class Bodiless(HTTPAdapter):
            def send(self, request, **kwargs):
                response = super().send(request, **kwargs)
                if response.status_code == 401:
                    response.close()
                    response.raw = None
                    response.close = lambda: None
                return response

        zoho.session.mount("https://", Bodiless())
        response = zoho.session.get(zoho.url(), auth=zoho.rejecting(zoho.auth()))
        assert (response.status_code, response.history[0].content) == (200, b"")


class Recording(HTTPAdapter):
    def __init__(self):
        super().__init__()
        self.sent = []

    def send(self, request, **kwargs):
        self.sent.append((request.headers["Authorization"], kwargs))
        return super().send(request, **{**kwargs, "cert": None})


class TestSameWay:
    """T34: the replay goes the way the request went."""

    def test_T34_the_same_adapter_gets_the_same_settings(self, zoho, auth):
        adapter = Recording()
        zoho.session.mount(zoho.url(), adapter)
        settings = {"timeout": (3, 7), "verify": zoho.ca, "cert": ("a", "b"), "stream": True}
        response = zoho.session.get(zoho.url(), auth=auth, proxies={"ftp": "http://127.0.0.1:9"}, **settings)
        assert response.json() == {"data": []}
        (one, first), (other, second) = adapter.sent
        assert (one, other) == (header(1), header(2))
        assert first == second
        assert {name: second[name] for name in settings} == settings
        assert second["proxies"]["ftp"] == "http://127.0.0.1:9"

    def test_T34_the_callers_headers_and_the_query_come_along(self, zoho, auth):
        zoho.answers[CANDIDATES] = zoho.usual
        zoho.session.get(zoho.url(), auth=auth, headers={"If-Modified-Since": "yesterday"}, params={"page": 2})
        assert [call.headers["If-Modified-Since"] for call in zoho.calls] == ["yesterday"] * 2
        assert [call.path for call in zoho.calls] == [f"{CANDIDATES}?page=2"] * 2

    def test_T34_the_connection_is_used_again(self, zoho, auth):
        zoho.session.get(zoho.url(), auth=auth, stream=True).close()
        first, second = zoho.calls
        assert first.connection == second.connection

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    def test_T34_cookies_of_the_401_are_carried_into_the_replay_and_land_in_the_sessions_jar(self, zoho, auth, stream):
        def answer(arrived):
            usual = zoho.usual(arrived)
            return usual._replace(headers=(("Set-Cookie", f"c{usual.status}=1; Path=/"),))

        zoho.answers[CANDIDATES] = answer
        zoho.session.cookies.set("mine", "0")
        zoho.session.get(zoho.url(), auth=auth, stream=stream)
        first, second = zoho.calls
        assert first.headers["Cookie"] == "mine=0"
        assert sorted(second.headers["Cookie"].split("; ")) == ["c401=1", "mine=0"]
        assert dict(zoho.session.cookies) == {"mine": "0", "c401": "1", "c200": "1"}

    def test_T34_a_cookie_that_the_401_takes_away_is_not_sent_again(self, zoho, auth):
        gone = INVALID_TOKEN._replace(headers=(("Set-Cookie", "mine=; Path=/; Max-Age=0"),))
        zoho.answers[CANDIDATES] = lambda arrived: OK if arrived.authorization in zoho.good else gone
        zoho.session.cookies.set("mine", "0", domain="localhost.local", path="/")
        zoho.session.get(zoho.url(), auth=auth)
        assert [call.headers["Cookie"] for call in zoho.calls] == ["mine=0", None]

    def test_T34_a_cookie_header_of_the_callers_own_survives(self, zoho, auth):
        baked = INVALID_TOKEN._replace(headers=(("Set-Cookie", "theirs=1; Path=/"),))
        zoho.answers[CANDIDATES] = lambda arrived: OK if arrived.authorization in zoho.good else baked
        zoho.session.cookies.set("jar", "0")
        zoho.session.get(zoho.url(), auth=auth, headers={"Cookie": "mine=explicit"})
        assert [call.headers["Cookie"] for call in zoho.calls] == ["mine=explicit"] * 2

    def test_T34_the_callers_hooks_run_once_with_the_final_answer(self, zoho, auth):
        seen = []
        hooks = {"response": [lambda response, **_: seen.append(("call", response.status_code))]}
        zoho.session.hooks["response"].append(lambda response, **_: seen.append(("session", response.status_code)))
        zoho.session.get(zoho.url(), auth=auth, hooks=hooks)
        zoho.good.clear()
        zoho.session.get(zoho.url(), auth=auth)
        assert seen == [("call", 200), ("session", 200)]

    def test_T34_so_they_do_where_a_request_with_hooks_is_signed_by_hand(self, zoho, auth):
        seen = []
        request = requests.Request("GET", zoho.url(), hooks={"response": lambda response, **_: seen.append(response)})
        response = zoho.session.send(auth(request.prepare()))
        assert seen == [response]
        assert response.status_code == 200

    def test_T34_elapsed_is_measured(self, zoho, auth):
        started = time.perf_counter()
        response = zoho.session.get(zoho.url(), auth=auth)
        assert 0 < response.elapsed.total_seconds() < time.perf_counter() - started

    def test_T34_a_stream_still_streams_after_the_replay(self, zoho, auth):
        first_part_read = threading.Event()

        def parts():
            yield b"first"
            assert first_part_read.wait(30)
            yield b"second"

        zoho.answers[CANDIDATES] = lambda arrived: (
            Answer(200, parts()) if arrived.authorization in zoho.good else INVALID_TOKEN
        )
        response = zoho.session.get(zoho.url(), auth=auth, stream=True)
        chunks = response.iter_content(None)
        assert next(chunks) == b"first"  # while the server has not finished
        first_part_read.set()
        assert list(chunks) == [b"second"]
        assert len(response.history) == 1


class TestRedirects:
    """T09, T32, T33: the token stays with those it is meant for."""

    def redirect(self, zoho, to, status=307, path="/recruit/v2/moved"):
        zoho.answers[path] = lambda _: Answer(status, b"", (("Location", to),))
        return zoho.url(path)

    def test_a_redirect_on_the_same_host_is_followed_with_the_token(self, zoho):
        url = self.redirect(zoho, CANDIDATES)
        response = zoho.session.post(url, auth=zoho.auth(), data=b"body")
        assert [past.status_code for past in response.history] == [307]
        assert [(call.authorization, call.body) for call in zoho.calls] == [(header(1), b"body")] * 2

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_T87_a_redirect_after_a_replay_is_followed_with_the_new_token(self, zoho, auth, status, stream):
        moved = Answer(status, b"", (("Location", CANDIDATES),))
        zoho.answers["/recruit/v2/moved"] = lambda arrived: (
            moved if arrived.authorization in zoho.good else INVALID_TOKEN
        )
        url, body = zoho.url("/recruit/v2/moved"), io.BytesIO(b"body")
        response = zoho.session.post(url, auth=auth, data=body, stream=stream)
        assert (response.status_code, response.json()) == (200, {"data": []})
        # Not once more than it takes: refused, redirected, and accepted, where the redirect keeps the body.
        assert tokens_sent(zoho) == [header(1), header(2), header(2)]
        assert [call.body for call in zoho.calls] == [b"body", b"body", b"body" if status in {307, 308} else b""]
        assert len(zoho.token_calls) == 2

    def test_T87_so_is_a_chain_of_redirects_one_of_which_leads_to_a_401(self, zoho, auth):
        for path, to in (("/a", "/b"), ("/b", "/c"), ("/c", CANDIDATES)):
            moved = Answer(307, b"", (("Location", to),))
            zoho.answers[path] = lambda arrived, moved=moved: (
                INVALID_TOKEN if arrived.path == "/b" and arrived.authorization not in zoho.good else moved
            )
        response = zoho.session.post(zoho.url("/a"), auth=auth, data=b"body")
        assert response.status_code == 200
        assert [call.path for call in zoho.calls] == ["/a", "/b", "/b", "/c", CANDIDATES]
        assert tokens_sent(zoho) == [header(1)] * 2 + [header(2)] * 3

    @pytest.mark.parametrize("status", [303, 307])
    def test_T87_to_a_stranger_neither_token_goes_along_and_its_401_is_none_of_ours(self, zoho, auth, status):
        with Zoho() as stranger:
            stranger.answers["/"] = lambda _: INVALID_TOKEN
            away = Answer(status, b"", (("Location", stranger.url("/", host="127.0.0.1")),))
            zoho.answers[CANDIDATES] = lambda arrived: away if arrived.authorization in zoho.good else INVALID_TOKEN
            response = zoho.session.post(zoho.url(), auth=auth, data=b"body")
            assert (response.status_code, tokens_sent(stranger)) == (401, [None])
        assert tokens_sent(zoho) == [header(1), header(2)]
        assert len(zoho.token_calls) == 2

    def test_T87_a_request_that_was_not_redirected_keeps_what_it_was_sent_with(self, zoho, auth):
        request = auth(requests.Request("GET", zoho.url()).prepare())
        assert zoho.session.send(request).status_code == 200
        assert request.headers["Authorization"] == header(1)

    def test_a_401_behind_a_redirect_on_the_same_host_is_cured_too(self, zoho, auth):
        response = zoho.session.get(self.redirect(zoho, CANDIDATES), auth=auth)
        assert response.status_code == 200
        assert tokens_sent(zoho) == [header(1), header(1), header(2)]

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    def test_T32_a_stranger_behind_a_redirect_never_sees_the_token_whatever_it_answers(self, zoho, status, stream):
        with Zoho() as stranger:
            stranger.answers["/"] = lambda _: INVALID_TOKEN
            url = self.redirect(zoho, stranger.url("/", host="127.0.0.1"), status)
            response = zoho.session.get(url, auth=zoho.auth(), stream=stream)
            assert (response.status_code, response.content) == (401, INVALID_TOKEN.body)
            assert tokens_sent(stranger) == [None]
        assert len(zoho.calls) == len(zoho.token_calls) == 1

    def test_T32_another_port_of_the_same_host_is_a_stranger(self, zoho):
        with Zoho() as stranger:
            stranger.answers["/"] = lambda _: INVALID_TOKEN
            zoho.session.get(self.redirect(zoho, stranger.url("/")), auth=zoho.auth())
            assert tokens_sent(stranger) == [None]

    def test_T32_a_stranger_that_redirects_back_changes_nothing(self, zoho):
        with Zoho() as stranger:
            stranger.answers["/"] = lambda _: Answer(307, b"", (("Location", zoho.url()),))
            url = self.redirect(zoho, stranger.url("/", host="127.0.0.1"))
            response = zoho.session.get(url, auth=zoho.auth())
            assert response.status_code == 401
            assert tokens_sent(stranger) == [None]
        assert tokens_sent(zoho) == [header(1), None]
        assert len(zoho.token_calls) == 1

    def test_T32_even_a_session_that_keeps_the_header_on_redirects_does_not_make_us_replay(self, zoho):
        class Generous(requests.Session):
            def should_strip_auth(self, *_):
                return False

        with Zoho() as stranger, Generous() as session:
            stranger.answers["/"] = lambda _: INVALID_TOKEN
            session.verify = zoho.ca
            session.get(self.redirect(zoho, stranger.url("/", host="127.0.0.1")), auth=zoho.auth())
            assert len(stranger.calls) == 1
        assert len(zoho.token_calls) == 1

    def test_T33_a_redirect_to_http_goes_without_the_token(self, zoho):
        with Zoho(tls=False) as clear:
            clear.answers["/"] = lambda _: INVALID_TOKEN
            zoho.session.get(self.redirect(zoho, f"http://localhost:{clear.port}/"), auth=zoho.auth())
            assert tokens_sent(clear) == [None]
        assert len(zoho.token_calls) == 1

    def test_T09_netrc_that_replaces_the_header_on_a_redirect_is_left_alone(self, zoho, auth, tmp_path, monkeypatch):
        (tmp_path / "netrc").write_text("default login me password open\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        zoho.answers["/elsewhere"] = lambda _: INVALID_TOKEN
        response = zoho.session.get(self.redirect(zoho, "/elsewhere"), auth=auth)
        assert response.status_code == 401
        ours, theirs = tokens_sent(zoho)
        assert ours == header(1)
        assert theirs.startswith("Basic ")
        assert len(zoho.token_calls) == 1

    def test_T09_netrc_never_goes_into_token_calls(self, zoho, tmp_path, monkeypatch):
        (tmp_path / "netrc").write_text("default login me password open\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", zoho.ca)
        for session in (None, zoho.new_session()):
            assert zoho.session.get(zoho.url(), auth=zoho.auth(session=session)).status_code == 200
        assert [call.authorization for call in zoho.token_calls] == [None, None]
        assert tokens_sent(zoho) == [header(1), header(2)]


class TestPause:
    """T21: an API that rejects everything costs a bounded number of tokens."""

    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def auth(self, zoho, clock):
        auth = zoho.auth()
        auth._refresher.grant.clock = clock
        zoho.answers[CANDIDATES] = lambda _: INVALID_TOKEN
        return auth

    def warnings(self, caplog):
        return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]

    def test_T21_the_second_answer_is_handed_back_the_first_in_history_and_one_warning_names_region_and_host(
        self, zoho, auth, caplog
    ):
        response = zoho.session.get(zoho.url(), auth=auth)
        assert (response.status_code, response.json()["code"]) == (401, "INVALID_TOKEN")
        assert [past.status_code for past in response.history] == [401]
        for _ in range(20):
            assert zoho.session.get(zoho.url(), auth=auth).history == []
        (warning,) = self.warnings(caplog)
        assert zoho.host in warning
        assert "region test" in warning

    def test_T21_mints_are_bounded_however_many_calls_and_threads(self, zoho, auth, clock):
        # A thread that started late would send the second token for the first time, which may cost a third one.
        zoho.answers[CANDIDATES] = after_eight(lambda _: INVALID_TOKEN)
        sessions = [zoho.new_session() for _ in range(8)]

        def work(index):
            return {sessions[index].get(zoho.url(), auth=auth).status_code for _ in range(5)}

        assert in_threads(8, work) == [{401}] * 8
        assert len(zoho.token_calls) == 2
        # An hour of it, a call every ten seconds: expiry is not in sight, and the pause doubles each time.
        for _ in range(300):
            clock.forward(10)
            zoho.session.get(zoho.url(), auth=auth)
        assert len(zoho.token_calls) <= 2 + 6

    def test_T21_the_pause_holds_for_everybody_who_shares_the_store(self, zoho, clock):
        store = MemoryStore()
        zoho.answers[CANDIDATES] = lambda _: INVALID_TOKEN
        both = [zoho.auth(store=store) for _ in range(2)]
        for auth in both:
            auth._refresher.grant.clock = clock
        for auth in both * 3:
            assert zoho.session.get(zoho.url(), auth=auth).status_code == 401
        assert len(zoho.token_calls) == 2

    def test_T21_a_401_that_comes_late_is_handed_back_without_trying_what_was_rejected_too(self, zoho, auth):
        sessions = iter([zoho.new_session()])

        def answer(_):
            for other in sessions:  # while the first request waits for its answer
                other.get(zoho.url(), auth=auth)
            return INVALID_TOKEN

        zoho.answers[CANDIDATES] = answer
        response = zoho.session.get(zoho.url(), auth=auth)
        assert (response.status_code, response.history) == (401, [])
        assert sorted(tokens_sent(zoho)) == [header(1), header(1), header(2)]

    def test_T21_after_a_minute_one_more_replacement_is_tried(self, zoho, auth, clock):
        zoho.session.get(zoho.url(), auth=auth)
        clock.forward(61)
        response = zoho.session.get(zoho.url(), auth=auth)
        assert (len(zoho.token_calls), len(response.history)) == (3, 1)

    def test_T21_the_first_accepted_call_ends_the_pause_in_memory_and_in_the_store(self, zoho, auth):
        zoho.session.get(zoho.url(), auth=auth)
        assert auth._refresher.grant.store.load()["rejection_pause"]
        del zoho.answers[CANDIDATES]
        assert zoho.session.get(zoho.url(), auth=auth).status_code == 200
        assert not auth._refresher.record.pause
        assert "rejection_pause" not in auth._refresher.grant.store.load()
        # So the next rejected token is replaced at once.
        zoho.good.clear()
        assert zoho.session.get(zoho.url(), auth=auth).status_code == 200
        assert len(zoho.token_calls) == 3

    def test_T21_an_accepted_replay_ends_the_pause_too(self, zoho, auth, clock):
        zoho.session.get(zoho.url(), auth=auth)
        clock.forward(61)
        zoho.answers[CANDIDATES] = lambda arrived: OK if arrived.authorization == header(3) else INVALID_TOKEN
        assert zoho.session.get(zoho.url(), auth=auth).status_code == 200
        assert not auth._refresher.record.pause

    @pytest.mark.parametrize("status", [302, 403, 404, 429, 500])
    def test_T21_an_answer_that_says_nothing_about_the_token_does_not_end_the_pause(self, zoho, auth, status):
        zoho.session.get(zoho.url(), auth=auth)
        zoho.answers[CANDIDATES] = lambda _: Answer(status, b"", (("Location", "/x"),))
        zoho.session.get(zoho.url(), auth=auth, allow_redirects=False)
        assert auth._refresher.record.pause

    def test_T21_a_stranger_behind_a_redirect_who_says_200_does_not_end_the_pause(self, zoho, auth):
        zoho.session.get(zoho.url(), auth=auth)
        with Zoho() as stranger:
            stranger.answers["/"] = lambda _: OK
            zoho.answers["/away"] = lambda _: Answer(302, b"", (("Location", stranger.url("/", host="127.0.0.1")),))
            assert zoho.session.get(zoho.url("/away"), auth=auth).status_code == 200
        assert auth._refresher.record.pause

    def test_T21_expiry_goes_on_minting_during_the_pause(self, zoho, auth, clock):
        zoho.session.get(zoho.url(), auth=auth)
        clock.forward(3600)
        zoho.session.get(zoho.url(), auth=auth)
        assert zoho.calls[-1].authorization != header(2)


class TestHistory:
    """T96: the refused token is in nobody's hands."""

    def test_T96_the_request_in_history_carries_a_fingerprint_only(self, zoho, auth):
        response = zoho.session.get(zoho.url(), auth=auth)
        (past,) = response.history
        assert past.request.headers["Authorization"] == repr(Secret(header(1)))
        assert type(past.request.headers["Authorization"]) is str
        assert (past.request.method, past.request.url) == ("GET", zoho.url())
        assert response.request.headers["Authorization"] == header(2)

    def test_T96_the_callers_own_request_stays_as_it_was_signed_and_can_be_sent_again(self, zoho, auth):
        request = auth(requests.Request("GET", zoho.url()).prepare())
        first = zoho.session.send(request)
        assert request.headers["Authorization"] == header(1)
        assert first.history[0].request is not request
        assert zoho.session.send(request).status_code == 200
        assert zoho.minted == 2

    @pytest.mark.parametrize("backend", ["sqlite", "filesystem"])
    @pytest.mark.parametrize("serializer", ["pickle", "json", "yaml"])
    def test_T96_requests_cache_writes_no_token(self, zoho, auth, tmp_path, backend, serializer):
        cached = CachedSession(str(tmp_path / "cache"), backend=backend, serializer=serializer)
        cached.verify = zoho.ca
        for _ in range(2):
            response = cached.get(zoho.url(), auth=auth)
        assert response.from_cache
        assert response.json() == {"data": []}
        cached.close()
        written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        assert written
        assert not [data for data in written if b"planted" in data]


class TestTwoDeadTokens:
    """T78: a token that was adopted and is refused too is one more dead token, and no reason to pause."""

    @pytest.fixture
    def workers(self, zoho):
        """Three that share a store: the first holds token 1, which is dead, as is 2, which the second has in the store."""
        store = MemoryStore()
        workers = [zoho.auth(store=store) for _ in range(3)]
        for auth in workers:
            assert zoho.session.get(zoho.url(), auth=auth).status_code == 200
        zoho.good.clear()
        assert zoho.session.get(zoho.url(), auth=workers[1]).status_code == 200
        zoho.good.clear()
        zoho.received.clear()
        return workers

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    def test_T78_it_is_followed_by_one_mint_and_one_more_replay(self, zoho, workers, stream, caplog):
        body = io.BytesIO(b"012body")
        body.seek(3)
        response = zoho.session.post(zoho.url(), auth=workers[0], data=body, stream=stream)
        assert (response.status_code, response.json()) == (200, {"data": []})
        assert [past.status_code for past in response.history] == [401, 401]
        assert [past.json() for past in response.history] == [json.loads(INVALID_TOKEN.body)] * 2
        assert tokens_sent(zoho) == [header(1), header(2), header(3)]
        assert [call.body for call in zoho.calls] == [b"body"] * 3
        assert len(zoho.token_calls) == 1
        assert not workers[0]._refresher.grant.store.load().get("rejection_pause")
        assert not [record for record in caplog.records if record.levelname == "WARNING"]

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_T78_whatever_the_order_everybody_gets_an_answer_for_one_mint(self, zoho, workers, order):
        assert [zoho.session.get(zoho.url(), auth=workers[index]).status_code for index in order] == [200] * 3
        assert len(zoho.token_calls) == 1
        assert not workers[0]._refresher.grant.store.load().get("rejection_pause")

    def test_T78_when_the_minted_one_is_refused_too_there_is_a_pause_and_no_third_replay(self, zoho, workers, caplog):
        zoho.answers[CANDIDATES] = lambda _: INVALID_TOKEN
        response = zoho.session.get(zoho.url(), auth=workers[0])
        assert (response.status_code, [past.status_code for past in response.history]) == (401, [401, 401])
        assert tokens_sent(zoho) == [header(1), header(2), header(3)]
        assert [record.levelname for record in caplog.records if record.levelno >= logging.WARNING] == ["WARNING"]
        for auth in workers * 2:
            assert zoho.session.get(zoho.url(), auth=auth).status_code == 401
        assert len(zoho.token_calls) == 1

    def test_T78_one_that_was_minted_since_the_request_was_sent_was_minted_for_what_it_met(self, zoho, workers):
        # By another process, whose own replay has not been refused yet: were that one more dead token, each process
        # would mint one.
        def answer(arrived):
            if arrived.authorization == header(1):
                workers[1].refresh()
            return INVALID_TOKEN

        zoho.answers[CANDIDATES] = answer
        response = zoho.session.get(zoho.url(), auth=workers[0])
        assert (response.status_code, len(response.history)) == (401, 1)
        assert tokens_sent(zoho) == [header(1), header(3)]
        assert len(zoho.token_calls) == 1
        assert workers[0]._refresher.record.pause

    def test_T78_two_that_were_adopted_are_no_reason_to_pause_either(self, zoho, workers):
        # Another host's clock is behind: what it has just minted looks older than the request.
        behind = workers[1]._refresher.grant

        def answer(arrived):
            if arrived.authorization == header(2):
                behind.clock = lambda: time.time() - 60
                workers[1].refresh()
            return INVALID_TOKEN

        zoho.answers[CANDIDATES] = answer
        response = zoho.session.get(zoho.url(), auth=workers[0])
        assert (response.status_code, len(response.history)) == (401, 2)
        assert tokens_sent(zoho) == [header(1), header(2), header(3)]
        assert len(zoho.token_calls) == 1
        assert not workers[0]._refresher.record.pause

    def test_T78_eight_threads_that_adopt_a_dead_token_make_one_mint(self, zoho, workers):
        everybody = threading.Barrier(8)

        def together(arrived):
            if arrived.authorization in {header(1), header(2)}:
                everybody.wait(30)
            return zoho.usual(arrived)

        zoho.answers[CANDIDATES] = together
        sessions = [zoho.new_session() for _ in range(8)]
        codes = in_threads(8, lambda index: sessions[index].get(zoho.url(), auth=workers[0]).status_code)
        assert codes == [200] * 8
        assert len(zoho.token_calls) == 1

    def test_T78_eight_threads_with_one_dead_token_warn_once(self, zoho, workers, caplog):
        everybody = threading.Barrier(8)

        def together(arrived):
            everybody.wait(30)
            return INVALID_TOKEN

        zoho.answers[CANDIDATES] = together
        sessions = [zoho.new_session() for _ in range(8)]
        codes = in_threads(8, lambda index: sessions[index].get(zoho.url(), auth=workers[1]).status_code)
        assert codes == [401] * 8
        assert sorted(tokens_sent(zoho)) == [header(2)] * 8 + [header(3)] * 8
        assert len(zoho.token_calls) == 1
        assert [record.levelname for record in caplog.records if record.levelno >= logging.WARNING] == ["WARNING"]

    def test_T78_a_throttled_mint_after_the_adopted_token_raises(self, zoho, workers):
        zoho.token_answers = [DENIED]
        with raising(ThrottledError):
            zoho.session.get(zoho.url(), auth=workers[0])
        assert tokens_sent(zoho) == [header(1), header(2)]


class TestOAuth2Session:
    """The other door: a session with the fix answers a 401 in the same way."""

    @pytest.fixture
    def session(self, zoho):
        def make(store):
            session = OAuth2Session(CLIENT_ID, token={"refresh_token": GRANT})
            session.verify = zoho.ca
            closing.enter_context(session)
            return zohorecruit_compliance_fix(session, region=zoho.region, client_secret=CLIENT_SECRET, store=store)

        with ExitStack() as closing:
            yield make

    def test_T78_an_adopted_token_that_is_dead_too_is_followed_by_one_mint(self, zoho, session):
        store = MemoryStore()
        idle, busy = session(store), session(store)
        assert [each.get(zoho.url()).status_code for each in (idle, busy)] == [200] * 2
        zoho.good.clear()
        assert busy.get(zoho.url()).status_code == 200
        zoho.good.clear()
        zoho.received.clear()
        assert [each.get(zoho.url()).status_code for each in (idle, busy)] == [200] * 2
        assert tokens_sent(zoho) == [header(1), header(2), header(3), header(2), header(3)]
        assert len(zoho.token_calls) == 1
        assert "rejection_pause" not in store.load()

    def test_T87_a_redirect_after_a_replay_is_followed_with_the_new_token(self, zoho, session):
        moved = Answer(307, b"", (("Location", CANDIDATES),))
        zoho.answers["/moved"] = lambda arrived: moved if arrived.authorization in zoho.good else INVALID_TOKEN
        mine = session(MemoryStore())
        assert mine.get(zoho.url()).status_code == 200
        zoho.good.clear()
        zoho.received.clear()
        assert mine.post(zoho.url("/moved"), data=b"body").status_code == 200
        assert tokens_sent(zoho) == [header(1), header(2), header(2)]

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    def test_T74_a_bomb_is_not_unpacked(self, zoho, session, stream):
        bomb = Answer(401, gzip.compress(bytes(50 << 20)), (("Content-Encoding", "gzip"),))
        mine = session(MemoryStore())
        assert mine.get(zoho.url()).status_code == 200
        zoho.good.clear()
        zoho.answers[CANDIDATES] = lambda arrived: OK if arrived.authorization in zoho.good else bomb
        response = mine.get(zoho.url(), stream=stream)
        assert (response.status_code, response.json()) == (200, {"data": []})
        assert len(response.history[0].content) == 64 * 1024


class TestHook:
    """T77: what a request carries for its answer's sake."""

    @pytest.mark.parametrize("status", [200, 401])
    def test_T77_a_pickled_answer_takes_neither_grant_nor_secret_along(self, zoho, status):
        auth = zoho.auth(store=Unpicklable())
        zoho.answers[CANDIDATES] = lambda _: OK if status == 200 else SCOPE_MISMATCH
        response = zoho.session.get(zoho.url(), auth=auth)
        pickled = pickle.dumps(response)
        assert CLIENT_SECRET.encode() not in pickled
        assert GRANT.encode() not in pickled
        copied = pickle.loads(pickled)
        assert (copied.status_code, copied.content) == (status, response.content)

    @pytest.mark.parametrize("dump", [pickle.dumps, cloudpickle.dumps, dill.dumps], ids=lambda dump: dump.__module__)
    def test_T77_no_kind_of_pickle_of_an_answer_holds_any_secret_not_even_the_access_token(self, zoho, auth, dump):
        response = zoho.session.get(zoho.url(), auth=auth)
        assert response.history
        assert b"planted" not in dump(response)
        assert b"planted" not in dump(copy.copy(response))
        assert b"planted" not in dump(copy.deepcopy(response))
        assert pickle.loads(dump(response)).json() == {"data": []}

    def test_T77_a_file_of_joblib_holds_no_secret(self, zoho, auth, tmp_path):
        joblib.dump(zoho.session.get(zoho.url(), auth=auth), tmp_path / "response")
        assert b"planted" not in (tmp_path / "response").read_bytes()

    def test_T77_the_error_that_a_worker_returns_holds_no_secret(self, zoho, auth):
        zoho.answers[CANDIDATES] = lambda arrived: Answer(500) if arrived.authorization in zoho.good else INVALID_TOKEN
        with pytest.raises(requests.HTTPError) as caught:
            zoho.session.get(zoho.url(), auth=auth).raise_for_status()
        pickled = ForkingPickler.dumps(caught.value).tobytes()  # as multiprocessing and concurrent.futures do
        assert b"planted" not in pickled
        result = Celery(backend="cache+memory://").backend.prepare_exception(caught.value, serializer="pickle")
        assert b"planted" not in pickle.dumps(result)
        assert str(pickle.loads(pickled)) == str(caught.value)

    def test_T77_a_copy_within_the_process_still_knows_what_was_sent(self, zoho, auth):
        response = zoho.session.get(zoho.url(), auth=auth)
        for twin in (copy.copy(response), copy.deepcopy(response)):
            assert twin.request.headers["Authorization"] == header(2)

    @pytest.mark.parametrize("make", [copy.deepcopy, lambda auth: pickle.loads(pickle.dumps(auth))])
    def test_a_copy_of_an_auth_sends_its_token_and_hides_it_as_well(self, zoho, make):
        auth = zoho.auth()
        auth.refresh()
        twin = make(auth)
        response = zoho.session.get(zoho.url(), auth=twin)
        assert (response.status_code, response.history) == (200, [])
        assert b"planted" not in pickle.dumps(response)

    def test_T77_a_request_out_of_a_pickle_is_sent_once_until_it_is_signed_again(self, zoho, auth):
        request = pickle.loads(pickle.dumps(auth(requests.Request("GET", zoho.url()).prepare())))
        assert zoho.session.send(request).status_code == 401
        assert zoho.session.send(auth(request)).status_code == 200
        assert len(request.hooks["response"]) == 1

    def test_a_deep_copy_of_a_request_goes_on_with_the_same_auth(self, zoho, auth):
        request = copy.deepcopy(auth(requests.Request("GET", zoho.url()).prepare()))
        assert zoho.session.send(request).status_code == 200
        assert tokens_sent(zoho) == [header(1), header(2)] == [header(1), f"Zoho-oauthtoken {auth.token.access_token}"]

    @pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda auth: pickle.loads(pickle.dumps(auth))])
    def test_a_copy_of_an_auth_answers_for_its_own_requests(self, zoho, auth, make):
        twin = make(auth)
        assert zoho.session.get(zoho.url(), auth=twin).status_code == 200
        request = twin(auth(requests.Request("GET", zoho.url()).prepare()))
        assert [hook._auth is twin for hook in request.hooks["response"]] == [True]

    def test_signing_again_makes_nothing_anew(self, zoho, auth):
        request = auth(requests.Request("GET", zoho.url()).prepare())
        hooks = request.hooks
        assert auth(request).hooks is hooks


class Unpicklable(MemoryStore):
    def __reduce__(self):
        raise AssertionError("the store was pickled")


class TestOneRequestSignedTwice:
    def test_signing_twice_registers_one_hook(self, zoho, auth):
        request = auth(auth(requests.Request("GET", zoho.url()).prepare()))
        assert len(request.hooks["response"]) == 1

    def test_a_prepared_request_can_be_sent_twice(self, zoho, auth):
        request = auth(requests.Request("POST", zoho.url(), data=b"body").prepare())
        for _ in range(2):
            assert zoho.session.send(request).status_code == 200
        assert tokens_sent(zoho) == [header(1), header(2)] * 2
        assert {call.body for call in zoho.calls} == {b"body"}
        assert len(zoho.token_calls) == 2

    def test_T29_another_grant_that_signs_it_again_answers_for_it_alone(self, zoho):
        one, other = (zoho.auth(refresh_token=f"1000.planted-grant-{name}") for name in "ab")
        request = other(one(requests.Request("GET", zoho.url()).prepare()))
        assert request.headers["Authorization"] == header(2)
        zoho.good.discard(header(2))  # the other's is rejected, the one's would be accepted
        assert zoho.session.send(request).status_code == 200
        assert tokens_sent(zoho) == [header(2), header(3)]
        assert b"planted-grant-b" in zoho.token_calls[-1].body

    def test_T29_copies_of_a_prepared_request_keep_their_own_grants(self, zoho):
        one, other = (zoho.auth(refresh_token=f"1000.planted-grant-{name}") for name in "ab")
        first = one(requests.Request("GET", zoho.url()).prepare())
        second = other(first.copy())
        zoho.good.clear()
        for request in (first, second):
            assert zoho.session.send(request).status_code == 200
        assert tokens_sent(zoho) == [header(1), header(3), header(2), header(4)]
        assert [b"grant-a" in call.body for call in zoho.token_calls] == [True, False, True, False]


def test_T22_an_answer_that_was_read_before_the_hook_ran_is_understood_all_the_same(zoho):
    # Where no session says whether it streams: an adapter is called by hand, and the hooks after it.
    zoho.answers[CANDIDATES] = lambda _: SCOPE_MISMATCH
    request = zoho.auth()(requests.Request("GET", zoho.url()).prepare())
    answer = zoho.session.get_adapter(zoho.url()).send(request, verify=zoho.ca, stream=True)
    assert answer.content == SCOPE_MISMATCH.body
    response = dispatch_hook("response", request.hooks, answer)
    assert (response.content, response.history) == (SCOPE_MISMATCH.body, [])
    assert len(zoho.calls) == len(zoho.token_calls) == 1


def test_T38_no_header_that_could_be_had_means_no_replay(zoho, auth, monkeypatch):
    monkeypatch.setattr(auth._refresher, "replace", lambda _: "")
    response = zoho.session.get(zoho.url(), auth=auth)
    assert (response.status_code, len(zoho.calls)) == (401, 1)


@pytest.mark.parametrize("theirs", ["Bearer mine", "Basic bWU6", "zoho-oauthtoken x", b"Zoho-oauthtoken x"])
def test_T09_a_request_that_no_longer_carries_our_scheme_is_left_alone(zoho, auth, theirs):
    request = auth(requests.Request("GET", zoho.url()).prepare())
    request.headers["Authorization"] = theirs
    assert zoho.session.send(request).status_code == 401
    del request.headers["Authorization"]
    assert zoho.session.send(request).status_code == 401
    assert len(zoho.calls) == 2
    assert len(zoho.token_calls) == 1


def test_the_server_of_these_tests_counts_connections():
    # Or test_T34_the_connection_is_used_again could not fail.
    with Zoho() as zoho:
        for session in itertools.repeat(None, 2):
            del session
            zoho.new_session().get(zoho.url())
        assert len({call.connection for call in zoho.calls}) == 2
