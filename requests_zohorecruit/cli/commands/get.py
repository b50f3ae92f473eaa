"""``zohorecruit get``: the short form of ``api GET``, for people who want to look before they program."""

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
    """Print what the API answers to one GET.

    PATH_OR_URL is a module (Candidates), a path (Candidates/123, /recruit/v2/JobOpenings?page=2) or a URL on one of the
    region's hosts. JSON is made readable on a terminal and printed as it came in a pipe.
    """
    listing = make_listing(paginate=paginate, as_csv=as_csv, fields=fields)
    make_call(profile, Call("GET", path_or_url, query, listing=listing, path=output))
