"""Tables as text and as JSON, and what has to be known about the machine to read them.

Knows nothing of what is measured.
"""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["Table", "circumstances"]


@dataclass
class Table:
    """Rows of text, notes below them, and what was to be reached."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    targets: list[tuple[str, bool]] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        """Add a row."""
        self.rows.append(tuple(str(cell) for cell in cells))

    def expect(self, reached: bool, target: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Note a target, and whether it was reached."""
        self.targets.append((target, bool(reached)))

    @property
    def reached(self) -> bool:
        """Whether all targets were reached."""
        return all(reached for _, reached in self.targets)

    def __str__(self) -> str:
        widths = [max(len(row[i]) for row in (self.columns, *self.rows)) for i in range(len(self.columns))]
        rule = "  ".join("=" * width for width in widths)
        lines = [self.title, "", rule, _line(self.columns, widths), rule]
        lines += [_line(row, widths) for row in self.rows]
        lines += [rule, "", *self.notes]
        lines += [f"[{'reached' if reached else 'MISSED'}] {target}" for target, reached in self.targets]
        return "\n".join(lines) + "\n"

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON types."""
        return asdict(self)


def circumstances(*packages: str) -> dict[str, Any]:
    """Return date, machine and the versions of those packages that are there."""
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "packages": {name: version(name) for name in packages if _installed(name)},
    }


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *others = (
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((first, *others)).rstrip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
