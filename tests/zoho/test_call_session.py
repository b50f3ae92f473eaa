"""Token calls go through `send` of a session with others' adapters and mocks, as one post, and leave nothing there."""

from __future__ import annotations

import io
import json
import pickle
import runpy
from types import SimpleNamespace

import httmock
import pytest
import requests
import requests_cache
import requests_mock
import vcr
from helpers.https_server import Answer, Zoho, document
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT, raising
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from requests.adapters import BaseAdapter, HTTPAdapter
from requests_oauthlib import OAuth2Session
from urllib3.util import Retry
from wsgiadapter import WSGIAdapter

from requests_zohorecruit import Region, ZohoRecruitAuth, zohorecruit_compliance_fix
from requests_zohorecruit.errors import TokenEndpointError
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho import call_session
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.call_session import PlainSession
from requests_zohorecruit.zoho.grants import RefreshToken
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

NOW = 1_800_000_000.0
EU = Region.lookup("eu")
GOOD = {"access_token": "1000.planted-access", "expires_in": 3600, "token_type": "Bearer"}


@pytest.fixture
def zoho():
    with Zoho() as server:
        yield server


def refresh(region, session=None, **options):
    application = Application.create(CLIENT_ID, CLIENT_SECRET, region)
    return (
        TokenEndpoint(application, session=session, **options)
        .mint(RefreshToken(Secret(GRANT)), None, now=NOW)
        .access_token
    )


def exchange_with_oauth2session(region, session, code="1000.planted-code", **options):
    return session.fetch_token(region.token_url, code, **options)["access_token"]


def fixed(session, region):
    return zohorecruit_compliance_fix(session, region=region, client_secret=CLIENT_SECRET)


# -- T75: one post -----------------------------------------------------------------------------------------------------


class OwnRetry(Retry):
    """Retries whatever comes."""

    def is_retry(self, *_, **__):
        return True


class RecordingAdapter(HTTPAdapter):
    """Keeps a list, and a count, which is another object after each call."""

    def __init__(self, **options):
        self.calls, self.count = [], 0
        super().__init__(**options)

    def send(self, request, **kwargs):
        self.calls.append(request.method)
        self.count += 1
        return super().send(request, **kwargs)


class StubbornAdapter(RecordingAdapter):
    """Sets its retries when it sends."""

    def send(self, request, **kwargs):
        self.max_retries = Retry(5, status_forcelist=[502], allowed_methods=None)
        return super().send(request, **kwargs)


