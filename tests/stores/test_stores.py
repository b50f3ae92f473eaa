"""The package of the stores: what it offers, and when it imports what."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from requests_zohorecruit import MemoryStore, TokenStore, stores
from requests_zohorecruit.stores.polling import poll
from requests_zohorecruit.testing import TokenStoreContract


def test_importing_the_contract_imports_no_driver_and_no_pytest() -> None:
    code = (
        "import sys, requests_zohorecruit.testing\n"
        "print(*{'cryptography', 'redis', 'sqlalchemy', 'keyring', 'filelock', 'pytest', 'psycopg'} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == ""


def test_every_store_is_listed() -> None:
    assert set(stores.__all__) <= set(dir(stores))


def test_what_is_not_offered_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"requests_zohorecruit\.stores.*NoSuchStore"):
        stores.NoSuchStore  # noqa: B018


@pytest.mark.parametrize(
    ("store", "needs"), [("EncryptedStore", "cryptography"), ("KeyringStore", "keyring"), ("SQLStore", "sqlalchemy")]
)
def test_a_store_whose_driver_is_missing_says_how_to_get_it(store: str, needs: str) -> None:
    code = f"import sys; sys.modules[{needs!r}] = None\nfrom requests_zohorecruit.stores import {store}"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    extra = {"cryptography": "encrypted", "keyring": "keyring", "sqlalchemy": "sql"}[needs]
    assert f"{store} needs {needs}" in output.stderr
    assert f"pip install 'requests-zohorecruit[{extra}]'" in output.stderr


def test_the_missing_driver_is_named_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise ModuleNotFoundError(name="sqlalchemy")

    monkeypatch.setattr(stores, "import_module", fail)
    with pytest.raises(ModuleNotFoundError, match="SQLStore needs sqlalchemy") as caught:
        stores.__getattr__("SQLStore")
    assert caught.value.name == "sqlalchemy"


def test_polling_tries_at_least_once_and_not_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    pauses: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda pause: (pauses.append(pause), now.__setitem__(0, now[0] + pause)))
    assert not poll(lambda: False, 0)
    assert pauses == []
    assert not poll(lambda: False, 1.0)
    assert sum(pauses) == pytest.approx(1.0)
    assert max(pauses) <= 0.08
    assert poll(lambda: now[0] > 101.5, 60)


def test_the_contract_fails_for_a_store_that_forgets_whose_grant_it_is_and_nothing_is_sent() -> None:
    class Forgetful(MemoryStore):
        def load(self) -> dict[str, Any] | None:
            record = super().load()
            return record and {key: value for key, value in record.items() if key != "client_id"}

    class Contract(TokenStoreContract):
        def make_store(self, key: str) -> TokenStore:
            return kept

    kept = Forgetful()
    with pytest.raises(AssertionError, match="the record of another client was used"):
        Contract().test_a_record_of_another_client_is_refused()


def test_the_contract_asks_for_a_store() -> None:
    with pytest.raises(NotImplementedError):
        TokenStoreContract().make_store("key")
