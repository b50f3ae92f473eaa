"""``zohorecruit exchange`` gets a grant for the code that the API console generates for a self client."""

from __future__ import annotations

from typing import Any

import click

from requests_zohorecruit.cli.console import ask_secret, describe_problem, say
from requests_zohorecruit.cli.destination import Destination, keyring_option, replace_option
from requests_zohorecruit.cli.logins import SCOPE, SELF_CLIENT, redeem
from requests_zohorecruit.cli.sources import (
    Client,
    add_client_options,
    choose_application,
    find_client_id,
    profile_option,
)
from requests_zohorecruit.errors import AuthorizationError, ReauthorizationRequired
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.secret import checked_secret

__all__ = ["exchange"]


@click.command()
@profile_option
@add_client_options
@keyring_option
@replace_option
def exchange(profile: Profile, keyring: bool | None, replace: bool, **client: Any) -> None:  # noqa: FBT001 - click's way
    """Exchange a self client's code for a grant, and save it.

    In the API console, "Self Client" generates a code for scopes of your choice. The command prompts for it, or reads
    standard input: a line with the client secret, unless it is saved, and a line with the code.
    """
    destination, who = Destination(profile, keyring=keyring, replace=replace), Client(**client)
    if not find_client_id(who, profile):
        say(SELF_CLIENT.format(scope=SCOPE))
    application = choose_application(who, profile)
    destination.confirm(application)
    try:
        code = checked_secret("code", ask_secret("code"))
    except ValueError as error:
        raise click.ClickException(f"{describe_problem(error)}\nCopy the code again.") from None
    try:
        redeem(destination, application, code, redirect_uri=None, scopes=())
    except ReauthorizationRequired as error:
        raise AuthorizationError(
            error.message,
            code=error.code,
            region=error.region,
            hint='Generate a new code under "Self Client" in the API console, and run '
            f"`zohorecruit exchange{profile.option}` again.",
        ) from None
