"""KeyringStore, on a keyring in memory."""

from __future__ import annotations

import pickle
import stat
from pathlib import Path
from typing import Any

import pytest

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores import KeyringStore, TokenStore
from requests_zohorecruit.testing import TokenStoreContract

keyring = pytest.importorskip("keyring", reason="keyring is not installed")
from helpers.memory_keyring import Safe, safe_in_use  # noqa: E402
from keyring.backends import chainer, fail, null  # noqa: E402
from keyring.errors import KeyringLocked  # noqa: E402

OLD = {"access_token": "1000.planted-old"}
NEW = {"access_token": "1000.planted-new"}


class PlaintextKeyring(Safe):
    """What keyrings.alt calls the one that writes plain text."""


@pytest.fixture(autouse=True)
def safe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with safe_in_use() as backend:
        yield backend


@pytest.fixture
def store() -> KeyringStore:
    return KeyringStore("zoho", "somebody")


class TestKeyringStore(TokenStoreContract):
    def make_store(self, key: str) -> TokenStore:
        return KeyringStore("zoho", key)


def test_the_record_is_one_entry(store: KeyringStore, safe: Safe) -> None:
    store.save(OLD)
    assert safe.entries == {("zoho", "somebody"): '{"access_token":"1000.planted-old"}'}


def test_service_and_username_must_be_strings_of_some_length() -> None:
    with pytest.raises(TypeError):
        KeyringStore(None, "somebody")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 to 255"):
        KeyringStore("zoho", "")


def test_the_lock_is_a_private_file_among_the_users_state(store: KeyringStore, tmp_path: Path) -> None:
    with store.lock(0), KeyringStore("zohos", "omebody").lock(0):
        locks = list((tmp_path / "requests-zohorecruit").iterdir())
    assert len(locks) == 2
    assert {stat.S_IMODE(lock.stat().st_mode) for lock in locks} == {0o600}
    assert stat.S_IMODE(locks[0].parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, PlaintextKeyring])
def test_a_keyring_that_does_not_keep_secrets_is_refused(store: KeyringStore, backend: Any) -> None:
    chosen = backend()
    keyring.set_keyring(chosen)
    for use in (store.load, lambda: store.save(NEW)):
        with pytest.raises(TokenStoreError, match=r"does not keep secrets safe.*another store") as caught:
            use()
    assert "planted" not in str(caught.value)
    assert not getattr(chosen, "entries", None)


def test_a_chain_is_used_without_its_unsafe_links(
    store: KeyringStore, safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = PlaintextKeyring()
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [plain, safe])
    monkeypatch.setattr(chainer.ChainerBackend, "priority", 10)
    keyring.set_keyring(chainer.ChainerBackend())
    store.save(OLD)
    assert store.load() == OLD
    assert (len(plain.entries), len(safe.entries)) == (0, 1)
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [plain])
    with pytest.raises(TokenStoreError, match=r"keyring\.backends\.chainer does not keep secrets safe"):
        store.load()


@pytest.mark.parametrize("text", ["", "not a record 1000.planted", "[]"])
def test_T52_what_is_no_record_is_left_alone(store: KeyringStore, safe: Safe, text: str) -> None:
    safe.entries["zoho", "somebody"] = text
    for use in (store.load, lambda: store.save(NEW)):
        with pytest.raises(TokenStoreError, match="not a token record"):
            use()
    assert safe.entries == {("zoho", "somebody"): text}


def test_T14_a_record_json_cannot_express_is_refused_and_the_old_one_stays(store: KeyringStore) -> None:
    store.save(OLD)
    with pytest.raises(TokenStoreError, match="not JSON-serialisable"):
        store.save({"odd": object()})
    assert store.load() == OLD


def test_a_locked_keyring_is_a_store_error(store: KeyringStore, safe: Safe) -> None:
    safe.problem = KeyringLocked("1000.planted")
    with pytest.raises(TokenStoreError, match=r"KeyringStore\('zoho', 'somebody'\) .* loaded: KeyringLocked\.$"):
        store.load()


def test_T07_a_pickled_copy_is_the_same_store(store: KeyringStore) -> None:
    with store.lock(0):
        store.save(OLD)
        copy = pickle.loads(pickle.dumps(store))
        assert copy.load() == OLD
        with pytest.raises(TimeoutError):
            copy.lock(0).__enter__()


def test_t89_a_keyring_that_keeps_nothing_and_says_nothing_is_an_error(
    store: KeyringStore, safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Safe, "set_password", lambda *_: None)
    with pytest.raises(TokenStoreError, match="reports no error, but does not hold the new record"):
        store.save(NEW)
