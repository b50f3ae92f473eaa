"""SQLStore, on real PostgreSQL, MariaDB and SQLite."""

from __future__ import annotations

import functools
import logging
import os
import re
import stat
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores import SQLStore, TokenStore
from requests_zohorecruit.testing import TokenStoreContract

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

OLD = {"access_token": "1000.planted-old"}
NEW = {"access_token": "1000.planted-new"}
NEWER = {"access_token": "1000.planted-newer"}
ONE_CONNECTION: dict[str, Any] = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 1}


@pytest.fixture
def connect() -> Iterator[Callable[..., Any]]:
    """Make engines, and dispose of them in the end."""
    engines: list[Any] = []

    def make(url: str, **options: Any) -> Any:
        engines.append(sa.create_engine(url, **options))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def postgres_url(postgres_process: Any) -> str:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    return f"postgresql+psycopg://postgres@127.0.0.1:{postgres_process.port}/postgres"


@pytest.fixture
def mariadb_url(mariadb_process: Any) -> str:
    pytest.importorskip("pymysql", reason="PyMySQL is not installed")
    return f"mysql+pymysql://root@127.0.0.1:{mariadb_process.port}/test"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'app.db'}"


@pytest.fixture(params=["postgres_url", "mariadb_url", "sqlite_url"])
def engine(request: pytest.FixtureRequest, connect: Callable[..., Any]) -> Any:
    made = connect(request.getfixturevalue(request.param))
    SQLStore(made, "any").create_table()
    return made


@pytest.fixture
def postgres(postgres_url: str, connect: Callable[..., Any]) -> Any:
    made = connect(postgres_url)
    SQLStore(made, "any").create_table()
    return made


@pytest.fixture
def key() -> str:
    return uuid4().hex


class OneEngine(TokenStoreContract):
    """The threads of a process share an engine; a forked child inherits it."""

    engine: Any

    def make_store(self, key: str) -> TokenStore:
        return SQLStore(self.engine, key)


class TestSQLStoreOnPostgreSQL(OneEngine):
    @pytest.fixture(autouse=True)
    def _engine(self, postgres: Any) -> None:
        self.engine = postgres


class TestSQLStoreOnPostgreSQLWithAPoolOfOne(OneEngine):
    @pytest.fixture(autouse=True)
    def _engine(self, postgres: Any, postgres_url: str, connect: Callable[..., Any]) -> None:
        self.engine = connect(postgres_url, **{**ONE_CONNECTION, "pool_timeout": 60})


class TestSQLStoreOnPostgreSQLInAutocommit(OneEngine):
    @pytest.fixture(autouse=True)
    def _engine(self, postgres: Any, postgres_url: str, connect: Callable[..., Any]) -> None:
        self.engine = connect(postgres_url, isolation_level="AUTOCOMMIT")


class TestSQLStoreOnMariaDB(OneEngine):
    @pytest.fixture(autouse=True)
    def _engine(self, mariadb_url: str, connect: Callable[..., Any]) -> None:
        self.engine = connect(mariadb_url)
        SQLStore(self.engine, "any").create_table()


class TestSQLStoreOnSQLite(OneEngine):
    @pytest.fixture(autouse=True)
    def _engine(self, sqlite_url: str, connect: Callable[..., Any]) -> None:
        self.engine = connect(sqlite_url)
        SQLStore(self.engine, "any").create_table()


class TestSQLStoreInMemory(OneEngine):
    process_shared = False

    @pytest.fixture(autouse=True)
    def _engine(self, connect: Callable[..., Any]) -> None:
        options = {"poolclass": sa.StaticPool, "connect_args": {"check_same_thread": False}}
        self.engine = connect("sqlite://", **options)
        SQLStore(self.engine, "any").create_table()


# What it is given


def test_an_engine_must_be_one(sqlite_url: str) -> None:
    with pytest.raises(TypeError, match=r"must be a sqlalchemy\.Engine, not str"):
        SQLStore(sqlite_url, "key")  # type: ignore[arg-type]


