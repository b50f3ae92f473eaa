"""Every example of the documentation is run: what pytest runs by pytest, everything else in the order of its page."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import subprocess
import sys
from itertools import filterfalse
from pathlib import Path

import pytest
import responses
from helpers.doc_pages import DOCS, Block, blocks, pages
from helpers.doc_preambles import CONFTESTS, PREAMBLES, Stage, find_beside
from helpers.leftovers import search
from helpers.tried_packages import find_pages

from requests_zohorecruit.cli.commands.sandbox import _format_environment
from requests_zohorecruit.sandbox import Sandbox
from requests_zohorecruit.testing import mock_zoho

WITH_EXAMPLES = [name for name in pages() if any(block.language == "python" for block in blocks(DOCS / f"{name}.rst"))]
#: How an example begins that needs a package which no environment should have beside the others.
ELSEWHERE = ("import json\nimport niquests\n",)  # tests/integrations/check_niquests.py
#: Recipes of which an example needs a file or a process of its own, so that they run only as the index says.
ONLY_AS_PROGRAMS = ["howto/recipes/files", "howto/recipes/old-scripts", "howto/recipes/processes"]
#: Pages that need a package which is too large for the checks.
LARGE = find_pages("tests/integrations/")
#: What recipes keep grants and clients in.
STORES = ("zoho.json", "token.json", "app.db", "client-secret", ".env", "env", "[01].json")
#: What the index does not say to run, because it is a part of something larger.
INDEX = blocks(DOCS / "howto/recipes/index.rst")
PARTS = [
    f"howto/recipes/{name}"
    for name in re.findall(
        r":doc:`([\w-]+)`",
        (DOCS / "howto/recipes/index.rst")
        .read_text("utf-8")
        .partition("parts of something\nlarger")[2]
        .partition(".. toc")[0],
    )
]
#: How many token requests and API calls a recipe makes, where it is not one of each.
MINTS = {"howto/recipes/old-scripts": 2}
CALLS = {"howto/recipes/fastapi": 0, "howto/recipes/processes": 36}
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


@pytest.mark.parametrize("name", sorted({*filter(is_recipe, WITH_EXAMPLES)} - {*AS_TESTS, *ONLY_AS_PROGRAMS, *LARGE}))
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


@pytest.mark.parametrize("name", sorted({*filter(is_recipe, WITH_EXAMPLES)} - {*AS_TESTS, *PARTS, *LARGE}))
@pytest.mark.thorough(one_in=3)
def test_a_recipe_works_for_a_person_who_follows_the_index(name, tmp_path, clean):
    follow_index(name, tmp_path)


def follow_index(name, folder):
    """Save and run a recipe as the index of recipes says, in a shell with the settings of a sandbox."""
    programs, rest = {}, []
    for block in examples(name):
        named = re.match(r"# ([\w/]+\.py)\b", block.text)
        if named:
            programs[named[1]] = block.text
        else:
            rest.append(block.text)
    if rest:
        programs["recipe.py"] = "\n\n".join(rest)
    for file, text in (programs | find_beside(name)).items():
        (folder / file).write_text(text, "utf-8")
    [preparation] = [block.text for block in INDEX if "cv.pdf" in block.text]
    with Sandbox() as zoho:
        (folder / "env").write_text(_format_environment(zoho, folder / "profiles"), "utf-8")
        lines = [". ./env", *preparation.replace("$ ", "").splitlines(), *(f"python {file}" for file in programs)]
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        environment = os.environ | {"PATH": path, "HOME": str(folder)}
        command = ["bash", "-ec", "\n".join(lines)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
        print(done.stdout, done.stderr)
        assert done.returncode == 0, done.stderr
        assert zoho.token_requests <= MINTS.get(name, 1)
        assert zoho.api_requests >= CALLS.get(name, 1)


def test_what_the_index_takes_for_parts_of_something_larger_are_recipes():
    assert len(PARTS) == 6
    assert set(PARTS) < set(pages())


@pytest.mark.parametrize("name", AS_TESTS)
@pytest.mark.thorough(one_in=3)
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
