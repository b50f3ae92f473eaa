"""The token stores of this library.

A store is imported when it is named, and with it the packages it needs: importing this module imports neither.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from requests_zohorecruit.stores.base import TokenStore

if TYPE_CHECKING:
    from requests_zohorecruit.stores.callback import CallbackStore
    from requests_zohorecruit.stores.encrypted import EncryptedStore
    from requests_zohorecruit.stores.file import FileStore
    from requests_zohorecruit.stores.keyring import KeyringStore
    from requests_zohorecruit.stores.memory import MemoryStore
    from requests_zohorecruit.stores.redis import RedisStore
    from requests_zohorecruit.stores.sql import SQLStore

__all__ = [
    "CallbackStore", "EncryptedStore", "FileStore", "KeyringStore",
    "MemoryStore", "RedisStore", "SQLStore", "TokenStore",
]  # fmt: skip

#: Class -> its module, which is also the name of the extra that brings the packages it needs, if there are any.
_ON_DEMAND = {
    "CallbackStore": "callback",
    "EncryptedStore": "encrypted",
    "FileStore": "file",
    "KeyringStore": "keyring",
    "MemoryStore": "memory",
    "RedisStore": "redis",
    "SQLStore": "sql",
}


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_ON_DEMAND[name]}"), name)
    except ModuleNotFoundError as missing:
        extra = f"requests-zohorecruit[{_ON_DEMAND[name]}]"
        raise ModuleNotFoundError(
            f"{name} needs {missing.name}, which is not installed: pip install '{extra}'", name=missing.name
        ) from missing


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
