"""`RedisStore`: keeps the record in one key of Redis or Valkey, for processes on any number of hosts.

Knows nothing about the record's content. It imports nothing from redis-py and only uses the given client.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.interruptions import find_interruption, pass_interruption
from requests_zohorecruit.stores.errors import describe
from requests_zohorecruit.stores.polling import check_key, describe_process, poll
from requests_zohorecruit.stores.text_store import SwappingStore
from requests_zohorecruit.thread_locks import identify_process

if TYPE_CHECKING:
    from redis import Redis, RedisCluster

__all__ = ["MINIMUM_LEASE", "RedisStore"]

_log = logging.getLogger(__name__)

#: Minimum lease in seconds. A token call may take 5 s on top of its timeouts. The timeouts themselves are compared with
#: the lease when an auth object is created with the store.
MINIMUM_LEASE = 6.0

_LONGEST_LEASE = 3600.0
_LONGEST_KEY = 1024

# Only the owner may end a lease: its own may have expired, so that another process holds the lock now.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

# Replaces the record only if it has not changed since the lock was taken, or no longer exists.
_REPLACE = """
local stored = redis.call('get', KEYS[1])
if stored and stored ~= ARGV[2] then return 0 end
redis.call('set', KEYS[1], ARGV[1])
return 1
"""


class RedisStore(SwappingStore):
    """Keeps the record in one key and the lock in another. The lock is a lease: it expires if its holder dies.

    If a lease expires during a refresh, two processes may each mint a token. The later one to save then gets a
    `TokenStoreError` instead of overwriting the other's record. The same applies to a lock lost in a failover. Set the
    client's `socket_timeout`: without one, a stalled network blocks callers.

    Like its client, the store cannot be pickled, but it can be used in a forked child.

    :param client: any synchronous client of redis-py, with or without `decode_responses`
    :param key: of the record. The lock is ``{key}:lock``, in the same cluster slot unless the key has a ``}`` that does
        not end a hash tag, which does no harm
    :param lock_ttl: lease in seconds, from 6 to 3600. It must be longer than a token call may take, which is the sum of
        its timeouts and 5 s: 40 s with the default timeouts
    :raises TypeError: `client` is not a synchronous Redis client, `key` not a string, or `lock_ttl` not a number
    :raises ValueError: `key` is empty or too long, or `lock_ttl` is out of range
    :ivar lock_ttl: the lease in seconds
    """

    def __init__(self, client: Redis | RedisCluster, key: str, *, lock_ttl: float = 60) -> None:
        if not callable(getattr(client, "eval", None)) or _is_asynchronous(client):
            raise TypeError(f"client must be a synchronous Redis client, not {type(client).__name__}")
        if isinstance(lock_ttl, bool) or not isinstance(lock_ttl, int | float):
            raise TypeError(f"lock_ttl must be a number of seconds, not {type(lock_ttl).__name__}")
        if not MINIMUM_LEASE <= lock_ttl <= _LONGEST_LEASE:
            raise ValueError(
                f"lock_ttl must be {MINIMUM_LEASE:g} to {_LONGEST_LEASE:g} s, to outlive the longest token call"
            )
        super().__init__()
        connection: dict[str, Any] = getattr(client, "get_connection_kwargs", dict)()
        if "socket_timeout" in connection and connection["socket_timeout"] is None:
            _log.warning("The Redis client has no socket_timeout: a server that stalls keeps callers waiting. Set 5 s.")
        self._client: Any = client
        self._key = check_key(key, _LONGEST_KEY)
        self._lock_key = f"{key}:lock" if re.match(r"[^{]*\{[^}]+\}", key) else f"{{{key}}}:lock"
        self.lock_ttl = float(lock_ttl)
        # Owners of locks that may still exist in Redis, because it did not answer when they were taken or released.
        self._orphans: list[str] = []

    def _read(self) -> str | bytes | None:
        stored: str | bytes | None = self._client.get(self._key)
        return stored

    def _write(self, text: str) -> None:
        if not self._client.set(self._key, text):
            raise TokenStoreError(f"{self!r} could not be saved: Redis did not confirm it.")

    def _swap(self, text: str, stored: str | bytes | None) -> bool:
        return bool(self._client.eval(_REPLACE, 1, self._key, text, stored or ""))

    @contextmanager
    def _hold(self, timeout: float) -> Iterator[None]:
        process, owner = identify_process(), f"{describe_process()} {uuid.uuid4().hex}"
        self._release_orphans()
        held = [owner]  # assumed from the start, because an interruption can come right after Redis grants the lock
        try:
            try:
                self._acquire(held, timeout)
                yield
            finally:
                self._release(held, process)
        finally:
            self._release(held, process)  # in case an interruption came before the inner release started

    def _acquire(self, held: list[str], timeout: float) -> None:
        (owner,) = held
        try:
            is_taken = poll(lambda: self._take(owner), timeout)
        except Exception as error:
            if find_interruption(error) is None:
                self._orphans.append(held.pop())  # release later: the server is not answering now
            raise
        if not is_taken:
            held.clear()
            name = self._find_holder().rpartition(" ")[0] or "another process"
            raise TimeoutError(f"{self!r} is locked by {name}; gave up after {timeout:g} s.")

    def _release_orphans(self) -> None:
        for orphan in self._orphans[:]:
            self._client.eval(_RELEASE, 1, self._lock_key, orphan)
            self._orphans = [each for each in self._orphans if each != orphan]

    def _take(self, owner: str) -> bool:
        # If the response to SET is lost, the client retries and finds the lock taken, by us.
        taken = self._client.set(self._lock_key, owner, nx=True, px=int(self.lock_ttl * 1000))
        return bool(taken) or self._find_holder() == owner

    def _find_holder(self) -> str:
        owner = self._client.get(self._lock_key) or ""
        return owner if isinstance(owner, str) else owner.decode("utf-8", "replace")

    def _release(self, held: list[str], process: tuple[int, int]) -> None:
        if not held or process != identify_process():  # a child forked inside the block
            return
        # The work under the lock is complete. An error now would make the caller believe that it failed.
        try:
            if self._client.eval(_RELEASE, 1, self._lock_key, held[0]):
                held.clear()
                return
            reason = "it was held longer than its lease"
        except Exception as cause:  # noqa: BLE001 - any error of the client, and never its text
            pass_interruption(cause)
            self._orphans.append(held[0])
            reason = describe(cause)
        held.clear()
        _log.warning("%r: the lock of %g s could not be released: %s", self, self.lock_ttl, reason)

    def __repr__(self) -> str:
        return f"RedisStore({self._key!r})"


def _is_asynchronous(client: object) -> bool:
    return any(base.__module__.startswith("redis.asyncio") for base in type(client).__mro__)
