"""Test doubles for the engine: a clock that stands still, a token endpoint that answers on cue, stores that fail."""

from __future__ import annotations

import os
import select
import signal
import threading
from contextlib import contextmanager

from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.refresher import Refresher
from requests_zohorecruit.errors import TokenEndpointError
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.stores import MemoryStore
from requests_zohorecruit.stores.polling import poll
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import RefreshToken
from requests_zohorecruit.zoho.token import Token

START = 1_800_000_000.0


class Clock:
    def __init__(self, now=START):
        self.now = now

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += seconds


class FakeTokenEndpoint:
    """Mints T1, T2, …; `fail` holds errors to raise first; `gate`, when set, is waited for inside each call."""

    def __init__(self, region="eu", expires_in=3600):
        self.application = Application.create(CLIENT_ID, CLIENT_SECRET, region)
        self.expires_in = expires_in
        self.calls = []
        self.grants = []
        self.revoked = []
        self.fail = []
        self.entered = threading.Event()
        self.gate = None
        self.during = lambda: None

    def mint(self, grant, previous, *, now):
        self.grants.append(grant)
        self.calls.append((grant.identity, now))
        number = len(self.calls)
        self.entered.set()
        if self.gate is not None and not self.gate.wait(30):
            raise AssertionError("nobody opened the gate")
        self.during()
        if self.fail:
            error = self.fail.pop(0)
            if error is not None:
                raise error
        return Token(
            f"T{number}",
            (previous.refresh_token if previous else None) or grant.to_mapping().get("refresh_token"),
            now + self.expires_in,
            self.expires_in,
        )

    def revoke(self, token):
        self.revoked.append(token)


class WatchedStore(MemoryStore):
    """A memory store that counts calls and fails on demand."""

    def __init__(self, record=None):
        super().__init__()
        self.done = []
        self.saves_fail = self.loads_fail = self.locks_fail = self.unlocks_fail = None
        self.busy = False
        if record is not None:
            super().save(record)

    def load(self):
        self.done.append("load")
        if self.loads_fail:
            raise self.loads_fail
        return super().load()

    def save(self, record):
        self.done.append("save")
        if self.saves_fail:
            raise self.saves_fail
        super().save(record)

    @contextmanager
    def lock(self, timeout):
        self.done.append(("lock", timeout))
        if self.busy:
            raise TimeoutError("held by process 1 on elsewhere")
        if self.locks_fail:
            raise self.locks_fail
        with super().lock(timeout):
            yield
        if self.unlocks_fail:
            raise self.unlocks_fail

    @property
    def record(self):
        return super().load()


def make_refresher(store=None, *, grant=GRANT, clock=None, accounts=None):
    store = WatchedStore() if store is None else store
    return Refresher(
        accounts or FakeTokenEndpoint(),
        store,
        Record(RefreshToken(Secret(grant)) if grant else None),
        clock=clock or Clock(),
    )


def token_record(access_token="T0", *, age=0.0, grant=GRANT, expires_in=3600, **more):
    record = {
        "access_token": access_token,
        "refresh_token": grant,
        "expires_at": START + expires_in - age,
        "expires_in": expires_in,
    }
    return {**record, **more}


def unreachable(**details):
    return TokenEndpointError("No connection to accounts.zoho.eu.", region="eu", **details)


def in_threads(count, work):
    """Run `work(index)` in `count` threads that start together; return results, exceptions included, by index."""
    start = threading.Barrier(count)
    results = [None] * count

    def run(index):
        start.wait(30)
        try:
            results[index] = work(index)
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return results


def true_in_a_child(work):
    """Fork, and return whether `work()` was true in the child. A child that hangs for a minute counts as false."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - the child leaves without a report
        try:
            os.write(writing, b"true" if work() else b"false")
        finally:
            os._exit(0)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], 60)
        return bool(ready) and os.read(reading, 10) == b"true"
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def wait_for(condition):
    """Wait until the condition is true; fail after a minute."""
    assert poll(condition, 60), "it has not happened within a minute"
