"""`SQLStore`: the record in one row of a small table, for everybody who uses that database.

Knows nothing of what the record means; how each kind of database locks is `sql_locks`' business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.stores.errors import guarded
from requests_zohorecruit.stores.json_record import decode, encode
from requests_zohorecruit.stores.locking import checked_key, this_thread
from requests_zohorecruit.stores.sql_locks import lock_for, make_own

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


class SQLStore:
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
        self._engine = engine
        self._key = checked_key(key, _LONGEST_KEY)
        self._hold = lock_for(engine, f"{TABLE.name}:{key}")
        # What the record was when the lock was taken, for each holder, who is a thread of a process.
        self._seen: dict[tuple[int, int], str | None] = {}

    @guarded("prepared")
    def create_table(self) -> None:
        """Create the table unless it is there.

        :raises TokenStoreError: the database cannot be reached, or does not allow it
        """
        make_own(self._engine)
        try:
            TABLE.metadata.create_all(self._engine)
        except sa.exc.DBAPIError:
            if not self._has_table():  # or else another process was faster
                raise

    @guarded("loaded")
    def load(self) -> dict[str, Any] | None:
        """Return the record, or None when there is no such row.

        :raises TokenStoreError: the database cannot be reached, the table is missing, or the row holds something else
        """
        stored = self._read()
        return None if stored is None else decode(stored, self)

    @guarded("saved")
    def save(self, record: Mapping[str, Any]) -> None:
        """Replace the record, or without the lock held, whatever is there.

        :raises TokenStoreError: as for `load`; or somebody replaced the record although this thread held the lock.
            What is stored is unchanged
        """
        # Engines log parameters by their repr.
        text = Secret(encode(record, self))
        holder = this_thread()
        stored = self._seen[holder] if holder in self._seen else self._read()
        if stored is not None:
            decode(stored, self)  # raises for what is not a record, and might be worth keeping
        if holder not in self._seen:
            if not self._write(text, sa.true()):
                self._write(text, sa.true())  # the row was not there yet, and then it was
            return
        if not self._write(text, TABLE.c.record == Secret(self._seen[holder] or "")):
            raise TokenStoreError(
                f"{self!r} could not be saved: the record was replaced by somebody else after it had been read.",
                hint="Was the connection that held the lock lost?",
            )
        self._seen[holder] = str(text)

    @contextmanager
    def lock(self, timeout: float) -> Iterator[None]:
        """Hold the lock, exclusive among all users of this database.

        :param timeout: in seconds; 0 = do not wait
        :raises TimeoutError: on entering, when it was not obtained in time
        :raises TokenStoreError: the database cannot be reached, or the table is missing
        """
        holder = this_thread()
        held = self._acquire(max(0.0, timeout))
        try:
            yield
        finally:
            self._seen.pop(holder, None)
            held.close()

    @guarded("locked", TimeoutError)
    def _acquire(self, timeout: float) -> ExitStack:
        make_own(self._engine)
        with ExitStack() as stack:
            stack.enter_context(self._hold(timeout, self))
            self._seen[this_thread()] = self._read()
            return stack.pop_all()

    def _read(self) -> str | None:
        try:
            return self._read_once()
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
        # The pool had a connection from before the server was restarted, and has thrown all of those away by now.
        return self._read_once()

    def _read_once(self) -> str | None:
        query = sa.select(TABLE.c.record).where(TABLE.c.key == self._key)
        with self._connected() as connection:
            return connection.execute(query).scalar_one_or_none()

    def _write(self, text: Secret, condition: ColumnElement[bool]) -> bool:
        update = sa.update(TABLE).where(TABLE.c.key == self._key, condition).values(record=text)
        with self._connected() as connection:
            if connection.execute(update).rowcount:
                return True
        try:
            with self._connected() as connection:
                connection.execute(sa.insert(TABLE).values(key=self._key, record=text))
        except sa.exc.IntegrityError:
            return False
        return True

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        make_own(self._engine)
        try:
            with self._engine.begin() as connection:
                yield connection
        except (sa.exc.ProgrammingError, sa.exc.OperationalError):
            if self._has_table():
                raise
            raise TokenStoreError(
                f"{self!r} has no table {TABLE.name!r} to work with.", hint="Call create_table() once."
            ) from None

    def _has_table(self) -> bool:
        return sa.inspect(self._engine).has_table(TABLE.name)

    def __repr__(self) -> str:
        return f"SQLStore({self._engine.dialect.name}, {self._key!r})"
