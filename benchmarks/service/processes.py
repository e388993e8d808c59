"""Server processes of a measurement, and what they cost."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc

ROOT = Path(__file__).parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass(frozen=True)
class Served:
    """A server process."""

    pid: int
    target: str

    def channel(self) -> grpc.Channel:
        """Connect to it, not through another's connection."""
        return grpc.insecure_channel(self.target, options=[*UNLIMITED, ("grpc.use_local_subchannel_pool", 1)])

    def cpu_seconds(self) -> float:
        """CPU that all its threads have used so far, in user and system mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def thread_cpu_seconds(self) -> float:
        """CPU that the threads it has now have used so far: finer than `cpu_seconds`, for short stretches."""
        found = 0
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(OSError):  # it has just ended
                found += int((thread / "schedstat").read_text().split()[0])
        return found / 1e9

    def resident_mib(self, what: str = "VmRSS") -> float:
        """Memory that it holds now; `VmHWM`: that it has held at most."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
        raise LookupError(what)


@contextmanager
def dianjia(folder: Path, *flags: str) -> Iterator[Served]:
    """Serve W1 and W2 with Dianjia, as anybody starts it."""
    port = free_port()
    database = f"sqlite:///{folder / 'registry.sqlite'}"
    rules = str(ROOT / "benchmarks" / "rules")
    given = ("--port", str(port), "--rules", rules, "--database", database, "--log", str(folder / "log"))
    with _running([sys.executable, "server.py", *given, *flags], port) as served:
        yield served


@contextmanager
def echo(answer: Path, bill: Path) -> Iterator[Served]:
    """Serve the twin."""
    port = free_port()
    with _running([sys.executable, "-m", "benchmarks.service.echo", str(port), str(answer), str(bill)], port) as served:
        yield served


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[Served]:
    target = f"127.0.0.1:{port}"
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        with grpc.insecure_channel(target) as channel:
            grpc.channel_ready_future(channel).result(timeout=60)
        time.sleep(0.5)  # what a start leaves to do in other threads
        yield Served(process.pid, target)
    finally:
        process.terminate()
        process.wait(timeout=30)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
