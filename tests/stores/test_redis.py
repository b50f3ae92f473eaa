"""RedisStore, on a real server."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from helpers.database_servers import redis_server
from helpers.shared_stores import ShortLeases

from requests_zohorecruit import thread_locks
from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores import RedisStore, TokenStore
from requests_zohorecruit.stores.polling import identify_thread
from requests_zohorecruit.testing import TokenStoreContract

redis = pytest.importorskip("redis", reason="redis-py is not installed")

OLD = {"access_token": "1000.planted-old"}
NEW = {"access_token": "1000.planted-new"}
NEWER = {"access_token": "1000.planted-newer"}


@pytest.fixture
def connect(redis_process: Any) -> Iterator[Callable[..., Any]]:
    clients: list[Any] = []

    def make(**options: Any) -> Any:
        clients.append(redis.Redis(host="127.0.0.1", port=redis_process.port, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect(socket_timeout=5)  # which redis-py 5 does not set by itself


@pytest.fixture
def key() -> str:
    return uuid4().hex


@pytest.mark.parametrize("decode_responses", [False, True], ids=["bytes", "text"], scope="class")
class TestRedisStore(TokenStoreContract):
    @pytest.fixture(autouse=True)
    def _connect(self, connect: Callable[..., Any], decode_responses: bool) -> None:
        self.connect = lambda: connect(decode_responses=decode_responses)

    @pytest.fixture(autouse=True)
    def _short_leases_for_the_dead(self, request: pytest.FixtureRequest) -> None:
        self.lease = 3 if "killed" in request.node.name else 60

    def make_store(self, key: str) -> TokenStore:
        client: Any = ShortLeases(self.connect(), self.lease)
        return RedisStore(client, key)


@pytest.mark.parametrize("ttl", [60, 6, 3600.0])
def test_a_lease_may_last_as_long_as_a_token_call_or_longer(client: Any, key: str, ttl: float) -> None:
    store = RedisStore(client, key, lock_ttl=ttl)
    assert store.lock_ttl == ttl
    with store.lock(0):
        assert ttl - 5 < client.ttl(f"{{{key}}}:lock") <= ttl


@pytest.mark.parametrize("ttl", [5.9, 0, -60, float("nan"), float("inf"), 3601])
def test_a_lease_shorter_than_a_token_call_or_endless_is_refused(client: Any, ttl: float) -> None:
    with pytest.raises(ValueError, match="6 to 3600 s"):
        RedisStore(client, "key", lock_ttl=ttl)


@pytest.mark.parametrize("ttl", ["60", None, True])
def test_a_lease_must_be_a_number(client: Any, ttl: Any) -> None:
    with pytest.raises(TypeError, match="lock_ttl"):
        RedisStore(client, "key", lock_ttl=ttl)


@pytest.mark.parametrize("wrong", [None, "redis://localhost", redis.asyncio.Redis()])
def test_a_client_must_be_a_synchronous_one(wrong: Any) -> None:
    with pytest.raises(TypeError, match="synchronous Redis client"):
        RedisStore(wrong, "key")


def test_a_key_must_be_a_string_of_some_length(client: Any) -> None:
    with pytest.raises(TypeError, match="key must be a string, not bytes"):
        RedisStore(client, b"key")  # type: ignore[arg-type]
    for wrong in ("", "x" * 1025):
        with pytest.raises(ValueError, match="1 to 1024"):
            RedisStore(client, wrong)


@pytest.mark.parametrize(
    ("key", "lock", "together"),
    [
        ("a", "{a}:lock", True),
        ("a:{b}:c", "a:{b}:c:lock", True),
        ("a{b", "{a{b}:lock", True),
        ("a{}b", "{a{}b}:lock", False),
        ("a}b", "{a}b}:lock", False),
    ],
)
def test_record_and_lock_share_a_slot_of_a_cluster_unless_the_key_closes_a_brace_it_did_not_open(
    client: Any, key: str, lock: str, together: bool
) -> None:
    from redis.crc import key_slot

    with RedisStore(client, key).lock(0):
        assert client.exists(lock)
    assert not client.exists(lock)
    assert (key_slot(key.encode()) == key_slot(lock.encode())) == together


def test_the_record_is_json_and_never_expires(client: Any, key: str) -> None:
    RedisStore(client, key).save(OLD)
    assert client.get(key) == b'{"access_token":"1000.planted-old"}'
    assert client.ttl(key) == -1


def test_T56_a_lock_not_obtained_says_who_holds_it(client: Any, key: str) -> None:
    store = RedisStore(client, key)
    with store.lock(0), pytest.raises(TimeoutError) as caught:
        store.lock(-1).__enter__()
    who = rf"process {os.getpid()} on {re.escape(socket.gethostname())} since \S+Z"
    assert re.fullmatch(rf"RedisStore\('{key}'\) is locked by {who}; gave up after 0 s\.", str(caught.value))


def test_T56_a_holder_that_has_just_gone_is_another_process(
    client: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RedisStore(client, key)
    with store.lock(0):
        monkeypatch.setattr(store, "_find_holder", lambda: "")
        with pytest.raises(TimeoutError, match="locked by another process;"):
            store.lock(0).__enter__()


def test_a_lock_whose_confirmation_was_lost_is_recognised(
    client: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = client.set

    def set_twice(name: str, *args: Any, **kwargs: Any) -> Any:
        original(name, *args, **kwargs)  # what the client does when the first answer does not arrive
        return original(name, *args, **kwargs)

    monkeypatch.setattr(client, "set", set_twice)
    with RedisStore(client, key).lock(0):
        pass
    assert not client.exists(f"{{{key}}}:lock")


def test_T58_a_lock_that_could_not_be_given_back_is_given_back_by_the_next_use(
    client: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise redis.ConnectionError

    store, other = RedisStore(client, key), RedisStore(client, key)
    with monkeypatch.context() as broken, store.lock(0):
        broken.setattr(client, "eval", fail)
    with pytest.raises(TimeoutError):
        other.lock(0).__enter__()
    with store.lock(0):
        pass
    with other.lock(0), pytest.raises(TimeoutError):
        store.lock(0).__enter__()  # what has been given back once is nobody's business any more


def test_T58_a_lock_that_redis_gave_without_being_heard_is_given_back_by_the_next_use(
    client: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = client.set

    def unheard(*args: Any, **options: Any) -> NoReturn:
        original(*args, **options)  # a server that stalls does what it was told when nobody listens any more
        raise redis.TimeoutError

    store, other = RedisStore(client, key), RedisStore(client, key)
    with monkeypatch.context() as broken:
        broken.setattr(client, "set", unheard)
        with pytest.raises(TokenStoreError, match="TimeoutError"):
            store.lock(0).__enter__()
    with pytest.raises(TimeoutError):
        other.lock(0).__enter__()
    with store.lock(0):
        pass
    with other.lock(0):
        pass


# When the lease runs out


@pytest.fixture
def expire(client: Any, key: str) -> Callable[[], None]:
    return lambda: client.delete(f"{{{key}}}:lock")  # what Redis does at the end of a lease


def test_T58_after_the_lease_a_record_nobody_replaced_is_saved(
    client: Any, key: str, expire: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    store = RedisStore(client, key)
    store.save(OLD)
    with caplog.at_level(logging.WARNING), store.lock(0):
        expire()
        store.save(NEW)
        store.save(NEWER)
    assert store.load() == NEWER
    assert caplog.messages == [f"{store!r}: the lock of 60 s could not be released: it was held longer than its lease"]


def test_T58_after_the_lease_a_newer_record_is_not_overwritten(
    client: Any, key: str, expire: Callable[[], None]
) -> None:
    slow, fast = RedisStore(client, key), RedisStore(client, key)
    slow.save(OLD)
    with slow.lock(0):
        expire()
        with fast.lock(0):
            fast.save(NEWER)
        with pytest.raises(TokenStoreError, match="another process replaced the record .* the lease ran out") as caught:
            slow.save(NEW)
        assert slow.load() == NEWER
    assert "planted" not in str(caught.value)
    with slow.lock(0):
        slow.save(NEW)
    assert fast.load() == NEW


def test_T58_after_the_lease_the_next_holders_lock_is_not_released(
    client: Any, key: str, expire: Callable[[], None]
) -> None:
    slow, fast = RedisStore(client, key), RedisStore(client, key)
    late = slow.lock(0)
    late.__enter__()
    expire()
    with fast.lock(0):
        late.__exit__(None, None, None)
        with pytest.raises(TimeoutError):
            slow.lock(0).__enter__()


def test_T58_a_flushed_server_gets_the_record_again(client: Any, key: str) -> None:
    store = RedisStore(client, key)
    store.save(OLD)
    with store.lock(0):
        client.delete(key, f"{{{key}}}:lock")
        store.save(NEW)
    assert store.load() == NEW


# What goes wrong


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'{"access_token": "1000.planted'])
@pytest.mark.parametrize("decode_responses", [False, True])
def test_T52_what_is_no_record_is_left_alone(
    connect: Callable[..., Any], client: Any, key: str, data: bytes, decode_responses: bool
) -> None:
    client.set(key, data)
    store = RedisStore(connect(decode_responses=decode_responses), key)
    for use in (store.load, lambda: store.save(NEW)):
        with pytest.raises(TokenStoreError, match=rf"RedisStore\('{key}'\)") as caught:
            use()
        assert caught.value.__context__ is None
    assert client.get(key) == data


def test_a_key_of_another_type_is_an_error_and_gives_the_lock_back(client: Any, key: str) -> None:
    client.lpush(key, "x")
    store = RedisStore(client, key)
    for use in (store.load, lambda: store.save(NEW), lambda: store.lock(0).__enter__()):
        with pytest.raises(TokenStoreError, match="ResponseError"):
            use()
    client.delete(key)
    with store.lock(0):
        pass


def test_T14_a_record_json_cannot_express_is_refused_and_the_old_one_stays(client: Any, key: str) -> None:
    store = RedisStore(client, key)
    store.save(OLD)
    with pytest.raises(TokenStoreError, match="not JSON-serialisable"):
        store.save({"odd": object()})
    assert store.load() == OLD


def test_T58_a_server_that_is_down_is_a_store_error_without_secrets(key: str) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]
        client = redis.Redis.from_url(f"redis://user:planted@127.0.0.1:{port}/0", retry=None)
        store = RedisStore(client, key)
        for doing, use in {
            "loaded": store.load,
            "saved": lambda: store.save(NEW),
            "locked": lambda: store.lock(0).__enter__(),
        }.items():
            with pytest.raises(TokenStoreError, match=f"could not be {doing}: ConnectionError") as caught:
                use()
            frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack[1:]
            assert "planted" not in str(caught.value) + "".join(traceback.StackSummary.from_list(frames).format())
    assert "planted" not in repr(store)


def test_T58_a_server_lost_during_the_block_does_not_spoil_what_was_done(
    client: Any, key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise redis.ConnectionError("planted")

    store = RedisStore(client, key)
    with caplog.at_level(logging.WARNING), store.lock(0):
        store.save(NEW)
        monkeypatch.setattr(client, "eval", fail)
    assert caplog.messages == [f"{store!r}: the lock of 60 s could not be released: ConnectionError"]
    assert store.load() == NEW


def test_T26_a_child_leaving_the_block_does_not_release_the_parents_lock(
    client: Any, key: str, fork: Callable[..., Any]
) -> None:
    store = RedisStore(client, key)

    def leave(say: Callable[[str], None], _: Callable[[], None]) -> None:
        held.__exit__(None, None, None)
        store.save(OLD)
        say(f"{store.load() == OLD} {bool(client.exists(f'{{{key}}}:lock'))}")

    held = store.lock(0)
    with held:
        assert fork(leave).hear() == "True True"
        with pytest.raises(TimeoutError):
            store.lock(0).__enter__()


def test_T26_a_hold_that_another_process_inherited_does_not_end_there(
    client: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, real = RedisStore(client, key).lock(0), os.getpid()
    held.__enter__()
    with monkeypatch.context() as child:  # what a child sees: the same objects under another process id
        child.setattr(os, "getpid", lambda: real + 1)
        held.__exit__(None, None, None)
    assert client.exists(f"{{{key}}}:lock")


def test_a_descendant_with_the_id_of_the_holder_is_not_taken_for_it(
    client: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RedisStore(client, key)
    held = store.lock(0)
    held.__enter__()
    before = identify_thread()
    with monkeypatch.context() as descendant:  # what it sees: the same objects and the same id, forks later
        descendant.setattr(thread_locks, "_forks", [None, None])
        assert identify_thread() != before
        held.__exit__(None, None, None)
    assert client.exists(f"{{{key}}}:lock")


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs SIGALRM")
@pytest.mark.parametrize("name", ["set", "eval"])
def test_T71_a_time_limit_while_the_lock_is_taken_or_given_back_leaves_it_free(
    client: Any, key: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_off(number: int, frame: object) -> None:
        raise ConnectionError("too long")

    def interrupted(*args: Any, **options: Any) -> Any:
        monkeypatch.undo()
        if name == "set":
            client.set(*args, **options)
        signal.raise_signal(signal.SIGALRM)

    store, before = RedisStore(client, key), signal.signal(signal.SIGALRM, go_off)
    monkeypatch.setattr(client, name, interrupted)
    try:
        with pytest.raises(ConnectionError, match="too long"), store.lock(0):
            pass
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not client.exists(f"{{{key}}}:lock")
    assert not store._orphans


@pytest.mark.parametrize(("options", "warnings"), [({"socket_timeout": None}, 1), ({"socket_timeout": 5}, 0)])
def test_t88_a_client_without_a_timeout_is_warned_about(
    connect: Callable[..., Any], key: str, caplog: pytest.LogCaptureFixture, options: Any, warnings: int
) -> None:
    RedisStore(connect(**options), key)
    assert sum("socket_timeout" in text for text in caplog.messages) == warnings


# What a server refuses (T89, T93)


@pytest.fixture
def own_server() -> Iterator[Callable[..., Any]]:
    """Start a Redis of the test's own with these options; return a client of it."""
    with ExitStack() as stack:

        def start(*options: str) -> Any:
            server = stack.enter_context(redis_server(*options))
            return stack.enter_context(redis.Redis(host="127.0.0.1", port=server.port, socket_timeout=30))

        yield start


