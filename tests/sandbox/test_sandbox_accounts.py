"""Zoho Accounts in the box: consent, exchange, refresh, revoke, and every limit."""

from __future__ import annotations

import base64
import hashlib
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from helpers.socketless_sandbox import says


def test_a_refresh_answer_has_no_refresh_token_and_names_this_server(desk):
    answer = desk.refresh(desk.zoho.new_grant("ZohoRecruit.modules.ALL,ZohoRecruit.users.READ"))
    content = says(answer)
    assert answer.status == 200
    assert content.pop("access_token").startswith("1000.")
    assert content == {
        "scope": "ZohoRecruit.modules.ALL ZohoRecruit.users.READ",
        "api_domain": "https://127.0.0.1:4433",
        "token_type": "Bearer",
        "expires_in": 3600,
    }


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client_secret"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "1000.no.no"}, "invalid_code"),
        ({"grant_type": "refresh_token"}, "invalid_code"),
        ({"grant_type": "authorization_code", "code": "1000.no.no"}, "invalid_code"),
    ],
)
def test_errors_come_with_status_200(desk, fields, error):
    answer = desk.token(**fields)
    assert (answer.status, says(answer)) == (200, {"error": error})


def test_a_client_that_names_itself_in_a_basic_header_is_not_known(desk):
    answer = desk.send("POST", "/oauth/v2/token", Authorization="Basic abc")
    assert says(answer) == {"error": "invalid_client"}


def test_the_consent_page_shows_what_is_asked_and_nothing_is_taken_for_markup(desk):
    answer = desk.send("GET", desk.authorization_url(state='"><script>'))
    page = answer.body.decode()
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<script>" not in page
    for shown in ("ZohoRecruit.modules.ALL", "ZohoRecruit.settings.READ", "sandbox", desk.zoho.client.client_id):
        assert shown in page
    assert 'value="accept"' in page
    assert 'value="reject"' in page
    assert "until it is revoked" in page
    assert "for one hour" in desk.send("GET", desk.authorization_url(access_type="online")).body.decode()


def test_what_the_page_sends_on_accept_leads_back_with_a_code_and_the_region(desk):
    page = desk.send("GET", desk.authorization_url()).body.decode()
    fields = dict(_hidden(page)) | {"decision": "accept"}
    answer = desk.form("/oauth/v2/auth", fields)
    url, _, query = answer.headers["Location"].partition("?")
    told = dict(parse_qsl(query))
    assert (answer.status, url) == (302, "http://127.0.0.1:8400/callback")
    assert told.pop("code").startswith("1000.")
    assert told == {"state": "s p/ace", "location": "sandbox", "accounts-server": "https://127.0.0.1:4433"}
    assert "accounts-server=https%3A%2F%2F127.0.0.1%3A4433" in query


def test_rejecting_leads_back_with_access_denied(desk):
    url = desk.zoho.consent(desk.authorization_url(), accept=False)
    assert dict(parse_qsl(urlsplit(url).query)) == {"error": "access_denied", "state": "s p/ace"}


def test_a_redirect_uri_with_a_query_keeps_it_and_no_state_gives_none(desk):
    url = desk.zoho.consent(
        desk.authorization_url(redirect_uri="http://127.0.0.1:8400/callback?tenant=7", state=None), accept=False
    )
    assert url == "http://127.0.0.1:8400/callback?tenant=7&error=access_denied"


def test_a_click_that_decides_nothing_shows_the_page_again(desk):
    assert desk.send("POST", desk.authorization_url()).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "token"},
        {"client_id": "1000.NOBODY"},
        {"client_id": None},
        {"redirect_uri": "http://127.0.0.1:8400/callback/"},
        {"redirect_uri": None},
        {"scope": None},
        {"scope": "ZohoRecruit.modules.EVERYTHING"},
        {"scope": "ZohoRecruit.modules.ALL,nonsense"},
        {"code_challenge_method": "S512"},
    ],
)
def test_a_wrong_authorization_request_is_a_page_and_never_a_redirect(desk, changes):
    url = desk.authorization_url(**changes)
    answer = desk.send("GET", url)
    assert answer.status == 400
    assert "Location" not in answer.headers
    with pytest.raises(ValueError, match="error page"):
        desk.zoho.consent(url)


