"""``zohorecruit logout`` ends a grant at Zoho and removes the profile from this machine."""

from __future__ import annotations

import sys

import click

from requests_zohorecruit.cli.commands.revoke import end_grant, has_grant
from requests_zohorecruit.cli.console import confirm_or_exit, say
from requests_zohorecruit.cli.output import note
from requests_zohorecruit.cli.prompts import profile_option
from requests_zohorecruit.errors import ZohoAuthError
from requests_zohorecruit.login.profiles import Profile, list_profiles

__all__ = ["logout"]


@click.command()
@profile_option
@click.option("--all", "everything", is_flag=True, help="Log out of all profiles.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def logout(profile: Profile, everything: bool, yes: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """Revoke the grant and remove the profile.

    The profile is removed even if Zoho does not confirm the revocation. A warning then says what to do. A profile that
    does not exist is not an error.
    """
    profiles = [Profile(name) for name in list_profiles()] if everything else [profile]
    names = ", ".join(each.name for each in profiles if each.directory.is_dir())
    if names and not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Cannot ask for confirmation without a terminal; pass --yes.")
        confirm_or_exit(f"Revoke the grant of {names}, and remove it from this machine?")
    if not profiles:
        say("There are no profiles.")
    problems = [problem for each in profiles if (problem := _log_out(each))]
    for problem in problems[:-1]:
        note(f"Error: {problem.message}")
    if problems:
        raise problems[-1]  # reported like any command's error


def _log_out(profile: Profile) -> ZohoAuthError | None:
    """Log out of a profile. Return the error if it could not be removed."""
    end, problem = _end_grant(profile) if profile.directory.is_dir() else ("", None)
    try:
        is_removed = profile.remove()
    except ZohoAuthError as error:
        return error
    if not is_removed:
        say(f"There is no profile named {profile.name}. Nothing was changed.")
        return None
    say(f"Profile {profile.name} is removed{end}.")
    if problem is not None:
        # Not the whole message, which says that the grant is kept.
        why = f"HTTP {problem.status_code}" if problem.status_code else problem.message.rstrip(".")
        note(
            f"Warning: Zoho did not confirm that the grant is revoked ({why}). It may still be valid. To end it, open "
            "your Zoho account in a browser, and remove the application from the connected ones."
        )
    return None


def _end_grant(profile: Profile) -> tuple[str, ZohoAuthError | None]:
    """Revoke the grant. Return what to say about it, and the error if it could not be revoked."""
    try:
        saved = profile.load()
        if not has_grant(saved):
            return " (it had no grant)", None
        is_revoked = end_grant(saved)
    except ZohoAuthError as error:
        return "", error
    if saved.credentials:
        return (
            "; its access token is revoked. The client's credentials remain valid; to end them, delete the client or "
            "its secret in the API console"
        ), None
    return "; its grant is revoked" if is_revoked else "; its grant had already ended", None
