"""Zoho's data centres: the hosts of each region, and how to read the region from a callback safely.

Contains the fixed table of regions and the parsing of hosts. Knows nothing about tokens and sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests_zohorecruit.errors import AuthorizationError, UnknownRegionError, UntrustedHostError, check_text
from requests_zohorecruit.secret import clears_frames

__all__ = ["Region", "find_region", "https_host", "make_callback_error", "parse_callback"]

_AGAIN = "Start the authorization again, and pass the whole address Zoho redirected to."

#: The table's regions by code and alias; empty until the table is built at the end of this module.
_BY_NAME: dict[str, Region] = {}


@dataclass(frozen=True, slots=True)
class Region:
    """One Zoho data centre.

    For a region that is not in the table, such as a test server or a new data centre, create one with its own code::

        Region("mars", "https://accounts.zoho.example", "https://recruit.zoho.example")

    :param code: short lower-case name, written into stored records (``"eu"``)
    :param accounts_url: base URL of Zoho Accounts, where tokens come from, ``https://host[:port]``
    :param recruit_url: base URL of the Recruit API
    :param upload_url: base URL for bulk uploads; defaults to `recruit_url`
    :param api_domain: the ``api_domain`` in Zoho's token responses; defaults to `recruit_url`. Recruit itself is not
        served there.
    :raises UntrustedHostError: a URL is not https, or has userinfo, a path, a query or a fragment; or the code is in
        the table with other URLs
    :raises TypeError: a value is not a string
    :raises ValueError: the code is not a short lower-case name
    """

    code: str
    accounts_url: str
    recruit_url: str
    upload_url: str = ""
    api_domain: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", check_text("region code", self.code)):
            raise ValueError(f"region code {_show(self.code)} is not a short lower-case name such as 'eu'")
        object.__setattr__(self, "code", str(self.code))  # a plain string, even if a `Secret` was passed
        for name in ("accounts_url", "recruit_url", "upload_url", "api_domain"):
            value = getattr(self, name) or (self.recruit_url if name in {"upload_url", "api_domain"} else "")
            object.__setattr__(self, name, _parse_origin(name, value, self.code))
        known = _BY_NAME.get(self.code)
        if known is not None and known != self:
            raise UntrustedHostError(
                f"{self.code!r} is the name of Zoho's region {known.code}, which has other addresses than this one.",
                region=known.code,
                hint=f"Use Region.lookup({self.code!r}), or define your own region, such as a test server's, with "
                "another code.",
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # Goes through __init__, so that unpickling checks the URLs too: they decide where secrets are sent.
        return Region, (self.code, self.accounts_url, self.recruit_url, self.upload_url, self.api_domain)

    @classmethod
    @clears_frames
    def lookup(cls, value: str | Region) -> Region:
        """Find a region by code or alias (``"eu"``, ``"COM"``), or by one of its hosts or https URLs.

        A URL may be any that a browser or a program shows, such as ``recruit.zoho.in`` or
        ``https://recruit.zoho.in/recruit/org123/ShowTab.do``. A `Region` is returned unchanged.

        :raises UnknownRegionError: the region is not in the table; the message lists the known ones
        :raises TypeError: `value` is neither a string nor a `Region`
        """
        if isinstance(value, Region):
            return value
        if not isinstance(value, str):
            raise TypeError(f"region must be a code such as 'eu', an address or a Region, not {type(value).__name__}")
        name = value.lower() if value.isascii() else ""  # str.lower() maps the Kelvin sign to "k"
        found = _BY_NAME.get(name) or _BY_HOST.get(https_host(name if "://" in name else f"https://{name}"))
        if found is None:
            verb = "has that name" if _may_be_secret(value) else "is named"
            raise UnknownRegionError(
                f"No Zoho region {verb} {_show(value)}; known are {', '.join(region.code for region in _TABLE)}.",
                hint="For any other data centre, create a Region(code, accounts_url, recruit_url, …).",
            )
        return found

    @classmethod
    @clears_frames
    def from_callback(cls, url: str, extra: Iterable[Region] = ()) -> Region:
        """Return the region of the person's account from Zoho's redirect: the region where the code must be redeemed.

        ``accounts-server`` decides where the client secret is sent, and anyone can forge the redirect. So it must be
        exactly the accounts URL of a known region, and ``location`` must match it.
        See https://www.zoho.com/accounts/protocol/oauth/multi-dc.html.

        :param url: the whole callback URL
        :param extra: custom regions to accept besides the table
        :raises UntrustedHostError: ``accounts-server`` is not that of a known region
        :raises AuthorizationError: a value is missing or given twice, the values contradict each other, or Zoho refused
        """
        return find_region(parse_callback(url), extra)

    @classmethod
    def all(cls) -> tuple[Region, ...]:
        """Return all regions in the table."""
        return _TABLE

    @property
    def authorize_url(self) -> str:
        """URL where a person consents (RFC 6749, section 3.1)."""
        return f"{self.accounts_url}/oauth/v2/auth"

    @property
    def token_url(self) -> str:
        """URL where codes and refresh tokens are exchanged (RFC 6749, section 3.2)."""
        return f"{self.accounts_url}/oauth/v2/token"

    @property
    def revoke_url(self) -> str:
        """URL where a grant is revoked."""
        return f"{self.accounts_url}/oauth/v2/token/revoke"

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts that may receive the access token: ``host``, meaning port 443, or ``host:port``."""
        urls = (self.accounts_url, self.recruit_url, self.upload_url, self.api_domain)
        return frozenset(url.removeprefix("https://") for url in urls)

    def trusted_api_domain(self, value: object) -> str | None:
        """Return `value`, an ``api_domain`` from the network or a store, if it is one of Zoho's, else None.

        Zoho has also sent a trailing slash, and ``https://api.zoho.com``; both are accepted.
        """
        if not isinstance(value, str):
            return None
        domain = value.removesuffix("/")
        return domain if domain in {*_API_DOMAINS, *(f"https://{host}" for host in self.hosts)} else None


