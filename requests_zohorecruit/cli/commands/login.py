"""``zohorecruit login`` gets a grant and saves it. This module does the login with a browser.

`cli.logins` does the other logins and saves the grant. `login.loopback` receives the redirect.
"""

from __future__ import annotations

import os
import threading
import time
import webbrowser
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from requests_zohorecruit.cli.console import ask_secret, can_ask, open_console, say, wrap
from requests_zohorecruit.cli.destination import Destination, keyring_option, replace_option
from requests_zohorecruit.cli.logins import (
    NEW_REGION_HINT,
    REGISTER,
    REGISTER_BACKEND,
    REGISTER_DEVICE,
    REGISTERED,
    SCOPE,
    log_in_client,
    log_in_device,
    redeem,
)
from requests_zohorecruit.cli.pasting import hidden_lines, parse_paste
from requests_zohorecruit.cli.sources import (
    Client,
    add_client_options,
    choose_application,
    find_client_id,
    profile_option,
)
from requests_zohorecruit.errors import AuthorizationError, UntrustedHostError
from requests_zohorecruit.login.loopback import PORT, CallbackReceiver, build_loopback_uri
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.consent import Callback, build_consent_url, make_state, read_callback
from requests_zohorecruit.zoho.token import split_scope

__all__ = ["login"]

_ELSEWHERE = """\
Open this address in a browser on any computer, and press Accept:

    {address}

The browser ends on an address that begins with {redirect_uri}, perhaps with \
an error page.
"""


_PASTE = """\
If the browser is on another computer, it ends on an error page. Paste the \
address of that page here (hidden). It begins with {redirect_uri}.
With a client of the type Non-browser, you can use login --device instead.
"""


@click.command()
@profile_option
@add_client_options
@click.option("--scope", help=f"Scopes to request, separated by commas.  [default: {', '.join(split_scope(SCOPE))}]")
@click.option("--device", is_flag=True, help="Show a code to enter on another device.")
@click.option(
    "--client-credentials", is_flag=True, help="Get a grant for the client itself, without a person; needs --soid."
)
@click.option("--soid", help="Organisation for --client-credentials, such as ZohoRecruit.60001234567.")
@click.option(
    "--port", default=PORT, show_default=True, type=click.IntRange(1, 65535), help="Local port for the redirect."
)
@click.option("--no-browser", is_flag=True, help="Print the address to open on any computer, and ask for the redirect.")
@click.option("--redirect-uri", help="Registered redirect URI, if on localhost, or any with --no-browser.")
@click.option("--timeout", default=300, show_default=True, type=click.IntRange(1), help="Seconds to wait.")
@keyring_option
@replace_option
def login(  # noqa: PLR0913, PLR0917 - click passes every option, by name
    profile: Profile,
    scope: str | None,
    device: bool,  # noqa: FBT001 - click's way of passing flags
    client_credentials: bool,  # noqa: FBT001
    soid: str | None,
    port: int,
    no_browser: bool,  # noqa: FBT001
    redirect_uri: str | None,
    timeout: int,
    keyring: bool | None,  # noqa: FBT001
    replace: bool,  # noqa: FBT001
    **client: Any,
) -> None:
    """Log in with a browser and save the grant.

    First, it shows what to enter in Zoho's API console. It prompts for client ID, secret and region, or reads them from
    the environment (ZOHORECRUIT_CLIENT_ID, ..._CLIENT_SECRET, ..._REGION, or ..._FILE of each). In a pipe, the secret
    comes from standard input. Later logins do not prompt.

    If the browser is on another computer, paste the address it ends on while the command waits, or use --device.
    """
    _check_options(device=device, client_credentials=client_credentials, soid=soid)
    scopes = split_scope(SCOPE if scope is None else scope)
    if not scopes:
        raise click.UsageError("--scope is empty.")
    redirect_uri = _choose_redirect_uri(port, redirect_uri, no_browser=no_browser)
    destination, who = Destination(profile, keyring=keyring, replace=replace), Client(**client)
    client_id = find_client_id(who, profile)
    if device or client_credentials:
        if not client_id:
            say(REGISTER_DEVICE if device else REGISTER_BACKEND)
    else:
        say((REGISTERED if client_id else REGISTER).format(redirect_uri=redirect_uri, client_id=client_id))
    application = choose_application(who, profile)
    if device:
        log_in_device(destination, application, scopes=scopes)
    elif client_credentials:
        log_in_client(destination, application, soid=soid, scope=scope and scopes)
    else:
        way = _Redirect(redirect_uri, None if no_browser else port, timeout)
        _log_in_in_browser(destination, application, way, scopes)


class _Redirect(NamedTuple):
    """How to receive the redirect; without a port, the person pastes it."""

    uri: str
    port: int | None
    timeout: int


def _log_in_in_browser(
    destination: Destination, application: Application, way: _Redirect, scopes: Iterable[str]
) -> None:
    destination.confirm(application, is_region_known=False)
    state = make_state()
    address = build_consent_url(application, redirect_uri=way.uri, scope=scopes, state=state)

    def finish(redirect: str) -> None:
        callback = _check_redirect(redirect, application, state)
        who = Application.create(application.client_id, application.client_secret, callback.region)
        destination.confirm(who)
        redeem(destination, who, callback.code, redirect_uri=way.uri, scopes=scopes)

    def parse(text: str) -> Secret:
        return parse_paste(text, redirect_uri=way.uri, application=application, state=state)

    if way.port is None:
        say(_ELSEWHERE.format(address=address, redirect_uri=way.uri))
        finish(_ask_for_redirect(parse))
        return
    with ExitStack() as stack:
        receiver = _listen(way.port, stack)
        lines = stack.enter_context(hidden_lines())
        _open(address)
        if lines:
            say(_PASTE.format(redirect_uri=way.uri))
        finish(_wait_for_redirect(receiver, way.timeout, lines, parse))
        receiver.show("You are logged in", "Close this window and go back to the terminal where you started the login.")


def _choose_redirect_uri(port: int, redirect_uri: str | None, *, no_browser: bool) -> str:
    here = build_loopback_uri(port), build_loopback_uri(port, host="localhost")
    if redirect_uri and redirect_uri not in here and not no_browser:
        raise click.UsageError(f"--redirect-uri needs --no-browser unless it is {' or '.join(here)}.")
    return redirect_uri or here[0]


def _check_options(*, device: bool, client_credentials: bool, soid: str | None) -> None:
    """Reject options that would have no effect."""
    if device and client_credentials:
        raise click.UsageError("Pass either --device or --client-credentials, not both.")
    if soid is not None and not client_credentials:
        raise click.UsageError("--soid is for --client-credentials.")
    for name in ("port", "no_browser", "redirect_uri", "timeout"):
        given = click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and (device or client_credentials):
            other = "--device" if device else "--client-credentials"
            raise click.UsageError(f"--{name.replace('_', '-')} is for a login with a browser, not for {other}.")


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
    """Ask for the redirect address; on a terminal, until it is valid."""
    while True:
        try:
            return parse(ask_secret("redirect address", "Paste the address your browser ended on"))
        except ValueError as error:
            problem = str(error)
        if not can_ask():
            raise AuthorizationError(problem, hint="Nothing was saved. Run the command again.")
        say(problem)


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
        "address it ends on.",
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
