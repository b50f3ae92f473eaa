"""T71: a time limit that goes off anywhere in a request leaves as it came, and the process works afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import sqlalchemy
from helpers.canned_adapter import Wire
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT

import requests_zohorecruit
from requests_zohorecruit import CallbackStore, FileStore, MemoryStore, ZohoRecruitAuth
from requests_zohorecruit.stores import RedisStore, SQLStore
from requests_zohorecruit.thread_locks import ThreadLock

#: How many time limits go off in each row of each store; by hand it has been every place.
PLACES = int(os.environ.get("ZOHORECRUIT_PLACES", "40"))
PACKAGE = str(Path(requests_zohorecruit.__file__).parent)
API = "https://recruit.zoho.eu/recruit/v2/Candidates"
REFUSED = 401, {"Content-Type": "application/json"}, b'{"code": "INVALID_TOKEN", "message": "x", "status": "error"}'
#: Seconds that a token has left in each row of the table.
ROWS = {"fresh": 3000, "stale": 200, "expired": -5, "rejected": 3000}


class TimeLimit(Exception):  # noqa: N818 - it has the name of Celery's
    """What a task queue's handler raises."""


class Mint(Wire):
    """Answers each token request with another token."""

    def __init__(self):
        super().__init__((200, {}, b""))

    def send(self, *args, **kwargs):
        answer = {
            "access_token": f"1000.{uuid.uuid4().hex}",
            "expires_in": 3600,
            "api_domain": "https://www.zohoapis.eu",
        }
        self.answers = [(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())]
        return super().send(*args, **kwargs)


class Table:
    """A user's own store: functions over a dict, and a lock."""

    def __init__(self):
        self.row, self._lock = None, ThreadLock()

    def save(self, record):
        self.row = record

    def load(self):
        return self.row

    @contextmanager
    def lock(self, timeout):
        with self._lock.hold(timeout):
            yield

    def store(self):
        return CallbackStore(self.save, self.load, self.lock)


@pytest.fixture
def make_store(request, tmp_path):
    def make(kind):
        if kind == "file":
            return FileStore(tmp_path / f"{uuid.uuid4().hex}.json")
        if kind == "sql":
            engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'tokens.sqlite'}")
            request.addfinalizer(engine.dispose)
            store = SQLStore(engine, uuid.uuid4().hex)
            store.create_table()
            return store
        if kind == "redis":
            from helpers.shared_stores import close_all, redis_client

            request.addfinalizer(close_all)
            return RedisStore(redis_client(request.getfixturevalue("redis_process").port), uuid.uuid4().hex)
        return {"memory": MemoryStore, "callback": Table().store}[kind]()

    return make


@pytest.fixture(params=[TimeLimit, TimeoutError])
def limit(request):
    """Install a handler of SIGALRM, and return the list of what it has raised."""
    raised = []

    def handle(number, frame):
        raised.append(request.param("this task has taken too long"))
        raise raised[-1]

    before = signal.signal(signal.SIGALRM, handle)
    yield raised
    signal.signal(signal.SIGALRM, before)


class Request:
    """One request to the API with a token that is in one of the rows."""

    def __init__(self, store, row):
        self.store, self.row = store, row
        now = time.time()
        store.save(
            {
                "access_token": "1000.old",
                "refresh_token": GRANT,
                "expires_at": now + ROWS[row],
                "expires_in": 3600,
                "client_id": CLIENT_ID,
                "region": "eu",
            }
        )
        self.accounts, self.api = requests.Session(), requests.Session()
        self.accounts.mount("https://", Mint())
        first = [REFUSED] if row == "rejected" else []
        self.api.mount("https://", Wire(*first, (200, {"Content-Type": "application/json"}, b"{}")))
        self.auth = ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET, region="eu", store=store, session=self.accounts)
        self.api.auth = self.auth

    def send(self):
        return self.api.get(API, timeout=5).status_code

    def check(self):
        """The process works: the lock is free, the grant is there, and a request is answered."""
        started = time.monotonic()
        with self.store.lock(0):
            pass
        assert self.send() == 200
        # What could not be saved is due again within seconds.
        self.auth._refresher.grant.clock = lambda: time.time() + 10
        assert self.send() == 200
        assert self.store.load()["refresh_token"] == GRANT
        assert self.auth.token.access_token == self.store.load()["access_token"]
        assert time.monotonic() - started < 20


def go_off(number, work, *, everywhere):
    """Do the work, with the alarm before its n-th instruction; return the outcome, and how many instructions passed."""
    passed = 0

    def begin(frame, event, arg):
        if everywhere or frame.f_code.co_filename.startswith(PACKAGE):
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            return proceed
        return begin

    def proceed(frame, event, arg):
        nonlocal passed
        if event == "opcode":
            passed += 1
            if passed == number:
                signal.raise_signal(signal.SIGALRM)
        return proceed

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True
    sys.settrace(begin)
    try:
        return work(), passed
    except Exception as error:
        return error, passed
    finally:
        sys.settrace(before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files that are closed by collection
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs SIGALRM")
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("kind", ["memory", "callback", "file", "sql", "redis"])
def test_T71_wherever_a_time_limit_goes_off_it_leaves_as_it_came(row, kind, limit, make_store):
    assert threading.current_thread() is threading.main_thread()
    store = make_store(kind)
    go_off(0, Request(store, row).send, everywhere=False)
    outcome, places = go_off(0, Request(store, row).send, everywhere=False)
    assert outcome == 200
    assert places > 100
    numbers = range(1, places + 1) if places <= PLACES else sorted(random.sample(range(1, places + 1), PLACES))
    lost = []
    for number in numbers:
        limit.clear()
        request = Request(store, row)
        outcome, passed = go_off(number, request.send, everywhere=False)
        if limit and outcome is not limit[0]:
            lost.append((number, repr(outcome)))
        assert limit or passed < number
        request.check()
    assert not lost, f"{len(lost)} of {len(numbers)}"
