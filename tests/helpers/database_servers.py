"""Real Redis, PostgreSQL and MariaDB servers on free ports of 127.0.0.1, with data directories of their own."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    import pwd

READY = re.compile(rb"[Rr]eady (to accept|for) connections")
ATTEMPTS = 3  # to find a port that nobody else takes before the server does
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
#: A thousand ports for each worker, below those that systems give to clients.
_PORTS = (20_000 + _WORKER % 12 * 1000 + (os.getpid() + number) % 1000 for number in itertools.count())


class Server:
    """A server process that can be stopped, killed and started again on the same port."""

    def __init__(self, command: list[str], port: int, user: pwd.struct_passwd | None = None) -> None:
        self.command = command
        self.port = port
        self.user = user
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        self.process = subprocess.Popen(
            self.command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd="/",
            **acting_as(self.user),
        )
        output: Any = self.process.stdout
        for line in output:
            if READY.search(line):
                threading.Thread(target=drain, args=(output,), daemon=True).start()
                return True
        output.close()
        self.process.wait()
        self.process = None
        return False

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Suspend the server for a `with` block, while its port stays open."""
        process: Any = self.process
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")  # PostgreSQL has one for each session
        stopped = [process.pid]
        os.kill(process.pid, signal.SIGSTOP)
        try:
            for pid in map(int, children.read_text().split()):
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def stop(self, how: int = signal.SIGINT) -> None:
        """End the server; SIGINT is its own fast and clean way (MariaDB's is SIGTERM), SIGKILL none of both."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


def drain(output: IO[bytes]) -> None:
    """Read all output, so that the server never blocks on a full pipe."""
    with output:
        for _ in output:
            pass


def missing(what: str) -> NoReturn:
    if os.environ.get("ZOHORECRUIT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{what} is missing, and ZOHORECRUIT_REQUIRE_SERVERS=1 demands it")
    pytest.skip(f"{what} is missing")


@contextmanager
def redis_server(*more: str) -> Iterator[Server]:
    """Run Redis or Valkey, without persistence unless `more` options say otherwise."""
    binary = redis_program()
    with tempfile.TemporaryDirectory() as directory:
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory]
        with running(lambda port: [binary, "--port", str(port), *options, *more]) as server:
            yield server


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Run PostgreSQL; the superuser is ``postgres``, and all local users are trusted."""
    binaries = postgres_programs()
    user = unprivileged()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if user:
            os.chown(directory, user.pw_uid, user.pw_gid)
        data = directory / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            cwd="/",
            **acting_as(user),
        )
        settings = [
            "fsync=off",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={directory}",
            "max_connections=50",
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        command = [str(binaries / "postgres"), "-D", str(data), *options]
        with running(lambda port: [*command, "-p", str(port)], user) as server:
            yield server


@contextmanager
def mariadb_server() -> Iterator[Server]:
    """Run MariaDB; the superuser is ``root``, without a password, and there is a database ``test``."""
    binary, install = mariadb_programs()
    user = unprivileged()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if user:
            os.chown(directory, user.pw_uid, user.pw_gid)
        # A temporary directory of its own: a server that starts removes what another one has in the common one.
        places = ["--no-defaults", f"--datadir={directory / 'data'}", f"--tmpdir={directory}"]
        method = "--auth-root-authentication-method=normal"
        subprocess.run([install, *places, method], check=True, capture_output=True, cwd="/", **acting_as(user))
        options = ["--bind-address=127.0.0.1", f"--socket={directory / 'socket'}", "--innodb-flush-log-at-trx-commit=0"]
        with running(
            lambda port: [binary, *places, *options, f"--port={port}"], user, goodbye=signal.SIGTERM
        ) as server:
            yield server


@contextmanager
def running(command: Any, user: pwd.struct_passwd | None = None, *, goodbye: int = signal.SIGINT) -> Iterator[Server]:
    for _ in range(ATTEMPTS):
        port = free_port()
        server = Server(command(port), port, user)
        if server.start():
            break
    else:
        pytest.fail(f"{command(0)[0]} does not start")
    try:
        yield server
    finally:
        server.stop(goodbye)


def free_port() -> int:
    """Return a port that is free, and stays so until it is used: no other worker of pytest-xdist gets it, nor a client."""
    for port in itertools.islice(_PORTS, 1000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("all ports of this worker are taken")


def redis_program() -> str:
    return shutil.which("redis-server") or shutil.which("valkey-server") or missing("redis-server")


def mariadb_programs() -> tuple[str, str]:
    """Return the server program, and the one that creates its data directory."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    binary, install = (shutil.which(name, path=path) for name in ("mariadbd", "mariadb-install-db"))
    return (binary, install) if binary and install else missing("mariadb-server")


def postgres_programs() -> Path:
    """Return the directory with the programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    if on_path:
        found.append(Path(on_path).resolve())
    for binary in reversed(found):
        if os.access(binary.parent / "initdb", os.X_OK):
            return binary.parent
    missing("postgresql")


def unprivileged() -> pwd.struct_passwd | None:
    """Return the user to run PostgreSQL as, because it refuses root; None = the current user."""
    if os.geteuid() != 0:
        return None
    import pwd  # not everywhere, and every test imports this module

    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    missing("an unprivileged user")


def acting_as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
