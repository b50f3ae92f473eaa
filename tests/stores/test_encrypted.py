"""EncryptedStore."""

from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet, MultiFernet
from helpers.engine_parts import FakeTokenEndpoint, make_refresher, token_record
from helpers.shared_stores import ShortLeases, redis_client

from requests_zohorecruit import ZohoRecruitAuth
from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores import (
    CallbackStore,
    EncryptedStore,
    FileStore,
    MemoryStore,
    RedisStore,
    SQLStore,
    TokenStore,
)
from requests_zohorecruit.testing import TokenStoreContract

# Always the same ones, since pytest-xdist wants the same names of tests in each of its processes.
KEY, OTHER_KEY = (base64.urlsafe_b64encode(letter * 32) for letter in (b"k", b"o"))
RECORD = {"access_token": "1000.planted", "refresh_token": "1000.planted-too", "note": "ünïcode", "expires_at": 1.5}


class Encrypted(TokenStoreContract):
    inner: Callable[[str], TokenStore]

    def make_store(self, key: str) -> TokenStore:
        return EncryptedStore(self.inner(key), KEY)


class TestInMemory(Encrypted):
    process_shared = False

    @pytest.fixture(autouse=True)
    def _one_store_for_each_key(self) -> None:
        stores: dict[str, TokenStore] = {}
        self.inner = lambda key: stores.setdefault(key, MemoryStore())


class TestWithCallbacks(Encrypted):
    process_shared = False

    @pytest.fixture(autouse=True)
    def _one_store_for_each_key(self) -> None:
        stores: dict[str, TokenStore] = {}

        def make(key: str) -> TokenStore:
            kept = MemoryStore()
            return stores.setdefault(key, CallbackStore(kept.save, kept.load, kept.lock))

        self.inner = make


class TestInAFile(Encrypted):
    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        self.inner = lambda key: FileStore(tmp_path / f"{key}.json")


class TestInSQLite(Encrypted):
    @pytest.fixture(autouse=True)
    def _engine(self, tmp_path: Path) -> Iterator[None]:
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'app.db'}")
        SQLStore(engine, "any").create_table()
        self.inner = lambda key: SQLStore(engine, key)
        yield
        engine.dispose()


class TestInRedis(Encrypted):
    @pytest.fixture(autouse=True)
    def _client(self, redis_process: Any, request: pytest.FixtureRequest) -> None:
        lease = 3 if "killed" in request.node.name else 60
        client: Any = ShortLeases(redis_client(redis_process.port), lease)
        self.inner = lambda key: RedisStore(client, key)


@pytest.fixture
def inside() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def store(inside: MemoryStore) -> EncryptedStore:
    return EncryptedStore(inside, KEY)


# What is stored


def test_what_is_stored_is_one_encrypted_text(tmp_path: Path) -> None:
    inside = FileStore(tmp_path / "token.json")
    EncryptedStore(inside, KEY).save(RECORD)
    text = inside.path.read_text()
    assert "planted" not in text
    assert "access_token" not in text
    stored = json.loads(text)
    assert list(stored) == ["encrypted"]
    assert json.loads(Fernet(KEY).decrypt(stored["encrypted"].encode())) == RECORD


def test_a_plain_record_is_used_with_a_warning_and_encrypted_when_it_is_saved(
    store: EncryptedStore, inside: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    inside.save(RECORD)
    with caplog.at_level(logging.DEBUG):
        assert store.load() == store.load() == RECORD
        store.save(RECORD)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"{store!r} found a record that is not encrypted; the next save encrypts it.")
    ]
    assert list(inside.load() or {}) == ["encrypted"]
    assert store.load() == RECORD


