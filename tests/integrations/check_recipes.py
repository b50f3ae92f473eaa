"""The recipes whose packages are too large for the checks: `tox run -e recipes`."""

from __future__ import annotations

import pytest
from docs.test_examples import LARGE, mock, run_page

__all__ = ["mock"]


@pytest.mark.parametrize("name", LARGE)
def test_the_examples_of_a_page_with_a_large_package_run_in_order(name, mock, monkeypatch):
    run_page(name, mock, monkeypatch)
