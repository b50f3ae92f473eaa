"""Processes that are kept from storm to storm, and threads in them that all start at the same moment.

Owns how callers are started, released and counted; knows nothing of tokens.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Fleet", "released_together"]

#: Seconds after which a caller counts as lost.
PATIENCE = 300.0


class Fleet:
    """Fresh interpreters (no fork, so that nothing is shared but what is meant to be), for a ``with`` block."""

    def __init__(self, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.size = size
        self._pipes, self._processes = [], []
        for _ in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(10)

    def run(self, count: int, job: Callable[..., Iterator[Any]], *arguments: Any) -> tuple[list[Any], float]:
        """Run `job(*arguments)` in `count` processes; return what each yielded last, and the seconds that took.

        :param job: a generator that yields once when it is ready and, after that, its result
        """
        return self.run_each([(job, arguments)] * count)

    def run_each(self, jobs: list[tuple[Callable[..., Iterator[Any]], tuple[Any, ...]]]) -> tuple[list[Any], float]:
        """Run one job with its arguments in each process, as `run` does."""
        pipes = self._pipes[: len(jobs)]
        for pipe, job in zip(pipes, jobs, strict=True):
            pipe.send(job)
        _answers(pipes)
        started = time.perf_counter()
        for pipe in pipes:
            pipe.send("go")
        results = _answers(pipes)
        return results, time.perf_counter() - started


def released_together(work: Callable[[int], Any], count: int) -> Iterator[Any]:
    """Yield once `count` threads stand ready, then, after they have done their work, its results or exceptions."""
    go = threading.Event()
    results: list[Any] = [TimeoutError("still at it")] * count

    def run(index: int) -> None:
        go.wait(PATIENCE)
        try:
            results[index] = work(index)
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    yield None
    go.set()
    for thread in threads:
        thread.join(PATIENCE)
    yield results


def _answers(pipes: list[Any]) -> list[Any]:
    answers = []
    for pipe in pipes:
        failed, answer = pipe.recv()
        if failed:
            raise answer
        answers.append(answer)
    return answers


def _serve(pipe: Any) -> None:
    try:
        while True:
            job, arguments = pipe.recv()
            try:
                steps = job(*arguments)
                pipe.send((False, next(steps)))
                pipe.recv()
                pipe.send((False, next(steps)))
            except Exception as error:
                pipe.send((True, error))
    except EOFError:
        pass


def get_with(auth: Any, session: Any, url: str) -> int:
    """Send one request in a process of a pool, to which all three were pickled."""
    status: int = session.get(url, auth=auth).status_code
    return status
