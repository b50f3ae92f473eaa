"""The controls of a running sandbox, in any process.

Defines their names and types. Subclasses define where the state machine is and how to reach it.
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
    """An attribute of `Settings`, read from and set on the state machine."""

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
    """Addresses, credentials, settings, counters and faults. `Settings` describes the settings.

    :ivar region: the first of `regions`; its `code` is ``"sandbox"`` if it is the only one
    :ivar regions: the data centres by name; pass the values to `Region.from_callback` as ``extra=``
    :ivar soid: of the organisation in `region`, for client credentials
    :ivar refresh_token: of a working grant with ample scopes
    :ivar ca_bundle: path of the certificate to trust, for ``verify=``; deleted when the sandbox stops
    :ivar redirect_uri: the first registered redirect URI
    :ivar elsewhere: a URL on the same server under another host name (``localhost``). It answers every request, with
        the status in ``?status=`` if given, and its requests are listed in `received`.
        A download with ``?redirect=<any URL>`` redirects to that URL.
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
        """The requests received so far, in order, with secrets replaced by their `fingerprint`."""
        arrivals: list[Arrival] = self._read("received")
        return arrivals

    @property
    def token_requests(self) -> int:
        """The number of calls to the token endpoints (not the device endpoints), faulty ones included."""
        return int(self._read("token_requests"))

    @property
    def device_requests(self) -> int:
        """The number of calls to the device endpoints, faulty ones included."""
        return int(self._read("device_requests"))

    @property
    def api_requests(self) -> int:
        """The number of calls to the Recruit API, including refused ones."""
        return int(self._read("api_requests"))

    @property
    def attachments(self) -> dict[str, bytes]:
        """Uploaded files by attachment id, oldest first."""
        contents: dict[str, bytes] = self._read("attachments")
        return contents

    def expire_tokens(self) -> None:
        """Expire every live access token, as if its hour were over."""
        self._call("expire_tokens")

    def reject_tokens(self) -> None:
        """Make the API refuse every access token issued so far, even though it has not expired."""
        self._call("reject_tokens")

    def fault(self, name: str, times: int = 1) -> None:
        """Make the next `times` calls to an endpoint that issues tokens or device codes fail.

        :param name: one of `FAULTS`
        :raises ValueError: there is no such fault
        """
        self._call("fault", name, times)

    def session(self) -> requests.Session:
        """Return a new session that trusts the sandbox's certificate and ignores proxies from the environment."""
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
        """Register another client.

        :param redirect_uris: None = those of the first client
        :param regions: names of the data centres to enable it in; None = all
        :param secret_per_region: issue one secret per data centre; ``client_secret`` is a mapping then
        :raises ValueError: there is no redirect URI, or a data centre is unknown
        """
        client: Client = self._call("new_client", redirect_uris, regions, secret_per_region)
        return client

    def new_person(self, *, region: str | None = None, name: str | None = None) -> Person:
        """Open another person's account. From then on the consent page asks who is signing in.

        :param region: name of the data centre of the account; None = the first
        :raises ValueError: there is no such data centre
        """
        person: Person = self._call("new_person", region, name)
        return person

    def new_code(self, scope: str = AMPLE_SCOPE, *, client: Client | None = None, person: Person | None = None) -> str:
        """Return a self client's code, to be exchanged without a redirect URI.

        :param client: the client; None = the first
        :param person: the person who requested the code in the API console; None = the first
        :raises ValueError: client or person belong to another sandbox, or were made before `Sandbox.renew`
        """
        return str(self._call("new_code", scope, client, person))

    def new_grant(self, scope: str = AMPLE_SCOPE, *, client: Client | None = None, person: Person | None = None) -> str:
        """Return the refresh token of another grant, without minting. The parameters are those of `new_code`."""
        return str(self._call("new_grant", scope, client, person))

    def live_access_tokens(self, refresh_token: str | None = None) -> int:
        """Return the number of unexpired access tokens of a grant.

        :param refresh_token: identifies the grant; None = that of `refresh_token`
        """
        return int(self._call("live_access_tokens", refresh_token or self.refresh_token))

    def consent(self, authorization_url: str, *, accept: bool = True, person: Person | None = None) -> str:
        """Accept or reject on a person's behalf. Return the URL that their data centre redirects to.

        :param person: None = the first
        :raises ValueError: Zoho would have shown an error page
        """
        return str(self._call("consent", authorization_url, accept, person))

    def confirm_device(self, user_code: str, *, accept: bool = True, person: Person | None = None) -> None:
        """Enter a device's code on a person's behalf, and accept or reject.

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
