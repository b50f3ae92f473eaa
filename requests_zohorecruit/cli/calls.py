"""Makes the API call of `get` and `api`: builds the address and the body, sends them, and checks the answer.

`output` and `records` write the answer.
"""

from __future__ import annotations

import io
import json
import mimetypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click
import requests

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.cli.diagnosis import make_api_error, make_network_error
from requests_zohorecruit.cli.output import print_answer, show_bar
from requests_zohorecruit.cli.records import TIMEOUT, Listing, get_pages, print_records
from requests_zohorecruit.cli.sources import Source
from requests_zohorecruit.errors import UntrustedHostError, ZohoAuthError
from requests_zohorecruit.zoho.regions import Region

__all__ = ["Body", "Call", "make_call", "read_data", "read_upload"]


class Body(NamedTuple):
    """A request body and its content type."""

    content: bytes
    kind: str


class Call(NamedTuple):
    """An API call as the command line describes it.

    :ivar listing: how to write records; None = write the answer unchanged
    :ivar output: the file for the answer; None = standard output
    """

    method: str
    path_or_url: str
    body: Body | None = None
    query: tuple[tuple[str, str], ...] = ()
    listing: Listing | None = None
    output: str | None = None


def make_call(profile: Source, call: Call) -> None:
    """Send a request and write its answer.

    :raises ZohoAuthError: there is no token or no connection, or the API refused the call
    :raises click.ClickException: the answer could not be written, or reports records that were rejected
    """
    auth = ZohoRecruitAuth(**profile.load().arguments())
    url = _build_url(call.path_or_url, auth.region)
    with requests.Session() as session:
        session.auth = auth
        try:
            if call.listing is not None:
                pages = get_pages(session, url, call.query, auth, paginate=call.listing.paginate)
                print_records(pages, call.listing, call.output)
            else:
                with _send(session, url, call) as answer:
                    _finish(answer, call, auth)
        except UntrustedHostError as error:
            error.hint = f"Use https and one of these hosts: {', '.join(sorted(auth.region.hosts))}."
            raise
        except ZohoAuthError:
            raise
        except requests.RequestException as error:
            failure = make_network_error(url, error)
        else:
            return
    raise failure


def _build_url(path_or_url: str, region: Region) -> str:
    if "://" in path_or_url:
        return path_or_url
    path = path_or_url if path_or_url.startswith("/") else f"/recruit/v2/{path_or_url}"
    return region.recruit_url + path


def _send(session: requests.Session, url: str, call: Call) -> requests.Response:
    options: dict[str, Any] = {"params": call.query, "timeout": TIMEOUT, "stream": True}
    if call.method != "GET":
        options["allow_redirects"] = False  # the body is for this host only
    if call.body is None:
        return session.request(call.method, url, **options)
    with show_bar("Upload", len(call.body.content)) as advance:
        body = _Upload(call.body.content, advance)
        return session.request(call.method, url, data=body, headers={"Content-Type": call.body.kind}, **options)


class _Upload(io.BytesIO):
    """A body that reports how much of it was read. It can be rewound and sent again."""

    def __init__(self, content: bytes, advance: Callable[[int], object]) -> None:
        super().__init__(content)
        self._advance = advance

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self._advance(len(data))
        return data


def _finish(answer: requests.Response, call: Call, auth: ZohoRecruitAuth) -> None:
    if not answer.ok or answer.is_redirect:
        raise make_api_error(answer, auth)
    if call.method != "GET":
        answer.content  # noqa: B018 - short, and read again below
    print_answer(answer, call.output)
    if call.method != "GET" and (rejected := _count_rejected(answer)):
        raise click.ClickException(f"Zoho Recruit rejected {rejected}; the answer says why.")


def _count_rejected(answer: requests.Response) -> str:
    """Return how many records Zoho Recruit rejected although the call succeeded, in words; "" = none."""
    try:
        results = answer.json()["data"]
        rejected = sum(each["status"] == "error" for each in results)
    except (ValueError, TypeError, KeyError):
        return ""
    return f"{rejected} of {len(results)} records" if rejected else ""


def read_data(text: str) -> Body:
    """Return the body for ``--data``: JSON, ``@file``, or ``@-`` for standard input.

    :raises click.BadParameter: it is not JSON, or the file cannot be read
    """
    is_file = text.startswith("@")
    content = _read_file(text[1:]) if is_file else text.encode("utf-8", "surrogateescape")
    name = {"@-": "Standard input"}.get(text, text[1:]) if is_file else "The text"
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        place = f"{error.msg}, line {error.lineno}, column {error.colno}"
        raise click.BadParameter(f"{name} is not valid JSON: {place}.") from None
    except ValueError:
        raise click.BadParameter(f"{name} is not valid JSON: it is not text in UTF-8.") from None
    return Body(content, "application/json")


def read_upload(text: str) -> Body:
    """Return the form for ``--file``: a path, sent as the part named ``file``, or ``name=@path``.

    :raises click.BadParameter: the file cannot be read
    """
    from urllib3 import encode_multipart_formdata  # noqa: PLC0415 - only uploads need it

    name, found, path = text.partition("=@")
    if not found:
        name, path = "file", text.removeprefix("@")
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    content, form = encode_multipart_formdata({name: (Path(path).name, _read_file(path), kind)})
    return Body(content, form)


def _read_file(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "not a path"
        raise click.BadParameter(f"{Path(path)} cannot be read: {problem}.") from None
