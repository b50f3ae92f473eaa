"""Profiles: the clients and grants that ``zohorecruit login`` saved, by name.

Manages a profile's files and their content. Does not prompt, print or send anything.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.store_access import StoredRecord
from requests_zohorecruit.errors import (
    ReauthorizationRequired,
    TokenStoreError,
    UntrustedHostError,
    UnusableRecordError,
    ZohoAuthError,
)
from requests_zohorecruit.interruptions import pass_interruption, suppress_errors
from requests_zohorecruit.login.profile_directory import PROFILE_NAME, SERVICE, find_default, find_home, list_profiles
from requests_zohorecruit.secret import clears_frames
from requests_zohorecruit.stores import FileStore, TokenStore
from requests_zohorecruit.stores.encoding import decode
from requests_zohorecruit.stores.errors import guarded, translate
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import ClientCredentials
from requests_zohorecruit.zoho.regions import Region
from requests_zohorecruit.zoho.token import Token

if TYPE_CHECKING:
    from requests_zohorecruit.stores.keyring import KeyringStore

__all__ = ["Profile", "SavedProfile"]

#: Seconds to wait while other processes save the same profile.
_LOCK_TIMEOUT = 60.0
_URLS = ("accounts_url", "recruit_url", "upload_url", "api_domain")


class SavedProfile(NamedTuple):
    """The content of a profile.

    :ivar application: client id, secret and region
    :ivar store: where the grant is, or will be
    :ivar in_keyring: whether the secrets are in the system's keyring
    :ivar credentials: for client credentials, the grant; None if a person has given one
    """

    application: Application
    store: TokenStore
    in_keyring: bool
    credentials: ClientCredentials | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the arguments for `ZohoRecruitAuth`."""
        client = self.application
        values = {"client_id": client.client_id, "client_secret": client.client_secret, "region": client.region}
        return {**values, **(self.credentials.to_mapping() if self.credentials else {}), "store": self.store}


class _ProfileFile(FileStore):
    """A file in a profile's directory. Messages name the profile instead of a Python object."""

    def __repr__(self) -> str:
        return f"Profile {self.path.parent.name} ({self.path})"


class _ApplicationFile(_ProfileFile):
    """The file with a login's answers. A damaged file reads as empty, and the next login replaces it."""

    @guarded("loaded")
    def load(self) -> dict[str, Any] | None:
        """Return the content of the file, or an empty dict if it is not a JSON object."""
        text = self._read()
        with suppress(TokenStoreError):
            return None if text is None else decode(text, self)
        return {}


