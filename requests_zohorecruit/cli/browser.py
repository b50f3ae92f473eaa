"""Logs in with a browser: opens the consent page, and gets the redirect, from the browser or as a person pastes it.

`login.loopback` receives the redirect. `zoho.consent` decides whether it can be trusted.
"""

from __future__ import annotations

import os
import re
import select
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import parse_qsl, urlencode

import click

from requests_zohorecruit.cli.console import ask_secret, open_console, say, wrap
from requests_zohorecruit.cli.destination import Destination
from requests_zohorecruit.cli.logins import NEW_REGION_HINT, redeem
from requests_zohorecruit.errors import AuthorizationError, UntrustedHostError
from requests_zohorecruit.login.loopback import CallbackReceiver
from requests_zohorecruit.secret import Secret, clears_frames
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.consent import Callback, build_consent_url, make_state, read_callback

try:
    import termios
except ModuleNotFoundError:  # pragma: no cover - Windows
    termios = None  # type: ignore[assignment]

__all__ = ["hidden_lines", "log_in_in_browser", "parse_paste"]

_ELSEWHERE = """\
Open this address in a browser on any computer, and press Accept:

    {address}

The browser is then redirected to an address that begins with {redirect_uri}, \
and may show an error page there.
"""
_PASTE = """\
If the browser is on another computer, it will show an error page. Paste that \
page's address here (hidden). It begins with {redirect_uri}.
With a client of the type Non-browser, you can use login --device instead.
"""
_QUOTES_AND_BLANKS = re.compile("[\\s\"'`<>\u00ab\u00bb\u2018\u2019\u201c\u201d]+")
_CODE = re.compile(r"\d+(?:\.\w+){2}")


def log_in_in_browser(  # noqa: PLR0913 - all but two are keyword-only
    destination: Destination,
    application: Application,
    *,
    scopes: Iterable[str],
    redirect_uri: str,
    port: int | None,
    timeout: int,
) -> None:
    """Open the consent page, wait for the redirect or ask for it, and save the grant.

    :param port: where to wait for the redirect; None = the person pastes its address
    :param timeout: seconds to wait
    """
    destination.confirm(application, is_region_known=False)
    state = make_state()
    address = build_consent_url(application, redirect_uri=redirect_uri, scope=scopes, state=state)

    def finish(redirect: str) -> None:
        callback = _check_redirect(redirect, application, state)
        who = Application.create(application.client_id, application.client_secret, callback.region)
        destination.confirm(who)
        redeem(destination, who, callback.code, redirect_uri=redirect_uri, scopes=scopes)

    def parse(text: str) -> Secret:
        return parse_paste(text, redirect_uri=redirect_uri, application=application, state=state)

    if port is None:
        say(_ELSEWHERE.format(address=address, redirect_uri=redirect_uri))
        finish(_ask_for_redirect(parse))
        return
    with ExitStack() as stack:
        receiver = _listen(port, stack)
        lines = stack.enter_context(hidden_lines())
        _open(address)
        if lines:
            say(_PASTE.format(redirect_uri=redirect_uri))
        finish(_wait_for_redirect(receiver, timeout, lines, parse))
        receiver.show("You are logged in", "Close this window and go back to the terminal where you started the login.")


def _listen(port: int, stack: ExitStack) -> CallbackReceiver:
    try:
        return stack.enter_context(CallbackReceiver(port))
    except OSError as error:
        problem = error.strerror
    raise click.ClickException(
        f"Port {port} of 127.0.0.1 cannot be used: {problem}.\n"
        "Stop the program that uses it, or register another redirect URI, and pass its port with --port."
    )


def _open(address: str) -> None:
    if _has_browser():
        say("Opening your browser. If it does not open, open this address yourself:\n")
        # In a thread, because some browsers return only when they are closed.
        threading.Thread(target=_browse, args=(address,), daemon=True).start()
    else:
        say("Could not open a browser. Open this address in a browser on any computer:\n")
    say(f"    {address}\n")


def _has_browser() -> bool:
    """Return whether there is a browser with a window. A browser in the terminal would cover the instructions."""
    with suppress(webbrowser.Error):
        return bool(os.environ.get("BROWSER")) or type(webbrowser.get()) is not webbrowser.GenericBrowser
    return False


