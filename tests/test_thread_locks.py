"""What threads share: a lock that must survive forking and pickling, and work that is done once for all of them."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from requests_zohorecruit.stores.file_lock import LockFile
from requests_zohorecruit.thread_locks import ForkSafeLock, OnceForAll


def test_it_excludes_and_is_released() -> None:
    lock = ForkSafeLock()
    assert lock.acquire(0)
    assert not lock.acquire(0)
    assert not lock.acquire(0.01)
    lock.release()
    assert lock.acquire()
    lock.release()


def test_holding_it_says_what_is_held_and_how_long_it_waited() -> None:
    lock = ForkSafeLock()
    with lock.hold(5), pytest.raises(TimeoutError, match=rf"^the jar is held .* {os.getpid()}; gave up after -1 s"):
        lock.hold(-1, of="the jar").__enter__()
    assert lock.acquire(0)


def test_it_waits_as_long_as_it_is_told_and_without_a_timeout_as_long_as_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock, waits = ForkSafeLock(), []

    class Patient:
        def acquire(self, *, blocking: bool = True, timeout: float = -1) -> bool:
            waits.append(timeout if blocking else 0)
            return True

        def release(self) -> None:
            pass

    monkeypatch.setattr(threading, "Lock", Patient)
    assert lock.acquire()
    assert lock.acquire(1)
    assert lock.acquire(float("inf"))
    with lock.hold(0), lock.hold(-5), lock.hold(5):
        pass
    assert waits == [-1, 1, threading.TIMEOUT_MAX, 0, 0, 5]


def test_an_endless_timeout_is_possible() -> None:
    with ForkSafeLock().hold(float("inf")):
        pass


def test_releasing_what_nobody_holds_is_an_error() -> None:
    lock = ForkSafeLock()
    lock.acquire()
    lock.release()
    with pytest.raises(RuntimeError):
        lock.release()


def test_a_pickled_copy_is_free() -> None:
    lock = ForkSafeLock()
    with lock.hold(0):
        assert pickle.loads(pickle.dumps(lock)).acquire(0)


def test_T26_it_is_free_in_a_child_forked_while_another_thread_held_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, taken, enough = ForkSafeLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock.hold(5):
            taken.set()
            enough.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(30)
    with monkeypatch.context() as child:  # what a child sees: the same objects under another process id
        child.setattr(os, "getpid", lambda: -1)
        assert lock.acquire(0)
        lock.release()
    assert not lock.acquire(0)
    enough.set()
    thread.join(30)


def test_a_child_forked_by_the_holder_does_not_release_what_the_parent_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = ForkSafeLock()
    with lock.hold(0):
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            lock.release()
        assert not lock.acquire(0)


class Crowd:
    """Threads that ask for the same work: one is at it, and the others have asked before it may end."""

    def __init__(self, shared: OnceForAll, others: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done = 0
        self.outcomes: list[Exception | None] = []
        self._shared, self._others = shared, others
        self._begun, self._asked, self._go_on = threading.Event(), threading.Semaphore(0), threading.Event()
        hold = shared._lock.hold

        def noted(timeout: float) -> object:
            self._asked.release()  # what was there when it asked is known by now
            return hold(timeout)

        monkeypatch.setattr(shared._lock, "hold", noted)

    def ask(self, work: Callable[[], object]) -> None:
        def counted() -> None:
            self.done += 1
            self._begun.set()
            assert self._go_on.wait(30)
            work()

        def asking() -> None:
            try:
                self._shared.do(counted, 30)
            except Exception as error:
                self.outcomes.append(error)
            else:
                self.outcomes.append(None)

        threads = [threading.Thread(target=asking) for _ in range(1 + self._others)]
        threads[0].start()
        assert self._begun.wait(30)
        for thread in threads[1:]:
            thread.start()
        for _ in threads:
            assert self._asked.acquire(timeout=30)
        self._go_on.set()
        for thread in threads:
            thread.join(30)


def test_what_many_ask_for_while_it_is_being_done_is_done_once_more_for_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(OnceForAll(), 7, monkeypatch)
    crowd.ask(lambda: None)
    assert (crowd.done, crowd.outcomes) == (2, [None] * 8)


def test_what_it_raises_is_raised_for_all_who_shared_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(28, "disk full")

    crowd = Crowd(OnceForAll(), 7, monkeypatch)
    crowd.ask(fail)
    assert crowd.done == 2
    assert [(type(error), str(error)) for error in crowd.outcomes] == [(OSError, "[Errno 28] disk full")] * 8
    assert len({id(error) for error in crowd.outcomes}) == 8


def test_one_after_the_other_each_has_it_done() -> None:
    shared, done = OnceForAll(), []
    for number in range(3):
        shared.do(lambda number=number: done.append(number), 0)  # type: ignore[misc]
    assert done == [0, 1, 2]


def test_a_failure_is_not_remembered_for_those_who_ask_later() -> None:
    shared, done = OnceForAll(), []
    with pytest.raises(ZeroDivisionError):
        shared.do(lambda: 1 / 0, 0)
    shared.do(lambda: done.append("well"), 0)
    assert done == ["well"]


def test_nobody_waits_for_the_others_longer_than_said() -> None:
    shared = OnceForAll()
    with shared._lock.hold(0), pytest.raises(TimeoutError):
        shared.do(lambda: None, 0.01)


def test_T25_work_that_asks_for_itself_does_not_wait_for_itself() -> None:
    shared, done = OnceForAll(), []

    def again() -> None:
        shared.do(lambda: done.append("inner"), 30)
        done.append("outer")

    shared.do(again, 30)
    assert done == ["inner", "outer"]


def test_T26_a_child_forked_while_a_thread_was_at_it_does_it_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, done = OnceForAll(), []

    def forking() -> None:
        with monkeypatch.context() as child:  # what a child sees: the same objects under another process id
            child.setattr(os, "getpid", lambda: -1)
            shared.do(lambda: done.append("child"), 0)

    shared.do(forking, 0)
    assert done == ["child"]


@pytest.mark.parametrize(("timeout", "waited"), [(-1, 0.0), (0, 0.0), (0.5, 0.5), (60, 60)])
def test_a_lock_file_is_waited_for_as_long_as_was_said(
    timeout: float, waited: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import filelock

    asked: list[float] = []
    monkeypatch.setattr(filelock.FileLock, "acquire", lambda _, seconds: asked.append(seconds))
    with LockFile(tmp_path / "token.json.lock", "the store").hold(timeout):
        assert asked == [waited]
