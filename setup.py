"""What setup.cfg has no variables for: all that depends on the address of the project, which is set here alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from setuptools import setup

#: The repository's address on its code host, such as "https://code.example/team/requests-zohorecruit"; none yet.
ADDRESS = ""


def describe(address: str, readme: str) -> dict[str, Any]:
    """Return what a package index shows of an address: links beside the README, and those in it, which work there."""
    if not address:
        return {}
    shown = f"{address}/blob/main"
    return {
        "project_urls": {
            "Changelog": f"{shown}/CHANGELOG.rst",
            "Documentation": f"{shown}/docs/index.rst",
            "Issues": f"{address}/issues",
            "Source": address,
        },
        # Links to files are relative, so that they lead somewhere in a clone and on a code host.
        "long_description": re.sub(r"<((?:docs|examples)/[^>]+)>`_", rf"<{shown}/\1>`_", readme),
    }


setup(**describe(ADDRESS, (Path(__file__).parent / "README.rst").read_text("utf-8")))