def test_t89_a_redis_that_is_out_of_memory_is_an_error_that_says_so_and_keeps_what_it_has(
    own_server: Callable[..., Any], key: str
) -> None:
    client = own_server("--maxmemory-policy", "noeviction")
    store = RedisStore(client, key)
    store.save(OLD)
    client.set("others", "x" * 2_000_000)
    client.config_set("maxmemory", "1mb")
    for use in (lambda: store.save(NEW), lambda: store.lock(0).__enter__()):
        with pytest.raises(
            TokenStoreError, match=r"OutOfMemoryError\. Redis is out of memory: raise maxmemory"
        ) as caught:
            use()
        assert "planted" not in str(caught.value)
    assert store.load() == OLD


def test_t89_a_redis_that_runs_out_of_memory_under_the_lock_is_an_error_and_gives_the_lock_back(
    own_server: Callable[..., Any], key: str
) -> None:
    client = own_server()
    store = RedisStore(client, key)
    store.save(OLD)
    with store.lock(0):
        client.config_set("maxmemory", "1")
        with pytest.raises(TokenStoreError, match=r"OutOfMemoryError\. Redis is out of memory"):
            store.save(NEW)
    assert store.load() == OLD
    client.config_set("maxmemory", 0)
    with store.lock(0):
        store.save(NEW)


