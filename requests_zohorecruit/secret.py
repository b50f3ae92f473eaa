"""Secrets: text whose repr hides it, and errors whose traceback holds no local variables.

Knows nothing of tokens or Zoho. Error messages and logs never contain a secret in the first place; this keeps them out
of what debuggers, error reporters and dumps of dictionaries show.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from requests_zohorecruit.errors import check_text
from requests_zohorecruit.interruptions import walk_causes

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Secret", "SentSecret", "checked_secret", "clear_frames", "clears_frames", "fingerprint"]

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Secret(str):
    """A string equal to the plain one in every way but its repr, which shows a fingerprint only."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<secret {fingerprint(self)}>"


class SentSecret(Secret):
    """A secret as a request carries it: other libraries can send, print, compare and parse it, but not store it (T84).

    `str`, formatting, ``encode``, ``==`` and what parses a header give the secret. The characters themselves are the
    fingerprint. So it is the fingerprint that serialisers find which take a subclass of `str` for a `str`: JSON, YAML,
    rollbar. A pickle holds it, too; a copy within the process is the same object.
    """

    __slots__ = ("_secret",)
    _secret: str

    def __new__(cls, secret: str) -> Self:  # noqa: D102 - as any class
        sent = super().__new__(cls, repr(Secret(secret)))
        sent._secret = str(secret)
        return sent

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the secret for the wire. What is being recorded is about to be written, so PyYAML is told now."""
        _represent_in_yaml()
        return self._secret.encode(encoding, errors)

    def __eq__(self, other: object) -> bool:
        return self._secret == (other._secret if isinstance(other, SentSecret) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._secret)

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (repr(self),)

    def __copy__(self) -> SentSecret:
        return self

    def __deepcopy__(self, memo: object) -> SentSecret:
        return self


def _delegate(name: str) -> Callable[..., Any]:
    def method(sent: SentSecret, /, *args: Any, **kwargs: Any) -> Any:
        return getattr(sent._secret, name)(*args, **kwargs)  # noqa: SLF001

    return method


for _name in ("__contains__", "__format__", "__str__", "endswith", "partition", "removeprefix", "split", "startswith"):
    setattr(SentSecret, _name, _delegate(_name))


def _represent_in_yaml() -> None:
    """Have PyYAML, if it is loaded, write the fingerprint: vcrpy writes no cassette with a class it does not know."""
    module = sys.modules.get("yaml.representer")
    for name in ("SafeRepresenter", "Representer"):
        representer = getattr(module, name, None)  # none in a module that another thread is importing
        if representer is not None:
            representer.add_representer(SentSecret, lambda dumper, sent: dumper.represent_str(repr(sent)))


def fingerprint(secret: str) -> str:
    """Return ``#`` and eight hex digits that tell secrets apart without revealing them (SHA-256, truncated)."""
    return "#" + hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def clears_frames(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Decorate an entry point of the library: an error that leaves it takes no local variables along (T60, T76).

    Error reporters show the local variables of every frame an error came through, and some look into mappings, tuples
    and subclasses of `str`. Hiding each secret from each of them cannot be kept up; so the frames are emptied.
    """

    @functools.wraps(function)
    def call(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            del args, kwargs
            clear_frames(error)
            raise

    return call


def clear_frames(error: BaseException) -> None:
    """Forget the local variables of all ended calls that `error` came through, and what it was raised `from None`.

    What the caller itself was handling when the error arose is left alone: its frames are the caller's.
    """
    causes = list(walk_causes(error))
    for each in causes:
        for frame, _ in traceback.walk_tb(each.__traceback__):
            with suppress(RuntimeError):  # a call that has not ended: the one that is asking, or a suspended generator
                frame.clear()
        if each.__suppress_context__ and each.__cause__ is None and each.__context__ in causes:
            each.__context__ = None


@clears_frames
def checked_secret(name: str, value: object) -> Secret:
    """Return `value` as a `Secret` when it can be a credential: printable ASCII without spaces (RFC 6749, appendix A).

    :raises TypeError: not a string
    :raises ValueError: empty, or with a character that no credential has; the value is not shown
    """
    text = check_text(name, value)
    if not text:
        raise ValueError(f"{name} is empty")
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise ValueError(f"{name} contains a space, line break or other character that no {name} has")
    return Secret(text)
