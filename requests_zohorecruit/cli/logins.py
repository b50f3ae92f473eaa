"""Logs in with a device or with client credentials, and ends every kind of login: redeems the code, saves the grant.

`browser` does the login with a browser.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from requests_zohorecruit.cli.console import ask, describe_problem, open_console, say
from requests_zohorecruit.cli.destination import Destination
from requests_zohorecruit.cli.sources import load_saved
from requests_zohorecruit.engine.limits import Budget
from requests_zohorecruit.errors import (
    AuthorizationError,
    ClientConfigurationError,
    ReauthorizationRequired,
    UnknownRegionError,
    UntrustedHostError,
)
from requests_zohorecruit.login.device import authorize_device
from requests_zohorecruit.secret import Secret, fingerprint
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.consent import check_refresh_token
from requests_zohorecruit.zoho.device import DevicePrompt
from requests_zohorecruit.zoho.grants import ClientCredentials
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

__all__ = ["NEW_REGION_HINT", "SCOPE", "log_in_client", "log_in_device", "redeem"]

#: Scopes to request by default.
SCOPE = "ZohoRecruit.modules.ALL,ZohoRecruit.settings.ALL"

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
_ORGANISATION = 'Soid ("ZohoRecruit." and the ID of your organisation)'
NEW_REGION_HINT = "If this is a new data centre of Zoho's, run the command again with --accounts-url and --recruit-url."


def log_in_device(destination: Destination, application: Application, *, scopes: Iterable[str]) -> None:
    """Show a code to confirm on another machine, wait, and save the grant."""
    destination.confirm(application, is_region_known=False)
    scopes, console = tuple(scopes), open_console()

    def show(prompt: DevicePrompt) -> None:
        say(_CONFIRM.format(prompt=prompt, minutes=(prompt.expires_at - time.time()) / 60))
        if prompt.verification_url_complete != prompt.verification_url:
            say(_OR_OPEN.format(prompt=prompt))
        if not console.is_terminal:
            say("Waiting for Accept, checking every 30 s.")
        # Not before: its first frame would share a line with the text above.
        stack.enter_context(console.status("Waiting for Accept, checking every 30 s (Ctrl-C stops)"))

    try:
        with _naming_options(), ExitStack() as stack:
            who, token, now = authorize_device(
                application.client_id, application.client_secret, region=application.region, scope=scopes, show=show
            )
    except AuthorizationError as error:
        error.hint = "Run the command again for a new code."
        raise
    except (UnknownRegionError, UntrustedHostError) as error:
        error.hint = NEW_REGION_HINT
        raise
    destination.confirm(who)
    _save(destination, who, token, now=now, scopes=scopes)


def log_in_client(
    destination: Destination, application: Application, *, soid: str | None, scope: Iterable[str] | None
) -> None:
    """Mint a token with client credentials, which checks them, and save both.

    :param soid: None = the one saved for this client, or ask
    :param scope: None = the one saved for this client, or `SCOPE`
    """
    destination.confirm(application)
    saved = load_saved(destination.profile)
    # Do not use the organisation and scopes of another client.
    before = saved.credentials if saved and saved.application.client_id == application.client_id else None
    try:
        soid = soid or (before.soid if before else ask("soid", _ORGANISATION, _parse_soid))
        credentials = ClientCredentials.create(soid, scope or (before.scope if before else SCOPE))
    except ValueError as error:
        problem = describe_problem(error)
    else:
        _mint(destination, application, credentials)
        return
    raise ClientConfigurationError(problem, hint="Zoho Recruit shows the organisation's ID under Setup.")


def _parse_soid(text: str) -> str:
    return ClientCredentials.create(text, SCOPE).soid


def _mint(destination: Destination, application: Application, credentials: ClientCredentials) -> None:
    now = time.time()
    record = destination.profile.load_record(application, credentials, in_keyring=destination.in_keyring)
    # Only the budget counts. A remembered failure may have been fixed in the console since.
    obstacle = replace(record, failure=None).find_obstacle(now, application, Budget())
    if obstacle is not None:
        raise obstacle
    with _fetching("Fetching an access token"):
        token = TokenEndpoint(application).mint(credentials, None, now=now)
    _save(destination, application, token, now=now, credentials=credentials)


def redeem(
    destination: Destination, application: Application, code: Secret, *, redirect_uri: str | None, scopes: Iterable[str]
) -> None:
    """Redeem a code and save the grant.

    :raises ZohoAuthError: Zoho refused the code, or the grant could not be saved
    """
    now = time.time()
    try:
        with _fetching("Fetching the grant"):
            token = TokenEndpoint(application).exchange(code, redirect_uri=redirect_uri, now=now)
    except ReauthorizationRequired as error:  # its message is for refresh tokens too
        error.message = (
            f"Zoho Accounts (region {error.region}) does not accept this code: it has expired, was already used, or "
            f"belongs to another region ({error.code})."
        )
        raise
    check_refresh_token(
        token,
        application.region,
        hint="Zoho sends one only if the login asks for offline access and consent, as `zohorecruit login` does.",
    )
    _save(destination, application, token, now=now, scopes=scopes)


@contextmanager
def _fetching(what: str) -> Iterator[None]:
    """Show what the command waits for. Nothing may be printed meanwhile."""
    with _naming_options(), open_console(stderr=True).status(what):
        yield


@contextmanager
def _naming_options() -> Iterator[None]:
    """If client, secret and region do not match, name the options that help."""
    try:
        yield
    except ClientConfigurationError as error:
        if error.code in {"invalid_client", "invalid_client_secret"}:
            more = "To change the region, pass --region; to enter another secret, pass --new-secret."
            error.hint = f"{error.hint} {more}"
        raise


def _save(  # noqa: PLR0913 - all but three are keyword-only
    destination: Destination,
    application: Application,
    token: Token,
    *,
    now: float,
    scopes: Iterable[str] = (),
    credentials: ClientCredentials | None = None,
) -> None:
    """Save the grant, and say where it is.

    :param scopes: as requested; an answer without scopes means that these were granted (RFC 6749, section 5.1)
    :param credentials: None = the grant is the token's refresh token, which a person has given
    """
    if credentials:
        what, scope = f"for {credentials.soid}", credentials.scope
    else:
        token = replace(token, scope=token.scope or tuple(scopes))
        what, scope = fingerprint(str(token.refresh_token)), token.scope
    profile, in_keyring = destination.profile, destination.in_keyring
    profile.save(application, token, now=now, in_keyring=in_keyring, credentials=credentials)
    say(f"Logged in: profile {', '.join((profile.name, f'region {application.region.code}', *scope))}.")
    where = "the system's keyring" if in_keyring else profile.directory
    say(f"The grant {what} is in {where}.\n")
    # The default that `zohorecruit profiles default` sets is for commands only.
    argument = "" if profile.name == "default" else repr(profile.name)
    say(f"Try it:       zohorecruit get Candidates{profile.option}")
    say(f"In a program: ZohoRecruitAuth.from_profile({argument})")
    destination.offer_revocation(application)
