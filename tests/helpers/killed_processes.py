"""Processes to be killed, forked (which is fast) from a process that has imported everything and opened nothing.

Creates, watches and kills a victim. Knows nothing about what its death must not do to other processes.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import select
import signal
from contextlib import contextmanager, suppress

from requests_zohorecruit import ZohoAuthError
from requests_zohorecruit.engine.limits import Budget

#: More than anybody will mint here; the sandbox's own limits have to be lifted, too.
NO_LIMIT = Budget(mints=10**9)
#: Seconds that a victim is given to get the lock.
PATIENCE = 90

FREE, LOCKED, ASKED, ANSWERED, SAVED = STAGES = ("free", "locked", "asked", "answered", "saved")


class Forge:
    """Creates one victim at a time, which refreshes in a loop until it is killed. A context manager."""

    def __init__(self, access, share):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_forge, args=(theirs, access, share), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pipe.close()
        self._process.join(10)

    def victim(self):
        """Return when there is one that holds the lock."""
        self._pipe.send("another")
        assert self._pipe.recv() == LOCKED, "the victim has died by itself"

    def kill(self, stage, after):
        """Kill it so many seconds `after` it has come to a stage; bury it, and return what it was doing by then.

        :param stage: one of `STAGES`; `LOCKED` is where it was when `victim` returned
        """
        self._pipe.send((stage, after))
        code, stage = self._pipe.recv()
        assert code == -signal.SIGKILL, "the victim has died by itself"
        return stage


def unlimited(auth):
    auth._refresher.budget = NO_LIMIT
    return auth


class _Diary:
    """Records what a victim is doing, in memory that outlives it, and in a pipe that can be waited on."""

    def __init__(self):
        self._page = mmap.mmap(-1, 1)
        self._reading, self._writing = os.pipe()

    @property
    def stage(self):
        return STAGES[self._page[0]]

    def note(self, stage):
        self._page[0] = STAGES.index(stage)
        os.write(self._writing, bytes(self._page[:]))

    def reaches(self, stage):
        """CoolDown until the victim has come to a stage; tell whether it has."""
        while select.select([self._reading], [], [], PATIENCE)[0]:
            if STAGES[os.read(self._reading, 1)[0]] == stage:
                return True
        return False

    def close(self):
        self._page.close()
        os.close(self._reading)
        os.close(self._writing)


class _Watched:
    """A store that notes in the diary when its lock is held, and when a record was saved after Zoho's answer."""

    def __init__(self, store, diary):
        self._store, self._diary = store, diary
        self.load = store.load

    def save(self, record):
        self._store.save(record)
        if self._diary.stage == ANSWERED:
            self._diary.note(SAVED)

    @contextmanager
    def lock(self, timeout):
        with self._store.lock(timeout):
            self._diary.note(LOCKED)
            yield
        self._diary.note(FREE)


def _forge(pipe, access, share):
    share.open()
    with suppress(EOFError):
        while pipe.recv():
            diary = _Diary()
            pid = os.fork()
            if pid == 0:
                try:
                    _refresh_without_end(access, share, diary)
                finally:
                    os._exit(1)
            pipe.send(LOCKED if diary.reaches(LOCKED) else "never")
            stage, after = pipe.recv()
            if stage != LOCKED:
                diary.reaches(stage)
            select.select([], [], [], after)
            os.kill(pid, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            pipe.send((code, diary.stage))
            diary.close()


def _refresh_without_end(access, share, diary):
    auth = unlimited(access.auth(_Watched(share.open(), diary)))
    accounts, ask = auth._refresher.endpoint, auth._refresher.endpoint.mint

    def mint(*args, **options):
        diary.note(ASKED)
        token = ask(*args, **options)
        diary.note(ANSWERED)
        return token

    accounts.mint = mint
    while True:
        with suppress(ZohoAuthError):
            auth.refresh()
