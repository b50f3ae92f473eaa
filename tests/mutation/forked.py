"""Work in forked processes, several at a time, each within a time limit and away from this process's output.

Knows nothing of what the work is.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import time
import traceback

#: Bytes of address space for one process: a change may make an endless list.
MEMORY = 8 << 30
#: What a process is ended by that takes too long: by us, by the timer it has set, by the limit of its computing time.
TIMED_OUT = (-signal.SIGKILL, -signal.SIGALRM, -signal.SIGXCPU)


class Fork:
    """A process that runs ``work(say)``, which returns an exit status and may ``say(text)`` once.

    :param seconds: after so much time it is killed, with whatever it has started
    """

    def __init__(self, work, seconds):
        self._hearing, saying = os.pipe()
        os.set_blocking(self._hearing, False)  # its own children may keep the other end open
        self.pid = os.fork()
        if self.pid == 0:
            _be(work, saying, int(seconds) + 1)
        os.close(saying)
        self.descriptor = os.pidfd_open(self.pid)
        self.deadline = time.monotonic() + seconds

    def result(self):
        """End it if it has not ended, and return (status, what it said); negative: the signal that ended it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        try:
            said = os.read(self._hearing, 1 << 16).decode()
        except BlockingIOError:
            said = ""
        os.close(self.descriptor)
        os.close(self._hearing)
        return status, said


def _be(work, saying, seconds):  # pragma: no cover - in the forked process
    status = 70  # EX_SOFTWARE
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        status = work(lambda text: os.write(saying, text.encode()[: 1 << 16]))
    except BaseException:
        os.write(saying, traceback.format_exc().encode()[-(1 << 12) :])
    finally:
        os._exit(status)


def in_forks(jobs, workers):
    """Yield (job, status, what it said) as they end; each of `jobs` has `seconds` and ``run(say)``."""
    waiting, running = iter(jobs), {}
    while True:
        while len(running) < workers and (job := next(waiting, None)) is not None:
            fork = Fork(job.run, job.seconds)
            running[fork.descriptor] = (job, fork)
        if not running:
            return
        patience = min(fork.deadline for _, fork in running.values()) - time.monotonic()
        ended = select.select(list(running), [], [], max(0.0, patience))[0]
        late = [descriptor for descriptor, (_, fork) in running.items() if fork.deadline <= time.monotonic()]
        for descriptor in {*ended, *late}:
            job, fork = running.pop(descriptor)
            yield (job, *fork.result())
