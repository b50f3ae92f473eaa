"""`SQLStore`: the record in one row of a small table, for all users of that database.

Knows nothing of what the record means; how each kind of database locks is `sql_locks`' business.
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
#: PostgreSQL's code for it, and MySQL's. SQLite has words only.
_NO_TABLE = {"SQLSTATE 42P01", "error 1146"}

#: The whole schema, also for those who create their tables by migrations. MySQL compares text without regard to case
#: unless told otherwise, and its TEXT is too small for the largest record.
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
    """One row for the record, and a lock that the database ends when the connection of its holder does.

    Every call uses a connection of its own and is committed when it returns, whatever transaction the caller may have
    open, past the engine's pool. It waits 2 s at most for what another session has locked, and with psycopg 3 s for a
    server that is frozen; a limit for connecting is the driver's business. A lock lost with its connection may cost a
    token too much; the later one to save then gets a `TokenStoreError` instead of overwriting.

    SQLAlchemy's ``echo="debug"`` prints what it reads, tokens included. Like its engine, a store cannot be pickled.

    :param engine: a synchronous engine for PostgreSQL, MySQL, MariaDB or SQLite
    :param key: names the row; up to 255 characters
    :raises TypeError: engine is no `sqlalchemy.Engine`, or key no string
    :raises ValueError: key is empty or too long, or the database is of another kind
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
        """Create the table unless it is there.

        :raises TokenStoreError: the database cannot be reached, or does not allow it
        """
        try:
            with self._connections.open() as connection:
                TABLE.metadata.create_all(connection)
                connection.commit()
        except sa.exc.DBAPIError as error:
            pass_interruption(error)
            with self._connections.open() as connection:
                if not sa.inspect(connection).has_table(TABLE.name):  # or else another process was faster
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
        # Through the connection that holds the lock, if this thread does: the next holder waits for no new one.
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
        # Twice, because another process may insert the row between an update of none and an insertion.
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
        """Replace the row that meets the condition, or insert one; False when another one is in the way."""
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
            if self._read() is None:  # no other process was faster: the row itself is refused
                raise
            return False
        return True

    def _check_stored(self, connection: sa.Connection, text: str) -> None:
        # In the same transaction, which the error undoes. The count of rows does not tell: it counts what triggers and
        # rules dropped, and what MySQL cut off without its strict mode.
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
