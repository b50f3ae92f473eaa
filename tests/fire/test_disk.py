"""T55, T14: the disk is full, or the directory read-only; the token stays in use and the file stays whole."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.bad_directories import HARDSHIPS, NEED_ROOT, enduring, may_mount
from helpers.database_servers import missing
from helpers.process_fleet import Fleet

from requests_zohorecruit import TokenStoreError

#: Where the lock cannot even be taken, nothing is minted that could not be kept.
UNLOCKABLE = {"read-only mount"}


@pytest.fixture
def public_directory():
    """A directory that other users may look into, unlike pytest's."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.mark.parametrize("hardship", HARDSHIPS)
@pytest.mark.thorough(one_in=2)
def test_T55_a_directory_in_trouble_costs_no_live_token_and_no_grant(hardship, zoho, access, public_directory):
    if hardship in NEED_ROOT and not may_mount():
        missing("the right to mount")
    bundle = public_directory / "ca.pem"
    shutil.copy(access.ca_bundle, bundle)
    place = public_directory / "place"
    place.mkdir()
    place.chmod(0o755)
    grant, before = zoho.new_grant(), zoho.token_requests
    with Fleet(1) as fleet:
        [found], _ = fleet.run(1, enduring, replace(access, ca_bundle=str(bundle)), grant, place, hardship)
    assert [found[name] for name in ("live", "after refreshing", "stale", "later")] == [200] * 4
    for name in ("refreshing", "expired"):
        assert type(found[name]) is TokenStoreError, name
        assert str(place / "grant.json") in str(found[name])
    assert found["meanwhile"] == found["before"]
    assert found["before"]["refresh_token"] == found["after"]["refresh_token"] == grant
    assert found["after"]["access_token"] == found["in use"]
    assert found["files"] == ["grant.json", "grant.json.lock"]
    if hardship in UNLOCKABLE:
        assert type(found["after expiry"]) is TokenStoreError
        assert zoho.token_requests - before == 2  # the first, and the one at the end
    else:
        assert found["after expiry"] == 200
        assert zoho.token_requests - before == 4  # three in trouble, adopted and saved at the end
