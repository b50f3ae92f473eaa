"""What the demo plays on: a sandbox in a second process, a private directory, a clock that can be put forward.

Knows how to set up and clear away, and how to count what one act costs; the acts are `steps`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.demo.storm import Clock, mask_interrupts
from requests_zohorecruit.sandbox.process import SandboxProcess
from requests_zohorecruit.stores import FileStore
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

__all__ = ["Count", "Stage"]


class Count:
    """What arrived at the sandbox since this object was made."""

    def __init__(self, zoho: SandboxProcess) -> None:
        self._zoho = zoho
        self._token_requests = zoho.token_requests
        self._api_requests = zoho.api_requests

    @property
    def token_requests(self) -> int:
        """Calls of the token endpoint."""
        return self._zoho.token_requests - self._token_requests

    @property
    def api_requests(self) -> int:
        """Calls of the Recruit API."""
        return self._zoho.api_requests - self._api_requests


class Stage:
    """Everything the steps share.

    :param zoho: the running sandbox
    :param directory: private, and gone afterwards
    """

    def __init__(self, zoho: SandboxProcess, directory: Path) -> None:
        self.zoho = zoho
        self.clock = Clock()
        #: Token requests that were made for comparison, without this library's engine.
        self.compared = 0
        self.store = FileStore(directory / "token.json")
        # Without this user's proxy, netrc and certificates: everything happens on loopback.
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = zoho.ca_bundle
        self.application = Application.create(zoho.client_id, zoho.client_secret, zoho.region)
        self.endpoint = TokenEndpoint(self.application, session=self.session)
        self.auth = ZohoRecruitAuth(
            zoho.client_id, zoho.client_secret, region=zoho.region, store=self.store, session=self.session
        )
        self.auth._refresher.grant.clock = self.clock  # noqa: SLF001 - the story takes three hours

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Stage]:
        """Set everything up, and clear it away in the end."""
        with ExitStack() as stack:
            directory = stack.enter_context(TemporaryDirectory(prefix="zohorecruit-demo-"))
            with mask_interrupts():
                zoho = stack.enter_context(SandboxProcess())
            stage = cls(zoho, Path(directory))
            stack.enter_context(stage.session)
            yield stage

    @property
    def zoho_process(self) -> int:
        """The sandbox's process id."""
        return self.zoho.pid

    @property
    def candidates_url(self) -> str:
        """Where Recruit lists candidates."""
        return f"{self.zoho.region.recruit_url}/recruit/v2/Candidates"

    def count(self) -> Count:
        """Start counting."""
        return Count(self.zoho)

    def total(self) -> str:
        """Say what arrived at the sandbox in all."""
        ours = self.zoho.token_requests - self.compared
        return f"{ours} token requests for {self.zoho.api_requests} API requests"

    def get_candidates(self) -> requests.Response:
        """Make one authenticated call."""
        return self.session.get(self.candidates_url, auth=self.auth, timeout=30)

    def pass_an_hour(self) -> None:
        """End the life of all access tokens, here and at Zoho."""
        self.clock.forward(3600)
        self.zoho.expire_tokens()
