"""`SQLStore`: keeps the record in one row of a small table, for all processes that use the database.

Knows nothing about the record's content. `sql_locks` implements the lock of each kind of database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.stores.errors import find_code, guarded
from requests_zohorecruit.stores.polling import check_key, identify_thread
from requests_zohorecruit.stores.sql_locks import Connections, bounded, choose_lock
from requests_zohorecruit.stores.text_store import SwappingStore

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ColumnElement

__all__ = ["TABLE", "SQLStore"]

_LONGEST_KEY = 255
#: The error codes of PostgreSQL and MySQL for a missing table. SQLite only has a message.
_NO_TABLE = {"SQLSTATE 42P01", "error 1146"}

#: The whole schema, public so that migrations can use it. MySQL compares text case-insensitively by default, and its
#: TEXT is too small for the largest record.
TABLE = sa.Table(
    "zohorecruit_tokens",
    sa.MetaData(),
    sa.Column(
        "key",
        sa.String(_LONGEST_KEY).with_variant(mysql.VARCHAR(_LONGEST_KEY, collation="utf8mb4_bin"), "mysql", "mariadb"),
        primary_key=True,
    ),
    sa.Column("record", sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
)


class SQLStore(SwappingStore):
    """Keeps the record in one row. The database releases the lock when the holder's connection ends.

    Every call opens its own connection, outside the engine's pool, and commits before it returns, independently of any
    transaction the caller has open. It waits at most 2 s for another session's lock and, with psycopg, 3 s for a frozen
    server. A limit for connecting has to be set in the driver. A lock lost with its connection may cost one token too
    many: the later process to save gets a `TokenStoreError` instead of overwriting the other's record.

    SQLAlchemy's ``echo="debug"`` prints what it reads, tokens included. Like its engine, a store cannot be pickled.

    :param engine: a synchronous engine for PostgreSQL, MySQL, MariaDB or SQLite
    :param key: names the row; up to 255 characters
    :raises TypeError: `engine` is not a `sqlalchemy.Engine`, or `key` is not a string
    :raises ValueError: `key` is empty or too long, or the database is of another kind
    """

    def __init__(self, engine: sa.Engine, key: str) -> None:
        if not isinstance(engine, sa.Engine):
            raise TypeError(f"engine must be a sqlalchemy.Engine, not {type(engine).__name__}")
        super().__init__()
        self._key = check_key(key, _LONGEST_KEY)
        self._connections = Connections(engine)
        self._lock = choose_lock(self._connections, f"{TABLE.name}:{key}")
        #: Connections that hold the lock, by thread.
        self._holding: dict[tuple[int, int, int], sa.Connection] = {}

    @guarded("prepared")
    def create_table(self) -> None:
        """Create the table unless it exists.

        :raises TokenStoreError: the database cannot be reached, or does not allow it
        """
        try:
            with self._connections.open() as connection:
                TABLE.metadata.create_all(connection)
                connection.commit()
        except sa.exc.DBAPIError as error:
            pass_interruption(error)
            with self._connections.open() as connection:
                if not sa.inspect(connection).has_table(TABLE.name):  # otherwise another process was faster
                    raise

    @contextmanager
    def _hold(self, timeout: float) -> Iterator[None]:
        holder = identify_thread()
        with self._lock(timeout, self) as connection:
            if connection is not None:
                self._holding[holder] = connection
            try:
                yield
            finally:
                self._holding.pop(holder, None)

    def _read(self) -> str | None:
        # If this thread holds the lock, reuse the lock's connection instead of opening another one.
        held = self._holding.get(identify_thread())
        if held is not None and not held.invalidated:
            try:
                with self._explained(), bounded(held):
                    return self._select(held)
            except sa.exc.DBAPIError as error:
                pass_interruption(error)
                if not error.connection_invalidated:
                    raise
        with self._connect() as connection:
            return self._select(connection)

    def _write(self, text: str) -> None:
        # Twice, because another process may insert the row after our update found none and before our insert.
        if not (self._update(text, sa.true()) or self._update(text, sa.true())):
            raise self._not_stored()

    def _swap(self, text: str, stored: str | bytes | None) -> bool:
        if self._update(text, TABLE.c.record == Secret(stored or "")):
            return True
        if self._read() == stored:
            raise self._not_stored()
        return False

    def _select(self, connection: sa.Connection) -> str | None:
        return connection.execute(sa.select(TABLE.c.record).where(TABLE.c.key == self._key)).scalar_one_or_none()

    def _update(self, text: str, condition: ColumnElement[bool]) -> bool:
        """Update the row if it meets the condition, or insert one. Return False if a row exists that does not."""
        text = Secret(text)  # engines log parameters by their repr
        update = sa.update(TABLE).where(TABLE.c.key == self._key, condition).values(record=text)
        with self._connect() as connection:
            if connection.execute(update).rowcount:
                self._check_stored(connection, text)
                return True
        try:
            with self._connect() as connection:
                connection.execute(sa.insert(TABLE).values(key=self._key, record=text))
                self._check_stored(connection, text)
        except sa.exc.IntegrityError:
            if self._read() is None:  # not a race with another process: the row itself is refused
                raise
            return False
        return True

    def _check_stored(self, connection: sa.Connection, text: str) -> None:
        # In the same transaction, so that the error rolls it back. The row count is not enough: it includes rows that
        # triggers or rules dropped, and values that MySQL truncated outside strict mode.
        if self._select(connection) != text:
            raise self._not_stored()

    def _not_stored(self) -> TokenStoreError:
        return TokenStoreError(
            f"{self!r} could not be saved: the database reports no error, but does not hold the new record.",
            hint=f"Look for triggers, rules, row-level security and a short column in table {TABLE.name!r}.",
        )

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        with self._explained(), self._connections.open() as connection:
            yield connection
            connection.commit()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            pass_interruption(error)
            if find_code(error) not in _NO_TABLE and "no such table" not in str(error.orig):
                raise
            raise TokenStoreError(
                f"{self!r} has no table {TABLE.name!r} to work with.", hint="Call create_table() once."
            ) from None

    def __repr__(self) -> str:
        return f"SQLStore({self._connections.engine.dialect.name}, {self._key!r})"
