"""Zoho as one state machine: a request goes in, an answer comes out.

Knows no sockets, servers or TLS; anything that can carry a `Request` to `Zoho.handle` can be its front.
"""

from __future__ import annotations

import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from http import HTTPStatus
from threading import Lock
from urllib.parse import urlsplit

from requests_zohorecruit.sandbox import pages
from requests_zohorecruit.sandbox.accounts import Accounts, Client, split_scope
from requests_zohorecruit.sandbox.faults import FAULTS, apply_fault, is_minting
from requests_zohorecruit.sandbox.fingerprints import Arrival, describe
from requests_zohorecruit.sandbox.grants import Ledger
from requests_zohorecruit.sandbox.messages import Answer, Request, html, json_answer
from requests_zohorecruit.sandbox.recruit import Recruit
from requests_zohorecruit.sandbox.settings import Settings

__all__ = ["AMPLE_SCOPE", "Zoho"]

AMPLE_SCOPE = "ZohoRecruit.modules.ALL,ZohoRecruit.settings.ALL,ZohoRecruit.users.ALL,ZohoRecruit.bulk.ALL"
_TOKEN_PATH = "/oauth/v2/token"  # noqa: S105 - a path
_ELSEWHERE = "/elsewhere"


class Zoho(Settings):
    """One data centre, one client, one person. Safe to share between threads.

    :param url: address of the accounts server and of the API, ``https://host:port``
    :param elsewhere: address of the same server under another host name: where redirects lead
    :param location: code of the region
    :param api_domain: named in token answers; None = `url`
    :param clock: the time now (epoch seconds)
    :param token_hex: `secrets.token_hex` or its double
    """

    def __init__(  # noqa: PLR0913 - all by name
        self,
        *,
        url: str,
        elsewhere: str,
        redirect_uris: tuple[str, ...],
        location: str = "sandbox",
        api_domain: str | None = None,
        clock: Callable[[], float] = time.time,
        token_hex: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._lock = Lock()
        self._clock = clock
        self.elsewhere = elsewhere + _ELSEWHERE
        self.client = Client(f"1000.{token_hex(15).upper()}", token_hex(21), redirect_uris)
        self._ledger = Ledger(self, clock=clock, token_hex=token_hex)
        self._accounts = Accounts(
            self._ledger, self.client, self, url=url, location=location, api_domain=api_domain or url
        )
        self._recruit = Recruit(scope_of=self._ledger.scope_of, timestamp=self._timestamp)
        self._endpoints: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/oauth/v2/auth"): self._accounts.authorize,
            ("POST", "/oauth/v2/auth"): self._accounts.authorize,
            ("POST", _TOKEN_PATH): self._token,
            ("POST", f"{_TOKEN_PATH}/revoke"): self._accounts.revoke,
            ("GET", "/oauth/serverinfo"): self._accounts.list_servers,
        }
        self._faults: deque[str] = deque()
        self._received: list[Arrival] = []
        self._token_requests = self._api_requests = 0

    def handle(self, request: Request) -> Answer:
        """Answer a request. What takes time in the answer (`Answer.delay`, `Answer.ending`) is left to the caller."""
        with self._lock:
            self._received.append(describe(request, self.client.client_secret))
            return self._route(request)

    @property
    def received(self) -> list[Arrival]:
        """What arrived so far, in order; see `requests_zohorecruit.sandbox.fingerprints.Arrival`."""
        with self._lock:
            return list(self._received)

    @property
    def token_requests(self) -> int:
        """How many calls the token endpoint got, faulty ones included."""
        return self._token_requests

    @property
    def api_requests(self) -> int:
        """How many calls the Recruit API got, refused ones included."""
        return self._api_requests

    @property
    def attachments(self) -> dict[str, bytes]:
        """Uploaded files by attachment id, oldest first."""
        with self._lock:
            return self._recruit.attachments.contents()

    def expire_tokens(self) -> None:
        """Make every live access token invalid, as if its hour were over."""
        with self._lock:
            self._ledger.expire_all()

    def reject_tokens(self) -> None:
        """Make the API refuse every access token issued so far, although unexpired."""
        with self._lock:
            self._ledger.reject_all()

    def fault(self, name: str, times: int = 1) -> None:
        """Make the next calls of the token endpoint fail.

        :raises ValueError: no such fault
        """
        if name not in FAULTS:
            raise ValueError(f"no fault is called {name!r}; there are: {', '.join(FAULTS)}")
        with self._lock:
            self._faults.extend([name] * times)

    def new_code(self, scope: str = AMPLE_SCOPE) -> str:
        """Return a code as the self-client page of the API console gives it, to be redeemed without redirect URI."""
        with self._lock:
            return self._ledger.make_self_client_code(split_scope(scope)).value

    def new_grant(self, scope: str = AMPLE_SCOPE) -> str:
        """Return the refresh token of another grant of the same person; nothing is minted."""
        with self._lock:
            return str(self._ledger.open_grant(split_scope(scope)).refresh_token)

    def live_access_tokens(self, refresh_token: str) -> int:
        """Return how many unexpired access tokens a grant has."""
        with self._lock:
            return self._ledger.count_live(refresh_token)

    def consent(self, authorization_url: str, accept: bool = True) -> str:  # noqa: FBT001, FBT002 - callers give its name
        """Click for the person: return the URL Zoho redirects to.

        :raises ValueError: Zoho would have shown an error page
        """
        url = urlsplit(authorization_url)
        headers = (("Content-Type", "application/x-www-form-urlencoded"),)
        click = Request("POST", url.path, url.query, headers, b"decision=accept" if accept else b"decision=reject")
        with self._lock:
            answer = self._accounts.authorize(click)
        if answer.status != HTTPStatus.FOUND:
            raise ValueError("Zoho shows an error page for this authorization URL, and no redirect follows")
        return answer.headers["Location"]

    def _route(self, request: Request) -> Answer:
        if endpoint := self._endpoints.get((request.method, request.path)):
            return endpoint(request)
        if request.path.startswith("/recruit/"):
            self._api_requests += 1
            return self._recruit.handle(request, reject_all=self.reject_all)
        if request.path.startswith(_ELSEWHERE):
            return _answer_elsewhere(request)
        return html(pages.render_problem("Page not found", "There is nothing at this address."), 404)

    def _token(self, request: Request) -> Answer:
        self._token_requests += 1
        name = self._faults.popleft() if self._faults else None
        answer = Answer(200) if name and not is_minting(name) else self._accounts.token(request)
        if name:
            answer = apply_fault(name, answer, elsewhere=self.elsewhere)
        return replace(answer, delay=self.token_delay)

    def _timestamp(self) -> str:
        return datetime.fromtimestamp(int(self._clock()), timezone.utc).isoformat()


def _answer_elsewhere(request: Request) -> Answer:
    """Answer as a host that has nothing to do with Zoho: with the status asked for, 200 by default."""
    wanted = request.query_fields().get("status", "200")
    content = {"code": "INVALID_TOKEN", "message": "words of another host", "status": "error"}
    status = int(wanted) if re.fullmatch("[2-5][0-9][0-9]", wanted) else HTTPStatus.BAD_REQUEST
    return json_answer(content if status == HTTPStatus.UNAUTHORIZED else {"elsewhere": True}, status)
