"""Client and grant from the environment, for containers: with `--env`, or where there is no profile."""

from __future__ import annotations

import json
import os

import pytest
import responses

from requests_zohorecruit.errors import TokenStoreError

COMMANDS = ["get Candidates", "status --check", "refresh", "revoke --yes"]


@pytest.fixture
def environment(client, zoho, monkeypatch):
    """All that `from_env` needs."""
    monkeypatch.setenv("ZOHORECRUIT_REFRESH_TOKEN", zoho.refresh_token)


@pytest.mark.parametrize("options", [(), ("--env",)])
@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_profile_it_is_used(run, environment, home, command, options):
    result = run(*command.split(), *options)
    assert (result.exit_code, result.stderr) == (0, "")
    assert not home.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_profile_goes_before_it_but_not_before_env(run, environment, granted, zoho, command):
    granted(refresh_token="1000.dead.grant")
    assert run(*command.split()).exit_code == (0 if command.startswith("revoke") else 3)
    assert run(*command.split(), "--env").exit_code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_with_env_a_profile_that_cannot_be_read_does_not_matter(run, environment, home, command):
    (home / "default").mkdir(parents=True)
    (home / "default/application.json").symlink_to("application.json")
    assert run(*command.split()).exit_code == 7
    assert run(*command.split(), "--env").exit_code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_profile_that_is_named_is_meant(run, environment, command):
    result = run(*command.split(), "--profile", "work")
    assert (result.exit_code, "There is no profile named work" in result.stderr) == (3, True)


def test_one_that_the_environment_names_gives_way_to_it(run, environment, monkeypatch):
    monkeypatch.setenv("ZOHORECRUIT_PROFILE", "sandbox")
    assert run("get", "Candidates").exit_code == 0


def test_both_are_too_many(run, environment):
    result = run("get", "Candidates", "--env", "--profile", "work")
    assert (result.exit_code, "Pass either --env or --profile" in result.stderr) == (2, True)


def test_status_says_where_it_is_from(run, environment, granted):
    facts = json.loads(run("status", "--json").output)
    assert (facts["source"], facts["profile"], bool(facts["grant"])) == ("environment", None, True)
    assert "environment" in run("status").output
    granted()
    facts = json.loads(run("status", "--json").output)
    assert (facts["source"], facts["profile"]) == ("profile", "default")


def test_the_clients_own_grant_can_be_there(run, client, zoho, monkeypatch):
    monkeypatch.setenv("ZOHORECRUIT_SOID", zoho.soid)
    monkeypatch.setenv("ZOHORECRUIT_SCOPE", "ZohoRecruit.modules.ALL")
    assert run("get", "Candidates").exit_code == 0
    assert json.loads(run("status", "--json").output)["grant_kind"] == "client credentials"


@pytest.mark.parametrize("options", [(), ("--env",)])
def test_a_client_without_a_grant_says_what_to_set_or_do(run, client, options):
    result = run("status", *options)
    assert result.exit_code == 3
    assert "a client (ZOHORECRUIT_CLIENT_ID), but no grant" in result.stderr
    assert (
        "Set ZOHORECRUIT_REFRESH_TOKEN to a valid refresh token, or run `zohorecruit login` and leave out --env."
        in result.stderr
    )


def test_a_dead_grant_there_is_not_repaired_by_a_login_alone(run, environment, monkeypatch):
    monkeypatch.setenv("ZOHORECRUIT_REFRESH_TOKEN", "1000.dead.grant")
    result = run("get", "Candidates")
    assert (result.exit_code, "Set ZOHORECRUIT_REFRESH_TOKEN" in result.stderr) == (3, True)


@pytest.mark.parametrize("options", [(), ("--env",)])
def test_a_budget_that_is_used_up_is_explained(run, environment, options):
    results = [run("get", "Candidates", "--fields", "id", *options) for _ in range(11)]
    assert [result.exit_code for result in results] == [0] * 10 + [5]
    hint = results[-1].stderr.splitlines()[-1]
    assert hint.startswith("Each command that takes its grant from the environment mints a token.")
    assert "run `zohorecruit login --profile NAME`" in hint


