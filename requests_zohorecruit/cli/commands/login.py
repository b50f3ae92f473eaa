"""``zohorecruit login`` and ``exchange``: the two ways to a grant.

Knows the conversation with the person; listening is `loopback`'s, saving is `profiles`'s.
"""

from __future__ import annotations

import os
import threading
import time
import webbrowser
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import click

from requests_zohorecruit.cli.console import open_console
from requests_zohorecruit.cli.prompts import (
    Client,
    add_client_options,
    ask_secret,
    choose_application,
    describe_problem,
    find_client_id,
    profile_option,
)
from requests_zohorecruit.errors import AuthorizationError, ClientConfigurationError, UntrustedHostError
from requests_zohorecruit.login.loopback import PORT, CallbackReceiver, build_loopback_uri
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.secret import Secret, checked_secret, fingerprint
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.consent import Callback, build_consent_url, make_state, read_callback
from requests_zohorecruit.zoho.token import split_scope
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

__all__ = ["exchange", "login"]

_SCOPE = "ZohoRecruit.modules.ALL,ZohoRecruit.settings.ALL"
_keyring_option = click.option(
    "--keyring/--no-keyring",
    default=None,
    help="Keep the secrets in the system's keyring, or in files only you can read.  [default: as before, or files]",
)

_REGISTER = """\
Zoho calls your program a "client". If you have none yet, register one at
https://api-console.zoho.com:

    Client type               Server-based Applications
    Client name, homepage     of your choice
    Authorized redirect URI   {redirect_uri}

It then shows the client ID and the client secret that are asked for here.
"""
_REGISTERED = """\
In Zoho's API console, client {client_id}
needs this authorized redirect URI, to the letter:

    {redirect_uri}
"""
_SELF_CLIENT = """\
At https://api-console.zoho.com choose "Self Client". It has a client ID and a
client secret, and under "Generate Code" a code for scopes such as
{scope}.
"""
_ELSEWHERE = """\
Open this address in a browser, on any machine, and press Accept:

    {address}

The browser then ends at an address that begins with {redirect_uri},
perhaps on an error page.
"""


@click.command()
@profile_option
@add_client_options
@click.option("--scope", default=_SCOPE, show_default=True, help="Scopes to ask for, separated by commas.")
@click.option(
    "--port", default=PORT, show_default=True, type=click.IntRange(1, 65535), help="Local port for the redirect."
)
@click.option(
    "--no-browser",
    is_flag=True,
    help="Print the address for a browser on any computer; read the redirect.",
)
@click.option("--redirect-uri", help="Registered redirect URI, if it has localhost, or any with --no-browser.")
@click.option("--timeout", default=300, show_default=True, type=click.IntRange(1), help="Seconds to wait for Accept.")
@_keyring_option
def login(  # noqa: PLR0913, PLR0917 - click passes every option, by name
    profile: Profile,
    scope: str,
    port: int,
    no_browser: bool,  # noqa: FBT001 - click's way of passing flags
    redirect_uri: str | None,
    timeout: int,
    keyring: bool | None,  # noqa: FBT001
    **client: Any,
) -> None:
    """Get a grant by pressing Accept in the browser, and save it.

    What to enter in Zoho's API console is shown first. Client ID, secret and region are asked for, or read from the
    environment (ZOHORECRUIT_CLIENT_ID, ..._CLIENT_SECRET, ..._REGION, or ..._FILE of each); the secret in a pipe from
    standard input. Later logins ask for nothing.
    """
    here = build_loopback_uri(port), build_loopback_uri(port, host="localhost")
    redirect_uri = redirect_uri or here[0]
    if redirect_uri not in here and not no_browser:
        raise click.UsageError(f"--redirect-uri needs --no-browser, unless it is {' or '.join(here)}.")
    in_keyring = _check_storage(profile, keyring)
    client_id = find_client_id(Client(**client), profile)
    click.echo((_REGISTERED if client_id else _REGISTER).format(redirect_uri=redirect_uri, client_id=client_id))
    application = choose_application(Client(**client), profile)
    state, scopes = make_state(), split_scope(scope)
    address = build_consent_url(application, redirect_uri=redirect_uri, scope=scopes, state=state)

    def finish(redirect: str) -> None:
        callback = _check_redirect(redirect, application, state)
        who = Application.create(application.client_id, application.client_secret, callback.region)
        _redeem(profile, who, callback.code, redirect_uri=redirect_uri, scopes=scopes, in_keyring=in_keyring)

    if no_browser:
        click.echo(_ELSEWHERE.format(address=address, redirect_uri=redirect_uri))
        finish(ask_secret("redirect address", "Paste the address your browser ended on"))
        return
    with ExitStack() as stack:
        receiver = _listen(port, stack)
        _open(address)
        finish(_wait_for_redirect(receiver, timeout))
        receiver.show("You are logged in", "Close this window and go back to the terminal where you started the login.")


