"""``zohorecruit demo``: the main job end to end on the sandbox, every promise checked by what the sandbox counted.

Knows the order of the story; what happens in each step is in `steps`, how it looks in `narrator`.
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
    # Imported here: the storm's processes import this package and need neither rich nor the sandbox.
    from requests_zohorecruit.demo.narrator import Narrator  # noqa: PLC0415
    from requests_zohorecruit.demo.stage import Stage  # noqa: PLC0415
    from requests_zohorecruit.demo.steps import STEPS  # noqa: PLC0415

    narrator = Narrator(console)
    with narrator.tell_story("Starting a sandbox Zoho in a process of its own"), Stage.open() as stage:
        narrator.prologue(stage.zoho.region.accounts_url, stage.zoho_process)
        for number, (title, step) in enumerate(STEPS, start=1):
            with narrator.step(number, title):
                step(stage, narrator)
            if narrator.stopped:
                break
        narrator.epilogue(stage.total())
    return not narrator.broken
