"""What glossary and compatibility page say is what the package declares."""

from __future__ import annotations

import configparser
import re

import pytest
from helpers.doc_pages import DOCS

CONFIG = configparser.ConfigParser()
CONFIG.read(DOCS.parent / "setup.cfg", "utf-8")
COMPATIBILITY = (DOCS / "reference/compatibility.rst").read_text("utf-8")
TERMS = re.findall(r"^    (\S.*)\n        \S", (DOCS / "reference/glossary.rst").read_text("utf-8"), re.MULTILINE)


def bounds():
    """Return the oldest version of each package that setup.cfg allows."""
    needs = [CONFIG["options"]["install_requires"], *CONFIG["options.extras_require"].values()]
    return dict(re.findall(r"^([\w-]+)>=([\d.]+)$", "\n".join(needs), re.MULTILINE))


def test_the_oldest_versions_are_those_of_setup_cfg():
    assert dict(re.findall(r"^``([\w-]+)`` +([\d.]+) ", COMPATIBILITY, re.MULTILINE)) == bounds()


def test_the_versions_of_python_are_those_of_setup_cfg():
    declared = re.findall(r"Python :: (3\.\d+)", CONFIG["metadata"]["classifiers"])
    [sentence] = re.findall(r"^(Python 3.*)$", COMPATIBILITY, re.MULTILINE)
    assert re.findall(r"3\.\d+", sentence) == declared
    assert CONFIG["options"]["python_requires"] == f">={declared[0]}"


@pytest.mark.parametrize("term", ["grant", "mint", "profile", "region", "data centre", "single flight"])
def test_the_glossary_explains_the_words_a_reader_meets(term):
    assert term in TERMS


def test_the_glossary_is_sorted():
    assert sorted(TERMS) == TERMS
