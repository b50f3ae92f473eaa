"""The libraries that are compared, each set up as a fair user of Zoho would set it up.

Owns how each is called; knows nothing of what is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

__all__ = ["CONSTANT", "HEADER", "LIBRARIES", "OURS", "Grant", "Library"]


@dataclass(frozen=True)
class Grant:
    """What a user has after authorizing once.

    :ivar token: the token dict, with an absolute ``expires_at``
    :ivar store: what ours is given as ``store=``, made anew in each process
    """

    region: Any
    client_id: str
    client_secret: str
    token: dict[str, Any]
    store: Callable[[], Any] = lambda: None


@dataclass(frozen=True)
class Library:
    """How a library is used.

    :ivar step: returns a function that signs a prepared request
    :ivar sessions: returns a function that gives each thread a session to call `get` on
    :ivar statement: what a program that uses it imports
    """

    name: str
    step: Callable[[Grant], Callable[[requests.PreparedRequest], object]]
    sessions: Callable[[Grant], Callable[[], requests.Session]]
    statement: str


class ConstantAuth(AuthBase):
    """The least that an ``auth=`` can do, and what everything else is compared with."""

    def __init__(self, token: str) -> None:
        self._header = f"Zoho-oauthtoken {token}"

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = self._header
        return r


def _with_auth(auth: Any) -> Callable[[], requests.Session]:
    def session() -> requests.Session:
        made = requests.Session()
        made.auth = auth
        return made

    return session


def _shared(session: requests.Session) -> Callable[[], requests.Session]:
    """All threads use the one session that holds the token, with room for all their connections."""
    session.mount("https://", HTTPAdapter(pool_maxsize=64))
    return lambda: session


def _constant(grant: Grant) -> ConstantAuth:
    return ConstantAuth(grant.token["access_token"])


def _constant_header(grant: Grant) -> Callable[[], requests.Session]:
    session = requests.Session()
    session.headers["Authorization"] = f"Zoho-oauthtoken {grant.token['access_token']}"
    return lambda: session


def _ours(grant: Grant) -> Any:
    from requests_zohorecruit import MemoryStore, ZohoRecruitAuth

    store = grant.store()
    if store is None:
        store = MemoryStore()
        store.save(grant.token)
    return ZohoRecruitAuth(grant.client_id, grant.client_secret, region=grant.region, store=store)


def _requests_oauthlib(grant: Grant) -> Any:
    from requests_oauthlib import OAuth2Session

    return OAuth2Session(
        grant.client_id,
        token=grant.token,
        auto_refresh_url=grant.region.token_url,
        auto_refresh_kwargs={"client_id": grant.client_id, "client_secret": grant.client_secret},
        token_updater=lambda token: None,  # without one, a refresh raises TokenUpdated
    )


def _requests_oauthlib_step(grant: Grant) -> Any:
    from requests_oauthlib import OAuth2

    return OAuth2(client=_requests_oauthlib(grant)._client)


def _authlib(grant: Grant) -> Any:
    from authlib.integrations.requests_client import OAuth2Session

    return OAuth2Session(
        grant.client_id,
        grant.client_secret,
        token=dict(grant.token),
        token_endpoint=grant.region.token_url,
        token_endpoint_auth_method="client_secret_post",
        update_token=lambda token, **_: None,
    )


def _requests_oauth2client(grant: Grant) -> Any:
    from requests_oauth2client import BearerToken, ClientSecretPost, OAuth2AccessTokenAuth, OAuth2Client

    client = OAuth2Client(grant.region.token_url, auth=ClientSecretPost(grant.client_id, grant.client_secret))
    token = BearerToken(
        grant.token["access_token"],
        expires_at=datetime.fromtimestamp(grant.token["expires_at"], timezone.utc),
        refresh_token=grant.token["refresh_token"],
    )
    return OAuth2AccessTokenAuth(client, token)


def _google_credentials(grant: Grant) -> Any:
    from google.oauth2.credentials import Credentials

    return Credentials(
        grant.token["access_token"],
        refresh_token=grant.token["refresh_token"],
        token_uri=grant.region.token_url,
        client_id=grant.client_id,
        client_secret=grant.client_secret,
        # google-auth wants a naive one
        expiry=datetime.fromtimestamp(grant.token["expires_at"], timezone.utc).replace(tzinfo=None),
    )


def _google_auth(grant: Grant) -> Callable[[], requests.Session]:
    from google.auth.transport.requests import AuthorizedSession

    credentials = _google_credentials(grant)
    return lambda: AuthorizedSession(credentials)


def _google_step(grant: Grant) -> Callable[[requests.PreparedRequest], object]:
    from google.auth.transport.requests import Request

    credentials, transport = _google_credentials(grant), Request()
    return lambda r: credentials.before_request(transport, r.method, r.url, r.headers)


CONSTANT = Library(
    "constant AuthBase",
    step=_constant,
    sessions=lambda grant: _with_auth(_constant(grant)),
    statement="import requests",
)
HEADER = Library(
    "constant header in session.headers",
    step=_constant,
    sessions=_constant_header,
    statement="import requests",
)
OURS = Library(
    "requests_zohorecruit",
    step=_ours,
    sessions=lambda grant: _with_auth(_ours(grant)),
    statement="import requests; from requests_zohorecruit import ZohoRecruitAuth",
)
OTHERS = (
    Library(
        "requests-oauthlib",
        step=_requests_oauthlib_step,
        sessions=lambda grant: _shared(_requests_oauthlib(grant)),
        statement="import requests; from requests_oauthlib import OAuth2Session",
    ),
    Library(
        "Authlib",
        step=lambda grant: _authlib(grant).token_auth,
        sessions=lambda grant: _shared(_authlib(grant)),
        statement="import requests; from authlib.integrations.requests_client import OAuth2Session",
    ),
    Library(
        "requests-oauth2client",
        step=_requests_oauth2client,
        sessions=lambda grant: _with_auth(_requests_oauth2client(grant)),
        statement="import requests; from requests_oauth2client import OAuth2AccessTokenAuth, OAuth2Client",
    ),
    Library(
        "google-auth",
        step=_google_step,
        sessions=_google_auth,
        statement="import requests; from google.auth.transport.requests import AuthorizedSession; "
        "from google.oauth2.credentials import Credentials",
    ),
)
#: By name, because a name is what can be sent to another process.
LIBRARIES = {library.name: library for library in (OURS, *OTHERS)}
