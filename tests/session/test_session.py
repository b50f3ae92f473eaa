"""An OAuth2Session with the fix, on real sockets: the second door into the same engine."""

from __future__ import annotations

import pickle
import re
import time

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from helpers.engine_parts import in_threads
from helpers.process_fleet import Fleet
from helpers.sandbox_traffic import arrived
from helpers.storm_callers import Access, calling_through_session
from oauthlib.oauth2 import (
    BackendApplicationClient,
    InsecureTransportError,
    MobileApplicationClient,
    WebApplicationClient,
)
from requests_oauthlib import OAuth2Session

from requests_zohorecruit import (
    FileStore,
    MemoryStore,
    ReauthorizationRequired,
    Region,
    TokenStoreError,
    UntrustedHostError,
    zohorecruit_compliance_fix,
)
from requests_zohorecruit.errors import describe_type


def test_T01_the_scheme_is_zohos_also_right_after_a_refresh_inside_the_call(zoho, make, url, grant):
    session = make(token=grant)
    assert session.get(url).status_code == 200
    assert zoho.token_requests == 1
    assert arrived(zoho, "Candidates")[-1]["headers"]["Authorization"].startswith("Zoho-oauthtoken #")
    zoho.reject_tokens()
    answer = session.get(url)
    assert answer.status_code == 200
    assert [each.status_code for each in answer.history] == [401]
    assert all(each["headers"]["Authorization"].startswith("Zoho-oauthtoken #") for each in arrived(zoho, "Candidates"))


@pytest.mark.parametrize("expires_in", [-1, 3600], ids=["expired", "rejected"])
@pytest.mark.parametrize(
    "body", [{"json": {"data": [{"Last_Name": "Doe"}]}}, {"data": {"a": "b"}}, {"files": {"f": b"x"}}]
)
def test_T02_the_callers_data_never_reaches_the_token_endpoint(zoho, make, url, grant, body, expires_in):
    session = make(token={**grant, "access_token": "old", "expires_at": time.time() + expires_in})
    session.post(url, params={"candidate": "private"}, **body)
    assert zoho.api_requests == (1 if expires_in < 0 else 2)
    [token_request] = arrived(zoho, "/token")
    assert set(token_request["form"]) == {"grant_type", "client_id", "client_secret", "refresh_token"}
    assert not token_request["query"]


def test_T03_applying_it_twice_is_applying_it_once(zoho, make, url, grant):
    session = make(token=grant)
    before = session.auth
    again = zohorecruit_compliance_fix(session, region=zoho.region, client_secret=zoho.client_secret)
    assert again is session
    assert session.auth is before
    session.get(url)
    zoho.reject_tokens()
    assert len(session.get(url).history) == 1
    assert zoho.token_requests == 2


def test_applying_it_with_another_store_goes_on_with_the_token_it_has(zoho, make, url, grant):
    session, store = make(token=grant), MemoryStore()
    session.get(url)
    zohorecruit_compliance_fix(session, region=zoho.region, client_secret=zoho.client_secret, store=store)
    assert session.get(url).status_code == 200
    assert zoho.token_requests == 1
    session.refresh_token(zoho.region.token_url)
    assert store.load()["access_token"] == session.token["access_token"]


def test_applying_it_for_another_region_starts_anew(zoho, make, grant):
    session = make(token=grant)
    zohorecruit_compliance_fix(session, region="eu", client_secret="another")
    assert session.auth.region == Region.lookup("eu")


def test_T06_an_old_token_dict_with_zohos_scheme_for_a_type_is_accepted(zoho, make, url, grant):
    session = make(token=grant)
    session.get(url)
    other = make(token={**session.token, "token_type": "Zoho-oauthtoken"})
    assert other.get(url).status_code == 200
    assert other.authorized
    assert zoho.token_requests == 1


