"""``zohorecruit demo`` runs `requests_zohorecruit.demo`, which needs no Zoho account."""

from __future__ import annotations

import click

from requests_zohorecruit.cli.console import open_console

__all__ = ["demo"]


@click.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Show the library at work on the sandbox.

    Takes some seconds, and needs neither a Zoho account nor a network. Each step compares what the sandbox counted
    with what this library promises. The exit code is 1 if they differ.
    """
    from requests_zohorecruit.demo import run  # noqa: PLC0415 - imported only when it runs

    ctx.exit(0 if run(open_console()) else 1)
