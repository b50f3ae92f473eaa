"""What every engine test starts from: a clock that stands still, and a Zoho Accounts that mints."""

from __future__ import annotations

import pytest
from helpers.engine_parts import Clock, FakeTokenEndpoint


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def accounts():
    return FakeTokenEndpoint()
