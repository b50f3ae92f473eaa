"""Many callers at one moment: threads, and processes of threads, which make the same authenticated call.

Runs in the demo's own process and in those it spawns; knows neither the sandbox nor the screen.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection

from requests import Response, Session

from requests_zohorecruit import ZohoRecruitAuth

__all__ = ["Clock", "call_api", "mask_interrupts", "run_in_processes", "run_in_threads", "take_part"]

_read_wall_clock = time.time


class Clock:
    """Stands in for `time.time`, as in a test that travels in time; a copy in another process runs on by itself.

    :ivar ahead: of wall time, in seconds
    """

    ahead = 0.0

    def __call__(self) -> float:
        """Return epoch seconds."""
        return _read_wall_clock() + self.ahead


def call_api(url: str, auth: ZohoRecruitAuth, ca_bundle: str) -> Response:
    """Make one authenticated GET in a session of its own, without this user's proxy, netrc and certificates."""
    with Session() as session:
        session.trust_env, session.verify = False, ca_bundle
        return session.get(url, auth=auth, timeout=30)


def run_in_threads(count: int, call: Callable[[], Response]) -> list[Response]:
    """Make the same call in `count` threads that begin at the same moment."""
    together = threading.Barrier(count)

    def run(_: int) -> Response:
        together.wait()
        return call()

    with ThreadPoolExecutor(count) as pool, ExitStack() as stack:
        stack.callback(together.abort)  # if one cannot start, the others would wait for it for ever
        return list(pool.map(run, range(count)))


def run_in_processes(count: int, work: Callable[[], list[Response]], clock: Clock) -> list[Response]:
    """Do the same work, which is sent to them, in `count` new processes that begin at the same moment."""
    spawn = multiprocessing.get_context("spawn")
    together, pipes = spawn.Barrier(count, timeout=60), [spawn.Pipe(duplex=False) for _ in range(count)]
    with ExitStack() as stack:
        for _, theirs in pipes:
            process = spawn.Process(target=take_part, args=(theirs, together, clock, work), daemon=True)
            with mask_interrupts():
                process.start()
            stack.callback(process.join)
            stack.callback(process.kill)  # does nothing to one that has ended
            theirs.close()  # so that the end of the process is the end of the pipe
        return [answer for ours, _ in pipes for answer in ours.recv()]


def take_part(end: Connection, together: threading.Barrier, clock: Clock, work: Callable[[], list[Response]]) -> None:
    """Be one of many processes: set the clock, wait for the others, do the work, and send what came of it."""
    time.time = clock
    together.wait()
    answers = work()
    with suppress(OSError):  # the demo is over
        end.send(answers)


def mask_interrupts() -> ExitStack:
    """Start processes inside that never hear Ctrl-C; this process hears it afterwards, and ends them."""
    stack, heard = ExitStack(), list[int]()
    # Another thread of this process may hear it all the same, and then the handler runs here.
    stack.callback(lambda: list(map(signal.raise_signal, heard[:1])))
    stack.callback(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, lambda number, _: heard.append(number)))
    if sys.platform != "win32":  # pragma: no branch - there are no masks there; every process tells Ctrl-C
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        stack.callback(signal.pthread_sigmask, signal.SIG_SETMASK, before)
    return stack
