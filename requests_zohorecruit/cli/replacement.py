"""Asks before a login replaces the grant of another client or region, and offers to revoke the old grant.

`logins` saves the new grant.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import click

from requests_zohorecruit.cli.console import confirm, confirm_or_exit, say
from requests_zohorecruit.cli.output import note
from requests_zohorecruit.cli.prompts import load_saved
from requests_zohorecruit.errors import ClientConfigurationError, ZohoAuthError
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.secret import fingerprint
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import Grant, read_grant
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

__all__ = ["Replacement", "replace_option"]

replace_option = click.option(
    "--replace", is_flag=True, help="Replace the grant of another client or region without asking."
)


class _Former(NamedTuple):
    """The grant that a profile holds before a login. The application is None if its file cannot be read."""

    client_id: str
    region: str
    grant: Grant
    application: Application | None


class Replacement:
    """Decides whether a login may replace the grant in a profile.

    :param profile: the profile before the login
    :param allowed: whether ``--replace`` was given
    """

    def __init__(self, profile: Profile, *, allowed: bool) -> None:
        self._profile = profile
        self._allowed = allowed
        self._former = _read_former(profile)

    def confirm(self, application: Application, *, is_region_known: bool = True) -> None:
        """Ask if the login would replace the grant of another client or region. Return if it may continue.

        :param application: the client that logs in
        :param is_region_known: False = the person's account may be in another region than the client
        :raises ClientConfigurationError: there is no terminal to ask on
        :raises click.exceptions.Exit: the person said no
        """
        former = self._former
        if self._allowed or former is None or not self._differs(former, application, is_region_known=is_region_known):
            return
        what = (
            f"Profile {self._profile.name} holds the grant {fingerprint(former.grant.identity)} of client "
            f"{former.client_id}, region {former.region}."
        )
        if not sys.stdin.isatty():
            raise ClientConfigurationError(
                f"{what} Nothing was changed.",
                hint=f"This login is for client {application.client_id}, region {application.region.code}. To keep "
                "both, pass --profile with another name; otherwise pass --replace.",
            )
        say(what)
        say(f"This login is for client {application.client_id}, region {application.region.code}.")
        say("To keep both, answer no and pass --profile with another name.")
        confirm_or_exit("Replace it?")
        self._allowed = True

    def offer_revocation(self, application: Application) -> None:
        """Ask, once the new grant is saved, whether to revoke the old one at Zoho."""
        former = self._former
        if former is None or not self._differs(former, application):
            return
        revocable = former.grant.choose_revocable(None)
        if former.application is None or revocable is None:
            return
        old = f"the old grant {fingerprint(former.grant.identity)} of client {former.client_id}"
        if not sys.stdin.isatty():
            say(f"\n{old[0].upper()}{old[1:]} is still valid at Zoho. The person who gave it can end it there.")
            return
        if not confirm(f"\nRevoke {old} at Zoho as well?"):
            return
        try:
            TokenEndpoint(former.application).revoke(revocable)
        except ZohoAuthError as error:  # the login has succeeded anyway
            note(f"Could not revoke it: {error}")
        else:
            say("The old grant is revoked.")

    @staticmethod
    def _differs(former: _Former, application: Application, *, is_region_known: bool = True) -> bool:
        if former.client_id != application.client_id:
            return True
        if former.application is not None:
            return is_region_known and former.application.region != application.region
        return is_region_known and former.region != application.region.code


def _read_former(profile: Profile) -> _Former | None:
    """Return the grant; if the file of the application is damaged, as far as the record describes it."""
    saved = load_saved(profile)
    mapping = (saved.store if saved else profile.store(in_keyring=profile.in_keyring())).load() or {}
    try:
        grant = read_grant(mapping) or (saved.credentials if saved else None)
    except (TypeError, ValueError):
        return None  # too damaged to be used
    if grant is None:
        return None
    application = saved.application if saved else None
    client_id = mapping.get("client_id") or (application.client_id if application else "unknown")
    region = mapping.get("region") or (application.region.code if application else "unknown")
    return _Former(str(client_id), str(region), grant, application)
