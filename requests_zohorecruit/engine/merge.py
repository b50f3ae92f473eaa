"""Merges the record in memory with the one in the store. Pure, and the only place that chooses between two grants.

A three-way merge, as in version control: *mine* is in memory, *theirs* has just been read from the store, and *base* is
what the store held when this process last read or saved it. Knows nothing about locks, stores or how a token is minted.
"""

from __future__ import annotations

from dataclasses import replace

from requests_zohorecruit.engine.record import Record

__all__ = ["date_grant", "merge"]


def date_grant(theirs: Record, *, mine: Record, base: Record | None, now: float) -> Record:
    """Date a stored grant that has no date, as other libraries store it: now, unless this process knows its date.

    One that was tried but never minted was passed to another process as an argument: it is older than all others (T79).
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
    """Return the merged record. `theirs` must be dated; `mine` has no date until its grant has minted.

    - If both have the same grant, the newer access token wins, and the mints of both sides count.
    - A grant passed as an argument is used until it mints, which dates it, or until a person logs in.
    - If memory has not changed since `base`, the store wins, unless its grant has never worked.
    - If memory has changed, a revocation ends only the grant with its own date. A dead grant loses, and of two live
      grants the later one wins.
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
        # A bare access token is not a grant and must not replace the store's grant.
        return mine.with_extra_of(theirs) if theirs.is_empty else theirs
    if theirs.grant is None:
        # The stored record has lost its grant: restore it, and keep the access token.
        token = mine.token or (theirs.token and mine.grant.own(theirs.token))
        return replace(mine, token=token, extra=theirs.extra)
    if base is not None and not base.has_same_grant(theirs) and theirs.token is not None and not theirs.is_dead:
        # A person has logged in since the store was last read. Another process's argument would have no token yet.
        return theirs
    return mine.with_extra_of(theirs)


def _is_unchanged(mine: Record, base: Record | None) -> bool:
    return mine.is_empty if base is None else mine.has_same_grant(base)
