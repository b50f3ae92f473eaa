"""What is known about a saved grant, without secrets, and how commands put it into words."""

from __future__ import annotations

from typing import Any

from requests_zohorecruit.engine.limits import Budget, CoolDown
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.store_access import StoredRecord
from requests_zohorecruit.login.profiles import SavedProfile
from requests_zohorecruit.secret import fingerprint
from requests_zohorecruit.zoho.grants import ClientCredentials

__all__ = ["collect_facts", "describe_limit", "format_seconds", "give_verdict"]


def collect_facts(saved: SavedProfile, now: float) -> dict[str, Any]:
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