def _browse(address: str) -> None:
    with suppress(webbrowser.Error, OSError):  # the address is on the screen
        webbrowser.open(address)


def _ask_for_redirect(parse: Callable[[str], Secret]) -> Secret:
    """Ask for the redirect address."""
    try:
        return ask_secret("redirect address", "Paste the address your browser was redirected to", parse)
    except ValueError as error:
        problem = str(error)
    raise AuthorizationError(problem, hint="Nothing was saved. Run the command again.")


def _wait_for_redirect(
    receiver: CallbackReceiver,
    timeout: int,
    lines: Callable[[], Secret | None] | None,
    parse: Callable[[str], Secret],
) -> Secret:
    """Wait for the redirect, or for the person to paste its address."""
    ends = time.monotonic() + timeout
    console = open_console()
    if not console.is_terminal:
        say(f"Waiting {timeout} s for you to press Accept.")
    with console.status("") as status:
        while (left := ends - time.monotonic()) > 0:
            clock = f"{int(left) // 60}:{int(left) % 60:02}"
            status.update(f"Waiting for you to press Accept, {clock} left (Ctrl-C stops)")
            redirect = receiver.wait(min(left, 0.2 if lines else 1.0))
            if redirect is not None:
                return redirect
            pasted = lines and lines()
            if pasted:
                try:
                    return parse(pasted)
                except ValueError as error:
                    console.print(wrap(str(error), console), markup=False, soft_wrap=True)
    raise AuthorizationError(
        f"Accept was not pressed within {timeout} s; nothing was saved.",
        hint="Run the command again; --timeout allows more time. If the browser is on another computer, paste the "
        "address it was redirected to.",
    )


def _check_redirect(redirect: str, application: Application, state: str) -> Callback:
    try:
        return read_callback(redirect, application=application, state=state)
    except UntrustedHostError as error:
        error.hint = f"Anyone can forge such an address. {NEW_REGION_HINT}"
        raise
    except AuthorizationError as error:
        error.hint = "Run the command again, and press Accept on the page that it opens."
        raise


@clears_frames
def parse_paste(text: str, *, redirect_uri: str, application: Application, state: str) -> Secret:
    """Return the redirect address for pasted text: an address, with or without quotes, scheme and host, or a code.

    A code alone does not name a region, so the client's region is assumed.

    :param state: the state in the consent page's address
    :raises ValueError: it is something else; the text is a message to show
    """
    text = _QUOTES_AND_BLANKS.sub("", text)
    if _CODE.fullmatch(text):
        region = application.region
        text = urlencode(
            {"code": text, "state": state, "location": region.code, "accounts-server": region.accounts_url}
        )
    start, _, query = text.partition("#")[0].rpartition("?")
    values = dict(parse_qsl(query))
    if not {"code", "error"} & values.keys():
        if start.endswith(redirect_uri.partition("://")[2]) or text.endswith(redirect_uri.partition("://")[2]):
            raise ValueError('That address contains no code. Copy the whole address, including the part after the "?".')
        raise ValueError(f"That is not the redirect address, which begins with {redirect_uri}.")
    if "code" in values and values.get("state") != state:
        raise ValueError("That address is from another login (its state differs). Open the address shown above.")
    return Secret(f"{redirect_uri}?{query}")


@contextmanager
def hidden_lines() -> Iterator[Callable[[], Secret | None] | None]:
    """Turn the terminal's echo off, and yield a function that returns a line entered since, or None; it does not wait.

    Yields None if there is no terminal to read from.
    """
    if not _is_readable():
        yield None
        return
    terminal = sys.stdin.fileno()

    def read() -> Secret | None:
        if not select.select([terminal], [], [], 0)[0]:
            return None
        return Secret(os.read(terminal, 1 << 16).decode(errors="replace").strip()) or None

    before = termios.tcgetattr(terminal)
    hidden = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(terminal, termios.TCSADRAIN, hidden)
    try:
        yield read
    finally:
        # Discards the rest of a paste, which the shell would read otherwise.
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


def _is_readable() -> bool:
    """Return whether standard input is this session's terminal, and this process is in the foreground."""
    with suppress(OSError):  # it may be the terminal of another session, as under setsid
        return termios is not None and sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    return False
