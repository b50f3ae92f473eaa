"""`ZohoRecruitAuth` itself: how it is made, shared, copied and shown, and what a plain request costs."""

from __future__ import annotations

import copy
import io
import json
import multiprocessing
import os
import pickle
import re
import threading
import time
import urllib.request
import warnings
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace

import pytest
import requests
import responses
import urllib3
from helpers.engine_parts import START, Clock, WatchedStore, in_threads, token_record, true_in_a_child
from helpers.https_server import DENIED, INVALID_TOKEN, TOKEN_PATH, Answer, Zoho, access_token, document, header
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT, leaks, quiet_about_secrets, raising
from helpers.process_fleet import get_with
from requests.adapters import HTTPAdapter

from requests_zohorecruit import (
    CallbackStore,
    ClientConfigurationError,
    FileStore,
    MemoryStore,
    ReauthorizationRequired,
    Region,
    ThrottledError,
    TokenEndpointError,
    TokenStore,
    TokenStoreError,
    UnknownRegionError,
    UntrustedHostError,
    ZohoRecruitAuth,
)
from requests_zohorecruit.auth.store_argument import choose_store
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.stores import RedisStore
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

API = "https://recruit.zoho.eu/recruit/v2/Candidates"
ACCOUNTS = TokenEndpoint(Application.create(CLIENT_ID, CLIENT_SECRET, "eu"))


@pytest.fixture(autouse=True)
def _quiet(caplog):
    with quiet_about_secrets(caplog):
        yield


@pytest.fixture
def zoho():
    with Zoho() as server:
        yield server


def make_auth(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, **options):
    return ZohoRecruitAuth(client_id, client_secret, **{"region": "eu", "refresh_token": GRANT, **options})


def signed(auth):
    return auth(requests.Request("GET", API).prepare())


class TestHeader:
    @pytest.mark.parametrize(
        "token_type", [{"token_type": "Bearer"}, {"token_type": "Zoho-oauthtoken"}, {"token_type": "mac"}, {}]
    )
    def test_T01_a_request_carries_zohos_scheme_whatever_the_token_type_says(self, zoho, token_type):
        zoho.good = {header(1)}
        zoho.token_answers = [document(200, {"access_token": access_token(1), "expires_in": 3600, **token_type})]
        response = zoho.session.get(zoho.url(), auth=zoho.auth())
        assert response.json() == {"data": []}
        assert [call.authorization for call in zoho.calls] == [header(1)]

    def test_the_token_is_a_snapshot_that_costs_nothing(self, zoho):
        store = WatchedStore()
        auth = zoho.auth(store=store)
        assert auth.token is None
        assert (store.done, zoho.received) == ([], [])
        zoho.session.get(zoho.url(), auth=auth)
        done = list(store.done)
        assert header(1) == f"Zoho-oauthtoken {auth.token.access_token}"
        assert auth.token.refresh_token == GRANT
        assert store.done == done

    def test_T08_the_callers_headers_are_not_touched(self, zoho):
        headers, defaults = {"If-Modified-Since": "yesterday"}, dict(zoho.session.headers)
        zoho.session.get(zoho.url(), auth=zoho.auth(), headers=headers)
        assert headers == {"If-Modified-Since": "yesterday"}
        assert dict(zoho.session.headers) == defaults

    def test_a_fresh_token_costs_no_io_and_no_lock(self, monkeypatch):
        class Untouchable:
            def acquire(self, *_):
                raise AssertionError("a lock was taken")

            hold = acquire

        store = WatchedStore(token_record())
        auth = make_auth(store=store, session=NoTraffic())
        auth._refresher.grant.clock = Clock()
        signed(auth)
        store.done.clear()
        monkeypatch.setattr(auth._refresher.grant, "threads", Untouchable())
        monkeypatch.setattr(auth._refresher.grant, "_changing", Untouchable())
        for _ in range(3):
            assert signed(auth).headers["Authorization"] == "Zoho-oauthtoken T0"
        assert store.done == []

    def test_eight_threads_without_a_token_make_one_mint(self, zoho):
        auth = zoho.auth()
        sessions = [zoho.new_session() for _ in range(8)]
        assert in_threads(8, lambda index: sessions[index].get(zoho.url(), auth=auth).status_code) == [200] * 8
        assert len(zoho.token_calls) == 1


