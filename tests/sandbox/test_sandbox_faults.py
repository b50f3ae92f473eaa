"""Mischief, counters and what is told about arrivals."""

from __future__ import annotations

import json

import pytest
from helpers.socketless_sandbox import says

from requests_zohorecruit.sandbox import fingerprint
from requests_zohorecruit.sandbox.faults import FAULTS
from requests_zohorecruit.sandbox.messages import Request

WORKING = {
    "null-refresh-token": {"refresh_token": None},
    "milliseconds": {"expires_in": 3_600_000},
    "milliseconds-and-seconds": {"expires_in": 3_600_000, "expires_in_sec": 3600},
    "foreign-scope": {"scope": "ZohoCRM.modules.ALL"},
    "empty-strings": {"refresh_token": "", "api_domain": "", "scope": "", "token_type": ""},
    "numbers-as-strings": {"expires_in": "3600"},
}


@pytest.mark.parametrize("name", WORKING)
def test_fields_are_odd_but_the_token_works(desk, name):
    usual = says(desk.refresh(desk.zoho.new_grant()))
    desk.zoho.fault(name)
    content = says(desk.refresh(desk.zoho.new_grant("ZohoRecruit.modules.ALL")))
    assert content.items() >= WORKING[name].items()
    assert content.keys() == usual.keys() | WORKING[name].keys()
    assert desk.api("GET", "Candidates", content["access_token"]).status == 200


def test_no_expiry_leaves_the_field_out(desk):
    desk.zoho.fault("no-expiry")
    assert "expires_in" not in says(desk.refresh(desk.zoho.new_grant()))


def test_a_null_access_token_has_been_minted_all_the_same(desk):
    grant = desk.zoho.new_grant()
    desk.zoho.fault("null-access-token")
    assert says(desk.refresh(grant))["access_token"] is None
    assert desk.zoho.live_access_tokens(grant) == 1


@pytest.mark.parametrize(
    ("name", "status", "ending", "body"),
    [
        ("throttle", 400, "whole", b'"status":"failure"'),
        ("throttle-200", 200, "whole", b'"Access Denied"'),
        ("throttle-localised", 400, "whole", "拒绝访问".encode()),
        ("server-error", 500, "whole", b"<!doctype html>"),
        ("html", 200, "whole", b"<!doctype html>"),
        ("hang", 200, "hang", b""),
        ("redirect", 307, "whole", b""),
        ("garbage", 200, "whole", b"zoho"),
        ("reset", 200, "reset", b""),
        ("list", 200, "whole", b'["unexpected"]'),
    ],
)
def test_faults_instead_of_an_answer_mint_nothing(desk, name, status, ending, body):
    grant = desk.zoho.new_grant()
    desk.zoho.fault(name)
    answer = desk.refresh(grant)
    assert (answer.status, answer.ending) == (status, ending)
    assert body in answer.body
    assert desk.zoho.live_access_tokens(grant) == 0
    assert desk.refresh(grant).status == 200, "one fault, one call"


@pytest.mark.parametrize(("name", "ending"), [("truncated", "cut"), ("mint-then-reset", "reset")])
def test_faults_on_the_way_back_cost_a_token(desk, name, ending):
    grant = desk.zoho.new_grant()
    desk.zoho.fault(name)
    assert desk.refresh(grant).ending == ending
    assert desk.zoho.live_access_tokens(grant) == 1


def test_an_answer_may_not_be_utf_8_or_be_huge(desk):
    desk.zoho.fault("not-utf8")
    with pytest.raises(UnicodeDecodeError):
        desk.refresh(desk.zoho.new_grant()).body.decode()
    desk.zoho.fault("huge")
    body = desk.refresh(desk.zoho.new_grant()).body
    assert len(body) > 16_000_000
    assert "access_token" in json.loads(body)


def test_the_redirect_leads_to_another_host(desk):
    desk.zoho.fault("redirect")
    assert desk.refresh(desk.zoho.new_grant()).headers["Location"] == "https://localhost:4433/elsewhere"


