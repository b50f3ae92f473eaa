"""`mock_zoho`: the sandbox's state machine behind `responses`, without a socket."""

from __future__ import annotations

import io
import subprocess
import sys
import time

import pytest
import requests
import responses

from requests_zohorecruit import (
    ReauthorizationRequired,
    Region,
    ThrottledError,
    TokenEndpointError,
    UnknownRegionError,
    ZohoRecruitAuth,
    testing,
)
from requests_zohorecruit.sandbox import fingerprint
from requests_zohorecruit.sandbox.zoho import Zoho
from requests_zohorecruit.testing import mock_zoho

CANDIDATES = "https://recruit.zoho.eu/recruit/v2/Candidates"


@pytest.fixture
def mock():
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def zoho(mock):
    return mock_zoho(mock)


def auth_for(zoho, **options):
    return ZohoRecruitAuth(
        zoho.client_id, zoho.client_secret, region=zoho.region, refresh_token=zoho.refresh_token, **options
    )


def test_a_call_is_answered_from_the_same_records_as_in_the_sandbox(zoho):
    answer = requests.get(CANDIDATES, auth=auth_for(zoho), verify=zoho.ca_bundle)
    assert (answer.status_code, answer.reason, len(answer.json()["data"])) == (200, "OK", 12)
    assert (zoho.token_requests, zoho.api_requests) == (1, 1)
    assert zoho.received[0]["form"]["refresh_token"] == fingerprint(zoho.refresh_token)


def test_it_has_all_controls_of_the_sandbox(zoho):
    assert isinstance(zoho, Zoho)
    auth = auth_for(zoho)
    requests.get(CANDIDATES, auth=auth)
    zoho.reject_tokens()
    answer = requests.get(CANDIDATES, auth=auth)
    assert ([each.status_code for each in answer.history], answer.status_code) == ([401], 200)
    zoho.reject_all = True
    assert requests.get(CANDIDATES, auth=auth).status_code == 401


def test_a_mock_that_nobody_calls_is_no_complaint():
    with responses.RequestsMock() as mock:
        zoho = mock_zoho(mock)
    assert (zoho.token_requests, zoho.api_requests) == (0, 0)


def test_another_response_that_nobody_calls_still_is():
    with pytest.raises(AssertionError, match=r"zoho\.eu/other"), responses.RequestsMock() as mock:
        mock_zoho(mock)
        mock.get("https://recruit.zoho.eu/other")


@responses.activate
def test_the_module_itself_will_do_as_the_mock():
    zoho = mock_zoho(responses, region="us")
    assert requests.get("https://recruit.zoho.com/recruit/v2/Candidates", auth=auth_for(zoho)).ok


@pytest.mark.parametrize("code", [region.code for region in Region.all()])
def test_every_region_of_the_table_answers_on_its_own_hosts(mock, code):
    zoho = mock_zoho(mock, region=code)
    auth = auth_for(zoho)
    for url in (zoho.region.recruit_url, zoho.region.upload_url):
        assert requests.get(f"{url}/recruit/v2/JobOpenings", auth=auth).ok
    assert auth.token.api_domain == zoho.region.api_domain
    back = zoho.consent(
        f"{zoho.region.authorize_url}?response_type=code&client_id={zoho.client_id}&redirect_uri={zoho.redirect_uri}"
        "&scope=ZohoRecruit.modules.ALL"
    )
    assert Region.from_callback(back) is zoho.region


def test_a_custom_region_on_one_host_will_do(mock):
    here = Region("box", "https://zoho.example:8443", "https://zoho.example:8443")
    zoho = mock_zoho(mock, region=here)
    assert requests.get("https://zoho.example:8443/recruit/v2/Candidates", auth=auth_for(zoho)).ok


def test_an_unknown_region_is_an_error(mock):
    with pytest.raises(UnknownRegionError):
        mock_zoho(mock, region="mars")


def test_no_redirect_uri_is_an_error(mock):
    with pytest.raises(ValueError, match="redirect URI"):
        mock_zoho(mock, redirect_uris=())


@pytest.mark.parametrize(
    "url",
    [
        "https://recruit.zoho.com/recruit/v2/Candidates",
        "https://www.zohoapis.eu/recruit/v2/Candidates",
        "https://accounts.zoho.eu/recruit/v2/Candidates",
        "https://recruit.zoho.eu/oauth/v2/token",
        "http://recruit.zoho.eu/recruit/v2/Candidates",
    ],
)
def test_where_zoho_is_not_nobody_answers(zoho, url):
    with pytest.raises(requests.ConnectionError, match="This is not where the mocked Zoho is"):
        requests.get(url)


