"""`zohorecruit_compliance_fix`: the entry point for programs that use requests-oauthlib's `OAuth2Session`.

Applies the fix to a session. `zoho_session` defines what the session's methods do afterwards, and `refresher` decides
when a token is refreshed.
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

    Zoho requires the ``Zoho-oauthtoken`` scheme, commas between scopes, and the client id and secret in the form. It
    reports errors with HTTP 200 (https://www.zoho.com/accounts/protocol/oauth/web-apps/authorization.html). Applying
    the fix again changes nothing or, with other arguments, switches to those and keeps the session's token.

    :param region: a code or alias (``"eu"``), one of the region's addresses, or a `Region`
    :param client_secret: a string, or a mapping of region code to secret
    :param store: a `TokenStore`, or a function that takes the new token dict; None = the session's ``token_updater``,
        if it has one
    :param allowed_hosts: further ``host`` or ``host:port`` values that may receive the token, over https only
    :return: the same session
    :raises UnknownRegionError: the region is not in the table
    :raises ClientConfigurationError: the `client_secret` mapping has no entry for the region
    :raises TokenStoreError: the session's token belongs to another client or region, or is malformed
    :raises TypeError: `session` is not an OAuth2Session, or another argument has the wrong type
    :raises ValueError: an argument is empty or malformed
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
    # The class was changed in place above, because the caller holds this object and may already have shared it.
    fixed = cast("ZohoSession", session)
    fixed.zoho_auth = fixed.auth = auth
    hide_secrets_of(fixed, ZohoSession.secrets)
    return session


def _show_client_token(session: OAuth2Session) -> None:
    """Restore a token that the client was created with: the session has emptied the client's token dict only."""
    client: Client = session._client  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way
    if not client.token and client.access_token:
        names = {"access_token": "access_token", "refresh_token": "refresh_token", "expires_at": "_expires_at"}
        client.token = {name: getattr(client, attribute, None) for name, attribute in names.items()}
