"""Where a grant is found without naming it in the program: profiles of ``zohorecruit login``, and the environment.

Owns the files of a profile and the names of the variables; asks nobody, prints nothing and sends nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from requests_zohorecruit.accounts import Application
from requests_zohorecruit.errors import (
    ClientConfigurationError,
    ReauthorizationRequired,
    TokenStoreError,
    ZohoAuthError,
)
from requests_zohorecruit.records import Record
from requests_zohorecruit.regions import Region
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.stores import FileStore, TokenStore
from requests_zohorecruit.tokens import Token

__all__ = ["Profile", "SavedProfile", "custom_region", "environment_arguments", "home", "variable"]

_SERVICE = "requests-zohorecruit"
#: Seconds to wait for others who are saving the same profile.
_LOCK_TIMEOUT = 60.0
_URLS = ("accounts_url", "recruit_url", "upload_url", "api_domain")


class SavedProfile(NamedTuple):
    """What a program needs.

    :ivar application: client id, secret and region
    :ivar store: where the grant is, or will be
    :ivar in_keyring: whether the secrets are in the system's keyring
    """

    application: Application
    store: TokenStore
    in_keyring: bool

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `ZohoRecruitAuth`."""
        who = self.application
        return {
            "client_id": who.client_id,
            "client_secret": who.client_secret,
            "region": who.region,
            "store": self.store,
        }


class Profile:
    """A directory with two files: who the application is, and the grant, which comes and goes.

    :param name: letters, digits, ``.``, ``_`` and ``-``, beginning with a letter or digit
    :raises ValueError: another name
    """

    def __init__(self, name: str = "default") -> None:
        if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name)):
            raise ValueError("a profile's name has letters, digits, '.', '_' and '-' only, 64 at most")
        self.name = name
        self.directory = home() / name
        self._file = FileStore(self.directory / "application.json")

    def exists(self) -> bool:
        """Tell whether it was saved once."""
        return self._file.load() is not None

    def load(self) -> SavedProfile:
        """Return what was saved.

        :raises ReauthorizationRequired: nothing was
        :raises TokenStoreError: it cannot be read
        """
        mapping = self._file.load()
        if mapping is None:
            raise ReauthorizationRequired(
                f"There is no profile named {self.name} in {home()}.", hint=f"Run `{self.login_command}`."
            )
        in_keyring = bool(mapping.get("keyring"))
        if in_keyring:
            mapping = {**mapping, **(self._secrets().load() or {})}
        return SavedProfile(self._application(mapping), self.store(in_keyring=in_keyring), in_keyring)

    def save(self, application: Application, token: Token, *, now: float, in_keyring: bool = False) -> None:
        """Save an application and its new grant, in place of what was there.

        Both parts are written by one holder of the lock, so that two logins cannot mix them.

        :param now: when the token was minted, in epoch seconds
        :raises TokenStoreError: it cannot be saved
        """
        store = self.store(in_keyring=in_keyring)
        try:
            with self._file.lock(_LOCK_TIMEOUT), store.lock(_LOCK_TIMEOUT):
                self._forget_other_place(in_keyring=in_keyring)
                self._save_application(application, in_keyring=in_keyring)
                store.save(Record(mints=(now,)).minted(token).to_mapping(application))
        except TimeoutError as error:
            raise TokenStoreError(str(error), hint="Log in again when it is free.") from None

    def check(self, *, in_keyring: bool = False) -> None:
        """Find out that nothing can be saved before a person is asked for anything.

        :raises TokenStoreError: nothing can
        """
        store = self.store(in_keyring=in_keyring)
        try:
            with self._file.lock(_LOCK_TIMEOUT):
                self._file.load()
                store.load()
        except TimeoutError as error:
            raise TokenStoreError(str(error), hint="Somebody else is saving this profile; try again.") from None

    def store(self, *, in_keyring: bool) -> TokenStore:
        """Return where the grant is kept."""
        return _keyring(self.name) if in_keyring else FileStore(self.directory / "token.json")

    @property
    def login_command(self) -> str:
        """What to type for a new grant."""
        return "zohorecruit login" + ("" if self.name == "default" else f" --profile {self.name}")

    def _secrets(self) -> TokenStore:
        return _keyring(f"{self.name} (application)")

    def _application(self, mapping: Mapping[str, Any]) -> Application:
        try:
            region: str | Region = mapping["region"]
            if "accounts_url" in mapping:
                region = Region(mapping["region"], *(mapping[url] for url in _URLS))
            return Application.create(mapping["client_id"], Secret(mapping["client_secret"]), region)
        except ZohoAuthError:
            raise
        except (KeyError, TypeError, ValueError):
            pass
        raise TokenStoreError(
            f"Profile {self.name} is damaged: {self._file!r} does not say who the application is.",
            hint=f"Nothing was changed. Restore it, or run `{self.login_command}` again.",
        )

    def _save_application(self, application: Application, *, in_keyring: bool) -> None:
        region = application.region
        values: dict[str, Any] = {"client_id": application.client_id, "region": region.code}
        if region not in Region.all():
            values.update({url: getattr(region, url) for url in _URLS})
        secrets = {"client_secret": str(application.client_secret)}
        if in_keyring:
            self._secrets().save(secrets)
        self._file.save(values | ({"keyring": True} if in_keyring else secrets))

    def _forget_other_place(self, *, in_keyring: bool) -> None:
        """Empty the keyring or the file, if the secrets were there until now."""
        before = self._file.load()
        if before is None or bool(before.get("keyring")) == in_keyring:
            return
        self.store(in_keyring=not in_keyring).save({})
        if not in_keyring:
            self._secrets().save({})


