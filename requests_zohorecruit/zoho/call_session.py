"""The session for a single token call: a copy of the user's settings and adapters, which sends one POST only.

Calls go through the session's public `send`, so that mocks, recorders and instrumentation see token calls.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from functools import cache
from types import MethodType
from typing import Any, cast

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.util import Retry

from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.zoho.deadline import Deadline

__all__ = ["PlainSession", "copy_session", "make_call_session"]

#: requests' own class, even while requests-cache's ``install_cache()`` has replaced it: no cache may see a token.
PlainSession: type[requests.Session] = next(
    kind for kind in requests.Session.__mro__ if kind.__module__ == "requests.sessions"
)

#: Attributes that `send` of the copied session must not see.
_LEFT_OUT = ("auth", "cookies", "headers", "hooks", "params")


class _Retries(Retry):
    """Retries of urllib3, except after an interruption by a time limit, which urllib3 takes for a timeout (T71)."""

    def increment(self, *args: Any, **kwargs: Any) -> Retry:  # type: ignore[override]
        """Return the remaining retries, or raise the error that ends them."""
        if kwargs.get("error"):
            pass_interruption(kwargs["error"])
        return super().increment(*args, **kwargs)


#: Only connecting is retried, with up to three attempts: nothing has been sent yet. Retrying anything else is unsafe.
_RETRIES = _Retries(2, read=False, redirect=False, status=False, other=False)


def make_call_session(session: requests.Session | None, deadline: Deadline) -> requests.Session:
    """Return the session for one token call.

    :param session: the session whose class, settings and adapters to use; None = requests' defaults
    """
    twin = copy_session(PlainSession() if session is None else session)
    twin.adapters = OrderedDict((prefix, _guard(adapter, deadline)) for prefix, adapter in twin.adapters.items())
    return twin


def copy_session(session: requests.Session) -> requests.Session:
    """Return a session of the same class with the same settings, but without anything it would add to a request."""
    twin, blank = object.__new__(type(session)), PlainSession()
    for name, value in vars(session).items():
        # Mocks for a single session set bound methods on it.
        is_bound = isinstance(value, MethodType) and value.__self__ is session
        setattr(twin, name, MethodType(value.__func__, twin) if is_bound else value)
    for name in _LEFT_OUT:
        setattr(twin, name, getattr(blank, name))
    # Even when redirects are not followed, `send` looks for one and reads its whole body, however large.
    vars(twin)["get_redirect_target"] = lambda _: None
    return twin


def _guard(adapter: BaseAdapter, deadline: Deadline) -> BaseAdapter:
    if not isinstance(adapter, HTTPAdapter):
        return adapter  # it connects in its own way, which is unknown here
    kind: Any = type(adapter)
    guarded: Any = object.__new__(_add_guard(kind))
    # Both share one state, because adapters record and count calls.
    guarded.__dict__ = adapter.__dict__
    guarded.deadline = deadline
    return cast("BaseAdapter", guarded)


@cache
def _add_guard(kind: Any) -> Any:
    """Return a subclass of the adapter's class that sends each request only once and enforces a deadline."""

    class Guarded(kind):  # type: ignore[misc]  # the user's
        __slots__ = ("deadline",)  # outside the __dict__ shared with the adapter

        @property
        def max_retries(self) -> Retry:
            return _RETRIES

        @max_retries.setter
        def max_retries(self, _: object) -> None:
            """Ignore the value: a second POST could be a second mint."""

        def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
            return _copy_pool(super().get_connection_with_tls_context(*args, **kwargs), self.deadline)

    return Guarded


def _copy_pool(pool: Any, deadline: Deadline) -> Any:
    """Return a pool with the same settings but new connections: old ones are useless for one token an hour."""
    if not isinstance(pool, HTTPConnectionPool):
        return pool
    own, kind = copy.copy(pool), pool.ConnectionCls

    class Watched(kind):  # type: ignore[misc, valid-type]  # a class, because vcrpy uses isinstance
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            deadline.watch(self)

    own.ConnectionCls = Watched
    own.pool, own.block = own.QueueCls(1), False
    deadline.at_end(own.close)
    return own
