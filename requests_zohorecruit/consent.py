"""Asking a person for a grant without a session of requests-oauthlib: the consent page's address, and the way back.

For ``zohorecruit login`` and the demo. Opens no browser, listens nowhere and sends nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import NamedTuple

from oauthlib.oauth2 import WebApplicationClient

from requests_zohorecruit.accounts import Application
from requests_zohorecruit.authorization import OFFLINE, understood, with_commas
from requests_zohorecruit.regions import Region, callback_values
from requests_zohorecruit.secret import Secret, veil

__all__ = ["Callback", "consent_url", "new_state", "read_callback"]


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


def read_callback(url: str, *, application: Application, state: str, extra: Iterable[Region] = ()) -> Callback:
    """Check Zoho's redirect: whether it is the answer to our question comes first, and whom it names only then.

    :param url: the whole address Zoho redirected to
    :param extra: custom regions to accept beside the table
    :raises AuthorizationError: refused, forged, incomplete or contradictory
    :raises UntrustedHostError: it names an accounts server that is none of Zoho's
    """
    url = veil(url)
    callback_values(url)  # a refusal may come without a state
    code = understood(url, state=state, application=application)
    return Callback(Region.from_callback(url, extra), code)
