"""Zoho's limits and the sandbox's settings, each an attribute that a test may change at any time.

Contains no behaviour: the parts of the state machine read their numbers here.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Settings"]


@dataclass(eq=False, repr=False)
class Settings:
    """Zoho's published limits (the strictest, where its pages disagree) and the sandbox's own settings. In seconds.

    Source: www.zoho.com/accounts/protocol/oauth/token-limits.html and
    www.zoho.com/crm/developer/docs/api/v8/token-validity.html
    """

    access_token_lifetime: int = 3600
    code_lifetime: float = 60.0
    self_client_code_lifetime: float = 180.0

    device_code_lifetime: float = 300.0
    device_interval: float = 5.0
    """The interval between polls that Zoho names, in seconds here and in milliseconds in the response."""
    device_poll_pause: float = 30.0
    """The interval between polls that Zoho enforces, regardless of the one it names: sooner gets ``slow_down``."""

    mints_per_window: int = 10
    """Access tokens one grant may mint (the exchange of the code included) in any `mint_window`."""
    mint_window: float = 600.0
    blocked_longer: float = 60.0
    """How much each request during the block prolongs it. Zoho's documentation gives no number."""

    max_live_access_tokens: int = 10
    """Per grant; one more revokes the oldest."""
    refresh_tokens_per_user: int = 20
    """One more revokes the oldest, with its access tokens."""
    refresh_tokens_per_minute: int | None = None
    """Zoho's limit is five. None (no limit), so that a test suite may log in as often as it needs."""

    token_delay: float = 0.0
    """Delay of every response of the token endpoint."""
    reject_all: bool = False
    """The API answers INVALID_TOKEN to every request, as it does for tokens of another region."""
