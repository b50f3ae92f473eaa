"""Where commands print: a rich console that turns into plain text when its output is no terminal.

Knows nothing of what is printed.
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

#: Columns where there is no terminal to ask. Rich would take 80, and break lines that a log could hold.
_WIDTH = 110
#: Columns of a terminal that does not tell.
_USUAL = 80


#: What steers a terminal, or changes the order of the text; and halves of characters, which cannot be shown.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escape_controls(text: str) -> str:
    """Return text that a terminal may show wherever it is from: control characters are escaped as JSON has it."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\r\n", "\n"))


def open_console(*, stderr: bool = False) -> Console:
    """Return a console on standard output or standard error."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # A name in an alphabet the terminal's encoding lacks is no reason to fail.
        stream.reconfigure(errors="replace")
    return Console(stderr=stderr, highlight=False, width=_measure(stream))


def _measure(stream: TextIO) -> int:
    """Return the columns of a stream. Rich takes every terminal that has no colours for one of 80."""
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
    """Return text in lines that fit, broken between words only, so that what is to be copied stays in one piece.

    Lines that begin with four blanks are such, and are left as they are.

    :param indent: columns that something else takes
    """
    if not console.is_terminal:
        return text
    width = max(1, console.width - indent)
    return "\n".join(
        line if line.startswith("    ") else textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )


def say(text: str) -> None:
    """Print text for a person."""
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
    """Print names and values in two columns; a value that is longer than the line is broken between words."""
    rows, console = list(rows), open_console()
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        # Not name and value together: a value without a blank that is too long would leave its name alone on a line.
        lines = wrap(escape_controls(value), console, indent=width).split("\n")
        for label, line in zip_longest([name], lines, fillvalue=""):
            console.print(f"{label:{width}}{line}", markup=False, soft_wrap=True)
