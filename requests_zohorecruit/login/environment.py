"""The environment's names for a client and its grant: ``ZOHORECRUIT_…`` or another prefix's, or files they point to.

Knows what the values are for, and what is missing when all of them are wanted.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from requests_zohorecruit.errors import ClientConfigurationError, UnknownRegionError
from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.secret import Secret, clears_frames
from requests_zohorecruit.zoho.grants import ClientCredentials
from requests_zohorecruit.zoho.regions import Region

__all__ = ["environment_arguments", "make_custom_region", "read_region", "read_stripped", "read_variable"]

#: What the variables' names begin with.
PREFIX = "ZOHORECRUIT_"
#: What other programs' settings call the region, beside ``REGION``. Read where the prefix says that they are about
#: Zoho: the domain or location of another prefix may be anything.
_REGION_NAMES = ("DC", "DOMAIN", "LOCATION")

#: White space, and what cannot be seen in a text that was copied: soft hyphen, zero width, direction, byte order mark.
_BLANK = r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+"
_QUOTES = frozenset("\"'`\u00ab\u00b4\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\uff02\uff07")


@clears_frames
def environment_arguments(prefix: str = PREFIX) -> dict[str, Any]:
    """Return the arguments of `ZohoRecruitAuth` that the environment holds; see `ZohoRecruitAuth.from_env`.

    :raises ClientConfigurationError: one is missing, given twice or impossible, or its file cannot be read
    :raises UnknownRegionError: the region is none of the table
    """
    if not isinstance(prefix, str):
        raise TypeError(f"prefix must be a string, not {type(prefix).__name__}")
    if not re.fullmatch(r"(?:[A-Za-z_][A-Za-z0-9_]*)?_", prefix):
        raise ValueError('prefix must be letters, digits and underscores and end with an underscore, like "ZOHO_"')
    names = ("client_id", "client_secret", "refresh_token")
    values: dict[str, Any] = {name: read_variable(name.upper(), prefix) for name in names}
    values |= {"region": read_region(prefix), **_read_credentials(prefix, values["refresh_token"])}
    missing = [f"{prefix}{name.upper()}" for name in (*names[:2], "region", "scope") if values.get(name, "") is None]
    if missing:
        raise ClientConfigurationError(
            f"The environment lacks {', '.join(missing)}.",
            hint="Set each, or the same name with _FILE to the path of a file that holds it.",
        )
    return values


@clears_frames
def _read_credentials(prefix: str, refresh_token: str | None) -> dict[str, Any]:
    """Return ``soid`` and ``scope`` where the environment has the former; a scope alone is for a consent page."""
    soid = read_variable("SOID", prefix)
    if soid is None:
        return {}
    if refresh_token:
        raise ClientConfigurationError(
            f"{prefix}SOID and {prefix}REFRESH_TOKEN are both set.",
            hint="Unset one: the first names the client's own grant, the second is a person's.",
        )
    scope = read_variable("SCOPE", prefix)
    try:
        ClientCredentials.create(soid, scope or "any")
    except ValueError as error:
        name = f"{prefix}{str(error).partition(' ')[0].upper()}"
        raise ClientConfigurationError(f"{name} cannot be used: {error}.") from None
    return {"soid": soid, "scope": scope}


@clears_frames
def read_region(prefix: str = PREFIX) -> Region | None:
    """Return the region that the environment names, or None.

    :raises ClientConfigurationError: a value cannot be right, two name different regions, or a custom region lacks one
        of its addresses
    :raises UnknownRegionError: it is none of the table
    """
    is_zohos = prefix.endswith("ZOHO_")
    names = ("REGION", *_REGION_NAMES) if is_zohos else ("REGION",)
    given = {name: value for name in names if (value := read_variable(name, prefix))}
    accounts_url, recruit_url = read_variable("ACCOUNTS_URL", prefix), read_variable("RECRUIT_URL", prefix)
    if is_zohos and accounts_url and not recruit_url:
        given["ACCOUNTS_URL"], accounts_url = accounts_url, None
    custom = make_custom_region(given.get("REGION"), accounts_url, recruit_url, prefix)
    found = {"ACCOUNTS_URL": custom} if custom else {}
    for name, value in given.items():
        found[name] = custom if custom and value == custom.code else _look_up(name, value, prefix)
    first = next(iter(found), "")
    for name, region in found.items():
        if region != found[first]:
            raise ClientConfigurationError(
                f"{prefix}{first} and {prefix}{name} name different regions, {found[first].code} and {region.code}.",
                hint="Unset the one that is wrong.",
            )
    return found.get(first)


@clears_frames
def _look_up(name: str, value: str, prefix: str) -> Region:
    variable = f"{prefix}{name}_FILE" if os.environ.get(f"{prefix}{name}_FILE") else f"{prefix}{name}"
    value = value.removeprefix(".")
    with suppress(UnknownRegionError):  # "zoho.eu", which is a domain and no host of the table
        return Region.lookup(f"accounts.{value}")
    try:
        return Region.lookup(value)
    except UnknownRegionError as error:
        error.message = f"{variable}: {error.message}"
        error.hint = f"For any other data centre, set {prefix}ACCOUNTS_URL and {prefix}RECRUIT_URL as well."
        raise


@clears_frames
def read_variable(name: str, prefix: str = PREFIX) -> Secret | None:
    """Return ``ZOHORECRUIT_<name>``, or what is in the file ``ZOHORECRUIT_<name>_FILE``; empty counts as missing.

    White space around a value is left out, and so is what cannot be seen, such as a byte order mark.

    :raises ClientConfigurationError: both are given, the file cannot be read, or the value cannot be right
    """
    source = f"{prefix}{name}"
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
    if not (value.isascii() and value.isprintable()) or (" " in value and name != "SCOPE"):  # scopes: one or several
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


def make_custom_region(
    code: str | None, accounts_url: str | None, recruit_url: str | None, prefix: str = PREFIX
) -> Region | None:
    """Return the region that two addresses make, for a test server or a data centre that is not in the table.

    :param code: ``"custom"`` when not given
    :raises ClientConfigurationError: one address without the other, or the three make no region
    """
    if not (accounts_url or recruit_url):
        return None
    if not (accounts_url and recruit_url):
        raise ClientConfigurationError(
            "A custom region needs the addresses of both Zoho Accounts and Zoho Recruit.",
            hint=f"Set {prefix}ACCOUNTS_URL and {prefix}RECRUIT_URL, or pass --accounts-url and --recruit-url.",
        )
    try:
        return Region(code or "custom", accounts_url, recruit_url)
    except ValueError as error:
        raise ClientConfigurationError(
            f"{prefix}REGION, {prefix}ACCOUNTS_URL and {prefix}RECRUIT_URL (or the options) do not make a valid "
            f"region: {getattr(error, 'message', f'{error}.')}",
            hint="For a region of Zoho's, leave both addresses out; for one of your own, choose another name.",
        ) from None
