"""Parses the token endpoint's responses: pure functions over status and text that know Zoho's dialect.

Turns a response into a `Token` or the matching error. Sends and stores nothing, and never repeats a value of the
response that could be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from requests_zohorecruit.errors import (
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    ZohoAuthError,
)
from requests_zohorecruit.secret import clears_frames
from requests_zohorecruit.zoho.regions import Region
from requests_zohorecruit.zoho.token import Token, read_lifetime, split_scope

__all__ = ["Answer", "make_error", "make_redirect_error", "parse_object", "read_revocation", "read_token_answer"]

#: Cool-down in seconds after "Access Denied" without ``Retry-After``.
COOL_DOWN = 60.0

#: Longest ``Retry-After`` in seconds that is accepted: Zoho's block lasts ten minutes.
LONGEST_RETRY_AFTER = 3600.0


class Answer(NamedTuple):
    """A response from Zoho Accounts, bounded in size.

    :ivar status: HTTP status
    :ivar text: the body
    :ivar retry_after: the ``Retry-After`` header, if any
    """

    status: int
    text: str
    retry_after: str | None = None

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, {len(self.text)} characters)"


@clears_frames
def read_token_answer(answer: Answer, *, region: Region, requested_at: float, previous: Token | None = None) -> Token:
    """Parse the response to an exchange or a refresh. The body decides, because Zoho reports errors as HTTP 200 (T16).

    :param requested_at: epoch seconds when the request was sent; the lifetime counts from there (T24)
    :param previous: token whose refresh token, scope and ``api_domain`` are kept if the response has none (T15)
    :raises ZohoAuthError: the error class that matches the response
    """
    body = parse_object(answer.text)
    if body.get("error") or body.get("status") == "failure" or not 200 <= answer.status < 300:
        raise make_error(body, answer, region)
    expires_in = read_lifetime(body)
    try:
        return Token(
            access_token=body["access_token"],
            refresh_token=body.get("refresh_token") or (previous.refresh_token if previous else None),
            expires_at=requested_at + expires_in,
            expires_in=expires_in,
            scope=_read_scope(body) or (previous.scope if previous else ()),
            api_domain=region.trusted_api_domain(body.get("api_domain")) or (previous.api_domain if previous else None),
            token_type=_read_word(body.get("token_type")) or "Bearer",
        )
    except (KeyError, TypeError, ValueError):
        pass
    raise make_error(body, answer, region)


@clears_frames
def read_revocation(answer: Answer, *, region: Region) -> None:
    """Check that the response confirms a revocation: only Zoho's success body does.

    :raises ZohoAuthError: the revocation is not confirmed
    """
    body = parse_object(answer.text)
    if answer.status == 200 and body.get("status") == "success":
        return
    if answer.status == 429 or body.get("error") or body.get("status") == "failure":
        raise make_error(body, answer, region)
    raise TokenEndpointError(
        f"{_name(region)} did not confirm that the grant is revoked (HTTP {answer.status}); it is kept here.",
        status_code=answer.status,
        region=region.code,
        hint="If it was revoked before, for instance in the person's Zoho account settings, delete the stored record.",
    )


def make_redirect_error(answer_status: int, region: Region) -> TokenEndpointError:
    """Return the error for a redirect from the token endpoint, not followed because the form contains secrets (T37)."""
    return TokenEndpointError(
        f"{_name(region)} answered a token request with a redirect (HTTP {answer_status}), which is never followed.",
        status_code=answer_status,
        region=region.code,
        hint="Zoho does not do that: look for a proxy or captive portal in between, or a wrong accounts URL.",
    )


def make_error(body: Mapping[str, Any], answer: Answer, region: Region) -> ZohoAuthError:
    """Return the error that matches an unsuccessful response.

    :param body: the response's body, as parsed by `parse_object`
    """
    word = body.get("error")
    where: dict[str, Any] = {"status_code": answer.status, "region": region.code}
    if isinstance(word, str) and word in _ERRORS:
        kind, what, hint = _ERRORS[word]
        return kind(f"{_name(region)} {what} ({word}).", code=word, hint=hint.format(region=region), **where)
    # Both texts of "Access Denied" are localised, so its structure identifies it. Other errors have a code.
    if body.get("status") == "failure" or word == "Access Denied" or answer.status == 429:
        return ThrottledError(
            f"{_name(region)} refuses to mint more access tokens for this grant for now (Access Denied).",
            retry_after=_read_retry_after(answer.retry_after),
            code="Access Denied",
            hint="Zoho allows about ten per ten minutes; wait, and have every program that uses this grant share one "
            "store.",
            **where,
        )
    if word:
        code = _read_word(word)
        return TokenEndpointError(f"{_name(region)} answered with an error ({code or 'unknown'}).", code=code, **where)
    content = "an HTML page" if answer.text.lstrip()[:1] == "<" else "something that is not a token response"
    return TokenEndpointError(
        f"{_name(region)} answered HTTP {answer.status} with {content}.",
        # If a gateway gave up on Zoho (RFC 9110, section 15.6), Zoho may still have minted a token.
        uncertain=200 <= answer.status < 300 or answer.status in {502, 504},
        **where,
        hint="Try again later; if it persists, check the region and any proxy in between.",
    )


def parse_object(text: str) -> Mapping[str, Any]:
    """Return the JSON object in `text`, or an empty dict for anything else."""
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _read_scope(body: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        return split_scope(body.get("scope"))
    except ValueError:
        return ()


def _read_word(value: object) -> str | None:
    # Letters only, so that an error text that echoes a credential (which has digits and dots) is not repeated.
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z_ -]{0,39}", value) else None


def _read_retry_after(header: str | None) -> float:
    seconds = float(header) if header and re.fullmatch(r"[0-9]{1,9}", header) else 0.0
    return min(max(COOL_DOWN, seconds), LONGEST_RETRY_AFTER)


def _name(region: Region) -> str:
    return f"Zoho Accounts ({region.accounts_url.removeprefix('https://')}, region {region.code})"


_AGAIN = "A person must authorize again: send them to the authorization URL, or make a new self-client code."
_DATA_CENTRE = (
    "The usual cause is the wrong region ({region.code}) for this client, or a data centre that is not enabled for it "
    "in Zoho's API console."
)
_ORGANISATION = 'Pass soid="ZohoRecruit.<organisation id>"; the id must be of an organisation in region {region.code}.'

#: Zoho's error code -> error class, what happened, what to do. Zoho itself never sends ``invalid_grant``.
_ERRORS: Mapping[str, tuple[type[ZohoAuthError], str, str]] = {
    "invalid_code": (ReauthorizationRequired, "no longer knows the code or refresh token", _AGAIN),
    "invalid_grant": (ReauthorizationRequired, "no longer knows the code or refresh token", _AGAIN),
    "invalid_client": (ClientConfigurationError, "does not know the client", _DATA_CENTRE),
    "invalid_client_secret": (
        ClientConfigurationError,
        "does not accept the client secret",
        "Zoho can issue one secret per data centre: check that this one is of region {region.code}.",
    ),
    "invalid_redirect_uri": (
        ClientConfigurationError,
        "does not accept the redirect URI",
        "It must exactly match one that is registered for the client in Zoho's API console.",
    ),
    "invalid_scope": (
        ClientConfigurationError,
        "does not grant the requested scope",
        'Check its spelling, as in "ZohoRecruit.modules.ALL"; and whether this client may ask for it.',
    ),
    "missing_org_info": (ClientConfigurationError, "needs to know which organisation is meant", _ORGANISATION),
    "invalid_org_info": (ClientConfigurationError, "does not know the organisation", _ORGANISATION),
}
