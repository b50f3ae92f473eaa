"""The token stores of this library.

A store, and the packages it needs, are imported on first use, not when this module is imported.
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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Also the name of the extra that installs the packages a store needs, if any: SQLStore -> sql.
    module = name.removesuffix("Store").lower()
    try:
        return getattr(import_module(f"{__name__}.{module}"), name)
    except ModuleNotFoundError as missing:
        extra = f"requests-zohorecruit[{module}]"
        raise ModuleNotFoundError(
            f"{name} needs {missing.name}, which is not installed: pip install '{extra}'", name=missing.name
        ) from missing


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
