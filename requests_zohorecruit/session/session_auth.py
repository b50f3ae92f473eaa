"""The engine behind an `OAuth2Session`: started from the token dict the session was given, and restarted by another.

Owns what "the session's token" means to `Refresher` and the signing of the session's requests; knows nothing of
authorization codes or of requests-oauthlib.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import requests

from requests_zohorecruit.auth.trusted_hosts import TrustedHosts
from requests_zohorecruit.auth.zoho_recruit_auth import ResponseHook, ZohoRecruitAuth, as_store
from requests_zohorecruit.engine.limits import LOCK_TIMEOUT
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.refresher import Refresher
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.stores import CallbackStore, TokenStore
from requests_zohorecruit.thread_locks import ForkSafeLock
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

__all__ = ["SessionAuth", "StoreArgument"]

StoreArgument: TypeAlias = TokenStore | Callable[[dict[str, Any]], object] | None


class SessionAuth(ZohoRecruitAuth):
    """What a session with the fix has as ``session.auth``: a `ZohoRecruitAuth` whose grant can be replaced.

    :param session: whose proxies, certificates and adapters calls to Zoho Accounts use
    :param store: as the fix got it
    :param saver: stands in for the store when `store` is None
    :param held: returns the token dict that the session's oauthlib client holds
    """

    _refresher: Refresher
    _mapping: Mapping[str, Any]

    def __init__(  # noqa: PLR0913 - it takes what the fix takes
        self,
        session: requests.Session,
        application: Application,
        *,
        store: StoreArgument,
        saver: Callable[[dict[str, Any]], object],
        held: Callable[[], Mapping[str, Any]],
        allowed_hosts: Iterable[str],
    ) -> None:
        allowed = allowed_hosts if isinstance(allowed_hosts, (str, bytes)) else tuple(allowed_hosts)
        self._hook = ResponseHook(self._handle_response)
        self.application = application
        self.hosts = self._hosts = TrustedHosts(application.region, allowed)
        self._session, self._endpoint = session, TokenEndpoint(application, session=session)
        self._arguments = (application, frozenset(allowed))
        self._store, self._saver, self._held = store, saver, held
        self._changing = ForkSafeLock()
        self._restart(Record())

    @property
    def refresher(self) -> Refresher:
        """The engine of the present grant."""
        return self._refresher

    def succeeded_by(self, successor: SessionAuth) -> SessionAuth:
        """Return which of the two a session goes on with when the fix is applied again: this one if nothing differs."""
        if successor._arguments == self._arguments and successor._store is self._store:
            return self
        if (successor.application.client_id, successor.region) == (self.application.client_id, self.region):
            successor._start(self._refresher.record)
        return successor

    def restart(self) -> None:
        """Go on with the token dict that the client holds; an empty one forgets what is in memory.

        :raises TokenStoreError: it belongs to another client or region, or its tokens cannot be tokens
        """
        with self._changing.hold(LOCK_TIMEOUT):
            self._restart(self._refresher.record)

    def notice(self) -> None:
        """Restart if the client has been given another token without the session knowing.

        flask-dance does that before each request: it loads the user's token from its storage into the client.
        """
        if self._held() is self._mapping:
            return
        with self._changing.hold(LOCK_TIMEOUT):
            held = self._record_held()
            if any(_tokens(held)) and _tokens(held) != _tokens(self._refresher.record):
                self._restart(self._refresher.record)
            else:
                self._mapping, self._shown = self._held(), held

    def token_dict(self) -> dict[str, Any]:
        """Return the current token as requests-oauthlib shows it: as it was given, or as it came from Zoho."""
        record = self._look()
        if (record.refresh_token, record.token) == (self._shown.refresh_token, self._shown.token):
            return dict(self._mapping)
        grant = {"refresh_token": str(record.refresh_token)} if record.refresh_token else {}
        return {**record.extra, **grant, **(record.token.to_dict() if record.token else {})}

    def authorized(self) -> bool:
        """Tell whether a request has a chance: a live token, or a grant that Zoho has not called dead."""
        record = self._look()
        if record.is_alive(self._refresher.grant.clock()) or record.refresh_token is None:
            return record.is_alive(self._refresher.grant.clock())
        failure = record.failure
        return not (
            failure and failure.is_dead_grant and failure.grant == self.application.fingerprint(record.refresh_token)
        )

    def get_endpoint(self, *, timeout: Any, verify: Any, proxies: Any, cert: Any) -> TokenEndpoint:
        """Return the session's way to Zoho Accounts, with these settings of requests for one call; None = as usual."""
        if (timeout, verify, proxies, cert) == (None, None, None, None):
            return self._endpoint
        session, once = self._session, requests.Session()
        once.trust_env, once.adapters = session.trust_env, session.adapters
        once.proxies = {**session.proxies, **(proxies or {})}
        once.verify = session.verify if verify is None else verify
        once.cert = session.cert if cert is None else cert
        return TokenEndpoint(self.application, session=once, **({} if timeout is None else {"timeout": timeout}))

    def secrets(self) -> tuple[str | None, ...]:
        """Return what must not be shown."""
        record = self._refresher.record
        return (self.application.client_secret, record.access_token, record.refresh_token)

    def _look(self) -> Record:
        """Return what is in hand, or what the store holds when there is nothing."""
        if not any(_tokens(self._refresher.record)):
            self._refresher.grant.read()
        return self._refresher.record

    def _restart(self, before: Record) -> None:
        self._mapping, self._shown = self._held(), self._record_held()
        given = self._shown
        if given.refresh_token == before.refresh_token:
            # Its mints and its cool-down still count, whoever hands it over again.
            given = replace(given.join(before), extra=given.extra)
        self._start(given)

    def _start(self, given: Record) -> None:
        store = as_store(self._saver if self._store is None else self._store, self._endpoint)
        if isinstance(store, CallbackStore) and any(_tokens(given)):
            store.remember(given.to_mapping(self.application))
        self._refresher = Refresher(self._endpoint, store, given)

    def _record_held(self) -> Record:
        return Record.from_mapping(self._held(), self.application)


def _tokens(record: Record) -> tuple[Secret | None, str | None]:
    return record.refresh_token, record.access_token
