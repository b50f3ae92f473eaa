"""The whole public API as a user would write it: checked by mypy and pyright in strict mode, never run."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import redis
import requests
import responses
import sqlalchemy
from requests_oauthlib import OAuth2Session

import requests_zohorecruit
from requests_zohorecruit import (
    AuthorizationError,
    CallbackStore,
    ClientConfigurationError,
    FileStore,
    MemoryStore,
    ReauthorizationRequired,
    Region,
    ThrottledError,
    Token,
    TokenEndpointError,
    TokenStore,
    TokenStoreError,
    UnknownRegionError,
    UntrustedHostError,
    ZohoAuthError,
    ZohoRecruitAuth,
    zohorecruit_compliance_fix,
)
from requests_zohorecruit.sandbox import Sandbox, fingerprint
from requests_zohorecruit.sandbox.process import SandboxProcess
from requests_zohorecruit.stores import EncryptedStore, KeyringStore, RedisStore, SQLStore
from requests_zohorecruit.testing import MockZoho, TokenStoreContract, mock_zoho
from requests_zohorecruit.zoho.device import DevicePrompt

version: str = requests_zohorecruit.__version__


class MyAuth(ZohoRecruitAuth):
    """A class of one's own, of which the class methods make instances."""


def show(prompt: DevicePrompt) -> None:
    shown: tuple[str, str, str] = (prompt.user_code, prompt.verification_url, prompt.verification_url_complete)
    until: float = prompt.expires_at
    print(shown, until)


def authentication(prepared: requests.PreparedRequest) -> None:
    auth = ZohoRecruitAuth("1000.A", "secret", region="eu")
    ZohoRecruitAuth(
        client_id="1000.A",
        client_secret={"eu": "secret"},
        region=Region.lookup("eu"),
        refresh_token="1000.r",
        store=FileStore("token.json"),
        allowed_hosts=["recruitsandbox.zoho.eu", "localhost:8443"],
        session=requests.Session(),
        timeout=(5, 30),
    )
    ZohoRecruitAuth("1000.A", "secret", region="eu", refresh_token=None, store=None, session=None, timeout=10.0)
    mine: ZohoRecruitAuth = ZohoRecruitAuth.from_profile()
    ZohoRecruitAuth.from_profile("work", allowed_hosts=["localhost:8443"], session=requests.Session(), timeout=(5, 30))
    contained: ZohoRecruitAuth = ZohoRecruitAuth.from_env()
    ZohoRecruitAuth.from_env(store=FileStore("token.json"), allowed_hosts=(), session=None, timeout=10.0)
    elsewhere: ZohoRecruitAuth = ZohoRecruitAuth.from_device(
        "1000.A",
        {"eu": "secret", "us": "other"},
        region="eu",
        scope=["ZohoRecruit.modules.ALL"],
        show=show,
        extra=[Region.lookup("us")],
        store=FileStore("token.json"),
        allowed_hosts=(),
        session=None,
        timeout=(5, 30),
    )
    print(elsewhere)
    special: MyAuth = MyAuth.from_profile()
    signed: requests.PreparedRequest = auth(prepared)
    token: Token | None = auth.token
    refreshed: Token = auth.refresh()
    region: Region = auth.region
    auth.revoke()
    response: requests.Response = requests.get("https://recruit.zoho.eu/recruit/v2/Candidates", auth=auth, timeout=30)
    with requests.Session() as session:
        session.auth = auth
    print(signed, token, refreshed, region, response, mine, contained, special)


def tokens(mapping: Mapping[str, Any]) -> dict[str, Any]:
    token = Token.from_dict(mapping)
    Token("1000.a", "1000.r", 1.5, 3600, ("ZohoRecruit.modules.ALL",), None, "Bearer")
    access: str = token.access_token
    grant: str | None = token.refresh_token
    expires_at: float = token.expires_at
    expires_in: int = token.expires_in
    scope: tuple[str, ...] = token.scope
    api_domain: str | None = token.api_domain
    kind: str = token.token_type
    ends: tuple[float, float] = token.stale_at, token.dead_at
    print(access, grant, expires_at, expires_in, scope, api_domain, kind, ends)
    return token.to_dict()


def regions() -> tuple[Region, ...]:
    region = Region("mars", "https://accounts.zoho.example", "https://recruit.zoho.example")
    found: Region = Region.from_callback("https://example.org/?code=1", extra=[region])
    urls: list[str] = [
        found.code,
        found.accounts_url,
        found.recruit_url,
        found.upload_url,
        found.api_domain,
        found.authorize_url,
        found.token_url,
        found.revoke_url,
    ]
    hosts: frozenset[str] = found.hosts
    print(urls, hosts)
    return Region.all()


class MyStore:
    """Keeps the protocol without inheriting anything."""

    def load(self) -> dict[str, Any] | None:
        return None

    def save(self, record: Mapping[str, Any]) -> None:
        print(len(record))

    @contextmanager
    def lock(self, timeout: float) -> Generator[None, None, None]:
        yield print(timeout)


