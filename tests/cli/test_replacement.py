"""A login never replaces another client's or region's grant without being told to."""

from __future__ import annotations

import pytest

from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import ClientCredentials
from requests_zohorecruit.zoho.token import Token

REAL = "1000.REAL.GRANT"


@pytest.fixture
def real(home):
    """A profile of a real client, which a login to the sandbox must not destroy."""
    Profile().save(Application.create("1000.REAL", "real-secret", "eu"), Token("1000.a.b", REAL, 0.0), now=0.0)
    return Profile()


@pytest.fixture(params=["login", "exchange", "client credentials", "device"])
def log_in(request, run, client, zoho, port, person, device):
    """Each way to a grant."""

    def invoke(*options, answers=""):
        if request.param == "login":
            return run("login", "--port", port, *options, input=answers)
        if request.param == "exchange":
            question, _, rest = answers.partition("\n")
            lines = f"{question}\n{zoho.new_code()}\n{rest}" if answers else f"{zoho.new_code()}\n"
            return run("exchange", *options, input=lines)
        if request.param == "device":
            return run("login", "--device", *options, input=answers)
        return run("login", "--client-credentials", "--soid", zoho.soid, *options, input=answers)

    return invoke


def grant_of(profile="default"):
    return Profile(profile).load().store.load().get("refresh_token")


def test_in_a_pipe_it_is_refused_and_says_what_is_there(log_in, real, zoho, person):
    result = log_in()
    assert result.exit_code == 4
    first, hint = result.stderr.splitlines()
    assert "Profile default holds the grant #" in first
    assert "of client 1000.REAL, region eu. Nothing was changed." in first
    assert f"This login is for client {zoho.client_id}, region sandbox. To keep both, pass --profile" in hint
    assert "--replace" in hint
    assert (grant_of(), zoho.token_requests, person.addresses) == (REAL, 0, [])


def test_told_to_it_replaces_and_says_that_the_old_one_is_still_valid(log_in, real, zoho):
    result = log_in("--replace")
    assert (result.exit_code, result.stderr) == (0, "")
    assert Profile().load().application.client_id == zoho.client_id
    assert "of client 1000.REAL is still valid" in result.output
    assert REAL not in result.output


def test_a_no_changes_nothing(log_in, real, answering, zoho):
    result = log_in(answers="n\n")
    assert (result.exit_code, grant_of(), zoho.token_requests) == (1, REAL, 0)
    assert result.stderr == "Nothing was changed.\n"
    assert "To keep both, answer no" in result.output


def test_a_yes_replaces_and_the_old_one_may_stay(log_in, real, answering, zoho):
    result = log_in(answers="y\nn\n")
    assert result.exit_code == 0
    assert Profile().load().application.client_id == zoho.client_id
    assert "Revoke the old grant #" in result.output
    assert "revoked." not in result.output


def test_the_old_one_is_revoked_where_it_is_from(run, client, zoho, real, granted, answering):
    other = zoho.new_client()
    grant = zoho.new_grant(client=other)
    Profile().save(
        Application.create(other.client_id, other.client_secret, zoho.region), Token("a", grant, 0.0), now=0.0
    )
    result = run("exchange", input=f"y\n{zoho.new_code()}\ny\n")
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "The old grant is revoked.")
    [revoked] = [each for each in zoho.received if each["path"].endswith("/revoke")]
    assert revoked
    assert grant_of() != grant


def test_a_revocation_that_fails_is_told_and_the_login_stands(run, client, zoho, answering):
    other = zoho.new_client()
    who = Application.create(other.client_id, other.client_secret, zoho.region)
    Profile().save(who, Token("a", "1000.dead.grant", 0.0), now=0.0)
    result = run("exchange", input=f"y\n{zoho.new_code()}\ny\n")
    assert (result.exit_code, "Could not revoke it: " in result.stderr) == (0, True)
    assert Profile().load().application.client_id == zoho.client_id


def test_another_region_of_the_same_client_counts_as_well(run, client, zoho):
    who = Application.create(zoho.client_id, zoho.client_secret, "eu")
    Profile().save(who, Token("a", REAL, 0.0), now=0.0)
    assert run("exchange", input=f"{zoho.new_code()}\n").exit_code == 4
    assert grant_of() == REAL


