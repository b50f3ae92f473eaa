"""A desk in front of the sandbox's state machine: no sockets, a clock that moves when told, tokens that count up.

Owns also how its answers are read.
"""

from __future__ import annotations

import itertools
import json
from urllib.parse import parse_qsl, urlencode, urlsplit

from requests_zohorecruit.sandbox.messages import Request
from requests_zohorecruit.sandbox.zoho import Zoho

__all__ = ["Desk", "says"]

URL = "https://127.0.0.1:4433"
CALLBACK = "http://127.0.0.1:8400/callback"


class Desk:
    def __init__(self):
        numbers = itertools.count(1)
        self.now = 1_000_000.0
        self.zoho = Zoho(
            url=URL,
            elsewhere="https://localhost:4433",
            redirect_uris=(CALLBACK, CALLBACK + "?tenant=7"),
            clock=lambda: self.now,
            token_hex=lambda size: f"{next(numbers):0{2 * size}x}",
        )

    def send(self, method, target, *, body=b"", **headers):
        url = urlsplit(target)
        names = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return self.zoho.handle(Request(method, url.path, url.query, names, body))

    def form(self, target, fields):
        return self.send(
            "POST", target, body=urlencode(fields).encode(), Content_Type="application/x-www-form-urlencoded"
        )

    def token(self, **fields):
        client = {"client_id": self.zoho.client.client_id, "client_secret": self.zoho.client.client_secret}
        return self.form("/oauth/v2/token", client | fields)

    def exchange(self, code, **fields):
        return self.token(grant_type="authorization_code", code=code, **fields)

    def refresh(self, refresh_token):
        return self.token(grant_type="refresh_token", refresh_token=refresh_token)

    def mint(self, refresh_token=None):
        return says(self.refresh(refresh_token or self.zoho.new_grant()))["access_token"]

    def authorization_url(self, **changes):
        fields = {
            "response_type": "code",
            "client_id": self.zoho.client.client_id,
            "redirect_uri": CALLBACK,
            "scope": "ZohoRecruit.modules.ALL,ZohoRecruit.settings.READ",
            "access_type": "offline",
            "prompt": "consent",
            "state": "s p/ace",
        } | changes
        return f"{URL}/oauth/v2/auth?" + urlencode({name: value for name, value in fields.items() if value is not None})

    def agree(self, **changes):
        """Consent, and return the code."""
        url = self.zoho.consent(self.authorization_url(**changes))
        return dict(parse_qsl(urlsplit(url).query))["code"]

    def api(self, method, path, token, data=None, **headers):
        body = b"" if data is None else json.dumps({"data": data}).encode()
        return self.send(method, "/recruit/v2/" + path, body=body, Authorization=f"Zoho-oauthtoken {token}", **headers)


def says(answer):
    """Return what an answer's JSON says."""
    return json.loads(answer.body)
