"""Zoho's limit of ten mints, and every length of time this library waits for.

Pure. Lengths are in seconds, points in time in epoch seconds; knows nothing of records, stores or HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = [
    "LOCK_TIMEOUT",
    "LONGEST_COOL_DOWN",
    "LONGEST_PAUSE",
    "LOOK_AGAIN",
    "PAUSE",
    "PAUSE_WAIT",
    "TRANSIENT",
    "TRY_AGAIN",
    "WRONG_CLIENT",
    "Budget",
    "CoolDown",
]

#: How long a caller without a live token waits for a store's lock.
LOCK_TIMEOUT = 60.0
#: How long a caller with a 401 in hand waits for that lock to tell other processes of the pause.
PAUSE_WAIT = 5.0
#: After how long a failed save, or a refresh that no caller waits for, is tried again.
TRY_AGAIN = 2.0
#: How often a process looks whether another one has replaced a token that still works, at most: looking with every
#: request would cost those requests, and the store. Near the token's end, half of what is left.
LOOK_AGAIN = 1.0
#: Cool-down after Zoho could not be reached or understood.
TRANSIENT = 5.0
#: Cool-down after Zoho refused the client. No longer: it may be mended in Zoho's console, which changes nothing here.
WRONG_CLIENT = 60.0
#: Longest cool-down: Zoho's block lasts ten minutes.
LONGEST_COOL_DOWN = 600.0
#: First and longest pause of mints that replace a rejected token.
PAUSE, LONGEST_PAUSE = 60.0, 3600.0


class Budget(NamedTuple):
    """How many access tokens a grant may mint within a window: Zoho's strictest published limit."""

    mints: int = 10
    window: float = 600.0

    def list_recent(self, mints: Iterable[float], now: float) -> tuple[float, ...]:
        """Return the mints that count at `now`, oldest first."""
        # A mint in the future was noted by a clock that has since gone back. Up to a window's length it counts as one
        # of now; beyond that it says nothing, and would block the grant until the clock has caught up.
        return tuple(sorted(min(at, now) for at in mints if abs(now - at) < self.window))

    def wait(self, mints: Iterable[float], now: float) -> float:
        """Return in how many seconds one more mint is within the budget; 0 = now."""
        counted = self.list_recent(mints, now)
        return counted[-self.mints] + self.window - now if len(counted) >= self.mints else 0.0


class CoolDown(NamedTuple):
    """A time in which nothing is asked for: until when, and how many seconds that is, for the next to be longer."""

    until: float
    seconds: float

    @classmethod
    def begin(cls, now: float, seconds: float) -> CoolDown:
        """Return one that begins now."""
        return cls(now + seconds, seconds)

    @classmethod
    def extend(cls, previous: CoolDown | None, now: float, *, seconds: float, longest: float) -> CoolDown:
        """Return one that is twice as long as the previous one, but never longer than `longest`."""
        return cls.begin(now, min(max(seconds, 2 * previous.seconds if previous else 0.0), longest))

    def is_over(self, now: float) -> bool:
        """Tell whether it has passed, or was written by a clock that has since gone back.

        The clocks of two hosts differ a little, so only one that ends later than twice its length is taken for that.
        """
        return not now < self.until <= now + 2 * self.seconds
