"""Controls of a state machine in this process.

Creates a fresh state machine. Subclasses carry requests to it, through a server or otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from requests_zohorecruit.sandbox.controls import Controls
from requests_zohorecruit.sandbox.messages import Answer, Request
from requests_zohorecruit.sandbox.zoho import Zoho
from requests_zohorecruit.zoho.regions import Region

__all__ = ["LocalControls"]


class LocalControls(Controls):
    """Controls of a `Zoho` in this process; call `_begin` first."""

    _zoho: Zoho

    def _begin(self, regions: Mapping[str, Region], *, elsewhere: str, redirect_uris: tuple[str, ...]) -> None:
        """Start over: a new client and grant, the initial records, counters, faults and settings.

        :param regions: the data centres by their names in the sandbox
        :param elsewhere: another address of the first data centre, as a host that is not Zoho's
        :param redirect_uris: those registered for the client
        :raises ValueError: there is no redirect URI
        """
        self._zoho = Zoho(regions=regions, elsewhere=elsewhere, redirect_uris=redirect_uris, clock=_read_wall_clock)
        self.regions = dict(regions)
        self.region = self._zoho.person.region
        self.soid = self._zoho.person.soid
        self.client_id = self._zoho.client.client_id
        self.client_secret = str(self._zoho.client.client_secret)
        self.redirect_uri = self._zoho.client.redirect_uri
        self.elsewhere = self._zoho.elsewhere
        self.refresh_token = self._zoho.new_grant()

    def _answer(self, request: Request, code: str | None = None) -> Answer:
        return self._zoho.handle(request, code)

    def _read(self, name: str) -> Any:
        return getattr(self._zoho, name)

    def _turn(self, name: str, value: Any) -> None:
        setattr(self._zoho, name, value)

    def _call(self, name: str, *arguments: Any) -> Any:
        return getattr(self._zoho, name)(*arguments)


def _read_wall_clock() -> float:
    # Looked up on every call, so that tools that freeze time can patch it.
    return time.time()
