"""``zohorecruit demo``: see it work without a Zoho account. The story itself is `requests_zohorecruit.demo`'s."""

from __future__ import annotations

import click

from requests_zohorecruit.cli.console import open_console

__all__ = ["demo"]


@click.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Show the main job end to end on a sandbox Zoho.

    Takes some seconds and needs neither a Zoho account nor a network. Every step holds what the sandbox counted
    against what this library promises; the exit code is 1 if they differ anywhere.
    """
    from requests_zohorecruit.demo import run  # noqa: PLC0415 - see above: most commands do without

    ctx.exit(0 if run(open_console()) else 1)
