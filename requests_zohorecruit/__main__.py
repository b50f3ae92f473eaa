"""Runs the ``zohorecruit`` command, for ``python -m requests_zohorecruit``."""

from __future__ import annotations

from requests_zohorecruit.cli import main

__all__: list[str] = []

# The processes of the demo import this module as well, under another name.
if __name__ == "__main__":
    main()
