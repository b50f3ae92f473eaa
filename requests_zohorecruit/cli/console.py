"""Where commands print: a rich console that turns into plain text when its output is no terminal.

Knows nothing of what is printed.
"""

from __future__ import annotations

import io
import os
import sys

from rich.console import Console

__all__ = ["open_console"]

#: Columns where there is no terminal to ask. Rich would take 80, and break lines that a log could hold.
_WIDTH = 110


def open_console(*, stderr: bool = False) -> Console:
    """Return a console on standard output or standard error."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # A name in an alphabet the terminal's encoding lacks is no reason to fail.
        stream.reconfigure(errors="replace")
    known = stream.isatty() or "COLUMNS" in os.environ
    return Console(stderr=stderr, highlight=False, width=None if known else _WIDTH)
