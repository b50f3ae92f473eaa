"""The numbers of traps in comments and in the names of tests lead to an entry of the page, and the page to tests."""

from __future__ import annotations

import re

import pytest
from helpers.doc_pages import DOCS

ROOT = DOCS.parent
TEXT = (DOCS / "explanation/traps.rst").read_text("utf-8")
ENTRIES = re.findall(r"^_`(T\d\d)` \S.*\n    \S", TEXT, re.MULTILINE)


def named():
    """Return the numbers that are named, each with the files that do."""
    found = {}
    for folder in ("requests_zohorecruit", "tests", "benchmarks", "examples"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.parent.name == "docs":
                continue
            for number in re.findall(r"(?<![a-z0-9])T(\d\d)(?![a-z0-9])", path.read_text("utf-8"), re.IGNORECASE):
                found.setdefault(f"T{number}", []).append(path.relative_to(ROOT).as_posix())
    return found


NAMED = named()


def test_numbers_are_found():
    assert len(NAMED) > 60


@pytest.mark.parametrize("number", sorted(NAMED))
def test_each_number_that_is_named_is_on_the_page(number):
    assert number in ENTRIES, f"{number} of {NAMED[number][0]} is not in docs/explanation/traps.rst"


def test_each_entry_is_there_once_and_in_order():
    assert sorted(set(ENTRIES)) == ENTRIES
    assert len(ENTRIES) == len(re.findall(r"_`T", TEXT))


@pytest.mark.parametrize("number", ENTRIES)
def test_each_entry_has_a_test(number):
    assert [path for path in NAMED.get(number, []) if path.startswith("tests/")]
