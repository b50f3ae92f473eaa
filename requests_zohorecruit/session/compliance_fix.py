"""`zohorecruit_compliance_fix`: the entry point for programs that use requests-oauthlib's `OAuth2Session`.

Owns how a session gets the fix; what its methods do then stands in `zoho_session`, and when a token is refreshed is
decided in `refresher`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from requests_oauthlib import OAuth2Session

from requests_zohorecruit.errors import describe_type
from requests_zohorecruit.secret import clears_frames
from requests_zohorecruit.session.log_filter import hide_secrets_of
from requests_zohorecruit.session.session_auth import SessionAuth, StoreArgument
from requests_zohorecruit.session.zoho_session import ZohoSession, add_fix
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.regions import Region

if TYPE_CHECKING:
    from oauthlib.oauth2 import Client

__all__ = ["zohorecruit_compliance_fix"]

_Session = TypeVar("_Session", bound=OAuth2Session)


@clears_frames
def zohorecruit_compliance_fix(
    session: _Session,
    *,
    region: str | Region,
    client_secret: str | Mapping[str, str],
    store: StoreArgument = None,
    allowed_hosts: Iterable[str] = (),
) -> _Session:
    """Make an `OAuth2Session` work with Zoho Recruit, through the same engine as `ZohoRecruitAuth`.

    Zoho wants ``Zoho-oauthtoken`` for a scheme, commas between scopes, id and secret in the form, and reports errors as
    HTTP 200 (https://www.zoho.com/accounts/protocol/oauth/web-apps/authorization.html). Applying it again changes
    nothing, or, with other arguments, makes the session go on with those and the token it has.

    :param region: a code or alias (``"eu"``), an address of it, or a `Region`
    :param client_secret: a string, or a mapping region code -> secret
    :param store: a `TokenStore`, or a function that takes the new token dict; None = the session's ``token_updater``,
        if it has one
    :param allowed_hosts: further ``host`` or ``host:port`` that may receive the token, over https only
    :return: the same session
    :raises UnknownRegionError: the region is none of the table
    :raises ClientConfigurationError: the `client_secret` mapping has none for the region
    :raises TokenStoreError: the session's token belongs to another client or region, or cannot be a token
    :raises TypeError: `session` is no OAuth2Session, or another argument is of the wrong type
    :raises ValueError: an empty or impossible argument
    """
    if not isinstance(session, OAuth2Session):
        raise TypeError(
            f"session must be a requests_oauthlib.OAuth2Session, not {describe_type(session)}. "
            "Without requests-oauthlib, use a requests.Session whose auth is a ZohoRecruitAuth"
        )
    application = Application.create(cast("str", session.client_id), client_secret, region)
    _show_client_token(session)
    auth = SessionAuth(session, application, store=store, allowed_hosts=allowed_hosts)
    if isinstance(session, ZohoSession):
        auth = session.zoho_auth.choose_successor(auth)
    else:
        session.__class__ = add_fix(type(session))  # type: ignore[assignment, arg-type]
    # Now an instance of a class that add_fix made: the caller holds this very object, so another cannot take its place.
    fixed = cast("ZohoSession", session)
    fixed.zoho_auth = fixed.auth = auth
    hide_secrets_of(fixed, ZohoSession.secrets)
    return session


def _show_client_token(session: OAuth2Session) -> None:
    """Take in a token that the client was made with: the session empties the client's dict, and leaves the rest."""
    client: Client = session._client  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way
    if not client.token and client.access_token:
        names = {"access_token": "access_token", "refresh_token": "refresh_token", "expires_at": "_expires_at"}
        client.token = {name: getattr(client, attribute, None) for name, attribute in names.items()}
