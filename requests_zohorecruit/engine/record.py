"""What everybody sharing a grant has to know: the token, the mints of late, what failed and until when to wait.

Owns the shape of the stored record and its changes, as one immutable value; knows nothing of stores, locks or HTTP.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from requests_zohorecruit.errors import (
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    TokenStoreError,
    ZohoAuthError,
)
from requests_zohorecruit.secret import Secret, checked_secret, veil
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token

__all__ = ["Budget", "Failure", "Record", "Wait"]


class Budget(NamedTuple):
    """How many access tokens a grant may mint: Zoho's strictest published limit."""

    mints: int = 10
    window: float = 600.0


class Wait(NamedTuple):
    """A time to wait: until when in epoch seconds, and how many seconds that was, for the next to be longer."""

    until: float
    seconds: float

    def over(self, now: float) -> bool:
        """Tell whether it has passed, or was written by a clock that has since gone back.

        The clocks of two hosts differ a little, so only one that ends later than twice its length is taken for that.
        """
        return not now < self.until <= now + 2 * self.seconds

    @classmethod
    def after(cls, previous: Wait | None, now: float, *, seconds: float, longest: float) -> Wait:
        """Start the next wait, twice as long as the previous one but never longer than `longest`."""
        length = min(max(seconds, 2 * previous.seconds if previous else 0.0), longest)
        return cls(now + length, length)


class Failure(NamedTuple):
    """The last failed refresh: its error's class, message and code, of which grant, and for how long it counts."""

    error: str
    message: str
    code: str | None
    status_code: int | None
    hint: str | None
    grant: str
    wait: Wait

    def error_now(self, region: str, now: float) -> ZohoAuthError:
        """Return the error to raise instead of trying again."""
        details: dict[str, Any] = {"code": self.code, "status_code": self.status_code, "hint": self.hint}
        left = max(0.0, self.wait.until - now)
        if self.error == ThrottledError.__name__:
            details["retry_after"] = left
        again = f" Not asked again for {left:.0f} s." if left else ""
        return _ERRORS[self.error](self.message + again, region=region, **details)


#: Seconds after which a transient failure is tried again.
TRANSIENT = 5.0
#: Seconds for which a wrong client holds for others. No longer: what is wrong may be mended in Zoho's console, which
#: changes nothing here.
FINAL = 60.0
#: Longest cool-down in seconds: Zoho's block lasts ten minutes.
LONGEST_COOL_DOWN = 600.0
#: First and longest pause, in seconds, between mints that replace a rejected token.
PAUSE, LONGEST_PAUSE = 60.0, 3600.0

_REMEMBERED = (TokenEndpointError, ThrottledError, ReauthorizationRequired, ClientConfigurationError)
_ERRORS: Mapping[str, type[ZohoAuthError]] = {kind.__name__: kind for kind in _REMEMBERED}
_TOKEN_KEYS = ("access_token", "refresh_token", "expires_at", "expires_in", "scope", "api_domain", "token_type")
_OWN_KEYS = frozenset({*_TOKEN_KEYS, "client_id", "region", "granted_at", "mint_times", "failure", "rejection_pause"})


