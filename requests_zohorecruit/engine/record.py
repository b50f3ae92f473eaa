"""The shared record: a grant, its access token, and the bookkeeping that all processes using the grant share.

Owns the record's stored form and its state transitions, as one immutable value. Knows nothing about locks or HTTP.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from requests_zohorecruit.engine.bookkeeping import Failure, parse_bookkeeping
from requests_zohorecruit.engine.limits import LONGEST_PAUSE, PAUSE, Budget, CoolDown
from requests_zohorecruit.errors import (
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    UnusableRecordError,
    ZohoAuthError,
)
from requests_zohorecruit.secret import clears_frames
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import Grant, read_grant
from requests_zohorecruit.zoho.token import LONGEST_LIFETIME, TOKEN_KEYS, Token

__all__ = ["Record"]

_BOOKKEEPING = ("granted_at", "mint_times", "failure", "rejection_pause")
_OWN_KEYS = frozenset({*TOKEN_KEYS, "soid", "client_id", "region", *_BOOKKEEPING})


@dataclass(frozen=True, slots=True)
class Record:
    """A grant and its state.

    :ivar grant: what access tokens are minted from, or None
    :ivar token: the access token minted last, or None
    :ivar granted_at: when a person gave the grant, or when it was first seen, in epoch seconds. It never decreases from
        one grant to the next, and stays after a revocation to identify the revoked grant. None = the grant was passed
        as an argument and has not minted yet, or another library stored it; 0 = passed to another process that way
    :ivar mints: times of the recent mints, in epoch seconds
    :ivar failure: the last refresh's failure, or None if it succeeded
    :ivar pause: the pause in replacing rejected tokens, after a freshly minted one was rejected too
    :ivar extra: other programs' keys in the same record, kept unchanged
    """

    grant: Grant | None = None
    token: Token | None = None
    granted_at: float | None = None
    mints: tuple[float, ...] = ()
    failure: Failure | None = None
    pause: CoolDown | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    @clears_frames
    def from_mapping(
        cls, mapping: Mapping[str, Any], application: Application, complain: Callable[[str], object] = lambda _: None
    ) -> Record:
        """Parse what a store holds: a record of this library, or a plain token dict of requests-oauthlib.

        :param complain: called with each key whose bookkeeping cannot be read and is left out
        :raises UnusableRecordError: the record belongs to another client or region, or its tokens are malformed
        """
        region = application.region
        for key, ours in (("client_id", application.client_id), ("region", region.code)):
            if mapping.get(key) not in (None, "", ours):  # a tuple: the value may not be hashable
                raise UnusableRecordError(
                    f"The stored record belongs to another {key.replace('_', ' ')} than this one ({ours}).",
                    region=region.code,
                    hint="Use a separate store for each client and region.",
                )
        try:
            grant = read_grant(mapping)
            token = Token.from_dict(mapping) if mapping.get("access_token") else None
        except (TypeError, ValueError) as error:
            raise UnusableRecordError(
                f"The stored record is damaged: {error}.",  # names the key, never its value
                region=region.code,
                hint="Nothing was changed. Restore it, or remove it and authorize again.",
            ) from None
        if token is not None:
            token = replace(token, api_domain=region.trusted_api_domain(token.api_domain))
        return cls(
            grant=grant,
            token=token,
            **parse_bookkeeping(mapping, complain),
            extra={key: value for key, value in mapping.items() if key not in _OWN_KEYS},
        )

    @classmethod
    def from_exchange(cls, token: Token, now: float) -> Record:
        """Return the record of a grant that a person has just given, by an exchange at `now` (epoch seconds)."""
        return cls(granted_at=now, mints=(now,)).with_token(token)

    def to_mapping(self, application: Application) -> dict[str, Any]:
        """Return the stored form of the record: JSON types only, and none of this library's keys without a value."""
        values = {
            **(self.token.to_dict() if self.token else {}),
            **(self.grant.to_mapping() if self.grant else {}),
            "client_id": application.client_id,
            "region": application.region.code,
            "granted_at": self.granted_at,
            "mint_times": list(self.mints),
            "failure": self.failure and {**self.failure._asdict(), "cool_down": list(self.failure.cool_down)},
            "rejection_pause": self.pause and list(self.pause),
        }
        return {**self.extra, **{key: value for key, value in values.items() if value not in (None, [])}}

    # Queries

    @property
    def grant_identity(self) -> str:
        """A value unique to the grant within the application; empty when there is none. Secret."""
        return self.grant.identity if self.grant else ""

    @property
    def access_token(self) -> str | None:
        """The access token, or None."""
        return self.token.access_token if self.token else None

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a grant nor a token, as after a revocation."""
        return self.grant is None and self.token is None

    @property
    def is_dead(self) -> bool:
        """Whether Zoho reported the grant as dead."""
        return self.failure is not None and self.failure.is_dead_grant

    @property
    def has_never_worked(self) -> bool:
        """Whether minting was tried but has never succeeded, as with a mistyped argument."""
        return self.token is None and bool(self.failure or self.mints)

    def is_alive(self, now: float) -> bool:
        """Return whether there is an access token that may be sent."""
        return self.token is not None and self.token.expires_at - LONGEST_LIFETIME <= now < self.token.dead_at

    def is_fresh(self, now: float) -> bool:
        """Return whether there is an access token that does not need replacing yet."""
        return self.token is not None and self.token.expires_at - LONGEST_LIFETIME <= now < self.token.stale_at

    def is_paused(self, now: float) -> bool:
        """Return whether replacing rejected tokens is paused."""
        return self.pause is not None and not self.pause.is_over(now)

    def has_same_grant(self, other: Record) -> bool:
        """Return whether `other` holds the same grant. A revoked grant does not count as the one that was given."""
        return (self.grant, self.is_empty) == (other.grant, other.is_empty)

    def has_older_token_than(self, other: Record) -> bool:
        """Return whether `other`, a record of the same grant, has another access token that expires no earlier."""
        mine, others = (each.token.expires_at if each.token else 0.0 for each in (self, other))
        return self.access_token != other.access_token and mine <= others

    def is_later_than(self, other: Record) -> bool:
        """Return whether a person gave this grant after the other one."""
        return (self.granted_at or 0.0) > (other.granted_at or 0.0)

    def find_obstacle(self, now: float, application: Application, budget: Budget) -> ZohoAuthError | None:
        """Return the error to raise instead of asking Zoho for a token now, or None if it may be asked."""
        region, failure = application.region.code, self.failure
        if self.grant is None:
            return self.no_grant(application)
        if failure and failure.grant == application.fingerprint(self.grant_identity):
            if failure.is_dead_grant:
                return failure.to_error(region, failure.cool_down.until)  # a dead grant stays dead
            if not failure.cool_down.is_over(now):
                return failure.to_error(region, now)
        wait, recent = budget.wait(self.mints, now), len(budget.list_recent(self.mints, now))
        if wait > 0:
            return ThrottledError(
                f"This grant (region {region}) has minted {recent} access tokens within {budget.window:.0f} s, as many "
                f"as Zoho allows; one more could lock it out, so none was requested.",
                retry_after=wait,
                region=region,
                hint="Tokens live an hour: look for code that discards them, or an API host that rejects them all.",
            )
        return None

    @staticmethod
    def no_grant(application: Application) -> ReauthorizationRequired:
        """Return the error for a record without a refresh token."""
        return ReauthorizationRequired(
            f"There is no grant for client {application.client_id} in region {application.region.code}, so nothing was "
            "sent.",
            region=application.region.code,
            hint="Run `zohorecruit login`; or pass refresh_token=, or a store that holds a grant.",
        )

    # Transitions

    def believed(self, now: float) -> Record:
        """Return a copy without times more than a day ahead, which are in milliseconds or from a wrong clock (T81).

        Such an expiry or grant date counts as unknown. Mints, cool-downs and pauses have their own bounds.
        """
        token, latest = self.token, now + LONGEST_LIFETIME
        if token is not None and token.expires_at > latest:
            token = replace(token, expires_at=0.0)
        granted_at = None if (self.granted_at or 0.0) > latest else self.granted_at
        return replace(self, token=token, granted_at=granted_at)

    def with_date(self, now: float, *, after: Record | None) -> Record:
        """Return a dated copy, if there is no date yet: `now`, or just after the date of `after` if that is later."""
        return self if self.granted_at else replace(self, granted_at=now).dated_after(after)

    def dated_after(self, other: Record | None) -> Record:
        """Return a copy whose grant is dated after `other`, even if the clock has gone back."""
        if self.granted_at is None or other is None or other.granted_at is None:
            return self
        return replace(self, granted_at=max(self.granted_at, math.nextafter(other.granted_at, math.inf)))

    def with_mint(self, now: float, budget: Budget) -> Record:
        """Record a mint that is about to be requested, and drop those outside the window."""
        return replace(self, mints=(*budget.list_recent(self.mints, now), now))

    def with_token(self, token: Token) -> Record:
        """Set a new token. If it came with a new refresh token, that replaces the grant."""
        grant = self.grant.renew(token) if self.grant else read_grant(token.to_dict())
        record = replace(self, token=grant.own(token) if grant else token, grant=grant, failure=None)
        return record if self.grant in {None, grant} else record.dated_after(self)

    def without_grant(self) -> Record:
        """Return what remains after a revocation."""
        grant = self.grant if self.grant and self.grant.is_configured else None
        return Record(grant, granted_at=self.granted_at, extra=self.extra)

    def with_failure(self, error: ZohoAuthError, now: float, application: Application, before: Record) -> Record:
        """Record why a refresh failed, so that no process asks Zoho again in vain.

        :param before: the record before the mint, whose mint times are restored if Zoho certainly minted nothing
        """
        failure = Failure.begin(error, now, application.fingerprint(self.grant_identity), before.failure)
        uncertain = isinstance(error, TokenEndpointError) and error.uncertain
        return replace(self, mints=self.mints if uncertain else before.mints, failure=failure)

    def with_pause(self, now: float) -> Record:
        """Pause replacing rejected tokens: for 60 seconds at first, and twice as long each time after that."""
        return replace(self, pause=CoolDown.extend(self.pause, now, seconds=PAUSE, longest=LONGEST_PAUSE))

    def without_pause(self) -> Record:
        """End the pause: the API accepted a token."""
        return replace(self, pause=None)

    def with_extra_of(self, other: Record) -> Record:
        """Take other programs' keys from `other`, which was read from the store."""
        return replace(self, extra=other.extra)

    def with_mints_of(self, other: Record) -> Record:
        """Add the mints that `other` has recorded for the same grant."""
        # A multiset union: two mints may have the same time, and both count.
        return replace(self, mints=tuple(sorted((Counter(self.mints) | Counter(other.mints)).elements())))

    def join(self, other: Record) -> Record:
        """Combine with the store's record of the same grant. Of two failures or pauses, the later end wins."""
        failure = max(self.failure, other.failure, key=lambda each: each.cool_down.until if each else 0.0)
        pause = max(self.pause, other.pause, key=lambda each: each.until if each else 0.0)
        joined = other.with_mints_of(self)
        return replace(joined, token=self.token, failure=failure, pause=pause)
