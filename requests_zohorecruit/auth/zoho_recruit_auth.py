"""`ZohoRecruitAuth`: the door for everybody who passes ``auth=`` to requests.

Owns the header and what a 401 leads to. When to refresh is decided in `refresher`, which hosts may have the token in
`trusted_hosts`, and how a request is sent again in `replay`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase

from requests_zohorecruit.auth.replay import close, read_rejection, replay, rewind
from requests_zohorecruit.auth.store_argument import choose_store
from requests_zohorecruit.auth.trusted_hosts import TrustedHosts
from requests_zohorecruit.errors import TokenStoreError, describe_type
from requests_zohorecruit.secret import checked_secret, clear_frames, clears_frames
from requests_zohorecruit.stores import TokenStore
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import choose_grant
from requests_zohorecruit.zoho.regions import Region
from requests_zohorecruit.zoho.token import SCHEME, Token
from requests_zohorecruit.zoho.token_endpoint import TIMEOUT, TokenEndpoint

if TYPE_CHECKING:
    from typing_extensions import Self

    from requests_zohorecruit.zoho.device import DevicePrompt

__all__ = ["ResponseHook", "ZohoRecruitAuth"]

_log = logging.getLogger("requests_zohorecruit")

_PREFIX = f"{SCHEME} "
#: As a plain number: the member of the enumeration is looked up anew each time it is named.
_UNAUTHORIZED = HTTPStatus.UNAUTHORIZED.value
_OTHER_REQUEST = (
    "ZohoRecruitAuth signs requests of the library requests, not {}. For another library, send the header "
    '{{"Authorization": auth.get_token().authorization}}, to hosts of auth.region only'
)
#: A token from the store may be dead as well; the second time one is minted.
_MOST_REPLAYS = 2


class ZohoRecruitAuth(AuthBase):
    """Sends ``Authorization: Zoho-oauthtoken …``, refreshes before expiry and on a 401, and shares one grant.

    Safe to share between threads and sessions, picklable, and usable in a forked child.

    :param client_id: of the client registered in Zoho's API console
    :param client_secret: a string, or a mapping region code -> secret
    :param region: a code or alias (``"eu"``), an address of it, or a `Region`; there is no default
    :param refresh_token: the grant to start from. Where the store holds another one, this one is used, and takes that
        one's place once it has minted; from then on the store rules
    :param store: a `TokenStore`; or a function that takes the new token dict, like requests-oauthlib's
        ``token_updater``; or None for memory
    :param soid: for client credentials instead of a person's grant: ``ZohoRecruit.<organisation id>``
    :param scope: the scopes to ask for with `soid`: text with commas or spaces, or an iterable of text
    :param allowed_hosts: further ``host`` or ``host:port`` that may receive the token, over https only
    :param session: used for calls to Zoho Accounts (proxies, certificates, retries); never the session of your calls
    :param timeout: of calls to Zoho Accounts: seconds, or (connect, read) in seconds
    :raises UnknownRegionError: the region is none of the table
    :raises ClientConfigurationError: the `client_secret` mapping has none for the region
    :raises TypeError: an argument of the wrong type
    :raises ValueError: an empty or impossible one; or a timeout that outlasts the store's lock (see `RedisStore`)
    """

    @clears_frames
    def __init__(  # noqa: PLR0913 - all but two are keyword-only
        self,
        client_id: str,
        client_secret: str | Mapping[str, str],
        *,
        region: str | Region,
        refresh_token: str | None = None,
        store: TokenStore | Callable[[dict[str, Any]], object] | None = None,
        soid: str | None = None,
        scope: str | Iterable[str] | None = None,
        allowed_hosts: Iterable[str] = (),
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = TIMEOUT,
    ) -> None:
        # The engine is imported with the first auth: a program that only may call Zoho starts no slower for it.
        from requests_zohorecruit.engine.record import Record  # noqa: PLC0415
        from requests_zohorecruit.engine.refresher import Refresher  # noqa: PLC0415

        application = Application.create(client_id, client_secret, region)
        endpoint = TokenEndpoint(application, session=session, timeout=timeout)
        self._hook = ResponseHook(self)
        self._hosts = TrustedHosts(application.region, allowed_hosts)
        given = Record(choose_grant(refresh_token, soid, scope))
        self._refresher = Refresher(endpoint, choose_store(store, longest_call=endpoint.longest_call), given)

    @classmethod
    @clears_frames
    def from_code(  # noqa: PLR0913 - all but two are keyword-only
        cls,
        client_id: str,
        client_secret: str | Mapping[str, str],
        *,
        region: str | Region,
        code: str,
        redirect_uri: str | None = None,
        store: TokenStore | Callable[[dict[str, Any]], object] | None = None,
        allowed_hosts: Iterable[str] = (),
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = TIMEOUT,
    ) -> Self:
        """Redeem an authorization code, save the grant to the store, and use it.

        A code can be redeemed once, so the store is read before it is sent. When saving fails afterwards, that is a
        warning in the log: the grant is in use, and saving is tried again by the calls that follow.

        :param code: of a self client (good for 3 to 10 minutes), or from Zoho's redirect (for about one)
        :param redirect_uri: as used for consent; None for a self client's code
        :raises ReauthorizationRequired: the code is wrong, was used before, or is too old
        :raises ClientConfigurationError: client, secret, region and redirect URI do not fit together
        :raises AuthorizationError: Zoho sent no refresh token
        :raises TokenStoreError: the store cannot be read, or is another client's; the code was not sent
        """
        from requests_zohorecruit.zoho.consent import check_refresh_token  # noqa: PLC0415 - once in a grant's life

        options: dict[str, Any] = {"allowed_hosts": allowed_hosts, "session": session, "timeout": timeout}
        auth = cls(client_id, client_secret, region=region, store=store, **options)
        auth._refresher.grant.read()
        now = auth._refresher.grant.clock()
        token = auth._refresher.endpoint.exchange(code, redirect_uri=redirect_uri, now=now)
        check_refresh_token(token, auth.region)
        return auth._adopt(token, now)

    @classmethod
    @clears_frames
    def from_device(  # noqa: PLR0913 - all but two are keyword-only
        cls,
        client_id: str,
        client_secret: str | Mapping[str, str],
        *,
        region: str | Region,
        scope: str | Iterable[str],
        show: Callable[[DevicePrompt], object],
        extra: Iterable[Region] = (),
        store: TokenStore | Callable[[dict[str, Any]], object] | None = None,
        allowed_hosts: Iterable[str] = (),
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = TIMEOUT,
    ) -> Self:
        """Get a grant for a machine without a browser: a person types a short code on a page elsewhere.

        Waits until that person has accepted, five minutes at most as Zoho has it, and asks no more often than every 30
        seconds, as Zoho wants. A network that fails meanwhile ends it only with the code. The grant belongs to the data
        centre where the person lives, which may be another one than `region`: see `ZohoRecruitAuth.region` afterwards.
        The store is read first, and saving fails as in `from_code`.

        :param client_id: of a client of the type "Non-browser"
        :param region: where it is registered
        :param scope: text with commas or spaces, or an iterable of text
        :param show: called once, with `requests_zohorecruit.zoho.device.DevicePrompt`, to show the person the code and
            the page; that is on a host of Zoho Accounts
        :param extra: custom regions where a person may live, beside the table
        :raises AuthorizationError: the person refused, the code was not accepted in time, or there is no refresh token
        :raises ClientConfigurationError: client, secret and region do not fit together, or `client_secret` has none for
            the region where the person lives
        :raises UntrustedHostError: Zoho names a page on another host; it was not shown
        :raises UnknownRegionError: a region is none of the table
        :raises TokenEndpointError: Zoho Accounts did not answer, or not so that it can be understood
        :raises TokenStoreError: the store cannot be read, or is another client's; no code was asked for
        """
        from requests_zohorecruit.login.device import authorize_device  # noqa: PLC0415 - once in a grant's life

        calls: dict[str, Any] = {"session": session, "timeout": timeout}
        options = {"store": store, "allowed_hosts": tuple(allowed_hosts), **calls}
        auth = cls(client_id, client_secret, region=region, **options)
        auth._refresher.grant.read()
        application, token, now = authorize_device(
            client_id, client_secret, region=region, extra=extra, scope=scope, show=show, **calls
        )
        if application.region != auth.region:
            auth = cls(client_id, client_secret, region=application.region, **options)
        return auth._adopt(token, now)

    @classmethod
    @clears_frames
    def from_profile(
        cls,
        name: str = "default",
        *,
        allowed_hosts: Iterable[str] = (),
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = TIMEOUT,
    ) -> Self:
        """Use what ``zohorecruit login`` saved: client, region and the grant, which all programs of this user share.

        :param name: of the profile, as in ``zohorecruit login --profile``
        :raises ReauthorizationRequired: there is no such profile; says how to make it
        :raises TokenStoreError: it cannot be read
        :raises ValueError: no profile can have that name
        """
        from requests_zohorecruit.login.profiles import Profile  # noqa: PLC0415 - most programs have a store of their own

        arguments = Profile(name).load().arguments()
        return cls(**arguments, allowed_hosts=allowed_hosts, session=session, timeout=timeout)

    @classmethod
    @clears_frames
    def from_env(
        cls,
        *,
        prefix: str = "ZOHORECRUIT_",
        store: TokenStore | Callable[[dict[str, Any]], object] | None = None,
        allowed_hosts: Iterable[str] = (),
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = TIMEOUT,
    ) -> Self:
        """Take client, region and grant from the environment, as containers have it.

        ``ZOHORECRUIT_CLIENT_ID``, ``ZOHORECRUIT_CLIENT_SECRET``, ``ZOHORECRUIT_REGION`` and, unless the store has a
        grant, ``ZOHORECRUIT_REFRESH_TOKEN``; or ``ZOHORECRUIT_SOID`` and ``ZOHORECRUIT_SCOPE`` for client credentials.
        Any of them may be in a file, for mounted secrets: then ``ZOHORECRUIT_CLIENT_SECRET_FILE`` and so on is its
        path. White space around a value does not matter; quotation marks are an error. Every error names the variable.

        :param prefix: what the names begin with instead. Where it ends in ``ZOHO_``, the region may also be in ``…DC``,
            ``…DOMAIN``, ``…LOCATION`` or, without ``…RECRUIT_URL``, in ``…ACCOUNTS_URL``
        :raises ClientConfigurationError: one is missing, given twice or impossible, two contradict each other, or a
            file cannot be read
        :raises UnknownRegionError: the region is none of the table
        :raises TypeError: `prefix` is no string
        :raises ValueError: `prefix` cannot begin the name of a variable, or does not end in an underscore
        """
        from requests_zohorecruit.login.environment import environment_arguments  # noqa: PLC0415 - see above

        arguments = environment_arguments(prefix)
        return cls(**arguments, store=store, allowed_hosts=allowed_hosts, session=session, timeout=timeout)

    @property
    def region(self) -> Region:
        """The region of the grant."""
        return self._refresher.application.region

    @property
    def token(self) -> Token | None:
        """The token in hand, without any I/O; None before the first use."""
        return self._refresher.token

    @clears_frames
    def get_token(self, *, rejected: Token | str | None = None) -> Token | None:
        """Return the token that a request would carry now, for clients that are not requests.

        Refreshes before it, waits, or goes on with a live one, as a request does. Send `Token.authorization` as the
        ``Authorization`` header, to hosts of the region only: nothing checks that here.

        :param rejected: the `Token`, or its access token, that the API has refused with ``INVALID_TOKEN``. Then another
            one is returned, or None while replacing rests because the API refuses freshly minted tokens, too
        :raises ZohoAuthError: there is no live token and none could be had
        :raises TypeError: `rejected` is something else
        """
        if rejected is not None:
            rejected = rejected.access_token if isinstance(rejected, Token) else checked_secret("rejected", rejected)
        return self._refresher.get_token(rejected)

    @clears_frames
    def refresh(self) -> Token:
        """Replace the token in hand as if it had been rejected: by a live one from the store, or by minting one.

        Within cool-down and budget; many callers at once make one mint.

        :raises ZohoAuthError: no other token could be had, or (`TokenStoreError`) it could not be saved
        """
        return self._refresher.refresh()

    @clears_frames
    def revoke(self) -> None:
        """Revoke the grant at Zoho, then forget it in memory and in the store.

        Of client credentials, only the access token can be revoked: the next call mints another.

        :raises ZohoAuthError: Zoho did not confirm it, and nothing was forgotten; or the store could not be changed
        """
        self._refresher.revoke()

    def _adopt(self, token: Token, now: float) -> Self:
        """Use a grant that a person has just given."""
        try:
            self._refresher.adopt(token, now=now)
        except TokenStoreError as error:
            _log.warning("%s", error)
        return self

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a prepared request.

        :raises UntrustedHostError: it goes to a host that may not have the token, or over http
        :raises ZohoAuthError: there is no live token and none could be had
        :raises TypeError: it is a request of another library
        """
        try:
            if not (r.url or "").startswith(self._hosts.prefixes):  # as almost every URL does that may have the token
                self._hosts.check(r.url)
            r.headers["Authorization"] = self._refresher.get_memory().header
            hooks = r.hooks["response"]
            if hooks != [self._hook]:
                # Ours goes before the caller's hooks, which are to see the final answer only; and takes the place of
                # another grant's, which would replay with its own token. In a new list: copies of a request share
                # theirs.
                others = [hook for hook in hooks if not isinstance(hook, ResponseHook)] if hooks else ()
                r.hooks = {**r.hooks, "response": [self._hook, *others]}
        except BaseException as error:
            clear_frames(error)
            if _is_about_request(error, r):
                raise TypeError(_OTHER_REQUEST.format(describe_type(r))) from None
            raise
        return r

    def __repr__(self) -> str:
        if not hasattr(self, "_refresher"):  # a traceback with local variables, out of __init__
            return "ZohoRecruitAuth()"
        application = self._refresher.application
        return f"ZohoRecruitAuth(client_id={application.client_id!r}, region={application.region.code!r})"

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._hook = ResponseHook(self)  # not that of the auth this is a copy of

    @clears_frames
    def _read_response(self, response: requests.Response, kwargs: Mapping[str, Any]) -> requests.Response:
        refresher, request = self._refresher, response.request
        sent = self._read_our_token(request)
        if sent is None:
            return response
        sent_at = refresher.grant.clock() - response.elapsed.total_seconds()
        replays = 0
        while (body := read_rejection(response, stream=bool(kwargs.get("stream")))) is not None:
            if replays:
                is_paused = refresher.pause(sent, self._hosts.name(request.url), since=sent_at)
                if is_paused or replays == _MOST_REPLAYS:
                    return response
            header = self._replace(response, sent)
            if header is None:
                return response
            response, sent, replays = replay(response, body, header, kwargs), header.removeprefix(_PREFIX), replays + 1
        self._end_pause(response)
        if response.is_redirect:
            # requests follows with the request it sent first: it would send the rejected token, and the body in vain.
            request.headers["Authorization"] = response.request.headers["Authorization"]
        return response

    def _replace(self, response: requests.Response, sent: str) -> str | None:
        """Return the header to send the request again with, or None if the response is to be handed back."""
        try:
            header = self._refresher.replace(sent)
        except BaseException:
            close(response)
            raise
        if header and rewind(response.request) and hasattr(response, "connection"):
            return header
        return None

    def _end_pause(self, response: requests.Response) -> None:
        if response.ok and not response.is_redirect:
            self._refresher.end_pause()

    def _read_our_token(self, request: requests.PreparedRequest) -> str | None:
        # A redirect to another host, or netrc, has taken our header away: then the answer is not about our token, and
        # putting it back would hand it to a stranger (T09, T32).
        header = request.headers.get("Authorization")
        if not (isinstance(header, str) and header.startswith(_PREFIX) and self._hosts.trusts(request.url)):
            return None
        return header.removeprefix(_PREFIX)


