"""Looking after a grant: `status`, `refresh`, `revoke`; and `get`, to see what it opens."""

from __future__ import annotations

import io
import json
import re
import sys
import time
from email.utils import formatdate

import pytest
import requests
from click.testing import CliRunner
from rich.console import Console

from requests_zohorecruit import FileStore, TokenEndpointError
from requests_zohorecruit.cli.app import app
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

CANDIDATES = "https://recruit.zoho.eu/recruit/v2/Candidates"


def answered(mock, status=200, *, body=None, **options):
    mock.get(CANDIDATES, json=body if body is not None else {"data": []}, status=status, **options)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def on_a_terminal(monkeypatch):
    """Return a function that runs a command whose output is a terminal, and gives what that shows."""

    def invoke(*arguments):
        screen = Terminal()
        monkeypatch.setattr(sys, "stdout", screen)
        try:
            code = app(arguments, standalone_mode=False)
        except SystemExit as ended:
            code = ended.code
        return code, screen.getvalue()

    return invoke


class TestStatus:
    def test_it_tells_what_there_is_to_know_and_sends_nothing(self, run, granted, zoho):
        granted()
        output = run("status").output
        for told in (zoho.client_id, "sandbox", "127.0.0.1", "token.json", "of 10 in the last 10 minutes"):
            assert told in output
        assert zoho.received == []

    def test_as_json_it_is_for_programs(self, run, granted, zoho, home):
        granted(expires_at=time.time() + 600)
        facts = json.loads(run("status", "--json").output)
        assert 0 < facts.pop("expires_in") <= 600
        assert facts.pop("expires_at") == pytest.approx(time.time() + 600, abs=30)
        fingerprints = [facts.pop(name) for name in ("grant", "access_token")]
        assert all(re.fullmatch("#[0-9a-f]{8}", each) for each in fingerprints)
        assert facts == {
            "source": "profile",
            "profile": "default",
            "client_id": zoho.client_id,
            "region": "sandbox",
            "hosts": sorted(zoho.region.hosts),
            "scope": [],
            "grant_kind": "refresh token",
            "soid": None,
            "mints": {"recent": 0, "allowed": 10, "window": 600.0},
            "cool_down": 0,
            "rejection_pause": 0,
            "last_failure": None,
            "store": f"Profile default ({home}/default/token.json)",
        }

    def test_T60_it_shows_no_secret(self, run, granted, zoho):
        granted()
        output = run("status").output + run("status", "--json").output
        assert zoho.client_secret not in output
        assert "1000." not in output.replace(zoho.client_id, "")

    def test_mints_cool_down_and_the_last_failure_are_told(self, run, granted, zoho):
        granted()
        zoho.fault("throttle")
        assert run("get", "Candidates").exit_code == 5
        facts = json.loads(run("status", "--json").output)
        assert 50 < facts["cool_down"] <= 60
        assert "Access Denied" in facts["last_failure"]
        assert re.search(r"cool down\s+no token is requested for (1 min|\d+ s)", run("status").output)

    def test_after_a_revocation_there_is_nothing_to_tell(self, run, granted):
        granted()
        run("revoke", "--yes")
        facts = json.loads(run("status", "--json").output)
        assert (facts["grant"], facts["access_token"], facts["expires_in"]) == (None, None, None)
        assert "There is no grant. Run `zohorecruit login` to get one." in run("status").output

    def test_an_expired_token_is_over(self, run, granted):
        granted(expires_at=1.0)
        assert re.search(r"expires in\s+over", run("status").output)

    def test_a_live_one_has_time_left(self, run, granted):
        granted(expires_at=time.time() + 125.4)
        assert re.search(r"expires in\s+[12] min \d+ s", run("status").output)

    def test_no_profile_is_a_matter_of_logging_in(self, run):
        result = run("status", "--profile", "work")
        assert (result.exit_code, result.stderr.splitlines()[-1]) == (3, "Run `zohorecruit login --profile work`.")

    def test_where_one_is_missing_the_others_are_listed(self, run, granted, home):
        granted("work")
        granted("private")
        (home / "not a profile").mkdir()
        (home / "not a profile/application.json").write_text("{}")
        result = run("status", "--profile", "other")
        first = result.stderr.splitlines()[0]
        assert (result.exit_code, first) == (
            3,
            f"Error: There is no profile named other in {home} (there are: private, work).",
        )

    def test_mints_count_as_for_the_engine_also_after_a_clock_that_was_ahead(self, run, granted):
        store, now = granted().load().store, time.time()
        store.save({**store.load(), "mint_times": [now + 1e6, now + 100, now - 100, now - 1e6]})
        assert json.loads(run("status", "--json").output)["mints"]["recent"] == 2

    def test_a_damaged_file_is_named(self, run, granted, home):
        granted()
        (home / "default/token.json").write_text("}{")
        result = run("status")
        assert (result.exit_code, "token.json" in result.stderr) == (7, True)

    def test_a_record_of_another_client_is_refused(self, run, granted, home):
        granted()
        FileStore(home / "default/token.json").save({"client_id": "1000.OTHER", "refresh_token": "1000.a.b"})
        result = run("status")
        assert (result.exit_code, "token.json" in result.stderr) == (7, True)
        assert run("status", "--check").exit_code == 7


