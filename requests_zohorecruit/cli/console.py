"""Prints text, and asks questions and for values: wraps lines on a terminal, and escapes control characters.

In a pipe, the output is plain text.
"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any, TextIO

import click
from rich.console import Console

from requests_zohorecruit.errors import ClientConfigurationError, ZohoAuthError
from requests_zohorecruit.secret import Secret, checked_secret

__all__ = [
    "WarningHandler",
    "ask",
    "ask_secret",
    "can_ask",
    "confirm",
    "confirm_or_exit",
    "describe_problem",
    "escape_controls",
    "format_columns",
    "note",
    "open_console",
    "print_rows",
    "say",
    "wrap",
]

#: Columns if the output is not a terminal. Rich would take 80 and break lines that fit into a log.
_WIDTH = 110
#: Columns of a terminal whose width is unknown.
_USUAL = 80
#: Name in the errors of `checked_secret` -> what a person calls it.
_NOUNS = {"client_id": "client ID", "client_secret": "client secret", "code": "code"}


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
    click.echo(wrap(escape_controls(text), open_console()))


def note(text: str) -> None:
    """Print a message on standard error, apart from the answer; wrapped on a terminal."""
    click.echo(wrap(escape_controls(text), open_console(stderr=True)), err=True)


class WarningHandler(logging.Handler):
    """Prints warnings, for a command that has set up no logging."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a warning, wrapped on a terminal."""
        text = wrap(escape_controls(f"Warning: {record.getMessage()}"), open_console(stderr=True))
        sys.stderr.write(f"{text}\n")  # not with click, which writes into the line of a spinner


def can_ask() -> bool:
    """Return whether standard input is a terminal, so that a person can answer."""
    return sys.stdin.isatty()


def confirm(question: str) -> bool:
    """Ask a question that is answered with yes or no, and return whether the answer is yes.

    :raises click.Abort: the person pressed Ctrl-C or Ctrl-D instead of answering
    """
    text = wrap(f"{escape_controls(question)} [y/N]:", open_console())
    return click.confirm(text, show_default=False, prompt_suffix=" ")


def confirm_or_exit(question: str) -> None:
    """Ask a question; if the answer is no, say that nothing was changed and end the command with exit code 1.

    :raises click.UsageError: there is no terminal to ask on
    """
    if not can_ask():
        raise click.UsageError("Cannot ask for confirmation without a terminal; pass --yes.")
    if not confirm(question):
        click.echo("Nothing was changed.", err=True)
        raise click.exceptions.Exit(1)


def format_columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a line for each row, with its cells in columns."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def print_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns. Long values are wrapped between words."""
    rows, console = list(rows), open_console()
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        # Wrapped without the name, which would be left alone on a line by a long value without spaces.
        lines = wrap(escape_controls(value), console, indent=width).split("\n")
        for label, line in zip_longest([name], lines, fillvalue=""):
            console.print(f"{label:{width}}{line}", markup=False, soft_wrap=True)


def describe_problem(error: ValueError) -> str:
    """Return what is wrong with a value that was entered, without the value itself."""
    text = error.message if isinstance(error, ZohoAuthError) else str(error)
    name, _, rest = text.partition(" ")
    if name not in _NOUNS:
        return f"{_capitalize(text.rstrip('.'))}."
    return f"That does not look like a {_NOUNS[name]}: it {rest.replace(name, _NOUNS[name])}."


def ask_secret(what: str, prompt: str = "", parse: Callable[[str], Secret] | None = None) -> Secret:
    """Ask for a secret without showing it, until it is valid; or read the next line of a pipe.

    :param what: the noun for messages, and for the prompt unless `prompt` is given
    :param parse: checks the secret; None = with `checked_secret`
    :raises ClientConfigurationError: the pipe has no further line
    :raises ValueError: that line is not valid
    """
    parse = parse or partial(checked_secret, what.replace(" ", "_"))
    while can_ask():
        try:
            return parse(click.prompt(f"{prompt or _capitalize(what)} (hidden)", hide_input=True).strip())
        except ValueError as error:
            problem = describe_problem(error)
        say(problem)
    line = Secret(sys.stdin.readline().strip())
    if not line:
        raise ClientConfigurationError(
            f"No {what} was given on standard input.",
            hint="Pass it there as a line, or run the command on a terminal, which prompts for it.",
        )
    return parse(line)


def ask(what: str, prompt: str, parse: Callable[[str], Any]) -> Any:
    """Ask for a value that is not a secret, until it is valid.

    :param what: the noun for messages
    :param parse: returns the value for the text; raises a `ValueError` that says what is wrong with it
    :raises ClientConfigurationError: there is no terminal to ask on
    """
    if not can_ask():
        raise ClientConfigurationError(
            f"No {what} was given.", hint="Pass it as an option or in the environment; see --help."
        )

    def read(answer: str) -> Any:
        try:
            return parse(answer.strip())
        except ValueError as error:
            start = "Error: "  # click prints this before the message, and asks again
            text = wrap(f"{start}{describe_problem(error)}", open_console())
            raise click.BadParameter(text.removeprefix(start)) from None

    return click.prompt(prompt, value_proc=read)


def _capitalize(text: str) -> str:
    return text[0].upper() + text[1:]