ALWAYS = {"allowed_methods": None, "status_forcelist": [429, 500, 502, 503], "backoff_factor": 0}
RETRIES = {
    "a number": 5,
    "status": Retry(5, **ALWAYS),
    "status without an error": Retry(5, raise_on_status=False, **ALWAYS),
    "read and other": Retry(read=5, other=5, allowed_methods=None),
    "redirects": Retry(5, redirect=5, **ALWAYS | {"status_forcelist": [302]}),
    "a class of its own": OwnRetry(5),
}
FAILURES = {
    "502": Answer(502, b"", (("Retry-After", "0"),)),
    "429": Answer(429, b"", (("Retry-After", "0"),)),
    "redirect": Answer(302, b"", (("Location", "/oauth/v2/token"),)),
    "broken": Answer(200, json.dumps(GOOD).encode(), broken=True),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("retries", RETRIES)
def test_t75_whatever_retry_is_mounted_a_form_is_posted_once(zoho, retries, failure):
    zoho.token_answers.append(FAILURES[failure])
    zoho.session.mount("https://", HTTPAdapter(max_retries=RETRIES[retries]))
    with raising(TokenEndpointError):
        refresh(zoho.region, zoho.session)
    assert len(zoho.received) == 1


def test_t75_the_same_for_an_oauth2session(zoho):
    with OAuth2Session(CLIENT_ID) as session:
        session.verify = zoho.ca
        session.mount("https://", HTTPAdapter(max_retries=Retry(5, **ALWAYS)))
        zoho.token_answers.extend([FAILURES["502"], FAILURES["502"]])
        for options in ({}, {"timeout": 20}):
            with raising(TokenEndpointError):
                exchange_with_oauth2session(zoho.region, fixed(session, zoho.region), **options)
    assert len(zoho.received) == 2


@pytest.mark.parametrize("kind", [RecordingAdapter, StubbornAdapter])
def test_t75_an_adapter_of_the_users_own_has_one_state_and_its_retries_for_itself(zoho, kind):
    mine = Retry(5, **ALWAYS)
    zoho.session.mount("https://", adapter := kind(max_retries=mine))
    zoho.token_answers.extend([FAILURES["502"], document(200, GOOD)])
    with raising(TokenEndpointError):
        refresh(zoho.region, zoho.session)
    assert refresh(zoho.region, zoho.session) == "1000.planted-access"
    assert (adapter.calls, adapter.count, len(zoho.received)) == (["POST", "POST"], 2, 2)
    assert adapter.max_retries is mine
    assert type(zoho.session.get_adapter("https://")) is kind
    assert zoho.session.get(zoho.url(), timeout=20).status_code == 401  # its pool is still there
    assert pickle.loads(pickle.dumps(adapter)).max_retries.total == 5


def test_t75_a_connection_that_was_never_made_is_tried_three_times(monkeypatch):
    tries = []

    def refuse(*_, **__):
        tries.append(1)
        raise TimeoutError

    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", HTTPAdapter(max_retries=0))
    with raising(TokenEndpointError, match="No connection within the timeout"):
        refresh("eu", session)
    assert len(tries) == 3


# -- T83: through `send` -----------------------------------------------------------------------------------------------


class CountingSession(requests.Session):
    """A user's, whose `send` counts."""

    sent = 0

    def send(self, request, **kwargs):
        type(self).sent += 1
        return super().send(request, **kwargs)


def test_t83_a_session_with_a_send_of_its_own_sends_token_calls(zoho, monkeypatch):
    monkeypatch.setattr(CountingSession, "sent", 0)
    session = CountingSession()
    session.verify = zoho.ca
    zoho.token_answers.append(document(200, GOOD))
    assert refresh(zoho.region, session) == "1000.planted-access"
    assert CountingSession.sent == 1
    session.close()


@pytest.mark.parametrize("status", [200, 302, 400])
@pytest.mark.parametrize("kind", [requests.Session, CountingSession])
def test_t83_nothing_of_an_answer_stays_in_the_users_session(zoho, kind, status):
    session = kind()
    session.verify = zoho.ca
    session.cookies.set("mine", "1")
    before = dict(vars(session))
    zoho.token_answers.append(document(status, {}, Set_Cookie="planted=1; Path=/", Location="/elsewhere"))
    with raising(TokenEndpointError):
        refresh(zoho.region, session)
    assert vars(session) == before
    assert session.cookies.get_dict() == {"mine": "1"}
    assert len(zoho.received) == 1
    session.close()


@pytest.mark.parametrize("own", [False, True])
def test_t83_requests_mock_sees_token_calls(own):
    session = requests.Session()
    with requests_mock.Mocker() as mock:
        mock.post(EU.token_url, json=GOOD, headers={"Set-Cookie": "planted=1"})
        mock.get("https://recruit.zoho.eu/recruit/v2/Candidates", json={"data": []})
        auth = ZohoRecruitAuth(
            CLIENT_ID, CLIENT_SECRET, region="eu", refresh_token=GRANT, session=session if own else None
        )
        assert requests.get("https://recruit.zoho.eu/recruit/v2/Candidates", auth=auth, timeout=20).ok
    assert [call.method for call in mock.request_history] == ["POST", "GET"]
    assert not session.cookies


def test_t83_a_401_under_requests_mock_is_replayed():
    url = "https://recruit.zoho.eu/recruit/v2/Candidates"
    with requests_mock.Mocker() as mock:
        mock.post(EU.token_url, [{"json": GOOD}, {"json": GOOD | {"access_token": "1000.planted-second"}}])
        mock.get(url, [{"status_code": 401, "json": {"code": "INVALID_TOKEN"}}, {"json": {"data": []}}])
        auth = ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET, region="eu", refresh_token=GRANT)
        assert requests.get(url, auth=auth, timeout=20).ok
    assert [call.method for call in mock.request_history] == ["POST", "GET", "POST", "GET"]


