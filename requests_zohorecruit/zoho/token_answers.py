"""What Zoho's answers mean: the only place that knows Zoho's dialect, as pure functions over status and text.

Turns the answer of a token endpoint into a `Token` or the right error, and tells what a 401 of the API says. Sends
nothing, stores nothing, and never repeats a value of the answer that could be a secret.
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
from requests_zohorecruit.zoho.token import Token, lifetime, split_scope

__all__ = ["Answer", "read_revocation", "read_token_answer", "redirected"]

#: Seconds to leave Zoho alone after "Access Denied" when it does not say how long.
COOL_DOWN = 60.0

#: Longest ``Retry-After`` in seconds that is believed: Zoho's block lasts ten minutes.
LONGEST_RETRY_AFTER = 3600.0


class Answer(NamedTuple):
    """What came back from Zoho Accounts, bounded in size.

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
    """Read the answer to an exchange or a refresh; judged by its body, since Zoho reports errors as HTTP 200 (T16).

    :param requested_at: epoch seconds when the request left; the lifetime counts from there (T24)
    :param previous: what is carried forward where the answer says nothing: refresh token, scope, ``api_domain`` (T15)
    :raises ZohoAuthError: the member of the tree that the answer stands for
    """
    body = _json_object(answer.text)
    if body is None:
        raise _unintelligible(answer, region)
    if body.get("error") or body.get("status") == "failure" or not body.get("access_token"):
        raise _error(body, answer, region)
    if not 200 <= answer.status < 300:
        raise _unintelligible(answer, region)
    expires_in = lifetime(body)
    try:
        return Token(
            access_token=body["access_token"],
            refresh_token=body.get("refresh_token") or (previous.refresh_token if previous else None),
            expires_at=requested_at + expires_in,
            expires_in=expires_in,
            scope=_scope(body) or (previous.scope if previous else ()),
            api_domain=region.trusted_api_domain(body.get("api_domain")) or (previous.api_domain if previous else None),
            token_type=_word(body.get("token_type")) or "Bearer",
        )
    except (TypeError, ValueError):
        pass
    raise _unintelligible(answer, region)


@clears_frames
def read_revocation(answer: Answer, *, region: Region) -> None:
    """Accept nothing but Zoho's success body as a revocation.

    :raises ZohoAuthError: anything else: not confirmed
    """
    body = _json_object(answer.text)
    if answer.status == 200 and body is not None and body.get("status") == "success":
        return
    if answer.status == 429 or (body is not None and (body.get("error") or body.get("status") == "failure")):
        raise _error(body or {}, answer, region)
    raise TokenEndpointError(
        f"{_host(region)} did not confirm that the grant is revoked (HTTP {answer.status}); it is kept here.",
        status_code=answer.status,
        region=region.code,
        hint="If it was revoked before, for instance in the person's Zoho account settings, delete the stored record.",
    )


def redirected(answer_status: int, region: Region) -> TokenEndpointError:
    """Return the error for a token endpoint that redirects: its form holds every secret there is (T37)."""
    return TokenEndpointError(
        f"{_host(region)} answered a token request with a redirect (HTTP {answer_status}), which is never followed.",
        status_code=answer_status,
        region=region.code,
        hint="Zoho does not do that: look for a proxy or captive portal in between, or a wrong accounts URL.",
    )


def _error(body: Mapping[str, Any], answer: Answer, region: Region) -> ZohoAuthError:
    word = body.get("error")
    where: dict[str, Any] = {"status_code": answer.status, "region": region.code}
    if isinstance(word, str) and word in _ERRORS:
        kind, what, hint = _ERRORS[word]
        return kind(f"{_host(region)} {what} ({word}).", code=word, hint=hint.format(region=region), **where)
    # Both texts of "Access Denied" are localised, so it is known by its shape. Anything else has an error code.
    if body.get("status") == "failure" or word == "Access Denied" or answer.status == 429:
        return ThrottledError(
            f"{_host(region)} refuses to mint more access tokens for this grant for now (Access Denied).",
            retry_after=_retry_after(answer.retry_after),
            code="Access Denied",
            hint="Zoho allows about ten per ten minutes; wait, and share one store between everybody using the grant.",
            **where,
        )
    if word:
        code = _word(word)
        return TokenEndpointError(f"{_host(region)} answered with an error ({code or 'unknown'}).", code=code, **where)
    return _unintelligible(answer, region)


def _unintelligible(answer: Answer, region: Region) -> ZohoAuthError:
    if answer.status == 429:
        return _error({}, answer, region)
    kind = "an HTML page" if answer.text.lstrip()[:1] == "<" else "something that is no token answer"
    return TokenEndpointError(
        f"{_host(region)} answered HTTP {answer.status} with {kind}.",
        # A gateway that gave up on Zoho (RFC 9110, section 15.6) cannot know what Zoho went on to do.
        uncertain=200 <= answer.status < 300 or answer.status in {502, 504},
        status_code=answer.status,
        region=region.code,
        hint="Try again later; if it persists, check the region and any proxy in between.",
    )


def _json_object(text: str) -> Mapping[str, Any] | None:
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _scope(body: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        return split_scope(body.get("scope"))
    except ValueError:
        return ()


def _word(value: object) -> str | None:
    # Letters only: an error text that echoes a credential (they hold digits and dots) is not repeated.
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z_ -]{0,39}", value) else None


def _retry_after(header: str | None) -> float:
    seconds = float(header) if header and re.fullmatch(r"[0-9]{1,9}", header) else 0.0
    return min(max(COOL_DOWN, seconds), LONGEST_RETRY_AFTER)


def _host(region: Region) -> str:
    return f"Zoho Accounts ({region.accounts_url.removeprefix('https://')}, region {region.code})"


_AGAIN = "A person must authorize again: send them to the authorization URL, or make a new self-client code."
_DATA_CENTRE = (
    "The usual cause is the wrong region ({region.code}) for this client, or a data centre that is not enabled for it "
    "in Zoho's API console."
)

#: Zoho's word -> the error it stands for, what happened, what to do. There is no ``invalid_grant`` at Zoho.
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
        "It must be, to the letter, one that is registered for the client in Zoho's API console.",
    ),
}
