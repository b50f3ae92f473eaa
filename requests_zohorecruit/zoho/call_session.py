"""The session that one token call goes through: another's settings and adapters, nothing else of it, and one post.

It is the public `send` of a session that is called, so that mocks, recorders and instrumentation see token calls.
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

#: requests' own class, also while requests-cache's ``install_cache()`` has put another in its place: no cache may get
#: to see a token.
PlainSession: type[requests.Session] = next(
    kind for kind in requests.Session.__mro__ if kind.__module__ == "requests.sessions"
)

#: What `send` of a session, or of a class derived from it, must not find.
_LEFT_OUT = ("auth", "cookies", "headers", "hooks", "params")


class _Retries(Retry):
    """Retries of urllib3, but not after a time limit that it took for a connection's (T71)."""

    def increment(self, *args: Any, **kwargs: Any) -> Retry:  # type: ignore[override]
        """Return what is left of the retries, or raise what ends them."""
        if kwargs.get("error"):
            pass_interruption(kwargs["error"])
        return super().increment(*args, **kwargs)


#: A connection that was never made has sent nothing, so trying again is safe: up to three times. Nothing else is.
_RETRIES = _Retries(2, read=False, redirect=False, status=False, other=False)


def make_call_session(session: requests.Session | None, deadline: Deadline) -> requests.Session:
    """Return the session for one token call.

    :param session: whose class, settings and adapters to use; None = requests' own
    """
    twin = copy_session(PlainSession() if session is None else session)
    twin.adapters = OrderedDict((prefix, _guard(adapter, deadline)) for prefix, adapter in twin.adapters.items())
    return twin


def copy_session(session: requests.Session) -> requests.Session:
    """Return another session of the same class with the same settings, but without what it would add to a request."""
    twin, blank = object.__new__(type(session)), PlainSession()
    for name, value in vars(session).items():
        # A mock for a single session leaves such methods in it.
        is_bound = isinstance(value, MethodType) and value.__self__ is session
        setattr(twin, name, MethodType(value.__func__, twin) if is_bound else value)
    for name in _LEFT_OUT:
        setattr(twin, name, getattr(blank, name))
    # `send` looks for one even where none is followed, and reads the whole body of a redirect, however large.
    vars(twin)["get_redirect_target"] = lambda _: None
    return twin


def _guard(adapter: BaseAdapter, deadline: Deadline) -> BaseAdapter:
    if not isinstance(adapter, HTTPAdapter):
        return adapter  # it makes its connections in its own way, which cannot be known
    kind: Any = type(adapter)
    guarded: Any = object.__new__(_add_guard(kind))
    # One state for both: adapters record, count and adapt.
    guarded.__dict__ = adapter.__dict__
    guarded.deadline = deadline
    return cast("BaseAdapter", guarded)


@cache
def _add_guard(kind: Any) -> Any:
    """Return a class derived from an adapter's class whose requests are sent once, and end at a deadline."""

    class Guarded(kind):  # type: ignore[misc]  # the user's
        __slots__ = ("deadline",)  # beside the state that is shared with the adapter

        @property
        def max_retries(self) -> Retry:
            return _RETRIES

        @max_retries.setter
        def max_retries(self, _: object) -> None:
            """Leave it as it is: a second post could be a second mint."""

        def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
            return _copy_pool(super().get_connection_with_tls_context(*args, **kwargs), self.deadline)

    return Guarded


def _copy_pool(pool: Any, deadline: Deadline) -> Any:
    """Return a pool with the same settings and connections of its own: one token an hour has no use for old ones."""
    if not isinstance(pool, HTTPConnectionPool):
        return pool
    own, kind = copy.copy(pool), pool.ConnectionCls

    class Watched(kind):  # type: ignore[misc, valid-type]  # a class, for vcrpy looks whether connections are of it
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            deadline.watch(self)

    own.ConnectionCls = Watched
    own.pool, own.block = own.QueueCls(1), False
    deadline.at_end(own.close)
    return own
