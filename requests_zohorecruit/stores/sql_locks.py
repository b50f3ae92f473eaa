"""A store's own database connections, the limits on their waiting, and the lock of each kind of database.

Knows nothing about the table or its content.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.socket_timer import SocketTimer
from requests_zohorecruit.stores.errors import describe, find_code
from requests_zohorecruit.stores.file_lock import hold_lock_file
from requests_zohorecruit.stores.polling import poll
from requests_zohorecruit.thread_locks import ThreadLock, identify_process

__all__ = ["Connections", "Hold", "bounded", "choose_lock"]

_log = logging.getLogger(__name__)

#: Takes a timeout in seconds, and the store for messages. Yields the connection that holds the lock, if one does.
Hold = Callable[[float, object], AbstractContextManager["sa.Connection | None"]]

#: Seconds that a statement may wait for another session's lock. One refresh tries a failing save twice, so the caller
#: that refreshes loses about 5 s at most.
LONGEST_WAIT = 2.0
#: Seconds that a statement may take on top of that, where the database can limit it.
_LONGEST_WORK = 0.5
#: Seconds that a server may take for one of our transactions, or for one step of waiting for the lock.
_LONGEST_SILENCE = LONGEST_WAIT + 2 * _LONGEST_WORK
_LIMITS = {
    # Per transaction, not per session, because PgBouncer may run every transaction in another session.
    "postgresql": "SELECT set_config('lock_timeout', '{lock}', true), set_config('statement_timeout', '{all}', true)",
    # Whole seconds. The second setting is for table locks and defaults to a year.
    "mysql": "SET SESSION innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}",
    "sqlite": "PRAGMA busy_timeout = {lock}",
}

# Advisory locks, tried without waiting. PostgreSQL's is per transaction, not per session, because poolers such as
# PgBouncer may run every transaction in another session. MySQL's names have up to 64 characters and are shared by all
# databases of a server.
_TAKE = {
    "postgresql": sa.text("SELECT pg_try_advisory_xact_lock(:number)"),
    "mysql": sa.text("SELECT GET_LOCK(MD5(CONCAT(COALESCE(DATABASE(), ''), :name)), 0)"),
}
# Waits inside the server, which wakes up one waiter after the other. With hundreds of processes, polling would keep it
# busy.
_WAIT = sa.text("SELECT pg_advisory_xact_lock(:number)")
_LOCK_NOT_AVAILABLE = "SQLSTATE 55P03"
# PostgreSQL's lock ends with the transaction. MySQL's would end with the session, but only some time later.
_FREE = {"mysql": sa.text("SELECT RELEASE_LOCK(MD5(CONCAT(COALESCE(DATABASE(), ''), :name)))")}
_HOLDER = {
    "postgresql": sa.text(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND (classid::bigint << 32) | objid::bigint = :number"
    ),
    "mysql": sa.text("SELECT IS_USED_LOCK(MD5(CONCAT(COALESCE(DATABASE(), ''), :name)))"),
}

# The file of each SQLite engine. A database in memory is visible only through its engine, so that owns the lock.
_sqlite_files: WeakKeyDictionary[sa.Engine, str] = WeakKeyDictionary()
_in_memory: WeakKeyDictionary[sa.Engine, dict[str, ThreadLock]] = WeakKeyDictionary()


class Connections:
    """Opens connections as an engine does, but outside its pool, and limits how long they wait for locks.

    The pool may be exhausted, even by the thread that needs a token during a transaction, and its connections must not
    be used in a forked child.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.kind = {"mariadb": "mysql"}.get(engine.dialect.name, engine.dialect.name)

    @contextmanager
    def open(self) -> Iterator[sa.Connection]:
        """Open a connection for one short transaction, which is rolled back unless committed."""
        connection = self.make()
        with bounded(connection), connection:
            self.limit_waiting(connection, LONGEST_WAIT)
            yield connection

    def make(self) -> sa.Connection:
        """Return a new connection, which is not returned to a pool when closed."""
        if isinstance(self.engine.pool, sa.pool.StaticPool | sa.pool.SingletonThreadPool):
            return self.engine.connect()  # a database in memory, which another connection would not see
        connection = sa.Connection(self.engine, self.engine.pool.recreate().connect())
        if self.kind != "sqlite":
            # Not the engine's level: with AUTOCOMMIT, PostgreSQL would drop locks and limits at once.
            connection.execution_options(isolation_level="READ COMMITTED")
        connection.detach()
        return connection

    def limit_waiting(self, connection: sa.Connection, seconds: float) -> None:
        """Limit how long each statement of this transaction waits for another session's lock."""
        lock = max(1, int(1000 * seconds))
        whole = {"lock": lock, "all": lock + int(1000 * _LONGEST_WORK), "seconds": max(1, round(seconds))}
        connection.exec_driver_sql(_LIMITS[self.kind].format(**whole))


