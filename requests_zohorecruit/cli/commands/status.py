"""``zohorecruit status`` shows what a profile holds; with ``--check``, it calls the API to see whether it works."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from datetime import datetime, timezone
from typing import Any

import click

from requests_zohorecruit.cli.console import open_console, print_rows, wrap
from requests_zohorecruit.cli.diagnosis import diagnose
from requests_zohorecruit.cli.sources import Environment, Source, grant_options
from requests_zohorecruit.cli.verdict import describe_limit, format_seconds, give_verdict
from requests_zohorecruit.engine.limits import Budget, CoolDown
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.store_access import StoredRecord
from requests_zohorecruit.login.profiles import SavedProfile
from requests_zohorecruit.secret import fingerprint
from requests_zohorecruit.zoho.grants import ClientCredentials, Grant

__all__ = ["status"]


@click.command()
@grant_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table.")
@click.option("--check", is_flag=True, help="Make one API call; if it fails, say why.")
def status(profile: Source, as_json: bool, check: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """Show a grant: its region, scopes, token and limits.

    Nothing is sent without --check. With it, the exit code says what is wrong: 3 the grant is dead, 4 the region or
    client is wrong, 5 throttled, 6 no network, 7 the profile cannot be read, 8 a scope or permission is missing, 9 the
    clock is wrong.
    """
    saved = profile.load()
    with open_console(stderr=True).status("Calling the API") if check else nullcontext():
        problem = diagnose(saved) if check else None
    facts = _collect_facts(profile, saved, now=time.time())
    if check:
        facts["check"] = problem.message if problem else "the API accepts the token"
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        colour, verdict = give_verdict(facts, profile.login_command)
        console = open_console()
        console.print(wrap(verdict, console), style=colour, markup=False, soft_wrap=True)
        _print_table(facts)
    if problem:
        raise problem


def _print_table(facts: dict[str, Any]) -> None:
    print_rows((name.replace("_", " "), _format_fact(name, value)) for name, value in facts.items())


def _collect_facts(profile: Source, saved: SavedProfile, *, now: float) -> dict[str, Any]:
    who, budget = saved.application, Budget()
    record = StoredRecord(who, saved.store).load(now) or Record()
    token, failure = record.token, record.failure
    recent = budget.list_recent(record.mints, now)
    grant = record.grant or saved.credentials  # which remain without a record
    return {
        "source": "environment" if isinstance(profile, Environment) else "profile",
        "profile": None if isinstance(profile, Environment) else profile.name,
        "client_id": who.client_id,
        "region": who.region.code,
        "hosts": sorted(who.region.hosts),
        "scope": list(token.scope) if token else [],
        "grant": fingerprint(grant.identity) if grant else None,
        "grant_kind": _name_kind(grant),
        "soid": grant.soid if isinstance(grant, ClientCredentials) else None,
        "access_token": fingerprint(token.access_token) if token else None,
        "expires_at": token.expires_at if token else None,
        "expires_in": max(0, round(token.expires_at - now)) if token else None,
        "mints": {"recent": len(recent), "allowed": budget.mints, "window": budget.window},
        "cool_down": _count_seconds(failure.cool_down if failure else None, now),
        "rejection_pause": _count_seconds(record.pause, now),
        "last_failure": failure.message if failure else None,
        "store": repr(saved.store),
    }


def _name_kind(grant: Grant | None) -> str | None:
    if grant is None:
        return None
    return "client credentials" if isinstance(grant, ClientCredentials) else "refresh token"


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