@dataclass(frozen=True, slots=True)
class Record:
    """The grant and its state, as shared through a store.

    :ivar refresh_token: the grant, or None
    :ivar token: the access token minted last, or None
    :ivar granted_at: when a person gave the grant, in epoch seconds that never go back from one grant to the next; kept
        when the grant is revoked, to tell which one that was. 0 = before any login we know of, None = not told
    :ivar mints: when tokens were minted of late, in epoch seconds
    :ivar failure: the last refresh failed, and this is how
    :ivar pause: replacing rejected tokens did not help, so it rests
    :ivar extra: keys of other people in the same record, kept as they are
    """

    refresh_token: Secret | None = None
    token: Token | None = None
    mints: tuple[float, ...] = ()
    failure: Failure | None = None
    pause: Wait | None = None
    granted_at: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], application: Application) -> Record:
        """Read what a store holds: a record of ours, or a plain token dict as requests-oauthlib users have.

        :raises TokenStoreError: it belongs to another client or region, or its tokens cannot be tokens
        """
        mapping, region = veil(mapping), application.region
        for key, ours in (("client_id", application.client_id), ("region", region.code)):
            if mapping.get(key) not in (None, "", ours):  # a tuple: the value may not be hashable
                raise TokenStoreError(
                    f"The stored record is of another {key.replace('_', ' ')} than this one ({ours}).",
                    region=region.code,
                    hint="Give every client and region a store of its own.",
                )
        try:
            refresh_token = (
                checked_secret("refresh_token", mapping["refresh_token"]) if mapping.get("refresh_token") else None
            )
            token = Token.from_dict(mapping) if mapping.get("access_token") else None
        except (TypeError, ValueError) as error:
            problem = str(error)  # tells which key, never its value
        else:
            if token is not None:
                token = replace(token, api_domain=region.trusted_api_domain(token.api_domain))
            return cls(
                refresh_token=refresh_token,
                token=token,
                mints=_times(mapping.get("mint_times")),
                failure=_failure(mapping.get("failure")),
                pause=_wait(mapping.get("rejection_pause")),
                granted_at=float(mapping["granted_at"]) if _seconds(mapping.get("granted_at")) else None,
                extra={key: value for key, value in mapping.items() if key not in _OWN_KEYS},
            )
        raise TokenStoreError(
            f"The stored record is damaged: {problem}.",
            region=region.code,
            hint="Nothing was changed. Restore it, or remove it and authorize again.",
        )

    def to_mapping(self, application: Application) -> dict[str, Any]:
        """Return the record as a store keeps it: JSON types, and no key of ours without a value."""
        values = {
            **({"refresh_token": str(self.refresh_token)} if self.refresh_token else {}),
            **(self.token.to_dict() if self.token else {}),
            "client_id": application.client_id,
            "region": application.region.code,
            "granted_at": self.granted_at,
            "mint_times": list(self.mints),
            "failure": self.failure and {**self.failure._asdict(), "wait": list(self.failure.wait)},
            "rejection_pause": self.pause and list(self.pause),
        }
        return {**self.extra, **{key: value for key, value in values.items() if value not in (None, [])}}

    @property
    def empty(self) -> bool:
        """Whether there is neither a grant nor a token, as after a revocation."""
        return self.refresh_token is None and self.token is None

    @property
    def dead(self) -> bool:
        """Whether Zoho has said that the grant is dead: only a person can give another."""
        return self.failure is not None and self.failure.error == ReauthorizationRequired.__name__

    @property
    def generation(self) -> tuple[float, bool]:
        """What tells which of two records with different grants is the later one: revoked comes after given."""
        return self.granted_at or 0.0, self.empty

    def same_grant(self, other: Record) -> bool:
        """Tell whether `other` is of the same grant; one that is revoked is not the one that was given."""
        return (self.refresh_token, self.empty) == (other.refresh_token, other.empty)

    @property
    def just_after(self) -> float:
        """The earliest `granted_at` of a grant that comes after this one."""
        return math.nextafter(self.granted_at or 0.0, math.inf)

    def given(self, token: Token, now: float) -> Record:
        """Return the record of a grant that a person gives now, in the place of this one."""
        return Record(mints=(now,), granted_at=max(now, self.just_after)).minted(token)

    def revoked(self) -> Record:
        """Return what is left of it after a revocation."""
        return Record(granted_at=self.granted_at, extra=self.extra)

    @property
    def access_token(self) -> str | None:
        """The access token, or None."""
        return self.token.access_token if self.token else None

    def alive(self, now: float) -> bool:
        """Tell whether there is an access token that may be sent."""
        return self.token is not None and now < self.token.dead_at

    def fresh(self, now: float) -> bool:
        """Tell whether there is an access token that nobody needs to think about yet."""
        return self.token is not None and now < self.token.stale_at

    def asking(self, now: float, budget: Budget) -> Record:
        """Note a mint that is about to be asked for, and forget those too old to count."""
        return replace(self, mints=(*self.recent(now, budget), now))

    def minted(self, token: Token) -> Record:
        """Take a new token. A grant that Zoho replaced along with it is replaced here too."""
        grant = token.refresh_token or self.refresh_token
        since = self.granted_at if self.refresh_token in {None, grant} else self.just_after
        if grant is not None:
            grant = Secret(grant)
            token = replace(token, refresh_token=grant)
        return replace(self, token=token, refresh_token=grant, failure=None, granted_at=since)

    def failed(self, error: ZohoAuthError, now: float, application: Application, before: Record) -> Record:
        """Remember why a refresh failed, so that nobody asks in vain.

        :param before: the record without the mint that was about to happen, which did not when Zoho said so
        """
        previous = before.failure.wait if before.failure and before.failure.error == type(error).__name__ else None
        if isinstance(error, ThrottledError):
            longest = max(LONGEST_COOL_DOWN, error.retry_after)
            wait = Wait.after(previous, now, seconds=error.retry_after, longest=longest)
        else:
            seconds = TRANSIENT if isinstance(error, TokenEndpointError) else FINAL
            wait = Wait(now + seconds, seconds)
        uncertain = isinstance(error, TokenEndpointError) and error.uncertain
        grant = application.fingerprint(self.refresh_token)
        kind = type(error).__name__
        failure = Failure(kind, error.message, error.code, error.status_code, error.hint, grant, wait)
        return replace(self, mints=self.mints if uncertain else before.mints, failure=failure)

    def obstacle(self, now: float, application: Application, budget: Budget) -> ZohoAuthError | None:
        """Return the error to raise instead of asking Zoho for a token now, or None."""
        region = application.region.code
        if self.refresh_token is None:
            return self.no_grant(application)
        failure = self.failure
        if failure and failure.grant == application.fingerprint(self.refresh_token):
            if failure.error == ReauthorizationRequired.__name__:
                return failure.error_now(region, failure.wait.until)  # a dead grant stays dead
            if not failure.wait.over(now):
                return failure.error_now(region, now)
        recent = self.recent(now, budget)
        if len(recent) >= budget.mints:
            left = recent[-budget.mints] + budget.window - now
            return ThrottledError(
                f"This grant (region {region}) has minted {len(recent)} access tokens within {budget.window:.0f} s, as "
                f"many as Zoho allows; one more could lock it out, so none is asked for in the next {left:.0f} s.",
                retry_after=left,
                region=region,
                hint="Tokens live an hour: look for what throws them away, or for an API host that rejects them all.",
            )
        return None

    @staticmethod
    def no_grant(application: Application) -> ReauthorizationRequired:
        """Return the error for a record without a refresh token."""
        return ReauthorizationRequired(
            f"There is no grant for client {application.client_id} in region {application.region.code}, so nothing was "
            "sent.",
            region=application.region.code,
            hint="A person authorizes with `zohorecruit login`; or pass refresh_token=, or a store that holds one.",
        )

    def paused(self, now: float) -> bool:
        """Tell whether minting to replace rejected tokens rests."""
        return self.pause is not None and not self.pause.over(now)

    def rejected_again(self, now: float) -> Record:
        """Pause the mints that replace rejected tokens: 60 seconds, then twice as long each time."""
        return replace(self, pause=Wait.after(self.pause, now, seconds=PAUSE, longest=LONGEST_PAUSE))

    def accepted(self) -> Record:
        """End the pause: a token was accepted."""
        return replace(self, pause=None)

    def with_mints_of(self, other: Record) -> Record:
        """Add the mints that `other` knows of the same grant."""
        if self.refresh_token != other.refresh_token:
            return self
        # The union of multisets: two mints may bear the same time, and each counts.
        return replace(self, mints=tuple(sorted((Counter(self.mints) | Counter(other.mints)).elements())))

    def has_older_token_than(self, other: Record) -> bool:
        """Tell whether `other`, of the same grant, has another access token that lives longer."""
        mine, others = (each.token.expires_at if each.token else 0.0 for each in (self, other))
        return self.access_token != other.access_token and mine <= others

    def joined(self, other: Record) -> Record:
        """Add what `other` knows of the same token: its mints, and its failure or pause where that lasts longer."""
        failure = max(self.failure, other.failure, key=lambda each: each.wait.until if each else 0.0)
        pause = max(self.pause, other.pause, key=lambda each: each.until if each else 0.0)
        return replace(
            self.with_mints_of(other), failure=failure, pause=pause, granted_at=other.granted_at, extra=other.extra
        )

    def recent(self, now: float, budget: Budget) -> tuple[float, ...]:
        """Return the mints that count against the budget at `now`, all in epoch seconds, oldest first."""
        # A mint in the future was noted by a clock that has since gone back. Up to a window's length it counts as one
        # of now; beyond that it says nothing, and would block the grant until the clock has caught up.
        return tuple(sorted(min(at, now) for at in self.mints if abs(now - at) < budget.window))


