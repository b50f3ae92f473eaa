"""Finds out what is wrong with a grant, by one small API call. Returns the cause as an error with a remedy.

Also turns failed API calls into such errors. `reports` assigns the exit codes.
"""

from __future__ import annotations

import json
import os
import shlex
import ssl
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.cli.sources import Environment, find_source, name_login_command
from requests_zohorecruit.errors import ClientConfigurationError, ThrottledError, TokenEndpointError, ZohoAuthError
from requests_zohorecruit.login.profiles import SavedProfile
from requests_zohorecruit.zoho.regions import Region
from requests_zohorecruit.zoho.token_endpoint import TIMEOUT

__all__ = [
    "ClockError",
    "NetworkError",
    "PermissionMissingError",
    "diagnose",
    "find_bad_certificates",
    "is_bad_path",
    "make_api_error",
    "make_network_error",
]

#: Seconds that a clock may differ from Zoho's without causing trouble.
_TOLERANCE = 120.0
#: Maximum characters to show of Zoho's message.
_LONGEST = 1000
_NO_SCOPE = "OAUTH_SCOPE_MISMATCH"
#: Second part of a scope -> a path that can be read with it.
_PROBES = {"modules": "Candidates?per_page=1", "settings": "settings/modules", "users": "users", "org": "org"}
_SET_CLOCK = "Synchronise the clock (NTP): expiry times and certificates depend on it."


class PermissionMissingError(ZohoAuthError):
    """The token is valid, but its scopes or the person's permissions do not cover the call."""


class ClockError(ZohoAuthError):
    """This machine's clock differs from Zoho's."""


class NetworkError(ZohoAuthError):
    """The API did not answer, or answered with a server error."""


def diagnose(saved: SavedProfile) -> ZohoAuthError | None:
    """Make one call that the grant's scopes cover, and return what is wrong; None = nothing."""
    region = saved.application.region
    url, is_covered = region.recruit_url, False
    with requests.Session() as session:
        auth = ZohoRecruitAuth(**saved.arguments())
        try:
            # `get_token` returns None only for a rejected token.
            path, is_covered = _choose_probe((auth.get_token() or auth.refresh()).scope)
            url = f"{region.recruit_url}/recruit/v2/{path}"
            answer = session.get(url, auth=auth, timeout=TIMEOUT, allow_redirects=False)
        except TokenEndpointError as error:
            if isinstance(error, ThrottledError) or error.status_code:
                return error
            return _find_reason(error, session, region)
        except ZohoAuthError as error:
            return error
        except OSError as error:
            return make_network_error(url, error)
    # A missing scope is reported only for a valid token.
    if answer.ok or (not is_covered and _read_problem(answer).get("code") == _NO_SCOPE):
        return _check_clock(answer, region.code)
    return make_api_error(answer, auth)


def _choose_probe(scope: Iterable[str]) -> tuple[str, bool]:
    """Return a path to read with a grant of these scopes, and whether they certainly cover it."""
    granted = [each.lower().split(".") for each in scope]
    readable = [parts[1:-1] for parts in granted if parts[0] == "zohorecruit" and parts[-1] in {"all", "read"}]
    for area, path in _PROBES.items():
        if [area] in readable:
            return path, True
    for area, *names in readable:
        name = ".".join(names).rstrip("s")
        if area == "modules" and name.isalpha():
            return f"{'JobOpening' if name == 'jobopening' else name.capitalize()}s?per_page=1", False
        if area in _PROBES and area != "modules":
            return _PROBES[area], False
    return _PROBES["modules"], False


def _find_reason(error: ZohoAuthError, session: requests.Session, region: Region) -> ZohoAuthError:
    """Find out, without sending a secret, why Zoho Accounts did not answer the token request."""
    try:
        # The auth function keeps requests from sending credentials from netrc.
        answer = session.head(region.accounts_url, auth=lambda head: head, timeout=TIMEOUT, allow_redirects=False)
    except OSError as problem:
        return make_network_error(region.accounts_url, problem)
    return _check_clock(answer, region.code) or error


def find_bad_certificates() -> NetworkError | None:
    """Return what is wrong with the certificates that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names; None = nothing."""
    name = next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)), None)
    if name is None:
        return None
    path = Path(os.environ[name])
    try:
        if not path.is_dir():
            ssl.create_default_context().load_verify_locations(cafile=path)
    except FileNotFoundError:
        problem = "does not exist"
    except ssl.SSLError:
        problem = "holds no certificates"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    else:
        return None
    return NetworkError(
        f"{name} names {path}, which {problem}.",
        hint="Correct or unset the variable. A sandbox removes its certificate when it stops: start it again, and load "
        "the new settings.",
    )


def is_bad_path(error: Exception) -> bool:
    """Return whether this is the error that requests raises for a missing certificate file."""
    return type(error) is OSError and error.errno is None


