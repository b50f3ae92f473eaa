"""Lists of records: page after page, some of their fields, as JSON lines or CSV.

Knows how Recruit pages its lists; where they are written is `output`'s.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import click
import requests

from requests_zohorecruit.cli.console import open_console
from requests_zohorecruit.cli.diagnosis import make_api_error
from requests_zohorecruit.cli.output import Sink, note, open_sink

__all__ = ["Listing", "get_page", "get_pages", "print_records"]

_PER_PAGE = 200
_NO_LIST = "Not a list of records: --paginate, --csv and --fields need one, such as Candidates."


class Listing(NamedTuple):
    """What is wanted of a list.

    :ivar paginate: all pages instead of one
    :ivar as_csv: CSV instead of JSON lines
    :ivar fields: the fields, in their order; ``Owner.name`` for one within another; empty = all
    """

    paginate: bool = False
    as_csv: bool = False
    fields: tuple[str, ...] = ()


def print_records(pages: Iterator[list[Any]], listing: Listing, path: str | None) -> None:
    """Write records, with a bar where it is in nobody's way.

    :raises click.ClickException: the file cannot be written
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - for lists only

    console = open_console(stderr=True)
    # Where the records themselves are seen to come, a bar would be in their way.
    hidden = not listing.paginate or (path is None and sys.stdout.isatty()) or not console.is_terminal
    columns = BarColumn(), TextColumn("{task.completed} records"), TimeElapsedColumn()
    progress = Progress(*columns, console=console, transient=True, redirect_stdout=False)
    # Not `disable=hidden`: before release 14, rich leaves an empty line behind what it has not shown.
    with open_sink(path) as sink, nullcontext() if hidden else progress:
        task = progress.add_task("", total=None)
        writer = _Writer(sink, listing)
        for records in pages:
            writer.write(records)
            progress.advance(task, len(records))


def get_page(session: requests.Session, url: str, options: dict[str, Any], region: str) -> Iterator[list[Any]]:
    """Yield the records of one page, and say so if there are more.

    :param options: of the request
    :raises ZohoAuthError: the API refuses
    :raises click.ClickException: the answer is no list of records
    """
    records, more = _read_page(session.get(url, **options), region)
    yield records
    if more:
        note("There are more records; --paginate gets all of them.")


def get_pages(session: requests.Session, url: str, options: dict[str, Any], region: str) -> Iterator[list[Any]]:
    """Yield the records page by page, from the first; as `get_page` otherwise."""
    parts, query = urlsplit(url), options.pop("params")
    given = [pair for pair in (*parse_qsl(parts.query), *query) if pair[0] not in {"page", "per_page"}]
    url, more, page = urlunsplit(parts._replace(query="")), True, 1
    while more:
        params = [*given, ("page", page), ("per_page", _PER_PAGE)]
        records, more = _read_page(session.get(url, params=params, **options), region)
        yield records
        page += 1


def _read_page(answer: requests.Response, region: str) -> tuple[list[Any], bool]:
    """Return the records of a page, and whether there are more."""
    if not answer.ok:
        raise make_api_error(answer, region)
    if answer.status_code == requests.codes.no_content:
        return [], False
    try:
        content = answer.json()
        # The list is called "data", but "users" or "modules" where it is not of records.
        [records] = [content["data"]] if "data" in content else [each for each in content.values() if _is_list(each)]
        # A page without records is the last even if it announces more, or a mistake of the API would never end.
        more = bool(records and content.get("info", {}).get("more_records"))
    except (ValueError, TypeError, AttributeError):
        raise click.ClickException(_NO_LIST) from None
    if not _is_list(records):
        raise click.ClickException(_NO_LIST)
    return records, more


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


class _Writer:
    """Writes records as they come; which columns CSV has, the first page decides."""

    def __init__(self, sink: Sink, listing: Listing) -> None:
        self._sink = sink
        self._listing = listing
        self._fields = listing.fields
        self._known: set[str] | None = None
        self._escaped = (sys.stdout.encoding or "").lower() not in {"utf-8", "utf8"}

    def write(self, records: list[dict[str, Any]]) -> None:
        """Write a page."""
        names = dict.fromkeys(name for record in records for name in record)
        if records and self._known is None:
            self._begin(names)
        elif self._listing.as_csv and not self._listing.fields and (new := names.keys() - (self._known or set())):
            self._known = (self._known or set()) | new
            note(f"Left out, since the first page has none: {', '.join(sorted(new))}; see --fields.")
        for record in records:
            chosen = {field: _find(record, field) for field in self._fields} if self._fields else record
            if self._listing.as_csv:
                self._write_row([_format_cell(chosen.get(field)) for field in self._fields])
            else:
                self._sink.write(f"{json.dumps(chosen, ensure_ascii=self._escaped)}\n".encode())

    def _begin(self, names: dict[str, None]) -> None:
        self._known = set(names)
        missing = [field for field in self._listing.fields if field.partition(".")[0] not in names]
        if missing:
            there = ", ".join(names)
            note(f"No record here has {', '.join(missing)}. There are: {there}.")
        if self._listing.as_csv:
            self._fields = self._fields or tuple(names)
            self._write_row(self._fields)

    def _write_row(self, cells: list[str] | tuple[str, ...]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        self._sink.write(line.getvalue().encode())


def _find(record: dict[str, Any], field: str) -> Any:
    """Return the value of a field, or of one within it: ``Owner.name``."""
    value: Any = record
    for name in [field] if field in record else field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _format_cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
