"""``python -m requests_zohorecruit``: the same as the ``zohorecruit`` command."""

from __future__ import annotations

from requests_zohorecruit.cli import main

__all__: list[str] = []

# The demo's processes import this module again, under another name.
if __name__ == "__main__":
    main()
