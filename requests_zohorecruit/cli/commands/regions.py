"""``zohorecruit regions``: the table of Zoho's data centres, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from requests_zohorecruit.cli.console import open_console
from requests_zohorecruit.zoho.regions import Region

__all__ = ["regions"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
def regions(as_json: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """List Zoho's data centres and their hosts."""
    if as_json:
        click.echo(json.dumps([asdict(region) for region in Region.all()], indent=2))
        return
    from rich.table import Table  # noqa: PLC0415 - for the table only

    table = Table("Region", "Accounts", "Recruit", "API domain", header_style="bold", border_style="dim")
    for region in Region.all():
        hosts = (url.removeprefix("https://") for url in (region.accounts_url, region.recruit_url, region.api_domain))
        table.add_row(region.code, *hosts)
    open_console().print(table)
