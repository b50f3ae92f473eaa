"""Writes answers of the API to the terminal, a pipe or a file, and shows progress bars.

On a terminal, control characters in an answer are escaped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import click
import requests

from requests_zohorecruit.cli.console import escape_controls, note, open_console
from requests_zohorecruit.interruptions import suppress_errors

__all__ = ["Sink", "open_sink", "print_answer", "show_bar"]

_CHUNK = 64 * 1024
#: Minimum size, in bytes, of a transfer with a progress bar.
_LONG = 1024 * 1024


class Sink(Protocol):
    """A destination for the bytes of an answer."""

    def write(self, data: bytes, /) -> object:
        """Write the next bytes."""


class _Screen:
    """A terminal. Control characters are escaped."""

    def write(self, data: bytes) -> None:
        click.echo(escape_controls(data.decode("utf-8", "replace")), nl=False)


@contextmanager
def open_sink(path: str | None) -> Iterator[Sink]:
    """Open a file, which gets its name once it is complete, or standard output.

    :raises click.ClickException: the file could not be written
    """
    if path is None:
        yield _Screen() if sys.stdout.isatty() else sys.stdout.buffer
        return
    target = Path(path)
    # A device such as /dev/null is written to directly.
    is_special = target.exists() and not target.is_file()
    part = target if is_special else target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        if not is_special:
            part.replace(target)
    except OSError as error:
        if isinstance(error, requests.RequestException):
            raise  # a subclass of OSError
        raise click.ClickException(f"Could not write {target}: {error.strerror}.") from None
    finally:
        if not is_special:
            with suppress_errors(OSError):  # the error of the failed write says more
                part.unlink(missing_ok=True)


def print_answer(answer: requests.Response, path: str | None) -> None:
    """Show an answer on the terminal, or write it unchanged to a file or pipe.

    :raises click.ClickException: it is not text, and the output is a terminal
    """
    if answer.status_code == requests.codes.no_content:
        if path is not None:
            with open_sink(path):
                pass  # or a file would keep an earlier answer, which could be taken for this one
        note(f"No content (HTTP 204){f', so {path} is empty' if path else ''}.")
        return
    kind = answer.headers.get("Content-Type", "")
    if path is None and sys.stdout.isatty():
        if "json" in kind:
            _print_json(answer.text)
        elif kind.startswith("text/"):
            click.echo(escape_controls(answer.text))
        else:
            raise click.ClickException(
                "The answer is a binary file, which a terminal cannot show. Save it with > name or --output name."
            )
        return
    with open_sink(path) as sink:
        written = _write_stream(answer, sink)
    if path is not None:
        note(f"Saved {written:,} bytes in {path}.")


def _write_stream(answer: requests.Response, sink: Sink) -> int:
    """Write the body of an answer as it arrives, with a progress bar if it is large; return its size in bytes."""
    size, written = answer.headers.get("Content-Length", ""), 0
    # With a Content-Encoding, the header gives the compressed length.
    known = int(size) if size.isdecimal() and "Content-Encoding" not in answer.headers else None
    with show_bar("Download", known) as advance:
        for chunk in answer.iter_content(_CHUNK):
            sink.write(chunk)
            advance(len(chunk))
            written += len(chunk)
    return written


def _print_json(text: str) -> None:
    from rich.highlighter import JSONHighlighter  # noqa: PLC0415 - only terminals need it

    try:
        shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        click.echo(escape_controls(text))  # labelled as JSON, but is not
        return
    open_console().print(JSONHighlighter()(escape_controls(shown)), soft_wrap=True)


@contextmanager
def show_bar(what: str, size: int | None) -> Iterator[Callable[[int], object]]:
    """Show a progress bar on standard error; yield a function to call with the number of bytes transferred.

    A short transfer has no bar. Neither has output that is not a terminal.

    :param size: in bytes; None = unknown
    """
    console = open_console(stderr=True)
    if not console.is_terminal or (size is not None and size < _LONG):
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn  # noqa: PLC0415 - only bars need it

    columns = TextColumn(what), BarColumn(), DownloadColumn()
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        yield partial(progress.advance, progress.add_task("", total=size))