@pytest.mark.parametrize("kind", ["profile", "environment"])
def test_the_limit_of_api_calls_is_another_one(run, client, abroad, monkeypatch, kind):
    url = "https://recruit.zoho.eu/recruit/v2/Candidates"
    abroad.get(url, json={"code": "TOO_MANY_REQUESTS"}, status=429)
    if kind == "environment":
        for name, value in {"REGION": "eu", "REFRESH_TOKEN": "1000.a.b", "ACCOUNTS_URL": "", "RECRUIT_URL": ""}.items():
            monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)
        abroad.post("https://accounts.zoho.eu/oauth/v2/token", json={"access_token": "1000.c.d", "expires_in": 3600})
    result = run("get", "Candidates", *(["--env"] if kind == "environment" else []))
    assert (result.exit_code, "Zoho limits API calls, too." in result.stderr) == (5, True)


@pytest.fixture
def homeless(monkeypatch):
    def find():
        raise TokenStoreError("There is no home directory.")

    for module in ("profiles", "profile_directory"):
        monkeypatch.setattr(f"requests_zohorecruit.login.{module}.find_home", find)


@pytest.mark.parametrize("options", [(), ("--env",)])
def test_a_container_without_a_home_needs_none(run, environment, homeless, options):
    assert run("get", "Candidates", *options).exit_code == 0


def test_but_a_profile_does(run, homeless):
    for command in ("get Candidates", "login"):
        result = run(*command.split())
        assert (result.exit_code, "There is no home directory." in result.stderr) == (7, True)


def test_what_is_missing_is_named(run):
    result = run("get", "Candidates", "--env")
    assert (result.exit_code, "The environment lacks ZOHORECRUIT_CLIENT_ID" in result.stderr) == (4, True)


def test_the_question_says_where_it_is_from(run, environment, answering):
    result = run("revoke", input="n\n")
    assert (result.exit_code, "Revoke the grant from the environment, region sandbox?" in result.output) == (1, True)


def test_whether_a_grant_there_has_ended_cannot_be_known_since_the_region_may_be_wrong(run, environment, monkeypatch):
    monkeypatch.setenv("ZOHORECRUIT_REFRESH_TOKEN", "1000.dead.grant")
    result = run("revoke", "--yes")
    assert (result.exit_code, "did not confirm" in result.stderr) == (6, True)


def test_a_second_revocation_says_what_is_likely_and_speaks_of_no_record(run, environment, zoho):
    assert run("revoke", "--env", "--yes").exit_code == 0
    result = run("revoke", "--env", "--yes")
    said, remedy = result.stderr.splitlines()
    assert (result.exit_code, "kept" in said, "record" in remedy) == (6, False, False)
    assert said.endswith("(HTTP 400). It has ended already, or belongs to another region than sandbox.")
    assert remedy == (
        "If ZOHORECRUIT_REGION names the region of the grant, there is nothing left to revoke: unset "
        "ZOHORECRUIT_REFRESH_TOKEN."
    )
    assert run("get", "Candidates", "--env").stderr.splitlines()[-1] == (
        "Set ZOHORECRUIT_REFRESH_TOKEN to a valid refresh token, or run `zohorecruit login` and leave out --env."
    )


def test_a_problem_of_zohos_is_told_as_one(run, environment):
    with responses.RequestsMock() as mock:
        mock.post(f"{os.environ['ZOHORECRUIT_ACCOUNTS_URL']}/oauth/v2/token/revoke", status=500)
        result = run("revoke", "--env", "--yes")
    assert (result.exit_code, "(HTTP 500)" in result.stderr, "ended" in result.stderr) == (6, True, False)


def test_T60_no_secret_is_shown(run, environment, zoho):
    output = "".join(run(*command.split()).output for command in ("status", "status --json", "status --check"))
    assert zoho.client_secret not in output
    assert "1000." not in output.replace(zoho.client_id, "")
