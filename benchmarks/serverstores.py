"""Stores on the servers of `servers`, each made anew in the process that uses it, as a user of a fleet would make it.

Knows how to connect and nothing else; a module of its own, because a fresh interpreter has to be able to import it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["redis_store", "sql_store"]


def redis_store(port: int, key: str) -> Any:
    """Return a `RedisStore` whose client has a timeout, as the documentation asks for."""
    from requests_zohorecruit.stores import RedisStore

    return RedisStore(_client(port), key)


def sql_store(port: int, key: str) -> Any:
    """Return an `SQLStore` on PostgreSQL, with the pool that SQLAlchemy makes by default."""
    from requests_zohorecruit.stores import SQLStore

    store = SQLStore(_engine(port), key)
    store.create_table()
    return store


@lru_cache
def _client(port: int) -> Any:
    import redis

    return redis.Redis(host="127.0.0.1", port=port, socket_timeout=30)


@lru_cache
def _engine(port: int) -> Any:
    import sqlalchemy

    return sqlalchemy.create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres")
