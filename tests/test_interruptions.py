"""What comes from outside is told from what a driver raises, and passed on."""

from __future__ import annotations

import ctypes
import functools
import signal
import sys
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
import requests
import urllib3

from requests_zohorecruit.interruptions import find_interruption, pass_interruption, suppress_errors
from requests_zohorecruit.secret import clear_frames
from requests_zohorecruit.socket_timer import SocketTimer


class TimeLimit(Exception):  # noqa: N818 - it has the name of Celery's
    """What a time limit raises."""


class WithMessage(Exception):  # noqa: N818 - as above
    """One that needs no arguments and has a text, as RQ's has in threads."""

    def __init__(self) -> None:
        super().__init__("Task exceeded maximum timeout value (180 seconds)")


def raise_limit(*_: object) -> NoReturn:
    raise TimeLimit("too long")


def raise_timeout(*_: object) -> NoReturn:
    raise TimeoutError("too long")


class Limits:
    """Handlers of the kinds that are no plain function."""

    def handle(self, number: int, frame: object) -> NoReturn:
        raise TimeLimit("too long")

    def __call__(self, number: int, frame: object) -> NoReturn:
        raise TimeLimit("too long")


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: object) -> object:
        return function(*args)

    return call


@decorated
def raise_decorated(*_: object) -> NoReturn:
    raise TimeLimit("too long")


@decorated
def work_decorated() -> NoReturn:
    raise OSError("the disk")


Install = Callable[[Any], None]


@pytest.fixture
def install() -> Iterator[Install]:
    before = signal.getsignal(signal.SIGTERM)
    yield lambda handler: void(signal.signal(signal.SIGTERM, handler))
    signal.signal(signal.SIGTERM, before)


def void(_: object) -> None:
    """Forget a result."""


def arrive() -> None:
    signal.raise_signal(signal.SIGTERM)


def catch(work: Callable[[], object]) -> BaseException:
    try:
        work()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    "handler",
    [
        raise_limit,
        raise_timeout,
        lambda *_: raise_limit(),
        Limits().handle,
        Limits(),
        functools.partial(raise_limit, "first"),
        functools.partial(functools.partial(Limits().handle), 14),
        raise_decorated,
    ],
)
def test_T71_a_signal_handlers_exception_is_known_by_a_frame_of_the_handler(handler: Any, install: Install) -> None:
    if isinstance(handler, functools.partial) and handler.args == (14,):
        handler = functools.partial(lambda call, _, frame: call(frame), handler)
    install(handler)
    error = catch(arrive)
    assert find_interruption(error) is error


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL, signal.default_int_handler, ctypes.c_int])
def test_handlers_without_a_frame_do_no_harm(handler: Any, install: Install) -> None:
    install(handler)
    assert find_interruption(catch(raise_timeout)) is None
    assert find_interruption(catch(lambda: signal.Signals(12345))) is None


def test_an_error_that_came_through_the_same_decorator_as_the_handler_is_no_handlers(install: Install) -> None:
    install(raise_decorated)
    assert find_interruption(catch(work_decorated)) is None


def test_an_exception_that_has_not_been_raised_came_from_nowhere() -> None:
    assert find_interruption(OSError()) is None


def test_T71_a_time_limit_that_a_store_sets_for_its_own_work_is_its_own_failure(install: Install) -> None:
    def save() -> None:
        before = signal.signal(signal.SIGTERM, raise_timeout)
        try:
            arrive()
        finally:
            signal.signal(signal.SIGTERM, before)

    install(raise_limit)
    assert find_interruption(catch(save)) is None


class DriverError(Exception):
    """A driver's way to say that something failed."""


def wrap_from() -> None:
    try:
        arrive()
    except Exception as cause:
        raise DriverError("broken") from cause


def wrap_in_context() -> None:
    try:
        arrive()
    except Exception:
        raise DriverError("broken") from None


def wrap_twice() -> None:
    try:
        wrap_in_context()
    except DriverError:
        try:
            raise KeyError("reason")
        except KeyError as reason:
            raise OSError("broken") from reason


def wrap_from_another() -> None:
    try:
        arrive()
    except Exception:
        raise DriverError("broken") from ValueError("never raised")


def wrap_with_traceback() -> None:
    try:
        arrive()
    except Exception as cause:
        raise DriverError("broken").with_traceback(cause.__traceback__) from cause


@pytest.mark.parametrize("handler", [raise_limit, raise_timeout])
@pytest.mark.parametrize("wrap", [wrap_with_traceback, wrap_from, wrap_in_context, wrap_twice, wrap_from_another])
def test_T71_an_exception_that_a_driver_has_wrapped_leaves_as_it_came(
    wrap: Callable[[], None], handler: Any, install: Install
) -> None:
    install(handler)
    error = catch(wrap)
    found = find_interruption(error)
    assert found is not error
    assert type(found) in (TimeLimit, TimeoutError)
    context, suppressed = found.__context__, found.__suppress_context__
    assert catch(lambda: pass_interruption(error)) is found
    assert (found.__context__, found.__suppress_context__) == (context, suppressed)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs exception groups")
