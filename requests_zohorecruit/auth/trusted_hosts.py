"""Which hosts may receive the access token: those of the region, and those the user allowed, over https only.

Knows nothing of tokens or requests beyond a URL; how a URL is read is `regions`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable

from requests_zohorecruit.errors import UntrustedHostError
from requests_zohorecruit.zoho.regions import Region, https_host

__all__ = ["TrustedHosts"]


class TrustedHosts:
    """The hosts that may receive the token: the region's, and those the user allowed.

    :ivar prefixes: a URL that begins with one of these may have the token. requests prepares every URL with a
        lower-case host and a path, so hardly any other may, and `check` decides about that
    :raises TypeError: `allowed` is one string, or holds something else than strings
    :raises ValueError: an entry that is not ``host`` or ``host:port``
    """

    def __init__(self, region: Region, allowed: Iterable[str]) -> None:
        if isinstance(allowed, (str, bytes)):
            raise TypeError("allowed_hosts must be a collection of hosts, not one string")
        self.region = region
        self._hosts = region.hosts | {_allowed_host(entry) for entry in allowed}
        self.prefixes = tuple(f"https://{host}/" for host in self._hosts)

    def trusts(self, url: str | None) -> bool:
        """Tell whether the token may go to `url`."""
        return url is not None and (url.startswith(self.prefixes) or https_host(url) in self._hosts)

    def check(self, url: str | None) -> None:
        """Do nothing if the token may go to `url`.

        :raises UntrustedHostError: it may not
        """
        if self.trusts(url):
            return
        code = self.region.code
        secure = url is not None and url.lower().startswith("https:")
        raise UntrustedHostError(
            f"The access token of region {code} was not sent to {self.name(url)}"
            f"{', which is none of its hosts' if secure else ': only https is safe for it'}.",
            region=code,
            hint=f"Region {code} has {', '.join(sorted(self.region.hosts))}; further ones go into allowed_hosts.",
        )

    @staticmethod
    def name(url: str | None) -> str:
        """Return the host of `url` for a message, and nothing else of it."""
        host = url and https_host(url.replace("http:", "https:", 1))
        return host or "an odd address"


def _allowed_host(entry: object) -> str:
    if not isinstance(entry, str):
        raise TypeError(f"allowed_hosts must hold strings, not {type(entry).__name__}")
    host = https_host(f"https://{entry}/")
    if host is None or any(mark in entry for mark in "/?#@*%"):
        # Not shown: where a URL was pasted, it may hold a password.
        raise ValueError("allowed_hosts must hold host or host:port values: no scheme, user name, path or wildcard")
    return host
