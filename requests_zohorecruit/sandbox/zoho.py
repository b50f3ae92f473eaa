"""Zoho as a state machine: a request goes in, an answer comes out.

Knows nothing about sockets, servers or TLS: any transport can pass a `Request` to `Zoho.handle`.
"""

from __future__ import annotations

import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from http import HTTPStatus
from threading import Lock
from urllib.parse import urlencode, urlsplit

from requests_zohorecruit.sandbox import pages
from requests_zohorecruit.sandbox.accounts import Accounts, split_scope
from requests_zohorecruit.sandbox.device import DEVICE_PATH, DeviceAuthorization, DeviceCodes
from requests_zohorecruit.sandbox.faults import FAULTS, apply_fault, is_minting
from requests_zohorecruit.sandbox.fingerprints import Arrival, describe
from requests_zohorecruit.sandbox.grants import Holder, Ledger
from requests_zohorecruit.sandbox.messages import Answer, Endpoint, Request, html, json_answer
from requests_zohorecruit.sandbox.recruit import Recruit
from requests_zohorecruit.sandbox.registry import Client, Person, Registry
from requests_zohorecruit.sandbox.settings import Settings
from requests_zohorecruit.zoho.regions import Region

__all__ = ["AMPLE_SCOPE", "Zoho"]

AMPLE_SCOPE = (
    "ZohoRecruit.modules.ALL,ZohoRecruit.settings.ALL,ZohoRecruit.users.ALL,ZohoRecruit.org.ALL,ZohoRecruit.bulk.ALL,"
    "ZohoSearch.securesearch.READ"
)
_ELSEWHERE = "/elsewhere"
_TOKEN_ENDPOINT = ("POST", "/oauth/v2/token")
_DEVICE_ENDPOINTS = {("POST", f"{DEVICE_PATH}/code"), ("POST", f"{DEVICE_PATH}/token")}
_NOT_HERE = "this client or person is not of this sandbox, or was made before renew()"


@dataclass(frozen=True)
class DataCentre:
    """One data centre: an accounts server, Recruit, and a ledger of its own.

    :ivar endpoints: of Zoho Accounts, by method and path
    """

    region: Region
    ledger: Ledger
    recruit: Recruit
    endpoints: Mapping[tuple[str, str], Endpoint]


