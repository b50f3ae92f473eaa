"""Device authorization: a code for a machine without a browser, which a person confirms on another device.

Implements Zoho's dialect of RFC 8628: milliseconds, its own error codes, and accounts in another data centre.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from requests_zohorecruit.sandbox import pages
from requests_zohorecruit.sandbox.accounts import Accounts, are_scopes, split_scope
from requests_zohorecruit.sandbox.grants import Code, Ledger
from requests_zohorecruit.sandbox.messages import Answer, Endpoint, Refused, Request, html, json_answer
from requests_zohorecruit.sandbox.registry import Person, Registry
from requests_zohorecruit.zoho.regions import Region

__all__ = ["DEVICE_PATH", "AccountsWithDevices", "DeviceCode"]

DEVICE_PATH = "/oauth/v3/device"


@dataclass
class DeviceCode:
    """A device code, and the decision about it.

    :ivar asked: the fields with which the device asked for access
    :ivar granted: who accepted, and the code that can be redeemed in their data centre
    :ivar polled: when the device last polled, by region code
    """

    value: str
    user_code: str
    client_id: str
    asked: Mapping[str, str]
    expires_at: float
    granted: tuple[Person, Code] | None = None
    rejected: bool = False
    polled: dict[str, float] = field(default_factory=dict)


class AccountsWithDevices(Accounts):
    """An accounts server with the device endpoints, and the page on which a person confirms.

    :param codes: of all data centres: a person may confirm in a different one than the device polls
    """

    def __init__(self, region: Region, ledger: Ledger, registry: Registry, codes: dict[str, DeviceCode]) -> None:
        super().__init__(region, ledger, registry)
        self._codes = codes

    @property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """The endpoints, by method and path."""
        return super().endpoints | {
            ("GET", DEVICE_PATH): self.decide,
            ("POST", DEVICE_PATH): self.decide,
            ("POST", f"{DEVICE_PATH}/code"): self.issue,
            ("POST", f"{DEVICE_PATH}/token"): self.poll,
        }

    def issue(self, request: Request) -> Answer:
        """Issue a device code and the user code that a person types."""
        fields = request.fields()
        client = self._registry.find_client(fields.get("client_id", ""), self._region)
        if client is None:
            return json_answer({"error": "invalid_client"})
        if fields.get("grant_type") != "device_request":
            return json_answer({"error": "unsupported_grant_type"})
        if not are_scopes(split_scope(fields.get("scope", ""))):
            return json_answer({"error": "invalid_scope"})
        lifetime, page = self._ledger.settings.device_code_lifetime, f"{self._region.accounts_url}{DEVICE_PATH}"
        value, user_code = self._ledger.make_value("1004"), self._ledger.token_hex(4).upper()
        self._codes[value] = DeviceCode(value, user_code, client.client_id, fields, self._ledger.clock() + lifetime)
        return json_answer(
            {
                "user_code": user_code,
                "device_code": value,
                "verification_url": page,
                "verification_uri_complete": f"{page}?user_code={user_code}",
                "interval": int(self._ledger.settings.device_interval * 1000),
                "expires_in": int(lifetime * 1000),
            }
        )

    def poll(self, request: Request) -> Answer:
        """Report the state of a device code and, once accepted, return the tokens, only once."""
        fields = request.fields()
        client = self._authenticate(fields)
        if fields.get("grant_type") != "device_token":
            return json_answer({"error": "unsupported_grant_type"})
        code = self._codes.get(fields.get("code", ""))
        if code is None or code.client_id != client.client_id:
            return json_answer({"error": "invalid_code"})
        answer = self._answer_token(*self._ledger.redeem(self._find_granted(code)), with_refresh_token=True)
        del self._codes[code.value]
        return answer

    def decide(self, request: Request) -> Answer:
        """Ask for the user code, show the consent page, or handle its buttons, in the person's data centre."""
        typed = request.fields().get("user_code")
        code = self._find_undecided(typed or "")
        if code is None:
            wrong = typed is not None
            return html(pages.render_code_entry(action=DEVICE_PATH, wrong=wrong), 400 if wrong else 200)
        client = self._registry.find_client(code.client_id, self._region)
        if client is None:
            return html(pages.render_problem("Error occurred", "This client does not exist in your data centre."), 400)
        shown = {"Code": code.user_code}
        decided = self._ask_person(request, client, asked=code.asked, facts=shown, fields={"user_code": code.user_code})
        if isinstance(decided, Answer):
            return decided
        person, accepted = decided
        if not accepted:
            code.rejected = True
            return html(pages.render_problem("Access denied", "The device is told so. You can close this page."))
        code.granted = person, self._make_code(code.asked, client, person)
        return html(pages.render_problem("Device connected", "You can close this page and go on at the device."))

    def _find_undecided(self, user_code: str) -> DeviceCode | None:
        typed, now = user_code.strip().upper(), self._ledger.clock()
        undecided = (code for code in self._codes.values() if not code.rejected and code.granted is None)
        return next((code for code in undecided if code.user_code == typed and now < code.expires_at), None)

    def _find_granted(self, code: DeviceCode) -> Code:
        """Return the code to redeem.

        :raises Refused: there is none yet, or never will be, or not here
        """
        now, last = self._ledger.clock(), code.polled.get(self._region.code)
        code.polled[self._region.code] = now
        if last is not None and now - last < self._ledger.settings.device_poll_pause:
            raise Refused(json_answer({"error": "slow_down"}))
        if code.rejected:
            raise Refused(json_answer({"error": "access_denied"}))
        if code.granted is None:
            raise Refused(json_answer({"error": "authorization_pending" if now < code.expires_at else "expired"}))
        person, granted = code.granted
        if person.region != self._region:
            raise Refused(json_answer({"user_location": person.region.code, "error": "other_dc"}))
        return granted
