"""What the command line says of an error: one message, one remedy, one exit code.

Knows no command's business. Imported when there is an error to report, so that commands without one start at once.
"""

from __future__ import annotations

import errno

import click

from requests_zohorecruit.cli import is_output_error
from requests_zohorecruit.cli.console import escape_controls, open_console, wrap
from requests_zohorecruit.cli.debug import format_traceback
from requests_zohorecruit.cli.diagnosis import (
    ClockError,
    NetworkError,
    PermissionMissingError,
    find_bad_certificates,
    is_bad_path,
)
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

__all__ = ["report"]

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


def report(error: Exception, source: Source | None, *, debug: bool) -> int:
    """Tell a person about an error and return the exit code.

    :param source: where the command took its grant from, if it has come that far
    :param debug: whether to show tracebacks
    :raises Exception: the same, if it is for click or `main` to deal with
    """
    if isinstance(error, click.ClickException):
        start = "Error: "  # which click puts before it
        text = wrap(start + escape_controls(error.format_message()), open_console(stderr=True)).removeprefix(start)
        raise (
            click.UsageError(text, error.ctx) if isinstance(error, click.UsageError) else click.ClickException(text)
        ) from None
    told = _find_cause(error)
    if told is None:
        if getattr(error, "errno", None) == errno.EPIPE or is_output_error(error):
            raise error  # the reader of the pipe has gone: click ends quietly; or the disk is full: `main` tells
        # Its text may hold anything.
        message = f"Unexpected error ({type(error).__name__})."
        remedy, code = "Please report it, with what `zohorecruit --debug …` prints.", 1
    else:
        message, remedy = told.message, _find_remedy(told, source)
        code = next((code for kind, code in _EXIT_CODES if isinstance(told, kind)), 1)
    if debug:
        click.echo(format_traceback(error), err=True)
    for text in filter(None, (f"Error: {message}", remedy)):
        note(text)
    return code


def _find_cause(error: Exception) -> ZohoAuthError | None:
    """Return the error of ours that says the most; None = it is none of ours."""
    if isinstance(error, TokenEndpointError) and not (error.status_code or isinstance(error, ThrottledError)):
        return find_bad_certificates() or error
    if isinstance(error, ZohoAuthError):
        return error
    return find_bad_certificates() if is_bad_path(error) else None


def _find_remedy(error: ZohoAuthError, source: Source | None) -> str:
    """Return what to do next; here that is never an argument in a program."""
    if isinstance(error, ReauthorizationRequired) and isinstance(source, Environment):
        return f"Set ZOHORECRUIT_REFRESH_TOKEN to a grant that works, or run `{source.login_command}`."
    if isinstance(error, ReauthorizationRequired) and source is not None:
        return f"Run `{source.login_command}`."
    return error.advice
