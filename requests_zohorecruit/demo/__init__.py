"""Shows the library at work on the sandbox, for ``zohorecruit demo``, and checks each promise by the sandbox's counts.

Imports the rest only in `run`, because the processes that `storm` starts import this package, and need neither rich nor
the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run"]


def run(console: Console) -> bool:
    """Run the whole demo.

    :returns: whether every promise was kept
    """
    from requests_zohorecruit.demo.steps import run_steps  # noqa: PLC0415 - see above

    return run_steps(console)
