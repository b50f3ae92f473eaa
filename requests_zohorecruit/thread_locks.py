"""Coordination between the threads of one process: a lock that is never left held, and work with a shared result.

Knows nothing about files, servers, tokens or HTTP.
"""

from __future__ import annotations

import copy
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, cast

__all__ = ["SharedWork", "ThreadLock", "identify_process"]

#: Seconds after which a waiting thread checks the lock again, in case its holder ended without waking a waiter.
LOOK_AGAIN = 0.2
#: Seconds between checks of a lock that another greenlet of the same thread holds: the first interval and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.05

# Grows by one in every forked child. C code does the appending, which no exception can interrupt.
_forks: list[None] = []
if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=partial(_forks.append, None))


class ThreadLock:
    """A lock between the threads and greenlets of a process, released as soon as its holder is gone.

    An exception can arrive between any two instructions: from a signal handler (`KeyboardInterrupt`, a time limit) or
    from another thread (``PyThreadState_SetAsyncExc``). Wherever that happens, the lock is free once the exception has
    left the `with` statement. It is also free in a forked child and in a pickled copy, even if it was held before.
    """

    def __init__(self) -> None:
        # One entry per process, because a fork copies the locks that the parent's threads hold, but not the threads.
        self._turns: dict[tuple[int, int], _Turns] = {}

    def hold(self, timeout: float, *, of: object = "this lock") -> AbstractContextManager[None]:
        """Return a context manager that holds the lock.

        :param timeout: how long entering may wait, in seconds; 0 or less = do not wait
        :param of: what is locked, for the error message
        :raises TimeoutError: on entering, if the lock was not acquired in time, or this same thread holds it
        """
        return cast("AbstractContextManager[None]", _Block(self._take_or_raise, self._give_back, timeout, of))

    def attempt(self, timeout: float) -> AbstractContextManager[bool]:
        """Return a context manager that tries to hold the lock, and yields whether it does.

        Unlike `hold` it raises no `TimeoutError`, which could be mistaken for one raised inside the block.

        :param timeout: how long entering may wait, in seconds; 0 or less = do not wait
        """
        return cast("AbstractContextManager[bool]", _Block(self._take, self._give_back, timeout))

    def is_held_here(self) -> bool:
        """Return whether this same thread, or greenlet, holds the lock, in which case it must not wait for it."""
        return self._of_this_process().are_at(_current_caller())

    def _of_this_process(self) -> _Turns:
        process = identify_process()
        return self._turns.get(process) or self._turns.setdefault(process, _Turns())

    def _take(self, turn: _Turn, timeout: float) -> bool:
        if turn.over:
            raise RuntimeError("This hold of the lock has ended; ask the lock for another.")
        turns, turn.caller = self._of_this_process(), _current_caller()
        return turns.take(turn) or (timeout > 0 and not turns.are_at(turn.caller) and turns.wait(turn, timeout))

    def _take_or_raise(self, turn: _Turn, timeout: float, of: object) -> None:
        if self._take(turn, timeout):
            return
        who, why = "another thread", f"gave up after {round(turn.waited, 1):g} s"
        if self.is_held_here():
            who, why = "this very thread", "it cannot wait for itself"
        raise TimeoutError(f"{of!s} is held by {who} of process {os.getpid()}; {why}.")

    def _give_back(self, turn: _Turn, *_: object) -> None:
        turn.over = True
        turns = self._of_this_process()
        if turns.latest is turn:
            turns.wake_one()

    def __reduce__(self) -> tuple[Any, ...]:
        return ThreadLock, ()


def identify_process() -> tuple[int, int]:
    """Return the id of this process and its fork generation, because ids are reused, even among descendants."""
    return os.getpid(), len(_forks)


class _Turn:
    """One caller's turn at a lock. It is over when the caller ends it, or when its `with` statement is gone.

    :ivar holder: a weak reference to an object that only the `with` statement keeps alive; returns None at first
    :ivar following: the turn that took the lock after this one; None once the link is no longer needed
    :ivar waited: seconds spent waiting
    """

    __slots__ = ("caller", "following", "holder", "over", "waited")

    def __init__(self) -> None:
        self.over = False
        self.caller = (0, 0)
        self.following: dict[str, _Turn | None] = {}
        self.holder: Callable[[], object | None] = lambda: None
        self.waited = 0.0

    def is_over(self) -> bool:
        return self.over or self.holder() is None


