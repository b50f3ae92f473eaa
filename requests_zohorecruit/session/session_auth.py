"""The engine behind an `OAuth2Session`: started from the session's token dict, and restarted when that changes.

Maps the session's token to a `Refresher` and signs the session's requests. Knows nothing about authorization codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from requests_oauthlib import OAuth2Session

from requests_zohorecruit.auth.response_hook import ResponseHook
from requests_zohorecruit.auth.store_argument import choose_store
from requests_zohorecruit.auth.trusted_hosts import TrustedHosts
from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.engine.limits import LOCK_TIMEOUT
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.engine.refresher import Refresher
from requests_zohorecruit.stores import CallbackStore, TokenStore
from requests_zohorecruit.thread_locks import ThreadLock
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.call_session import copy_session
from requests_zohorecruit.zoho.grants import Grant
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

if TYPE_CHECKING:
    from oauthlib.oauth2 import Client

__all__ = ["SessionAuth", "StoreArgument"]

_NOTHING: Mapping[str, Any] = {}
StoreArgument: TypeAlias = TokenStore | Callable[[dict[str, Any]], object] | None


class SessionAuth(ZohoRecruitAuth):
    """The ``session.auth`` of a session with the fix: a `ZohoRecruitAuth` whose grant can be replaced.

    :param session: calls to Zoho Accounts use its proxies, certificates and adapters
    :param store: as passed to the fix; None = the session's own ``token_updater``, if it has one
    """

    _refresher: Refresher
    _mapping: Mapping[str, Any]

    def __init__(
        self, session: OAuth2Session, application: Application, *, store: StoreArgument, allowed_hosts: Iterable[str]
    ) -> None:
        allowed = allowed_hosts if isinstance(allowed_hosts, (str, bytes)) else tuple(allowed_hosts)
        self._hook = ResponseHook(self)
        self.application = application
        self.hosts = self._hosts = TrustedHosts(application.region, allowed)
        self._session, self._endpoint = session, TokenEndpoint(application, session=session)
        self._arguments = (application, frozenset(allowed))
        self._store = store
        self._changing = ThreadLock()
        self._restart(Record())

    @property
    def refresher(self) -> Refresher:
        """The engine of the current grant."""
        return self._refresher

    def choose_successor(self, successor: SessionAuth) -> SessionAuth:
        """Return the auth object to use when the fix is applied again: this one if its arguments are the same."""
        if successor._arguments == self._arguments and successor._store is self._store:
            return self
        if (successor.application.client_id, successor.region) == (self.application.client_id, self.region):
            successor._start(self._refresher.record)
        return successor

    def restart(self) -> None:
        """Restart from the client's token dict. An empty one clears memory.

        :raises TokenStoreError: it belongs to another client or region, or its tokens are malformed
        """
        with self._changing.hold(LOCK_TIMEOUT):
            self._restart(self._refresher.record)

    def notice_change(self) -> None:
        """Restart if the client's token was changed without the session's knowledge.

        flask-dance does that before each request: it loads the user's token from its storage into the client.
        """
        if self._get_client_token() is self._mapping:
            return
        with self._changing.hold(LOCK_TIMEOUT):
            held = self._read_client_token()
            if any(_list_tokens(held)) and _list_tokens(held) != _list_tokens(self._refresher.record):
                self._restart(self._refresher.record)
            else:
                self._mapping, self._shown = self._get_client_token(), held

    def get_token_dict(self) -> dict[str, Any]:
        """Return the current token dict in requests-oauthlib's format: as it was given, or as Zoho sent it."""
        record = self._read_record()
        if (record.grant, record.token) == (self._shown.grant, self._shown.token):
            return dict(self._mapping)
        grant = record.grant.to_mapping() if record.grant else {}
        return {**record.extra, **grant, **(record.token.to_dict() if record.token else {})}

    def is_authorized(self) -> bool:
        """Return whether a request can succeed: there is a live token, or a grant that Zoho has not reported dead."""
        record = self._read_record()
        alive = record.is_alive(self._refresher.grant.clock())
        if alive or record.grant is None:
            return alive
        # Another grant's failure does not count.
        grant = self.application.fingerprint(record.grant_identity)
        return not (record.failure and record.failure.is_dead_grant and record.failure.grant == grant)

    def get_endpoint(self, *, timeout: Any, verify: Any, proxies: Any, cert: Any) -> TokenEndpoint:
        """Return the token endpoint, with these settings of requests for one call; None = the session's own setting."""
        session = copy_session(self._session)
        session.proxies = {**session.proxies, **(proxies or {})}
        session.verify = session.verify if verify is None else verify
        session.cert = session.cert if cert is None else cert
        return TokenEndpoint(self.application, session=session, **({} if timeout is None else {"timeout": timeout}))

    def secrets(self) -> tuple[str | None, ...]:
        """Return the values that must not appear in logs."""
        record = self._refresher.record
        return (self.application.client_secret, record.access_token, record.grant_identity)

    def _read_record(self) -> Record:
        """Return the record in memory, or the store's if memory has no token."""
        if not any(_list_tokens(self._refresher.record)):
            self._refresher.grant.read()
        return self._refresher.record

    def _restart(self, before: Record) -> None:
        self._mapping, self._shown = self._get_client_token(), self._read_client_token()
        given = self._shown
        if given.grant == before.grant:
            # The same grant again: keep its mints and its cool-down.
            given = replace(given.join(before), extra=given.extra)
        self._start(given)

    def _start(self, given: Record) -> None:
        argument = self._update_session if self._store is None else self._store
        store = choose_store(argument, longest_call=self._endpoint.longest_call)
        if isinstance(store, CallbackStore) and any(_list_tokens(given)):
            store.remember(given.to_mapping(self.application))
        self._refresher = Refresher(self._endpoint, store, given)

    def _read_client_token(self) -> Record:
        return Record.from_mapping(self._get_client_token(), self.application)

    def _get_client_token(self) -> Mapping[str, Any]:
        """Return the token dict of the session's oauthlib client; the same object until the token changes."""
        client: Client = self._session._client  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way
        return client.token or _NOTHING

    def _update_session(self, record: dict[str, Any]) -> None:
        """Call the session's current ``token_updater``, if it has one."""
        if self._session.token_updater:
            self._session.token_updater(record)


def _list_tokens(record: Record) -> tuple[Grant | None, str | None]:
    return record.grant, record.access_token
