"""A shell on a terminal, as a person has one, and all that others on the machine could see or find of it."""

from __future__ import annotations

import io
import os
import re
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pexpect

__all__ = ["PROMPT", "Session", "files", "watching_processes"]

PROMPT = "first-minute> "


class Session:
    """A shell on a terminal.

    :param more: of its environment
    :ivar shown: all that was to be seen
    """

    def __init__(self, home, umask=0o077, **more):
        self.shown = io.StringIO()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "HISTFILE": str(home / ".bash_history"),
            "TMPDIR": os.environ["TMPDIR"],
            "ZOHORECRUIT_HOME": str(home / "zoho"),
            "BROWSER": "true",
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "PS1": PROMPT,
            "VIRTUAL_ENV_DISABLE_PROMPT": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        } | {name: value for name, value in os.environ.items() if name == "PYTHONPATH"}
        environment |= more
        self.shell = pexpect.spawn(
            "bash", ["--norc", "-i"], env=environment, encoding="utf-8", dimensions=(50, 500), timeout=60
        )
        self.shell.logfile_read = self.shown
        self.shell.expect_exact(PROMPT)
        self.type(f"umask {umask:03o}")

    def type(self, line, until=PROMPT):
        """Type a line, and give what is shown until the next prompt."""
        self.shell.sendline(line)
        self.shell.expect(until if isinstance(until, re.Pattern) else re.escape(until))
        return self.shell.before

    def leave(self):
        self.shell.sendline("exit")
        self.shell.expect(pexpect.EOF)
        self.shell.close()


@contextmanager
def watching_processes():
    """Gather the command lines of all processes, as `ps` would show them, all the time."""
    seen, over = set(), threading.Event()

    def watch():
        while not over.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    seen.add(path.read_text("utf-8", "replace"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def files(directory):
    """Return the content of each file below a directory, by its path, but for those of the virtual environment."""
    return {
        str(path.relative_to(directory)): path.read_text("utf-8", "replace")
        for path in directory.rglob("*")
        if path.is_file() and not {"venv", "source"} & set(path.relative_to(directory).parts)
    }
