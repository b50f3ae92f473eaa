"""``zohorecruit exchange``: a grant for the code that a self client's page hands out."""

from __future__ import annotations

from typing import Any

import click

from requests_zohorecruit.cli.console import say
from requests_zohorecruit.cli.logins import SCOPE, SELF_CLIENT, check_storage, keyring_option, redeem
from requests_zohorecruit.cli.prompts import (
    Client,
    add_client_options,
    ask_secret,
    choose_application,
    describe_problem,
    find_client_id,
    profile_option,
)
from requests_zohorecruit.cli.replacement import Replacement, replace_option
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
    """Redeem a self client's code, and save the grant.

    The API console's "Self Client" hands out a code for scopes and minutes of your choice. It is asked for, or read
    from standard input: one line with the client secret, unless it is known, and one with the code.
    """
    in_keyring = check_storage(profile, keyring)
    if not find_client_id(Client(**client), profile):
        say(SELF_CLIENT.format(scope=SCOPE))
    application = choose_application(Client(**client), profile)
    replacement = Replacement(profile, allowed=replace)
    replacement.confirm(application)
    try:
        code = checked_secret("code", ask_secret("code"))
    except ValueError as error:
        raise click.ClickException(f"{describe_problem(error)}\nCopy the code once more.") from None
    options: dict[str, Any] = {"replacement": replacement, "in_keyring": in_keyring}
    try:
        redeem(profile, application, code, redirect_uri=None, scopes=(), **options)
    except ReauthorizationRequired as error:
        raise AuthorizationError(
            error.message,
            code=error.code,
            region=error.region,
            hint='Generate a new code under "Self Client" in the API console, and run '
            f"`zohorecruit exchange{profile.option}` once more.",
        ) from None