class NoTraffic(requests.Session):
    def get_adapter(self, url):
        raise AssertionError(f"a request left for {url}")


FAILURES = {
    "throttled": (DENIED, ThrottledError),
    "dead grant": (document(200, {"error": "invalid_code"}), ReauthorizationRequired),
    "wrong client": (document(200, {"error": "invalid_client"}), ClientConfigurationError),
    "wrong secret": (document(200, {"error": "invalid_client_secret"}), ClientConfigurationError),
    "HTML": (Answer(200, b"<html>planted"), TokenEndpointError),
    "nothing": (Answer(204), TokenEndpointError),
    "null": (document(200, {"access_token": None}), TokenEndpointError),
    "an odd token": (document(200, {"access_token": {"planted": 1}}), TokenEndpointError),
    "a redirect": (Answer(307, b"", (("Location", "https://planted.example/"),)), TokenEndpointError),
    "broken": (Answer(200, b'{"access_token": "planted', broken=True), TokenEndpointError),
}


class TestNothingWithoutAToken:
    """T38: on every failure, nothing is sent to the API."""

    @pytest.mark.parametrize(("answer", "kind"), FAILURES.values(), ids=FAILURES.keys())
    def test_T38_a_refresh_that_fails_raises_and_nothing_is_sent(self, zoho, answer, kind):
        zoho.token_answers = [answer]
        auth = zoho.auth()
        for _ in range(2):
            with raising(kind):
                zoho.session.get(zoho.url(), auth=auth)
        assert zoho.calls == []
        assert len(zoho.token_calls) == 1  # the failure is remembered

    def test_T38_no_grant_anywhere_says_how_to_get_one(self, zoho):
        with raising(ReauthorizationRequired, match="zohorecruit login"):
            zoho.session.get(zoho.url(), auth=zoho.auth(refresh_token=None))
        assert zoho.received == []

    def test_T38_an_unreachable_zoho_accounts_is_an_error(self, zoho):
        region = Region("test", "https://localhost:1", f"https://{zoho.host}")
        with raising(TokenEndpointError, match="No connection"):
            zoho.session.get(zoho.url(), auth=zoho.auth(region=region))
        assert zoho.received == []

    @pytest.mark.parametrize("what", ["loads_fail", "locks_fail", "busy"])
    def test_T38_a_store_that_fails_is_an_error(self, zoho, what):
        store = WatchedStore()
        setattr(store, what, OSError("planted") if what != "busy" else True)
        with raising(TokenStoreError, match="WatchedStore"):
            zoho.session.get(zoho.url(), auth=zoho.auth(store=store))
        assert zoho.received == []

    def test_T38_a_request_that_could_not_be_signed_carries_no_header_and_no_hook(self):
        request = requests.Request("GET", API).prepare()
        with raising(ReauthorizationRequired):
            make_auth(refresh_token=None)(request)
        assert "Authorization" not in request.headers
        assert request.hooks["response"] == []


