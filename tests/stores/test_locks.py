"""The lock between threads, which must survive forking and pickling."""

from __future__ import annotations

import os
import pickle
import threading

import pytest

from requests_zohorecruit.locks import ForkSafeLock


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
