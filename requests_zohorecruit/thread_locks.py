"""What the threads of one process need to share: a lock that survives pickling and forking, and work done once for all.

Knows nothing of files, servers, tokens or HTTP.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["ForkSafeLock", "OnceForAll"]


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


class OnceForAll:
    """Work whose outcome is shared by all threads that ask for it while it is being done for somebody else.

    Nobody gets an outcome that may be older than the question: what had begun before somebody asked is done once more,
    and that time for everybody who has asked by then.
    """

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._begun = self._ended = 0
        self._failure: Exception | None = None
        self._doer: tuple[int, int] | None = None

    def do(self, work: Callable[[], object], timeout: float) -> None:
        """Do the work, or wait until another thread has; what it raises is raised for all who shared it.

        Work that asks for itself, in the same thread, is done again there and then.

        :param timeout: how long to wait for the others, in seconds
        :raises TimeoutError: they took longer
        """
        if self._doer == (os.getpid(), threading.get_ident()):
            work()
            return
        asked = self._begun
        with self._lock.hold(timeout):
            if self._ended <= asked:
                self._attempt(work)
            elif self._failure is not None:
                raise copy.copy(self._failure)

    def _attempt(self, work: Callable[[], object]) -> None:
        self._begun += 1
        self._doer, self._failure = (os.getpid(), threading.get_ident()), None
        try:
            work()
        except Exception as error:
            # A copy, because the original keeps all that its traceback leads to.
            self._failure, self._ended = copy.copy(error), self._begun
            raise
        else:
            self._ended = self._begun
        finally:
            self._doer = None
