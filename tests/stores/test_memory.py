"""MemoryStore."""

from __future__ import annotations

import copy
import logging
import pickle
from typing import Any

import pytest

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores import MemoryStore, TokenStore
from requests_zohorecruit.testing import TokenStoreContract

CONSEQUENCE = (
    "each process that gets one mints access tokens of its own, until Zoho locks the grant out. Use FileStore, or another "
    "store that processes share."
)


class TestMemoryStore(TokenStoreContract):
    process_shared = False

    @pytest.fixture(autouse=True)
    def _one_store_for_each_key(self) -> None:
        self.stores: dict[str, MemoryStore] = {}

    def make_store(self, key: str) -> TokenStore:
        return self.stores.setdefault(key, MemoryStore())


def test_a_pickled_copy_has_the_record_and_a_free_lock() -> None:
    store = MemoryStore()
    with store.lock(0):
        store.save({"access_token": "a"})
        copied = pickle.loads(pickle.dumps(store))
        with copied.lock(0):
            copied.save({"access_token": "b"})
    assert (store.load(), copied.load()) == ({"access_token": "a"}, {"access_token": "b"})


@pytest.mark.parametrize("odd", [object(), b"bytes", float("nan")])
def test_a_record_json_cannot_express_is_refused_and_the_old_one_stays(odd: Any) -> None:
    store = MemoryStore()
    store.save({"access_token": "old"})
    with pytest.raises(TokenStoreError, match=r"^MemoryStore\(\) could not be saved.*not JSON-serialisable.*unchanged"):
        store.save({"access_token": "new", "odd": odd})
    assert store.load() == {"access_token": "old"}


def test_T60_the_repr_shows_no_record() -> None:
    store = MemoryStore()
    store.save({"access_token": "1000.planted"})
    assert repr(store) == "MemoryStore()"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_t97_a_copy_is_the_same_store(duplicate: Any, caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    assert duplicate(store) is store
    assert duplicate([store])[0] is store
    assert caplog.records == []


def test_t97_pickling_one_says_once_that_it_shares_nothing(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    store.save({"access_token": "1000.planted"})
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            store = pickle.loads(pickle.dumps(store))
    assert [(record.levelname, record.name, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            "requests_zohorecruit.stores.base",
            f"A pickled MemoryStore() is a copy that shares nothing: {CONSEQUENCE}",
        )
    ]