#: No time in seconds is that large; keeps out infinity, NaN and integers that no float can hold.
_BEYOND = 1e15


def _seconds(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _BEYOND


# What follows reads bookkeeping written by another version or by hand: what cannot be read is left out, since the
# worst that can come of it is one refresh too many or too few.


def _times(value: object) -> tuple[float, ...]:
    return tuple(float(at) for at in value[-100:] if _seconds(at)) if isinstance(value, (list, tuple)) else ()


def _wait(value: object) -> Wait | None:
    if not (isinstance(value, (list, tuple)) and len(value) == 2 and all(map(_seconds, value))):
        return None
    until, seconds = map(float, value)
    return Wait(until, seconds) if 0 < seconds <= LONGEST_PAUSE else None


def _failure(value: object) -> Failure | None:
    if not isinstance(value, Mapping) or value.get("error") not in list(_ERRORS):
        return None
    message, code, status, hint, grant = (value.get(key) for key in ("message", "code", "status_code", "hint", "grant"))
    wait = _wait(value.get("wait"))
    if not (isinstance(message, str) and isinstance(grant, str) and isinstance(code, (str, type(None))) and wait):
        return None
    if not (isinstance(hint, (str, type(None))) and isinstance(status, (int, type(None)))):
        return None
    return Failure(value["error"], message, code, status, hint, grant, wait)
