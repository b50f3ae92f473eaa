"""Whatever a store holds or returns: a record to work with, or a `TokenStoreError` that shows nothing of it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import requests
import sqlalchemy
from helpers.canned_adapter import session_over
from helpers.planted_secrets import APPLICATION, leaks
from helpers.strategies import anything, bodies, documents, mappings
from hypothesis import example, given
from hypothesis import strategies as st

from requests_zohorecruit import (
    CallbackStore,
    FileStore,
    ReauthorizationRequired,
    Token,
    TokenStoreError,
    ZohoAuthError,
    ZohoRecruitAuth,
)
from requests_zohorecruit.engine.record import Budget, Record
from requests_zohorecruit.stores import RedisStore, SQLStore
from requests_zohorecruit.stores.sql import TABLE

MINTED = (200, {}, json.dumps({"access_token": "1000.planted-minted", "expires_in": 3600}).encode())


def check_record(record):
    """What can be read can be kept, and asked everything that the engine asks."""
    assert Record.from_mapping(record.to_mapping(APPLICATION), APPLICATION) == record
    for now in (0.0, 1_800_000_000.0, 1e12):
        assert record.is_alive(now) or not record.is_fresh(now)
        assert record.is_paused(now) in {True, False}
        obstacle = record.find_obstacle(now, APPLICATION, Budget())
        assert obstacle is None or isinstance(obstacle, ZohoAuthError)
        assert record.grant or isinstance(obstacle, ReauthorizationRequired)
        asking, minted = record.with_mint(now, Budget()), record.with_token(Token("a"))
        for changed in (asking, minted, record.with_pause(now), record.without_pause()):
            kept = replace(changed, extra={})
            assert Record.from_mapping(json.loads(json.dumps(kept.to_mapping(APPLICATION))), APPLICATION) == kept


@given(mappings)
@example({"access_token": "a", "expires_at": 10**400})
@example({"refresh_token": "r", "mint_times": [math.inf, math.nan, 10**400, True, -1e15]})
@example({"refresh_token": "r", "rejection_pause": [1e14, 60]})
def test_T60_any_mapping_is_a_record_that_works_or_a_store_error_that_shows_no_value(mapping):
    try:
        record = Record.from_mapping(mapping, APPLICATION)
    except TokenStoreError as error:
        assert leaks(error) == []
        assert error.__context__ is None
        return
    check_record(replace(record, extra={}))


class FakeRedis:
    """As much of a client as a store needs to read and replace one key."""

    def __init__(self, value):
        self.value = value

    def get(self, _):
        return self.value

    def set(self, _, value, **__):
        self.value = value
        return True

    def eval(self, *_):
        return 1


def in_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "token.json"

    def put(content):
        path.write_bytes(content)
        return FileStore(path), path.read_bytes

    return put


def in_redis(_):
    def put(content):
        client = FakeRedis(content)
        return RedisStore(client, "key"), lambda: client.value

    return put


def in_redis_as_text(_):
    def put(content):
        client = FakeRedis(content.decode("utf-8", "surrogateescape"))
        return RedisStore(client, "key"), lambda: client.value

    return put


def in_database(_):
    engine = sqlalchemy.create_engine("sqlite://")
    store = SQLStore(engine, "key")
    store.create_table()

    def stored():
        with engine.begin() as connection:
            return connection.execute(sqlalchemy.select(TABLE.c.record)).scalar_one()

    def put(content):
        with engine.begin() as connection:
            connection.execute(sqlalchemy.delete(TABLE))
            connection.execute(
                sqlalchemy.insert(TABLE).values(key="key", record=content.decode("utf-8", "replace").replace("\0", ""))
            )
        return store, stored

    put.end = engine.dispose
    return put


@pytest.fixture(scope="module", params=[in_file, in_redis, in_redis_as_text, in_database], ids=lambda put: put.__name__)
def put(request, tmp_path_factory):
    put = request.param(tmp_path_factory)
    yield put
    getattr(put, "end", lambda: None)()


@given(content=bodies)
@example(content=b'{"refresh_token": "r", "other": NaN}')
@example(content=b'{"a":' * 600 + b"1" + b"}" * 600)
def test_any_content_of_a_store_is_a_record_that_can_be_saved_again_or_is_left_alone(put, content):
    store, stored = put(content)
    before = stored()
    try:
        record = store.load()
    except TokenStoreError as error:
        assert leaks(error) == []
        with pytest.raises(TokenStoreError) as caught:
            store.save({"refresh_token": "1000.planted-new"})
        assert leaks(caught.value) == []
        assert stored() == before
        return
    store.save(record)
    assert store.load() == record


@given(anything)
@example({"refresh_token": "1000.planted-r", "other": [object()]})
def test_T60_whatever_the_users_function_returns_a_request_is_signed_or_an_error_of_the_tree_is_raised(found):
    store = CallbackStore(lambda record: json.dumps(record, allow_nan=False), lambda: found)
    auth = ZohoRecruitAuth(
        "1000.CLIENT", "planted-client-secret", region="eu", store=store, session=session_over(MINTED)
    )
    request = requests.Request("GET", "https://recruit.zoho.eu/recruit/v2/Candidates").prepare()
    try:
        signed = auth(request)
    except ZohoAuthError as error:
        assert leaks(error) == []
        assert type(error) is not ZohoAuthError
        return
    assert signed.headers["Authorization"] == f"Zoho-oauthtoken {auth.token.access_token}"


@given(st.one_of(documents, documents.map(lambda text: text.encode("utf-8", "surrogatepass"))))
@example('{"client_id": "1000.OTHER", "access_token": "1000.planted", "refresh_token": "1000.planted"}')
def test_T60_a_request_signed_from_any_stored_text_is_signed_or_an_error_of_the_tree_is_raised(text):
    auth = ZohoRecruitAuth(
        "1000.CLIENT",
        "planted-client-secret",
        region="eu",
        refresh_token="1000.planted-grant",
        store=RedisStore(FakeRedis(text), "key"),
        session=session_over(MINTED),
    )
    request = requests.Request("GET", "https://recruit.zoho.eu/recruit/v2/Candidates").prepare()
    try:
        assert auth(request).headers["Authorization"].startswith("Zoho-oauthtoken 1000.planted-minted")
    except TokenStoreError as error:
        assert leaks(error) == []