class TestCheck:
    def test_all_is_well(self, run, granted, zoho):
        granted()
        result = run("status", "--check")
        assert (result.exit_code, "the API accepts the token" in result.output) == (0, True)
        assert (zoho.token_requests, zoho.api_requests) == (1, 1)

    def test_a_dead_grant(self, run, granted):
        granted(refresh_token="1000.dead.grant")
        result = run("status", "--check")
        assert (result.exit_code, result.stderr.splitlines()[-1]) == (3, "Run `zohorecruit login`.")

    def test_the_wrong_region_or_client(self, run, granted, zoho):
        granted()
        file = FileStore(Profile().directory / "application.json")
        file.save({**file.load(), "client_secret": "another-secret"})
        result = run("status", "--check")
        assert (result.exit_code, "Zoho can issue one secret per data centre" in result.stderr) == (4, True)

    def test_an_api_of_another_region(self, run, granted, zoho):
        granted()
        zoho.reject_all = True
        result = run("status", "--check")
        assert (result.exit_code, "the API host is in another region" in result.stderr) == (4, True)

    @pytest.mark.parametrize(
        ("scope", "path"),
        [
            ("ZohoRecruit.modules.ALL", "Candidates"),
            ("ZohoRecruit.modules.READ", "Candidates"),
            ("ZohoRecruit.modules.candidates.READ", "Candidates"),
            ("ZohoRecruit.modules.candidate.ALL", "Candidates"),
            ("ZohoRecruit.modules.jobopening.READ", "JobOpenings"),
            ("ZohoRecruit.users.ALL", "users"),
            ("ZohoRecruit.org.READ", "org"),
            ("ZohoRecruit.settings.ALL", "settings/modules"),
            ("ZohoRecruit.settings.modules.READ", "settings/modules"),
            ("ZohoRecruit.settings.tags.READ", "settings/modules"),
            ("ZohoRecruit.modules.CREATE", "Candidates"),
            ("ZohoRecruit.modules.custom_1.READ", "Candidates"),
            ("ZohoCRM.modules.ALL,ZohoRecruit.users.READ", "users"),
        ],
    )
    def test_what_is_tried_is_what_the_scopes_are_for(self, run, granted, zoho, scope, path):
        granted(refresh_token=zoho.new_grant(scope))
        result = run("status", "--check")
        assert (result.exit_code, "the API accepts the token" in result.output) == (0, True), result.stderr
        [tried] = [each["path"] for each in zoho.received if each["path"].startswith("/recruit")]
        assert tried.partition("?")[0] == f"/recruit/v2/{path}"

    def test_a_scope_that_does_not_do_what_it_says(self, run, abroad):
        store = Profile().load().store
        store.save({**store.load(), "scope": "ZohoRecruit.modules.ALL"})
        answered(abroad, 401, body={"code": "OAUTH_SCOPE_MISMATCH"})
        result = run("status", "--check")
        assert (result.exit_code, "Run `zohorecruit login --scope …`" in result.stderr.splitlines()[-1]) == (8, True)

    @pytest.mark.parametrize(
        ("status", "code"),
        [(403, "NO_PERMISSION"), (403, "x y"), (400, "NO_PERMISSION"), (400, "AUTHORIZATION_FAILED")],
    )
    def test_a_missing_permission(self, run, abroad, status, code):
        answered(abroad, status, body={"code": code})
        result = run("status", "--check")
        assert (result.exit_code, "Ask an administrator" in result.stderr) == (8, True)

    @pytest.mark.parametrize(("ahead", "told"), [(-7200, "7200 s ahead of"), (7200, "7200 s behind")])
    def test_a_clock_that_is_off(self, run, abroad, ahead, told):
        answered(abroad, headers={"Date": formatdate(time.time() + ahead, usegmt=True)})
        result = run("status", "--check")
        assert result.exit_code == 9
        assert re.sub(r"7(199|201) s", "7200 s", result.stderr).startswith(
            f"Error: This machine's clock is {told} Zoho's."
        )

    @pytest.mark.parametrize("date", [None, "yesterday", "now"])
    def test_a_clock_that_is_right_or_cannot_be_compared(self, run, abroad, date):
        answered(abroad, headers={"Date": formatdate(usegmt=True) if date == "now" else date} if date else {})
        assert run("status", "--check").exit_code == 0

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (requests.exceptions.SSLError("planted"), "The TLS connection to recruit.zoho.eu failed."),
            (requests.exceptions.ReadTimeout("planted"), "recruit.zoho.eu did not answer in time."),
            (requests.exceptions.ProxyError("planted"), "Could not connect to recruit.zoho.eu."),
        ],
    )
    def test_no_network(self, run, abroad, error, told):
        abroad.get(CANDIDATES, body=error)
        result = run("status", "--check")
        assert (result.exit_code, result.stderr.splitlines()[0]) == (6, f"Error: {told}")
        assert "planted" not in result.output

    def test_a_throttled_grant(self, run, granted, zoho):
        granted()
        zoho.fault("throttle")
        assert run("status", "--check").exit_code == 5

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"code": 7}'])
    def test_anything_else_is_told_as_it_is(self, run, abroad, body):
        abroad.get(CANDIDATES, body=body, status=500)
        result = run("status", "--check")
        assert (result.exit_code, result.stderr) == (6, "Error: recruit.zoho.eu answered HTTP 500.\nTry again later.\n")

    def test_a_path_that_recruit_does_not_know_is_a_matter_of_spelling(self, run, abroad):
        answered(abroad, 404, body={"code": "INVALID_URL_PATTERN"})
        result = run("status", "--check")
        assert (result.exit_code, "HTTP 404 (INVALID_URL_PATTERN)" in result.stderr) == (1, True)
        assert "Check the path" in result.stderr

    def test_too_many_api_calls_are_a_matter_of_waiting(self, run, abroad):
        answered(abroad, 429, body={"code": "TOO_MANY_REQUESTS"})
        result = run("status", "--check")
        assert (result.exit_code, "HTTP 429 (TOO_MANY_REQUESTS)" in result.stderr) == (5, True)

    @pytest.mark.parametrize("words", ["certificate is not yet valid", "certificate has expired"])
    def test_a_certificate_out_of_its_time_is_a_matter_of_the_clock(self, run, abroad, words):
        abroad.get(CANDIDATES, body=requests.exceptions.SSLError(f"planted: {words}"))
        result = run("status", "--check")
        assert (
            result.exit_code,
            "The certificate of recruit.zoho.eu is not valid at this machine's time" in result.stderr,
        ) == (9, True)