def test_T07_a_session_can_be_pickled_and_works_afterwards(zoho, make, url, grant):
    session = make(token=grant)
    session.get(url)
    twin = pickle.loads(pickle.dumps(session))
    assert twin.token == session.token
    assert twin.get(url).status_code == 200
    assert zoho.token_requests == 1
    zoho.reject_tokens()
    assert twin.get(url).status_code == 200


class Named(OAuth2Session):
    """A user's own subclass."""

    def get(self, url, **options):
        return super().get(url, **options)


def test_a_users_own_subclass_keeps_its_methods_its_name_and_can_be_pickled(zoho, make, url, grant):
    session = make(kind=Named, token=grant)
    assert isinstance(session, Named)
    assert all(
        getattr(type(session), name) == getattr(Named, name) for name in ("__name__", "__qualname__", "__module__")
    )
    assert session.get(url).status_code == 200
    assert isinstance(pickle.loads(pickle.dumps(session)), Named)


def test_T08_the_callers_headers_are_left_alone(zoho, make, url, grant):
    headers = {"X-Mine": "1"}
    make(token=grant).get(url, headers=headers)
    assert headers == {"X-Mine": "1"}


def test_T09_netrc_has_no_say_in_either_call(zoho, make, url, grant, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password planted\n")
    monkeypatch.setenv("NETRC", str(netrc))
    session = make(token=grant)
    assert session.get(url).status_code == 200
    assert session.get(url, withhold_token=True).status_code == 401
    assert not [each for each in zoho.received if str(each["headers"].get("Authorization")).startswith("Basic")]


def test_withheld_means_withheld(zoho, make, url, grant):
    answer = make(token=grant).get(url, withhold_token=True)
    assert answer.status_code == 401
    assert "Authorization" not in answer.request.headers
    assert zoho.token_requests == 0


@pytest.mark.parametrize("withhold", [False, True])
def test_a_callers_own_auth_is_used_instead(zoho, make, url, grant, withhold):
    session = make(token=grant)
    answer = session.get(url, auth=("user", "password"), withhold_token=withhold)
    assert answer.request.headers["Authorization"].startswith("Basic ")
    with pytest.raises(InsecureTransportError):
        session.get(url.replace("https:", "http:"), auth=("user", "password"), withhold_token=withhold)


def test_what_the_caller_sends_arrives(zoho, make, url, grant):
    session = make(token=grant)
    assert session.post(url, data={"a": "b"}).request.body == "a=b"
    assert b"planted" in session.post(url, files={"file": b"planted"}).request.body


def test_other_hooks_of_requests_oauthlib_go_on_working(zoho, make, url, grant):
    session = make(token=grant)

    def tagged(url, headers, data):
        return url, {**(headers or {}), "X-Tag": "1"}, data

    session.register_compliance_hook("protected_request", tagged)
    assert session.get(url).request.headers["X-Tag"] == "1"
    assert session.get(url, headers={"X-Mine": "1"}).request.headers["X-Mine"] == "1"


def test_such_a_hook_sees_the_body_and_the_token_that_will_be_sent(zoho, make, url, grant):
    session, seen = make(), []

    def looking(url, headers, data):
        seen.append((session.auth.token.access_token, data))
        return url, headers, {**data, "c": "d"}

    session.register_compliance_hook("protected_request", looking)
    session._client.token = {**grant, "access_token": "planted", "expires_at": 1}
    assert session.post(url, data={"a": "b"}).request.body == "a=b&c=d"
    assert seen == [("planted", {"a": "b"})]


@pytest.mark.parametrize("where", ["https://stranger.example/", "http://recruit.zoho.eu/"])
def test_hosts_outside_the_table_are_refused_before_anything_is_sent(zoho, make, grant, where):
    with pytest.raises(UntrustedHostError):
        make(token=grant).get(where)
    assert zoho.received == []


@pytest.mark.parametrize("kind", [WebApplicationClient, BackendApplicationClient, MobileApplicationClient])
def test_it_does_not_matter_which_client_of_oauthlib_the_session_has(zoho, make, url, grant, kind):
    session = make(token=grant)
    token = dict(session.get(url) and session.token)
    other = make(client=kind(zoho.client_id), token=token)
    assert other.get(url).status_code == 200
    zoho.reject_tokens()
    assert other.get(url).status_code == 200
    assert zoho.token_requests == 2


def test_a_token_that_the_client_was_made_with_is_taken_over(zoho, make, url, grant):
    token = dict((session := make(token=grant)).get(url) and session.token)
    assert make(client=WebApplicationClient(zoho.client_id, token=token)).get(url).status_code == 200
    client = WebApplicationClient(zoho.client_id, refresh_token=zoho.refresh_token, access_token="old")
    assert make(client=client).get(url).status_code == 200
    old = {"access_token": "old", "refresh_token": zoho.refresh_token, "expires_at": 1_000_000_000}
    session = make(client=WebApplicationClient(zoho.client_id, token=old))
    assert session.token == old
    assert not session.get(url).history, "an old token is not tried"


def test_the_token_can_be_read_and_assigned_at_any_time(zoho, make, url, grant):
    session = make()
    assert session.token == {}
    assert not session.authorized
    with pytest.raises(ReauthorizationRequired):
        session.get(url)
    session.token = grant
    assert session.authorized
    assert session.get(url).status_code == 200
    token = session.token
    assert token["refresh_token"] == zoho.refresh_token
    assert session.access_token == token["access_token"]
    session.token = None
    assert not session.authorized
    session.access_token = token["access_token"]
    assert session.token["access_token"] == token["access_token"]
    session.token = token
    del session.access_token
    assert session.access_token is None
    assert session.token["refresh_token"] == zoho.refresh_token


@pytest.mark.parametrize(("value", "kind"), [(5, "int"), ("token", "str"), (["access_token"], "list")])
def test_a_token_that_is_no_dict_is_a_type_error(make, value, kind):
    session = make()
    with pytest.raises(TypeError, match=f"token must be a dict, not {kind}$"):
        session.token = value


def test_a_token_of_another_client_is_refused_and_the_old_one_stays(make, grant):
    session = make(token=grant)
    with pytest.raises(TokenStoreError, match="another client id"):
        session.token = {"access_token": "a", "client_id": "1000.OTHER"}
    assert session.token == grant


def test_an_access_token_alone_is_good_until_it_ends(zoho, make, url, grant):
    session = make(token=grant)
    session.get(url)
    token = session.token
    del token["refresh_token"]
    other = make(token=token)
    assert other.authorized
    assert other.get(url).status_code == 200
    store = MemoryStore()
    store.save({"refresh_token": zoho.refresh_token})
    other = make(token=token, fix={"store": store})
    assert other.get(url).status_code == 200
    other.refresh_token(zoho.region.token_url)
    assert store.load()["refresh_token"] == zoho.refresh_token


def test_flask_dance_puts_a_users_token_into_the_client_before_each_request(zoho, make, url, grant):
    session = make()
    session._client.token = dict(grant)
    assert session.get(url).status_code == 200
    session._client.token = {}
    assert session.get(url).status_code == 200
    other = zoho.new_grant()
    session._client.token = {"refresh_token": other}
    assert session.get(url).status_code == 200
    assert zoho.token_requests == 2
    assert session.token["refresh_token"] == other


def test_a_token_put_there_is_seen_by_whoever_asks_before_the_next_request(zoho, make, grant):
    for seen in (lambda session: session.token == grant, lambda session: session.authorized):
        session = make()
        session._client.token = dict(grant)
        assert seen(session)
    session, other = make(token=grant), zoho.new_grant()
    session._client.token = {"refresh_token": other}
    assert session.refresh_token(zoho.region.token_url)["access_token"]
    assert session.token["refresh_token"] == other


def test_a_dead_grant_is_no_authorization(zoho, make, url):
    session = make(token={"refresh_token": "1000.dead.dead"})
    assert session.authorized
    with pytest.raises(ReauthorizationRequired):
        session.get(url)
    assert not session.authorized
    zoho.fault("server-error")
    session.token = {"refresh_token": zoho.refresh_token}
    with pytest.raises(requests.RequestException):
        session.get(url)
    assert session.authorized


def test_the_store_is_what_the_others_see(zoho, make, url, grant):
    store = MemoryStore()
    one, two = make(token=grant, fix={"store": store}), make(fix={"store": store})
    assert one.get(url).status_code == 200
    assert two.authorized
    assert two.token["access_token"] == one.token["access_token"]
    assert two.get(url).status_code == 200
    assert zoho.token_requests == 1


def test_a_newer_token_of_the_same_grant_in_the_store_is_used_and_another_grant_gives_way(zoho, make, url, grant):
    store = MemoryStore()
    make(token=grant, fix={"store": store}).get(url)
    stale = make(token={**grant, "access_token": "old", "expires_at": 1}, fix={"store": store})
    assert stale.get(url).status_code == 200
    assert zoho.token_requests == 1
    other = make(token={"refresh_token": zoho.new_grant()}, fix={"store": store})
    assert other.get(url).status_code == 200
    assert store.load()["refresh_token"] == other.token["refresh_token"]


def test_an_emptied_record_and_one_that_only_knows_the_grant_take_the_given_token(zoho, make, url, grant):
    session = make(token=grant)
    session.get(url)
    for record in ({"note": "kept"}, dict(grant)):
        store = MemoryStore()
        store.save(record)
        other = make(token=session.token, fix={"store": store})
        assert other.get(url).status_code == 200
        other.refresh_token(zoho.region.token_url)
        assert store.load().items() >= record.items()


def test_without_a_store_the_sessions_own_token_updater_is_called(zoho, make, url, grant):
    saved = []
    session = make(token=grant, token_updater=saved.append)
    session.get(url)
    assert [each["access_token"] for each in saved] == [session.token["access_token"]]
    session.token_updater = None
    session.refresh_token(zoho.region.token_url)
    assert len(saved) == 1


class TestRefreshToken:
    def test_it_goes_through_the_engine(self, zoho, make, url, grant):
        session = make(token=grant)
        session.get(url)
        before = session.token["access_token"]
        after = session.refresh_token(zoho.region.token_url, client_id=zoho.client_id, client_secret=zoho.client_secret)
        assert after == session.token
        assert after["access_token"] != before
        tokens = in_threads(8, lambda _: session.refresh_token(zoho.region.token_url)["refresh_token"])
        assert set(tokens) == {zoho.refresh_token}

    def test_another_grant_can_be_given(self, zoho, make, grant):
        session, other = make(token=grant), zoho.new_grant()
        assert session.refresh_token(zoho.region.token_url, refresh_token=other)["refresh_token"] == other
        assert session.refresh_token(zoho.region.token_url, refresh_token=other)["refresh_token"] == other

    def test_giving_the_one_it_has_is_giving_none(self, zoho, make, grant):
        session = make(token={**grant, "id_token": "kept"})
        after = session.refresh_token(zoho.region.token_url, refresh_token=zoho.refresh_token)
        assert after["id_token"] == "kept"

    def test_the_secret_goes_nowhere_else(self, zoho, make, grant):
        with pytest.raises(UntrustedHostError, match="nowhere else"):
            make(token=grant).refresh_token("https://stranger.example/oauth/v2/token")
        assert zoho.received == []

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"timeout": 3}, ValueError),
            ({"body": "a=b"}, ValueError),
            ({"client_id": "1000.OTHER"}, ValueError),
            ({"client_secret": "other"}, ValueError),
            ({"audience": "x"}, TypeError),
        ],
    )
    def test_what_has_no_room_in_zohos_request_is_refused(self, zoho, make, grant, options, error):
        with pytest.raises(error):
            make(token=grant).refresh_token(zoho.region.token_url, **options)
        assert zoho.received == []


