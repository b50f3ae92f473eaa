"""A Celery application whose task calls the API within a soft time limit, and says in Redis what came of it.

Knows nothing of tests; what it needs is in the file that ``PREFORK`` names.
"""

from __future__ import annotations

import json
import os
import pickle
import time
from pathlib import Path

import celery
import redis
from celery.exceptions import SoftTimeLimitExceeded

#: Seconds.
LIMIT = 1

access, share = pickle.loads(Path(os.environ["PREFORK"]).read_bytes())
app = celery.Celery("limits", broker=os.environ["PREFORK_BROKER"])
app.conf.update(worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True, task_ignore_result=True)
auth = access.auth(share.open())


@app.task(name="call", soft_time_limit=LIMIT)
def call():
    report(auth)


@app.task(name="call_slowly", soft_time_limit=LIMIT)
def call_slowly(method):
    """Call with a store one of whose methods takes longer than the limit."""
    store = share.open()
    quick = getattr(store, method)

    def be_slow(*args):
        time.sleep(10 * LIMIT)
        return quick(*args)

    setattr(store, method, be_slow)
    report(access.auth(store))


def report(auth):
    try:
        with access.session() as session:
            answer = session.get(access.url, auth=auth, timeout=60).status_code
    except SoftTimeLimitExceeded:
        answer = "SoftTimeLimitExceeded"
    except Exception as error:
        answer = repr(error)
    with redis.Redis.from_url(os.environ["PREFORK_BROKER"]) as client:
        client.rpush("reports", json.dumps(answer))
