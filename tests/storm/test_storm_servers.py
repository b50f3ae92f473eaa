"""As many callers as a fleet has, at once, sharing a Redis or a PostgreSQL that allows fewer connections than that."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest
from servers import postgres_server, redis_server
from serverstores import redis_store, sql_store


@pytest.fixture(scope="module", params=["redis", "postgresql"])
def make_any_store(request):
    start, make = {"redis": (redis_server, redis_store), "postgresql": (postgres_server, sql_store)}[request.param]
    with start() as server:
        yield partial(make, server.port)


@pytest.fixture
def make_store(zoho, access, make_any_store):
    """Make stores of one key that holds a fresh token of a new grant."""
    make = partial(make_any_store, uuid4().hex)
    access.auth(make(), refresh_token=zoho.new_grant()).refresh()
    return make


def test_T10_T12_eight_processes_of_64_threads_with_an_expired_token_make_one_token_request(storm, expire):
    expire()
    assert storm(8, 64) == ([200] * 512, [], 1)


def test_T11_T12_eight_processes_of_64_threads_with_a_rejected_token_make_one_token_request(storm, zoho, make_store):
    zoho.reject_tokens()
    assert storm(8, 64) == ([200] * 512, [], 1)
