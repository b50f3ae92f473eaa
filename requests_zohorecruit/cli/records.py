"""Fetches lists of records page by page, and writes them as JSON lines or CSV.

`output` opens the destination.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import click
import requests

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.cli.console import note, open_console
from requests_zohorecruit.cli.diagnosis import make_api_error
from requests_zohorecruit.cli.output import Sink, open_sink

__all__ = ["TIMEOUT", "Listing", "get_pages", "print_records"]

#: Seconds to connect, and to wait for data.
TIMEOUT = (5, 60)
_PER_PAGE = 200
_NO_LIST = "The answer is not a list of records, which --paginate, --csv and --fields need. Candidates is one."

_ABSENT = object()


class Listing(NamedTuple):
    """How to fetch and write a list.

    :ivar paginate: fetch all pages, from the one in the query, instead of one
    :ivar as_csv: write CSV instead of JSON lines
    :ivar fields: fields to write, in this order; ``Owner.name`` is a field of ``Owner``; empty = all
    """

    paginate: bool = False
    as_csv: bool = False
    fields: tuple[str, ...] = ()


def print_records(pages: Iterator[list[Any]], listing: Listing, path: str | None) -> None:
    """Write records, with a progress bar unless the terminal shows the records themselves.

    :raises click.ClickException: the file could not be written, or no record has a field of `listing`
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - only lists need it

    console = open_console(stderr=True)
    hidden = not listing.paginate or (path is None and sys.stdout.isatty()) or not console.is_terminal
    columns = BarColumn(), TextColumn("{task.completed} records"), TimeElapsedColumn()
    progress = Progress(*columns, console=console, transient=True, redirect_stdout=False)
    # Not `disable=hidden`, with which rich before release 14 prints an empty line.
    with open_sink(path) as sink, nullcontext() if hidden else progress:
        task = progress.add_task("", total=None)
        writer = _Writer(sink, listing)
        for records in pages:
            writer.write(records)
            progress.advance(task, len(records))
    writer.check_fields()  # now that the file is complete: the other fields may have taken long to fetch


def get_pages(
    session: requests.Session, url: str, query: Sequence[tuple[str, str]], auth: ZohoRecruitAuth, *, paginate: bool
) -> Iterator[list[Any]]:
    """Yield the records of one page, and print a note if there are more; or of all pages from the one in the query.

    :raises ZohoAuthError: the API refused the call
    :raises click.ClickException: the answer is not a list of records, or the query has a page that is not a number
    """
    if not paginate:
        records, more = _read_page(session.get(url, params=query, timeout=TIMEOUT), auth)
        yield records
        if more:
            note("There are more records. Pass --paginate to get all of them.")
        return
    parts = urlsplit(url)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *query]
    paging = {"page": "1", "per_page": str(_PER_PAGE)}
    paging |= {name: value for name, value in pairs if name in paging}
    if not all(re.fullmatch("[1-9][0-9]{0,8}", value) for value in paging.values()):
        raise click.UsageError("With --paginate, page and per_page are numbers from 1.")
    others = [pair for pair in pairs if pair[0] not in paging]
    url, more, page = urlunsplit(parts._replace(query="")), True, int(paging["page"])
    if page > 1:
        note(f"The first page to be fetched is {page}, as the query says.")
    while more:
        params = [*others, ("page", str(page)), ("per_page", paging["per_page"])]
        records, more = _read_page(session.get(url, params=params, timeout=TIMEOUT), auth)
        yield records
        page += 1


def _read_page(answer: requests.Response, auth: ZohoRecruitAuth) -> tuple[list[Any], bool]:
    """Return the records of a page, and whether there are more."""
    if not answer.ok:
        raise make_api_error(answer, auth)
    if answer.status_code == requests.codes.no_content:
        return [], False
    try:
        content = answer.json()
        # The list is named "data"; lists of users or modules are named after what they hold.
        [records] = [content["data"]] if "data" in content else [each for each in content.values() if _is_list(each)]
        # A page without records is taken as the last, so that an API error cannot cause an endless loop.
        more = bool(records and content.get("info", {}).get("more_records"))
    except (ValueError, TypeError, AttributeError):
        raise click.ClickException(_NO_LIST) from None
    if not _is_list(records):
        raise click.ClickException(_NO_LIST)
    return records, more


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


class _Writer:
    """Writes records as they arrive. The first page determines the columns of CSV."""

    def __init__(self, sink: Sink, listing: Listing) -> None:
        self._sink = sink
        self._listing = listing
        self._fields = self._missing = listing.fields
        self._known: dict[str, None] | None = None
        self._escaped = (sys.stdout.encoding or "").lower() not in {"utf-8", "utf8"}

    def write(self, records: list[dict[str, Any]]) -> None:
        """Write a page.

        :raises click.ClickException: it is the only one, and no record has one of the fields
        """
        names = dict.fromkeys(name for record in records for name in record)
        self._missing = tuple(
            field for field in self._missing if all(_find(record, field) is _ABSENT for record in records)
        )
        if self._known is None:
            self._begin(names)
        elif self._listing.as_csv and not self._listing.fields and (new := names.keys() - self._known.keys()):
            self._known |= names
            note(f"Left out, because the first page lacks them: {', '.join(sorted(new))}. Name them with --fields.")
        for record in records:
            found = {field: _find(record, field) for field in self._fields} if self._fields else record
            chosen = {field: None if value is _ABSENT else value for field, value in found.items()}
            if self._listing.as_csv:
                self._write_row([_format_cell(chosen[field]) for field in self._fields])
            else:
                self._sink.write(f"{json.dumps(chosen, ensure_ascii=self._escaped)}\n".encode())

    def check_fields(self) -> None:
        """Check that each field was in a record, if there were any.

        :raises click.ClickException: one was in none
        """
        if self._known and self._missing:
            raise click.ClickException(f"No record has {self._describe_missing()}")

    def _describe_missing(self) -> str:
        return f"{', '.join(self._missing)}. The fields are: {', '.join(self._known or ())}."

    def _begin(self, names: dict[str, None]) -> None:
        self._known = names
        if not self._listing.paginate:
            self.check_fields()
        elif names and self._missing:
            note(f"No record on the first page has {self._describe_missing()}")
        if self._listing.as_csv:
            self._fields = self._fields or tuple(names)
            if self._fields:
                self._write_row(self._fields)
            else:
                note("Without records, the CSV has no header. Name the columns with --fields.")

    def _write_row(self, cells: list[str] | tuple[str, ...]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        self._sink.write(line.getvalue().encode())


def _find(record: dict[str, Any], field: str) -> Any:
    """Return the value of a field, or of a field within it, such as ``Owner.name``; `_ABSENT` if it is not there.

    Of an empty field, any field is taken to be there, and empty.
    """
    value: Any = record
    for name in [field] if field in record else field.split("."):
        if value is None:
            return None
        value = value.get(name, _ABSENT) if isinstance(value, dict) else _ABSENT
    return value


def _format_cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
