"""OAuth 2.0 for Zoho Recruit in the requests ecosystem: one import, one ``auth=``.

::

    import requests
    from requests_zohorecruit import FileStore, ZohoRecruitAuth

    auth = ZohoRecruitAuth(client_id, client_secret, region="eu", refresh_token=token, store=FileStore("token.json"))
    requests.get("https://recruit.zoho.eu/recruit/v2/Candidates", auth=auth)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
    from requests_zohorecruit.errors import (
        AuthorizationError,
        ClientConfigurationError,
        ReauthorizationRequired,
        ThrottledError,
        TokenEndpointError,
        TokenStoreError,
        UnknownRegionError,
        UntrustedHostError,
        ZohoAuthError,
    )
    from requests_zohorecruit.session.compliance_fix import zohorecruit_compliance_fix
    from requests_zohorecruit.stores import CallbackStore, FileStore, MemoryStore, TokenStore
    from requests_zohorecruit.zoho.regions import Region
    from requests_zohorecruit.zoho.token import Token

__all__ = [
    "AuthorizationError",
    "CallbackStore",
    "ClientConfigurationError",
    "FileStore",
    "MemoryStore",
    "ReauthorizationRequired",
    "Region",
    "ThrottledError",
    "Token",
    "TokenEndpointError",
    "TokenStore",
    "TokenStoreError",
    "UnknownRegionError",
    "UntrustedHostError",
    "ZohoAuthError",
    "ZohoRecruitAuth",
    "__version__",
    "zohorecruit_compliance_fix",
]

__version__ = "0.1.0"  # read by setuptools; a constant, because a zip application has no package metadata

# Names are imported on first use, so that importing the package costs little in programs that may never call Zoho.
_HOMES = {
    "auth.zoho_recruit_auth": ("ZohoRecruitAuth",),
    "session.compliance_fix": ("zohorecruit_compliance_fix",),
    "errors": tuple(name for name in __all__ if name.endswith(("Error", "Required"))),
    "zoho.regions": ("Region",),
    "stores": ("CallbackStore", "FileStore", "MemoryStore", "TokenStore"),
    "zoho.token": ("Token",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
