"""`zohorecruit login --device`: a person who confirms on another machine, refuses, or does nothing. Time is injected."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from contextlib import nullcontext

import pexpect
import pytest
import requests
from helpers.chromium import chromium
from helpers.command_fixtures import Device
from helpers.terminals import press_ctrl_c
from rich.console import Console

from requests_zohorecruit import ZohoRecruitAuth
from requests_zohorecruit.cli import logins
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.sandbox import Sandbox
from requests_zohorecruit.zoho.device import DevicePrompt


@pytest.fixture
def two_centres(client, monkeypatch):
    """The same, but in two data centres."""
    with Sandbox(regions=("us", "eu")) as centres:
        for name, value in {
            "ZOHORECRUIT_CLIENT_ID": centres.client_id,
            "ZOHORECRUIT_CLIENT_SECRET": centres.client_secret,
            "ZOHORECRUIT_REGION": centres.region.code,
            "ZOHORECRUIT_ACCOUNTS_URL": centres.region.accounts_url,
            "ZOHORECRUIT_RECRUIT_URL": centres.region.recruit_url,
            "REQUESTS_CA_BUNDLE": centres.ca_bundle,
        }.items():
            monkeypatch.setenv(name, value)
        centres.device_poll_pause = 0.0
        device = Device(centres)
        monkeypatch.setattr(logins, "authorize_device", device.authorize)
        yield device


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


def press(browser, text, then):
    browser.find_element("xpath", f"//button[contains(., '{text}')]").click()
    assert browser.find_element("xpath", f"//h1[contains(., '{then}')]")


def call_api(auth):
    url = f"{auth.region.recruit_url}/recruit/v2/Candidates"
    return requests.get(url, auth=auth, timeout=30).status_code


def test_a_code_is_shown_and_the_grant_saved(run, device, zoho):
    result = run("login", "--device")
    assert (result.exit_code, result.stderr) == (0, "")
    page = f"{zoho.region.accounts_url}/oauth/v3/device"
    for line in (page, device.prompt.user_code, f"{page}?user_code={device.prompt.user_code}"):
        assert f"\n    {line}\n" in result.output
    assert "within 5 minutes" in result.output
    assert (
        "Logged in: profile default, region sandbox, ZohoRecruit.modules.ALL, ZohoRecruit.settings.ALL."
        in result.output
    )
    assert device.pauses == [30.0]
    assert run("status", "--check").exit_code == 0
    assert call_api(ZohoRecruitAuth.from_profile()) == 200


def test_nothing_moves_on_the_screen_before_the_code_is_shown(run, device, monkeypatch):
    # The first frame of a spinner would share a line with the text.
    order = []
    monkeypatch.setattr(logins, "say", lambda text: order.append(text.partition("\n")[0]))
    monkeypatch.setattr(Console, "status", lambda self, what: order.append(f"status: {what}") or nullcontext())
    assert run("login", "--device").exit_code == 0
    assert order[:4] == [
        "On any computer or phone, open",
        "Or open this address, which contains the code:",
        "Waiting for Accept, checking every 30 s.",
        "status: Waiting for Accept, checking every 30 s (Ctrl-C stops)",
    ]


def test_T60_no_secret_is_printed(run, device, zoho):
    output = run("login", "--device").output
    grant = Profile().load().store.load()
    for secret in (zoho.client_secret, grant["refresh_token"], grant["access_token"], "1004."):
        assert secret not in output


def test_the_scopes_that_are_asked_for_can_be_chosen(run, device):
    assert run("login", "--device", "--scope", "ZohoRecruit.users.READ").exit_code == 0
    assert Profile().load().store.load()["scope"] == ["ZohoRecruit.users.READ"]


def test_without_a_complete_address_only_the_code_is_shown(run, device, monkeypatch):
    def authorize(*_, show, **__):
        show(DevicePrompt("A1", "https://accounts.zoho.eu/device", "https://accounts.zoho.eu/device", 0.0))
        raise KeyboardInterrupt

    monkeypatch.setattr(logins, "authorize_device", authorize)
    output = run("login", "--device").output
    assert ("    A1\n" in output, "Or open" in output) == (True, False)


def test_a_refusal_is_told_and_saves_nothing(run, device, zoho, home):
    device.act = lambda: zoho.confirm_device(device.prompt.user_code, accept=False)
    result = run("login", "--device")
    assert (result.exit_code, "access_denied" in result.stderr, home.exists()) == (3, True, False)
    assert result.stderr.splitlines()[-1] == "Run the command again for a new code."


def test_a_code_that_nobody_accepts_ends_with_its_remedy(run, device, zoho, home):
    zoho.device_code_lifetime = 0.001
    device.act = lambda: None
    result = run("login", "--device")
    assert (result.exit_code, home.exists()) == (3, False)
    assert "The code expired before it was accepted" in result.stderr
    assert result.stderr.splitlines()[-1] == "Run the command again for a new code."


def test_zoho_wants_it_slower(run, device, zoho):
    zoho.device_poll_pause = 3600.0

    def accept():
        zoho.device_poll_pause = 0.0
        zoho.confirm_device(device.prompt.user_code)

    moves = iter([lambda: None, lambda: None, accept])

    def sleep(seconds):
        device.pauses.append(seconds)
        next(moves)()

    device.sleep = sleep
    assert run("login", "--device").exit_code == 0
    assert device.pauses == [30.0, 30.0, 35.0]


def test_ctrl_c_leaves_nothing_behind(run, device, home):
    device.act = lambda: signal.raise_signal(signal.SIGINT)
    result = run("login", "--device")
    assert (result.exit_code, result.stderr, home.exists()) == (130, "\nStopped.\n", False)


def test_a_client_that_zoho_does_not_know_is_told_with_the_options(run, device, monkeypatch, home):
    monkeypatch.setenv("ZOHORECRUIT_CLIENT_ID", "1000.NOBODY")
    result = run("login", "--device")
    assert (result.exit_code, "--new-secret" in result.stderr, home.exists()) == (4, True, False)


def test_across_data_centres_the_profile_is_of_the_region_where_the_person_lives(run, two_centres):
    zoho = two_centres.zoho
    anna = zoho.new_person(region="eu")
    two_centres.act = lambda: zoho.confirm_device(two_centres.prompt.user_code, person=anna)
    result = run("login", "--device")
    assert (result.exit_code, "region sandbox-eu" in result.output) == (0, True)
    assert two_centres.pauses == [30.0, 30.0]
    auth = ZohoRecruitAuth.from_profile()
    assert (auth.region, call_api(auth)) == (zoho.regions["eu"], 200)


def test_a_data_centre_that_is_not_known_is_told_with_the_options(run, two_centres, home):
    zoho = two_centres.zoho
    anna = zoho.new_person(region="eu")
    two_centres.act = lambda: zoho.confirm_device(two_centres.prompt.user_code, person=anna)
    two_centres.known = ()
    result = run("login", "--device")
    assert (result.exit_code, "not known here" in result.stderr, home.exists()) == (4, True, False)
    assert result.stderr.splitlines()[-1].endswith("--accounts-url and --recruit-url.")


@pytest.mark.parametrize("where", ["here", "in another data centre"])
@pytest.mark.parametrize("button", ["Accept", "Reject"])
@pytest.mark.thorough(one_in=2)
def test_with_a_real_browser(run, two_centres, browser, where, button):
    zoho = two_centres.zoho
    person = zoho.new_person(region="us" if where == "here" else "eu", name="Anna Brandt")

    def act():
        browser.get(two_centres.prompt.verification_url)
        browser.find_element("name", "user_code").send_keys(two_centres.prompt.user_code.lower())
        press(browser, "Continue", then="Who are you?")
        press(browser, "Anna Brandt", then="Allow")
        assert browser.current_url.startswith(person.region.accounts_url)
        press(browser, button, then="Device connected" if button == "Accept" else "Access denied")

    two_centres.act = act
    result = run("login", "--device")
    if button == "Reject":
        assert (result.exit_code, Profile().exists()) == (3, False)
    else:
        assert (result.exit_code, f"region {person.region.code}" in result.output) == (0, True)
        assert call_api(ZohoRecruitAuth.from_profile()) == 200


@pytest.mark.thorough
def test_end_to_end_in_a_process_of_its_own_it_waits_thirty_seconds(browser, zoho, client):
    command = [sys.executable, "-m", "requests_zohorecruit", "login", "--device"]
    with started(command, columns=80) as process:
        process.expect(r"    (https://\S+user_code=\S+)\r\n")
        browser.get(process.match[1])
        press(browser, "Accept", then="Device connected")
        process.expect("Logged in: profile default", timeout=50)
        process.expect(pexpect.EOF)
    assert process.exitstatus == 0
    assert zoho.device_requests == 2
    assert call_api(ZohoRecruitAuth.from_profile()) == 200


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.usefixtures("measured_processes")
def test_on_a_terminal_of_any_width_nothing_is_torn_and_ctrl_c_stops_it(client, zoho, columns, home):
    with started([sys.executable, "-m", "requests_zohorecruit", "login", "--device"], columns=columns) as process:
        process.expect(r"    ([0-9A-F]{8})\r\n")
        process.expect(r"checking every 30 s \(Ctrl-C stops\)")
        press_ctrl_c(process)
        process.expect(r"Stopped\.")
        process.expect(pexpect.EOF)
    assert (process.exitstatus, zoho.device_requests, home.exists()) == (130, 1, False)
    moved = re.sub(r"\x1b\[[0-9;?]*[A-HJK]", "\n", process.shown)  # what is shown next is another frame of the spinner
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", moved)
    too_long = [line for line in re.split(r"[\r\n]+", shown) if len(line) > columns and "https://" not in line]
    assert too_long == []


class started:  # noqa: N801 - reads as a function
    """Run a command on a terminal of its own."""

    def __init__(self, command, *, columns):
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
        self._process = pexpect.spawn(
            command[0], command[1:], env=environment, encoding="utf-8", dimensions=(24, columns), timeout=40
        )

    def __enter__(self):
        self._process.logfile_read = self._log = io.StringIO()
        return self._process

    def __exit__(self, *_):
        self._process.close(force=True)
        self._process.shown = self._log.getvalue()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--device", "--client-credentials"], "not both"),
        (["--device", "--no-browser"], "--no-browser is for a login with a browser, not for --device"),
        (["--device", "--port", "8400"], "--port is for"),
        (["--client-credentials", "--timeout", "9"], "--timeout is for a login with a browser, not for --client-cr"),
        (["--client-credentials", "--redirect-uri", "http://127.0.0.1:8400/callback"], "--redirect-uri is for"),
        (["--soid", "ZohoRecruit.1"], "--soid is for --client-credentials"),
        (["--device", "--scope", ""], "--scope is empty"),
        (["--scope", " , "], "--scope is empty"),
    ],
)
def test_options_that_do_not_go_together_are_refused(run, client, zoho, options, told):
    result = run("login", *options)
    assert (result.exit_code, told in result.stderr) == (2, True)
    assert (zoho.device_requests, zoho.token_requests) == (0, 0)


@pytest.mark.parametrize(
    ("option", "entry"), [("--device", "begins with Non-browser"), ("--client-credentials", '"Self Client"')]
)
def test_who_has_no_client_yet_is_told_what_to_register(run, option, entry, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("FORCE_COLOR", "1")  # which makes rich take a pipe for a terminal
    result = run("login", option)
    assert entry in result.output.partition("Error: No client ID was given.")[0]
    assert max(map(len, result.output.partition("Error")[0].splitlines())) <= 60
