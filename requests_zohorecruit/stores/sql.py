"""`SQLStore`: the record in one row of a small table, for all users of that database.

Knows nothing of what the record means; how each kind of database locks is `sql_locks`' business.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.stores.errors import guarded
from requests_zohorecruit.stores.polling import check_key
from requests_zohorecruit.stores.sql_locks import choose_lock, renew_connections
from requests_zohorecruit.stores.text_store import SwappingStore

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ColumnElement

__all__ = ["TABLE", "SQLStore"]

_LONGEST_KEY = 255

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
    open. The lock has another one, which is not taken from the pool for as long as it is held. A lock lost with its
    connection may cost a token too much; the later one to save then gets a `TokenStoreError` instead of overwriting.

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
        self._engine = engine
        self._key = check_key(key, _LONGEST_KEY)
        self._lock = choose_lock(engine, f"{TABLE.name}:{key}")

    @guarded("prepared")
    def create_table(self) -> None:
        """Create the table unless it is there.

        :raises TokenStoreError: the database cannot be reached, or does not allow it
        """
        renew_connections(self._engine)
        try:
            TABLE.metadata.create_all(self._engine)
        except sa.exc.DBAPIError as error:
            pass_interruption(error)
            if not self._has_table():  # or else another process was faster
                raise

    def _hold(self, timeout: float) -> AbstractContextManager[None]:
        renew_connections(self._engine)
        return self._lock(timeout, self)

    def _read(self) -> str | None:
        try:
            return self._read_once()
        except sa.exc.DBAPIError as error:
            pass_interruption(error)
            if not error.connection_invalidated:
                raise
        # The pool had a connection from before the server was restarted, and has thrown all of those away by now.
        return self._read_once()

    def _write(self, text: str) -> None:
        if not self._update(text, sa.true()):
            self._update(text, sa.true())  # another process has inserted the row meanwhile

    def _swap(self, text: str, stored: str | bytes | None) -> bool:
        return self._update(text, TABLE.c.record == Secret(stored or ""))

    def _read_once(self) -> str | None:
        query = sa.select(TABLE.c.record).where(TABLE.c.key == self._key)
        with self._connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def _update(self, text: str, condition: ColumnElement[bool]) -> bool:
        text = Secret(text)  # engines log parameters by their repr
        update = sa.update(TABLE).where(TABLE.c.key == self._key, condition).values(record=text)
        with self._connect() as connection:
            if connection.execute(update).rowcount:
                return True
        try:
            with self._connect() as connection:
                connection.execute(sa.insert(TABLE).values(key=self._key, record=text))
        except sa.exc.IntegrityError:
            return False
        return True

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        renew_connections(self._engine)
        try:
            with self._engine.begin() as connection:
                yield connection
        except (sa.exc.ProgrammingError, sa.exc.OperationalError) as error:
            pass_interruption(error)
            if self._has_table():
                raise
            raise TokenStoreError(
                f"{self!r} has no table {TABLE.name!r} to work with.", hint="Call create_table() once."
            ) from None

    def _has_table(self) -> bool:
        return sa.inspect(self._engine).has_table(TABLE.name)

    def __repr__(self) -> str:
        return f"SQLStore({self._engine.dialect.name}, {self._key!r})"
