"""Where a grant is shared, described so that another process can open it.

A module of its own, because a fresh interpreter has to be able to import it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from requests_zohorecruit.stores import FileStore, RedisStore, SQLStore

KINDS = ("file", "redis", "postgres")
#: What to call when the test is over.
closing = []


@dataclass(frozen=True)
class Share:
    """A store to be.

    :ivar kind: one of `KINDS`
    :ivar where: a directory, or the port of a server on 127.0.0.1
    :ivar lease: seconds after which Redis ends a lock, earlier than it was told when a holder's death is not to take long
    :ivar patience: seconds that a stalled server is waited for
    :ivar address: of Redis
    """

    kind: str
    where: object
    key: str
    lease: float = 60.0
    patience: float = 10.0
    address: str = "127.0.0.1"

    @classmethod
    def new(cls, kind, where, **options):
        share = cls(kind, where, uuid4().hex, **options)
        if kind == "postgres":
            share.open().create_table()
        return share

    def open(self):
        return {"file": self._file, "redis": self._redis, "postgres": self._postgres}[self.kind]()

    def _file(self):
        return FileStore(Path(self.where) / f"{self.key}.json")

    def _redis(self):
        client = redis_client(self.where, self.patience, host=self.address)
        return RedisStore(ShortLeases(client, self.lease), self.key)

    def _postgres(self):
        return SQLStore(postgres_engine(self.where, self.patience), self.key)


class ShortLeases:
    """A client of Redis for which every key ends after so many seconds at the latest."""

    def __init__(self, client, seconds):
        self._client, self._seconds = client, seconds

    def set(self, *args, px=None, **options):
        return self._client.set(*args, px=px and min(px, int(1000 * self._seconds)), **options)

    def __getattr__(self, name):
        return getattr(self._client, name)


def redis_client(port, patience=10.0, **options):
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    retry = Retry(NoBackoff(), 1)
    limits = {"socket_timeout": patience, "socket_connect_timeout": patience, "retry": retry}
    client = redis.Redis(port=port, **limits, **({"host": "127.0.0.1"} | options))
    closing.append(client.close)
    return client


def postgres_engine(port, patience=10.0):
    import sqlalchemy

    url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    engine = sqlalchemy.create_engine(url, connect_args={"connect_timeout": int(patience)}, pool_size=2)
    closing.append(engine.dispose)
    return engine


def close_all():
    while closing:
        closing.pop()()