class TestCheckWithoutAToken:
    """Nothing can be said to the API before Zoho Accounts was asked for a token, which may be what fails."""

    @pytest.fixture
    def accounts(self, abroad):
        Profile().save(
            Application.create("1000.CLIENT", "planted-secret", "eu"), Token("1000.a.b", "1000.c.d", 0.0), now=0.0
        )
        abroad.post("https://accounts.zoho.eu/oauth/v2/token", body=requests.ConnectionError("planted"))
        return abroad

    @pytest.mark.parametrize(
        ("problem", "code", "told"),
        [
            (requests.exceptions.SSLError("certificate has expired"), 9, "The certificate of"),
            (requests.exceptions.SSLError("self-signed"), 6, "The TLS connection to accounts.zoho.eu"),
            (requests.ConnectionError("planted"), 6, "Could not connect to accounts.zoho.eu."),
        ],
    )
    def test_the_reason_is_found_out_without_a_secret(self, run, accounts, problem, code, told):
        accounts.head("https://accounts.zoho.eu/", body=problem)
        result = run("status", "--check")
        assert (result.exit_code, told in result.stderr, "planted" in result.output) == (code, True, False)
        assert accounts.calls[-1].request.body is None
        assert "Authorization" not in accounts.calls[-1].request.headers

    @pytest.mark.parametrize(("ahead", "code"), [(7200, 9), (0, 6)])
    def test_a_clock_that_is_off_is_seen_there_too(self, run, accounts, ahead, code):
        accounts.head("https://accounts.zoho.eu/", headers={"Date": formatdate(time.time() + ahead, usegmt=True)})
        assert run("status", "--check").exit_code == code

    def test_an_answer_that_makes_no_sense_is_told_as_it_is(self, run, granted, zoho):
        granted()
        zoho.fault("server-error")
        result = run("status", "--check")
        assert (result.exit_code, "Zoho Accounts (127.0.0.1:" in result.stderr) == (6, True)

    def test_json_and_the_problem_come_together(self, run, granted):
        granted(refresh_token="1000.dead.grant")
        result = run("status", "--check", "--json")
        assert json.loads(result.stdout)["check"] in result.stderr
        assert result.exit_code == 3


