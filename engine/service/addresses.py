"""Addresses to listen on: how they are written, and why one cannot be had."""

from __future__ import annotations

import errno
import socket

from engine.language.problems import ProblemsFound, problem


def address_of(host: str, port: int) -> str:
    """Join a host and a port.

    >>> address_of("::1", 50051)
    '[::1]:50051'
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bound(host: str, port: int) -> socket.socket:
    """Bind a socket that nobody else's may share.

    Raises:
        OSError: another process listens there, or it is no address of this machine.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    found = socket.socket(family, kind)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that ended a moment ago do not count
        found.bind(address)
    except OSError:
        found.close()
        raise
    return found


def why_not(host: str, port: int, error: OSError | None = None, flag: str = "--port") -> ProblemsFound:
    """Say why nothing can listen on an address.

    Args:
        host: name or address.
        port: on it.
        error: of whoever tried; None: it is tried here.
        flag: that names another port.
    """
    address = address_of(host, port)
    if error is None:
        try:
            bound(host, port).close()
        except OSError as found:
            error = found
    if error is None or error.errno == errno.EADDRINUSE:
        return ProblemsFound([problem("address-taken", None, None, address=address, flag=flag)])
    reason = f"{(error.strerror or str(error)).lower()}."
    return ProblemsFound([problem("address-unusable", None, None, address=address, reason=reason)])
