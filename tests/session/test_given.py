"""What a session's token dict means once there is a store, a pause, or another way to the same grant."""

from __future__ import annotations

import copy
import time
from urllib.parse import urlsplit

import pytest
from helpers.engine_parts import START, Clock, FakeTokenEndpoint, WatchedStore, token_record
from helpers.sandbox_traffic import arrived

from requests_zohorecruit import (
    AuthorizationError,
    CallbackStore,
    MemoryStore,
    ReauthorizationRequired,
    ThrottledError,
    TokenStoreError,
    UntrustedHostError,
)
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.refresher import Refresher
from requests_zohorecruit.zoho.token import Token


@pytest.fixture
def old(zoho, grant):
    """Return a token dict of the sandbox's grant that has expired, as a user of requests-oauthlib has it."""

    def made(**changes):
        token = {"access_token": "1000.an-old.access-token", "token_type": "Zoho-oauthtoken", "expires_in": 3600}
        return {**token, **grant, "expires_at": time.time() - 60, **changes}

    return made


def test_a_given_token_is_shown_as_it_was_and_keeps_its_unknown_keys_when_renewed(make, url, old):
    token, saved = old(id_token="of another kind", scope="A,B"), []
    session = make(token=token, token_updater=saved.append)
    assert session.token == token
    session.get(url)
    assert session.token["access_token"] != token["access_token"]
    assert session.token["id_token"] == saved[0]["id_token"] == "of another kind"


@pytest.mark.parametrize("wrap", [lambda save: save, CallbackStore])
def test_T91_a_save_only_store_is_told_the_new_token_and_never_the_old_one(make, url, old, wrap):
    saved = []
    session = make(token=old(), fix={"store": wrap(saved.append)})
    for _ in range(2):
        session.get(url)
    assert [each["access_token"] for each in saved] == [session.access_token]


def test_T91_the_sessions_token_updater_is_told_of_each_mint_once_and_of_the_revocation(make, url, old):
    saved = []
    session = make(token=old(), token_updater=saved.append)
    session.get(url)
    first = session.access_token
    session.auth.refresh()
    second = session.access_token
    session.auth.revoke()
    assert [each.get("access_token") for each in saved] == [first, second, None]


def test_T91_a_rejected_token_is_not_told_although_its_mint_is_written_down_first(zoho, make, url, old):
    saved = []
    session = make(token=old(expires_at=time.time() + 3000), token_updater=saved.append)
    assert session.get(url).status_code == 200
    assert [each["access_token"] for each in saved] == [session.access_token]


def test_what_is_shown_is_a_copy(make, old):
    session = make(token=old())
    session.token["access_token"] = "changed"
    assert session.access_token == old()["access_token"]


def test_the_same_token_assigned_with_another_expiry_is_believed(zoho, make, url, grant):
    session = make(token=grant)
    session.get(url)
    session.token = {**session.token, "expires_at": time.time() - 10}
    assert session.get(url).status_code == 200
    assert zoho.token_requests == 2


def test_the_session_knows_better_than_the_store_when_its_very_own_token_expires(zoho, make, url, old):
    store = MemoryStore()
    store.save(old(expires_at=time.time() + 3000, note="kept"))
    assert make(token=old(), fix={"store": store}).get(url).status_code == 200
    assert zoho.token_requests == 1
    assert store.load()["note"] == "kept"


def test_a_rejected_token_is_replaced_by_the_newer_one_of_the_store(zoho, make, url, old):
    store = MemoryStore()
    make(token=old(), fix={"store": store}).get(url)
    session = make(token=old(expires_at=time.time() + 3000), fix={"store": store})
    assert session.get(url).status_code == 200
    assert session.access_token == store.load()["access_token"]
    assert zoho.token_requests == 1


def test_refresh_token_takes_what_somebody_else_has_refreshed(zoho, make, url, old):
    store = MemoryStore()
    make(token=old(), fix={"store": store}).get(url)
    session = make(token=old(), fix={"store": store})
    assert session.refresh_token(zoho.region.token_url)["access_token"] == store.load()["access_token"]
    assert zoho.token_requests == 1


