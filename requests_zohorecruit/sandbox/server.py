"""The sandbox: a state machine behind a server, with a certificate authority created at start.

Starts and stops them; `zoho` implements all behaviour.
"""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType

import trustme

from requests_zohorecruit.sandbox.connections import Server
from requests_zohorecruit.sandbox.zoho import Zoho
from requests_zohorecruit.zoho.regions import Region

__all__ = ["Sandbox"]


class Sandbox(Zoho):
    """Zoho Accounts and Recruit on 127.0.0.1, over TLS, from `start` to `stop` or within a ``with`` block.

    :param port: 0 = any free port; further regions use the ports that follow
    :param redirect_uris: those registered for the client
    :param regions: names of data centres, such as ``("us", "eu")``, each with its own port. They are in `regions`, with
        codes that differ from Zoho's (``sandbox-us``). None = a single one with the code ``sandbox``
    :raises ValueError: there is no redirect URI or region, or a region is given twice
    """

    def __init__(
        self,
        *,
        port: int = 0,
        redirect_uris: Sequence[str] = ("http://127.0.0.1:8400/callback",),
        regions: Sequence[str] | None = None,
    ) -> None:
        if not redirect_uris:
            raise ValueError("a client has at least one redirect URI")
        if isinstance(regions, str):
            raise TypeError(f"regions are a tuple of names such as ('us', 'eu'), not the string {regions!r}")
        if regions is not None and (not regions or len(set(regions)) < len(regions)):
            raise ValueError("regions must be at least one name, each once")
        self._port = port
        self._redirect_uris = tuple(redirect_uris)
        self._codes = {"sandbox": "sandbox"} if regions is None else {name: f"sandbox-{name}" for name in regions}
        self._exit: ExitStack | None = None

    def start(self) -> Sandbox:
        """Serve until `stop`, in threads of this process, all settings at their defaults. Return the sandbox.

        :raises RuntimeError: it is already running
        :raises OSError: a port is in use
        :raises ValueError: a redirect URI is malformed
        """
        if self._exit is not None:
            raise RuntimeError(f"{self!r} is running already; stop() it first, or make another Sandbox")
        with ExitStack() as stack:
            # Not TemporaryDirectory, whose finalizer would also run in a forked child and delete the parent's file.
            directory = mkdtemp(prefix="zoho-sandbox-")
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            self.ca_bundle = str(Path(directory) / "ca.pem")
            context = _make_tls_context(self.ca_bundle)
            servers = []
            for number in range(len(self._codes)):
                servers.append(Server(self._port and self._port + number, context))
                stack.callback(servers[-1].server_close)
            regions = {
                name: _make_region(code, server.port)
                for (name, code), server in zip(self._codes.items(), servers, strict=True)
            }
            elsewhere = f"https://localhost:{servers[0].port}"
            super().__init__(regions=regions, elsewhere=elsewhere, redirect_uris=self._redirect_uris)
            for code, server in zip(self._codes.values(), servers, strict=True):
                server.start(partial(self.handle, code=code))
                stack.callback(server.stop)
            self._exit, self._owner = stack.pop_all(), os.getpid()
        return self

    def stop(self) -> None:
        """Stop serving at once and delete the certificate. Does nothing if it is not running."""
        # A forked child also gets here, at the end of its copy of the block, and must not stop the parent's server.
        if self._exit is not None and os.getpid() == self._owner:
            running, self._exit = self._exit, None
            running.close()

    def __enter__(self) -> Sandbox:  # noqa: PYI034 - typing.Self is not in Python 3.10
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Sandbox({self.region.accounts_url!r})" if hasattr(self, "region") else "Sandbox()"

    def renew(self, *, redirect_uris: Sequence[str] | None = None) -> None:
        """Reset the sandbox, behind the same addresses and certificate.

        Client, secret and grant are replaced, and clients, people and grants created later are gone. Records, counters,
        faults and settings are reset.

        :param redirect_uris: those registered from now on; None = as before
        :raises ValueError: there is no redirect URI, or a malformed one
        """
        registered = self._redirect_uris if redirect_uris is None else tuple(redirect_uris)
        self._begin(registered)
        self._redirect_uris = registered


def _make_region(code: str, port: int) -> Region:
    url = f"https://127.0.0.1:{port}"
    return Region(code, url, url, upload_url=url, api_domain=url)


def _make_tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Return a server context for 127.0.0.1 and localhost, and write the authority's certificate to `ca_bundle`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context
