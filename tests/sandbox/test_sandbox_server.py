"""The sandbox over real TLS, with plain requests and plain sockets."""

from __future__ import annotations

import builtins
import contextlib
import os
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
import requests
from helpers.engine_parts import true_in_a_child, wait_for

import requests_zohorecruit.sandbox
from requests_zohorecruit.sandbox import Sandbox, fingerprint
from requests_zohorecruit.sandbox.connections import Server
from requests_zohorecruit.sandbox.server import _make_tls_context
from requests_zohorecruit.sandbox.zoho import Zoho
from requests_zohorecruit.zoho.regions import Region


def refresh(zoho, session, **options):
    fields = {
        "grant_type": "refresh_token",
        "client_id": zoho.client_id,
        "client_secret": zoho.client_secret,
        "refresh_token": zoho.refresh_token,
    }
    options = {"timeout": 30, "allow_redirects": False} | options
    return session.post(zoho.region.accounts_url + "/oauth/v2/token", data=fields, **options)


def token(zoho, session):
    return {"Authorization": "Zoho-oauthtoken " + refresh(zoho, session).json()["access_token"]}


def connect(zoho):
    return socket.create_connection(("127.0.0.1", port(zoho)), timeout=30)


def port(zoho):
    return int(zoho.region.accounts_url.rpartition(":")[2])


def tls(zoho):
    return ssl.create_default_context(cafile=zoho.ca_bundle).wrap_socket(connect(zoho), server_hostname="127.0.0.1")


def test_it_is_ready_to_use_and_says_where_it_is(zoho, session):
    headers = token(zoho, session)
    answer = session.get(zoho.region.recruit_url + "/recruit/v2/Candidates", headers=headers, timeout=30)
    assert len(answer.json()["data"]) == 12
    assert (zoho.token_requests, zoho.api_requests) == (1, 1)
    assert zoho.live_access_tokens() == 1
    assert zoho.region.code == "sandbox"
    assert zoho.client_id.startswith("1000.")
    assert {zoho.region.accounts_url, zoho.region.upload_url, zoho.region.api_domain} == {zoho.region.recruit_url}
    assert zoho.received[1]["headers"]["Authorization"] == (
        f"Zoho-oauthtoken {fingerprint(headers['Authorization'].split()[1])}"
    )


def test_the_controls_reach_the_state(zoho, session):
    zoho.access_token_lifetime = 7
    assert (zoho.access_token_lifetime, refresh(zoho, session).json()["expires_in"]) == (7, 7)
    headers = token(zoho, session)
    zoho.reject_tokens()
    url = zoho.region.recruit_url + "/recruit/v2/JobOpenings"
    assert session.get(url, headers=headers, timeout=30).status_code == 401
    zoho.expire_tokens()
    assert zoho.live_access_tokens(zoho.refresh_token) == 0
    assert zoho.live_access_tokens(zoho.new_grant()) == 0
    assert zoho.new_code("ZohoRecruit.modules.READ").startswith("1000.")
    assert zoho.attachments == {}
    with pytest.raises(ValueError, match="there are: throttle"):
        zoho.fault("nonsense")


def test_consent_is_clicked_for_tests_too(zoho):
    url = (
        f"{zoho.region.accounts_url}/oauth/v2/auth?response_type=code&client_id={zoho.client_id}"
        f"&redirect_uri={zoho.redirect_uri}&scope=ZohoRecruit.modules.ALL"
    )
    assert "?code=" in zoho.consent(url)
    assert zoho.consent(url, accept=False) == "http://127.0.0.1:8400/callback?error=access_denied"


def test_many_calls_share_one_connection(zoho, session):
    for _ in range(3):
        answer = refresh(zoho, session)
    assert answer.raw.version == 11
    (pool,) = session.adapters["https://"].poolmanager.pools._container.values()
    assert (pool.num_connections, pool.num_requests) == (1, 3)


def test_a_body_in_chunks_arrives_whole(zoho, session):
    headers = token(zoho, session)
    body = (part for part in (b'{"data":[{"Last', b'_Name":"Ash"}]}'))
    url = zoho.region.recruit_url + "/recruit/v2/Candidates"
    assert session.post(url, data=body, headers=headers, timeout=30).status_code == 201


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: many\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"Content-Length: -1\r\n\r\n"],
)
def test_a_body_of_unclear_length_is_a_400(zoho, head):
    with tls(zoho) as client:
        client.sendall(b"POST /oauth/v2/token HTTP/1.1\r\nHost: x\r\n" + head)
        assert client.recv(100).startswith(b"HTTP/1.1 400")


