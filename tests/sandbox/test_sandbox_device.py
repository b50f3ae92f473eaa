"""Device authorization in the box: codes, polls, and the page on which a person confirms."""

from __future__ import annotations

import pytest
import requests
from helpers.socketless_sandbox import Desk, says

from requests_zohorecruit.sandbox import Sandbox, fingerprint

SCOPE = "ZohoRecruit.modules.ALL,ZohoRecruit.users.READ"
PAGE = "/oauth/v3/device"


def begin(desk, *, at=None, **changes):
    fields = {
        "grant_type": "device_request",
        "client_id": desk.zoho.client.client_id,
        "scope": SCOPE,
        "access_type": "offline",
        "prompt": "consent",
    } | changes
    fields = {name: value for name, value in fields.items() if value is not None}
    return desk.form(f"{PAGE}/code", fields, at=at)


def poll(desk, device_code, *, at=None, **changes):
    return desk.token(path=f"{PAGE}/token", at=at, **({"grant_type": "device_token", "code": device_code} | changes))


def test_a_device_gets_two_codes_and_times_in_milliseconds(desk):
    answer = begin(desk)
    told = says(answer)
    user_code = told.pop("user_code")
    assert answer.status == 200
    assert told.pop("device_code").startswith("1004.")
    assert told == {
        "verification_url": "https://127.0.0.1:4433/oauth/v3/device",
        "verification_uri_complete": f"https://127.0.0.1:4433/oauth/v3/device?user_code={user_code}",
        "interval": 5000,
        "expires_in": 300000,
    }


def test_its_times_can_be_set(desk):
    desk.zoho.device_interval, desk.zoho.device_code_lifetime = 0.01, 1.5
    told = says(begin(desk))
    assert (told["interval"], told["expires_in"]) == (10, 1500)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"grant_type": "device_token"}, "unsupported_grant_type"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_a_wrong_request_gets_no_code(desk, changes, error):
    assert says(begin(desk, **changes)) == {"error": error}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client_secret"),
        ({"grant_type": "device_request"}, "unsupported_grant_type"),
        ({"code": "1004.no.no"}, "invalid_code"),
    ],
)
def test_a_wrong_poll_is_refused_with_status_200(desk, changes, error):
    answer = poll(desk, says(begin(desk))["device_code"], **changes)
    assert (answer.status, says(answer)) == (200, {"error": error})


def test_another_clients_code_is_no_code(desk):
    other = desk.zoho.new_client()
    code = says(begin(desk))["device_code"]
    credentials = {"client_id": other.client_id, "client_secret": other.client_secret}
    assert says(poll(desk, code, **credentials)) == {"error": "invalid_code"}


def test_the_tokens_come_once_after_a_person_accepted(desk):
    told = says(begin(desk))
    assert says(poll(desk, told["device_code"])) == {"error": "authorization_pending"}
    desk.zoho.confirm_device(told["user_code"].lower())
    desk.now += 30
    token = says(poll(desk, told["device_code"]))
    assert token["scope"] == "ZohoRecruit.modules.ALL ZohoRecruit.users.READ"
    assert desk.api("GET", "Candidates", token["access_token"]).status == 200
    assert "access_token" in says(desk.refresh(token["refresh_token"]))
    desk.now += 30
    assert says(poll(desk, told["device_code"])) == {"error": "invalid_code"}


@pytest.mark.parametrize(("access_type", "gets"), [("offline", True), ("online", False), (None, False)])
def test_only_offline_access_gives_a_refresh_token(desk, access_type, gets):
    told = says(begin(desk, access_type=access_type))
    desk.zoho.confirm_device(told["user_code"])
    assert ("refresh_token" in says(poll(desk, told["device_code"]))) is gets


def test_two_polls_within_thirty_seconds_are_too_many_whatever_the_interval_says(desk):
    told = says(begin(desk))
    poll(desk, told["device_code"])
    desk.zoho.confirm_device(told["user_code"])
    for wait in (5, 29.9):
        desk.now += wait
        assert says(poll(desk, told["device_code"])) == {"error": "slow_down"}, "the early ones count, too"
    desk.now += 30
    assert "access_token" in says(poll(desk, told["device_code"]))


def test_a_test_need_not_wait_thirty_seconds(desk):
    desk.zoho.device_poll_pause = 0
    code = says(begin(desk))["device_code"]
    assert [says(poll(desk, code))["error"] for _ in range(3)] == ["authorization_pending"] * 3


def test_a_refusal_is_told_and_is_for_good(desk):
    told = says(begin(desk))
    desk.zoho.confirm_device(told["user_code"], accept=False)
    for _ in range(2):
        assert says(poll(desk, told["device_code"])) == {"error": "access_denied"}
        desk.now += 300
    with pytest.raises(ValueError, match="unknown, used or too old"):
        desk.zoho.confirm_device(told["user_code"])


def test_nobody_doing_anything_for_five_minutes_is_expired(desk):
    told = says(begin(desk))
    desk.now += 299.9
    assert says(poll(desk, told["device_code"])) == {"error": "authorization_pending"}
    desk.now += 30
    assert says(poll(desk, told["device_code"])) == {"error": "expired"}
    with pytest.raises(ValueError, match="too old"):
        desk.zoho.confirm_device(told["user_code"])


