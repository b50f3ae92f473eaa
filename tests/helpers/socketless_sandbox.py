"""The sandbox's state machine without sockets, with a manual clock and numbered tokens.

Also reads its responses.
"""

from __future__ import annotations

import itertools
import json
from urllib.parse import parse_qsl, urlencode, urlsplit

from requests_zohorecruit.sandbox.messages import Request
from requests_zohorecruit.sandbox.zoho import Zoho
from requests_zohorecruit.zoho.regions import Region

__all__ = ["Desk", "says"]

URL = "https://127.0.0.1:4433"
CALLBACK = "http://127.0.0.1:8400/callback"


class Desk:
    """A sandbox with one data centre, or with those whose names are given; calls go to the first unless they say where."""

    def __init__(self, *names):
        numbers = itertools.count(1)
        self.now = 1_000_000.0
        regions = {name: make_region(f"sandbox-{name}", f"https://127.0.0.1:{n}") for n, name in enumerate(names, 1)}
        regions = regions or {"sandbox": make_region("sandbox", URL)}
        self.zoho = Zoho(
            regions=regions,
            elsewhere="https://localhost:4433",
            redirect_uris=(CALLBACK, CALLBACK + "?tenant=7"),
            clock=lambda: self.now,
            token_hex=lambda size: f"{next(numbers):0{2 * size}x}",
        )

    def send(self, method, target, *, body=b"", at=None, **headers):
        url = urlsplit(target)
        names = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        code = at and f"sandbox-{at}"
        return self.zoho.handle(Request(method, url.path, url.query, names, body), code)

    def form(self, target, fields, **options):
        body = urlencode(fields).encode()
        return self.send("POST", target, body=body, Content_Type="application/x-www-form-urlencoded", **options)

    def token(self, *, path="/oauth/v2/token", at=None, **fields):
        client = {"client_id": self.zoho.client.client_id, "client_secret": self.zoho.client.client_secret}
        return self.form(path, client | fields, at=at)

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


def make_region(code, url):
    return Region(code, url, url)


def says(answer):
    """Return the JSON of a response."""
    return json.loads(answer.body)
