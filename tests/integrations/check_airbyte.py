"""The recipe for the Airbyte CDK, run as Airbyte runs a connector: `tox run -e recipes-airbyte`."""

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

PAGE = blocks(DOCS / "howto/recipes/airbyte.rst")
COMPONENTS, STREAM = (block.text for block in PAGE if block.language == "python")
(MANIFEST,) = (block.text for block in PAGE if block.language == "yaml")


@pytest.fixture
def zoho(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    stage = Stage(monkeypatch=monkeypatch, names={})
    with contextlib.contextmanager(sandboxed)(stage):
        monkeypatch.setenv("AIRBYTE_ENABLE_UNSAFE_CODE", "true")
        Path("components.py").write_text(COMPONENTS, "utf-8")
        Path("manifest.yaml").write_text(MANIFEST.replace("page_size: 200", "page_size: 5"), "utf-8")
        Path("config.json").write_text(json.dumps({"recruit_url": stage.zoho.region.recruit_url}), "utf-8")
        streams = [{"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh"]} for name in STREAMS]
        modes = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
        catalog = {"streams": [{"stream": stream, **modes} for stream in streams]}
        Path("catalog.json").write_text(json.dumps(catalog), "utf-8")
        yield stage.zoho


STREAMS = ("Candidates", "Notes")


def run(*arguments):
    """Return the messages of the connector, one a line."""
    command = Path(sys.executable).with_name("source-declarative-manifest")
    files = ["--manifest-path", "manifest.yaml", "--components-path", "components.py", "--config", "config.json"]
    done = subprocess.run([command, *arguments, *files], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return (done.stdout + done.stderr).splitlines()


def count_records(messages):
    return sum('"type":"RECORD"' in message for message in messages)


def test_a_check_and_two_syncs_make_one_token_request_and_one_more_when_it_is_rejected(zoho):
    assert any('"status":"SUCCEEDED"' in message for message in run("check"))
    for expected in (1, 2):
        assert count_records(run("read", "--catalog", "catalog.json")) == 12
        assert zoho.token_requests == expected
        zoho.reject_tokens()


def test_no_token_is_in_the_messages_or_files_of_a_sync_with_debug(zoho, tmp_path):
    messages = run("read", "--debug", "--catalog", "catalog.json")
    assert count_records(messages) == 12
    assert search(tmp_path, messages, stores=["zoho.json"]).leaks == []


def test_a_stream_in_python_reads_page_by_page_and_survives_a_rejected_token(zoho):
    names = {"__name__": "connector"}
    exec(COMPONENTS, names)
    exec(STREAM.replace('"per_page": 200', '"per_page": 5'), names)
    zoho.reject_tokens()
    assert len(list(names["Candidates"](authenticator=names["zoho_auth"]()).read_only_records())) == 12
    assert zoho.token_requests == 2
    assert zoho.api_requests >= 7