def test_faults_apply_in_order_as_often_as_asked_and_to_token_calls_only(desk):
    desk.zoho.fault("html", times=2)
    desk.zoho.fault("list")
    token = desk.zoho.new_grant()
    assert desk.send("GET", "/oauth/serverinfo").status == 200
    bodies = [desk.refresh(token).body for _ in range(4)]
    assert [body[:1] for body in bodies] == [b"<", b"<", b"[", b"{"]


@pytest.mark.parametrize("name", ["milliseconds", "truncated"])
def test_a_refusal_stays_a_refusal_when_its_token_would_have_been_spoilt(desk, name):
    desk.zoho.fault(name)
    answer = desk.refresh("1000.no.no")
    assert (says(answer), answer.ending) == ({"error": "invalid_code"}, "whole")


def test_a_throttle_answer_is_never_spoilt_either(desk):
    desk.zoho.mints_per_window = 0
    desk.zoho.fault("no-expiry")
    assert desk.refresh(desk.zoho.new_grant()).status == 400


def test_an_unknown_fault_is_an_error_that_lists_the_known_ones(desk):
    with pytest.raises(ValueError, match="throttle-localised") as caught:
        desk.zoho.fault("earthquake")
    assert all(name in str(caught.value) for name in FAULTS)


def test_the_delay_is_told_and_not_waited(desk):
    desk.zoho.token_delay = 3600.0
    assert desk.refresh(desk.zoho.new_grant()).delay == 3600.0
    assert desk.send("GET", "/oauth/serverinfo").delay == 0


def test_calls_are_counted_by_kind(desk):
    token = desk.mint()
    desk.zoho.fault("hang")
    desk.refresh("x")
    desk.api("GET", "Candidates", token)
    desk.send("GET", "/recruit/v2/Nonsense")
    desk.send("GET", "/oauth/serverinfo")
    assert (desk.zoho.token_requests, desk.zoho.api_requests, len(desk.zoho.received)) == (2, 2, 5)


def test_what_arrived_is_told_without_a_secret(desk):
    grant, code = desk.zoho.new_grant(), desk.agree()
    token = says(desk.refresh(grant))["access_token"]
    desk.exchange(code, code_verifier="my verifier")
    desk.token(grant_type="refresh_token", refresh_token="a stranger's", note=token)
    desk.api("GET", "Candidates", token)
    desk.send("POST", f"/oauth/v2/token/revoke?token={grant}&token={token}")
    desk.send("GET", f"/recruit/v2/{token}?{desk.zoho.client.client_secret}", Authorization="bare-secret", Cookie="c=1")
    told = repr(desk.zoho.received)
    secrets = (grant, code, token, desk.zoho.client.client_secret, "my verifier", "a stranger's", "bare-secret", "c=1")
    assert [secret for secret in secrets if secret in told] == []


def test_what_arrived_can_be_compared_by_fingerprint(desk):
    grant = desk.zoho.new_grant()
    token = says(desk.refresh(grant))["access_token"]
    desk.api("GET", "Candidates?page=1", token)
    refresh, call = desk.zoho.received
    assert refresh["form"] == {
        "client_id": desk.zoho.client.client_id,
        "client_secret": fingerprint(desk.zoho.client.client_secret),
        "grant_type": "refresh_token",
        "refresh_token": fingerprint(grant),
    }
    assert (refresh["method"], refresh["path"], refresh["query"]) == ("POST", "/oauth/v2/token", {})
    assert call["headers"] == {"Authorization": f"Zoho-oauthtoken {fingerprint(token)}"}
    assert call["query"] == {"page": "1"}


def test_a_body_that_is_no_form_is_told_by_size_and_digest(desk):
    body = b'{"Last_Name": "Okafor"}'
    desk.zoho.handle(Request("POST", "/oauth/v2/token", headers=(("Content-Type", "application/json"),), body=body))
    assert desk.zoho.received[0]["form"] == {}
    assert desk.zoho.received[0]["size"] == len(body)
    assert desk.zoho.received[0]["digest"] == fingerprint(body)


def test_the_stranger_answers_anybody_with_the_status_asked_for(desk):
    assert desk.send("GET", "/elsewhere/anything").status == 200
    refused = desk.send("GET", "/elsewhere?status=401")
    assert (refused.status, says(refused)["code"]) == (401, "INVALID_TOKEN")
    assert desk.send("GET", "/elsewhere?status=7").status == 400
