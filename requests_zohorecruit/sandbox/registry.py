"""The clients and people that all data centres know, and the data centres they belong to.

Knows nothing about grants or the wording of Zoho's responses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from requests_zohorecruit.zoho.regions import Region

__all__ = ["Client", "Person", "Registry"]

#: Apps register schemes of their own. A fragment is not allowed (RFC 6749, section 3.1.2).
_REDIRECT_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+([/?][^\s#]*)?")
_FIRST_ORGANISATION = 60_001_234_567


@dataclass(frozen=True)
class Client:
    """A client as registered in the API console.

    :ivar client_secret: a string, or a mapping of region code to secret if each data centre has its own;
        ``ZohoRecruitAuth`` accepts either
    :ivar regions: codes of the data centres it is enabled in; others answer ``invalid_client``
    """

    client_id: str
    client_secret: str | dict[str, str] = field(repr=False)
    redirect_uris: tuple[str, ...]
    regions: tuple[str, ...]
    name: str = "Sample Application"

    @property
    def redirect_uri(self) -> str:
        """The first registered redirect URI."""
        return self.redirect_uris[0]

    def secret_in(self, code: str) -> str:
        """Return the secret for a data centre that the client is enabled in."""
        return self.client_secret if isinstance(self.client_secret, str) else self.client_secret[code]


@dataclass(frozen=True)
class Person:
    """A person with a Zoho account in one data centre.

    :ivar region: that data centre; this person's codes and refresh tokens are valid only there
    :ivar soid: of the organisation in that data centre, for client credentials
    """

    email: str
    name: str
    region: Region
    soid: str


class Registry:
    """All clients and people.

    :param regions: the data centres by their names in the sandbox
    """

    def __init__(self, regions: Mapping[str, Region], token_hex: Callable[[int], str]) -> None:
        self.regions = dict(regions)
        self.people: list[Person] = []
        self.clients: dict[str, Client] = {}
        self._token_hex = token_hex

    def add_client(
        self, redirect_uris: Sequence[str], *, names: Sequence[str] | None = None, secret_per_region: bool = False
    ) -> Client:
        """Register a client.

        :param names: of the data centres to enable it in; None = all
        :raises ValueError: there is no redirect URI or a malformed one, or a data centre is unknown
        """
        if not redirect_uris:
            raise ValueError("a client has at least one redirect URI")
        for uri in redirect_uris:
            if not _REDIRECT_URI.fullmatch(uri):
                raise ValueError(f"{uri!r} is not a redirect URI such as http://127.0.0.1:8400/callback")
        codes = tuple(self.find_region(name).code for name in (self.regions if names is None else names))
        client_id, one = f"1000.{self._token_hex(15).upper()}", self._token_hex(21)
        secret = {code: self._token_hex(21) for code in codes} if secret_per_region else one
        self.clients[client_id] = client = Client(client_id, secret, tuple(redirect_uris), codes)
        return client

    def add_person(self, region_name: str | None = None, name: str | None = None) -> Person:
        """Open an account.

        :param region_name: of the data centre; None = the first
        :raises ValueError: there is no such data centre
        """
        region = self.find_region(region_name)
        number = len(self.people) + 1
        name = f"Person {number}" if name is None else name
        self.people.append(person := Person(f"person{number}@example.com", name, region, self.soid_of(region)))
        return person

    def find_region(self, name: str | None) -> Region:
        """Return a data centre by its name in the sandbox; None = the first.

        :raises ValueError: there is no data centre of that name
        """
        region = next(iter(self.regions.values())) if name is None else self.regions.get(name)
        if region is None:
            raise ValueError(f"this sandbox has no region {name!r}; it has: {', '.join(self.regions)}")
        return region

    def find_client(self, client_id: str, region: Region) -> Client | None:
        """Return the client, if it exists and is enabled in this data centre."""
        client = self.clients.get(client_id)
        return client if client and region.code in client.regions else None

    def find_person(self, email: str | None) -> Person | None:
        """Return the signed-in person: the only one there is, or the one named; None if undecided."""
        if email is None and len(self.people) == 1:
            return self.people[0]
        return next((person for person in self.people if person.email == email), None)

    def soid_of(self, region: Region) -> str:
        """Return the service organisation id of the data centre's only organisation."""
        return f"ZohoRecruit.{_FIRST_ORGANISATION + list(self.regions.values()).index(region)}"

    def list_secrets(self) -> list[str]:
        """Return all client secrets."""
        secrets = [client.client_secret for client in self.clients.values()]
        return [each for secret in secrets for each in ([secret] if isinstance(secret, str) else secret.values())]
