"""Chooses where a command takes its client and grant from: a profile or the environment.

`login.profiles` and `login.environment` read them.
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
    def choose(profile: Profile | None, env: bool, **options: Any) -> Any:  # noqa: FBT001 - click's way of passing flags
        context = click.get_current_context()
        is_named = context.get_parameter_source("profile") is ParameterSource.COMMANDLINE
        if env and is_named:
            raise click.UsageError("Pass either --env or --profile, not both.")
        is_there = profile is not None and (is_named or profile.exists())
        if profile is not None and not env and (is_there or not read_variable("CLIENT_ID")):
            return command(profile=profile, **options)
        context.find_root().obj = source = Environment()
        return command(profile=source, **options)

    return choose  # type: ignore[return-value]
