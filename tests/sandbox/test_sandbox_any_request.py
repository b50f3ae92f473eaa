"""Whatever is sent, the state machine has an answer: none of them is an exception."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from helpers.socketless_sandbox import Desk, says
from hypothesis import given, settings
from hypothesis import strategies as st

from requests_zohorecruit.sandbox.served import MODULES, ROUTES

IDS = st.sampled_from(["410888000000117001", "410888000000117013", "7", "0" * 40])
PARAMETERS = sorted({name for route in ROUTES for name in route.parameters})
VALUES = st.one_of(
    st.sampled_from(
        ["1", "0", "true", "both", "id", "desc", "Last_Name", "(City:equals:Leeds)", "((City:equals:", "", ","]
    ),
    st.text(max_size=20),
    IDS,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "id",
        "Last_Name",
        "Posting_Title",
        "Note_Content",
        "Parent_Id",
        "se_module",
        "$se_module",
        "Modified_Time",
        "Rank",
    ]
)
RECORDS = st.lists(st.dictionaries(FIELDS, JSON | st.sampled_from(list(MODULES)), max_size=6), max_size=3)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(ROUTES),
        st.sampled_from([*MODULES, "Job_Openings"]),
        IDS,
        st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=3),
        st.one_of(RECORDS.map(lambda records: {"data": records}), JSON),
    ),
    min_size=1,
    max_size=6,
)


@given(CALLS)
@settings(max_examples=60)
def test_every_call_of_the_api_has_an_answer_that_says_what_it_is(calls):
    desk = Desk()
    desk.zoho.mints_per_window = 100
    token = desk.mint()
    for route, module, record_id, query, body in calls:
        path = "/recruit/v2/" + route.path.format(module=module, id=record_id, file=record_id)
        known = {name: value for name, value in query.items() if name in route.parameters}
        for fields in (query, known):
            answer = desk.send(
                route.method,
                f"{path}?{urlencode(fields)}",
                body=json.dumps(body).encode(),
                Authorization=f"Zoho-oauthtoken {token}",
            )
            assert answer.status in {200, 201, 204, 302, 400, 501}
            if answer.status in {400, 501}:
                assert says(answer)["message"] if "message" in says(answer) else says(answer)["data"]


ACCOUNTS_FIELDS = [
    "client_id", "client_secret", "grant_type", "code", "refresh_token", "redirect_uri", "scope", "soid", "user_code",
    "person", "decision", "response_type", "access_type", "prompt", "code_challenge", "code_challenge_method", "token",
]  # fmt: skip


@given(st.data())
@settings(max_examples=60)
def test_every_call_of_the_accounts_server_has_an_answer(data):
    desk = Desk("us", "eu")
    desk.zoho.new_person(region="eu")
    client = desk.zoho.client
    told = says(
        desk.form(
            "/oauth/v3/device/code", {"client_id": client.client_id, "grant_type": "device_request", "scope": "A.ALL"}
        )
    )
    good = [client.client_id, client.client_secret, client.redirect_uri, "ZohoRecruit.modules.ALL", "accept", "reject"]
    good += [
        "code",
        "device_token",
        "device_request",
        "client_credentials",
        "authorization_code",
        "refresh_token",
        "S256",
    ]
    good += [*told.values(), "person1@example.com", "person2@example.com", desk.zoho.person.soid, desk.zoho.new_code()]
    values = st.sampled_from([str(each) for each in good]) | st.text(max_size=10)
    for _ in range(data.draw(st.integers(1, 4))):
        method, path = data.draw(st.sampled_from([*desk.zoho._home(None).endpoints, ("GET", "/"), ("PUT", "/x")]))
        fields = data.draw(st.dictionaries(st.sampled_from(ACCOUNTS_FIELDS), values, max_size=8))
        at = data.draw(st.sampled_from(["us", "eu"]))
        answer = (
            desk.form(path, fields, at=at)
            if method == "POST"
            else desk.send(method, f"{path}?{urlencode(fields)}", at=at)
        )
        assert answer.status in {200, 302, 400, 404}
