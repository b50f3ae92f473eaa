"""Reports an error to the person: one message, one remedy and an exit code.

Imported only when there is an error, so that commands start faster.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator

import click

from requests_zohorecruit.cli import is_output_error
from requests_zohorecruit.cli.console import escape_controls, note, open_console, wrap
from requests_zohorecruit.cli.diagnosis import (
    ClockError,
    NetworkError,
    PermissionMissingError,
    find_bad_certificates,
    is_bad_path,
)
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
    UnusableRecordError,
    ZohoAuthError,
)

__all__ = ["report"]

#: The first match decides. Other errors have exit code 1. Click uses 2 for wrong usage.
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
    """Print an error's message and remedy, and return the exit code.

    :param source: where the command took its grant from, if known
    :param debug: whether to print tracebacks
    :raises Exception: the same error, if click or `main` has to handle it
    """
    if isinstance(error, click.ClickException):
        start = "Error: "  # click prints this before the message
        text = wrap(start + escape_controls(error.format_message()), open_console(stderr=True)).removeprefix(start)
        raise (
            click.UsageError(text, error.ctx) if isinstance(error, click.UsageError) else click.ClickException(text)
        ) from None
    known = _find_cause(error)
    if known is None:
        if getattr(error, "errno", None) == errno.EPIPE or is_output_error(error):
            raise error  # click handles a closed pipe, and `main` a full disk
        # Without its text, which may contain anything.
        message = f"Unexpected error ({type(error).__name__})."
        remedy, code = "Please report it, with the output of `zohorecruit --debug …`.", 1
    else:
        message, remedy = known.message, _find_remedy(known, source)
        code = next((code for kind, code in _EXIT_CODES if isinstance(known, kind)), 1)
    if debug:
        click.echo("\n".join(_format_traceback(error, set())), err=True)
    for text in filter(None, (f"Error: {message}", remedy)):
        note(text)
    return code


def _find_cause(error: Exception) -> ZohoAuthError | None:
    """Return the error to report; None = it is not one of this library's."""
    if isinstance(error, TokenEndpointError) and not (error.status_code or isinstance(error, ThrottledError)):
        return find_bad_certificates() or error
    if isinstance(error, ZohoAuthError):
        return error
    return find_bad_certificates() if is_bad_path(error) else None


def _find_remedy(error: ZohoAuthError, source: Source | None) -> str:
    """Return what to do next, as a command instead of an argument in a program."""
    if error.code in {"missing_org_info", "invalid_org_info"} and source is not None:
        start = (
            "Set ZOHORECRUIT_SOID to ZohoRecruit.ID"
            if isinstance(source, Environment)
            else f"Run `{source.login_command} --client-credentials --soid ZohoRecruit.ID`"
        )
        return f"{start} with the ID of an organisation in region {error.region}. Zoho Recruit shows it under Setup."
    if isinstance(error, ReauthorizationRequired) and isinstance(source, Environment):
        login = f"run `{source.login_command}` and leave out --env"
        return f"Set ZOHORECRUIT_REFRESH_TOKEN to a valid refresh token, or {login}."
    if isinstance(error, ReauthorizationRequired) and source is not None:
        return f"Run `{source.login_command}`."
    if isinstance(error, ThrottledError) and error.code == "Access Denied" and isinstance(source, Environment):
        return (
            "Each command that takes its grant from the environment mints a token. Wait ten minutes; or run "
            "`zohorecruit login --profile NAME`, and commands with that profile share one token for an hour."
        )
    if isinstance(error, UnusableRecordError) and source is not None:
        return f"Run `{source.login_command}` to replace it, or restore it from a backup."
    return error.advice


def _format_traceback(error: BaseException, seen: set[int]) -> Iterator[str]:
    """Yield the lines of a traceback that is safe to share, after those of the errors that caused it.

    The messages of errors from other libraries are left out. One may contain anything, such as a proxy's password.
    """
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _format_traceback(before, seen)
        yield "\nwhich led to:\n"
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    text = f": {error.message}" if isinstance(error, ZohoAuthError) else " (its text is not shown)"
    yield f"{type(error).__module__}.{type(error).__qualname__}{text}"
