"""Starts the ``zohorecruit`` command, and says what to install if one of its packages is missing.

`app` lists the commands.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TextIO

__all__ = ["is_output_error", "main"]

_NEEDED = frozenset({"click", "rich", "trustme"})


def is_output_error(error: Exception) -> bool:
    """Return whether standard output could not be written, as on a full disk."""
    numbers = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
    return type(error) is OSError and error.errno in numbers and error.filename is None


def _discard(stream: TextIO) -> None:
    """Discard what cannot be written. Otherwise the interpreter reports the same error again when it exits."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main() -> None:
    """Run the command line and exit."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # the shell has closed it, as with `>&-`
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - open until the process ends
    try:
        from requests_zohorecruit.cli.app import app  # noqa: PLC0415 - its packages may be missing

        app(prog_name="zohorecruit")
    except OSError as error:
        if not is_output_error(error):
            raise
        _discard(sys.stdout)
        _discard(sys.stderr)
        sys.exit(f"Error: Could not write the output: {error.strerror}.")
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in _NEEDED:
            raise
        sys.exit(f"zohorecruit needs {package}, which is not installed: pip install 'requests-zohorecruit[cli]'")
