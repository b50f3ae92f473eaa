"""``zohorecruit sandbox`` runs the sandbox until Ctrl-C, and prints how to use it; ``zohorecruit demo`` shows it."""

from __future__ import annotations

import os
import shlex
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from requests_zohorecruit.cli.console import open_console, say
from requests_zohorecruit.login.loopback import PORT, build_loopback_uri
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application

if TYPE_CHECKING:
    from requests_zohorecruit.sandbox.server import Sandbox

__all__ = ["demo", "sandbox"]

_PROFILE = "sandbox"
_EXPLANATION = """\
The sandbox is running at {url}. Press Ctrl-C to stop it.
It keeps its data in memory.

In another terminal, load its addresses, certificate and profile, and list the \
candidates. Your own profiles cannot be seen or changed there.

    . {env}
    zohorecruit get Candidates

To log in with a browser instead, run these commands there. Your browser will \
warn about the certificate, which the sandbox signed itself; accept it.

    zohorecruit login --profile sandbox
    zohorecruit get Candidates --profile sandbox

With curl, which reads the header from the pipe:

    url="$ZOHORECRUIT_RECRUIT_URL/recruit/v2/Candidates"
    zohorecruit header | curl -H @- "$url"

With this library:

    python -c 'import requests, requests_zohorecruit as z; \\
    auth = z.ZohoRecruitAuth.from_profile("sandbox"); \\
    print(requests.get(
        auth.region.recruit_url + "/recruit/v2/Candidates",
        auth=auth).json())'
"""


@click.command()
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Port on 127.0.0.1.  [default: a free one]")
@click.option(
    "--redirect-uri", "redirect_uris", multiple=True, help="Redirect URI to register for the client; repeatable."
)
def sandbox(port: int, redirect_uris: tuple[str, ...]) -> None:
    """Run the sandbox on this machine until Ctrl-C.

    It imitates Zoho Accounts and Zoho Recruit over TLS, with invented candidates, and with Zoho's limits and
    peculiarities. It prints how to use it with this command, curl and Python. It has a profile of its own; yours stay
    unchanged.
    """
    from requests_zohorecruit.sandbox import Sandbox  # noqa: PLC0415 - imported only when it runs

    over = threading.Event()
    with ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, number, signal.signal(number, lambda *_: over.set()))
        try:
            zoho = stack.enter_context(Sandbox(port=port, redirect_uris=redirect_uris or (build_loopback_uri(PORT),)))
        except OSError as error:
            raise click.ClickException(f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}.") from error
        except ValueError as error:
            raise click.UsageError(f"Invalid value for --redirect-uri: {error}.") from None
        env, home = (Path(zoho.ca_bundle).with_name(name) for name in ("env", "profiles"))
        env.touch(0o600, exist_ok=False)
        env.write_text(_format_environment(zoho, home), "utf-8")
        _save_profile(zoho, home)
        say(_EXPLANATION.format(url=zoho.region.accounts_url, env=shlex.quote(str(env))))
        over.wait()
    say("The sandbox has stopped.")


@click.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Show the library at work on the sandbox.

    Takes some seconds, and needs neither a Zoho account nor a network. Each step compares what the sandbox counted
    with what this library promises. The exit code is 1 if they differ.
    """
    from requests_zohorecruit.demo.steps import run_steps  # noqa: PLC0415 - imported only when it runs

    ctx.exit(0 if run_steps(open_console()) else 1)


def _save_profile(zoho: Sandbox, home: Path) -> None:
    """Save a grant as a profile, whose token all commands share. With ``--env``, each of them would mint one."""
    from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint  # noqa: PLC0415 - imported only when it runs

    os.environ["ZOHORECRUIT_HOME"] = str(home)  # of this process, which reads no other profile
    application, now = Application.create(zoho.client_id, zoho.client_secret, zoho.region), time.time()
    token = TokenEndpoint(application, session=zoho.session()).exchange(zoho.new_code(), now=now)
    Profile(_PROFILE).save(application, token, now=now)


def _format_environment(zoho: Sandbox, home: Path) -> str:
    values = {
        "ZOHORECRUIT_HOME": str(home),  # a login must not replace a profile for the real Zoho
        "ZOHORECRUIT_PROFILE": _PROFILE,
        "ZOHORECRUIT_CLIENT_ID": zoho.client_id,
        "ZOHORECRUIT_CLIENT_SECRET": zoho.client_secret,
        "ZOHORECRUIT_REFRESH_TOKEN": zoho.refresh_token,
        "ZOHORECRUIT_REGION": zoho.region.code,
        "ZOHORECRUIT_ACCOUNTS_URL": zoho.region.accounts_url,
        "ZOHORECRUIT_RECRUIT_URL": zoho.region.recruit_url,
        "REQUESTS_CA_BUNDLE": zoho.ca_bundle,
        "CURL_CA_BUNDLE": zoho.ca_bundle,
        "SSL_CERT_FILE": zoho.ca_bundle,  # for httpx, aiohttp and Python's own client
    }
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
