"""CallbackStore."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores import CallbackStore, TokenStore
from requests_zohorecruit.testing import TokenStoreContract
from requests_zohorecruit.thread_locks import ThreadLock

TOKEN = {"access_token": "1000.planted", "refresh_token": "1000.planted-too", "expires_at": 1.5}


class Shelf:
    """What a user has: a place for records, and a lock."""

    def __init__(self) -> None:
        self.record: dict[str, Any] | None = None
        self.lock = ThreadLock()

    def save(self, record: dict[str, Any]) -> None:
        self.record = copy.deepcopy(record)

    def load(self) -> dict[str, Any] | None:
        return self.record


class TestCallbackStoreWithAllThree(TokenStoreContract):
    process_shared = False

    @pytest.fixture(autouse=True)
    def _one_shelf_for_each_key(self) -> None:
        self.shelves: dict[str, Shelf] = {}

    def make_store(self, key: str) -> TokenStore:
        shelf = self.shelves.setdefault(key, Shelf())
        return CallbackStore(shelf.save, shelf.load, shelf.lock.hold)


class TestCallbackStoreAsTokenUpdater(TokenStoreContract):
    process_shared = False

    @pytest.fixture(autouse=True)
    def _one_store_for_each_key(self) -> None:
        self.stores: dict[str, CallbackStore] = {}

    def make_store(self, key: str) -> TokenStore:
        return self.stores.setdefault(key, CallbackStore(lambda _: None))


class Updater:
    """A token_updater that notes what it gets, spoils it, and fails when told to."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.problem: Exception | None = None

    def __call__(self, record: dict[str, Any]) -> None:
        self.calls.append(dict(record))
        record.clear()
        if self.problem:
            raise self.problem


@pytest.fixture
def updater() -> Updater:
    return Updater()


def test_a_token_updater_is_called_for_a_new_token_and_not_for_bookkeeping(updater: Updater) -> None:
    store = CallbackStore(updater)
    store.save({**TOKEN, "mint_times": [1.0]})
    store.save({**TOKEN, "mint_times": [1.0, 2.0], "rejection_pause": {"until": 5.0}})
    assert len(updater.calls) == 1
    assert store.load() == {**TOKEN, "mint_times": [1.0, 2.0], "rejection_pause": {"until": 5.0}}
    store.save({**TOKEN, "access_token": "next", "mint_times": [1.0, 2.0]})
    assert [call["access_token"] for call in updater.calls] == ["1000.planted", "next"]


@pytest.mark.parametrize(
    "key", ["access_token", "refresh_token", "expires_at", "expires_in", "scope", "api_domain", "token_type"]
)
def test_a_token_updater_is_called_when_any_part_of_the_token_changes(updater: Updater, key: str) -> None:
    store = CallbackStore(updater)
    store.save(TOKEN)
    store.save({**TOKEN, key: "different"})
    assert len(updater.calls) == 2


def test_a_token_updater_is_not_called_before_there_is_a_token_but_when_it_is_gone(updater: Updater) -> None:
    store = CallbackStore(updater)
    store.save({"refresh_token": "seed", "rejection_pause": {"until": 5.0}})
    assert updater.calls == []
    store.save(TOKEN)
    store.save({"client_id": "1000.ME"})
    assert updater.calls == [TOKEN, {"client_id": "1000.ME"}]


def test_T91_what_is_remembered_is_not_told_and_takes_no_stored_records_place(updater: Updater) -> None:
    store = CallbackStore(updater)
    store.remember(TOKEN)
    store.remember({**TOKEN, "access_token": "older"})
    store.save({**TOKEN, "mint_times": [1.0]})
    assert updater.calls == []
    with_load = CallbackStore(updater, lambda: None)
    with_load.remember(TOKEN)
    assert with_load.load() is None


def test_T25_a_token_updater_that_failed_is_called_again_for_the_same_token(updater: Updater) -> None:
    store = CallbackStore(updater)
    updater.problem = OSError("disk")
    for _ in range(2):
        with pytest.raises(TokenStoreError):
            store.save(TOKEN)
    assert store.load() is None
    updater.problem = None
    store.save(TOKEN)
    store.save(TOKEN)
    assert len(updater.calls) == 3
    assert store.load() == TOKEN


