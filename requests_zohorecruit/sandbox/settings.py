"""Zoho's limits and the sandbox's dials, each an attribute that a test may change at any time.

Knows no behaviour: the parts of the state machine read their numbers here.
"""

from __future__ import annotations

__all__ = ["Settings"]


class Settings:
    """Numbers Zoho publishes, strictest where its pages disagree, and a few switches of our own. Times in seconds.

    Source: www.zoho.com/accounts/protocol/oauth/token-limits.html and
    www.zoho.com/crm/developer/docs/api/v8/token-validity.html
    """

    access_token_lifetime: int = 3600
    code_lifetime: float = 60.0
    self_client_code_lifetime: float = 180.0

    device_code_lifetime: float = 300.0
    device_interval: float = 5.0
    """What Zoho tells a device to wait between two polls, in seconds here and in milliseconds in the answer."""
    device_poll_pause: float = 30.0
    """What Zoho insists on between two polls, whatever it tells: sooner is a ``slow_down``."""

    mints_per_window: int = 10
    """Access tokens one grant may mint (the exchange of the code included) in any `mint_window`."""
    mint_window: float = 600.0
    blocked_longer: float = 60.0
    """How much longer the block lasts for each attempt while blocked. Zoho says "prolongs" and gives no number."""

    max_live_access_tokens: int = 10
    """Per grant; one more kills the oldest."""
    refresh_tokens_per_user: int = 20
    """One more kills the oldest, with its access tokens."""
    refresh_tokens_per_minute: int | None = None
    """Zoho says five. None (no limit), so that a test suite may log in as often as it likes."""

    token_delay: float = 0.0
    """How long every answer of the token endpoint takes."""
    reject_all: bool = False
    """The API answers INVALID_TOKEN to everything, as it does to tokens of another region."""
