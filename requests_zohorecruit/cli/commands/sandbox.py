"""``zohorecruit sandbox`` runs `requests_zohorecruit.sandbox` until Ctrl-C, and prints how to use it."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from requests_zohorecruit.cli.console import say
from requests_zohorecruit.login.loopback import PORT, build_loopback_uri

if TYPE_CHECKING:
    from requests_zohorecruit.sandbox.server import Sandbox

__all__ = ["sandbox"]

_EXPLANATION = """\
The sandbox is running at {url}. Press Ctrl-C to stop it.
It keeps its data in memory.

In another terminal, load its addresses, credentials and certificate, and list \
the candidates:

    . {env}
    zohorecruit get Candidates --env

To log in with a browser, and save a profile named sandbox. The browser warns \
about the certificate, which only the sandbox has signed. Continue anyway.

    zohorecruit login --profile sandbox --replace
    zohorecruit get Candidates --profile sandbox

With curl, which reads the header from the pipe:

    url="$ZOHORECRUIT_RECRUIT_URL/recruit/v2/Candidates"
    zohorecruit header --env | curl -H @- "$url"

With this library:

    python -c 'import requests, requests_zohorecruit as z; \\
    auth = z.ZohoRecruitAuth.from_env(); \\
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
    peculiarities. It prints how to use it with this command, curl and Python. Your profiles stay unchanged.
    """
    over = threading.Event()
    before = {number: signal.signal(number, lambda *_: over.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with _serve(port, redirect_uris or (build_loopback_uri(PORT),)) as zoho:
            env = Path(zoho.ca_bundle).with_name("env")
            _write_private(env, _format_environment(zoho))
            say(_EXPLANATION.format(url=zoho.region.accounts_url, env=shlex.quote(str(env))))
            over.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    say("The sandbox has stopped.")


@contextmanager
def _serve(port: int, redirect_uris: tuple[str, ...]) -> Iterator[Sandbox]:
    from requests_zohorecruit.sandbox import Sandbox  # noqa: PLC0415 - imported only when it runs

    try:
        zoho = Sandbox(port=port, redirect_uris=redirect_uris).start()
    except OSError as error:
        raise click.ClickException(f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}.") from error
    try:
        yield zoho
    finally:
        zoho.stop()


def _format_environment(zoho: Sandbox) -> str:
    values = {
        "ZOHORECRUIT_PROFILE": "sandbox",  # a login must not replace a profile for the real Zoho
        "ZOHORECRUIT_CLIENT_ID": zoho.client_id,
        "ZOHORECRUIT_CLIENT_SECRET": zoho.client_secret,
        "ZOHORECRUIT_REFRESH_TOKEN": zoho.refresh_token,
        "ZOHORECRUIT_REGION": zoho.region.code,
        "ZOHORECRUIT_ACCOUNTS_URL": zoho.region.accounts_url,
        "ZOHORECRUIT_RECRUIT_URL": zoho.region.recruit_url,
        "REQUESTS_CA_BUNDLE": zoho.ca_bundle,
        "CURL_CA_BUNDLE": zoho.ca_bundle,
    }
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
