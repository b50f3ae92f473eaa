"""A keyring in memory, for as long as a test takes; needs the package ``keyring``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend

__all__ = ["Safe", "safe_in_use"]


class Safe(KeyringBackend):  # type: ignore[misc]
    """Keeps what it is given.

    :ivar problem: raised instead of giving something back
    """

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.problem: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.problem:
            raise self.problem
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


@contextmanager
def safe_in_use() -> Iterator[Safe]:
    """Have `keyring` use one."""
    former, safe = keyring.get_keyring(), Safe()
    keyring.set_keyring(safe)
    try:
        yield safe
    finally:
        keyring.set_keyring(former)
