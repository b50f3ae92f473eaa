"""``zohorecruit status`` shows a saved grant; with ``--check``, it calls the API to see whether the grant works."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from datetime import datetime, timezone
from typing import Any

import click

from requests_zohorecruit.cli.console import open_console, print_rows, wrap
from requests_zohorecruit.cli.diagnosis import diagnose
from requests_zohorecruit.cli.facts import collect_facts, describe_limit, format_seconds, give_verdict
from requests_zohorecruit.cli.sources import Source, grant_options
from requests_zohorecruit.login.profiles import Profile

__all__ = ["status"]


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
        **collect_facts(saved, time.time()),
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


def _format_fact(name: str, value: Any) -> str:
    if (words := describe_limit(name, value)) is not None:
        return words
    if name == "expires_at" and value is not None:
        try:
            date = datetime.fromtimestamp(value, timezone.utc).astimezone()
            return date.isoformat(sep=" ", timespec="seconds") if value else "unknown"
        except (ValueError, OverflowError, OSError):
            return f"{value:g} s after 1970, which is not a date"
    if name == "expires_in" and value is not None:
        return format_seconds(value) if value else "over"
    if isinstance(value, list):
        return "\n".join(value) or "none"
    return "none" if value is None else str(value)
