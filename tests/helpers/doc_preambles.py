"""What a reader of each page would already have: the names its examples begin with.

Every page has `client_id`, `client_secret` and `refresh_token` of a mocked Zoho in the region eu, an empty working
directory, and a home of its own. A function named after a page adds to that, and may clean up after its ``yield``.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import json
import logging
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from urllib.request import install_opener

import pytest

from helpers.doc_pages import DOCS, blocks
from requests_zohorecruit import FileStore, Region, TokenStoreError, ZohoRecruitAuth
from requests_zohorecruit.testing import mock_zoho

__all__ = ["CONFTESTS", "PREAMBLES", "Stage", "find_beside", "require_curl"]


def require_curl() -> None:
    """Skip a test where there is no curl, or fail it where servers are required, too."""
    if shutil.which("curl"):
        return
    if os.environ.get("ZOHORECRUIT_REQUIRE_SERVERS") == "1":
        pytest.fail("curl is not installed")
    pytest.skip("needs curl")


class Stage(SimpleNamespace):
    """What a preamble can use: `zoho`, `mock`, `monkeypatch`, and the `names` to add to."""

    zoho: Any
    mock: Any
    monkeypatch: pytest.MonkeyPatch
    names: dict[str, Any]


def logged_in(stage: Stage) -> Iterator[None]:
    """Save a profile as `zohorecruit exchange` does, which needs no browser."""
    from click.testing import CliRunner

    from requests_zohorecruit.cli.app import app

    stage.monkeypatch.setenv("ZOHORECRUIT_HOME", str(Path("profiles").absolute()))
    lines = f"{stage.zoho.client_secret}\n{stage.zoho.new_code()}\n"
    arguments = ["exchange", "--client-id", stage.zoho.client_id, "--region", "eu"]
    assert CliRunner().invoke(app, arguments, input=lines).exit_code == 0
    yield


def tutorial(stage: Stage) -> Iterator[None]:
    stage.names["code"] = stage.zoho.new_code("ZohoRecruit.modules.ALL")
    yield from logged_in(stage)


def sharing(stage: Stage) -> Iterator[None]:
    import sqlalchemy

    from helpers.database_servers import redis_server
    from helpers.memory_keyring import safe_in_use

    engines, create_engine = [], sqlalchemy.create_engine

    def made(url: str) -> sqlalchemy.Engine:
        engines.append(create_engine(url))
        return engines[-1]

    stage.monkeypatch.setattr(sqlalchemy, "create_engine", made)
    stage.monkeypatch.setenv("DATABASE_URL", f"sqlite:///{Path.cwd() / 'app.db'}")
    with safe_in_use(), redis_server() as server:
        stage.monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{server.port}/0")
        yield
        stage.names["client"].close()
        for engine in engines:
            engine.dispose()


def encrypt(stage: Stage) -> Iterator[None]:
    from cryptography.fernet import Fernet

    from requests_zohorecruit.stores import EncryptedStore

    keys = {name: Fernet.generate_key().decode() for name in ("ZOHO_STORE_KEY", "ZOHO_STORE_NEW_KEY")}
    for name, key in keys.items():
        stage.monkeypatch.setenv(name, key)
    yield
    assert stage.names["answer"].ok
    assert list(json.loads(Path("zoho.json").read_text())) == ["encrypted"]
    stored = EncryptedStore(FileStore("zoho.json"), keys["ZOHO_STORE_NEW_KEY"]).load()
    assert stored["refresh_token"] == stage.zoho.refresh_token
    with pytest.raises(TokenStoreError, match="another key"):
        stage.names["wrong"].load()


def serverless(stage: Stage) -> Iterator[None]:
    kept: dict[str, str] = {}
    stage.names["parameters"] = SimpleNamespace(get=kept.get, put=kept.__setitem__)
    Path("client-secret").write_text(f"{stage.zoho.client_secret}\n")
    for name, value in {
        "CLIENT_ID": stage.zoho.client_id,
        "CLIENT_SECRET_FILE": "client-secret",
        "REGION": "eu",
        "REFRESH_TOKEN": stage.zoho.refresh_token,
    }.items():
        stage.monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)
    yield
    assert json.loads(kept["/myapp/zoho"])["refresh_token"] == stage.zoho.refresh_token


def client_credentials(stage: Stage) -> Iterator[None]:
    stage.names["soid"] = stage.zoho.soid
    yield


def self_client(stage: Stage) -> Iterator[None]:
    zoho, region = stage.zoho, Region.lookup("eu")
    query = {
        "response_type": "code",
        "client_id": zoho.client_id,
        "redirect_uri": zoho.redirect_uri,
        "scope": "ZohoRecruit.modules.ALL",
        "state": "a-state",
        "access_type": "offline",
        "prompt": "consent",
    }
    callback_url = zoho.consent(f"{region.authorize_url}?{urlencode(query)}")
    stage.names |= {"code": zoho.new_code(), "callback_url": callback_url}
    stage.names |= {"redirect_uri": zoho.redirect_uri, "state": "a-state"}
    yield
    for name in ("zoho.json", "theirs.json"):
        assert json.loads(Path(name).read_text())["refresh_token"]


def environment_of(stage: Stage) -> None:
    """Set the environment for the mocked Zoho."""
    zoho = stage.zoho
    Path("client-secret").write_text(f"{zoho.client_secret}\n")
    values = {"CLIENT_ID": zoho.client_id, "CLIENT_SECRET_FILE": "client-secret", "REFRESH_TOKEN": zoho.refresh_token}
    for name, value in (values | {"REGION": "eu"}).items():
        stage.monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)


def environment(stage: Stage) -> Iterator[None]:
    environment_of(stage)
    zoho = stage.zoho
    lines = {"CLIENT_ID": zoho.client_id, "CLIENT_SECRET": zoho.client_secret}
    write_dotenv(stage, lines | {"REFRESH_TOKEN": zoho.refresh_token, "DC": "eu"})
    yield


def write_dotenv(stage: Stage, lines: dict[str, str]) -> None:
    Path(".env").write_text("".join(f"ZOHO_{name}='{value}'\n" for name, value in lines.items()))
    for name in lines:  # so that what is read from the file is gone afterwards
        stage.monkeypatch.setenv(f"ZOHO_{name}", "")
        stage.monkeypatch.delenv(f"ZOHO_{name}")


def proxies(stage: Stage) -> Iterator[None]:
    yield
    tokens, calls = (call.request for call in stage.mock.calls if "/recruit/" not in call.request.url), stage.mock.calls
    used = [request.req_kwargs for request in tokens]
    assert used
    assert {options["verify"] for options in used} == {"/etc/ssl/company-ca.pem"}
    assert {options["proxies"]["https"] for options in used} == {"http://proxy.example:3128"}
    assert {options["timeout"] for options in used} == {(5.0, 30.0)}
    assert len(calls) > len(used)


def sandboxed(stage: Stage) -> Iterator[None]:
    """Set the environment for a real sandbox, for programs and HTTP clients that the mock does not reach."""
    from requests_zohorecruit.sandbox import Sandbox

    with Sandbox() as zoho:
        stage.zoho = zoho
        for name, value in {
            "CLIENT_ID": zoho.client_id,
            "CLIENT_SECRET": zoho.client_secret,
            "ACCOUNTS_URL": zoho.region.accounts_url,
            "RECRUIT_URL": zoho.region.recruit_url,
            "REFRESH_TOKEN": zoho.refresh_token,
        }.items():
            stage.monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            stage.monkeypatch.setenv(name, zoho.ca_bundle)
        yield


def trusted_by_all(stage: Stage) -> Iterator[None]:
    """The same for HTTP clients with their own settings for certificates."""
    import ssl

    import aiohttp.connector

    with contextlib.contextmanager(sandboxed)(stage):
        # aiohttp has read the environment when it was imported, and urllib keeps its opener of the test before.
        context = ssl.create_default_context(cafile=stage.zoho.ca_bundle)
        stage.monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", context)
        install_opener(None)
        yield
        install_opener(None)


def other_clients(stage: Stage) -> Iterator[None]:
    require_curl()
    yield from trusted_by_all(stage)


def accounts(stage: Stage) -> Iterator[None]:
    other = mock_zoho(stage.mock, region="us")
    # One client in two regions: two mocks have one client each.
    known = replace(stage.zoho.client, regions=("us",))
    other._registry.clients[known.client_id] = known
    globex_refresh_token = other.new_grant(client=known)
    stage.names |= {"acme_refresh_token": stage.zoho.refresh_token, "globex_refresh_token": globex_refresh_token}
    yield


def from_requests_oauthlib(stage: Stage) -> Iterator[None]:
    database: list[dict[str, Any]] = [{"access_token": "1000.old", "refresh_token": stage.zoho.refresh_token}]
    stage.names |= {
        "token": dict(database[0]),
        "save_token": database.append,
        "load_token": lambda: database[-1],
    }
    yield
    assert database[-1]["access_token"] != "1000.old"


def consenting(stage: Stage) -> Iterator[None]:
    stage.names |= {"redirect_uri": stage.zoho.redirect_uri, "consent": stage.zoho.consent}
    yield


def from_zoho_sdk(stage: Stage) -> Iterator[None]:
    zoho = stage.zoho
    row = {"id": "1", "client_id": zoho.client_id, "client_secret": zoho.client_secret}
    row["refresh_token"] = zoho.refresh_token
    with Path("sdk_tokens.txt").open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    yield
    assert json.loads(Path("zoho.json").read_text())["refresh_token"] == zoho.refresh_token


def device(stage: Stage) -> Iterator[None]:
    """Let a person accept any code that is shown, at once."""
    from requests_zohorecruit.login import device as login_device

    authorize = login_device.authorize_device

    def accept_at_once(*arguments: Any, show: Callable[[Any], object], **options: Any) -> Any:
        prompts: list[Any] = []

        def note(prompt: Any) -> None:
            prompts.append(prompt)
            show(prompt)

        def sleep(_: float) -> None:
            stage.zoho.confirm_device(prompts[0].user_code)

        return authorize(*arguments, show=note, sleep=sleep, **options)

    stage.monkeypatch.setattr(login_device, "authorize_device", accept_at_once)
    yield


def troubleshooting(stage: Stage) -> Iterator[None]:
    """Restore logging."""
    root, ours = logging.getLogger(), logging.getLogger("requests_zohorecruit")
    handlers, level = root.handlers[:], ours.level
    yield
    assert ours.isEnabledFor(logging.DEBUG)
    root.handlers[:] = handlers
    ours.setLevel(level)


def retries(stage: Stage) -> Iterator[None]:
    """Let the API refuse the first calls."""
    environment_of(stage)
    statuses = iter((503, 429, 200))

    def answer(_: Any) -> tuple[int, dict[str, str], str]:
        return next(statuses), {"Retry-After": "0"}, '{"data": []}'

    stage.mock.add_callback("GET", "https://recruit.zoho.eu/recruit/v2/Candidates", answer)
    yield
    assert [call.response.status_code for call in stage.mock.calls if "/recruit/" in call.request.url] == [
        503,
        429,
        200,
    ]
    assert stage.zoho.token_requests == 1


def requests_cache(stage: Stage) -> Iterator[None]:
    with contextlib.contextmanager(sandboxed)(stage):
        yield
        token = stage.names["auth"].token.access_token
    assert stage.zoho.api_requests == 1
    kept = Path("cache-acme.sqlite").read_bytes()
    assert b"Last_Name" in kept
    assert token.encode() not in kept


def aws_lambda(stage: Stage) -> Iterator[None]:
    """Let the process have no file to write to and no home, beside a Redis."""
    from helpers.database_servers import redis_server
    from requests_zohorecruit.stores import RedisStore

    environment_of(stage)
    with redis_server() as server:
        stage.monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{server.port}/0")
        stage.monkeypatch.delenv("HOME")
        with no_file_written():
            yield
            assert stage.names["handler"]({}, None) == {"statusCode": 200, "body": "12"}
            for _ in range(20):
                cold = ZohoRecruitAuth.from_env(store=RedisStore(stage.names["client"], "myapp:zoho"))
                assert cold.get_token().access_token == stage.names["api"].auth.token.access_token
        stage.names["client"].close()
    assert stage.zoho.token_requests == 1


def flask_dance(stage: Stage) -> Iterator[None]:
    client = stage.zoho.new_client(redirect_uris=("https://app.example/login/zoho/authorized",))
    stage.monkeypatch.setenv("ZOHO_CLIENT_ID", client.client_id)
    stage.monkeypatch.setenv("ZOHO_CLIENT_SECRET", client.client_secret)
    stage.names["__name__"] = "app"  # Flask looks for the folder of the module
    yield
    browser = stage.names["app"].test_client()
    assert browser.get("/candidates").location == "/login/zoho"
    begin = browser.get("/login/zoho", base_url="https://app.example")
    back = browser.get(stage.zoho.consent(begin.location), base_url="https://app.example")
    assert back.location == "/candidates"
    for _ in range(3):
        assert len(browser.get("/candidates", base_url="https://app.example").json["data"]) == 12
    assert stage.zoho.token_requests == 1
    stage.zoho.reject_tokens()
    assert browser.get("/candidates", base_url="https://app.example").status_code == 200
    assert "access_token" not in str(browser.get_cookie("session", domain="app.example"))


#: What a page says to save beside its example: the name of the file, the page that it is on, and how it is known.
BESIDE = {
    "howto/recipes/fastapi": ("zoho_httpx.py", "howto/other-clients", "class ZohoAuth("),
    "howto/recipes/pandas": ("paging.py", "howto/recipes/paging", "def records("),
}


def find_beside(name: str) -> dict[str, str]:
    """Return what a page says to save beside its example: {file: text}."""
    if name not in BESIDE:
        return {}
    file, page, mark = BESIDE[name]
    [text] = [block.text for block in blocks(DOCS / f"{page}.rst") if mark in block.text]
    return {file: text}


def with_file_beside(name: str) -> Callable[[Stage], Iterator[None]]:
    """Return a preamble for a page that imports what it says to save beside its example."""

    def preamble(stage: Stage) -> Iterator[None]:
        with contextlib.contextmanager(sandboxed)(stage):
            for file, text in find_beside(name).items():
                module = ModuleType(Path(file).stem)
                exec(text, vars(module))
                stage.monkeypatch.setitem(sys.modules, module.__name__, module)
            yield

    return preamble


class FirstExample(ModuleType):
    """The module that a page's first example stands for. Its names are the page's, when they are imported."""

    def __init__(self, names: dict[str, Any]) -> None:
        super().__init__("mysite.zoho")
        self.found = names

    def __getattr__(self, name: str) -> Any:
        if name in self.found:
            return self.found[name]
        raise AttributeError(name)


def django_celery(stage: Stage) -> Iterator[None]:
    import celery
    from django.conf import settings

    environment_of(stage)
    stage.monkeypatch.setitem(sys.modules, "mysite.zoho", FirstExample(stage.names))
    stage.monkeypatch.setenv("DATABASE_URL", f"sqlite:///{Path.cwd() / 'app.db'}")
    if not settings.configured:
        settings.configure()
    application = celery.Celery("docs", set_as_current=True)
    application.conf.task_always_eager = True
    yield
    shown = stage.names["show"](None)
    assert len(json.loads(shown.content)["data"]) == 12
    assert stage.names["count_candidates"].delay().get() == 12
    assert stage.zoho.token_requests == 1
    stage.names["api"].cache_clear()
    application.close()


def dlt(stage: Stage) -> Iterator[None]:
    stage.monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    yield from sandboxed(stage)
    assert stage.zoho.token_requests == 1


def singer(stage: Stage) -> Iterator[None]:
    stage.names["__name__"] = "tap"
    with contextlib.contextmanager(sandboxed)(stage):
        yield
        stream = stage.names["TapZohoRecruit"](config={}, setup_mapper=True).streams["Candidates"]
        stream.requests_session.verify = stage.zoho.ca_bundle
        assert len(list(stream.get_records(None))) == 12
        stage.zoho.reject_tokens()
        assert len(list(stream.get_records(None))) == 12
        assert (stage.zoho.token_requests, stage.zoho.api_requests) == (2, 3)
        stream.path = "Notes"
        assert list(stream.get_records(None)) == []


def fastapi(stage: Stage) -> Iterator[None]:
    with contextlib.contextmanager(with_file_beside("howto/recipes/fastapi"))(stage):
        yield
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # newer versions prefer another client to httpx
            from fastapi.testclient import TestClient

        with TestClient(stage.names["app"]) as browser:
            assert len(browser.get("/candidates").json()) == 12
            stage.zoho.reject_tokens()
            assert len(browser.get("/candidates").json()) == 12
    assert stage.zoho.token_requests == 2


def in_environment(stage: Stage) -> Iterator[None]:
    environment_of(stage)
    yield
    assert stage.zoho.token_requests == 1


@contextlib.contextmanager
def no_file_written() -> Iterator[None]:
    """Refuse this process each file that is opened for writing, as a read-only file system does."""
    active = [True]

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        if active and event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, "Read-only file system", str(args[0]))

    sys.addaudithook(refuse)  # for good, but with nothing to refuse afterwards
    try:
        yield
    finally:
        active.clear()


PREAMBLES: dict[str, Callable[[Stage], Iterator[None]]] = {
    "tutorial": tutorial,
    "index": logged_in,
    "howto/api-console": logged_in,
    "howto/device": device,
    "howto/sharing": sharing,
    "howto/encrypt": encrypt,
    "howto/oauth2session": consenting,
    "howto/serverless": serverless,
    "howto/web-application": consenting,
    "howto/proxies": proxies,
    "howto/accounts": accounts,
    "howto/client-credentials": client_credentials,
    "howto/environment": environment,
    "howto/self-client": self_client,
    "howto/other-clients": other_clients,
    "howto/from-requests-oauthlib": from_requests_oauthlib,
    "howto/from-zoho-sdk": from_zoho_sdk,
    "howto/recipes/singer": singer,
    "howto/troubleshooting": troubleshooting,
    "howto/recipes/aws-lambda": aws_lambda,
    "howto/recipes/containers": in_environment,
    "howto/recipes/dlt": dlt,
    "howto/recipes/django-celery": django_celery,
    "howto/recipes/fastapi": fastapi,
    "howto/recipes/flask-dance": flask_dance,
    "howto/recipes/github-actions": in_environment,
    "howto/recipes/logout": in_environment,
    "howto/recipes/paging": sandboxed,
    "howto/recipes/pandas": with_file_beside("howto/recipes/pandas"),
    "howto/recipes/requests-cache": requests_cache,
    "howto/recipes/retries": retries,
}

_DJANGO = """
import django
import pytest
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "app.db", "OPTIONS": {"timeout": 30}}},
    USE_TZ=True,
)
django.setup()


def pytest_configure(config):
    # Django has a connection for each thread, and leaves it to the collector when the thread has ended.
    config.addinivalue_line("filterwarnings", "ignore:unclosed database:ResourceWarning")


@pytest.fixture(scope="session", autouse=True)
def table():
    from django.db import connection, connections
    from test_page import Grant

    with connection.schema_editor() as editor:
        editor.create_model(Grant)
    yield
    connections.close_all()
"""

#: For pages whose examples are tests: the conftest.py beside them.
CONFTESTS = {"howto/own-store": _DJANGO}
