"""A state machine in this very process, and the controls over it.

Knows how to begin with a fresh one; what carries requests to it, a server or something else, is for the subclass.
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
    """Controls of a `Zoho` that lives in this process, beginning with `_begin`."""

    _zoho: Zoho

    def _begin(self, regions: Mapping[str, Region], *, elsewhere: str, redirect_uris: tuple[str, ...]) -> None:
        """Start anew: another client, another grant, the first records, no counts, faults or changed dials.

        :param regions: the data centres, by the names they have in the sandbox
        :param elsewhere: address under which the first also answers, as a host that is not Zoho's
        :param redirect_uris: those registered for the client
        :raises ValueError: there are none
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
    # Looked up anew each time, so that tools which freeze time in tests reach it.
    return time.time()
