"""An auth plugin for HTTPie: ``https --auth-type=zohorecruit -a default recruit.zoho.eu/recruit/v2/Candidates``.

HTTPie finds it through its entry point. Nothing else imports it, so HTTPie stays optional.
"""

from __future__ import annotations

import requests
from httpie.plugins import AuthPlugin  # type: ignore[import-untyped,import-not-found,unused-ignore] # it has no types
from requests.auth import AuthBase

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.errors import ClientConfigurationError
from requests_zohorecruit.login.profiles import Profile

__all__ = ["ZohoRecruitPlugin"]


class ZohoRecruitPlugin(AuthPlugin):  # type: ignore[misc] # HTTPie has no types
    """Signs requests with a profile: the one that ``-a`` names, or else the one called default."""

    name = "Zoho Recruit"
    auth_type = "zohorecruit"
    description = "OAuth 2.0 with a grant of `zohorecruit login`"
    package_name = "requests-zohorecruit"
    auth_require = False
    auth_parse = False
    prompt_password = False
    netrc_parse = False
    raw_auth: str | None = None

    def get_auth(self, username: str | None = None, password: str | None = None) -> AuthBase:  # noqa: ARG002
        """Return the auth object that signs the request."""
        return _ProfileAuth(self.raw_auth or "default")


class _ProfileAuth(AuthBase):
    """Opens the profile only for a request: HTTPie prints errors of requests as one line, others as a traceback."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        try:
            profile = Profile(self._name)
        except ValueError as error:
            raise ClientConfigurationError(f"{error}.") from None
        return ZohoRecruitAuth(**profile.load().arguments())(r)
