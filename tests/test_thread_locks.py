"""What threads share: a lock that cannot be left behind, and work that is done once for all of them."""

from __future__ import annotations

import copy
import ctypes
import gc
import itertools
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from helpers.engine_parts import true_in_a_child, wait_for
from helpers.thoroughness import choose

from requests_zohorecruit import thread_locks
from requests_zohorecruit.stores import CallbackStore, MemoryStore
from requests_zohorecruit.stores.file_lock import hold_lock_file
from requests_zohorecruit.thread_locks import SharedWork, ThreadLock

#: How many random interruptions and alarms there are; they have been 20,000 and 5,000.
INTERRUPTIONS = choose(150, 2000)
ALARMS = choose(300, 2000)


def is_free(lock: ThreadLock) -> bool:
    with lock.attempt(0) as obtained:
        return obtained


@contextmanager
def held_elsewhere(lock: ThreadLock) -> Iterator[Callable[[], None]]:
    """Hold the lock in another thread; gives a function that ends that earlier."""
    with ThreadPoolExecutor(1) as thread:
        hold = lock.hold(0)
        thread.submit(hold.__enter__).result()
        end = lambda: thread.submit(hold.__exit__, None, None, None).result()  # noqa: E731
        try:
            yield end
        finally:
            end()


class TestThreadLock:
    def test_it_excludes_and_is_given_back(self) -> None:
        lock = ThreadLock()
        with lock.hold(0):
            assert not is_free(lock)
            with lock.attempt(0.01) as obtained:
                assert not obtained
            assert not is_free(lock)
        with lock.attempt(0) as obtained:
            assert obtained
            assert not is_free(lock)
        assert is_free(lock)

    def test_threads_that_share_it_are_never_in_it_together(self) -> None:
        lock, inside, together, taken = ThreadLock(), [], [], []

        def work(number: int) -> None:
            for _ in range(200):
                with lock.hold(60):
                    inside.append(number)
                    time.sleep(0)
                    together.append(len(inside))
                    inside.pop()
                    taken.append(number)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))
        assert set(together) == {1}
        assert len(taken) == 1600

    def test_what_is_raised_in_the_block_leaves_it_and_the_lock_is_free(self) -> None:
        lock = ThreadLock()
        with pytest.raises(ZeroDivisionError), lock.hold(0):
            raise ZeroDivisionError
        assert is_free(lock)

    def test_its_error_says_what_is_held_by_which_process_and_how_long_it_has_really_waited(self) -> None:
        lock = ThreadLock()
        message = rf"^the jar is held by another thread of process {os.getpid()}; gave up after {{}} s\.$"
        with held_elsewhere(lock):
            for timeout, waited in ((-1, "0"), (0, "0"), (0.3, r"0\.[3-9]")):
                with pytest.raises(TimeoutError, match=message.format(waited)), lock.hold(timeout, of="the jar"):
                    pass
            with pytest.raises(TimeoutError, match="^this lock is held by another thread"), lock.hold(0):
                pass

    def test_a_clock_that_a_test_has_stopped_does_not_make_it_wait_for_ever(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lock = ThreadLock()
        with held_elsewhere(lock):
            monkeypatch.setattr(time, "monotonic", lambda: 1.0)
            with pytest.raises(TimeoutError, match=r"gave up after 0\.3 s"), lock.hold(0.3):
                pass

    def test_an_endless_timeout_is_possible(self) -> None:
        lock = ThreadLock()
        with held_elsewhere(lock) as end:
            threading.Timer(0.05, end).start()
            with lock.hold(float("inf")):
                pass

    def test_a_waiting_thread_goes_on_as_soon_as_the_lock_is_free(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(thread_locks, "LOOK_AGAIN", 60)
        lock, taken = ThreadLock(), threading.Event()

        def wait() -> None:
            with lock.hold(60):
                taken.set()

        with held_elsewhere(lock) as end:
            thread = threading.Thread(target=wait)
            thread.start()
            wait_for(lambda: len(lock._of_this_process()._waiting) == 1)
            end()
            assert taken.wait(30)
            thread.join(30)
        assert not lock._of_this_process()._waiting

    def test_a_thread_that_is_woken_and_finds_that_another_was_faster_is_woken_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(thread_locks, "LOOK_AGAIN", 60)
        lock, taken = ThreadLock(), threading.Event()
        turns = lock._of_this_process()

        def wait() -> None:
            with lock.hold(60):
                taken.set()

        with held_elsewhere(lock) as end:
            thread = threading.Thread(target=wait)
            thread.start()
            wait_for(lambda: len(turns._waiting) == 1)
            turns.wake_one()
            wait_for(lambda: len(turns._waiting) == 1)
            end()
            assert taken.wait(30)
            thread.join(30)

    def test_an_attempt_in_vain_wakes_no_thread(self) -> None:
        woken: list[str] = []
        lock = ThreadLock()
        with held_elsewhere(lock):
            bell: Any = SimpleNamespace(release=lambda: woken.append("next"))
            lock._of_this_process()._waiting.append(bell)
            assert not is_free(lock)
            assert not woken
        assert woken == ["next"]

    def test_a_busy_machine_does_not_make_it_wait_longer_than_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lock, seconds = ThreadLock(), itertools.count(0.0, 50.0)
        with held_elsewhere(lock):
            monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
            with pytest.raises(TimeoutError, match=r"gave up after 100 s"), lock.hold(60):
                pass

    def test_a_thread_that_is_woken_and_gives_up_wakes_the_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        woken: list[str] = []

        class Bell:
            """Wakes the thread just when its time is over."""

            def acquire(self, *, timeout: float = -1) -> bool:
                if timeout >= 0:
                    turns._waiting.remove(self)  # type: ignore[arg-type]
                    time.sleep(timeout)
                    raise KeyboardInterrupt
                return True

        lock = ThreadLock()
        turns = lock._of_this_process()
        with held_elsewhere(lock):
            turns._waiting.append(SimpleNamespace(release=lambda: woken.append("next")))  # type: ignore[arg-type]
            monkeypatch.setattr(thread_locks, "threading", SimpleNamespace(Lock=Bell, get_ident=threading.get_ident))
            with pytest.raises(KeyboardInterrupt), lock.hold(0.01):
                pass
            monkeypatch.undo()
            assert woken == ["next"]

    def test_64_waiting_threads_are_woken_one_by_one_and_not_all_for_each(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(thread_locks, "LOOK_AGAIN", 60)
        looks, take = itertools.count(), thread_locks._Turns.take

        def counted(turns: Any, turn: Any) -> bool:
            next(looks)
            return take(turns, turn)

        lock, done = ThreadLock(), []

        def work() -> None:
            with lock.hold(60):
                done.append(True)

        threads = [threading.Thread(target=work) for _ in range(64)]
        with held_elsewhere(lock) as end:
            monkeypatch.setattr(thread_locks._Turns, "take", counted)
            for thread in threads:
                thread.start()
            wait_for(lambda: len(lock._of_this_process()._waiting) == 64)
            started = time.monotonic()
            end()
            for thread in threads:
                thread.join(60)
        assert len(done) == 64
        assert time.monotonic() - started < 10
        assert next(looks) < 4 * 64

    def test_an_old_turn_that_a_traceback_keeps_does_not_keep_all_later_ones(self) -> None:
        def turns() -> int:
            return sum(isinstance(each, thread_locks._Turn) for each in gc.get_objects())

        lock = ThreadLock()
        kept, before = lock._of_this_process().latest, turns()
        for _ in range(100):
            with lock.hold(0):
                pass
        assert turns() < before + 10
        assert kept.is_over()

    def test_a_slow_thread_that_still_looks_at_an_old_turn_takes_nothing(self) -> None:
        lock = ThreadLock()
        turns = lock._of_this_process()
        old = turns.latest
        with lock.hold(0):
            latest = turns.latest
            # It saw the old turn when that was the latest, and finds out that it is over when another thread has it.
            turns.latest, old.holder = old, lambda: setattr(turns, "latest", latest)
            assert not turns.take(thread_locks._Turn())
        assert is_free(lock)

    def test_T25_it_knows_its_holder_and_lets_no_thread_wait_for_itself(self) -> None:
        lock = ThreadLock()
        assert not lock.is_held_here()
        with lock.hold(0):
            assert lock.is_held_here()
            with ThreadPoolExecutor(1) as thread:
                assert not thread.submit(lock.is_held_here).result()
            started = time.monotonic()
            message = f"is held by this very thread of process {os.getpid()}; it cannot wait for itself"
            with pytest.raises(TimeoutError, match=message), lock.hold(60):
                pass
            assert time.monotonic() - started < 10
            assert lock.is_held_here()
        assert not lock.is_held_here()

    def test_it_can_be_held_by_an_exit_stack_and_by_hand(self) -> None:
        lock = ThreadLock()
        with ExitStack() as stack:
            assert stack.enter_context(lock.attempt(0))
            assert not is_free(lock)
        assert is_free(lock)
        hold = lock.hold(0)
        assert isinstance(hold, AbstractContextManager)
        hold.__enter__()
        assert not is_free(lock)
        hold.__exit__(None, None, None)
        assert is_free(lock)

    def test_what_was_asked_for_by_hand_and_is_forgotten_is_free(self) -> None:
        lock = ThreadLock()
        hold = lock.hold(0)
        hold.__enter__()
        del hold
        assert is_free(lock)

    def test_a_hold_that_has_ended_cannot_be_used_again(self) -> None:
        lock = ThreadLock()
        hold = lock.hold(0)
        with hold:
            pass
        with pytest.raises(RuntimeError, match="ask the lock for another"), hold:
            pass
        assert is_free(lock)

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda lock: pickle.loads(pickle.dumps(lock))])
    def test_a_copy_is_free(self, copied: Callable[[ThreadLock], ThreadLock]) -> None:
        lock = ThreadLock()
        with lock.hold(0):
            other = copied(lock)
            assert other is not lock
            assert is_free(other)

    def test_T26_it_is_free_in_a_child_seen_by_its_process_id(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lock = ThreadLock()
        with held_elsewhere(lock), lock.attempt(0) as obtained:
            assert not obtained
            with monkeypatch.context() as child:  # what a child sees: the same objects under another process id
                child.setattr(os, "getpid", lambda: -1)
                assert is_free(lock)
            assert not is_free(lock)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
    def test_T26_it_is_free_in_a_child_forked_while_another_thread_held_it(self) -> None:
        lock = ThreadLock()
        with held_elsewhere(lock):
            assert true_in_a_child(lambda: is_free(lock))
            assert not is_free(lock)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_T26_a_child_forked_in_the_block_neither_holds_the_lock_nor_gives_it_back_for_the_parent(self) -> None:
        lock = ThreadLock()

        def leave() -> bool:
            held = lock.is_held_here()
            hold.__exit__(None, None, None)
            return not held and is_free(lock)

        hold = lock.hold(0)
        hold.__enter__()
        assert true_in_a_child(leave)
        assert lock.is_held_here()
        hold.__exit__(None, None, None)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
    def test_a_process_with_a_recycled_id_does_not_inherit_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lock, before = ThreadLock(), os.getpid()
        with held_elsewhere(lock):
            monkeypatch.setattr(os, "getpid", lambda: before)  # in the child, too
            assert true_in_a_child(lambda: os.getpid() == before and is_free(lock))


class TimeLimit(Exception):  # noqa: N818 - it has the name of Celery's
    """What comes from outside: a signal handler's exception, or another thread's."""


def send_time_limit(thread: threading.Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeLimit))


class Things:
    """What has a lock, and the ways through it; `another` holds one of them from outside, until it is waited for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lock, self.shared = ThreadLock(), SharedWork(OSError)
        self.memory, self.callback = MemoryStore(), CallbackStore(lambda _: None)
        self.locks = [self.lock, self.shared._lock, self.memory._lock, self.callback._own_lock]
        self.another = self.lock.hold(0)
        self.monkeypatch = monkeypatch

    def end_another(self) -> None:
        self.another.__exit__(None, None, None)

    def let_another_hold(self, *, ring: bool) -> None:
        """Hold the lock until another thread waits for it; then end, or let its time pass."""
        waits = itertools.count()

        class Bell:
            def acquire(bell, *, timeout: float = -1) -> bool:  # noqa: N805
                if timeout < 0:
                    return True
                if not ring:
                    return False
                if next(waits) == 0:  # in vain, since a third thread was faster
                    things.lock._of_this_process()._waiting.remove(bell)  # type: ignore[arg-type]
                    return True
                things.end_another()
                return True

            def release(bell) -> None:  # noqa: N805
                pass

        things = self
        parts = SimpleNamespace(Lock=Bell, get_ident=lambda: 1)
        self.monkeypatch.setattr(thread_locks, "threading", parts)
        self.another.__enter__()
        parts.get_ident = lambda: 2

    def let_a_neighbour_hold(self) -> None:
        """Let another greenlet of the same thread hold the lock until that thread sleeps."""
        self.monkeypatch.setattr(thread_locks, "threading", SimpleNamespace(Lock=threading.Lock, get_ident=lambda: 1))
        fake = SimpleNamespace(getcurrent=lambda: SimpleNamespace(parent=None))
        self.monkeypatch.setitem(sys.modules, "greenlet", fake)
        self.another.__enter__()
        waiting = SimpleNamespace(parent=fake)
        fake.getcurrent = lambda: waiting
        naps = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: self.end_another())
        self.monkeypatch.setattr(thread_locks, "time", naps)


def hold(things: Things) -> None:
    with things.lock.hold(5):
        pass


def hold_after_another(things: Things) -> None:
    with things.lock.hold(0):
        pass
    with things.lock.hold(0):
        pass


def attempt(things: Things) -> None:
    with things.lock.attempt(0) as obtained:
        assert obtained


def fail_in_the_block(things: Things) -> None:
    try:
        with things.lock.hold(0):
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass


def wait(things: Things) -> None:
    things.let_another_hold(ring=True)
    with things.lock.hold(5):
        pass


def wait_in_vain(things: Things) -> None:
    things.let_another_hold(ring=False)
    with things.lock.attempt(0.3) as obtained:
        assert not obtained


def wait_for_a_neighbour(things: Things) -> None:
    things.let_a_neighbour_hold()
    with things.lock.hold(5):
        pass


def share_work(things: Things) -> None:
    assert things.shared.do(list, 5)


def share_work_that_fails(things: Things) -> None:
    with suppress(OSError):
        things.shared.do(Path("/nowhere/at/all").stat, 5)


def use_the_memory_store(things: Things) -> None:
    with things.memory.lock(5):
        pass


def use_the_callback_store(things: Things) -> None:
    with things.callback.lock(5):
        pass


WAYS = [
    hold, hold_after_another, attempt, fail_in_the_block, wait, wait_in_vain, wait_for_a_neighbour,
    share_work, share_work_that_fails, use_the_memory_store, use_the_callback_store,
]  # fmt: skip


def interrupt(way: Callable[[Things], None], things: Things, number: int) -> TimeLimit | None:
    """Go that way in a thread that is interrupted before its n-th instruction; return the error, None = it was shorter.

    What counts are the instructions of the module, of contextlib, and of the way itself. The error has its traceback,
    and with it all local variables, since error reporters and test runners keep them, too.
    """
    left, errors = 0, []
    files = {thread_locks.__file__, contextmanager.__code__.co_filename}

    def begin(frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code.co_filename in files or frame.f_code is way.__code__:  # type: ignore[attr-defined]
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            return proceed
        return None

    def proceed(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal left
        if event == "opcode":
            left -= 1
            if left == 0:
                raise TimeLimit
        return proceed

    def run() -> None:
        nonlocal left
        before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # or Python 3.12 would not begin with it
        sys.settrace(begin)
        try:
            way(Things(things.monkeypatch))  # Python 3.13 sees the instructions of a function from the second call on
            left = number
            way(things)
        except TimeLimit as error:
            errors.append(error)
        finally:
            sys.settrace(before)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return errors[0] if errors else None


def attempt_with_patience(things: Things) -> None:
    with things.lock.attempt(60) as obtained:
        assert obtained


def interrupt_together(work: Callable[[], None], count: int) -> list[TimeLimit]:
    """Work again and again in so many threads, each until it is interrupted; return the errors with their tracebacks."""
    errors: list[TimeLimit] = []
    begun: list[bool] = []  # not an Event or a Semaphore, which an interruption can break
    go: list[bool] = []

    def run() -> None:
        try:
            begun.append(True)
            while not go:
                time.sleep(0.0005)
            while True:
                work()
        except TimeLimit as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    while len(begun) < count:
        time.sleep(0.0005)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    gc.disable()  # its callbacks would swallow interruptions
    go.append(True)
    try:
        for thread in threads:
            time.sleep(random.random() * 3e-4)
            send_time_limit(thread)
        for thread in threads:
            thread.join(1)
            # CPython may forget one of two interruptions until another thread wants to run.
            wait_for(lambda thread=thread: not thread.is_alive())
    finally:
        sys.setswitchinterval(interval)
        gc.enable()
    assert len(errors) == count
    return errors


class TestInterruptions:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.thorough(one_in=6)
    def test_T70_wherever_an_exception_arrives_the_lock_is_free_as_soon_as_its_taker_is_gone(
        self, way: Callable[[Things], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in itertools.count(1):
            with monkeypatch.context() as context:
                things = Things(context)
                error = interrupt(way, things, number)
            things.end_another()
            assert [is_free(lock) for lock in things.locks] == [True] * 4, number
            assert things.shared.do(list, 0)
            if error is None:
                break
        assert number > 50  # else nothing was traced

    def test_T70_no_random_interruption_of_threads_leaves_a_lock_behind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(thread_locks, "LOOK_AGAIN", 0.005)
        things, interrupted, left_behind = Things(monkeypatch), 0, 0
        ways = [hold, attempt_with_patience, share_work, use_the_memory_store, use_the_callback_store]

        def go_all_ways() -> None:
            for way in random.sample(ways, len(ways)):
                way(things)

        while interrupted < INTERRUPTIONS:
            errors = interrupt_together(go_all_ways, 5)
            left_behind += sum(not is_free(lock) for lock in things.locks)
            interrupted += len(errors)
        assert left_behind == 0

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
    def test_T70_no_random_alarm_leaves_a_lock_behind(self) -> None:
        command = [sys.executable, "-c", ALARMING, str(ALARMS)]
        child = subprocess.run(command, capture_output=True, text=True, timeout=30 + ALARMS / 50, check=False)
        assert child.stdout.split() == [str(ALARMS), "0"], child.stderr

    def test_T70_a_time_limit_reaches_a_thread_that_waits_and_the_lock_works_afterwards(self) -> None:
        lock, errors, waiting = ThreadLock(), [], threading.Event()

        def wait() -> None:
            try:
                waiting.set()
                with lock.hold(60):
                    pass
            except TimeLimit as error:
                errors.append(error)

        with held_elsewhere(lock):
            thread = threading.Thread(target=wait)
            thread.start()
            wait_for(lambda: lock._of_this_process()._waiting)
            started = time.monotonic()
            send_time_limit(thread)
            thread.join(30)
            assert time.monotonic() - started < 10
        assert len(errors) == 1
        assert is_free(lock)
        assert not lock._of_this_process()._waiting

    def test_T70_a_thread_that_waits_finds_out_when_the_holder_is_gone_without_a_word(self) -> None:
        lock = ThreadLock()
        hold = [lock.hold(0)]
        hold[0].__enter__()
        threading.Timer(0.05, hold.clear).start()

        def wait() -> float:
            started = time.monotonic()
            with lock.hold(60):
                return time.monotonic() - started

        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(wait).result() < 10


#: Alarms that go off anywhere while locks are used. Prints how many there were, and how many locks they left behind.
ALARMING = """
import random, signal, sys
from requests_zohorecruit.stores import CallbackStore, MemoryStore
from requests_zohorecruit.thread_locks import SharedWork, ThreadLock

class Alarm(Exception):
    pass

def go_off(number, frame):
    raise Alarm

signal.signal(signal.SIGALRM, go_off)
lock, shared, memory, callback = ThreadLock(), SharedWork(OSError), MemoryStore(), CallbackStore(lambda _: None)
alarms = left_behind = 0
while alarms < int(sys.argv[1]):
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-5 + random.random() * 2e-4, 5)
        while True:
            with lock.hold(0):
                pass
            with memory.lock(0):
                pass
            with callback.lock(0):
                pass
            shared.do(list, 0)
    except Alarm as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        alarms += 1
        kept = error
        for each in lock, shared._lock, memory._lock, callback._own_lock:
            with each.attempt(0) as obtained:
                left_behind += not obtained
