"""A program that prepares its grant before it forks workers, as gunicorn and Celery run one; it refreshes at each fork.

Contains the WSGI application, the Celery application, and the code that runs at a fork. The caller decides on the
number of workers and the requests. Its settings are in the file that ``PREFORK`` names.
"""

from __future__ import annotations

import json
import os
import pickle
import threading
from pathlib import Path

import filelock  # noqa: F401 - its own hooks have to come after ours at a fork, so they are registered before
from urllib3.connection import HTTPConnection

from helpers.storm_callers import outcome

__all__ = ["WORKERS", "application", "celery_application"]

WORKERS = 3
#: Seconds to wait for what should happen at once.
PATIENCE = 60


class Program:
    """One `ZohoRecruitAuth`, made in the parent; at every fork another thread of the parent waits for Zoho's answer."""

    def __init__(self, access, share):
        self._access = access
        self._auth = access.auth(share.open())
        self._asking = threading.Event()
        self._answer_of = HTTPConnection.getresponse
        HTTPConnection.getresponse = lambda connection: self._noted(connection)  # noqa: PLW0108 - so it is a method
        self._refresher = threading.Thread()
        os.register_at_fork(before=self._begin_to_refresh)
        self._parent = os.getpid()

    def report(self):
        """Call the API; return the process id and what came of it, as JSON."""
        with self._access.session() as session:
            answer = outcome(lambda: session.get(self._access.url, auth=self._auth, timeout=PATIENCE).status_code)
        return json.dumps([os.getpid(), answer if isinstance(answer, int) else repr(answer)])

    def _begin_to_refresh(self):
        if os.getpid() != self._parent:
            return
        if self._refresher.ident:
            self._refresher.join(PATIENCE)
        self._asking.clear()
        self._refresher = threading.Thread(target=outcome, args=(self._auth.refresh,))
        self._refresher.start()
        if not self._asking.wait(PATIENCE):
            os.abort()  # then no worker will ever answer

    def _noted(self, connection):
        # Not before: a child forked in the middle of a handshake may find OpenSSL's own locks taken, for good.
        self._asking.set()
        return self._answer_of(connection)


def _program():
    access, share = pickle.loads(Path(os.environ["PREFORK"]).read_bytes())
    return Program(access, share)


def application():
    """Return the WSGI application."""
    program = _program()

    def answer(_, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [program.report().encode()]

    return answer


def celery_application():
    """Return the Celery application, whose worker gives itself tasks and pushes their reports to a list in Redis."""
    import celery
    import redis
    from celery.signals import worker_ready

    program = _program()
    broker = os.environ["PREFORK_BROKER"]
    app = celery.Celery("prefork", broker=broker)
    app.conf.update(worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True, task_ignore_result=True)

    @app.task(name="report")
    def report():
        with redis.Redis.from_url(broker) as client:
            # Nobody begins before each worker has a task; otherwise a quick one can do them all.
            if client.sadd("workers", os.getpid()):
                if client.scard("workers") == WORKERS:
                    client.rpush("begin", *range(WORKERS))
                else:
                    client.blpop("begin", PATIENCE)
            client.rpush("reports", program.report())

    @worker_ready.connect(weak=False)
    def begin(**_):
        for _ in range(4 * WORKERS):
            report.delay()

    return app
