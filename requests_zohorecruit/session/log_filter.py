"""Removes secrets from the log messages of requests_oauthlib and oauthlib, and leaves everything else unchanged.

Installed by the compliance fix, never by an import. Recognises secrets by their names, by the format Zoho gives them,
and by asking the sessions that have the fix. Knows nothing about what the sessions do.
"""

from __future__ import annotations

import logging
import re
import weakref
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from requests_zohorecruit.interruptions import pass_interruption

__all__ = ["hide_secrets_of"]

#: https://github.com/requests/requests-oauthlib/issues/536
_PACKAGES = ("requests_oauthlib", "oauthlib")
_Owner = TypeVar("_Owner")
_HIDDEN = "***"
#: Literal secrets shorter than this are left to the patterns: replacing every "a" would garble the message.
_SHORTEST = 6

_NAMES = (
    "access_token|refresh_token|id_token|client_secret|code_verifier|code|token|assertion|password|authorization|"
    "cookie|set-cookie"
)
# Repetitions are bounded where a match attempt at every character would otherwise take quadratic time.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # 'name': 'value' and ('name', 'value') in a repr or JSON, escaped or not. A "code" in capitals is an error.
        rf"""(?s)(?P<keep>(?P<q>\\{{0,16}}["'])(?i:{_NAMES})(?P=q)\s*[:,]\s*b?(?P<v>\\{{0,16}}["']))(?![A-Z_]+(?P=v))(?:(?!(?P=v)).)+""",
        # name=value in a form, a query or a fragment
        rf"""(?P<keep>(?<![\w%.-])(?i:{_NAMES})=)[^&\s"'<>]+""",
        r"(?P<keep>(?i:authorization):\s*\S{1,64}\s+)\S+",
        r"""(?P<keep>\bZoho-oauthtoken\s+)[^\s"',}]+""",
        r"(?P<keep>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{16,}",
        # The format of Zoho's codes, access tokens and refresh tokens; a client id has one part less.
        r"(?P<keep>\b)1000\.\w{6,}\.\w{6,}",
    )
)


def hide_secrets_of(owner: _Owner, secrets: Callable[[_Owner], tuple[str | None, ...]]) -> None:
    """Remove tokens from everything these two packages log from now on, and the secrets of `owner` in particular.

    :param owner: the object whose secrets to hide, for as long as it exists
    :param secrets: returns an owner's current secrets
    """
    key, known = id(owner), _SECRETS
    # Not WeakMethod, which writes to stderr if the interpreter exits before its owner is gone, and not a
    # WeakKeyDictionary, which must not change while another thread iterates over it.
    _SECRETS[key] = (weakref.ref(owner, lambda _: known.pop(key, None)), secrets)
    if _hide not in logging.getLogger(_PACKAGES[0]).filters:
        for name in _list_logger_names():
            logging.getLogger(name).addFilter(_hide)
        for name in _PACKAGES:
            # A filter sees only its own logger's records; a handler also sees those of child loggers created later.
            logging.getLogger(name).handlers.insert(0, _Hider())


_SECRETS: dict[int, tuple[weakref.ref[Any], Callable[[Any], tuple[str | None, ...]]]] = {}


class _Hider(logging.Handler):
    """Outputs nothing: it is the first of a logger's handlers and cleans the record for the others."""

    def emit(self, record: logging.LogRecord) -> None:
        _hide(record)


def _hide(record: logging.LogRecord) -> bool:
    """Filter that passes every record on, without its secrets."""
    try:
        message = record.getMessage()
    except Exception as error:  # noqa: BLE001 - a malformed logging call, which handlers report themselves
        pass_interruption(error)
        return True
    cleaned = _clean(message)
    if cleaned != message:
        record.msg, record.args = cleaned, ()
    if record.exc_info:
        text = logging.Formatter().formatException(record.exc_info)
        cleaned = _clean(text)
        if cleaned != text:
            record.exc_info, record.exc_text = None, cleaned
    return True


def _clean(text: str) -> str:
    for reference, secrets in list(_SECRETS.values()):  # list(): another thread may add a session
        owner = reference()
        for secret in () if owner is None else secrets(owner):
            # Replacing a secret that is part of a name, such as "secret", would break the names the patterns need.
            if secret and len(secret) >= _SHORTEST and secret not in _NAMES:
                text = text.replace(secret, _HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<keep>{_HIDDEN}", text)
    return text


def _list_logger_names() -> set[str]:
    """Return the names of existing loggers, and of modules that will create a logger when they are imported."""
    names = {name for name in logging.root.manager.loggerDict if name.split(".")[0] in _PACKAGES}
    for package in _PACKAGES:
        spec = find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            for path in Path(folder).rglob("*.py"):
                module = ".".join((package, *path.relative_to(folder).with_suffix("").parts))
                names.add(module.removesuffix(".__init__"))
    return names
