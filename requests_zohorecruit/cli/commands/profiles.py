"""Shows saved grants. ``zohorecruit status`` shows one; with ``--check``, it calls the API to see whether it works.

``zohorecruit profiles`` lists the profiles, sets the default, and renames profiles.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection
from contextlib import nullcontext
from datetime import datetime, timezone
from typing import Any

import click

from requests_zohorecruit.cli.console import escape_controls, format_columns, open_console, print_rows, say, wrap
from requests_zohorecruit.cli.diagnosis import diagnose
from requests_zohorecruit.cli.sources import Source, complete_profile, grant_options
from requests_zohorecruit.engine.limits import Budget, CoolDown
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.store_access import StoredRecord
from requests_zohorecruit.errors import ZohoAuthError
from requests_zohorecruit.login.profiles import Profile, SavedProfile, choose_default, find_default, list_profiles
from requests_zohorecruit.secret import fingerprint
from requests_zohorecruit.zoho.grants import ClientCredentials

__all__ = ["describe_limit", "format_seconds", "give_verdict", "profiles", "status"]

#: Minimum columns of a terminal for a column with the client ID.
_WIDE = 100


@click.command()
@grant_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table.")
@click.option("--check", is_flag=True, help="Make one API call; if it fails, say why.")
def status(profile: Source, as_json: bool, check: bool) -> None:
    """Show a grant: its region, scopes, token and limits.

    Nothing is sent without --check. With it, the exit code says what is wrong: 3 the grant is dead, 4 the region or
    client is wrong, 5 throttled, 6 no network, 7 the profile cannot be read, 8 a scope or permission is missing, 9 the
    clock is wrong.
    """
    saved = profile.load()
    with open_console(stderr=True).status("Calling the API") if check else nullcontext():
        problem = diagnose(saved) if check else None
    is_named = isinstance(profile, Profile)
    facts: dict[str, Any] = {
        "source": "profile" if is_named else "environment",
        "profile": profile.name if is_named else None,
        **_collect_facts(saved, time.time()),
    }
    if check:
        facts["check"] = problem.message if problem else "the API accepts the token"
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        colour, verdict = give_verdict(facts, profile.login_command)
        console = open_console()
        console.print(wrap(verdict, console), style=colour, markup=False, soft_wrap=True)
        print_rows((name.replace("_", " "), _format_fact(name, value)) for name, value in facts.items())
    if problem:
        raise problem


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
@click.pass_context
def profiles(ctx: click.Context, as_json: bool) -> None:
    """List profiles, choose the default, or rename one.

    Nothing is sent. Commands use the default, which has a star, unless --profile or ZOHORECRUIT_PROFILE names another
    profile. Programs name theirs in from_profile("name").
    """
    if ctx.invoked_subcommand is not None:
        return
    default, now = find_default(), time.time()
    found = [_summarize(Profile(name), now) | {"default": name == default} for name in list_profiles()]
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
        click.echo(find_default())
        return
    profile = _find(name)
    choose_default(profile.name)
    say(f"Profile {profile.name} is now the default of commands.")


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
        raise click.UsageError(f"{error}.") from None
    if was_default:
        choose_default(new.name)
    say(f"Profile {name} is now named {new.name}{', and is still the default' if was_default else ''}.")


def _find(name: str) -> Profile:
    try:
        profile = Profile(name)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    if not profile.exists():
        names = ", ".join(list_profiles())
        raise click.UsageError(f"There is no profile named {name}. " + (f"There are: {names}." if names else ""))
    return profile


def _summarize(profile: Profile, now: float) -> dict[str, Any]:
    facts: dict[str, Any] = dict.fromkeys(
        ("profile", "client_id", "region", "grant_kind", "grant", "expires_in", "keyring", "problem")
    )
    facts["profile"] = profile.name
    try:
        saved = profile.load()
        client = saved.application
        facts |= {"client_id": client.client_id, "region": client.region.code, "keyring": saved.in_keyring}
        found = _collect_facts(saved, now)
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
    say(escape_controls(f"Commands use profile {name}{source}{missing}."))


def _describe_grant(facts: dict[str, Any]) -> str:
    if facts["problem"]:
        return "has a problem, see `status`"
    if facts["grant"] is None:
        return "none"
    if not facts["expires_in"]:
        return "saved"
    return f"saved, token for {-(-facts['expires_in'] // 60)} min"


def _collect_facts(saved: SavedProfile, now: float) -> dict[str, Any]:
    """Return what a profile or the environment holds, without secrets.

    :raises TokenStoreError: the grant cannot be read
    """
    who, budget = saved.application, Budget()
    record = StoredRecord(who, saved.store).load(now) or Record()
    token, failure = record.token, record.failure
    recent = budget.list_recent(record.mints, now)
    grant = record.grant or saved.credentials  # which remain without a record
    own = grant if isinstance(grant, ClientCredentials) else None
    return {
        "client_id": who.client_id,
        "region": who.region.code,
        "hosts": sorted(who.region.hosts),
        "scope": list(token.scope) if token else [],
        "grant": fingerprint(grant.identity) if grant else None,
        "grant_kind": grant and ("client credentials" if own else "refresh token"),
        "soid": own and own.soid,
        "access_token": fingerprint(token.access_token) if token else None,
        "expires_at": token.expires_at if token else None,
        "expires_in": max(0, round(token.expires_at - now)) if token else None,
        "mints": {"recent": len(recent), "allowed": budget.mints, "window": budget.window},
        "cool_down": _count_seconds(failure.cool_down if failure else None, now),
        "rejection_pause": _count_seconds(record.pause, now),
        "last_failure": failure.message if failure else None,
        "store": repr(saved.store),
    }


def _count_seconds(cool_down: CoolDown | None, now: float) -> int:
    """Return the seconds left of a cool-down or pause."""
    return 0 if cool_down is None or cool_down.is_over(now) else round(cool_down.until - now)


def _format_fact(name: str, value: Any) -> str:
    if (words := describe_limit(name, value)) is not None:
        return words
    if name == "expires_at" and value is not None:
        try:
            return datetime.fromtimestamp(value, timezone.utc).astimezone().isoformat(sep=" ", timespec="seconds")
        except (ValueError, OverflowError, OSError):
            return f"{value:g} s after 1970, which is not a date"
    if name == "expires_in" and value is not None:
        return format_seconds(value) if value else "over"
    if isinstance(value, list):
        return "\n".join(value) or "none"
    return "none" if value is None else str(value)


def give_verdict(facts: dict[str, Any], login_command: str) -> tuple[str, str]:
    """Return the colour and the text of the first line.

    :param facts: as ``status --json`` prints them; with ``check`` if the API was called
    :param login_command: the command that gets a new grant
    """
    if facts["grant"] is None:
        return "red", f"There is no grant. Run `{login_command}` to get one."
    if "check" in facts:
        is_well = facts["check"] == "the API accepts the token"
        return (
            ("green", "It works: the API accepts the token.")
            if is_well
            else ("red", "It does not work. See the error below.")
        )
    left = facts["expires_in"]
    if facts["last_failure"]:
        more = f" The current token is valid for another {format_seconds(left)}." if left else ""
        return ("yellow" if left else "red"), f"The last refresh failed.{more}"
    if facts["rejection_pause"]:
        return "red", "The API rejects new tokens."
    if left:
        return "green", f"There is a token, valid for {format_seconds(left)}. The library replaces it in time."
    return "green", "There is a grant. The next call mints a token."


def describe_limit(name: str, value: Any) -> str | None:
    """Return the mints, cool-down or rejection pause in words; None for any other fact."""
    if name == "mints":
        recent, allowed = value["recent"], value["allowed"]
        more = f"{allowed - recent} more are possible now" if recent < allowed else "the next one has to wait"
        return f"{recent} of {allowed} in the last {value['window'] / 60:.0f} minutes; {more}"
    if name == "cool_down":
        return f"no token is requested for {format_seconds(value)}" if value else "none"
    if name == "rejection_pause":
        return f"rejected tokens are not replaced for {format_seconds(value)}" if value else "none"
    return None


def format_seconds(seconds: int) -> str:
    """Return a duration in words: ``43 s``, ``4 min 10 s``, ``1 h 5 min``."""
    minutes, rest = divmod(seconds, 60)
    if minutes < 1:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
