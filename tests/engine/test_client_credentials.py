"""The rows of "What happens to a request" for a grant without a person, and whose token is whose in a shared store."""

from __future__ import annotations

import pytest
from helpers.engine_parts import WatchedStore, make_refresher, token_record, unreachable

from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.refresher import Refresher
from requests_zohorecruit.errors import ClientConfigurationError, ThrottledError, TokenEndpointError
from requests_zohorecruit.stores import MemoryStore
from requests_zohorecruit.zoho.grants import ClientCredentials

SOID, SCOPE = "ZohoRecruit.60001234567", "ZohoRecruit.modules.ALL"
OURS = ClientCredentials.create(SOID, SCOPE)
OTHERS = [ClientCredentials.create("ZohoRecruit.9", SCOPE), ClientCredentials.create(SOID, "ZohoRecruit.users.READ")]


@pytest.fixture
def store():
    return WatchedStore()


@pytest.fixture
def make(store, accounts, clock):
    return lambda grant=OURS: Refresher(accounts, store, Record(grant), clock=clock)


def header(token):
    return f"Zoho-oauthtoken {token}"


def test_processes_that_share_a_store_share_one_token(make, accounts, store):
    assert {make().get_header() for _ in range(3)} == {header("T1")}
    assert accounts.grants == [OURS]
    assert (store.record["soid"], store.record["scope"]) == (SOID, [SCOPE])
    assert "refresh_token" not in store.record


@pytest.mark.parametrize("later", [3400, 3600])
def test_a_stale_or_expired_token_is_minted_anew_once(later, make, accounts, clock):
    first, second = make(), make()
    first.get_header()
    second.get_header()
    clock.forward(later)
    assert first.get_header() == second.get_header() == header("T2")
    assert accounts.grants == [OURS, OURS]


def test_a_rejected_token_is_minted_anew_once(make, accounts):
    first, second = make(), make()
    first.get_header()
    second.get_header()
    assert first.replace("T1") == second.replace("T1") == header("T2")
    assert accounts.grants == [OURS, OURS]


def test_the_budget_is_as_for_any_grant(make, accounts):
    refresher = make()
    for _ in range(10):
        refresher.refresh()
    with pytest.raises(ThrottledError, match="10 access tokens"):
        refresher.refresh()
    assert len(accounts.grants) == 10


@pytest.mark.parametrize(
    "failure",
    [
        ThrottledError("Access Denied", retry_after=60.0, region="eu"),
        ClientConfigurationError("needs to know which organisation", code="missing_org_info", region="eu"),
    ],
)
def test_a_failure_is_remembered_by_every_process(failure, make, accounts):
    accounts.fail = [failure]
    for refresher in (make(), make()):
        with pytest.raises(type(failure)):
            refresher.get_header()
    assert len(accounts.grants) == 1


@pytest.mark.parametrize("other", [*OTHERS, None], ids=["organisation", "scope", "person"])
def test_another_ones_token_in_the_store_is_never_used(other, make, accounts, store, clock):
    if other is None:
        MemoryStore.save(store, token_record("T-person", grant="1000.person", note="kept"))
    else:
        make(other).get_header()
    before, minted = store.record, len(accounts.grants)
    refresher = make()
    accounts.fail = [unreachable()]
    with pytest.raises(TokenEndpointError):
        refresher.get_header()
    assert store.record == before
    clock.forward(5)
    token = refresher.get_header()
    assert token == header(f"T{minted + 2}")
    assert store.record["soid"] == SOID
    assert store.record.get("note") == before.get("note")


@pytest.mark.parametrize("other", OTHERS, ids=["organisation", "scope"])
def test_two_that_share_a_store_by_mistake_each_keep_their_own_token(other, make, accounts, clock):
    first, second = make(), make(other)
    tokens = first.get_header(), second.get_header()
    assert tokens == (header("T1"), header("T2"))
    clock.forward(10)
    for refresher, token in zip((first, second), tokens, strict=True):
        refresher.grant.read()
        assert refresher.get_header() == token
    clock.forward(3600)
    first.get_header()
    assert second.get_header() == header("T4")
    assert accounts.grants == [OURS, other, OURS, other]


def test_an_access_token_without_a_grant_in_the_store_is_never_used(make, accounts, store):
    record = token_record("T-alone")
    del record["refresh_token"]
    MemoryStore.save(store, record)
    assert make().get_header() == header("T1")


def test_without_arguments_the_stores_client_credentials_are_used(make, store, accounts, clock):
    make().get_header()
    clock.forward(3600)
    refresher = make_refresher(store, grant=None, clock=clock, accounts=accounts)
    assert refresher.get_header() == header("T2")
    assert accounts.grants == [OURS, OURS]


def test_revoking_revokes_the_access_token_and_the_next_call_mints_another(make, accounts, store):
    first, second = make(), make()
    first.get_header()
    second.get_header()
    first.revoke()
    assert accounts.revoked == ["T1"]
    assert "access_token" not in store.record
    assert first.token is None
    second.grant.read()
    assert second.token is None
    assert first.get_header() == second.get_header() == header("T2")


def test_revoking_without_a_token_sends_nothing(make, accounts):
    make().revoke()
    assert accounts.revoked == []
