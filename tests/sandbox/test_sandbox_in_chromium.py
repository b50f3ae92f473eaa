"""The sandbox's pages in a browser, clicked by a person who lives in another data centre than the one they come to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.chromium import chromium

from requests_zohorecruit import Region
from requests_zohorecruit.sandbox import Sandbox

SCOPE = "ZohoRecruit.modules.ALL,ZohoRecruit.users.READ"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def zoho():
    with Sandbox(regions=("us", "eu")) as zoho:
        zoho.renew(redirect_uris=(zoho.elsewhere,))
        zoho.device_poll_pause = 0.0
        yield zoho


def click(browser, text, then):
    """Press a button, and wait for the page that is headed `then`."""
    browser.find_element("xpath", f"//button[contains(., '{text}')]").click()
    assert browser.find_element("xpath", f"//h1[contains(., '{then}')]")


def picture(browser, name):
    if directory := os.environ.get("ZOHORECRUIT_SCREENSHOTS"):
        browser.save_screenshot(str(Path(directory) / f"sandbox-{name}.png"))


def test_consent_begins_in_one_data_centre_and_ends_in_another(zoho, browser):
    zoho.new_person(region="eu", name="Anna Brandt")
    browser.get(
        f"{zoho.region.authorize_url}?response_type=code&client_id={zoho.client_id}&redirect_uri={zoho.redirect_uri}"
        f"&scope={SCOPE}&access_type=offline&state=s"
    )
    picture(browser, "sign-in")
    click(browser, "Anna Brandt", then="Allow")
    assert browser.current_url.startswith(zoho.regions["eu"].authorize_url)
    picture(browser, "consent")
    browser.find_element("xpath", "//button[contains(., 'Accept')]").click()
    assert browser.find_element("xpath", "//pre[contains(., 'elsewhere')]")
    assert browser.current_url.startswith(f"{zoho.elsewhere}?state=s&code=1000.")
    assert Region.from_callback(browser.current_url, extra=zoho.regions.values()) == zoho.regions["eu"]


@pytest.mark.parametrize("button", ["Accept", "Reject"])
def test_a_device_is_confirmed_by_typing_its_code(zoho, browser, button):
    anna = zoho.new_person(region="eu", name="Anna Brandt")
    client = {"client_id": zoho.client_id, "client_secret": zoho.client_secret}

    def ask(path, region=zoho.region, **fields):
        with zoho.session() as session:
            return session.post(
                f"{region.accounts_url}/oauth/v3/device/{path}", data=client | fields, timeout=30
            ).json()

    told = ask("code", grant_type="device_request", scope=SCOPE)
    browser.get(told["verification_url"])
    picture(browser, "device")
    browser.find_element("name", "user_code").send_keys(told["user_code"].lower())
    click(browser, "Continue", then="Who are you?")
    click(browser, "Anna Brandt", then="Allow")
    assert browser.current_url.startswith(anna.region.accounts_url)
    assert told["user_code"] in browser.page_source
    picture(browser, "device-consent")
    click(browser, button, then="Device connected" if button == "Accept" else "Access denied")
    poll = {"grant_type": "device_token", "code": told["device_code"]}
    if button == "Reject":
        assert ask("token", **poll) == {"error": "access_denied"}
    else:
        assert ask("token", **poll) == {"user_location": "sandbox-eu", "error": "other_dc"}
        assert "access_token" in ask("token", anna.region, **poll)


def test_the_complete_address_has_the_code_already(zoho, browser):
    with zoho.session() as session:
        fields = {"grant_type": "device_request", "client_id": zoho.client_id, "scope": SCOPE}
        told = session.post(f"{zoho.region.accounts_url}/oauth/v3/device/code", data=fields, timeout=30).json()
    browser.get(told["verification_uri_complete"])
    click(browser, "Accept", then="Device connected")
    browser.get(told["verification_uri_complete"])
    assert "unknown, used or too old" in browser.page_source
