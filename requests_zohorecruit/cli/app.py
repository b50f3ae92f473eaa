"""The list of commands, and what becomes of errors: one message, one remedy, one exit code.

Knows no command's business; each has a module of its own.
"""

from __future__ import annotations

import signal
import traceback
from typing import Any

import click

from requests_zohorecruit.cli.demo import demo
from requests_zohorecruit.cli.regions import regions
from requests_zohorecruit.cli.sandbox import sandbox
from requests_zohorecruit.errors import (
    AuthorizationError,
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    TokenStoreError,
    UnknownRegionError,
    UntrustedHostError,
    ZohoAuthError,
)

__all__ = ["app"]

INTERRUPTED = 130

#: The first that fits decides. 1 is for what has no name, 2 is click's, for wrong usage.
_EXIT_CODES: tuple[tuple[type[ZohoAuthError], int], ...] = (
    (ReauthorizationRequired, 3),
    (AuthorizationError, 3),
    (ClientConfigurationError, 4),
    (UnknownRegionError, 4),
    (UntrustedHostError, 4),
    (ThrottledError, 5),
    (TokenEndpointError, 6),
    (TokenStoreError, 7),
)


class _App(click.Group):
    """A group whose commands may raise this library's errors."""

    def invoke(self, ctx: click.Context) -> Any:
        before = signal.signal(signal.SIGINT, _interrupted)
        try:
            return super().invoke(ctx)
        except ZohoAuthError as error:
            if ctx.params["debug"]:
                traceback.print_exc()
            click.echo(f"Error: {error.message}", err=True)
            if error.hint:
                click.echo(error.hint, err=True)
            ctx.exit(next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), 1))
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nStopped.", err=True)
            ctx.exit(INTERRUPTED)
        finally:
            signal.signal(signal.SIGINT, before)


def _interrupted(*_: object) -> None:
    """Stop, and let nothing disturb the clearing away: people press Ctrl-C twice."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


@click.group(cls=_App, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="requests-zohorecruit", message="%(package)s %(version)s")
@click.option("--debug", is_flag=True, help="Show a traceback with errors.")
def app(debug: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """OAuth 2.0 for Zoho Recruit: get a grant, look after it, see it work."""


for command in (demo, regions, sandbox):
    app.add_command(command)
