"""Reads and parses the redirect address that a person copies from the browser and pastes into the terminal.

`zoho.consent` decides whether the redirect can be trusted.
"""

from __future__ import annotations

import os
import re
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qsl, urlencode

from requests_zohorecruit.secret import Secret, clears_frames
from requests_zohorecruit.zoho.application import Application

try:
    import termios
except ModuleNotFoundError:  # pragma: no cover - Windows
    termios = None  # type: ignore[assignment]

__all__ = ["hidden_lines", "parse_paste"]

_QUOTES_AND_BLANKS = re.compile("[\\s\"'`<>\u00ab\u00bb\u2018\u2019\u201c\u201d]+")
_CODE = re.compile(r"\d+(?:\.\w+){2}")


@clears_frames
def parse_paste(text: str, *, redirect_uri: str, application: Application, state: str) -> Secret:
    """Return the redirect address for pasted text: an address, with or without quotes, scheme and host, or a code.

    A code alone does not name a region, so the client's region is assumed.

    :param state: the state in the consent page's address
    :raises ValueError: it is something else; the text is a message to show
    """
    text = _QUOTES_AND_BLANKS.sub("", text)
    if _CODE.fullmatch(text):
        region = application.region
        text = urlencode(
            {"code": text, "state": state, "location": region.code, "accounts-server": region.accounts_url}
        )
    start, _, query = text.partition("#")[0].rpartition("?")
    values = dict(parse_qsl(query))
    if not {"code", "error"} & values.keys():
        if start.endswith(redirect_uri.partition("://")[2]) or text.endswith(redirect_uri.partition("://")[2]):
            raise ValueError('That address contains no code. Copy the whole address, including the part after the "?".')
        raise ValueError(f"That is not the redirect address, which begins with {redirect_uri}.")
    if "code" in values and values.get("state") != state:
        raise ValueError("That address is from another login (its state differs). Open the address shown above.")
    return Secret(f"{redirect_uri}?{query}")


@contextmanager
def hidden_lines() -> Iterator[Callable[[], Secret | None] | None]:
    """Turn the terminal's echo off, and yield a function that returns a line entered since, or None; it does not wait.

    Yields None if there is no terminal to read from.
    """
    if not _is_readable():
        yield None
        return
    terminal = sys.stdin.fileno()

    def read() -> Secret | None:
        if not select.select([terminal], [], [], 0)[0]:
            return None
        return Secret(os.read(terminal, 1 << 16).decode(errors="replace").strip()) or None

    before = termios.tcgetattr(terminal)
    hidden = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(terminal, termios.TCSADRAIN, hidden)
    try:
        yield read
    finally:
        # Discards the rest of a paste, which the shell would read otherwise.
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


def _is_readable() -> bool:
    """Return whether standard input is this session's terminal, and this process is in the foreground."""
    with suppress(OSError):  # it may be the terminal of another session, as under setsid
        return termios is not None and sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    return False
