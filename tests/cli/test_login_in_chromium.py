"""``zohorecruit login`` end to end: the command in a process of its own, the consent page in a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.chromium import chromium

from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.secret import fingerprint


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def login(client, port):
    """Return a function that starts the command and gives it with the address it wants opened."""
    processes = []

    def start(*options, port=port):
        process = subprocess.Popen(
            [sys.executable, "-m", "requests_zohorecruit", "login", "--port", str(port), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"BROWSER": "true", "PYTHONUNBUFFERED": "1"},
        )
        processes.append(process)
        for line in process.stdout:
            if found := re.fullmatch(r"    (https://\S+)\n", line):
                return process, found[1]
        return process, None

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def press(browser, address, button):
    from selenium.webdriver.common.by import By

    browser.get(address)
    look(browser, "consent")
    browser.find_element(By.CSS_SELECTOR, f"button[value={button}]").click()
    return heading(browser, "/callback")


def heading(browser, path):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.expected_conditions import url_contains
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 20).until(url_contains(path))
    return browser.find_element(By.TAG_NAME, "h1").text


def look(browser, name):
    if os.environ.get("ZOHORECRUIT_SCREENSHOTS"):
        browser.save_screenshot(str(Path(os.environ["ZOHORECRUIT_SCREENSHOTS"]) / f"login-{name}.png"))


def ended(process):
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


def test_accept_and_done(browser, login, zoho, run):
    process, address = login()
    assert press(browser, address, "accept") == "You are logged in"
    look(browser, "accepted")
    code, output, errors = ended(process)
    assert (code, errors, "Logged in: profile default" in output) == (0, "", True)
    assert run("status", "--check").exit_code == 0
    grant = Profile().load().store.load()
    for secret in (grant["refresh_token"], grant["access_token"], zoho.client_secret):
        assert secret not in output + browser.page_source


def test_two_logins_at_once_on_one_profile_leave_the_one_that_was_accepted_last(browser, login, run, another_port):
    (first, its_address), (second, other_address) = login(), login(port=another_port)
    assert press(browser, other_address, "accept") == "You are logged in"
    assert ended(second)[0] == 0
    assert press(browser, its_address, "accept") == "You are logged in"
    code, output, _ = ended(first)
    assert (code, fingerprint(Profile().load().store.load()["refresh_token"]) in output) == (0, True)
    assert run("status", "--check").exit_code == 0


def test_reject_and_nothing_is_saved(browser, login):
    process, address = login()
    assert press(browser, address, "reject") == "Login failed"
    look(browser, "rejected")
    code, _, errors = ended(process)
    assert (code, "access_denied" in errors, Profile().exists()) == (3, True, False)


@pytest.mark.parametrize(
    ("forged", "code", "told"),
    [
        ("code=1000.a.b&state=guessed&location=us&accounts-server=https://accounts.zoho.com", 3, "state"),
        (
            "code=1000.a.b&state={state}&location=us&accounts-server=https://accounts.zoho.com.evil.example",
            4,
            "accounts-server",
        ),
    ],
)
@pytest.mark.thorough(one_in=2)
def test_T40_T61_a_page_that_forges_the_callback_gets_nothing(browser, login, zoho, port, forged, code, told):
    process, address = login()
    state = re.search("state=([^&]+)", address)[1]
    browser.get(f"http://127.0.0.1:{port}/callback?{forged.format(state=state)}")
    assert heading(browser, "/callback") == "Login failed"
    result, _, errors = ended(process)
    assert (result, told in errors, zoho.token_requests, Profile().exists()) == (code, True, 0, False)


def test_the_port_is_taken_by_another_login(login):
    first, _ = login()
    second, address = login()
    assert address is None
    code, _, errors = ended(second)
    assert (code, "cannot be used" in errors, first.poll()) == (1, True, None)


def test_time_runs_out_and_pressing_accept_afterwards_leads_nowhere(browser, login, zoho, home):
    from selenium.webdriver.common.by import By

    process, address = login("--timeout", "1")
    browser.get(address)
    code, _, errors = ended(process)
    assert (code, "Accept was not pressed within 1 s" in errors) == (3, True)
    browser.find_element(By.CSS_SELECTOR, "button[value=accept]").click()
    assert "ERR_CONNECTION_REFUSED" in browser.find_element(By.CSS_SELECTOR, ".error-code").text
    assert (zoho.token_requests, home.exists()) == (0, False)