class Zoho(Settings):
    """All data centres, with an initial client and person. Safe to share between threads.

    :param regions: the data centres by their names in the sandbox; client and person belong to the first
    :param elsewhere: address of the first one's server under another host name, the target of redirects
    :param redirect_uris: those registered for the client
    :param clock: returns epoch seconds
    :param token_hex: `secrets.token_hex` or a replacement
    """

    def __init__(
        self,
        *,
        regions: Mapping[str, Region],
        elsewhere: str,
        redirect_uris: Sequence[str],
        clock: Callable[[], float] = time.time,
        token_hex: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._lock = Lock()
        self._clock = clock
        self.elsewhere = elsewhere + _ELSEWHERE
        self._registry = Registry(regions, token_hex)
        self.client = self._registry.add_client(redirect_uris)
        self.person = self._registry.add_person()
        codes = DeviceCodes(clock=clock, token_hex=token_hex)
        self._centres = {region.code: self._open_centre(region, codes, token_hex) for region in regions.values()}
        self._faults: deque[str] = deque()
        self._received: list[Arrival] = []
        self._token_requests = self._device_requests = self._api_requests = 0

    def handle(self, request: Request, code: str | None = None) -> Answer:
        """Answer a request. The caller carries out the answer's `Answer.delay` and `Answer.ending`.

        :param code: of the region that received it; None = the first
        """
        with self._lock:
            centre = self._centres[code or self.person.region.code]
            self._received.append(describe(request, self._registry.list_secrets(), centre.region.code))
            return self._route(request, centre)

    @property
    def received(self) -> list[Arrival]:
        """The requests received so far, in order; see `requests_zohorecruit.sandbox.fingerprints.Arrival`."""
        with self._lock:
            return list(self._received)

    @property
    def token_requests(self) -> int:
        """The number of calls to the token endpoints (not the device endpoints), faulty ones included."""
        return self._token_requests

    @property
    def device_requests(self) -> int:
        """The number of calls to the device endpoints, faulty ones included."""
        return self._device_requests

    @property
    def api_requests(self) -> int:
        """The number of calls to the Recruit API, including refused ones."""
        return self._api_requests

    @property
    def attachments(self) -> dict[str, bytes]:
        """Uploaded files by attachment id, oldest first."""
        with self._lock:
            files = (centre.recruit.attachments.contents() for centre in self._centres.values())
            return {file_id: content for contents in files for file_id, content in contents.items()}

    def expire_tokens(self) -> None:
        """Expire every live access token, as if its hour were over."""
        with self._lock:
            for centre in self._centres.values():
                centre.ledger.expire_all()

    def reject_tokens(self) -> None:
        """Make the API refuse every access token issued so far, even though it has not expired."""
        with self._lock:
            for centre in self._centres.values():
                centre.ledger.reject_all()

    def fault(self, name: str, times: int = 1) -> None:
        """Make the next calls to the endpoints that issue tokens or device codes fail.

        :raises ValueError: there is no such fault
        """
        if name not in FAULTS:
            raise ValueError(f"no fault is called {name!r}; there are: {', '.join(FAULTS)}")
        with self._lock:
            self._faults.extend([name] * times)

    def new_client(
        self,
        redirect_uris: Sequence[str] | None = None,
        regions: Sequence[str] | None = None,
        secret_per_region: bool = False,  # noqa: FBT001, FBT002 - callers give its name
    ) -> Client:
        """Register another client."""
        with self._lock:
            uris = self.client.redirect_uris if redirect_uris is None else redirect_uris
            return self._registry.add_client(uris, names=regions, secret_per_region=secret_per_region)

    def new_person(self, region: str | None = None, name: str | None = None) -> Person:
        """Open another person's account."""
        with self._lock:
            return self._registry.add_person(region, name)

    def new_code(self, scope: str = AMPLE_SCOPE, client: Client | None = None, person: Person | None = None) -> str:
        """Return a code as the API console shows it for a self client, to be redeemed without a redirect URI."""
        with self._lock:
            return self._home(person).ledger.make_self_client_code(split_scope(scope), self._hold(client, person)).value

    def new_grant(self, scope: str = AMPLE_SCOPE, client: Client | None = None, person: Person | None = None) -> str:
        """Return the refresh token of another grant, without minting."""
        with self._lock:
            grant = self._home(person).ledger.open_grant(split_scope(scope), self._hold(client, person))
            return str(grant.refresh_token)

    def live_access_tokens(self, refresh_token: str) -> int:
        """Return the number of unexpired access tokens of a grant."""
        with self._lock:
            return sum(centre.ledger.count_live(refresh_token) for centre in self._centres.values())

    def consent(
        self,
        authorization_url: str,
        accept: bool = True,  # noqa: FBT001, FBT002 - callers give its name
        person: Person | None = None,
    ) -> str:
        """Accept or reject on a person's behalf, and return the URL Zoho redirects to.

        :raises ValueError: Zoho would have shown an error page
        """
        with self._lock:
            answer = self._click(authorization_url, person, accept=accept)
            if (answer.headers.get("Location") or "").startswith(self._home(person).region.authorize_url):
                answer = self._click(answer.headers["Location"], person, accept=accept)
        if answer.status != HTTPStatus.FOUND:
            raise ValueError("Zoho shows an error page for this authorization URL, and no redirect follows")
        return answer.headers["Location"]

    def confirm_device(
        self,
        user_code: str,
        accept: bool = True,  # noqa: FBT001, FBT002 - callers give its name
        person: Person | None = None,
    ) -> None:
        """Enter a device's code on a person's behalf, and accept or reject.

        :raises ValueError: Zoho would have shown an error page
        """
        with self._lock:
            query = urlencode({"user_code": user_code})
            page = f"{self._home(person).region.accounts_url}{DEVICE_PATH}?{query}"
            answer = self._click(page, person, accept=accept)
        if answer.status != HTTPStatus.OK:
            raise ValueError("Zoho shows an error page for this code: it is unknown, used or too old")

    def _click(self, page: str, person: Person | None, *, accept: bool) -> Answer:
        """Press a button on a page of an accounts server. A page on any other host counts as the first one's."""
        url = urlsplit(page)
        here = f"{url.scheme}://{url.netloc}"
        centre = next((each for each in self._centres.values() if each.region.accounts_url == here), self._home(None))
        headers = (("Content-Type", "application/x-www-form-urlencoded"),)
        form = urlencode({"decision": "accept" if accept else "reject", "person": (person or self.person).email})
        request = Request("POST", url.path, url.query, headers, form.encode())
        return self._route(request, centre)

    def _home(self, person: Person | None) -> DataCentre:
        who = person or self.person
        if who not in self._registry.people:
            raise ValueError(_NOT_HERE)
        return self._centres[who.region.code]

    def _hold(self, client: Client | None, person: Person | None) -> Holder:
        if client is not None and not self._registry.has_client(client):
            raise ValueError(_NOT_HERE)
        return Holder((client or self.client).client_id, (person or self.person).email)

    def _open_centre(self, region: Region, codes: DeviceCodes, token_hex: Callable[[int], str]) -> DataCentre:
        ledger = Ledger(self, clock=self._clock, token_hex=token_hex)
        accounts = Accounts(region, ledger, self._registry, self)
        device = DeviceAuthorization(region, ledger, self._registry, self, codes)
        number = list(self._registry.regions.values()).index(region)
        recruit = Recruit(
            find_access=ledger.find_access,
            people=lambda: [person for person in self._registry.people if person.region == region],
            timestamp=self._timestamp,
            number=number,
        )
        return DataCentre(region, ledger, recruit, {**accounts.endpoints, **device.endpoints})

    def _route(self, request: Request, centre: DataCentre) -> Answer:
        address = request.method, request.path
        if address == _TOKEN_ENDPOINT or address in _DEVICE_ENDPOINTS:
            return self._answer_token(address, request, centre)
        if endpoint := centre.endpoints.get(address):
            return endpoint(request)
        if request.path.startswith("/recruit/"):
            self._api_requests += 1
            return centre.recruit.handle(request, reject_all=self.reject_all)
        if request.path.startswith(_ELSEWHERE):
            return _answer_elsewhere(request)
        return html(pages.render_problem("Page not found", "There is nothing at this address."), 404)

    def _answer_token(self, address: tuple[str, str], request: Request, centre: DataCentre) -> Answer:
        if address == _TOKEN_ENDPOINT:
            self._token_requests += 1
        else:
            self._device_requests += 1
        name = self._faults.popleft() if self._faults else None
        answer = Answer(200) if name and not is_minting(name) else centre.endpoints[address](request)
        if name:
            answer = apply_fault(name, answer, elsewhere=self.elsewhere)
        return replace(answer, delay=self.token_delay)

    def _timestamp(self) -> str:
        return datetime.fromtimestamp(int(self._clock()), timezone.utc).isoformat()


def _answer_elsewhere(request: Request) -> Answer:
    """Answer as a host unrelated to Zoho, with the requested status or 200."""
    wanted = request.query_fields().get("status", "200")
    content = {"code": "INVALID_TOKEN", "message": "words of another host", "status": "error"}
    status = int(wanted) if re.fullmatch("[2-5][0-9][0-9]", wanted) else HTTPStatus.BAD_REQUEST
    return json_answer(content if status == HTTPStatus.UNAUTHORIZED else {"elsewhere": True}, status)
