"""Test support for users of this library: a mocked Zoho, contract tests for token stores, cassettes without secrets.

Knows nothing about any particular store. Importing this module does not import pytest, responses or the engine.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.secret import fingerprint
from requests_zohorecruit.stores.base import TokenStore

if TYPE_CHECKING:
    from requests_zohorecruit.mocking import MockZoho, mock_zoho

__all__ = ["MockZoho", "TokenStoreContract", "hide_secrets_in_cassettes", "mock_zoho"]

#: Seconds that no healthy store needs for any operation; only a failing test waits that long.
_PATIENCE = 60.0

_RECORD: dict[str, Any] = {
    "access_token": "1000.first",
    "refresh_token": "1000.refresh",
    "expires_at": 1700000000.25,
    "scope": ["ZohoRecruit.modules.ALL", "ZohoRecruit.settings.ALL"],
    "api_domain": None,
}


class TokenStoreContract:
    """A pytest class that tests everything the engine relies on. Subclass it and define `make_store`.

    ::

        class TestMyStore(TokenStoreContract):
            def make_store(self, key: str) -> TokenStore:
                return MyStore(key)

    Each test has its own key, and calls `make_store` with it several times, as several processes (one forked) would do.

    :cvar process_shared: False for a store that lives within one process; tests that need a second one are skipped
    :cvar dead_locker_timeout: seconds after which a killed holder must have lost the lock; longer than the lease, if
        the lock is a lease
    """

    process_shared = True
    dead_locker_timeout = 75.0

    def make_store(self, key: str) -> TokenStore:
        """Return a store for the record `key`; the same key means the same record and the same lock."""
        raise NotImplementedError

    def test_a_new_store_has_the_methods_of_the_protocol_and_loads_none(self) -> None:
        store = self.make_store(uuid4().hex)
        assert isinstance(store, TokenStore)
        assert store.load() is None

    def test_another_store_of_the_key_loads_all_keys_and_json_types_as_saved(self) -> None:
        key = uuid4().hex
        record = {
            **_RECORD,
            "another program's": {"nested": [1, 2.5, True, None, {"deep": []}]},
            "ünïcode 你好 🔑": "Žluťoučký kůň \u2028 \\ \" ' % :x",
            "empty": "",
            "large": 2**53,
        }
        _save(self.make_store(key), record)
        loaded = self.make_store(key).load() or {}
        assert dict(loaded) == record
        assert {name: type(value) for name, value in loaded.items()} == {n: type(v) for n, v in record.items()}

    def test_saving_replaces_the_whole_record(self) -> None:
        store = self.make_store(uuid4().hex)
        _save(store, _RECORD)
        for record in ({"access_token": "1000.second"}, {}):
            _save(store, record)
            assert dict(store.load() or {}) == record

    def test_changing_what_was_saved_or_loaded_does_not_change_the_store(self) -> None:
        store = self.make_store(uuid4().hex)
        record = {**_RECORD, "scope": ["A"]}
        _save(store, record)
        record["access_token"] = "changed"
        record["scope"].append("B")
        for _ in range(2):
            loaded: Any = store.load()
            assert (loaded["access_token"], loaded["scope"]) == ("1000.first", ["A"])
            loaded["scope"].append("C")

    def test_two_keys_have_two_records_and_two_locks(self) -> None:
        one, other = self.make_store(uuid4().hex), self.make_store(uuid4().hex)
        _save(one, {"access_token": "one"})
        assert other.load() is None
        _save(other, {"access_token": "other"})
        assert (one.load() or {})["access_token"] == "one"
        with one.lock(_PATIENCE), other.lock(0):
            pass

    def test_the_lock_excludes_other_threads_with_the_same_object(self) -> None:
        store = self.make_store(uuid4().hex)
        with store.lock(_PATIENCE), _threads() as threads:
            assert not threads.submit(_can_lock, store, 0).result(_PATIENCE)

    def test_the_lock_excludes_other_stores_of_the_key_and_honours_timeouts(self) -> None:
        key = uuid4().hex
        with self._hold_elsewhere(key):
            assert not _can_lock(self.make_store(key), 0)
            begin = time.monotonic()
            assert not _can_lock(self.make_store(key), 0.3)
            assert 0.25 <= time.monotonic() - begin < _PATIENCE / 2

    def test_a_waiter_gets_the_lock_when_it_becomes_free(self) -> None:
        key = uuid4().hex
        with _threads() as threads:
            with self._hold_elsewhere(key):
                waiter = threads.submit(lambda: _can_lock(self.make_store(key), _PATIENCE))
            assert waiter.result(_PATIENCE)

    def test_an_exception_inside_releases_the_lock_and_passes_unchanged(self) -> None:
        key = uuid4().hex
        problem, caught = LookupError("of the caller's own"), None
        try:
            with self.make_store(key).lock(_PATIENCE):
                raise problem
        except LookupError as error:
            caught = error
        assert caught is problem, "the store swallowed or changed the exception"
        assert _can_lock(self.make_store(key), _PATIENCE)

    def test_loading_does_not_wait_for_a_holder(self) -> None:
        key = uuid4().hex
        _save(self.make_store(key), _RECORD)
        with self._hold_elsewhere(key):
            begin = time.monotonic()
            assert dict(self.make_store(key).load() or {}) == _RECORD
            assert time.monotonic() - begin < _PATIENCE / 2

    def test_no_update_is_lost(self) -> None:
        key, workers, rounds = uuid4().hex, 6, 5
        _save(self.make_store(key), {"count": 0})

        def work() -> None:
            store = self.make_store(key)
            for _ in range(rounds):
                with store.lock(_PATIENCE):
                    record = dict(store.load() or {})
                    record["count"] += 1
                    store.save(record)
                    assert dict(store.load() or {}) == record

        with _threads() as threads:
            for outcome in [threads.submit(work) for _ in range(workers)]:
                outcome.result(_PATIENCE)
        assert dict(self.make_store(key).load() or {}) == {"count": workers * rounds}

    def test_a_holder_that_is_killed_loses_the_lock(self) -> None:
        """T57: the holder dies inside the lock, and the next one proceeds."""
        if not self.process_shared or not hasattr(os, "fork"):
            import pytest  # noqa: PLC0415 - only here

            pytest.skip("this store is not shared between processes, or there is no fork here")
        key = uuid4().hex
        _save(self.make_store(key), _RECORD)
        fork = multiprocessing.get_context("fork")
        taken = fork.Event()

        def hold() -> None:  # pragma: no cover - coverage of the killed child is lost
            with self.make_store(key).lock(_PATIENCE):
                taken.set()
                time.sleep(_PATIENCE)

        holder = fork.Process(target=hold, daemon=True)
        with warnings.catch_warnings():
            # Python warns about forking while other threads run. The child does nothing beyond the test.
            warnings.simplefilter("ignore", DeprecationWarning)
            holder.start()
        try:
            assert taken.wait(_PATIENCE), "the child could not take the lock"
            assert not _can_lock(self.make_store(key), 0)
        finally:
            holder.kill()
            holder.join()
        assert _can_lock(self.make_store(key), self.dead_locker_timeout)
        assert dict(self.make_store(key).load() or {}) == _RECORD

    def test_a_record_of_another_client_is_refused(self) -> None:
        """T29: no customer gets another customer's token, even if the store holds it."""
        from requests_zohorecruit.engine.record import Record  # noqa: PLC0415 - the engine is needed only here
        from requests_zohorecruit.zoho.application import Application  # noqa: PLC0415

        store = self.make_store(uuid4().hex)
        _save(store, {**_RECORD, "client_id": "1000.OTHER", "region": "eu"})
        with suppress(TokenStoreError):
            Record.from_mapping(store.load() or {}, Application.create("1000.ME", "not-a-secret", "eu"))
            raise AssertionError("the record of another client was used")

    @contextmanager
    def _hold_elsewhere(self, key: str) -> Iterator[None]:
        # Another thread with another store object stands in for another process.
        taken, enough = threading.Event(), threading.Event()

        def hold() -> None:
            with self.make_store(key).lock(_PATIENCE):
                taken.set()
                enough.wait(_PATIENCE)

        with _threads() as threads:
            holder = threads.submit(hold)
            try:
                assert taken.wait(_PATIENCE), "the lock of a new key was not obtained"
                yield
            finally:
                enough.set()
                holder.result(_PATIENCE)


