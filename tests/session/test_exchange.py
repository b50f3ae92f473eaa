"""From the authorization URL to the first token, with requests-oauthlib's own methods."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from helpers.sandbox_traffic import arrived
from oauthlib.oauth2 import MobileApplicationClient, WebApplicationClient
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth2Session

from requests_zohorecruit import (
    AuthorizationError,
    ClientConfigurationError,
    MemoryStore,
    ReauthorizationRequired,
    Region,
    ThrottledError,
    TokenEndpointError,
    TokenStoreError,
    UntrustedHostError,
    zohorecruit_compliance_fix,
)
from requests_zohorecruit.sandbox import fingerprint


def consented(zoho, session, **options):
    url, _ = session.authorization_url(zoho.region.authorize_url, **options)
    return zoho.consent(url)


def test_the_whole_way(zoho, make, url):
    store = MemoryStore()
    session = make(fix={"store": store})
    token = session.fetch_token(zoho.region.token_url, authorization_response=consented(zoho, session))
    assert token == session.token
    assert token["refresh_token"]
    assert session.authorized
    assert store.load()["refresh_token"] == token["refresh_token"]
    assert len(store.load()["mint_times"]) == 1
    assert session.get(url).status_code == 200
    [request] = arrived(zoho, "/token")
    assert set(request["form"]) == {"grant_type", "client_id", "client_secret", "code", "redirect_uri"}
    assert "Authorization" not in request["headers"]
    assert not request["query"]


def test_the_authorization_url_is_zohos_dialect_unless_the_caller_says_otherwise(zoho, make):
    session = make()
    url, state = session.authorization_url(zoho.region.authorize_url)
    values = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
    assert values["scope"] == "ZohoRecruit.modules.ALL,ZohoRecruit.settings.ALL"
    assert (values["access_type"], values["prompt"], values["state"]) == ("offline", "consent", state)
    url, _ = session.authorization_url(zoho.region.authorize_url, access_type="online", prompt="none")
    values = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
    assert (values["access_type"], values["prompt"]) == ("online", "none")


def test_a_state_of_the_callers_own_is_the_one_that_has_to_come_back(zoho, make):
    session = make()
    url, state = session.authorization_url(zoho.region.authorize_url, "planted-state")
    assert state == "planted-state"
    assert session.fetch_token(zoho.region.token_url, authorization_response=zoho.consent(url))["refresh_token"]
    assert parse_qs(urlsplit(url).query)["state"] == ["planted-state"]


def test_pkce_is_possible(zoho, make):
    session = make(pkce="S256")
    token = session.fetch_token(zoho.region.token_url, authorization_response=consented(zoho, session))
    assert token["access_token"]
    assert "code_verifier" in arrived(zoho, "/token")[0]["form"]
    with pytest.raises(ValueError, match="no code verifier"):
        make(pkce="S256").fetch_token(zoho.region.token_url, code=zoho.new_code())


def test_a_verifier_can_be_given_where_another_process_has_made_the_url(zoho, make):
    verifier = "planted-verifier" * 4
    make(redirect_uri=None).fetch_token(zoho.region.token_url, code=zoho.new_code(), code_verifier=verifier)
    assert arrived(zoho, "/token")[0]["form"]["code_verifier"] == fingerprint(verifier)


def test_a_code_that_oauthlibs_client_has_read_already_is_redeemed(zoho, make):
    session = make(redirect_uri=None, client=WebApplicationClient(zoho.client_id, code=zoho.new_code()))
    assert session.fetch_token(zoho.region.token_url)["refresh_token"]


def test_T04_a_scope_that_is_echoed_otherwise_loses_nothing(zoho, make):
    session = make()
    callback = consented(zoho, session)
    zoho.fault("foreign-scope")
    assert session.fetch_token(zoho.region.token_url, authorization_response=callback)["access_token"]


def test_a_self_clients_code_has_no_callback(zoho, make):
    session = make(redirect_uri=None)
    assert session.fetch_token(zoho.region.token_url, code=zoho.new_code())["refresh_token"]
    assert "redirect_uri" not in arrived(zoho, "/token")[0]["form"]


def test_settings_for_one_call_are_honoured(zoho, make):
    session = make(redirect_uri=None)
    session.verify = "nowhere.pem"
    token = session.fetch_token(zoho.region.token_url, code=zoho.new_code(), verify=zoho.ca_bundle, timeout=9)
    assert token["access_token"]
    session.verify = zoho.ca_bundle
    assert session.fetch_token(zoho.region.token_url, code=zoho.new_code(), proxies={"http": "http://127.0.0.1:9"})


class Unplugged(HTTPAdapter):
    """An adapter that remembers how it was to send, and sends nothing."""

    def send(self, request, **settings):
        self.settings = settings
        raise requests.ConnectionError(request=request)


@pytest.fixture
def asked(zoho, make):
    """Return a function that says how a session with `attributes` would send what fetch_token(**options) sends."""

    def made(attributes, **options):
        session, adapter = make(redirect_uri=None), Unplugged()
        session.mount("https://", adapter)
        for name, value in attributes.items():
            setattr(session, name, value)
        with pytest.raises(TokenEndpointError):
            session.fetch_token(zoho.region.token_url, code="planted-code", **options)
        return adapter.settings

    return made


SETTINGS = {"verify": "ca.pem", "cert": ("client.pem", "key.pem"), "proxies": {"https": "http://127.0.0.1:9"}}


def test_each_setting_for_one_call_reaches_the_transport(asked):
    assert asked({}, timeout=(2, 9), **SETTINGS).items() >= {"timeout": (2, 9), **SETTINGS}.items()
    other = {"verify": "other.pem", "cert": "other.pem", "proxies": {"https": "http://127.0.0.1:8"}}
    assert asked(other, timeout=(2, 9), **SETTINGS).items() >= SETTINGS.items()


@pytest.mark.parametrize("options", [{}, {"timeout": 9}])
def test_whatever_is_set_for_one_call_the_sessions_settings_go_before_the_environments(asked, monkeypatch, options):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "nowhere.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:8")
    assert asked(SETTINGS, **options).items() >= SETTINGS.items()
    assert asked({}, **options)["proxies"]["https"] == "http://127.0.0.1:8"
    assert "https" not in asked({"trust_env": False}, **options)["proxies"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda url: url.replace("state=", "state=x"), AuthorizationError),
        (lambda url: url.replace("location=sandbox&", ""), AuthorizationError),
        (lambda url: url.replace("location=sandbox", "location=us"), AuthorizationError),
        (lambda url: url + "&code=another", AuthorizationError),
        (lambda url: url.partition("?")[0] + "?error=access_denied", AuthorizationError),
        (lambda url: url.replace("127.0.0.1%3A", "evil.example%3A"), UntrustedHostError),
    ],
)
def test_a_callback_that_is_not_right_sends_nothing_anywhere(zoho, make, change, error):
    session = make()
    callback = change(consented(zoho, session))
    with pytest.raises(error):
        session.fetch_token(zoho.region.token_url, authorization_response=callback)
    assert zoho.token_requests == 0


def test_a_person_of_another_region_needs_the_fix_for_that_region(zoho, make):
    session = make()
    _, state = session.authorization_url(zoho.region.authorize_url)
    callback = (
        f"https://app.example/cb?state={state}&code=1000.a.b&location=eu&accounts-server=https%3A%2F%2Faccounts.zoho.eu"
    )
    with pytest.raises(AuthorizationError, match="region eu") as caught:
        session.fetch_token(zoho.region.token_url, authorization_response=callback)
    assert "Region.from_callback(url)" in str(caught.value)
    with pytest.raises(ClientConfigurationError, match="no client secret for region eu"):
        zohorecruit_compliance_fix(session, region=Region.from_callback(callback), client_secret={"us": "secret"})
    assert zoho.token_requests == 0


def test_a_code_works_once_and_is_not_sent_twice(zoho, make):
    session, code = make(redirect_uri=None), zoho.new_code()
    session.fetch_token(zoho.region.token_url, code=code)
    with pytest.raises(ReauthorizationRequired, match="already been redeemed.*start the authorization again") as caught:
        session.fetch_token(zoho.region.token_url, code=code)
    assert caught.value.region == zoho.region.code
    assert zoho.token_requests == 1
    with pytest.raises(ReauthorizationRequired):
        make(redirect_uri=None).fetch_token(zoho.region.token_url, code=code)


def test_offline_access_insists_on_a_refresh_token(zoho, make):
    session = make()
    url, _ = session.authorization_url(zoho.region.authorize_url)
    callback = zoho.consent(url.replace("access_type=offline", "access_type=online"))
    with pytest.raises(AuthorizationError, match="access_type=offline and prompt=consent"):
        session.fetch_token(zoho.region.token_url, authorization_response=callback)


def test_so_does_a_session_that_does_not_know_what_was_asked_for(zoho, make):
    url, state = make().authorization_url(zoho.region.authorize_url)
    callback = zoho.consent(url.replace("access_type=offline", "access_type=online"))
    with pytest.raises(AuthorizationError, match="access_type=offline and prompt=consent"):
        make(state=state).fetch_token(zoho.region.token_url, authorization_response=callback)


def test_online_access_does_not(zoho, make, url):
    session = make()
    callback = consented(zoho, session, access_type="online")
    token = session.fetch_token(zoho.region.token_url, authorization_response=callback)
    assert "refresh_token" not in token
    assert session.get(url).status_code == 200


@pytest.mark.parametrize(
    ("fault", "error"),
    [("throttle-200", ThrottledError), ("html", TokenEndpointError), ("redirect", TokenEndpointError)],
)
def test_zohos_errors_are_ours(zoho, make, fault, error):
    zoho.fault(fault)
    with pytest.raises(error):
        make(redirect_uri=None).fetch_token(zoho.region.token_url, code=zoho.new_code())
    assert not [each for each in zoho.received if "elsewhere" in each["path"]]


def test_a_token_that_cannot_be_saved_is_in_use(zoho, make, url):
    def fails(_):
        raise OSError(28, "full")

    session = make(redirect_uri=None, fix={"store": fails})
    with pytest.raises(TokenStoreError):
        session.fetch_token(zoho.region.token_url, code=zoho.new_code())
    assert session.get(url).status_code == 200
    assert zoho.token_requests == 1


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({}, ValueError, "neither a code nor an authorization_response"),
        ({"code": "c", "body": "a=b"}, ValueError, "body"),
        ({"code": "c", "username": "u"}, ValueError, "username"),
        ({"code": "c", "password": "p"}, ValueError, "password"),
        ({"code": "c", "method": "GET"}, ValueError, "method"),
        ({"code": "c", "force_querystring": True}, ValueError, "force_querystring"),
        ({"code": "c", "client_secret": "other"}, ValueError, "client_id or client_secret differs"),
        ({"code": "c", "resource": "x", "audience": "x"}, TypeError, "does not support audience, resource"),
        ({"code": "two words"}, ValueError, "code contains a space"),
    ],
)
def test_what_has_no_room_in_zohos_request_is_refused(zoho, make, options, error, says):
    with pytest.raises(error, match=says) as caught:
        make().fetch_token(zoho.region.token_url, **options)
    assert "two words" not in str(caught.value)
    assert zoho.received == []


def test_the_secret_goes_to_the_regions_token_endpoint_only(zoho, make):
    with pytest.raises(UntrustedHostError):
        make().fetch_token("https://accounts.zoho.com/oauth/v2/token", code="c")
    assert zoho.received == []


def test_an_implicit_grants_token_is_taken_over(zoho, make, url, grant):
    donor = make(token=grant)
    donor.get(url)
    session = make(client=MobileApplicationClient(zoho.client_id), scope=["a"], state="s1")
    fragment = f"#access_token={donor.access_token}&token_type=Bearer&expires_in=3600&state=s1&scope=a"
    session.token_from_fragment(f"https://app.example/cb{fragment}")
    assert session.get(url).status_code == 200
    with pytest.raises(AuthorizationError, match="no access token"):
        session.token_from_fragment("https://app.example/cb#state=s1")


def test_a_session_that_never_had_the_fix_is_unchanged(make):
    before = dict(vars(OAuth2Session))
    make()
    assert dict(vars(OAuth2Session)) == before
