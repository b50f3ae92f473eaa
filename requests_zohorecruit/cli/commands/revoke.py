"""``zohorecruit revoke`` ends a grant at Zoho. The profile keeps the client."""

from __future__ import annotations

import sys

import click
import requests

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.cli.console import confirm_or_exit, say
from requests_zohorecruit.cli.sources import Environment, Source, grant_options
from requests_zohorecruit.errors import ReauthorizationRequired, TokenEndpointError, ZohoAuthError
from requests_zohorecruit.login.profiles import Profile, SavedProfile

__all__ = ["end_grant", "has_grant", "revoke"]

_CREDENTIALS_STAY = (
    "The client's credentials remain valid, and the next call mints another token. To end that, delete the client or "
    "its secret in the API console."
)


@click.command()
@grant_options
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def revoke(profile: Source, yes: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """Revoke the grant and keep the client.

    Programs that use the profile stop working until you log in again. With client credentials, only the access token
    can be revoked, and programs continue with a new one.
    """
    saved = profile.load()
    where = profile.name if isinstance(profile, Environment) else f"of profile {profile.name}"
    what = "access token" if saved.credentials else "grant"
    if not has_grant(saved):
        say(f"Profile {profile.name} has no grant to revoke.")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Cannot ask for confirmation without a terminal; pass --yes.")
        confirm_or_exit(f"Revoke the {what} {where}, region {saved.application.region.code}?")
    is_revoked = end_grant(saved, is_region_known=isinstance(profile, Profile))
    if saved.credentials:
        say(f"The access token {where} is revoked. {_CREDENTIALS_STAY}")
        return
    end = "is revoked" if is_revoked else "had already ended"
    say(f"The grant {where} {end}. For a new one: {profile.login_command}")
    if not is_revoked:
        say(f"To remove the profile: zohorecruit logout --profile {profile.name}")


def has_grant(saved: SavedProfile) -> bool:
    """Return whether there is anything to revoke."""
    record = saved.store.load() or {}
    return bool(saved.credentials or record.get("refresh_token") or record.get("access_token"))


def end_grant(saved: SavedProfile, *, is_region_known: bool = True) -> bool:
    """Revoke the grant; return False if it had already ended.

    Where Zoho refuses to revoke a grant, it does not say whether the grant is dead. A refresh shows it, unless the
    region may be wrong: Zoho gives the same answer for a grant of another region.

    :param is_region_known: whether the region is the one that issued the grant, as in a profile
    :raises ZohoAuthError: Zoho did not confirm the revocation
    """
    auth = ZohoRecruitAuth(**saved.arguments())
    try:
        auth.revoke()
    except TokenEndpointError as error:
        if error.status_code != requests.codes.bad_request or saved.credentials or not is_region_known:
            raise
        try:
            auth.refresh()
        except ReauthorizationRequired:
            return False
        except ZohoAuthError:
            raise error from None
        raise
    return True