def test_an_emptied_record_needs_no_warning(
    store: EncryptedStore, inside: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    inside.save({})
    assert store.load() == {}
    assert caplog.records == []


def test_what_other_programs_put_beside_it_is_kept_and_replaces_nothing(
    store: EncryptedStore, inside: MemoryStore
) -> None:
    store.save(RECORD)
    inside.save({**(inside.load() or {}), "tenant": 7, "refresh_token": "1000.smuggled"})
    record = store.load()
    assert record == {**RECORD, "tenant": 7}
    store.save(record or {})
    assert store.load() == record
    assert list(inside.load() or {}) == ["encrypted"]


def test_a_record_json_cannot_express_is_refused_and_the_old_one_stays(store: EncryptedStore) -> None:
    store.save(RECORD)
    with pytest.raises(TokenStoreError, match=r"^EncryptedStore\(MemoryStore\(\)\) could not be saved.*JSON"):
        store.save({"odd": object()})
    assert store.load() == RECORD


# Keys


def as_keys(keys: list[bytes]) -> list[Any]:
    return [keys, tuple(keys), iter(keys), [key.decode() for key in keys], [key + b"\n" for key in keys]]


@pytest.mark.parametrize("form", range(5))
def test_the_first_key_encrypts_and_all_of_them_decrypt(inside: MemoryStore, form: int) -> None:
    EncryptedStore(inside, OTHER_KEY).save(RECORD)
    rotating = EncryptedStore(inside, as_keys([KEY, OTHER_KEY])[form])
    assert rotating.load() == RECORD
    rotating.save(RECORD)
    assert EncryptedStore(inside, KEY.decode()).load() == RECORD
    with pytest.raises(TokenStoreError):
        EncryptedStore(inside, OTHER_KEY).load()


@pytest.mark.parametrize("method", ["load", "save"])
def test_a_wrong_key_is_said_and_loses_nothing(inside: MemoryStore, method: str) -> None:
    EncryptedStore(inside, OTHER_KEY).save(RECORD)
    store = EncryptedStore(inside, KEY)
    match = r"EncryptedStore\(MemoryStore\(\)\) could not be decrypted: .* another key, .* Nothing was changed"
    with pytest.raises(TokenStoreError, match=match) as caught:
        getattr(store, method)(*([RECORD] if method == "save" else []))
    own = traceback.TracebackException(
        type(caught.value),
        caught.value,
        caught.value.__traceback__.tb_next,  # type: ignore[union-attr]
        capture_locals=True,
    )
    assert "planted" not in "".join(own.format())
    assert EncryptedStore(inside, OTHER_KEY).load() == RECORD


@pytest.mark.parametrize("damage", ["", "planted", "ünïcode", 5, None, [], "gAAAAA" + "A" * 100])
def test_a_damaged_text_is_an_error_and_left_alone(store: EncryptedStore, inside: MemoryStore, damage: Any) -> None:
    inside.save({"encrypted": damage})
    for use in (store.load, lambda: store.save(RECORD)):
        with pytest.raises(TokenStoreError, match="could not be decrypted"):
            use()
    assert inside.load() == {"encrypted": damage}


def test_an_encrypted_text_that_is_no_record_is_an_error(store: EncryptedStore, inside: MemoryStore) -> None:
    inside.save({"encrypted": Fernet(KEY).encrypt(b"[1000.planted]").decode()})
    with pytest.raises(TokenStoreError, match=r"EncryptedStore\(MemoryStore\(\)\) holds something that is not a token"):
        store.load()


def test_the_engine_mints_nothing_with_the_wrong_key_and_goes_on_with_the_right_one(inside: MemoryStore) -> None:
    EncryptedStore(inside, OTHER_KEY).save(token_record())
    before, accounts = inside.load(), FakeTokenEndpoint()
    refresher = make_refresher(EncryptedStore(inside, KEY), accounts=accounts)
    for _ in range(2):
        with pytest.raises(TokenStoreError, match="another key"):
            refresher.get_header()
    assert (accounts.calls, inside.load()) == ([], before)
    refresher = make_refresher(EncryptedStore(inside, [KEY, OTHER_KEY]), accounts=accounts)
    assert refresher.get_header() == "Zoho-oauthtoken T0"
    refresher.refresh()
    assert (EncryptedStore(inside, KEY).load() or {})["access_token"] == "T1"


@pytest.mark.parametrize(
    "wrong", ["planted", b"planted", "", KEY[:-4], "ünïcode" * 8, ["planted"], [KEY, "planted"], []]
)
def test_what_is_no_key_is_a_value_error_that_does_not_show_it(inside: MemoryStore, wrong: Any) -> None:
    with pytest.raises(ValueError, match="key|Fernet") as caught:
        EncryptedStore(inside, wrong)
    assert "planted" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("wrong", [None, 5, [None], [KEY, 5], Fernet(KEY), MultiFernet([Fernet(KEY)])])
def test_a_key_of_the_wrong_type_is_a_type_error(inside: MemoryStore, wrong: Any) -> None:
    with pytest.raises(TypeError):
        EncryptedStore(inside, wrong)


# The store inside


@pytest.mark.parametrize("wrong", [None, print, "token.json", MemoryStore])
def test_what_is_no_store_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match="store must be a token store"):
        EncryptedStore(wrong, KEY)


