"""What the threads of one process share: a lock that cannot be left behind, and work whose outcome is shared.

Knows nothing of files, servers, tokens or HTTP.
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

#: Seconds after which a waiting thread looks at the lock again, in case its holder ended without a word.
LOOK_AGAIN = 0.2
#: Seconds between two looks at a lock that another greenlet of the same thread holds: the first pause, and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.05

# Grows by one in every forked child. Appended to by C code, which no exception interrupts.
_forks: list[None] = []
if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=partial(_forks.append, None))


class ThreadLock:
    """A lock between the threads, and the greenlets, of a process; it is free as soon as its holder is gone.

    An exception can arrive between any two instructions: from a signal handler (`KeyboardInterrupt`, a time limit) or
    from another thread (``PyThreadState_SetAsyncExc``). Wherever that is, the lock is free once the exception has left
    the `with` statement. It is also free in a forked child, whichever thread of the parent held it, and in a copy made
    by pickling.
    """

    def __init__(self) -> None:
        # One for each process, because a fork copies what the parent's threads hold, but not the threads.
        self._turns: dict[tuple[int, int], _Turns] = {}

    def hold(self, timeout: float, *, of: object = "this lock") -> AbstractContextManager[None]:
        """Hold the lock for the length of a `with` block.

        :param timeout: how long entering may wait, in seconds; 0 or less = do not wait
        :param of: what is locked, for the error message
        :raises TimeoutError: on entering, when the lock was not obtained in time, or is held by this very thread
        """
        return cast("AbstractContextManager[None]", _Block(self._take_or_raise, self._give_back, timeout, of))

    def attempt(self, timeout: float) -> AbstractContextManager[bool]:
        """Hold the lock for the length of a `with` block if it can be had; ``as`` gives whether it was.

        Unlike `hold`, this leaves no doubt about where a TimeoutError comes from.

        :param timeout: how long entering may wait, in seconds; 0 or less = do not wait
        """
        return cast("AbstractContextManager[bool]", _Block(self._take, self._give_back, timeout))

    def is_held_here(self) -> bool:
        """Tell whether this very thread, or greenlet, holds the lock, so that waiting for it would be in vain."""
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
    """Return the id of this process and its generation: ids are used again, also for a process's own descendants."""
    return os.getpid(), len(_forks)


class _Turn:
    """One caller's turn at a lock: over when the caller says so, or when its `with` statement is gone.

    :ivar holder: a weak reference to what nothing but the `with` statement keeps alive; at first, to nothing
    :ivar following: the turn that took the lock when this one was over, and None once that can be forgotten
    :ivar waited: seconds
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
    """The turns that the threads of one process take at a lock, one after another, and the threads that wait for one.

    Nothing here needs a lock: a turn is taken by one `dict.setdefault`, which is atomic, and what an exception
    interrupts after that is put right by the next thread.
    """

    def __init__(self) -> None:
        self.latest = _Turn()
        self._waiting: deque[threading.Lock] = deque()

    def are_at(self, caller: tuple[int, int]) -> bool:
        """Tell whether it is this caller's turn."""
        latest = self.latest
        return latest.caller == caller and not latest.is_over()

    def take(self, turn: _Turn) -> bool:
        latest = self.latest
        while latest.is_over():
            following = latest.following.setdefault("turn", turn)
            if following is turn:
                self.latest = turn  # by the holder alone, so it never goes back
                latest.following["turn"] = None  # else one old turn, kept by a traceback, would keep all later ones
                return True
            latest = following or self.latest
        return False

    def wait(self, turn: _Turn, timeout: float) -> bool:
        """Take the turn as soon as it can be had, and tell whether it was in time."""
        bell, started, slept, pause = threading.Lock(), time.monotonic(), 0.0, FIRST_PAUSE
        bell.acquire()
        self._waiting.append(bell)  # before looking, so that no end of a turn is missed
        try:
            while not self.take(turn):
                # Both, because tools that freeze time in tests stop the clock, and a busy machine stretches pauses.
                turn.waited = max(time.monotonic() - started, slept)
                left = timeout - turn.waited
                if left <= 0:
                    return False
                if self.latest.caller[0] == turn.caller[0]:
                    # Another greenlet of this thread, which can go on only if this one lets it: by `time.sleep`, which
                    # gevent and eventlet replace.
                    time.sleep(min(left, pause))
                    slept += min(left, pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                elif bell.acquire(timeout=min(left, LOOK_AGAIN)):
                    self._waiting.appendleft(bell)  # a thread that did not wait may have been faster
                else:
                    slept += min(left, LOOK_AGAIN)
            return True
        finally:
            try:
                self._waiting.remove(bell)
            except ValueError:  # woken, but without need for it
                if self.latest is not turn:
                    self.wake_one()

    def wake_one(self) -> None:
        if self._waiting:
            with suppress(IndexError):  # the last one has just left
                self._waiting.popleft().release()


class _OwnMethod:
    """A special method that each object has its own of, and that does not keep the object alive."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, block: _Block | None, kind: type[_Block]) -> Any:
        return self if block is None else getattr(block, self._name)

    def __call__(self, block: _Block, *arguments: object) -> object:
        return getattr(block, self._name)(*arguments)  # as contextlib.ExitStack calls it


class _Block:
    """What a `with` statement enters and leaves.

    While its block runs, the statement keeps nothing but the `__exit__` that it will call. That one is the holder: it
    is in no local variable, so that no traceback keeps it alive, and it is gone when the statement is.
    """

    __enter__ = _OwnMethod("enter")
    __exit__ = _OwnMethod("leave")

    def __init__(self, enter: Callable[..., object], leave: Callable[..., None], *arguments: object) -> None:
        turn = _Turn()
        self.enter = partial(enter, turn, *arguments)
        self.leave = partial(leave, turn)
        turn.holder = weakref.ref(self.leave)


class SharedWork:
    """Work whose outcome is shared by all threads that ask for it while another thread is doing it.

    No thread gets an outcome that may be older than its question: what had begun before is done once more, and that
    time for all threads that have asked by then. Work that an exception interrupts is done by the next thread.

    :param failures: errors of the work itself, which are raised for all threads; any other one, like the time limit of
        the thread that does the work, is raised in that thread only
    """

    def __init__(self, failures: type[Exception]) -> None:
        self._lock = ThreadLock()
        self._failures = failures
        self._begun = 0
        # Which attempt ended last, and how; in one value, so that an interruption leaves it before or after.
        self._outcome: tuple[int, Exception | None] = 0, None

    def do(self, work: Callable[[], object], timeout: float) -> bool:
        """Do the work, or wait until another thread has; return False if that took too long.

        Work that asks for itself, in the same thread, is done again there and then.

        :param timeout: how long to wait for the other threads, in seconds
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
            # A copy, because the original keeps all that its traceback leads to.
            self._outcome = attempt, copy.copy(error)
            raise
        self._outcome = attempt, None


def _current_caller() -> tuple[int, int]:
    """Return what tells this thread, and within it this greenlet, from all others of the process."""
    # Greenlets are there only if another package has imported them; the one a thread begins with counts as the thread.
    getcurrent = getattr(sys.modules.get("greenlet"), "getcurrent", None)
    current = getcurrent() if getcurrent else None
    return threading.get_ident(), id(current) if current is not None and current.parent is not None else 0
