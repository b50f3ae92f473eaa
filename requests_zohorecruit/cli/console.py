"""Prints text and asks questions: wraps lines on a terminal, and escapes control characters.

In a pipe, the output is plain text.
"""

from __future__ import annotations

import io
import os
import re
import sys
import textwrap
from collections.abc import Iterable
from itertools import zip_longest
from typing import TextIO

import click
from rich.console import Console

__all__ = ["confirm", "confirm_or_exit", "escape_controls", "open_console", "print_rows", "say", "wrap"]

#: Columns if the output is not a terminal. Rich would take 80 and break lines that fit into a log.
_WIDTH = 110
#: Columns of a terminal whose width is unknown.
_USUAL = 80


#: Control characters, characters that change the direction of text, and surrogates, which cannot be printed.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escape_controls(text: str) -> str:
    """Return text that is safe to show on a terminal: control characters are escaped as in JSON."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\r\n", "\n"))


def open_console(*, stderr: bool = False) -> Console:
    """Return a console on standard output or standard error."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # Print a question mark for a letter that the terminal's encoding lacks, instead of failing.
        stream.reconfigure(errors="replace")
    return Console(stderr=stderr, highlight=False, width=_measure(stream))


def _measure(stream: TextIO) -> int:
    """Return the width of a stream in columns. Rich assumes 80 for every terminal without colours."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    if not stream.isatty():
        return _WIDTH
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL
    except OSError:
        return _USUAL


def wrap(text: str, console: Console, *, indent: int = 0) -> str:
    """Return text in lines that fit, broken between words only.

    Lines that begin with four spaces stay whole, because they are meant to be copied.

    :param indent: columns taken by other text
    """
    if not console.is_terminal:
        return text
    width = max(1, console.width - indent)
    return "\n".join(
        line if line.startswith("    ") else textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )


def say(text: str) -> None:
    """Print text, wrapped on a terminal."""
    click.echo(wrap(text, open_console()))


def confirm(question: str) -> bool:
    """Ask a question that is answered with yes or no, and return whether the answer is yes.

    :raises click.Abort: the person pressed Ctrl-C or Ctrl-D instead of answering
    """
    return click.confirm(wrap(f"{question} [y/N]:", open_console()), show_default=False, prompt_suffix=" ")


def confirm_or_exit(question: str) -> None:
    """Ask a question; if the answer is no, say that nothing was changed and end the command with exit code 1."""
    if not confirm(question):
        click.echo("Nothing was changed.", err=True)
        raise click.exceptions.Exit(1)


def print_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns. Long values are wrapped between words."""
    rows, console = list(rows), open_console()
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        # Wrapped without the name, which would be left alone on a line by a long value without spaces.
        lines = wrap(escape_controls(value), console, indent=width).split("\n")
        for label, line in zip_longest([name], lines, fillvalue=""):
            console.print(f"{label:{width}}{line}", markup=False, soft_wrap=True)