def test_a_code_is_exchanged_once_and_its_first_token_works(desk):
    code = desk.agree()
    content = says(desk.exchange(code, redirect_uri="http://127.0.0.1:8400/callback"))
    assert desk.api("GET", "Candidates", content["access_token"]).status == 200
    assert says(desk.refresh(content["refresh_token"]))["access_token"] != content["access_token"]
    again = desk.exchange(code, redirect_uri="http://127.0.0.1:8400/callback")
    assert says(again) == {"error": "invalid_code"}


@pytest.mark.parametrize("sent", [{}, {"redirect_uri": "http://127.0.0.1:9/callback"}])
def test_a_web_code_needs_its_own_redirect_uri_and_survives_a_wrong_one(desk, sent):
    code = desk.agree()
    assert says(desk.exchange(code, **sent)) == {"error": "invalid_redirect_uri"}
    assert "refresh_token" in says(desk.exchange(code, redirect_uri="http://127.0.0.1:8400/callback"))


def test_a_web_code_lives_a_minute_and_a_self_clients_three(desk):
    web, own, other = desk.agree(), desk.zoho.new_code(), desk.zoho.new_code()
    desk.now += 60
    assert says(desk.exchange(web, redirect_uri="http://127.0.0.1:8400/callback")) == {"error": "invalid_code"}
    desk.now += 119
    assert "refresh_token" in says(desk.exchange(own))
    desk.now += 1
    assert says(desk.exchange(other)) == {"error": "invalid_code"}


def test_only_offline_access_gives_a_refresh_token_and_a_second_one_needs_prompt_consent(desk):
    def refresh_token_after(**changes):
        code = desk.agree(**changes)
        return "refresh_token" in says(desk.exchange(code, redirect_uri="http://127.0.0.1:8400/callback"))

    assert not refresh_token_after(access_type="online", prompt=None)
    assert not refresh_token_after(access_type=None)
    assert refresh_token_after(prompt=None)
    assert not refresh_token_after(prompt=None)
    assert refresh_token_after(prompt="consent")


def test_pkce_s256_and_plain_are_checked_when_a_challenge_was_given(desk):
    verifier = "v" * 43
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    back = {"redirect_uri": "http://127.0.0.1:8400/callback"}
    hashed = desk.agree(code_challenge=digest, code_challenge_method="S256")
    plain = desk.agree(code_challenge=verifier)
    assert says(desk.exchange(hashed, **back)) == {"error": "invalid_code"}
    assert says(desk.exchange(hashed, code_verifier=digest, **back)) == {"error": "invalid_code"}
    assert "access_token" in says(desk.exchange(hashed, code_verifier=verifier, **back))
    assert says(desk.exchange(plain, code_verifier="wrong", **back)) == {"error": "invalid_code"}
    assert "access_token" in says(desk.exchange(plain, code_verifier=verifier, **back))


DENIED = {
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "error": "Access Denied",
    "status": "failure",
}


def test_the_eleventh_access_token_in_ten_minutes_is_denied_and_the_exchange_counts(desk):
    refresh_token = says(desk.exchange(desk.zoho.new_code()))["refresh_token"]
    for _ in range(9):
        desk.now += 1
        assert "access_token" in says(desk.refresh(refresh_token))
    answer = desk.refresh(refresh_token)
    assert (answer.status, says(answer)) == (400, DENIED)
    assert "Retry-After" not in answer.headers
    assert "access_token" in says(desk.refresh(desk.zoho.new_grant())), "another grant has its own window"
    desk.now += 600 - 9
    assert "access_token" in says(desk.refresh(refresh_token))
    assert says(desk.refresh(refresh_token)) == DENIED, "the window rolls: only one slot came free"


def test_retrying_while_blocked_prolongs_the_block(desk):
    grant = desk.zoho.new_grant()
    for _ in range(11):
        answer = desk.refresh(grant)
    assert answer.status == 400
    desk.now += 599
    assert desk.refresh(grant).status == 400
    desk.now += 60
    assert desk.refresh(grant).status == 400, "without the retry it would be open since 59 seconds"
    desk.now += 61
    assert desk.refresh(grant).status == 200


