"""`KeyringStore`: keeps the record in one user's system keyring (Keychain, Secret Service, Credential Manager).

Knows nothing about the record's content. It never falls back to a backend that keeps secrets in plain text.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager

import keyring
import platformdirs
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores.errors import expand_home
from requests_zohorecruit.stores.file_lock import hold_lock_file
from requests_zohorecruit.stores.polling import check_key
from requests_zohorecruit.stores.text_store import TextStore

__all__ = ["KeyringStore"]

_LONGEST_NAME = 255


class KeyringStore(TextStore):
    """Keeps the record in one keyring entry, with a lock file in the user's state directory.

    Windows limits an entry to some 1,200 characters: enough for a grant, but not for much else in the record.

    :param service: the entry's service name, in keyring's sense
    :param username: the entry's user name
    :raises TypeError: an argument is not a string
    :raises ValueError: an argument is empty or has more than 255 characters
    """

    def __init__(self, service: str, username: str) -> None:
        self._service = check_key(service, _LONGEST_NAME)
        self._username = check_key(username, _LONGEST_NAME)

    def _read(self) -> str | None:
        return self._find_backend().get_password(self._service, self._username)

    def _write(self, text: str) -> None:
        backend = self._find_backend()
        backend.set_password(self._service, self._username, text)
        if backend.get_password(self._service, self._username) != text:
            raise TokenStoreError(
                f"{self!r} could not be saved: the keyring reports no error, but does not hold the new record.",
                hint="See 'keyring diagnose' for its backend, or choose another store, such as FileStore.",
            )

    def lock(self, timeout: float) -> AbstractContextManager[object]:
        """Return a lock shared by all processes of this user on this host.

        :param timeout: in seconds; 0 = do not wait
        :raises TimeoutError: on entering, if the lock was not acquired in time; names the holder
        :raises TokenStoreError: the lock file could not be created or locked
        """
        # The state directory, not the runtime directory, which belongs to a session and which cron jobs often lack.
        directory = expand_home(
            lambda: platformdirs.user_state_path("requests-zohorecruit", appauthor=False),
            "Set HOME or XDG_STATE_HOME to the absolute path of a directory, for the lock.",
        )
        digest = hashlib.sha256(repr((self._service, self._username)).encode("utf-8", "backslashreplace")).hexdigest()
        return hold_lock_file(directory / f"keyring-{digest[:32]}.lock", self, timeout)

    def _find_backend(self) -> KeyringBackend:
        chosen = keyring.get_keyring()
        # A chain would fall through to the next backend, which may be a plain file.
        candidates = chosen.backends if isinstance(chosen, ChainerBackend) else [chosen]
        for backend in candidates:
            if not _is_unsafe(backend):
                return backend
        raise TokenStoreError(
            f"{self!r} has no keyring to use: {type(chosen).__module__} does not keep secrets safe.",
            hint="Unlock or install one (see 'keyring diagnose'), or choose another store, such as FileStore.",
        )

    def __repr__(self) -> str:
        return f"KeyringStore({self._service!r}, {self._username!r})"


def _is_unsafe(backend: KeyringBackend) -> bool:
    # By name, because keyrings.alt, which defines it, need not be installed.
    plain = any(base.__name__ == "PlaintextKeyring" for base in type(backend).__mro__)
    return plain or isinstance(backend, fail.Keyring | null.Keyring)
