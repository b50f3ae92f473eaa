"""The figures in the documentation and in the README are those that were measured."""

from __future__ import annotations

import html
import importlib
import json
import os
import re
import subprocess
import sys

import pytest
from helpers.doc_pages import DOCS

BENCHMARKS = DOCS.parent / "benchmarks"
FIGURES = json.loads((BENCHMARKS / "results.json").read_text("utf-8"))
INCLUDED = DOCS / "explanation" / "benchmarks"
README = (DOCS.parent / "README.rst").read_text("utf-8")


@pytest.fixture(scope="module")
def docpage():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        return importlib.import_module("docpage")


def test_all_tables_were_measured_and_no_call_of_ours_failed():
    assert list(FIGURES) == ["overhead", "storm", "stores", "soak", "fixture"]
    targets = [pair for table in FIGURES.values() for pair in table["targets"] if "no failed call" in pair[0]]
    assert len(targets) == 6
    assert [target for target, reached in targets if not reached] == []


@pytest.mark.parametrize("name", FIGURES)
def test_the_pages_table_is_made_of_these_figures(name, docpage):
    assert (INCLUDED / f"{name}.inc").read_text("utf-8") == docpage.included(FIGURES[name])
    assert f".. include:: benchmarks/{name}.inc" in (DOCS / "explanation/benchmarks.rst").read_text("utf-8")


@pytest.mark.parametrize("name", ["storm", "overhead"])
def test_the_picture_is_drawn_of_these_figures(name, docpage):
    picture = (INCLUDED / f"{name}.svg").read_text("utf-8")
    drawn = json.loads(html.unescape(re.search("<dc:description>(.*?)</dc:description>", picture, re.DOTALL)[1]))
    data = getattr(docpage, f"{name}_data")(FIGURES[name])
    assert drawn == json.loads(json.dumps(data))
    assert len(drawn) == {"storm": 5, "overhead": 3}[name]


@pytest.mark.parametrize("name", FIGURES)
def test_the_page_tells_the_machine_and_no_name_or_path_of_it(name):
    text = (INCLUDED / f"{name}.inc").read_text("utf-8")
    assert re.search(r"Measured on \d{4}-\d\d-\d\d: .+, \d+ cores, \w+ \w+, Python 3\.[\d.]+; ", text)
    assert set(FIGURES[name]["measured"]) == {"date", "python", "system", "processor", "cores", "packages"}
    assert not re.search(r"(?<!<)/\w+/", text)


def test_the_readmes_table_is_made_of_these_figures(docpage):
    assert docpage.readme(README, FIGURES) == README


@pytest.mark.parametrize(("name", "label"), [("storm", "  8 x 64"), ("overhead", "requests_zohorecruit")])
def test_other_figures_would_make_another_readme(name, label, docpage):
    figures = json.loads(json.dumps(FIGURES))
    [row] = [row for row in figures[name]["rows"] if row[0] == label][:1]
    row[1] = "9.75"
    assert "9.75" in docpage.readme(README, figures)


@pytest.mark.thorough
def test_the_soak_runs_on_every_store(tmp_path):
    command = [sys.executable, BENCHMARKS / "run.py", "soak", "--quick", "--json", tmp_path / "figures.json"]
    # With the folder of the script on the path, as by default: the benchmarks import each other from there.
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=plain)
    if done.returncode == 2 and os.environ.get("ZOHORECRUIT_REQUIRE_SERVERS") != "1":
        pytest.skip(done.stderr)
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads((tmp_path / "figures.json").read_text("utf-8"))["soak"]
    assert figures["columns"][1:] == ["FileStore", "RedisStore", "SQLStore on PostgreSQL"]
    rows = {label: cells for label, *cells in figures["rows"]}
    assert rows["failed calls"] == ["0"] * 3
    assert all(int(count) >= 1 for count in rows["mints"])
    assert all(int(count) > 20 for count in rows["calls"])
