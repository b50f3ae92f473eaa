"""The recipe for Apache Airflow, run by Airflow itself: `tox run -e recipes-airflow`."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.doc_pages import DOCS, blocks
from helpers.doc_preambles import Stage, sandboxed
from helpers.leftovers import search

(DAG,) = (block.text for block in blocks(DOCS / "howto/recipes/airflow.rst") if block.language == "python")
#: What one task does: the operator and the hook, without a scheduler.
TASKS = """
import zoho

from airflow.providers.http.hooks.http import HttpHook

candidates = zoho.zoho().get_task("candidates").execute({})
hook = HttpHook("GET", http_conn_id="zoho_recruit", auth_type=zoho.ZohoAuth)
print(len(candidates), hook.run("recruit/v2/Candidates").json()["info"]["count"])
"""
#: What a deferred task does.
DEFERRED = """
import asyncio

from airflow.providers.http.triggers.http import HttpTrigger

trigger = HttpTrigger("zoho_recruit", "zoho.ZohoAuth", "GET", "recruit/v2/Candidates")
print(asyncio.run(anext(trigger.run())).payload["message"])
"""


@pytest.fixture
def zoho(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("dags").mkdir()
    Path("dags/zoho.py").write_text(DAG.replace('"per_page": 200', '"per_page": 5'), "utf-8")
    stage = Stage(monkeypatch=monkeypatch, names={})
    with contextlib.contextmanager(sandboxed)(stage):
        connection = {"conn_type": "http", "host": stage.zoho.region.recruit_url}
        for name, value in {
            "ZOHO_STORE_URL": f"sqlite:///{tmp_path}/store.db",
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW_CONN_ZOHO_RECRUIT": json.dumps(connection),
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # looks nothing up
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        }.items():
            monkeypatch.setenv(name, value)
        yield stage.zoho


def start(*command):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen([sys.executable, *command], text=True, encoding="utf-8", **pipes)


def finish(process):
    try:
        output, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, output
    return output


def test_a_dag_that_airflow_runs_makes_one_token_request_and_no_token_is_in_its_logs_or_database(zoho, tmp_path):
    commands = (["db", "migrate"], ["dags", "reserialize"], ["dags", "test", "zoho"])
    logs = [finish(start("-m", "airflow", *command)) for command in commands]
    assert "state=success" in logs[-1]
    assert (zoho.token_requests, zoho.api_requests) == (1, 4)
    assert (tmp_path / "airflow.db").exists()
    assert search(tmp_path, logs, stores=["store.db"]).leaks == []


def test_tasks_in_four_processes_make_one_token_request_and_one_more_when_it_is_rejected(zoho, tmp_path):
    Path("dags/tasks.py").write_text(TASKS, "utf-8")
    for expected in (1, 2):
        logs = [finish(each) for each in [start("dags/tasks.py") for _ in range(4)]]
        assert all("12 12" in log.splitlines() for log in logs)
        assert zoho.token_requests == expected
        zoho.reject_tokens()
    assert search(tmp_path, logs, stores=["store.db"]).leaks == []


def test_a_connection_s_extra_is_sent_as_headers_as_the_page_warns(zoho, monkeypatch):
    extra = {"refresh_token": "not-a-secret"}
    connection = {"conn_type": "http", "host": zoho.region.recruit_url, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_ZOHO_RECRUIT", json.dumps(connection))
    Path("dags/tasks.py").write_text(TASKS, "utf-8")
    finish(start("dags/tasks.py"))
    assert any("refresh_token" in each["headers"] for each in zoho.received)


def test_a_deferred_task_calls_without_the_token_as_the_page_warns(zoho):
    Path("dags/deferred.py").write_text(DEFERRED, "utf-8")
    assert "401:Unauthorized" in finish(start("dags/deferred.py"))
    assert (zoho.token_requests, zoho.api_requests) == (0, 1)
