"""A real HTTP server that takes webhooks as it is told to, and warnings to send to it."""

from __future__ import annotations

import shutil
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from engine.registry.database import Database
from engine.warnings import kept
from engine.warnings.warning import NewWarning
from engine.warnings.webhook_endpoints import Endpoint
from engine.warnings.webhook_signature import read_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = 1_770_000_000_000_000  # 2026-02-02T02:40:00Z

Reaction = Callable[[BaseHTTPRequestHandler, dict[str, str], bytes], None]


@dataclass
class Gateway:
    """What came, and how the next requests are answered; once `reactions` are used up, by 204."""

    url: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    usual: Reaction | None = None

    @property
    def ids(self) -> list[str]:
        """Ids of the warnings, in the order in which they came."""
        return [headers["webhook-id"] for headers, _ in self.came]


def status(code: int, text: str = "", **headers: str) -> Reaction:
    """Answer with a status."""

    def react(handler: BaseHTTPRequestHandler, _: dict[str, str], __: bytes) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return react


def slow(seconds: float) -> Reaction:
    """Answer after a while."""

    def react(handler: BaseHTTPRequestHandler, headers: dict[str, str], body: bytes) -> None:
        time.sleep(seconds)
        status(204)(handler, headers, body)

    return react


def dies(handler: BaseHTTPRequestHandler, _: dict[str, str], __: bytes) -> None:
    """Take the message and reset the connection without an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True
    handler.wfile = Nothing()  # type: ignore[assignment]  # the handler flushes it once more


def half(handler: BaseHTTPRequestHandler, _: dict[str, str], __: bytes) -> None:
    """Begin an answer and stop before it says anything."""
    handler.wfile.write(b"HTTP/1.1 20")
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


class Nothing:
    """A stream that nothing goes through."""

    closed = True

    def close(self) -> None:
        """Do nothing."""


@contextmanager
def gateway(*reactions: Reaction, usual: Reaction | None = None) -> Iterator[Gateway]:
    """A server on this machine, until the end."""
    told = Gateway(reactions=list(reactions), usual=usual)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.came.append((headers, body))
            react = told.reactions.pop(0) if told.reactions else told.usual or status(204)
            react(self, headers, body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever gives up waiting breaks the pipe
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}/warnings"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def endpoint(told: Gateway, name: str = "gateway", **given: Any) -> Endpoint:
    """Where a gateway is; every warning there is goes to it."""
    given = {"begins": "beginning", "timeout_seconds": 5.0, **given}
    return Endpoint(name=name, url=told.url, keys=(read_secret(SECRET),), **given)


def warning(number: int, **given: Any) -> NewWarning:
    """A warning of its own."""
    told: dict[str, Any] = {
        "id": f"{number:032x}",
        "kind": "warning",
        "trigger": "cn.test.usage:rising_use",
        "state": "raised",
        "account": f"C{number}",
        "keys": {"meter": "m1"},
        "at": AT,
        "event": "e1",
        "region": "cn.jiangsu",
        "ruleset": "cn.test.usage",
        "level": "yellow",
        "recipient": "account_manager",
        "title": "连续三期用电增长",
        "message": "第 100.00 → 133.10 千瓦时",
        "values": {"energy": "133.10"},
        "causes": ("新增设备",),
        "action": "联系客户",
        "place": "usage.ruleset.yaml:12",
        "source": "内部规则",
    }
    return NewWarning(**(told | given))


def announce(database: Database, warnings: Sequence[NewWarning]) -> None:
    """Keep warnings."""
    with database.writing() as connection:
        kept.announce(connection, warnings, AT)


def empty_database(file: Path) -> Database:
    """A database without events and warnings; its tables are made once a session and copied."""
    shutil.copy(_template(), file)
    return Database(f"sqlite:///{file}")


@cache
def _template() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="dianjia-desk-")
    _KEPT.append(folder)
    file = Path(folder.name) / "desk.sqlite"
    database = Database(f"sqlite:///{file}")
    database.open()
    database.close()
    return file


_KEPT: list[tempfile.TemporaryDirectory[str]] = []  # until the session ends
