"""Device authorization: the meaning of Zoho's responses (in the spirit of RFC 8628, not to the letter).

Pure: it does not wait or send anything. Times and hosts in Zoho's responses are accepted only within bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from requests_zohorecruit.errors import AuthorizationError, UnknownRegionError, UntrustedHostError
from requests_zohorecruit.secret import Secret, checked_secret, clears_frames
from requests_zohorecruit.zoho.consent import check_refresh_token
from requests_zohorecruit.zoho.regions import Region, https_host
from requests_zohorecruit.zoho.token import Token, read_number
from requests_zohorecruit.zoho.token_answers import Answer, make_error, parse_object, read_token_answer

__all__ = ["SLOWER", "DeviceCode", "DevicePrompt", "Pending", "make_expiry_error", "read_device_code", "read_poll"]

#: Minimum seconds between two polls: Zoho answers ``slow_down`` to more frequent ones, even if it named a shorter
#: interval.
PAUSE = 30.0
#: Maximum seconds between two polls, so that the device notices within the lifetime of its code.
LONGEST_PAUSE = 120.0
#: Seconds to add after a ``slow_down`` (RFC 8628, section 3.5).
SLOWER = 5.0
#: Lifetime of a code in seconds if Zoho does not give one, and the maximum.
LIFETIME, LONGEST_LIFETIME = 300.0, 1800.0


@dataclass(frozen=True, slots=True)
class DevicePrompt:
    """What to show the person who confirms a device. None of it is secret.

    :ivar user_code: the code to type on the page
    :ivar verification_url: URL of the page, on a host of Zoho Accounts
    :ivar verification_url_complete: the URL with the code filled in, for a link or QR code; the plain URL if Zoho sends
        none
    :ivar expires_at: when the code expires, in epoch seconds
    """

    user_code: str
    verification_url: str
    verification_url_complete: str
    expires_at: float


class DeviceCode(NamedTuple):
    """The device code with which a device polls.

    :ivar value: sent with every poll; secret
    :ivar pause: seconds between two polls
    """

    value: Secret
    prompt: DevicePrompt
    pause: float


class Pending(NamedTuple):
    """The person has not decided yet.

    :ivar region: where to poll next
    :ivar slower: seconds to add to the pause
    """

    region: Region
    slower: float = 0.0


@clears_frames
def read_device_code(answer: Answer, *, region: Region, extra: Iterable[Region], requested_at: float) -> DeviceCode:
    """Parse the response to the request for a code.

    :param extra: custom regions to accept besides the table
    :param requested_at: epoch seconds when the request was sent; the lifetime counts from there
    :raises UntrustedHostError: it sends the person to a host that is not one of Zoho Accounts'
    :raises ZohoAuthError: it is an error, or cannot be understood
    """
    body = parse_object(answer.text)
    user_code, url = body.get("user_code"), body.get("verification_url")
    try:
        value = checked_secret("device_code", body.get("device_code"))
    except (TypeError, ValueError):
        value = None
    # The code is shown on a terminal or a page, so only characters that a person can type are allowed.
    readable = isinstance(user_code, str) and re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z -]{0,31}", user_code)
    if body.get("error") or value is None or not readable or not isinstance(url, str):
        raise make_error(body, answer, region)
    complete = body.get("verification_uri_complete") or url
    accounts = {https_host(each.accounts_url) for each in (region, *extra, *Region.all())}
    if any(https_host(each) not in accounts for each in (url, complete)):
        raise UntrustedHostError(
            f"Zoho Accounts (region {region.code}) sent a confirmation page that is not on a host of Zoho Accounts; it "
            "is not shown.",
            region=region.code,
            hint="Look for a proxy in between. If it is a new Zoho data centre, pass a custom Region for it.",
        )
    lifetime = _read_seconds(body.get("expires_in"), LIFETIME, LONGEST_LIFETIME)
    pause = max(PAUSE, _read_seconds(body.get("interval"), PAUSE, LONGEST_PAUSE))
    return DeviceCode(value, DevicePrompt(str(user_code), url, complete, requested_at + lifetime), pause)


@clears_frames
def read_poll(answer: Answer, *, region: Region, extra: Iterable[Region], requested_at: float) -> Token | Pending:
    """Parse the response to a poll: the tokens, or where and how soon to poll again.

    :param region: the region that was polled
    :param extra: custom regions to accept besides the table
    :param requested_at: epoch seconds when the request was sent
    :raises AuthorizationError: the person refused, the code expired, or there is no refresh token
    :raises UnknownRegionError: the person's account is in an unknown data centre
    :raises ZohoAuthError: any other error, or a response that cannot be understood
    """
    body = parse_object(answer.text)
    word = body.get("error")
    if word == "authorization_pending":
        return Pending(region)
    if word == "slow_down":
        return Pending(region, SLOWER)
    if word == "other_dc":
        return Pending(_find_home(body, region, extra))
    if word == "expired":
        raise make_expiry_error(region)
    if word == "access_denied":
        raise AuthorizationError(
            f"Zoho did not grant access (access_denied, region {region.code}); nothing was saved.",
            code="access_denied",
            region=region.code,
            hint="The person pressed Reject; ask for a new code when they are ready.",
        )
    token = read_token_answer(answer, region=region, requested_at=requested_at)
    check_refresh_token(token, region, hint="The device asked for offline access; ask for a new code, and accept it.")
    return token


def make_expiry_error(region: Region) -> AuthorizationError:
    """Return the error for a code that was not accepted in time."""
    return AuthorizationError(
        f"The code expired before it was accepted (region {region.code}); nothing was saved.",
        code="expired",
        region=region.code,
        hint="Ask for a new code, and accept it before it expires, usually within five minutes.",
    )


def _find_home(body: Mapping[str, Any], region: Region, extra: Iterable[Region]) -> Region:
    """Return the region of the person's account: a known one, because the next poll sends the client secret there."""
    name = body.get("user_location")
    for known in extra:
        if known.code == name:
            return known
    # Only a code or alias, although `Region.lookup` also accepts addresses.
    if isinstance(name, str) and re.fullmatch(r"[A-Za-z]{2,3}(\.[A-Za-z]{2})?", name):
        with suppress(UnknownRegionError):
            return Region.lookup(name)
    raise UnknownRegionError(
        "The person's Zoho account is in a data centre that is not known here; nothing was sent to it, and nothing was "
        f"saved. Known are {', '.join(each.code for each in Region.all())}.",
        region=region.code,
        hint="For a new data centre, create a Region(code, accounts_url, recruit_url, …), and ask for a code there.",
    )


def _read_seconds(milliseconds: object, default: float, longest: float) -> float:
    number = read_number(milliseconds)
    return default if number is None or number <= 0 else min(number / 1000, longest)
