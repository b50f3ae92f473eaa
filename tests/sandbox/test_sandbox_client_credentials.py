"""Client credentials in the box: an access token for an organisation, to which no person agrees."""

from __future__ import annotations

import pytest
from helpers.socketless_sandbox import Desk, says

from requests_zohorecruit.sandbox import Sandbox

SCOPE = "ZohoRecruit.modules.ALL,ZohoRecruit.users.READ"


def ask(desk, *, at=None, **changes):
    fields = {"grant_type": "client_credentials", "soid": desk.zoho.person.soid, "scope": SCOPE} | changes
    return desk.token(at=at, **{name: value for name, value in fields.items() if value is not None})


def test_there_is_never_a_refresh_token_and_the_scope_comes_back_with_spaces(desk):
    answer = ask(desk)
    content = says(answer)
    assert answer.status == 200
    assert content.pop("access_token").startswith("1000.")
    assert content == {
        "scope": "ZohoRecruit.modules.ALL ZohoRecruit.users.READ",
        "api_domain": "https://127.0.0.1:4433",
        "token_type": "Bearer",
        "expires_in": 3600,
    }


def test_its_token_works_lives_an_hour_and_covers_its_scope(desk):
    token = says(ask(desk))["access_token"]
    assert desk.api("GET", "Candidates", token).status == 200
    assert says(desk.api("GET", "org", token))["code"] == "OAUTH_SCOPE_MISMATCH"
    desk.now += 3600
    assert says(desk.api("GET", "Candidates", token))["code"] == "INVALID_TOKEN"


def test_who_acts_with_it_is_the_administrator(desk):
    token = says(ask(desk))["access_token"]
    (user,) = says(desk.api("GET", "users?type=CurrentUser", token))["users"]
    assert user["email"] == "administrator@example.com"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"soid": None}, "missing_org_info"),
        ({"soid": ""}, "missing_org_info"),
        ({"soid": "ZohoRecruit.1"}, "invalid_org_info"),
        ({"soid": "60001234567"}, "invalid_org_info"),
        ({"soid": "ZohoCRM.60001234567"}, "invalid_org_info"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client_secret"),
    ],
)
def test_refusals_come_with_status_200(desk, changes, error):
    answer = ask(desk, **changes)
    assert (answer.status, says(answer)) == (200, {"error": error})


def test_another_data_centre_does_not_know_the_organisation():
    desk = Desk("us", "eu")
    assert says(ask(desk, at="eu")) == {"error": "invalid_org_info"}
    assert "access_token" in says(ask(desk, at="eu", soid=desk.zoho.new_person(region="eu").soid))


def test_ten_in_ten_minutes_for_each_client_organisation_and_set_of_scopes(desk):
    other = desk.zoho.new_client()
    turned = ",".join(reversed(SCOPE.split(",")))
    assert all(ask(desk, scope=scope).status == 200 for scope in [SCOPE, turned] * 5)
    refused = ask(desk)
    assert (refused.status, says(refused)["error"]) == (400, "Access Denied")
    assert ask(desk, scope="ZohoRecruit.modules.READ").status == 200
    assert ask(desk, client_id=other.client_id, client_secret=other.client_secret).status == 200
    desk.now += 600
    assert ask(desk).status == 200


def test_the_eleventh_live_access_token_kills_the_oldest(desk):
    desk.zoho.mints_per_window = 100
    tokens = [says(ask(desk))["access_token"] for _ in range(11)]
    assert [desk.api("GET", "Candidates", token).status for token in tokens] == [401] + [200] * 10


def test_its_access_token_is_revoked_alone(desk):
    one, two = says(ask(desk))["access_token"], says(ask(desk))["access_token"]
    assert says(desk.form("/oauth/v2/token/revoke", {"token": one})) == {"status": "success"}
    assert [desk.api("GET", "Candidates", token).status for token in (one, two)] == [401, 200]
    assert desk.form("/oauth/v2/token/revoke", {"token": one}).status == 400


@pytest.mark.parametrize("spoil", ["expire_tokens", "reject_tokens"])
def test_what_is_done_to_all_tokens_is_done_to_it(desk, spoil):
    token = says(ask(desk))["access_token"]
    getattr(desk.zoho, spoil)()
    assert desk.api("GET", "Candidates", token).status == 401
    assert desk.api("GET", "Candidates", says(ask(desk))["access_token"]).status == 200


def test_faults_hit_it_like_any_other_grant(desk):
    desk.zoho.fault("throttle")
    desk.zoho.fault("no-expiry")
    assert ask(desk).status == 400
    assert "expires_in" not in says(ask(desk))
    assert desk.zoho.token_requests == 2


def test_over_sockets_the_sandbox_says_what_the_soid_is():
    with Sandbox() as zoho, zoho.session() as session:
        fields = {"grant_type": "client_credentials", "soid": zoho.soid, "scope": SCOPE}
        fields |= {"client_id": zoho.client_id, "client_secret": zoho.client_secret}
        token = session.post(zoho.region.token_url, data=fields, timeout=30).json()
        assert set(token) == {"access_token", "scope", "api_domain", "token_type", "expires_in"}
