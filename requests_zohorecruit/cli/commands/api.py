"""``zohorecruit api`` makes any call to Zoho Recruit. ``zohorecruit get`` is its short form for GET."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from requests_zohorecruit.cli.calls import Body, Call, make_call, read_data, read_upload
from requests_zohorecruit.cli.records import Listing
from requests_zohorecruit.cli.sources import Source, grant_options

__all__ = ["api", "get"]

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Method(click.Choice[str]):
    """A choice that ignores case. Click's error message would list the choices in lower case."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        return str(choice).upper()


def _parse_query(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    if any(value.find("=") < 1 for value in values):
        raise click.BadParameter("Write it as key=value, for example per_page=10.")
    return tuple((key, value) for key, _, value in (each.partition("=") for each in values))


def _parse_fields(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    fields = tuple(name for each in (value or "").split(",") if (name := each.strip()))
    if value is not None and not fields:
        raise click.BadParameter("Name at least one field, for example Last_Name,Email.")
    return fields


def _parse_body(ctx: click.Context, param: click.Parameter, value: str | None) -> Body | None:
    if value is None:
        return None
    return read_data(value) if param.name == "data" else read_upload(value)


def _output_options(command: _Command) -> _Command:
    """Add the options that `get` and `api` share. The command gets them as the arguments of `Call`."""

    @click.option(
        "-q", "--query", multiple=True, callback=_parse_query, metavar="KEY=VALUE", help="Query parameter; repeatable."
    )
    @click.option(
        "--paginate", "--all", is_flag=True, help="Fetch all pages (from -q page=N); print records as JSON lines."
    )
    @click.option("--csv", "as_csv", is_flag=True, help="Print records as CSV, in UTF-8.")
    @click.option(
        "--fields",
        callback=_parse_fields,
        metavar="A,B.C",
        help="Print these fields of records, in this order; Owner.name is a field of Owner.",
    )
    @click.option(
        "-o", "--output", type=click.Path(dir_okay=False), help="Save the answer in a file, once it is complete."
    )
    @functools.wraps(command)
    def call(paginate: bool, as_csv: bool, fields: tuple[str, ...], **options: Any) -> Any:
        listing = Listing(paginate, as_csv, fields) if paginate or as_csv or fields else None
        return command(listing=listing, **options)

    return call  # type: ignore[return-value]


@click.command()
@click.argument("method", metavar="METHOD", type=_Method(_METHODS, case_sensitive=False))
@click.argument("path_or_url")
@grant_options
@click.option(
    "-d", "--data", callback=_parse_body, help="JSON to send, or @file or @- (standard input) to read it from."
)
@click.option("-F", "--file", callback=_parse_body, help="File to upload as the part named file, or name=@path.")
@_output_options
def api(method: str, path_or_url: str, profile: Source, data: Body | None, file: Body | None, **options: Any) -> None:
    """Make any API call, including uploads and downloads.

    PATH_OR_URL is a module (Candidates), a path (Candidates/123/Attachments, /recruit/v2/JobOpenings) or a URL on one
    of the region's hosts. A request is sent again only if its token was rejected. If Zoho Recruit rejects some of the
    records of a change, the exit code is 1.
    """
    if data and file:
        raise click.UsageError("Pass --data or --file, not both.")
    if method == "GET" and (data or file):
        raise click.UsageError("--data and --file are for POST, PUT, PATCH and DELETE; a GET has no body.")
    if method != "GET" and options["listing"]:
        raise click.UsageError("--paginate, --csv and --fields are for GET.")
    make_call(profile, Call(method, path_or_url, data or file, **options))


@click.command()
@click.argument("path_or_url")
@grant_options
@_output_options
def get(path_or_url: str, profile: Source, **options: Any) -> None:
    """Send a GET request to the API and print the answer.

    PATH_OR_URL is a module (Candidates), a path (Candidates/123, /recruit/v2/JobOpenings?page=2) or a URL on one of the
    region's hosts. JSON is indented on a terminal, and printed unchanged in a pipe.
    """
    make_call(profile, Call("GET", path_or_url, **options))
