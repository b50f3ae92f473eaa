"""``zohorecruit profiles`` lists the profiles, sets the default, and renames profiles."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection
from typing import Any

import click

from requests_zohorecruit.cli.console import describe_problem, escape_controls, format_columns, open_console, say
from requests_zohorecruit.cli.facts import collect_facts
from requests_zohorecruit.cli.sources import complete_profile
from requests_zohorecruit.errors import ZohoAuthError
from requests_zohorecruit.login.profile_directory import choose_default, find_default, list_profiles
from requests_zohorecruit.login.profiles import Profile

__all__ = ["profiles"]

#: Minimum columns of a terminal for a column with the client ID.
_WIDE = 100


_json_option = click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")


@click.group(invoke_without_command=True)
@_json_option
@click.pass_context
def profiles(ctx: click.Context, as_json: bool) -> None:
    """List profiles, choose the default, or rename one.

    Nothing is sent. Commands use the default, which has a star, unless --profile or ZOHORECRUIT_PROFILE names another
    profile. Programs name theirs in from_profile("name").
    """
    if ctx.invoked_subcommand is None:
        _list(as_json)


@profiles.command("list", short_help="List profiles.")
@_json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List profiles, as the command does without `list`."""
    _list(as_json or ctx.parent.params["as_json"])  # type: ignore[union-attr]


def _list(as_json: bool) -> None:
    default, now = find_default(), time.time()
    found = [_summarise(Profile(name), now) | {"default": name == default} for name in list_profiles()]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif found:
        _print_table(found)
        _print_choice(default, {facts["profile"] for facts in found})
    else:
        say("There are no profiles. Run `zohorecruit login` to create one.")


@profiles.command(short_help="Show or choose the default profile.")
@click.argument("name", required=False, shell_complete=complete_profile)
def default(name: str | None) -> None:
    """Show the default profile, or make NAME the default."""
    if name is None:
        say(find_default())
        return
    if name != "default":  # which commands use even before it exists
        _find(name)
    choose_default(name)
    say(f"Profile {name} is now the default of commands.")
    _print_choice(name, list_profiles())


@profiles.command(short_help="Rename a profile.")
@click.argument("name", shell_complete=complete_profile)
@click.argument("new_name")
def rename(name: str, new_name: str) -> None:
    """Rename profile NAME to NEW_NAME.

    Another profile is never replaced. If NAME was the default, NEW_NAME becomes the default. Change the name in
    programs that use it.
    """
    profile = _find(name)
    was_default = find_default() == name
    try:
        new = profile.rename(new_name)
    except ValueError as error:
        raise click.UsageError(describe_problem(error)) from None
    if was_default:
        choose_default(new.name)
    say(f"Profile {name} is now named {new.name}{', and is still the default' if was_default else ''}.")


def _find(name: str) -> Profile:
    try:
        profile = Profile(name)
    except ValueError as error:
        raise click.UsageError(describe_problem(error)) from None
    if not profile.exists():
        names = ", ".join(list_profiles())
        raise click.UsageError(f"There is no profile named {name}. " + (f"There are: {names}." if names else ""))
    return profile


def _summarise(profile: Profile, now: float) -> dict[str, Any]:
    facts: dict[str, Any] = dict.fromkeys(
        ("profile", "client_id", "region", "grant_kind", "grant", "expires_in", "keyring", "problem")
    )
    facts["profile"] = profile.name
    try:
        saved = profile.load()
        client = saved.application
        facts |= {"client_id": client.client_id, "region": client.region.code, "keyring": saved.in_keyring}
        found = collect_facts(saved, now)
    except ZohoAuthError as error:
        return {**facts, "problem": error.message}
    facts |= {name: found[name] for name in ("grant_kind", "grant", "expires_in")}
    return {**facts, "problem": found["last_failure"]}


def _print_table(found: list[dict[str, Any]]) -> None:
    rows = [("Profile", "Region", "Client ID", "Grant")]
    for facts in found:
        name = f"{'*' if facts['default'] else ' '} {facts['profile']}"
        rows.append((name, facts["region"] or "", facts["client_id"] or "", _describe_grant(facts)))
    width = open_console().width
    if width < _WIDE:
        rows = [(name, region, grant) for name, region, _, grant in rows]  # type: ignore[misc]
    lines = format_columns(rows)
    if max(map(len, lines)) > width:  # the name is alone on its line, and never broken
        lines = [f"{name}\n    {'  '.join(filter(None, cells))}" for name, *cells in rows]
    # Without markup and control characters: stored values may contain anything.
    click.echo(escape_controls("\n".join(lines)))


def _print_choice(default: str, names: Collection[str]) -> None:
    """Print which profile commands use, unless it is the one marked in the table."""
    name = os.environ.get("ZOHORECRUIT_PROFILE") or default
    if name == default and name in names:
        return
    source = "" if name == default else " (ZOHORECRUIT_PROFILE)"
    missing = "" if name in names else ", which does not exist. Run `zohorecruit login` to create it"
    say(f"Commands use profile {name}{source}{missing}.")


def _describe_grant(facts: dict[str, Any]) -> str:
    if facts["problem"]:
        return f"problem: run `zohorecruit status --profile {facts['profile']}`"
    if facts["grant"] is None:
        return "none"
    if not facts["expires_in"]:
        return "saved"
    return f"saved, token for {-(-facts['expires_in'] // 60)} min"
