"""Refreshes a grant's access token once, however many threads, processes and hosts share it.

Decides which caller refreshes, which ones wait, and which ones use the current token. Knows nothing about API requests:
callers report rejected and accepted tokens. Locking is left to `critical_section`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

from requests_zohorecruit.engine.bookkeeping import Failure
from requests_zohorecruit.engine.critical_section import Memory, SharedGrant, logger, read_wall_clock
from requests_zohorecruit.engine.limits import LOCK_TIMEOUT, LOOK_AGAIN, PAUSE, PAUSE_WAIT, TRY_AGAIN, Budget
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.store_access import BusyError, BusyHereError
from requests_zohorecruit.errors import ThrottledError, TokenEndpointError, TokenStoreError, ZohoAuthError
from requests_zohorecruit.secret import fingerprint
from requests_zohorecruit.stores.base import TokenStore
from requests_zohorecruit.zoho.grants import Grant
from requests_zohorecruit.zoho.token import LONGEST_LIFETIME, Token
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

__all__ = ["Refresher"]


class Refresher:
    """Provides the grant's current access token, and makes sure that only one caller at a time replaces it.

    :param endpoint: where tokens are minted

    The other parameters are those of `SharedGrant`.
    """

    budget = Budget()

    def __init__(
        self,
        endpoint: TokenEndpoint,
        store: TokenStore,
        given: Record | None = None,
        *,
        clock: Callable[[], float] = read_wall_clock,
    ) -> None:
        self.endpoint = endpoint
        self.application = endpoint.application
        self.grant = SharedGrant(endpoint.application, store, given or Record(), clock)

    @property
    def record(self) -> Record:
        """The record in memory; no I/O."""
        return self.grant.memory.record

    @property
    def token(self) -> Token | None:
        """The current token; no I/O."""
        return self.record.token

    def get_header(self) -> str:
        """Return the value of the Authorization header, after a refresh if one is due."""
        return self.get_memory().header

    def get_memory(self) -> Memory:
        """Return the memory, with a token that may be sent, after a refresh if one is due."""
        grant = self.grant
        memory, now = grant.memory, grant.clock()
        if memory.next_look - LONGEST_LIFETIME < now < memory.next_look:
            return memory
        if not memory.record.is_alive(now):
            grant.read()
            memory = grant.memory
            if not memory.record.is_alive(now):
                # Fail now instead of queueing for the locks only to fail there.
                self._raise_if_hopeless(memory.record)
                self._obtain(self._is_alive, "expired" if memory.header else "missing")
                return self._get_memory_with_token()
        if now >= memory.next_look:
            self._refresh_without_waiting(now)
        # Meanwhile another thread may have adopted a dead token, or revoked the grant. The earlier token still works.
        renewed = grant.memory
        return renewed if renewed.record.is_alive(now) else memory

    def get_token(self, rejected: str | None) -> Token | None:
        """Return the token that a request would carry now: one other than `rejected`, or None during a pause.

        When the request was first sent is unknown here (see `pause`). So the pause begins if the rejected token was
        minted within the last minute and another one was rejected before.
        """
        if rejected is None:
            return self.get_memory().record.token
        if any(former != rejected for former in self.grant.memory.rejected):
            self.pause(rejected, "The API", since=self.grant.clock() - PAUSE)
        return self._get_memory_with_token().record.token if self.replace(rejected) else None

    def replace(self, rejected: str) -> str | None:
        """Return a header with a token other than the rejected one, or None during a pause.

        :raises ZohoAuthError: there is no other token, and none could be minted
        """
        grant = self.grant
        grant.reject(rejected)
        if not self._is_usable(self.record) and self._is_paused(self.record):
            grant.read()
        is_minted = False
        try:
            is_minted = self._obtain(lambda record: self._is_usable(record) or self._is_paused(record), "rejected")
        except TokenStoreError as error:
            if not self._is_usable(self.record):
                raise
            logger.warning("%s", error)
        memory = self._get_memory_with_token()
        # Not by the pause: it may just have ended, and the rejected token is still bad. But a token minted for this
        # rejection is sent even if Zoho returned the same one, so that its rejection begins a pause.
        if is_minted or self._is_usable(memory.record):
            return memory.header
        logger.debug("Access token %s was rejected; during the pause it is not replaced.", fingerprint(rejected))
        return None

    def pause(self, rejected: str, host: str, *, since: float = 0.0) -> bool:
        """Pause replacing rejected tokens, in every process, if a token minted as a replacement was rejected too.

        :param since: when the request was first sent, in epoch seconds. A token minted before that was only adopted,
            and is just another dead token (T78). One minted since then was minted in response to the rejection
        :return: whether it was minted since then
        """
        self.grant.reject(rejected)
        token, now = self.record.token, self.grant.clock()
        if token is None or token.access_token != rejected or token.expires_at - token.expires_in < since:
            return False

        def pause(record: Record) -> Record:
            return record if record.is_paused(now) else record.with_pause(now)

        if not self.grant.update(pause):
            return True
        logger.warning(
            "%s rejects freshly minted access tokens of region %s; rejected tokens are not replaced for a minute or "
            "more. The usual cause is an API host of another region than the grant's, or a user whose access to Zoho "
            "Recruit has ended.",
            host,
            self.application.region.code,
        )
        self.grant.share(pause, wait=PAUSE_WAIT)
        return True

    def end_pause(self) -> None:
        """End the pause, if there is one, because the API accepted a token."""
        if self.record.pause is not None and self.grant.update(Record.without_pause):
            logger.info("Pause ended (region %s): the API accepts a token again.", self.application.region.code)
            self.grant.share(Record.without_pause, wait=0.0)

    def refresh(self) -> Token:
        """Replace the current token as if it had been rejected, even during a pause; see `ZohoRecruitAuth.refresh`."""
        in_hand = self.record.access_token
        with self.grant.hold(LOCK_TIMEOUT):
            record = self.record
            if not self._is_usable(record) or record.access_token == in_hand:
                self._mint(record, "asked for")
        return cast("Token", self._get_memory_with_token().record.token)

    def adopt(self, token: Token, *, now: float) -> None:
        """Start using a grant that a person has just given, by an exchange at `now` (epoch seconds)."""
        self.grant.give(Record.from_exchange(token, now))
        with self.grant.hold(LOCK_TIMEOUT, claim=token.refresh_token is not None):
            self.grant.save()

    def revoke(self) -> None:
        """Revoke the grant at Zoho, then delete it from memory and from the store."""
        with self.grant.hold(LOCK_TIMEOUT):
            record = self.record
            if record.is_empty:
                raise record.no_grant(self.application)
            token = record.grant.choose_revocable(record.token) if record.grant else record.access_token
            if token is not None:
                self.endpoint.revoke(token)
            if self.grant.advance(record.without_grant(), instead_of=record):
                self.grant.save()

    def _obtain(self, is_good: Callable[[Record], bool], reason: str) -> bool:
        """Mint a token under the lock, unless another caller has provided a good one; return whether this call did."""
        if is_good(self.record):
            return False
        with self.grant.hold(LOCK_TIMEOUT, unless=lambda: is_good(self.record)) as needed:
            record = self.record
            if needed and not is_good(record):
                self._mint(record, reason)
                return True
        logger.debug("Nothing had to be minted (%s): another caller was first.", reason)
        return False

    def _refresh_without_waiting(self, now: float) -> None:
        """Refresh a stale token or retry a save, if both locks are free at once. Errors are logged, not raised."""
        grant = self.grant

        def is_replaced() -> bool:
            # Usually another process has refreshed already, so reading the store is enough.
            grant.read()
            return now < grant.memory.next_look

        try:
            with grant.hold(0, unless=is_replaced) as needed:
                record = self.record
                if needed and not record.is_fresh(now):
                    self._mint(record, "stale")
                elif needed and grant.memory.record != grant.memory.base:
                    grant.save()
        except BusyHereError:
            return  # without postponing the next check, or the thread with the lock might skip its refresh
        except BusyError as error:
            logger.debug("The live access token stays in use: %s.", error.message)
            grant.postpone_look(LOOK_AGAIN, part=0.5)
        except ZohoAuthError as error:
            failure = self.record.failure
            left = failure.cool_down.until - grant.clock() if failure else 0.0
            grant.postpone_look(max(TRY_AGAIN, getattr(error, "retry_after", 0.0), left))
            logger.warning("The access token stays in use although renewing or saving it failed: %s", error)

    def _mint(self, record: Record, reason: str) -> None:
        """Mint a token. The caller holds both locks and has just read `record`.

        :param reason: for the log
        """
        grant, clock = self.grant, self.grant.clock
        self._raise_if_hopeless(record)
        source = cast("Grant", record.grant)  # None would have raised just above
        # Recorded first: if this process dies while Zoho mints, the mint still counts against the budget.
        if not grant.advance(record.with_mint(clock(), self.budget), instead_of=record):
            return
        grant.save_if_possible()
        started = time.monotonic()
        try:
            token = self.endpoint.mint(source, record.token, now=clock())
        except ZohoAuthError as error:
            if not self._remember_failure(error, record):
                return
            raise
        # Adopted before it is logged and saved, so that the token is in use even if the store fails (T25) or saving is
        # interrupted (T72). The mint is dated when the answer arrived, which is never earlier than Zoho counts it.
        seconds, minted = time.monotonic() - started, record.with_mint(clock(), self.budget).with_token(token)
        is_adopted = grant.advance(minted.with_date(clock(), after=grant.memory.base), instead_of=record)
        self._log_mint(token, reason, seconds, record.failure)
        if is_adopted:
            grant.save()

    def _log_mint(self, token: Token, reason: str, seconds: float, failure: Failure | None) -> None:
        name, region = fingerprint(token.access_token), self.application.region.code
        expiry = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(token.expires_at))
        logger.info(
            "Access token %s minted in %.2f s (region %s, %s); expires %s.", name, seconds, region, reason, expiry
        )
        if failure is not None:
            logger.info("Cool-down ended (region %s): Zoho mints again.", region)

    def _remember_failure(self, error: ZohoAuthError, record: Record) -> bool:
        """Record why minting failed. Return whether `record` was still the current one."""
        grant, now = self.grant, self.grant.clock()
        failed = record.with_mint(now, self.budget).with_failure(error, now, self.application, record)
        if not grant.advance(failed, instead_of=record):
            return False
        grant.save_if_possible()
        failure = cast("Failure", failed.failure)
        seconds, region = failure.cool_down.seconds, self.application.region.code
        if not failure.is_dead_grant:
            logger.info("Cool-down of %.0f s begun (region %s): %s", seconds, region, error.message)
        if not isinstance(error, TokenEndpointError):
            grant.refuse(failure, record.access_token)
        if isinstance(error, ThrottledError):
            error.retry_after = seconds  # our own cool-down, which may be longer than Zoho's
        return True

    def _raise_if_hopeless(self, record: Record) -> None:
        access_token, failure = self.grant.memory.refusal or (None, None)
        grant = self.application.fingerprint(record.grant_identity)
        if failure and (access_token, failure.grant) == (record.access_token, grant):
            raise failure.to_error(self.application.region.code, failure.cool_down.until)
        obstacle = record.find_obstacle(self.grant.clock(), self.application, self.budget)
        if obstacle is not None:
            raise obstacle

    def _is_alive(self, record: Record) -> bool:
        return record.is_alive(self.grant.clock())

    def _is_paused(self, record: Record) -> bool:
        return record.is_paused(self.grant.clock())

    def _is_usable(self, record: Record) -> bool:
        return self._is_alive(record) and record.access_token not in self.grant.memory.rejected

    def _get_memory_with_token(self) -> Memory:
        """Return the memory. Raise if another thread has found the grant revoked meanwhile."""
        memory = self.grant.memory
        if not memory.header:
            raise memory.record.no_grant(self.application)
        return memory
