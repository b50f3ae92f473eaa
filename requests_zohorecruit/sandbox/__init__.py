"""A sandbox of Zoho Accounts and Zoho Recruit: a server on 127.0.0.1 that behaves, and fails, like the real ones.

Independent of this library's engine, so that it can test it::

    from requests_zohorecruit.sandbox import Sandbox

    with Sandbox() as zoho, zoho.session() as session:
        auth = ZohoRecruitAuth(
            zoho.client_id,
            zoho.client_secret,
            region=zoho.region,
            refresh_token=zoho.refresh_token,
            session=session,  # token calls must trust the same certificate
        )
        candidates = session.get(f"{zoho.region.recruit_url}/recruit/v2/Candidates", auth=auth)

`requests_zohorecruit.sandbox.process.SandboxProcess` runs the sandbox in its own process, and
`requests_zohorecruit.sandbox.zoho.Zoho` without a socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests_zohorecruit.sandbox.fingerprints import fingerprint

if TYPE_CHECKING:
    from requests_zohorecruit.sandbox.server import Sandbox

__all__ = ["Sandbox", "fingerprint"]


def __getattr__(name: str) -> Any:
    # Lazy, so that the state machine works without the `sandbox` extra.
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
