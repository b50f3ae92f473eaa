"""What is wrong with a grant, found out with one cheap API call: each cause as an error with its remedy.

Knows what the ways to fail look like from here; exit codes are `app`'s.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from requests_zohorecruit.auth import ZohoRecruitAuth
from requests_zohorecruit.errors import ClientConfigurationError, ZohoAuthError
from requests_zohorecruit.profiles import SavedProfile

__all__ = ["ClockError", "NetworkError", "PermissionMissingError", "api_error", "diagnose", "unreachable"]

#: Seconds a clock may be off; certificates and shared expiry times forgive that much.
_TOLERANCE = 120.0


class PermissionMissingError(ZohoAuthError):
    """The token is fine, and not for this."""


class ClockError(ZohoAuthError):
    """This machine's clock differs from Zoho's."""


class NetworkError(ZohoAuthError):
    """The API did not answer."""


def diagnose(saved: SavedProfile) -> ZohoAuthError | None:
    """Make one call, and return what is wrong and what to do; None = nothing."""
    region = saved.application.region
    url = f"{region.recruit_url}/recruit/v2/Candidates"
    try:
        with requests.Session() as session:
            auth = ZohoRecruitAuth(**saved.arguments())
            answer = session.get(url, params={"per_page": 1}, auth=auth, timeout=(5, 30), allow_redirects=False)
    except ZohoAuthError as error:
        return error
    except requests.RequestException as error:
        return unreachable(url, error)
    if answer.ok:
        return _clock_error(answer, region.code)
    return api_error(answer, region.code)


def unreachable(url: str, error: requests.RequestException) -> NetworkError:
    """Return the error for a call that got no answer. The original's text may hold a proxy's password."""
    host = url.split("/")[2].rpartition("@")[2]
    if isinstance(error, requests.exceptions.SSLError):
        hint = "Check this machine's clock, and whether a proxy in between needs a certificate (REQUESTS_CA_BUNDLE)."
        return NetworkError(f"The TLS connection to {host} was not accepted.", hint=hint)
    if isinstance(error, requests.exceptions.Timeout):
        return NetworkError(f"{host} did not answer in time.", hint="Try again; check network and proxy settings.")
    return NetworkError(f"There is no connection to {host}.", hint="Check network and proxy settings (HTTPS_PROXY).")


def api_error(answer: requests.Response, region: str) -> ZohoAuthError:
    """Return what an answer of the API that is no success stands for."""
    code = _code(answer)
    details: dict[str, Any] = {"code": code, "status_code": answer.status_code, "region": region}
    host = answer.url.split("/")[2]
    if code == "OAUTH_SCOPE_MISMATCH":
        return PermissionMissingError(
            f"The grant has no scope for {answer.url.partition('?')[0]}.",
            hint="Log in again with a --scope that covers it, for instance ZohoRecruit.modules.ALL.",
            **details,
        )
    if answer.status_code == requests.codes.unauthorized:
        return ClientConfigurationError(
            f"{host} does not accept the access token that region {region} has just minted.",
            hint="The usual cause is an API host of another region than the grant's; or the person has no access to "
            "Zoho Recruit any more.",
            **details,
        )
    if answer.status_code == requests.codes.forbidden or code in {"NO_PERMISSION", "AUTHORIZATION_FAILED"}:
        return PermissionMissingError(
            f"The person behind the grant may not do that ({code or 'HTTP 403'}).",
            hint="Ask an administrator of Zoho Recruit for the permission, or log in as somebody who has it.",
            **details,
        )
    return ZohoAuthError(f"{host} answered HTTP {answer.status_code}{f' ({code})' if code else ''}.", **details)


def _code(answer: requests.Response) -> str | None:
    try:
        code = answer.json().get("code")
    except (ValueError, AttributeError):
        return None
    return code if isinstance(code, str) and code.isidentifier() else None


def _clock_error(answer: requests.Response, region: str) -> ClockError | None:
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except ValueError:
        return None
    off = time.time() - theirs
    if abs(off) <= _TOLERANCE:
        return None
    return ClockError(
        f"This machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} Zoho's.",
        region=region,
        hint="Set it (NTP): times of expiry are shared with other machines, and certificates depend on it.",
    )
