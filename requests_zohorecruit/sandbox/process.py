"""The sandbox in its own process, controlled through pipes: for benchmarks, which must not share its interpreter.

Starts, queries and ends that process, which is ``python -m`` of this module.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from requests_zohorecruit.sandbox.server import Sandbox
from requests_zohorecruit.sandbox.settings import Settings
from requests_zohorecruit.sandbox.zoho import Zoho

__all__ = ["SandboxProcess", "serve"]

if TYPE_CHECKING:
    _Remote = Zoho
else:

    class _Remote:
        """A `Zoho` in the other process: reads and sets its attributes, and calls its methods, by name."""

        def __getattr__(self, name: str) -> Any:
            if not hasattr(Zoho, name):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return partial(self._ask, name) if callable(getattr(Zoho, name)) else self._ask(name)

        def __setattr__(self, name: str, value: Any) -> None:
            if name in Settings.__annotations__:
                self._ask("__setattr__", name, value)
            else:
                super().__setattr__(name, value)


class SandboxProcess(_Remote):
    """`Sandbox` in another process, with the same attributes and controls.

    It ends with the ``with`` block, or within a second of its parent's death. Use the controls only in the process that
    started it; any process may call its server.

    :param port: see `Sandbox`
    :param redirect_uris: see `Sandbox`
    :param regions: see `Sandbox`
    """

    FAULTS, session = Zoho.FAULTS, Zoho.session

    def __init__(
        self,
        *,
        port: int = 0,
        redirect_uris: Sequence[str] = ("http://127.0.0.1:8400/callback",),
        regions: Sequence[str] | None = None,
    ) -> None:
        self._options = {"port": port, "redirect_uris": redirect_uris, "regions": regions}
        self._lock = threading.Lock()

    def __enter__(self) -> SandboxProcess:  # noqa: PYI034 - typing.Self is not in Python 3.10
        # Not multiprocessing, whose spawn runs the caller's main module again; a pipe is enough.
        self._process = subprocess.Popen(  # noqa: S603 - no part of it comes from a caller
            [sys.executable, "-m", "requests_zohorecruit.sandbox.process", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._questions = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)
        try:
            vars(self).update(self._ask("start", **self._options))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """The sandbox's process id."""
        return self._process.pid

    def _ask(self, name: str, /, *arguments: Any, **options: Any) -> Any:
        with self._lock:
            try:
                pickle.dump((name, arguments, options), self._questions)
                self._questions.flush()
                failed, answer = pickle.load(self._answers)  # noqa: S301 - from our own child
            except (EOFError, OSError, ValueError) as error:  # ValueError: closed on our side
                raise RuntimeError("the sandbox's process has ended; see its output on standard error") from error
        if failed:
            raise answer
        return answer

    def _end(self) -> None:
        try:
            self._process.communicate(timeout=5)
        except subprocess.TimeoutExpired:  # pragma: no cover - the child hangs while stopping
            self._process.kill()
            self._process.communicate()


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Start a sandbox on request, and answer questions until there are no more.

    :param questions: pickled names, arguments and keyword arguments: ``start``, then attributes of the sandbox
    :param answers: receives a pickled pair for each: whether it failed, and the result or the error
    """
    with ExitStack() as stack, suppress(EOFError):
        sandbox: Sandbox | None = None
        while True:
            name, arguments, options = pickle.load(questions)  # noqa: S301 - from our own parent
            try:
                if name == "start":
                    sandbox = stack.enter_context(Sandbox(**options))
                    hidden = Settings.__annotations__.keys()
                    result = {
                        each: value for each, value in vars(sandbox).items() if each[0] != "_" and each not in hidden
                    }
                else:
                    result = getattr(sandbox, name)
                    result = result(*arguments, **options) if callable(result) else result
                answer: tuple[bool, Any] = False, result
            except Exception as error:  # noqa: BLE001 - raised again in the parent
                answer = True, error
            pickle.dump(answer, answers)
            answers.flush()


def main(parent: int) -> None:
    """Run the other process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    serve(sys.stdin.buffer, sys.stdout.buffer)


def _end_with_parent(parent: int) -> None:
    # The end of the pipe is not enough, because processes forked by the parent keep it open. (Windows does not fork.)
    while os.name == "nt" or os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]))