def test_an_unknown_page_of_zoho_is_not_found(zoho):
    assert requests.get("https://accounts.zoho.eu/nothing").status_code == 404


def test_responses_registered_beside_it_go_first_and_last(mock, zoho):
    auth = auth_for(zoho)
    mock.get(CANDIDATES, status=503)
    assert [requests.get(CANDIDATES, auth=auth).status_code for _ in range(2)] == [503, 503]
    mock.remove(responses.GET, CANDIDATES)
    assert requests.get(CANDIDATES, auth=auth).status_code == 200


def test_two_regions_can_be_mocked_at_once(mock, zoho):
    other = mock_zoho(mock, region="us")
    assert requests.get(CANDIDATES, auth=auth_for(zoho)).ok
    assert requests.get("https://recruit.zoho.com/recruit/v2/Candidates", auth=auth_for(other)).ok
    assert (zoho.token_requests, other.token_requests) == (1, 1)


@pytest.mark.parametrize(
    "body", [b"bytes", "text", bytearray(b"array"), io.BytesIO(b"file"), iter([b"gene", b"rator"])]
)
def test_any_body_arrives(zoho, body):
    requests.post("https://accounts.zoho.eu/nothing", data=body)
    sent = {"bytes", "text", "array", "file", "generator"}
    assert zoho.received[0]["digest"] in {fingerprint(word) for word in sent}


def test_a_request_without_a_body_arrives_without_one(zoho):
    requests.get("https://accounts.zoho.eu/nothing", headers={"X-Bytes": b"b"})
    assert (zoho.received[0]["size"], zoho.received[0]["headers"]["X-Bytes"]) == (0, "b")


def test_an_upload_is_kept_whole_over_a_replay(zoho):
    auth = auth_for(zoho)
    one = requests.get(CANDIDATES, auth=auth).json()["data"][0]["id"]
    zoho.reject_tokens()
    answer = requests.post(f"{CANDIDATES}/{one}/Attachments", files={"file": ("cv.pdf", b"%PDF-1.7")}, auth=auth)
    assert answer.ok
    assert list(zoho.attachments.values()) == [b"%PDF-1.7"]


@pytest.mark.parametrize("fault", ["hang", "reset", "truncated", "mint-then-reset", "redirect", "html", "garbage"])
def test_every_way_to_fail_reaches_the_caller_as_it_would_over_a_socket(zoho, fault):
    zoho.fault(fault)
    with pytest.raises(TokenEndpointError) as caught:
        auth_for(zoho).refresh()
    assert caught.value.uncertain is (fault != "redirect")


def test_a_throttled_grant_is_throttled(zoho):
    zoho.fault("throttle")
    with pytest.raises(ThrottledError):
        auth_for(zoho).refresh()


def test_a_revoked_grant_is_dead(zoho):
    auth_for(zoho).revoke()
    with pytest.raises(ReauthorizationRequired):
        auth_for(zoho).refresh()


def test_an_answer_that_takes_time_takes_it(zoho, monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    zoho.token_delay = 2.5
    auth_for(zoho).refresh()
    assert slept == [2.5]


def test_a_test_that_moves_the_clock_moves_zohos_too(zoho, monkeypatch):
    auth = auth_for(zoho)
    requests.get(CANDIDATES, auth=auth)
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert zoho.live_access_tokens() == 0
    assert requests.get(CANDIDATES, auth=auth).history == []
    assert zoho.token_requests == 2


def test_an_empty_answer_has_no_length(zoho):
    answer = requests.get(CANDIDATES, params={"page": 9}, auth=auth_for(zoho))
    assert (answer.status_code, answer.content, "Content-Length" in answer.headers) == (204, b"", False)


def test_its_repr_shows_the_region_only(zoho):
    assert repr(zoho) == "MockZoho('eu')"


def test_the_contract_can_be_imported_where_responses_is_not_installed():
    program = "import sys; sys.modules['responses'] = None; from requests_zohorecruit.testing import TokenStoreContract"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_module_has_no_other_names_on_demand():
    with pytest.raises(AttributeError, match="no attribute 'mock_zooh'"):
        testing.mock_zooh  # noqa: B018
