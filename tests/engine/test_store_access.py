"""A store as the engine sees it: numbers in whatever form, times that cannot be, and what is said of them."""

from __future__ import annotations

import gc
import json
import logging
from decimal import Decimal

import pytest
from helpers.engine_parts import START, Clock, FakeTokenEndpoint, WatchedStore, make_refresher, token_record
from helpers.planted_secrets import APPLICATION

from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.refresher import Refresher
from requests_zohorecruit.engine.store_access import StoredRecord
from requests_zohorecruit.errors import ThrottledError, TokenStoreError
from requests_zohorecruit.stores import CallbackStore

DAY = 86_400.0
COMPLAINT = "The token store WatchedStore returned a record with an impossible {}, which is ignored. Times are in epoch seconds."


class FakeDynamoDB:
    """A table as boto3 shows it: no floats in, no empty sets, numbers out as `Decimal`."""

    def __init__(self):
        self.item = None

    def put_item(self, item):
        self.item = self._convert(item)

    def get_item(self):
        return self.item

    def _convert(self, value):
        if isinstance(value, float):
            raise TypeError("Float types are not supported. Use Decimal types instead.")
        if isinstance(value, dict):
            return {key: self._convert(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._convert(each) for each in value]
        return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


class TextFields:
    """Fields that come back as text; lists and mappings are kept as JSON."""

    def __init__(self):
        self.fields = None

    def save(self, record):
        self.fields = {
            key: json.dumps(value) if isinstance(value, (list, dict)) else str(value) for key, value in record.items()
        }

    def load(self):
        if self.fields is None:
            return None
        return {key: json.loads(value) if value[0] in "[{" else value for key, value in self.fields.items()}


def in_dynamodb():
    table = FakeDynamoDB()
    return CallbackStore(
        lambda record: table.put_item(json.loads(json.dumps(record), parse_float=Decimal)), table.get_item
    )


def in_text_fields():
    fields = TextFields()
    return CallbackStore(fields.save, fields.load)


@pytest.fixture(params=[in_dynamodb, in_text_fields], ids=lambda made: made.__name__)
def store(request):
    return request.param()


def test_t80_the_budget_holds_over_a_store_that_changes_numbers(store, caplog):
    clock = Clock()
    accounts = FakeTokenEndpoint(expires_in=20)
    for _ in range(10):
        make_refresher(store, clock=clock, accounts=accounts).refresh()
        clock.forward(20)
    with pytest.raises(ThrottledError, match="minted 10 access tokens"):
        make_refresher(store, clock=clock, accounts=accounts).refresh()
    assert len(accounts.calls) == 10
    assert caplog.records == []


def test_t80_cool_down_and_pause_hold_over_a_store_that_changes_numbers(store, caplog):
    clock, accounts = Clock(), FakeTokenEndpoint()
    accounts.fail = [ThrottledError("Denied.", region="eu", retry_after=60.0, status_code=400)]
    with pytest.raises(ThrottledError):
        make_refresher(store, clock=clock, accounts=accounts).refresh()
    clock.forward(59)
    with pytest.raises(ThrottledError, match="Try again in 1 s") as caught:
        make_refresher(store, clock=clock, accounts=accounts).refresh()
    assert caught.value.status_code == 400
    assert len(accounts.calls) == 1
    clock.forward(2)
    first = make_refresher(store, clock=clock, accounts=accounts)
    first.refresh()
    first.pause(first.token.access_token, "recruit.zoho.eu")
    other = make_refresher(store, clock=clock, accounts=accounts)
    assert other.replace(first.token.access_token) is None
    assert len(accounts.calls) == 2
    assert not [record for record in caplog.records if "an impossible" in record.getMessage()]


def test_t80_a_revocation_is_known_again_by_its_date(store):
    clock, accounts = Clock(START + 1 / 3), FakeTokenEndpoint()
    one, other = (make_refresher(store, clock=clock, accounts=accounts) for _ in range(2))
    one.refresh()
    other.get_header()
    granted_at = one.record.granted_at
    one.revoke()
    assert other.grant.stored.load().granted_at == granted_at


def test_t80_what_cannot_be_read_is_said_once_without_its_value(caplog):
    store = WatchedStore(token_record(mint_times="1000.planted", granted_at="1000.planted"))
    stored = StoredRecord(APPLICATION, store)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert stored.load(START) == stored.load()
    assert {record.name for record in caplog.records} == {"requests_zohorecruit"}
    assert [record.getMessage() for record in caplog.records] == [
        COMPLAINT.format("mint_times"),
        COMPLAINT.format("granted_at"),
    ]


# -- stores that only begin their work -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["load", "save", "lock"])
def test_t82_what_a_store_of_the_users_returns_must_not_have_to_be_awaited(method):
    async def work():
        """Do nothing, later."""

    store = WatchedStore()
    setattr(store, method, lambda *_: work())
    stored = StoredRecord(APPLICATION, store)
    with pytest.raises(TokenStoreError, match=f"WatchedStore is not synchronous: its {method} returned a coroutine"):
        if method == "lock":
            with stored.lock(0, 0):
                raise AssertionError("it was locked")
        getattr(stored, method)(*([Record()] if method == "save" else []))
    gc.collect()  # Python would warn of a coroutine that was never awaited, which fails a test here


# -- times that cannot be ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expires_at", [1000 * (START + 3600), str(1000 * (START + 3600)), START + 366 * DAY])
def test_t81_a_stored_expiry_that_cannot_be_costs_one_mint_and_is_right_afterwards(expires_at, caplog):
    clock, accounts = Clock(), FakeTokenEndpoint()
    store = WatchedStore(token_record() | {"expires_at": expires_at})
    for _ in range(3):
        assert make_refresher(store, clock=clock, accounts=accounts).get_header() == "Zoho-oauthtoken T1"
    assert len(accounts.calls) == 1
    assert store.record["expires_at"] == START + 3600
    assert {record.getMessage() for record in caplog.records} == {COMPLAINT.format("expires_at")}
    assert len(caplog.records) == 1


def test_t81_a_stored_expiry_that_cannot_be_does_not_go_before_a_token_that_could_not_be_saved():
    clock, accounts = Clock(), FakeTokenEndpoint()
    store = WatchedStore(token_record() | {"expires_at": 1000 * (START + 3600)})
    refresher = make_refresher(store, clock=clock, accounts=accounts)
    store.saves_fail = OSError()
    with pytest.raises(TokenStoreError):
        refresher.get_header()
    for _ in range(5):
        clock.forward(60)
        assert refresher.get_header() == "Zoho-oauthtoken T1"
    assert len(accounts.calls) == 1


def test_t81_a_given_expiry_that_cannot_be_does_not_go_before_the_stored_token():
    store = WatchedStore(token_record("T0"))
    given = Record.from_mapping(token_record("1000.planted") | {"expires_at": 1000 * START}, APPLICATION)
    accounts = FakeTokenEndpoint()
    assert Refresher(accounts, store, given, clock=Clock()).get_header() == "Zoho-oauthtoken T0"
    assert accounts.calls == []


def test_t81_a_stored_date_that_cannot_be_does_not_outrank_a_later_login(caplog):
    store = WatchedStore(token_record(granted_at=1000 * START))
    refresher = make_refresher(store, grant=None)
    assert refresher.get_header() == "Zoho-oauthtoken T0"
    assert refresher.record.granted_at == START
    assert "impossible granted_at" in caplog.text


def test_t81_a_clock_that_is_set_back_does_not_keep_a_token_alive_for_years():
    clock, accounts, store = Clock(START + 366 * DAY), FakeTokenEndpoint(), WatchedStore()
    refresher = make_refresher(store, clock=clock, accounts=accounts)
    assert refresher.get_header() == "Zoho-oauthtoken T1"
    clock.now = START
    assert refresher.get_header() == refresher.get_header() == "Zoho-oauthtoken T2"
    assert store.record["expires_at"] == START + 3600