def __getattr__(name: str) -> Any:
    # On demand, because testing a store does not require responses.
    if name not in {"MockZoho", "mock_zoho"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from requests_zohorecruit import mocking  # noqa: PLC0415 - see above

    return getattr(mocking, name)


def _save(store: TokenStore, record: dict[str, Any]) -> None:
    with store.lock(_PATIENCE):
        store.save(record)


def _can_lock(store: TokenStore, timeout: float) -> bool:
    try:
        with store.lock(timeout):
            return True
    except TimeoutError:
        return False


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(8)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False)  # a stuck thread fails the test instead of hanging it


def hide_secrets_in_cassettes(recorder: Any) -> Any:
    """Make vcrpy record calls to Zoho Accounts with fingerprints in place of secrets, in requests and responses.

    Cassettes replay as before, with the fingerprints as tokens. API calls need no such treatment, because their
    ``Authorization`` header is never written in clear. This library's pytest plugin does this for pytest-recording.

    :param recorder: a ``vcr.VCR``; serializers registered later are not affected
    :return: `recorder`
    """
    for name, serializer in list(recorder.serializers.items()):
        serialize = partial(_serialize_without_secrets, serializer)
        recorder.register_serializer(name, SimpleNamespace(serialize=serialize, deserialize=serializer.deserialize))
    return recorder


_SECRETS = {"access_token", "client_secret", "code", "code_verifier", "device_code", "refresh_token", "token"}


def _serialize_without_secrets(serializer: Any, cassette: dict[str, Any]) -> Any:
    return serializer.serialize({**cassette, "interactions": list(map(_hide_secrets, cassette["interactions"]))})


def _hide_secrets(interaction: dict[str, Any]) -> dict[str, Any]:
    request, response = interaction["request"], interaction["response"]
    if not urlsplit(request["uri"]).path.startswith("/oauth/"):
        return interaction
    form = [(name, _hide(name, value)) for name, value in parse_qsl(request["body"] or "")]
    try:
        values = json.loads(response["body"]["string"]).items()
        answer = json.dumps({name: _hide(name, value) for name, value in values})
    except (AttributeError, ValueError):
        answer = ""  # not a token response, so it could contain anything
    body = {**response["body"], "string": answer}
    return {**interaction, "request": {**request, "body": urlencode(form)}, "response": {**response, "body": body}}


def _hide(name: str, value: Any) -> Any:
    return f"hidden-{fingerprint(str(value))}" if name in _SECRETS and value else value
