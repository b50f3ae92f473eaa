"""Secrets: strings whose repr hides them, and errors whose tracebacks hold no local variables.

Knows nothing about tokens or Zoho. Error messages and logs never contain a secret to begin with; this module keeps
secrets out of debuggers, error reporters and printed dictionaries.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from requests_zohorecruit.errors import check_text
from requests_zohorecruit.interruptions import suppress_errors, walk_causes

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Secret", "SentSecret", "checked_secret", "clear_frames", "clears_frames", "fingerprint"]

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Secret(str):
    """A string that behaves like the plain one, except that its repr shows only a fingerprint."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<secret {fingerprint(self)}>"


class SentSecret(Secret):
    """A secret in a request: other libraries can send, print, compare and parse it, but not store it (T84).

    `str`, formatting, ``encode``, ``==`` and the methods that parse a header use the secret. The underlying characters
    are those of the fingerprint. So serialisers that treat a subclass of `str` as a plain `str`, such as JSON, YAML and
    rollbar, write the fingerprint. Pickles hold it too. A copy within the process is the same object.
    """

    __slots__ = ("_secret",)
    _secret: str

    def __new__(cls, secret: str) -> Self:  # noqa: D102 - as in any class
        sent = super().__new__(cls, repr(Secret(secret)))
        sent._secret = str(secret)
        return sent

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the secret for the wire. A recorder may write the request after this, so PyYAML is prepared here."""
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
    """Make PyYAML, if it is loaded, write the fingerprint: vcrpy fails to write a cassette with an unknown class."""
    module = sys.modules.get("yaml.representer")
    for name in ("SafeRepresenter", "Representer"):
        representer = getattr(module, name, None)  # missing while another thread is importing the module
        if representer is not None:
            representer.add_representer(SentSecret, lambda dumper, sent: dumper.represent_str(repr(sent)))


def fingerprint(secret: str) -> str:
    """Return ``#`` and eight hex digits of a SHA-256, which distinguish secrets without revealing them."""
    return "#" + hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def clears_frames(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Decorate a public entry point so that errors leaving it carry no local variables (T60, T76).

    Error reporters show the local variables of every frame in a traceback. Some look into mappings, tuples and
    subclasses of `str`. Hiding every secret from each reporter is not feasible, so the frames are cleared instead.
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
    """Clear the local variables of all finished calls in the traceback of `error`; drop contexts hidden `from None`.

    Exceptions that the caller was already handling are left alone, since their frames are the caller's.
    """
    causes = list(walk_causes(error))
    for each in causes:
        for frame, _ in traceback.walk_tb(each.__traceback__):
            with suppress_errors(RuntimeError):  # a frame still running, such as the caller's, or a suspended generator
                frame.clear()
        if each.__suppress_context__ and each.__cause__ is None and each.__context__ in causes:
            each.__context__ = None


@clears_frames
def checked_secret(name: str, value: object) -> Secret:
    """Return `value` as a `Secret` if it can be a credential: printable ASCII without spaces (RFC 6749, appendix A).

    :raises TypeError: not a string
    :raises ValueError: empty, or contains a character that no credential has; the message does not show the value
    """
    text = check_text(name, value)
    if not text:
        raise ValueError(f"{name} is empty")
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise ValueError(f"{name} contains a space, line break or other character that no {name} has")
    return Secret(text)
