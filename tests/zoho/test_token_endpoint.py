"""What is sent to Zoho Accounts, over which settings, and what becomes of everything that can go wrong on the way."""

from __future__ import annotations

import gzip
import json
import logging
import math
import pickle
import re
import signal
import ssl
import threading
from contextlib import contextmanager
from io import BytesIO
from urllib.parse import parse_qsl

import pytest
import requests
import responses
import urllib3
from helpers.database_servers import free_port
from helpers.https_server import Answer, Zoho, document
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT, leaks, raising
from requests.adapters import HTTPAdapter

from requests_zohorecruit.errors import (
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    ZohoAuthError,
    describe_type,
)
from requests_zohorecruit.sandbox import Sandbox
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.call_session import _Retries
from requests_zohorecruit.zoho.grants import RefreshToken
from requests_zohorecruit.zoho.regions import Region
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_endpoint import LONGEST_ANSWER, TokenEndpoint

NOW = 1_800_000_000.0
CODE = "1000.planted-code"
EU = Region.lookup("eu")
GOOD = {
    "access_token": "1000.planted-access",
    "expires_in": 3600,
    "api_domain": "https://www.zohoapis.eu",
    "token_type": "Bearer",
}

CALLS = {
    "refresh": lambda accounts: accounts.mint(RefreshToken(Secret(GRANT)), None, now=NOW),
    "exchange": lambda accounts: accounts.exchange(
        CODE, redirect_uri="https://app.example/cb", code_verifier="planted-verifier", now=NOW
    ),
    "revoke": lambda accounts: accounts.revoke(GRANT),
}


def make(region="eu", **options):
    return TokenEndpoint(Application.create(CLIENT_ID, CLIENT_SECRET, region), **options)


def refresh(accounts, previous=None):
    return accounts.mint(RefreshToken(Secret(GRANT)), previous, now=NOW)


def form(body):
    return sorted(
        parse_qsl(body.decode() if isinstance(body, bytes) else str(body), keep_blank_values=True, strict_parsing=True)
    )


@pytest.fixture(params=CALLS)
def call(request):
    return CALLS[request.param]


@pytest.fixture
def zoho():
    with Zoho() as server:
        yield server


@contextmanager
def accounts_answer(body, status=200, **details):
    with responses.RequestsMock() as mock:
        if isinstance(body, dict):
            body = json.dumps(body)
        mock.post(EU.token_url, body=body, status=status, **details)
        yield mock


# -- the forms ---------------------------------------------------------------------------------------------------------


@responses.activate
def test_T02_a_refresh_holds_the_four_fields_and_nothing_else():
    sent = responses.post(EU.token_url, json=GOOD)
    token = refresh(make(), Token("old", GRANT, scope=("A",)))
    assert token == Token("1000.planted-access", GRANT, NOW + 3600, 3600, ("A",), "https://www.zohoapis.eu")
    [request] = [call.request for call in sent.calls]
    assert request.url == "https://accounts.zoho.eu/oauth/v2/token"
    assert form(request.body) == [
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", GRANT),
    ]
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Accept"] == "application/json"
    assert set(request.headers) == {"Content-Type", "Content-Length", "Accept", "Cache-Control"}


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, []),
        ({"redirect_uri": None, "code_verifier": None}, []),
        ({"redirect_uri": "https://app.example/cb?a=1&b=ü"}, [("redirect_uri", "https://app.example/cb?a=1&b=ü")]),
        ({"code_verifier": "v" * 43}, [("code_verifier", "v" * 43)]),
        (
            {"redirect_uri": "https://app.example/cb", "code_verifier": "v"},
            [("code_verifier", "v"), ("redirect_uri", "https://app.example/cb")],
        ),
    ],
)
@responses.activate
def test_an_exchange_holds_its_fields_once_each_and_no_redirect_uri_for_a_self_client(options, more):
    sent = responses.post(EU.token_url, json=GOOD | {"refresh_token": GRANT})
    token = make().exchange(CODE, **options, now=NOW)
    assert (token.access_token, token.refresh_token, token.expires_at) == ("1000.planted-access", GRANT, NOW + 3600)
    [request] = [call.request for call in sent.calls]
    assert request.url == EU.token_url
    assert form(request.body) == sorted([
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("code", CODE),
        ("grant_type", "authorization_code"),
        *more,
    ])  # fmt: skip


