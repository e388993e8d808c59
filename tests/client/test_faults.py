"""What goes wrong between two processes: one of them dies, the server comes back, the version does not."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from dianjia.client import Client, DeadlinePassed, Patience
from tests.client.biller import frames
from tests.client.households import households, owed
from tests.documents import ROOT
from tests.service.serving import RESIDENTIAL, Server, rules_in, serving

FRAMES, ROWS = 40, 500


@contextmanager
def biller(
    server: Server, output: Path, *, pause: float = 0.02, patience: float = 60.0
) -> Iterator[subprocess.Popen[str]]:
    """Run a billing system until the block ends."""
    arguments = [server.address, str(FRAMES), str(ROWS), str(pause), str(output), str(patience)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.client.biller", *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'proto'}", "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str], until: str) -> str:
    """Read what a process prints up to a line that begins so."""
    pipe: IO[str] | None = process.stdout
    assert pipe is not None
    for line in pipe:
        if line.startswith(until):
            return line.strip()
    raise AssertionError(f"it ended without `{until}`")


def test_server_killed_and_restarted(tmp_path: Path) -> None:
    """The server dies in the middle and comes back on its port: the client goes on, and has every row once."""
    rules = rules_in(tmp_path)
    with serving(tmp_path / "first", rules=rules) as first:
        port = first.port
        with biller(first, tmp_path / "bills") as process:
            said(process, "frame 8")
            assert first.stop(signal.SIGKILL) == -signal.SIGKILL
            with serving(tmp_path / "second", rules=rules, settings={"port": port}) as second:
                resumed = said(process, "resumed")
                assert process.wait(60) == 0
                second.wait_for(lambda: bool(second.calls("CalculateBills")))  # a line is written a moment later
                began = second.calls("CalculateBills")

    lines = [line.split() for line in (tmp_path / "bills").read_text().splitlines()]
    assert [(str(number), str(owed(number))) for number in range(FRAMES * ROWS)] == [
        (one, two) for one, two, _ in lines
    ]
    assert len({version for _, _, version in lines}) == 1
    assert int(resumed.split()[1]) >= 1
    assert 0 < sum(call["rows"] for call in began) < FRAMES * ROWS


def test_version_gone_after_restart(tmp_path: Path) -> None:
    """The server comes back with other rules: what was billed stays, and no row is billed by another version."""
    rules = rules_in(tmp_path)
    with serving(tmp_path / "first", rules=rules, settings={"database": "none"}) as first:
        port = first.port
        with biller(first, tmp_path / "bills") as process:
            said(process, "frame 8")
            first.stop(signal.SIGKILL)
            file = rules / RESIDENTIAL
            file.write_text(file.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
            with serving(tmp_path / "second", rules=rules, settings={"port": port, "database": "none"}):
                ended = said(process, "VersionGone")
                code = process.wait(60)

    lines = [line.split() for line in (tmp_path / "bills").read_text().splitlines()]
    assert ended == "VersionGone version-not-here"
    assert code == 3
    assert len(lines) >= 8 * ROWS
    assert len({version for _, _, version in lines}) == 1


def test_server_that_stays_away(tmp_path: Path) -> None:
    """The client gives up once its patience is over, and says that nobody answers."""
    with serving(tmp_path / "server") as server, biller(server, tmp_path / "bills", patience=1.0) as process:
        said(process, "frame 3")
        server.stop(signal.SIGKILL)
        began = time.monotonic()

        ended = said(process, "ServiceError")

    assert ended == "ServiceError"
    assert time.monotonic() - began < 10


def test_client_killed(tmp_path: Path) -> None:
    """A client that dies leaves its stream's place to the next one, and the server goes on."""
    with serving(tmp_path / "server", settings={"streams": 1}) as server:
        with biller(server, tmp_path / "bills") as process:
            said(process, "frame 8")
            process.kill()
            process.wait(10)

        with Client(server.address, patience=Patience(20.0)) as client:
            bills = client.bills(households(1000))

        server.wait_for(lambda: sum("rows" in call for call in server.calls("CalculateBills")) == 2)
        billed = sorted(call["rows"] for call in server.calls("CalculateBills") if "rows" in call)
    assert bills.billed == 1000
    assert billed[0] == 1000
    assert 8 * ROWS <= billed[1] < FRAMES * ROWS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), settings={"streams": 1}) as found:
        yield found


def test_deadline(server: Server) -> None:
    """A stream that takes longer than it may ends with DeadlinePassed; frames before that were delivered."""
    delivered: list[int] = []
    began = time.monotonic()

    with Client(server.address) as client, pytest.raises(DeadlinePassed):
        delivered.extend(bills.billed for bills in client.stream(frames(1000, 10, 0.02), timeout=0.5))

    assert 0.4 < time.monotonic() - began < 3.0
    assert 0 < sum(delivered) < 10_000


def test_stream_left_alone(server: Server) -> None:
    """Whoever stops reading frees the place: the server takes one stream at a time, and takes the next."""
    with Client(server.address, patience=Patience(10.0)) as client:
        stream = client.stream(frames(1000, 10, 0.0))
        first = next(stream)
        stream.close()

        second = client.bills(households(10))

    assert (first.billed, second.billed) == (10, 10)


def test_unary_deadline(server: Server) -> None:
    """A deadline that no network keeps is told as such, without another try."""
    with Client(server.address) as client, pytest.raises(DeadlinePassed) as raised:
        client.bill("cn.jiangsu.residential", "2026-01-01", "2026-02-01", {}, timeout=1e-6)

    assert raised.value.status.name == "DEADLINE_EXCEEDED"