class TestRefresh:
    def test_it_replaces_a_token_that_still_lives(self, run, granted, zoho):
        profile = granted()
        assert "is valid for 60 minutes" in run("refresh").output
        before = profile.load().store.load()["access_token"]
        result = run("refresh")
        assert profile.load().store.load()["access_token"] != before
        assert zoho.token_requests == 2
        assert "1000." not in result.output

    def test_a_dead_grant_says_log_in(self, run, granted):
        granted("work", refresh_token="1000.dead.grant")
        result = run("refresh", "--profile", "work")
        assert (result.exit_code, result.stderr.splitlines()[-1]) == (3, "Run `zohorecruit login --profile work`.")


class TestRevoke:
    def test_it_ends_the_grant_and_keeps_the_client(self, run, granted, zoho, stored):
        granted()
        result = run("revoke", "--yes")
        assert "is revoked. For a new one: zohorecruit login" in result.output
        assert zoho.refresh_token not in stored()
        assert Profile().load().application.client_id == zoho.client_id
        assert run("get", "Candidates").exit_code == 3

    def test_it_asks_first(self, run, granted, zoho, answering):
        granted()
        result = run("revoke", input="n\n")
        assert (result.exit_code, result.stderr) == (1, "Nothing was changed.\n")
        assert zoho.received == []
        assert run("revoke", input="y\n").exit_code == 0

    def test_in_a_pipe_there_is_nobody_to_ask(self, run, granted, zoho):
        granted()
        result = run("revoke")
        assert (result.exit_code, "pass --yes" in result.stderr) == (2, True)
        assert zoho.received == []

    def test_a_second_time_there_is_nothing_to_revoke(self, run, granted, zoho):
        granted("work")
        assert run("revoke", "--yes", "--profile", "work").exit_code == 0
        requests_so_far = len(zoho.received)
        result = run("revoke", "--yes", "--profile", "work")
        assert (result.exit_code, result.output) == (0, "Profile work has no grant to revoke.\n")
        assert len(zoho.received) == requests_so_far

    def test_of_a_profile_that_does_not_exist_it_is_an_error(self, run):
        assert run("revoke", "--yes").exit_code == 3

    def test_a_grant_that_has_already_ended_is_no_error(self, run, granted, zoho, stored):
        granted("work", refresh_token="1000.dead.grant")
        told = (
            "The grant of profile work had already ended. For a new one: zohorecruit login --profile work\n"
            "To remove the profile: zohorecruit logout --profile work\n"
        )
        for _ in range(2):
            result = run("revoke", "--yes", "--profile", "work")
            assert (result.exit_code, result.output) == (0, told)
        assert zoho.token_requests == 1  # the second time the answer is known
        assert "1000.dead.grant" in stored()

    @pytest.mark.parametrize("status", [400, 500])
    def test_a_grant_that_still_works_was_not_revoked(self, run, granted, zoho, stored, status, monkeypatch):
        granted()

        def fail(*_):
            raise TokenEndpointError("Not confirmed.", status_code=status)

        monkeypatch.setattr(TokenEndpoint, "revoke", fail)
        assert run("revoke", "--yes").exit_code == 6
        assert (zoho.refresh_token in stored(), zoho.token_requests) == (True, 1 if status == 400 else 0)

    def test_a_grant_that_cannot_be_asked_about_was_not_revoked(self, run, granted, zoho, stored):
        granted(refresh_token="1000.dead.grant")
        zoho.fault("throttle")
        assert run("revoke", "--yes").exit_code == 6
        assert "1000.dead.grant" in stored()


