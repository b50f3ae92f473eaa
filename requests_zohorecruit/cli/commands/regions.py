"""``zohorecruit regions`` prints Zoho's data centres, as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from requests_zohorecruit.cli.areas import AREAS
from requests_zohorecruit.cli.console import format_columns, open_console, print_rows
from requests_zohorecruit.zoho.regions import Region

__all__ = ["regions"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
def regions(as_json: bool) -> None:
    """List Zoho's data centres and their hosts."""
    if as_json:
        found = [{"code": region.code, "name": AREAS[region.code], **asdict(region)} for region in Region.all()]
        click.echo(json.dumps(found, indent=2))
        return
    urls = [(each.accounts_url, each.recruit_url, each.api_domain) for each in Region.all()]
    hosts = [tuple(url.removeprefix("https://") for url in row) for row in urls]
    names = [("Region", "Country"), *AREAS.items()]
    left, right = format_columns(names), format_columns([("Accounts", "Recruit", "api_domain"), *hosts])
    if max(map(len, left)) + max(map(len, right)) + 2 <= open_console().width:
        print_rows(zip(left, right, strict=True))
    else:
        print_rows((code, f"{country}\n{row}") for (code, country), row in zip(names, right, strict=True))
