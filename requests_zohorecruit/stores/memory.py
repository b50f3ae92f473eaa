"""`MemoryStore`: the record lives as long as the object, for one process.

Knows nothing of what the record means.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from requests_zohorecruit.stores.text_store import TextStore
from requests_zohorecruit.thread_locks import ThreadLock

__all__ = ["MemoryStore"]


class MemoryStore(TextStore):
    """Keeps the record in memory; threads that share the object share the record.

    A pickled copy, like the copy in a forked child, starts with the record as it was and goes its own way; pickling one
    says so in the log. `copy.deepcopy` shares it.
    """

    in_memory = True

    def __init__(self) -> None:
        # JSON, so that nothing can be kept here that the stores one moves on to would refuse.
        self._text: str | None = None
        self._lock = ThreadLock()

    def _read(self) -> str | None:
        return self._text

    def _write(self, text: str) -> None:
        self._text = text

    def lock(self, timeout: float) -> AbstractContextManager[object]:
        """Return a lock between the threads that share this object.

        :param timeout: in seconds; 0 = do not wait
        :raises TimeoutError: on entering, when it was not obtained in time
        """
        return self._lock.hold(timeout, of=self)

    def __repr__(self) -> str:
        return "MemoryStore()"