def test_a_fresh_token_costs_no_look_into_the_store(make, url, grant):
    class Counting(MemoryStore):
        loads = 0

        def load(self):
            self.loads += 1
            return super().load()

    session = make(token=grant)
    session.get(url)
    store = Counting()
    assert make(token=session.token, fix={"store": store}).get(url).status_code == 200
    assert store.loads == 0


class TestTheFirstReadingOfTheStore:
    """The engine by itself, on a clock that stands still."""

    OTHER = "1000.planted-other-token"
    LONG_AGO = 4000.0

    @pytest.fixture
    def source(self):
        def made(given, stored):
            accounts = FakeTokenEndpoint()
            source = Refresher(accounts, WatchedStore(stored), Record.from_mapping(given, accounts.application))
            source.grant.clock = Clock()
            return source

        return made

    def test_a_store_without_a_grant_leaves_the_given_one_alone_and_keeps_its_own_keys(self, source):
        given = source(token_record(age=self.LONG_AGO), {"note": "kept"})
        assert given.get_header() == "Zoho-oauthtoken T1"
        assert given.grant.store.record.items() >= {"note": "kept", "access_token": "T1"}.items()

    @pytest.mark.parametrize("use", [Refresher.get_header, Refresher.refresh])
    def test_another_grant_in_the_store_gives_way_for_good_and_its_unknown_keys_stay(self, source, use):
        given = source({"refresh_token": self.OTHER}, token_record(note="kept"))
        use(given)
        assert given.token.access_token == "T1"
        assert given.endpoint.calls == [(self.OTHER, START)]
        assert given.grant.store.record.items() >= {"note": "kept", "refresh_token": self.OTHER}.items()

    def test_what_is_given_is_right_about_when_its_own_token_ends(self, source):
        given = source(token_record(age=self.LONG_AGO), token_record(note="kept"))
        assert given.get_header() == "Zoho-oauthtoken T1"
        assert given.grant.store.record["note"] == "kept"

    @pytest.mark.parametrize(
        "given", [{"access_token": "T9", "expires_in": 3600, "expires_at": 1}, token_record("T9", age=LONG_AGO)]
    )
    def test_what_is_taken_from_the_store_is_the_stores_to_change(self, source, given):
        paused = source(given, token_record(rejection_pause=[START + 60, 60]))
        assert paused.get_header() == "Zoho-oauthtoken T0"
        paused.grant.store.save(token_record())  # somebody whose call was accepted has ended the pause
        assert paused.replace("T0") == "Zoho-oauthtoken T1"

    def test_a_login_before_it_outlives_a_store_that_fails_at_that_moment(self, source):
        login = source({"access_token": "T9"}, token_record())
        login.grant.store.locks_fail = OSError(5, "gone")
        with pytest.raises(TokenStoreError):
            login.adopt(Token("new", self.OTHER, START + 3600, 3600), now=START)
        assert login.get_header() == "Zoho-oauthtoken new"
        assert login.record.grant_identity == self.OTHER


def test_a_grant_that_only_the_store_knows_is_shown(make, grant):
    store = MemoryStore()
    store.save({**grant, "note": "kept"})
    session = make(fix={"store": store})
    assert session.token == {**grant, "note": "kept"}


def test_unknown_keys_of_a_token_assigned_later_take_the_place_of_the_former_ones(make, url, grant):
    session = make(token={**grant, "id_token": "former"})
    session.token = {**grant, "id_token": "later"}
    session.get(url)
    assert session.token["id_token"] == "later"


def test_the_mint_budget_holds_however_often_the_same_token_is_assigned(zoho, make, url, old):
    zoho.mints_per_window = 100
    session = make()
    for _ in range(10):
        session.token = old()
        assert session.get(url).status_code == 200
    session.token = old()
    with pytest.raises(ThrottledError):
        session.get(url)
    assert zoho.token_requests == 10


def test_another_grant_does_not_inherit_the_troubles_of_the_one_before(zoho, make, url, grant):
    session = make(token=grant)
    session.get(url)
    zoho.reject_all = True
    assert session.get(url).status_code == 401
    zoho.reject_all = False
    zoho.reject_tokens()
    assert session.get(url).status_code == 401, "replacing rests"
    session.token = {"refresh_token": zoho.new_grant()}
    session.get(url)
    zoho.reject_tokens()
    assert session.get(url).status_code == 200


