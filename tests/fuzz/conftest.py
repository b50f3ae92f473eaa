"""Thousands of examples, of which every line is measured elsewhere."""

from __future__ import annotations

import pytest
from helpers.without_coverage import unmeasured_threads


@pytest.fixture(autouse=True)
def _unmeasured():
    with unmeasured_threads():
        yield