def test_a_key_must_be_a_string_of_some_length(connect: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="key must be a string"):
        SQLStore(connect("sqlite://"), 3)  # type: ignore[arg-type]
    for wrong in ("", "x" * 256):
        with pytest.raises(ValueError, match="1 to 255"):
            SQLStore(connect("sqlite://"), wrong)


def test_a_database_it_cannot_lock_is_refused() -> None:
    engine = sa.create_mock_engine("mssql://", print)
    stand_in = sa.create_engine("sqlite://")
    stand_in.dialect = engine.dialect
    with pytest.raises(ValueError, match="not with mssql"):
        SQLStore(stand_in, "key")


def test_T60_the_repr_shows_the_kind_of_database_and_no_password(connect: Callable[..., Any]) -> None:
    pytest.importorskip("psycopg")
    store = SQLStore(connect("postgresql+psycopg://user:planted@127.0.0.1/db"), "zoho")
    assert repr(store) == "SQLStore(postgresql, 'zoho')"


# The table


def test_the_table_can_be_created_again(engine: Any, key: str) -> None:
    store = SQLStore(engine, key)
    store.save(OLD)
    store.create_table()
    assert store.load() == OLD


def test_the_table_may_be_created_by_somebody_faster(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from requests_zohorecruit.stores.sql import TABLE

    monkeypatch.setattr(TABLE.metadata, "create_all", functools.partial(TABLE.create, checkfirst=False))
    SQLStore(engine, "key").create_table()


def test_a_table_that_cannot_be_created_is_an_error(tmp_path: Path, connect: Callable[..., Any]) -> None:
    (tmp_path / "app.db").touch()
    store = SQLStore(connect(f"sqlite:///file:{tmp_path / 'app.db'}?mode=ro&uri=true"), "key")
    with pytest.raises(TokenStoreError, match="could not be prepared: OperationalError"):
        store.create_table()


def test_a_database_that_cannot_be_written_keeps_what_it_has(tmp_path: Path, connect: Callable[..., Any]) -> None:
    SQLStore(connect(f"sqlite:///{tmp_path / 'app.db'}"), "key").create_table()
    store = SQLStore(connect(f"sqlite:///file:{tmp_path / 'app.db'}?mode=ro&uri=true"), "key")
    with pytest.raises(TokenStoreError, match="could not be saved: OperationalError"):
        store.save(NEW)
    assert store.load() is None


def test_a_missing_table_is_an_error_that_says_so(engine: Any) -> None:
    from requests_zohorecruit.stores.sql import TABLE

    if engine.dialect.name == "sqlite":
        TABLE.drop(engine)
        store = SQLStore(engine, "key")
    else:
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS elsewhere"))
        # Other tests use the table at the same time, so it is looked for where it is not.
        postgres = engine.url.update_query_dict({"options": "-c search_path=elsewhere"})
        elsewhere = postgres if engine.dialect.name == "postgresql" else engine.url.set(database="elsewhere")
        store = SQLStore(sa.create_engine(elsewhere), "key")
    for use in (store.load, lambda: store.save(NEW), lambda: store.lock(0).__enter__()):
        with pytest.raises(TokenStoreError, match=r"no table 'zohorecruit_tokens' .*Call create_table\(\) once"):
            use()
    store._connections.engine.dispose()


def test_the_documented_schema_is_the_one_that_is_created() -> None:
    from sqlalchemy.dialects import mysql, postgresql, sqlite
    from sqlalchemy.schema import CreateTable

    from requests_zohorecruit.stores.sql import TABLE

    def ddl(dialect: Any) -> str:
        return " ".join(str(CreateTable(TABLE).compile(dialect=dialect)).split())

    plain = "( key VARCHAR(255) NOT NULL, record TEXT NOT NULL, PRIMARY KEY (key) )"
    assert ddl(postgresql.dialect()) == f"CREATE TABLE zohorecruit_tokens {plain}"
    assert ddl(sqlite.dialect()).replace('"key"', "key") == f"CREATE TABLE zohorecruit_tokens {plain}"
    assert ddl(mysql.dialect()) == (
        "CREATE TABLE zohorecruit_tokens ( `key` VARCHAR(255) COLLATE utf8mb4_bin NOT NULL,"
        " record MEDIUMTEXT NOT NULL, PRIMARY KEY (`key`) )"
    )


# The record


def test_without_the_lock_whatever_is_there_is_replaced(engine: Any, key: str) -> None:
    one, other = SQLStore(engine, key), SQLStore(engine, key)
    one.save(OLD)
    other.save(NEW)
    one.save(NEWER)
    assert other.load() == NEWER


def test_without_the_lock_a_row_that_appears_meanwhile_is_replaced(
    engine: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, faster = SQLStore(engine, key), SQLStore(engine, key)
    answers = iter([False])  # of the first try, which finds no row to update and then one that stands in its way
    original = store._update

    def update(text: Any, condition: Any) -> bool:
        return next(answers, None) is None and original(text, condition)

    monkeypatch.setattr(store, "_update", update)
    faster.save(OLD)
    store.save(NEW)
    assert faster.load() == NEW


def test_T58_with_the_lock_a_newer_record_is_not_overwritten(engine: Any, key: str) -> None:
    slow, fast = SQLStore(engine, key), SQLStore(engine, key)
    with slow.lock(0):
        fast.save(OLD)  # a row where there was none
        with pytest.raises(TokenStoreError, match="another process replaced the record"):
            slow.save(NEW)
    with slow.lock(0):
        slow.save(NEW)
        fast.save(NEWER)
        with pytest.raises(TokenStoreError, match="another process replaced the record"):
            slow.save(OLD)
    assert slow.load() == NEWER


def test_a_lock_that_was_given_back_is_free_at_once(engine: Any, key: str) -> None:
    for _ in range(30):
        with SQLStore(engine, key).lock(0):
            pass


def test_T58_a_row_deleted_meanwhile_is_saved_again(engine: Any, key: str) -> None:
    from requests_zohorecruit.stores.sql import TABLE

    store = SQLStore(engine, key)
    store.save(OLD)
    with store.lock(0):
        with engine.begin() as connection:
            connection.execute(sa.delete(TABLE).where(TABLE.c.key == key))
        store.save(NEW)
        store.save(NEWER)
    assert store.load() == NEWER


@pytest.mark.parametrize("text", ["", "[]", '{"access_token": "1000.planted'])
def test_T52_what_is_no_record_is_left_alone(engine: Any, key: str, text: str) -> None:
    from requests_zohorecruit.stores.sql import TABLE

    with engine.begin() as connection:
        connection.execute(sa.insert(TABLE).values(key=key, record=text))
    store = SQLStore(engine, key)
    for use in (store.load, lambda: store.save(NEW)):
        with pytest.raises(TokenStoreError, match="not a token record"):
            use()
    with engine.connect() as connection:
        assert connection.execute(sa.select(TABLE.c.record).where(TABLE.c.key == key)).scalar_one() == text


def test_T14_a_record_json_cannot_express_is_refused_and_the_old_one_stays(engine: Any, key: str) -> None:
    store = SQLStore(engine, key)
    store.save(OLD)
    with pytest.raises(TokenStoreError, match="not JSON-serialisable"):
        store.save({"odd": object()})
    assert store.load() == OLD


def test_T60_an_engine_that_logs_its_statements_logs_no_token(
    engine: Any, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = SQLStore(engine, key)
    with caplog.at_level(logging.INFO, "sqlalchemy.engine"):
        engine.echo = True
        with store.lock(0):
            store.save(OLD)
            store.save(NEW)
        engine.echo = False
    assert "UPDATE zohorecruit_tokens" in caplog.text
    assert "planted" not in caplog.text


def test_T58_a_database_that_is_down_is_a_store_error_without_secrets(connect: Callable[..., Any]) -> None:
    pytest.importorskip("psycopg")
    store = SQLStore(connect("postgresql+psycopg://user:planted@127.0.0.1:1/db?connect_timeout=5"), "key")
    for use in (store.load, lambda: store.save(NEW), lambda: store.lock(0).__enter__(), store.create_table):
        with pytest.raises(TokenStoreError, match="OperationalError") as caught:
            use()
        assert caught.value.__context__ is None
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack[1:]
        assert "planted" not in str(caught.value) + "".join(traceback.StackSummary.from_list(frames).format())


def test_T58_connections_that_ended_in_the_pool_are_no_error(
    postgres: Any, key: str, connect: Callable[..., Any]
) -> None:
    store = SQLStore(postgres, key)
    store.save(OLD)
    with postgres.connect() as pooled:
        pid = pooled.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    with connect(postgres.url).connect() as other:
        assert other.execute(sa.text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid}).scalar_one()
    assert store.load() == OLD


# The lock on PostgreSQL


def test_T56_a_lock_not_obtained_names_the_session_that_holds_it(postgres: Any, key: str) -> None:
    store = SQLStore(postgres, key)
    with store.lock(0):
        with postgres.connect() as connection:
            query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            holders = {str(pid) for pid in connection.execute(sa.text(query)).scalars()}
        with pytest.raises(TimeoutError) as caught:
            store.lock(0.01).__enter__()
        with pytest.raises(TimeoutError, match=r"is locked by another database session; gave up after 0 s\.$"):
            store.lock(-1).__enter__()
    found = re.fullmatch(
        r"SQLStore\(.*\) is locked by database session (\d+); gave up after 0\.01 s\.", str(caught.value)
    )
    assert found
    assert found[1] in holders


def test_a_holder_leaves_a_pool_of_one_to_the_others(
    postgres: Any, postgres_url: str, connect: Callable[..., Any], key: str
) -> None:
    store = SQLStore(connect(postgres_url, **ONE_CONNECTION), key)
    with store.lock(0):
        store.save(NEW)
        assert store.load() == NEW
        with pytest.raises(TimeoutError):
            store.lock(0).__enter__()


def test_a_waiter_leaves_a_pool_of_one_to_the_others(
    postgres: Any, postgres_url: str, connect: Callable[..., Any], key: str
) -> None:
    store = SQLStore(connect(postgres_url, **ONE_CONNECTION), key)
    found = []
    with SQLStore(postgres, key).lock(0):
        waiting = threading.Event()
        sa.event.listen(store._connections.engine, "after_cursor_execute", lambda *_: waiting.set())

        def wait() -> None:
            with store.lock(30):
                found.append(store.load())

        waiter = threading.Thread(target=wait)
        waiter.start()
        assert waiting.wait(30)
        assert store.load() is None
    waiter.join(30)
    assert found == [None]


def test_T57_a_lock_ends_with_its_connection(postgres: Any, key: str, caplog: pytest.LogCaptureFixture) -> None:
    store, next_one = SQLStore(postgres, key), SQLStore(postgres, key)
    store.save(OLD)
    with caplog.at_level(logging.WARNING), store.lock(0):
        with pytest.raises(TimeoutError) as caught:
            next_one.lock(0.01).__enter__()
        session = int(re.findall(r"session (\d+)", str(caught.value))[0])
        with postgres.connect() as connection:
            connection.execute(sa.text("SELECT pg_terminate_backend(:session)"), {"session": session})
        with next_one.lock(10):
            next_one.save(NEWER)
        with pytest.raises(TokenStoreError, match="the connection that held it broke"):
            store.save(NEW)
    assert store.load() == NEWER


def test_a_connection_that_cannot_be_closed_does_not_spoil_what_was_done(
    postgres: Any, key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = SQLStore(postgres, key)

    original = sa.Connection.close

    def fail(connection: Any) -> NoReturn:
        original(connection)
        raise OSError("planted")

    held = store.lock(0)
    with caplog.at_level(logging.WARNING), monkeypatch.context() as broken:
        held.__enter__()
        store.save(NEW)
        broken.setattr(sa.Connection, "close", fail)
        held.__exit__(None, None, None)
    assert caplog.messages == [f"{store!r}: the connection that held the lock could not be closed: OSError"]
    assert "planted" not in caplog.text


def test_T26_a_child_leaving_the_block_does_not_end_the_parents_lock(
    postgres: Any, key: str, fork: Callable[..., Any]
) -> None:
    store = SQLStore(postgres, key)

    def leave(say: Callable[[str], None], _: Callable[[], None]) -> None:
        held.__exit__(None, None, None)
        store.save(OLD)
        try:
            store.lock(0).__enter__()
        except TimeoutError:
            say(f"{store.load() == OLD} still locked")

    held = store.lock(0)
    with held:
        assert fork(leave).hear() == "True still locked"
        assert store.load() == OLD  # the parent's own connections work as before
        with pytest.raises(TimeoutError):
            store.lock(0).__enter__()


def test_T26_a_hold_that_another_process_inherited_does_not_end_there(
    postgres: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from requests_zohorecruit.stores.sql_locks import Connections, choose_lock

    held, real = choose_lock(Connections(postgres), key)(0, "store"), os.getpid()
    connection = held.__enter__()
    assert connection is not None
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: real + 1)
        held.__exit__(None, None, None)
    assert not connection.closed
    connection.close()


def test_T26_a_child_does_not_lose_a_database_in_memory(
    connect: Callable[..., Any], fork: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SQLStore(connect("sqlite://"), "key")
    store.create_table()
    store.save(OLD)
    assert fork(lambda say, _: say(str(store.load() == OLD))).hear() == "True"
    engine = store._connections.engine
    pool, real = engine.pool, os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: real + 1)
    assert store.load() == OLD
    assert engine.pool is pool


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_T26_no_connection_is_left_open_for_a_child_to_inherit(postgres: Any, key: str) -> None:
    def find_sockets() -> set[str]:
        with os.scandir("/proc/self/fd") as entries:
            links = [Path(entry.path) for entry in entries]
        return {str(link.readlink()) for link in links if link.is_symlink()}

    store, before = SQLStore(postgres, key), find_sockets()
    with store.lock(5):
        store.save(OLD)
    store.save(NEW)
    assert store.load() == NEW
    assert {each for each in find_sockets() - before if each.startswith("socket:")} == set()


# The locks on SQLite and MySQL


def test_sqlite_is_locked_by_a_file_beside_the_database(tmp_path: Path, connect: Callable[..., Any]) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "app.db")
    direct = SQLStore(connect(f"sqlite:///{tmp_path / 'app.db'}"), "key")
    linked = SQLStore(connect(f"sqlite:///{tmp_path / 'link.db'}"), "key")
    as_uri = SQLStore(connect(f"sqlite:///file:{tmp_path / 'app.db'}?uri=true"), "key")
    direct.create_table()
    with direct.lock(0):
        for other in (linked, as_uri):
            with pytest.raises(TimeoutError, match=f"by process {os.getpid()} on"):
                other.lock(0).__enter__()
    lock = [entry for entry in tmp_path.iterdir() if entry.suffix == ".lock"]
    assert len(lock) == 1
    assert re.fullmatch(r"app\.db\.[0-9a-f]{16}\.lock", lock[0].name)
    assert stat.S_IMODE(lock[0].stat().st_mode) == 0o600


def test_mysql_is_locked_by_a_name_of_its_own_database(mariadb_url: str, connect: Callable[..., Any], key: str) -> None:
    one = connect(mariadb_url)
    with one.begin() as connection:
        connection.exec_driver_sql("CREATE DATABASE IF NOT EXISTS other_place")
    other = connect(one.url.set(database="other_place"))
    for engine in (one, other):
        SQLStore(engine, key).create_table()
    with SQLStore(one, key).lock(0), SQLStore(other, key).lock(0):
        for engine in (one, other):
            with pytest.raises(TimeoutError, match=r"is locked by database session \d+; gave up after 0\.01 s\.$"):
                SQLStore(engine, key).lock(0.01).__enter__()
    with SQLStore(other, key).lock(0):
        pass


# Bounds (T88): what others hold, and a pool that is used up

LONG = 15.0  # seconds: what no bounded wait takes on a busy machine, where an unbounded one would never end


@contextmanager
def session_of(engine: Any, *statements: str) -> Iterator[None]:
    """Hold what these statements lock in another session."""
    with connected(engine) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        yield


@contextmanager
def connected(engine: Any) -> Iterator[Any]:
    other = sa.create_engine(engine.url, poolclass=sa.NullPool)
    with other.connect() as connection:
        yield connection
        connection.rollback()


def statements_that_lock(engine: Any, key: str, what: str) -> tuple[str, ...]:
    name = engine.dialect.name
    if name == "sqlite":
        return {"row": ("BEGIN IMMEDIATE",), "table": ("BEGIN EXCLUSIVE",)}[what]
    if what == "row":
        column = "key" if name == "postgresql" else "`key`"
        return (f"SELECT record FROM zohorecruit_tokens WHERE {column} = '{key}' FOR UPDATE",)
    return ("LOCK TABLE zohorecruit_tokens" if name == "postgresql" else "LOCK TABLES zohorecruit_tokens WRITE",)


@pytest.mark.parametrize("what", ["row", "table"])
@pytest.mark.thorough(one_in=4)
def test_t88_a_row_or_table_that_another_session_holds_is_an_error_soon_and_says_so(
    engine: Any, key: str, what: str
) -> None:
    store = SQLStore(engine, key)
    store.save(OLD)
    uses = [lambda: store.save(NEW)] + ([store.load] if what == "table" else [])
    with session_of(engine, *statements_that_lock(engine, key, what)):
        for use in uses:
            started = time.monotonic()
            with pytest.raises(TokenStoreError, match="Another session holds a lock"):
                use()
            assert time.monotonic() - started < LONG
        if what == "row":
            assert store.load() == OLD
    assert store.load() == OLD
    store.save(NEW)
    assert store.load() == NEW


@pytest.mark.parametrize("url", ["postgres_url", "mariadb_url", "sqlite_url"])
def test_t88_a_pool_that_is_used_up_is_not_waited_for(
    url: str, key: str, connect: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    engine = connect(request.getfixturevalue(url), pool_size=1, max_overflow=0, pool_timeout=50)
    started = time.monotonic()
    with engine.connect():  # by this very thread, as in the middle of a transaction of the caller's
        store = SQLStore(engine, key)
        store.create_table()
        with store.lock(10):
            store.save(NEW)
        assert store.load() == NEW
    assert time.monotonic() - started < LONG


def test_t88_waiting_for_the_lock_ends_with_its_timeout_and_not_with_that_of_a_statement(
    postgres: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from requests_zohorecruit.stores import sql_locks

    monkeypatch.setattr(sql_locks, "LONGEST_WAIT", 0.05)
    store = SQLStore(postgres, key)
    with SQLStore(postgres, key).lock(0):
        started = time.monotonic()
        with pytest.raises(TimeoutError, match=r"by database session \d+; gave up after 0\.5 s"):
            store.lock(0.5).__enter__()
        assert 0.5 <= time.monotonic() - started < LONG
    with store.lock(0.5):
        pass


def test_t88_what_the_server_never_answers_is_cut_off(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from requests_zohorecruit.stores import sql_locks

    monkeypatch.setattr(sql_locks, "_LONGEST_SILENCE", 0.2)
    started = time.monotonic()
    with sql_locks.Connections(postgres).make() as connection:
        with pytest.raises(sa.exc.OperationalError), sql_locks.bounded(connection):
            connection.exec_driver_sql("SELECT pg_sleep(50)")
        assert connection.invalidated
        with sql_locks.bounded(connection):  # and without a connection of the pool in its place
            assert connection.invalidated
    assert time.monotonic() - started < LONG


def test_t93_a_session_that_is_ended_while_it_waits_for_the_lock_is_an_error_with_its_code(
    postgres: Any, key: str, connect: Callable[..., Any]
) -> None:
    waiting = SQLStore(connect(postgres.url.update_query_dict({"application_name": key})), key)
    end = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :key")
    ended = threading.Event()

    def end_it() -> None:
        with postgres.connect() as connection:
            while not ended.is_set() and not connection.execute(end, {"key": key}).all():
                connection.rollback()
                ended.wait(0.05)

    with SQLStore(postgres, key).lock(0):
        killer = threading.Thread(target=end_it)
        sa.event.listen(waiting._connections.engine, "before_cursor_execute", lambda *given: start(given[2]))

        def start(statement: str) -> None:
            if "pg_advisory_xact_lock" in statement:
                killer.start()

        with pytest.raises(
            TokenStoreError, match=r"could not be locked: OperationalError \(AdminShutdown, SQLSTATE 57"
        ):
            waiting.lock(30).__enter__()
        ended.set()
        killer.join(LONG)


# Nothing that is not stored passes for stored (T89)


@pytest.fixture
def own_table(postgres_url: str, connect: Callable[..., Any]) -> Callable[..., Any]:
    """Make a schema of its own, with what the statements put there; use it as the superuser, or another role."""

    def make(statements: str, role: str = "postgres") -> Any:
        schema = f"own_{uuid4().hex}"
        with connect(postgres_url).begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}; {statements}")
            connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        return connect(postgres_url, connect_args={"options": f"-c search_path={schema} -c role={role}"})

    return make


TABLE_WITH = "CREATE TABLE zohorecruit_tokens (key VARCHAR(255) PRIMARY KEY, record TEXT NOT NULL{});"
DROPPING = (
    TABLE_WITH.format("")
    + "CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    + "CREATE TRIGGER dropping BEFORE {} ON zohorecruit_tokens FOR EACH ROW EXECUTE FUNCTION drop_it();"
)


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (TABLE_WITH.format(", tenant INT NOT NULL"), "NotNullViolation, SQLSTATE 23502"),
        (TABLE_WITH.format(", CHECK (length(record) < 5)"), "CheckViolation, SQLSTATE 23514"),
        (TABLE_WITH.format("").replace("TEXT", "VARCHAR(5)"), "StringDataRightTruncation, SQLSTATE 22001"),
        (DROPPING.format("INSERT"), "reports no error, but does not hold the new record.*triggers"),
        (
            TABLE_WITH.format("") + "CREATE RULE nothing AS ON INSERT TO zohorecruit_tokens DO INSTEAD NOTHING;",
            "reports no error, but does not hold",
        ),
    ],
)
def test_t89_a_row_that_the_database_refuses_or_drops_is_an_error_and_not_a_race(
    own_table: Callable[[str], Any], key: str, statements: str, message: str
) -> None:
    store = SQLStore(own_table(statements), key)
    with pytest.raises(TokenStoreError, match=message) as caught:
        store.save(NEW)
    assert "planted" not in str(caught.value)
    with store.lock(5), pytest.raises(TokenStoreError, match=message):
        store.save(NEW)
    assert store.load() is None


def test_t89_a_row_that_cannot_be_updated_is_an_error_and_not_a_race(own_table: Callable[[str], Any], key: str) -> None:
    store = SQLStore(own_table(DROPPING.format("UPDATE")), key)
    store.save(OLD)
    with pytest.raises(TokenStoreError, match="reports no error, but does not hold"):
        store.save(NEW)
    with store.lock(5), pytest.raises(TokenStoreError, match="reports no error, but does not hold"):
        store.save(NEW)
    assert store.load() == OLD


ROW_SECURITY = (
    TABLE_WITH.format("")
    + "CREATE ROLE {role}; GRANT ALL ON zohorecruit_tokens TO {role};"
    + "ALTER TABLE zohorecruit_tokens ENABLE ROW LEVEL SECURITY;"
    + "CREATE POLICY a ON zohorecruit_tokens FOR SELECT USING ({select});"
    + "CREATE POLICY b ON zohorecruit_tokens FOR INSERT WITH CHECK ({insert});"
    + "CREATE POLICY c ON zohorecruit_tokens FOR UPDATE USING ({update});"
)


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ({"select": "true", "insert": "false", "update": "true"}, "SQLSTATE 42501.*grant it SELECT, INSERT and UPDATE"),
        ({"select": "false", "insert": "true", "update": "true"}, "does not hold the new record.*row-level security"),
    ],
    ids=["not-inserted", "not-seen"],
)
def test_t89_row_level_security_that_refuses_or_hides_the_row_is_an_error(
    own_table: Callable[..., Any], key: str, policies: dict[str, str], message: str
) -> None:
    role = f"tenant_{uuid4().hex}"
    store = SQLStore(own_table(ROW_SECURITY.format(role=role, **policies), role), key)
    with pytest.raises(TokenStoreError, match=message):
        store.save(NEW)
    with store.lock(5), pytest.raises(TokenStoreError, match=message):
        store.save(NEW)
    assert store.load() is None