def test_limits_can_be_lifted_while_running_even_to_nothing(desk):
    desk.zoho.mints_per_window = 40
    grant = desk.zoho.new_grant()
    assert all(desk.refresh(grant).status == 200 for _ in range(40))
    desk.zoho.mints_per_window = 0
    assert desk.refresh(desk.zoho.new_grant()).status == 400


def test_the_eleventh_live_access_token_kills_the_oldest(desk):
    desk.zoho.mints_per_window = 100
    grant = desk.zoho.new_grant()
    tokens = [desk.mint(grant) for _ in range(11)]
    assert desk.api("GET", "Candidates", tokens[0]).status == 401
    assert all(desk.api("GET", "Candidates", token).status == 200 for token in tokens[1:])
    assert desk.zoho.live_access_tokens(grant) == 10


def test_expired_access_tokens_do_not_count_as_live(desk):
    desk.zoho.access_token_lifetime = 60
    grant = desk.zoho.new_grant()
    old = desk.mint(grant)
    desk.now += 60
    assert desk.api("GET", "Candidates", old).status == 401
    assert desk.zoho.live_access_tokens(grant) == 0
    assert desk.zoho.live_access_tokens("1000.no.no") == 0


def test_the_twenty_first_refresh_token_kills_the_oldest_and_its_access_tokens(desk):
    oldest, second = desk.zoho.new_grant(), desk.zoho.new_grant()
    token, other = desk.mint(oldest), desk.mint(second)
    for _ in range(19):
        desk.zoho.new_grant()
    assert says(desk.refresh(oldest)) == {"error": "invalid_code"}
    assert desk.api("GET", "Candidates", token).status == 401
    assert desk.api("GET", "Candidates", other).status == 200


def test_zohos_five_refresh_tokens_a_minute_apply_when_asked_for(desk):
    desk.zoho.refresh_tokens_per_minute = 5
    for _ in range(5):
        assert desk.exchange(desk.zoho.new_code()).status == 200
    code = desk.zoho.new_code()
    assert says(desk.exchange(code)) == DENIED
    desk.now += 60
    assert "refresh_token" in says(desk.exchange(code))


@pytest.mark.parametrize("place", ["body", "query"])
def test_revoking_a_grant_kills_it_and_its_access_tokens(desk, place):
    grant = desk.zoho.new_grant()
    token = desk.mint(grant)
    if place == "body":
        answer = desk.form("/oauth/v2/token/revoke", {"token": grant})
    else:
        answer = desk.send("POST", f"/oauth/v2/token/revoke?token={grant}")
    assert (answer.status, says(answer)) == (200, {"status": "success"})
    assert says(desk.refresh(grant)) == {"error": "invalid_code"}
    assert desk.api("GET", "Candidates", token).status == 401


def test_an_access_token_can_be_revoked_alone(desk):
    grant = desk.zoho.new_grant()
    token, other = desk.mint(grant), desk.mint(grant)
    assert says(desk.form("/oauth/v2/token/revoke", {"token": token})) == {"status": "success"}
    assert desk.api("GET", "Candidates", token).status == 401
    assert desk.api("GET", "Candidates", other).status == 200
    assert desk.zoho.live_access_tokens(grant) == 1


def test_revoking_a_bad_token_is_a_page_with_status_400(desk):
    for answer in (desk.form("/oauth/v2/token/revoke", {"token": "x"}), desk.send("POST", "/oauth/v2/token/revoke")):
        assert answer.status == 400
        assert answer.body.startswith(b"<!doctype html>")


def test_server_info_lists_this_server(desk):
    answer = desk.send("GET", "/oauth/serverinfo")
    assert says(answer) == {"result": "success", "locations": {"sandbox": "https://127.0.0.1:4433"}}


@pytest.mark.parametrize("target", ["/", "/oauth/v2/tokens", "/oauth/v2/token"])
def test_any_other_address_is_a_page(desk, target):
    assert desk.send("GET", target).status == 404


def test_no_secret_is_in_the_clients_repr(desk):
    assert desk.zoho.client.client_secret not in repr(desk.zoho.client)


def _hidden(page):
    for tag in page.split('<input type="hidden" ')[1:]:
        _, name, _, value, _ = tag.split('"', 4)
        yield unescape(name), unescape(value)
