"""T88: another session holds the row or the table, or uses up the pool, or the whole server is frozen: nobody hangs."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import pytest
from helpers.database_servers import mariadb_server, postgres_server
from helpers.recovery_checks import HOUR, STALE, Client

from requests_zohorecruit import TokenStoreError
from requests_zohorecruit.stores import SQLStore

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

#: Seconds in which a caller is done for certain, on a busy machine, and which an unbounded wait outlasts.
SOON = 15.0
LOCKING = {
    ("postgresql", "row"): "SELECT record FROM zohorecruit_tokens WHERE key = '{key}' FOR UPDATE",
    ("postgresql", "table"): "LOCK TABLE zohorecruit_tokens IN ACCESS EXCLUSIVE MODE",
    ("mysql", "row"): "SELECT record FROM zohorecruit_tokens WHERE `key` = '{key}' FOR UPDATE",
    ("mysql", "table"): "LOCK TABLES zohorecruit_tokens WRITE",
    ("sqlite", "row"): "BEGIN IMMEDIATE",
    ("sqlite", "table"): "BEGIN EXCLUSIVE",
}


@pytest.fixture
def postgres_url(postgres_process):
    return f"postgresql+psycopg://postgres@127.0.0.1:{postgres_process.port}/postgres"


@pytest.fixture
def mariadb_url(mariadb_process):
    return f"mysql+pymysql://root@127.0.0.1:{mariadb_process.port}/test"


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path / 'app.db'}"


@pytest.fixture
def connect():
    engines = []

    def make(url, **options):
        engines.append(sa.create_engine(url, **options))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def client_on(zoho, access):
    """Make a client with a fresh token of a new grant, whose clock can be put forward."""

    def make(engine):
        store = SQLStore(engine, uuid4().hex)
        store.create_table()
        access.auth(store, refresh_token=zoho.new_grant()).refresh()
        client = Client(access, store)
        assert client.call() == 200
        return client, store

    return make


@contextmanager
def held(engine, what, key):
    """Have another session hold the row or the table, or this thread all of the pool."""
    other = engine if what == "pool" else sa.create_engine(engine.url, poolclass=sa.NullPool)
    with other.connect() as connection:
        if what != "pool":
            connection.exec_driver_sql(LOCKING[engine.dialect.name, what].format(key=key))
        yield
        connection.rollback()


def soon(client):
    """Return the outcome of a call that must not take long; a call without end does not hold up the test."""
    outcomes = []
    caller = threading.Thread(target=lambda: outcomes.append(client.outcome()), daemon=True)
    caller.start()
    caller.join(SOON)
    assert outcomes, f"no answer within {SOON} s"
    return outcomes[0]


def put_into(state, client, zoho):
    client.ahead = {"stale": STALE, "expired": HOUR, "rejected": 0.0}[state]
    if state == "rejected":
        zoho.reject_tokens()


@pytest.mark.parametrize("url", ["postgres_url", "mariadb_url", "sqlite_url"])
@pytest.mark.parametrize(
    ("what", "state", "expected"),
    [
        ("row", "stale", 200),
        ("row", "expired", TokenStoreError),
        ("row", "rejected", 200),  # with the token that was minted and could not be saved
        ("table", "stale", 200),
        ("table", "expired", TokenStoreError),
        ("table", "rejected", TokenStoreError),
        ("pool", "stale", 200),
        ("pool", "expired", 200),
        ("pool", "rejected", 200),
    ],
)
@pytest.mark.thorough(one_in=15)
def test_t88_whatever_of_a_database_another_session_holds_keeps_nobody_waiting(
    request, connect, client_on, zoho, url, what, state, expected
):
    limits = {"timeout": 50} if url == "sqlite_url" else {}  # what others give SQLite, to wait for what they write
    options = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 50, "connect_args": limits}
    engine = connect(request.getfixturevalue(url), **options)
    client, store = client_on(engine)
    put_into(state, client, zoho)
    before = zoho.token_requests
    with held(engine, what, store._key):
        outcome = soon(client)
    if expected == 200:
        assert outcome == 200
    else:
        assert type(outcome) is expected
        assert repr(store) in str(outcome)
    client.ahead += 6.0  # when what failed is tried again
    assert soon(client) == 200
    assert zoho.token_requests == before + 1
    assert store.load()["access_token"] == client.auth.token.access_token


# A server that is frozen, with the settings that are documented


@pytest.fixture
def server():
    with postgres_server() as process:
        yield process


@pytest.fixture
def engine(server, connect):
    options = {"connect_timeout": 2, "tcp_user_timeout": 2000}
    return connect(f"postgresql+psycopg://postgres@127.0.0.1:{server.port}/postgres", connect_args=options)


@pytest.fixture
def thaw():
    with ExitStack() as stack:
        yield stack


FROZEN = [("stale", 200), ("expired", TokenStoreError), ("rejected", TokenStoreError)]


@pytest.mark.parametrize(("state", "expected"), FROZEN)
@pytest.mark.thorough(one_in=3)
def test_t88_a_frozen_postgres_keeps_nobody_waiting(server, engine, client_on, zoho, state, expected):
    client, store = client_on(engine)
    put_into(state, client, zoho)
    before = zoho.token_requests
    with server.stalled():
        outcome = soon(client)
    assert outcome == 200 if expected == 200 else repr(store) in str(outcome)
    client.ahead += 6.0
    assert soon(client) == 200
    assert zoho.token_requests == before + 1


@pytest.mark.parametrize(
    "statement", ["set_config", "SELECT zohorecruit_tokens", "pg_try_advisory", "UPDATE", "COMMIT", "ROLLBACK"]
)
@pytest.mark.thorough(one_in=8)
def test_t88_a_postgres_that_freezes_during_a_statement_takes_no_live_token_away(
    server, engine, client_on, zoho, thaw, statement
):
    client, store = client_on(engine)
    coming = freeze_before(statement, engine, server, thaw)
    put_into("stale", client, zoho)
    before = zoho.token_requests
    assert soon(client) == 200
    assert not coming
    thaw.close()
    client.ahead += 6.0
    assert soon(client) == 200
    assert zoho.token_requests == before + 1
    assert store.load()["access_token"] == client.auth.token.access_token


@pytest.mark.parametrize("statement", ["SELECT zohorecruit_tokens", "pg_advisory", "UPDATE", "COMMIT"])
@pytest.mark.thorough
def test_t88_a_postgres_that_freezes_during_a_statement_is_an_error_that_names_the_store(
    server, engine, client_on, zoho, thaw, statement
):
    client, store = client_on(engine)
    coming = freeze_before(statement, engine, server, thaw)
    put_into("expired", client, zoho)
    outcome = soon(client)
    assert not coming
    assert type(outcome) is TokenStoreError
    assert repr(store) in str(outcome)
    assert "The server does not answer in time" in str(outcome)
    thaw.close()
    client.ahead += 6.0
    assert soon(client) == 200


@pytest.mark.thorough
def test_t88_waiting_for_a_lock_ends_when_the_server_freezes(server, engine, thaw):
    one, other = (SQLStore(engine, "key") for _ in range(2))
    one.create_table()
    with one.lock(0):
        coming = freeze_before("pg_advisory", engine, server, thaw)
        started = time.monotonic()
        with pytest.raises(TokenStoreError, match="The server does not answer in time"):
            other.lock(60).__enter__()
        assert time.monotonic() - started < SOON
        assert not coming
        thaw.close()
    with other.lock(5):
        pass


@pytest.mark.thorough
def test_t88_a_mariadb_that_freezes_during_a_statement_is_bounded_by_the_drivers_timeout(
    connect, client_on, zoho, thaw
):
    with mariadb_server() as mariadb:
        limits = {"connect_timeout": 2, "read_timeout": 2, "write_timeout": 2}
        engine = connect(f"mysql+pymysql://root@127.0.0.1:{mariadb.port}/test", connect_args=limits)
        client, store = client_on(engine)
        coming = freeze_before("UPDATE", engine, mariadb, thaw)
        put_into("expired", client, zoho)
        outcome = soon(client)
        thaw.close()
        assert not coming
        assert type(outcome) is TokenStoreError
        assert repr(store) in str(outcome)


def freeze_before(statement, engine, server, thaw):
    """Freeze the server right before it gets the first statement with that text; return the list that it is in till then."""
    coming = [statement]

    def freeze(text):
        if coming and statement in text:
            coming.clear()
            thaw.enter_context(server.stalled())

    sa.event.listen(engine, "before_cursor_execute", lambda *given: freeze(given[2]))
    sa.event.listen(engine, "commit", lambda _: freeze("COMMIT"))
    sa.event.listen(engine, "rollback", lambda _: freeze("ROLLBACK"))
    return coming
