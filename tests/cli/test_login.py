"""Getting a grant: `zohorecruit login` and `exchange`, with a person who does as told, and others who do not."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import webbrowser
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import requests
from helpers.engine_parts import in_threads

from requests_zohorecruit import FileStore, Region
from requests_zohorecruit.cli.console import describe_problem
from requests_zohorecruit.login.loopback import CallbackReceiver, build_loopback_uri
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.consent import OFFLINE
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint


def changed(**values):
    """Return a forger: the redirect with other values of its query, or without them."""

    def forge(url):
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query)) | {name.replace("_", "-"): value for name, value in values.items()}
        kept = {name: value for name, value in query.items() if value is not None}
        return urlunsplit(parts._replace(query=urlencode(kept)))

    return forge


def grant_of(profile="default"):
    return (Profile(profile).load().store.load() or {}).get("refresh_token")


@pytest.fixture
def login(run, client, port):
    return lambda *arguments, **options: run("login", "--port", port, *arguments, **options)


class TestInTheBrowser:
    def test_pressing_accept_is_all_there_is_to_do(self, login, person, zoho):
        result = login()
        assert (result.exit_code, result.stderr) == (0, "")
        assert (
            "Logged in: profile default, region sandbox, ZohoRecruit.modules.ALL, ZohoRecruit.settings.ALL."
            in result.output
        )
        assert zoho.live_access_tokens(grant_of()) == 1
        assert zoho.token_requests == 1

    def test_the_redirect_uri_is_explained_before_anything_is_asked(self, login, person, zoho):
        result = login()
        assert result.output.index(f"    {zoho.redirect_uri}\n") < result.output.index("Opening your browser")

    def test_who_has_no_client_yet_is_told_what_to_enter_before_it_is_asked_for(self, run, monkeypatch):
        told = run("login", "--port", 8400).output
        for entry in ("https://api-console.zoho.com", "Server-based Applications", "http://127.0.0.1:8400/callback"):
            assert entry in told.partition("Error: No client ID was given.")[0]
        assert "Self Client" in run("exchange").output

    def test_what_is_asked_of_zoho(self, login, person, zoho):
        login("--scope", "ZohoRecruit.modules.READ, ZohoRecruit.users.ALL")
        [address] = person.addresses
        query = {name: value for name, [value] in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{zoho.region.authorize_url}?")
        assert len(query.pop("state")) >= 32
        assert query == {
            "response_type": "code",
            "client_id": zoho.client_id,
            "redirect_uri": zoho.redirect_uri,
            "scope": "ZohoRecruit.modules.READ,ZohoRecruit.users.ALL",
            **OFFLINE,
        }

    def test_T61_the_page_is_friendly_and_holds_nothing(self, login, person):
        login()
        [thread] = person.threads
        thread.join(30)
        [page] = person.pages
        code = parse_qs(urlsplit(page.url).query)["code"][0]
        assert (page.status_code, "You are logged in" in page.text) == (200, True)
        assert code not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"

    def test_T60_nothing_secret_is_printed(self, login, person, zoho):
        output = login().output
        for secret in (zoho.client_secret, grant_of(), Profile().load().store.load()["access_token"]):
            assert secret not in output
        assert "1000." not in output.replace(zoho.client_id, "")

    def test_localhost_will_do_where_the_console_wants_a_name(self, login, person, port):
        result = login("--redirect-uri", f"http://localhost:{port}/callback")
        assert f"    http://localhost:{port}/callback\n" in result.output
        assert "redirect_uri=http%3A%2F%2Flocalhost" in result.output
        assert (result.exit_code, "Logged in" in result.output) == (0, True)

    def test_the_next_login_asks_for_nothing(self, login, person, monkeypatch, run, port, zoho):
        login()
        before = grant_of()
        for name in ("CLIENT_ID", "CLIENT_SECRET", "REGION", "ACCOUNTS_URL", "RECRUIT_URL"):
            monkeypatch.delenv(f"ZOHORECRUIT_{name}")
        assert run("login", "--port", port).exit_code == 0
        assert grant_of() != before

    def test_pressing_reject_is_told_and_saves_nothing(self, login, person, home):
        person.accept = False
        result = login()
        assert result.exit_code == 3
        assert "Zoho did not grant access (access_denied)" in result.stderr
        person.threads[0].join(30)
        assert "Login failed" in person.pages[0].text
        assert not Profile().exists()

    @pytest.mark.parametrize(
        ("forgery", "code", "message"),
        [
            (changed(state="forged"), 3, "state"),
            (changed(state=None), 3, "state"),
            (changed(accounts_server="https://accounts.zoho.evil.example"), 4, "accounts-server"),
            (changed(accounts_server="https://accounts.zoho.eu"), 3, "another location"),
            (changed(accounts_server=None), 3, "names no accounts-server"),
            (changed(location="us"), 3, "another location"),
            (changed(code=None), 3, "holds no code"),
            (lambda url: f"{url}&state=x", 3, "state twice"),
        ],
    )
    def test_T40_T41_T61_a_forged_redirect_sends_nothing_and_saves_nothing(
        self, login, person, zoho, forgery, code, message
    ):
        person.forge = forgery
        result = login()
        assert result.exit_code == code
        assert message in result.stderr
        assert zoho.token_requests == 0
        assert not Profile().exists()

    def test_the_code_goes_where_the_person_lives(self, login, person, zoho, monkeypatch):
        asked = []

        def exchange(accounts, code, **options):
            asked.append((accounts.application.region.code, code, options["redirect_uri"]))
            raise requests.ConnectionError

        monkeypatch.setattr("requests_zohorecruit.zoho.token_endpoint.TokenEndpoint.exchange", exchange)
        person.forge = changed(accounts_server="https://accounts.zoho.eu", location="eu")
        login()
        [(region, code, redirect_uri)] = asked
        assert (region, redirect_uri, code.startswith("1000.")) == ("eu", zoho.redirect_uri, True)

    def test_a_code_that_zoho_does_not_know_says_log_in_again(self, login, person):
        person.forge = changed(code="1000.not.known")
        result = login()
        assert (result.exit_code, result.stderr.splitlines()[-1]) == (3, "Run `zohorecruit login`.")

    def test_an_exchange_without_a_refresh_token_saves_nothing(self, login, person, zoho):
        zoho.fault("null-refresh-token")
        result = login()
        assert (result.exit_code, "Zoho sent no refresh token" in result.stderr) == (3, True)
        assert not Profile().exists()

    def test_scopes_that_zoho_does_not_repeat_are_those_that_were_asked_for(self, login, person, monkeypatch):
        exchange = TokenEndpoint.exchange
        monkeypatch.setattr(TokenEndpoint, "exchange", lambda *a, **k: replace(exchange(*a, **k), scope=()))
        assert "region sandbox, ZohoRecruit.users.ALL." in login("--scope", "ZohoRecruit.users.ALL").output
        assert Profile().load().store.load()["scope"] == ["ZohoRecruit.users.ALL"]

    def test_a_secret_zoho_does_not_accept_can_be_entered_anew(self, run, client, person, zoho, port, monkeypatch):
        Profile().save(Application.create(zoho.client_id, "outdated", zoho.region), Token("a", "b", 0.0), now=0.0)
        monkeypatch.delenv("ZOHORECRUIT_CLIENT_SECRET")
        result = run("login", "--port", port)
        assert (result.exit_code, "--new-secret" in result.stderr) == (4, True)
        assert run("login", "--port", port, "--new-secret", input=f"{zoho.client_secret}\n").exit_code == 0
        assert Profile().load().application.client_secret == zoho.client_secret

    def test_a_port_that_is_taken_is_told_with_the_way_out(self, login, port, person):
        with socket.create_server(("127.0.0.1", port)):
            result = login()
        assert result.exit_code == 1
        assert f"Port {port} of 127.0.0.1 cannot be used" in result.stderr
        assert "--port" in result.stderr
        assert person.addresses == []

    def test_time_runs_out(self, login, monkeypatch, home):
        monkeypatch.setenv("BROWSER", "nobody")
        monkeypatch.setattr("webbrowser.open", lambda _: False)
        moments = iter([0.0, 0.0, 300.0])
        monkeypatch.setattr("requests_zohorecruit.cli.browser.time.monotonic", lambda: next(moments))
        monkeypatch.setattr(CallbackReceiver, "wait", lambda *_: None)
        result = login()
        assert result.exit_code == 3
        assert "Accept was not pressed within 300 s; nothing was saved." in result.stderr
        assert not Profile().exists()

    def test_ctrl_c_leaves_nothing_behind(self, login, monkeypatch, port, home):
        monkeypatch.setenv("BROWSER", "somebody")
        monkeypatch.setattr("webbrowser.open", lambda _: signal.raise_signal(signal.SIGINT))
        result = login()
        assert (result.exit_code, result.stderr) == (130, "\nStopped.\n")
        assert not home.exists()
        with socket.create_server(("127.0.0.1", port)):
            pass

    def test_an_error_that_is_not_the_ports_is_not_blamed_on_it(self, login, person, monkeypatch):
        def fail(*_, **__):
            raise OSError(28, "planted", "some file")

        monkeypatch.setattr(Profile, "save", fail)
        result = login()
        assert (result.exit_code, "Unexpected error (OSError)" in result.stderr) == (1, True)
        assert "planted" not in result.output

    def test_a_browser_that_is_waited_for_is_not_in_the_way(self, login, person, monkeypatch):
        start = webbrowser.open

        def wait_too(address):
            start(address)
            person.threads[0].join(60)

        monkeypatch.setattr("webbrowser.open", wait_too)
        assert login().exit_code == 0

    @pytest.mark.parametrize("error", [webbrowser.Error("planted"), OSError("planted")])
    def test_a_browser_that_does_not_start_leaves_the_address_to_open(self, login, monkeypatch, error, capfd):
        tried = threading.Event()

        def fail(_):
            tried.set()
            raise error

        def nobody(*_):
            assert tried.wait(30)
            raise KeyboardInterrupt

        monkeypatch.setenv("BROWSER", "broken")
        monkeypatch.setattr("webbrowser.open", fail)
        monkeypatch.setattr(CallbackReceiver, "wait", nobody)
        result = login()
        assert (result.exit_code, "/oauth/v2/auth?" in result.output) == (130, True)
        assert "planted" not in result.output + "".join(capfd.readouterr())

    @pytest.mark.parametrize(("there", "opened"), [("w3m", False), ("firefox", True), (None, False)])
    def test_a_browser_in_the_terminal_is_none(self, login, monkeypatch, there, opened):
        def get():
            if there is None:
                raise webbrowser.Error
            return webbrowser.GenericBrowser(there) if there == "w3m" else webbrowser.BackgroundBrowser(there)

        def nobody(*_):
            raise KeyboardInterrupt

        addresses = []
        monkeypatch.setattr("webbrowser.get", get)
        monkeypatch.setattr("webbrowser.open", addresses.append)
        monkeypatch.delenv("BROWSER", raising=False)
        monkeypatch.setattr(CallbackReceiver, "wait", nobody)
        output = login().output
        assert ("Could not open a browser" in output) == (not opened)
        assert ("Opening your browser" in output) == opened

    @pytest.mark.parametrize("where", ["a file", "/proc/self"])
    def test_where_nothing_can_be_saved_nobody_is_asked(self, login, person, monkeypatch, tmp_path, where):
        monkeypatch.setenv("ZOHORECRUIT_HOME", str(tmp_path / where))
        (tmp_path / "a file").write_text("where the directory should be")
        result = login()
        assert (result.exit_code, "redirect URI" in result.output) == (7, False)
        assert person.addresses == []

    def test_two_profiles_are_two_grants(self, login, person):
        login()
        result = login("--profile", "work")
        assert "zohorecruit get Candidates --profile work" in result.output
        assert "from_profile('work')" in result.output
        assert grant_of() != grant_of("work")

    def test_two_logins_at_once_on_one_profile_leave_one_of_them_whole(self, run, client, zoho):
        command = [sys.executable, "-m", "requests_zohorecruit", "exchange"]

        def login(_):
            return subprocess.run(command, input=zoho.new_code().encode(), capture_output=True, timeout=60, check=False)

        assert [ended.returncode for ended in in_threads(4, login)] == [0] * 4
        assert zoho.live_access_tokens(grant_of()) == 1
        assert run("status", "--check").exit_code == 0


class TestWithoutABrowser:
    def test_the_address_is_printed_and_the_redirect_is_pasted(self, run, client, zoho, monkeypatch, port):
        def paste(what, prompt, parse):
            return parse(zoho.consent(re.search(r"^    (https://\S+oauth\S+)$", printed(), re.MULTILINE)[1]))

        lines = []
        monkeypatch.setattr("requests_zohorecruit.cli.browser.click.echo", lines.append)
        monkeypatch.setattr("requests_zohorecruit.cli.browser.ask_secret", paste)

        def printed():
            return "\n".join(lines)

        assert run("login", "--port", port, "--no-browser").exit_code == 0
        assert zoho.live_access_tokens(grant_of()) == 1

    def test_in_a_pipe_the_redirect_is_a_line(self, login):
        result = login("--no-browser", input="http://127.0.0.1/callback?code=1000.a.b&state=old\n")
        assert (result.exit_code, "its state differs" in result.stderr) == (3, True)

    def test_nothing_pasted_is_told(self, login):
        result = login("--no-browser", input="\n")
        assert (result.exit_code, "No redirect address was given on standard input." in result.stderr) == (4, True)

    def test_another_registered_redirect_uri_can_be_used(self, login, zoho):
        result = login("--no-browser", "--redirect-uri", "https://www.example.com/zoho", input="x\n")
        assert "redirect_uri=https%3A%2F%2Fwww.example.com%2Fzoho" in result.output

    def test_with_a_browser_it_cannot(self, login, person):
        result = login("--redirect-uri", "https://www.example.com/zoho")
        assert (result.exit_code, "needs --no-browser" in result.stderr) == (2, True)


class TestWhoAsks:
    def test_the_client_may_come_from_options_and_the_secret_from_a_pipe(self, run, zoho, person, port):
        result = run(
            "login", "--port", port, "--client-id", zoho.client_id, "--region", "sandbox",
            "--accounts-url", zoho.region.accounts_url, "--recruit-url", zoho.region.recruit_url,
            input=f"{zoho.client_secret}\n",
        )  # fmt: skip
        assert (result.exit_code, result.stderr) == (0, "")

    def test_in_a_pipe_no_region_is_asked_for(self, run):
        result = run("login", "--client-id", "1000.X", input="")
        assert (result.exit_code, result.stderr.splitlines()[0]) == (4, "Error: No region was given.")
        assert "Look at the ending" not in result.output

    def test_on_a_terminal_what_is_missing_is_asked_for(self, run, answering):
        result = run("login", "--no-browser", input="1000.X\nmars\neu\nplanted-secret\nplanted-address\n")
        assert "Client ID: 1000.X\nLook at the ending of the address where you use Zoho Recruit:\n" in result.output
        assert "No Zoho region is named 'mars'; known are us, eu" in result.output
        assert "Region (code, country or address): eu\nClient secret (hidden): \n" in result.output
        assert "https://accounts.zoho.eu/oauth/v2/auth?" in result.output
        assert "That is not the redirect address" in result.output
        assert (result.exit_code, "planted" in result.output) == (130, False)  # there is no second line

    def test_on_a_terminal_what_cannot_be_is_explained_and_asked_again_at_once(self, run, answering):
        result = run("login", "--no-browser", input="bad id\n1000.X\neu\nplanted secret\nplanted-secret\n")
        client_id, _, rest = result.output.partition("Look at the ending")
        assert client_id.endswith(
            "Client ID: bad id\n"
            "Error: That does not look like a client ID: it contains a space, line break or other character that no "
            "client ID has.\nClient ID: 1000.X\n"
        )
        assert (
            "Client secret (hidden): \n"
            "That does not look like a client secret: it contains a space, line break or other character that no "
            "client secret has.\nClient secret (hidden): \n"
        ) in rest
        assert ("https://accounts.zoho.eu/oauth/v2/auth?" in rest, "planted" in rest) == (True, False)

    def test_a_client_id_from_an_option_is_checked_before_anything_is_asked(self, run, answering):
        result = run("login", "--client-id", "bad id")
        assert (result.exit_code, "That does not look like a client ID" in result.stderr) == (4, True)
        assert "Look at the ending" not in result.output

    def test_in_a_pipe_what_is_missing_is_named(self, run):
        result = run("login")
        assert (result.exit_code, result.stderr.splitlines()[0]) == (4, "Error: No client ID was given.")

    def test_a_secret_that_cannot_be_one_is_refused_without_showing_it(self, run):
        result = run("login", "--client-id", "1000.X", "--region", "eu", input="planted secret\n")
        assert (result.exit_code, "That does not look like a client secret: it contains a space" in result.stderr) == (
            4,
            True,
        )
        assert "planted" not in result.output

    def test_an_unknown_region_lists_the_known_ones(self, run):
        result = run("login", "--client-id", "1000.X", "--region", "mars", input="secret\n")
        assert (result.exit_code, "known are us, eu" in result.stderr) == (4, True)
        assert result.stderr.splitlines()[-1].startswith("See `zohorecruit regions`")

    def test_another_client_is_not_given_the_profiles_secret(self, granted, run):
        granted()
        result = run("login", "--client-id", "1000.OTHER", "--region", "eu", input="")
        assert "No client secret was given on standard input." in result.stderr

    @pytest.mark.parametrize("lost", [{"client_secret": None}, {"region": "mars"}])
    def test_a_login_repairs_a_damaged_profile(self, granted, run, client, zoho, lost):
        granted()
        file = FileStore(Profile().directory / "application.json")
        file.save({"client_id": zoho.client_id, "client_secret": zoho.client_secret, "region": "sandbox", **lost})
        assert run("status").exit_code in {4, 7}
        assert run("exchange", input=f"{zoho.new_code()}\n").exit_code == 0
        assert run("status", "--check").exit_code == 0

    @pytest.mark.parametrize("text", ["}{", "", "[]", "7", "\x00", '{"client_id": ' + "[" * 10**5, '"x"', "{}"])
    @pytest.mark.parametrize("way", ["exchange", "login"])
    def test_a_login_repairs_a_profile_whose_file_is_no_json(self, granted, run, client, zoho, person, port, text, way):
        file = granted().directory / "application.json"
        file.write_text(text)
        result = run("status")
        assert result.exit_code == 7
        assert f"Profile default is damaged: {file} is not a valid client file." in result.stderr
        assert ("token" in result.stderr, "run `zohorecruit login`" in result.stderr) == (False, True)
        arguments = ("exchange",) if way == "exchange" else ("login", "--port", port)
        assert run(*arguments, input=f"{zoho.new_code()}\n").exit_code == 0
        assert run("status", "--check").exit_code == 0

    def test_a_file_that_cannot_be_read_is_not_replaced(self, granted, run, client, zoho):
        directory = granted().directory
        (directory / "application.json").unlink()
        (directory / "application.json").mkdir()
        result = run("exchange", input=f"{zoho.new_code()}\n")
        assert (result.exit_code != 0, zoho.token_requests) == (True, 0)

    def test_another_region_is_not_given_the_profiles_secret(self, granted, run):
        granted()
        result = run("login", "--region", "eu", input="")
        assert "No client secret was given on standard input." in result.stderr

    def test_a_profile_must_have_a_decent_name(self, run):
        result = run("login", "--profile", "../x")
        assert (result.exit_code, "A profile name must have" in result.stderr) == (2, True)


class TestExchange:
    def test_a_self_clients_code_becomes_a_grant(self, run, client, zoho):
        result = run("exchange", input=f"{zoho.new_code()}\n")
        assert (result.exit_code, result.stderr) == (0, "")
        assert zoho.live_access_tokens(grant_of()) == 1
        assert "redirect_uri" not in zoho.received[-1]["form"]

    def test_secret_and_code_may_come_through_one_pipe(self, run, client, zoho, monkeypatch):
        monkeypatch.delenv("ZOHORECRUIT_CLIENT_SECRET")
        assert run("exchange", input=f"{zoho.client_secret}\n{zoho.new_code()}\n").exit_code == 0

    def test_a_code_that_cannot_be_one_is_refused_without_showing_it(self, run, client, zoho):
        result = run("exchange", input="planted code\n")
        assert (result.exit_code, "That does not look like a code: it contains a space" in result.stderr) == (1, True)
        assert "planted" not in result.output
        assert zoho.token_requests == 0

    def test_on_a_terminal_such_a_code_is_asked_for_again(self, run, client, zoho, answering):
        result = run("exchange", input=f"planted code\n{zoho.new_code()}\n")
        assert (result.exit_code, "That does not look like a code: it contains a space" in result.output) == (0, True)
        assert "planted" not in result.output

    def test_a_used_code_is_a_matter_of_asking_again(self, run, client, zoho):
        code = zoho.new_code()
        run("exchange", input=f"{code}\n")
        for name in ((), ("--profile", "work")):
            result = run("exchange", *name, input=f"{code}\n")
            assert result.exit_code == 3
            told = result.stderr.splitlines()[-1]
            assert "Generate a new code" in told
            assert f"`{' '.join(('zohorecruit exchange', *name))}`" in told

    def test_the_keyring_is_remembered(self, run, client, zoho, monkeypatch, stored):
        entries = {}

        class Store(FileStore):
            def __init__(self, username):
                self._username = username
                super().__init__(f"{username}.json")

            def load(self):
                return entries.get(self._username)

            def overwrite(self, record):
                entries[self._username] = dict(record)

        monkeypatch.chdir(Profile().directory.parent.parent)
        monkeypatch.setattr("requests_zohorecruit.login.profiles._open_keyring", Store)
        result = run("exchange", "--keyring", input=f"{zoho.new_code()}\n")
        assert "is in the system's keyring" in result.output
        run("exchange", input=f"{zoho.new_code()}\n")
        assert zoho.client_secret in str(entries)
        assert zoho.client_secret not in stored()
        run("exchange", "--no-keyring", input=f"{zoho.new_code()}\n")
        assert zoho.client_secret not in str(entries)


class TestReceiver:
    def test_only_zohos_redirect_is_taken_and_only_once(self, port):
        with CallbackReceiver(port) as receiver:
            at = f"http://127.0.0.1:{port}"
            assert requests.get(f"{at}/favicon.ico", timeout=30).status_code == 404
            assert requests.get(f"{at}/callback/more", timeout=30).status_code == 404
            assert (
                requests.get(f"{at}/callback?code=x", headers={"Host": "evil.example"}, timeout=30).status_code == 404
            )
            assert requests.post(f"{at}/callback?code=x", timeout=30).status_code == 501
            assert receiver.wait(0) is None
            first = threading.Thread(target=requests.get, args=(f"{at}/callback?code=1",), kwargs={"timeout": 30})
            first.start()
            assert receiver.wait(30) == f"{at}/callback?code=1"
            assert requests.get(f"{at}/callback?code=2", timeout=30).status_code == 410
            receiver.show("Done", "<b>")
            first.join(30)
            assert receiver.wait(0) is None

    def test_T61_it_listens_on_this_machine_only(self, port):
        with CallbackReceiver(port) as receiver:
            assert receiver._server.server_address == ("127.0.0.1", port)

    def test_what_the_page_says_is_text(self, port):
        pages = []
        with CallbackReceiver(port) as receiver:
            thread = threading.Thread(
                target=lambda: pages.append(requests.get(build_loopback_uri(port), timeout=30).text)
            )
            thread.start()
            receiver.wait(30)
            receiver.show("Done", "<b>")
            thread.join(30)
        assert "&lt;b&gt;" in pages[0]

    def test_T60_the_address_does_not_show_in_a_traceback_with_locals(self, port):
        with CallbackReceiver(port) as receiver:
            threading.Thread(
                target=requests.get, args=(f"{build_loopback_uri(port)}?code=planted",), daemon=True
            ).start()
            assert "planted" not in repr(receiver.wait(30))
            receiver.show("Done", "")

    def test_a_browser_that_hangs_up_is_no_error(self, port, capfd):
        with CallbackReceiver(port) as receiver:
            with socket.create_connection(("127.0.0.1", port)) as browser:
                browser.sendall(f"GET /callback?code=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                assert receiver.wait(30)
                browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            receiver.show("Done", "x" * 10_000_000)
        assert capfd.readouterr() == ("", "")

    def test_connections_that_say_nothing_keep_nobody_waiting(self, port):
        with CallbackReceiver(port) as receiver, socket.create_connection(("127.0.0.1", port)):
            thread = threading.Thread(target=requests.get, args=(build_loopback_uri(port),), kwargs={"timeout": 30})
            thread.start()
            assert receiver.wait(30)
            receiver.show("Done", "")
            thread.join(30)


def test_the_default_port_is_the_sandboxs_own():
    from requests_zohorecruit.sandbox import Sandbox

    with Sandbox() as zoho:
        assert zoho.redirect_uri == build_loopback_uri(8400)
        assert zoho.region not in Region.all()


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("client_secret contains a space", "That does not look like a client secret: it contains a space."),
        ("client_id is empty", "That does not look like a client ID: it is empty."),
        ("there is no such region", "There is no such region."),
        ("That is nothing.", "That is nothing."),
    ],
)
def test_what_is_wrong_with_an_entry_is_told_in_a_sentence(message, told):
    assert describe_problem(ValueError(message)) == told