@click.command()
@profile_option
@add_client_options
@_keyring_option
def exchange(profile: Profile, keyring: bool | None, **client: Any) -> None:  # noqa: FBT001 - click's way
    """Redeem a self-client's code, and save the grant.

    The API console's "Self Client" hands out a code for scopes and minutes of your choice. It is asked for, or read
    from standard input: one line with the client secret, unless it is known, and one with the code.
    """
    in_keyring = _check_storage(profile, keyring)
    if not find_client_id(Client(**client), profile):
        click.echo(_SELF_CLIENT.format(scope=_SCOPE))
    application = choose_application(Client(**client), profile)
    try:
        code = checked_secret("code", ask_secret("code"))
    except ValueError as error:
        raise click.ClickException(f"{describe_problem(error)}\nCopy the code once more.") from None
    _redeem(profile, application, code, redirect_uri=None, scopes=(), in_keyring=in_keyring)


def _check_storage(profile: Profile, keyring: bool | None) -> bool:  # noqa: FBT001 - click's way of passing flags
    """See that the grant can be saved, and return where: a code is good for a minute, and once."""
    in_keyring = profile.in_keyring() if keyring is None else keyring
    profile.check(in_keyring=in_keyring)
    return in_keyring


def _listen(port: int, stack: ExitStack) -> CallbackReceiver:
    try:
        return stack.enter_context(CallbackReceiver(port))
    except OSError as error:
        problem = error.strerror
    raise click.ClickException(
        f"Port {port} of 127.0.0.1 cannot be used: {problem}.\n"
        "Stop the program that uses it, or register another redirect URI and pass its port with --port."
    )


def _open(address: str) -> None:
    if _has_browser():
        click.echo("Your browser opens. If it does not, open this address on this machine:\n")
        # In a thread, since some browsers return only when they are closed, and the browser waits for this program.
        threading.Thread(target=_browse, args=(address,), daemon=True).start()
    else:
        click.echo("Could not open a browser (for one on another computer: --no-browser). Open this address:\n")
    click.echo(f"    {address}\n")


def _has_browser() -> bool:
    """Tell whether there is a browser with a window. One in the terminal would hide what this command prints."""
    with suppress(webbrowser.Error):
        return bool(os.environ.get("BROWSER")) or type(webbrowser.get()) is not webbrowser.GenericBrowser
    return False


def _browse(address: str) -> None:
    with suppress(webbrowser.Error, OSError):  # the address is on the screen
        webbrowser.open(address)


def _wait_for_redirect(receiver: CallbackReceiver, timeout: int) -> str:
    ends = time.monotonic() + timeout
    console = open_console()
    if not console.is_terminal:
        click.echo(f"Waiting {timeout} s for you to press Accept.")
    with console.status("") as status:
        while (left := ends - time.monotonic()) > 0:
            clock = f"{int(left) // 60}:{int(left) % 60:02}"
            status.update(f"Waiting for you to press Accept, {clock} left (Ctrl-C stops)")
            redirect = receiver.wait(min(left, 1.0))
            if redirect is not None:
                return redirect
    raise AuthorizationError(
        f"Accept was not pressed within {timeout} s; nothing was saved.",
        hint="Run the command again; --timeout allows for more time, --no-browser for another machine.",
    )


def _check_redirect(redirect: str, application: Application, state: str) -> Callback:
    try:
        return read_callback(redirect, application=application, state=state)
    except UntrustedHostError as error:
        error.hint = (
            "Anyone can forge such an address. If it is a data centre newer than this program, run the command again "
            "with --accounts-url and --recruit-url."
        )
        raise
    except AuthorizationError as error:
        error.hint = "Run the command again, and press Accept on the page it opens."
        raise


def _redeem(  # noqa: PLR0913 - all but three are keyword-only
    profile: Profile,
    application: Application,
    code: Secret,
    *,
    redirect_uri: str | None,
    scopes: Iterable[str],
    in_keyring: bool,
) -> None:
    now = time.time()
    try:
        with open_console(stderr=True).status("Fetching the grant"):
            token = TokenEndpoint(application).exchange(code, redirect_uri=redirect_uri, now=now)
    except ClientConfigurationError as error:
        error.hint = f"{error.hint} Options are --region, and --new-secret to enter another client secret."
        raise
    grant = token.refresh_token
    if grant is None:
        raise AuthorizationError(
            "Zoho sent no refresh token, so access would end in an hour; nothing was saved.",
            region=application.region.code,
            hint="Zoho sends one only if it is asked for offline access with consent, as `zohorecruit login` does.",
        )
    # An answer that does not name the scopes means those that were asked for (RFC 6749, section 5.1).
    token = replace(token, scope=token.scope or tuple(scopes))
    profile.save(application, token, now=now, in_keyring=in_keyring)
    _tell(profile, application, grant, token.scope, in_keyring=in_keyring)


def _tell(profile: Profile, application: Application, grant: str, scope: Iterable[str], *, in_keyring: bool) -> None:
    granted = ", ".join((profile.name, f"region {application.region.code}", *scope))
    click.echo(f"Logged in: profile {granted}.")
    where = "the system's keyring" if in_keyring else str(profile.directory)
    click.echo(f"The grant {fingerprint(grant)} is in {where}.\n")
    name = "" if profile.name == "default" else profile.name
    option = f" --profile {name}" if name else ""
    click.echo(f"Look at it:   zohorecruit get Candidates{option}")
    click.echo(f"In a program: ZohoRecruitAuth.from_profile({name and repr(name)})")
