"""How each kind of database locks, and what becomes of an engine's connections when a process forks.

Knows nothing of the table and what is in it.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.stores.file_lock import LockFile
from requests_zohorecruit.stores.polling import poll
from requests_zohorecruit.thread_locks import ThreadLock, identify_process

__all__ = ["Hold", "choose_lock", "renew_connections"]

_log = logging.getLogger(__name__)

#: Takes a timeout in seconds and the store, for messages.
Hold = Callable[[float, object], AbstractContextManager[None]]

# Advisory locks, asked for without waiting. PostgreSQL's belongs to the transaction and not to the session, because
# poolers like PgBouncer may give every transaction another session. MySQL's names are common to all databases of a
# server and have up to 64 characters.
_TAKE = {
    "postgresql": sa.text("SELECT pg_try_advisory_xact_lock(:number)"),
    "mysql": sa.text("SELECT GET_LOCK(MD5(CONCAT(COALESCE(DATABASE(), ''), :name)), 0)"),
}
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

# Which process an engine's connections belong to, as far as is known, and what parents left behind.
_owners: WeakKeyDictionary[sa.Engine, tuple[int, int]] = WeakKeyDictionary()
_inherited: list[sa.Pool] = []
_changing_owners = ThreadLock()
#: Seconds; nothing is waited for there.
_LONGEST_CHANGE = 60.0


def renew_connections(engine: sa.Engine) -> None:
    """Give a forked child connections of its own, where the engine was used for a store before the fork.

    A child must not speak through its parent's connections, nor wait for a pool that one of its parent's threads was
    just using.
    """
    process = identify_process()
    if _owners.setdefault(engine, process) == process:
        return
    with _changing_owners.hold(_LONGEST_CHANGE):
        if _owners[engine] == process:  # another thread of this child was faster
            return
        if not isinstance(engine.pool, sa.pool.StaticPool | sa.pool.SingletonThreadPool):  # a database in memory
            # Kept, because a connection that is collected might say goodbye to the server on the parent's behalf.
            _inherited.append(engine.pool)
            engine.dispose(close=False)
        _owners[engine] = process  # not before: from now on the other threads go on without a look


def choose_lock(engine: sa.Engine, name: str) -> Hold:
    """Return the lock of that name, shared by all users of this database.

    :raises ValueError: no lock is known for this kind of database
    """
    kind = {"mariadb": "mysql"}.get(engine.dialect.name, engine.dialect.name)
    if kind == "sqlite":
        return partial(_hold_sqlite, engine, name)
    if kind in _TAKE:
        return _AdvisoryLock(engine, name, kind).hold
    raise ValueError(f"SQLStore works with PostgreSQL, MySQL, MariaDB and SQLite, not with {kind}")


class _AdvisoryLock:
    def __init__(self, engine: sa.Engine, name: str, kind: str) -> None:
        self._engine = engine
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass"))
        number = int.from_bytes(digest.digest()[:8], "big", signed=True)
        self._named: dict[str, Any] = {"number": number} if kind == "postgresql" else {"name": digest.hexdigest()}
        self._kind = kind

    @contextmanager
    def hold(self, timeout: float, store: object) -> Iterator[None]:
        process = identify_process()
        connection = self._take(timeout, store)
        try:
            yield
        finally:
            if process == identify_process():  # and not in a child that inherited the connection
                _close(connection, store, self._free)

    def _take(self, timeout: float, store: object) -> sa.Connection:
        # Not the engine's level: in AUTOCOMMIT, PostgreSQL would give the lock back at once.
        connection = self._engine.connect().execution_options(isolation_level="READ COMMITTED")

        def take() -> bool:
            return bool(connection.execute(_TAKE[self._kind], self._named).scalar())

        try:
            # Out of the pool, so that with a pool of one no thread waits for this holder or for a waiter; but not for
            # a single look at a lock that is taken, since a connection from the pool costs nothing.
            if timeout > 0:
                connection.detach()
            if not poll(take, timeout):
                self._give_up(connection, timeout, store)
            if timeout <= 0:
                connection.detach()
        except BaseException:
            _close(connection, store)
            raise
        return connection

    def _free(self, connection: sa.Connection) -> None:
        if self._kind in _FREE:
            connection.execute(_FREE[self._kind], self._named)

    def _give_up(self, connection: sa.Connection, timeout: float, store: object) -> NoReturn:
        holder = "another database session"  # not asked for which one: a caller that does not wait goes on at once
        if timeout > 0:
            session = connection.execute(_HOLDER[self._kind], self._named).scalar() or "(just gone)"
            holder = f"database session {session}"
        raise TimeoutError(f"{store!r} is locked by {holder}; gave up after {timeout:g} s.")


def _hold_sqlite(engine: sa.Engine, name: str, timeout: float, store: object) -> AbstractContextManager[None]:
    """Hold a lock file beside the database: a transaction that locks SQLite would lock readers out, too."""
    # Asked once for each engine: in memory, all may share one connection and be in the middle of something.
    if engine not in _sqlite_files:
        with engine.connect() as connection:
            files = {database: file for _, database, file in connection.exec_driver_sql("PRAGMA database_list")}
        _sqlite_files[engine] = files["main"]
    if not _sqlite_files[engine]:
        locks = _in_memory.setdefault(engine, {})
        return locks.setdefault(name, ThreadLock()).hold(timeout, of=store)
    # The file is the one the link leads to, as it is for SQLite.
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return LockFile(Path(f"{os.path.realpath(_sqlite_files[engine])}.{digest}.lock"), store).hold(timeout)


def _close(
    connection: sa.Connection, store: object, before: Callable[[sa.Connection], object] = lambda _: None
) -> None:
    # What was done under the lock is done. Failing now would make the caller think that it is not.
    try:
        try:
            before(connection)
        finally:
            connection.close()
    except Exception as cause:  # noqa: BLE001 - whatever the driver raises, and never its text
        pass_interruption(cause)
        _log.warning("%r: the connection that held the lock could not be closed: %s", store, type(cause).__name__)
