"""How what is known here and what the store holds become one: pure, and the only place that decides between grants.

A three-way merge, as in version control: *mine* is in memory, *theirs* has just been read from the store, *base* is
what the store held when it was last seen. Every grant bears the date at which a person gave it, so that two that meet
unexpectedly, as after a store was emptied, can be told apart without knowing how they came there.
"""

from __future__ import annotations

from dataclasses import replace

from requests_zohorecruit.engine.record import Record

__all__ = ["claimed", "dated", "merged"]


def dated(theirs: Record, *, mine: Record, base: Record | None) -> Record:
    """Date a grant that somebody stored without one, as other libraries do: it is new, unless it was known already."""
    if theirs.granted_at is not None:
        return theirs
    for known in (mine, base):
        if known is not None and known.same_grant(theirs):
            return replace(theirs, granted_at=known.granted_at)
    return replace(theirs, granted_at=mine.just_after)


def claimed(mine: Record, theirs: Record) -> Record:
    """Date a grant that was given here before the store had been seen: it comes after whatever is there."""
    if mine.same_grant(theirs):
        return mine
    if mine.refresh_token is None and not mine.granted_at:
        return Record()  # nothing was given; or an access token alone, which must not cost the store its grant
    if theirs.refresh_token is None and mine.token is None:
        # A record that has lost its refresh token gets it back, and keeps its access token.
        mine = replace(mine, token=theirs.token and replace(theirs.token, refresh_token=mine.refresh_token))
    return replace(mine, granted_at=max(mine.granted_at or 0.0, theirs.just_after))


def merged(mine: Record, theirs: Record, *, base: Record | None) -> Record:
    """Return one record of two. Where one side has not changed since `base`, the other's counts.

    Where both have: of two grants the later one, and of one grant the access token that lives longer.
    """
    if mine.same_grant(theirs):
        keep = mine != base and not mine.has_older_token_than(theirs)
        return mine.joined(theirs) if keep else theirs.with_mints_of(mine)
    unchanged = mine.empty if base is None else mine.same_grant(base)
    if unchanged or mine.dead or mine.generation <= theirs.generation:
        return theirs
    return replace(mine, extra=theirs.extra)
