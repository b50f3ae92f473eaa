"""`logout`: the grant ends at Zoho if that can be, and its secrets here in any case."""

from __future__ import annotations

import os

import pytest
import requests
import responses
from helpers.memory_keyring import safe_in_use
from helpers.terminals import run_on_terminal, strip_styles

from requests_zohorecruit import ReauthorizationRequired, TokenStoreError, ZohoRecruitAuth
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import ClientCredentials
from requests_zohorecruit.zoho.token import Token

pytestmark = pytest.mark.usefixtures("measured_processes")


@pytest.fixture
def secrets(zoho):
    """Return a function that tells which secrets of the sandbox's grant are in a text."""
    return lambda text: [each for each in (zoho.client_secret, zoho.refresh_token) if each in text]


def test_the_grant_ends_and_nothing_secret_is_left(run, granted, zoho, stored, secrets):
    granted()
    result = run("logout", "--yes")
    assert (result.exit_code, result.output) == (0, "Profile default is removed; its grant is revoked.\n")
    assert secrets(stored() + result.output) == []
    assert run("status").exit_code == 3
    with zoho.session() as session:
        form = {"grant_type": "refresh_token", "client_id": zoho.client_id, "client_secret": zoho.client_secret}
        answer = session.post(zoho.region.token_url, data={**form, "refresh_token": zoho.refresh_token}, timeout=60)
    assert "access_token" not in answer.json()


def test_a_second_time_is_no_error(run, granted, zoho):
    nothing = "There is no profile named default. Nothing was changed.\n"
    assert (run("logout").exit_code, run("logout").output) == (0, nothing)
    granted()
    run("logout", "--yes")
    sent = len(zoho.received)
    result = run("logout", "--yes")
    assert (result.exit_code, result.output) == (0, nothing)
    assert len(zoho.received) == sent


def test_a_new_login_finds_its_way_into_the_empty_place(run, granted, zoho):
    granted()
    run("logout", "--yes")
    granted(refresh_token=zoho.new_grant())
    assert run("get", "Candidates").exit_code == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "body": "<html>"},
        {"status": 200, "body": "}{"},
        {"status": 400, "json": {"error": "Access Denied", "status": "failure"}},
        {"body": requests.ConnectionError("planted")},
    ],
)
def test_what_zoho_does_not_confirm_is_removed_all_the_same_and_said(run, stored, answer):
    application = Application.create("1000.CLIENT", "planted-secret", "eu")
    Profile().save(application, Token("1000.planted.a", "1000.planted.b", 2e9), now=0.0)
    with responses.RequestsMock() as mock:
        mock.post("https://accounts.zoho.eu/oauth/v2/token/revoke", **answer)
        result = run("logout", "--yes")
    assert (result.exit_code, result.stdout) == (6, "Profile default is removed.\n")
    said, remedy = result.stderr.splitlines()
    assert said.startswith("Error: Zoho did not confirm that the grant of profile default is revoked (")
    assert (said.endswith("It may still be valid."), "remove the application" in remedy) == (True, True)
    assert "kept" not in result.stderr
    assert "planted" not in stored() + result.output


def test_a_grant_that_is_dead_or_missing_is_no_error(run, granted, stored):
    granted(refresh_token="1000.dead.grant")
    result = run("logout", "--yes")
    assert (result.exit_code, result.output) == (0, "Profile default is removed; its grant had already ended.\n")
    granted()
    run("revoke", "--yes")
    result = run("logout", "--yes")
    assert (result.exit_code, result.output) == (0, "Profile default is removed (it had no grant).\n")
    assert "1000.dead" not in stored()


def test_all_of_them_go_and_one_that_cannot_keeps_none_of_the_others(run, granted, home, stored, monkeypatch):
    for name in ("a", "b", "c"):
        granted(name)
    remove = Profile.remove

    def fail(self):
        if self.name in {"a", "b"}:
            raise TokenStoreError(f"{self.name} cannot be removed.")
        return remove(self)

    monkeypatch.setattr(Profile, "remove", fail)
    result = run("logout", "--all", "--yes")
    assert (result.exit_code, result.stdout) == (7, "Profile c is removed; its grant had already ended.\n")
    assert "Error: a cannot be removed.\n" in result.stderr
    assert "Error: b cannot be removed.\n" in result.stderr


def test_without_certificates_all_are_removed_and_a_script_sees_that_none_is_revoked(
    run, granted, stored, secrets, monkeypatch
):
    for name in ("a", "b"):
        granted(name)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/missing/ca.pem")
    result = run("logout", "--all", "--yes")
    assert (result.exit_code, result.stdout) == (6, "Profile a is removed.\nProfile b is removed.\n")
    for name in ("a", "b"):
        assert (
            f"Error: Zoho did not confirm that the grant of profile {name} is revoked (REQUESTS_CA_BUNDLE names "
            "/missing/ca.pem, which does not exist). It may still be valid.\n"
        ) in result.stderr
    assert secrets(stored()) == []