class TestRefreshAndRevoke:
    def test_refresh_replaces_the_token_in_hand(self, zoho):
        auth = zoho.auth()
        assert zoho.session.get(zoho.url(), auth=auth).status_code == 200
        token = auth.refresh()
        assert f"Zoho-oauthtoken {token.access_token}" == header(2)
        assert auth.token == token

    def test_refresh_adopts_what_somebody_else_has_minted(self, zoho):
        store = MemoryStore()
        here, there = zoho.auth(store=store), zoho.auth(store=store)
        assert here.refresh() == there.refresh()
        assert len(zoho.token_calls) == 1
        assert there.refresh() == here.refresh()
        assert len(zoho.token_calls) == 2

    def test_revoke_forgets_the_grant_here_and_in_the_store(self, zoho):
        zoho.answers[f"{TOKEN_PATH}/revoke"] = lambda _: document(200, {"status": "success"})
        store = MemoryStore()
        auth = zoho.auth(store=store)
        zoho.session.get(zoho.url(), auth=auth)
        auth.revoke()
        assert zoho.calls[-1].path == f"{TOKEN_PATH}/revoke"  # T60: and no token in the URL
        assert auth.token is None
        assert "planted" not in json.dumps(store.load())
        with raising(ReauthorizationRequired):
            zoho.session.get(zoho.url(), auth=auth)

    def test_revoke_that_is_not_confirmed_forgets_nothing(self, zoho):
        zoho.answers[f"{TOKEN_PATH}/revoke"] = lambda _: Answer(400, b"<html>")
        auth = zoho.auth()
        zoho.session.get(zoho.url(), auth=auth)
        with raising(TokenEndpointError, match="did not confirm"):
            auth.revoke()
        assert zoho.session.get(zoho.url(), auth=auth).status_code == 200


class TestCopies:
    """T07: it pickles, and works afterwards."""

    @responses.activate
    def test_T07_the_auth_of_a_public_region_pickles(self):
        responses.post("https://accounts.zoho.eu/oauth/v2/token", json={"access_token": "planted-1"})
        responses.get(API, json={"data": []})
        auth = make_auth()
        assert requests.get(API, auth=auth, timeout=5).ok
        assert requests.get(API, auth=pickle.loads(pickle.dumps(auth)), timeout=5).ok
        assert [call.request.url for call in responses.calls].count("https://accounts.zoho.eu/oauth/v2/token") == 1

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_T07_unpickled_it_has_the_token_and_can_refresh(self, zoho, protocol):
        auth = zoho.auth()
        zoho.session.get(zoho.url(), auth=auth)
        other = pickle.loads(pickle.dumps(auth, protocol))
        assert other.token == auth.token
        assert zoho.session.get(zoho.url(), auth=other).status_code == 200
        assert len(zoho.token_calls) == 1
        zoho.good.clear()
        assert zoho.session.get(zoho.url(), auth=other).history
        assert len(zoho.token_calls) == 2

    def test_T07_so_it_does_before_its_first_use_and_with_a_file(self, zoho, tmp_path):
        auth = pickle.loads(pickle.dumps(zoho.auth(store=FileStore(tmp_path / "token.json"))))
        assert zoho.session.get(zoho.url(), auth=auth).status_code == 200
        assert auth.region == zoho.region

    def test_T07_a_session_with_it_pickles(self, zoho):
        zoho.session.auth = zoho.auth()
        with pickle.loads(pickle.dumps(zoho.session)) as session:
            assert session.get(zoho.url()).status_code == 200

    def test_T07_so_does_a_response_with_its_request_and_history(self, zoho):
        response = zoho.session.get(zoho.url(), auth=zoho.rejecting(zoho.auth()))
        again = pickle.loads(pickle.dumps(response))
        assert (again.json(), [past.status_code for past in again.history]) == ({"data": []}, [401])

    def test_T07_it_pickles_while_another_thread_refreshes(self, zoho):
        asked, answer = threading.Event(), threading.Event()
        zoho.token_answers = [lambda: (asked.set(), answer.wait(30), zoho.mint())[-1]]
        auth = zoho.auth()
        thread = threading.Thread(target=auth.refresh)
        thread.start()
        try:
            assert asked.wait(30)
            other = pickle.loads(pickle.dumps(auth))
            assert zoho.session.get(zoho.url(), auth=other).status_code == 200
        finally:
            answer.set()
            thread.join(30)

    @pytest.mark.parametrize("store", [MemoryStore, lambda: CallbackStore(print)])
    def test_t97_deep_copies_share_a_store_that_is_in_memory(self, zoho, store, caplog):
        auth = zoho.auth(store=store())
        for _ in range(3):
            assert zoho.session.get(zoho.url(), auth=copy.deepcopy(auth)).status_code == 200
        assert len(zoho.token_calls) == 1
        assert not [record for record in caplog.records if record.levelname == "WARNING"]

    def test_t97_a_process_pool_shares_a_file_and_a_memory_store_complains_once(self, zoho, tmp_path, caplog):
        spawning = multiprocessing.get_context("spawn")  # what is pickled into it is all that it has
        with ProcessPoolExecutor(2, mp_context=spawning) as pool:
            for store, complaints in ((FileStore(tmp_path / "token.json"), 0), (MemoryStore(), 1)):
                caplog.clear()
                auth = zoho.auth(store=store)
                before = len(zoho.token_calls)
                assert list(pool.map(get_with, [auth] * 4, [zoho.session] * 4, [zoho.url()] * 4)) == [200] * 4
                assert ["FileStore" in record.getMessage() for record in caplog.records] == [True] * complaints
                assert complaints or len(zoho.token_calls) == before + 1

    def test_a_shallow_copy_shares_the_engine(self, zoho):
        auth = zoho.auth()
        twin = copy.copy(auth)
        for each in (auth, twin):
            assert zoho.session.get(zoho.url(), auth=each).status_code == 200
        assert twin.token is auth.token
        assert len(zoho.token_calls) == 1

    def test_a_deep_copy_goes_its_own_way(self, zoho):
        auth = zoho.auth()
        zoho.session.get(zoho.url(), auth=auth)
        twin = copy.deepcopy(auth)
        twin.refresh()
        assert twin.token != auth.token


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_T26_a_child_forked_while_another_thread_refreshes_can_authenticate(zoho):
    asked, answer = threading.Event(), threading.Event()
    zoho.token_answers = [lambda: (asked.set(), answer.wait(60), zoho.mint())[-1]]
    auth = zoho.auth()
    thread = threading.Thread(target=auth.refresh)
    thread.start()
    try:
        assert asked.wait(30)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads around is what is tested
            assert true_in_a_child(lambda: signed_elsewhere(auth, zoho) == header(1))
        assert not auth.token, "the parent's refresh was over before the child's"
    finally:
        answer.set()
        thread.join(30)
    assert auth.token is not None


