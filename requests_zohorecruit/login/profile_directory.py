"""The directory of all profiles: where it is, which profiles it has, and which one is the default.

Knows nothing about the content of a profile.
"""

from __future__ import annotations

import re
from pathlib import Path

from requests_zohorecruit.errors import TokenStoreError, UnusableRecordError
from requests_zohorecruit.login.environment import read_stripped
from requests_zohorecruit.stores import FileStore
from requests_zohorecruit.stores.errors import expand_home

__all__ = ["PROFILE_NAME", "SERVICE", "choose_default", "find_default", "find_home", "list_profiles"]

#: This program's name for the system's configuration directory and keyring.
SERVICE = "requests-zohorecruit"
PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SET_HOME = "Set ZOHORECRUIT_HOME to the absolute path of a directory for profiles, or set HOME."


def list_profiles() -> list[str]:
    """Return the names of all profiles.

    :raises TokenStoreError: as for `find_home`
    :raises ClientConfigurationError: as for `find_home`
    """
    names = (file.parent.name for file in find_home().glob("*/application.json"))
    return sorted(name for name in names if PROFILE_NAME.fullmatch(name))


def find_default() -> str:
    """Return the name of the profile that commands use by default.

    :raises TokenStoreError: it cannot be read
    """
    store = _open_default()
    try:
        return str((store.load() or {}).get("profile", "default"))
    except UnusableRecordError:
        hint = "Run `zohorecruit profiles default NAME` to choose the default again."
        raise TokenStoreError(f"{store.path} does not name a profile.", hint=hint) from None


def choose_default(name: str) -> None:
    """Set the profile that commands use by default.

    :raises TokenStoreError: it cannot be saved
    """
    _open_default().overwrite({"profile": name})


def _open_default() -> FileStore:
    return FileStore(find_home() / ".default.json")  # no profile's name begins with a dot


def find_home() -> Path:
    """Return the directory of all profiles: ``ZOHORECRUIT_HOME``, or the user's configuration directory.

    :raises TokenStoreError: the user has none, or platformdirs, which finds it, is not installed
    :raises ClientConfigurationError: the variable has quotation marks around its value
    """
    given = read_stripped("ZOHORECRUIT_HOME")
    if given:
        return expand_home(lambda: Path(given), _SET_HOME).absolute()
    try:
        # Imported here, because containers, which set the variable, do not need it.
        from platformdirs import user_config_path  # noqa: PLC0415
    except ModuleNotFoundError:
        raise TokenStoreError(
            "The directory of profiles cannot be found without platformdirs, which is not installed.",
            hint="pip install 'requests-zohorecruit[cli]', or set ZOHORECRUIT_HOME to their directory.",
        ) from None
    return expand_home(lambda: user_config_path(SERVICE, appauthor=False), _SET_HOME)