def test_T18_a_lifetime_without_a_date_counts_as_over(zoho, make, url, grant):
    session = make(token=grant)
    session.get(url)
    other = make(token={**session.token, "expires_at": None})
    assert other.get(url).status_code == 200
    assert zoho.token_requests == 2


def test_an_impossible_token_is_refused_and_changes_nothing(make, old):
    session, token = make(token=old()), old()
    for wrong in ({"access_token": 5}, {**token, "region": "eu"}, {"refresh_token": "two words"}):
        with pytest.raises(TokenStoreError):
            session.token = wrong
    assert session.access_token == token["access_token"]


def test_a_revoked_grant_is_gone_from_session_and_store(zoho, make, url, grant):
    store = MemoryStore()
    session = make(token=grant, fix={"store": store})
    session.get(url)
    session.auth.revoke()
    assert session.token == {}
    assert not session.authorized
    assert "refresh_token" not in store.load()
    with pytest.raises(ReauthorizationRequired):
        session.get(url)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_T07_copies_work(make, url, grant, duplicate):
    session = make(token=grant)
    twin = duplicate(session)
    assert twin.token == grant
    assert twin.get(url).status_code == 200


def test_a_users_methods_come_first_and_pass_on_to_ours(zoho, make, url):
    from requests_oauthlib import OAuth2Session

    class Passing(OAuth2Session):
        calls = ()

        def request(self, method, url, **options):
            self.calls += (method,)
            return super().request(method, url, **options)

        def fetch_token(self, url, **options):
            self.calls += ("fetch",)
            return super().fetch_token(url, **options)

    session = make(kind=Passing, redirect_uri=None)
    session.fetch_token(zoho.region.token_url, code=zoho.new_code())
    assert session.get(url).status_code == 200
    assert session.calls == ("fetch", "GET")
    assert type(session).__qualname__ == Passing.__qualname__


def test_settings_of_auto_refresh_in_old_code_do_no_harm(zoho, make, url, old):
    session = make(
        token=old(),
        auto_refresh_url="https://stranger.example/token",
        auto_refresh_kwargs={"client_id": "1000.OTHER", "client_secret": "other"},
    )
    assert session.get(url, client_id="1000.OTHER", client_secret="other").status_code == 200
    assert set(arrived(zoho, "/token")[0]["form"]) == {"grant_type", "client_id", "client_secret", "refresh_token"}


def test_token_calls_have_none_of_the_sessions_headers_cookies_and_hooks(zoho, make, url, grant):
    session, seen = make(token=grant), []
    session.headers["X-Candidate"] = "planted"
    session.cookies.set("candidate", "planted")
    session.hooks["response"].append(lambda response, **_: seen.append(response.url))
    session.get(url)
    [form] = arrived(zoho, "/token")
    assert "planted" not in str(form)
    assert seen == [url]


@pytest.mark.parametrize("insecure", ["", "1"])
def test_http_is_refused_even_where_oauthlib_is_told_to_allow_it(make, url, grant, monkeypatch, insecure):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", insecure)
    with pytest.raises(UntrustedHostError, match=f"not sent to {urlsplit(url).netloc}: only https"):
        make(token=grant).get(url.replace("https:", "http:"))


@pytest.mark.parametrize("options", [{"verify": False}, {"proxies": {}}, {"timeout": 0}])
def test_settings_that_refreshing_cannot_honour_are_refused_even_when_they_are_falsy(zoho, make, grant, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        make(token=grant).refresh_token(zoho.region.token_url, **options)


def test_a_fragment_with_another_state_is_refused(make, grant):
    from oauthlib.oauth2 import MobileApplicationClient

    session = make(client=MobileApplicationClient("1000.CLIENT"), state="right", token=grant)
    with pytest.raises(AuthorizationError) as caught:
        session.token_from_fragment("https://app.example/cb#access_token=a&token_type=Bearer&state=wrong")
    assert caught.value.region == session.auth.region.code
    assert session.token == grant
