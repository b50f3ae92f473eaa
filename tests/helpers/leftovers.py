"""The search for secrets of the sandbox in what a run left behind: every file of a folder, and texts such as logs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

__all__ = ["Found", "search"]

#: An access or refresh token as Zoho and the sandbox write them, and a client secret.
SECRET = re.compile(rb"1000\.[0-9a-f]{32}\.[0-9a-f]{32}|(?<![0-9a-f])[0-9a-f]{42}(?![0-9a-f])")


class Found(NamedTuple):
    """How many files and texts were searched, and which of them hold a secret."""

    searched: int
    leaks: list[str]


def search(folder: Path, texts: Iterable[str] = (), *, stores: Collection[str]) -> Found:
    """Search each file below `folder` and each text.

    :param stores: patterns of names of the files that hold a grant or a client on purpose
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if not any(fnmatch(path.name, pattern) for pattern in stores)
    }
    contents |= {f"text {number}": text.encode("utf-8", "replace") for number, text in enumerate(texts)}
    return Found(len(contents), [name for name, content in contents.items() if SECRET.search(content)])
