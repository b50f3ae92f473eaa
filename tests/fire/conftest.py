"""A sandbox in a process of its own, and processes that call it."""

from __future__ import annotations

import pytest
from helpers.process_fleet import Fleet
from helpers.recovery_checks import Scene, dials_restored, sandbox_process
from helpers.shared_stores import Share, close_all
from helpers.storm_callers import Access

PROCESSES = 3


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(__file__.rpartition("/")[0]):
            item.add_marker(pytest.mark.fire)


@pytest.fixture(scope="session")
def zoho_process():
    with sandbox_process() as process:
        yield process


@pytest.fixture
def zoho(zoho_process):
    with dials_restored(zoho_process):
        yield zoho_process


@pytest.fixture
def access(zoho):
    return Access.to(zoho)


@pytest.fixture(scope="session")
def fleet():
    with Fleet(PROCESSES) as processes:
        yield processes


@pytest.fixture
def where(request, tmp_path):
    """Return a function from the kind of a store to where it is kept."""
    return lambda kind: tmp_path if kind == "file" else request.getfixturevalue(f"{kind}_process").port


@pytest.fixture
def scene_on(zoho, access, where):
    """Make scenes: on a kind of store, unless told at which directory or port on the servers that all tests use."""

    def make(kind, at=None, **options):
        return Scene(zoho, access, Share.new(kind, at or where(kind), **options))

    yield make
    close_all()
