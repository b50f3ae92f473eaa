"""Chooses the profile, client and grant for a command, from options, the environment and prompts.

Secrets come from the environment or a hidden prompt; without a terminal, from a line of standard input. They are never
arguments.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from requests_zohorecruit.cli.areas import AREAS, list_areas, parse_region
from requests_zohorecruit.cli.console import ask, ask_secret, can_ask, describe_problem, say
from requests_zohorecruit.errors import (
    ClientConfigurationError,
    ReauthorizationRequired,
    TokenStoreError,
    UnknownRegionError,
    ZohoAuthError,
)
from requests_zohorecruit.login.environment import (
    environment_arguments,
    make_custom_region,
    read_region,
    read_variable,
)
from requests_zohorecruit.login.profile_directory import find_default, list_profiles
from requests_zohorecruit.login.profiles import Profile, SavedProfile
from requests_zohorecruit.secret import checked_secret
from requests_zohorecruit.stores import MemoryStore
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import ClientCredentials
from requests_zohorecruit.zoho.regions import Region

__all__ = [
    "Client",
    "Environment",
    "Source",
    "choose_application",
    "client_options",
    "complete_profile",
    "find_client_id",
    "find_source",
    "grant_options",
    "load_saved",
    "name_login_command",
    "profile_option",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _parse_profile(ctx: click.Context, param: click.Parameter, value: str | None) -> Profile | None:
    try:
        ctx.find_root().obj = profile = Profile(find_default() if value is None else value)
    except ValueError as error:
        raise click.BadParameter(describe_problem(error), ctx, param) from None
    except TokenStoreError:
        # A container without a home directory can still use the environment.
        if "env" in ctx.params and (ctx.params["env"] or read_variable("CLIENT_ID")):
            return None
        raise
    return profile


def complete_profile(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the profiles whose names begin with the text; none if they cannot be listed."""
    with suppress(ZohoAuthError):
        return [name for name in list_profiles() if name.startswith(incomplete)]
    return []


profile_option = click.option(
    "--profile",
    metavar="NAME",
    callback=_parse_profile,
    shell_complete=complete_profile,
    envvar="ZOHORECRUIT_PROFILE",
    help="Profile to use instead of the default.",
)


def _complete_region(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(code, help=name) for code, name in AREAS.items() if code.startswith(incomplete.lower())]


class Client(NamedTuple):
    """The client as the options describe it; None = use the environment or the profile, or ask."""

    client_id: str | None
    region: str | None
    accounts_url: str | None
    recruit_url: str | None
    new_secret: bool


def client_options(command: _Command) -> _Command:
    """Add the options that describe the client. The command gets them as its argument ``client``."""

    @click.option("--client-id", help="Client ID from the API console.")
    @click.option("--new-secret", is_flag=True, help="Ask for the client secret even if one is saved.")
    @click.option(
        "--region",
        shell_complete=_complete_region,
        help="Region where the client is registered: a code, a country, or any Zoho address there.",
    )
    @click.option("--accounts-url", help="Zoho Accounts address of a test server.")
    @click.option("--recruit-url", help="Zoho Recruit address of a test server.")
    @functools.wraps(command)
    def call(**options: Any) -> Any:
        client = Client(**{name: options.pop(name) for name in Client._fields})
        return command(client=client, **options)

    return call  # type: ignore[return-value]


def find_client_id(client: Client, profile: Profile) -> str | None:
    """Return the client ID from the options, the environment or the profile; None = ask."""
    saved = load_saved(profile)
    return client.client_id or read_variable("CLIENT_ID") or (saved.application.client_id if saved else None)


