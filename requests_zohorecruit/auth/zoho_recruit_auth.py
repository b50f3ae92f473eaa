"""`ZohoRecruitAuth`: the auth object to pass to requests as ``auth=``.

Sets the Authorization header. `refresher` decides when to refresh, `trusted_hosts` which hosts may receive the token,
and `response_hook` handles a 401.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase

from requests_zohorecruit.auth.response_hook import ResponseHook
from requests_zohorecruit.auth.store_argument import choose_store
from requests_zohorecruit.auth.trusted_hosts import TrustedHosts
from requests_zohorecruit.errors import TokenStoreError, describe_type
from requests_zohorecruit.secret import checked_secret, clear_frames, clears_frames
from requests_zohorecruit.stores import TokenStore
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import choose_grant
from requests_zohorecruit.zoho.regions import Region
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_endpoint import TIMEOUT, TokenEndpoint

if TYPE_CHECKING:
    from typing_extensions import Self

    from requests_zohorecruit.zoho.device import DevicePrompt

__all__ = ["ZohoRecruitAuth"]

_log = logging.getLogger("requests_zohorecruit")

_OTHER_REQUEST = (
    "ZohoRecruitAuth signs requests of the library requests, not {}. For another library, send the header "
    '{{"Authorization": auth.get_token().authorization}}, to hosts of auth.region only'
)


class ZohoRecruitAuth(AuthBase):
    """Sends ``Authorization: Zoho-oauthtoken …``, and refreshes the token before expiry and after a 401.

    Can be shared between threads and sessions, pickled, and used in a forked child.

    :param client_id: of the client registered in Zoho's API console
    :param client_secret: a string, or a mapping of region code to secret
    :param region: a code or alias (``"eu"``), one of the region's addresses, or a `Region`; there is no default
    :param refresh_token: the grant to start from. If the store holds another grant, this one is used instead, and
        replaces it once it has minted a token. After that, the grant in the store is used
    :param store: a `TokenStore`; or a function that takes the new token dict, like requests-oauthlib's
        ``token_updater``; or None for memory
    :param soid: for client credentials instead of a person's grant: ``ZohoRecruit.<organisation id>``
    :param scope: the scopes to request with `soid`: text with commas or spaces, or an iterable of text
    :param allowed_hosts: further ``host`` or ``host:port`` values that may receive the token, over https only
    :param session: for calls to Zoho Accounts only (proxies, certificates), not for your API calls
    :param timeout: of calls to Zoho Accounts: seconds, or (connect, read) in seconds
    :raises UnknownRegionError: the region is not in the table
    :raises ClientConfigurationError: the `client_secret` mapping has no entry for the region
    :raises TypeError: an argument has the wrong type
    :raises ValueError: an argument is empty or malformed, or the timeout outlasts the store's lock (see `RedisStore`)
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
        # The engine is imported by the first auth object, so that importing the package stays cheap.
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

        A code can be redeemed only once, so the store is read first to find out whether it works. If saving fails
        afterwards, a warning is logged: the grant is used from memory, and later calls try to save it again.

        :param code: from a self client (valid for 3 to 10 minutes), or from Zoho's redirect (for about one minute)
        :param redirect_uri: as used for consent; None for a self client's code
        :raises ReauthorizationRequired: the code is wrong, was used before, or has expired
        :raises ClientConfigurationError: client, secret, region and redirect URI do not match
        :raises AuthorizationError: Zoho sent no refresh token
        :raises TokenStoreError: the store cannot be read, or holds another client's record; the code was not sent
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
        """Get a grant for a machine without a browser: a person types a short code on a page on another device.

        Polls every 30 seconds, as Zoho requires, until the person has accepted or the code expires, after five minutes
        at Zoho. Network failures are retried. The grant belongs to the data centre of the person's account, which may
        differ from `region`: see `ZohoRecruitAuth.region` afterwards. The store is read first, and a failed save is
        handled as in `from_code`.

        :param client_id: of a client of the type "Non-browser"
        :param region: where the client is registered
        :param scope: text with commas or spaces, or an iterable of text
        :param show: called once with a `requests_zohorecruit.zoho.device.DevicePrompt`, to show the person the code and
            the page, which is on a host of Zoho Accounts
        :param extra: custom regions, in addition to the table, in which the person's account may be
        :raises AuthorizationError: the person refused, the code expired, or Zoho sent no refresh token
        :raises ClientConfigurationError: client, secret and region do not match, or `client_secret` has no entry for
            the region of the person's account
        :raises UntrustedHostError: Zoho named a page on another host; it was not shown
        :raises UnknownRegionError: a region is not in the table
        :raises TokenEndpointError: Zoho Accounts did not answer, or the answer could not be understood
        :raises TokenStoreError: the store cannot be read, or holds another client's record; no code was requested
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
        """Use the client, region and grant that ``zohorecruit login`` saved, and share them with this user's programs.

        :param name: of the profile, as in ``zohorecruit login --profile``
        :raises ReauthorizationRequired: there is no such profile; the hint says how to create it
        :raises TokenStoreError: the profile cannot be read
        :raises ValueError: `name` is not a valid profile name
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
        """Read client, region and grant from environment variables, for example in a container.

        Reads ``ZOHORECRUIT_CLIENT_ID``, ``ZOHORECRUIT_CLIENT_SECRET``, ``ZOHORECRUIT_REGION`` and, unless the store has
        a grant, ``ZOHORECRUIT_REFRESH_TOKEN``; or for client credentials ``ZOHORECRUIT_SOID`` and
        ``ZOHORECRUIT_SCOPE``. For mounted secrets, a name with ``_FILE`` appended, such as
        ``ZOHORECRUIT_CLIENT_SECRET_FILE``, gives the path of a file with the value. White space around a value is
        ignored; quotation marks are an error. Every error names the variable.

        :param prefix: replaces ``ZOHORECRUIT_``. If it ends in ``ZOHO_``, the region may also be in ``…DC``,
            ``…DOMAIN``, ``…LOCATION`` or, without ``…RECRUIT_URL``, in ``…ACCOUNTS_URL``
        :raises ClientConfigurationError: a value is missing, given twice or malformed, two values contradict each
            other, or a file cannot be read
        :raises UnknownRegionError: the region is not in the table
        :raises TypeError: `prefix` is not a string
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
        """The current token; no I/O. None before the first use."""
        return self._refresher.token

    @clears_frames
    def get_token(self, *, rejected: Token | str | None = None) -> Token | None:
        """Return the token that a request would carry now, for HTTP clients other than requests.

        Refreshes, waits or uses the current token, exactly as a request would. Send `Token.authorization` as the
        ``Authorization`` header, and only to hosts of the region: nothing checks that here.

        :param rejected: the `Token`, or its access token, that the API has refused with ``INVALID_TOKEN``. Another
            token is returned, or None during the pause that follows when the API refuses freshly minted tokens too
        :raises ZohoAuthError: no live token could be obtained
        :raises TypeError: `rejected` is something else
        """
        if rejected is not None:
            rejected = rejected.access_token if isinstance(rejected, Token) else checked_secret("rejected", rejected)
        return self._refresher.get_token(rejected)

    @clears_frames
    def refresh(self) -> Token:
        """Replace the current token as if it had been rejected: with a live one from the store, or by minting one.

        Respects cool-downs and the mint budget. Concurrent calls mint only once.

        :raises ZohoAuthError: no other token could be obtained, or (`TokenStoreError`) it could not be saved
        """
        return self._refresher.refresh()

    @clears_frames
    def revoke(self) -> None:
        """Revoke the grant at Zoho, then delete it from memory and from the store.

        With client credentials, only the access token can be revoked, and the next call mints another.

        :raises ZohoAuthError: Zoho did not confirm the revocation, and nothing was deleted; or the store could not be
            changed
        """
        self._refresher.revoke()

    def _adopt(self, token: Token, now: float) -> Self:
        """Start using a grant that a person has just given."""
        try:
            self._refresher.adopt(token, now=now)
        except TokenStoreError as error:
            _log.warning("%s", error)
        return self

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a prepared request.

        :raises UntrustedHostError: the request goes to a host that may not receive the token, or over http
        :raises ZohoAuthError: no live token could be obtained
        :raises TypeError: `r` is another library's request
        """
        try:
            if not (r.url or "").startswith(self._hosts.prefixes):  # nearly every trusted URL does
                self._hosts.check(r.url)
            r.headers["Authorization"] = self._refresher.get_memory().header
            hooks = r.hooks["response"]
            if hooks != [self._hook]:
                # Our hook goes before the caller's hooks, which should only see the final response. It replaces another
                # grant's hook, which would replay with its own token. A new list, because copies of a request share
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
        if not hasattr(self, "_refresher"):  # shown in a traceback from __init__
            return "ZohoRecruitAuth()"
        application = self._refresher.application
        return f"ZohoRecruitAuth(client_id={application.client_id!r}, region={application.region.code!r})"

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._hook = ResponseHook(self)  # not the original's


def _is_about_request(error: BaseException, request: object) -> bool:
    """Return whether another library's request caused the error; checked only then, to keep signing fast."""
    is_here = error.__traceback__ is not None and error.__traceback__.tb_next is None
    return is_here and isinstance(error, Exception) and not isinstance(request, requests.PreparedRequest)
