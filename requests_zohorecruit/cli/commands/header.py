"""``zohorecruit header`` prints the Authorization header for other programs. No other command prints a token."""

from __future__ import annotations

import sys

import click

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.cli.sources import Source, grant_options

__all__ = ["header"]


@click.command()
@grant_options
@click.option("--show", is_flag=True, help="Print the header even on a terminal.")
def header(profile: Source, show: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """Print the Authorization header for another program.

    For up to an hour, its access token gives access to everything its scopes cover. Use a pipe, because other users can
    see arguments in the list of processes. Send the header to Zoho only.
    """
    auth = ZohoRecruitAuth(**profile.load().arguments())
    if sys.stdout.isatty() and not show:
        raise click.UsageError("The header is secret and not shown on a terminal. Pipe it, or pass --show.")
    # `get_token` returns None only for a rejected token.
    token = auth.get_token() or auth.refresh()
    click.echo(f"Authorization: {token.authorization}")
