"""Unusable directories, each as a context manager to be used in a dedicated process.

Some need root, and their mounts are visible only to that process. Knows nothing about what the directory stores.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
from contextlib import ExitStack, contextmanager

from helpers.storm_callers import outcome
from requests_zohorecruit import FileStore

__all__ = ["HARDSHIPS", "NEED_ROOT", "enduring", "may_mount"]

_NEW_MOUNTS = 0x00020000  # CLONE_NEWNS
_NOBODY = 65534


def may_mount():
    """Return whether this machine allows a process its own mounts."""
    attempt = "mount --make-rprivate / && mount -t tmpfs none /mnt"
    return subprocess.run(["unshare", "--mount", "sh", "-c", attempt], capture_output=True).returncode == 0


def enduring(access, grant, directory, hardship):
    """Use a file in that directory while it is unusable; yield the outcomes, by name."""
    place, trouble = HARDSHIPS[hardship](directory)
    store = FileStore(place / "grant.json")
    auth = access.auth(store, refresh_token=grant)
    clock = [auth._refresher.grant.clock()]
    auth._refresher.grant.clock = lambda: clock[0]
    auth.refresh()
    yield None

    def call():
        with access.session() as session:
            return session.get(access.url, auth=auth, timeout=60).status_code

    found = {"before": store.load()}
    with trouble():
        found["live"] = outcome(call)
        found["refreshing"] = outcome(auth.refresh)
        found["after refreshing"] = outcome(call)
        clock[0] += 3400  # a few minutes left
        found["stale"] = outcome(call)
        clock[0] += 3600
        found["expired"] = outcome(call)
        found["after expiry"] = outcome(call)
        found["meanwhile"] = store.load()
    clock[0] += 6  # everything is tried again by now
    found["later"] = outcome(call)
    found["after"] = store.load()
    found["in use"] = auth.token.access_token
    found["files"] = sorted(path.name for path in place.iterdir() if path.name.startswith((".", "grant")))
    yield found


def _file_size_limit(directory):
    @contextmanager
    def trouble():
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return directory, trouble


def _full_disk(directory):
    _mount_small(directory)
    filler = directory / "filler"

    @contextmanager
    def trouble():
        with ExitStack() as stack:
            stack.callback(filler.unlink)
            file = stack.enter_context(filler.open("wb", buffering=0))
            try:
                while file.write(bytes(512)):
                    pass
            except OSError:
                pass  # full
            yield

    return directory, trouble


def _read_only_mount(directory):
    _mount_small(directory)

    @contextmanager
    def trouble():
        _run("mount", "-o", "remount,ro", directory)
        try:
            yield
        finally:
            _run("mount", "-o", "remount,rw", directory)

    return directory, trouble


def _read_only_directory(directory):
    @contextmanager
    def trouble():
        root = os.geteuid() == 0  # to whom permissions mean nothing
        if root:
            for path in directory.iterdir():
                os.chown(path, _NOBODY, -1)
        directory.chmod(0o555)
        try:
            if root:
                os.seteuid(_NOBODY)
            yield
        finally:
            if root:
                os.seteuid(0)
            directory.chmod(0o755)

    return directory, trouble


def _mount_small(directory):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "no mounts of one's own")
    _run("mount", "--make-rprivate", "/")
    _run("mount", "-t", "tmpfs", "-o", "size=32k", "none", directory)


def _run(*command):
    subprocess.run(command, check=True, capture_output=True)


HARDSHIPS = {
    "file size limit": _file_size_limit,
    "full disk": _full_disk,
    "read-only mount": _read_only_mount,
    "read-only directory": _read_only_directory,
}
NEED_ROOT = {"full disk", "read-only mount"}
