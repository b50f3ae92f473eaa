"""Keeps secrets out of what the loggers of requests_oauthlib and oauthlib print, and leaves the rest as it is.

Installed by the compliance fix, never by an import. Knows secrets by their names, by Zoho's shape of them, and by
asking the sessions that have the fix; knows nothing of what the sessions do.
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
#: Literal secrets shorter than this are left to the patterns: hiding "a" would hide everything.
_SHORTEST = 6

_NAMES = (
    "access_token|refresh_token|id_token|client_secret|code_verifier|code|token|assertion|password|authorization|"
    "cookie|set-cookie"
)
# Bounded where a text of nothing else would be gone through again from each of its characters.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # 'name': 'value' and ('name', 'value') of a repr or JSON, escaped or not. A "code" in capitals is an error's.
        rf"""(?s)(?P<keep>(?P<q>\\{{0,16}}["'])(?i:{_NAMES})(?P=q)\s*[:,]\s*b?(?P<v>\\{{0,16}}["']))(?![A-Z_]+(?P=v))(?:(?!(?P=v)).)+""",
        # name=value of a form, a query or a fragment
        rf"""(?P<keep>(?<![\w%.-])(?i:{_NAMES})=)[^&\s"'<>]+""",
        r"(?P<keep>(?i:authorization):\s*\S{1,64}\s+)\S+",
        r"""(?P<keep>\bZoho-oauthtoken\s+)[^\s"',}]+""",
        r"(?P<keep>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{16,}",
        # The shape of Zoho's codes, access tokens and refresh tokens; a client id has one part less.
        r"(?P<keep>\b)1000\.\w{6,}\.\w{6,}",
    )
)


def hide_secrets_of(owner: _Owner, secrets: Callable[[_Owner], tuple[str | None, ...]]) -> None:
    """Hide, from now on, what these two packages log about any token, and the secrets of `owner` in particular.

    :param owner: they are forgotten when it is
    :param secrets: returns those of an owner as they are at the time
    """
    key, known = id(owner), _SECRETS
    # Not WeakMethod, which complains on stderr when the interpreter ends before its owner does; and not a
    # WeakKeyDictionary, which another thread must not change while it is gone through.
    _SECRETS[key] = (weakref.ref(owner, lambda _: known.pop(key, None)), secrets)
    if _hide not in logging.getLogger(_PACKAGES[0]).filters:
        for name in _list_logger_names():
            logging.getLogger(name).addFilter(_hide)
        for name in _PACKAGES:
            # A filter sees only what is logged on its very logger; this sees what comes up from loggers made later.
            logging.getLogger(name).handlers.insert(0, _Hider())


_SECRETS: dict[int, tuple[weakref.ref[Any], Callable[[Any], tuple[str | None, ...]]]] = {}


class _Hider(logging.Handler):
    """Prints nothing: first among a logger's handlers, it cleans the record for those after it."""

    def emit(self, record: logging.LogRecord) -> None:
        _hide(record)


def _hide(record: logging.LogRecord) -> bool:
    """Filter that lets everything pass, without its secrets."""
    try:
        message = record.getMessage()
    except Exception as error:  # noqa: BLE001 - a wrong call of a logger; what would print it reports that, and prints no more
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
    for reference, secrets in list(_SECRETS.values()):  # list(): another thread may add a session meanwhile
        owner = reference()
        for secret in () if owner is None else secrets(owner):
            # A secret that is part of a name, such as "secret", would hide the name that the patterns look for.
            if secret and len(secret) >= _SHORTEST and secret not in _NAMES:
                text = text.replace(secret, _HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<keep>{_HIDDEN}", text)
    return text


def _list_logger_names() -> set[str]:
    """Return the names of the loggers there are, and of the modules that will make theirs when they are imported."""
    names = {name for name in logging.root.manager.loggerDict if name.split(".")[0] in _PACKAGES}
    for package in _PACKAGES:
        spec = find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            for path in Path(folder).rglob("*.py"):
                module = ".".join((package, *path.relative_to(folder).with_suffix("").parts))
                names.add(module.removesuffix(".__init__"))
    return names
