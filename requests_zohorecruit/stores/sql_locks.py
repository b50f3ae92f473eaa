"""A store's own connections to a database, for how long they wait, and how each kind of database locks.

Knows nothing of the table and what is in it.
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

#: Takes a timeout in seconds and the store, for messages. Gives the connection that holds the lock, if one does.
Hold = Callable[[float, object], AbstractContextManager["sa.Connection | None"]]

#: Seconds that a statement may wait for what another session has locked. A save that fails is tried twice in the course
#: of one refresh, so the call that refreshes loses about 5 s at most.
LONGEST_WAIT = 2.0
#: How long a statement may take on top of that, where the database can limit it.
_LONGEST_WORK = 0.5
#: How long a server may take for a transaction of ours, or a piece of waiting for the lock.
_LONGEST_SILENCE = LONGEST_WAIT + 2 * _LONGEST_WORK
_LIMITS = {
    # Of the transaction and not of the session, because PgBouncer may give every transaction another session.
    "postgresql": "SELECT set_config('lock_timeout', '{lock}', true), set_config('statement_timeout', '{all}', true)",
    # Whole seconds. The second one is for tables, and a year if nothing else is said.
    "mysql": "SET SESSION innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}",
    "sqlite": "PRAGMA busy_timeout = {lock}",
}

# Advisory locks, asked for without waiting. PostgreSQL's belongs to the transaction and not to the session, because
# poolers like PgBouncer may give every transaction another session. MySQL's names are common to all databases of a
# server and have up to 64 characters.
_TAKE = {
    "postgresql": sa.text("SELECT pg_try_advisory_xact_lock(:number)"),
    "mysql": sa.text("SELECT GET_LOCK(MD5(CONCAT(COALESCE(DATABASE(), ''), :name)), 0)"),
}
# Waited for in the server, which wakes up one waiter after the other at once; with hundreds of processes, asking again
# and again would keep it busy with nothing but that.
_WAIT = sa.text("SELECT pg_advisory_xact_lock(:number)")
_LOCK_NOT_AVAILABLE = "SQLSTATE 55P03"
# PostgreSQL's ends with the transaction. MySQL's would end with the session, but some time after we have gone on.
_FREE = {"mysql": sa.text("SELECT RELEASE_LOCK(MD5(CONCAT(COALESCE(DATABASE(), ''), :name)))")}
_HOLDER = {
    "postgresql": sa.text(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND (classid::bigint << 32) | objid::bigint = :number"
    ),
    "mysql": sa.text("SELECT IS_USED_LOCK(MD5(CONCAT(COALESCE(DATABASE(), ''), :name)))"),
}

# Where SQLite keeps its databases. One in memory is visible only through its engine, so its lock belongs to the engine.
_sqlite_files: WeakKeyDictionary[sa.Engine, str] = WeakKeyDictionary()
_in_memory: WeakKeyDictionary[sa.Engine, dict[str, ThreadLock]] = WeakKeyDictionary()


class Connections:
    """Connections as an engine makes them, but past its pool, which wait for what others have locked for a while only.

    The pool may be used up, be it by the very thread that asks for a token in the middle of a transaction; and its
    connections must not be used in a forked child.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.kind = {"mariadb": "mysql"}.get(engine.dialect.name, engine.dialect.name)

    @contextmanager
    def open(self) -> Iterator[sa.Connection]:
        """Open a connection for one short transaction, which is rolled back unless it is committed."""
        connection = self.make()
        with bounded(connection), connection:
            self.limit_waiting(connection, LONGEST_WAIT)
            yield connection

    def make(self) -> sa.Connection:
        """Return a new connection; closing ends it."""
        if isinstance(self.engine.pool, sa.pool.StaticPool | sa.pool.SingletonThreadPool):
            return self.engine.connect()  # a database in memory, which another connection would not see
        connection = sa.Connection(self.engine, self.engine.pool.recreate().connect())
        if self.kind != "sqlite":
            # Not the engine's level: in AUTOCOMMIT, PostgreSQL would give locks and limits back at once.
            connection.execution_options(isolation_level="READ COMMITTED")
        connection.detach()
        return connection

    def limit_waiting(self, connection: sa.Connection, seconds: float) -> None:
        """Limit how long each statement of this transaction waits for what another session has locked."""
        lock = max(1, int(1000 * seconds))
        whole = {"lock": lock, "all": lock + int(1000 * _LONGEST_WORK), "seconds": max(1, round(seconds))}
        connection.exec_driver_sql(_LIMITS[self.kind].format(**whole))


@contextmanager
def bounded(connection: sa.Connection) -> Iterator[None]:
    """End what a frozen server does not answer, which no limit in the server can: shut the connection's socket down.

    Drivers of PostgreSQL can limit connecting only; TCP takes a process that has been stopped for one that is busy.
    Those of MySQL, which do not show their sockets, have a timeout of their own.
    """
    # One that is known to be broken would be replaced by asking for it.
    driver = None if connection.invalidated else connection.connection.dbapi_connection
    if not hasattr(driver, "fileno"):
        yield
        return
    with SocketTimer(_LONGEST_SILENCE) as timer:
        timer.watch_socket(driver)
        yield


def choose_lock(connections: Connections, name: str) -> Hold:
    """Return the lock of that name, shared by all users of this database.

    :raises ValueError: no lock is known for this kind of database
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
            if process == identify_process():  # and not in a child that inherited the connection
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
            # A little at a time, because not every driver lets Ctrl-C through while it waits.
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
        holder = "another database session"  # not asked for which one: a caller that does not wait goes on at once
        if timeout > 0:
            session = self._ask(connection, _HOLDER) or "(just gone)"
            holder = f"database session {session}"
        raise TimeoutError(f"{store!r} is locked by {holder}; gave up after {timeout:g} s.")


def _hold_sqlite(connections: Connections, name: str, timeout: float, store: object) -> AbstractContextManager[None]:
    """Hold a lock file beside the database: a transaction that locks SQLite would lock readers out, too."""
    engine = connections.engine
    # Asked once for each engine: in memory, all may share one connection and be in the middle of something.
    if engine not in _sqlite_files:
        with connections.open() as connection:
            files = {database: file for _, database, file in connection.exec_driver_sql("PRAGMA database_list")}
        _sqlite_files[engine] = files["main"]
    if not _sqlite_files[engine]:
        locks = _in_memory.setdefault(engine, {})
        return locks.setdefault(name, ThreadLock()).hold(timeout, of=store)
    # The file is the one the link leads to, as it is for SQLite.
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return hold_lock_file(Path(f"{os.path.realpath(_sqlite_files[engine])}.{digest}.lock"), store, timeout)


def _close(
    connection: sa.Connection, store: object, before: Callable[[sa.Connection], object] = lambda _: None
) -> None:
    # What was done under the lock is done. Failing now would make the caller think that it is not.
    try:
        with bounded(connection), connection:
            before(connection)
    except Exception as cause:  # noqa: BLE001 - whatever the driver raises, and never its text
        pass_interruption(cause)
        _log.warning("%r: the connection that held the lock could not be closed: %s", store, describe(cause))
