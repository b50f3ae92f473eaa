"""`FileStore`: keeps the record in one JSON file, for all processes of a host.

Knows nothing about the record's content. `file_lock` implements the lock beside the file.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.interruptions import suppress_errors
from requests_zohorecruit.stores.encoding import MAX_RECORD_BYTES
from requests_zohorecruit.stores.errors import FILE_HINTS, expand_home, guarded
from requests_zohorecruit.stores.file_lock import explain_denial, hold_lock_file, keep_owner, make_private
from requests_zohorecruit.stores.text_store import TextStore

__all__ = ["FileStore"]

_log = logging.getLogger(__name__)

_POSIX = os.name == "posix"


class FileStore(TextStore):
    """Keeps the record in a JSON file that only its owner can read. Readers see the old or the new record, never a mix.

    Symbolic links are followed, and their target is replaced. The lock is a second file, ``<file>.lock``, beside the
    target. A file that root writes keeps its previous owner, or gets the owner of its directory.

    :param path: relative to the current working directory; ``~`` is expanded
    :raises TypeError: `path` is neither a string nor a path
    :raises ValueError: `path` is empty or names a directory
    :raises TokenStoreError: `path` begins with ``~``, and there is no home directory
    :ivar path: the absolute path, before links are followed
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        name: object = os.fspath(path)
        if not isinstance(name, str):
            raise TypeError(f"path must be a string or a path, not {type(name).__name__}")
        if not name or "\0" in name:
            raise ValueError("path must name a file")
        self.path = expand_home(lambda: Path(name), f"Set HOME, or give an absolute path instead of {name}.").absolute()
        if name.endswith(os.sep) or self.path.is_dir():
            raise ValueError(f"{self.path} is a directory; path must name a file in it")

    @contextmanager
    def lock(self, timeout: float) -> Iterator[None]:
        """Hold the lock beside the file, exclusive among threads and processes.

        :param timeout: in seconds; 0 = do not wait
        :raises TimeoutError: on entering, if the lock was not acquired in time; names the holder
        :raises TokenStoreError: the lock file could not be created or locked
        """
        target = self._find_target()
        with hold_lock_file(target.with_name(f"{target.name}.lock"), self, timeout):
            _remove_leftovers(target)
            yield

    def _find_target(self) -> Path:
        # Resolved on each call, because a link may change while a program runs. Not with Path.resolve(), whose error
        # for a loop of links has no errno.
        return Path(os.path.realpath(self.path))

    def _read(self) -> bytes | None:
        # Non-blocking, because opening a named pipe would otherwise wait for a writer.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        target = self._find_target()
        try:
            with explain_denial(self, "loaded", target):
                descriptor = os.open(target, flags)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise TokenStoreError(f"{self!r} could not be used: it is not a regular file.")
            self._tighten(descriptor, status)
            return file.read(MAX_RECORD_BYTES + 1)

    @guarded("saved", hints=FILE_HINTS)
    def _write(self, text: str) -> None:
        target = self._find_target()
        with explain_denial(self, "saved", target):
            make_private(target.parent)
            _replace(target, f"{text}\n".encode("ascii"))

    def _tighten(self, descriptor: int, status: os.stat_result) -> None:
        if not _POSIX or not stat.S_IMODE(status.st_mode) & 0o077:
            return
        if status.st_uid == os.geteuid():
            with suppress_errors(OSError):  # such as a read-only file system: warn below
                os.fchmod(descriptor, 0o600)
                return
        if not self._complained:
            self._complained = True
            _log.warning("%r can be read by other users and holds secrets: chmod 600 it, or move it.", self)

    def __repr__(self) -> str:
        return f"FileStore({str(self.path)!r})"


def _replace(target: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            keep_owner(descriptor, target)
            with suppress_errors(OSError):  # mkstemp asked for 0600, but a umask may have removed bits
                temporary.chmod(0o600)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, target)  # noqa: PTH105 - Path.replace keeps its own reference in Python 3.10
    except BaseException:
        with suppress_errors(OSError):
            temporary.unlink()
        raise
    # The file has been renamed by now. Windows and some network file systems cannot fsync a directory.
    with suppress_errors(OSError):
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_leftovers(target: Path) -> None:
    # The lock is held, so no process is writing: these are temporary files of killed processes.
    ours = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}\.tmp")
    with suppress_errors(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            if ours.fullmatch(entry.name):
                with suppress_errors(OSError):
                    Path(entry.path).unlink()
