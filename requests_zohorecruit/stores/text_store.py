"""What the stores that keep the record as JSON text have in common: loading, checking before replacing, and saving.

Knows nothing of where the text is, nor of what the record means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores.base import SharedByCopies
from requests_zohorecruit.stores.encoding import decode, encode
from requests_zohorecruit.stores.errors import guarded
from requests_zohorecruit.stores.polling import identify_thread

__all__ = ["SwappingStore", "TextStore"]


class TextStore(SharedByCopies, ABC):
    """Loads and saves the record as text; subclasses read and write the text, and lock it."""

    @guarded("loaded")
    def load(self) -> dict[str, Any] | None:
        """Return the record, or None when there is none.

        :raises TokenStoreError: it cannot be read, or what is there is not a record
        """
        text = self._read()
        return None if text is None else decode(text, self)

    @guarded("saved")
    def save(self, record: Mapping[str, Any]) -> None:
        """Replace the record.

        :raises TokenStoreError: the record is not JSON-serialisable, it cannot be written, or what is there is not a
            record and therefore might be worth keeping. What is stored is unchanged
        """
        text = encode(record, self)
        self._check(self._read())
        self._write(text)

    def _check(self, stored: str | bytes | None) -> None:
        """Raise for a text that is not a record, before it is overwritten."""
        if stored is not None:
            decode(stored, self)

    @abstractmethod
    def _read(self) -> str | bytes | None:
        """Return the text, or None when there is none."""

    @abstractmethod
    def _write(self, text: str) -> None:
        """Replace the text, whatever it is."""


class SwappingStore(TextStore):
    """Remembers what was stored when the lock was taken. A holder that has lost the lock overwrites nothing."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, ...], str | bytes | None] = {}

    @guarded("saved")
    def save(self, record: Mapping[str, Any]) -> None:
        """Replace the record. A thread that does not hold the lock replaces whatever is there.

        :raises TokenStoreError: the record cannot be written, what is there is not a record, or another process has
            replaced it although this thread held the lock. What is stored is unchanged
        """
        holder = identify_thread()
        if holder not in self._seen:
            super().save(record)
            return
        text, stored = encode(record, self), self._seen[holder]
        self._check(stored)
        if not self._swap(text, stored):
            raise TokenStoreError(
                f"{self!r} could not be saved: another process replaced the record after it had been read.",
                hint="Its lock was lost: the lease ran out, or the connection that held it broke.",
            )
        self._seen[holder] = text

    @contextmanager
    def lock(self, timeout: float) -> Iterator[None]:
        """Hold the lock, exclusive among all users of this record.

        :param timeout: in seconds; 0 = do not wait
        :raises TimeoutError: on entering, when it was not obtained in time; says who holds it
        :raises TokenStoreError: it cannot be taken, or the record cannot be read
        """
        with ExitStack() as stack:
            self._enter(stack, max(0.0, timeout))
            yield

    @guarded("locked", TimeoutError)
    def _enter(self, stack: ExitStack, timeout: float) -> None:
        holder = identify_thread()
        stack.enter_context(self._hold(timeout))
        stack.callback(self._seen.pop, holder, None)
        self._seen[holder] = self._read()

    @abstractmethod
    def _hold(self, timeout: float) -> AbstractContextManager[None]:
        """Hold the lock of the place where the text is."""

    @abstractmethod
    def _swap(self, text: str, stored: str | bytes | None) -> bool:
        """Replace the text and return True, or return False when it is not `stored` any more."""
