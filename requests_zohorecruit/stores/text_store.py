"""Base classes of the stores that keep the record as JSON text: loading, checking before replacing, and saving.

Knows nothing about where the text is kept, nor about the record's content.
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
    """Loads and saves the record as text. Subclasses read, write and lock the text."""

    @guarded("loaded")
    def load(self) -> dict[str, Any] | None:
        """Return the record, or None when there is none.

        :raises TokenStoreError: it cannot be read, or is not a record
        """
        text = self._read()
        return None if text is None else decode(text, self)

    @guarded("saved")
    def save(self, record: Mapping[str, Any]) -> None:
        """Replace the record.

        :raises TokenStoreError: the record is not JSON-serialisable or cannot be written, or the stored text is not a
            record and might be worth keeping. The stored text is unchanged
        """
        text = encode(record, self)
        self._check(self._read())
        self._write(text)

    @guarded("saved")
    def overwrite(self, record: Mapping[str, Any]) -> None:
        """Replace what is stored, even if it is not a record.

        :raises TokenStoreError: the record is not JSON-serialisable or cannot be written
        """
        self._write(encode(record, self))

    def _check(self, stored: str | bytes | None) -> None:
        """Raise if the stored text is not a record, before it is overwritten."""
        if stored is not None:
            decode(stored, self)

    @abstractmethod
    def _read(self) -> str | bytes | None:
        """Return the text, or None when there is none."""

    @abstractmethod
    def _write(self, text: str) -> None:
        """Replace the text unconditionally."""


class SwappingStore(TextStore):
    """Remembers the record found when the lock was taken, so that a holder that lost the lock overwrites nothing."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, ...], str | bytes | None] = {}

    @guarded("saved")
    def save(self, record: Mapping[str, Any]) -> None:
        """Replace the record. A thread that does not hold the lock replaces it unconditionally.

        :raises TokenStoreError: the record cannot be written, the stored text is not a record, or another process has
            replaced it while this thread held the lock. The stored text is unchanged
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
        :raises TimeoutError: on entering, if the lock was not acquired in time; names the holder
        :raises TokenStoreError: the lock cannot be acquired, or the record cannot be read
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
        """Hold the lock that protects the stored text."""

    @abstractmethod
    def _swap(self, text: str, stored: str | bytes | None) -> bool:
        """Replace the text and return True, or return False if it is no longer `stored`."""
