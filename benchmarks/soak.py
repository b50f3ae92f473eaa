"""Table four: a fleet at full speed while tokens live seconds: how many are minted, what fails, who waits.

Owns the soak and how its calls are sorted into those that met a refresh and those that did not. Limits on mints are
lifted here, the library's and the sandbox's alike: two minutes of such tokens are more than Zoho would allow.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from statistics import quantiles
from typing import Any, NamedTuple, TypeAlias

from helpers.process_fleet import Fleet, released_together
from helpers.storm_callers import Access
from places import Place, places
from report import Table

from requests_zohorecruit.engine.limits import Budget
from requests_zohorecruit.sandbox.process import SandboxProcess

__all__ = ["measure"]

#: More than anybody will mint here.
NO_LIMIT = 10**6


@dataclass(frozen=True)
class Size:
    """How much of it: seconds are those of the soak, those left out at its beginning, and those a token lives."""

    processes: int
    threads: int
    seconds: float
    warm_up: float
    lifetime: int

    @property
    def useful(self) -> float:
        """Seconds from a mint until the next one is due: the last quarter of so short a life is for replacing it."""
        return self.lifetime * 3 / 4


FULL = Size(8, 8, seconds=120, warm_up=4, lifetime=5)
QUICK = Size(2, 2, seconds=2.5, warm_up=0.2, lifetime=2)


class Call(NamedTuple):
    """One call of the API, or one token request: when, on a clock that all processes share, and what came of it."""

    started: float
    ended: float
    outcome: str = "200"

    @property
    def milliseconds(self) -> float:
        return (self.ended - self.started) * 1000

    def begins_during(self, others: list[Call]) -> bool:
        """Tell whether any of the others was going on when this one began."""
        return any(other.started <= self.started < other.ended for other in others)

    def overlaps(self, others: list[Call]) -> bool:
        """Tell whether any of the others was going on at any time while this one was."""
        return any(other.started < self.ended and self.started < other.ended for other in others)


@dataclass
class Soaked:
    """What came of a soak. Calls are sorted in three ways, each with its own fault; see the notes of the table.

    :ivar began: milliseconds of the calls that began while a token request was going on, and of all others
    :ivar overlapped: of those that were going on at any time while one was, and of all others
    :ivar compared: of those again, and of those that overlapped an equally long moment half-way to the next request
    """

    size: Size
    calls: list[Call]
    requests: list[Call]

    def __post_init__(self) -> None:
        warm = min(call.started for call in self.calls) + self.size.warm_up
        calls = [call for call in self.calls if call.started >= warm]  # before that everybody makes connections
        self.began = _sorted(calls, lambda call: call.begins_during(self.requests))
        self.overlapped = _sorted(calls, lambda call: call.overlaps(self.requests))
        elsewhere = self._half_way()
        self.compared = self.overlapped[0], _sorted(calls, lambda call: call.overlaps(elsewhere))[0]

    def _half_way(self) -> list[Call]:
        ordered = sorted(self.requests)
        shifts = [(after.started - before.started) / 2 for before, after in pairwise(ordered)]
        return [
            Call(each.started + shift, each.ended + shift) for each, shift in zip(ordered[:-1], shifts, strict=True)
        ]

    @property
    def failures(self) -> Counter[str]:
        return Counter(call.outcome for call in self.calls if call.outcome != "200")

    def mints_in(self, seconds: float) -> float:
        """How many are minted in so many seconds: those after the first, between the first and the last."""
        moments = [request.started for request in self.requests]
        if len(moments) < 2:
            return float(len(moments))
        return (len(moments) - 1) * seconds / (max(moments) - min(moments))


def _sorted(calls: list[Call], belongs: Callable[[Call], bool]) -> tuple[list[float], list[float]]:
    """Return the milliseconds of the calls that belong there, and of those that do not."""
    inside: list[float] = []
    outside: list[float] = []
    for call in calls:
        (inside if belongs(call) else outside).append(call.milliseconds)
    return inside, outside


def measure(*, quick: bool) -> Table:
    """Return the table; `quick` with a small fleet for a moment."""
    size = QUICK if quick else FULL
    with places() as where, SandboxProcess() as zoho, Fleet(size.processes) as fleet:
        zoho.mints_per_window = NO_LIMIT
        zoho.access_token_lifetime = size.lifetime
        soaked = {name: _soaked(zoho, fleet, place, size) for name, place in where.items()}
    table = Table(
        f"{size.processes} x {size.threads} at full speed for {size.seconds:g} s, tokens living {size.lifetime} s",
        ("", *soaked),
    )
    for label, cell in _ROWS.items():
        table.add(label, *(cell(each) for each in soaked.values()))
    for name, each in soaked.items():
        _targets(table, name, each, quick=quick)
    table.notes.append(
        f"A new token is due after {size.useful:g} s, in the last quarter of so short a life; at full speed that makes "
        f"{size.lifetime / size.useful:.2f} mints until one ends, and no fewer. All limits on mints, the library's and "
        "the sandbox's, were lifted."
    )
    table.notes.append(
        "Began during one: a caller that began just before a token request and waited for it counts among the others. "
        "Overlapped one, against others: a long call is more likely than a short one to overlap any given moment. "
        "Against another moment: the comparison is with calls that overlapped an equally long moment half-way to the "
        "next token request. The caller that makes the token request is one of about seventy that overlap it, which is "
        "more than one percent."
    )
    return table


#: Milliseconds of the calls in question, and of those they are compared with.
_Which: TypeAlias = Callable[[Soaked], tuple[list[float], list[float]]]


def _percentiles(percent: int, which: _Which) -> Callable[[Soaked], str]:
    def cell(soaked: Soaked) -> str:
        inside, outside = (percentile(values, percent) for values in which(soaked))
        return f"{inside:.0f} : {outside:.0f} ms = {inside / outside:.2f}"

    return cell


#: How calls are sorted, by what the table calls it.
_WAYS: dict[str, _Which] = {
    "began during a token request : others": lambda soaked: soaked.began,
    "overlapped one : others": lambda soaked: soaked.overlapped,
    "overlapped one : another moment": lambda soaked: soaked.compared,
}

_ROWS: dict[str, Callable[[Soaked], str]] = {
    "calls": lambda soaked: f"{len(soaked.calls)}",
    "failed calls": lambda soaked: f"{soaked.failures.total()}",
    "mints": lambda soaked: f"{len(soaked.requests)}",
    "mints until one is due": lambda soaked: f"{soaked.mints_in(soaked.size.useful):.2f}",
    "mints until one ends": lambda soaked: f"{soaked.mints_in(soaked.size.lifetime):.2f}",
    **{f"p{percent}: {name}": _percentiles(percent, which) for percent in (50, 99) for name, which in _WAYS.items()},
}


def _targets(table: Table, name: str, soaked: Soaked, *, quick: bool) -> None:
    table.notes += [f"{name}: {count} calls failed with {what}" for what, count in soaked.failures.items()]
    table.expect(not soaked.failures, f"{name}: no failed call")
    table.expect(soaked.mints_in(soaked.size.useful) <= 1.1, f"{name}: at most 1.1 mints until a new one is due")
    if not quick:
        for way, which in _WAYS.items():
            inside, outside = (percentile(values, 99) for values in which(soaked))
            table.expect(inside / outside <= 1.5, f"{name}: p99, {way}: at most 1.5")


def percentile(values: list[float], percent: int) -> float:
    """Return the value below which so many percent of them lie; of one or none it is not a number."""
    if len(values) < 2:
        return math.nan
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def _soaked(zoho: SandboxProcess, fleet: Fleet, place: Place, size: Size) -> Soaked:
    """Let the fleet call with a grant of its own, in a store of its own."""
    access, make_store = Access.to(zoho), place()
    _auth(access, make_store, refresh_token=zoho.new_grant()).refresh()
    before = zoho.token_requests
    results, _ = fleet.run(size.processes, _callers, access, make_store, size)
    calls, requests = (list(chain.from_iterable(parts)) for parts in zip(*results, strict=True))
    if len(requests) != zoho.token_requests - before:
        raise RuntimeError("the sandbox counted another number of token requests than the fleet")
    return Soaked(size, calls, requests)


def _auth(access: Access, make_store: Any, **options: Any) -> Any:
    auth = access.auth(make_store(), **options)
    auth._refresher.budget = Budget(mints=NO_LIMIT)
    return auth


def _callers(access: Access, make_store: Any, size: Size) -> Iterator[Any]:
    auth = _auth(access, make_store)
    requests: list[Call] = []
    refresh = auth._refresher.endpoint.mint

    def noted(*arguments: Any, **options: Any) -> Any:
        started = time.monotonic()
        try:
            return refresh(*arguments, **options)
        finally:
            requests.append(Call(started, time.monotonic()))

    auth._refresher.endpoint.mint = noted

    def work(_: int) -> list[Call]:
        calls = []
        end = time.monotonic() + size.seconds
        with access.session() as session:
            while (started := time.monotonic()) < end:
                outcome = _outcome(session, access.url, auth)
                calls.append(Call(started, time.monotonic(), outcome))
        return calls

    released = released_together(work, size.threads)
    yield next(released)
    yield [call for calls in next(released) for call in calls], requests


def _outcome(session: Any, url: str, auth: Any) -> str:
    try:
        return str(session.get(url, auth=auth, timeout=60).status_code)
    except Exception as error:  # noqa: BLE001 - counted, whatever it is
        return f"{type(error).__name__}: {error}"
