"""The sandbox: a state machine behind a server, with a certificate authority made on the spot.

Knows how to start and stop them; all behaviour is `zoho`'s.
"""

from __future__ import annotations

import os
import shutil
import ssl
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType

import trustme

from requests_zohorecruit.sandbox.connections import Server
from requests_zohorecruit.sandbox.local import LocalControls
from requests_zohorecruit.zoho.regions import Region

__all__ = ["Sandbox"]


class Sandbox(LocalControls):
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
            # Not TemporaryDirectory: its finalizer would also run in a forked child, and take the file from its parent.
            directory = mkdtemp(prefix="zoho-sandbox-")
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            self.ca_bundle = str(Path(directory) / "ca.pem")
            server = Server(self._port, _make_tls_context(self.ca_bundle))
            stack.callback(server.server_close)
            url = f"https://127.0.0.1:{server.port}"
            self._where = Region("sandbox", url, url, upload_url=url, api_domain=url)
            self._elsewhere = f"https://localhost:{server.port}"
            self.renew()
            # Not the bound method of a state machine, which `renew` replaces.
            server.start(self._answer)
            stack.callback(server.stop)
            self._exit, self._owner = stack.pop_all(), os.getpid()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A child forked within the block leaves the block too.
        if os.getpid() == self._owner:  # pragma: no branch - children are not measured
            self._exit.close()

    def __repr__(self) -> str:
        return f"Sandbox({self.region.accounts_url!r})" if hasattr(self, "region") else "Sandbox()"

    def renew(self, *, redirect_uris: tuple[str, ...] | None = None) -> None:
        """Start anew behind the same address and certificate, as if the sandbox had just been opened.

        Client, secret and grant are other ones afterwards; records, counters, faults and dials are as at the beginning.

        :param redirect_uris: those registered from now on; None = as before
        :raises ValueError: there are none
        """
        if redirect_uris is not None:
            self._redirect_uris = tuple(redirect_uris)
        self._begin(self._where, elsewhere=self._elsewhere, redirect_uris=self._redirect_uris)


def _make_tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Return a server's context for 127.0.0.1 and localhost, and write the authority's certificate to a file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context
