"""`zohorecruit login --client-credentials`: a profile without a person, and what the other commands make of it."""

from __future__ import annotations

import json
import time

import pytest
import requests

from requests_zohorecruit import FileStore, ZohoRecruitAuth
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.grants import ClientCredentials

SCOPE = "ZohoRecruit.modules.ALL,ZohoRecruit.users.READ"


@pytest.fixture
def soid(zoho):
    return zoho.soid


@pytest.fixture
def log_in(run, client, soid):
    return lambda *options, **more: run("login", "--client-credentials", "--soid", soid, *options, **more)


def call_api(auth):
    return requests.get(f"{auth.region.recruit_url}/recruit/v2/Candidates", auth=auth, timeout=30).status_code


def test_one_mint_checks_the_values_and_is_saved(log_in, run, zoho, soid):
    result = log_in("--scope", SCOPE)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (
        "Logged in: profile default, region sandbox, ZohoRecruit.modules.ALL, ZohoRecruit.users.READ." in result.output
    )
    assert f"The grant for {soid} is in " in result.output
    saved = Profile().load()
    assert saved.credentials == ClientCredentials.create(soid, SCOPE)
    auth = ZohoRecruitAuth.from_profile()
    assert (call_api(auth), zoho.token_requests) == (200, 1)
    assert run("status", "--check").exit_code == 0
    assert run("get", "Candidates").exit_code == 0


def test_T60_no_secret_is_printed(log_in, zoho):
    output = log_in().output
    for secret in (zoho.client_secret, Profile().load().store.load()["access_token"]):
        assert secret not in output


def test_a_program_mints_again_when_the_token_has_ended(log_in, zoho):
    log_in()
    zoho.expire_tokens()
    assert (call_api(ZohoRecruitAuth.from_profile()), zoho.token_requests) == (200, 2)


def test_later_logins_ask_for_nothing(log_in, run, soid):
    log_in("--scope", SCOPE)
    assert run("login", "--client-credentials").exit_code == 0
    assert Profile().load().credentials == ClientCredentials.create(soid, SCOPE)
    assert run("login", "--client-credentials", "--scope", "ZohoRecruit.users.READ").exit_code == 0
    assert Profile().load().credentials == ClientCredentials.create(soid, "ZohoRecruit.users.READ")


def test_the_mints_of_former_logins_count(log_in, zoho):
    for _ in range(10):
        assert log_in().exit_code == 0
    result = log_in()
    assert (result.exit_code, "has minted 10 access tokens" in result.stderr, zoho.token_requests) == (5, True, 10)


def test_those_of_another_scope_do_not(log_in):
    log_in("--scope", "ZohoRecruit.users.READ")
    log_in("--scope", SCOPE)
    assert len(Profile().load().store.load()["mint_times"]) == 1


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--soid", "ZohoRecruit.1"), 4, "does not know the organisation"),
        (("--soid", "60001234567"), 4, "Error: Soid must be a service and the id of an organisation"),
        (("--scope", "everything"), 4, "does not grant the requested scope"),
    ],
)
def test_a_value_that_is_wrong_saves_nothing(log_in, home, options, code, told):
    result = log_in(*options)
    assert (result.exit_code, told in result.stderr, home.exists()) == (code, True, False)


def test_the_remedies_are_of_this_command_and_of_what_is_wrong(log_in, zoho):
    _, remedy = log_in("--profile", "c1", "--soid", "ZohoRecruit.1").stderr.splitlines()
    assert remedy == (
        "Run `zohorecruit login --profile c1 --client-credentials --soid ZohoRecruit.ID` with the ID of an organisation "
        "in region sandbox. Zoho Recruit shows it under Setup."
    )
    for option in ("--new-secret", "--region"):
        assert option not in log_in("--scope", "everything").stderr


def test_an_organisation_that_is_gone_is_told_to_a_call_as_well(log_in, run, zoho, monkeypatch):
    log_in()
    application = Profile().directory / "application.json"
    application.write_text(application.read_text().replace(zoho.soid, "ZohoRecruit.1"))
    result = run("get", "Candidates")
    assert (result.exit_code, result.stderr.splitlines()[1].startswith("Run `zohorecruit login --client-")) == (4, True)
    monkeypatch.setenv("ZOHORECRUIT_SOID", "ZohoRecruit.1")
    monkeypatch.setenv("ZOHORECRUIT_SCOPE", SCOPE)
    result = run("get", "Candidates", "--env")
    assert result.stderr.splitlines()[1] == (
        "Set ZOHORECRUIT_SOID to ZohoRecruit.ID with the ID of an organisation in region sandbox. Zoho Recruit shows it "
        "under Setup."
    )


def test_a_wrong_secret_says_how_to_enter_another(log_in, monkeypatch, home):
    monkeypatch.setenv("ZOHORECRUIT_CLIENT_SECRET", "wrong")
    result = log_in()
    assert (result.exit_code, "--new-secret" in result.stderr, home.exists()) == (4, True, False)


def test_a_failure_that_is_remembered_does_not_keep_a_login_from_asking_again(log_in, run, zoho):
    log_in()
    zoho.expire_tokens()
    zoho.fault("server-error")
    assert run("refresh").exit_code == 6
    assert "Not asked again" in run("refresh").stderr
    assert log_in().exit_code == 0
    assert call_api(ZohoRecruitAuth.from_profile()) == 200


