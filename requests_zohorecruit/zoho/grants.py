"""What a token is minted from: RFC 6749's authorization grant, in the two forms that Zoho mints from again and again.

Owns the form that is sent, and how a grant stands in a record. Knows nothing of HTTP, stores or when to mint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from requests_zohorecruit.secret import Secret, checked_secret, clears_frames
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token, split_scope

__all__ = ["ClientCredentials", "Grant", "RefreshToken", "check_scope", "choose_grant", "read_grant"]


class Grant(Protocol):
    """What the engine needs of a grant, of whichever kind. Compared by value, and hashable."""

    @property
    def identity(self) -> str:
        """What tells it from every other grant of the same application; secret."""

    @property
    def is_configured(self) -> bool:
        """Whether a program that was given it uses no other: nobody replaces it by logging in."""

    def make_body(self, application: Application) -> str:
        """Return the form that mints an access token."""

    def to_mapping(self) -> dict[str, Any]:
        """Return how it stands in a record."""

    def renew(self, token: Token) -> Grant:
        """Return the grant to go on with after this token was minted: Zoho may have replaced it along with it."""

    def own(self, token: Token) -> Token:
        """Return the token as one of this grant."""

    def choose_revocable(self, token: Token | None) -> str | None:
        """Return what to send to be revoked, or None when there is nothing."""

    def outlive_revocation(self) -> Grant | None:
        """Return what is left of it afterwards."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A grant that a person has given (RFC 6749, section 6; Zoho wants neither scope nor redirect URI with it)."""

    value: Secret

    @property
    def identity(self) -> str:
        """The refresh token."""
        return self.value

    @property
    def is_configured(self) -> bool:
        """False: the next login is to be picked up."""
        return False

    def make_body(self, application: Application) -> str:
        """Return the form of a refresh."""
        # Imported where it is used: oauthlib costs more to import than this whole package.
        from oauthlib.oauth2 import WebApplicationClient  # noqa: PLC0415

        client_id, client_secret = application.client_id, application.client_secret
        body: str = WebApplicationClient(client_id).prepare_refresh_body(
            refresh_token=self.value, client_id=client_id, client_secret=client_secret
        )
        return body

    def to_mapping(self) -> dict[str, Any]:
        """Return ``refresh_token``."""
        return {"refresh_token": str(self.value)}

    def renew(self, token: Token) -> RefreshToken:
        """Return the one that came with the token, if one did."""
        return RefreshToken(Secret(token.refresh_token)) if token.refresh_token else self

    def own(self, token: Token) -> Token:
        """Return the token with this refresh token."""
        return replace(token, refresh_token=self.value)

    def choose_revocable(self, token: Token | None) -> str | None:  # noqa: ARG002 - the grant ends its tokens with it
        """Return the refresh token."""
        return self.value

    def outlive_revocation(self) -> None:
        """Return None: a person has to authorize again."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A grant without a person: what the client itself may do in an organisation (RFC 6749, section 4.4).

    :ivar soid: ``ZohoRecruit.<organisation id>``
    :ivar scope: the scopes to ask for, sorted
    """

    soid: str
    scope: tuple[str, ...]

    @classmethod
    def create(cls, soid: object, scope: object) -> ClientCredentials:
        """Check both before anything is sent.

        :param soid: Zoho's name of service and organisation
        :param scope: text with commas or spaces, or an iterable of scopes
        :raises TypeError: a value of the wrong type
        :raises ValueError: a malformed `soid`, or no scope
        """
        if not isinstance(soid, str):
            raise TypeError(f"soid must be a string, not {type(soid).__name__}")
        if not re.fullmatch(r"[A-Za-z]+\.[0-9A-Za-z]+", soid):
            raise ValueError(
                'soid must be a service and the id of an organisation, like "ZohoRecruit.60001234567"; Zoho calls the '
                "id organization ID, zsoid or ZGID"
            )
        return cls(soid, tuple(sorted(check_scope(scope))))

    @property
    def identity(self) -> str:
        """Both."""
        return " ".join((self.soid, *self.scope))

    @property
    def is_configured(self) -> bool:
        """True: another organisation's or scope's token is never what the program asked for."""
        return True

    def make_body(self, application: Application) -> str:
        """Return the form of a token request."""
        from oauthlib.oauth2 import BackendApplicationClient  # noqa: PLC0415 - as above

        # Zoho separates scopes with commas, where RFC 6749 has spaces (T04).
        body: str = BackendApplicationClient(application.client_id).prepare_request_body(
            include_client_id=True, client_secret=application.client_secret, scope=",".join(self.scope), soid=self.soid
        )
        return body

    def to_mapping(self) -> dict[str, Any]:
        """Return ``soid`` and ``scope``."""
        return {"soid": self.soid, "scope": list(self.scope)}

    def renew(self, token: Token) -> ClientCredentials:  # noqa: ARG002 - for every kind
        """Return itself: it stays in the program's configuration."""
        return self

    def own(self, token: Token) -> Token:
        """Return the token with the scopes that were asked for, by which a record tells whose token it holds."""
        return replace(token, refresh_token=None, scope=self.scope)

    def choose_revocable(self, token: Token | None) -> str | None:
        """Return the access token: there is nothing else that Zoho could forget."""
        return token.access_token if token else None

    def outlive_revocation(self) -> ClientCredentials:
        """Return itself: the credentials are as good as before."""
        return self


def check_scope(scope: object) -> tuple[str, ...]:
    """Return the scopes to ask for.

    :param scope: text with commas or spaces, or an iterable of scopes
    :raises TypeError: it is neither
    :raises ValueError: there is none
    """
    if not isinstance(scope, (str, Iterable)) or isinstance(scope, (bytes, Mapping)):
        raise TypeError(f"scope must be text or an iterable of text, not {type(scope).__name__}")
    try:
        scopes = split_scope(scope if isinstance(scope, str) else tuple(scope))
    except ValueError as error:
        raise TypeError(str(error)) from None
    if not scopes:
        raise ValueError('scope is empty: name what to ask for, like "ZohoRecruit.modules.ALL"')
    return scopes


def choose_grant(
    refresh_token: str | None, soid: str | None, scope: str | Iterable[str] | None
) -> RefreshToken | ClientCredentials | None:
    """Return the grant that a program's arguments stand for, None = the store's.

    :raises TypeError: a value of the wrong type
    :raises ValueError: an impossible value, or both kinds at once
    """
    if soid is None and scope is None:
        return None if refresh_token is None else RefreshToken(checked_secret("refresh_token", refresh_token))
    if refresh_token is not None:
        raise ValueError("refresh_token= is a person's grant, soid= and scope= are the client's own: pass one of them")
    if soid is None or scope is None:
        raise ValueError("soid= and scope= go together: which organisation, and what to ask for")
    return ClientCredentials.create(soid, scope)


@clears_frames
def read_grant(mapping: Mapping[str, Any]) -> Grant | None:
    """Read the grant from a record, None = it has none.

    :raises TypeError: a value is of the wrong type; never shows the value
    :raises ValueError: a value cannot be what its key says
    """
    if mapping.get("refresh_token"):
        return RefreshToken(checked_secret("refresh_token", mapping["refresh_token"]))
    if mapping.get("soid"):
        return ClientCredentials.create(mapping["soid"], mapping.get("scope") or "")
    return None
