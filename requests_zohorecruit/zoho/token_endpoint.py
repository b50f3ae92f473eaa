"""The token endpoint of Zoho Accounts: the only module that sends forms to it.

Knows nothing about stores, locks or when to refresh. `token_answers` parses the responses.
"""

from __future__ import annotations

import threading
from typing import Any, cast

import requests
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from requests_zohorecruit.errors import TokenEndpointError, describe_type
from requests_zohorecruit.interruptions import pass_interruption
from requests_zohorecruit.secret import checked_secret, clears_frames
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.call_session import PlainSession, make_call_session
from requests_zohorecruit.zoho.deadline import SLACK, Deadline
from requests_zohorecruit.zoho.grants import Grant
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_answers import Answer, make_redirect_error, read_revocation, read_token_answer

__all__ = ["TIMEOUT", "TokenEndpoint"]

#: Default timeout of a call, in seconds: for connecting, and for waiting for data.
TIMEOUT = (5, 30)
#: Maximum number of bytes of a response to read; Zoho sends less than a kilobyte.
LONGEST_ANSWER = 64 * 1024
#: Bytes to read at a time.
_PIECE = 1024


class TokenEndpoint:
    """Posts forms to Zoho Accounts and parses the responses.

    :param application: its credentials go into the forms
    :param session: its proxies, certificates and adapters are used, but never its auth, headers, cookies, hooks or
        netrc. Without one, a private session is used, which honours ``HTTPS_PROXY`` and ``REQUESTS_CA_BUNDLE``
    :param timeout: seconds, or (connect, read) in seconds; must be finite (T30)
    """

    def __init__(
        self,
        application: Application,
        *,
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = TIMEOUT,
    ) -> None:
        if session is not None and not isinstance(session, PlainSession):
            raise TypeError(
                f"session must be a requests.Session, not {describe_type(session)}. It is for calls to Zoho Accounts "
                "only, which are made with requests; leave it out unless they need a proxy or certificate of their own"
            )
        self.application = application
        self._session = session
        self._timeout = _check_timeout(timeout)

    @property
    def longest_call(self) -> float:
        """Seconds after which a call has ended, even if the server misbehaves."""
        return sum(self._timeout) + SLACK

    @clears_frames
    def mint(self, grant: Grant, previous: Token | None, *, now: float) -> Token:
        """Mint an access token from a grant.

        :param previous: the previous token, for values missing from the response
        :param now: epoch seconds
        """
        answer = self.post_form(self.application.region.token_url, grant.make_body(self.application))
        return self._read(answer, previous, now)

    @clears_frames
    def exchange(
        self, code: str, *, redirect_uri: str | None = None, code_verifier: str | None = None, now: float
    ) -> Token:
        """Redeem an authorization code (RFC 6749, section 4.1.3).

        :param redirect_uri: as used for consent; None for a self client's code
        :param code_verifier: for PKCE (RFC 7636), if the authorization URL carried a challenge
        :param now: epoch seconds
        :raises ValueError: `code` is malformed; nothing was sent
        """
        from oauthlib.oauth2 import WebApplicationClient  # noqa: PLC0415 - slower to import than this package

        body = WebApplicationClient(self.application.client_id).prepare_request_body(
            code=checked_secret("code", code),
            redirect_uri=redirect_uri,
            code_verifier=code_verifier,
            client_secret=self.application.client_secret,
        )
        return self._read(self.post_form(self.application.region.token_url, body), None, now)

    @clears_frames
    def revoke(self, token: str) -> None:
        """Revoke a grant. The token goes into the body, which access logs do not show (RFC 7009; T60)."""
        from oauthlib.common import urlencode  # noqa: PLC0415 - slower to import than this package

        answer = self.post_form(self.application.region.revoke_url, urlencode([("token", token)]))
        read_revocation(answer, region=self.application.region)

    @clears_frames
    def post_form(self, url: str, body: str) -> Answer:
        """Post a form once, with a deadline, without following a redirect.

        :param url: a URL of the application's region
        :raises TokenEndpointError: there is no complete response
        """
        # Prepared outside the session, so that its auth, netrc, headers and cookies are not added (T09, T27).
        prepared = requests.Request("POST", url, data=body, headers=_HEADERS).prepare()
        with Deadline(*self._timeout) as deadline:
            session = make_call_session(self._session, deadline)
            settings, is_answered = _merge_settings(session, url), False
            try:
                with session.send(prepared, timeout=self._timeout, allow_redirects=False, **settings) as response:
                    is_answered = True
                    answer = _read_bounded(response, deadline)
                    deadline.check()  # a socket that was shut down can look like the end of a response
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                pass_interruption(error)
                late = f"No complete answer within {deadline.seconds:g} s from"
                unsent = None if is_answered or deadline.expired else _find_obstacle(error)
                what = late if deadline.expired else unsent or _describe_failure(error)
                code = self.application.region.code
                raise TokenEndpointError(
                    f"{what} {url.split('/')[2]} (Zoho Accounts, region {code}).",
                    uncertain=unsent is None,
                    region=code,
                    hint="Nothing is lost; try again later, or check the network, proxy and certificate settings.",
                ) from None
        if 300 <= answer.status < 400:
            raise make_redirect_error(answer.status, self.application.region)
        return answer

    def _read(self, answer: Answer, previous: Token | None, now: float) -> Token:
        return read_token_answer(answer, region=self.application.region, requested_at=now, previous=previous)


_HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept": "application/json",
    "Cache-Control": "no-store",  # for sessions that cache
}


def _merge_settings(session: requests.Session, url: str) -> dict[str, Any]:
    # The session's settings take precedence over REQUESTS_CA_BUNDLE and HTTPS_PROXY. In requests it is the other way
    # round, so that a session with a private CA fails wherever that variable is set.
    proxies = dict(session.proxies)
    settings = session.merge_environment_settings(url, proxies, stream=True, verify=session.verify, cert=None)
    return cast("dict[str, Any]", settings)


def _read_bounded(response: requests.Response, deadline: Deadline) -> Answer:
    content = bytearray()
    # iter_content, as requests itself reads, because an adapter's `raw` may be a plain file, or None.
    for piece in response.iter_content(_PIECE) if response.raw is not None else [response.content or b""]:
        content += piece
        if len(content) > LONGEST_ANSWER:
            break
        deadline.check()
    try:
        text = content.decode("utf-8") if len(content) <= LONGEST_ANSWER else ""
    except UnicodeDecodeError:
        text = ""  # which is not a token response either
    return Answer(response.status_code, text, response.headers.get("Retry-After"))


#: Errors that are known to occur before the form is sent.
_UNSENT: tuple[tuple[type[Exception], str], ...] = (
    (requests.exceptions.ProxyError, "The proxy did not connect to"),
    (requests.exceptions.ConnectTimeout, "No connection within the timeout to"),
    (ValueError, "The proxy settings allow no connection to"),  # InvalidURL; a password not Latin-1
)


def _find_obstacle(error: Exception) -> str | None:
    """Return why the form was not sent, or None if it may have arrived; without the error's text, for its secrets."""
    if isinstance(error, requests.exceptions.InvalidHeader):
        return None  # a ValueError about the response: our own headers are valid
    for kind, what in _UNSENT:
        if isinstance(error, kind):
            return what
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "The TLS certificate was not accepted:"
    if type(error) is OSError:  # requests raises this for a missing certificate file
        return "The certificate settings allow no connection to"
    reason = _find_reason(error)
    return "No connection to" if isinstance(getattr(reason, "reason", reason), NewConnectionError) else None


def _describe_failure(error: Exception) -> str:
    """Return what failed after the form may have arrived."""
    kinds = (requests.exceptions.Timeout, ReadTimeoutError)
    if isinstance(error, kinds) or isinstance(_find_reason(error), ReadTimeoutError):
        return "No answer within the timeout from"
    return "The connection broke before a complete answer arrived from"


def _find_reason(error: Exception) -> Any:
    return error.args[0] if error.args else None


def _check_timeout(timeout: Any) -> tuple[float, float]:
    pair = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    numbers = [value for value in pair if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(pair) != 2 or len(numbers) != 2:
        raise TypeError("timeout must be seconds, or a (connect, read) pair of seconds")
    if not all(0 < seconds <= threading.TIMEOUT_MAX for seconds in numbers):
        raise ValueError("timeout must be finite and above zero: a token call that hangs stops every caller")
    return float(numbers[0]), float(numbers[1])