print(alarms, left_behind)
"""


class TestGreenlets:
    @pytest.mark.parametrize("library", ["gevent", "eventlet"])
    @pytest.mark.parametrize("thread", [False, True])
    @pytest.mark.thorough(one_in=2)
    def test_T94_a_greenlet_is_told_from_its_neighbour_and_waits_for_it(self, library: str, thread: bool) -> None:
        if find_spec(library) is None:  # not imported here, because eventlet warns of every fork from then on
            pytest.skip(f"needs {library}")
        command = [sys.executable, "-W", "ignore", "-c", GREEN[library] + GREENLETS, str(thread)]
        child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (child.stdout.splitlines(), child.stderr) == (["20 in turn", "1 work", "knows itself", "in vain"], "")

    def test_T94_a_neighbour_that_ends_is_noticed_within_the_longest_pause(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        naps: list[float] = []
        things = Things(monkeypatch)
        things.let_a_neighbour_hold()

        def nap(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 10:
                things.end_another()

        monkeypatch.setattr(thread_locks.time, "sleep", nap)
        with things.lock.hold(60):
            pass
        assert naps == [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.05, 0.05, 0.05]

    def test_T94_a_neighbour_is_waited_for_no_longer_than_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        naps: list[float] = []
        things = Things(monkeypatch)
        things.let_a_neighbour_hold()
        monkeypatch.setattr(thread_locks.time, "sleep", naps.append)
        monkeypatch.setattr(thread_locks.time, "monotonic", lambda: 1.0)
        with things.lock.attempt(0.01) as obtained:
            assert not obtained
        assert naps == pytest.approx([0.001, 0.002, 0.004, 0.003])

    def test_T25_the_holder_is_known_when_greenlet_is_imported_only_then(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lock = ThreadLock()
        monkeypatch.delitem(sys.modules, "greenlet", raising=False)
        with lock.hold(0):
            main = SimpleNamespace(parent=None)
            monkeypatch.setitem(sys.modules, "greenlet", SimpleNamespace(getcurrent=lambda: main))
            assert lock.is_held_here()
            monkeypatch.setitem(sys.modules, "greenlet", SimpleNamespace())  # still being imported
            assert lock.is_held_here()
            another = SimpleNamespace(parent=main)
            monkeypatch.setitem(sys.modules, "greenlet", SimpleNamespace(getcurrent=lambda: another))
            assert not lock.is_held_here()


GREEN = {
    "gevent": """