def _may_be_secret(value: str) -> bool:
    """Return whether a value given as a region is anything other than a short word or the URL of a host."""
    plain = r"[\w-]{0,16}|(?=.{0,40}\Z)(https?://)?[a-z-]+(\.[a-z-]+)+/?"
    return not re.fullmatch(plain, value, re.ASCII | re.IGNORECASE)


def _show(value: str) -> str:
    return "(not shown: it may be a secret)" if _may_be_secret(value) else repr(str(value))


def https_host(url: str) -> str | None:
    """Return ``host`` (port 443) or ``host:port`` of an https URL, in lower case; None for anything else.

    Also returns None if parsers disagree about the URL or if it hides the real host: userinfo, control characters,
    backslashes, non-ASCII, percent signs, a trailing dot.
    """
    if not (isinstance(url, str) and url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or not host or host.endswith(".") or "%" in host:
        return None
    if ":" in host:
        host = f"[{host}]"
    if not re.fullmatch(r"(:[0-9]+)?", parts.netloc.lower().removeprefix(host)):
        return None  # a user name, a colon without a port, or text after an IPv6 address that some parsers overlook
    return host if port in {None, 443} else f"{host}:{port}"


def find_region(values: Mapping[str, str], extra: Iterable[Region]) -> Region:
    """Return the region named by the values of a callback. Raises the errors of `Region.from_callback`."""
    server = values.get("accounts-server")
    if server is None:
        raise make_callback_error("names no accounts-server")
    candidates = [known for known in (*extra, *_TABLE) if known.accounts_url == server.removesuffix("/")]
    if not candidates:
        raise UntrustedHostError(
            "The callback names an unknown accounts-server; nothing was sent to it.",
            hint="If this is a new Zoho data centre, pass a custom Region for it.",
        )
    location = values.get("location")
    if location is None:
        raise make_callback_error("names no location", candidates[0].code)
    for region in candidates:
        if location == region.code or _BY_NAME.get(location) == region:
            return region
    problem = f"names {candidates[0].accounts_url} together with another location"
    raise make_callback_error(problem, candidates[0].code)


def parse_callback(url: str) -> dict[str, str]:
    """Parse the query of Zoho's redirect into single values.

    :raises AuthorizationError: Zoho refused (``error=…``), or a value is given twice, so that one of them is forged
    :raises TypeError: `url` is not a string
    """
    check_text("the callback URL", url)
    try:
        values = parse_qs(urlsplit(url).query, max_num_fields=50)
    except ValueError:
        raise make_callback_error("cannot be read") from None
    for name in ("code", "state", "location", "accounts-server", "error"):
        if len(values.get(name, ())) > 1:
            raise make_callback_error(f"gives {name} twice")
    if "error" in values:
        word = values["error"][0]
        known = word if re.fullmatch(r"[a-z_]{1,40}", word) else None
        raise AuthorizationError(
            f"Zoho did not grant access ({known or 'an unknown error'}).",
            code=known,
            hint="The person pressed Reject; ask again when they are ready." if known == "access_denied" else None,
        )
    return {name: found[0] for name, found in values.items()}


def make_callback_error(what: str, region: str | None = None, *, hint: str = _AGAIN) -> AuthorizationError:
    """Return the error for an invalid callback, after which nothing is sent.

    :param what: the rest of a sentence that begins with "The callback"
    """
    return AuthorizationError(f"The callback {what}; nothing was sent.", region=region, hint=hint)


def _parse_origin(name: str, value: object, code: str) -> str:
    text = check_text(name, value)
    host = https_host(text)
    if host is None or not set("/?#").isdisjoint(text[len("https://") :].removesuffix("/")):
        raise UntrustedHostError(
            f"{name} of region {_show(code)} must look like https://host or https://host:port: no http, user name, "
            "path, query or fragment.",
            region=code,
        )
    return f"https://{host}"


# Every host is written out, because hosts cannot be derived from codes: Zoho has no zoho.ca, zoho.au or zoho.cn.
# Columns: code, aliases, hosts of Zoho Accounts, Zoho Recruit and bulk uploads, and the api_domain.
# fmt: off
_ROWS: tuple[tuple[str, tuple[str, ...], str, str, str, str], ...] = (
    ("us", ("com", "usa"), "accounts.zoho.com", "recruit.zoho.com", "upload.zoho.com", "www.zohoapis.com"),
    ("eu", (), "accounts.zoho.eu", "recruit.zoho.eu", "upload.zoho.eu", "www.zohoapis.eu"),
    ("in", (), "accounts.zoho.in", "recruit.zoho.in", "upload.zoho.in", "www.zohoapis.in"),
    ("au", ("com.au",), "accounts.zoho.com.au", "recruit.zoho.com.au", "upload.zoho.com.au", "www.zohoapis.com.au"),
    ("jp", (), "accounts.zoho.jp", "recruit.zoho.jp", "upload.zoho.jp", "www.zohoapis.jp"),
    ("cn", ("com.cn",), "accounts.zoho.com.cn", "recruit.zoho.com.cn", "upload.zoho.com.cn", "www.zohoapis.com.cn"),
    ("ca", (), "accounts.zohocloud.ca", "recruit.zohocloud.ca", "upload.zohocloud.ca", "www.zohoapis.ca"),
    ("sa", ("ksa",), "accounts.zoho.sa", "recruit.zoho.sa", "upload.zoho.sa", "www.zohoapis.sa"),
    ("uk", ("gb",), "accounts.zoho.uk", "recruit.zoho.uk", "upload.zoho.uk", "www.zohoapis.uk"),
    ("ae", ("uae",), "accounts.zoho.ae", "recruit.zoho.ae", "upload.zoho.ae", "www.zohoapis.ae"),
    ("sg", (), "accounts.zoho.sg", "recruit.zoho.sg", "upload.zoho.sg", "www.zohoapis.sg"),
)
# fmt: on
_TABLE = tuple(Region(code, *(f"https://{host}" for host in hosts)) for code, _, *hosts in _ROWS)
for _region, (_code, _aliases, *_) in zip(_TABLE, _ROWS, strict=True):
    _BY_NAME.update(dict.fromkeys((_code, *_aliases), _region))
_BY_HOST: Mapping[str | None, Region] = {host: region for region in _TABLE for host in region.hosts}
_API_DOMAINS = frozenset(
    domain
    for region in _TABLE
    for domain in (region.api_domain, region.accounts_url.replace("https://accounts.", "https://api."))
)