@contextmanager
def bounded(connection: sa.Connection) -> Iterator[None]:
    """Shut the connection's socket down if a frozen server does not answer; no limit inside the server can do that.

    PostgreSQL drivers only limit connecting, and to TCP a stopped process looks like a busy one. MySQL drivers, which
    do not expose their sockets, have their own timeout.
    """
    # Accessing the driver of a connection known to be broken would open a new one.
    driver = None if connection.invalidated else connection.connection.dbapi_connection
    if not hasattr(driver, "fileno"):
        yield
        return
    with SocketTimer(_LONGEST_SILENCE) as timer:
        timer.watch_socket(driver)
        yield


def choose_lock(connections: Connections, name: str) -> Hold:
    """Return the lock called `name`, shared by all users of this database.

    :raises ValueError: this kind of database is not supported
    """
    kind = connections.kind
    if kind == "sqlite":
        return partial(_hold_sqlite, connections, name)
    if kind in _TAKE:
        return _AdvisoryLock(connections, name).hold
    raise ValueError(f"SQLStore works with PostgreSQL, MySQL, MariaDB and SQLite, not with {kind}")


class _AdvisoryLock:
    def __init__(self, connections: Connections, name: str) -> None:
        self._connections, self._kind = connections, connections.kind
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass"))
        number = int.from_bytes(digest.digest()[:8], "big", signed=True)
        self._named: dict[str, Any] = {"number": number} if self._kind == "postgresql" else {"name": digest.hexdigest()}

    @contextmanager
    def hold(self, timeout: float, store: object) -> Iterator[sa.Connection]:
        process = identify_process()
        connection = self._take(timeout, store)
        try:
            yield connection
        finally:
            if process == identify_process():  # not in a child that inherited the connection
                _close(connection, store, self._free)

    def _take(self, timeout: float, store: object) -> sa.Connection:
        connection = self._connections.make()
        try:
            if not (self._wait if timeout > 0 and self._kind == "postgresql" else self._poll)(connection, timeout):
                self._give_up(connection, timeout, store)
        except BaseException:
            _close(connection, store)
            raise
        return connection

    def _poll(self, connection: sa.Connection, timeout: float) -> bool:
        with bounded(connection):
            self._connections.limit_waiting(connection, LONGEST_WAIT)
        return poll(lambda: bool(self._ask(connection, _TAKE)), timeout)

    def _wait(self, connection: sa.Connection, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        left = timeout
        while left > 0:
            # In short steps, because not every driver lets Ctrl-C through while it waits.
            with bounded(connection):
                self._connections.limit_waiting(connection, min(left, LONGEST_WAIT))
                try:
                    connection.execute(_WAIT, self._named)
                except sa.exc.DBAPIError as error:
                    if find_code(error) != _LOCK_NOT_AVAILABLE:
                        raise
                    connection.rollback()
                else:
                    return True
            left = deadline - time.monotonic()
        return False

    def _ask(self, connection: sa.Connection, question: Mapping[str, sa.TextClause]) -> Any:
        with bounded(connection):
            return connection.execute(question[self._kind], self._named).scalar()

    def _free(self, connection: sa.Connection) -> None:
        if self._kind in _FREE:
            connection.execute(_FREE[self._kind], self._named)

    def _give_up(self, connection: sa.Connection, timeout: float, store: object) -> NoReturn:
        holder = "another database session"  # not looked up for a caller that does not wait
        if timeout > 0:
            session = self._ask(connection, _HOLDER) or "(just gone)"
            holder = f"database session {session}"
        raise TimeoutError(f"{store!r} is locked by {holder}; gave up after {timeout:g} s.")


def _hold_sqlite(connections: Connections, name: str, timeout: float, store: object) -> AbstractContextManager[None]:
    """Hold a lock file beside the database, because a transaction that locks SQLite would also block readers."""
    engine = connections.engine
    # Looked up once per engine: with a database in memory, the one connection may be in use in a transaction.
    if engine not in _sqlite_files:
        with connections.open() as connection:
            files = {database: file for _, database, file in connection.exec_driver_sql("PRAGMA database_list")}
        _sqlite_files[engine] = files["main"]
    if not _sqlite_files[engine]:
        locks = _in_memory.setdefault(engine, {})
        return locks.setdefault(name, ThreadLock()).hold(timeout, of=store)
    # Links are followed, as SQLite does.
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return hold_lock_file(Path(f"{os.path.realpath(_sqlite_files[engine])}.{digest}.lock"), store, timeout)


def _close(
    connection: sa.Connection, store: object, before: Callable[[sa.Connection], object] = lambda _: None
) -> None:
    # The work under the lock is complete. An error now would make the caller believe that it failed.
    try:
        with bounded(connection), connection:
            before(connection)
    except Exception as cause:  # noqa: BLE001 - any error of the driver, and never its text
        pass_interruption(cause)
        _log.warning("%r: the connection that held the lock could not be closed: %s", store, describe(cause))
