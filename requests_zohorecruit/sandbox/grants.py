"""The ledger of codes, grants (refresh tokens) and access tokens, with their lifetimes and all of Zoho's limits.

Knows nothing about HTTP or the wording of Zoho's responses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from requests_zohorecruit.sandbox.settings import Settings

__all__ = ["NOBODY", "AccessToken", "Code", "Grant", "Holder", "Ledger", "TooManyMints"]


class TooManyMints(Exception):  # noqa: N818 - it says what happened
    """The grant has reached its limit of mints for now."""


class Holder(NamedTuple):
    """The client, and the person, that something was granted to or by.

    :ivar client_id: the client
    :ivar person: the e-mail address of the person who consented; None for client credentials, which need no consent
    """

    client_id: str = ""
    person: str | None = None


NOBODY = Holder()


@dataclass
class Grant:
    """A person's consent, or a client's own access by client credentials.

    :ivar refresh_token: None without offline access, and for client credentials
    :ivar mints: times of its mints within the window, in epoch seconds
    """

    refresh_token: str | None
    scope: tuple[str, ...]
    holder: Holder
    mints: list[float] = field(default_factory=list)
    blocked_until: float = 0.0


@dataclass
class AccessToken:
    """An access token of a grant.

    :ivar rejected: refused by the API although Zoho Accounts considers it alive
    """

    value: str
    grant: Grant
    expires_at: float
    rejected: bool = False


@dataclass
class Code:
    """An authorization code, good for one exchange.

    :ivar redirect_uri: where it was sent; None for a self client's code, which the console shows
    :ivar lasting: whether the exchange returns a refresh token
    :ivar challenge: PKCE method and code challenge (RFC 7636, section 4.3), if any
    """

    value: str
    scope: tuple[str, ...]
    holder: Holder
    expires_at: float
    redirect_uri: str | None = None
    lasting: bool = True
    challenge: tuple[str, str] | None = None


class Ledger:
    """All codes, grants and tokens of one data centre, independent of those of other data centres."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float], token_hex: Callable[[int], str]) -> None:
        self.settings = settings
        self.clock = clock
        self.token_hex = token_hex
        self._codes: dict[str, Code] = {}
        self._grants: dict[str, Grant] = {}
        self._access: dict[str, AccessToken] = {}
        self._without_person: dict[tuple[str, str, frozenset[str]], Grant] = {}
        self._opened: dict[str | None, list[float]] = {}
        self._consented: set[Holder] = set()

    def consent(  # noqa: PLR0913 - most are passed by name
        self,
        scope: tuple[str, ...],
        holder: Holder,
        *,
        offline: bool,
        again: bool,
        redirect_uri: str | None = None,
        challenge: tuple[str, str] | None = None,
    ) -> Code:
        """Return the code for a person's consent.

        :param offline: ``access_type=offline``, without which there is no refresh token
        :param again: ``prompt=consent``, without which a repeated consent yields no refresh token either
        """
        lasting = offline and (again or holder not in self._consented)
        if offline:
            self._consented.add(holder)
        code = self.make_code(scope, holder, self.settings.code_lifetime)
        code.redirect_uri, code.lasting, code.challenge = redirect_uri, lasting, challenge
        return code

    def make_code(self, scope: tuple[str, ...], holder: Holder, lifetime: float) -> Code:
        """Return a code as the API console shows it for a self client, with a lifetime in seconds."""
        value = self.make_value()
        self._codes[value] = code = Code(value, scope, holder, self.clock() + lifetime)
        return code

    def find_code(self, value: str) -> Code | None:
        """Return the code if it is neither used nor expired."""
        code = self._codes.get(value)
        return code if code and self.clock() < code.expires_at else None

    def redeem(self, code: Code) -> tuple[Grant, AccessToken]:
        """Redeem a code, which becomes invalid.

        :raises TooManyMints: too many refresh tokens within a minute; the code stays valid
        """
        if code.lasting:
            grant = self.open_grant(code.scope, code.holder, counted=True)
        else:
            grant = Grant(None, code.scope, code.holder)
        del self._codes[code.value]
        return grant, self.mint(grant)

    def open_grant(self, scope: tuple[str, ...], holder: Holder = NOBODY, *, counted: bool = False) -> Grant:
        """Return a new grant. If the person then has too many, the oldest is revoked.

        :param counted: whether the limit per minute applies
        :raises TooManyMints: the limit per minute is reached
        """
        now, limit = self.clock(), self.settings.refresh_tokens_per_minute
        opened = [moment for moment in self._opened.get(holder.person, ()) if moment > now - 60]
        if counted and limit is not None and len(opened) >= limit:
            raise TooManyMints
        self._opened[holder.person] = [*opened, now] if counted else opened
        refresh_token = self.make_value()
        self._grants[refresh_token] = grant = Grant(refresh_token, scope, holder)
        of_person = [value for value, other in self._grants.items() if other.holder.person == holder.person]
        for oldest in of_person[: max(0, len(of_person) - self.settings.refresh_tokens_per_user)]:
            self.revoke(oldest)
        return grant

    def find_grant_without_person(self, scope: tuple[str, ...], client_id: str, soid: str) -> Grant:
        """Return a client's own grant in an organisation; there is one for each set of scopes."""
        key = client_id, soid, frozenset(scope)
        return self._without_person.setdefault(key, Grant(None, scope, Holder(client_id)))

    def find_grant(self, refresh_token: str) -> Grant | None:
        """Return the grant of a valid refresh token."""
        return self._grants.get(refresh_token)

    def mint(self, grant: Grant) -> AccessToken:
        """Return a new access token. If the grant then has too many live ones, the oldest is revoked.

        :raises TooManyMints: the window's limit is reached; requests during the block prolong it
        """
        now, limits = self.clock(), self.settings
        grant.mints = [moment for moment in grant.mints if moment > now - limits.mint_window]
        if now < grant.blocked_until:
            grant.blocked_until += limits.blocked_longer
            raise TooManyMints
        if len(grant.mints) >= limits.mints_per_window:
            grant.blocked_until = min(grant.mints, default=now) + limits.mint_window
            raise TooManyMints
        grant.mints.append(now)
        token = AccessToken(self.make_value(), grant, now + limits.access_token_lifetime)
        self._access[token.value] = token
        live = self._list_live(grant)
        for oldest in live[: max(0, len(live) - limits.max_live_access_tokens)]:
            del self._access[oldest.value]
        return token

    def find_access(self, access_token: str) -> Grant | None:
        """Return the grant of a valid access token, or None."""
        token = self._access.get(access_token)
        return None if token is None or token.rejected or self.clock() >= token.expires_at else token.grant

    def revoke(self, token: str) -> bool:
        """Revoke a refresh token with its access tokens, or a single access token. Return False if there is none."""
        if grant := self._grants.pop(token, None):
            self._access = {value: access for value, access in self._access.items() if access.grant is not grant}
            return True
        return self._access.pop(token, None) is not None

    def count_live(self, refresh_token: str) -> int:
        """Return the number of unexpired access tokens of a grant."""
        grant = self._grants.get(refresh_token)
        return len(self._list_live(grant)) if grant else 0

    def expire_all(self) -> None:
        """Expire every access token."""
        for token in self._access.values():
            token.expires_at = self.clock()

    def reject_all(self) -> None:
        """Make the API refuse every access token issued so far."""
        for token in self._access.values():
            token.rejected = True

    def make_value(self, kind: str = "1000") -> str:
        """Return a new token or code: ``1000.``, or another kind, and two random numbers."""
        return f"{kind}.{self.token_hex(16)}.{self.token_hex(16)}"

    def _list_live(self, grant: Grant) -> list[AccessToken]:
        now = self.clock()
        return [token for token in self._access.values() if token.grant is grant and now < token.expires_at]
