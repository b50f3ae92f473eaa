"""The recipes whose packages are too large for the checks: `tox run -e recipes`."""

from __future__ import annotations

import pytest
from docs.test_examples import PARTS, clean, follow_index, mock, run_page
from helpers.tried_packages import find_pages

__all__ = ["clean", "mock"]


@pytest.mark.parametrize("name", find_pages("tests/integrations/check_recipes.py"))
def test_a_recipe_with_a_large_package_runs_in_order_and_leaves_no_secret_behind(name, mock, monkeypatch, clean):
    run_page(name, mock, monkeypatch)


@pytest.mark.parametrize("name", sorted({*find_pages("tests/integrations/check_recipes.py")} - {*PARTS}))
def test_a_recipe_with_a_large_package_works_for_a_person_who_follows_the_index(name, tmp_path, clean):
    follow_index(name, tmp_path)
