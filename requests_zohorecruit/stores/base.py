"""What a token store is.

Knows nothing of tokens, Zoho or HTTP: a store keeps one JSON-serialisable mapping and can be locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

__all__ = ["TokenStore"]


@runtime_checkable
class TokenStore(Protocol):
    """Where a grant is kept, so that all its users see the same one.

    `requests_zohorecruit.testing.TokenStoreContract` checks a store of your own against all that is said here.
    """

    def load(self) -> Mapping[str, Any] | None:
        """Return the record, or None when there is none. Never waits for a holder of the lock.

        The caller may change what it gets; that does not change what is stored.
        """

    def save(self, record: Mapping[str, Any]) -> None:
        """Replace the record, all or nothing. Called with the lock held.

        Keys the store does not know are kept, and keys of the former record that are missing now are gone.
        """

    def lock(self, timeout: float) -> AbstractContextManager[object]:
        """Return a context manager that is exclusive among all users of this record, and not re-entrant.

        A holder that dies must lose the lock within a bounded time.

        :param timeout: how long entering it may wait, in seconds; 0 = do not wait
        :raises TimeoutError: on entering, when it was not obtained in time
        """
