"""Hosts: network namespaces on a bridge, each with processes, a home and a working directory of its own.

Owns how they are made and cut off; knows nothing of what runs on them. What they share is one Redis on the bridge's
address, which nobody outside can reach, and a relay to the sandbox, which stands for the internet.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import socketguard

from helpers.database_servers import Server, free_port, missing

__all__ = ["ADDRESS", "Lan", "internet", "may_have_networks", "settling"]

#: Of the bridge, where Redis listens.
ADDRESS = "10.77.0.1"
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET


def may_have_networks():
    """Return whether this machine allows a process its own network, with a bridge and virtual cables."""
    attempt = "ip link add name bridge0 type bridge && ip link add one type veth peer name other"
    if not all(map(shutil.which, ("ip", "nsenter", "unshare"))):
        return False
    return subprocess.run(["unshare", "--net", "sh", "-c", attempt], capture_output=True).returncode == 0


class Lan:
    """A bridge, and hosts at it. Use as a ``with`` block.

    :param size: how many hosts
    :param directory: where each gets a directory of its own
    """

    def __init__(self, size, directory):
        self.homes = [directory / f"host{number}" for number in range(size)]
        self._exit = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            self._switch = stack.enter_context(_network())
            _inside(self._switch, "ip link add name bridge type bridge")
            _inside(self._switch, f"ip address add {ADDRESS}/24 dev bridge")
            _inside(self._switch, "ip link set bridge up")
            self.networks = []
            for number, home in enumerate(self.homes):
                home.mkdir()
                self.networks.append(stack.enter_context(_network()))
                self._connect(number)
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._exit.close()

    @contextmanager
    def redis(self):
        """Run Redis on the bridge."""
        binary = shutil.which("redis-server") or shutil.which("valkey-server") or missing("redis-server")
        port = free_port()  # of this machine's network, so free in a new one
        options = ["--bind", ADDRESS, "--port", str(port), "--protected-mode", "no", "--save", "", "--dir", "/tmp"]
        server = Server([*_entering(self._switch), binary, *options], port)
        assert server.start()
        try:
            yield server
        finally:
            server.stop()

    @contextmanager
    def cut_off(self, number):
        """Have the bridge swallow every answer to a host, for the length of a `with` block."""
        route = f"blackhole {_address(number)}/32"
        _inside(self._switch, f"ip route add {route}")
        try:
            yield
        finally:
            _inside(self._switch, f"ip route delete {route}")

    def _connect(self, number):
        network = self.networks[number]
        _inside(self._switch, f"ip link add port{number} type veth peer name cable netns {network}")
        _inside(self._switch, f"ip link set port{number} master bridge up")
        _inside(network, f"ip address add {_address(number)}/24 dev cable")
        _inside(network, "ip link set cable up")


def _address(number):
    return f"10.77.0.{number + 2}"


def settling(network, home, port, path):
    """Move this process to a host: its network, its home, its directory; connect it to the internet."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(f"/proc/{network}/ns/net", os.O_RDONLY)
    if libc.setns(descriptor, _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "no way into the network")
    os.close(descriptor)
    socketguard.admit(ADDRESS)
    os.environ |= {"HOME": str(home), "TMPDIR": str(home)}
    os.chdir(home)
    _relay(port, path)
    yield None
    yield [name for _, name in socket.if_nameindex()]


@contextmanager
def internet(port, path):
    """Carry what arrives at a socket in the file system to a port of this machine."""
    to_port = partial(socket.create_connection, ("127.0.0.1", port))
    server = _relaying(socketserver.ThreadingUnixStreamServer, str(path), to_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _relay(port, path):
    def to_path():
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(str(path))
        return upstream

    _relaying(socketserver.ThreadingTCPServer, ("127.0.0.1", port), to_path)


def _relaying(kind, address, connect):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with connect() as upstream:
                back = threading.Thread(target=_carry, args=(upstream, self.request), daemon=True)
                back.start()
                _carry(self.request, upstream)
                back.join()

    server = kind(address, Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def _carry(source, target):
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def _network():
    """Have a network namespace; yield the id of the process that keeps it."""
    command = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep 600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout.readline() == b"ready\n"
        try:
            yield keeper.pid
        finally:
            keeper.send_signal(signal.SIGKILL)


def _entering(network):
    return ["nsenter", f"--net=/proc/{network}/ns/net"]


def _inside(network, command):
    subprocess.run([*_entering(network), *command.split()], check=True, capture_output=True)
