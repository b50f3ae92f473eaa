"""The sandbox: a state machine behind a server, with a certificate authority made on the spot.

Knows how to start and stop them; all behaviour is `zoho`'s.
"""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import trustme

from requests_zohorecruit.regions import Region
from requests_zohorecruit.sandbox.connections import Server
from requests_zohorecruit.sandbox.controls import Controls
from requests_zohorecruit.sandbox.zoho import Zoho

__all__ = ["Sandbox"]


class Sandbox(Controls):
    """Zoho Accounts and Recruit on 127.0.0.1, over TLS, for as long as a ``with`` block lasts.

    :param port: 0 = any free one
    :param redirect_uris: those registered for the client
    """

    def __init__(self, *, port: int = 0, redirect_uris: tuple[str, ...] = ("http://127.0.0.1:8400/callback",)) -> None:
        if not redirect_uris:
            raise ValueError("a client has at least one redirect URI")
        self._port = port
        self._redirect_uris = tuple(redirect_uris)
        self._exit = ExitStack()

    def __enter__(self) -> Sandbox:  # noqa: PYI034 - typing.Self is not in Python 3.10
        with ExitStack() as stack:
            directory = stack.enter_context(TemporaryDirectory(prefix="zoho-sandbox-", ignore_cleanup_errors=True))
            self.ca_bundle = str(Path(directory) / "ca.pem")
            server = Server(self._port, _tls(self.ca_bundle))
            self._tell(f"https://127.0.0.1:{server.port}", f"https://localhost:{server.port}")
            server.start(self._zoho.handle)
            stack.callback(server.stop)
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def __repr__(self) -> str:
        return f"Sandbox({self.region.accounts_url!r})" if hasattr(self, "region") else "Sandbox()"

    def _tell(self, url: str, elsewhere: str) -> None:
        self._zoho = Zoho(url=url, elsewhere=elsewhere, redirect_uris=self._redirect_uris)
        self.region = Region("sandbox", url, url, upload_url=url, api_domain=url)
        self.client_id = self._zoho.client.client_id
        self.client_secret = self._zoho.client.client_secret
        self.redirect_uri = self._redirect_uris[0]
        self.elsewhere = self._zoho.elsewhere
        self.refresh_token = self._zoho.new_grant()

    def _read(self, name: str) -> Any:
        return getattr(self._zoho, name)

    def _turn(self, name: str, value: Any) -> None:
        setattr(self._zoho, name, value)

    def _call(self, name: str, *arguments: Any) -> Any:
        return getattr(self._zoho, name)(*arguments)


def _tls(ca_bundle: str) -> ssl.SSLContext:
    """Return a server's context for 127.0.0.1 and localhost, and write the authority's certificate to a file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context
