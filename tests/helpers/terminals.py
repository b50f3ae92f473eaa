"""A pseudo-terminal of a given width, to see what a command shows a person."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import NamedTuple

__all__ = ["CTRL_C", "Shown", "press_ctrl_c", "run_on_terminal", "strip_styles"]

#: Seconds after which a command that goes on is killed.
LIMIT = 60
CTRL_C = "\x03"


class Shown(NamedTuple):
    """What a command left on the screen, and its exit code."""

    code: int
    screen: str


def run_on_terminal(*arguments, columns=80, stdout=None, typed=b""):
    """Run ``zohorecruit`` on a pseudo-terminal.

    :param stdout: a file that takes standard output instead, as ``>`` does
    :param typed: what the person types
    """
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
        process = subprocess.Popen(
            [sys.executable, "-m", "requests_zohorecruit", *map(str, arguments)],
            stdin=theirs,
            stdout=stdout or theirs,
            stderr=theirs,
            env={**environment, "TERM": "xterm"},
            start_new_session=True,
        )
        os.write(ours, typed)
    finally:
        os.close(theirs)
    shown, killer = bytearray(), threading.Timer(LIMIT, process.kill)
    killer.start()
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # Linux's way to say that the other end is closed
        pass
    finally:
        killer.cancel()
        os.close(ours)
    return Shown(process.wait(LIMIT), shown.decode("utf-8", "replace").replace("\r\n", "\n"))


def press_ctrl_c(child):
    """Press Ctrl-C as a person does: when the program on a pexpect child's terminal waits.

    If the signal arrives just before Python starts to read a line, Python handles it only after that line.
    """
    ends_at = time.monotonic() + LIMIT
    status = Path(f"/proc/{os.tcgetpgrp(child.child_fd)}/stat")
    while status.exists() and status.read_text("utf-8").rpartition(") ")[2][0] != "S":
        assert time.monotonic() < ends_at
        time.sleep(0.01)
    child.sendintr()


def strip_styles(text):
    """Return text without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
