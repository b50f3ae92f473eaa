"""Where a command takes client and grant from: a profile, or the environment, as containers have it.

Knows which of the two is meant; what is in them is `login.profiles`'s and `login.environment`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from requests_zohorecruit.cli.prompts import profile_option
from requests_zohorecruit.errors import ReauthorizationRequired
from requests_zohorecruit.login.environment import environment_arguments, read_variable
from requests_zohorecruit.login.profiles import Profile, SavedProfile
from requests_zohorecruit.stores import MemoryStore
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import ClientCredentials

__all__ = ["Environment", "Source", "grant_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Environment:
    """The environment's client and grant. Its tokens are kept for one command only."""

    name = "from the environment"
    login_command = "zohorecruit login"

    def load(self) -> SavedProfile:
        """Return what the environment holds.

        :raises ClientConfigurationError: a variable is missing or impossible
        :raises UnknownRegionError: the region is none of the table
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


#: What commands that use a grant are given.
Source = Profile | Environment


def grant_options(command: _Command) -> _Command:
    """Add ``--profile`` and ``--env``; the command gets what is meant as its argument ``profile``.

    Without either it is the profile, or the environment if there is no such profile and that has a client.
    """

    @profile_option
    @click.option(
        "--env", is_flag=True, is_eager=True, help="Take client and grant from the environment, not from a profile."
    )
    @functools.wraps(command)
    def choose(profile: Profile | None, env: bool, **options: Any) -> Any:  # noqa: FBT001 - click's way of passing flags
        context = click.get_current_context()
        is_named = context.get_parameter_source("profile") is ParameterSource.COMMANDLINE
        if env and is_named:
            raise click.UsageError("--env and --profile are two places to take a grant from; pass one of them.")
        is_there = profile is not None and (is_named or profile.exists())
        if profile is not None and not env and (is_there or not read_variable("CLIENT_ID")):
            return command(profile=profile, **options)
        context.find_root().obj = source = Environment()
        return command(profile=source, **options)

    return choose  # type: ignore[return-value]