@responses.activate
def test_T60_a_revocation_has_the_token_in_the_body_and_nothing_in_the_url():
    sent = responses.post(EU.revoke_url, json={"status": "success"})
    make().revoke(GRANT)
    [request] = [call.request for call in sent.calls]
    assert request.url == "https://accounts.zoho.eu/oauth/v2/token/revoke"
    assert form(request.body) == [("token", GRANT)]


@responses.activate
def test_special_characters_of_a_secret_arrive_as_they_are():
    sent = responses.post(EU.token_url, json=GOOD)
    secret = "a&b=c+d%20e;f#~!\"'"
    TokenEndpoint(Application.create(CLIENT_ID, secret, "eu")).mint(RefreshToken(Secret(GRANT)), None, now=NOW)
    assert dict(form(sent.calls[0].request.body))["client_secret"] == secret


@pytest.mark.parametrize("code", ["", "planted code", "planted\n", "plänted"])
def test_T60_what_cannot_be_a_code_is_not_sent_and_not_shown(code):
    with responses.RequestsMock(), raising(ValueError, match="^code (is empty|contains)"):
        make().exchange(code, now=NOW)


# -- which session, which settings -------------------------------------------------------------------------------------


def test_T09_T27_nothing_of_the_users_session_travels_but_its_way_of_connecting(zoho):
    seen = []
    zoho.session.auth = ("planted", "planted")
    zoho.session.headers["X-Planted"] = "planted"
    zoho.session.params = {"planted": "planted"}
    zoho.session.cookies.set("planted", "planted")
    zoho.session.hooks["response"].append(lambda *_, **__: seen.append("hook"))
    zoho.token_answers.append(document(200, GOOD, Set_Cookie="planted-back=1"))
    before = zoho.session.cookies.copy()
    assert refresh(make(zoho.region, session=zoho.session)).access_token == "1000.planted-access"
    [arrived] = zoho.received
    assert arrived.path == "/oauth/v2/token"
    assert not {"Authorization", "Cookie", "X-Planted"} & set(arrived.headers)
    assert [value for value in arrived.headers.values() if "planted" in value] == []
    assert len(form(arrived.body)) == 4
    assert seen == []
    assert zoho.session.cookies == before


@pytest.mark.parametrize("own_session", [True, False])
def test_T09_netrc_is_never_asked(zoho, tmp_path, monkeypatch, own_session, call):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login planted password planted\ndefault login planted password planted\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth(zoho.region.token_url) == ("planted", "planted")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(zoho.ca))
    zoho.token_answers.append(document(200, GOOD))
    zoho.answers["/oauth/v2/token/revoke"] = lambda _: document(200, {"status": "success"})
    call(make(zoho.region, session=zoho.session if own_session else None))
    [arrived] = zoho.received
    assert "Authorization" not in arrived.headers


class Counting(BytesIO):
    """Counts what is read of it."""

    count = 0

    def read(self, *size):
        data = super().read(*size)
        self.count += len(data)
        return data


class Recorder(HTTPAdapter):
    """Keeps how it was called, and answers."""

    def __init__(self, body=b"", **fields):
        super().__init__()
        self.content = body or json.dumps(GOOD).encode()
        self.fields = {"status": 200, "preload_content": False} | fields
        self.requests, self.settings = [], []

    def send(self, request, **settings):
        self.requests.append(request)
        self.settings.append(settings)
        self.body = Counting(self.content)
        # Kept, because a response that nobody has any more is closed by Python.
        self.response = self.build_response(request, urllib3.HTTPResponse(self.body, **self.fields))
        return self.response


def recording(**fields):
    session, adapter = requests.Session(), Recorder(**fields)
    session.mount("https://accounts.zoho.eu/", adapter)
    return session, adapter


