"""`MemoryStore`: the record lives as long as the object, for one process.

Knows nothing of what the record means.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from requests_zohorecruit.stores.errors import guarded
from requests_zohorecruit.stores.json_record import decode, encode
from requests_zohorecruit.thread_locks import ThreadLock

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps the record in memory; threads that share the object share the record.

    A pickled copy, like the copy in a forked child, starts with the record as it was and goes its own way.
    """

    def __init__(self) -> None:
        # JSON, so that nothing can be kept here that the stores one moves on to would refuse.
        self._text: str | None = None
        self._lock = ThreadLock()

    @guarded("loaded")
    def load(self) -> dict[str, Any] | None:
        """Return a copy of the record, or None."""
        return None if self._text is None else decode(self._text, self)

    @guarded("saved")
    def save(self, record: Mapping[str, Any]) -> None:
        """Keep a copy of the record.

        :raises TokenStoreError: it is not JSON-serialisable
        """
        self._text = encode(record, self)

    def lock(self, timeout: float) -> AbstractContextManager[object]:
        """Return a lock between the threads that share this object.

        :param timeout: in seconds; 0 = do not wait
        :raises TimeoutError: on entering, when it was not obtained in time
        """
        return self._lock.hold(timeout, of=self)

    def __repr__(self) -> str:
        return "MemoryStore()"