def test_all_of_none_is_nothing(run):
    result = run("logout", "--all")
    assert (result.exit_code, result.output) == (0, "There are no profiles.\n")


def test_all_leaves_no_secret_of_any(run, granted, zoho, stored, secrets):
    granted("a")
    granted("b", refresh_token=zoho.new_grant())
    assert run("logout", "--all", "--yes").exit_code == 0
    assert secrets(stored()) == []
    assert run("logout", "--all").output == "There are no profiles.\n"


@pytest.mark.parametrize("file", ["application.json", "token.json"])
def test_a_damaged_profile_can_be_removed(run, granted, home, stored, secrets, file):
    granted()
    (home / "default" / file).write_text('{"refresh_token": "planted')
    result = run("logout", "--yes")
    assert (result.exit_code, result.stdout) == (7, "Profile default is removed.\n")
    said, remedy = result.stderr.splitlines()
    assert said.startswith("Error: The grant of profile default was not revoked, and may still be valid. Profile ")
    assert (file in said, "remove the application" in remedy) == (True, True)
    assert secrets(stored()) == []
    assert "planted" not in stored() + result.output


def test_a_grant_without_its_application_is_removed_too(run, granted, home, stored, secrets):
    granted()
    (home / "default/application.json").unlink()
    assert run("logout", "--yes").exit_code == 0
    assert secrets(stored()) == []


def test_what_a_symbolic_link_leads_to_is_removed(run, granted, home, tmp_path):
    granted()
    file, moved = home / "default/application.json", tmp_path / "elsewhere.json"
    file.rename(moved)
    file.symlink_to(moved)
    assert run("logout", "--yes").exit_code == 0
    assert not os.path.lexists(file)
    assert not moved.exists()


def test_the_keyring_is_emptied(run, granted, zoho, secrets, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", os.environ["ZOHORECRUIT_HOME"])
    with safe_in_use() as safe:
        granted(in_keyring=True)
        assert secrets(str(safe.entries))
        assert run("logout", "--yes").exit_code == 0
        assert secrets(str(safe.entries)) == []


def test_what_cannot_be_removed_is_an_error_that_names_it(run, granted, home, monkeypatch):
    granted()

    def fail(self, **_):
        raise PermissionError(13, "planted")

    with monkeypatch.context() as patch:
        patch.setattr(type(home), "unlink", fail)
        result = run("logout", "--yes")
    assert (result.exit_code, "application.json" in result.stderr, "planted" in result.stderr) == (7, True, False)


def test_a_running_program_learns_that_it_is_over(granted, run, zoho):
    granted()
    auth = ZohoRecruitAuth.from_profile()
    auth.get_token()
    run("logout", "--yes")
    with pytest.raises(ReauthorizationRequired):
        auth.refresh()


def test_of_a_client_its_access_token_can_be_revoked(run, zoho):
    application = Application.create(zoho.client_id, zoho.client_secret, zoho.region)
    credentials = ClientCredentials.create(zoho.soid, "ZohoRecruit.modules.ALL")
    Profile().save(application, Token("1000.unknown.token", None, 0.0), now=0.0, credentials=credentials)
    run("get", "Candidates")
    result = run("logout", "--yes")
    assert (result.exit_code, "its access token is revoked" in result.stdout) == (0, True)
    assert not Profile().exists()


class TestAsking:
    def test_a_terminal_asks_and_no_means_no(self, granted, zoho):
        granted()
        code, screen = run_on_terminal("logout", typed=b"n\n", columns=60)
        assert (code, "Revoke the grant of profile default and remove it from" in screen) == (1, True)
        assert strip_styles(screen).endswith("[y/N]: Nothing was changed.\n")
        assert (zoho.received, Profile().exists()) == ([], True)

    def test_of_several_it_gives_number_and_names(self, granted):
        for name in ("a", "b"):
            granted(name)
        code, screen = run_on_terminal("logout", "--all", typed=b"n\n", columns=120)
        assert code == 1
        assert "Revoke the grants of 2 profiles (a, b) and remove them from this machine? [y/N]: " in screen

    def test_yes_means_yes(self, granted):
        granted()
        assert run_on_terminal("logout", typed=b"y\n").code == 0
        assert not Profile().exists()

    def test_a_pipe_cannot_be_asked(self, run, granted, zoho):
        granted()
        result = run("logout")
        assert (result.exit_code, "pass --yes" in result.stderr) == (2, True)
        assert (zoho.received, Profile().exists()) == ([], True)
