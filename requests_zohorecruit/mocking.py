"""A mocked Zoho without sockets, for tests: the sandbox's state machine behind the `responses` library.

Converts prepared requests into the sandbox's messages, and its answers into responses. All behaviour is the sandbox's.
Importing this module imports `responses`.
"""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import requests
import responses
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from requests_zohorecruit.sandbox.messages import Answer, Request
from requests_zohorecruit.sandbox.zoho import Zoho
from requests_zohorecruit.zoho.regions import Region, https_host

__all__ = ["MockZoho", "mock_zoho"]

_ELSEWHERE = "https://elsewhere.example"


def mock_zoho(
    responses_mock: Any,
    *,
    region: str | Region = "eu",
    redirect_uris: tuple[str, ...] = ("http://127.0.0.1:8400/callback",),
) -> MockZoho:
    """Answer requests to the hosts of a region from a sandbox, while `responses_mock` is active.

    Other responses registered for the same addresses take precedence.

    :param responses_mock: a `responses.RequestsMock`, the fixture of that kind, or the module `responses` itself
    :param region: a code or alias, one of the region's addresses, or a `Region`
    :param redirect_uris: those registered for the client
    :returns: an object with the controls and counters of `requests_zohorecruit.sandbox.Sandbox`
    :raises UnknownRegionError: the region is not in the table
    :raises ValueError: there is no redirect URI
    """
    return MockZoho(responses_mock, Region.lookup(region), redirect_uris)


class MockZoho(Zoho):
    """The result of `mock_zoho`. There is no certificate to check, so `ca_bundle` is requests' default."""

    def __init__(self, responses_mock: Any, region: Region, redirect_uris: tuple[str, ...]) -> None:
        super().__init__(regions={region.code: region}, elsewhere=_ELSEWHERE, redirect_uris=redirect_uris)
        self.ca_bundle = DEFAULT_CA_BUNDLE_PATH
        responses_mock.add(_Carrier(region, responses_mock, self.handle))

    def __repr__(self) -> str:
        return f"MockZoho({self.region.code!r})"


class _Carrier(responses.BaseResponse):
    """One registered response for all methods and addresses of a region.

    :param beside: the mock it is registered with
    :param answer: the sandbox's function that answers requests
    """

    def __init__(self, region: Region, beside: Any, answer: Callable[[Request], Answer]) -> None:
        super().__init__("ANY", f"{region.accounts_url}, {region.recruit_url} and {region.upload_url}")
        self._beside = beside
        self._answer = answer
        self._accounts = {https_host(url) for url in (region.accounts_url, _ELSEWHERE)}
        self._api = {https_host(url) for url in (region.recruit_url, region.upload_url, _ELSEWHERE)}

    @property
    def call_count(self) -> int:
        """The number of calls, but at least one.

        At the end `responses` complains about responses that were never requested. That suits a response a test
        expects, but not a service it may use. `MockZoho` has the real counters.
        """
        return max(1, super().call_count)

    def matches(self, request: requests.PreparedRequest) -> tuple[bool, str]:
        """Return whether the request is for this region, and no other registered response matches it."""
        url = str(request.url)
        is_api = urlsplit(url).path.startswith("/recruit/")
        if https_host(url) not in (self._api if is_api else self._accounts):
            return False, "This is not where the mocked Zoho is"
        if any(other.matches(request)[0] for other in self._beside.registered() if not isinstance(other, _Carrier)):
            # Of two matching responses, `responses` uses the first and removes it.
            return False, "There is another response for it"
        return True, ""

    def get_response(self, request: requests.PreparedRequest) -> HTTPResponse:
        """Return the sandbox's answer.

        :raises requests.RequestException: there is none, for example because a fault breaks the connection
        """
        url = urlsplit(str(request.url))
        headers = tuple((name, _decode(value)) for name, value in request.headers.items())
        arrived = Request(str(request.method), url.path, url.query, headers, _read_body(request.body))
        answer = self._answer(arrived)
        if answer.delay:
            time.sleep(answer.delay)
        return _deliver(answer, request)


def _decode(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _read_body(body: Any) -> bytes:
    # `responses` has already read files; the body is now text, bytes or a generator of bytes.
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, Iterable) and not isinstance(body, (bytes, bytearray)):
        return b"".join(body)
    return bytes(body or b"")


def _deliver(answer: Answer, prepared: requests.PreparedRequest) -> HTTPResponse:
    if answer.ending == "hang":
        raise requests.exceptions.ReadTimeout("The mocked Zoho does not answer.", request=prepared)
    if answer.ending == "reset":
        reset = ConnectionResetError("The mocked Zoho dropped the connection.")
        raise requests.exceptions.ConnectionError(ProtocolError("Connection aborted.", reset), request=prepared)
    headers = dict(answer.headers)
    if answer.status not in {http.client.NO_CONTENT, http.client.NOT_MODIFIED}:
        headers["Content-Length"] = str(len(answer.body))
    sent = answer.body[: len(answer.body) // 2] if answer.ending == "cut" else answer.body
    return HTTPResponse(
        io.BytesIO(sent),
        headers=headers,
        status=answer.status,
        reason=http.client.responses.get(answer.status),
        preload_content=False,
        request_method=prepared.method,
    )
