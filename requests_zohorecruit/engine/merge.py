"""How memory and the store become one record: pure, and the only place that decides between two grants.

A three-way merge, as in version control: *mine* is in memory, *theirs* has just been read from the store, *base* is
what the store held when this process last saw it. Knows nothing of locks, stores, or how a token is minted.
"""

from __future__ import annotations

from dataclasses import replace

from requests_zohorecruit.engine.record import Record

__all__ = ["date_grant", "merge"]


def date_grant(theirs: Record, *, mine: Record, base: Record | None, now: float) -> Record:
    """Date a grant that was stored without a date, as other libraries do: it is new, unless it is known here.

    One that was tried and has minted nothing is an argument of another process: it comes before every other (T79).
    """
    if theirs.granted_at is not None:
        return theirs
    for known in (mine, base):
        if known is not None and known.granted_at is not None and known.has_same_grant(theirs):
            return replace(theirs, granted_at=known.granted_at)
    if theirs.has_never_worked:
        return replace(theirs, granted_at=0.0)
    return theirs.with_date(now, after=mine)


def merge(mine: Record, theirs: Record, *, base: Record | None) -> Record:
    """Return the record to go on with. `theirs` is dated; `mine` is not while its grant has proved nothing yet.

    - Of one grant, the newer access token counts, and every mint that either side knows of.
    - A grant given as an argument is used until it has minted, which dates it, or until a person logs in.
    - Where memory has not changed since `base`, the store rules, but not with a grant that has never worked.
    - Where it has, a revocation ends the grant of its own date and no other; a dead grant gives way, and of two live
      grants the later one counts.
    """
    if mine.has_same_grant(theirs):
        keep = mine != base and not mine.has_older_token_than(theirs)
        return mine.join(theirs) if keep else theirs.with_mints_of(mine)
    if mine.granted_at is None and not mine.is_empty:
        return _use_given(mine, theirs, base)
    if mine.is_dead or (_is_unchanged(mine, base) and not theirs.has_never_worked):
        return theirs
    if mine.is_empty or theirs.is_empty:
        keep = mine.is_empty == (mine.granted_at == theirs.granted_at)
    else:
        keep = theirs.is_dead or mine.is_later_than(theirs)
    return mine.with_extra_of(theirs) if keep else theirs


def _use_given(mine: Record, theirs: Record, base: Record | None) -> Record:
    if mine.grant is None:
        # An access token alone is no grant, and must not cost the store the one it has.
        return mine.with_extra_of(theirs) if theirs.is_empty else theirs
    if theirs.grant is None:
        # A record that has lost its grant gets it back, and keeps its access token.
        token = mine.token or (theirs.token and mine.grant.own(theirs.token))
        return replace(mine, token=token, extra=theirs.extra)
    if base is not None and not base.has_same_grant(theirs) and theirs.token is not None and not theirs.is_dead:
        # A person has logged in since the store was first read. Another process's argument would have no token yet.
        return theirs
    return mine.with_extra_of(theirs)


def _is_unchanged(mine: Record, base: Record | None) -> bool:
    return mine.is_empty if base is None else mine.has_same_grant(base)
