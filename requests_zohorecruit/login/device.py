"""Device authorization: requests a code, has it shown, and polls until the person has accepted.

Does the waiting. `zoho.device` parses the responses, and the caller saves the grant.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import requests

from requests_zohorecruit.errors import ThrottledError, TokenEndpointError, describe_type
from requests_zohorecruit.secret import Secret, clears_frames
from requests_zohorecruit.stores.base import check_functions
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.consent import OFFLINE
from requests_zohorecruit.zoho.device import (
    SLOWER,
    DeviceCode,
    DevicePrompt,
    Pending,
    make_expiry_error,
    read_device_code,
    read_poll,
)
from requests_zohorecruit.zoho.grants import check_scope
from requests_zohorecruit.zoho.regions import Region
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_endpoint import TIMEOUT, TokenEndpoint

__all__ = ["DeviceGrant", "authorize_device"]


class DeviceGrant(NamedTuple):
    """The grant that a person has accepted.

    :ivar application: with the region of the person's account
    :ivar token: with the refresh token
    :ivar minted_at: epoch seconds
    """

    application: Application
    token: Token
    minted_at: float


@clears_frames
def authorize_device(  # noqa: PLR0913 - all but two are keyword-only
    client_id: str,
    client_secret: str | Mapping[str, str],
    *,
    region: str | Region,
    scope: str | Iterable[str],
    show: Callable[[DevicePrompt], object],
    extra: Iterable[Region] = (),
    session: requests.Session | None = None,
    timeout: float | tuple[float, float] = TIMEOUT,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> DeviceGrant:
    """Wait until a person has accepted, in the data centre of their account, or until the code expires.

    The other parameters and the errors are those of `ZohoRecruitAuth.from_device`.

    :param sleep: waits a number of seconds
    :param clock: returns epoch seconds
    """
    if not callable(show):
        raise TypeError(f"show must be a function that takes a DevicePrompt, not {describe_type(show)}")
    check_functions("a device authorization", show=show)
    application = Application.create(client_id, client_secret, region)
    endpoint = TokenEndpoint(application, session=session, timeout=timeout)
    scopes, known, now = check_scope(scope), (application.region, *extra), clock()
    form = {"grant_type": "device_request", "client_id": application.client_id, "scope": ",".join(scopes), **OFFLINE}
    answer = endpoint.post_form(f"{application.region.accounts_url}/oauth/v3/device/code", urlencode(form))
    code = read_device_code(answer, region=application.region, extra=known, requested_at=now)
    show(code.prompt)
    pause = code.pause
    while True:
        sleep(pause)
        now = clock()
        told = _poll(endpoint, code, known, now)
        if isinstance(told, Token):
            return DeviceGrant(endpoint.application, told, now)
        # Checked after the poll, so that a last-moment acceptance counts.
        if now >= code.prompt.expires_at:
            raise make_expiry_error(endpoint.application.region)
        pause += told.slower
        if told.region != endpoint.application.region:
            application = Application.create(client_id, client_secret, told.region)
            endpoint = TokenEndpoint(application, session=session, timeout=timeout)


def _poll(endpoint: TokenEndpoint, code: DeviceCode, known: Iterable[Region], now: float) -> Token | Pending:
    client, region = endpoint.application, endpoint.application.region
    form = {"client_id": client.client_id, "client_secret": client.client_secret, "code": code.value}
    body = Secret(urlencode({"grant_type": "device_token", **form}))
    try:
        answer = endpoint.post_form(f"{region.accounts_url}/oauth/v3/device/token", body)
        return read_poll(answer, region=region, extra=known, requested_at=now)
    except TokenEndpointError as error:
        # The person may still be typing, so a single network or server failure is not fatal (RFC 8628, section 3.5).
        may_pass = isinstance(error, ThrottledError) or error.status_code is None or error.status_code >= 500
        if now >= code.prompt.expires_at or not may_pass:
            raise
    return Pending(region, SLOWER)
