"""Makes the same authenticated call from many threads and processes at once.

Runs in the demo's process and in those it spawns. Knows nothing about the sandbox or the output.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

from requests import Response, Session

from requests_zohorecruit import ZohoRecruitAuth

__all__ = ["Clock", "call_api", "mask_interrupts", "run_in_processes", "run_in_threads", "take_part"]

_read_wall_clock = time.time


class Clock:
    """Replaces `time.time` with a clock that can be put forward. A copy in another process runs independently.

    :ivar ahead: seconds ahead of wall time
    """

    ahead = 0.0

    def __call__(self) -> float:
        """Return epoch seconds."""
        return _read_wall_clock() + self.ahead


def call_api(url: str, auth: ZohoRecruitAuth, ca_bundle: str) -> Response:
    """Make one authenticated GET in a session of its own, without the user's proxy, netrc and certificates."""
    with Session() as session:
        session.trust_env, session.verify = False, ca_bundle
        return session.get(url, auth=auth, timeout=30)


def run_in_threads(count: int, call: Callable[[], Response]) -> list[Response]:
    """Make the same call in `count` threads that start at the same moment."""
    together = threading.Barrier(count)

    def run(_: int) -> Response:
        together.wait()
        return call()

    with ThreadPoolExecutor(count) as pool, ExitStack() as stack:
        stack.callback(together.abort)  # if one cannot start, the others must not wait for it
        return list(pool.map(run, range(count)))


def run_in_processes(count: int, work: Callable[[], list[Response]], clock: Clock) -> list[Response]:
    """Do the same work in `count` new processes that start at the same moment."""
    spawn = multiprocessing.get_context("spawn")
    pipes = [spawn.Pipe() for _ in range(count)]
    with ExitStack() as stack:
        for _, theirs in pipes:
            process = spawn.Process(target=take_part, args=(theirs, clock, work), daemon=True)
            with mask_interrupts():
                process.start()
            stack.callback(process.join)
            stack.callback(process.kill)  # has no effect on one that has ended
            theirs.close()  # so that the pipe closes when the process ends
        for ours, _ in pipes:
            ours.recv()  # this one is ready
        for ours, _ in pipes:
            ours.send(None)
        return [answer for ours, _ in pipes for answer in ours.recv()]


def take_part(end: Connection, clock: Clock, work: Callable[[], list[Response]]) -> None:
    """Run in one of the processes: set the clock, wait until all are ready, do the work, and send the answers."""
    time.time = clock
    try:
        end.send(None)
        end.recv()
    except (EOFError, OSError):  # the demo has ended
        return
    answers = work()
    with suppress(OSError):  # the demo has ended
        end.send(answers)


def mask_interrupts() -> ExitStack:
    """Return a context in which new processes ignore Ctrl-C. This process handles it when the context ends."""
    stack, heard = ExitStack(), list[int]()
    # Another thread may receive the signal. Its handler runs here, in the main thread.
    stack.callback(lambda: deque(map(signal.raise_signal, heard[:1])))
    stack.callback(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, lambda number, _: heard.append(number)))
    if sys.platform != "win32":  # pragma: no branch - Windows has no signal masks
        resource_tracker.ensure_running()  # or the first process starts it, which takes SIGINT out of the mask again
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        stack.callback(signal.pthread_sigmask, signal.SIG_SETMASK, before)
    return stack
