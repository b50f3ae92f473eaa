"""The pages of the documentation and the examples in them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

__all__ = ["DOCS", "Block", "blocks", "pages"]

DOCS = Path(__file__).parents[2] / "docs"

_BLOCK = re.compile(r"^( *)\.\. code-block:: (\w+)\n((?: +:[^\n]*\n)*)\n((?:\1    [^\n]*\n|\n)+)", re.MULTILINE)


class Block(NamedTuple):
    """One example.

    :ivar line: where its first line stands in the page, so that a traceback points there
    """

    language: str
    line: int
    text: str

    @property
    def is_test(self) -> bool:
        """Whether it is something that pytest runs."""
        return bool(re.search(r"^(?:class Test|def test_|    def test_|@pytest)", self.text, re.MULTILINE))


def blocks(page: Path) -> list[Block]:
    """Return a page's examples in order."""
    text = page.read_text("utf-8")
    return [
        Block(found[2], text.count("\n", 0, found.start(4)) + 1, textwrap.dedent(found[4]))
        for found in _BLOCK.finditer(text)
    ]


def pages() -> list[str]:
    """Return the names of all pages."""
    return sorted(page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.rst"))