@pytest.mark.parametrize("kind", [requests.Session, CountingSession])
def test_t83_requests_mock_for_one_session_sees_its_token_calls(kind):
    session = kind()
    with requests_mock.Mocker(session=session) as mock:
        mock.post(EU.token_url, json=GOOD, headers={"Set-Cookie": "planted=1"})
        assert refresh("eu", session) == "1000.planted-access"
    assert mock.call_count == 1
    assert not session.cookies


def test_t83_requests_mock_for_an_oauth2session_sees_its_token_calls():
    session = fixed(OAuth2Session(CLIENT_ID), EU)
    with requests_mock.Mocker(session=session) as mock:
        mock.post(EU.token_url, json=GOOD | {"refresh_token": GRANT})
        assert exchange_with_oauth2session(EU, session) == "1000.planted-access"
        assert exchange_with_oauth2session(EU, session, "1000.planted-other", timeout=20) == "1000.planted-access"
    assert mock.call_count == 2


def test_t83_a_session_that_was_mocked_before_makes_one_post_too(zoho):
    zoho.session.mount("https://", HTTPAdapter(max_retries=Retry(5, **ALWAYS)))
    with requests_mock.Mocker() as mock:
        mock.get("https://recruit.zoho.eu/")
        zoho.session.get("https://recruit.zoho.eu/", timeout=20)
    zoho.token_answers.append(FAILURES["502"])
    with raising(TokenEndpointError):
        refresh(zoho.region, zoho.session)
    assert len(zoho.received) == 1


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("content", [json.dumps(GOOD), GOOD])
def test_t83_httmock_sees_token_calls(own, content):
    calls, session = [], requests.Session()

    @httmock.all_requests
    def answer(url, request):
        calls.append(request.method)
        return {"status_code": 200, "content": content, "headers": {"Set-Cookie": "planted=1; Domain=zoho.eu"}}

    with httmock.HTTMock(answer):
        assert refresh("eu", session if own else None) == "1000.planted-access"
    assert calls == ["POST"]
    assert not session.cookies


@pytest.mark.parametrize("content", [json.dumps(GOOD), b"", None])
def test_t83_a_patched_send_may_return_a_response_without_a_connection(monkeypatch, content):
    def send(session, request, **_):
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url
        response._content = content.encode() if content else content
        return response

    monkeypatch.setattr(PlainSession, "send", send)
    if content:
        assert refresh("eu") == "1000.planted-access"
    else:
        with raising(TokenEndpointError, match="not a token response"):
            refresh("eu")


def test_t83_opentelemetry_has_a_span_for_a_token_call_and_no_secret_in_it(zoho):
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    instrumentor = RequestsInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        zoho.token_answers.extend([document(200, GOOD), FAILURES["502"]])
        assert refresh(zoho.region, zoho.session) == "1000.planted-access"
        with raising(TokenEndpointError):
            refresh(zoho.region, zoho.session)
    finally:
        instrumentor.uninstrument()
    good, bad = spans.get_finished_spans()
    assert zoho.region.token_url in good.attributes.values()
    assert (good.attributes["http.status_code"], bad.attributes["http.status_code"]) == (200, 502)
    assert not [span.to_json() for span in (good, bad) if "planted" in span.to_json() or GRANT in span.to_json()]


