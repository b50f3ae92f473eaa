"""Device authorization: a code for a machine without a browser, which a person confirms on another device.

Implements Zoho's dialect of RFC 8628: milliseconds, its own error codes, and accounts in another data centre.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from requests_zohorecruit.sandbox import pages
from requests_zohorecruit.sandbox.accounts import AccountsServer, are_scopes, split_scope
from requests_zohorecruit.sandbox.faults import refuse_mint
from requests_zohorecruit.sandbox.grants import Code, Holder, Ledger, TooManyMints
from requests_zohorecruit.sandbox.messages import Answer, Endpoint, Request, html, json_answer
from requests_zohorecruit.sandbox.registry import Client, Person, Registry
from requests_zohorecruit.sandbox.settings import Settings
from requests_zohorecruit.zoho.regions import Region

__all__ = ["DEVICE_PATH", "DeviceAuthorization", "DeviceCodes"]

DEVICE_PATH = "/oauth/v3/device"


@dataclass
class DeviceCode:
    """A device code, and the decision about it.

    :ivar granted: who accepted, and the code that can be redeemed in their data centre
    :ivar polled: when the device last polled, by region code
    """

    value: str
    user_code: str
    client_id: str
    scope: tuple[str, ...]
    offline: bool
    again: bool
    expires_at: float
    granted: tuple[Person, Code] | None = None
    rejected: bool = False
    polled: dict[str, float] = field(default_factory=dict)


class DeviceCodes:
    """The device codes of all data centres: a person may confirm in a different one than the device polls."""

    def __init__(self, *, clock: Callable[[], float], token_hex: Callable[[int], str]) -> None:
        self.clock = clock
        self._token_hex = token_hex
        self._codes: dict[str, DeviceCode] = {}

    def issue(
        self, client_id: str, scope: tuple[str, ...], *, offline: bool, again: bool, lifetime: float
    ) -> DeviceCode:
        """Return a new device code."""
        value, user_code = f"1004.{self._token_hex(16)}.{self._token_hex(16)}", self._token_hex(4).upper()
        self._codes[value] = code = DeviceCode(
            value, user_code, client_id, scope, offline, again, self.clock() + lifetime
        )
        return code

    def find(self, value: str, client_id: str) -> DeviceCode | None:
        """Return the device code with this value that was issued to this client, if any."""
        code = self._codes.get(value)
        return code if code and code.client_id == client_id else None

    def find_undecided(self, user_code: str) -> DeviceCode | None:
        """Return the undecided device code with this user code."""
        typed = user_code.strip().upper()
        undecided = (code for code in self._codes.values() if code.user_code == typed and not code.rejected)
        return next((code for code in undecided if code.granted is None and self.clock() < code.expires_at), None)

    def discard(self, code: DeviceCode) -> None:
        """Delete a device code that has been exchanged for tokens."""
        del self._codes[code.value]


class DeviceAuthorization(AccountsServer):
    """One data centre's device endpoints, and the page on which a person confirms."""

    def __init__(
        self, region: Region, ledger: Ledger, registry: Registry, settings: Settings, codes: DeviceCodes
    ) -> None:
        super().__init__(region, ledger, registry, settings)
        self._codes = codes

    @property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """The endpoints, by method and path."""
        return {
            ("GET", DEVICE_PATH): self.decide,
            ("POST", DEVICE_PATH): self.decide,
            ("POST", f"{DEVICE_PATH}/code"): self.issue,
            ("POST", f"{DEVICE_PATH}/token"): self.poll,
        }

    def issue(self, request: Request) -> Answer:
        """Issue a device code and the user code that a person types."""
        fields = request.query_fields() | request.form_fields()
        client = self._registry.find_client(fields.get("client_id", ""), self._region)
        scope = split_scope(fields.get("scope", ""))
        if client is None:
            return json_answer({"error": "invalid_client"})
        if fields.get("grant_type") != "device_request":
            return json_answer({"error": "unsupported_grant_type"})
        if not are_scopes(scope):
            return json_answer({"error": "invalid_scope"})
        lifetime, page = self._settings.device_code_lifetime, f"{self._region.accounts_url}{DEVICE_PATH}"
        offline, again = fields.get("access_type") == "offline", fields.get("prompt") == "consent"
        code = self._codes.issue(client.client_id, scope, offline=offline, again=again, lifetime=lifetime)
        return json_answer(
            {
                "user_code": code.user_code,
                "device_code": code.value,
                "verification_url": page,
                "verification_uri_complete": f"{page}?user_code={code.user_code}",
                "interval": int(self._settings.device_interval * 1000),
                "expires_in": int(lifetime * 1000),
            }
        )

    def poll(self, request: Request) -> Answer:
        """Report the state of a device code and, once accepted, return the tokens, only once."""
        fields = request.query_fields() | request.form_fields()
        client = self._authenticate(fields)
        if isinstance(client, Answer):
            return client
        if fields.get("grant_type") != "device_token":
            return json_answer({"error": "unsupported_grant_type"})
        code = self._codes.find(fields.get("code", ""), client.client_id)
        if code is None:
            return json_answer({"error": "invalid_code"})
        granted = self._find_granted(code)
        if isinstance(granted, Answer):
            return granted
        try:
            answer = self._answer_token(*self._ledger.redeem(granted), with_refresh_token=True)
        except TooManyMints:
            return refuse_mint()
        self._codes.discard(code)
        return answer

    def decide(self, request: Request) -> Answer:
        """Ask for the user code, show the consent page, or handle its buttons, in the person's data centre."""
        sent = request.query_fields() | request.form_fields()
        code = self._codes.find_undecided(sent.get("user_code", ""))
        if code is None:
            wrong = "user_code" in sent
            return html(pages.render_code_entry(action=DEVICE_PATH, wrong=wrong), 400 if wrong else 200)
        person = self._sign_in(sent.get("person"), DEVICE_PATH, {"user_code": code.user_code})
        if isinstance(person, Answer):
            return person
        client = self._registry.find_client(code.client_id, self._region)
        if client is None:
            return html(pages.render_problem("Error occurred", "This client does not exist in your data center."), 400)
        decision = sent.get("decision") if request.method == "POST" else None
        if decision not in {"accept", "reject"}:
            return self._show_consent(code, client, person)
        if decision == "reject":
            code.rejected = True
            return html(pages.render_problem("Access denied", "The device is told so. You can close this page."))
        holder = Holder(client.client_id, person.email)
        code.granted = person, self._ledger.consent(code.scope, holder, offline=code.offline, again=code.again)
        return html(pages.render_problem("Device connected", "You can close this page and go on at the device."))

    def _find_granted(self, code: DeviceCode) -> Code | Answer:
        now, last = self._codes.clock(), code.polled.get(self._region.code)
        code.polled[self._region.code] = now
        if last is not None and now - last < self._settings.device_poll_pause:
            return json_answer({"error": "slow_down"})
        if code.rejected:
            return json_answer({"error": "access_denied"})
        if code.granted is None:
            return json_answer({"error": "authorization_pending" if now < code.expires_at else "expired"})
        person, granted = code.granted
        if person.region != self._region:
            return json_answer({"user_location": person.region.code, "error": "other_dc"})
        return granted

    def _show_consent(self, code: DeviceCode, client: Client, person: Person) -> Answer:
        page = pages.render_consent(
            application=client.name,
            scope=code.scope,
            lasting=code.offline,
            facts={
                "Code": code.user_code,
                "Signed in": person.email,
                "Region": self._region.code,
                "Client": client.client_id,
            },
            action=DEVICE_PATH,
            fields={"user_code": code.user_code, "person": person.email},
        )
        return html(page)
