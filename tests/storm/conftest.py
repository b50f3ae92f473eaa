"""One sandbox in a process of its own, and a fleet of interpreters that call it."""

from __future__ import annotations

import pytest
from helpers.process_fleet import Fleet
from helpers.recovery_checks import dials_restored, sandbox_process
from helpers.shared_stores import KINDS, Share, close_all
from helpers.storm_callers import Access, calling

PROCESSES = 8


@pytest.fixture(scope="module")
def zoho():
    with sandbox_process() as process:
        yield process


@pytest.fixture(scope="module")
def fleet():
    with Fleet(PROCESSES) as processes:
        yield processes


@pytest.fixture
def access(request, zoho):
    """Return who calls; the parameter says whether by client credentials, and not by a person's grant."""
    with dials_restored(zoho):
        access = Access.to(zoho)
        yield access.without_person(zoho) if getattr(request, "param", False) else access


@pytest.fixture(params=KINDS)
def share(request, zoho, access, tmp_path):
    """Share a fresh token of a new grant."""
    kind = request.param
    where = tmp_path if kind == "file" else request.getfixturevalue(f"{kind}_process").port
    share = Share.new(kind, where)
    grant = access.grant or {"refresh_token": zoho.new_grant()}
    access.auth(share.open(), **grant).refresh()
    yield share
    close_all()


@pytest.fixture
def storm(zoho, fleet, access, share):
    """Run a job in a number of processes; return outcomes, warnings and the count of token requests."""

    def run(processes, threads, calls=1, *, job=calling):
        before = zoho.token_requests
        results, _ = fleet.run(processes, job, access, share, threads, calls)
        outcomes = [outcome for of_process, _ in results for outcome in of_process]
        warnings = [text for _, of_process in results for text in of_process]
        return outcomes, warnings, zoho.token_requests - before

    return run


@pytest.fixture
def change(share):
    """Change what everybody finds in the store."""

    def replace(**changes):
        store = share.open()
        store.save({**store.load(), **changes})

    return replace


@pytest.fixture
def expire(zoho, change):
    """Let the hour be over, for Zoho and for everybody who reads the store."""

    def end():
        zoho.expire_tokens()
        change(expires_at=1.0)

    return end
