"""More OAuth clients that we did not write: google-auth and requests-oauth2client, as they would use Zoho.

requests-oauthlib, Authlib and Zoho's own SDK are in the default run, in ``tests/sandbox/test_witness.py``. These two need
``tox run -e integrations``.
"""

from __future__ import annotations

import google.auth.exceptions
import google.auth.transport.requests
import pytest
import requests
from google.oauth2.credentials import Credentials
from requests_oauth2client import ClientSecretPost, OAuth2Client, UnknownTokenEndpointError

from requests_zohorecruit.sandbox import Sandbox

SCOPE = "ZohoRecruit.modules.ALL"


@pytest.fixture
def zoho(monkeypatch):
    with Sandbox(regions=("us", "eu")) as zoho:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", zoho.ca_bundle)
        yield zoho


def candidates(region, **options):
    return requests.get(f"{region.recruit_url}/recruit/v2/Candidates", timeout=30, **options).status_code


@pytest.fixture
def client(zoho):
    return OAuth2Client(
        zoho.region.token_url,
        auth=ClientSecretPost(zoho.client_id, zoho.client_secret),
        authorization_endpoint=zoho.region.authorize_url,
        redirect_uri=zoho.redirect_uri,
        revocation_endpoint=zoho.region.revoke_url,
    )


def test_requests_oauth2client_exchanges_refreshes_and_revokes(zoho, client):
    asked = client.authorization_request(scope=SCOPE, access_type="offline", prompt="consent")
    answered = asked.validate_callback(zoho.consent(asked.uri))
    token = client.authorization_code(answered)
    assert token.refresh_token
    assert candidates(zoho.region, auth=token) == 200
    zoho.expire_tokens()
    fresh = client.refresh_token(token)
    assert fresh.access_token != token.access_token
    assert candidates(zoho.region, auth=fresh) == 200
    assert client.revoke_refresh_token(token.refresh_token)
    assert candidates(zoho.region, auth=fresh) == 401


def test_requests_oauth2client_with_client_credentials(zoho, client):
    token = client.client_credentials(scope=SCOPE, soid=zoho.soid)
    assert token.refresh_token is None
    assert candidates(zoho.region, auth=token) == 200
    # Zoho's errors come with status 200, and this client notices all the same.
    with pytest.raises(UnknownTokenEndpointError):
        client.client_credentials(scope=SCOPE)


def test_google_auth_refreshes_and_is_refused_in_another_data_centre(zoho):
    def credentials(refresh_token, region):
        return Credentials(
            None,
            refresh_token=refresh_token,
            token_uri=region.token_url,
            client_id=zoho.client_id,
            client_secret=zoho.client_secret,
        )

    anna = zoho.new_person(region="eu")
    grant = zoho.new_grant(SCOPE, person=anna)
    transport = google.auth.transport.requests.Request()
    there = credentials(grant, zoho.regions["eu"])
    there.refresh(transport)
    assert candidates(zoho.regions["eu"], headers={"Authorization": f"Zoho-oauthtoken {there.token}"}) == 200
    assert candidates(zoho.regions["us"], headers={"Authorization": f"Zoho-oauthtoken {there.token}"}) == 401
    with pytest.raises(google.auth.exceptions.RefreshError):
        credentials(grant, zoho.regions["us"]).refresh(transport)
