"""Finds the region that a person means: by its code, its country, or a Zoho address they use.

Returns only regions from the table in `zoho.regions`.
"""

from __future__ import annotations

from collections.abc import Mapping

from requests_zohorecruit.cli.console import format_columns
from requests_zohorecruit.errors import UnknownRegionError
from requests_zohorecruit.zoho.regions import Region, https_host

__all__ = ["AREAS", "list_areas", "parse_region"]

#: Region code -> the country or continent it serves.
AREAS: Mapping[str, str] = {
    "us": "United States",
    "eu": "Europe",
    "in": "India",
    "au": "Australia",
    "jp": "Japan",
    "cn": "China",
    "ca": "Canada",
    "sa": "Saudi Arabia",
    "uk": "United Kingdom",
    "ae": "United Arab Emirates",
    "sg": "Singapore",
}

#: Minimum letters of a country's name: two might be the code of a country without a region.
_ENOUGH = 3
#: White space, quotation marks and invisible characters, which are often copied along.
_AROUND = " \t\r\n\"'`<>\u00a0\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e\u200b\u2060\ufeff"
#: Domain -> region. Zoho has many hosts below each domain, such as the API console's.
_ENDINGS = tuple(
    (f".{url.partition('.')[2]}", region) for region in Region.all() for url in (region.accounts_url, region.api_domain)
)


def list_areas() -> str:
    """Return a line for each region: code, country and the address of Zoho Recruit."""
    rows = [(region.code, AREAS[region.code], region.recruit_url.removeprefix("https://")) for region in Region.all()]
    return "\n".join(f"  {line}" for line in format_columns(rows))


def parse_region(text: str) -> Region:
    """Return the region for a code, a country or the beginning of its name, or an address.

    For an address, the end of its host decides.

    :raises UnknownRegionError: no region matches, or several do
    """
    entered = text.strip(_AROUND)
    entered = entered.lower() if entered.isascii() else entered  # str.lower() maps the Kelvin sign to "k"
    host = https_host("https://" + entered.removeprefix("http://").removeprefix("https://").removeprefix("."))
    for ending, region in _ENDINGS:
        if f".{host}".endswith(ending):
            return region
    named = [code for code, name in AREAS.items() if len(entered) >= _ENOUGH and name.lower().startswith(entered)]
    if len(named) > 1:
        several = ", ".join(f"{AREAS[code]} ({code})" for code in named)
        raise UnknownRegionError(f"Several countries begin that way: {several}.")
    try:
        return Region.lookup(named[0] if named else entered.removeprefix("."))
    except UnknownRegionError:
        if set(".:/@\\").isdisjoint(entered):
            raise
    raise UnknownRegionError("That is not an address of Zoho's; one is, for example, recruit.zoho.eu.")
