"""What is asked of a person: which profile, which client, its secret, its region.

Secrets come from the environment, a hidden prompt or, where there is no terminal, a line of standard input; never from
arguments.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from requests_zohorecruit.accounts import Application
from requests_zohorecruit.environment import custom_region, variable
from requests_zohorecruit.errors import ClientConfigurationError, ZohoAuthError
from requests_zohorecruit.profiles import Profile, home
from requests_zohorecruit.regions import Region
from requests_zohorecruit.secret import Secret

__all__ = ["Client", "ask_secret", "client_options", "profile_option", "the_application"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _as_profile(ctx: click.Context, param: click.Parameter, value: str) -> Profile:
    try:
        ctx.find_root().obj = profile = Profile(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", ctx, param) from None
    return profile


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's way
    names = sorted(file.parent.name for file in home().glob("*/application.json"))
    return [name for name in names if name.startswith(incomplete)]


profile_option = click.option(
    "--profile",
    metavar="NAME",
    default="default",
    callback=_as_profile,
    shell_complete=_complete,
    envvar="ZOHORECRUIT_PROFILE",
    show_default=True,
    help="Which of your grants.",
)


class Client(NamedTuple):
    """What options and environment say about the application; None = take the profile's, or ask."""

    client_id: str | None
    region: str | None
    accounts_url: str | None
    recruit_url: str | None


def client_options(command: _Command) -> _Command:
    """Add the options that say who the application is; the command gets them as the fields of `Client`."""
    options = (
        click.option("--client-id", help="As the API console shows it."),
        click.option("--region", help="Where the client was registered: eu, us, in, …"),
        click.option("--accounts-url", help="Zoho Accounts of a test server."),
        click.option("--recruit-url", help="Zoho Recruit of a test server."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def the_application(client: Client, profile: Profile) -> Application:
    """Return who the application is: what options say, else the environment, the profile, or the person.

    :raises ClientConfigurationError: there is nobody to ask, or the answer cannot be right
    """
    before = profile.load().application if profile.exists() else None
    client_id = client.client_id or variable("CLIENT_ID") or (before.client_id if before else None) or _ask("client ID")
    if before and before.client_id != client_id:
        before = None
    secret = variable("CLIENT_SECRET") or (before.client_secret if before else None) or ask_secret("client secret")
    code = client.region or variable("REGION")
    accounts_url, recruit_url = (
        client.accounts_url or variable("ACCOUNTS_URL"),
        client.recruit_url or variable("RECRUIT_URL"),
    )
    region = custom_region(code, accounts_url, recruit_url) or code or (before.region if before else None)
    region = region or _ask("region", ", ".join(each.code for each in Region.all()))
    try:
        return Application.create(client_id, secret, region)
    except ZohoAuthError:
        raise
    except ValueError as error:
        problem = str(error)
    raise ClientConfigurationError(f"That cannot be: {problem}.")


def ask_secret(what: str) -> Secret:
    """Ask for a secret without showing it; in a pipe, take the next line.

    :raises ClientConfigurationError: the pipe has no line
    """
    if sys.stdin.isatty():
        return Secret(click.prompt(f"{_capital(what)} (not shown)", hide_input=True).strip())
    line = Secret(sys.stdin.readline().strip())
    if not line:
        raise ClientConfigurationError(
            f"There is no {what} on standard input.",
            hint="Pass it as a line there, or run the command on a terminal, where it asks.",
        )
    return line


def _ask(what: str, choices: str = "") -> str:
    if not sys.stdin.isatty():
        raise ClientConfigurationError(
            f"The {what} is not known.", hint="Pass it as an option or in the environment; see --help."
        )
    answer: str = click.prompt(_capital(what) + (f" ({choices})" if choices else ""))
    return answer.strip()


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