def test_T71_one_in_a_group_is_found(install: Install) -> None:
    install(raise_limit)
    group = sys.modules["builtins"].ExceptionGroup  # type: ignore[attr-defined]
    limit = catch(arrive)

    def gather() -> None:
        raise group("tasks", [ValueError("other"), group("more", [limit])])

    assert find_interruption(catch(gather)) is limit
    others = DriverError()
    others.exceptions = ["text"]  # type: ignore[attr-defined]
    assert find_interruption(others) is None


def test_T71_what_the_caller_was_handling_already_is_not_raised_again(install: Install) -> None:
    install(raise_limit)

    def call() -> None:
        try:
            raise DriverError("a later error")
        except DriverError as error:
            assert find_interruption(error) is None
            pass_interruption(error)
            raise

    try:
        arrive()
    except TimeLimit:
        assert isinstance(catch(call), DriverError)


def test_T71_urllib3_and_requests_hide_a_handlers_timeout_and_it_is_found(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(raise_timeout)
    monkeypatch.setattr(urllib3.util.connection, "create_connection", lambda *_, **__: arrive())
    error = catch(lambda: requests.post("https://accounts.zoho.eu/", timeout=1))
    assert isinstance(error, requests.exceptions.ConnectTimeout)
    found = find_interruption(error)
    assert type(found) is TimeoutError
    assert str(found) == "too long"


def test_an_ordinary_error_of_requests_is_none_of_these(monkeypatch: pytest.MonkeyPatch, install: Install) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise TimeoutError("timed out")

    install(raise_timeout)
    monkeypatch.setattr(urllib3.util.connection, "create_connection", refuse)
    assert find_interruption(catch(lambda: requests.post("https://accounts.zoho.eu/", timeout=1))) is None


@pytest.mark.parametrize("kind", [TimeLimit, WithMessage, TimeoutError])
@pytest.mark.parametrize("wrapped", [False, True])
def test_T71_another_threads_exception_is_known_by_how_it_is_raised(kind: type[Exception], wrapped: bool) -> None:
    caught: list[Exception] = []
    begun = threading.Event()

    def work() -> None:
        begun.set()
        while True:
            time.sleep(0.0005)

    def driver() -> None:
        try:
            work()
        except Exception:
            if not wrapped:
                raise
            raise DriverError from None

    def run() -> None:
        try:
            driver()
        except Exception as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait(30)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(kind))
    thread.join(30)
    assert type(find_interruption(caught[0])) is kind
    assert (find_interruption(caught[0]) is caught[0]) is not wrapped


@pytest.mark.parametrize(
    "work",
    [
        lambda: {}["key"],
        lambda: next(iter(())),
        Path("/nowhere/at/all").stat,
        lambda: int("x"),
        lambda: urllib.error.HTTPError("", 500, "", None, None).unknown,  # type: ignore[arg-type]
        b"\xff".decode,
        raise_limit,
        raise_timeout,
    ],
)
def test_what_a_driver_raises_is_not_taken_for_another_threads(work: Callable[[], object]) -> None:
    assert find_interruption(catch(work)) is None


def test_T71_errors_are_suppressed_and_what_comes_from_outside_is_not(install: Install) -> None:
    install(raise_timeout)
    with suppress_errors(OSError):
        raise OSError("the disk")
    with pytest.raises(KeyError), suppress_errors(OSError):
        raise KeyError("other")
    with pytest.raises(TimeoutError, match="too long"), suppress_errors(OSError):
        arrive()


class Interrupted(Exception):  # noqa: N818 - no error
    """An exception that is interrupted when it is made without arguments."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)
        if not given:
            arrive()


def test_T71_an_interruption_while_another_is_looked_for_is_passed_on(install: Install) -> None:
    install(raise_limit)
    error = Interrupted("not by raise").with_traceback(catch(lambda: {}["key"]).__traceback__)
    with pytest.raises(TimeLimit):
        find_interruption(error)


def test_T71_an_interruption_while_frames_are_cleared_is_passed_on_whatever_its_class(install: Install) -> None:
    class Farewell:
        """Interrupts in ``frame.clear()``, which raises the same kind of error for a frame that runs."""

        def clear(self) -> None:
            arrive()

    def raise_runtime_error(*_: object) -> NoReturn:
        raise RuntimeError("too long")

    install(raise_runtime_error)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("requests_zohorecruit.secret.traceback", SimpleNamespace(walk_tb=lambda _: [(Farewell(), 0)]))
        with pytest.raises(RuntimeError, match="too long"):
            clear_frames(OSError())


def test_T71_an_interruption_while_a_timers_thread_starts_is_passed_on(install: Install) -> None:
    install(raise_limit)
    timer = SocketTimer(30)
    name = "_start_joinable_thread" if sys.version_info >= (3, 13) else "_start_new_thread"
    start = getattr(threading, name)

    def start_and_arrive(*given: object, **more: object) -> None:
        start(*given, **more)
        while timer._timer in threading._limbo:  # type: ignore[attr-defined]  # Python's own list of what is starting
            time.sleep(0)
        arrive()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, name, start_and_arrive)
        with pytest.raises(TimeLimit), timer:
            pass
    timer._timer.cancel()
