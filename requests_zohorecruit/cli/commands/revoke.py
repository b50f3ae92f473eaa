"""``zohorecruit revoke``: the end of a grant at Zoho; the profile stays."""

from __future__ import annotations

import sys

import click

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.cli.console import confirm, say
from requests_zohorecruit.cli.sources import Environment, Source, grant_options

__all__ = ["revoke"]

_CREDENTIALS_STAY = (
    "The client's credentials stay good, and the next call mints another; to end that, delete the client or its secret "
    "in the API console."
)


@click.command()
@grant_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def revoke(profile: Source, yes: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """Give the grant back to Zoho and forget it.

    Every program that uses the profile stops working until a person logs in again. Client ID and secret are kept. Of
    client credentials only the access token can be revoked: programs go on with a new one.
    """
    saved = profile.load()
    auth = ZohoRecruitAuth(**saved.arguments())
    where = profile.name if isinstance(profile, Environment) else f"of profile {profile.name}"
    what = "access token" if saved.credentials else "grant"
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Cannot ask for confirmation without a terminal; pass --yes.")
        confirm(f"Revoke the {what} {where}, region {auth.region.code}?", abort=True)
    auth.revoke()
    if saved.credentials:
        say(f"The access token {where} is revoked. {_CREDENTIALS_STAY}")
        return
    say(f"The grant {where} is revoked. For a new one: {profile.login_command}")