def test_T25_a_callback_may_load_from_the_store_it_saves_for() -> None:
    seen: list[object] = []
    store = CallbackStore(lambda _: seen.append(store.load()))
    with store.lock(0):
        store.save(TOKEN)
    assert seen == [None]


def test_with_load_every_save_goes_through() -> None:
    shelf = Shelf()
    calls: list[dict[str, Any]] = []
    store = CallbackStore(calls.append, shelf.load)
    store.save(TOKEN)
    store.save(TOKEN)
    assert calls == [TOKEN, TOKEN]
    assert store.load() is None


@pytest.mark.parametrize("arguments", [(None,), (3,), (print, 3), (print, None, "lock")])
def test_what_cannot_be_called_is_refused_at_once(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="must be a function, not"):
        CallbackStore(*arguments)


@pytest.mark.parametrize("found", [[1], "text", 3, ()])
def test_what_load_returns_must_be_a_mapping_or_none(found: Any) -> None:
    with pytest.raises(TokenStoreError, match=f"returned {type(found).__name__}, not a mapping"):
        CallbackStore(print, lambda: found).load()


def broken(*_: object) -> Any:
    secret = {"note": TOKEN["access_token"]}
    raise LookupError(secret)


def broken_lock(*_: object) -> Any:
    broken()


@pytest.mark.parametrize("method", ["load", "save", "lock"])
def test_T60_a_users_exception_is_a_store_error_that_carries_no_secret(method: str) -> None:
    store = CallbackStore(broken, broken, broken_lock)
    with pytest.raises(TokenStoreError, match=r"CallbackStore\(broken, broken, broken_lock\) .*LookupError") as caught:
        if method == "lock":
            store.lock(0).__enter__()
        else:
            getattr(store, method)(*([TOKEN] if method == "save" else []))
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    own = traceback.TracebackException(type(error), error, error.__traceback__.tb_next, capture_locals=True)  # type: ignore[union-attr]
    assert "planted" not in "".join(own.format())


def test_a_lock_that_is_no_context_manager_is_an_error() -> None:
    with (
        pytest.raises(TokenStoreError, match="not a context manager"),
        CallbackStore(print, None, lambda _: object()).lock(0),
    ):  # type: ignore[arg-type,return-value]
        pass


def test_the_users_timeout_error_passes() -> None:
    shelf = Shelf()
    store = CallbackStore(shelf.save, shelf.load, shelf.lock.hold)
    with store.lock(0), pytest.raises(TimeoutError):
        store.lock(0).__enter__()


def test_a_transaction_as_lock_learns_of_the_exception_and_cannot_hide_it() -> None:
    seen: list[BaseException] = []

    @contextmanager
    def transaction(_: float) -> Iterator[None]:
        try:
            yield
        except KeyError as error:
            seen.append(error)

    store = CallbackStore(print, None, transaction)
    with pytest.raises(KeyError) as caught, store.lock(0):
        raise KeyError
    assert seen == [caught.value]


def test_a_lock_that_cannot_be_given_back_is_an_error_unless_the_block_has_one() -> None:
    @contextmanager
    def stuck(_: float) -> Iterator[None]:
        try:
            yield
        finally:
            raise LookupError

    store = CallbackStore(print, None, stuck)
    with pytest.raises(TokenStoreError, match="could not be unlocked: LookupError"), store.lock(0):
        pass
    with pytest.raises(KeyError), store.lock(0):
        raise KeyError


def test_T60_the_repr_names_the_functions_and_not_what_they_are_bound_to() -> None:
    store = CallbackStore(functools.partial(print, TOKEN), Shelf().load)
    assert repr(store) == "CallbackStore(partial, Shelf.load)"


def keep(_: dict[str, Any]) -> None:
    """Do nothing, from where pickle finds it."""


def test_T07_a_pickled_copy_has_the_record_and_a_free_lock() -> None:
    store = CallbackStore(keep)
    with store.lock(0):
        store.save(TOKEN)
        copied = pickle.loads(pickle.dumps(store))
        with copied.lock(0):
            assert copied.load() == TOKEN


# Functions that do nothing when they are called


async def coroutine(*_: object) -> None:
    """Do nothing, later."""


