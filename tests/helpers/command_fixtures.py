"""Fixtures for commands: a sandbox, an empty home directory, and a person at the browser."""

from __future__ import annotations

import os
import sys
import threading
import time
import webbrowser
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import responses
from click.testing import CliRunner

from helpers.database_servers import free_port
from requests_zohorecruit.cli import logins
from requests_zohorecruit.cli.app import app
from requests_zohorecruit.login.device import authorize_device
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.sandbox import Sandbox
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token

__all__ = [
    "Device",
    "abroad",
    "another_port",
    "answering",
    "client",
    "device",
    "granted",
    "home",
    "person",
    "port",
    "run",
    "stored",
    "zoho",
]

#: What the tests themselves are told.
SWITCHES = {"ZOHORECRUIT_REQUIRE_SERVERS", "ZOHORECRUIT_SCREENSHOTS"}


class Device:
    """Stands in for the waiting: `act` is what happens in the first pause, with what was shown as `prompt`."""

    def __init__(self, zoho):
        self.zoho = zoho
        self.prompt = None
        self.pauses = []
        self.known = zoho.regions.values()
        self.act = lambda: zoho.confirm_device(self.prompt.user_code)

    def sleep(self, seconds):
        self.pauses.append(seconds)
        if len(self.pauses) == 1:
            self.act()

    def authorize(self, *arguments, show, **options):
        def note(prompt):
            self.prompt = prompt
            show(prompt)

        given = {"sleep": self.sleep, "extra": self.known, **options}
        return authorize_device(*arguments, show=note, **given)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """The profiles' directory, which does not exist yet, without variables of this machine's own environment."""
    for name in list(os.environ):
        if name.startswith("ZOHORECRUIT_") and name not in SWITCHES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("ZOHORECRUIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def another_port(port):
    return next(other for other in iter(free_port, None) if other != port)


@pytest.fixture
def zoho(monkeypatch, port, another_port):
    places = f"127.0.0.1:{port}", f"localhost:{port}", f"127.0.0.1:{another_port}"
    with Sandbox(redirect_uris=tuple(f"http://{place}/callback" for place in places)) as sandbox:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.ca_bundle)
        yield sandbox


@pytest.fixture
def client(monkeypatch, zoho):
    """Put the sandbox's client into the environment, as ``zohorecruit sandbox`` tells people to."""
    for name, value in {
        "CLIENT_ID": zoho.client_id,
        "CLIENT_SECRET": zoho.client_secret,
        "REGION": zoho.region.code,
        "ACCOUNTS_URL": zoho.region.accounts_url,
        "RECRUIT_URL": zoho.region.recruit_url,
    }.items():
        monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)


@pytest.fixture
def device(zoho, client, monkeypatch):
    zoho.device_poll_pause = 0.0
    device = Device(zoho)
    monkeypatch.setattr(logins, "authorize_device", device.authorize)
    return device


@pytest.fixture
def run():
    """Return a function that runs the command in this process; stdin is a pipe."""

    def invoke(*arguments, **options):
        result = CliRunner().invoke(app, [str(each) for each in arguments], prog_name="zohorecruit", **options)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


@pytest.fixture
def answering(monkeypatch):
    """Make commands take standard input for a terminal, where a person answers their questions."""

    class Sys:
        stdin = SimpleNamespace(isatty=lambda: True)

        def __getattr__(self, name):
            return getattr(sys, name)

    monkeypatch.setattr("requests_zohorecruit.cli.console.sys", Sys())


@pytest.fixture
def granted(zoho):
    """A profile with the sandbox's grant, which has not minted yet."""

    def grant(name="default", *, refresh_token=None, access_token="1000.unknown.token", expires_at=0.0, **options):
        profile = Profile(name)
        token = Token(access_token, refresh_token or zoho.refresh_token, expires_at)
        application = Application.create(zoho.client_id, zoho.client_secret, zoho.region)
        profile.save(application, token, now=0.0, **options)
        return profile

    return grant


@pytest.fixture
def abroad():
    """A profile at the real Zoho's address, with a live token; nothing is sent but to `responses`."""
    who = Application.create("1000.CLIENT", "planted-secret", "eu")
    Profile().save(who, Token("1000.a.b", "1000.c.d", time.time() + 3600), now=time.time())
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def person(monkeypatch, zoho):
    """A person at a browser, in a thread, who opens what `webbrowser.open` is given.

    `accept` says what they press, `forge` changes where the browser ends, `pages` are what it showed.
    """
    being = SimpleNamespace(accept=True, forge=lambda url: url, pages=[], addresses=[], threads=[])

    def browse(address):
        being.addresses.append(address)
        redirect = being.forge(zoho.consent(address, accept=being.accept))
        with requests.Session() as browser:
            browser.trust_env = False
            being.pages.append(browser.get(redirect, timeout=60))

    def open_browser(address):
        thread = threading.Thread(target=browse, args=(address,))
        being.threads.append(thread)
        thread.start()
        return True

    monkeypatch.setenv("BROWSER", "somebody")
    monkeypatch.setattr(webbrowser, "open", open_browser)
    yield being
    for thread in being.threads:
        thread.join(60)


@pytest.fixture
def stored(home):
    """Return a function that gives all that is stored in files, as text."""
    return lambda: "".join(path.read_text("utf-8") for path in sorted(Path(home).rglob("*")) if path.is_file())
