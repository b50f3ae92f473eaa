"""Every example of the documentation is run: what pytest runs by pytest, everything else in the order of its page."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
from itertools import filterfalse

import pytest
import responses
from helpers.doc_pages import DOCS, Block, blocks, pages
from helpers.doc_preambles import CONFTESTS, PREAMBLES, Stage
from helpers.leftovers import search
from helpers.tried_packages import find_pages

from requests_zohorecruit.testing import mock_zoho

WITH_EXAMPLES = [name for name in pages() if any(block.language == "python" for block in blocks(DOCS / f"{name}.rst"))]
#: How an example begins that needs a package which no environment should have beside the others.
ELSEWHERE = ("import json\nimport niquests\n",)  # tests/integrations/check_niquests.py
#: Pages whose examples are programs, each run in a process of its own.
AS_PROGRAMS = ["howto/recipes/processes"]
#: Pages that need a package which is too large for the checks.
LARGE = find_pages("tests/integrations/")
#: What recipes keep grants and clients in.
STORES = ("zoho.json", "token.json", "app.db", "client-secret", ".env", "[01].json")
AS_TESTS = [name for name in WITH_EXAMPLES if any(block.is_test for block in blocks(DOCS / f"{name}.rst"))]


def is_recipe(name: str) -> bool:
    return name.startswith("howto/recipes/")


def examples(name: str) -> list[Block]:
    return [block for block in blocks(DOCS / f"{name}.rst") if block.language == "python"]


@pytest.fixture
def mock(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_passthru("https://127.0.0.1")
        yield mock


@pytest.fixture
def clean(tmp_path, caplog, capfd):
    """Search everything that a recipe leaves behind for secrets: files, logs of every level, and what it printed."""
    caplog.set_level(logging.DEBUG)
    yield
    records = [f"{record.getMessage()} {record.__dict__}" for record in caplog.get_records("call")]
    found = search(tmp_path, [*records, *capfd.readouterr()], stores=STORES)
    assert found.leaks == []


@pytest.mark.parametrize("name", sorted({*filterfalse(is_recipe, WITH_EXAMPLES)} - {*AS_TESTS}))
def test_the_examples_of_a_page_run_in_order(name, mock, monkeypatch):
    run_page(name, mock, monkeypatch)


@pytest.mark.parametrize("name", sorted({*filter(is_recipe, WITH_EXAMPLES)} - {*AS_TESTS, *AS_PROGRAMS, *LARGE}))
def test_a_recipe_runs_in_order_and_leaves_no_secret_behind(name, mock, monkeypatch, clean):
    run_page(name, mock, monkeypatch)


def run_page(name, mock, monkeypatch):
    """Run the examples of a page, one after another in one namespace."""
    zoho = mock_zoho(mock)
    names = {"client_id": zoho.client_id, "client_secret": zoho.client_secret, "refresh_token": zoho.refresh_token}
    stage = Stage(zoho=zoho, mock=mock, monkeypatch=monkeypatch, names=names)
    around = contextlib.contextmanager(PREAMBLES.get(name, lambda _: iter([None])))
    where = "/".join(("docs", f"{name}.rst"))
    with around(stage):
        for block in examples(name):
            if block.text.startswith(ELSEWHERE):
                continue
            # As many empty lines before it as there are in the page, so that a traceback shows the line.
            exec(compile("\n" * (block.line - 1) + block.text, where, "exec"), stage.names)


@pytest.mark.parametrize("name", AS_PROGRAMS)
def test_the_examples_that_are_programs_run_and_make_one_token_request_each(name, tmp_path, monkeypatch, clean):
    for number, block in enumerate(examples(name)):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        (folder / "program.py").write_text(block.text, "utf-8")
        stage = Stage(monkeypatch=monkeypatch, names={})
        with contextlib.contextmanager(PREAMBLES[name])(stage):
            done = subprocess.run([sys.executable, "program.py"], capture_output=True, text=True, timeout=60)
            assert (done.returncode, done.stderr) == (0, "")
            assert stage.zoho.token_requests == 1
            assert stage.zoho.api_requests >= 16


@pytest.mark.parametrize("name", AS_TESTS)
def test_the_examples_that_are_tests_pass(name, tmp_path):
    (tmp_path / "test_page.py").write_text("\n\n".join(block.text for block in examples(name)), "utf-8")
    (tmp_path / "conftest.py").write_text(CONFTESTS.get(name, ""), "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert search(tmp_path, [done.stdout, done.stderr], stores=STORES).leaks == []
    assert " skipped" not in done.stdout


def test_no_example_is_in_a_form_that_is_not_found():
    """Whatever Sphinx takes for Python code is run: so nothing may hide from the search for it."""
    written = sum((DOCS / f"{name}.rst").read_text("utf-8").count(".. code-block:: python") for name in pages())
    hidden = [name for name in pages() if ">>> " in (DOCS / f"{name}.rst").read_text("utf-8")]
    assert sum(len(examples(name)) for name in pages()) == written > 40
    assert hidden == []
    languages = {block.language for name in pages() for block in blocks(DOCS / f"{name}.rst")}
    assert languages <= {"python", "sql", "shell", "console", "text", "yaml"}


def test_the_table_of_the_sql_store_is_the_one_that_is_shown():
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    from requests_zohorecruit.stores.sql import TABLE

    (shown,) = (block.text for block in blocks(DOCS / "howto/sharing.rst") if block.language == "sql")
    made = str(CreateTable(TABLE).compile(dialect=postgresql.dialect()))
    assert shown.replace('"key"', "key").split() == made.replace('"key"', "key").split()
