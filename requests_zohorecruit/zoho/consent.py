"""Consent: the URL a person is sent to, and what may be redeemed of Zoho's redirect (RFC 6749, section 4.1).

Opens no browser, listens nowhere and sends nothing; knows nothing of sessions and stores.
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

#: Without the first there is no refresh token; without the second there is none the second time a person consents.
OFFLINE = {"access_type": "offline", "prompt": "consent"}

_OFFLINE_HINT = (
    "The authorization URL needs access_type=offline and prompt=consent, as session.authorization_url() has them. If "
    "one hour is enough, build it there with access_type='online'."
)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def join_scopes(url: str) -> str:
    """Return an authorization URL with commas between the scopes, where OAuth 2.0 has spaces."""
    parts = urlsplit(url)
    query = [
        (name, ",".join(split_scope(value)) if name == "scope" else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit(parts._replace(query=urlencode(query)))


def check_token_url(url: str, region: Region) -> None:
    """Do nothing if `url` is the region's token endpoint.

    :raises UntrustedHostError: it is not
    """
    if url != region.token_url:
        raise UntrustedHostError(
            f"Tokens of region {region.code} come from {region.token_url} and from nowhere else; nothing was sent.",
            region=region.code,
            hint="Pass region.token_url; for another region, apply zohorecruit_compliance_fix with that region.",
        )


def check_refresh_token(token: Token, region: Region, *, hint: str = _OFFLINE_HINT) -> None:
    """Do nothing if the exchange brought a grant.

    :param hint: what to do where it did not
    :raises AuthorizationError: it brought an access token for an hour, and nothing else
    """
    if token.refresh_token is None:
        raise AuthorizationError(
            f"Zoho sent no refresh token, so access would end in an hour (region {region.code}); nothing was saved.",
            region=region.code,
            hint=hint,
        )


class Callback(NamedTuple):
    """What Zoho's redirect brings.

    :ivar region: where the person lives, and so where the code is redeemed
    :ivar code: good for about a minute, once
    """

    region: Region
    code: Secret


def make_state() -> Secret:
    """Return a value that cannot be guessed, which ties the redirect to the request (RFC 6749, section 10.12)."""
    return Secret(secrets.token_urlsafe(24))


def build_consent_url(application: Application, *, redirect_uri: str, scope: Iterable[str], state: str) -> str:
    """Return the address of the consent page of the region where the application was registered."""
    address: str = WebApplicationClient(application.client_id).prepare_request_uri(
        application.region.authorize_url, redirect_uri=redirect_uri, scope=list(scope), state=state, **OFFLINE
    )
    return join_scopes(address)


@clears_frames
def read_callback(url: str, *, application: Application, state: object) -> Callback:
    """Check Zoho's redirect: that it answers the request that carried `state`, and then which region it names.

    :param url: the whole address Zoho redirected to
    :param state: what the authorization URL carried
    :raises AuthorizationError: refused, forged, incomplete or contradictory
    :raises UntrustedHostError: it names an accounts server that is none of Zoho's
    """
    values = parse_callback(url)  # first: a refusal may come without a state
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
    # Its parts get no name: the code is among them, and tracebacks show what has one.
    if urlsplit(url).hostname in _LOOPBACK:
        # What goes from a browser to its own machine does not need TLS (RFC 8252, section 8.3).
        url = Secret(urlunsplit(urlsplit(url)._replace(scheme="https")))
    values = WebApplicationClient(client_id).parse_request_uri_response(url, state=state)
    return checked_secret("code", values["code"])


def read_session_code(url: str, *, application: Application, state: object) -> Secret:
    """Return the code of Zoho's redirect for a session, whose region is settled before a person consents.

    :raises AuthorizationError: as for `read_callback`; or the person's account is in another region, which is where the
        code would have to be redeemed
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
