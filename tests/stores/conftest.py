"""Child processes for the stores' tests."""

from __future__ import annotations

import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest


class Child:
    """A forked process that runs `work(say, wait)`: `say` sends a line here, `wait` stays until it is killed."""

    def __init__(self, work: Callable[[Callable[[str], None], Callable[[], None]], object]) -> None:
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # about forking with threads around
            self.pid = os.fork()
        if self.pid == 0:  # pragma: no cover - the measuring ends with the child
            try:
                work(lambda line: void(os.write(writing, f"{line}\n".encode())), signal.pause)
            except BaseException:
                os.write(writing, traceback.format_exc().encode())
            finally:
                os._exit(0)
        os.close(writing)
        self.lines = os.fdopen(reading, "r")

    def hear(self) -> str:
        """Return the next line the child said, or an empty string when it has ended."""
        return self.lines.readline().rstrip("\n")

    def kill(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def close(self) -> None:
        self.kill()
        self.lines.close()


def void(_: Any) -> None:
    """Forget a result."""


@pytest.fixture
def fork() -> Iterator[Callable[..., Child]]:
    children: list[Child] = []

    def make(work: Callable[[Callable[[str], None], Callable[[], None]], object]) -> Child:
        children.append(Child(work))
        return children[-1]

    yield make
    for child in children:
        child.close()
