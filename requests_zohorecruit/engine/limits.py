"""Zoho's limit of ten mints, and the engine's waiting times.

Pure. Durations are in seconds and times in epoch seconds. Knows nothing about records, stores or HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = [
    "LOCK_TIMEOUT", "LONGEST_COOL_DOWN", "LONGEST_PAUSE", "LOOK_AGAIN", "PAUSE", "PAUSE_WAIT",
    "TRANSIENT", "TRY_AGAIN", "WRONG_CLIENT", "Budget", "CoolDown",
]  # fmt: skip

#: How long a caller without a live token waits for a store's lock.
LOCK_TIMEOUT = 60.0
#: How long a caller that got a 401 waits for that lock, to tell other processes about the pause.
PAUSE_WAIT = 5.0
#: When to retry a failed save, or a failed refresh that no caller is waiting for.
TRY_AGAIN = 2.0
#: Minimum interval at which a process checks whether another one has replaced a stale token. Checking on every request
#: would slow requests down and load the store. Near the token's expiry, half of the remaining life.
LOOK_AGAIN = 1.0
#: Cool-down after Zoho could not be reached or understood.
TRANSIENT = 5.0
#: Cool-down after Zoho refused the client. Short, because a fix in Zoho's console is not visible here.
WRONG_CLIENT = 60.0
#: Longest cool-down: Zoho's block lasts ten minutes.
LONGEST_COOL_DOWN = 600.0
#: First and longest pause in minting replacements for rejected tokens.
PAUSE, LONGEST_PAUSE = 60.0, 3600.0


class Budget(NamedTuple):
    """The number of access tokens a grant may mint within a window. The default is Zoho's strictest published limit."""

    mints: int = 10
    window: float = 600.0

    def list_recent(self, mints: Iterable[float], now: float) -> tuple[float, ...]:
        """Return the mints within the window at `now`, oldest first."""
        # A mint in the future was recorded by a clock that has since been set back. Up to one window ahead it counts
        # as a mint of now. Beyond that it is ignored, or it would block the grant until the clock caught up.
        return tuple(sorted(min(at, now) for at in mints if abs(now - at) < self.window))

    def wait(self, mints: Iterable[float], now: float) -> float:
        """Return the number of seconds until the budget allows one more mint; 0 = now."""
        counted = self.list_recent(mints, now)
        return counted[-self.mints] + self.window - now if len(counted) >= self.mints else 0.0


class CoolDown(NamedTuple):
    """A period without requests to Zoho: when it ends, and its length in seconds, from which the next is computed."""

    until: float
    seconds: float

    @classmethod
    def begin(cls, now: float, seconds: float) -> CoolDown:
        """Return a cool-down that begins now."""
        return cls(now + seconds, seconds)

    @classmethod
    def extend(cls, previous: CoolDown | None, now: float, *, seconds: float, longest: float) -> CoolDown:
        """Return a cool-down of `seconds`, or twice the previous length if that is more, but at most `longest`."""
        return cls.begin(now, min(max(seconds, 2 * previous.seconds if previous else 0.0), longest))

    def is_over(self, now: float) -> bool:
        """Return whether it has passed, or was written by a clock that has since been set back.

        Clocks of different hosts differ slightly, so only an end more than twice its length ahead counts as the latter.
        """
        return not now < self.until <= now + 2 * self.seconds
