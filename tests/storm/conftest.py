"""One sandbox in a process of its own, and a fleet of interpreters that call it."""

from __future__ import annotations

from functools import partial

import pytest
from callers import Access, calling
from fleet import Fleet

from requests_zohorecruit import FileStore
from requests_zohorecruit.sandbox.process import SandboxProcess

PROCESSES = 8


@pytest.fixture(scope="module")
def zoho():
    with SandboxProcess() as process:
        yield process


@pytest.fixture(scope="module")
def fleet():
    with Fleet(PROCESSES) as processes:
        yield processes


@pytest.fixture
def access(zoho):
    yield Access.to(zoho)
    zoho.reject_all = False


@pytest.fixture
def make_store(zoho, access, tmp_path):
    """Make stores on one file that holds a fresh token of a new grant."""
    make = partial(FileStore, tmp_path / "grant.json")
    access.auth(make(), refresh_token=zoho.new_grant()).refresh()
    return make


@pytest.fixture
def storm(zoho, fleet, access, make_store):
    """Run a job in a number of processes; return outcomes, warnings and the count of token requests."""

    def run(processes, threads, calls=1, *, job=calling):
        before = zoho.token_requests
        results, _ = fleet.run(processes, job, access, make_store, threads, calls)
        outcomes = [outcome for of_process, _ in results for outcome in of_process]
        warnings = [text for _, of_process in results for text in of_process]
        return outcomes, warnings, zoho.token_requests - before

    return run


@pytest.fixture
def expire(zoho, make_store):
    """Let the hour be over, for Zoho and for everybody who reads the store."""

    def end():
        zoho.expire_tokens()
        store = make_store()
        store.save({**store.load(), "expires_at": 1.0})

    return end
