"""The web application of examples/web: every user their own account, on real sockets and in a real browser."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
from pathlib import Path

import pytest
from helpers.chromium import chromium
from helpers.engine_parts import in_threads
from werkzeug.serving import make_server

from requests_zohorecruit.sandbox import Sandbox

#: Loggers of what drives the browser, and repeats the pages it sees; no part of the application.
DRIVING = {"selenium"}
WEB = Path(__file__).parents[2] / "examples/web"


@pytest.fixture(scope="module")
def application():
    sys.path.insert(0, str(WEB))
    import app

    yield app
    sys.path.remove(str(WEB))
    for name in ("app", "grants"):
        del sys.modules[name]


@pytest.fixture
def zoho(monkeypatch):
    with Sandbox(redirect_uris=("http://127.0.0.1/callback",)) as sandbox:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.ca_bundle)
        yield sandbox


@pytest.fixture
def app(application, zoho, tmp_path):
    return application.create_app(
        client_id=zoho.client_id,
        client_secret=zoho.client_secret,
        region=zoho.region,
        redirect_uri=zoho.redirect_uri,
        database=str(tmp_path / "grants.db"),
        secret_key="not a secret here",
    )


@pytest.fixture
def visit(app):
    """Return a function that logs a user in and gives their browser."""

    def visited(user="ada"):
        browser = app.test_client()
        browser.environ_base["HTTP_HOST"] = "127.0.0.1"
        assert browser.post("/login", data={"user": user}).status_code == 302
        return browser

    return visited


def consented(zoho, browser, *, accept=True):
    address = browser.post("/connect").headers["Location"]
    return browser.get(zoho.consent(address, accept=accept).removeprefix("http://127.0.0.1"), follow_redirects=True)


def test_connect_list_upload_disconnect(zoho, visit):
    ada = visit()
    assert "Connect your Zoho Recruit account" in ada.get("/").text
    page = consented(zoho, ada)
    assert "Your Zoho Recruit account is connected." in page.text
    assert "Amara Okafor" in page.text
    candidate = page.text.partition("/candidates/")[2].partition("/resume")[0]
    resume = {"resume": (io.BytesIO(b"%PDF-1.7 planted"), "resume.pdf")}
    zoho.reject_tokens()
    page = ada.post(f"/candidates/{candidate}/resume", data=resume, follow_redirects=True)
    assert "resume.pdf is in Zoho Recruit now." in page.text
    assert list(zoho.attachments.values()) == [b"%PDF-1.7 planted"]
    assert "nothing of it is kept here" in ada.post("/disconnect", follow_redirects=True).text
    assert "Connect your Zoho Recruit account" in ada.get("/").text
    assert zoho.token_requests == 2


def test_users_have_accounts_of_their_own(zoho, visit):
    ada, grace = visit("ada"), visit("grace")
    consented(zoho, ada)
    assert "Amara Okafor" not in grace.get("/").text
    consented(zoho, grace)
    ada.post("/disconnect")
    assert "Amara Okafor" in grace.get("/").text


def test_many_requests_of_one_user_make_one_token_request(zoho, app, visit):
    consented(zoho, visit())
    zoho.reject_tokens()
    before = zoho.token_requests
    assert in_threads(8, lambda _: visit().get("/").status_code) == [200] * 8
    assert zoho.token_requests - before == 1


def test_a_refusal_a_forged_callback_a_dead_grant_and_a_throttle_have_pages_of_their_own(zoho, visit):
    ada = visit()
    page = consented(zoho, ada, accept=False)
    assert (page.status_code, "You did not give access" in page.text) == (403, True)
    page = ada.get("/callback?code=1000.a.b&state=x&location=us&accounts-server=https%3A%2F%2Faccounts.evil.example")
    assert (page.status_code, "This did not come from Zoho" in page.text) == (403, True)
    address = ada.post("/connect").headers["Location"]
    forged = zoho.consent(address).removeprefix("http://127.0.0.1").replace("state=", "state=x")
    page = ada.get(forged)
    assert (page.status_code, "This did not come from Zoho" in page.text) == (403, True)
    assert zoho.token_requests == 0
    consented(zoho, ada)
    zoho.reject_tokens()
    zoho.fault("throttle")
    page = ada.get("/")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "60")
    grace = visit("grace")
    consented(zoho, grace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("requests_zohorecruit.engine.refresher.Refresher.replace", dead)
        zoho.reject_tokens()
        page = grace.get("/")
    assert (page.status_code, "Please connect again" in page.text) == (403, True)


def dead(*_):
    from requests_zohorecruit import ReauthorizationRequired

    raise ReauthorizationRequired("The grant is dead.")


def test_a_user_who_moved_to_another_region_can_connect_again(application, zoho, app, visit, tmp_path):
    grants = sys.modules["grants"].Grants(str(tmp_path / "grants.db"))
    grants.replace("ada", {"refresh_token": "1000.old", "region": "eu"})
    assert grants.region("ada", [zoho.region]).code == "eu"
    assert "Amara Okafor" in consented(zoho, visit()).text
    assert grants.region("ada", [zoho.region]) == zoho.region


@pytest.mark.parametrize("forge", [lambda url: url.replace("state=", "state=x"), lambda url: f"{url}&code=another"])
def test_a_forged_callback_costs_nobody_their_grant(application, zoho, app, visit, tmp_path, forge):
    grants = sys.modules["grants"].Grants(str(tmp_path / "grants.db"))
    grants.replace("ada", {"refresh_token": "1000.old", "region": "eu"})
    ada = visit()
    callback = zoho.consent(ada.post("/connect").headers["Location"]).removeprefix("http://127.0.0.1")
    assert ada.get(forge(callback)).status_code == 403
    assert grants.region("ada", [zoho.region]).code == "eu"
    assert zoho.token_requests == 0


def test_what_recruit_refuses_has_a_page_too(zoho, visit):
    ada = visit()
    consented(zoho, ada)
    page = ada.post("/candidates/404/resume", data={"resume": (io.BytesIO(b"%PDF"), "resume.pdf")})
    assert (page.status_code, "Zoho is not available" in page.text) == (502, True)


def test_a_worker_that_cannot_get_the_lock_says_so(application, tmp_path):
    store = sys.modules["grants"].Grants(str(tmp_path / "locked.db")).store("ada")
    with store.lock(0), pytest.raises(TimeoutError), store.lock(0):
        raise AssertionError("two holders")
    with store.lock(0):
        pass


@pytest.mark.parametrize("form", [{}, {"user": "mallory"}])
def test_odd_input_is_a_bad_request(visit, app, form):
    assert app.test_client().post("/login", data=form).status_code == 400
    assert visit().post("/candidates/x/resume").status_code == 400
    assert app.test_client().get("/").headers["Location"] == "/login"


def test_the_cookie_is_for_this_site_and_not_for_scripts(app, visit):
    answer = app.test_client().post("/login", data={"user": "ada"})
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert "Secure" not in answer.headers["Set-Cookie"]


def test_T60_nothing_secret_in_pages_cookies_and_logs_at_debug(zoho, visit, caplog):
    caplog.set_level(logging.DEBUG)
    ada = visit()
    address = ada.post("/connect").headers["Location"]
    callback = zoho.consent(address)
    pages = [ada.get(callback.removeprefix("http://127.0.0.1"), follow_redirects=True), ada.get("/")]
    zoho.reject_tokens()
    pages.append(ada.get("/"))
    pages.append(ada.post("/disconnect", follow_redirects=True))
    code = callback.partition("code=")[2].partition("&")[0]
    seen = "".join(page.text + str(page.headers) for page in pages) + caplog.text
    for secret in (zoho.client_secret, zoho.refresh_token, code):
        assert secret not in seen
    assert "1000." not in seen.replace(zoho.client_id, "")


class TestBrowser:
    @pytest.fixture
    def browser(self, tmp_path):
        with chromium(tmp_path / "profile") as browser:
            yield browser

    @pytest.fixture
    def serve(self, application, tmp_path, monkeypatch):
        """Return a function that serves the application on a sandbox with certain regions."""
        with contextlib.ExitStack() as stack:

            def serve(regions=None):
                handler = application.RequestHandler
                server = make_server("127.0.0.1", 0, lambda *_: (), threaded=True, request_handler=handler)
                stack.callback(server.server_close)
                origin = f"http://127.0.0.1:{server.port}"
                zoho = stack.enter_context(Sandbox(redirect_uris=(f"{origin}/callback",), regions=regions))
                monkeypatch.setenv("REQUESTS_CA_BUNDLE", zoho.ca_bundle)
                client = zoho.new_client(secret_per_region=regions is not None)
                server.app = application.create_app(
                    client_id=client.client_id,
                    client_secret=client.client_secret,
                    region=zoho.region,
                    redirect_uri=zoho.redirect_uri,
                    database=str(tmp_path / "grants.db"),
                    secret_key="not a secret here",
                    more_regions=zoho.regions.values(),
                )
                thread = threading.Thread(target=server.serve_forever)
                thread.start()
                stack.callback(thread.join, 30)
                stack.callback(server.shutdown)
                return zoho, client, origin

            yield serve

    def test_a_person_connects_sees_candidates_and_disconnects(self, browser, serve, caplog):
        from selenium.common.exceptions import WebDriverException  # what is read of a page that is being left
        from selenium.webdriver.common.by import By
        from selenium.webdriver.support.expected_conditions import text_to_be_present_in_element
        from selenium.webdriver.support.ui import WebDriverWait

        _, client, origin = serve()
        caplog.set_level(logging.DEBUG)
        shots = os.environ.get("ZOHORECRUIT_SCREENSHOTS")

        def look(name):
            if shots:
                browser.save_screenshot(str(Path(shots) / f"{name}.png"))
            assert client.client_secret not in browser.page_source
            assert "1000." not in browser.page_source.replace(client.client_id, "")

        browser.get(origin)
        browser.find_element(By.CSS_SELECTOR, "button[value=ada]").click()
        browser.find_element(By.ID, "connect")
        look("connect")
        browser.find_element(By.ID, "connect").click()
        browser.find_element(By.CSS_SELECTOR, "button[value=reject]")
        look("consent")
        browser.find_element(By.CSS_SELECTOR, "button[value=reject]").click()
        assert browser.find_element(By.ID, "problem").text == "You did not give access"
        look("refused")
        browser.find_element(By.ID, "connect").click()
        browser.find_element(By.CSS_SELECTOR, "button[value=accept]").click()
        note = (By.CSS_SELECTOR, ".note")
        WebDriverWait(browser, 20, ignored_exceptions=(WebDriverException,)).until(
            text_to_be_present_in_element(note, "is connected")
        )
        assert "Amara Okafor" in browser.page_source
        look("candidates")
        assert "code=" not in browser.current_url
        assert all(client.client_secret not in str(cookie) for cookie in browser.get_cookies())
        browser.find_element(By.ID, "disconnect").click()
        WebDriverWait(browser, 20, ignored_exceptions=(WebDriverException,)).until(
            text_to_be_present_in_element(note, "revoked")
        )
        look("disconnected")
        told = "".join(each.getMessage() for each in caplog.records if each.name.partition(".")[0] not in DRIVING)
        assert "GET /callback HTTP" in told
        assert client.client_secret not in told
        assert "1000." not in told.replace(client.client_id, "")

    def test_a_person_who_lives_in_another_data_centre_is_connected_there(self, browser, serve, tmp_path):
        from selenium.common.exceptions import WebDriverException  # what is read of a page that is being left
        from selenium.webdriver.common.by import By
        from selenium.webdriver.support.expected_conditions import text_to_be_present_in_element
        from selenium.webdriver.support.ui import WebDriverWait

        zoho, client, origin = serve(regions=("us", "eu"))
        zoho.new_person(region="eu", name="Anna Brandt")
        us, eu = zoho.regions.values()
        assert client.client_secret[us.code] != client.client_secret[eu.code]
        note = (By.CSS_SELECTOR, ".note")

        def told(text):
            WebDriverWait(browser, 20, ignored_exceptions=(WebDriverException,)).until(
                text_to_be_present_in_element(note, text)
            )

        browser.get(origin)
        browser.find_element(By.CSS_SELECTOR, "button[value=ada]").click()
        browser.find_element(By.ID, "connect").click()
        person = browser.find_element(By.XPATH, "//button[contains(., 'Anna Brandt')]")
        assert browser.current_url.startswith(us.authorize_url)
        person.click()
        accept = browser.find_element(By.CSS_SELECTOR, "button[value=accept]")
        assert browser.current_url.startswith(eu.authorize_url)
        accept.click()
        told("is connected")
        assert "Amara Okafor" in browser.page_source
        grants = sys.modules["grants"].Grants(str(tmp_path / "grants.db"))
        assert grants.region("ada", zoho.regions.values()) == eu
        zoho.reject_tokens()  # a refresh goes there, too
        browser.get(origin)
        assert "Amara Okafor" in browser.page_source
        browser.find_element(By.ID, "disconnect").click()
        told("revoked")
        assert self.hosts_asked(zoho) == {eu.accounts_url, eu.recruit_url}
        for secret in client.client_secret.values():
            assert secret not in browser.page_source

    def hosts_asked(self, zoho):
        """Return the addresses to which the application itself, and not the browser, has sent requests."""
        return {
            f"https://{each['headers']['Host']}"
            for each in zoho.received
            if "python-requests" in each["headers"].get("User-Agent", "")
        }
