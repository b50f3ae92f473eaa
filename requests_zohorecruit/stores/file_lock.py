"""Lock files: locks between the processes of one host, or of hosts that share a file system with working `flock`.

Knows nothing about what is protected. The operating system releases a lock when its holder exits or is killed.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from requests_zohorecruit.interruptions import suppress_errors
from requests_zohorecruit.stores.errors import FILE_HINTS, guarded, translate
from requests_zohorecruit.stores.polling import describe_process

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["explain_denial", "hold_lock_file", "keep_owner", "make_private"]

_ENOUGH_FOR_A_HOLDER = 300


@contextmanager
def hold_lock_file(path: Path, owner: object, timeout: float) -> Iterator[None]:
    """Hold an exclusive lock on a dedicated file. It also excludes other threads of this process.

    The file is never removed: otherwise two processes could hold "the" lock, each on its own inode.

    :param path: absolute path of the lock file: the protected file's plus a suffix; its directory is created
    :param owner: the store it protects, for messages
    :param timeout: how long entering may wait, in seconds; 0 or less = do not wait
    :raises TimeoutError: the lock was not acquired in time; names the holder, and since when
    :raises TokenStoreError: the lock file could not be created or locked
    """
    lock = _acquire(owner, path, timeout)
    try:
        yield
    finally:
        lock.release()


@guarded("locked", TimeoutError, hints=FILE_HINTS)
def _acquire(owner: object, path: Path, timeout: float) -> BaseFileLock:
    # Imported here, because most programs that import a store never lock one.
    from filelock import FileLock, Timeout  # noqa: PLC0415

    with explain_denial(owner, "locked", path.with_suffix("")):
        make_private(path.parent)
        # A new object for each holder, because a shared one would be re-entrant between threads. filelock closes the
        # descriptor in a forked child, so the lock ends with the process that took it.
        lock = FileLock(
            path,
            mode=0o600,
            thread_local=False,
            fallback_to_soft=False,
            preserve_lock_file=True,
            on_acquired=lambda descriptor: _sign(descriptor, path),
        )
        try:
            lock.acquire(max(0.0, timeout))
        except Timeout:
            raise TimeoutError(f"{owner!r} is locked by {_read_holder(path)}; gave up after {timeout:g} s.") from None
        return lock


def _read_holder(path: Path) -> str:
    # Best effort: another process may have taken the lock meanwhile.
    with suppress_errors(OSError), path.open("rb") as file:
        text = file.read(_ENOUGH_FOR_A_HOLDER).decode("ascii", "replace").strip()
        if text.isprintable() and text:
            return text
    return "an unknown process"


def _sign(descriptor: int, path: Path) -> None:
    with suppress_errors(OSError):  # a full disk must not prevent locking
        if not os.fstat(descriptor).st_size:  # it was just created
            keep_owner(descriptor, path.with_suffix(""))
        os.ftruncate(descriptor, 0)
        os.write(descriptor, describe_process().encode("ascii", "replace"))


def make_private(directory: Path) -> None:
    """Create a directory and its missing parents, accessible to this user only. Existing ones are not changed."""
    if directory.is_dir():
        return
    make_private(directory.parent)
    with suppress_errors(FileExistsError):
        directory.mkdir(mode=0o700)
        directory.chmod(0o700)  # a umask may have removed bits that the owner needs
        if _get_user() == 0:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            keep_owner(descriptor, directory)
            os.close(descriptor)


def keep_owner(descriptor: int, path: Path) -> None:
    """As root, give a new file or directory to the owner of the file at `path`, or of its directory (T85)."""
    if _get_user() != 0:
        return
    with suppress_errors(OSError):  # the file system has no owners, or does not let root change them
        owner = (path if path.is_file() else path.parent).stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


@contextmanager
def explain_denial(store: object, doing: str, path: Path) -> Iterator[None]:
    """If the block fails because another user owns the file or its lock, say how to change the owner.

    :param store: for the message
    :param doing: past participle for the message
    :param path: the store's file; its lock is beside it
    """
    try:
        yield
    except PermissionError as error:
        user, lock = _get_user() or 0, path.with_name(f"{path.name}.lock")
        foreign = [each for each in (path, lock) if os.path.exists(each) and each.stat().st_uid != user]  # noqa: PTH110
        if not foreign:
            raise
        hint = f"{foreign[0]} belongs to user {foreign[0].stat().st_uid}, but this process runs as user {user}. "
        hint += f"Run as root: {shlex.join(['chown', str(user), *map(str, foreign)])}"
        raise translate(error, repr(store), doing, {error.errno or 0: hint}) from None


def _get_user() -> int | None:
    return os.geteuid() if os.name == "posix" else None