def test_t89_a_replica_is_an_error_that_asks_for_the_primary(
    own_server: Callable[..., Any], client: Any, key: str
) -> None:
    replica = own_server("--replicaof", "127.0.0.1", "1")  # of a primary that is not there
    store = RedisStore(replica, key)
    for use in (lambda: store.save(NEW), lambda: store.lock(0).__enter__()):
        with pytest.raises(TokenStoreError, match=r"ReadOnlyError\. .*use the primary's address"):
            use()


def test_t89_a_redis_that_becomes_a_replica_under_the_lock_is_an_error_that_says_so(
    own_server: Callable[..., Any], key: str
) -> None:
    client = own_server()
    store = RedisStore(client, key)
    with store.lock(0):
        client.replicaof("127.0.0.1", "1")
        with pytest.raises(TokenStoreError, match=r"ReadOnlyError\. .*use the primary's address"):
            store.save(NEW)
    client.replicaof("NO", "ONE")
    with store.lock(0):
        store.save(NEW)


def test_t89_an_answer_that_confirms_nothing_is_not_taken_for_a_save(
    client: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RedisStore(client, key)
    monkeypatch.setattr(client, "set", lambda *_, **__: None)  # as a proxy, or a client within MULTI, may answer
    with pytest.raises(TokenStoreError, match=r"could not be saved: Redis did not confirm it"):
        store.save(NEW)
