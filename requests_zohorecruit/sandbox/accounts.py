"""Zoho Accounts: consent, tokens, revocation, in Zoho's words and with Zoho's oddities.

Knows the dialect (errors come with status 200, refresh answers carry no refresh token); limits are the ledger's.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import urlencode

from requests_zohorecruit.sandbox import pages
from requests_zohorecruit.sandbox.faults import refuse_mint
from requests_zohorecruit.sandbox.grants import AccessToken, Code, Grant, Ledger, TooManyMints
from requests_zohorecruit.sandbox.messages import Answer, Request, html, json_answer
from requests_zohorecruit.sandbox.settings import Settings

__all__ = ["Accounts", "Client", "split_scope"]

_SCOPE = re.compile(r"[A-Za-z]+(\.[A-Za-z_]+)*\.(ALL|READ|WRITE|CREATE|UPDATE|DELETE)", re.IGNORECASE)
_AUTHORIZATION_FIELDS = (
    "response_type", "client_id", "redirect_uri", "scope", "access_type", "prompt", "state",
    "code_challenge", "code_challenge_method",
)  # fmt: skip


@dataclass(frozen=True)
class Client:
    """The application as it was registered in the API console."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...]
    name: str = "Sample Application"

    def __repr__(self) -> str:
        return f"Client(client_id={self.client_id!r}, redirect_uris={self.redirect_uris!r})"


class Accounts:
    """One data centre's accounts server.

    :param url: its own address
    :param location: the code of its region
    :param api_domain: named in token answers
    """

    def __init__(  # noqa: PLR0913 - most by name
        self, ledger: Ledger, client: Client, settings: Settings, *, url: str, location: str, api_domain: str
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._settings = settings
        self._url = url
        self._location = location
        self._api_domain = api_domain

    def authorize(self, request: Request) -> Answer:
        """Show the consent page, or act on its buttons (``decision=accept`` or ``reject``)."""
        fields = request.query_fields() | request.form_fields()
        decision = fields.get("decision")
        fields = {name: fields[name] for name in _AUTHORIZATION_FIELDS if name in fields}
        if wrong := self._find_mistake(fields):
            return html(pages.render_problem("Error occurred", wrong), 400)
        if request.method != "POST" or decision not in {"accept", "reject"}:
            scope = split_scope(fields["scope"])
            page = pages.render_consent(
                application=self._client.name, region=self._location, scope=scope, fields=fields
            )
            return html(page)
        return Answer(302, {"Location": self._build_callback(fields, accepted=decision == "accept")})

    def token(self, request: Request) -> Answer:
        """Exchange a code, or refresh."""
        fields = request.query_fields() | request.form_fields()
        if not compare_digest(fields.get("client_id", "").encode(), self._client.client_id.encode()):
            return json_answer({"error": "invalid_client"})
        if not compare_digest(fields.get("client_secret", "").encode(), self._client.client_secret.encode()):
            return json_answer({"error": "invalid_client_secret"})
        try:
            if fields.get("grant_type") == "authorization_code":
                return self._exchange(fields)
            if fields.get("grant_type") == "refresh_token":
                return self._refresh(fields)
        except TooManyMints:
            return refuse_mint()
        return json_answer({"error": "unsupported_grant_type"})

    def revoke(self, request: Request) -> Answer:
        """Revoke the token named in the body, or in the query as Zoho's documentation has it."""
        fields = request.query_fields() | request.form_fields()
        if self._ledger.revoke(fields.get("token", "")):
            return json_answer({"status": "success"})
        return html(pages.render_problem("Error occurred", "The token is not valid."), 400)

    def list_servers(self, _: Request) -> Answer:
        """List the accounts servers of all regions: here there is one."""
        return json_answer({"result": "success", "locations": {self._location: self._url}})

    def _find_mistake(self, fields: Mapping[str, str]) -> str | None:
        scope = split_scope(fields.get("scope", ""))
        if fields.get("response_type") != "code":
            return "Invalid response type"
        if fields.get("client_id") != self._client.client_id:
            return "Invalid client: the client id does not exist, or not in this data center"
        if fields.get("redirect_uri") not in self._client.redirect_uris:
            return "Invalid redirect URI: it differs from those registered"
        if not scope or not all(_SCOPE.fullmatch(item) for item in scope):
            return "Invalid OAuth scope: scope does not exist"
        if fields.get("code_challenge_method", "plain") not in {"plain", "S256"}:
            return "Invalid code challenge method"
        return None

    def _build_callback(self, fields: Mapping[str, str], *, accepted: bool) -> str:
        state = {"state": fields["state"]} if "state" in fields else {}
        redirect_uri = fields["redirect_uri"]
        if accepted:
            challenge = fields.get("code_challenge")
            code = self._ledger.consent(
                split_scope(fields["scope"]),
                redirect_uri,
                offline=fields.get("access_type") == "offline",
                again=fields.get("prompt") == "consent",
                challenge=(fields.get("code_challenge_method", "plain"), challenge) if challenge else None,
            )
            query = {**state, "code": code.value, "location": self._location, "accounts-server": self._url}
        else:
            query = {"error": "access_denied", **state}
        return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(query)}"

    def _exchange(self, fields: Mapping[str, str]) -> Answer:
        code = self._ledger.find_code(fields.get("code", ""))
        if code is None or not _is_verified(code, fields.get("code_verifier", "")):
            return json_answer({"error": "invalid_code"})
        if code.redirect_uri is not None and fields.get("redirect_uri") != code.redirect_uri:
            return json_answer({"error": "invalid_redirect_uri"})
        grant, token = self._ledger.redeem(code)
        return self._answer_token(grant, token, {"refresh_token": grant.refresh_token} if grant.refresh_token else {})

    def _refresh(self, fields: Mapping[str, str]) -> Answer:
        grant = self._ledger.find_grant(fields.get("refresh_token", ""))
        if grant is None:
            return json_answer({"error": "invalid_code"})
        return self._answer_token(grant, self._ledger.mint(grant), {})

    def _answer_token(self, grant: Grant, token: AccessToken, extra: Mapping[str, str]) -> Answer:
        # Asked for with commas, echoed with spaces: clients that compare the two as strings lose the token.
        return json_answer(
            {
                "access_token": token.value,
                **extra,
                "scope": " ".join(grant.scope),
                "api_domain": self._api_domain,
                "token_type": "Bearer",
                "expires_in": self._settings.access_token_lifetime,
            }
        )


def split_scope(scope: str) -> tuple[str, ...]:
    """Split at commas, as documented, and at spaces, as they seem to work too."""
    return tuple(scope.replace(",", " ").split())


def _is_verified(code: Code, verifier: str) -> bool:
    if code.challenge is None:
        return True
    method, challenge = code.challenge
    if method == "S256":  # RFC 7636, section 4.6
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return compare_digest(verifier.encode(), challenge.encode())
