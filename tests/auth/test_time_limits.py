"""T71: a time limit that goes off anywhere in a request leaves as it came, and the process works afterwards."""

from __future__ import annotations

import ctypes
import json
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests
import sqlalchemy
from helpers.canned_adapter import Wire
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT
from helpers.thoroughness import choose

import requests_zohorecruit
from requests_zohorecruit import CallbackStore, FileStore, MemoryStore, ZohoRecruitAuth
from requests_zohorecruit.stores import RedisStore, SQLStore
from requests_zohorecruit.thread_locks import ThreadLock

#: How many time limits go off in each row of each store.
PLACES = choose(3, 6)
#: How many alarms go off at random.
ALARMS = choose(25, 200)
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
@pytest.mark.thorough(one_in=7)
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


class SlowTable(Table):
    """One whose functions take a while when they are told to."""

    slow = ""
    begin = staticmethod(lambda: None)

    def take_a_while(self, where):
        if where == self.slow:
            self.slow = ""
            self.begin()
            for _ in range(20_000):
                time.sleep(0.0005)
            raise AssertionError("no time limit came")

    def save(self, record):
        self.take_a_while("save")
        super().save(record)

    def load(self):
        self.take_a_while("load")
        return super().load()

    @contextmanager
    def lock(self, timeout):
        self.take_a_while("lock")
        with super().lock(timeout):
            yield
            self.take_a_while("unlock")


class SlowMint(Mint):
    def __init__(self, table):
        super().__init__()
        self.table = table

    def send(self, *args, **kwargs):
        self.table.take_a_while("mint")
        return super().send(*args, **kwargs)


class DeathPenalty:
    """A job's time limit as RQ sets it: an alarm, whose handler is a method."""

    def __init__(self, error):
        self.error = error

    def handle(self, number, frame):
        raise self.error("too long")

    def __enter__(self):
        self.before = signal.signal(signal.SIGALRM, self.handle)
        return self

    def begin(self):
        signal.setitimer(signal.ITIMER_REAL, 0.02)

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)


class TimerPenalty:
    """As RQ sets one where there is no SIGALRM, and as many recipes do: another thread throws a class into this one."""

    def __init__(self, error):
        thread = ctypes.c_ulong(threading.get_ident())
        throw = ctypes.pythonapi.PyThreadState_SetAsyncExc
        self.timer = threading.Timer(0.02, throw, (thread, ctypes.py_object(error)))

    def __enter__(self):
        return self

    def begin(self):
        self.timer.start()

    def __exit__(self, *_):
        self.timer.join()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs SIGALRM")
@pytest.mark.parametrize("slow", ["save", "load", "lock", "unlock", "mint"])
@pytest.mark.parametrize("row", ["stale", "expired", "rejected"])
@pytest.mark.parametrize("error", [TimeLimit, TimeoutError, SystemExit])
@pytest.mark.parametrize("penalty", [DeathPenalty, TimerPenalty])
def test_T71_a_time_limit_of_a_task_queue_ends_the_call_and_nothing_else(penalty, error, row, slow):
    table = SlowTable()
    request = Request(table.store(), row)
    request.accounts.mount("https://", SlowMint(table))
    table.slow = slow
    with pytest.raises(error) as caught, penalty(error) as limit:
        table.begin = limit.begin
        request.send()
    assert type(caught.value) is error
    assert table.slow == ""
    request.check()


GREEN = {
    "gevent": "import gevent.monkey; gevent.monkey.patch_all(); from gevent import Timeout, spawn, sleep",
    "eventlet": "import eventlet; eventlet.monkey_patch(); from eventlet import Timeout, spawn, sleep",
}
GREENLETS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from auth.test_time_limits import Request, SlowMint, SlowTable

class Own(Exception):
    pass

for row in "stale", "expired", "rejected":
    for slow in "save", "load", "lock", "unlock", "mint":
        for given in (), (Own,):
            table = SlowTable()
            request = Request(table.store(), row)
            request.accounts.mount("https://", SlowMint(table))
            table.slow = slow
            limits = []

            def begin():
                limits.append(Timeout(0.02, *given))
                if not limits[0].pending:
                    limits[0].start()

            table.begin = begin  # in the slow function itself, so that no machine is too slow to get there
            try:
                request.send()
                print("swallowed", row, slow, given)
            except Timeout as error:
                assert error is limits[0] and not given
            except Own:
                assert given
            finally:
                getattr(limits[0], "close", limits[0].cancel)()
            request.check()
print("done")
"""


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
@pytest.mark.thorough(one_in=2)
def test_T71_a_time_limit_of_a_greenlet_leaves_as_it_came(library):
    if find_spec(library) is None:  # not imported here, because eventlet warns of every fork from then on
        pytest.skip(f"needs {library}")
    command = [sys.executable, "-W", "ignore", "-c", GREEN[library] + GREENLETS, str(Path(__file__).parent.parent)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (child.stdout, child.stderr) == ("done\n", "")


#: Alarms that go off anywhere in a request, in the code of libraries, too. Prints how many did, how many of them were
#: swallowed or changed, and after how many of them the process did not work.
ALARMING = """
import random, signal, sys
sys.path.insert(0, sys.argv[1])
import sqlalchemy
from auth.test_time_limits import ROWS, Request, Table, TimeLimit
import requests_zohorecruit
from requests_zohorecruit import FileStore, MemoryStore
from requests_zohorecruit.stores import SQLStore

PACKAGE = requests_zohorecruit.__file__.removesuffix("__init__.py")
raised = []

def go_off(number, frame):
    raised.append(TimeLimit("too long"))
    raise raised[-1]

signal.signal(signal.SIGALRM, go_off)
engine = sqlalchemy.create_engine(f"sqlite:///{sys.argv[3]}/tokens.sqlite")
SQLStore(engine, "first").create_table()
alarms = swallowed = broken = requests = 0
while alarms < int(sys.argv[2]):
    requests += 1
    stores = [MemoryStore(), Table().store(), FileStore(f"{sys.argv[3]}/{requests}.json"), SQLStore(engine, f"{requests}")]
    request = Request(random.choice(stores), random.choice(["stale", "expired", "rejected"]))
    raised.clear()
    came = None
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-5 + random.random() * 6e-3)
        request.send()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Exception as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        came = error
    if raised:
        alarms += 1
        if came is not raised[0]:
            # What caught it is where its traceback begins. SQLAlchemy's pool, for one, only logs what keeps it from
            # resetting a connection, and Python itself any exception of a weak reference's callback. What C drops
            # has no traceback, as while a file is finalised.
            dropped = raised[0].__traceback__
            catcher = dropped.tb_frame.f_code.co_filename if dropped else "C"
            swallowed += came is not None or catcher.startswith(PACKAGE)
            print("caught by", catcher, repr(came), file=sys.stderr)
        try:
            request.check()
        except Exception as error:
            broken += 1
            print(repr(error), file=sys.stderr)
print(alarms, swallowed, broken)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
def test_T71_no_random_alarm_is_swallowed_or_leaves_a_process_that_does_not_work(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", ALARMING, str(Path(__file__).parent.parent), str(ALARMS), tmp_path]
    child = subprocess.run(command, capture_output=True, text=True, timeout=40 + ALARMS / 10, check=False)
    assert child.stdout.split() == [str(ALARMS), "0", "0"], child.stderr
