"""`get_token`: the rows of a request for clients that are not requests, and the same single flight."""

from __future__ import annotations

import pickle
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from helpers.engine_parts import WatchedStore, in_threads
from helpers.https_server import Zoho

from requests_zohorecruit import (
    AuthorizationError,
    ClientConfigurationError,
    FileStore,
    MemoryStore,
    ReauthorizationRequired,
    TokenStoreError,
    ZohoRecruitAuth,
)
from requests_zohorecruit.sandbox import Sandbox


@pytest.fixture
def zoho():
    with Zoho() as zoho:
        yield zoho


@pytest.fixture
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def test_it_returns_the_token_that_a_request_carries(zoho):
    auth = zoho.auth()
    token = auth.get_token()
    assert zoho.session.get(zoho.url(), auth=auth).status_code == 200
    assert zoho.calls[-1].authorization == token.authorization
    assert token is auth.token
    assert len(zoho.token_calls) == 1


def test_64_threads_that_mix_requests_and_get_token_make_one_mint(zoho):
    auth = zoho.auth()

    def work(index):
        if index % 2:
            return auth.get_token().authorization
        return auth(requests.Request("GET", zoho.url()).prepare()).headers["Authorization"]

    assert len({str(each) for each in in_threads(64, work)}) == 1
    assert len(zoho.token_calls) == 1


@pytest.mark.parametrize("form", [lambda token: token, lambda token: token.access_token])
def test_a_rejected_token_is_replaced_once_whatever_form_it_is_given_in(zoho, form):
    auth = zoho.auth()
    first = auth.get_token()
    others = in_threads(8, lambda _: auth.get_token(rejected=form(first)))
    assert len({token.access_token for token in others}) == 1
    assert others[0].access_token != first.access_token
    assert len(zoho.token_calls) == 2


def test_one_that_another_process_has_replaced_is_taken_from_the_store(zoho):
    store = MemoryStore()
    first, second = zoho.auth(store=store), zoho.auth(store=store)
    token = first.get_token()
    assert second.get_token() == token
    assert first.get_token(rejected=token) == second.get_token(rejected=token)
    assert len(zoho.token_calls) == 2


def test_T21_freshly_minted_tokens_that_are_rejected_too_start_a_pause(zoho, caplog):
    auth = zoho.auth()
    second = auth.get_token(rejected=auth.get_token())
    assert auth.get_token(rejected=second) is None
    assert auth.get_token(rejected=second) is None
    assert auth.get_token() == second  # a new request may try it
    assert len(zoho.token_calls) == 2
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "The API rejects freshly minted access tokens of region" in warnings[0]


def test_the_first_rejected_token_may_be_as_fresh_as_can_be(zoho):
    auth = zoho.auth()
    assert auth.get_token(rejected=auth.get_token()) is not None


def test_an_accepted_request_ends_the_pause(zoho):
    auth = zoho.auth()
    second = auth.get_token(rejected=auth.get_token())
    assert auth.get_token(rejected=second) is None
    assert zoho.session.get(zoho.url(), auth=auth).status_code == 200
    assert auth.get_token(rejected=second) not in {None, second}


def test_what_is_no_token_is_a_type_error(zoho):
    with pytest.raises(TypeError, match="rejected must be a string, not int"):
        zoho.auth().get_token(rejected=5)
    with pytest.raises(ValueError, match="rejected contains a space"):
        zoho.auth().get_token(rejected="Zoho-oauthtoken T1")
    assert zoho.token_calls == []


def test_without_a_grant_nothing_is_sent(zoho):
    auth = zoho.auth(refresh_token=None)
    with pytest.raises(ReauthorizationRequired, match="no grant"):
        auth.get_token()
    with pytest.raises(ReauthorizationRequired, match="no grant"):
        auth.get_token(rejected="T1")
    assert zoho.token_calls == []


# -- soid= and scope= --------------------------------------------------------------------------------------------------

SOID, SCOPE = "ZohoRecruit.60001234567", "ZohoRecruit.modules.ALL"


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"soid": SOID}, "go together"),
        ({"scope": SCOPE}, "go together"),
        ({"soid": SOID, "scope": SCOPE, "refresh_token": "1000.r"}, "pass one of them"),
        ({"soid": SOID, "refresh_token": "1000.r"}, "pass one of them"),
        ({"soid": "60001234567", "scope": SCOPE}, "soid must be"),
        ({"soid": "", "scope": SCOPE}, "soid must be"),
        ({"soid": SOID, "scope": ""}, "scope is empty"),
        ({"soid": SOID, "scope": []}, "scope is empty"),
    ],
)
def test_client_credentials_that_cannot_be_are_an_error_at_once(arguments, match):
    with pytest.raises(ValueError, match=match):
        ZohoRecruitAuth("1000.C", "secret", region="eu", **arguments)


