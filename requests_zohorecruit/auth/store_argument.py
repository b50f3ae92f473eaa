"""The ``store=`` argument: a token store, a function like requests-oauthlib's ``token_updater``, or None.

Checks a store before it is used. Knows nothing about records or tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from requests_zohorecruit.stores.base import TokenStore, check_functions

__all__ = ["choose_store"]


def choose_store(store: TokenStore | Callable[[dict[str, Any]], object] | None, *, longest_call: float) -> TokenStore:
    """Return the token store for the `store` argument.

    :param longest_call: seconds that a token call made under its lock may last
    :raises TypeError: it is not a store, a function or None; or its methods are coroutine or generator functions
    :raises ValueError: its lock may expire during such a call
    """
    if store is None:
        from requests_zohorecruit.stores import MemoryStore  # noqa: PLC0415 - most programs name a store

        return MemoryStore()
    if isinstance(store, TokenStore):
        if isinstance(store, type):
            raise TypeError(f"store must be a token store, not the class {store.__name__}: call it")
        check_functions(type(store).__name__, load=store.load, save=store.save, lock=store.lock)
        _check_lease(store, longest_call)
        return store
    if callable(store):
        from requests_zohorecruit.stores import CallbackStore  # noqa: PLC0415

        return CallbackStore(store)
    raise TypeError(f"store must be a token store (load, save, lock), a function or None, not {type(store).__name__}")


def _check_lease(store: TokenStore, longest_call: float) -> None:
    """Refuse a lock that could expire while its holder still waits for Zoho, so that two callers would mint."""
    lease = getattr(store, "lock_ttl", None)
    if isinstance(lease, (int, float)) and lease <= longest_call:
        raise ValueError(
            f"a token call may take {longest_call:g} s with this timeout, but the lock of {type(store).__name__} ends "
            f"after {lease:g} s: give the store a longer lock_ttl, or the calls a shorter timeout"
        )