def test_T30_the_default_timeouts_are_finite_and_the_answer_is_streamed():
    session, adapter = recording()
    refresh(make(session=session))
    assert adapter.settings == [{"timeout": (5.0, 30.0), "stream": True, "verify": True, "cert": None, "proxies": {}}]


def test_the_adapters_verify_cert_and_proxies_of_the_session_are_used():
    session, adapter = recording()
    session.verify, session.cert, session.proxies = (
        "/ca.pem",
        ("/cert.pem", "/key.pem"),
        {"https": "http://proxy.example"},
    )
    refresh(make(session=session))
    [settings] = adapter.settings
    assert (settings["verify"], settings["cert"]) == ("/ca.pem", ("/cert.pem", "/key.pem"))
    assert settings["proxies"] == {"https": "http://proxy.example"}


@pytest.mark.parametrize(
    ("verify", "used"), [(True, "/environment.pem"), ("/session.pem", "/session.pem"), (False, False)]
)
def test_what_the_session_says_goes_before_the_environment(monkeypatch, verify, used):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/environment.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://environment.example")
    session, adapter = recording()
    session.verify = verify
    refresh(make(session=session))
    assert adapter.settings[0]["verify"] == used
    assert adapter.settings[0]["proxies"]["https"] == "http://environment.example"
    session, adapter = recording()
    session.proxies["https"] = "http://session.example"
    refresh(make(session=session))
    assert adapter.settings[0]["proxies"]["https"] == "http://session.example"
    assert session.proxies == {"https": "http://session.example"}


