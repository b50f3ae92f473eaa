"""Logs in with a device or with client credentials, and ends every kind of login: redeems the code, saves the grant.

Also holds the instructions that the logins print. `commands.login` handles the browser.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import click

from requests_zohorecruit.cli.console import open_console, say
from requests_zohorecruit.cli.prompts import ask, describe_problem, load_saved
from requests_zohorecruit.cli.replacement import Replacement
from requests_zohorecruit.engine.limits import Budget
from requests_zohorecruit.errors import (
    AuthorizationError,
    ClientConfigurationError,
    UnknownRegionError,
    UntrustedHostError,
    ZohoAuthError,
)
from requests_zohorecruit.login.device import authorize_device
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.secret import Secret, fingerprint
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.consent import check_refresh_token
from requests_zohorecruit.zoho.device import DevicePrompt
from requests_zohorecruit.zoho.grants import ClientCredentials
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

__all__ = [
    "REGISTER",
    "REGISTERED",
    "REGISTER_BACKEND",
    "REGISTER_DEVICE",
    "SCOPE",
    "SELF_CLIENT",
    "check_storage",
    "keyring_option",
    "log_in_client",
    "log_in_device",
    "redeem",
]

#: Scopes to request by default.
SCOPE = "ZohoRecruit.modules.ALL,ZohoRecruit.settings.ALL"

REGISTER = """\
Zoho calls your program a "client". If you have none yet, register one at \
https://api-console.zoho.com:

    Client type               Server-based Applications
    Client name, homepage     of your choice
    Authorized redirect URI   {redirect_uri}

Then enter the client ID and the client secret that it shows.
"""
REGISTERED = """\
In Zoho's API console, client {client_id} \
needs exactly this authorized redirect URI:

    {redirect_uri}
"""
SELF_CLIENT = """\
At https://api-console.zoho.com choose "Self Client". It shows a client ID and a \
client secret. Under "Generate Code", get a code for scopes such as {scope}.
"""
REGISTER_DEVICE = """\
Zoho calls your program a "client". If you have none for \
devices yet, register one at https://api-console.zoho.com:

    Client type       the one that begins with Non-browser
    Client name       of your choice

Then enter the client ID and the client secret that it shows.
"""
REGISTER_BACKEND = """\
At https://api-console.zoho.com choose "Self Client". It shows \
a client ID and a client secret. The soid is "ZohoRecruit." \
followed by the ID of your organisation.
"""
_CONFIRM = """\
On any computer or phone, open

    {prompt.verification_url}

and enter this code within {minutes:.0f} minutes:

    {prompt.user_code}
"""
_OR_OPEN = """\
Or open this address, which contains the code:

    {prompt.verification_url_complete}