def test_in_a_pipe_a_missing_soid_is_named(run, client):
    result = run("login", "--client-credentials")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (4, "Error: No soid was given.")


def test_on_a_terminal_it_is_asked_for(run, client, soid, answering):
    result = run("login", "--client-credentials", input=f"60001234567\n{soid}\n")
    question = 'Soid ("ZohoRecruit." and the ID of your organisation): '
    assert (result.exit_code, f"{question}{soid}\n" in result.output) == (0, True)
    assert f"{question}60001234567\nError: Soid must be a service and the id of an organisation" in result.output


def test_another_clients_grant_is_not_replaced(log_in, run, zoho, monkeypatch):
    log_in()
    other = zoho.new_client()
    monkeypatch.setenv("ZOHORECRUIT_CLIENT_ID", other.client_id)
    monkeypatch.setenv("ZOHORECRUIT_CLIENT_SECRET", other.client_secret)
    result = log_in()
    assert (result.exit_code, "--replace" in result.stderr) == (4, True)
    assert Profile().load().application.client_id == zoho.client_id


def test_a_person_who_logs_in_takes_the_place_of_the_clients_own_grant(log_in, run, zoho):
    log_in()
    assert run("exchange", input=f"{zoho.new_code()}\n").exit_code == 0
    saved = Profile().load()
    assert (saved.credentials, "refresh_token" in saved.store.load()) == (None, True)
    assert call_api(ZohoRecruitAuth.from_profile()) == 200


def test_and_the_other_way_round(log_in, run, client, zoho):
    run("exchange", input=f"{zoho.new_code()}\n")
    assert log_in().exit_code == 0
    assert "refresh_token" not in Profile().load().store.load()
    assert call_api(ZohoRecruitAuth.from_profile()) == 200


class TestStatus:
    def read(self, run):
        facts = json.loads(run("status", "--json").output)
        return {name: facts[name] for name in ("grant_kind", "soid", "scope")} | {"grant": bool(facts["grant"])}

    def test_it_names_the_kind_of_grant_and_the_soid(self, log_in, run, soid):
        log_in("--scope", "ZohoRecruit.users.READ")
        shown = {"grant_kind": "client credentials", "soid": soid, "scope": ["ZohoRecruit.users.READ"], "grant": True}
        assert self.read(run) == shown
        table = run("status").output
        assert ("client credentials" in table, soid in table) == (True, True)

    def test_without_a_record_the_credentials_are_still_a_grant(self, log_in, run, soid, home):
        log_in()
        (home / "default/token.json").unlink()
        assert self.read(run) == {"grant_kind": "client credentials", "soid": soid, "scope": [], "grant": True}
        assert "There is no grant" not in run("status").output

    def test_without_a_grant_there_is_no_kind(self, run, granted, home):
        granted()
        (home / "default/token.json").unlink()
        assert self.read(run) == {"grant_kind": None, "soid": None, "scope": [], "grant": False}


class TestRevoke:
    def test_the_access_token_is_revoked_and_the_command_says_so(self, log_in, run, zoho):
        log_in()
        auth = ZohoRecruitAuth.from_profile()
        token = auth.get_token()
        result = run("revoke", "--yes")
        assert (result.exit_code, "The access token of profile default is revoked." in result.output) == (0, True)
        assert "The client's credentials remain valid" in result.output
        headers = {"Authorization": token.authorization}
        url = f"{zoho.region.recruit_url}/recruit/v2/Candidates"
        assert requests.get(url, headers=headers, timeout=30).status_code == 401
        assert call_api(ZohoRecruitAuth.from_profile()) == 200

    def test_the_question_names_it_too(self, log_in, run, answering):
        log_in()
        result = run("revoke", input="n\n")
        assert (result.exit_code, "Revoke the access token of profile default" in result.output) == (1, True)


class TestProfile:
    def test_soid_and_scope_are_in_the_application_file(self, log_in, home, soid):
        log_in("--scope", SCOPE)
        values = FileStore(home / "default/application.json").load()
        assert (values["soid"], values["scope"]) == (soid, SCOPE.split(","))

    def test_the_keyring_holds_them_no_more_than_a_client_id(self, log_in, home, soid, monkeypatch):
        entries = {}

        class Store(FileStore):
            def __init__(self, username):
                super().__init__(home / "keyring" / f"{username}.json")
                entries[username] = self

        monkeypatch.setattr("requests_zohorecruit.login.profiles._open_keyring", Store)
        assert log_in("--keyring").exit_code == 0
        assert "client_secret" not in FileStore(home / "default/application.json").load()
        assert call_api(ZohoRecruitAuth.from_profile()) == 200

    @pytest.mark.parametrize("damage", [{"soid": 7}, {"soid": "no"}, {"scope": None}, {"scope": []}])
    def test_a_damaged_profile_is_an_error_that_names_it_and_a_login_repairs_it(self, log_in, run, home, damage):
        log_in()
        file = FileStore(home / "default/application.json")
        file.save({**file.load(), **damage})
        result = run("status")
        assert (result.exit_code, "Profile default is damaged" in result.stderr) == (7, True)
        assert log_in().exit_code == 0
        assert run("status").exit_code == 0

    def test_when_the_token_was_minted_is_known(self, log_in):
        log_in()
        record = Profile().load().store.load()
        assert record["granted_at"] == pytest.approx(time.time(), abs=60)
        assert record["mint_times"] == [record["granted_at"]]
