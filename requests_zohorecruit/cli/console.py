"""Where commands print: a rich console that turns into plain text when its output is no terminal.

Knows nothing of what is printed.
"""

from __future__ import annotations

import io
import os
import re
import sys

from rich.console import Console

__all__ = ["escape_controls", "open_console"]

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
