"""Holds the profile that a login saves its grant to. Asks before it replaces another client's or region's grant.

`logins` saves the new grant.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import click

from requests_zohorecruit.cli.console import can_ask, confirm, confirm_or_exit, note, say
from requests_zohorecruit.cli.sources import load_saved
from requests_zohorecruit.errors import ClientConfigurationError, TokenStoreError, UnusableRecordError, ZohoAuthError
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.secret import fingerprint
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import Grant, read_grant
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

__all__ = ["Destination", "keyring_option", "replace_option"]

keyring_option = click.option(
    "--keyring/--no-keyring",
    default=None,
    help="Keep secrets in the system's keyring, or in files only you can read; later logins keep to it.",
)
replace_option = click.option(
    "--replace", is_flag=True, help="Replace the grant of another client or region without asking."
)


class _Former(NamedTuple):
    """The grant that a profile holds before a login. The application is None if its file cannot be read."""

    client_id: str
    region: str
    grant: Grant
    application: Application | None


class Destination:
    """The profile that a login saves its grant to.

    Checks that the grant can be saved, before a code is used up.

    :param keyring: whether to keep the secrets in the system's keyring; None = where the profile keeps them
    :param replace: whether it may replace the grant of another client or region without a question
    :raises TokenStoreError: the profile cannot be saved
    """

    def __init__(self, profile: Profile, *, keyring: bool | None, replace: bool) -> None:
        self.profile = profile
        self.in_keyring = profile.in_keyring() if keyring is None else keyring
        self._may_replace = replace
        self._damage: UnusableRecordError | None = None
        try:
            profile.check(in_keyring=self.in_keyring)
        except UnusableRecordError as error:
            self._damage = error

    def confirm(self, application: Application, *, is_region_known: bool = True) -> None:
        """Ask if the login would replace a damaged grant, or another client's or region's. Return if it may continue.

        :param application: the client that logs in
        :param is_region_known: False = the person's account may be in another region than the client
        :raises TokenStoreError: the grant is damaged, and there is no terminal to ask on
        :raises ClientConfigurationError: it is another client's or region's, and there is no terminal to ask on
        :raises click.exceptions.Exit: the person said no
        """
        former = self._find_other(application, is_region_known=is_region_known)  # as long as it is there
        if self._may_replace:
            return
        kind: type[ZohoAuthError] = ClientConfigurationError
        if former:
            what = (
                f"Profile {self.profile.name} holds the grant {fingerprint(former.grant.identity)} of client "
                f"{former.client_id}, region {former.region}."
            )
        elif self._damage:
            what, kind = self._damage.message, TokenStoreError
        else:
            return
        if not can_ask():
            raise kind(
                f"{what} Nothing was changed.",
                hint=f"This login is for client {application.client_id}, region {application.region.code}. To keep "
                "both, pass --profile with another name; otherwise pass --replace.",
            )
        say(what)
        say(f"This login is for client {application.client_id}, region {application.region.code}.")
        say("To keep both, answer no and pass --profile with another name.")
        confirm_or_exit("Replace it?")
        self._may_replace = True

    def offer_revocation(self, application: Application) -> None:
        """Ask, once the new grant is saved, whether to revoke the old one at Zoho."""
        former = self._find_other(application)
        revocable = former and former.grant.choose_revocable(None)
        if former is None or former.application is None or revocable is None:
            return
        old = f"the old grant {fingerprint(former.grant.identity)} of client {former.client_id}"
        if not can_ask():
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

    def _find_other(self, application: Application, *, is_region_known: bool = True) -> _Former | None:
        """Return the grant that the profile held before, if it is another client's or region's."""
        former = self._former
        if former is None or former.client_id != application.client_id:
            return former
        if former.application is not None:
            differs = former.application.region != application.region
        else:
            differs = former.region != application.region.code
        return former if is_region_known and differs else None

    @cached_property
    def _former(self) -> _Former | None:
        """The grant before the login; if the file of the application is damaged, as far as the record describes it."""
        saved = load_saved(self.profile)
        store = saved.store if saved else self.profile.store(in_keyring=self.profile.in_keyring())
        try:
            mapping = store.load() or {}
            grant = read_grant(mapping) or (saved.credentials if saved else None)
        except (TypeError, ValueError, UnusableRecordError):
            return None  # too damaged to be used
        if grant is None:
            return None
        application = saved.application if saved else None
        client_id = mapping.get("client_id") or (application.client_id if application else "unknown")
        region = mapping.get("region") or (application.region.code if application else "unknown")
        return _Former(str(client_id), str(region), grant, application)
