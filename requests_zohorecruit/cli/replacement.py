"""A login that would replace another client's or region's grant: asks first, and offers to revoke the old one.

Knows what a profile holds before a login; saving what comes of it is `cli.logins`'s.
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
    "--replace", is_flag=True, help="Replace another client's or region's grant without asking."
)


class _Former(NamedTuple):
    """The grant that a profile holds before a login; without an application only its record can be read."""

    client_id: str
    region: str
    grant: Grant
    application: Application | None


class Replacement:
    """What a login may do to the grant that the profile holds.

    :param profile: as it is before the login
    :param allowed: whether the person has said so already, with ``--replace``
    """

    def __init__(self, profile: Profile, *, allowed: bool) -> None:
        self._profile = profile
        self._allowed = allowed
        self._former = _read_former(profile)

    def confirm(self, application: Application, *, is_region_known: bool = True) -> None:
        """Return if the login may go on; ask where it would replace another client's or region's grant.

        :param application: who logs in
        :param is_region_known: False = the person may live elsewhere than where the client is registered
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
                hint=f"This login is for client {application.client_id}, region {application.region.code}: pass "
                "--profile with another name to keep both, or --replace.",
            )
        say(what)
        say(f"This login is for client {application.client_id}, region {application.region.code}.")
        say("To keep both, answer no, and pass --profile with another name.")
        confirm_or_exit("Replace it?")
        self._allowed = True

    def offer_revocation(self, application: Application) -> None:
        """Ask, after the new grant was saved, whether the one it has replaced should be revoked at Zoho."""
        former = self._former
        if former is None or not self._differs(former, application):
            return
        revocable = former.grant.choose_revocable(None)
        if former.application is None or revocable is None:
            return
        old = f"the old grant {fingerprint(former.grant.identity)} of client {former.client_id}"
        if not sys.stdin.isatty():
            say(f"\nAt Zoho {old} is still valid; who gave it can end it there.")
            return
        if not confirm(f"\nRevoke {old} at Zoho as well?"):
            return
        try:
            TokenEndpoint(former.application).revoke(revocable)
        except ZohoAuthError as error:  # the login has succeeded all the same
            note(f"It could not be revoked: {error}")
        else:
            say("It is revoked.")

    @staticmethod
    def _differs(former: _Former, application: Application, *, is_region_known: bool = True) -> bool:
        if former.client_id != application.client_id:
            return True
        if former.application is not None:
            return is_region_known and former.application.region != application.region
        return is_region_known and former.region != application.region.code


def _read_former(profile: Profile) -> _Former | None:
    """Return what is there; where the application's file is damaged, what the grant's record says."""
    saved = load_saved(profile)
    mapping = (saved.store if saved else profile.store(in_keyring=profile.in_keyring())).load() or {}
    try:
        grant = read_grant(mapping) or (saved.credentials if saved else None)
    except (TypeError, ValueError):
        return None  # damaged beyond use
    if grant is None:
        return None
    application = saved.application if saved else None
    client_id = mapping.get("client_id") or (application.client_id if application else "unknown")
    region = mapping.get("region") or (application.region.code if application else "unknown")
    return _Former(str(client_id), str(region), grant, application)
