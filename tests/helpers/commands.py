"""All commands of the command line."""

from __future__ import annotations

import click

from requests_zohorecruit.cli.app import app

__all__ = ["find_commands"]


def find_commands(group=app, before=()):
    """Return the commands below a group, with those below them, by their names: ``("profiles", "rename")``."""
    context, found = click.Context(group), {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found[(*before, name)] = command
        if isinstance(command, click.Group):
            found |= find_commands(command, (*before, name))
    return found