def test_chunks_may_have_extensions_and_trailers(zoho):
    with tls(zoho) as client:
        client.sendall(
            b"POST /oauth/v2/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;a=b\r\nabc\r\n0\r\nTrailer: t\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert zoho.received[0]["digest"] == fingerprint(b"abc")


def test_a_client_that_leaves_in_the_middle_of_a_body_is_nobodys_problem(zoho, session, capfd):
    with tls(zoho) as client:
        client.sendall(b"POST /oauth/v2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab")
    with connect(zoho) as client:
        client.sendall(b"this is no handshake\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(100)[:1] != b"H"
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(zoho.region.accounts_url, timeout=30)
    assert refresh(zoho, session).status_code == 200
    assert capfd.readouterr().err == ""


def test_a_client_that_stalls_in_the_handshake_holds_up_nobody(zoho, session):
    stalled = [connect(zoho) for _ in range(5)]
    try:
        assert refresh(zoho, session).status_code == 200
    finally:
        for client in stalled:
            client.close()


def test_hanging_and_slow_answers_hold_up_nobody_and_end_with_the_sandbox():
    failed = Event()
    with Sandbox() as zoho, requests.Session() as session:
        session.verify, session.trust_env = zoho.ca_bundle, False

        def call():
            with pytest.raises(requests.ConnectionError):
                refresh(zoho, requests, verify=zoho.ca_bundle)
            failed.set()

        zoho.fault("hang")
        hanging = Thread(target=call)
        hanging.start()
        wait_for(lambda: zoho.token_requests == 1)
        zoho.token_delay = 3600.0
        slow = Thread(target=call)
        slow.start()
        wait_for(lambda: zoho.token_requests == 2)
        assert session.get(zoho.region.accounts_url + "/oauth/serverinfo", timeout=30).status_code == 200
        assert not failed.is_set()
    hanging.join(30)
    slow.join(30)
    assert failed.is_set()
    assert not hanging.is_alive()
    assert not slow.is_alive()


def test_a_small_delay_is_waited_and_then_answered(zoho, session):
    zoho.token_delay = 0.01
    answer = refresh(zoho, session)
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.01


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("reset", requests.ConnectionError),
        ("mint-then-reset", requests.ConnectionError),
        ("truncated", requests.exceptions.ChunkedEncodingError),
        ("hang", requests.Timeout),
    ],
)
def test_broken_answers_break(zoho, session, name, error):
    zoho.fault(name)
    with pytest.raises(error):
        refresh(zoho, session, timeout=0.2 if name == "hang" else 30)
    assert refresh(zoho, session).status_code == 200


def test_requests_itself_leaves_the_header_behind_and_the_sandbox_can_tell(zoho, session):
    headers = token(zoho, session)
    candidates = session.get(zoho.region.recruit_url + "/recruit/v2/Candidates", headers=headers, timeout=30)
    url = f"{zoho.region.recruit_url}/recruit/v2/Candidates/{candidates.json()['data'][0]['id']}/Attachments"
    uploaded = session.post(url, files={"file": ("cv.pdf", b"cv")}, headers=headers, timeout=30)
    file_id = uploaded.json()["data"][0]["details"]["id"]
    away = {"redirect": zoho.elsewhere + "?status=401"}
    answer = session.get(f"{url}/{file_id}", params=away, headers=headers, timeout=30)
    assert (answer.status_code, answer.url) == (401, zoho.elsewhere + "?status=401")
    *_, download, stranger = zoho.received
    assert "Authorization" in download["headers"]
    assert stranger["path"] == "/elsewhere"
    assert "Authorization" not in stranger["headers"]


def test_a_client_that_follows_redirects_is_seen_to_post_its_secrets(zoho, session):
    zoho.fault("redirect")
    refresh(zoho, session, allow_redirects=True)
    assert zoho.received[-1]["path"] == "/elsewhere"
    assert zoho.received[-1]["form"]["client_secret"] == fingerprint(zoho.client_secret)


def test_two_hundred_connections_at_once_are_all_served(zoho):
    zoho.mints_per_window = zoho.max_live_access_tokens = 1000
    zoho.token_delay = 0.2
    together = Barrier(200)

    def client(_):
        with requests.Session() as session:
            session.verify, session.trust_env = zoho.ca_bundle, False
            together.wait(30)
            headers = token(zoho, session)
            url = zoho.region.recruit_url + "/recruit/v2/JobOpenings"
            return [session.get(url, headers=headers, timeout=30).status_code for _ in range(2)]

    with ThreadPoolExecutor(200) as pool:
        assert list(pool.map(client, range(200), timeout=60)) == [[200, 200]] * 200
    assert (zoho.token_requests, zoho.api_requests) == (200, 400)