class TestWhatZohoSays:
    def test_message_and_details_are_shown(self, run, granted):
        granted()
        result = run("get", "Candidates/7")
        assert result.exit_code == 1
        assert 'Zoho says: the id given seems to be invalid {"id": "7"}' in result.stderr

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (400, {"data": [{"code": "INVALID_DATA", "message": "some words", "details": {"api_name": "Email"}}]}),
            (400, {"code": "INVALID_DATA", "message": "some words", "details": {"api_name": "Email"}}),
            (403, {"code": "NO_PERMISSION", "message": "some words", "details": {"api_name": "Email"}}),
            (401, {"code": "OAUTH_SCOPE_MISMATCH", "message": "some words", "details": {"api_name": "Email"}}),
            (401, {"code": "OTHER", "message": "some words", "details": {"api_name": "Email"}}),
            (404, {"message": "some words", "code": "x y", "details": {"api_name": "Email"}}),
            (429, {"code": "TOO_MANY", "message": "some\n words", "details": {"api_name": "Email"}}),
            (500, {"code": "INTERNAL_ERROR", "message": "some words", "details": {"api_name": "Email"}}),
        ],
    )
    @pytest.mark.parametrize("options", [(), ("--all",)])
    def test_with_every_kind_of_refusal(self, run, abroad, status, body, options):
        answered(abroad, status, body=body)
        result = run("get", "Candidates", *options)
        assert 'Zoho says: some words {"api_name": "Email"}' in result.stderr

    @pytest.mark.parametrize("body", [{"message": "", "details": {}}, {"data": []}, {"data": [7]}, [], "text", None])
    def test_nothing_is_made_up(self, run, abroad, body):
        abroad.get(CANDIDATES, json=body, status=400)
        result = run("get", "Candidates")
        assert (result.exit_code, "Zoho says" in result.stderr) == (1, False)

    def test_a_long_text_is_cut(self, run, abroad):
        answered(abroad, 400, body={"code": "X", "message": "x" * 5000})
        assert 1000 < len(run("get", "Candidates").stderr) < 1200


def test_a_hint_to_log_in_names_the_profile(run, granted, zoho):
    granted("work", refresh_token=zoho.new_grant("ZohoRecruit.users.ALL"))
    result = run("get", "Candidates", "--profile", "work")
    assert (result.exit_code, "    zohorecruit login --profile work --scope" in result.stderr) == (8, True)


