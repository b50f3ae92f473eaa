"""`ResponseHook`: handles the response to a signed request, which may have to be sent again after a 401.

`replay` reads the response and sends the request, and `refresher` chooses the token for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import requests

from requests_zohorecruit.auth.replay import close, read_rejection, replay, rewind
from requests_zohorecruit.secret import clears_frames
from requests_zohorecruit.zoho.token import SCHEME

if TYPE_CHECKING:
    from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth

__all__ = ["ResponseHook"]

# ruff: noqa: SLF001 - the hook is a part of the auth object, whose refresher a session may replace at any time

_PREFIX = f"{SCHEME} "
#: The first replay may use a token adopted from the store, which can be dead as well; the second uses a minted one.
_MOST_REPLAYS = 2


class ResponseHook:
    """The response hook of a signed request.

    A pickled request or response contains an empty hook, without the grant or the client secret (T77). A deep copy
    keeps the same auth object.

    :param auth: the auth object that signed the request; without one, the hook does nothing
    """

    def __init__(self, auth: ZohoRecruitAuth | None = None) -> None:
        self._auth = auth

    def __call__(self, response: requests.Response, **kwargs: Any) -> requests.Response:
        """Return the final response: replay with a new token after a rejection; end a pause after an accepted call."""
        auth = self._auth
        # The common case: nothing to do.
        if auth is None or (response.status_code != 401 and auth._refresher.record.pause is None):
            return response
        return _read_response(auth, response, kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return ResponseHook, ()

    def __deepcopy__(self, memo: object) -> ResponseHook:
        return self


@clears_frames
def _read_response(auth: ZohoRecruitAuth, response: requests.Response, kwargs: Mapping[str, Any]) -> requests.Response:
    refresher, request = auth._refresher, response.request
    sent = _read_our_token(auth, request)
    if sent is None:
        return response
    sent_at = refresher.grant.clock() - response.elapsed.total_seconds()
    replays = 0
    while (body := read_rejection(response, stream=bool(kwargs.get("stream")))) is not None:
        if replays:
            is_paused = refresher.pause(sent, auth._hosts.name(request.url), since=sent_at)
            if is_paused or replays == _MOST_REPLAYS:
                return response
        header = _choose_header(auth, response, sent)
        if header is None:
            return response
        response, sent, replays = replay(response, body, header, kwargs), header.removeprefix(_PREFIX), replays + 1
    if response.is_redirect:
        # requests builds the redirected request from the original one, which still carries the rejected token.
        request.headers["Authorization"] = response.request.headers["Authorization"]
    elif response.ok:
        auth._refresher.end_pause()
    return response


def _read_our_token(auth: ZohoRecruitAuth, request: requests.PreparedRequest) -> str | None:
    # If a redirect to another host, or netrc, has removed our header, the response is not about our token, and
    # restoring the header would leak the token to a stranger (T09, T32).
    header = request.headers.get("Authorization")
    if not (isinstance(header, str) and header.startswith(_PREFIX) and auth._hosts.trusts(request.url)):
        return None
    return header.removeprefix(_PREFIX)


def _choose_header(auth: ZohoRecruitAuth, response: requests.Response, sent: str) -> str | None:
    """Return the header for the replay, or None if the response should be handed back."""
    try:
        header = auth._refresher.replace(sent)
    except BaseException:
        close(response)
        raise
    return header if header and rewind(response.request) and hasattr(response, "connection") else None