def make_network_error(url: str, error: OSError) -> ZohoAuthError:
    """Return the error for a call without an answer. The original's text may contain a proxy's password."""
    spoilt = find_bad_certificates()
    if spoilt is not None:
        return spoilt
    host = url.split("/")[2].rpartition("@")[2]
    if isinstance(error, requests.exceptions.SSLError):
        if any(words in str(error) for words in ("certificate is not yet valid", "certificate has expired")):
            return ClockError(f"The certificate of {host} is not valid at this machine's time.", hint=_SET_CLOCK)
        hint = "If a proxy uses its own certificate, set REQUESTS_CA_BUNDLE to it."
        return NetworkError(f"The TLS connection to {host} failed.", hint=hint)
    if isinstance(error, requests.exceptions.Timeout):
        return NetworkError(
            f"{host} did not answer in time.", hint="Try again, or check the network and proxy settings."
        )
    return NetworkError(f"Could not connect to {host}.", hint="Check the network and proxy settings (HTTPS_PROXY).")


def make_api_error(answer: requests.Response, auth: ZohoRecruitAuth) -> ZohoAuthError:
    """Return the error for an unsuccessful answer of the API.

    :param auth: what signed the request
    """
    problem, status, region = _read_problem(answer), answer.status_code, auth.region.code
    code, said = problem.get("code"), _format_problem(problem)
    details: dict[str, Any] = {"code": code, "status_code": status, "region": region}
    host = answer.url.split("/")[2]
    if code == _NO_SCOPE:
        return PermissionMissingError(
            f"The grant has no scope for {answer.url.partition('?')[0]}.{said}",
            hint=_advise_scopes(answer.url, auth),
            **details,
        )
    if status == requests.codes.unauthorized:
        return ClientConfigurationError(
            f"{host} rejects an access token that region {region} has just minted.{said}",
            hint="Usually the API host is in another region than the grant. Otherwise the person may have lost access "
            "to Zoho Recruit.",
            **details,
        )
    if status == requests.codes.forbidden or code in {"NO_PERMISSION", "AUTHORIZATION_FAILED"}:
        return PermissionMissingError(
            f"The person who gave the grant lacks permission for this call ({code or 'HTTP 403'}).{said}",
            hint="Ask an administrator of Zoho Recruit for the permission, or log in as another person.",
            **details,
        )
    what = f"{host} answered HTTP {status}{f' ({code})' if code else ''}.{said}"
    if status == requests.codes.too_many_requests:
        hint = "Zoho limits API calls, too. Wait, or look up in Zoho Recruit how many are left today."
        return ThrottledError(what, retry_after=0.0, hint=hint, **details)
    if status >= requests.codes.internal_server_error and status != requests.codes.not_implemented:
        return NetworkError(what, hint="Try again later.", **details)
    hint = "Zoho Recruit's API documentation explains its error codes."
    if code == "NOT_IN_SANDBOX":
        hint = "This library's documentation lists what the sandbox has (docs/reference/sandbox.rst)."
    if status == requests.codes.not_found:
        hint = "Check the path. It begins with a module's API name, such as Candidates."
    return ZohoAuthError(what, hint=hint, **details)


def _advise_scopes(url: str, auth: ZohoRecruitAuth) -> str:
    """Return how to get a grant with the present scopes and those that a call needs, as far as these are known."""
    path = urlsplit(url).path.removeprefix("/recruit/v2/").strip("/")
    first = path.partition("/")[0]
    area = "modules" if first[:1].isupper() else first  # a module's API name begins in upper case
    needed = [f"ZohoRecruit.{area}.ALL"] if area in _PROBES else []
    if path.endswith("/search"):
        needed.append("ZohoSearch.securesearch.READ")
    present: tuple[str, ...] = auth.token.scope if auth.token else ()
    missing = [each for each in needed if each.lower() not in map(str.lower, present)]
    is_own = bool(auth.token and auth.token.refresh_token is None)  # client credentials never have one
    login = f"{name_login_command()}{' --client-credentials' if is_own else ''} --scope"
    if not (present and missing):
        known = f" ({', '.join(present)})" if present else ""
        other = " and ".join(missing) or "the one that Zoho's documentation of this call names"
        return f"Run `{login} …` with the present scopes{known} and {other}."
    scopes = ",".join((*present, *missing))
    if isinstance(find_source(), Environment):
        return f"Set ZOHORECRUIT_{'SCOPE to' if is_own else 'REFRESH_TOKEN to the token of a grant with'} {scopes}."
    return f"Log in again with these scopes:\n    {login} {shlex.quote(scopes)}"


def _read_problem(answer: requests.Response) -> dict[str, Any]:
    """Return those of ``code``, ``message`` and ``details`` that an answer has; for a list, its first element's."""
    try:
        content = answer.json()
        if "code" not in content:
            content = content["data"][0]
        problem = {name: content[name] for name in ("code", "message", "details") if content.get(name)}
    except (ValueError, AttributeError, TypeError, LookupError):
        return {}
    code = problem.get("code")
    if not (isinstance(code, str) and code.isidentifier()):
        problem.pop("code", None)
    return problem


def _format_problem(problem: dict[str, Any]) -> str:
    """Return Zoho's own message and details, which help to correct a request and contain no secret."""
    words = [problem.get("message"), problem.get("details")]
    texts = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in words if each]
    if not texts:
        return ""
    text = " ".join(" ".join(texts).split())
    return f" Zoho says: {text[:_LONGEST]}{'…' if len(text) > _LONGEST else ''}"


def _check_clock(answer: requests.Response, region: str) -> ClockError | None:
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
        hint=_SET_CLOCK,
    )
