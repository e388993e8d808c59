"""The log: one JSON line a call, and one for each thing that happens to the server.

Whoever has something to say leaves it here, and a thread writes it a moment later, many lines at once: a call waits for
no disk, and what its line costs is paid where the same few instructions run over and over. Nothing is lost at an
orderly shutdown.
"""

from __future__ import annotations

import json
import logging
import os
import select
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from pathlib import Path
from typing import Final, NamedTuple

from engine.language.problems import ProblemsFound, problem

WAIT_SECONDS: Final = 0.05  # lines are gathered so long
LINES_MAX: Final = 200_000  # kept where they cannot be written; older ones are then lost, and counted
CLOSE_SECONDS: Final = 5.0  # that the last lines have to be written
BLOCK_BYTES: Final = select.PIPE_BUF  # written at once: several processes then do not cut each other's lines
STANDARD_ERROR: Final = 2

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
_text: Final[Callable[[str], str]] = encode_basestring


class Ended(NamedTuple):
    """A call that ended.

    Attributes:
        at: when, in seconds since 1970.
        request: our number of it.
        method: /package.Service/Method.
        principal: who called; "": nobody said.
        peer: from which address.
        code: gRPC status.
        problem: code of the catalogue; "": it succeeded.
        ns: from its arrival to its end.
        cpu_ns: of the thread that answered it.
        caller_request: the caller's own number of it; "": none.
        noted: what its servicer says: version, rows, billed, refused.
        billed_counted: of these rows, those that the metrics have already.
        refused_counted: likewise.
    """

    at: float
    request: str
    method: str
    principal: str
    peer: str
    code: str
    problem: str
    ns: int
    cpu_ns: int
    caller_request: str
    noted: Mapping[str, object]
    billed_counted: int
    refused_counted: int

    def line(self) -> str:
        """Its line of the log: written by hand, for json takes three times as long over a thousand of them a second."""
        written = [
            f'{{"time":"{instant(self.at)}","request":"{self.request}","method":"{self.method}"',
            f'"principal":{_text(self.principal)},"peer":{_text(self.peer)},"code":"{self.code}"',
            f'"ms":{self.ns / 1e6:.3f},"cpu_ms":{self.cpu_ns / 1e6:.3f}',
        ]
        if self.problem:
            written.append(f'"problem":"{self.problem}"')
        if self.caller_request:
            written.append(f'"caller_request":{_text(self.caller_request)}')
        for name, value in self.noted.items():
            if type(value) is int:
                written.append(f'"{name}":{value}')
            else:
                written.append(f'"{name}":{_text(value) if isinstance(value, str) else _encode(value)}')
        return ",".join(written) + "}"


class Log:
    """Lines of JSON on standard error or at the end of a file. Threads share it.

    A file that is moved away, as logrotate does, is begun anew under its old name.
    """

    def __init__(self, file: Path | None, count: Callable[[Ended], None] | None = None) -> None:
        """Open the file.

        Args:
            file: None: standard error.
            count: is told of each call, by the thread that writes its line.

        Raises:
            ProblemsFound: `log-file`.
        """
        self._file = file
        self._to = STANDARD_ERROR if file is None else _opened(file)
        self._count = count
        self._waiting: deque[Ended | str] = deque()
        self._block = b""  # that could not be written yet
        self._lost = 0
        self._some = threading.Event()
        self._ending = threading.Event()
        self._writing = threading.Thread(target=self._write_on, name="log", daemon=True)
        self._writing.start()

    def ended(self, call: Ended) -> None:
        """Write the line of a call."""
        self._leave(call)

    def event(self, event: str, **fields: object) -> None:
        """Write that something happened to the server."""
        self._leave(_encode({"time": instant(time.time()), "event": event, **fields}))

    def close(self) -> None:
        """Write what is left."""
        self._ending.set()
        self._some.set()
        self._writing.join(CLOSE_SECONDS)  # where nobody reads what is written, a write may never end
        if self._file is not None and not self._writing.is_alive():
            os.close(self._to)

    def _leave(self, line: Ended | str) -> None:
        self._waiting.append(line)
        if len(self._waiting) > LINES_MAX:
            self._waiting.popleft()
            self._lost += 1
        if not self._some.is_set():
            self._some.set()

    def _write_on(self) -> None:
        while not self._ending.is_set():
            self._some.wait()
            self._ending.wait(WAIT_SECONDS)
            self._some.clear()
            try:
                self._write()
            except OSError:  # nobody reads, or the disk is full: the block is kept for the next time
                self._some.set()
                self._ending.wait(WAIT_SECONDS)
        try:
            self._write()
        except OSError:
            return

    def _write(self) -> None:
        """Write all lines there are, a block at a time; between blocks calls go on."""
        self._follow_file()
        while self._block or self._waiting:
            while self._waiting and len(self._block) < BLOCK_BYTES:
                self._block += self._line(self._waiting.popleft())
            cut = self._block.rfind(b"\n", 0, BLOCK_BYTES) + 1 or len(self._block)  # one long line is a block alone
            self._block = self._block[os.write(self._to, self._block[:cut]) :]
        if self._lost:
            lost, self._lost = self._lost, 0
            self.event("log-lines-lost", lines=lost)

    def _line(self, line: Ended | str) -> bytes:
        if not isinstance(line, str):
            if self._count is not None:
                self._count(line)
            line = line.line()
        return line.encode("utf-8", errors="replace") + b"\n"

    def _follow_file(self) -> None:
        """Begin the file anew where it was moved away."""
        if self._file is None:
            return
        try:
            named = self._file.stat()
            opened = os.fstat(self._to)
            if (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino):
                return
        except FileNotFoundError:
            pass
        before, self._to = self._to, os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        os.close(before)


def _opened(file: Path) -> int:
    try:
        return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    except OSError as error:
        reason = f"{(error.strerror or 'it cannot be opened').lower()}."
        raise ProblemsFound([problem("log-file", None, None, file=file, reason=reason)]) from None


def instant(at: float) -> str:
    """Write seconds since 1970 as RFC 3339 with milliseconds.

    >>> instant(0.25)
    '1970-01-01T00:00:00.250+00:00'
    """
    second, rest = divmod(int(at * 1000), 1000)
    return f"{_second(second)}.{rest:03d}+00:00"


@lru_cache(maxsize=8)
def _second(second: int) -> str:
    """Write a second; a thousand lines have the same."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class FromLogging(logging.Handler):
    """Takes what libraries and the parts of the server say through `logging`."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as a line."""
        fields: dict[str, object] = {"level": record.levelname.lower(), "from": record.name}
        if record.exc_info is not None and record.exc_info[0] is not None:
            fields["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        self._log.event(record.getMessage(), **fields)


def take_logging(log: Log) -> None:
    """Send everything that is said through `logging` to a log."""
    root = logging.getLogger()
    root.handlers[:] = [FromLogging(log)]
    root.setLevel(logging.WARNING)
    logging.getLogger("dianjia").setLevel(logging.INFO)
