"""Table one: what a request costs more than with a constant header, and a program's start more than with requests.

Owns how it is timed: everything is interleaved within one run, and only ratios of neighbours are kept.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import requests
from libraries import CONSTANT, HEADER, LIBRARIES, OURS, Grant
from report import Table
from requests.adapters import BaseAdapter

from requests_zohorecruit import Region

__all__ = ["measure"]

_REGION = Region.lookup("eu")
_URL = f"{_REGION.recruit_url}/recruit/v2/Candidates"
_TOKEN = {
    "access_token": "1000.0123456789abcdef0123456789abcdef.0123456789abcdef0123456789abcdef",
    "refresh_token": "1000.fedcba9876543210fedcba9876543210.fedcba9876543210fedcba9876543210",
    "expires_in": 3600,
    "token_type": "Bearer",
}


def measure(*, quick: bool) -> Table:
    """Return the table; `quick` with too few rounds to be quoted."""
    rounds = 11 if quick else 101
    grant = Grant(_REGION, "1000.CLIENT", "secret", {**_TOKEN, "expires_at": time.time() + 3600})
    everybody = (CONSTANT, HEADER, *LIBRARIES.values())
    steps = _compare({each.name: _step(each.step(grant)) for each in everybody if each is not HEADER}, rounds)
    calls = _compare({each.name: _calls(each.sessions(grant)()) for each in everybody}, rounds)
    again = _compare({each.name: _step_again(each.step(grant)) for each in (CONSTANT, OURS)}, rounds)[OURS.name]
    more = measure_get_token(grant, rounds)
    pairs = 5 if quick else 21
    imports = _imports({each.name: each.statement for each in everybody if each is not HEADER}, pairs)
    table = Table(
        f"Cost relative to a constant AuthBase (medians of {rounds} interleaved rounds) and to `import requests` "
        f"(whole processes, medians of {pairs} pairs)",
        ("", "auth step", "session.get", "import"),
    )
    for each in everybody:
        table.add(each.name, *(_ratio(column.get(each.name)) for column in (steps, calls, imports)))
    base = steps[f"{CONSTANT.name} µs"], calls[f"{CONSTANT.name} µs"]
    table.notes.append(
        f"The constant AuthBase took {base[0]:.2f} µs to sign and {base[1]:.0f} µs in session.get over a stub adapter."
    )
    table.notes.append(f"Ours, signing one prepared request again and again: {again:.2f} times a constant AuthBase.")
    table.notes.append(
        f"Ours, get_token() with a fresh token: {more:.2f} µs more than to look up the header that a request is given."
    )
    table.notes.append(
        f"Import is the time of the whole process `python -c '{OURS.statement}'`, start and end of the interpreter "
        f"included, over that of `python -c '{CONSTANT.statement}'`."
    )
    # As they are quoted, with two decimals.
    step, call, start = (round(ratio, 2) for ratio in (again, calls[OURS.name], imports[OURS.name]))
    table.expect(step <= 2.8, "signing one prepared request again and again at most 2.8 times a constant AuthBase")
    table.expect(round(more, 2) <= 1.5, "get_token() at most 1.5 µs more than the look-up of the header")
    table.expect(call <= 1.02, "session.get at most 1.02 times that with a constant AuthBase")
    table.expect(start <= 1.12, "a process that imports ours at most 1.12 times one that imports requests")
    return table


def measure_get_token(grant: Grant, rounds: int) -> float:
    """Return how many µs `get_token` takes longer than what signing does for its header; median of the differences."""
    auth, count = OURS.step(grant), 2000
    refresher, differences = auth._refresher, []
    auth.get_token()
    for _ in range(rounds):
        timed = {
            "header": lambda: [refresher.get_memory().header for _ in range(count)],
            "token": lambda: [auth.get_token() for _ in range(count)],
        }
        seconds = {name: _timed(timed[name], count) for name in random.sample(sorted(timed), 2)}
        differences.append(seconds["token"] - seconds["header"])
    return statistics.median(differences) * 1e6


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _compare(timed: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return each one's median ratio to the constant AuthBase of the same round, and the latter's median in µs."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    order = list(timed)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            seconds[name].append(timed[name]())
    base = seconds[CONSTANT.name]
    medians = {
        name: statistics.median(each / one for each, one in zip(values, base, strict=True))
        for name, values in seconds.items()
    }
    return {**medians, f"{CONSTANT.name} µs": statistics.median(base) * 1e6}


def _step(sign: Callable[[requests.PreparedRequest], object], count: int = 1000) -> Callable[[], float]:
    """Time signing requests that were never signed before, as requests prepares them."""
    template = requests.Session().prepare_request(requests.Request("GET", _URL))

    def once() -> float:
        fresh = []
        for _ in range(count):
            copy = template.copy()
            copy.hooks = {"response": []}  # copies share theirs
            fresh.append(copy)
        return _timed(lambda: [sign(each) for each in fresh], count)

    once()
    return once


def _step_again(sign: Callable[[requests.PreparedRequest], object], count: int = 2000) -> Callable[[], float]:
    """Time signing one prepared request, which after the first time carries all that signing adds."""
    request = requests.Session().prepare_request(requests.Request("GET", _URL))
    return lambda: _timed(lambda: [sign(request) for _ in range(count)], count)


class _StubAdapter(BaseAdapter):
    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = 200
        response.request = request
        response.url = request.url or ""
        response._content = b'{"data": []}'
        return response

    def close(self) -> None:
        pass


def _calls(session: requests.Session, count: int = 100) -> Callable[[], float]:
    session.mount("https://", _StubAdapter())

    def once() -> float:
        return _timed(lambda: [session.get(_URL) for _ in range(count)], count)

    once()
    return once


def _timed(work: Callable[[], object], count: int) -> float:
    gc.collect()
    gc.disable()
    try:
        started = time.perf_counter()
        work()
        return (time.perf_counter() - started) / count
    finally:
        gc.enable()


def _imports(statements: dict[str, str], pairs: int) -> dict[str, float]:
    """Return the median ratio of a process that runs a statement to one that imports requests, run beside it."""
    ratios = {}
    for name, statement in statements.items():
        both = [CONSTANT.statement, statement]
        for each in both:
            _process_seconds(each)  # once for the bytecode and the disk
        of_pairs = []
        for _ in range(pairs):
            random.shuffle(both)
            seconds = {each: _process_seconds(each) for each in both}
            of_pairs.append(seconds[statement] / seconds[CONSTANT.statement])
        ratios[name] = statistics.median(of_pairs)
    return ratios


def _process_seconds(statement: str) -> float:
    # With bytecode on disk, as an installed package has it.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, env=env)
    return time.perf_counter() - started