@pytest.mark.parametrize("own", [False, True])
def test_t83_no_cache_keeps_a_token(zoho, monkeypatch, own):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(zoho.ca))
    before = requests.Session()
    requests_cache.install_cache(backend="memory", allowable_methods=["GET", "POST"])
    try:
        zoho.token_answers.extend([document(200, GOOD), document(200, GOOD | {"access_token": "1000.planted-second"})])
        auth = ZohoRecruitAuth(
            CLIENT_ID,
            CLIENT_SECRET,
            region=zoho.region,
            refresh_token=GRANT,
            session=requests.Session() if own else None,
        )
        assert auth.refresh().access_token == "1000.planted-access"
        assert refresh(zoho.region, requests.Session() if own else before) == "1000.planted-second"
        assert list(requests_cache.get_cache().responses) == []
    finally:
        requests_cache.uninstall_cache()
    assert len(zoho.received) == 2


def test_t83_a_module_imported_while_a_cache_is_installed_finds_requests_own_class():
    requests_cache.install_cache(backend="memory")
    try:
        assert requests.Session is not PlainSession
        assert runpy.run_path(call_session.__file__)["PlainSession"] is PlainSession
    finally:
        requests_cache.uninstall_cache()
    assert requests.Session is PlainSession


def test_t83_an_installed_cache_is_not_asked_where_no_session_is_given(zoho, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(zoho.ca))
    asked = []
    monkeypatch.setattr(requests_cache.CachedSession, "send", lambda *args, **_: asked.append(args))
    requests_cache.install_cache(backend="memory")
    try:
        zoho.token_answers.append(document(200, GOOD))
        assert refresh(zoho.region, None) == "1000.planted-access"
    finally:
        requests_cache.uninstall_cache()
    assert asked == []


def test_t83_a_cassette_records_and_plays_token_calls(zoho, tmp_path):
    cassette, recorder = tmp_path / "cassette.yaml", vcr.VCR(match_on=["method", "uri"])
    zoho.token_answers.append(document(200, GOOD))
    for _ in range(2):
        with recorder.use_cassette(str(cassette)):
            assert refresh(zoho.region, zoho.session) == "1000.planted-access"
    assert len(zoho.received) == 1


# -- T95: adapters that give little ------------------------------------------------------------------------------------


@pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utcnow:DeprecationWarning"
)  # of the adapter's own, from Python 3.12 on
def test_t95_a_wsgi_application_can_answer_token_calls():
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(GOOD).encode()]

    session = requests.Session()
    session.mount("https://", WSGIAdapter(application))
    assert refresh("eu", session) == "1000.planted-access"


class OnlyRead:
    """All that a body must have."""

    def __init__(self, body):
        self._body = io.BytesIO(body)

    def read(self, size=-1):
        return self._body.read(size)


@pytest.mark.parametrize("wrap", [io.BytesIO, OnlyRead, lambda body: io.BufferedReader(io.BytesIO(body))])
@pytest.mark.parametrize("size", [0, 100_000])
def test_t95_a_body_that_is_only_a_file_is_read(wrap, size):
    class Adapter(BaseAdapter):
        def send(self, request, **_):
            response = requests.Response()
            response.status_code, response.url, response.request = 200, request.url, request
            response.raw = wrap(json.dumps(GOOD).encode() + b" " * size)
            response.close = lambda: None
            return response

        def close(self):
            pass

    session = requests.Session()
    session.mount("https://", Adapter())
    if size:
        with raising(TokenEndpointError, match="not a token response"):
            refresh("eu", session)
    else:
        assert refresh("eu", session) == "1000.planted-access"


def test_an_adapter_whose_pool_is_not_urllib3s_is_used_as_it_is():
    class Adapter(HTTPAdapter):
        def get_connection_with_tls_context(self, *_, **__):
            body = SimpleNamespace(read=io.BytesIO(json.dumps(GOOD).encode()).read, close=print, headers={}, status=200)
            return SimpleNamespace(urlopen=lambda **_: SimpleNamespace(**vars(body), reason="OK"))

        def cert_verify(self, *_):
            pass

    session = requests.Session()
    session.mount("https://", Adapter())
    assert refresh("eu", session) == "1000.planted-access"
