"""Zoho Accounts: consent, tokens and revocation, with Zoho's messages and quirks.

Implements the dialect (errors with status 200, refresh responses without a refresh token). The ledger enforces limits.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from hmac import compare_digest
from urllib.parse import urlencode

from requests_zohorecruit.sandbox import pages
from requests_zohorecruit.sandbox.grants import AccessToken, Code, Grant, Holder, Ledger
from requests_zohorecruit.sandbox.messages import Answer, Endpoint, Refused, Request, html, json_answer
from requests_zohorecruit.sandbox.registry import Client, Person, Registry
from requests_zohorecruit.zoho.regions import Region

__all__ = ["Accounts", "are_scopes", "split_scope"]

_SCOPE = re.compile(r"[A-Za-z]+(\.[A-Za-z_]+)*\.(ALL|READ|WRITE|CREATE|UPDATE|DELETE)", re.IGNORECASE)
_AUTHORIZE_PATH = "/oauth/v2/auth"
_AUTHORIZATION_FIELDS = (
    "response_type", "client_id", "redirect_uri", "scope", "access_type", "prompt", "state",
    "code_challenge", "code_challenge_method",
)  # fmt: skip


class Accounts:
    """One data centre's consent page and token endpoint."""

    def __init__(self, region: Region, ledger: Ledger, registry: Registry) -> None:
        self._region = region
        self._ledger = ledger
        self._registry = registry

    @property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """The endpoints, by method and path."""
        return {
            ("GET", _AUTHORIZE_PATH): self.authorize,
            ("POST", _AUTHORIZE_PATH): self.authorize,
            ("POST", "/oauth/v2/token"): self.token,
            ("POST", "/oauth/v2/token/revoke"): self.revoke,
            ("GET", "/oauth/serverinfo"): self.list_servers,
        }

    def authorize(self, request: Request) -> Answer:
        """Show the consent page, or handle its buttons (``decision=accept`` or ``reject``).

        A person whose account is in another data centre is redirected there first.
        """
        sent = request.fields()
        fields = {name: sent[name] for name in _AUTHORIZATION_FIELDS if name in sent}
        client = self._registry.find_client(fields.get("client_id", ""), self._region)
        if client is None:
            return _refuse("Invalid client: the client id does not exist, or not in this data centre")
        if wrong := _find_mistake(fields, client):
            return _refuse(wrong)
        facts = {"Returns to": fields["redirect_uri"]}
        decided = self._ask_person(request, client, asked=fields, facts=facts, fields=fields)
        if isinstance(decided, Answer):
            return decided
        person, accepted = decided
        state = {"state": fields["state"]} if "state" in fields else {}
        if accepted:
            code = self._make_code(fields, client, person)
            there = {"location": self._region.code, "accounts-server": self._region.accounts_url}
            query = {**state, "code": code.value, **there}
        else:
            query = {"error": "access_denied", **state}
        redirect_uri = fields["redirect_uri"]
        return Answer(302, {"Location": f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(query)}"})

    def token(self, request: Request) -> Answer:
        """Exchange a code, refresh, or mint for client credentials."""
        fields = request.fields()
        client = self._authenticate(fields)
        grants: dict[str, Callable[[Client, Mapping[str, str]], Answer]] = {
            "authorization_code": self._exchange,
            "refresh_token": self._refresh,
            "client_credentials": self._trust_client,
        }
        serve = grants.get(fields.get("grant_type", ""))
        return serve(client, fields) if serve else json_answer({"error": "unsupported_grant_type"})

    def revoke(self, request: Request) -> Answer:
        """Revoke the token named in the body, or in the query as Zoho's documentation has it."""
        if self._ledger.revoke(request.fields().get("token", "")):
            return json_answer({"status": "success"})
        return _refuse("The token is not valid.")

    def list_servers(self, _: Request) -> Answer:
        """List the accounts servers of all regions."""
        locations = {region.code: region.accounts_url for region in self._registry.regions.values()}
        return json_answer({"result": "success", "locations": locations})

    def _authenticate(self, fields: Mapping[str, str]) -> Client:
        """Return the client.

        :raises Refused: it is unknown here, or its secret is wrong
        """
        client = self._registry.find_client(fields.get("client_id", ""), self._region)
        if client is None:
            raise Refused(json_answer({"error": "invalid_client"}))
        secret = client.secret_in(self._region.code)
        if not compare_digest(fields.get("client_secret", "").encode(), secret.encode()):
            raise Refused(json_answer({"error": "invalid_client_secret"}))
        return client

    def _ask_person(
        self,
        request: Request,
        client: Client,
        *,
        asked: Mapping[str, str],
        facts: Mapping[str, str],
        fields: Mapping[str, str],
    ) -> tuple[Person, bool] | Answer:
        """Return who has decided, and whether they accepted.

        Before that, return the sign-in page, a redirect to the person's own data centre, or the consent page.

        :param asked: the fields with which the program asked for access
        :param fields: those to be passed on
        """
        sent = request.fields()
        person = self._registry.find_person(sent.get("person"))
        if person is None:
            people = [(each.name, each.email, each.region.code) for each in self._registry.people]
            return html(pages.render_sign_in(people=people, action=request.path, fields=fields))
        fields = {**fields, "person": person.email}
        if person.region != self._region:
            return Answer(302, {"Location": f"{person.region.accounts_url}{request.path}?{urlencode(fields)}"})
        decision = sent.get("decision") if request.method == "POST" else None
        if decision in {"accept", "reject"}:
            return person, decision == "accept"
        page = pages.render_consent(
            application=client.name,
            scope=split_scope(asked["scope"]),
            lasting=asked.get("access_type") == "offline",
            facts={**facts, "Signed in": person.email, "Region": self._region.code, "Client": client.client_id},
            action=request.path,
            fields=fields,
        )
        return html(page)

    def _answer_token(self, grant: Grant, token: AccessToken, *, with_refresh_token: bool = False) -> Answer:
        extra = {"refresh_token": grant.refresh_token} if with_refresh_token and grant.refresh_token else {}
        # Zoho expects commas and echoes spaces: clients that compare the two as strings lose the token.
        return json_answer(
            {
                "access_token": token.value,
                **extra,
                "scope": " ".join(grant.scope),
                "api_domain": self._region.api_domain,
                "token_type": "Bearer",
                "expires_in": self._ledger.settings.access_token_lifetime,
            }
        )

    def _make_code(self, asked: Mapping[str, str], client: Client, person: Person) -> Code:
        challenge = asked.get("code_challenge")
        return self._ledger.consent(
            split_scope(asked["scope"]),
            Holder(client.client_id, person.email),
            offline=asked.get("access_type") == "offline",
            again=asked.get("prompt") == "consent",
            redirect_uri=asked.get("redirect_uri"),
            challenge=(asked.get("code_challenge_method", "plain"), challenge) if challenge else None,
        )

    def _exchange(self, client: Client, fields: Mapping[str, str]) -> Answer:
        code = self._ledger.find_code(fields.get("code", ""))
        if (
            code is None
            or code.holder.client_id != client.client_id
            or not _is_verified(code, fields.get("code_verifier", ""))
        ):
            return json_answer({"error": "invalid_code"})
        if code.redirect_uri is not None and fields.get("redirect_uri") != code.redirect_uri:
            return json_answer({"error": "invalid_redirect_uri"})
        return self._answer_token(*self._ledger.redeem(code), with_refresh_token=True)

    def _refresh(self, client: Client, fields: Mapping[str, str]) -> Answer:
        grant = self._ledger.find_grant(fields.get("refresh_token", ""))
        if grant is None or grant.holder.client_id != client.client_id:
            return json_answer({"error": "invalid_code"})
        return self._answer_token(grant, self._ledger.mint(grant))

    def _trust_client(self, client: Client, fields: Mapping[str, str]) -> Answer:
        """Mint for client credentials. Zoho documents ``missing_org_info``; the other two error codes are ours."""
        scope, soid = split_scope(fields.get("scope", "")), fields.get("soid")
        if not are_scopes(scope):
            return json_answer({"error": "invalid_scope"})
        if not soid:
            return json_answer({"error": "missing_org_info"})
        if soid != self._registry.soid_of(self._region):
            return json_answer({"error": "invalid_org_info"})
        grant = self._ledger.find_grant_without_person(scope, client.client_id, soid)
        return self._answer_token(grant, self._ledger.mint(grant))


def split_scope(scope: str) -> tuple[str, ...]:
    """Split at commas, as documented, and at spaces, which seem to work too."""
    return tuple(scope.replace(",", " ").split())


def are_scopes(scope: tuple[str, ...]) -> bool:
    """Return whether there is at least one scope, and all of them are well-formed."""
    return bool(scope) and all(_SCOPE.fullmatch(item) for item in scope)


def _refuse(explanation: str) -> Answer:
    return html(pages.render_problem("Error occurred", explanation), 400)


def _find_mistake(fields: Mapping[str, str], client: Client) -> str | None:
    if fields.get("response_type") != "code":
        return "Invalid response type"
    if fields.get("redirect_uri") not in client.redirect_uris:
        return "Invalid redirect URI: it differs from those registered"
    if not are_scopes(split_scope(fields.get("scope", ""))):
        return "Invalid OAuth scope: scope does not exist"
    if fields.get("code_challenge_method", "plain") not in {"plain", "S256"}:
        return "Invalid code challenge method"
    return None


def _is_verified(code: Code, verifier: str) -> bool:
    if code.challenge is None:
        return True
    method, challenge = code.challenge
    if method == "S256":  # RFC 7636, section 4.6
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return compare_digest(verifier.encode(), challenge.encode())