def signed_elsewhere(auth, zoho):
    return auth(requests.Request("GET", zoho.url()).prepare()).headers["Authorization"]


class TestArguments:
    @pytest.mark.parametrize("name", ["client_id", "client_secret", "refresh_token"])
    @pytest.mark.parametrize("value", [b"bytes", 1, ["x"], True])
    def test_a_credential_of_the_wrong_type_is_refused(self, name, value):
        with raising(TypeError, match=f"{name} must be a string, not {type(value).__name__}"):
            make_auth(**{name: value})

    @pytest.mark.parametrize("name", ["client_id", "client_secret"])
    def test_a_credential_that_is_none_is_refused(self, name):
        with raising(TypeError, match=f"{name} must be a string, not NoneType"):
            make_auth(**{name: None})

    @pytest.mark.parametrize("name", ["client_id", "client_secret", "refresh_token"])
    def test_an_empty_credential_is_refused(self, name):
        with raising(ValueError, match=f"{name} is empty"):
            make_auth(**{name: ""})

    @pytest.mark.parametrize("name", ["client_id", "client_secret", "refresh_token"])
    @pytest.mark.parametrize("value", ["{} ", " {}", "plan {}", "{}\n", "\x00{}", "{}é"])
    def test_a_stray_paste_is_refused_and_not_shown(self, name, value):
        value = value.format("public" if name == "client_id" else "planted")
        with raising(ValueError, match=f"{name} contains a space, line break") as caught:
            make_auth(**{name: value})
        assert value.strip() not in str(caught.value)

    def test_the_region_is_required(self):
        with raising(TypeError, match="region"):
            ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET)

    @pytest.mark.parametrize("region", ["mars", "", "https://accounts.zoho.eu.evil.example"])
    def test_an_unknown_region_is_refused_with_a_list_of_the_known(self, region):
        with raising(UnknownRegionError, match="known are us, eu, in"):
            make_auth(region=region)

    @pytest.mark.parametrize("region", [None, 1, b"eu"])
    def test_a_region_of_the_wrong_type_is_refused(self, region):
        with raising(TypeError, match="region must be"):
            make_auth(region=region)

    @pytest.mark.parametrize("region", ["eu", "EU", "https://accounts.zoho.eu", Region.lookup("eu")])
    def test_a_region_goes_by_code_url_or_itself(self, region):
        assert make_auth(region=region).region is Region.lookup("eu")

    def test_a_secret_per_region_is_looked_up(self, zoho):
        auth = zoho.auth()
        mapped = ZohoRecruitAuth(
            CLIENT_ID, {"eu": "planted-eu", "test": "planted-test"}, region=zoho.region, refresh_token=GRANT,
            session=zoho.new_session(),
        )  # fmt: skip
        for each in (auth, mapped):
            zoho.session.get(zoho.url(), auth=each)
        assert [b"client_secret=planted-test" in call.body for call in zoho.token_calls] == [False, True]

    def test_a_region_without_a_secret_is_refused(self):
        with raising(ClientConfigurationError, match="no client secret for region eu"):
            make_auth(client_secret={"us": "planted"})

    @pytest.mark.parametrize("secret", ["", "planted with spaces"])
    def test_a_bad_secret_in_the_mapping_is_refused_and_not_shown(self, secret):
        with raising(ValueError, match="client_secret"):
            make_auth(client_secret={"eu": secret})

    @pytest.mark.parametrize("timeout", [None, "5", (1, 2, 3), (1,), (1, None), True, [1, 2]])
    def test_a_timeout_of_the_wrong_type_is_refused(self, timeout):
        with raising(TypeError, match="timeout must be seconds"):
            make_auth(timeout=timeout)

    @pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan"), (5, 0)])
    def test_T30_a_timeout_that_is_none_is_refused(self, timeout):
        with raising(ValueError, match="finite and above zero"):
            make_auth(timeout=timeout)

    @pytest.mark.parametrize(
        ("lease", "timeout"), [(60, (5, 50)), (60, 27.5), (200, (5, 190)), (60, (5, 120)), (6, (0.5, 0.5))]
    )
    def test_a_timeout_that_outlasts_the_lease_of_the_stores_lock_is_refused(self, lease, timeout):
        store = RedisStore(SimpleNamespace(eval=print), "key", lock_ttl=lease)
        with raising(
            ValueError, match=rf"the lock of RedisStore ends after {lease} s: give the store a longer lock_ttl"
        ):
            make_auth(store=store, timeout=timeout)

    @pytest.mark.parametrize(
        ("lease", "timeout"), [(41, (5, 30)), (60, (5, 49)), (200, (5, 189)), (41, 17), (7, (0.5, 1))]
    )
    def test_a_timeout_that_the_lease_of_the_stores_lock_outlasts_is_taken(self, lease, timeout):
        make_auth(store=RedisStore(SimpleNamespace(eval=print), "key", lock_ttl=lease), timeout=timeout)

    def test_the_lock_of_somebody_elses_store_has_to_outlast_the_default_timeout_too(self):
        store = MemoryStore()
        store.lock_ttl = 40
        with raising(ValueError, match="may take 40 s with this timeout, but the lock of MemoryStore ends after 40 s"):
            make_auth(store=store)

    def test_a_lock_without_a_lease_outlasts_any_timeout(self):
        store = MemoryStore()
        store.lock_ttl = None  # somebody else's word for something else
        make_auth(store=store, timeout=3600)

    @pytest.mark.parametrize("timeout", [1, 0.5, (1, 2)])
    def test_a_timeout_is_one_number_or_two(self, timeout):
        assert make_auth(timeout=timeout).token is None

    @pytest.mark.parametrize("session", ["session", requests, requests.Session])
    def test_a_session_of_the_wrong_type_is_refused(self, session):
        with raising(
            TypeError,
            match=r"session must be a requests\.Session, not (str|module|the class requests\.sessions\.Session)\.",
        ):
            make_auth(session=session)

    def test_t98_a_session_of_another_library_is_named_with_its_library(self):
        session = type("Session", (), {"__module__": "niquests.sessions"})()
        with raising(
            TypeError, match=r"must be a requests\.Session, not niquests\.sessions\.Session\. It is for calls to"
        ):
            make_auth(session=session)

    @pytest.mark.parametrize(
        "request_of",
        [
            lambda: urllib.request.Request("https://recruit.zoho.eu/"),
            lambda: SimpleNamespace(url=object(), headers={}),  # as of httpx, aiohttp and yarl
            lambda: SimpleNamespace(url="https://recruit.zoho.eu/", headers={}),
            lambda: SimpleNamespace(url="https://recruit.zoho.eu/", headers={}, hooks={}),
            lambda: SimpleNamespace(url="https://recruit.zoho.eu/", headers=(), hooks={}),
            lambda: "https://recruit.zoho.eu/",
        ],
    )
    def test_t98_a_request_of_another_library_is_named_and_the_way_out_as_well(self, request_of):
        auth, foreign = make_auth(), request_of()
        with responses.RequestsMock() as mock:
            mock.post(ACCOUNTS.application.region.token_url, json={"access_token": "1000.planted", "expires_in": 3600})
            kind = f"{type(foreign).__module__}.{type(foreign).__qualname__}".removeprefix("builtins.")
            with pytest.raises(
                TypeError, match=f"requests of the library requests, not {re.escape(kind)}\\."
            ) as caught:
                auth(foreign)
            assert caught.value.__cause__ is None
            way_out = str(caught.value).partition("send the header ")[2].partition(", to hosts")[0]
            assert eval(way_out, {"auth": auth}) == {"Authorization": "Zoho-oauthtoken 1000.planted"}

    def test_t98_a_request_that_looks_like_one_of_requests_is_signed(self):
        auth = make_auth()
        request = SimpleNamespace(url="https://recruit.zoho.eu/", headers={}, hooks={"response": [], "early": []})
        with responses.RequestsMock() as mock:
            mock.post(ACCOUNTS.application.region.token_url, json={"access_token": "1000.planted", "expires_in": 3600})
            assert auth(request) is request
        assert request.headers == {"Authorization": "Zoho-oauthtoken 1000.planted"}

    def test_t98_an_error_of_the_engine_is_not_blamed_on_the_request(self, monkeypatch):
        auth = make_auth()
        monkeypatch.setattr(auth._refresher, "get_memory", lambda: None.nothing)
        with pytest.raises(AttributeError, match="nothing"):
            auth(SimpleNamespace(url="https://recruit.zoho.eu/", headers={}, hooks={"response": []}))

    @pytest.mark.parametrize("store", ["token.json", 1, {}, object()])
    def test_a_store_of_the_wrong_type_is_refused(self, store):
        with raising(TypeError, match=f"store must be a token store .* not {type(store).__name__}$"):
            make_auth(store=store)

    def test_a_store_that_was_not_made_yet_is_refused(self):
        with raising(TypeError, match="not the class MemoryStore: call it"):
            make_auth(store=MemoryStore)

    def test_without_a_store_each_auth_has_a_memory_of_its_own(self):
        one, two = make_auth()._refresher.grant.store, make_auth()._refresher.grant.store
        assert one is not two
        assert type(one) is type(two) is MemoryStore

    def test_a_store_is_taken_as_it_is(self):
        store = MemoryStore()
        assert choose_store(store, longest_call=1) is store

    def test_a_function_is_a_token_updater(self, zoho):
        saved = []
        zoho.session.get(zoho.url(), auth=zoho.auth(store=saved.append))
        assert [f"Zoho-oauthtoken {token['access_token']}" for token in saved] == [header(1)]
        assert isinstance(choose_store(saved.append, longest_call=1), CallbackStore)

    @pytest.mark.parametrize("method", ["load", "save", "lock"])
    @pytest.mark.parametrize("kind", ["coroutine", "generator"])
    def test_t82_a_store_with_lazy_methods_is_refused(self, method, kind):
        async def coroutine(self, *_):
            """Do nothing, later."""

        def generator(self, *_):
            yield

        store = type("Lazy", (MemoryStore,), {method: {"coroutine": coroutine, "generator": generator}[kind]})()
        with raising(TypeError, match=f"{method} of Lazy must .*{kind} function"):
            make_auth(store=store)

    def test_t82_a_coroutine_function_as_token_updater_is_refused(self):
        async def save(token):
            """Do nothing, later."""

        with raising(TypeError, match="save of CallbackStore must be a plain function"):
            make_auth(store=save)

    def test_t82_a_token_that_only_a_coroutine_would_save_stays_in_use(self, zoho):
        async def write(token):
            """Do nothing, later."""

        def save(token):
            return write(token)

        auth = zoho.auth(store=save)
        with raising(TokenStoreError, match="its save returned a coroutine, which nothing awaits"):
            zoho.session.get(zoho.url(), auth=auth)
        assert header(1) == f"Zoho-oauthtoken {auth.token.access_token}"
        assert zoho.session.get(zoho.url(), auth=auth).status_code == 200
        assert len(zoho.token_calls) == 1

    def test_options_are_keywords(self):
        with raising(TypeError):
            ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET, "eu")