def test_what_was_accepted_in_time_does_not_expire(desk):
    told = says(begin(desk))
    desk.zoho.confirm_device(told["user_code"])
    desk.now += 3600
    assert "access_token" in says(poll(desk, told["device_code"]))


def test_a_throttled_poll_leaves_the_code_as_it_was(desk):
    desk.zoho.refresh_tokens_per_minute = 0
    told = says(begin(desk))
    desk.zoho.confirm_device(told["user_code"])
    assert poll(desk, told["device_code"]).status == 400
    desk.zoho.refresh_tokens_per_minute = None
    desk.now += 30
    assert "refresh_token" in says(poll(desk, told["device_code"]))


def test_faults_hit_its_endpoints_and_calls_are_counted_apart(desk):
    desk.zoho.fault("html")
    assert begin(desk).body.startswith(b"<!doctype html>")
    told = says(begin(desk))
    desk.zoho.confirm_device(told["user_code"])
    desk.zoho.fault("null-refresh-token")
    assert says(poll(desk, told["device_code"]))["refresh_token"] is None
    assert (desk.zoho.token_requests, desk.zoho.device_requests) == (0, 3)


def test_the_page_asks_for_the_code_shows_it_and_does_what_is_clicked(desk):
    told = says(begin(desk))
    entry = desk.send("GET", PAGE)
    assert (entry.status, 'name="user_code"' in entry.body.decode()) == (200, True)
    shown = desk.send("GET", f"{PAGE}?user_code=+{told['user_code'].lower()}+")
    page = shown.body.decode()
    for part in (f"<dd>{told['user_code']}</dd>", "ZohoRecruit.users.READ", "until it is revoked", 'value="reject"'):
        assert part in page
    done = desk.form(PAGE, {"user_code": told["user_code"], "decision": "accept"})
    assert (done.status, "Device connected" in done.body.decode()) == (200, True)
    assert "access_token" in says(poll(desk, told["device_code"]))


def test_what_is_looked_at_is_not_decided(desk):
    told = says(begin(desk))
    for answer in (
        desk.send("GET", f"{PAGE}?user_code={told['user_code']}&decision=accept"),
        desk.form(PAGE, {"user_code": told["user_code"]}),
    ):
        assert 'value="accept"' in answer.body.decode()
    assert says(poll(desk, told["device_code"])) == {"error": "authorization_pending"}


def test_a_wrong_code_is_asked_for_again(desk):
    answer = desk.send("GET", f"{PAGE}?user_code=%3Cb%3E")
    page = answer.body.decode()
    assert (answer.status, "unknown, used or too old" in page, "<b>" in page) == (400, True, False)


def test_a_person_who_lives_elsewhere_is_moved_and_the_device_told_where_to_ask():
    desk = Desk("us", "eu")
    anna = desk.zoho.new_person(region="eu")
    told = says(begin(desk))
    who = desk.send("GET", f"{PAGE}?user_code={told['user_code']}").body.decode()
    assert f'value="{anna.email}"' in who
    assert f'action="{PAGE}"' in who
    moved = desk.form(PAGE, {"user_code": told["user_code"], "person": anna.email, "decision": "accept"})
    assert (moved.status, moved.headers["Location"].partition("?")[0]) == (302, f"https://127.0.0.1:2{PAGE}")
    assert says(poll(desk, told["device_code"])) == {"error": "authorization_pending"}
    assert desk.send("POST", moved.headers["Location"] + "&decision=accept", at="eu").status == 200
    desk.now += 30
    assert says(poll(desk, told["device_code"])) == {"user_location": "sandbox-eu", "error": "other_dc"}
    token = says(poll(desk, told["device_code"], at="eu"))
    assert token["api_domain"] == "https://127.0.0.1:2"
    assert desk.api("GET", "Candidates", token["access_token"], at="eu").status == 200


def test_a_client_unknown_in_the_persons_data_centre_is_a_page():
    desk = Desk("us", "eu")
    client = desk.zoho.new_client(regions=["us"])
    told = says(begin(desk, client_id=client.client_id))
    assert says(begin(desk, client_id=client.client_id, at="eu")) == {"error": "invalid_client"}
    with pytest.raises(ValueError, match="error page"):
        desk.zoho.confirm_device(told["user_code"], person=desk.zoho.new_person(region="eu"))


def test_over_sockets_no_code_is_seen_in_what_arrived():
    with Sandbox() as zoho, zoho.session() as session:
        url = f"{zoho.region.accounts_url}{PAGE}"
        fields = {"grant_type": "device_request", "client_id": zoho.client_id, "scope": SCOPE, "access_type": "offline"}
        told = session.post(f"{url}/code", data=fields, timeout=30).json()
        assert session.get(told["verification_uri_complete"], timeout=30).ok
        zoho.confirm_device(told["user_code"])
        poll = {"grant_type": "device_token", "client_id": zoho.client_id, "code": told["device_code"]}
        poll["client_secret"] = zoho.client_secret
        token = requests.post(f"{url}/token", data=poll, verify=zoho.ca_bundle, timeout=30).json()
        assert zoho.live_access_tokens(token["refresh_token"]) == 1
        assert zoho.device_requests == 2
        assert zoho.received[1]["query"] == {"user_code": fingerprint(told["user_code"])}
        seen = str(zoho.received)
        assert not any(secret in seen for secret in (told["user_code"], told["device_code"], zoho.client_secret))
