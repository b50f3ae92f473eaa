"""T84: vcrpy and pytest-recording write cassettes, and no secret into them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests
import vcr

from requests_zohorecruit import TokenEndpointError, ZohoRecruitAuth
from requests_zohorecruit.sandbox import Sandbox
from requests_zohorecruit.secret import SentSecret
from requests_zohorecruit.testing import hide_secrets_in_cassettes

pytestmark = pytest.mark.parametrize("serializer", ["yaml", "json"])


@pytest.fixture(scope="module")
def zoho():
    with Sandbox() as zoho:
        yield zoho


@pytest.fixture
def auth(zoho, monkeypatch):
    zoho.renew(redirect_uris=(zoho.redirect_uri,))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", zoho.ca_bundle)
    return make_auth(zoho)


def make_auth(zoho):
    return ZohoRecruitAuth(zoho.client_id, zoho.client_secret, region=zoho.region, refresh_token=zoho.refresh_token)


def url(zoho):
    return f"{zoho.region.recruit_url}/recruit/v2/Candidates"


def secrets(zoho, auth):
    return {zoho.client_secret, zoho.refresh_token, auth.token.access_token}


def test_t84_a_cassette_of_an_api_call_is_written_and_played_and_holds_no_token(zoho, auth, serializer, tmp_path):
    auth.refresh()
    path = tmp_path / "cassette"
    for played in (0, 1):
        with vcr.use_cassette(str(path), serializer=serializer) as cassette:
            response = requests.get(url(zoho), auth=auth)
        assert (response.status_code, cassette.play_count) == (200, played)
    assert zoho.api_requests == 1
    assert auth.token.access_token in str(response.request.headers["Authorization"])
    assert repr(response.request.headers["Authorization"]) in path.read_text()
    assert not [secret for secret in secrets(zoho, auth) if secret in path.read_text()]


def test_t84_a_header_from_before_yaml_was_loaded_is_written_too(zoho, auth, serializer, tmp_path, monkeypatch):
    representers = [getattr(sys.modules["yaml.representer"], name) for name in ("SafeRepresenter", "Representer")]
    for each in representers:
        monkeypatch.delitem(each.yaml_representers, SentSecret, raising=False)
    test_t84_a_cassette_of_an_api_call_is_written_and_played_and_holds_no_token(zoho, auth, serializer, tmp_path)


def test_t84_token_calls_are_written_with_fingerprints_and_can_be_played(zoho, auth, serializer, tmp_path):
    recorder = hide_secrets_in_cassettes(vcr.VCR(serializer=serializer))
    path = tmp_path / "cassette"
    with recorder.use_cassette(str(path)):
        requests.get(url(zoho), auth=auth)
        auth.revoke()
    asked = zoho.token_requests, zoho.api_requests
    written = path.read_text()
    assert "grant_type=refresh_token" in written
    assert not [secret for secret in (zoho.client_secret, zoho.refresh_token) if secret in written]
    assert "1000." not in written.replace(zoho.client_id, "")
    player = make_auth(zoho)
    with recorder.use_cassette(str(path)):
        assert requests.get(url(zoho), auth=player).status_code == 200
        assert player.token.access_token.startswith("hidden-#")
        assert player.token.refresh_token == zoho.refresh_token
    assert (zoho.token_requests, zoho.api_requests) == asked


def test_t84_an_answer_of_zoho_accounts_that_cannot_be_read_is_not_written(zoho, auth, serializer, tmp_path):
    recorder = hide_secrets_in_cassettes(vcr.VCR(serializer=serializer))
    zoho.fault("html")
    with recorder.use_cassette(str(tmp_path / "cassette")), pytest.raises(TokenEndpointError):
        auth.refresh()
    assert "maintenance" not in (tmp_path / "cassette").read_text()


RECORDING = """
import pytest, requests
from requests_zohorecruit import ZohoRecruitAuth
from requests_zohorecruit.zoho.regions import Region

@pytest.fixture(scope="module")
def vcr_config():
    return {{"serializer": {serializer!r}}}

@pytest.mark.vcr
def test_it():
    region = Region("sandbox", {accounts!r}, {recruit!r})
    auth = ZohoRecruitAuth({id!r}, {secret!r}, region=region, refresh_token={grant!r})
    assert requests.get(region.recruit_url + "/recruit/v2/Candidates", auth=auth).status_code == 200
"""


@pytest.mark.thorough(one_in=2)
@pytest.mark.usefixtures("measured_processes")
def test_t84_pytest_recording_with_its_defaults_writes_and_plays_without_a_secret(zoho, auth, serializer, tmp_path):
    program = RECORDING.format(
        serializer=serializer,
        accounts=zoho.region.accounts_url,
        recruit=zoho.region.recruit_url,
        id=zoho.client_id,
        secret=zoho.client_secret,
        grant=zoho.refresh_token,
    )
    (tmp_path / "test_it.py").write_text(program)
    for mode in ("once", "none"):
        run = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", f"--record-mode={mode}"]
        done = subprocess.run([*run, "test_it.py"], cwd=tmp_path, capture_output=True, text=True, timeout=50)
        assert done.returncode == 0, done.stdout
    assert zoho.api_requests == 1
    (cassette,) = (path for path in (tmp_path / "cassettes").rglob("*") if path.is_file())
    written = cassette.read_text()
    assert "hidden-#" in written
    assert not [secret for secret in (zoho.client_secret, zoho.refresh_token) if secret in written]
    assert "1000." not in written.replace(zoho.client_id, "")