def test_a_callback_that_cannot_load_is_refused_since_it_could_not_tell_a_new_token_from_an_old_one() -> None:
    with pytest.raises(TypeError, match="needs a load function"):
        EncryptedStore(CallbackStore(print), KEY)


class AsynchronousStore(MemoryStore):
    async def load(self) -> None:  # type: ignore[override]
        """Return nothing, later."""


class StoreOfTheUsers(MemoryStore):
    """One whose methods begin to return awaitables, and whose repr shows a password."""

    def __init__(self) -> None:
        super().__init__()
        self.result: Any = None

    def load(self) -> Any:
        return self.result and self.result()

    def save(self, record: Any) -> Any:
        return self.result and self.result()

    def __repr__(self) -> str:
        return "StoreOfTheUsers(password='planted')"


async def work() -> None:
    """Do nothing, later."""


def test_t82_a_store_that_only_begins_its_work_is_refused() -> None:
    with pytest.raises(TypeError, match="load of AsynchronousStore must be a plain function"):
        EncryptedStore(AsynchronousStore(), KEY)
    inside = StoreOfTheUsers()
    store = EncryptedStore(inside, KEY)
    inside.result = work
    with pytest.raises(TokenStoreError, match="its load returned a coroutine"):
        store.load()
    results = [lambda: None, work]
    inside.result = lambda: results.pop(0)()  # noqa: PLW0108 - another one each time
    with pytest.raises(TokenStoreError, match="its save returned a coroutine"):
        store.save(RECORD)


def test_its_lease_is_compared_with_the_timeouts_of_token_calls() -> None:
    client: Any = type("Client", (), {"eval": print, "get": lambda *_: None})()
    leased = EncryptedStore(RedisStore(client, "key", lock_ttl=50), KEY)
    assert leased.lock_ttl == 50
    with pytest.raises(ValueError, match="the lock of EncryptedStore ends after 50 s"):
        ZohoRecruitAuth("1000.ME", "not-a-secret", region="eu", store=leased, timeout=60)
    assert EncryptedStore(MemoryStore(), KEY).lock_ttl is None


def test_T60_the_repr_shows_neither_key_nor_record_nor_a_strangers_repr(store: EncryptedStore) -> None:
    store.save(RECORD)
    assert repr(store) == "EncryptedStore(MemoryStore())"
    assert repr(EncryptedStore(StoreOfTheUsers(), KEY)) == "EncryptedStore(The token store StoreOfTheUsers)"
    assert KEY.decode() not in repr(vars(store))


def test_T07_it_pickles_and_a_copy_is_the_same_store(tmp_path: Path) -> None:
    store = EncryptedStore(FileStore(tmp_path / "token.json"), [KEY, OTHER_KEY])
    store.save(RECORD)
    assert pickle.loads(pickle.dumps(store)).load() == RECORD
    assert copy.deepcopy(store) is copy.copy(store) is store
