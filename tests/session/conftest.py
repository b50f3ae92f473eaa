"""A sandbox, and sessions of requests-oauthlib that use it."""

from __future__ import annotations

import pytest
from requests_oauthlib import OAuth2Session

from requests_zohorecruit import zohorecruit_compliance_fix
from requests_zohorecruit.sandbox import Sandbox

SCOPE = ["ZohoRecruit.modules.ALL", "ZohoRecruit.settings.ALL"]


@pytest.fixture
def zoho():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def make(zoho):
    """Return a function that makes a session with the fix; `kind` and `session` options are OAuth2Session's."""

    def made(*, fix=None, kind=OAuth2Session, **options):
        options = {"redirect_uri": zoho.redirect_uri, "scope": SCOPE} | options
        session = kind(zoho.client_id, **options)
        session.verify = zoho.ca_bundle
        arguments = {"region": zoho.region, "client_secret": zoho.client_secret} | (fix or {})
        return zohorecruit_compliance_fix(session, **arguments)

    return made


@pytest.fixture
def url(zoho):
    return f"{zoho.region.recruit_url}/recruit/v2/Candidates"


@pytest.fixture
def grant(zoho):
    """A token dict with nothing but a refresh token: the first call mints."""
    return {"refresh_token": zoho.refresh_token}
