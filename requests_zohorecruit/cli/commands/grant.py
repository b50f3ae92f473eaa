"""Commands for a saved grant: ``zohorecruit header``, ``refresh``, ``revoke`` and ``logout``.

No other command than ``header`` prints a token.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import click
import requests

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.cli.console import confirm_or_exit, note, say
from requests_zohorecruit.cli.diagnosis import NetworkError, find_bad_certificates
from requests_zohorecruit.cli.sources import Environment, Source, grant_options, profile_option
from requests_zohorecruit.errors import (
    ClientConfigurationError,
    ReauthorizationRequired,
    TokenEndpointError,
    TokenStoreError,
    ZohoAuthError,
)
from requests_zohorecruit.login.profile_directory import choose_default, find_default, list_profiles
from requests_zohorecruit.login.profiles import Profile, SavedProfile
from requests_zohorecruit.secret import fingerprint

__all__ = ["header", "logout", "refresh", "revoke"]

_CREDENTIALS_STAY = (
    "The client's credentials remain valid, and the next call mints another token. To end that, delete the client or "
    "its secret in the API console."
)


@click.command()
@grant_options
@click.option("--show", is_flag=True, help="Print the header even on a terminal.")
def header(profile: Source, show: bool) -> None:
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


@click.command()
@grant_options
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def revoke(profile: Source, yes: bool) -> None:
    """Revoke the grant and keep the client.

    Programs that use the profile stop working until you log in again. With client credentials, only the access token
    can be revoked, and programs continue with a new one.
    """
    saved = profile.load()
    where = profile.name if isinstance(profile, Environment) else f"of profile {profile.name}"
    what = "access token" if saved.credentials else "grant"
    if not _has_grant(saved):
        say(f"Profile {profile.name} has no grant to revoke.")
        return
    if not yes:
        confirm_or_exit(f"Revoke the {what} {where}, region {saved.application.region.code}?")
    is_revoked = _end_grant(saved, is_region_known=isinstance(profile, Profile))
    if saved.credentials:
        say(f"The access token {where} is revoked. {_CREDENTIALS_STAY}")
        return
    end = "is revoked" if is_revoked else "had already ended"
    say(f"The grant {where} {end}. For a new one: {profile.login_command}")
    if not is_revoked:
        say(f"To remove the profile: zohorecruit logout --profile {profile.name}")


@click.command()
@profile_option
@click.option("--all", "everything", is_flag=True, help="Log out of all profiles.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def logout(profile: Profile, everything: bool, yes: bool) -> None:
    """Revoke the grant and remove the profile.

    The profile is removed even if Zoho does not confirm the revocation. Then the exit code is 6, or 7 if the saved
    grant cannot be read, and the message says how to end it. A profile that does not exist is not an error.
    """
    profiles = [Profile(name) for name in list_profiles()] if everything else [profile]
    names = [each.name for each in profiles if each.directory.is_dir()]
    if names and not yes:
        what = f"grants of {len(names)} profiles ({', '.join(names)})" if names[1:] else f"grant of profile {names[0]}"
        confirm_or_exit(f"Revoke the {what} and remove {'them' if names[1:] else 'it'} from this machine?")
    if not profiles:
        say("There are no profiles.")
    problems = [problem for each in profiles if (problem := _log_out(each))]
    for problem in problems[:-1]:
        note(f"Error: {problem.message}")
    if problems:
        raise problems[-1]  # reported like any command's error


def _log_out(profile: Profile) -> ZohoAuthError | None:
    """Log out of a profile. Return the error if it could not be removed, or its grant not revoked."""
    end, problem = _revoke_if_possible(profile) if profile.directory.is_dir() else ("", None)
    try:
        is_removed = profile.remove()
    except ZohoAuthError as error:
        return error
    if not is_removed:
        say(f"There is no profile named {profile.name}. Nothing was changed.")
        return None
    say(f"Profile {profile.name} is removed{end}.")
    with suppress(TokenStoreError):  # commands that use the default report it
        if find_default() == profile.name != "default":
            choose_default("default")
            say("It was the default of commands, which is profile default again.")
    return None if problem is None else _make_revocation_error(profile, problem)


def _make_revocation_error(profile: Profile, problem: ZohoAuthError) -> ZohoAuthError:
    hint = "To end the grant, open your Zoho account in a browser, and remove the application from the connected ones."
    if not isinstance(problem, TokenEndpointError | ClientConfigurationError):  # nothing was sent
        return TokenStoreError(
            f"The grant of profile {profile.name} was not revoked, and may still be valid. {problem.message}", hint=hint
        )
    # Not the whole message, which says that the grant is kept.
    why = f"HTTP {problem.status_code}" if problem.status_code else (find_bad_certificates() or problem).message
    return NetworkError(
        f"Zoho did not confirm that the grant of profile {profile.name} is revoked ({why.rstrip('.')}). It may still "
        "be valid.",
        hint=hint,
    )


def _revoke_if_possible(profile: Profile) -> tuple[str, ZohoAuthError | None]:
    """Revoke the grant. Return what to say about it, and the error if it could not be revoked."""
    try:
        saved = profile.load()
        if not _has_grant(saved):
            return " (it had no grant)", None
        is_revoked = _end_grant(saved)
    except ZohoAuthError as error:
        return "", error
    if saved.credentials:
        return (
            "; its access token is revoked. The client's credentials remain valid; to end them, delete the client or "
            "its secret in the API console"
        ), None
    return "; its grant is revoked" if is_revoked else "; its grant had already ended", None


def _has_grant(saved: SavedProfile) -> bool:
    """Return whether there is anything to revoke."""
    record = saved.store.load() or {}
    return bool(saved.credentials or record.get("refresh_token") or record.get("access_token"))


def _end_grant(saved: SavedProfile, *, is_region_known: bool = True) -> bool:
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
        if error.status_code != requests.codes.bad_request or error.code or saved.credentials:
            raise
        if not is_region_known:
            region = saved.application.region.code
            raise NetworkError(
                "Zoho did not confirm that the grant from the environment is revoked (HTTP 400). It has ended already, "
                f"or belongs to another region than {region}.",
                hint="If ZOHORECRUIT_REGION names the region of the grant, there is nothing left to revoke: unset "
                "ZOHORECRUIT_REFRESH_TOKEN.",
            ) from None
        try:
            auth.refresh()
        except ReauthorizationRequired:
            return False
        except ZohoAuthError:
            raise error from None
        raise
    return True
