"""What the facts of `status` mean, in words: one line on top, and the limits of Zoho's that a person has to know.

Knows the facts by their names; collecting them is `status`'s.
"""

from __future__ import annotations

from typing import Any

__all__ = ["describe_limit", "format_seconds", "give_verdict"]


def give_verdict(facts: dict[str, Any], login_command: str) -> tuple[str, str]:
    """Return the colour and the words of the one line to read if no other is read.

    :param facts: as ``status --json`` prints them; with ``check`` where the API was called
    :param login_command: what to type for a new grant
    """
    if facts["grant"] is None:
        return "red", f"There is no grant; `{login_command}` gets one."
    if "check" in facts:
        is_well = facts["check"] == "the API accepts the token"
        return ("green", "It works: the API accepts the token.") if is_well else ("red", "It does not work; see below.")
    left = facts["expires_in"]
    if facts["last_failure"]:
        more = f" The token in hand is good for {format_seconds(left)}." if left else ""
        return ("yellow" if left else "red"), f"The last refresh failed.{more}"
    if facts["rejection_pause"]:
        return "red", "The API refuses new tokens."
    if left:
        return "green", f"There is a token for {format_seconds(left)}; after that, a call gets the next."
    return "green", "There is a grant; the next call gets a token."


def describe_limit(name: str, value: Any) -> str | None:
    """Return mints, cool-down or pause in words; None for any other fact."""
    if name == "mints":
        recent, allowed = value["recent"], value["allowed"]
        more = f"{allowed - recent} more are available now" if recent < allowed else "the next one has to wait"
        return f"{recent} of {allowed} in the last {value['window'] / 60:.0f} minutes; {more}"
    if name == "cool_down":
        return f"no new token is asked for in the next {format_seconds(value)}" if value else "none"
    if name == "rejection_pause":
        return f"refused tokens are not replaced in the next {format_seconds(value)}" if value else "none"
    return None


def format_seconds(seconds: int) -> str:
    """Return a length of time as people say it: ``43 s``, ``4 min 10 s``, ``1 h 5 min``."""
    minutes, rest = divmod(seconds, 60)
    if minutes < 1:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
