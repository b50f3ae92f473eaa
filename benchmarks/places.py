"""Where the fleet of a benchmark shares its grant: a file, a Redis and a PostgreSQL, both started for the purpose.

Owns the servers' lives and how a store on each is made; knows nothing of what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from helpers.database_servers import postgres_server, redis_server
from serverstores import redis_store, sql_store

from requests_zohorecruit import FileStore

__all__ = ["FILE", "POSTGRESQL", "REDIS", "Place", "places"]

#: Makes what another process can be given to make a store of: each time one that is empty yet.
Place = Callable[[], Callable[[], Any]]

FILE, REDIS, POSTGRESQL = "FileStore", "RedisStore", "SQLStore on PostgreSQL"


@contextmanager
def places() -> Iterator[dict[str, Place]]:
    """Start the servers; yield the places by the names of their stores."""
    with (
        TemporaryDirectory(prefix="grants-") as directory,
        redis_server() as redis,
        postgres_server() as postgres,
    ):
        yield {
            FILE: lambda: partial(FileStore, Path(directory) / f"{uuid4().hex}.json"),
            REDIS: lambda: partial(redis_store, redis.port, uuid4().hex),
            POSTGRESQL: lambda: partial(sql_store, postgres.port, uuid4().hex),
        }