class TestGet:
    @pytest.mark.parametrize("path", ["JobOpenings?per_page=1", "/recruit/v2/JobOpenings?per_page=1"])
    def test_in_a_pipe_the_answer_is_printed_as_it_came(self, run, granted, path):
        granted()
        output = run("get", path).stdout
        assert output.startswith('{"data":[{"Posting_Title":"Senior Backend Engineer"')
        assert json.loads(output)["info"]["more_records"]

    def test_a_whole_url_will_do(self, run, granted, zoho):
        granted()
        assert json.loads(run("get", f"{zoho.region.recruit_url}/recruit/v2/JobOpenings").stdout)["info"]["count"] == 4

    @pytest.mark.parametrize("url", ["https://evil.example/recruit/v2/Candidates", "http://recruit.zoho.eu/x"])
    def test_T32_T33_the_token_goes_nowhere_else(self, run, abroad, url):
        result = run("get", url)
        assert (result.exit_code, len(abroad.calls)) == (4, 0)
        assert "recruit.zoho.eu" in result.stderr.splitlines()[-1]

    def test_on_a_terminal_json_is_made_readable(self, granted, on_a_terminal):
        granted()
        _, shown = on_a_terminal("get", "JobOpenings")
        assert '    "Posting_Title": "Senior Backend Engineer",\n' in re.sub("\x1b\\[[0-9;]*m", "", shown).replace(
            "      ", "    "
        )

    @pytest.mark.parametrize(("kind", "code", "shown"), [("text/plain", None, "hello\n"), ("application/pdf", 1, "")])
    def test_on_a_terminal_files_are_not_shown(self, abroad, on_a_terminal, kind, code, shown, capsys):
        abroad.get(CANDIDATES, body="hello", content_type=kind)
        if code:
            with pytest.raises(Exception, match="Save it with > name"):
                on_a_terminal("get", "Candidates")
        else:
            assert on_a_terminal("get", "Candidates")[1] == shown

    def test_what_only_says_that_it_is_json_is_shown_as_it_is(self, abroad, on_a_terminal):
        abroad.get(CANDIDATES, body="{no", content_type="application/json")
        assert on_a_terminal("get", "Candidates")[1] == "{no\n"

    def test_an_empty_list_is_said_to_be_one(self, run, granted):
        granted()
        result = run("get", "Candidates?page=9")
        assert (result.stdout, result.stderr) == ("", "No content (HTTP 204).\n")

    def test_what_the_api_refuses_is_told(self, run, granted):
        granted()
        result = run("get", "Nothing")
        assert (result.exit_code, "answered HTTP 501 (NOT_IN_SANDBOX)" in result.stderr) == (1, True)
        hint = "This library's documentation lists what the sandbox has (docs/reference/sandbox.rst)."
        assert result.stderr.splitlines()[-1] == hint

    @pytest.mark.parametrize("options", [(), ("--all",)])
    def test_no_connection_is_told(self, run, abroad, options):
        abroad.get(CANDIDATES, body=requests.ConnectionError("planted"))
        assert run("get", "Candidates", *options).exit_code == 6

    def test_all_follows_the_pages_and_prints_lines(self, run, granted, zoho, monkeypatch):
        monkeypatch.setattr("requests_zohorecruit.cli.records._PER_PAGE", 5)
        granted()
        result = run("get", "Candidates", "--all")
        records = [json.loads(line) for line in result.stdout.splitlines()]
        assert len(records) == 12
        assert "Lucía" in result.stdout
        assert (zoho.api_requests, result.stderr) == (3, "")

    def test_all_begins_with_the_page_that_the_address_names_and_says_so(self, run, abroad):
        answered(abroad, body={"data": [{"id": "1"}]})
        result = run("get", "Candidates?page=2&per_page=3&fields=Last_Name", "--all")
        assert result.stdout == '{"id": "1"}\n'
        assert result.stderr == "The first page to be fetched is 2, as the query says.\n"
        [call] = abroad.calls
        assert call.request.url == f"{CANDIDATES}?fields=Last_Name&page=2&per_page=3"

    def test_all_ends_with_an_empty_page_even_if_more_are_promised(self, run, abroad):
        answered(abroad, body={"data": [], "info": {"more_records": True}})
        assert run("get", "Candidates", "--all").exit_code == 0
        assert len(abroad.calls) == 1

    def test_all_of_nothing_is_nothing(self, run, abroad):
        abroad.get(CANDIDATES, status=204)
        result = run("get", "Candidates", "--all")
        assert (result.exit_code, result.output) == (0, "")

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"data": [{}], "info": []}'])
    def test_all_of_something_else_is_told(self, run, abroad, body):
        abroad.get(CANDIDATES, body=body)
        result = run("get", "Candidates", "--all")
        assert (result.exit_code, "The answer is not a list of records" in result.stderr) == (1, True)

    def test_all_tells_what_the_api_refuses(self, run, granted):
        granted()
        assert run("get", "Nothing", "--all").exit_code == 1

    def test_an_encoding_without_the_letters_gets_escapes(self, granted):
        granted()
        result = CliRunner(charset="ascii").invoke(app, ["get", "Candidates", "--all"])
        assert "Luc\\u00eda" in result.stdout

    def test_a_bar_is_shown_where_it_is_in_nobodys_way(self, run, granted, monkeypatch):
        granted()
        shown = io.StringIO()

        def console(**_):
            return Console(file=shown, force_terminal=True, width=80)

        monkeypatch.setattr("requests_zohorecruit.cli.records.open_console", console)
        assert len(run("get", "Candidates", "--all").stdout.splitlines()) == 12
        assert "12 records" in shown.getvalue()


def test_T60_a_traceback_shows_no_secret(run, granted, zoho):
    granted(refresh_token="1000.dead.grant")
    result = run("--debug", "get", "Candidates")
    assert "Traceback (most recent call last)" in result.stderr
    assert zoho.client_secret not in result.output
    assert "1000." not in result.output.replace(zoho.client_id, "")


def test_completion_knows_the_profiles(granted, run):
    granted("work")
    granted("private")
    environment = {
        "_ZOHORECRUIT_COMPLETE": "bash_complete",
        "COMP_WORDS": "zohorecruit status --profile w",
        "COMP_CWORD": "3",
    }
    result = CliRunner().invoke(app, [], prog_name="zohorecruit", env=environment)
    assert result.output.split() == ["plain,work"]
