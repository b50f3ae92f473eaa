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
from functools import partial
from http import HTTPStatus
from threading import Lock
from typing import ClassVar
from urllib.parse import urlencode, urlsplit

import requests

from requests_zohorecruit.sandbox import pages
from requests_zohorecruit.sandbox.accounts import split_scope
from requests_zohorecruit.sandbox.device import DEVICE_PATH, AccountsWithDevices, DeviceCode
from requests_zohorecruit.sandbox.faults import FAULTS, apply_fault, refuse_mint
from requests_zohorecruit.sandbox.fingerprints import Arrival, describe
from requests_zohorecruit.sandbox.grants import Holder, Ledger, TooManyMints
from requests_zohorecruit.sandbox.messages import Answer, Endpoint, Refused, Request, html, json_answer
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


def _read_wall_clock() -> float:
    # Looked up on every call, so that tools that freeze time can patch it.
    return time.time()


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
    """All data centres, and the controls of the sandbox; see also `Settings`. Safe to share between threads.

    :ivar region: the first of `regions`; its `code` is ``"sandbox"`` if it is the only one of a `Sandbox`
    :ivar regions: the data centres by name; pass the values to `Region.from_callback` as ``extra=``
    :ivar soid: of the organisation in `region`, for client credentials
    :ivar client: the first client, as `new_client` returns it
    :ivar person: the first person
    :ivar refresh_token: of a working grant with ample scopes
    :ivar ca_bundle: path of the certificate to trust, for ``verify=``; deleted when the sandbox stops
    :ivar redirect_uri: the first registered redirect URI
    :ivar elsewhere: a URL on the same server under another host name (``localhost``). It answers every request, with
        the status in ``?status=`` if given, and its requests are listed in `received`.
        A download with ``?redirect=<any URL>`` redirects to that URL.
    """

    FAULTS: ClassVar[tuple[str, ...]] = FAULTS

    ca_bundle: str

    def __init__(
        self,
        *,
        regions: Mapping[str, Region],
        elsewhere: str,
        redirect_uris: Sequence[str],
        clock: Callable[[], float] = _read_wall_clock,
        token_hex: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        # Client and person belong to the first region. `elsewhere` is its server's address under another host name.
        self._lock = Lock()
        self._clock, self._token_hex = clock, token_hex
        self.regions, self.elsewhere = dict(regions), elsewhere + _ELSEWHERE
        self._begin(redirect_uris)

    def _begin(self, redirect_uris: Sequence[str]) -> None:
        """Start over: a new client, person and grant, the initial records, counters, faults and settings.

        :param redirect_uris: those registered for the client
        :raises ValueError: there is no redirect URI, or a malformed one
        """
        registry = Registry(self.regions, self._token_hex)
        client, person = registry.add_client(redirect_uris), registry.add_person()
        codes: dict[str, DeviceCode] = {}
        with self._lock:
            Settings.__init__(self)
            self._registry, self.client, self.person = registry, client, person
            self._centres = {region.code: self._open_centre(region, codes) for region in self.regions.values()}
            self._faults: deque[str] = deque()
            self._received: list[Arrival] = []
            self._token_requests = self._device_requests = self._api_requests = 0
            self.region, self.soid = person.region, person.soid
            self.client_id, self.client_secret = client.client_id, client.secret_in(person.region.code)
            self.redirect_uri = client.redirect_uri
        self.refresh_token = self.new_grant()

    def handle(self, request: Request, code: str | None = None) -> Answer:
        """Answer a request. The caller carries out the answer's `Answer.delay` and `Answer.ending`.

        :param code: of the region that received it; None = the first
        """
        with self._lock:
            centre = self._centres[code or self.region.code]
            self._received.append(describe(request, self._registry.list_secrets(), centre.region.code))
            return self._route(request, centre)

    @property
    def received(self) -> list[Arrival]:
        """The requests received so far, in order, with secrets replaced by their `fingerprint`."""
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
            files = [centre.recruit.attachments.files for centre in self._centres.values()]
            return {file_id: file.content for each in files for file_id, file in each.items()}

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
        """Make the next `times` calls to an endpoint that issues tokens or device codes fail.

        :param name: one of `FAULTS`
        :raises ValueError: there is no such fault
        """
        if name not in FAULTS:
            raise ValueError(f"no fault is called {name!r}; there are: {', '.join(FAULTS)}")
        with self._lock:
            self._faults.extend([name] * times)

    def session(self) -> requests.Session:
        """Return a new session that trusts the sandbox's certificate and ignores proxies from the environment."""
        session = requests.Session()
        session.verify = self.ca_bundle
        session.trust_env = False
        return session

    def new_client(
        self,
        *,
        redirect_uris: Sequence[str] | None = None,
        regions: Sequence[str] | None = None,
        secret_per_region: bool = False,
    ) -> Client:
        """Register another client.

        :param redirect_uris: None = those of the first client
        :param regions: names of the data centres to enable it in; None = all
        :param secret_per_region: issue one secret per data centre; ``client_secret`` is a mapping then
        :raises ValueError: there is no redirect URI or a malformed one, or a data centre is unknown
        """
        with self._lock:
            uris = self.client.redirect_uris if redirect_uris is None else redirect_uris
            return self._registry.add_client(uris, names=regions, secret_per_region=secret_per_region)

    def new_person(self, *, region: str | None = None, name: str | None = None) -> Person:
        """Open another person's account. From then on the consent page asks who is signing in.

        :param region: name of the data centre of the account; None = the first
        :raises ValueError: there is no such data centre
        """
        with self._lock:
            return self._registry.add_person(region, name)

    def new_code(self, scope: str = AMPLE_SCOPE, *, client: Client | None = None, person: Person | None = None) -> str:
        """Return a self client's code, to be exchanged without a redirect URI.

        :param client: the client; None = the first
        :param person: the person who requested the code in the API console; None = the first
        :raises ValueError: client or person belong to another sandbox, or were made before `Sandbox.renew`
        """
        with self._lock:
            ledger, holder = self._home(person).ledger, self._hold(client, person)
            return ledger.make_code(split_scope(scope), holder, self.self_client_code_lifetime).value

    def new_grant(self, scope: str = AMPLE_SCOPE, *, client: Client | None = None, person: Person | None = None) -> str:
        """Return the refresh token of another grant, without minting. The parameters are those of `new_code`."""
        with self._lock:
            grant = self._home(person).ledger.open_grant(split_scope(scope), self._hold(client, person))
            return str(grant.refresh_token)

    def live_access_tokens(self, refresh_token: str | None = None) -> int:
        """Return the number of unexpired access tokens of a grant.

        :param refresh_token: identifies the grant; None = that of `refresh_token`
        """
        with self._lock:
            value = refresh_token or self.refresh_token
            return sum(centre.ledger.count_live(value) for centre in self._centres.values())

    def consent(self, authorization_url: str, *, accept: bool = True, person: Person | None = None) -> str:
        """Accept or reject on a person's behalf. Return the URL that their data centre redirects to.

        :param person: None = the first
        :raises ValueError: Zoho would have shown an error page
        """
        with self._lock:
            answer = self._click(authorization_url, person, accept=accept)
            if (answer.headers.get("Location") or "").startswith(self._home(person).region.authorize_url):
                answer = self._click(answer.headers["Location"], person, accept=accept)
        if answer.status != HTTPStatus.FOUND:
            raise ValueError("Zoho shows an error page for this authorization URL, and no redirect follows")
        return answer.headers["Location"]

    def confirm_device(self, user_code: str, *, accept: bool = True, person: Person | None = None) -> None:
        """Enter a device's code on a person's behalf, and accept or reject.

        :param person: None = the first
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
        if client is not None and self._registry.clients.get(client.client_id) != client:
            raise ValueError(_NOT_HERE)
        return Holder((client or self.client).client_id, (person or self.person).email)

    def _open_centre(self, region: Region, codes: dict[str, DeviceCode]) -> DataCentre:
        ledger = Ledger(self, clock=self._clock, token_hex=self._token_hex)
        accounts = AccountsWithDevices(region, ledger, self._registry, codes)
        recruit = Recruit(
            find_access=lambda token: None if self.reject_all else ledger.find_access(token),
            people=lambda: [person for person in self._registry.people if person.region == region],
            timestamp=self._timestamp,
            number=list(self.regions.values()).index(region),
        )
        return DataCentre(region, ledger, recruit, accounts.endpoints)

    def _route(self, request: Request, centre: DataCentre) -> Answer:
        address = request.method, request.path
        if address == _TOKEN_ENDPOINT or address in _DEVICE_ENDPOINTS:
            return self._answer_token(address, request, centre)
        if endpoint := centre.endpoints.get(address):
            return endpoint(request)
        if request.path.startswith("/recruit/"):
            self._api_requests += 1
            return _answer(centre.recruit.handle, request)
        if request.path.startswith(_ELSEWHERE):
            return _answer_elsewhere(request)
        return html(pages.render_problem("Page not found", "There is nothing at this address."), 404)

    def _answer_token(self, address: tuple[str, str], request: Request, centre: DataCentre) -> Answer:
        if address == _TOKEN_ENDPOINT:
            self._token_requests += 1
        else:
            self._device_requests += 1
        mint = partial(_answer, centre.endpoints[address], request)
        answer = apply_fault(self._faults.popleft(), mint, elsewhere=self.elsewhere) if self._faults else mint()
        return replace(answer, delay=self.token_delay)

    def _timestamp(self) -> str:
        return datetime.fromtimestamp(int(self._clock()), timezone.utc).isoformat()


def _answer(endpoint: Endpoint, request: Request) -> Answer:
    try:
        return endpoint(request)
    except Refused as refused:
        return refused.answer
    except TooManyMints:
        return refuse_mint()


def _answer_elsewhere(request: Request) -> Answer:
    """Answer as a host unrelated to Zoho, with the requested status or 200."""
    wanted = request.query_fields().get("status", "200")
    content = {"code": "INVALID_TOKEN", "message": "words of another host", "status": "error"}
    status = int(wanted) if re.fullmatch("[2-5][0-9][0-9]", wanted) else HTTPStatus.BAD_REQUEST
    return json_answer(content if status == HTTPStatus.UNAUTHORIZED else {"elsewhere": True}, status)