import sys, gevent, gevent.monkey
gevent.monkey.patch_all(thread=sys.argv[1] == "True")
def run(tasks):
    gevent.joinall([gevent.spawn(task) for task in tasks], raise_error=True)
""",
    "eventlet": """
import sys, eventlet
eventlet.monkey_patch(**({} if sys.argv[1] == "True" else {"thread": False}))
def run(tasks):
    for each in [eventlet.spawn(task) for task in tasks]:
        each.wait()
""",
}
GREENLETS = """
import time
from requests_zohorecruit.thread_locks import SharedWork, ThreadLock

lock, shared, inside, together, known, works = ThreadLock(), SharedWork(OSError), [], [], [], []

def enter():
    with lock.hold(30):
        inside.append(True)
        time.sleep(0.001)
        together.append(len(inside))
        known.append(lock.is_held_here())
        inside.pop()

run([enter] * 20)
if together == [1] * 20:
    print(len(together), "in turn")

def work():
    works.append(True)
    time.sleep(0.1)

def ask():
    assert shared.do(work, 30)

run([ask] * 20)
print(len(works) - 1, "work")  # and the one that had begun before the others asked

if known == [True] * 20:
    print("knows itself")

def wait():
    with lock.attempt(0.1) as obtained:
        print("obtained" if obtained else "in vain")

