"""Zoho Accounts and Zoho Recruit in a box: a server on 127.0.0.1 that behaves, and misbehaves, like the real ones.

Knows nothing of this library's engine, so that it can testify about it::

    from requests_zohorecruit.sandbox import Sandbox

    with Sandbox() as zoho:
        auth = ZohoRecruitAuth(zoho.client_id, zoho.client_secret, region=zoho.region, refresh_token=zoho.refresh_token)
        with requests.Session() as session:
            session.auth, session.verify = auth, zoho.ca_bundle
            candidates = session.get(zoho.region.recruit_url + "/recruit/v2/Candidates")

Token calls need the same CA: pass a session with that ``verify`` as ``session=``, or set ``REQUESTS_CA_BUNDLE``
(which overrules ``session.verify`` when it is set already: then ``session.trust_env = False``).
`requests_zohorecruit.sandbox.process.SandboxProcess` is the same in a process of its own, and
`requests_zohorecruit.sandbox.zoho.Zoho` the same without a socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests_zohorecruit.sandbox.fingerprints import fingerprint

if TYPE_CHECKING:
    from requests_zohorecruit.sandbox.server import Sandbox

__all__ = ["Sandbox", "fingerprint"]


def __getattr__(name: str) -> Any:
    # Lazy, so that the state machine can be used where the `sandbox` extra is not installed.
    if name != "Sandbox":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from requests_zohorecruit.sandbox import server  # noqa: PLC0415 - see above
    except ModuleNotFoundError as missing:
        if missing.name != "trustme":
            raise
        raise ImportError(
            "The sandbox makes its own certificates with trustme: pip install 'requests-zohorecruit[sandbox]'",
            name=missing.name,
        ) from missing
    return server.Sandbox
