"""`ZohoSession`: an `OAuth2Session` that uses the engine instead of its own token handling.

Implements requests-oauthlib's methods for Zoho. `refresher` decides which token is current and when it is refreshed.
The compliance fix turns a session into a `ZohoSession`; none is ever created directly.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import requests
from oauthlib.oauth2 import OAuth2Error, is_secure_transport
from requests_oauthlib import OAuth2Session

from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.errors import AuthorizationError, ReauthorizationRequired
from requests_zohorecruit.secret import clears_frames, fingerprint
from requests_zohorecruit.session.log_filter import hide_secrets_of
from requests_zohorecruit.zoho.consent import (
    OFFLINE,
    check_refresh_token,
    check_token_url,
    join_scopes,
    read_session_code,
)
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

if TYPE_CHECKING:
    from oauthlib.oauth2 import Client

    from requests_zohorecruit.session.session_auth import SessionAuth

__all__ = ["ZohoSession", "add_fix"]

#: Options of requests-oauthlib without effect here: id and secret always go into the form, and the headers are fixed.
_WITHOUT_EFFECT = frozenset({"auth", "headers", "include_client_id"})
#: Options that only accept these values: Zoho has one form of token request, and a refresh is shared by all callers.
_DEFAULTS = {"body": "", "method": "POST", "force_querystring": False}
_DEFAULTS.update(dict.fromkeys(("username", "password", "timeout", "verify", "proxies")))


class ZohoSession(OAuth2Session):
    """An `OAuth2Session` whose token the engine manages.

    :ivar zoho_auth: the auth object that signs its requests; also ``session.auth``
    """

    zoho_auth: SessionAuth
    _client: Client
    _pkce: str | None
    _offline = True
    _redeemed = ""

    @property
    @clears_frames
    def token(self) -> dict[str, Any]:
        """The current token, as a new dict; empty when there is none. Reads the store when nothing is in memory."""
        self.zoho_auth.notice_change()
        return self.zoho_auth.get_token_dict()

    @token.setter
    @clears_frames
    def token(self, value: Mapping[str, Any] | None) -> None:
        if not (value is None or isinstance(value, Mapping)):
            raise TypeError(f"token must be a dict, not {type(value).__name__}")
        Record.from_mapping(value or {}, self.zoho_auth.application)  # raises before anything is changed
        self._client.token = dict(value or {})
        self.zoho_auth.restart()

    @property
    def access_token(self) -> str | None:
        """The current access token, or None."""
        return self.token.get("access_token")

    @access_token.setter
    @clears_frames
    def access_token(self, value: str) -> None:
        self.token = {**self.token, "access_token": value}

    @access_token.deleter
    def access_token(self) -> None:
        self.token = {**self.token, "access_token": None}

    @property
    @clears_frames
    def authorized(self) -> bool:
        """Whether there is a live access token, or a grant to get one from."""
        self.zoho_auth.notice_change()
        return self.zoho_auth.is_authorized()

    def authorization_url(self, url: str, state: str | None = None, **kwargs: Any) -> tuple[str, str]:
        """Return the URL to send a person to, and the state to keep until they return.

        :param kwargs: further parameters; ``access_type="offline"`` and ``prompt="consent"`` unless given
        """
        parameters = {**OFFLINE, **kwargs}
        self._offline = parameters["access_type"] == OFFLINE["access_type"]
        url, self._state = super().authorization_url(url, state, **parameters)
        return join_scopes(url), self._state

    @clears_frames
    def fetch_token(  # type: ignore[override]  # requests-oauthlib's other parameters are options here
        self, token_url: str, code: str | None = None, authorization_response: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """Redeem the code that Zoho redirected back with, and save the token.

        :param token_url: the region's ``token_url``
        :param code: a bare code, as a self client has it
        :param authorization_response: the whole callback URL; its state and region are checked before anything is sent
        :param options: ``timeout``, ``verify``, ``proxies`` and ``cert`` of requests, for this call; ``code_verifier``,
            by default that of this session's authorization URL, if it uses ``pkce``. ``auth``, ``headers`` and
            ``include_client_id`` have no effect, because Zoho supports one form of token request
        :return: the token dict
        :raises AuthorizationError: the callback reports a refusal or is forged, or Zoho sent no refresh token
        :raises UntrustedHostError: `token_url` is not the region's, or the callback names a server that is not Zoho's
        :raises ReauthorizationRequired: the code was used before or has expired
        :raises ZohoAuthError: another error from Zoho, or (`TokenStoreError`) the token could not be saved
        :raises ValueError: there is no code, or an option is not supported
        """
        application = self.zoho_auth.application
        check_token_url(token_url, application.region)
        settings = {name: options.pop(name, None) for name in ("timeout", "verify", "proxies", "cert")}
        code_verifier = self._choose_code_verifier(options.pop("code_verifier", None))
        self._check_options(options)
        if authorization_response is not None:
            code = read_session_code(authorization_response, application=application, state=self._state)
        code = code or getattr(self._client, "code", None)
        if not code:
            raise ValueError("there is neither a code nor an authorization_response")
        return self._redeem(code, code_verifier, self.zoho_auth.get_endpoint(**settings))

    @clears_frames
    def refresh_token(  # type: ignore[override]  # see fetch_token
        self, token_url: str, refresh_token: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """Replace the current access token, as `ZohoRecruitAuth.refresh` does. Concurrent calls mint only once.

        :param token_url: the region's ``token_url``
        :param refresh_token: another grant to switch to
        :param options: ``auth`` and ``headers`` have no effect
        :return: the token dict
        :raises ZohoAuthError: no other token could be obtained, or (`TokenStoreError`) it could not be saved
        :raises ValueError: an option that must be set on the session, because callers share a refresh
        """
        check_token_url(token_url, self.zoho_auth.application.region)
        self._check_options(options)
        if refresh_token is not None and refresh_token != self.token.get("refresh_token"):
            self.token = {"refresh_token": refresh_token}
        self.zoho_auth.notice_change()
        self.zoho_auth.refresh()
        return self.token

    @clears_frames
    def token_from_fragment(self, authorization_response: str) -> dict[str, Any]:
        """Use the token from the redirect of an implicit grant, as requests-oauthlib does.

        :raises AuthorizationError: the redirect reports a refusal, or is forged or incomplete
        """
        try:
            return super().token_from_fragment(authorization_response)
        except (OAuth2Error, ValueError):  # oauthlib raises ValueError for a wrong state only here
            region = self.zoho_auth.region.code
            raise AuthorizationError(
                "The callback contains no access token, or a different state.", region=region
            ) from None

    def request(  # type: ignore[override]  # requests-oauthlib's other parameters are passed on
        self,
        method: str,
        url: str,
        data: Any = None,
        headers: Any = None,
        withhold_token: bool = False,  # noqa: FBT001, FBT002
        **kwargs: Any,
    ) -> requests.Response:
        """Send a request, signed by ``session.auth`` unless `withhold_token` is set or the caller has an ``auth=``.

        :raises UntrustedHostError: the token would go to a host that may not receive it, or over http
        :raises ZohoAuthError: no live token could be obtained
        """
        if withhold_token:
            # Otherwise session.auth or netrc would sign the request.
            kwargs["auth"] = kwargs.get("auth") or (lambda request: request)
        else:
            self.zoho_auth.notice_change()
            for hook in self.compliance_hook["protected_request"]:
                url, headers, data = hook(url, headers and dict(headers), data)
            if not (kwargs.get("auth") or is_secure_transport(url)):
                self.zoho_auth.hosts.check(url)
        # withhold_token=True, because session.auth replaces requests-oauthlib's own signing and refreshing.
        return super().request(method, url, data=data, headers=headers, withhold_token=True, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        # requests.Session pickles only the attributes it knows, which would lose the client and the token (T07).
        # `add_fix` derived the session's class from its previous one, which is next in the method resolution order.
        return _rebuild, (type(self).__mro__[1],), self.__getstate__()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def _redeem(self, code: str, code_verifier: str | None, endpoint: TokenEndpoint) -> dict[str, Any]:
        if fingerprint(code) == self._redeemed:
            raise ReauthorizationRequired(
                "This code has already been redeemed and works only once; it was not sent again.",
                region=endpoint.application.region.code,
                hint="The token it brought is in use. For another one, start the authorization again.",
            )
        refresher = self.zoho_auth.refresher
        now = refresher.grant.clock()
        token = endpoint.exchange(code, redirect_uri=self.redirect_uri, code_verifier=code_verifier, now=now)
        self._redeemed = fingerprint(code)
        if self._offline:
            check_refresh_token(token, endpoint.application.region)
        refresher.adopt(token, now=now)
        return self.token

    def _choose_code_verifier(self, given: str | None) -> str | None:
        verifier = given or getattr(self, "_code_verifier", None)
        if self._pkce and verifier is None:
            raise ValueError("there is no code verifier: build the authorization URL first, or pass code_verifier=")
        return verifier

    def _check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse unsupported options. The fix's own client id and secret may be repeated, as without the fix."""
        application = self.zoho_auth.application
        own = {"client_id": application.client_id, "client_secret": application.client_secret}
        given = {name: value for name, value in options.items() if name not in _WITHOUT_EFFECT and value is not None}
        if any(given.pop(name, value) != value for name, value in own.items()):
            raise ValueError("client_id or client_secret differs from the one given to zohorecruit_compliance_fix")
        names = sorted(name for name, value in given.items() if value != _DEFAULTS.get(name))
        if names:
            kind = ValueError if _DEFAULTS.keys() >= set(names) else TypeError
            raise kind(f"Zoho's token request does not support {', '.join(names)}")

    def secrets(self) -> tuple[str | None, ...]:
        """Return the values that must not appear in logs."""
        code = getattr(self._client, "code", None)
        own = (code, getattr(self, "_state", None), getattr(self, "_code_verifier", None))
        return (*self.zoho_auth.secrets(), *(text for text in own if isinstance(text, str)))


@cache
def add_fix(original: type[OAuth2Session]) -> type[ZohoSession]:
    """Return a class derived from the user's class and from `ZohoSession`, in this order."""
    if original is OAuth2Session:
        return ZohoSession
    names = {"__module__": original.__module__, "__qualname__": original.__qualname__}
    return type(original.__name__, (original, ZohoSession), names)


def _rebuild(original: type[OAuth2Session]) -> ZohoSession:
    fixed = add_fix(original)  # type: ignore[arg-type]  # as above
    session = fixed.__new__(fixed)
    hide_secrets_of(session, ZohoSession.secrets)
    return session