class ResponseHook:
    """What a signed request carries so that a 401 comes back to the auth that signed it.

    A pickle of a request or response takes only an empty hook along, and neither the grant nor the client's secret
    (T77). One made for this process, by `copy.deepcopy`, goes on with the same auth.

    :param auth: who has signed the request; without it, nothing happens
    """

    def __init__(self, auth: ZohoRecruitAuth | None = None) -> None:
        self._auth = auth

    def __call__(self, response: requests.Response, **kwargs: Any) -> requests.Response:
        """Return the final response: replace a rejected token and replay; end a pause when a token is accepted."""
        auth = self._auth
        # Almost always there is nothing to look at.
        if auth is None or (response.status_code != _UNAUTHORIZED and auth._refresher.record.pause is None):  # noqa: SLF001
            return response
        return auth._read_response(response, kwargs)  # noqa: SLF001

    def __reduce__(self) -> tuple[Any, ...]:
        return ResponseHook, ()

    def __deepcopy__(self, memo: object) -> ResponseHook:
        return self


def _is_about_request(error: BaseException, request: object) -> bool:
    """Tell whether another library's request was the reason. It is looked at only now: most requests are requests'."""
    is_here = error.__traceback__ is not None and error.__traceback__.tb_next is None
    return is_here and isinstance(error, Exception) and not isinstance(request, requests.PreparedRequest)
