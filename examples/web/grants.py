"""Where this application keeps its users' grants: one row a user in SQLite, and a lock that a dead worker loses.

Any database will do; what matters is that `load` sees what `save` saved, and that one worker at a time has the lock.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from requests_zohorecruit import CallbackStore, Region

__all__ = ["Grants"]


class Grants:
    """The grants of all users.

    :param database: path of the SQLite file; the lock is a second file beside it
    """

    def __init__(self, database: str) -> None:
        self._database = database
        with closing(self._connect()) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS grants (user TEXT PRIMARY KEY, record TEXT NOT NULL)")

    def store(self, user: str) -> CallbackStore:
        """Return the store of one user's grant."""
        return CallbackStore(partial(self._save, user), partial(self._load, user), self._lock)

    def connected(self, user: str) -> bool:
        """Tell whether a user has connected an account, and not disconnected it."""
        return "refresh_token" in (self._load(user) or {})

    def region(self, user: str, regions: Iterable[Region]) -> Region:
        """Return where a user's account lives.

        :param regions: some that are known beside Zoho's own; the first is for a user without a grant
        """
        known = {region.code: region for region in regions}
        code = (self._load(user) or {}).get("region") or next(iter(known))
        return known.get(code) or Region.lookup(code)

    def replace(self, user: str, record: dict[str, Any]) -> None:
        """Keep a grant the user has just given instead of the one there is, if any."""
        with self._lock(10):
            self._save(user, record)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._database)

    def _load(self, user: str) -> dict[str, Any] | None:
        with closing(self._connect()) as connection:
            row = connection.execute("SELECT record FROM grants WHERE user = ?", (user,)).fetchone()
        return json.loads(row[0]) if row else None

    def _save(self, user: str, record: dict[str, Any]) -> None:
        with closing(self._connect()) as connection, connection:
            connection.execute("REPLACE INTO grants VALUES (?, ?)", (user, json.dumps(record)))

    @contextmanager
    def _lock(self, timeout: float) -> Iterator[None]:
        # A transaction that writes nothing, in a file of its own, so that saving is not locked out. The operating
        # system ends it when the worker dies.
        with closing(sqlite3.connect(f"{self._database}.lock", timeout=timeout, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise TimeoutError("another worker is refreshing") from error
            yield