def generator(*_: object) -> Iterator[None]:
    yield


async def async_generator(*_: object) -> Any:
    yield


class Future:
    """Awaitable without being a coroutine, like those of asyncio and Twisted."""

    def __await__(self) -> Iterator[None]:
        return iter([])


class Methods:
    coroutine = coroutine
    generator = generator


class CallableCoroutine:
    async def __call__(self, *_: object) -> None:
        """Do nothing, later."""


class CallableGenerator:
    def __call__(self, *_: object) -> Iterator[None]:
        yield


LAZY: dict[str, tuple[Any, str]] = {
    "coroutine function": (coroutine, "coroutine"),
    "async generator function": (async_generator, "coroutine"),
    "generator function": (generator, "generator"),
    "partial": (functools.partial(coroutine, 1), "coroutine"),
    "partial of a partial of an object": (
        functools.partial(functools.partial(CallableCoroutine(), 1), 2),
        "coroutine",
    ),
    "partial generator": (functools.partial(generator, 1), "generator"),
    "bound method": (Methods().coroutine, "coroutine"),
    "bound generator": (Methods().generator, "generator"),
    "object": (CallableCoroutine(), "coroutine"),
    "generating object": (CallableGenerator(), "generator"),
    "lambda with yield": (lambda _=None: (yield), "generator"),
    "AsyncMock": (AsyncMock(), "coroutine"),
}


@pytest.mark.parametrize("name", ["save", "load", "lock"])
@pytest.mark.parametrize(("function", "kind"), LAZY.values(), ids=LAZY.keys())
def test_t82_a_coroutine_or_generator_function_is_refused_at_once(name: str, function: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=f"^{name} of CallbackStore must .*{kind} function"):
        CallbackStore(**{"save": print, name: function})


def test_t82_a_lock_that_lacks_its_decorator_is_told_so() -> None:
    with pytest.raises(TypeError, match=r"decorate it with contextlib\.contextmanager"):
        CallbackStore(print, None, generator)  # type: ignore[arg-type]


def test_t82_plain_functions_of_every_kind_are_taken() -> None:
    for function in (print, functools.partial(print, 1), Shelf().save, Updater(), MagicMock(), keep, dict):
        CallbackStore(function, None, contextmanager(generator))


@pytest.mark.parametrize("made", [coroutine, generator, async_generator, Future])
def test_t82_an_awaitable_returned_later_is_an_error_and_nothing_counts_as_saved(made: Any) -> None:
    # Python would warn of a coroutine that was never awaited, which fails a test here.

    def later(*_: object) -> Any:
        return made()

    store = CallbackStore(later, None, later)
    for _ in range(2):
        with pytest.raises(TokenStoreError, match=r"is not synchronous: its save returned a \w+, which nothing awaits"):
            store.save(TOKEN)
    assert store.load() is None
    with pytest.raises(TokenStoreError, match=r"its lock returned a"):
        store.lock(0).__enter__()
    both = CallbackStore(later, later)
    with pytest.raises(TokenStoreError, match=r"its load returned a"):
        both.load()
    with pytest.raises(TokenStoreError, match=r"its save returned a"):
        both.save(TOKEN)
    gc.collect()


def test_t82_what_save_returns_is_ignored_otherwise() -> None:
    for result in (None, 1, [TOKEN], iter([]), object()):
        CallbackStore(lambda _, result=result: result).save(TOKEN)


def load() -> None:
    """Find nothing, from where pickle finds it."""


def test_t97_pickling_one_without_load_says_once_that_it_shares_nothing(caplog: pytest.LogCaptureFixture) -> None:
    store = CallbackStore(keep)
    for _ in range(3):
        pickle.dumps(store)
        store = pickle.loads(pickle.dumps(store))
    pickle.dumps(CallbackStore(keep, load))
    (record,) = caplog.records
    assert "A pickled CallbackStore(keep) is a copy that shares nothing" in record.getMessage()
    assert "FileStore" in record.getMessage()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_t97_a_copy_is_the_same_store(duplicate: Any, caplog: pytest.LogCaptureFixture) -> None:
    store = CallbackStore(keep)
    assert duplicate(store) is store
    assert caplog.records == []
