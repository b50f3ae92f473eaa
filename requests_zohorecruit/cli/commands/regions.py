"""``zohorecruit regions``: the table of Zoho's data centres, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from requests_zohorecruit.cli.console import open_console, print_rows
from requests_zohorecruit.zoho.regions import Region

__all__ = ["regions"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
def regions(as_json: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """List Zoho's data centres and their hosts."""
    if as_json:
        click.echo(json.dumps([asdict(region) for region in Region.all()], indent=2))
        return
    urls = [(each.code, each.accounts_url, each.recruit_url, each.api_domain) for each in Region.all()]
    table = [tuple(url.removeprefix("https://") for url in row) for row in urls]
    rows = [("Region", "Accounts", "Recruit", "API domain"), *table]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * len(widths) > open_console().width:
        print_rows((code, "\n".join(hosts)) for code, *hosts in rows)
        return
    for row in rows:
        click.echo("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
