"""The environment's names for a client and its grant: ``ZOHORECRUIT_…``, or files they point to.

Knows what the values are for, and what is missing when all of them are wanted.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from requests_zohorecruit.errors import ClientConfigurationError, UnknownRegionError
from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.secret import Secret, clears_frames
from requests_zohorecruit.zoho.regions import Region

__all__ = ["environment_arguments", "make_custom_region", "read_region", "read_stripped", "read_variable"]


#: White space, and what cannot be seen in a text that was copied: soft hyphen, zero width, direction, byte order mark.
_BLANK = r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+"
_QUOTES = frozenset("\"'`\u00ab\u00b4\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\uff02\uff07")


@clears_frames
def environment_arguments() -> dict[str, Any]:
    """Return the arguments of `ZohoRecruitAuth` that the environment holds.

    ``ZOHORECRUIT_CLIENT_ID``, ``ZOHORECRUIT_CLIENT_SECRET``, ``ZOHORECRUIT_REGION`` and, unless the store has one,
    ``ZOHORECRUIT_REFRESH_TOKEN``; each may be in a file instead, named by the variable of that name and ``_FILE``.

    :raises ClientConfigurationError: one is missing, given twice or impossible, or its file cannot be read
    :raises UnknownRegionError: the region is none of the table
    """
    names = ("client_id", "client_secret", "refresh_token")
    values: dict[str, Any] = {name: read_variable(name.upper()) for name in names} | {"region": read_region()}
    missing = [f"ZOHORECRUIT_{name.upper()}" for name in (*names[:2], "region") if values[name] is None]
    if missing:
        raise ClientConfigurationError(
            f"The environment lacks {', '.join(missing)}.",
            hint="Set each, or the same name with _FILE to the path of a file that holds it.",
        )
    return values


@clears_frames
def read_region() -> Region | None:
    """Return the region that the environment names, or None.

    :raises ClientConfigurationError: a value cannot be right, or a custom region lacks one of its addresses
    :raises UnknownRegionError: it is none of the table
    """
    code, accounts_url, recruit_url = map(read_variable, ("REGION", "ACCOUNTS_URL", "RECRUIT_URL"))
    try:
        return make_custom_region(code, accounts_url, recruit_url) or (Region.lookup(code) if code else None)
    except UnknownRegionError as error:
        variable = "ZOHORECRUIT_REGION_FILE" if os.environ.get("ZOHORECRUIT_REGION_FILE") else "ZOHORECRUIT_REGION"
        error.message = f"{variable}: {error.message}"
        error.hint = "For any other data centre, set ZOHORECRUIT_ACCOUNTS_URL and ZOHORECRUIT_RECRUIT_URL as well."
        raise


@clears_frames
def read_variable(name: str) -> Secret | None:
    """Return ``ZOHORECRUIT_<name>``, or what is in the file ``ZOHORECRUIT_<name>_FILE``; empty counts as missing.

    White space around a value is left out, and so is what cannot be seen, such as a byte order mark.

    :raises ClientConfigurationError: both are given, the file cannot be read, or the value cannot be right
    """
    source = f"ZOHORECRUIT_{name}"
    value, path = read_stripped(source), read_stripped(f"{source}_FILE")
    if value and path:
        raise ClientConfigurationError(f"{source} and {source}_FILE are both set.", hint="Unset one of them.")
    if path:
        # A name without a directory may be the secret itself, in the wrong variable.
        file = str(path) if os.path.dirname(path) else "The file"  # noqa: PTH120 - as it was written
        source = f"{file}, named by {source}_FILE,"
        value = _read_file(path, source)
    if value.startswith("{"):  # such as the token.json of a profile
        raise ClientConfigurationError(f"{source} cannot be used: it is JSON, and should be the bare value.")
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ClientConfigurationError(
            f"{source} cannot be used: it contains a space, line break or other character that no such value has.",
            hint="Copy the value once more.",
        )
    return value or None


@clears_frames
def read_stripped(variable: str) -> Secret:
    """Return the value of an environment variable without blanks around it; empty when it is not set.

    :raises ClientConfigurationError: it has quotation marks around it
    """
    return _strip(os.environ.get(variable, ""), variable)


def _read_file(path: str, source: str) -> Secret:
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, ValueError) as error:
        pass_interruption(error)
        problem = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise ClientConfigurationError(f"{source} cannot be read: {problem}.") from None
    return _strip(text, source)


def _strip(text: str, source: str) -> Secret:
    """Return a value without what is around it; quotes are not left out, since they tell of a misunderstanding."""
    value = Secret(re.sub(rf"\A{_BLANK}|{_BLANK}\Z", "", text))
    if not _QUOTES.isdisjoint(value[:1] + value[-1:]):
        raise ClientConfigurationError(
            f"{source} cannot be used: it has quotation marks around it.",
            hint="Remove them. A shell takes quotes away; Docker, Kubernetes and mounted files keep them in the value.",
        )
    return value


def make_custom_region(code: str | None, accounts_url: str | None, recruit_url: str | None) -> Region | None:
    """Return the region that two addresses make, for a test server or a data centre that is not in the table.

    :param code: ``"custom"`` when not given
    :raises ClientConfigurationError: one address without the other, or the three make no region
    """
    if not (accounts_url or recruit_url):
        return None
    if not (accounts_url and recruit_url):
        raise ClientConfigurationError(
            "A region of your own needs the addresses of both, Zoho Accounts and Zoho Recruit.",
            hint="Set ZOHORECRUIT_ACCOUNTS_URL and ZOHORECRUIT_RECRUIT_URL, or pass --accounts-url and --recruit-url.",
        )
    try:
        return Region(code or "custom", accounts_url, recruit_url)
    except ValueError as error:
        raise ClientConfigurationError(
            "ZOHORECRUIT_REGION, ZOHORECRUIT_ACCOUNTS_URL and ZOHORECRUIT_RECRUIT_URL (or the options) do not fit: "
            f"{getattr(error, 'message', f'{error}.')}",
            hint="For a region of Zoho's, leave both addresses out; for one of your own, choose another name.",
        ) from None