class AnsweringSession(requests.Session):
    """Answers every token call with a token, and keeps how long it was to wait and for which grant."""

    def __init__(self):
        super().__init__()
        self.timeouts, self.grants = [], []
        adapter = HTTPAdapter()
        adapter.send = self.answered
        self.mount("https://", adapter)

    def answered(self, request, *, timeout, **_):
        self.timeouts.append(timeout)
        self.grants.append(dict(pair.split("=") for pair in request.body.split("&"))["refresh_token"])
        body = json.dumps({"access_token": access_token(1)}).encode()
        raw = urllib3.HTTPResponse(io.BytesIO(body), status=200, preload_content=False)
        return HTTPAdapter().build_response(request, raw)


DOORS = {
    "itself": make_auth,
    "from_profile": lambda **options: ZohoRecruitAuth.from_profile("work", **options),
    "from_env": ZohoRecruitAuth.from_env,
}


class TestDoors:
    """However it is made, it is the same thing, and every option reaches it."""

    @pytest.fixture(autouse=True)
    def _saved(self, monkeypatch, tmp_path):
        for name in [name for name in os.environ if name.startswith("ZOHORECRUIT_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("ZOHORECRUIT_HOME", str(tmp_path))
        values = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "REGION": "eu", "REFRESH_TOKEN": GRANT}
        for name, value in values.items():
            monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)
        application = Application.create(CLIENT_ID, CLIENT_SECRET, "eu")
        for name, grant in {"default": "1000.planted-default", "work": GRANT}.items():
            Profile(name).save(application, Token("1000.planted-old", grant, 0.0), now=0.0)

    @pytest.mark.parametrize("make", DOORS.values(), ids=DOORS.keys())
    def test_T30_a_token_call_connects_within_5_and_answers_within_30_seconds(self, make):
        session = AnsweringSession()
        make(session=session).refresh()
        assert (session.timeouts, session.grants) == ([(5.0, 30.0)], [GRANT])

    @pytest.mark.parametrize("make", DOORS.values(), ids=DOORS.keys())
    def test_session_timeout_and_allowed_hosts_are_what_was_said(self, make):
        session = AnsweringSession()
        auth = make(session=session, timeout=(3, 7), allowed_hosts=["proxy.example"])
        request = auth(requests.Request("GET", "https://proxy.example/recruit/v2/Candidates").prepare())
        assert request.headers["Authorization"] == header(1)
        assert session.timeouts == [(3.0, 7.0)]

    @pytest.mark.parametrize("make", DOORS.values(), ids=DOORS.keys())
    def test_no_other_host_is_trusted_unless_it_was_named(self, make):
        with raising(UntrustedHostError, match=r"proxy\.example"):
            make(session=NoTraffic())(requests.Request("GET", "https://proxy.example/").prepare())

    def test_a_profile_is_found_by_its_name_and_without_one_it_is_the_default(self):
        session = AnsweringSession()
        for auth in (
            ZohoRecruitAuth.from_profile(session=session),
            ZohoRecruitAuth.from_profile("work", session=session),
        ):
            auth.refresh()
        assert session.grants == ["1000.planted-default", GRANT]

    def test_what_the_environments_grant_mints_is_saved_in_the_store(self):
        store = MemoryStore()
        ZohoRecruitAuth.from_env(store=store, session=AnsweringSession()).refresh()
        assert store.load()["access_token"] == access_token(1)