class TestOnTheSandbox:
    @pytest.fixture
    def make(self, sandbox):
        def make(**options):
            given = {"soid": sandbox.soid, "scope": SCOPE, "session": sandbox.session(), **options}
            return ZohoRecruitAuth(sandbox.client_id, sandbox.client_secret, region=sandbox.region, **given)

        return make

    def call(self, sandbox, auth):
        url = f"{sandbox.region.recruit_url}/recruit/v2/Candidates"
        return sandbox.session().get(url, auth=auth, timeout=30).status_code

    def test_client_credentials_call_the_api_and_share_one_token(self, sandbox, make):
        store = MemoryStore()
        assert [self.call(sandbox, make(store=store)) for _ in range(3)] == [200] * 3
        assert sandbox.token_requests == 1

    def test_a_rejected_token_is_replaced(self, sandbox, make):
        auth = make()
        assert self.call(sandbox, auth) == 200
        sandbox.reject_tokens()
        assert self.call(sandbox, auth) == 200
        assert sandbox.token_requests == 2

    def test_a_pickled_auth_goes_on(self, sandbox, make, tmp_path):
        auth = make(store=FileStore(tmp_path / "token.json"), session=None)
        assert pickle.loads(pickle.dumps(auth)).region == auth.region

    @pytest.mark.parametrize(
        ("options", "code"),
        [({"soid": "ZohoRecruit.1"}, "invalid_org_info"), ({"scope": "ZohoRecruit modules"}, "invalid_scope")],
    )
    def test_what_zoho_refuses_is_a_configuration_error_with_a_remedy(self, sandbox, make, options, code):
        with pytest.raises(ClientConfigurationError) as caught:
            self.call(sandbox, make(**options))
        assert caught.value.code == code
        assert caught.value.hint

    def test_revoking_ends_the_token_and_the_next_call_has_another(self, sandbox, make):
        auth = make()
        token = auth.get_token()
        auth.revoke()
        assert auth.token is None
        other = auth.get_token()
        assert other.access_token != token.access_token
        assert self.call(sandbox, auth) == 200


# -- from_code ---------------------------------------------------------------------------------------------------------


class TestFromCode:
    def redeem(self, sandbox, code, **options):
        given = {"region": sandbox.region, "code": code, "session": sandbox.session(), **options}
        return ZohoRecruitAuth.from_code(sandbox.client_id, sandbox.client_secret, **given)

    def test_a_self_clients_code_becomes_a_grant_that_is_saved(self, sandbox):
        store = MemoryStore()
        auth = self.redeem(sandbox, sandbox.new_code(), store=store)
        assert store.load()["refresh_token"] == auth.token.refresh_token
        assert auth.get_token() == auth.token
        assert sandbox.token_requests == 1

    def test_a_code_of_a_redirect_needs_the_redirect_uri_it_was_sent_to(self, sandbox):
        url = make_authorization_url(sandbox)
        code = parse_qs(urlsplit(sandbox.consent(url)).query)["code"][0]
        with pytest.raises(ClientConfigurationError):
            self.redeem(sandbox, code, redirect_uri="http://127.0.0.1:1/other")
        code = parse_qs(urlsplit(sandbox.consent(url)).query)["code"][0]
        assert self.redeem(sandbox, code, redirect_uri=sandbox.redirect_uri).token

    @pytest.mark.parametrize("code", ["used", "1000.made-up"])
    def test_a_bad_or_used_code_is_an_error_with_a_remedy(self, sandbox, code):
        if code == "used":
            code = sandbox.new_code()
            self.redeem(sandbox, code)
        with pytest.raises(ReauthorizationRequired) as caught:
            self.redeem(sandbox, code)
        assert "self-client code" in caught.value.hint

    @pytest.mark.parametrize("code", ["", "1000.a b", "1000.a\n"])
    def test_what_cannot_be_a_code_is_not_sent(self, sandbox, code):
        with pytest.raises(ValueError, match="code"):
            self.redeem(sandbox, code)
        assert sandbox.token_requests == 0

    def test_without_a_refresh_token_in_the_answer_nothing_is_saved(self, sandbox):
        store = MemoryStore()
        code = parse_qs(urlsplit(sandbox.consent(make_authorization_url(sandbox, access_type="online"))).query)["code"][
            0
        ]
        with pytest.raises(AuthorizationError, match="no refresh token"):
            self.redeem(sandbox, code, redirect_uri=sandbox.redirect_uri, store=store)
        assert store.load() is None

    def test_a_store_that_fails_after_the_exchange_gets_the_grant_from_the_calls_that_follow(self, sandbox, caplog):
        store = WatchedStore()
        store.saves_fail = OSError(28, "full")
        auth = self.redeem(sandbox, sandbox.new_code(), store=store)
        assert "stays in use in memory" in caplog.text
        assert auth.get_token() == auth.token
        assert store.record is None
        store.saves_fail = None
        auth._refresher.grant.clock = lambda: time.time() + 3
        auth.get_token()
        assert store.record["refresh_token"] == auth.token.refresh_token
        assert sandbox.token_requests == 1

    @pytest.mark.parametrize("problem", ["unreadable", "another client's"])
    def test_a_store_that_cannot_be_used_costs_no_code(self, sandbox, problem):
        store = WatchedStore({"client_id": "1000.OTHER", "refresh_token": "1000.r"})
        if problem == "unreadable":
            store.loads_fail = OSError(5, "no")
        with pytest.raises(TokenStoreError):
            self.redeem(sandbox, sandbox.new_code(), store=store)
        assert sandbox.token_requests == 0

    def test_what_the_store_held_before_gives_way(self, sandbox):
        store = WatchedStore({"refresh_token": sandbox.refresh_token})
        auth = self.redeem(sandbox, sandbox.new_code(), store=store)
        assert store.record["refresh_token"] == auth.token.refresh_token != sandbox.refresh_token


def make_authorization_url(sandbox, access_type="offline"):
    query = {
        "response_type": "code",
        "client_id": sandbox.client_id,
        "redirect_uri": sandbox.redirect_uri,
        "scope": SCOPE,
        "state": "s",
        "access_type": access_type,
        "prompt": "consent",
    }
    return f"{sandbox.region.authorize_url}?{urlencode(query)}"
