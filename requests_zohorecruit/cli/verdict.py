"""Puts the facts of `status` into words: the summary on its first line, the limits and the times.

`commands.status` collects the facts.
"""

from __future__ import annotations

from typing import Any

__all__ = ["describe_limit", "format_seconds", "give_verdict"]


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