def test_a_session_that_trusts_no_environment_is_believed(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/environment.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://environment.example")
    session, adapter = recording()
    session.trust_env = False
    refresh(make(session=session))
    assert (adapter.settings[0]["verify"], adapter.settings[0]["proxies"]) == (True, {})


@responses.activate
def test_without_a_session_the_environment_is_honoured(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/environment.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://environment.example")
    sent = responses.post(EU.token_url, json=GOOD)
    refresh(make())
    settings = sent.calls[0].request.req_kwargs
    assert (settings["verify"], settings["proxies"]["https"]) == ("/environment.pem", "http://environment.example")
    assert settings["timeout"] == (5.0, 30.0)


@pytest.mark.parametrize(
    ("timeout", "pair"),
    [
        (7, (7.0, 7.0)),
        (0.5, (0.5, 0.5)),
        ((1, 2.5), (1.0, 2.5)),
        (threading.TIMEOUT_MAX, (threading.TIMEOUT_MAX, threading.TIMEOUT_MAX)),
    ],
)
def test_T30_a_timeout_is_seconds_or_a_pair(timeout, pair):
    session, adapter = recording()
    refresh(make(session=session, timeout=timeout))
    assert adapter.settings[0]["timeout"] == pair


@pytest.mark.parametrize(
    "timeout", [None, (None, 30), (5, None), (5,), (1, 2, 3), (), [5, 30], "5", True, (True, 5), (5, "30")]
)
def test_T30_what_is_no_time_is_no_timeout(timeout):
    with pytest.raises(TypeError, match="must be seconds, or a"):
        make(timeout=timeout)


@pytest.mark.parametrize(
    "timeout", [0, -1, math.inf, math.nan, -math.inf, (5, math.inf), (0, 30), (5, -0.0), 10**400, 1e300]
)
def test_T30_a_timeout_is_finite_and_above_zero(timeout):
    with pytest.raises(ValueError, match="finite and above zero"):
        make(timeout=timeout)


@pytest.mark.parametrize("session", [requests, requests.Session, "https", 5])
def test_a_session_is_a_requests_session(session):
    with pytest.raises(TypeError, match=rf"must be a requests\.Session, not {re.escape(describe_type(session))}\."):
        make(session=session)


def test_T07_accounts_can_be_pickled():
    session = requests.Session()
    session.verify = "/ca.pem"
    again = pickle.loads(pickle.dumps(make(session=session, timeout=7)))
    assert again.application == make().application
    assert (again._session.verify, again._timeout) == ("/ca.pem", (7.0, 7.0))


# -- redirects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
def test_T37_a_redirect_is_not_followed_and_the_error_names_who_redirected(call, status):
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        there = mock.add(responses.POST, "https://evil.example/", json=GOOD)
        for url in (EU.token_url, EU.revoke_url):
            mock.post(url, status=status, headers={"Location": "https://evil.example/"})
        with raising(TokenEndpointError, match=rf"accounts\.zoho\.eu.*HTTP {status}.*never followed") as caught:
            call(make())
        assert there.call_count == 0
        assert len(mock.calls) == 1
    assert (caught.value.status_code, caught.value.region) == (status, "eu")
    assert caught.value.uncertain is False


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_T37_nothing_arrives_where_the_token_endpoint_redirects_to(zoho, status):
    with Zoho() as elsewhere:
        zoho.token_answers.append(Answer(status, headers=(("Location", elsewhere.region.token_url),)))
        with raising(TokenEndpointError, match=zoho.host):
            refresh(make(zoho.region, session=zoho.session))
        assert elsewhere.received == []
    assert len(zoho.received) == 1


def test_T37_the_sandbox_sees_no_request_after_its_redirect():
    with Sandbox() as sandbox, requests.Session() as session:
        session.verify = sandbox.ca_bundle
        sandbox.fault("redirect")
        accounts = TokenEndpoint(
            Application.create(sandbox.client_id, sandbox.client_secret, sandbox.region), session=session
        )
        with pytest.raises(TokenEndpointError, match="redirect"):
            accounts.mint(RefreshToken(Secret(sandbox.refresh_token)), None, now=NOW)
        assert len(sandbox.received) == sandbox.token_requests == 1


# -- answers -----------------------------------------------------------------------------------------------------------

DENIED = {
    "error_description": "You have made too many requests continuously.",
    "error": "Access Denied",
    "status": "failure",
}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"error": "invalid_code"}, ReauthorizationRequired),
        (200, {"error": "invalid_client"}, ClientConfigurationError),
        (200, {"error": "invalid_client_secret"}, ClientConfigurationError),
        (200, {"error": "invalid_redirect_uri"}, ClientConfigurationError),
        (200, DENIED, ThrottledError),
        (400, DENIED, ThrottledError),
        (400, DENIED | {"error": "拒绝访问", "error_description": "请求过于频繁"}, ThrottledError),
        (200, "<html>1000.planted</html>", TokenEndpointError),
        (404, "<html>1000.planted</html>", TokenEndpointError),
        (503, "<html>1000.planted</html>", TokenEndpointError),
        (500, GOOD, TokenEndpointError),
        (200, GOOD | {"error": "1000.planted"}, TokenEndpointError),
        (200, {"access_token": None, "refresh_token": GRANT}, TokenEndpointError),
        (200, {"access_token": 5, "refresh_token": GRANT}, TokenEndpointError),
        (200, GOOD | {"access_token": "1000.planted access"}, TokenEndpointError),
        (200, json.dumps([GOOD]), TokenEndpointError),
        (200, json.dumps(GOOD)[:-1], TokenEndpointError),
        (200, json.dumps(GOOD).encode("utf-16"), TokenEndpointError),
        (200, json.dumps(GOOD).encode()[:-1] + b', "note": "\xff"}', TokenEndpointError),
        (200, b'{"a":' * 12_000, TokenEndpointError),
        (200, json.dumps(GOOD) + " " * LONGEST_ANSWER, TokenEndpointError),
    ],
)
def test_T16_T60_every_bad_answer_becomes_a_typed_error_that_shows_no_secret(status, body, kind, call, caplog):
    with caplog.at_level(logging.DEBUG), responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for url in (EU.token_url, EU.revoke_url):
            mock.post(url, body=json.dumps(body) if isinstance(body, dict) else body, status=status)
        with raising(kind) as caught:
            call(make())
    assert type(caught.value) is kind
    assert (caught.value.status_code, caught.value.region) == (status, "eu")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert b"planted" not in pickle.dumps(caught.value)
    assert "planted" not in caplog.text


def test_T20_status_429_is_a_throttle():
    with accounts_answer("", 429), raising(ThrottledError):
        refresh(make())


