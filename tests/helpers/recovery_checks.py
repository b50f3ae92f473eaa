"""A shared grant, clients of it with their own clocks, and the checks that must hold after any disruption.

Provides the checks for tests of `fire`, and the sandbox of `fire` and `storm`. Knows nothing about the disruptions.
"""

from __future__ import annotations

import time
from contextlib import contextmanager

from helpers.shared_stores import postgres_engine
from helpers.storm_callers import outcome
from requests_zohorecruit.sandbox.process import SandboxProcess
from requests_zohorecruit.sandbox.settings import Settings

#: Maximum seconds for which a call may wait: for a lock, and then for Zoho.
PATIENCE = 95
#: Seconds after which a new token has expired, or has a few minutes left.
HOUR, STALE = 3600.0, 3400.0
#: Seconds after which all clients retry after a transient failure.
RECOVERED = 6.0


class Scene:
    """A shared grant, and the operations on it."""

    def __init__(self, zoho, access, share):
        self.zoho = zoho
        self.access = access
        self.share = share
        self.grant = zoho.new_grant()
        self.store = share.open()
        access.auth(self.store, refresh_token=self.grant).refresh()
        self._before = zoho.token_requests

    @property
    def token_requests(self):
        """The number of token requests after the first."""
        return self.zoho.token_requests - self._before

    def expire(self):
        """Expire the token, at Zoho and in the store."""
        self.zoho.expire_tokens()
        self.store.save({**self.store.load(), "expires_at": 1.0})

    def engine(self):
        """Return another SQLAlchemy engine for the database of this grant."""
        return postgres_engine(self.share.where)

    def client(self, **options):
        """Return a client that already has the token, with its own connections."""
        client = Client(self.access, self.share.open(), **options)
        assert client.call() == 200
        return client

    def newcomer(self):
        """Return a client with an empty memory."""
        return Client(self.access, self.store)

    def check_the_store(self):
        """Check that the record is complete and holds the one grant."""
        assert self.store.load()["refresh_token"] == self.grant


class Client:
    """A client that behaves like a separate process: it has its own memory and clock."""

    def __init__(self, access, store, **options):
        self.ahead = 0.0
        self.auth = access.auth(store, **options)
        self.auth._refresher.grant.clock = lambda: time.time() + self.ahead
        self._access = access

    def call(self):
        """Call the API; return the status."""
        with self._access.session() as session:
            return session.get(self._access.url, auth=self.auth, timeout=60).status_code

    def outcome(self, patience=PATIENCE):
        """Call the API within `patience` seconds; return the status or the error of ours."""
        began = time.monotonic()
        answer = outcome(self.call)
        assert time.monotonic() - began < patience
        return answer

    def inside(self, act, *, after_zoho=False):
        """Run `act` during the next refresh: before Zoho is asked, or after it has minted."""
        accounts = self.auth._refresher.endpoint
        ask = accounts.mint

        def mint(*args, **options):
            del accounts.mint
            if not after_zoho:
                act()
            token = ask(*args, **options)
            if after_zoho:
                act()
            return token

        accounts.mint = mint


def check_recovery(scene, *clients, mints=1):
    """Once the failures' waits are over, let all clients call again: one live grant, and only so many mints."""
    before = scene.token_requests
    for client in clients:
        client.ahead += RECOVERED
        assert client.outcome() == 200
        client.ahead = 0.0
    assert scene.newcomer().call() == 200
    assert scene.token_requests - before <= mints
    scene.check_the_store()


@contextmanager
def sandbox_process():
    """Run a sandbox in a process of its own, for all tests of a folder."""
    with SandboxProcess() as process:
        yield process


@contextmanager
def dials_restored(zoho):
    """Restore the settings of a shared sandbox after the test, even if it fails."""
    before = {name: getattr(zoho, name) for name in Settings.__annotations__}
    try:
        yield zoho
    finally:
        for name, value in before.items():
            setattr(zoho, name, value)
