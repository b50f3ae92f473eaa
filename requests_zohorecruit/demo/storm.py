"""Many callers at one moment: threads, and processes of threads, which make the same authenticated call.

Runs in the demo's own process and in those it spawns; knows neither the sandbox nor the screen.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import TracebackType
from typing import NamedTuple

import requests
from requests import codes

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth

__all__ = ["Call", "Clock", "Crowd", "Outcome", "mask_interrupts", "run_in_threads"]


class Clock:
    """Wall time, which can be put forward; a copy in another process runs on by itself."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """Return epoch seconds."""
        return time.time() + self.ahead

    def forward(self, seconds: float) -> None:
        """Put it forward."""
        self.ahead += seconds


class Outcome(NamedTuple):
    """How one call went.

    :ivar told: the HTTP status, or the class of the error
    :ivar refused: how many 401s came before it
    """

    told: str
    refused: int = 0


@dataclass(frozen=True)
class Call:
    """One authenticated GET through a session of its own."""

    url: str
    auth: ZohoRecruitAuth
    ca_bundle: str

    def __call__(self) -> Outcome:
        """Make it."""
        with requests.Session() as session:
            session.trust_env = False
            session.verify = self.ca_bundle
            try:
                answer = session.get(self.url, auth=self.auth, timeout=30)
            except requests.RequestException as error:
                return Outcome(type(error).__name__)
        return Outcome(
            str(answer.status_code), sum(earlier.status_code == codes.unauthorized for earlier in answer.history)
        )


def run_in_threads(
    count: int, work: Callable[[], Outcome], done: Callable[[int], None] = lambda _: None
) -> list[Outcome]:
    """Do the same work in `count` threads that begin at the same moment.

    :param done: told, after each, how many are through
    """
    outcomes: list[Outcome] = []
    together = threading.Barrier(count)

    def run() -> None:
        try:
            together.wait()
        except threading.BrokenBarrierError:
            return
        outcomes.append(work())
        done(len(outcomes))

    threads = [threading.Thread(target=run) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        # Not left alone: they would go on in a directory that is about to be removed.
        together.abort()
        for thread in threads:
            if thread.is_alive():
                thread.join()
        raise
    return outcomes


class Crowd:
    """Processes of threads that have made one call each, and stand ready to make another together.

    :param done: told how many processes are ready
    """

    def __init__(self, call: Call, *, processes: int, threads: int, done: Callable[[int], None]) -> None:
        spawn = multiprocessing.get_context("spawn")
        pipes = [spawn.Pipe() for _ in range(processes)]
        self._ends = [ours for ours, _ in pipes]
        self._processes = [
            spawn.Process(target=take_part, args=(theirs, call, threads), daemon=True) for _, theirs in pipes
        ]
        self._theirs = [theirs for _, theirs in pipes]
        self._done = done

    def __enter__(self) -> Crowd:  # noqa: PYI034 - typing.Self is not in Python 3.10
        try:
            with mask_interrupts():
                for process, theirs in zip(self._processes, self._theirs, strict=True):
                    process.start()
                    theirs.close()  # so that the end of the process is the end of the pipe
            for number, end in enumerate(self._ends, start=1):
                end.recv()
                self._done(number)
        except BaseException:
            self._disperse()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disperse()

    def go(self) -> list[Outcome]:
        """Let all of them call at once."""
        for end in self._ends:
            end.send(None)
        return [outcome for end in self._ends for outcome in end.recv()]

    def _disperse(self) -> None:
        for end in self._ends:
            end.close()
        for process in self._processes:
            if process.pid is not None:
                process.join(10)
                process.kill()  # does nothing to one that has ended
                process.join()


def take_part(connection: Connection, call: Call, threads: int) -> None:
    """Be one of the crowd's processes: call once, say so, wait for the word, call in threads, report."""
    try:
        call()
        connection.send(None)
        connection.recv()
        connection.send(run_in_threads(threads, call))
    except (EOFError, OSError):
        return  # the demo is over


@contextmanager
def mask_interrupts() -> Iterator[None]:
    """Start processes that ignore Ctrl-C from their first instruction on; this process hears it and ends them."""
    if sys.platform == "win32":  # pragma: no cover - there are no signal masks; Ctrl-C is told by every process
        yield
        return
    # It unblocks the signal when it starts, which would be when the first process does.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
