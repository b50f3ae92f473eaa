"""T26: gunicorn and Celery fork their workers while another thread of the parent refreshes."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
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


@pytest.mark.parametrize("kind", KINDS)
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
