"""A wire between client and server that breaks where a test says: after so many pieces, or before a certain answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

BLOCK = 65_536


@dataclass(slots=True)
class Wire:
    """Forwards bytes, connection by connection.

    Attributes:
        address: where it listens.
        cut: asked with each piece that comes from the server; True: the piece is dropped and the connection is reset.
        cuts: how often that was so.
    """

    address: str
    cut: Callable[[bytes], bool]
    cuts: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def asked(self, piece: bytes) -> bool:
        """Ask, one piece at a time."""
        with self.lock:
            found = self.cut(piece)
            self.cuts += found
            return found


@contextmanager
def wire(to: str, cut: Callable[[bytes], bool]) -> Iterator[Wire]:
    """Listen on a free port and forward to an address until the block ends."""
    host, _, port = to.rpartition(":")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Wire(f"127.0.0.1:{listening.getsockname()[1]}", cut)
        stopping = threading.Event()

        def accept() -> None:
            while not stopping.is_set():
                with suppress(OSError):
                    own, _ = listening.accept()
                    threading.Thread(target=_forward, args=(found, own, (host, int(port))), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield found
        finally:
            stopping.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _forward(of: Wire, own: socket.socket, to: tuple[str, int]) -> None:
    with suppress(OSError), own, socket.create_connection(to) as server:
        threading.Thread(target=_up, args=(own, server), daemon=True).start()
        while piece := server.recv(BLOCK):
            if of.asked(piece):
                # A reset, not a goodbye.
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                own.shutdown(socket.SHUT_RDWR)
                server.shutdown(socket.SHUT_RDWR)
                return
            own.sendall(piece)


def _up(own: socket.socket, server: socket.socket) -> None:
    with suppress(OSError):
        while piece := own.recv(BLOCK):
            server.sendall(piece)
        server.shutdown(socket.SHUT_WR)
