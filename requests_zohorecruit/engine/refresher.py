"""The engine: one refresh, however many threads, processes and hosts share a grant.

Owns the rows of "what happens to a request": who refreshes, who waits, who goes on. Knows nothing of requests to the
API: its callers say which access token was rejected or accepted. The critical section is `sharedrecord`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import cast

from requests_zohorecruit.engine.memory import LOCK_TIMEOUT, TRY_AGAIN, Memory, SharedGrant, logger
from requests_zohorecruit.engine.record import Budget, Failure, Record
from requests_zohorecruit.engine.stored_record import BusyError, BusyHereError
from requests_zohorecruit.errors import ThrottledError, TokenEndpointError, TokenStoreError, ZohoAuthError
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.stores.base import TokenStore
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

__all__ = ["Refresher"]

#: Seconds that a caller with a 401 in hand waits to tell the others about it.
PAUSE_WAIT = 5.0
#: Seconds between two looks of one process at whether somebody else has replaced the token that still works; half of
#: what it has left to live, where that is less. Looking with every request would cost the requests that are not to
#: wait, and the store.
LOOK_AGAIN = 1.0


class Refresher:
    """Hands out one grant's current access token, and sees to it that somebody, once, renews it.

    :param accounts: how to ask Zoho
    :param store: where the grant is shared
    :param given: the grant to start from, with or without a token; see `records.met`
    :param clock: returns epoch seconds; wall time, since that is what processes and hosts have in common
    """

    budget = Budget()

    def __init__(
        self,
        accounts: TokenEndpoint,
        store: TokenStore,
        given: Record | None = None,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.accounts = accounts
        self.application = accounts.application
        self.shared = SharedGrant(accounts.application, store, given or Record(), clock)
        #: Access tokens the API has refused, so that none of them is taken from the store again.
        self._rejected: deque[str] = deque(maxlen=16)
        #: What Zoho said of the token in hand that only a person can change, whatever others may try.
        self._final: tuple[str | None, Failure] | None = None

    @property
    def record(self) -> Record:
        """What is known, without I/O."""
        return self.shared.memory.record

    @property
    def token(self) -> Token | None:
        """The token in hand, without I/O."""
        return self.record.token

    @property
    def resting(self) -> bool:
        """Whether rejected tokens are not being replaced at the moment, so that an accepted call is news."""
        return self.record.pause is not None

    def header(self) -> str:
        """Return the Authorization header's value, after whatever had to be done first."""
        memory, now = self.shared.memory, self.shared.clock()
        if now < memory.calm_until:
            return memory.header
        if not memory.record.alive(now):
            self.shared.read()
            memory = self.shared.memory
            if not memory.record.alive(now):
                # Before queueing for the locks, only to learn the same. Reading may have taken its time.
                self._raise_if_hopeless(memory.record, self.shared.clock())
                self._obtain(self._alive)
                return self._in_hand().header
        if now >= memory.calm_until:
            self._obtain_without_waiting(now)
        # What was alive a moment ago still is, even if somebody has put a dead token back, or revoked the grant since.
        renewed = self.shared.memory
        return (renewed if renewed.record.alive(now) else memory).header

    def replacement(self, rejected: str) -> str | None:
        """Return the header with another token than the rejected one, or None while replacing rests.

        :raises ZohoAuthError: there is none, and none could be had
        """
        self._rejected.append(rejected)
        if not self._usable(self.record) and self._paused(self.record):
            self.shared.read()
        try:
            if not (self._usable(self.record) or self._paused(self.record)):
                self._obtain(lambda record: self._usable(record) or self._paused(record))
        except TokenStoreError as error:
            if not self._usable(self.record):
                raise
            logger.warning("%s", error)
        return None if self._paused(self.record) and not self._usable(self.record) else self._in_hand().header

    def rejected_again(self, rejected: str, host: str) -> None:
        """Take note that the replacement was rejected too: from now on replacing rests for everybody."""
        self._rejected.append(rejected)
        now = self.shared.clock()

        def paused(record: Record) -> Record:
            return record if record.paused(now) else record.rejected_again(now)

        if not self.shared.change(paused):
            return
        logger.warning(
            "%s rejects freshly minted access tokens of region %s; rejected tokens are not replaced for a minute or "
            "more. The usual cause is an API host of another region than the grant's, or a user whose access to Zoho "
            "Recruit has ended.",
            host,
            self.application.region.code,
        )
        self.shared.share(paused, wait=PAUSE_WAIT)

    def accepted(self) -> None:
        """Take note that the API accepted a token: replacing rejected ones makes sense again."""
        if self.shared.change(Record.accepted):
            self.shared.share(Record.accepted, wait=0.0)

    def refresh(self) -> Token:
        """Replace the token in hand as if it had been rejected, whatever the pause; see `ZohoRecruitAuth.refresh`."""
        in_hand = self.record.access_token
        self._obtain(lambda record: self._usable(record) and record.access_token != in_hand)
        return cast("Token", self._in_hand().record.token)

    def adopt(self, token: Token, *, now: float) -> None:
        """Take over a grant that a person has just given, by an exchange at `now` (epoch seconds)."""
        # In memory before anything can go wrong: a code can't be exchanged twice.
        self.shared.give(self.record.given(token, now))
        # What is stored at this moment has to give way, even if saving succeeds later only; what comes later has not.
        self.shared.read()
        with self.shared.exclusive(LOCK_TIMEOUT, claim=True):
            self.shared.save()

    def revoke(self) -> None:
        """Revoke the grant at Zoho, then forget it here and in the store."""
        with self.shared.exclusive(LOCK_TIMEOUT):
            record = self.record
            token = record.refresh_token or record.access_token
            if token is None:
                raise record.no_grant(self.application)
            self.accounts.revoke(token)
            if self.shared.advance(record.revoked(), instead_of=record):
                self.shared.save()

    def _obtain(self, good: Callable[[Record], bool]) -> None:
        """Wait for the one refresh, unless somebody has got by then what is good enough."""
        with self.shared.exclusive(LOCK_TIMEOUT, unless=lambda: good(self.record)) as needed:
            record = self.record
            if needed and not good(record):
                self._mint(record)

    def _obtain_without_waiting(self, now: float) -> None:
        """Stale, or a save is due: whoever gets the locks at once does it, and no caller pays for a failure."""
        shared = self.shared

        def replaced() -> bool:
            # Most of those who share the grant need no more than to read what one of them has got.
            shared.read()
            return now < shared.memory.calm_until

        try:
            with shared.exclusive(0, unless=replaced) as needed:
                record = self.record
                if needed and not record.fresh(now):
                    self._mint(record)
                elif needed and shared.memory.record != shared.memory.base:
                    shared.save()
        except BusyHereError:
            return  # without a rest, which that other thread would take for a reason to do nothing itself
        except BusyError:
            shared.rest(LOOK_AGAIN, part=0.5)
        except ZohoAuthError as error:
            failure = self.record.failure
            left = failure.wait.until - shared.clock() if failure else 0.0
            shared.rest(max(TRY_AGAIN, getattr(error, "retry_after", 0.0), left))
            logger.warning("The access token stays in use although renewing or saving it failed: %s", error)

    def _mint(self, record: Record) -> None:
        """Ask Zoho for a token. Both locks are held and `record` has just been read."""
        shared, clock = self.shared, self.shared.clock
        self._raise_if_hopeless(record, clock())
        grant = cast("Secret", record.refresh_token)  # without one it would have been hopeless
        # Written down first: if this process dies while Zoho mints, the budget still knows.
        if not shared.advance(record.asking(clock(), self.budget), instead_of=record):
            return
        shared.note()
        try:
            token = self.accounts.refresh(record.token, grant, now=clock())
        except ZohoAuthError as error:
            failed = record.asking(clock(), self.budget).failed(error, clock(), self.application, record)
            if not shared.advance(failed, instead_of=record):
                return
            shared.note()
            if failed.failure and not isinstance(error, TokenEndpointError):
                self._final = (record.access_token, failed.failure)
            if isinstance(error, ThrottledError) and failed.failure:
                error.retry_after = failed.failure.wait.seconds  # longer each time, whatever Zoho said
            raise
        # Adopted before it is saved: whatever the store does now, the token is in use (T25). The mint is dated when the
        # answer came: Zoho counts it from some moment before that.
        if shared.advance(record.asking(clock(), self.budget).minted(token), instead_of=record):
            shared.save()

    def _raise_if_hopeless(self, record: Record, now: float) -> None:
        if self._final and self._final[0] == record.access_token:
            failure = self._final[1]
            if failure.grant == self.application.fingerprint(record.refresh_token):
                raise failure.error_now(self.application.region.code, failure.wait.until)
        obstacle = record.obstacle(now, self.application, self.budget)
        if obstacle is not None:
            raise obstacle

    def _alive(self, record: Record) -> bool:
        return record.alive(self.shared.clock())

    def _paused(self, record: Record) -> bool:
        return record.paused(self.shared.clock())

    def _usable(self, record: Record) -> bool:
        return self._alive(record) and record.access_token not in self._rejected

    def _in_hand(self) -> Memory:
        """Return what is in memory, which another thread may just have found revoked."""
        memory = self.shared.memory
        if not memory.header:
            raise memory.record.no_grant(self.application)
        return memory