def choose_application(client: Client, profile: Profile) -> Application:
    """Return the client: from the options, else the environment, the profile or prompts.

    :raises ClientConfigurationError: there is no terminal to ask on, or an answer is malformed
    :raises UnknownRegionError: an option or the environment names an unknown region
    """
    saved = load_saved(profile)
    before = saved.application if saved else None
    parse = partial(checked_secret, "client_id")
    try:
        client_id = parse(find_client_id(client, profile) or ask("client ID", "Client ID", parse))
        if before and before.client_id != client_id:
            before = None
        region = _choose_region(client) or (before.region if before else None) or _ask_region()
        # Zoho can issue one secret per region, so the saved one is used for its own region only.
        kept = before.client_secret if before and before.region == region and not client.new_secret else None
        secret = read_variable("CLIENT_SECRET") or kept or ask_secret("client secret")
        return Application.create(client_id, secret, region)
    except UnknownRegionError as error:
        error.hint = "See `zohorecruit regions`; for any other data centre, pass --accounts-url and --recruit-url."
        raise
    except ZohoAuthError:
        raise
    except ValueError as error:
        problem = describe_problem(error)
    raise ClientConfigurationError(problem, hint="Copy it from the API console again.")


def find_source() -> Source | None:
    """Return where this command takes its grant from, if that is known already."""
    context = click.get_current_context(silent=True)
    return context.find_root().obj if context else None


def name_login_command() -> str:
    """Return the command that gets a new grant for the profile of this command."""
    return getattr(find_source(), "login_command", "zohorecruit login")


def load_saved(profile: Profile) -> SavedProfile | None:
    """Return what the last login saved, or None if there is nothing, or it cannot be read."""
    try:
        return profile.load() if profile.exists() else None
    except (TokenStoreError, UnknownRegionError):
        return None  # a login repairs the profile


def _choose_region(client: Client) -> Region | None:
    if not (client.region or client.accounts_url or client.recruit_url):
        return read_region()
    code = client.region or read_variable("REGION")
    addresses = client.accounts_url or read_variable("ACCOUNTS_URL"), client.recruit_url or read_variable("RECRUIT_URL")
    return make_custom_region(code, *addresses) or (parse_region(code) if code else None)


def _ask_region() -> Region:
    if can_ask():
        say(f"Look at the ending of the address where you use Zoho Recruit:\n{list_areas()}")
    region: Region = ask("region", "Region (code, country or address)", parse_region)
    return region


class Environment:
    """The client and grant in the environment. Access tokens are kept for one command only."""

    name = "from the environment"
    login_command = "zohorecruit login"

    def load(self) -> SavedProfile:
        """Return the client and grant in the environment.

        :raises ClientConfigurationError: a variable is missing or malformed
        :raises UnknownRegionError: the region is unknown
        :raises ReauthorizationRequired: there is a client, but no grant
        """
        values = environment_arguments()
        who = Application.create(values["client_id"], values["client_secret"], values["region"])
        store = MemoryStore()
        if values.get("soid"):
            own = ClientCredentials.create(values["soid"], values["scope"])
            return SavedProfile(who, store, in_keyring=False, credentials=own)
        if not values["refresh_token"]:
            raise ReauthorizationRequired("The environment holds a client (ZOHORECRUIT_CLIENT_ID), but no grant.")
        store.save(
            {"refresh_token": str(values["refresh_token"]), "client_id": who.client_id, "region": who.region.code}
        )
        return SavedProfile(who, store, in_keyring=False)


#: Where a command takes its grant from.
Source = Profile | Environment


def grant_options(command: _Command) -> _Command:
    """Add ``--profile`` and ``--env``. The command gets the chosen source as its argument ``profile``.

    Without either option, it is the profile; or the environment, if it has a client and the profile does not exist.
    """

    @profile_option
    @click.option(
        "--env", is_flag=True, is_eager=True, help="Use the client and grant in the environment, not a profile."
    )
    @functools.wraps(command)
    def choose(profile: Profile | None, env: bool, **options: Any) -> Any:
        context = click.get_current_context()
        is_named = context.get_parameter_source("profile") is ParameterSource.COMMANDLINE
        if env and is_named:
            raise click.UsageError("Pass either --env or --profile, not both.")
        if profile and not env and (is_named or profile.exists() or not read_variable("CLIENT_ID")):
            return command(profile=profile, **options)
        context.find_root().obj = source = Environment()
        return command(profile=source, **options)

    return choose  # type: ignore[return-value]
