"""Whatever Zoho Accounts answers to a device: a code that can be shown, a pause, or one error without a secret."""

from __future__ import annotations

import json

import requests
from helpers.canned_adapter import session_over
from helpers.planted_secrets import APPLICATION, leaks
from helpers.strategies import PLANTED, bodies, headers, statuses, values
from hypothesis import example, given
from hypothesis import strategies as st

from requests_zohorecruit import Region, Token, ZohoAuthError
from requests_zohorecruit.login.device import authorize_device
from requests_zohorecruit.zoho.device import Pending, read_device_code, read_poll
from requests_zohorecruit.zoho.regions import https_host
from requests_zohorecruit.zoho.token_answers import Answer

EU = Region.lookup("eu")
NOW = 1_800_000_000.0
ACCOUNTS = {https_host(region.accounts_url) for region in Region.all()}
PAGE = "https://accounts.zoho.eu/oauth/v3/device"

times = values | st.integers(-(10**6), 10**9) | st.sampled_from(["30000", "1e400", "-1", "soon"])
urls = values | st.sampled_from(
    [PAGE, "http://accounts.zoho.eu/", "https://planted.example/", f"{PAGE}\x1b[2J", "https://["]
)
codes = st.fixed_dictionaries(
    {"user_code": st.sampled_from(["1A2B3C4D", "1A2B-3C4D"]) | values, "device_code": st.just(PLANTED) | values},
    optional={
        "verification_url": st.just(PAGE) | urls,
        "verification_uri_complete": urls,
        "interval": times,
        "expires_in": times,
        "error": values,
    },
).map(json.dumps)
polls = st.fixed_dictionaries(
    {"error": st.sampled_from(["other_dc", "slow_down", "authorization_pending", "expired", "access_denied"]) | values},
    optional={"user_location": st.sampled_from(["eu", "us", "mars", "accounts.zoho.eu"]) | values},
).map(json.dumps)


def decode(body):
    return body.decode("utf-8", "replace")


@given(codes | bodies.map(decode), statuses)
def test_any_answer_to_the_request_for_a_code_can_be_shown_or_is_a_typed_error(text, status):
    try:
        code = read_device_code(Answer(status, text), region=EU, extra=(), requested_at=NOW)
    except ZohoAuthError as error:
        assert leaks(error) == []
        assert error.__context__ is None
        return
    assert 30 <= code.pause <= 120
    assert NOW < code.prompt.expires_at <= NOW + 1800
    assert code.prompt.user_code.isascii()
    assert code.prompt.user_code.isprintable()
    for url in (code.prompt.verification_url, code.prompt.verification_url_complete):
        assert https_host(url) in ACCOUNTS
        assert url.isprintable()
    assert str(code.value) not in repr(code) or len(code.value) < 10


@given(polls | bodies.map(decode), statuses)
@example('{"error": "other_dc", "user_location": "\\u212aR"}', 200)
def test_any_answer_to_a_poll_is_a_token_a_known_region_or_a_typed_error(text, status):
    try:
        told = read_poll(Answer(status, text), region=EU, extra=(), requested_at=NOW)
    except ZohoAuthError as error:
        assert leaks(error) == []
        assert error.__context__ is None
        return
    if isinstance(told, Pending):
        assert told.region in Region.all()
        assert told.slower in {0, 5}
    else:
        assert isinstance(told, Token)
        assert told.refresh_token


@given(st.lists(st.tuples(statuses, headers, polls.map(str.encode) | bodies), min_size=1, max_size=6))
def test_any_run_of_answers_comes_to_an_end_within_the_life_of_the_code(answers):
    code = json.dumps({"user_code": "A1", "device_code": PLANTED, "verification_url": PAGE, "interval": 1}).encode()
    session: requests.Session = session_over((200, {}, code), *answers)
    now = [NOW]

    def sleep(seconds):
        assert 30 <= seconds <= 120
        now[0] += seconds

    try:
        authorize_device(
            APPLICATION.client_id,
            APPLICATION.client_secret,
            region="eu",
            scope="ZohoRecruit.modules.ALL",
            show=lambda _: None,
            session=session,
            sleep=sleep,
            clock=lambda: now[0],
        )
    except ZohoAuthError as error:
        assert leaks(error) == []
    assert now[0] <= NOW + 300 + 120