class TestMyStore(TokenStoreContract):
    """Checks `MyStore`."""

    process_shared = False
    dead_locker_timeout = 5.0

    def make_store(self, key: str) -> TokenStore:
        print(key)
        return MyStore()


def stores(engine: sqlalchemy.Engine) -> list[TokenStore]:
    def lock(timeout: float) -> AbstractContextManager[None]:
        print(timeout)
        return nullcontext()

    def save(record: dict[str, Any]) -> None:
        print(len(record))

    def load() -> dict[str, Any] | None:
        return None

    ZohoRecruitAuth("1000.A", "secret", region="eu", store=save)
    ZohoRecruitAuth("1000.A", "secret", region="eu", store=MyStore())
    sql = SQLStore(engine, "key")
    sql.create_table()
    with sql.lock(0):
        record: Mapping[str, Any] | None = sql.load()
        sql.save(record or {})
    # redis-py's own signature of from_url is only partly known to pyright.
    client: redis.Redis = redis.Redis(host="127.0.0.1", socket_timeout=5)
    return [
        MemoryStore(),
        FileStore("token.json"),
        CallbackStore(save),
        CallbackStore(save, load, lock),
        RedisStore(client, "key"),
        RedisStore(client, "key", lock_ttl=60),
        sql,
        KeyringStore("service", "user"),
        EncryptedStore(MemoryStore(), "key"),
        EncryptedStore(MemoryStore(), [b"new", "old"]),
        MyStore(),
    ]


class MySession(OAuth2Session):
    """A session class of one's own, which the fix hands back as what it was."""


def sessions() -> OAuth2Session:
    mine: MySession = zohorecruit_compliance_fix(MySession("1000.A"), region="eu", client_secret="secret")
    print(mine)
    return zohorecruit_compliance_fix(
        OAuth2Session("1000.A"),
        region=Region.lookup("eu"),
        client_secret={"eu": "secret"},
        store=MemoryStore(),
        allowed_hosts=("localhost:8443",),
    )


def errors(auth: ZohoRecruitAuth) -> None:
    try:
        auth.refresh()
    except ThrottledError as error:
        seconds: float = error.retry_after
        print(seconds)
    except TokenEndpointError as error:
        uncertain: bool = error.uncertain
        print(uncertain)
    except (AuthorizationError, ReauthorizationRequired, ClientConfigurationError, TokenStoreError) as error:
        texts: tuple[str | None, ...] = (error.code, error.region, error.hint)
        status: int | None = error.status_code
        message: str = error.message
        print(texts, status, message)
    except (UntrustedHostError, UnknownRegionError) as error:
        as_value: ValueError = error
        print(as_value)
    except ZohoAuthError as error:
        as_requests: requests.RequestException = error
        print(as_requests)


def sandboxes(mock: responses.RequestsMock, zoho_sandbox: Sandbox) -> None:
    zoho_sandbox.renew(redirect_uris=("https://example.org/callback",))
    with Sandbox(port=0, redirect_uris=("http://127.0.0.1:8400/callback",)) as zoho, SandboxProcess() as elsewhere:
        mocked: MockZoho = mock_zoho(mock, region="eu", redirect_uris=("http://127.0.0.1:8400/callback",))
        for each in (zoho, elsewhere, mocked):
            words: list[str] = [each.client_id, each.client_secret, each.refresh_token, each.ca_bundle]
            region: Region = each.region
            counts: int = each.token_requests + each.api_requests
            each.expire_tokens()
            each.reject_tokens()
            each.fault(each.FAULTS[0], times=2)
            each.access_token_lifetime, each.reject_all = 60, False
            each.code_lifetime = each.self_client_code_lifetime = each.mint_window = each.blocked_longer = 1.5
            each.mints_per_window = each.max_live_access_tokens = each.refresh_tokens_per_user = 10
            each.refresh_tokens_per_minute, each.token_delay = None, 0.5
            arrivals: list[dict[str, Any]] = each.received
            files: dict[str, bytes] = each.attachments
            more: list[str] = [each.new_code(), each.new_grant(), each.consent("https://…", accept=False)]
            live: int = each.live_access_tokens()
            print(words, region, counts, arrivals, files, more, live, each.redirect_uri, each.elsewhere)
            everywhere: dict[str, Region] = each.regions
            person, client = each.new_person(region="eu", name="Anna"), each.new_client(regions=["eu"])
            secret: str | dict[str, str] = client.client_secret
            where: tuple[Region, str, str] = (person.region, person.email, person.soid)
            each.new_code("ZohoRecruit.modules.ALL", client=client, person=person)
            each.confirm_device("CODE", accept=False, person=person)
            each.device_code_lifetime = each.device_interval = each.device_poll_pause = 0.5
            browser: requests.Session = each.session()
            print(everywhere, secret, where, each.soid, each.device_requests, browser, client.redirect_uri)
        print(elsewhere.pid)
    several: Sandbox = Sandbox(regions=("us", "eu")).start()
    several.stop()
    print(fingerprint("secret"))