class Profile:
    """A directory with a file for the application and a file for its current grant.

    :param name: letters, digits, ``.``, ``_`` and ``-``, beginning with a letter or digit
    :raises ValueError: `name` is not of this form
    """

    def __init__(self, name: str = "default") -> None:
        if not (isinstance(name, str) and PROFILE_NAME.fullmatch(name)):
            raise ValueError(
                "a profile name must have 1 to 64 letters, digits, '.', '_' and '-', and begin with a letter or digit"
            )
        self.name = name
        self.directory = find_home() / name
        self._file = _ApplicationFile(self.directory / "application.json")

    def exists(self) -> bool:
        """Return whether the profile has been saved."""
        return self._file.load() is not None

    def in_keyring(self) -> bool:
        """Return whether its secrets are in the system's keyring."""
        return bool((self._file.load() or {}).get("keyring"))

    @clears_frames
    def load(self) -> SavedProfile:
        """Return the content of the profile.

        :raises ReauthorizationRequired: there is no such profile
        :raises TokenStoreError: the profile cannot be read
        """
        mapping = self._file.load()
        if mapping is None:
            others = ", ".join(list_profiles())
            raise ReauthorizationRequired(
                f"There is no profile named {self.name} in {find_home()}{f' (there are: {others})' if others else ''}.",
                hint=f"Run `{self.login_command}`.",
            )
        in_keyring = bool(mapping.get("keyring"))
        if in_keyring:
            mapping = {**mapping, **(self._open_secrets().load() or {})}
        application, credentials = self._read_application(mapping)
        return SavedProfile(application, self.store(in_keyring=in_keyring), in_keyring, credentials)

    @clears_frames
    def save(
        self,
        application: Application,
        token: Token,
        *,
        now: float,
        in_keyring: bool = False,
        credentials: ClientCredentials | None = None,
    ) -> None:
        """Save an application and its new grant, and replace the previous content.

        Both parts are written by one holder of the locks, so that two logins cannot mix them. When they move between
        files and keyring, the old place is emptied last, so that a failure loses nothing. What is damaged is replaced.

        :param now: when the token was minted, in epoch seconds
        :param credentials: for client credentials, the grant
        :raises TokenStoreError: the profile cannot be saved
        """
        store = self.store(in_keyring=in_keyring)
        with self._hold(store):
            moved = self.exists() and self.in_keyring() != in_keyring
            record = Record(credentials, granted_at=now, mints=(now,)).with_token(token)
            if credentials:  # the same grant may have minted before
                record = record.with_mints_of(self.load_record(application, credentials, in_keyring=in_keyring))
            store.overwrite(record.to_mapping(application))
            self._save_application(application, credentials, in_keyring=in_keyring)
            if moved:
                self._empty(in_keyring=not in_keyring)

    @clears_frames
    def rename(self, name: str) -> Profile:
        """Move client and grant to another name. They are saved there before they are removed here.

        :raises ValueError: `name` is not a valid profile name
        :raises ReauthorizationRequired: there is no such profile
        :raises TokenStoreError: the name is taken, or a part cannot be read or saved
        """
        new, in_keyring = Profile(name), self.load().in_keyring
        here, there = self.store(in_keyring=in_keyring), new.store(in_keyring=in_keyring)
        if new.exists():
            raise TokenStoreError(f"A profile named {name} already exists.", hint="Choose another name.")
        with self._hold(here), new._hold(there):
            self.load()  # it may have been removed meanwhile
            there.save(here.load() or {})
            if in_keyring:
                new._open_secrets().save(self._open_secrets().load() or {})
            new._file.save(self._file.load() or {})
            self._unlink("application.json")
            self._empty(in_keyring=in_keyring)
        return new

    @clears_frames
    def remove(self) -> bool:
        """Remove client and grant from this machine. Return whether there was a profile.

        An empty record stays in place of the grant, to tell running programs that it is gone. If the application's file
        is damaged, the keyring is not checked.

        :raises TokenStoreError: a part cannot be removed
        """
        if not self.directory.is_dir():
            return False
        in_keyring = False
        with suppress(TokenStoreError):
            in_keyring = self.in_keyring()
        there = os.path.lexists(self._file.path)
        with self._hold(self.store(in_keyring=in_keyring)):
            self._unlink("application.json")
            self._unlink("token.json")  # it may be damaged, and a store does not overwrite a damaged file
            self._empty(in_keyring=in_keyring)
        return there

    def load_record(self, application: Application, credentials: ClientCredentials, *, in_keyring: bool) -> Record:
        """Return the saved record of the client credentials, or an empty one if there is none or another grant.

        :raises TokenStoreError: the record cannot be read
        """
        record = None
        with suppress(UnusableRecordError):  # of another client, or damaged
            record = StoredRecord(application, self.store(in_keyring=in_keyring)).load()
        return record if record and record.grant == credentials else Record(credentials)

    def check(self, *, in_keyring: bool = False) -> None:
        """Check that the profile can be saved, before a person is asked for anything. Leaves no trace.

        :raises UnusableRecordError: the grant that would be replaced is damaged
        :raises TokenStoreError: the profile cannot be saved
        """
        places = {in_keyring, self.in_keyring()}
        directory = next(each for each in (self.directory, *self.directory.parents) if each.is_dir())
        try:
            tempfile.TemporaryFile(dir=directory).close()
        except OSError as error:
            pass_interruption(error)
            raise TokenStoreError(
                f"Profile {self.name} could not be saved: cannot write to {directory} ({error.strerror}).",
                hint="Choose another directory with ZOHORECRUIT_HOME, or make it writable.",
            ) from None
        for place in places:
            self.store(in_keyring=place).load()

    def store(self, *, in_keyring: bool) -> FileStore | KeyringStore:
        """Return the store that keeps the grant.

        :raises TokenStoreError: the keyring cannot be used, or there is a directory in the place of the file
        """
        if in_keyring:
            return _open_keyring(self.name)
        try:
            return _ProfileFile(self.directory / "token.json")
        except ValueError as error:
            raise TokenStoreError(f"Profile {self.name} is damaged: {error}.", hint="Remove the directory.") from None

    @property
    def option(self) -> str:
        """The option that selects this profile in a command, with a leading space; "" for the default profile."""
        with suppress(TokenStoreError):  # if that file cannot be read, naming the profile is still correct
            if self.name == find_default():
                return ""
        return f" --profile {self.name}"

    @property
    def login_command(self) -> str:
        """The command that gets a new grant."""
        return f"zohorecruit login{self.option}"

    @contextmanager
    def _hold(self, store: TokenStore) -> Iterator[None]:
        """Hold the locks of the profile, so that both parts change together."""
        try:
            with self._file.lock(_LOCK_TIMEOUT), store.lock(_LOCK_TIMEOUT):
                yield
                with suppress_errors(OSError):  # another user may own it; its files are private anyway
                    self.directory.chmod(0o700)
        except TimeoutError as error:
            pass_interruption(error)
            raise TokenStoreError(str(error), hint="Run the command again when it is free.") from None

    def _empty(self, *, in_keyring: bool) -> None:
        self.store(in_keyring=in_keyring).overwrite({})
        if in_keyring:
            self._open_secrets().overwrite({})

    def _unlink(self, name: str) -> None:
        path = self.directory / name
        try:
            for each in (Path(os.path.realpath(path)), path):  # a symbolic link and its target
                each.unlink(missing_ok=True)
        except OSError as error:
            pass_interruption(error)
            raise translate(error, str(path), "removed", {}) from None

    def _open_secrets(self) -> FileStore | KeyringStore:
        return _open_keyring(f"{self.name} (application)")

    def _read_application(self, mapping: Mapping[str, Any]) -> tuple[Application, ClientCredentials | None]:
        try:
            region: str | Region = mapping["region"]
            if "accounts_url" in mapping:
                region = Region(mapping["region"], *(mapping[url] for url in _URLS))
            credentials = ClientCredentials.create(mapping["soid"], mapping["scope"]) if "soid" in mapping else None
            return Application.create(mapping["client_id"], mapping["client_secret"], region), credentials
        except UntrustedHostError as error:
            raise TokenStoreError(
                f"Profile {self.name} cannot be used: {error.message}",
                hint=f"Find out what changed {self._file.path}; then run `{self.login_command}` again.",
            ) from None
        except ZohoAuthError:
            raise
        except (KeyError, TypeError, ValueError):
            raise TokenStoreError(
                f"Profile {self.name} is damaged: {self._file.path} is not a valid client file.",
                hint=f"Nothing was changed. Restore it from a backup, or run `{self.login_command}` to recreate it.",
            ) from None

    def _save_application(
        self, application: Application, credentials: ClientCredentials | None, *, in_keyring: bool
    ) -> None:
        region = application.region
        values: dict[str, Any] = {"client_id": application.client_id, "region": region.code}
        if region not in Region.all():
            values.update({url: getattr(region, url) for url in _URLS})
        if credentials:
            values.update(credentials.to_mapping())
        secrets = {"client_secret": str(application.client_secret)}
        if in_keyring:
            self._open_secrets().overwrite(secrets)
        self._file.overwrite(values | ({"keyring": True} if in_keyring else secrets))


def _open_keyring(username: str) -> FileStore | KeyringStore:
    try:
        from requests_zohorecruit.stores import KeyringStore  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as missing:
        raise TokenStoreError(str(missing)) from None  # its message says what to install
    return KeyringStore(SERVICE, username)
