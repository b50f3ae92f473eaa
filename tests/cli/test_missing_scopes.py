"""A call that the scopes of a grant do not cover: the hint is a command that helps, and keeps the scopes there are."""

from __future__ import annotations

import json
import shlex

import pytest
from helpers.terminals import run_on_terminal, strip_styles

from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.grants import ClientCredentials

CANDIDATES = "ZohoRecruit.modules.ALL"
NEW = json.dumps({"data": [{"Last_Name": "Núñez"}]})


def find_command(text):
    """Return the words of the command that a hint shows on a line of its own."""
    [line] = [line for line in text.splitlines() if line.startswith("    ")]
    return shlex.split(line)


@pytest.mark.parametrize(
    ("present", "call", "missing"),
    [
        (CANDIDATES, "GET users", "ZohoRecruit.users.ALL"),
        (CANDIDATES, "GET users?type=AllUsers", "ZohoRecruit.users.ALL"),
        (CANDIDATES, "GET /recruit/v2/org", "ZohoRecruit.org.ALL"),
        (CANDIDATES, "GET settings/modules", "ZohoRecruit.settings.ALL"),
        (CANDIDATES, "GET Candidates/search?word=x", "ZohoSearch.securesearch.READ"),
        ("ZohoRecruit.users.ALL", "GET Candidates", CANDIDATES),
        ("ZohoRecruit.users.ALL", "GET Job_Openings?per_page=1", CANDIDATES),
        ("ZohoRecruit.users.ALL", "GET Candidates/search?word=x", f"{CANDIDATES},ZohoSearch.securesearch.READ"),
        ("ZohoRecruit.modules.READ,ZohoRecruit.org.READ", "POST Candidates", CANDIDATES),
    ],
)
def test_the_printed_login_adds_what_the_call_needs_and_then_it_works(
    run, granted, zoho, client, person, present, call, missing
):
    method, path = call.split()
    arguments = ["api", method, path, *(("-d", NEW) if method == "POST" else ())]
    profile = granted(refresh_token=zoho.new_grant(present))
    refused = run(*arguments)
    assert (refused.exit_code, refused.stdout) == (8, "")
    command = find_command(refused.stderr)
    assert command == ["zohorecruit", "login", "--scope", f"{present},{missing}"]
    port = zoho.redirect_uri.split(":")[2].partition("/")[0]
    assert run(*command[1:], "--port", port).exit_code == 0
    assert ",".join(profile.load().store.load()["scope"]) == f"{present},{missing}"
    assert run(*arguments).exit_code == 0


def test_paging_says_the_same(run, granted, zoho):
    granted("work", refresh_token=zoho.new_grant(CANDIDATES))
    for options in ((), ("--all",), ("--csv",)):
        refused = run("get", "users", "--profile", "work", *options)
        assert find_command(refused.stderr)[1:] == [
            *("login", "--profile", "work", "--scope"),
            f"{CANDIDATES},ZohoRecruit.users.ALL",
        ]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.usefixtures("measured_processes")
def test_on_a_terminal_the_command_is_one_line_to_copy(granted, zoho, columns):
    granted(refresh_token=zoho.new_grant(f"{CANDIDATES},ZohoRecruit.settings.ALL"))
    code, screen = run_on_terminal("get", "users", columns=columns)
    command = find_command(strip_styles(screen))
    assert (code, command[-1]) == (8, f"{CANDIDATES},ZohoRecruit.settings.ALL,ZohoRecruit.users.ALL")


@pytest.mark.parametrize(
    ("scope", "path", "hint"),
    [
        (CANDIDATES, "coql", f"with the present scopes ({CANDIDATES}) and the one that Zoho's documentation"),
        (CANDIDATES.lower(), "Candidates", f"with the present scopes ({CANDIDATES.lower()}) and the one that"),
        (None, "users", "with the present scopes and ZohoRecruit.users.ALL."),
        (None, "", "with the present scopes and the one that Zoho's documentation of this call names."),
    ],
)
def test_what_is_not_known_is_not_made_up(run, abroad, scope, path, hint):
    store = Profile().load().store
    store.save({**store.load(), "scope": scope})
    abroad.get(f"https://recruit.zoho.eu/recruit/v2/{path}", json={"code": "OAUTH_SCOPE_MISMATCH"}, status=401)
    refused = run("get", path)
    assert (refused.exit_code, f"Run `zohorecruit login --scope …` {hint}" in refused.stderr) == (8, True)


def test_a_stored_scope_cannot_become_a_command(run, abroad):
    store = Profile().load().store
    store.save({**store.load(), "scope": ["$(reboot)"]})
    abroad.get("https://recruit.zoho.eu/recruit/v2/users", json={"code": "OAUTH_SCOPE_MISMATCH"}, status=401)
    assert "    zohorecruit login --scope '$(reboot),ZohoRecruit.users.ALL'" in run("get", "users").stderr


def test_client_credentials_are_asked_for_again_as_such(run, granted, zoho):
    own = ClientCredentials.create(zoho.soid, CANDIDATES)
    granted(refresh_token=None, credentials=own)
    command = find_command(run("get", "users").stderr)
    assert command[1:] == ["login", "--client-credentials", "--scope", f"{CANDIDATES},ZohoRecruit.users.ALL"]


def test_for_a_grant_in_the_environment_the_variable_is_named(run, client, zoho, monkeypatch):
    wanted = f"{CANDIDATES},ZohoRecruit.users.ALL"
    monkeypatch.setenv("ZOHORECRUIT_REFRESH_TOKEN", zoho.new_grant(CANDIDATES))
    assert f"Set ZOHORECRUIT_REFRESH_TOKEN to the token of a grant with {wanted}." in run("get", "users").stderr
    monkeypatch.delenv("ZOHORECRUIT_REFRESH_TOKEN")
    monkeypatch.setenv("ZOHORECRUIT_SOID", zoho.soid)
    monkeypatch.setenv("ZOHORECRUIT_SCOPE", CANDIDATES)
    assert f"Set ZOHORECRUIT_SCOPE to {wanted}." in run("get", "users").stderr
