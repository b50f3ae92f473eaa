"""``zohorecruit refresh`` replaces the access token now."""

from __future__ import annotations

import click

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.cli.console import say
from requests_zohorecruit.cli.sources import Source, grant_options
from requests_zohorecruit.secret import fingerprint

__all__ = ["refresh"]


@click.command()
@grant_options
def refresh(profile: Source) -> None:
    """Replace the access token now.

    Programs do this automatically when it is due. Zoho allows about ten new tokens in ten minutes.
    """
    refresher = ZohoRecruitAuth(**profile.load().arguments())._refresher  # noqa: SLF001 - our own class
    refresher.grant.read()
    token = refresher.refresh()
    say(f"The new access token {fingerprint(token.access_token)} is valid for {token.expires_in // 60} minutes.")
