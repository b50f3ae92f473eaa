"""``zohorecruit login`` and ``exchange``: the two ways to a grant.

Knows the conversation with the person; the listening is `requests_zohorecruit.login`'s, the saving `profiles`'s.
"""

from __future__ import annotations

import time
import webbrowser

import click

from requests_zohorecruit.accounts import Accounts, Application
from requests_zohorecruit.cli.asking import Client, ask_secret, client_options, profile_option, the_application
from requests_zohorecruit.cli.screen import open_console
from requests_zohorecruit.consent import consent_url, new_state, read_callback
from requests_zohorecruit.errors import AuthorizationError
from requests_zohorecruit.login import PORT, CallbackReceiver, loopback_uri
from requests_zohorecruit.profiles import Profile
from requests_zohorecruit.secret import Secret, checked_secret, fingerprint
from requests_zohorecruit.tokens import split_scope

__all__ = ["exchange", "login"]

_SCOPE = "ZohoRecruit.modules.ALL,ZohoRecruit.settings.ALL"
_keyring_option = click.option(
    "--keyring/--no-keyring",
    default=None,
    help="Keep the secrets in the system's keyring, or in files only you can read.  [default: as before, or files]",
)


@click.command()
@profile_option
@client_options
@click.option("--scope", default=_SCOPE, show_default=True, help="What to ask for, with commas in between.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(1, 65535), help="For the way back.")
@click.option("--no-browser", is_flag=True, help="Print the address to open, and take the one you end at.")
@click.option("--redirect-uri", help="Another registered one, with localhost, or for --no-browser.")
@click.option("--timeout", default=300, show_default=True, type=click.IntRange(1), help="Seconds to wait for you.")
@_keyring_option
def login(  # noqa: PLR0913, PLR0917 - click passes every option, by name
    profile: Profile,
    scope: str,
    port: int,
    no_browser: bool,  # noqa: FBT001 - click's way of passing flags
    redirect_uri: str | None,
    timeout: int,
    keyring: bool | None,  # noqa: FBT001
    **client: str | None,
) -> None:
    """Get a grant by pressing Accept in the browser, and save it.

    Needs a client of the type "Server-based Applications" in Zoho's API console (https://api-console.zoho.com, or that
    of your region), with the redirect URI that is shown. The secret is asked for, or read from the environment
    (ZOHORECRUIT_CLIENT_SECRET, or ..._FILE) or from standard input. Later logins ask for nothing.
    """
    here = loopback_uri(port), loopback_uri(port, host="localhost")
    redirect_uri = redirect_uri or here[0]
    if redirect_uri not in here and not no_browser:
        raise click.UsageError(f"--redirect-uri needs --no-browser, unless it is {' or '.join(here)}.")
    in_keyring = _prepared(profile, keyring)
    _explain(redirect_uri)
    application = the_application(Client(**client), profile)
    state = new_state()
    address = consent_url(application, redirect_uri=redirect_uri, scope=split_scope(scope), state=state)

    def finish(redirect: str) -> None:
        callback = read_callback(redirect, application=application, state=state, extra=[application.region])
        who = Application.create(application.client_id, application.client_secret, callback.region)
        _redeem(profile, who, callback.code, redirect_uri=redirect_uri, in_keyring=in_keyring)

    if no_browser:
        click.echo(f"Open this address in a browser, on any machine, and press Accept:\n\n    {address}\n")
        click.echo("The browser then ends at an address that begins with the redirect URI, perhaps on an error page.")
        finish(ask_secret("address it ended at"))
        return
    try:
        with CallbackReceiver(port) as receiver:
            _open(address)
            finish(_awaited(receiver, timeout))
            receiver.show("You are logged in", "Close this window and go on where you started the login.")
    except OSError as error:
        if not error.errno:
            raise
        raise click.ClickException(
            f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}.\n"
            "End what uses it, or register another redirect URI and pass its port with --port."
        ) from error


@click.command()
@profile_option
@client_options
@_keyring_option
def exchange(profile: Profile, keyring: bool | None, **client: str | None) -> None:  # noqa: FBT001 - click's way
    """Redeem a self-client's code, and save the grant.

    The API console's "Self Client" hands out a code for scopes and minutes of your choice. It is asked for, or read
    from standard input: one line with the client secret, unless it is known, and one with the code.
    """
    in_keyring = _prepared(profile, keyring)
    application = the_application(Client(**client), profile)
    try:
        code = checked_secret("code", ask_secret("code"))
    except ValueError as error:
        raise click.ClickException(f"That cannot be: {error}.") from None
    _redeem(profile, application, code, redirect_uri=None, in_keyring=in_keyring)


def _prepared(profile: Profile, keyring: bool | None) -> bool:  # noqa: FBT001 - click's way of passing flags
    """See that the grant can be saved, and return where: a code is good for a minute, and once."""
    in_keyring = profile.in_keyring() if keyring is None else keyring
    profile.check(in_keyring=in_keyring)
    return in_keyring


def _explain(redirect_uri: str) -> None:
    click.echo("The client in Zoho's API console needs this authorized redirect URI, to the letter:\n")
    click.echo(f"    {redirect_uri}\n")


def _open(address: str) -> None:
    if webbrowser.open(address):
        click.echo("Your browser opens. If it does not, open this address:\n")
    else:
        click.echo("There is no browser to open. Open this address on this machine:\n")
    click.echo(f"    {address}\n")


def _awaited(receiver: CallbackReceiver, timeout: int) -> str:
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
        f"Nobody pressed Accept within {timeout} s; nothing was saved.",
        hint="Run the command again; --timeout allows for more time, --no-browser for another machine.",
    )


def _redeem(
    profile: Profile, application: Application, code: Secret, *, redirect_uri: str | None, in_keyring: bool
) -> None:
    now = time.time()
    token = Accounts(application).exchange(code, redirect_uri=redirect_uri, now=now)
    if token.refresh_token is None:
        raise AuthorizationError(
            "Zoho sent no refresh token, so access would end in an hour; nothing was saved.",
            region=application.region.code,
            hint="Zoho sends one only if it is asked for offline access with consent, as `zohorecruit login` does.",
        )
    profile.save(application, token, now=now, in_keyring=in_keyring)
    click.echo(f"Logged in: profile {profile.name}, region {application.region.code}, {', '.join(token.scope)}.")
    where = "the system's keyring" if in_keyring else str(profile.directory)
    click.echo(f"The grant {fingerprint(token.refresh_token)} is in {where}.\n")
    name = "" if profile.name == "default" else profile.name
    option = f" --profile {name}" if name else ""
    click.echo(f"Look at it:   zohorecruit get Candidates{option}")
    click.echo(f"In a program: ZohoRecruitAuth.from_profile({name and repr(name)})")
