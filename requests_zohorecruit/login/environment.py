"""Reads a client and its grant from environment variables, ``ZOHORECRUIT_…`` or with another prefix, or from files.

Knows the meaning of the values and reports missing ones.
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

#: Default prefix of the variables' names.
PREFIX = "ZOHORECRUIT_"
#: Other programs' names for the region, besides ``REGION``. Read only if the prefix ends in ``ZOHO_``, because with
#: another prefix a domain or location could be anything.
_REGION_NAMES = ("DC", "DOMAIN", "LOCATION")

#: White space and invisible characters of copied text: soft hyphen, zero width, direction marks, byte order mark.
_BLANK = r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+"
_QUOTES = frozenset("\"'`\u00ab\u00b4\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\uff02\uff07")


@clears_frames
def environment_arguments(prefix: str = PREFIX) -> dict[str, Any]:
    """Return the arguments for `ZohoRecruitAuth` from the environment; see `ZohoRecruitAuth.from_env`.

    :raises ClientConfigurationError: a value is missing, given twice or malformed, or its file cannot be read
    :raises UnknownRegionError: the region is not in the table
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


def _read_credentials(prefix: str, refresh_token: str | None) -> dict[str, Any]:
    """Return ``soid`` and ``scope`` if the environment has the former; a scope alone is meant for a consent page."""
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
    """Return the region given in the environment, or None.

    :raises ClientConfigurationError: a value is malformed, two values name different regions, or a custom region lacks
        one of its addresses
    :raises UnknownRegionError: the region is not in the table
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


def _look_up(name: str, value: str, prefix: str) -> Region:
    variable = f"{prefix}{name}_FILE" if os.environ.get(f"{prefix}{name}_FILE") else f"{prefix}{name}"
    value = value.removeprefix(".")
    with suppress(UnknownRegionError):  # "zoho.eu" is a domain, not a host in the table
        return Region.lookup(f"accounts.{value}")
    try:
        return Region.lookup(value)
    except UnknownRegionError as error:
        error.message = f"{variable}: {error.message}"
        error.hint = f"For any other data centre, set {prefix}ACCOUNTS_URL and {prefix}RECRUIT_URL as well."
        raise


@clears_frames
def read_variable(name: str, prefix: str = PREFIX) -> Secret | None:
    """Return ``ZOHORECRUIT_<name>``, or the content of the file ``ZOHORECRUIT_<name>_FILE``; None if empty.

    White space and invisible characters around a value, such as a byte order mark, are removed.

    :raises ClientConfigurationError: both are given, the file cannot be read, or the value is malformed
    """
    source = f"{prefix}{name}"
    value, path = read_stripped(source), read_stripped(f"{source}_FILE")
    if value and path:
        raise ClientConfigurationError(f"{source} and {source}_FILE are both set.", hint="Unset one of them.")
    if path:
        # A value without a directory may be the secret itself, set in the wrong variable.
        file = str(path) if os.path.dirname(path) else "The file"  # noqa: PTH120 - shown as it was written
        source = f"{file}, named by {source}_FILE,"
        value = _read_file(path, source)
    if value.startswith("{"):  # such as the token.json of a profile
        raise ClientConfigurationError(f"{source} cannot be used: it is JSON, and should be the bare value.")
    if not (value.isascii() and value.isprintable()) or (" " in value and name != "SCOPE"):  # scopes: one or more
        raise ClientConfigurationError(
            f"{source} cannot be used: it contains a space, line break or other character that no such value has.",
            hint="Copy the value once more.",
        )
    return value or None


@clears_frames
def read_stripped(variable: str) -> Secret:
    """Return the value of an environment variable without surrounding blanks; empty if it is not set.

    :raises ClientConfigurationError: the value has quotation marks around it
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
    """Return a value without surrounding blanks. Quotation marks are an error, because they hint at a mistake."""
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
    """Return a region built from its two addresses, for a test server or a data centre that is not in the table.

    :param code: defaults to ``"custom"``
    :raises ClientConfigurationError: one address is missing, or the values do not make a valid region
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
