"""``zohorecruit get``: one authenticated GET, for people who want to look before they program."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import click
import requests

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.cli.console import escape_controls, open_console
from requests_zohorecruit.cli.diagnosis import make_api_error, make_network_error
from requests_zohorecruit.cli.sources import Source, grant_options
from requests_zohorecruit.errors import UntrustedHostError, ZohoAuthError
from requests_zohorecruit.zoho.regions import Region

__all__ = ["get"]

_CHUNK = 64 * 1024
_PER_PAGE = 200
_TIMEOUT = (5, 60)


@click.command()
@click.argument("path_or_url")
@grant_options
@click.option("--all", "everything", is_flag=True, help="Follow all pages; print records as JSON lines.")
def get(path_or_url: str, profile: Source, everything: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """Print what the API answers to one GET.

    PATH_OR_URL is a module (Candidates), a path (Candidates/123, /recruit/v2/JobOpenings?page=2) or a URL on one of the
    region's hosts. JSON is made readable on a terminal and printed as it came in a pipe.
    """
    auth = ZohoRecruitAuth(**profile.load().arguments())
    url = _build_url(path_or_url, auth.region)
    with requests.Session() as session:
        session.auth = auth
        try:
            if everything:
                _print_records(_get_pages(session, url, auth.region.code))
            else:
                _print_answer(session.get(url, timeout=_TIMEOUT, stream=True), auth.region.code)
        except UntrustedHostError as error:
            error.hint = f"The grant is good for {', '.join(sorted(auth.region.hosts))}, over https."
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


def _print_answer(answer: requests.Response, region: str) -> None:
    if not answer.ok:
        raise make_api_error(answer, region)
    if answer.status_code == requests.codes.no_content:
        click.echo("No content (HTTP 204).", err=True)
    elif not sys.stdout.isatty():
        for chunk in answer.iter_content(_CHUNK):
            sys.stdout.buffer.write(chunk)
    elif "json" in answer.headers.get("Content-Type", ""):
        _print_json(answer.text)
    elif answer.headers.get("Content-Type", "").startswith("text/"):
        click.echo(escape_controls(answer.text))
    else:
        raise click.ClickException("The answer is a binary file, which a terminal cannot show. Redirect it: > name.")


def _print_json(text: str) -> None:
    from rich.highlighter import JSONHighlighter  # noqa: PLC0415 - for a terminal only
    from rich.text import Text  # noqa: PLC0415

    try:
        readable = Text(escape_controls(json.dumps(json.loads(text), indent=2, ensure_ascii=False)))
        JSONHighlighter().highlight(readable)
        open_console().print(readable, soft_wrap=True)
    except ValueError:
        click.echo(escape_controls(text))  # it only says that it is JSON


def _get_pages(session: requests.Session, url: str, region: str) -> Iterator[list[Any]]:
    """Return the records page by page, from the first."""
    parts = urlsplit(url)
    given = [(name, value) for name, value in parse_qsl(parts.query) if name not in {"page", "per_page"}]
    url, more, page = urlunsplit(parts._replace(query="")), True, 1
    while more:
        answer = session.get(url, params=[*given, ("page", page), ("per_page", _PER_PAGE)], timeout=_TIMEOUT)
        if not answer.ok:
            raise make_api_error(answer, region)
        if answer.status_code == requests.codes.no_content:
            return
        try:
            content = answer.json()
            records = list(content["data"])
            # A page without records is the last even if it announces more, or a mistake of the API would never end.
            more = bool(records and content.get("info", {}).get("more_records"))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise click.ClickException("Not a list of records: use --all with a module such as Candidates.") from None
        yield records
        page += 1


def _print_records(pages: Iterator[list[Any]]) -> None:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - for --all only

    console = open_console(stderr=True)
    # Where the records themselves are seen to come, a bar would be in their way.
    is_shown = sys.stdout.isatty()
    hidden = is_shown or not console.is_terminal
    columns = BarColumn(), TextColumn("{task.completed} records"), TimeElapsedColumn()
    escaped = (sys.stdout.encoding or "").lower() not in {"utf-8", "utf8"}
    progress = Progress(*columns, console=console, transient=True, redirect_stdout=False)
    # Not `disable=hidden`: before release 14, rich leaves an empty line behind what it has not shown.
    with nullcontext() if hidden else progress:
        task = progress.add_task("", total=None)
        for records in pages:
            for record in records:
                line = json.dumps(record, ensure_ascii=escaped)
                click.echo(escape_controls(line) if is_shown else line)
            progress.advance(task, len(records))
