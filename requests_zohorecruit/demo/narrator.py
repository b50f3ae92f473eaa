"""How the demo looks, and the count of its promises: colour and a spinner on a terminal, plain lines anywhere else.

Knows nothing of Zoho, and of this library only that the text of its errors and logs is safe to show.
"""

from __future__ import annotations

import logging
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from requests_zohorecruit.errors import ZohoAuthError

__all__ = ["Narrator"]

_INDENT = 3
_LABEL = 10


class _Count(NamedTuple):
    what: str
    promised: str
    seen: str


class Narrator:
    """Tells what was asked, what came back and what was counted.

    :ivar kept: how many promises were kept
    :ivar broken: the others, in words
    :ivar stopped: a step failed in a way that leaves nothing to go on with
    """

    def __init__(self, console: Console) -> None:
        self.kept = 0
        self.broken: list[str] = []
        self.stopped = False
        self._console = console
        self._started = time.monotonic()
        self._status = console.status("")
        self._counts: list[_Count] = []

    @contextmanager
    def tell_story(self, what: str) -> Iterator[None]:
        """Tell the whole story: on a terminal, show that something is going on; what the library logs belongs to it."""
        logger, handler = logging.getLogger("requests_zohorecruit"), _LogTeller(self)
        propagated, logger.propagate = logger.propagate, False
        logger.addHandler(handler)
        try:
            with self._status:
                self.show_progress(what)
                yield
        finally:
            logger.removeHandler(handler)
            logger.propagate = propagated

    def prologue(self, address: str, process: int) -> None:
        """Say where everything happens."""
        self._print(
            Text.assemble(("zohorecruit demo", "bold"), ": one grant, many threads and processes, real sockets")
        )
        self._print(Text(f"Zoho Accounts and Zoho Recruit run in process {process} at {address} (TLS, loopback only)."))
        self._print(Text("Secrets are shown as fingerprints such as #1a2b3c4d.", "dim"))

    @contextmanager
    def step(self, number: int, title: str) -> Iterator[None]:
        """Frame one step; an error is a broken promise and ends the story."""
        started = time.monotonic()
        self._counts = []
        self._print(Text(f"\n{number}  {title}", "bold cyan"))
        self.show_progress(title)
        try:
            yield
        except Exception as error:  # noqa: BLE001 - it is told, and ends the story
            told = str(error) if isinstance(error, ZohoAuthError) else type(error).__name__
            self._print_line("stopped", told, "bold red")
            self.broken.append(f"step {number} stopped: {told}")
            self.stopped = True
        self._tell_counts(number)
        self._print_line("took", f"{time.monotonic() - started:.1f} s", "dim")

    def show_progress(self, what: str) -> None:
        """Change the line beside the spinner."""
        self._status.update(what)

    def ask(self, what: str) -> None:
        """Tell what was asked of Zoho."""
        self._print_line("asked", what)

    def answer(self, what: str) -> None:
        """Tell what came back."""
        self._print_line("answered", what)

    def note(self, what: str) -> None:
        """Tell what a careful reader will want to know."""
        self._print_line("note", what, "dim")

    def log(self, what: str) -> None:
        """Tell what the library wrote to its log."""
        self._print_line("logged", what, "yellow")

    def table(self, *columns: str, rows: list[tuple[str, ...]]) -> None:
        """Show records."""
        table = Table(*columns, header_style="bold", border_style="dim")
        for row in rows:
            table.add_row(*map(Text, row))
        self._console.print(Padding(table, (0, 0, 0, _INDENT), expand=False))

    def compare(self, what: str, *, promised: object, seen: object) -> None:
        """Compare a promise with what was seen; printed at the end of the step."""
        self._counts.append(_Count(what, _format_value(promised), _format_value(seen)))

    def epilogue(self, total: str) -> None:
        """Sum up."""
        total = f"{total}, in {time.monotonic() - self._started:.1f} s."
        self._console.print()
        if not self.broken:
            told = Group(Text(f"All {self.kept} promises kept.", "bold green"), Text(total))
            self._console.print(Panel(told, border_style="green", expand=False))
            return
        lines = [
            Text(f"{len(self.broken)} of {self.kept + len(self.broken)} promises broken.", "bold red"),
            Text(total),
        ]
        lines += [Text(f"- {what}") for what in self.broken]
        self._console.print(Panel(Group(*lines), border_style="red", expand=False))

    def _tell_counts(self, number: int) -> None:
        whats, seens = (max((len(part) for part in column), default=0) for column in self._list_columns())
        for index, (what, promised, seen) in enumerate(self._counts):
            mark = Text("✔", "green") if promised == seen else Text("✘", "bold red")
            label = Text("" if index else "counted", "dim")
            label.pad_right(_LABEL - len(label))
            rest = f" {what:<{whats}}  {seen:>{seens}}  "
            self._print(Text.assemble(" " * _INDENT, label, mark, rest, (f"promised {promised}", "dim")))
            if promised == seen:
                self.kept += 1
            else:
                self.broken.append(f"step {number}, {what}: {seen}, promised {promised}")

    def _list_columns(self) -> tuple[list[str], list[str]]:
        return [count.what for count in self._counts], [count.seen for count in self._counts]

    def _print_line(self, label: str, what: str, style: str = "") -> None:
        # Wrapped here and not by rich, which fills what it wraps with spaces up to the width of the console.
        lines = textwrap.wrap(what, max(20, self._console.width - _INDENT - _LABEL), break_on_hyphens=False)
        for index, line in enumerate(lines):
            margin = "" if index else label
            self._print(Text.assemble(" " * _INDENT, (f"{margin:<{_LABEL}}", "dim"), (line, style)))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


class _LogTeller(logging.Handler):
    """Hands the library's log records to the narrator."""

    def __init__(self, narrator: Narrator) -> None:
        super().__init__(logging.WARNING)
        self._narrator = narrator

    def emit(self, record: logging.LogRecord) -> None:
        self._narrator.log(record.getMessage())


def _format_value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