def test_a_bug_in_the_sandbox_is_not_kept_silent(zoho, session, monkeypatch, capfd):
    monkeypatch.setattr(zoho, "_route", lambda *_: 1 / 0)
    with pytest.raises(requests.ConnectionError):
        refresh(zoho, session)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_connection_that_comes_while_it_stops_is_shut_unanswered(tmp_path):
    server = Server(0, _make_tls_context(str(tmp_path / "ca.pem")))
    regions = {"x": Region("x", "https://x.example", "https://x.example")}
    server.start(Zoho(regions=regions, elsewhere="https://y", redirect_uris=("https://z",)).handle)
    server.closing.set()
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client, pytest.raises(OSError):
        context.wrap_socket(client, server_hostname="127.0.0.1")
    server.stop()


def test_a_client_that_talks_on_while_it_is_held_back_is_not_listened_to():
    with Sandbox() as zoho:
        zoho.fault("hang")
        client = tls(zoho)
        client.sendall(b"POST /oauth/v2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        wait_for(lambda: zoho.token_requests == 1)
        client.sendall(b"GET /oauth/serverinfo HTTP/1.1\r\nHost: x\r\n\r\n")
    with client, contextlib.suppress(ConnectionResetError):
        assert client.recv(100) == b""
    assert len(zoho.received) == 1


def test_an_empty_list_has_no_body_on_the_wire_and_the_connection_goes_on(zoho, session):
    headers = token(zoho, session)
    url = zoho.region.recruit_url + "/recruit/v2/JobOpenings"
    empty = session.get(url, params={"page": 9}, headers=headers, timeout=30)
    assert (empty.status_code, empty.content, empty.headers.get("Content-Length")) == (204, b"", None)
    assert session.get(url, headers=headers, timeout=30).status_code == 200


def test_its_directory_is_private_and_gone_afterwards():
    with Sandbox(redirect_uris=("https://one.example/cb", "https://two.example/cb")) as zoho:
        directory = Path(zoho.ca_bundle).parent
        assert [file.name for file in directory.iterdir()] == ["ca.pem"]
        assert zoho.redirect_uri == "https://one.example/cb"
        if os.name == "posix":
            assert directory.stat().st_mode & 0o077 == 0
        first = repr(zoho)
    assert not directory.exists()
    assert first == f"Sandbox({zoho.region.accounts_url!r})"
    assert repr(Sandbox()) == "Sandbox()"


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind(zoho, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(OSError, match="in use"), Sandbox(port=port(zoho)):
        pass  # pragma: no cover - never entered
    assert list(tmp_path.iterdir()) == []


def test_the_port_can_be_chosen_again_at_once():
    with Sandbox() as zoho:
        chosen = port(zoho)
    with Sandbox(port=chosen) as again:
        assert port(again) == chosen


def test_a_client_has_at_least_one_redirect_uri():
    with pytest.raises(ValueError, match="at least one"):
        Sandbox(redirect_uris=())


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "nonsense",
        "localhost:8400/callback",
        "http:/a",
        "https://",
        "http://a b/",
        "http://a/#b",
        "/callback",
        "1://a",
    ],
)
def test_what_is_no_redirect_uri_is_not_registered(zoho, uri):
    with pytest.raises(ValueError, match="is not a redirect URI"):
        zoho.new_client(redirect_uris=(zoho.redirect_uri, uri))
    with pytest.raises(ValueError, match="is not a redirect URI"):
        Sandbox(redirect_uris=(uri,)).start()


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:8400", "https://a.example/b?c=d", "myapp://login", "http://[::1]:1/"]
)
def test_any_address_is_a_redirect_uri(zoho, uri):
    assert zoho.new_client(redirect_uris=(uri,)).redirect_uri == uri


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_that_leaves_the_block_does_not_stop_its_parents_sandbox(zoho, session):
    assert true_in_a_child(lambda: zoho.__exit__(None, None, None) is None)
    assert Path(zoho.ca_bundle).exists()
    assert refresh(zoho, session).status_code == 200


def without(monkeypatch, name):
    real = builtins.__import__

    def fake(wanted, *rest, **options):
        if wanted == name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(wanted, *rest, **options)

    monkeypatch.delitem(sys.modules, "requests_zohorecruit.sandbox.server", raising=False)
    monkeypatch.delattr(requests_zohorecruit.sandbox, "server", raising=False)
    monkeypatch.setattr(builtins, "__import__", fake)


def test_a_missing_extra_is_named(monkeypatch):
    without(monkeypatch, "trustme")
    with pytest.raises(ImportError, match=r"pip install 'requests-zohorecruit\[sandbox\]'"):
        requests_zohorecruit.sandbox.Sandbox  # noqa: B018 - looking is the test


def test_any_other_missing_module_is_reported_as_it_is(monkeypatch):
    without(monkeypatch, "tempfile")
    with pytest.raises(ModuleNotFoundError, match="tempfile"):
        requests_zohorecruit.sandbox.Sandbox  # noqa: B018 - looking is the test


def test_there_is_nothing_else_in_the_package():
    with pytest.raises(AttributeError, match="Sandcastle"):
        requests_zohorecruit.sandbox.Sandcastle  # noqa: B018 - looking is the test
