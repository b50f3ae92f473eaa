"""A grant that is shared, clients of it with clocks of their own, and what must hold after whatever was done to them.

Owns what a test of `fire` looks at, and the sandbox of both `fire` and `storm`; knows nothing of what goes wrong in it.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager

from helpers.shared_stores import postgres_engine
from helpers.storm_callers import outcome
from helpers.without_coverage import unmeasured_processes
from requests_zohorecruit.sandbox.process import SandboxProcess
from requests_zohorecruit.sandbox.settings import Settings

#: Seconds that callers are told to wait at most: for a lock, and then for Zoho.
PATIENCE = 95
#: Seconds after which a token of now is over, or has a few minutes left.
HOUR, STALE = 3600.0, 3400.0
#: Seconds after which everybody tries again what failed for a passing reason.
RECOVERED = 6.0


class Scene:
    """A shared grant, and what can be done to it."""

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
        """How many there were after the first token."""
        return self.zoho.token_requests - self._before

    def expire(self):
        """Let the hour be over, for Zoho and for everybody who reads the store."""
        self.zoho.expire_tokens()
        self.store.save({**self.store.load(), "expires_at": 1.0})

    def engine(self):
        """Return another SQLAlchemy engine for the database of this grant."""
        return postgres_engine(self.share.where)

    def client(self, **options):
        """Return a process's worth of library that has the token in hand, with connections of its own."""
        client = Client(self.access, self.share.open(), **options)
        assert client.call() == 200
        return client

    def newcomer(self):
        """Return another one that knows nothing yet."""
        return Client(self.access, self.store)

    def check_the_store(self):
        """The record is whole, and holds the one grant."""
        assert self.store.load()["refresh_token"] == self.grant


class Client:
    """A process's worth of library, in this process: own memory, own clock."""

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
        """Have `act` done in the middle of the next refresh: before Zoho is asked, or after it has minted."""
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
    """Everybody calls again, the failures' waits being over: one live grant, no more than so many mints."""
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
    """Run a sandbox in a process of its own, for all tests of a folder; coverage does not watch it."""
    with ExitStack() as stack:
        with unmeasured_processes():
            process = stack.enter_context(SandboxProcess())
        yield process


@contextmanager
def dials_restored(zoho):
    """Leave the dials of a sandbox that tests share as they were, whatever becomes of the test."""
    before = {name: getattr(zoho, name) for name in Settings.__annotations__}
    try:
        yield zoho
    finally:
        for name, value in before.items():
            setattr(zoho, name, value)
