"""Consent: builds the URL to send a person to, and checks Zoho's redirect (RFC 6749, section 4.1).

Opens no browser, listens on no port and sends nothing. Knows nothing about sessions or stores.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from oauthlib.oauth2 import InsecureTransportError, MismatchingStateError, OAuth2Error, WebApplicationClient

from requests_zohorecruit.errors import AuthorizationError, UntrustedHostError
from requests_zohorecruit.secret import Secret, checked_secret, clears_frames
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.regions import Region, find_region, make_callback_error, parse_callback
from requests_zohorecruit.zoho.token import Token, split_scope

__all__ = [
    "OFFLINE",
    "Callback",
    "build_consent_url",
    "check_refresh_token",
    "check_token_url",
    "join_scopes",
    "make_state",
    "read_callback",
    "read_session_code",
]

#: Without the first, Zoho issues no refresh token; without the second, none when a person consents again.
OFFLINE = {"access_type": "offline", "prompt": "consent"}

_OFFLINE_HINT = (
    "The authorization URL needs access_type=offline and prompt=consent; session.authorization_url() adds both. If "
    "one hour is enough, build it there with access_type='online'."
)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def join_scopes(url: str) -> str:
    """Return an authorization URL with commas between the scopes, as Zoho requires instead of OAuth 2.0's spaces."""
    parts = urlsplit(url)
    query = [
        (name, ",".join(split_scope(value)) if name == "scope" else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit(parts._replace(query=urlencode(query)))


def check_token_url(url: str, region: Region) -> None:
    """Check that `url` is the region's token endpoint.

    :raises UntrustedHostError: it is not
    """
    if url != region.token_url:
        raise UntrustedHostError(
            f"Tokens of region {region.code} come from {region.token_url} and from nowhere else; nothing was sent.",
            region=region.code,
            hint="Pass region.token_url; for another region, apply zohorecruit_compliance_fix with that region.",
        )


def check_refresh_token(token: Token, region: Region, *, hint: str = _OFFLINE_HINT) -> None:
    """Check that the exchange returned a refresh token.

    :param hint: what to do if it did not
    :raises AuthorizationError: it returned only an access token, which lasts an hour
    """
    if token.refresh_token is None:
        raise AuthorizationError(
            f"Zoho sent no refresh token, so access would end in an hour (region {region.code}); nothing was saved.",
            region=region.code,
            hint=hint,
        )


class Callback(NamedTuple):
    """The content of Zoho's redirect.

    :ivar region: of the person's account, where the code must be redeemed
    :ivar code: valid once and for about a minute
    """

    region: Region
    code: Secret


def make_state() -> Secret:
    """Return an unguessable value that ties the redirect to the request (RFC 6749, section 10.12)."""
    return Secret(secrets.token_urlsafe(24))


def build_consent_url(application: Application, *, redirect_uri: str, scope: Iterable[str], state: str) -> str:
    """Return the URL of the consent page, in the region where the application is registered."""
    address: str = WebApplicationClient(application.client_id).prepare_request_uri(
        application.region.authorize_url, redirect_uri=redirect_uri, scope=list(scope), state=state, **OFFLINE
    )
    return join_scopes(address)


@clears_frames
def read_callback(url: str, *, application: Application, state: object) -> Callback:
    """Check that Zoho's redirect belongs to the request with this `state`, and return its region and code.

    :param url: the whole URL that Zoho redirected to
    :param state: the state in the authorization URL
    :raises AuthorizationError: the redirect reports a refusal, or is forged, incomplete or contradictory
    :raises UntrustedHostError: it names an accounts server that is not one of Zoho's
    """
    values = parse_callback(url)  # first, because a refusal may come without a state
    region = application.region.code
    if not (isinstance(state, str) and state):
        raise AuthorizationError(
            "This session does not know which state its authorization URL carried, so anyone could have forged the "
            "callback; nothing was sent.",
            region=region,
            hint="Keep the state that authorization_url() returns, and pass it: OAuth2Session(…, state=…).",
        )
    try:
        code = _read_code(url, state, application.client_id)
    except InsecureTransportError:
        hint = "Behind a proxy that ends TLS, tell your framework, so that it sees the https address."
        raise make_callback_error("came over http", region, hint=hint) from None
    except MismatchingStateError:
        what = "has another state than the one this session sent out: it is forged, or an old one"
        raise make_callback_error(what, region) from None
    except (OAuth2Error, ValueError):
        raise make_callback_error("holds no code", region) from None
    return Callback(find_region(values, (application.region,)), code)


def _read_code(url: str, state: str, client_id: str) -> Secret:
    """Let oauthlib check the state and take the code (RFC 6749, section 4.1.2)."""
    # The parts are not assigned to variables, because they contain the code and tracebacks show variables.
    if urlsplit(url).hostname in _LOOPBACK:
        # A redirect from a browser to its own machine needs no TLS (RFC 8252, section 8.3).
        url = Secret(urlunsplit(urlsplit(url)._replace(scheme="https")))
    values = WebApplicationClient(client_id).parse_request_uri_response(url, state=state)
    return checked_secret("code", values["code"])


def read_session_code(url: str, *, application: Application, state: object) -> Secret:
    """Return the code from Zoho's redirect for a session, whose region was fixed before the person consented.

    :raises AuthorizationError: as for `read_callback`; or the person's account is in another region, where the code
        would have to be redeemed
    """
    person, code = read_callback(url, application=application, state=state)
    region = application.region
    if person != region:
        raise AuthorizationError(
            f"The person's account is in region {person.code} and this session is for {region.code}; nothing was sent.",
            region=person.code,
            hint="Apply zohorecruit_compliance_fix with region=Region.from_callback(url) and fetch the token then.",
        )
    return code
