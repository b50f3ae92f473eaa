"""No network beyond this machine: whoever tries gets an error at once, before a name is looked up or a packet sent.

Owns what "this machine" is. Programs that are not written in Python, and libraries that connect in C, are beyond it.
"""

from __future__ import annotations

import functools
import ipaddress
import socket

#: Hosts that a test has made itself, out of networks that end in this machine.
_made_here = set()


def admit(address):
    """Let this process reach a host that a test has made itself."""
    _made_here.add(address)


def install():
    """Guard this process; once is enough."""
    if hasattr(socket.getaddrinfo, "__wrapped__"):
        return
    # Not an audit hook: one written in Python makes CPython 3.11 fail to trace threads that start at the same moment.
    for name in ("connect", "connect_ex", "sendto", "sendmsg"):
        setattr(socket.socket, name, _to_an_address(getattr(socket.socket, name)))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        setattr(socket, name, _of_a_host(getattr(socket, name)))


def _to_an_address(method):
    @functools.wraps(method)
    def guarded(self, *arguments):
        # The address comes last wherever there is one; those of other families are paths.
        if arguments and isinstance(arguments[-1], tuple):
            _refuse_strangers(arguments[-1][0])
        return method(self, *arguments)

    return guarded


def _of_a_host(function):
    @functools.wraps(function)
    def guarded(host, *arguments, **options):
        _refuse_strangers(host)
        return function(host, *arguments, **options)

    return guarded


def _refuse_strangers(host):
    if not (host in _made_here or _loopback(host)):
        raise RuntimeError(f"a test tried to reach {host!r}, which is not on this machine")


def _loopback(host):
    if isinstance(host, bytes):
        host = host.decode()
    if host in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
