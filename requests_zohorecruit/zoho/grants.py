"""Grants, from which access tokens are minted: the two of RFC 6749's that Zoho lets a client use repeatedly.

Defines the form that is sent and how a grant is stored in a record. Knows nothing about HTTP, stores or when to mint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

from requests_zohorecruit.secret import Secret, checked_secret, clears_frames
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token, split_scope

__all__ = ["ClientCredentials", "Grant", "RefreshToken", "check_scope", "choose_grant", "read_grant"]


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token that a person has granted (RFC 6749, section 6; Zoho needs no scope or redirect URI with it).

    :cvar is_configured: whether the program's configuration defines the grant, so that no later login or revocation
        ends it
    """

    is_configured: ClassVar[bool] = False
    value: Secret

    @property
    def identity(self) -> str:
        """A value unique to the grant within its application; secret."""
        return self.value

    def make_body(self, application: Application) -> str:
        """Return the form that mints an access token."""
        # Imported on use, because oauthlib takes longer to import than this whole package.
        from oauthlib.oauth2 import WebApplicationClient  # noqa: PLC0415

        client_id, client_secret = application.client_id, application.client_secret
        body: str = WebApplicationClient(client_id).prepare_refresh_body(
            refresh_token=self.value, client_id=client_id, client_secret=client_secret
        )
        return body

    def to_mapping(self) -> dict[str, Any]:
        """Return the keys that represent the grant in a record."""
        return {"refresh_token": str(self.value)}

    def renew(self, token: Token) -> RefreshToken:
        """Return the grant to use after `token` was minted: Zoho may have sent a new refresh token with it."""
        return RefreshToken(Secret(token.refresh_token)) if token.refresh_token else self

    def own(self, token: Token) -> Token:
        """Return a copy of the token marked as belonging to this grant."""
        return replace(token, refresh_token=self.value)

    def choose_revocable(self, token: Token | None) -> str | None:  # noqa: ARG002 - its access tokens end with it
        """Return the token to send for revocation, or None when there is none."""
        return self.value


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Client credentials, a grant without a person: the client's own access to an organisation (RFC 6749, section 4.4).

    :ivar soid: ``ZohoRecruit.<organisation id>``
    :ivar scope: the scopes to request, sorted
    :cvar is_configured: True, because a token of another organisation or scope is never what the program asked for
    """

    is_configured: ClassVar[bool] = True
    soid: str
    scope: tuple[str, ...]

    @classmethod
    def create(cls, soid: object, scope: object) -> ClientCredentials:
        """Check both values before anything is sent.

        :param soid: Zoho's identifier of a service and an organisation
        :param scope: text with commas or spaces, or an iterable of scopes
        :raises TypeError: a value has the wrong type
        :raises ValueError: `soid` is malformed, or there is no scope
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
        """The `soid` and the scopes."""
        return " ".join((self.soid, *self.scope))

    def make_body(self, application: Application) -> str:
        """Return the form that mints an access token."""
        from oauthlib.oauth2 import BackendApplicationClient  # noqa: PLC0415 - as above

        # Zoho separates scopes with commas, where RFC 6749 has spaces (T04).
        body: str = BackendApplicationClient(application.client_id).prepare_request_body(
            include_client_id=True, client_secret=application.client_secret, scope=",".join(self.scope), soid=self.soid
        )
        return body

    def to_mapping(self) -> dict[str, Any]:
        """Return ``soid`` and ``scope``."""
        return {"soid": self.soid, "scope": list(self.scope)}

    def renew(self, token: Token) -> ClientCredentials:  # noqa: ARG002 - a token brings nothing new
        """Return the grant itself, which the program's configuration defines."""
        return self

    def own(self, token: Token) -> Token:
        """Return the token with the requested scopes, by which a record identifies the grant of its token."""
        return replace(token, refresh_token=None, scope=self.scope)

    def choose_revocable(self, token: Token | None) -> str | None:
        """Return the access token: there is nothing else to revoke."""
        return token.access_token if token else None


#: A grant. Both kinds have the same methods, are hashable and compare by value.
Grant: TypeAlias = RefreshToken | ClientCredentials


def check_scope(scope: object) -> tuple[str, ...]:
    """Return the scopes to request.

    :param scope: text with commas or spaces, or an iterable of scopes
    :raises TypeError: it is neither
    :raises ValueError: there is no scope
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


def choose_grant(refresh_token: str | None, soid: str | None, scope: str | Iterable[str] | None) -> Grant | None:
    """Return the grant given by a program's arguments; None = use the store's.

    :raises TypeError: a value has the wrong type
    :raises ValueError: a value is malformed, or both kinds of grant are given
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
    """Return the grant in a record, or None.

    :raises TypeError: a value has the wrong type; the message never shows the value
    :raises ValueError: a value is malformed
    """
    if mapping.get("refresh_token"):
        return RefreshToken(checked_secret("refresh_token", mapping["refresh_token"]))
    if mapping.get("soid"):
        return ClientCredentials.create(mapping["soid"], mapping.get("scope") or "")
    return None