class TestSecrets:
    """T60: what is planted is not found. `raising` and the log check look in every other test as well."""

    def everything_printed(self, auth):
        pending, seen, printed = [auth], set(), []
        while pending:
            each = pending.pop()
            if id(each) in seen:
                continue
            seen.add(id(each))
            if isinstance(each, TokenStore):
                continue  # keeps the record as it was given: printed as itself, not inside out
            printed += [repr(each), *([str(each)] if not isinstance(each, str) else [])]
            pending += vars(each).values() if hasattr(each, "__dict__") else ()
            pending += [getattr(each, name) for name in getattr(type(each), "__slots__", ()) if hasattr(each, name)]
        return "\n".join(printed)

    def test_T60_neither_repr_nor_the_variables_show_a_secret(self, zoho):
        auth = zoho.auth()
        zoho.session.get(zoho.url(), auth=zoho.rejecting(auth))
        assert auth.token is not None
        printed = self.everything_printed(auth)
        assert "Refresher" in printed
        assert "planted" not in printed + repr(auth._refresher.grant.store)

    def test_repr_names_client_and_region(self):
        assert repr(make_auth()) == "ZohoRecruitAuth(client_id='1000.CLIENT', region='eu')"

    def test_T60_repr_works_while_it_is_being_made(self):
        # A traceback printed with local variables shows the object whose __init__ raised.
        assert repr(ZohoRecruitAuth.__new__(ZohoRecruitAuth)) == "ZohoRecruitAuth()"

    def test_T60_a_signed_request_does_not_print_its_token(self, zoho):
        request = zoho.auth()(requests.Request("GET", zoho.url()).prepare())
        assert "planted" in str(request.headers["Authorization"])
        assert "planted" not in repr(request.headers) + repr(vars(request))

    def test_T60_an_error_of_the_api_itself_shows_no_token_in_our_frames(self, zoho):
        auth = zoho.rejecting(zoho.auth())
        auth._refresher.pause = fail
        zoho.answers["/recruit/v2/Candidates"] = lambda _: INVALID_TOKEN
        with raising(LookupError):
            zoho.session.get(zoho.url(), auth=auth)

    def test_T60_the_search_for_secrets_finds_them(self):
        scope = {"__file__": "elsewhere.py"}
        code = compile("def work(secret):\n    raise LookupError('no')", "elsewhere.py", "exec")
        exec(code, scope)
        with pytest.raises(LookupError) as caught:
            scope["work"]("planted")
        assert leaks(caught.value) == ["elsewhere.py:work: secret = 'planted'"]


def fail(*_, **__):
    raise LookupError("for the traceback")


def test_the_clock_is_the_read_wall_clock(monkeypatch):
    auth = make_auth(store=WatchedStore(token_record()), session=NoTraffic())
    monkeypatch.setattr(time, "time", lambda: START)
    assert signed(auth).headers["Authorization"] == "Zoho-oauthtoken T0"
