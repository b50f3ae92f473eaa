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

import click
from rich.console import Console

__all__ = ["escape_controls", "open_console", "print_rows", "say", "wrap"]

#: Columns where there is no terminal to ask. Rich would take 80, and break lines that a log could hold.
_WIDTH = 110


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
    known = stream.isatty() or "COLUMNS" in os.environ
    return Console(stderr=stderr, highlight=False, width=None if known else _WIDTH)


def wrap(text: str, console: Console, *, indent: str = "") -> str:
    """Return text in lines that fit, broken between words only, so that what is to be copied stays in one piece.

    Lines that begin with four blanks are such, and are left as they are.

    :param indent: what the lines after the first begin with
    """
    if not console.is_terminal:
        return text
    options = {"break_long_words": False, "break_on_hyphens": False, "subsequent_indent": indent}
    return "\n".join(
        line if line.startswith("    ") and not indent else textwrap.fill(line, console.width, **options)  # type: ignore[arg-type]
        for line in text.split("\n")
    )


def say(text: str) -> None:
    """Print text for a person."""
    click.echo(wrap(text, open_console()))


def print_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns; a value that is longer than the line is broken between words."""
    rows, console = list(rows), open_console()
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        for number, line in enumerate(escape_controls(value).split("\n")):
            label = "" if number else name
            row = wrap(f"{label:{width}}{line}", console, indent=" " * width)
            console.print(row, markup=False, soft_wrap=True)
