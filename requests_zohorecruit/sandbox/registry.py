"""The applications and people that all data centres know: who they are, and where they are at home.

Knows neither what anyone was granted nor how Zoho words its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from requests_zohorecruit.zoho.regions import Region

__all__ = ["Client", "Person", "Registry"]

_FIRST_ORGANISATION = 60_001_234_567


@dataclass(frozen=True)
class Client:
    """An application as it was registered in the API console.

    :ivar client_secret: a string, or region code -> secret where each data centre has one of its own; either is what
        ``ZohoRecruitAuth`` takes
    :ivar regions: codes of the data centres it was enabled for; in others it is an ``invalid_client``
    """

    client_id: str
    client_secret: str | dict[str, str] = field(repr=False)
    redirect_uris: tuple[str, ...]
    regions: tuple[str, ...]
    name: str = "Sample Application"

    @property
    def redirect_uri(self) -> str:
        """The first of those registered."""
        return self.redirect_uris[0]

    def secret_in(self, code: str) -> str:
        """Return the secret that counts in a data centre it was enabled for."""
        return self.client_secret if isinstance(self.client_secret, str) else self.client_secret[code]


@dataclass(frozen=True)
class Person:
    """Someone with a Zoho account, which is in one data centre.

    :ivar region: where; codes and refresh tokens of this person are good there and nowhere else
    :ivar soid: of the organisation in that data centre, as client credentials name it
    """

    email: str
    name: str
    region: Region
    soid: str


class Registry:
    """All clients and people.

    :param regions: the data centres, by the names they have in the sandbox
    """

    def __init__(self, regions: Mapping[str, Region], token_hex: Callable[[int], str]) -> None:
        self.regions = dict(regions)
        self.people: list[Person] = []
        self._clients: dict[str, Client] = {}
        self._token_hex = token_hex

    def add_client(
        self, redirect_uris: Sequence[str], *, names: Sequence[str] | None = None, secret_per_region: bool = False
    ) -> Client:
        """Register an application.

        :param names: of the data centres to enable it for; None = all
        :raises ValueError: no redirect URI, or an unknown data centre
        """
        if not redirect_uris:
            raise ValueError("a client has at least one redirect URI")
        codes = tuple(self.find_region(name).code for name in (self.regions if names is None else names))
        client_id, one = f"1000.{self._token_hex(15).upper()}", self._token_hex(21)
        secret = {code: self._token_hex(21) for code in codes} if secret_per_region else one
        self._clients[client_id] = client = Client(client_id, secret, tuple(redirect_uris), codes)
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
        """Return a data centre by its name in the sandbox; None means the first.

        :raises ValueError: there is none of that name
        """
        region = next(iter(self.regions.values())) if name is None else self.regions.get(name)
        if region is None:
            raise ValueError(f"this sandbox has no region {name!r}; it has: {', '.join(self.regions)}")
        return region

    def find_client(self, client_id: str, region: Region) -> Client | None:
        """Return the application, if it exists and was enabled for this data centre."""
        client = self._clients.get(client_id)
        return client if client and region.code in client.regions else None

    def find_person(self, email: str | None) -> Person | None:
        """Return who has signed in: the only person there is, or the one named; None while that is open."""
        if email is None and len(self.people) == 1:
            return self.people[0]
        return next((person for person in self.people if person.email == email), None)

    def has_client(self, client: Client) -> bool:
        """Tell whether it was made here."""
        return self._clients.get(client.client_id) == client

    def soid_of(self, region: Region) -> str:
        """Return the service organisation id: a data centre has one organisation here."""
        return f"ZohoRecruit.{_FIRST_ORGANISATION + list(self.regions.values()).index(region)}"

    def list_secrets(self) -> list[str]:
        """Return every client secret there is."""
        secrets = [client.client_secret for client in self._clients.values()]
        return [each for secret in secrets for each in ([secret] if isinstance(secret, str) else secret.values())]
