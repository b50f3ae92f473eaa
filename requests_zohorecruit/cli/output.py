"""Where an answer goes: the screen, where nothing of it is obeyed, a pipe or a file; and bars for what takes long.

Knows nothing of what is in an answer.
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

from requests_zohorecruit.cli.console import escape_controls, open_console, wrap
from requests_zohorecruit.interruptions import suppress_errors

__all__ = ["Sink", "note", "open_sink", "print_answer", "show_bar", "write_stream"]

_CHUNK = 64 * 1024
#: Bytes from which on a bar is worth looking at.
_LONG = 1024 * 1024


class Sink(Protocol):
    """Takes the bytes of an answer."""

    def write(self, data: bytes, /) -> object:
        """Take some more."""


class _Screen:
    """A terminal, which gets text with control characters spelled out."""

    def write(self, data: bytes) -> None:
        click.echo(escape_controls(data.decode("utf-8", "replace")), nl=False)


def note(text: str) -> None:
    """Tell the person something on standard error, beside an answer; words are not broken on a terminal."""
    click.echo(wrap(escape_controls(text), open_console(stderr=True)), err=True)


@contextmanager
def open_sink(path: str | None) -> Iterator[Sink]:
    """Open a file, which appears under its name when it is complete; or else standard output.

    :raises click.ClickException: the file cannot be written
    """
    if path is None:
        if sys.stdout.isatty():
            yield _Screen()
        else:
            yield sys.stdout.buffer
        return
    target = Path(path)
    # A device such as /dev/null is written to as it is.
    is_special = target.exists() and not target.is_file()
    part = target if is_special else target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        if not is_special:
            part.replace(target)
    except OSError as error:
        if isinstance(error, requests.RequestException):
            raise  # which is an OSError, too
        raise click.ClickException(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        if not is_special:
            with suppress_errors(OSError):  # of the write that failed, the first error says more
                part.unlink(missing_ok=True)


def print_answer(answer: requests.Response, path: str | None) -> None:
    """Show an answer on the screen, or write it as it came.

    :raises click.ClickException: it is no text, and the screen would get it
    """
    if answer.status_code == requests.codes.no_content:
        note("No content (HTTP 204).")
        return
    kind = answer.headers.get("Content-Type", "")
    if path is None and sys.stdout.isatty():
        if "json" in kind:
            _print_json(answer.text)
        elif kind.startswith("text/"):
            click.echo(escape_controls(answer.text))
        else:
            raise click.ClickException(
                "The answer is a binary file, which a terminal cannot show. Redirect it: > name, or pass --output name."
            )
        return
    with open_sink(path) as sink:
        written = write_stream(answer, sink)
    if path is not None:
        note(f"{written:,} bytes are saved in {path}.")


def write_stream(answer: requests.Response, sink: Sink) -> int:
    """Write the body of an answer while it arrives, with a bar if that takes long; return how many bytes it has."""
    size, written = answer.headers.get("Content-Length", ""), 0
    # The length is that of what was compressed.
    known = int(size) if size.isdecimal() and "Content-Encoding" not in answer.headers else None
    with show_bar("Download", known) as advance:
        for chunk in answer.iter_content(_CHUNK):
            sink.write(chunk)
            advance(len(chunk))
            written += len(chunk)
    return written


def _print_json(text: str) -> None:
    from rich.highlighter import JSONHighlighter  # noqa: PLC0415 - for a terminal only

    try:
        shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        click.echo(escape_controls(text))  # it only says that it is JSON
        return
    open_console().print(JSONHighlighter()(escape_controls(shown)), soft_wrap=True)


@contextmanager
def show_bar(what: str, size: int | None) -> Iterator[Callable[[int], object]]:
    """Show on standard error how far a transfer is; yield what has to be told the bytes that are done.

    :param size: in bytes; None = not known. A short one has no bar, and neither has what is no terminal
    """
    console = open_console(stderr=True)
    if not console.is_terminal or (size is not None and size < _LONG):
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn  # noqa: PLC0415 - for what takes long only

    columns = TextColumn(what), BarColumn(), DownloadColumn()
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        yield partial(progress.advance, progress.add_task("", total=size))
