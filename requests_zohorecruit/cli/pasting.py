"""The address a browser ended at, as a person pastes it: read while the program waits for the redirect, and parsed.

Knows terminals and what people copy; whether the redirect can be trusted is `zoho.consent`'s.
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
    """Return the redirect's address for what was pasted: all of it, in quotes, without scheme or host, or a code alone.

    A code alone says nothing of where the person lives; it is taken for one of the application's region.

    :param state: what the consent page's address carried
    :raises ValueError: it is something else; the text is a sentence for the person
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
            raise ValueError('That address has no code in it; copy all of it, with what comes after the "?".')
        raise ValueError(f"That is not the address the browser ended at; it begins with {redirect_uri}.")
    if "code" in values and values.get("state") != state:
        raise ValueError("That address is from another login (it has another state); open the one shown here.")
    return Secret(f"{redirect_uri}?{query}")


@contextmanager
def hidden_lines() -> Iterator[Callable[[], Secret | None] | None]:
    """Yield a function that returns the line a person has entered, unseen, or None; it does not wait.

    None instead of it where there is no terminal to read from, or it is not ours.
    """
    if not _is_ours():
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
        # What is left of a paste must not end up in the shell.
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


def _is_ours() -> bool:
    """Tell whether standard input is this session's terminal, with this process in the foreground."""
    with suppress(OSError):  # it may be the terminal of another session, as under setsid
        return termios is not None and sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    return False
