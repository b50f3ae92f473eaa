"""Workers that gunicorn and Celery fork: while another thread of the parent refreshes (T26), and within a limit (T71)."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests
from helpers.prefork_program import PATIENCE, WORKERS
from helpers.shared_stores import KINDS, redis_client

TESTS = Path(__file__).parent.parent


@pytest.fixture
def start(tmp_path, access):
    """Return a context in which a program runs that shares a grant, and is ended with SIGTERM."""

    @contextmanager
    def run(share, *command, broker="", **options):
        prepared = tmp_path / "prepared"
        prepared.write_bytes(pickle.dumps((access, share)))
        path = os.pathsep.join((str(TESTS), os.environ["PYTHONPATH"]))
        environment = os.environ | {"PREFORK": str(prepared), "PREFORK_BROKER": broker, "PYTHONPATH": path}
        process = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, cwd=tmp_path, start_new_session=True, **options
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                with suppress(ProcessLookupError):  # when no worker was left behind
                    os.killpg(process.pid, signal.SIGKILL)

    return run


def check(zoho, scene, reports):
    """Every worker has answered, and the parent alone has asked for tokens: one at each fork."""
    assert len({pid for pid, _ in reports}) == WORKERS
    assert {answer for _, answer in reports} == {200}
    assert scene.token_requests == WORKERS
    assert scene.newcomer().call() == 200
    scene.check_the_store()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.thorough(one_in=3)
def test_T26_gunicorns_preloaded_workers_answer(kind, zoho, scene_on, start):
    scene = scene_on(kind)
    scene.expire()
    zoho.token_delay = 0.5
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        bind = ["--bind", f"fd://{listening.fileno()}", "--workers", str(WORKERS)]
        gunicorn = ["gunicorn", *bind, "--preload", "--no-control-socket", "helpers.prefork_program:application()"]
        with start(scene.share, *gunicorn, pass_fds=[listening.fileno()]), ThreadPoolExecutor(WORKERS) as callers:
            reports = []
            for _ in range(100):  # until the kernel has given each worker something to do
                reports += callers.map(lambda _: requests.get(url, timeout=PATIENCE).json(), range(WORKERS))
                if len({pid for pid, _ in reports}) == WORKERS:
                    break
    check(zoho, scene, reports)


@pytest.fixture
def celery(start, redis_process):
    """Return a context with a worker of one process, which gives what does a task there and returns its answer."""
    from celery import Celery

    @contextmanager
    def run(scene):
        broker = f"redis://127.0.0.1:{redis_process.port}/2"
        client = redis_client(redis_process.port, patience=PATIENCE + 5, db=2)
        client.flushdb()
        pool = ["--pool", "prefork", "--concurrency", "1", "--without-gossip", "--without-mingle"]
        worker = ["celery", "--app", "helpers.time_limit_app", "worker", *pool, "--loglevel", "WARNING"]
        with start(scene.share, *worker, broker=broker), Celery(broker=broker) as app:

            def do(task, *args):
                app.send_task(task, args)
                pushed = client.blpop("reports", PATIENCE)
                assert pushed, task
                return json.loads(pushed[1])

            yield do

    return run


def become(row, scene):
    if row == "expired":
        scene.expire()
    else:
        scene.store.save({**scene.store.load(), "expires_at": time.time() + 250})


@pytest.mark.parametrize("row", ["expired", "stale"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.thorough
def test_T71_celerys_soft_time_limit_leaves_as_it_came_and_the_worker_works_afterwards(
    row, kind, zoho, scene_on, celery
):
    scene = scene_on(kind)
    become(row, scene)
    with celery(scene) as do:
        answers = []
        for delay in (4.0, 0.0, 0.0):
            zoho.token_delay = delay
            answers.append(do("call"))
    assert answers == ["SoftTimeLimitExceeded", 200, 200]
    with scene.share.open().lock(0):
        pass
    assert scene.newcomer().call() == 200
    scene.check_the_store()


@pytest.mark.parametrize("row", ["expired", "stale"])
@pytest.mark.thorough
def test_T71_celerys_soft_time_limit_in_a_store_is_not_taken_for_the_stores_error(row, scene_on, celery):
    scene = scene_on("file")
    with celery(scene) as do:
        for method in ("load", "lock", "save"):
            become(row, scene)
            assert (method, do("call_slowly", method)) == (method, "SoftTimeLimitExceeded")
            assert do("call") == 200
    assert scene.newcomer().call() == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.thorough(one_in=3)
def test_T26_celerys_prefork_workers_answer(kind, zoho, scene_on, start, redis_process):
    scene = scene_on(kind)
    scene.expire()
    zoho.token_delay = 0.5
    broker = f"redis://127.0.0.1:{redis_process.port}/1"
    client = redis_client(redis_process.port, patience=PATIENCE + 5, db=1)
    client.flushdb()
    pool = ["--pool", "prefork", "--concurrency", str(WORKERS), "--without-gossip", "--without-mingle"]
    celery = ["celery", "--app", "helpers.celery_app", "worker", *pool, "--loglevel", "WARNING"]
    with start(scene.share, *celery, broker=broker):
        reports = []
        for _ in range(4 * WORKERS):
            pushed = client.blpop("reports", PATIENCE)
            assert pushed, f"only {len(reports)} tasks have been done"
            reports.append(json.loads(pushed[1]))
    check(zoho, scene, reports)
