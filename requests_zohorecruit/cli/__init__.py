"""The ``zohorecruit`` command: its entry point, which also says what to install when something is missing.

Knows nothing of the commands; they are listed in `app`.
"""

from __future__ import annotations

import sys

__all__ = ["main"]

_NEEDED = frozenset({"click", "rich", "trustme"})


def main() -> None:
    """Run the command line and exit."""
    try:
        from requests_zohorecruit.cli.app import app  # noqa: PLC0415 - its packages may be missing

        app(prog_name="zohorecruit")
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in _NEEDED:
            raise
        sys.exit(f"zohorecruit needs {package}, which is not installed: pip install 'requests-zohorecruit[cli]'")
