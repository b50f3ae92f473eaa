"""Interruptions: exceptions raised in a thread from outside, by a signal handler or by another thread.

Time limits work this way: those of Celery and RQ, or `signal.alarm` with a `TimeoutError`. They are not errors of the
code they interrupt, so error handlers in this library re-raise them. Knows nothing about stores, tokens or HTTP.
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
    """Re-raise the interruption unchanged, if `error` is one or was raised while handling one."""
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
    """Suppress exceptions of these kinds as `contextlib.suppress` does, but re-raise interruptions."""
    try:
        yield
    except kinds as error:
        pass_interruption(error)


def find_interruption(error: BaseException) -> BaseException | None:
    """Return the interruption behind `error`: `error` itself, or an exception that a driver wrapped. None if neither.

    A signal handler's exception is recognised by the frame of a handler that is still installed: a time limit that a
    store sets and clears around its work is the store's failure. Another thread's exception is recognised by the way
    ``PyThreadState_SetAsyncExc`` raises it. Compiled handlers without Python frames, and exceptions with arguments
    thrown into a greenlet, are not recognised.
    """
    handlers = {_find_code(handler) for handler in map(signal.getsignal, range(1, signal.NSIG)) if callable(handler)}
    found = None
    for each in walk_causes(error):
        if found and _find_origin(found) is not _find_origin(each):
            continue
        codes = {frame.f_code for frame, _ in traceback.walk_tb(each.__traceback__)}
        if not handlers.isdisjoint(codes) or _is_thrown(each):
            found = each  # keep looking: SQLAlchemy's errors share the traceback of the exception they wrap
    return found


def _find_code(handler: Callable[..., object]) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    # Unwrapped, because all functions that a decorator wraps share the wrapper's code object.
    function: Any = inspect.unwrap(handler)
    return getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)


def _is_thrown(error: BaseException) -> bool:
    """Return whether the exception was created without arguments and not raised by a ``raise`` statement."""
    last = _find_origin(error)
    if last is None or isinstance(error, StopIteration):
        return False
    if last.tb_lasti < 0 or last.tb_frame.f_code.co_code[last.tb_lasti] in _RAISING:
        return False
    try:
        return type(error)().args == error.args
    except Exception as unfit:  # noqa: BLE001 - a class that takes arguments
        pass_interruption(unfit)
        return False


def _find_origin(error: BaseException) -> TracebackType | None:
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return last


def walk_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception, and the causes, contexts and group members that led to it within this library.

    Exceptions that the caller was already handling are left out: their tracebacks begin in none of our frames.
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
