"""The lock between threads of one process, which survives pickling and forking.

Knows nothing of files, servers, tokens or HTTP.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["ForkSafeLock"]


class ForkSafeLock:
    """A lock that is free in a forked child, even if another thread of the parent held it at that moment.

    A plain `threading.Lock` is copied by fork in whatever state it is in, and the thread that would release it does
    not exist in the child. A copy made by pickling is a new, free lock.
    """

    def __init__(self) -> None:
        # One lock per process id; dict.setdefault is atomic, so that two threads of a new child cannot make two.
        self._locks: dict[int, threading.Lock] = {}

    def acquire(self, timeout: float = -1) -> bool:
        """Take the lock and return whether it was obtained.

        :param timeout: how long to wait, in seconds; 0 = do not wait, negative = as long as it takes
        """
        lock = self._locks.setdefault(os.getpid(), threading.Lock())
        if timeout == 0:
            return lock.acquire(blocking=False)
        return lock.acquire(timeout=min(timeout, threading.TIMEOUT_MAX))

    def release(self) -> None:
        """Give the lock back; does nothing in a child forked by the holder, because the parent still has it."""
        lock = self._locks.get(os.getpid())
        if lock is not None:
            lock.release()

    @contextmanager
    def hold(self, timeout: float, *, of: object = "this lock") -> Iterator[None]:
        """Hold the lock for the length of a `with` block.

        :param timeout: how long entering may wait, in seconds; 0 or less = do not wait
        :param of: what is locked, for the error message
        :raises TimeoutError: the lock was not obtained in time
        """
        if not self.acquire(max(0.0, timeout)):
            raise TimeoutError(
                f"{of!s} is held by another thread of process {os.getpid()}; gave up after {timeout:g} s."
            )
        try:
            yield
        finally:
            self.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return ForkSafeLock, ()