"""


keyring_option = click.option(
    "--keyring/--no-keyring",
    default=None,
    help="Keep secrets in the system's keyring, or in files only you can read; later logins keep to it.",
)


def check_storage(profile: Profile, keyring: bool | None) -> bool:  # noqa: FBT001 - click's way of passing flags
    """Check that the grant can be saved, before a code is used up. Return whether it goes into the keyring."""
    in_keyring = profile.in_keyring() if keyring is None else keyring
    profile.check(in_keyring=in_keyring)
    return in_keyring


def log_in_device(
    profile: Profile, application: Application, *, replacement: Replacement, scopes: Iterable[str], in_keyring: bool
) -> None:
    """Show a code to confirm on another machine, wait, and save the grant."""
    replacement.confirm(application, is_region_known=False)
    scopes, console = tuple(scopes), open_console()

    def show(prompt: DevicePrompt) -> None:
        say(_CONFIRM.format(prompt=prompt, minutes=(prompt.expires_at - time.time()) / 60))
        if prompt.verification_url_complete != prompt.verification_url:
            say(_OR_OPEN.format(prompt=prompt))
        if not console.is_terminal:
            say("Waiting for Accept, checking every 30 s.")

    try:
        with console.status("Waiting for Accept, checking every 30 s (Ctrl-C stops)"):
            who, token, now = authorize_device(
                application.client_id, application.client_secret, region=application.region, scope=scopes, show=show
            )
    except ClientConfigurationError as error:
        _add_new_secret_hint(error)
        raise
    except AuthorizationError as error:
        error.hint = "Run the command again for a new code."
        raise
    except (UnknownRegionError, UntrustedHostError) as error:
        error.hint = (
            "If this is a new data centre of Zoho's, run the command again with --accounts-url and --recruit-url."
        )
        raise
    replacement.confirm(who)
    _save_grant(profile, who, token, replacement=replacement, now=now, scopes=scopes, in_keyring=in_keyring)


def log_in_client(  # noqa: PLR0913 - all but two are keyword-only
    profile: Profile,
    application: Application,
    *,
    replacement: Replacement,
    soid: str | None,
    scope: Iterable[str] | None,
    in_keyring: bool,
) -> None:
    """Mint a token with client credentials, which checks them, and save both.

    :param soid: None = the one saved for this client, or ask
    :param scope: None = the one saved for this client, or `SCOPE`
    """
    replacement.confirm(application)
    saved = load_saved(profile)
    # Do not use the organisation and scopes of another client.
    is_same = saved is not None and saved.application.client_id == application.client_id
    before = saved.credentials if saved and is_same else None
    try:
        credentials = ClientCredentials.create(
            soid or (before.soid if before else ask("soid")), scope or (before.scope if before else SCOPE)
        )
    except ValueError as error:
        problem = describe_problem(error)
    else:
        _mint(profile, application, credentials, in_keyring=in_keyring)
        replacement.offer_revocation(application)
        return
    raise ClientConfigurationError(problem, hint="Zoho Recruit shows the organisation's ID under Setup.")


def _mint(profile: Profile, application: Application, credentials: ClientCredentials, *, in_keyring: bool) -> None:
    now = time.time()
    record = profile.load_record(application, credentials, in_keyring=in_keyring)
    # Only the budget counts. A remembered failure may have been fixed in the console since.
    obstacle = replace(record, failure=None).find_obstacle(now, application, Budget())
    if obstacle is not None:
        raise obstacle
    try:
        with open_console(stderr=True).status("Fetching an access token"):
            token = TokenEndpoint(application).mint(credentials, None, now=now)
    except ClientConfigurationError as error:
        _add_new_secret_hint(error)
        raise
    profile.save(application, token, now=now, in_keyring=in_keyring, credentials=credentials)
    what = f"The grant for {credentials.soid}"
    _report(profile, application, what, credentials.scope, in_keyring=in_keyring)


def redeem(
    profile: Profile,
    application: Application,
    code: Secret,
    *,
    redirect_uri: str | None,
    scopes: Iterable[str],
    **options: Any,
) -> None:
    """Redeem a code and save the grant.

    :raises ZohoAuthError: Zoho refused the code, or the grant could not be saved
    """
    now = time.time()
    try:
        with open_console(stderr=True).status("Fetching the grant"):
            token = TokenEndpoint(application).exchange(code, redirect_uri=redirect_uri, now=now)
    except ClientConfigurationError as error:
        _add_new_secret_hint(error)
        raise
    check_refresh_token(
        token,
        application.region,
        hint="Zoho sends one only if the login asks for offline access and consent, as `zohorecruit login` does.",
    )
    _save_grant(profile, application, token, now=now, scopes=scopes, **options)


def _save_grant(  # noqa: PLR0913 - all but three are keyword-only
    profile: Profile,
    application: Application,
    token: Token,
    *,
    replacement: Replacement,
    now: float,
    scopes: Iterable[str],
    in_keyring: bool,
) -> None:
    """Save the grant of a person, and say where it is.

    :param token: with a refresh token
    :param scopes: as requested; an answer without scopes means that these were granted (RFC 6749, section 5.1)
    """
    token = replace(token, scope=token.scope or tuple(scopes))
    profile.save(application, token, now=now, in_keyring=in_keyring)
    what = f"The grant {fingerprint(str(token.refresh_token))}"
    _report(profile, application, what, token.scope, in_keyring=in_keyring)
    replacement.offer_revocation(application)


def _add_new_secret_hint(error: ZohoAuthError) -> None:
    """Name the options that help if client, secret and region do not match."""
    error.hint = f"{error.hint} To change the region, pass --region; to enter another secret, pass --new-secret."


def _report(profile: Profile, application: Application, what: str, scope: Iterable[str], *, in_keyring: bool) -> None:
    granted = ", ".join((profile.name, f"region {application.region.code}", *scope))
    say(f"Logged in: profile {granted}.")
    where = "the system's keyring" if in_keyring else str(profile.directory)
    say(f"{what} is in {where}.\n")
    # The default that `zohorecruit profiles default` sets is for commands only.
    argument = "" if profile.name == "default" else repr(profile.name)
    say(f"Try it:       zohorecruit get Candidates{profile.option}")
    say(f"In a program: ZohoRecruitAuth.from_profile({argument})")
