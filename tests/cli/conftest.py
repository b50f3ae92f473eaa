"""A sandbox, an empty home, and a person at the browser."""

from helpers.command_fixtures import *  # noqa: F403 - fixtures are found by being here