def test_t89_row_level_security_that_leaves_the_row_as_it_was_is_an_error(
    own_table: Callable[..., Any], key: str
) -> None:
    role = f"tenant_{uuid4().hex}"
    policies = {"select": "true", "insert": "true", "update": "false"}
    store = SQLStore(own_table(ROW_SECURITY.format(role=role, **policies), role), key)
    store.save(OLD)
    for lock in (nullcontext(), store.lock(5)):
        with lock, pytest.raises(TokenStoreError, match="does not hold the new record.*row-level security"):
            store.save(NEW)
    assert store.load() == OLD


def test_t89_a_view_that_shows_only_other_rows_is_an_error(own_table: Callable[..., Any], key: str) -> None:
    view = (
        TABLE_WITH.format("")
        + "ALTER TABLE zohorecruit_tokens RENAME TO behind;"
        + "CREATE VIEW zohorecruit_tokens AS SELECT key, record FROM behind WHERE key = 'others';"
    )
    engine = own_table(view)
    with pytest.raises(TokenStoreError, match="does not hold the new record"):
        SQLStore(engine, key).save(NEW)
    others = SQLStore(engine, "others")
    others.save(NEW)
    assert others.load() == NEW


def test_t89_what_mysql_cuts_off_without_its_strict_mode_is_an_error(
    mariadb_url: str, connect: Callable[..., Any], key: str
) -> None:
    admin, name = connect(mariadb_url), f"own_{uuid4().hex}"
    with admin.begin() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        connection.exec_driver_sql(
            f"CREATE TABLE {name}.zohorecruit_tokens (`key` VARCHAR(255) PRIMARY KEY, record VARCHAR(50) NOT NULL)"
        )
    engine = connect(admin.url.set(database=name), connect_args={"init_command": "SET sql_mode = ''"})
    store, long = SQLStore(engine, key), {"access_token": "1000.planted" + 100 * "x"}
    for before in (None, OLD):
        for lock in (nullcontext(), store.lock(5)):
            with lock, pytest.raises(TokenStoreError, match="does not hold the new record.*short column"):
                store.save(long)
        assert store.load() == before
        store.save(OLD)


def test_t93_a_right_that_is_taken_away_under_the_lock_is_an_error_that_says_so(
    own_table: Callable[..., Any], postgres: Any, key: str
) -> None:
    role = f"tenant_{uuid4().hex}"
    engine = own_table(TABLE_WITH.format("") + f"CREATE ROLE {role}; GRANT ALL ON zohorecruit_tokens TO {role};", role)
    with engine.connect() as connection:
        schema = connection.exec_driver_sql("SHOW search_path").scalar_one()
    store = SQLStore(engine, key)
    with store.lock(5):
        store.save(OLD)
        with postgres.begin() as connection:
            connection.exec_driver_sql(f"REVOKE ALL ON {schema}.zohorecruit_tokens FROM {role}")
        for use in (store.load, lambda: store.save(NEW)):
            with pytest.raises(TokenStoreError, match="SQLSTATE 42501.*grant it SELECT, INSERT and UPDATE"):
                use()
