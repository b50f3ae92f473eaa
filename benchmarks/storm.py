"""Tables two and three: everybody calls at once when the token is gone; token requests, failed calls and time.

Owns the cells; knows the sandbox, which is in a process of its own and keeps Zoho's limits for all alike.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import requests
from helpers.process_fleet import Fleet, released_together
from libraries import LIBRARIES, OURS, Grant
from places import FILE, POSTGRESQL, REDIS, places
from report import Table

from requests_zohorecruit.sandbox.process import SandboxProcess

__all__ = ["measure", "measure_stores"]

#: Seconds that the token endpoint takes.
TOKEN_DELAY = 0.2
ALL_CELLS = tuple((processes, threads) for processes in (1, 4, 8) for threads in (1, 8, 64))
#: Processes and threads for the others, whose result is the same everywhere: one token request for each caller.
SOME_CELLS = ((1, 8), (1, 64), (8, 8), (8, 64))
QUICK_CELLS = ((1, 8), (4, 8))
STATES = ("expired", "rejected")


@dataclass(frozen=True)
class Outcome:
    """What one storm came to."""

    calls: int
    failed: int
    token_requests: int
    seconds: float
    reasons: tuple[str, ...] = ()


class Scene:
    """A sandbox, a fleet and the places where it may share a grant, for a ``with`` block."""

    def __enter__(self) -> Scene:
        with ExitStack() as stack:
            self.zoho = stack.enter_context(SandboxProcess())
            self.zoho.token_delay = TOKEN_DELAY
            self._places = stack.enter_context(places())
            # Inherited by the fleet: the one setting of certificates that every library honours.
            stack.enter_context(patch.dict(os.environ, REQUESTS_CA_BUNDLE=self.zoho.ca_bundle))
            self._fleet = stack.enter_context(Fleet(8))
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def storm(self, library: str, state: str, cell: tuple[int, int], place: str = FILE) -> Outcome:
        """Have everybody call once, with a token in the given state (fresh, expired or rejected) in the given place.

        :param cell: processes, and threads in each
        """
        grant = self._grant(state, place)
        before = self.zoho.token_requests
        results, seconds = self._fleet.run(cell[0], _callers, library, grant, cell[1])
        outcomes = [outcome for of_process in results for outcome in of_process]
        failures = [outcome for outcome in outcomes if outcome != "200"]
        reasons = tuple(sorted(set(failures)))
        return Outcome(len(outcomes), len(failures), self.zoho.token_requests - before, seconds, reasons)

    def token_request(self) -> float:
        """Return how many seconds one token request takes."""
        started = time.perf_counter()
        self._minted(self.zoho.new_grant())
        return time.perf_counter() - started

    def refused_call(self) -> float:
        """Return how many seconds one call takes that the API refuses."""
        headers = {"Authorization": "Zoho-oauthtoken unknown"}
        started = time.perf_counter()
        requests.get(f"{self.zoho.region.recruit_url}/recruit/v2/Candidates", headers=headers, timeout=60)
        return time.perf_counter() - started

    def _grant(self, state: str, place: str) -> Grant:
        token = self._minted(self.zoho.new_grant())
        if state == "expired":
            self.zoho.expire_tokens()
            token["expires_at"] = time.time() - 60
        elif state == "rejected":
            self.zoho.reject_tokens()
        store = self._places[place]()
        store().save(token)
        return Grant(self.zoho.region, self.zoho.client_id, self.zoho.client_secret, token, store)

    def _minted(self, refresh_token: str) -> dict[str, Any]:
        """Ask for a token as a plain HTTP client, so that all libraries start from the same."""
        form = {
            "grant_type": "refresh_token",
            "client_id": self.zoho.client_id,
            "client_secret": self.zoho.client_secret,
            "refresh_token": refresh_token,
        }
        answer = requests.post(self.zoho.region.token_url, data=form, timeout=60).json()
        return {**answer, "refresh_token": refresh_token, "expires_at": time.time() + answer["expires_in"]}


def measure(*, quick: bool) -> Table:
    """Return the table; `quick` with few cells."""
    table = Table(
        f"All callers call at once, token endpoint answering in {TOKEN_DELAY * 1000:.0f} ms: token requests / failed "
        "calls",
        ("processes x threads", *STATES),
    )
    with Scene() as scene:
        for name in LIBRARIES:
            _cells(table, scene, name, quick=quick)
        _wall_time(table, scene, (2, 8) if quick else (8, 64), rounds=3 if quick else 7)
    return table


def measure_stores(*, quick: bool) -> Table:
    """Return the same for ours on the stores that hosts share, whose servers allow fewer connections than callers."""
    table = Table(
        f"requests_zohorecruit on servers, token endpoint answering in {TOKEN_DELAY * 1000:.0f} ms: token requests / "
        "failed calls",
        ("processes x threads", *STATES),
    )
    with Scene() as scene:
        for place in (REDIS, POSTGRESQL):
            table.add(place, "", "")
            perfect = True
            for cell in QUICK_CELLS if quick else ALL_CELLS:
                outcomes = [scene.storm(OURS.name, state, cell, place) for state in STATES]
                perfect &= _row(table, cell, outcomes)
            table.expect(perfect, f"{place}: one token request and no failed call in every cell")
    return table


def _row(table: Table, cell: tuple[int, int], outcomes: list[Outcome]) -> bool:
    """Add a row, and tell whether all of it is as it should be."""
    table.add(f"  {cell[0]} x {cell[1]}", *(f"{each.token_requests} / {each.failed}" for each in outcomes))
    return all((each.token_requests, each.failed) == (1, 0) for each in outcomes)


def _cells(table: Table, scene: Scene, name: str, *, quick: bool) -> None:
    cells = QUICK_CELLS if quick else ALL_CELLS if name == OURS.name else SOME_CELLS
    table.add(name, "", "")
    perfect = True
    for cell in cells:
        perfect &= _row(table, cell, [scene.storm(name, state, cell) for state in STATES])
    if name == OURS.name:
        table.expect(perfect, "one token request and no failed call of ours in every cell")


def _wall_time(table: Table, scene: Scene, cell: tuple[int, int], rounds: int) -> None:
    """Compare a storm with a fresh one of the same round and what one caller alone has to do besides."""
    size = f"{cell[0]} x {cell[1]}"
    storms: dict[str, list[float]] = {state: [] for state in STATES}
    ratios: dict[str, list[float]] = {state: [] for state in STATES}
    for _ in range(rounds):
        refused, fresh = scene.refused_call(), scene.storm(OURS.name, "fresh", cell).seconds + scene.token_request()
        for state, least in (("expired", fresh), ("rejected", fresh + refused)):
            storms[state].append(scene.storm(OURS.name, state, cell).seconds)
            ratios[state].append(storms[state][-1] / least)
    for state, besides in (("expired", "one token request"), ("rejected", "one refused call and one token request")):
        ratio = statistics.median(ratios[state])
        table.notes.append(
            f"Ours, {size}, {state}: {statistics.median(storms[state]):.2f} s, {ratio:.2f} times the same storm with a "
            f"fresh token plus {besides} (median of {rounds} interleaved rounds)."
        )
        table.expect(ratio <= 1.1, f"the {state} {size} storm at most 1.1 times a fresh one plus {besides}")


def _callers(library: str, grant: Grant, threads: int) -> Iterator[Any]:
    session_of = LIBRARIES[library].sessions(grant)
    url = f"{grant.region.recruit_url}/recruit/v2/Candidates"

    def call(_: int) -> str:
        return str(session_of().get(url, timeout=120).status_code)

    for results in released_together(call, threads):
        yield results and [each if isinstance(each, str) else type(each).__name__ for each in results]