def test_in_the_browser_the_region_is_that_where_the_person_turns_out_to_live(run, client, zoho, port, person):
    who = Application.create(zoho.client_id, zoho.client_secret, "eu")
    Profile().save(who, Token("a", REAL, 0.0), now=0.0)
    result = run("login", "--port", port)
    assert (result.exit_code, len(person.addresses), zoho.token_requests) == (4, 1, 0)
    assert grant_of() == REAL


def test_so_it_is_on_a_device_and_told_to_the_region_is_replaced(run, client, zoho, device):
    who = Application.create(zoho.client_id, zoho.client_secret, "eu")
    Profile().save(who, Token("a", REAL, 0.0), now=0.0)
    result = run("login", "--device")
    assert (result.exit_code, grant_of()) == (4, REAL)
    assert "of client " + zoho.client_id + ", region eu. Nothing was changed." in result.stderr
    device.pauses.clear()
    assert run("login", "--device", "--replace").exit_code == 0
    assert Profile().load().application.region == zoho.region


@pytest.fixture
def of_another_client(home):
    """A profile with the credentials of a client that the sandbox does not know."""
    who, own = Application.create("1000.REAL", "s", "eu"), ClientCredentials.create("ZohoRecruit.1", "a.b.c")
    Profile().save(who, Token("a", None, 0.0), now=0.0, credentials=own)
    return own


def test_client_credentials_take_the_place_of_another_clients(run, client, zoho, of_another_client):
    arguments = ("login", "--client-credentials", "--soid", zoho.soid)
    result = run(*arguments)
    assert (result.exit_code, Profile().load().credentials) == (4, of_another_client)
    assert "of client 1000.REAL, region eu. Nothing was changed." in result.stderr
    result = run(*arguments, "--replace")
    assert (result.exit_code, result.stderr) == (0, "")
    saved = Profile().load()
    assert (saved.application.client_id, saved.credentials.soid) == (zoho.client_id, zoho.soid)
    assert "a.b.c" not in saved.credentials.scope  # which was the other client's


def test_another_clients_organisation_is_not_taken_over(run, client, zoho, of_another_client):
    result = run("login", "--client-credentials", "--replace")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (4, "Error: No soid was given.")
    assert (Profile().load().credentials, zoho.token_requests) == (of_another_client, 0)


def test_the_same_client_and_region_are_not_asked_about(log_in, granted):
    granted()
    result = log_in()
    assert (result.exit_code, "Replace" in result.output, "still valid" in result.output) == (0, False, False)


def test_a_client_without_a_grant_is_not_asked_about(log_in, real):
    real.load().store.save({})
    assert log_in().exit_code == 0


def test_a_record_that_no_grant_can_be_read_from_is_not_in_the_way(run, client, zoho, real):
    store = real.load().store
    store.save({**store.load(), "refresh_token": 7})
    assert run("exchange", input=f"{zoho.new_code()}\n").exit_code == 0


def test_of_a_damaged_profile_the_record_says_whose_grant_it_is(run, client, zoho, real, answering):
    (real.directory / "application.json").write_text("{}")
    assert run("exchange", input="n\n").exit_code == 1
    result = run("exchange", input=f"y\n{zoho.new_code()}\n")
    assert (result.exit_code, "Revoke" in result.output) == (0, False)  # it cannot be without the client's region


def test_a_damaged_profile_of_the_same_client_is_repaired_without_a_question(run, client, zoho, granted):
    (granted().directory / "application.json").write_text("{}")
    assert run("exchange", input=f"{zoho.new_code()}\n").exit_code == 0


def test_the_clients_own_grant_counts_also_without_a_record(run, client, zoho):
    who, own = Application.create("1000.REAL", "s", "eu"), ClientCredentials.create("ZohoRecruit.1", "a.b.c")
    Profile().save(who, Token("a", None, 0.0), now=0.0, credentials=own)
    Profile().load().store.save({})
    assert run("exchange", input=f"{zoho.new_code()}\n").exit_code == 4
    assert Profile().load().credentials == own
