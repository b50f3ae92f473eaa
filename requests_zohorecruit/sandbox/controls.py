"""What a person can read and turn on a running sandbox, in whichever process it runs.

Knows the names and types; where the state machine is, and how to reach it, is for the subclass to say.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

import requests

from requests_zohorecruit.sandbox.faults import FAULTS
from requests_zohorecruit.sandbox.zoho import AMPLE_SCOPE

if TYPE_CHECKING:
    from requests_zohorecruit.sandbox.fingerprints import Arrival
    from requests_zohorecruit.sandbox.registry import Client, Person
    from requests_zohorecruit.zoho.regions import Region

__all__ = ["Controls"]

_Value = TypeVar("_Value")


class _Dial(Generic[_Value]):
    """An attribute of `Settings` that is read and set where the state machine is."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, controls: None, owner: type) -> _Dial[_Value]: ...
    @overload
    def __get__(self, controls: Controls, owner: type) -> _Value: ...
    def __get__(self, controls: Controls | None, owner: type) -> _Dial[_Value] | _Value:
        if controls is None:
            return self
        value: _Value = controls._read(self._name)  # noqa: SLF001 - part of Controls
        return value

    def __set__(self, controls: Controls, value: _Value) -> None:
        controls._turn(self._name, value)  # noqa: SLF001 - part of Controls


class Controls:
    """Addresses, credentials, dials, counters and mischief. The dials are described in `Settings`.

    :ivar region: where it is, the first of `regions`; its `code` is ``"sandbox"`` where there is only one
    :ivar regions: the data centres by name; `Region.from_callback` takes their values as ``extra=``
    :ivar soid: of the organisation in `region`, for client credentials
    :ivar refresh_token: of a working grant with ample scopes
    :ivar ca_bundle: path of the certificate to trust, for ``verify=``; gone when the sandbox is
    :ivar redirect_uri: the first of those registered
    :ivar elsewhere: URL on the same server under another host name (``localhost``), which answers every request, with
        the status of ``?status=`` if there is one; what arrives there is in `received` with this path.
        A download with ``?redirect=<any URL>`` leads wherever it says.
    """

    FAULTS: ClassVar[tuple[str, ...]] = FAULTS

    region: Region
    regions: dict[str, Region]
    soid: str
    client_id: str
    client_secret: str
    refresh_token: str
    ca_bundle: str
    redirect_uri: str
    elsewhere: str

    access_token_lifetime = _Dial[int]()
    code_lifetime = _Dial[float]()
    self_client_code_lifetime = _Dial[float]()
    device_code_lifetime = _Dial[float]()
    device_interval = _Dial[float]()
    device_poll_pause = _Dial[float]()
    mints_per_window = _Dial[int]()
    mint_window = _Dial[float]()
    blocked_longer = _Dial[float]()
    max_live_access_tokens = _Dial[int]()
    refresh_tokens_per_user = _Dial[int]()
    refresh_tokens_per_minute = _Dial["int | None"]()
    token_delay = _Dial[float]()
    reject_all = _Dial[bool]()

    @property
    def received(self) -> list[Arrival]:
        """What arrived so far, in order, with secrets as `fingerprint` shows them."""
        arrivals: list[Arrival] = self._read("received")
        return arrivals

    @property
    def token_requests(self) -> int:
        """How many calls the token endpoints got, faulty ones included; devices have their own."""
        return int(self._read("token_requests"))

    @property
    def device_requests(self) -> int:
        """How many calls the endpoints for devices got, faulty ones included."""
        return int(self._read("device_requests"))

    @property
    def api_requests(self) -> int:
        """How many calls the Recruit API got, refused ones included."""
        return int(self._read("api_requests"))

    @property
    def attachments(self) -> dict[str, bytes]:
        """Uploaded files by attachment id, oldest first."""
        contents: dict[str, bytes] = self._read("attachments")
        return contents

    def expire_tokens(self) -> None:
        """Make every live access token invalid, as if its hour were over."""
        self._call("expire_tokens")

    def reject_tokens(self) -> None:
        """Make the API refuse every access token issued so far, although unexpired."""
        self._call("reject_tokens")

    def fault(self, name: str, times: int = 1) -> None:
        """Make the next `times` calls of an endpoint that gives tokens, or a device its code, fail.

        :param name: one of `FAULTS`
        :raises ValueError: no such fault
        """
        self._call("fault", name, times)

    def session(self) -> requests.Session:
        """Return a new session that trusts the sandbox's certificate and ignores the environment's proxies."""
        session = requests.Session()
        session.verify = self.ca_bundle
        session.trust_env = False
        return session

    def new_client(
        self,
        *,
        redirect_uris: Sequence[str] | None = None,
        regions: Sequence[str] | None = None,
        secret_per_region: bool = False,
    ) -> Client:
        """Register another application.

        :param redirect_uris: None = those of the first
        :param regions: names of the data centres to enable it for; None = all
        :param secret_per_region: give it a secret for each data centre; ``client_secret`` is a mapping then
        :raises ValueError: no redirect URI, or an unknown data centre
        """
        client: Client = self._call("new_client", redirect_uris, regions, secret_per_region)
        return client

    def new_person(self, *, region: str | None = None, name: str | None = None) -> Person:
        """Open another account. From then on the consent page asks who is there.

        :param region: name of the data centre where the person lives; None = the first
        :raises ValueError: there is no such data centre
        """
        person: Person = self._call("new_person", region, name)
        return person

    def new_code(self, scope: str = AMPLE_SCOPE, *, client: Client | None = None, person: Person | None = None) -> str:
        """Return a self client's code, to be exchanged without a redirect URI.

        :param client: whose; None = the first client's
        :param person: who asked the API console for it; None = the first person
        :raises ValueError: client or person are of another sandbox, or from before `Sandbox.renew`
        """
        return str(self._call("new_code", scope, client, person))

    def new_grant(self, scope: str = AMPLE_SCOPE, *, client: Client | None = None, person: Person | None = None) -> str:
        """Return the refresh token of another grant; nothing is minted. Parameters as for `new_code`."""
        return str(self._call("new_grant", scope, client, person))

    def live_access_tokens(self, refresh_token: str | None = None) -> int:
        """Return how many unexpired access tokens a grant has.

        :param refresh_token: whose; by default that of `refresh_token`
        """
        return int(self._call("live_access_tokens", refresh_token or self.refresh_token))

    def consent(self, authorization_url: str, *, accept: bool = True, person: Person | None = None) -> str:
        """Click for a person: return the URL Zoho redirects to, from the data centre where the person lives.

        :param person: None = the first
        :raises ValueError: Zoho would have shown an error page
        """
        return str(self._call("consent", authorization_url, accept, person))

    def confirm_device(self, user_code: str, *, accept: bool = True, person: Person | None = None) -> None:
        """Type the code that a device shows, and click for a person.

        :param person: None = the first
        :raises ValueError: Zoho would have shown an error page
        """
        self._call("confirm_device", user_code, accept, person)

    @abstractmethod
    def _read(self, name: str) -> Any:
        """Return an attribute of the state machine."""

    @abstractmethod
    def _turn(self, name: str, value: Any) -> None:
        """Set an attribute of the state machine."""

    @abstractmethod
    def _call(self, name: str, *arguments: Any) -> Any:
        """Call a method of the state machine."""