def test_a_retry_after_header_is_read():
    with accounts_answer(DENIED, 400, headers={"Retry-After": "120"}), pytest.raises(ThrottledError) as caught:
        refresh(make())
    assert caught.value.retry_after == 120


def test_T60_success_logs_no_secret_either(caplog, call):
    with caplog.at_level(logging.DEBUG), responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(EU.token_url, json=GOOD)
        mock.post(EU.revoke_url, json={"status": "success"})
        call(make())
    assert "planted" not in caplog.text


def test_T60_success_over_a_real_connection_logs_no_secret_either(caplog, zoho):
    with caplog.at_level(logging.DEBUG):
        refresh(make(zoho.region, session=zoho.session))
    assert "/oauth/v2/token" in caplog.text  # urllib3's line about it
    assert "planted" not in caplog.text


@pytest.mark.parametrize("size", [LONGEST_ANSWER, LONGEST_ANSWER + 1])
def test_an_answer_may_be_just_so_long(size):
    body = json.dumps(GOOD)
    with accounts_answer(body + " " * (size - len(body))):
        if size == LONGEST_ANSWER:
            assert refresh(make()).access_token == "1000.planted-access"
        else:
            with raising(TokenEndpointError, match="not a token response"):
                refresh(make())


def test_no_more_than_64_kib_of_an_answer_are_read():
    session, adapter = recording(body=b"{" * 1_000_000)
    with pytest.raises(TokenEndpointError, match="not a token response"):
        refresh(make(session=session))
    assert 0 < adapter.body.count <= 65 * 1024
    assert adapter.body.closed


def test_an_answer_without_end_ends(zoho):
    def endless():
        while True:
            yield b" " * 4096

    zoho.token_answers.append(Answer(200, endless()))
    with raising(TokenEndpointError, match="not a token response") as caught:
        refresh(make(zoho.region, session=zoho.session))
    assert caught.value.uncertain is True


@pytest.mark.parametrize("encode", [gzip.compress, lambda body: body])
def test_a_compressed_answer_is_read(zoho, encode):
    headers = (("Content-Encoding", "gzip"),) if encode is gzip.compress else ()
    zoho.token_answers.append(Answer(200, encode(json.dumps(GOOD).encode()), headers))
    assert refresh(make(zoho.region, session=zoho.session)).access_token == "1000.planted-access"


def test_a_small_answer_that_unpacks_to_a_huge_one_is_refused(zoho):
    zoho.token_answers.append(Answer(200, gzip.compress(b" " * 5_000_000), (("Content-Encoding", "gzip"),)))
    with raising(TokenEndpointError, match="not a token response"):
        refresh(make(zoho.region, session=zoho.session))


def test_an_answer_in_chunks_is_read(zoho):
    body = json.dumps(GOOD).encode()
    zoho.token_answers.append(Answer(200, [body[at : at + 7] for at in range(0, len(body), 7)]))
    assert refresh(make(zoho.region, session=zoho.session)).access_token == "1000.planted-access"


# -- when there is no answer -------------------------------------------------------------------------------------------

SECRETS_INSIDE = (
    f"grant_type=refresh_token&client_secret={CLIENT_SECRET}&refresh_token={GRANT} http://user:planted@proxy.example"
)