def test_T10_T11_64_threads_on_one_session_make_one_token_request(zoho, make, url, grant):
    session = make(token={**grant, "access_token": "old", "expires_at": 1})
    assert [answer.status_code for answer in in_threads(64, lambda _: session.get(url))] == [200] * 64
    assert zoho.token_requests == 1
    zoho.reject_tokens()
    assert [answer.status_code for answer in in_threads(64, lambda _: session.get(url))] == [200] * 64
    assert zoho.token_requests == 2


@pytest.mark.parametrize("state", ["expired", "rejected"])
@pytest.mark.thorough
def test_T12_processes_with_a_session_each_on_one_file_make_one_token_request(zoho, make, url, grant, tmp_path, state):
    path = tmp_path / "token.json"
    make(token=grant, fix={"store": FileStore(path)}).get(url)
    if state == "expired":
        FileStore(path).save({**FileStore(path).load(), "expires_at": 1.0, "mint_times": []})
    zoho.reject_tokens()
    before = zoho.token_requests
    with Fleet(8) as fleet:
        results, _ = fleet.run(8, calling_through_session, Access.to(zoho), str(path), 2)
    assert results == [[200, 200]] * 8
    assert zoho.token_requests - before == 1


class TestBadInput:
    def test_t98_authlibs_session_is_named_with_its_library(self):
        name = "authlib.integrations.requests_client.oauth2_session.OAuth2Session"
        with pytest.raises(
            TypeError, match=rf"not {re.escape(name)}\. Without requests-oauthlib, use a requests\.Session"
        ):
            zohorecruit_compliance_fix(AuthlibSession("1000.CLIENT"), region="eu", client_secret="secret")

    @pytest.mark.parametrize("session", [requests.Session(), None, "session", OAuth2Session])
    def test_something_that_is_no_session(self, session):
        with pytest.raises(
            TypeError, match=rf"must be a requests_oauthlib\.OAuth2Session, not {re.escape(describe_type(session))}\."
        ):
            zohorecruit_compliance_fix(session, region="eu", client_secret="secret")

    @pytest.mark.parametrize(
        "fix",
        [
            {"region": "mars"},
            {"client_secret": ""},
            {"client_secret": {"us": "a"}},
            {"store": 5},
            {"allowed_hosts": "host"},
            {"allowed_hosts": ["https://host/"]},
        ],
    )
    def test_impossible_arguments_are_refused_at_once_and_the_session_stays_as_it_was(self, fix):
        session = OAuth2Session("1000.CLIENT", token={"access_token": "a"})
        with pytest.raises((ValueError, TypeError, requests.RequestException)):
            zohorecruit_compliance_fix(session, **{"region": "eu", "client_secret": "secret", **fix})
        assert type(session) is OAuth2Session

    def test_a_store_whose_lock_ends_before_a_token_call_does(self):
        store = MemoryStore()
        store.lock_ttl = 30
        with pytest.raises(ValueError, match="give the store a longer lock_ttl"):
            zohorecruit_compliance_fix(OAuth2Session("1000.CLIENT"), region="eu", client_secret="secret", store=store)

    def test_a_session_without_a_client_id(self):
        with pytest.raises((TypeError, ValueError)):
            zohorecruit_compliance_fix(OAuth2Session(), region="eu", client_secret="secret")

    def test_further_hosts_can_be_allowed(self, zoho, make, url, grant):
        hosts = [zoho.elsewhere.split("/")[2]]
        session = make(token=grant, fix={"allowed_hosts": iter(hosts)})
        before = session.auth
        zohorecruit_compliance_fix(
            session, region=zoho.region, client_secret=zoho.client_secret, allowed_hosts=tuple(hosts)
        )
        assert session.auth is before, "the same hosts, however they are given"
        assert session.get(zoho.elsewhere).status_code == 200
        assert "Zoho-oauthtoken" in zoho.received[-1]["headers"]["Authorization"]
