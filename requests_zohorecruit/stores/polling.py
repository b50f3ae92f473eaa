"""Helpers that several stores share: polling for a lock, describing its holder, and checking a key.

Knows nothing about any server.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone

from requests_zohorecruit.errors import check_text
from requests_zohorecruit.thread_locks import identify_process

__all__ = ["check_key", "describe_process", "identify_thread", "poll"]

_PAUSE = (0.02, 0.08)


def poll(attempt: Callable[[], bool], timeout: float) -> bool:
    """Call `attempt` until it returns True, at least once. Return False if that took longer than `timeout` seconds.

    The pauses are short and random, so that waiters on many hosts do not poll in step.
    """
    deadline = time.monotonic() + timeout
    while not attempt():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(left, random.uniform(*_PAUSE)))  # noqa: S311 - not for secrecy
    return True


def describe_process() -> str:
    """Describe this process to people who look for the holder of a lock: its id, host and the time (UTC)."""
    since = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"process {os.getpid()} on {socket.gethostname()} since {since}"


def identify_thread() -> tuple[int, int, int]:
    """Return an identifier of this thread, unique on this host. A forked child's differs from its parent's."""
    return *identify_process(), threading.get_ident()


def check_key(key: object, longest: int) -> str:
    """Return `key` if it can name a record.

    :raises TypeError: not a string
    :raises ValueError: empty, or longer than `longest` characters
    """
    text = check_text("key", key)
    if not 0 < len(text) <= longest:
        raise ValueError(f"key must have 1 to {longest} characters")
    return text
