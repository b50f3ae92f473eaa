"""``zohorecruit get`` is the short form of ``zohorecruit api GET``."""

from __future__ import annotations

import click

from requests_zohorecruit.cli.calls import Call, make_call
from requests_zohorecruit.cli.commands.api import add_output_options, make_listing
from requests_zohorecruit.cli.sources import Source, grant_options

__all__ = ["get"]


@click.command()
@click.argument("path_or_url")
@grant_options
@add_output_options
def get(  # noqa: PLR0913 - an argument for each option
    *,
    path_or_url: str,
    profile: Source,
    query: tuple[tuple[str, str], ...],
    paginate: bool,
    as_csv: bool,
    fields: tuple[str, ...],
    output: str | None,
) -> None:
    """Send a GET request to the API and print the answer.

    PATH_OR_URL is a module (Candidates), a path (Candidates/123, /recruit/v2/JobOpenings?page=2) or a URL on one of the
    region's hosts. JSON is indented on a terminal, and printed unchanged in a pipe.
    """
    listing = make_listing(paginate=paginate, as_csv=as_csv, fields=fields)
    make_call(profile, Call("GET", path_or_url, query, listing=listing, path=output))
