"""``zohorecruit demo``: the main job end to end on the sandbox, every promise checked by what the sandbox counted.

Imports nothing before it is told: the processes that `storm` starts import this package, and need neither rich nor the
sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run"]


def run(console: Console) -> bool:
    """Tell the whole story.

    :returns: whether every promise was kept
    """
    from requests_zohorecruit.demo.steps import tell_story  # noqa: PLC0415 - see above

    return tell_story(console)
