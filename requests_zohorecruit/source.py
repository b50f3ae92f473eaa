"""The engine: one refresh, however many threads, processes and hosts share a grant.

Owns the rows of "what happens to a request": who refreshes, who waits, who goes on. Knows nothing of requests to the
API: its callers say which access token was rejected or accepted. The critical section is `sharedrecord`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import cast

from requests_zohorecruit.accounts import Accounts
from requests_zohorecruit.errors import ThrottledError, TokenEndpointError, TokenStoreError, ZohoAuthError
from requests_zohorecruit.records import Budget, Record
from requests_zohorecruit.recordstore import BusyError, BusyHereError
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.sharedrecord import LOCK_TIMEOUT, TRY_AGAIN, SharedRecord, Snapshot, logger
from requests_zohorecruit.stores.base import TokenStore
from requests_zohorecruit.tokens import Token

__all__ = ["TokenSource"]

#: Seconds that a caller with a 401 in hand waits to tell the others about it.
PAUSE_WAIT = 5.0
#: Seconds between two looks of one process at whether somebody else has replaced the token that still works; half of
#: what it has left to live, where that is less. Looking with every request would cost the requests that are not to
#: wait, and the store.
LOOK_AGAIN = 1.0


class TokenSource(SharedRecord):
    """Hands out one grant's current access token, and sees to it that somebody, once, renews it.

    :param accounts: how to ask Zoho
    :param store: where the grant is shared
    :param refresh_token: the grant to start from; see `ZohoRecruitAuth`
    :param clock: returns epoch seconds; wall time, since that is what processes and hosts have in common
    """

    budget = Budget()

    def __init__(
        self,
        accounts: Accounts,
        store: TokenStore,
        *,
        refresh_token: Secret | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(accounts.application, store, refresh_token=refresh_token, clock=clock)
        self.accounts = accounts
        #: Access tokens the API has refused, so that none of them is taken from the store again.
        self._rejected: deque[str] = deque(maxlen=16)

    @property
    def token(self) -> Token | None:
        """The token in hand, without I/O."""
        return self._snapshot.record.token

    @property
    def resting(self) -> bool:
        """Whether rejected tokens are not being replaced at the moment, so that an accepted call is news."""
        return self._snapshot.record.pause is not None

    def header(self) -> str:
        """Return the Authorization header's value, after whatever had to be done first."""
        snapshot = self._snapshot
        if self.clock() < snapshot.calm_until:
            return snapshot.header
        return self._considered().header

    def replacement(self, rejected: str) -> str | None:
        """Return the header with another token than the rejected one, or None while replacing rests.

        :raises ZohoAuthError: there is none, and none could be had
        """
        now = self.clock()
        self._rejected.append(rejected)
        if not self._usable(self._snapshot.record, now) and self._snapshot.record.paused(now):
            self._read_store()
        if self._usable(self._snapshot.record, now):
            return self._snapshot.header
        if self._snapshot.record.paused(now):
            return None
        try:
            with self._exclusive(LOCK_TIMEOUT, unless=self._has_usable) as needed:
                if needed:
                    self._reload()
                    record, now = self._snapshot.record, self.clock()
                    if not self._usable(record, now):
                        if record.paused(now):
                            return None
                        self._mint(record)
        except TokenStoreError as error:
            if not self._has_usable():
                raise
            logger.warning("%s", error)
        return self._in_hand().header

    def rejected_again(self, rejected: str, host: str) -> None:
        """Take note that the replacement was rejected too: from now on replacing rests for everybody."""
        self._rejected.append(rejected)
        now = self.clock()

        def paused(record: Record) -> Record:
            return record if record.paused(now) else record.rejected_again(now)

        if not self._change(paused):
            return
        logger.warning(
            "%s rejects freshly minted access tokens of region %s; rejected tokens are not replaced for a minute or "
            "more. The usual cause is an API host of another region than the grant's, or a user whose access to Zoho "
            "Recruit has ended.",
            host,
            self.application.region.code,
        )
        self._share(paused, wait=PAUSE_WAIT)

    def accepted(self) -> None:
        """Take note that the API accepted a token: replacing rejected ones makes sense again."""
        if self._change(Record.accepted):
            self._share(Record.accepted, wait=0.0)

    def refresh(self) -> Token:
        """Replace the token in hand as if it had been rejected, whatever the pause; see `ZohoRecruitAuth.refresh`."""
        in_hand = self._snapshot.record.access_token
        with self._exclusive(LOCK_TIMEOUT):
            self._reload()
            record = self._snapshot.record
            if not self._usable(record, self.clock()) or record.access_token == in_hand:
                self._mint(record)
        return cast("Token", self._in_hand().record.token)

    def adopt(self, token: Token, *, now: float) -> None:
        """Take over a grant that a person has just given, by an exchange at `now` (epoch seconds)."""
        # In memory before anything can go wrong: a code can't be exchanged twice.
        record = Record(mints=(now,)).minted(token)
        self._bring(record)
        # What is stored at this moment has to give way, even if saving succeeds later only; what comes later has not.
        self._read_store()
        with self._exclusive(LOCK_TIMEOUT):
            self._reload()
            self._insist(record)
            self._save()

    def revoke(self) -> None:
        """Revoke the grant at Zoho, then forget it here and in the store."""
        with self._exclusive(LOCK_TIMEOUT):
            self._reload()
            record = self._snapshot.record
            token = record.refresh_token or record.access_token
            if token is None:
                raise record.no_grant(self.application)
            self.accounts.revoke(token)
            self._seed = None
            if self._owed == token:
                self._owed = None
            if self._take(Record(extra=record.extra), instead_of=record):
                self._save()

    def _considered(self) -> Snapshot:
        """Decide, by the state of the token, who refreshes and who waits."""
        now = self.clock()
        if not self._snapshot.record.alive(now):
            self._read_store()
        snapshot = self._snapshot
        if not snapshot.record.alive(now):
            # Before queueing for the locks, only to learn the same. Reading may have taken its time.
            self._raise_if_hopeless(snapshot.record, self.clock())
            return self._renewed()
        if now >= snapshot.calm_until:
            self._renew_without_waiting(now)
        # What was alive a moment ago still is, even if somebody has put a dead token back, or revoked the grant since.
        renewed = self._snapshot
        return renewed if renewed.record.alive(now) else snapshot

    def _renewed(self) -> Snapshot:
        """Expired, or none: wait for the one refresh."""
        with self._exclusive(LOCK_TIMEOUT, unless=lambda: self._snapshot.record.alive(self.clock())) as needed:
            if needed:
                self._reload()
                record = self._snapshot.record
                if not record.alive(self.clock()):
                    self._mint(record)
        return self._in_hand()

    def _renew_without_waiting(self, now: float) -> None:
        """Stale, or a save is due: whoever gets the locks at once does it, and no caller pays for a failure."""

        def replaced() -> bool:
            # Most of those who share the grant need no more than to read what one of them has got.
            self._read_store()
            return now < self._snapshot.calm_until

        try:
            with self._exclusive(0, unless=replaced) as needed:
                if not needed:
                    return
                self._reload()
                record = self._snapshot.record
                if not record.fresh(now):
                    self._mint(record)
                elif self._save_due is not None:
                    self._save()
        except BusyHereError:
            return  # without a rest, which that other thread would take for a reason to do nothing itself
        except BusyError:
            self._rest(LOOK_AGAIN, share=0.5)
        except ZohoAuthError as error:
            failure = self._snapshot.record.failure
            left = failure.wait.until - self.clock() if failure else 0.0
            self._rest(max(TRY_AGAIN, getattr(error, "retry_after", 0.0), left))
            logger.warning("The access token stays in use although renewing or saving it failed: %s", error)

    def _rest(self, seconds: float, *, share: float = 1.0) -> None:
        """Do not try with every request what no caller has to know of: at most for a share of what the token has left.

        Counted from now, and not from when the trying began: that may have taken its time.
        """
        with self._memory.hold(LOCK_TIMEOUT):
            token, now = self._snapshot.record.token, self.clock()
            if token is not None and now >= self._snapshot.calm_until:
                calm = min(seconds, share * (token.dead_at - now))
                self._snapshot = self._snapshot._replace(calm_until=now + calm)

    def _mint(self, record: Record) -> None:
        """Ask Zoho for a token. Both locks are held and `record` has just been read."""
        now = self.clock()
        self._raise_if_hopeless(record, now)
        grant = cast("Secret", record.refresh_token)  # without one it would have been hopeless
        # Written down first: if this process dies while Zoho mints, the budget still knows.
        if not self._take(record.asking(now, self.budget), instead_of=record):
            return
        self._note()
        try:
            token = self.accounts.refresh(record.token, grant, now=self.clock())
        except ZohoAuthError as error:
            now = self.clock()
            failed = record.asking(now, self.budget).failed(error, now, self.application, record)
            if not self._take(failed, instead_of=record):
                return
            self._note()
            self._final = None if isinstance(error, TokenEndpointError) else failed.failure
            if isinstance(error, ThrottledError) and failed.failure:
                error.retry_after = failed.failure.wait.seconds  # longer each time, whatever Zoho said
            raise
        # Adopted before it is saved: whatever the store does now, the token is in use (T25). The mint is dated when the
        # answer came: Zoho counts it from some moment before that.
        if self._take(record.asking(self.clock(), self.budget).minted(token), instead_of=record):
            self._save()

    def _raise_if_hopeless(self, record: Record, now: float) -> None:
        application = self.application
        if self._final and self._final.grant == application.fingerprint(record.refresh_token):
            raise self._final.error_now(application.region.code, self._final.wait.until)
        obstacle = record.obstacle(now, application, self.budget)
        if obstacle is not None:
            raise obstacle

    def _usable(self, record: Record, now: float) -> bool:
        return record.alive(now) and record.access_token not in self._rejected

    def _in_hand(self) -> Snapshot:
        """Return what is in memory, which another thread may just have found revoked."""
        snapshot = self._snapshot
        if not snapshot.header:
            raise snapshot.record.no_grant(self.application)
        return snapshot

    def _has_usable(self) -> bool:
        return self._usable(self._snapshot.record, self.clock())
