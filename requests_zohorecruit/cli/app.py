"""The list of commands, and how it reports errors: one message, one remedy, one exit code.

Knows no command's business; each has a module of its own.
"""

from __future__ import annotations

import errno
import signal
import sys
from typing import Any, NoReturn

import click

from requests_zohorecruit import __version__
from requests_zohorecruit.cli import is_output_error
from requests_zohorecruit.cli.commands.api import api
from requests_zohorecruit.cli.commands.demo import demo
from requests_zohorecruit.cli.commands.get import get
from requests_zohorecruit.cli.commands.grants import refresh, revoke
from requests_zohorecruit.cli.commands.header import header
from requests_zohorecruit.cli.commands.login import exchange, login
from requests_zohorecruit.cli.commands.logout import logout
from requests_zohorecruit.cli.commands.profiles import profiles
from requests_zohorecruit.cli.commands.regions import regions
from requests_zohorecruit.cli.commands.sandbox import sandbox
from requests_zohorecruit.cli.commands.status import status
from requests_zohorecruit.cli.console import escape_controls, open_console, wrap
from requests_zohorecruit.cli.debug import format_traceback
from requests_zohorecruit.cli.diagnosis import (
    ClockError,
    NetworkError,
    PermissionMissingError,
    find_bad_certificates,
    is_bad_path,
)
from requests_zohorecruit.cli.examples import add_examples
from requests_zohorecruit.cli.output import note
from requests_zohorecruit.cli.sources import Environment, Source
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

#: The first match decides. 1 is for errors that are not listed, 2 is click's, for wrong usage.
_EXIT_CODES: tuple[tuple[type[ZohoAuthError], int], ...] = (
    (ReauthorizationRequired, 3),
    (AuthorizationError, 3),
    (ClientConfigurationError, 4),
    (UnknownRegionError, 4),
    (UntrustedHostError, 4),
    (ThrottledError, 5),
    (TokenEndpointError, 6),
    (NetworkError, 6),
    (TokenStoreError, 7),
    (PermissionMissingError, 8),
    (ClockError, 9),
)


class _App(click.Group):
    """A group whose commands may raise this library's errors, listed in the order people need them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        before = signal.signal(signal.SIGINT, _interrupt)
        try:
            return _flush(super().invoke(ctx))
        except ZohoAuthError as error:
            _fail(ctx, error)
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nStopped.", err=True)
            ctx.exit(INTERRUPTED)
        except click.UsageError:
            raise
        except click.ClickException as error:
            start = "Error: "  # which click puts before it
            text = wrap(start + escape_controls(error.message), open_console(stderr=True))
            raise click.ClickException(text.removeprefix(start)) from None
        except (click.exceptions.Exit, ModuleNotFoundError):
            raise  # click's own, and what `main` names the extra for
        except Exception as error:
            if getattr(error, "errno", None) == errno.EPIPE or is_output_error(error):
                raise  # the reader of the pipe has gone: click ends quietly; or the disk is full: `main` tells
            if is_bad_path(error) and (spoilt := find_bad_certificates()):
                _fail(ctx, spoilt)
            # Its text may hold anything.
            _tell(
                ctx,
                error,
                f"Unexpected error ({type(error).__name__}).",
                "Please report it, with what `zohorecruit --debug …` prints.",
            )
            ctx.exit(1)
        finally:
            signal.signal(signal.SIGINT, before)


def _fail(ctx: click.Context, error: ZohoAuthError) -> NoReturn:
    """Tell one of our errors, and exit with its code."""
    told = error
    if isinstance(error, TokenEndpointError) and not (error.status_code or isinstance(error, ThrottledError)):
        told = find_bad_certificates() or error
    _tell(ctx, error, told.message, _find_remedy(told, ctx.obj))
    ctx.exit(next((code for kind, code in _EXIT_CODES if isinstance(told, kind)), 1))


def _flush(result: Any) -> Any:
    """Write what was printed while it can still be told that it cannot be written."""
    sys.stdout.flush()
    return result


def _tell(ctx: click.Context, error: Exception, message: str, remedy: str) -> None:
    if ctx.params["debug"]:
        click.echo(format_traceback(error), err=True)
    for text in (f"Error: {message}", remedy):
        if text:
            note(text)


def _find_remedy(error: ZohoAuthError, profile: Source | None) -> str:
    """Return what to do next; here that is never an argument in a program."""
    if isinstance(error, ReauthorizationRequired) and isinstance(profile, Environment):
        return f"Set ZOHORECRUIT_REFRESH_TOKEN to a grant that works, or run `{profile.login_command}`."
    if isinstance(error, ReauthorizationRequired) and profile is not None:
        return f"Run `{profile.login_command}`."
    return error.advice


def _interrupt(*_: object) -> None:
    """Stop, and ignore a second Ctrl-C while the command cleans up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


_EPILOG = """Exit codes: 0 done, 1 anything not named here, 2 wrong usage, 3 a person has to log in (again), 4 client,
region or host do not fit together, 5 throttled, 6 no network, 7 the profile cannot be read or saved, 8 a scope or
permission is missing, 9 the clock is off, 130 Ctrl-C."""


@click.group(cls=_App, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="requests-zohorecruit %(version)s")
@click.option("--debug", is_flag=True, help="Show tracebacks of errors, without secrets.")
def app(debug: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """OAuth 2.0 for Zoho Recruit: get a grant, look after it, see it work."""


for command in (login, exchange, status, get, api, header, refresh, revoke, logout, profiles, regions, sandbox, demo):
    app.add_command(command)
    add_examples(command, command.name or "")
