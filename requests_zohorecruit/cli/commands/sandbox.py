"""``zohorecruit sandbox``: a Zoho on loopback until Ctrl-C, and how to talk to it.

Knows how to explain it; what it does is `requests_zohorecruit.sandbox`'s.
"""

from __future__ import annotations

import os
import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import click

from requests_zohorecruit.cli.console import say
from requests_zohorecruit.login.loopback import PORT, build_loopback_uri

if TYPE_CHECKING:
    from requests_zohorecruit.sandbox.server import Sandbox

__all__ = ["sandbox"]

_EXPLANATION = """\
A sandbox Zoho serves {url} until Ctrl-C.
What is changed in it is kept in memory.

In another terminal, first take over its address, credentials and certificate:

    . {env}

With this command, and a profile of its own. The browser warns of the \
certificate, which no authority has signed; go on all the same.

    zohorecruit login --profile sandbox --replace
    zohorecruit get Candidates --profile sandbox

With curl: an access token, then the candidates. Neither secrets nor tokens are \
arguments, which others could see.

    curl -s -d @{form} \\
        "$ZOHORECRUIT_ACCOUNTS_URL/oauth/v2/token" |
        sed -n 's/.*"access_token":"\\([^"]*\\)".*/Authorization: Zoho-oauthtoken \\1/p' |
        curl -H @- "$ZOHORECRUIT_RECRUIT_URL/recruit/v2/Candidates"

With this library:

    python -c 'import os, requests, requests_zohorecruit as z
    url = os.environ["ZOHORECRUIT_RECRUIT_URL"] + "/recruit/v2/Candidates"
    print(requests.get(url, auth=z.ZohoRecruitAuth.from_env()).json())'
"""


@click.command()
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Port on 127.0.0.1.  [default: any free one]")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="To register for the client; may be repeated.")
def sandbox(port: int, redirect_uris: tuple[str, ...]) -> None:
    """Serve a sandbox Zoho on loopback until Ctrl-C.

    Zoho Accounts and Zoho Recruit with invented candidates, over TLS, with Zoho's limits and peculiarities.
    """
    over = threading.Event()
    before = {number: signal.signal(number, lambda *_: over.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with _serve(port, redirect_uris or (build_loopback_uri(PORT),)) as zoho:
            env, form = (Path(zoho.ca_bundle).with_name(name) for name in ("env", "form"))
            _write_private(env, _format_environment(zoho))
            _write_private(form, _format_form(zoho))
            files = {"env": shlex.quote(str(env)), "form": shlex.quote(str(form))}
            say(_EXPLANATION.format(url=zoho.region.accounts_url, **files))
            over.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    say("The sandbox is gone.")


@contextmanager
def _serve(port: int, redirect_uris: tuple[str, ...]) -> Iterator[Sandbox]:
    from requests_zohorecruit.sandbox import Sandbox  # noqa: PLC0415 - most commands do without

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
        "ZOHORECRUIT_PROFILE": "sandbox",  # a login there and then must not touch a profile of the real Zoho's
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


def _format_form(zoho: Sandbox) -> str:
    secrets = {"client_secret": zoho.client_secret, "refresh_token": zoho.refresh_token}
    return urlencode({"grant_type": "refresh_token", "client_id": zoho.client_id, **secrets})


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
