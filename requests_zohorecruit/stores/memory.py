"""`MemoryStore`: keeps the record in memory, for one process.

Knows nothing about the record's content.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from requests_zohorecruit.stores.text_store import TextStore
from requests_zohorecruit.thread_locks import ThreadLock

__all__ = ["MemoryStore"]


class MemoryStore(TextStore):
    """Keeps the record in memory. Threads that share the object share the record, and so does `copy.deepcopy`.

    A pickled copy, or the copy in a forked child, starts with the current record but is independent from then on.
    Pickling logs a warning about that.
    """

    in_memory = True

    def __init__(self) -> None:
        # JSON, so that this store accepts nothing that other stores would refuse.
        self._text: str | None = None
        self._lock = ThreadLock()

    def _read(self) -> str | None:
        return self._text

    def _write(self, text: str) -> None:
        self._text = text

    def lock(self, timeout: float) -> AbstractContextManager[object]:
        """Return a lock between the threads that share this object.

        :param timeout: in seconds; 0 = do not wait
        :raises TimeoutError: on entering, if the lock was not acquired in time
        """
        return self._lock.hold(timeout, of=self)

    def __repr__(self) -> str:
        return "MemoryStore()"