def home() -> Path:
    """Return the directory of all profiles: ``ZOHORECRUIT_HOME``, or the user's configuration directory."""
    given = os.environ.get("ZOHORECRUIT_HOME")
    if given:
        return Path(given).expanduser().absolute()
    # Imported here: containers, which have the variable, do without.
    from platformdirs import user_config_path  # noqa: PLC0415

    return user_config_path(_SERVICE, appauthor=False)


def environment_arguments() -> dict[str, Any]:
    """Return the arguments of `ZohoRecruitAuth` that the environment holds.

    ``ZOHORECRUIT_CLIENT_ID``, ``ZOHORECRUIT_CLIENT_SECRET``, ``ZOHORECRUIT_REGION`` and, unless the store has one,
    ``ZOHORECRUIT_REFRESH_TOKEN``; each may be in a file instead, named by the variable of that name and ``_FILE``.

    :raises ClientConfigurationError: one is missing, given twice, or its file cannot be read
    """
    values = {name: variable(name) for name in ("CLIENT_ID", "CLIENT_SECRET", "REGION", "REFRESH_TOKEN")}
    region = custom_region(values["REGION"], variable("ACCOUNTS_URL"), variable("RECRUIT_URL")) or values["REGION"]
    wanted = {"CLIENT_ID": values["CLIENT_ID"], "CLIENT_SECRET": values["CLIENT_SECRET"], "REGION": region}
    missing = [f"ZOHORECRUIT_{name}" for name, value in wanted.items() if value is None]
    if missing:
        raise ClientConfigurationError(
            f"The environment lacks {', '.join(missing)}.",
            hint="Set it, or the same name with _FILE to the path of a file that holds it.",
        )
    return {
        "client_id": values["CLIENT_ID"],
        "client_secret": values["CLIENT_SECRET"],
        "region": region,
        "refresh_token": values["REFRESH_TOKEN"],
    }


def variable(name: str) -> Secret | None:
    """Return ``ZOHORECRUIT_<name>``, or what is in the file ``ZOHORECRUIT_<name>_FILE``; empty counts as missing.

    :raises ClientConfigurationError: both are given, or the file cannot be read
    """
    name = f"ZOHORECRUIT_{name}"
    value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if not path:
        return Secret(value) if value else None
    if value:
        raise ClientConfigurationError(f"{name} and {name}_FILE are both set.", hint="Unset one of them.")
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "it is not text in UTF-8"
    else:
        return Secret(text.strip()) if text.strip() else None
    raise ClientConfigurationError(f"{path}, named by {name}_FILE, cannot be read: {problem}.")


def custom_region(code: str | None, accounts_url: str | None, recruit_url: str | None) -> Region | None:
    """Return the region that two addresses make, for a test server or a data centre that is not in the table.

    :param code: ``"custom"`` when not given
    :raises ClientConfigurationError: one address without the other
    """
    if not (accounts_url or recruit_url):
        return None
    if not (accounts_url and recruit_url):
        raise ClientConfigurationError(
            "A region of your own needs the addresses of both, Zoho Accounts and Zoho Recruit.",
            hint="Set ZOHORECRUIT_ACCOUNTS_URL and ZOHORECRUIT_RECRUIT_URL, or pass --accounts-url and --recruit-url.",
        )
    return Region(code or "custom", accounts_url, recruit_url)


def _keyring(username: str) -> TokenStore:
    from requests_zohorecruit.stores import KeyringStore  # noqa: PLC0415 - says what to install when it is missing

    return KeyringStore(_SERVICE, username)
