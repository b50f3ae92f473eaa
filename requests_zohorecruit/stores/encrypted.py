"""`EncryptedStore`: keeps the record encrypted in any other store.

Knows nothing about the record's content, nor about where it is kept. It uses the lock of the wrapped store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.secret import clears_frames
from requests_zohorecruit.stores.base import SharedByCopies, TokenStore, check_functions, refuse_awaitable
from requests_zohorecruit.stores.callback import CallbackStore
from requests_zohorecruit.stores.encoding import decode, encode
from requests_zohorecruit.stores.errors import guarded, name_store

__all__ = ["EncryptedStore"]

_log = logging.getLogger(__name__)


class EncryptedStore(SharedByCopies):
    """Keeps the record in another store as one string, encrypted and signed with Fernet: ``{"encrypted": "gAAAA…"}``.

    An unencrypted record is used with a warning in the log, and the next save encrypts it.

    :param store: the wrapped store, which keeps the encrypted record and provides the lock
    :param key: made by ``Fernet.generate_key()``, text or bytes; or several keys, for rotation: the first one encrypts,
        and all of them decrypt
    :raises TypeError: `store` is not a store that can be loaded from, or a key is neither text nor bytes
    :raises ValueError: there is no key, or one is not a Fernet key
    :ivar lock_ttl: the wrapped store's lease in seconds, if its lock is a lease
    """

    @clears_frames
    def __init__(self, store: TokenStore, key: str | bytes | Iterable[str | bytes]) -> None:
        if not isinstance(store, TokenStore) or isinstance(store, type):
            raise TypeError(f"store must be a token store (load, save, lock), not {type(store).__name__}")
        if isinstance(store, CallbackStore) and store.in_memory:
            # Seeing only encrypted text, it could not tell a new token from bookkeeping.
            raise TypeError("a CallbackStore in an EncryptedStore needs a load function")
        check_functions(type(store).__name__, load=store.load, save=store.save, lock=store.lock)
        self._store = store
        self._fernet = MultiFernet([_open(each) for each in ([key] if isinstance(key, (str, bytes)) else key)])
        self.lock_ttl: float | None = getattr(store, "lock_ttl", None)

    @guarded("loaded")
    def load(self) -> dict[str, Any] | None:
        """Return the decrypted record, or None when there is none.

        :raises TokenStoreError: it could not be loaded, or no key decrypts it; the stored record is unchanged
        """
        stored = self._store.load()
        refuse_awaitable(stored, "load", repr(self))
        if stored is None:
            return None
        record = dict(stored)
        if "encrypted" in record:
            try:
                text = self._fernet.decrypt(record.pop("encrypted"))
            except (InvalidToken, TypeError, ValueError):
                raise TokenStoreError(
                    f"{self!r} could not be decrypted: it was encrypted with another key, or changed since.",
                    hint="Nothing was changed. Add its key to the others, or remove the record and log in again.",
                ) from None
            return {**record, **decode(text, self)}  # keep what other programs have stored beside it
        if record and not self._complained:
            self._complained = True
            _log.warning("%r found a record that is not encrypted; the next save encrypts it.", self)
        return record

    @guarded("saved")
    def save(self, record: Mapping[str, Any]) -> None:
        """Encrypt the record with the first key, and replace what is stored.

        :raises TokenStoreError: it could not be saved, or no key decrypts the present record, which might be worth
            keeping. The stored record is unchanged
        """
        self.load()
        text = self._fernet.encrypt(encode(record, self).encode("ascii")).decode("ascii")
        refuse_awaitable(self._store.save({"encrypted": text}), "save", repr(self))  # type: ignore[func-returns-value]

    def lock(self, timeout: float) -> AbstractContextManager[object]:
        """Return the lock of the wrapped store.

        :param timeout: in seconds; 0 = do not wait
        :raises TimeoutError: on entering, if the lock was not acquired in time
        """
        return self._store.lock(timeout)

    def __repr__(self) -> str:
        return f"EncryptedStore({name_store(self._store)})"


def _open(key: object) -> Fernet:
    if isinstance(key, (str, bytes)):
        with suppress(ValueError):  # including invalid base64
            return Fernet(key)
        raise ValueError("a key must be one that Fernet.generate_key() has made: 44 characters of base64")
    raise TypeError(f"a key must be text or bytes, not {type(key).__name__}")
