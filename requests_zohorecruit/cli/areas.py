"""Zoho's regions as people know them: by country, and by the ending of an address they use.

Which regions and hosts there are is the table's of `zoho.regions`; nothing else is ever returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from requests_zohorecruit.errors import UnknownRegionError
from requests_zohorecruit.zoho.regions import Region, https_host

__all__ = ["AREAS", "list_areas", "parse_region"]

#: Whose people a region is for, by its code.
AREAS: Mapping[str, str] = MappingProxyType(
    {
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
)

#: Letters of a country from which on it is understood: two may be the code of one that has no region.
_ENOUGH = 3
#: White space, quotation marks and what cannot be seen, as it comes with what is copied.
_AROUND = " \t\r\n\"'`<>\u00a0\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e\u200b\u2060\ufeff"
#: Zoho has many hosts below these, such as that of the API console, and all are of one region.
_ENDINGS = tuple(
    (f".{url.partition('.')[2]}", region) for region in Region.all() for url in (region.accounts_url, region.api_domain)
)


def list_areas() -> str:
    """Return a line for each region: code, country, and the address at which people use Zoho Recruit."""
    width = max(map(len, AREAS.values()))
    return "\n".join(
        f"  {region.code}  {AREAS[region.code]:{width}}  {region.recruit_url.removeprefix('https://')}"
        for region in Region.all()
    )


def parse_region(text: str) -> Region:
    """Return the region for what a person enters: its code, its country or the beginning of that, or any address there.

    Of an address the end of its host decides, by the table.

    :raises UnknownRegionError: it is none of these, or several
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
        raise UnknownRegionError(f"Several countries begin like that: {several}.")
    try:
        return Region.lookup(named[0] if named else entered.removeprefix("."))
    except UnknownRegionError:
        if set(".:/@\\").isdisjoint(entered):
            raise
    raise UnknownRegionError("That address does not end like any of Zoho's, such as recruit.zoho.eu.")