class _Turns:
    """The turns that the threads of one process take at a lock, and the threads waiting for one.

    No lock is needed here: one atomic `dict.setdefault` takes a turn. If an exception interrupts the steps after it,
    the next thread completes them.
    """

    def __init__(self) -> None:
        self.latest = _Turn()
        self._waiting: deque[threading.Lock] = deque()

    def are_at(self, caller: tuple[int, int]) -> bool:
        """Return whether it is this caller's turn."""
        latest = self.latest
        return latest.caller == caller and not latest.is_over()

    def take(self, turn: _Turn) -> bool:
        latest = self.latest
        while latest.is_over():
            following = latest.following.setdefault("turn", turn)
            if following is turn:
                self.latest = turn  # set by the holder only, so it never moves backwards
                latest.following["turn"] = None  # or one turn kept alive by a traceback would keep all later ones
                return True
            latest = following or self.latest
        return False

    def wait(self, turn: _Turn, timeout: float) -> bool:
        """Take the turn as soon as possible. Return False if that took too long."""
        bell, started, slept, pause = threading.Lock(), time.monotonic(), 0.0, FIRST_PAUSE
        bell.acquire()
        self._waiting.append(bell)  # before the first check, so that no wake-up is missed
        try:
            while not self.take(turn):
                # Use both: tools that freeze time stop the clock, and on a busy machine sleeping takes longer.
                turn.waited = max(time.monotonic() - started, slept)
                left = timeout - turn.waited
                if left <= 0:
                    return False
                if self.latest.caller[0] == turn.caller[0]:
                    # Another greenlet of this thread holds the lock and can only continue if this one yields, with
                    # `time.sleep`, which gevent and eventlet patch.
                    time.sleep(min(left, pause))
                    slept += min(left, pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                elif bell.acquire(timeout=min(left, LOOK_AGAIN)):
                    self._waiting.appendleft(bell)  # a thread that was not waiting may take the lock first
                else:
                    slept += min(left, LOOK_AGAIN)
            return True
        finally:
            try:
                self._waiting.remove(bell)
            except ValueError:  # woken up; pass it on if this thread did not take the turn
                if self.latest is not turn:
                    self.wake_one()

    def wake_one(self) -> None:
        if self._waiting:
            with suppress(IndexError):  # the last one has just left
                self._waiting.popleft().release()


class _OwnMethod:
    """A special method looked up on the instance, so that each object has its own, which does not keep it alive."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, block: _Block | None, kind: type[_Block]) -> Any:
        return self if block is None else getattr(block, self._name)

    def __call__(self, block: _Block, *arguments: object) -> object:
        return getattr(block, self._name)(*arguments)  # as contextlib.ExitStack calls it


class _Block:
    """The context manager that a `with` statement enters and leaves.

    While the block runs, the statement keeps only the `__exit__` it will call. That object is the holder: no local
    variable refers to it, so no traceback keeps it alive, and it disappears together with the statement.
    """

    __enter__ = _OwnMethod("enter")
    __exit__ = _OwnMethod("leave")

    def __init__(self, enter: Callable[..., object], leave: Callable[..., None], *arguments: object) -> None:
        turn = _Turn()
        self.enter = partial(enter, turn, *arguments)
        self.leave = partial(leave, turn)
        turn.holder = weakref.ref(self.leave)


class SharedWork:
    """Work whose outcome is shared with all threads that ask for it while another thread is doing it.

    No thread gets an outcome of work that began before it asked. Such work is done once more, for all threads that have
    asked by then. If an exception interrupts the work, the next thread does it.

    :param failures: errors of the work itself, which are raised in all threads. Any other exception, such as the time
        limit of the thread that does the work, is raised in that thread only
    """

    def __init__(self, failures: type[Exception]) -> None:
        self._lock = ThreadLock()
        self._failures = failures
        self._begun = 0
        # The last attempt to end, and its outcome; one value, so that no interruption leaves it half updated.
        self._outcome: tuple[int, Exception | None] = 0, None

    def do(self, work: Callable[[], object], timeout: float) -> bool:
        """Do the work, or wait until another thread has done it. Return False if that took too long.

        A nested call from within the work, in the same thread, does the work again at once.

        :param timeout: how long to wait for other threads, in seconds
        """
        if self._lock.is_held_here():
            work()
            return True
        asked = self._begun
        with self._lock.attempt(timeout) as obtained:
            if obtained:
                self._do_unless_done(work, asked)
            return obtained

    def _do_unless_done(self, work: Callable[[], object], asked: int) -> None:
        ended, failure = self._outcome
        if ended > asked:
            if failure is not None:
                raise copy.copy(failure)
            return
        self._begun = attempt = self._begun + 1
        try:
            work()
        except self._failures as error:
            # A copy, because the original's traceback keeps every object in its frames alive.
            self._outcome = attempt, copy.copy(error)
            raise
        self._outcome = attempt, None


def _current_caller() -> tuple[int, int]:
    """Return an identifier of this thread, and of the greenlet within it, unique in the process."""
    # Only if another package has imported greenlet; a thread's initial greenlet counts as the thread.
    getcurrent = getattr(sys.modules.get("greenlet"), "getcurrent", None)
    current = getcurrent() if getcurrent else None
    return threading.get_ident(), id(current) if current is not None and current.parent is not None else 0
