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
from requests_zohorecruit.zoho.regions import Region, callback_values
from requests_zohorecruit.zoho.token import split_scope

__all__ = [
    "OFFLINE",
    "Callback",
    "check_token_url",
    "code_from",
    "consent_url",
    "new_state",
    "no_refresh_token",
    "read_callback",
    "understood",
    "with_commas",
]

#: Without the first there is no refresh token; without the second there is none the second time a person consents.
OFFLINE = {"access_type": "offline", "prompt": "consent"}

_AGAIN = "Start the authorization again, and pass the whole address Zoho redirected to."
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def with_commas(url: str) -> str:
    """Return an authorization URL with commas between the scopes, where OAuth 2.0 has spaces."""
    parts = urlsplit(url)
    query = [
        (name, ",".join(split_scope(value)) if name == "scope" else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit(parts._replace(query=urlencode(query)))


@clears_frames
def code_from(callback: str, *, application: Application, state: object) -> Secret:
    """Return the code of Zoho's redirect, if it is the answer to what this session asked, in this session's region.

    :param callback: the whole URL
    :param state: what the authorization URL carried
    :raises AuthorizationError: Zoho refused; or the state is wrong, something is missing, or it is another region's
    :raises UntrustedHostError: it names an accounts server that is none of Zoho's
    """
    region = application.region
    found = Region.from_callback(callback, extra=(region,))
    if not (isinstance(state, str) and state):
        raise AuthorizationError(
            "This session does not know which state its authorization URL carried, so anybody could have made the "
            "callback; nothing was sent.",
            region=region.code,
            hint="Keep the state that authorization_url() returns, and pass it: OAuth2Session(…, state=…).",
        )
    code = understood(callback, state=state, application=application)
    if found != region:
        raise AuthorizationError(
            f"The person's account is in region {found.code} and this session is for {region.code}; nothing was sent.",
            region=found.code,
            hint="Apply zohorecruit_compliance_fix with region=Region.from_callback(url) and fetch the token then.",
        )
    return code


@clears_frames
def understood(callback: str, *, state: str, application: Application) -> Secret:
    """Let oauthlib read the callback (RFC 6749, section 4.1.2) and check its state."""
    # Its parts get no name: the code is among them, and tracebacks show what has one.
    if urlsplit(callback).hostname in _LOOPBACK:
        # What goes from a browser to its own machine does not need TLS (RFC 8252, section 8.3).
        callback = Secret(urlunsplit(urlsplit(callback)._replace(scheme="https")))
    try:
        values = WebApplicationClient(application.client_id).parse_request_uri_response(callback, state=state)
        return checked_secret("code", values["code"])
    except InsecureTransportError:
        what = "came over http"
        hint = "Behind a proxy that ends TLS, tell your framework, so that it sees the https address."
    except MismatchingStateError:
        what, hint = "has another state than the one this session sent out: it is forged, or an old one", _AGAIN
    except (OAuth2Error, ValueError):
        what, hint = "holds no code", _AGAIN
    raise AuthorizationError(f"The callback {what}; nothing was sent.", region=application.region.code, hint=hint)


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


def no_refresh_token(region: Region) -> AuthorizationError:
    """Return the error for an exchange that brought an access token for an hour, and no grant."""
    return AuthorizationError(
        f"Zoho sent no refresh token, so access would end in an hour (region {region.code}); nothing was saved.",
        region=region.code,
        hint="Use the URL of session.authorization_url(), which carries access_type=offline and prompt=consent. If one "
        "hour is enough, build it with access_type='online'.",
    )


class Callback(NamedTuple):
    """What Zoho's redirect brings.

    :ivar region: where the person lives, and so where the code is redeemed
    :ivar code: good for about a minute, once
    """

    region: Region
    code: Secret


def new_state() -> Secret:
    """Return a value nobody can guess, which ties the redirect to the request (RFC 6749, section 10.12)."""
    return Secret(secrets.token_urlsafe(24))


def consent_url(application: Application, *, redirect_uri: str, scope: Iterable[str], state: str) -> str:
    """Return the address of the consent page of the region where the application was registered."""
    address: str = WebApplicationClient(application.client_id).prepare_request_uri(
        application.region.authorize_url, redirect_uri=redirect_uri, scope=list(scope), state=state, **OFFLINE
    )
    return with_commas(address)


@clears_frames
def read_callback(url: str, *, application: Application, state: str, extra: Iterable[Region] = ()) -> Callback:
    """Check Zoho's redirect: whether it is the answer to our question comes first, and whom it names only then.

    :param url: the whole address Zoho redirected to
    :param extra: custom regions to accept beside the table
    :raises AuthorizationError: refused, forged, incomplete or contradictory
    :raises UntrustedHostError: it names an accounts server that is none of Zoho's
    """
    callback_values(url)  # a refusal may come without a state
    code = understood(url, state=state, application=application)
    return Callback(Region.from_callback(url, extra), code)
