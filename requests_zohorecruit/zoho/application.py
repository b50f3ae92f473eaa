"""The application that requests tokens: the client of RFC 6749, as registered in Zoho's API console.

Knows nothing about HTTP, tokens or stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from requests_zohorecruit.errors import ClientConfigurationError
from requests_zohorecruit.secret import Secret, checked_secret, clears_frames, fingerprint
from requests_zohorecruit.zoho.regions import Region

__all__ = ["Application"]


@dataclass(frozen=True, slots=True)
class Application:
    """A client registered in Zoho's API console, in one region.

    :param client_id: ``1000.…``
    :param client_secret: a string, or a mapping of region code to secret if Zoho issued one per data centre
    :param region: where its tokens come from
    :raises TypeError: a value has the wrong type
    :raises ValueError: a value is empty or malformed
    :raises ClientConfigurationError: the mapping has no secret for the region
    """

    client_id: str
    client_secret: Secret
    region: Region

    @classmethod
    @clears_frames
    def create(cls, client_id: str, client_secret: str | Mapping[str, str], region: str | Region) -> Application:
        """Check the values, choose the secret for the region, and return the application."""
        where = Region.lookup(region)
        if isinstance(client_secret, Mapping):
            if where.code not in client_secret:
                raise ClientConfigurationError(
                    f"There is no client secret for region {where.code}.",
                    region=where.code,
                    hint=f"Add one under {where.code!r} to the client_secret mapping.",
                )
            client_secret = client_secret[where.code]
        return cls(str(checked_secret("client_id", client_id)), checked_secret("client_secret", client_secret), where)

    def fingerprint(self, grant: str) -> str:
        """Return an identifier of this configuration together with a grant, which reveals neither."""
        return fingerprint(f"{self.client_id}\n{self.client_secret}\n{self.region.token_url}\n{grant}")
