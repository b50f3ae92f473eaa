"""Decides which hosts may receive the access token: the region's and those the user allowed, over https only.

Of requests it knows only the URL, which `regions` parses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from requests_zohorecruit.errors import UntrustedHostError
from requests_zohorecruit.zoho.regions import Region, https_host

__all__ = ["TrustedHosts"]


class TrustedHosts:
    """The hosts that may receive the token: the region's, and those the user allowed.

    :ivar prefixes: a URL that begins with one of these is trusted. requests prepares every URL with a lower-case host
        and a path, so this covers nearly all trusted URLs, and `check` handles the rest
    :raises TypeError: `allowed` is a single string, or contains something other than strings
    :raises ValueError: an entry is not ``host`` or ``host:port``
    """

    def __init__(self, region: Region, allowed: Iterable[str]) -> None:
        if isinstance(allowed, (str, bytes)):
            raise TypeError("allowed_hosts must be a collection of hosts, not one string")
        self.region = region
        self._hosts = region.hosts | {_check_host(entry, number) for number, entry in enumerate(allowed, 1)}
        self.prefixes = tuple(f"https://{host}/" for host in self._hosts)

    def trusts(self, url: str | None) -> bool:
        """Return whether the token may be sent to `url`."""
        return url is not None and (url.startswith(self.prefixes) or https_host(url) in self._hosts)

    def check(self, url: str | None) -> None:
        """Check that the token may be sent to `url`.

        :raises UntrustedHostError: it may not
        """
        if self.trusts(url):
            return
        code, recruit_url = self.region.code, self.region.recruit_url
        what, hint = ": only https is safe for it", f"Use an https address: auth.region.recruit_url is {recruit_url}."
        if url is not None and url.lower().startswith("https:"):
            other = next((each.code for each in Region.all() if https_host(url) in each.hosts), None)
            what = f", which belongs to region {other}" if other else ", which is not one of its hosts"
            instead = f"; or, if the account is in region {other}, pass region={other!r}" if other else ""
            hint = (
                f"Build addresses from auth.region.recruit_url ({recruit_url}){instead}. To trust a host of your own, "
                "add it to allowed_hosts."
            )
        raise UntrustedHostError(
            f"The access token of region {code} was not sent to {self.name(url)}{what}.", region=code, hint=hint
        )

    @staticmethod
    def name(url: str | None) -> str:
        """Return the host of `url` for a message, without the rest of the URL."""
        host = url and https_host(url.replace("http:", "https:", 1))
        return host or "a malformed address"


#: Hosts that a request can be sent to: an IPv6 address, or host name labels (RFC 1123, plus underscores as in container
#: networks), 253 characters at most. A number alone is a port without a host. Anything else could never match.
_LABEL, _PORT = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", r"(?::[1-9][0-9]*)?"
_HOST = re.compile(rf"(?:\[[0-9a-f:.]+\]|(?!(?:[0-9]+|[^:]{{254,}}){_PORT}\Z){_LABEL}(?:\.{_LABEL})*){_PORT}")


def _check_host(entry: object, number: int) -> str:
    if not isinstance(entry, str):
        raise TypeError(f"allowed_hosts must hold strings, not {type(entry).__name__}")
    host = https_host(f"https://{entry}/")
    if host is None or any(mark in entry for mark in "/?#@*%") or not _HOST.fullmatch(host):
        # Not shown, because a pasted URL may contain a password.
        raise ValueError(
            f"allowed_hosts must hold host or host:port values, and entry {number} is none: leave out a scheme, user "
            "name, path, wildcard or space, and write an international name in its xn-- form"
        )
    return host
