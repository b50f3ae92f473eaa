"""``zohorecruit header``: the Authorization header for other programs, and the one place that prints a token."""

from __future__ import annotations

import sys

import click

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.cli.sources import Source, grant_options

__all__ = ["header"]


@click.command()
@grant_options
@click.option("--show", is_flag=True, help="Print it even on a terminal.")
def header(profile: Source, show: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """Write the Authorization header to a pipe.

    The access token in it opens everything its scopes cover for up to an hour: let the other program read it from the
    pipe, since arguments are seen in the list of processes, and send it to Zoho only.
    """
    auth = ZohoRecruitAuth(**profile.load().arguments())
    if sys.stdout.isatty() and not show:
        raise click.UsageError("The header is a secret, and not shown on a terminal. Pipe it, or pass --show.")
    # Without a token only where one was said to be rejected.
    token = auth.get_token() or auth.refresh()
    click.echo(f"Authorization: {token.authorization}")
