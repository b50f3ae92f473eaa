"""The environment's names for a client and its grant: ``ZOHORECRUIT_…``, or files they point to.

Knows what the values are for, and what is missing when all of them are wanted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from requests_zohorecruit.errors import ClientConfigurationError
from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.secret import Secret, clears_frames
from requests_zohorecruit.zoho.regions import Region

__all__ = ["environment_arguments", "make_custom_region", "read_variable"]


@clears_frames
def environment_arguments() -> dict[str, Any]:
    """Return the arguments of `ZohoRecruitAuth` that the environment holds.

    ``ZOHORECRUIT_CLIENT_ID``, ``ZOHORECRUIT_CLIENT_SECRET``, ``ZOHORECRUIT_REGION`` and, unless the store has one,
    ``ZOHORECRUIT_REFRESH_TOKEN``; each may be in a file instead, named by the variable of that name and ``_FILE``.

    :raises ClientConfigurationError: one is missing, given twice, or its file cannot be read
    """
    names = ("client_id", "client_secret", "region", "refresh_token")
    values: dict[str, Any] = {name: read_variable(name.upper()) for name in names}
    urls = (read_variable("ACCOUNTS_URL"), read_variable("RECRUIT_URL"))
    values["region"] = make_custom_region(values["region"], *urls) or values["region"]
    missing = [f"ZOHORECRUIT_{name.upper()}" for name in names[:3] if values[name] is None]
    if missing:
        raise ClientConfigurationError(
            f"The environment lacks {', '.join(missing)}.",
            hint="Set it, or the same name with _FILE to the path of a file that holds it.",
        )
    return values


@clears_frames
def read_variable(name: str) -> Secret | None:
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
        text = Secret(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        pass_interruption(error)
        problem = getattr(error, "strerror", None) or "it is not text in UTF-8"
    else:
        if not text.lstrip().startswith("{"):
            return Secret(text.strip()) if text.strip() else None
        problem = "it is JSON, and should be the bare value"  # such as the token.json of a profile
    raise ClientConfigurationError(f"{path}, named by {name}_FILE, cannot be read: {problem}.")


def make_custom_region(code: str | None, accounts_url: str | None, recruit_url: str | None) -> Region | None:
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
