"""Exceptions that come from outside, in the middle of whatever a thread is doing: a signal handler's, another thread's.

Time limits arrive like that: Celery's, RQ's, `signal.alarm` with a `TimeoutError`. They are no error of the code where
they arrive, so whatever catches errors here passes them on. Knows nothing of stores, tokens or HTTP.
"""

from __future__ import annotations

import functools
import inspect
import opcode
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, TracebackType
from typing import Any

__all__ = ["find_interruption", "pass_interruption", "suppress_errors", "walk_causes"]

_RAISING = {opcode.opmap["RAISE_VARARGS"], opcode.opmap["RERAISE"]}


def pass_interruption(error: BaseException) -> None:
    """Raise what came from outside, as it came, if that is what `error` is or was raised in answer to."""
    found = find_interruption(error)
    if found is None:
        return
    context = found.__context__
    try:
        raise found
    finally:
        found.__context__ = context


@contextmanager
def suppress_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Suppress exceptions of these kinds as `contextlib.suppress` does, but for what came from outside."""
    try:
        yield
    except kinds as error:
        pass_interruption(error)


def find_interruption(error: BaseException) -> BaseException | None:
    """Return the exception that came from outside, which may be `error` itself or what a driver raised it in answer to.

    A signal handler's is known by a frame of the handler, which must still be installed: a time limit that a store's
    own code sets and ends around its work is that store's failure. Another thread's is known by how
    ``PyThreadState_SetAsyncExc`` raises it. Not recognised are handlers without Python frames (compiled ones), and
    exceptions with arguments that are thrown into a greenlet.
    """
    handlers = {_find_code(handler) for handler in map(signal.getsignal, range(1, signal.NSIG)) if callable(handler)}
    found = None
    for each in walk_causes(error):
        if found and _find_origin(found) is not _find_origin(each):
            continue
        codes = {frame.f_code for frame, _ in traceback.walk_tb(each.__traceback__)}
        if not handlers.isdisjoint(codes) or _is_thrown(each):
            found = each  # or what it wraps: SQLAlchemy's errors carry the traceback of that
    return found


def _find_code(handler: Callable[..., object]) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    # That of what a decorator wraps, because the code of a wrapper is shared by all that it decorates.
    function: Any = inspect.unwrap(handler)
    return getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)


def _is_thrown(error: BaseException) -> bool:
    """Tell whether the exception was made from its class alone and raised by no ``raise``."""
    last = _find_origin(error)
    if last is None or isinstance(error, StopIteration):
        return False
    if last.tb_lasti < 0 or last.tb_frame.f_code.co_code[last.tb_lasti] in _RAISING:
        return False
    try:
        return type(error)().args == error.args
    except Exception:  # noqa: BLE001 - a class that takes arguments
        return False


def _find_origin(error: BaseException) -> TracebackType | None:
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return last


def walk_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception, and those in answer to which it was raised since the caller of all this began.

    What the caller itself was handling at the time is not among them: its traceback begins in none of our frames.
    """
    ours, waiting, seen = set(), [error], set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        ours |= {frame for frame, _ in traceback.walk_tb(each.__traceback__)}
        former = (each.__context__, each.__cause__)
        waiting += [cause for cause in former if cause and cause.__traceback__ and cause.__traceback__.tb_frame in ours]
        waiting += [part for part in getattr(each, "exceptions", ()) if isinstance(part, BaseException)]
