"""What a record holds besides the grant and its token: the mint times, the last failure and the pause.

Knows nothing about when to mint, locks or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from typing import Any, NamedTuple, TypeVar

from requests_zohorecruit.engine.limits import LONGEST_COOL_DOWN, LONGEST_PAUSE, TRANSIENT, WRONG_CLIENT, CoolDown
from requests_zohorecruit.errors import (
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    ZohoAuthError,
)
from requests_zohorecruit.zoho.token import read_number

__all__ = ["Failure", "parse_bookkeeping"]

_Parsed = TypeVar("_Parsed")

_REMEMBERED = (TokenEndpointError, ThrottledError, ReauthorizationRequired, ClientConfigurationError)
_ERRORS: Mapping[str, type[ZohoAuthError]] = {kind.__name__: kind for kind in _REMEMBERED}
#: No plausible time in seconds is that large.
_BEYOND = 1e15


class Failure(NamedTuple):
    """The last failed refresh: the error's details, the fingerprint of the grant, and the cool-down that follows."""

    error: str
    message: str
    code: str | None
    status_code: int | None
    hint: str | None
    grant: str
    cool_down: CoolDown

    @classmethod
    def begin(cls, error: ZohoAuthError, now: float, grant: str, previous: Failure | None) -> Failure:
        """Return the failure, with a cool-down that begins now. While Zoho throttles, each is longer than the last.

        :param grant: the fingerprint
        :param previous: the failure of the refresh before, if it failed
        """
        kind = type(error).__name__
        if isinstance(error, ThrottledError):
            longest = max(LONGEST_COOL_DOWN, error.retry_after)
            former = previous.cool_down if previous and previous.error == kind else None
            cool_down = CoolDown.extend(former, now, seconds=error.retry_after, longest=longest)
        else:
            cool_down = CoolDown.begin(now, TRANSIENT if isinstance(error, TokenEndpointError) else WRONG_CLIENT)
        return cls(kind, error.message, error.code, error.status_code, error.hint, grant, cool_down)

    @property
    def is_dead_grant(self) -> bool:
        """Whether Zoho reported the grant as dead, so that a person has to authorize again."""
        return self.error == ReauthorizationRequired.__name__

    def to_error(self, region: str, now: float) -> ZohoAuthError:
        """Return the error to raise instead of asking Zoho again."""
        details: dict[str, Any] = {"code": self.code, "status_code": self.status_code, "hint": self.hint}
        left = max(0.0, self.cool_down.until - now)
        again = f" Not asked again for {left:.0f} s." if left else ""
        if self.error == ThrottledError.__name__:
            details["retry_after"], again = left, ""  # its text already gives the seconds
        return _ERRORS[self.error](self.message + again, region=region, **details)


# The functions below parse bookkeeping that another version, or a person, may have written. Unreadable values are left
# out: at worst that causes one refresh too many or too few. Each is reported, because a store may corrupt every record.


def parse_bookkeeping(mapping: Mapping[str, Any], complain: Callable[[str], object]) -> dict[str, Any]:
    """Return arguments for `Record`, and call `complain` with each key whose value cannot be read."""

    def read(key: str, parse: Callable[[Any], _Parsed | None]) -> _Parsed | None:
        value = mapping.get(key)
        if value is None or (isinstance(value, Sized) and not len(value)):
            return None
        parsed = parse(value)
        if parsed is None:
            complain(key)
        return parsed

    read("expires_in", read_number)  # only to complain: `Token` assumes an hour if it is unreadable
    times = read("mint_times", _parse_times) or ()
    if None in times:
        complain("mint_times")
    return {
        "granted_at": read("granted_at", _parse_time),
        "mints": tuple(sorted(at for at in times if at is not None)[-100:]),
        "failure": read("failure", _parse_failure),
        "pause": read("rejection_pause", _parse_cool_down),
    }


def _parse_time(value: object) -> float | None:
    seconds = read_number(value)
    return seconds if seconds is not None and abs(seconds) < _BEYOND else None


def _parse_times(value: object) -> tuple[float | None, ...] | None:
    # DynamoDB also returns sets of numbers.
    return tuple(map(_parse_time, value)) if isinstance(value, (list, tuple, set, frozenset)) else None


def _parse_cool_down(value: object) -> CoolDown | None:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        until, seconds = map(_parse_time, value)
        if until is not None and seconds is not None and 0 < seconds <= LONGEST_PAUSE:
            return CoolDown(until, seconds)
    return None


def _parse_failure(value: object) -> Failure | None:
    if not isinstance(value, Mapping) or value.get("error") not in list(_ERRORS):
        return None
    message, code, hint, grant, status = (value.get(key) for key in ("message", "code", "hint", "grant", "status_code"))
    number, cool_down = _parse_time(status), _parse_cool_down(value.get("cool_down"))
    if not (isinstance(message, str) and isinstance(grant, str) and cool_down):
        return None
    if not (isinstance(code, str | None) and isinstance(hint, str | None)) or (number is None and status is not None):
        return None
    return Failure(value["error"], message, code, None if number is None else int(number), hint, grant, cool_down)
