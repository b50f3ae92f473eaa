"""``zohorecruit login`` gets a grant and saves it; ``zohorecruit exchange``, for a code that the API console generates.

`cli.browser` and `cli.logins` do what the commands ask for.
"""

from __future__ import annotations

import click
from click.core import ParameterSource

from requests_zohorecruit.cli.browser import log_in_in_browser
from requests_zohorecruit.cli.console import ask_secret, describe_problem, say
from requests_zohorecruit.cli.destination import Destination, keyring_option, replace_option
from requests_zohorecruit.cli.logins import SCOPE, log_in_client, log_in_device, redeem
from requests_zohorecruit.cli.sources import (
    Client,
    choose_application,
    client_options,
    find_client_id,
    profile_option,
)
from requests_zohorecruit.errors import AuthorizationError, ReauthorizationRequired
from requests_zohorecruit.login.loopback import PORT, build_loopback_uri
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.token import split_scope

__all__ = ["exchange", "login"]

_REGISTER = """\
Zoho calls your program a "client". If you have none yet, register one at \
https://api-console.zoho.com:

    Client type               Server-based Applications
    Client name, homepage     of your choice
    Authorized redirect URI   {redirect_uri}

Then enter the client ID and the client secret that it shows.
"""
_REGISTERED = """\
In Zoho's API console, client {client_id} \
needs exactly this authorized redirect URI:

    {redirect_uri}
"""
_SELF_CLIENT = """\
At https://api-console.zoho.com choose "Self Client". It shows a client ID and a \
client secret. Under "Generate Code", get a code for scopes such as {scope}.
"""
_REGISTER_DEVICE = """\
Zoho calls your program a "client". If you have none for \
devices yet, register one at https://api-console.zoho.com:

    Client type       the one that begins with Non-browser
    Client name       of your choice

Then enter the client ID and the client secret that it shows.
"""
_REGISTER_BACKEND = """\
At https://api-console.zoho.com choose "Self Client". It shows \
a client ID and a client secret. The soid is "ZohoRecruit." \
followed by the ID of your organisation.
"""


@click.command()
@profile_option
@client_options
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
    client: Client,
    scope: str | None,
    device: bool,
    client_credentials: bool,
    soid: str | None,
    port: int,
    no_browser: bool,
    redirect_uri: str | None,
    timeout: int,
    keyring: bool | None,
    replace: bool,
) -> None:
    """Log in with a browser and save the grant.

    First, it shows what to enter in Zoho's API console. It prompts for client ID, secret and region, or reads them from
    the environment (ZOHORECRUIT_CLIENT_ID, ..._CLIENT_SECRET, ..._REGION, or ..._FILE of each). In a pipe, the secret
    comes from standard input. Later logins do not prompt.

    If the browser is on another computer, it will show an error page. Paste that page's address while the command
    waits, or use --device.
    """
    _check_options(device=device, client_credentials=client_credentials, soid=soid)
    scopes = split_scope(SCOPE if scope is None else scope)
    if not scopes:
        raise click.UsageError("--scope is empty.")
    redirect_uri = _choose_redirect_uri(port, redirect_uri, no_browser=no_browser)
    destination = Destination(profile, keyring=keyring, replace=replace)
    client_id = find_client_id(client, profile)
    if device or client_credentials:
        if not client_id:
            say(_REGISTER_DEVICE if device else _REGISTER_BACKEND)
    else:
        say((_REGISTERED if client_id else _REGISTER).format(redirect_uri=redirect_uri, client_id=client_id))
    application = choose_application(client, profile)
    if device:
        log_in_device(destination, application, scopes=scopes)
    elif client_credentials:
        log_in_client(destination, application, soid=soid, scope=scope and scopes)
    else:
        listen_on = None if no_browser else port
        log_in_in_browser(
            destination, application, scopes=scopes, redirect_uri=redirect_uri, port=listen_on, timeout=timeout
        )


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


@click.command()
@profile_option
@client_options
@keyring_option
@replace_option
def exchange(profile: Profile, client: Client, keyring: bool | None, replace: bool) -> None:
    """Exchange a self client's code for a grant, and save it.

    In the API console, "Self Client" generates a code for scopes of your choice. The command prompts for it, or reads
    standard input: a line with the client secret, unless it is saved, and a line with the code.
    """
    destination = Destination(profile, keyring=keyring, replace=replace)
    if not find_client_id(client, profile):
        say(_SELF_CLIENT.format(scope=SCOPE))
    application = choose_application(client, profile)
    destination.confirm(application)
    try:
        code = ask_secret("code")
    except ValueError as error:
        raise click.ClickException(f"{describe_problem(error)}\nCopy the code again.") from None
    try:
        redeem(destination, application, code, redirect_uri=None, scopes=())
    except ReauthorizationRequired as error:
        raise AuthorizationError(
            error.message,
            code=error.code,
            region=error.region,
            hint='Generate a new code under "Self Client" in the API console, and run '
            f"`zohorecruit exchange{profile.option}` again.",
        ) from None
