"""OAuth clients that we did not write use the sandbox over TLS: exchange, refresh, revoke, as they would use Zoho."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from requests_zohorecruit.sandbox import Sandbox

SCOPE = "ZohoRecruit.modules.ALL"


@pytest.fixture
def zoho(monkeypatch):
    with Sandbox() as sandbox:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.ca_bundle)
        yield sandbox


def candidates(zoho, access_token):
    return requests.get(
        f"{zoho.region.recruit_url}/recruit/v2/Candidates",
        headers={"Authorization": f"Zoho-oauthtoken {access_token}"},
        timeout=30,
    ).status_code


def test_plain_requests_oauthlib(zoho):
    credentials = {"client_id": zoho.client_id, "client_secret": zoho.client_secret}
    with OAuth2Session(zoho.client_id, redirect_uri=zoho.redirect_uri, scope=[SCOPE]) as session:
        url, _ = session.authorization_url(zoho.region.authorize_url, access_type="offline", prompt="consent")
        callback = zoho.consent(url).replace("http://", "https://", 1)
        secret = zoho.client_secret
        token = session.fetch_token(
            zoho.region.token_url, authorization_response=callback, client_secret=secret, include_client_id=True
        )
        assert candidates(zoho, token["access_token"]) == 200
        assert session.get(f"{zoho.region.recruit_url}/recruit/v2/Candidates").status_code == 200  # as Bearer
        fresh = session.refresh_token(zoho.region.token_url, **credentials)
        assert fresh["access_token"] != token["access_token"]
        assert fresh["refresh_token"] == token["refresh_token"]  # requests-oauthlib carries it forward by itself
        assert session.post(
            zoho.region.revoke_url, data={"token": token["refresh_token"]}, withhold_token=True
        ).json() == {"status": "success"}
        with pytest.raises(OAuth2Error, match="invalid_code"):
            session.refresh_token(zoho.region.token_url, **credentials)
    assert candidates(zoho, fresh["access_token"]) == 401


def test_authlib(zoho):
    with AuthlibSession(
        zoho.client_id,
        zoho.client_secret,
        redirect_uri=zoho.redirect_uri,
        scope=SCOPE,
        token_endpoint_auth_method="client_secret_post",
        revocation_endpoint_auth_method="none",
    ) as session:
        url, state = session.create_authorization_url(
            zoho.region.authorize_url, access_type="offline", prompt="consent"
        )
        token = session.fetch_token(
            zoho.region.token_url, authorization_response=zoho.consent(url), state=state, scope=SCOPE
        )
        assert candidates(zoho, token["access_token"]) == 200
        fresh = session.refresh_token(zoho.region.token_url, refresh_token=token["refresh_token"])
        assert fresh["access_token"] != token["access_token"]
        answer = session.revoke_token(zoho.region.revoke_url, token=token["refresh_token"])
        assert answer.json() == {"status": "success"}
    assert candidates(zoho, fresh["access_token"]) == 401


def test_client_credentials_with_plain_requests_oauthlib(zoho):
    client = BackendApplicationClient(zoho.client_id, scope=[SCOPE])
    with OAuth2Session(client=client) as session:
        token = session.fetch_token(
            zoho.region.token_url, client_secret=zoho.client_secret, include_client_id=True, soid=zoho.soid
        )
        assert "refresh_token" not in token
        assert candidates(zoho, token["access_token"]) == 200
    again = OAuth2Session(client=BackendApplicationClient(zoho.client_id, scope=[SCOPE]))
    # An error with status 200, which oauthlib raises all the same.
    with again, pytest.raises(OAuth2Error, match="missing_org_info"):
        again.fetch_token(zoho.region.token_url, client_secret=zoho.client_secret, include_client_id=True)


def test_client_credentials_with_authlib(zoho):
    with AuthlibSession(
        zoho.client_id, zoho.client_secret, scope=SCOPE, token_endpoint_auth_method="client_secret_post"
    ) as session:
        token = session.fetch_token(zoho.region.token_url, grant_type="client_credentials", soid=zoho.soid)
        assert "refresh_token" not in token
        assert candidates(zoho, token["access_token"]) == 200


def test_the_token_layer_of_zohos_own_sdk(zoho, tmp_path):
    facts = {
        "url": zoho.region.accounts_url,
        "token_url": zoho.region.token_url,
        "client_id": zoho.client_id,
        "client_secret": zoho.client_secret,
        "redirect_uri": None,
        "code": zoho.new_code(SCOPE),
        "directory": str(tmp_path),
    }
    told = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("zoho_sdk_client.py"))],
        input=json.dumps(facts),
        env={**os.environ, "REQUESTS_CA_BUNDLE": zoho.ca_bundle},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    told = json.loads(told.stdout)
    assert told["exchanged"] != told["refreshed"]
    assert 3500 < told["expires_in"] / 1000 - time.time() < 3700
    assert told["revoked"] is True
    assert "invalid_code" in told["error"]
    assert candidates(zoho, told["refreshed"]) == 401
