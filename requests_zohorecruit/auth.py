"""`ZohoRecruitAuth`: the door for everybody who passes ``auth=`` to requests.

Owns the header, the question whether a host may have it, and the one replay after a 401. When to refresh is decided in
`source`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import requests
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar, get_cookie_header
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body
from urllib3 import BaseHTTPResponse, HTTPResponse
from urllib3.exceptions import HTTPError

from requests_zohorecruit.accounts import Accounts, Application
from requests_zohorecruit.answers import is_rejection
from requests_zohorecruit.errors import UntrustedHostError
from requests_zohorecruit.regions import Region, https_host
from requests_zohorecruit.secret import checked_secret
from requests_zohorecruit.source import SCHEME, TokenSource
from requests_zohorecruit.stores import CallbackStore, MemoryStore, TokenStore
from requests_zohorecruit.tokens import Token

__all__ = ["TrustedHosts", "ZohoRecruitAuth", "as_store"]

_PREFIX = f"{SCHEME} "
#: Bytes of a 401's body that are looked at; Zoho's have about a hundred.
_LONGEST_401 = 64 * 1024


class ZohoRecruitAuth(AuthBase):
    """Sends ``Authorization: Zoho-oauthtoken …``, refreshes before expiry and on a 401, and shares one grant.

    Safe to share between threads and sessions, picklable, and usable in a forked child.

    :param client_id: of the client registered in Zoho's API console
    :param client_secret: a string, or a mapping region code -> secret
    :param region: a code or alias (``"eu"``), an accounts URL, or a `Region`; there is no default
    :param refresh_token: the grant to start from. Where the store holds another one, this one wins when the store is
        first read, and the stored access token, being another grant's, is dropped; from then on the store rules
    :param store: a `TokenStore`; or a function that takes the new token dict, like requests-oauthlib's
        ``token_updater``; or None for memory
    :param allowed_hosts: further ``host`` or ``host:port`` that may receive the token, over https only
    :param session: used for calls to Zoho Accounts (proxies, certificates, retries); never the session of your calls
    :param timeout: of calls to Zoho Accounts: seconds, or (connect, read) in seconds
    :raises UnknownRegionError: the region is none of the table
    :raises ClientConfigurationError: the `client_secret` mapping has none for the region
    :raises TypeError: an argument of the wrong type
    :raises ValueError: an empty or impossible one
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str | Mapping[str, str],
        *,
        region: str | Region,
        refresh_token: str | None = None,
        store: TokenStore | Callable[[dict[str, Any]], object] | None = None,
        allowed_hosts: Iterable[str] = (),
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = (5, 30),
    ) -> None:
        application = Application.create(client_id, client_secret, region)
        seed = None if refresh_token is None else checked_secret("refresh_token", refresh_token)
        accounts = Accounts(application, session=session, timeout=timeout)
        self._hosts = TrustedHosts(application.region, allowed_hosts)
        self._source = TokenSource(accounts, as_store(store), refresh_token=seed)

    @property
    def region(self) -> Region:
        """The region of the grant."""
        return self._source.accounts.application.region

    @property
    def token(self) -> Token | None:
        """The token in hand, without any I/O; None before the first use."""
        return self._source.token

    def refresh(self) -> Token:
        """Replace the token in hand as if it had been rejected: by a live one from the store, or by minting one.

        Within cool-down and budget; many callers at once make one mint.

        :raises ZohoAuthError: no other token could be had, or (`TokenStoreError`) it could not be saved
        """
        return self._source.refresh()

    def revoke(self) -> None:
        """Revoke the grant at Zoho, then forget it in memory and in the store.

        :raises ZohoAuthError: Zoho did not confirm it, and nothing was forgotten; or the store could not be changed
        """
        self._source.revoke()

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a prepared request.

        :raises UntrustedHostError: it goes to a host that may not have the token, or over http
        :raises ZohoAuthError: there is no live token and none could be had
        """
        self._hosts.check(r.url)
        r.headers["Authorization"] = self._source.header()
        hooks = r.hooks["response"]
        if self._after_response not in hooks:
            hooks.append(self._after_response)
        return r

    def __repr__(self) -> str:
        return f"ZohoRecruitAuth(client_id={self._source.accounts.application.client_id!r}, region={self.region.code!r})"

    def _after_response(self, response: requests.Response, **kwargs: Any) -> requests.Response:
        """Response hook: replace a rejected token and replay the request, once."""
        source = self._source
        if response.status_code != 401:
            if source.resting and 200 <= response.status_code < 300:
                source.accepted()
            return response
        rejected = self._our_token(response.request)
        if rejected is None or not is_rejection(_peeked(response, stream=kwargs.get("stream", False))):
            return response
        header = source.replacement(rejected)
        if header is None or not _rewound(response.request) or not hasattr(response, "connection"):
            return response
        replayed = _replayed(response, header, kwargs)
        if replayed.status_code == 401 and is_rejection(_peeked(replayed, stream=kwargs.get("stream", False))):
            source.rejected_again(header.removeprefix(_PREFIX), self._hosts.name(response.request.url))
        elif source.resting and 200 <= replayed.status_code < 300:
            source.accepted()
        return replayed

    def _our_token(self, request: requests.PreparedRequest) -> str | None:
        # A redirect to another host, or netrc, has taken our header away: then this 401 is not about our token, and
        # putting it back would hand it to a stranger (T09, T32).
        header = request.headers.get("Authorization")
        if not (isinstance(header, str) and header.startswith(_PREFIX) and self._hosts.trusts(request.url)):
            return None
        return header.removeprefix(_PREFIX)


class TrustedHosts:
    """The hosts that may receive the token: the region's, and those the user allowed.

    :raises TypeError: `allowed` is one string, or holds something else than strings
    :raises ValueError: an entry that is not ``host`` or ``host:port``
    """

    def __init__(self, region: Region, allowed: Iterable[str]) -> None:
        if isinstance(allowed, (str, bytes)):
            raise TypeError("allowed_hosts must be a collection of hosts, not one string")
        self.region = region
        self._hosts = region.hosts | {_allowed_host(entry) for entry in allowed}
        # requests prepares every URL with a lower-case host and a path, so almost every check ends at one startswith.
        self._prefixes = tuple(f"https://{host}/" for host in self._hosts)

    def trusts(self, url: str | None) -> bool:
        """Tell whether the token may go to `url`."""
        return url is not None and (url.startswith(self._prefixes) or https_host(url) in self._hosts)

    def check(self, url: str | None) -> None:
        """Do nothing if the token may go to `url`.

        :raises UntrustedHostError: it may not
        """
        if self.trusts(url):
            return
        secure = url is not None and url.lower().startswith("https:")
        raise UntrustedHostError(
            f"The access token of region {self.region.code} was not sent to {self.name(url)}"
            f"{', which is none of its hosts' if secure else ': only https is safe for it'}.",
            region=self.region.code,
            hint=f"Region {self.region.code} has {', '.join(sorted(self.region.hosts))}; further ones go into allowed_hosts.",
        )

    @staticmethod
    def name(url: str | None) -> str:
        """Return the host of `url` for a message, and nothing else of it."""
        return https_host(url or "") or https_host((url or "").replace("http:", "https:", 1)) or "an odd address"


def as_store(store: TokenStore | Callable[[dict[str, Any]], object] | None) -> TokenStore:
    """Return what the `store` argument stands for.

    :raises TypeError: it is neither a store, nor a function, nor None
    """
    if store is None:
        return MemoryStore()
    if isinstance(store, TokenStore):
        if isinstance(store, type):
            raise TypeError(f"store must be a token store, not the class {store.__name__}: call it")
        return store
    if callable(store):
        return CallbackStore(store)
    raise TypeError(
        f"store must be a token store (load, save, lock), a function or None, not {type(store).__name__}"
    )


def _allowed_host(entry: object) -> str:
    if not isinstance(entry, str):
        raise TypeError(f"allowed_hosts must hold strings, not {type(entry).__name__}")
    host = https_host(f"https://{entry}/")
    if host is None or any(mark in entry for mark in "/?#@"):
        raise ValueError(f"allowed_hosts entry {entry[:80]!r} is not a host or host:port")
    return host


def _peeked(response: requests.Response, *, stream: bool) -> bytes:
    """Return the beginning of the body, and leave the response as readable as it was (T35)."""
    try:
        raw = response.raw
        if not (stream and isinstance(raw, BaseHTTPResponse)):
            return response.content
        start = raw.read(_LONGEST_401, decode_content=False)
        response.raw = HTTPResponse(
            _Rest(start, raw),
            headers=raw.headers,
            status=raw.status,
            reason=raw.reason,
            preload_content=False,
            original_response=getattr(raw, "_original_response", None),
        )
        return HTTPResponse(io.BytesIO(start), headers=raw.headers, preload_content=False).read(decode_content=True)
    except (requests.RequestException, HTTPError, OSError):
        # The connection broke in the middle of the body; there is no more of it than this to hand back.
        response._content = response._content or b""  # noqa: SLF001 - what requests itself sets after reading
        return b""


class _Rest(io.RawIOBase):
    """The body from its beginning: what was read already, then what the connection still has."""

    def __init__(self, start: bytes, raw: Any) -> None:
        self._start = io.BytesIO(start)
        self._raw = raw

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return self._start.read() + self._raw.read(decode_content=False)
        return self._start.read(size) or self._raw.read(size, decode_content=False)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _rewound(request: requests.PreparedRequest) -> bool:
    """Put the body back to where it began, and tell whether that was possible (T31)."""
    body = request.body
    if body is None or isinstance(body, (str, bytes)):
        return True
    try:
        rewind_body(request)
    except (UnrewindableBodyError, ValueError, OSError):
        return False
    return True


def _replayed(response: requests.Response, header: str, kwargs: Mapping[str, Any]) -> requests.Response:
    """Send the request again with another token, as requests' own digest auth does: same adapter, same settings (T34)."""
    request = response.request.copy()
    from_jar = request.headers.get("Cookie") == get_cookie_header(request._cookies, _without_cookies(request))
    extract_cookies_to_jar(request._cookies, response.request, response.raw)
    if from_jar:
        request.headers.pop("Cookie", None)
        request.prepare_cookies(request._cookies)
    request.headers["Authorization"] = header
    response.content  # noqa: B018 - drained, so that the connection can be used again
    response.close()
    started = time.perf_counter()
    replayed = response.connection.send(request, **kwargs)
    replayed.elapsed = timedelta(seconds=time.perf_counter() - started)
    replayed.history.append(response)
    replayed.request = request
    return replayed


def _without_cookies(request: requests.PreparedRequest) -> requests.PreparedRequest:
    bare = request.copy()
    bare.headers.pop("Cookie", None)
    return bare