@pytest.mark.parametrize(
    ("error", "match", "uncertain"),
    [
        (requests.exceptions.ProxyError(SECRETS_INSIDE), "The proxy did not connect to", False),
        (requests.exceptions.ConnectTimeout(SECRETS_INSIDE), "No connection within the timeout to", False),
        (requests.exceptions.InvalidProxyURL(SECRETS_INSIDE), "The proxy settings allow no connection to", False),
        (requests.exceptions.InvalidSchema(SECRETS_INSIDE), "The proxy settings allow no connection to", False),
        (UnicodeEncodeError("latin-1", SECRETS_INSIDE, 0, 1, "x"), "The proxy settings allow no connection to", False),
        (
            requests.exceptions.SSLError(f"CERTIFICATE_VERIFY_FAILED {SECRETS_INSIDE}"),
            "certificate was not accepted",
            False,
        ),
        (OSError(SECRETS_INSIDE), "The certificate settings allow no connection to", False),
        (
            requests.exceptions.ConnectionError(
                urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.NewConnectionError(None, SECRETS_INSIDE))
            ),
            "No connection to",
            False,
        ),
        (
            requests.exceptions.ConnectionError(urllib3.exceptions.NewConnectionError(None, SECRETS_INSIDE)),
            "No connection to",
            False,
        ),
        (requests.exceptions.ReadTimeout(SECRETS_INSIDE), "No answer within the timeout from", True),
        (requests.exceptions.Timeout(), "No answer within the timeout from", True),
        (urllib3.exceptions.ReadTimeoutError(None, "/", SECRETS_INSIDE), "No answer within the timeout from", True),
        (requests.exceptions.SSLError(SECRETS_INSIDE), "The connection broke", True),
        (requests.exceptions.ConnectionError(SECRETS_INSIDE), "The connection broke", True),
        (requests.exceptions.ConnectionError(), "The connection broke", True),
        (requests.exceptions.ChunkedEncodingError(SECRETS_INSIDE), "The connection broke", True),
        (requests.exceptions.ContentDecodingError(SECRETS_INSIDE), "The connection broke", True),
        (requests.exceptions.RetryError(SECRETS_INSIDE), "The connection broke", True),
        (urllib3.exceptions.ProtocolError(SECRETS_INSIDE), "The connection broke", True),
        (ConnectionResetError(104, SECRETS_INSIDE), "The connection broke", True),
        (ssl.SSLError(1, SECRETS_INSIDE), "The connection broke", True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_T60_a_failed_connection_becomes_a_typed_error_without_the_form_in_it(error, match, uncertain, call, caplog):
    with caplog.at_level(logging.DEBUG), responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for url in (EU.token_url, EU.revoke_url):
            mock.post(url, body=error)
        text = f"{match}.* accounts.zoho.eu .*region eu.* Nothing is lost; try again later"
        with raising(TokenEndpointError, match=text) as caught:
            call(make())
        assert len(mock.calls) == 1
    assert caught.value.region == "eu"
    assert type(caught.value) is TokenEndpointError
    assert caught.value.uncertain is uncertain
    assert caught.value.status_code is None
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert b"planted" not in pickle.dumps(caught.value)
    assert "planted" not in caplog.text


def test_T60_a_proxys_password_is_in_no_frame(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:planted@127.0.0.1:{free_port()}")
    with raising(TokenEndpointError, match="The proxy did not connect to") as caught:
        refresh(make())
    assert caught.value.uncertain is False


def test_T60_a_proxys_password_that_cannot_be_sent_is_in_no_error(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:planted-\u043f\u0430\u0440\u043e\u043b\u044c@127.0.0.1:9")
    with raising(TokenEndpointError, match="The proxy settings allow no connection to"):
        refresh(make())


def test_a_port_where_nobody_listens_is_no_connection():
    region = Region("here", f"https://127.0.0.1:{free_port()}", "https://recruit.zoho.example")
    with raising(TokenEndpointError, match="No connection to 127.0.0.1:") as caught:
        refresh(make(region))
    assert caught.value.uncertain is False


def test_a_connection_that_was_never_made_is_tried_three_times(monkeypatch):
    tries = []

    def refuse(*_, **__):
        tries.append(1)
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    with raising(TokenEndpointError, match="No connection to"):
        refresh(make())
    assert len(tries) == 3


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs SIGALRM")
def test_T71_an_alarm_while_connecting_is_not_taken_for_the_connections_timeout(monkeypatch):
    tries = []

    def go_off(number, frame):
        raise TimeoutError("too long")

    def connect(*_, **__):
        tries.append(1)
        signal.raise_signal(signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, go_off)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    try:
        with pytest.raises(TimeoutError, match="^too long$"):
            refresh(make())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(tries) == 1


def test_retries_for_another_reason_than_an_error_are_counted_as_by_urllib3():
    assert _Retries(2).increment().total == 1


def test_a_handshake_that_fails_is_not_tried_again(zoho, monkeypatch):
    tries = []

    def fail(*_, **__):
        tries.append(1)
        raise ssl.SSLError("handshake failure")

    monkeypatch.setattr("urllib3.connection.ssl_wrap_socket", fail)
    with raising(TokenEndpointError):
        refresh(make(zoho.region))
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("status", "headers"), [(503, (("Retry-After", "1"),)), (429, (("Retry-After", "1"),)), (500, ()), (502, ())]
)
def test_a_form_that_was_sent_is_never_sent_again(zoho, monkeypatch, status, headers):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(zoho.ca))
    zoho.token_answers.append(Answer(status, b"", headers))
    with raising(TokenEndpointError):
        refresh(make(zoho.region))
    assert len(zoho.received) == 1


def test_an_answer_that_breaks_off_is_uncertain_and_not_asked_for_again(zoho, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(zoho.ca))
    zoho.token_answers.append(Answer(200, json.dumps(GOOD).encode(), broken=True))
    with raising(TokenEndpointError, match="The connection broke") as caught:
        refresh(make(zoho.region))
    assert caught.value.uncertain is True
    assert len(zoho.received) == 1


@pytest.mark.parametrize("fault", ["reset", "mint-then-reset"])
def test_a_connection_that_breaks_before_the_answer_is_uncertain_and_not_tried_again(fault, monkeypatch):
    with Sandbox() as sandbox:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(sandbox.ca_bundle))
        sandbox.fault(fault)
        accounts = TokenEndpoint(Application.create(sandbox.client_id, sandbox.client_secret, sandbox.region))
        with pytest.raises(TokenEndpointError, match="The connection broke") as caught:
            accounts.mint(RefreshToken(Secret(sandbox.refresh_token)), None, now=NOW)
        assert sandbox.token_requests == 1
    assert caught.value.uncertain is True


def test_T30_an_answer_that_stops_half_way_ends_with_the_timeout(zoho):
    done = threading.Event()

    def half():
        yield b'{"access_token":'
        done.wait()

    zoho.token_answers.append(Answer(200, half()))
    with raising(TokenEndpointError, match="No answer within the timeout from") as caught:
        refresh(make(zoho.region, session=zoho.session, timeout=(30, 0.2)))
    done.set()
    assert caught.value.uncertain is True


def test_an_answer_that_claims_to_be_compressed_and_is_not_is_uncertain(zoho):
    zoho.token_answers.append(Answer(200, b"no gzip", (("Content-Encoding", "gzip"),)))
    with raising(TokenEndpointError, match="The connection broke") as caught:
        refresh(make(zoho.region, session=zoho.session))
    assert caught.value.uncertain is True


def test_a_certificate_that_is_not_trusted_is_called_so_and_nothing_is_sent(zoho):
    with raising(TokenEndpointError, match="The TLS certificate was not accepted: localhost") as caught:
        refresh(make(zoho.region))
    assert caught.value.uncertain is False
    assert zoho.received == []


def test_a_certificate_file_that_is_missing_is_called_so(tmp_path):
    session = requests.Session()
    session.verify = str(tmp_path / "missing.pem")
    with raising(TokenEndpointError, match="The certificate settings allow no connection to") as caught:
        refresh(make(session=session))
    assert caught.value.uncertain is False


def test_the_response_is_closed_even_when_reading_fails():
    session, adapter = recording(headers={"Content-Encoding": "gzip"})
    with pytest.raises(TokenEndpointError):
        refresh(make(session=session))
    assert adapter.body.closed


def test_a_bug_in_a_users_adapter_is_not_taken_for_a_network_error():
    session, adapter = recording()
    adapter.send = lambda *_, **__: 1 / 0
    with pytest.raises(ZeroDivisionError):
        refresh(make(session=session))


def test_an_error_raised_while_another_is_handled_holds_no_secret_of_its_own():
    try:
        raise KeyError("first")
    except KeyError:
        with accounts_answer({"error": "invalid_code"}), pytest.raises(ZohoAuthError) as caught:
            refresh(make())
    assert isinstance(caught.value.__context__, KeyError)
    assert leaks(caught.value) == []
