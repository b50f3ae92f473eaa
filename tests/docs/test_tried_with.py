"""The page "Tried with" says what the list of the tests says, and the list names tests and packages that are there."""

from __future__ import annotations

import re
from collections import Counter
from types import SimpleNamespace

import pytest
from helpers import tried_packages
from helpers.doc_pages import DOCS, pages
from helpers.tried_packages import PAGE, TRIED, find_pages, read_versions, record, render

ROOT = DOCS.parent
ROWS = [row for rows in TRIED.values() for row in rows]
#: How a package is imported, where its name differs by more than a hyphen.
IMPORTED = {
    "apache-airflow": "airflow",
    "apache-airflow-providers-http": "airflow.providers.http",
    "elastic-apm": "elasticapm",
    "google-auth": "google.auth",
    "opentelemetry-instrumentation-requests": "opentelemetry.instrumentation.requests",
    "python-dotenv": "dotenv",
    "pytest-recording": "pytest.mark.vcr",
    "requests-wsgi-adapter": "wsgiadapter",
    "vcrpy": "vcr",
    "zohocrmsdk8-0": "zohocrmsdk",
}


def test_the_page_is_what_the_list_says():
    page = PAGE.read_text("utf-8")
    assert page == render(read_versions(page)), "pytest --write-tried-with writes it anew"
    assert "(not recorded)" not in page


def test_each_package_is_there_once_and_the_tests_install_it():
    declared = (ROOT / "pyproject.toml").read_text("utf-8") + (ROOT / "setup.cfg").read_text("utf-8")
    names = [row.package for row in ROWS]
    assert len(names) > 40
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert [name for name in names if not re.search(rf"(?m)[\"\s]{re.escape(name)}[\"\[>=;]", declared)] == []


@pytest.mark.parametrize("row", ROWS, ids=[row.package for row in ROWS])
def test_what_a_row_names_as_its_test_uses_the_package(row):
    used = list(read_with_helpers(ROOT / row.test, set()))
    used += [(DOCS / f"{name}.rst").read_text("utf-8") for name in [row.page] if name.startswith("howto/")]
    assert any(IMPORTED.get(row.package, row.package.replace("-", "_")) in text for text in used)


def read_with_helpers(path, seen):
    """Yield the texts of a file of tests and of the helpers that it names, this page's list aside."""
    text = path.read_text("utf-8")
    yield text
    for name in re.findall(r"\bhelpers[./](\w+)", text):
        if name not in seen | {"tried_packages", "__init__"}:
            seen.add(name)
            yield from read_with_helpers(ROOT / f"tests/helpers/{name}.py", seen)


def test_each_recipe_is_run_by_one_file_of_tests():
    elsewhere = find_pages("tests/integrations/")
    recipes = {name for name in pages() if name.startswith("howto/recipes/")} - {"howto/recipes/index"}
    assert set(elsewhere) < recipes
    assert len(recipes) >= 19


def test_a_run_records_the_versions_of_what_passed_and_leaves_the_others(tmp_path, monkeypatch):
    page = tmp_path / "tried-with.rst"
    monkeypatch.setattr(tried_packages, "PAGE", page)
    monkeypatch.setattr(tried_packages, "version_of", lambda package: f"1!{package.upper()}")
    record({"tests/integrations/check_airflow.py"})
    first = read_versions(page.read_text("utf-8"))
    assert first["apache-airflow"] == "1!APACHE-AIRFLOW"
    assert first["requests"] == "(not recorded)"
    monkeypatch.setattr(tried_packages, "version_of", lambda _: "2.0")
    record({"tests/auth/test_replay.py"})
    second = read_versions(page.read_text("utf-8"))
    assert (second["apache-airflow"], second["requests"]) == ("1!APACHE-AIRFLOW", "2.0")


@pytest.mark.parametrize(("exitstatus", "asked"), [(0, True), (1, True), (0, False)])
def test_the_page_is_written_after_a_run_without_a_failure_that_was_asked_to(request, monkeypatch, exitstatus, asked):
    conftest, recorded = request.config.pluginmanager.get_plugin(str(ROOT / "tests/conftest.py")), []
    monkeypatch.setattr(conftest, "record", recorded.append)
    reports = [SimpleNamespace(nodeid=f"tests/{name}.py::test_it[a::b]") for name in ("a", "a", "b")]
    reporter = SimpleNamespace(stats={"passed": reports, "skipped": [SimpleNamespace(nodeid="tests/c.py::test_it")]})
    conftest.pytest_terminal_summary(reporter, exitstatus, SimpleNamespace(getoption=lambda _: asked))
    assert recorded == ([{"tests/a.py", "tests/b.py"}] if asked and not exitstatus else [])