def hold():
    with lock.hold(0):
        time.sleep(0.5)

run([hold, wait])
"""


class Crowd:
    """Threads that ask for the same work: one is at it, and the others have asked before it may end."""

    def __init__(self, shared: SharedWork, others: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done = 0
        self.outcomes: list[Exception | None] = []
        self._shared, self._others = shared, others
        self._begun, self._asked, self._go_on = threading.Event(), threading.Semaphore(0), threading.Event()
        attempt = shared._lock.attempt

        def noted(timeout: float) -> object:
            self._asked.release()  # what was there when it asked is known by now
            return attempt(timeout)

        monkeypatch.setattr(shared._lock, "attempt", noted)

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
    crowd = Crowd(SharedWork(OSError), 7, monkeypatch)
    crowd.ask(lambda: None)
    assert (crowd.done, crowd.outcomes) == (2, [None] * 8)


def test_what_it_raises_is_raised_for_all_who_shared_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(28, "disk full")

    crowd = Crowd(SharedWork(OSError), 7, monkeypatch)
    crowd.ask(fail)
    assert crowd.done == 2
    assert [(type(error), str(error)) for error in crowd.outcomes] == [(OSError, "[Errno 28] disk full")] * 8
    assert len({id(error) for error in crowd.outcomes}) == 8


def test_one_after_the_other_each_has_it_done() -> None:
    shared, done = SharedWork(OSError), []
    for number in range(3):
        assert shared.do(lambda number=number: done.append(number), 0)  # type: ignore[misc]
    assert done == [0, 1, 2]


def test_a_failure_is_not_remembered_for_threads_that_ask_later() -> None:
    shared, done = SharedWork(OSError), []
    with pytest.raises(FileNotFoundError):
        shared.do(Path("/nowhere/at/all").stat, 0)
    shared.do(lambda: done.append("well"), 0)
    assert done == ["well"]


def test_T70_what_interrupts_the_thread_that_works_is_raised_there_only_and_the_next_thread_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd, works = Crowd(SharedWork(OSError), 7, monkeypatch), itertools.count()

    def work() -> None:
        if next(works) < 2:
            raise TimeLimit

    crowd.ask(work)
    assert crowd.done == 3
    assert sorted(repr(error) for error in crowd.outcomes) == ["None"] * 6 + ["TimeLimit()"] * 2


def test_no_thread_waits_for_the_others_longer_than_said() -> None:
    shared, done = SharedWork(OSError), []
    with held_elsewhere(shared._lock):
        assert not shared.do(lambda: done.append("in vain"), 0.01)
    assert not done


def test_T71_a_timeout_of_the_work_itself_is_not_taken_for_one_of_waiting() -> None:
    def work() -> None:
        raise TimeoutError("of a signal handler")

    with pytest.raises(TimeoutError, match="of a signal handler"):
        SharedWork(ConnectionError).do(work, 0)


def test_T25_work_that_asks_for_itself_does_not_wait_for_itself() -> None:
    shared, done = SharedWork(OSError), []

    def again() -> None:
        shared.do(lambda: done.append("inner"), 30)
        done.append("outer")

    shared.do(again, 30)
    assert done == ["inner", "outer"]


def test_T26_a_child_forked_while_a_thread_was_at_it_does_it_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, done = SharedWork(OSError), []

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
    with hold_lock_file(tmp_path / "token.json.lock", "the store", timeout):
        assert asked == [waited]
