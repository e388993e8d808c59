"""On Spark and Dask a run gives the files that it gives here; whatever happens to a worker, every row is there once.

A cluster of two workers is started once for all that is shown on it: each step is a subtest.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.bulk.partition_run import WrongBook
from engine.bulk.partitions import Done, Partition, Slice, Work
from engine.bulk.problems import FileProblem
from engine.compiler.book import RateBook
from engine.compiler.program import Compiled
from engine.runs import driver
from engine.runs.engines import ENGINES, open_engine, task
from engine.runs.engines.local import LocalEngine
from tests.bulk.book import HOME, SHOP, make_book
from tests.running import ledger_at, order_of, read

ROWS = 160_000
PARTITIONS = 8
DEATH_AT = 5  # the partition at whose start a worker is killed: others are under way


class Watched:
    """An engine that is not closed by a run, and remembers what it was asked."""

    def __init__(self, engine: Any, before: Callable[[int], None] = lambda _: None) -> None:
        self.engine = engine
        self.name, self.width = engine.name, engine.width
        self.before = before
        self.asked: list[tuple[Work, Partition]] = []

    def submit(self, work: Work, partition: Partition, attempt: int) -> Future[Done]:
        self.asked.append((work, partition))
        self.before(partition.number)
        future: Future[Done] = self.engine.submit(work, partition, attempt)
        return future

    def close(self) -> None:
        """Leave it open for the next run."""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    return make_book(tmp_path_factory.mktemp("rules"))


def portfolio(folder: Path) -> Path:
    """Rows of both rule sets, with some that are refused."""
    draw = np.random.default_rng(7)
    number = np.arange(ROWS)
    kwh = draw.integers(0, 10_001_000, ROWS)  # up to 100010.00: a few are too many
    table = pa.table(
        {
            "row_id": number,
            "ruleset": pa.array(np.where(number % 3 == 0, SHOP, HOME)),
            "period_from": pa.array([date(2026, 1, 1)] * ROWS),
            "period_to": pa.array([date(2026, 2, 1)] * ROWS),
        }
    ).append_column(pa.field("kwh", pa.int64(), metadata={"places": "2"}), pa.array(kwh))
    path = folder / "rows.parquet"
    pq.write_table(table, path, row_group_size=10_000)
    return path


def run(book: Mapping[str, Compiled], source: Path, output: Path, engine: Any) -> Any:
    order = order_of(source, output, partition_rows=ROWS // PARTITIONS)
    with ledger_at(output.with_name(f"{output.name}.sqlite")) as ledger:
        return driver.begin(ledger, order, RateBook(book), engine)


def files(folder: Path) -> dict[str, bytes]:
    """What a run wrote, but for what names the run."""
    found = (file for name in ("bills", "refused", "warnings", "lines") for file in (folder / name).rglob("*"))
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found if file.is_file()}


def sums(summary: Any) -> dict[str, object]:
    told = summary.to_json()
    return {key: value for key, value in told.items() if key not in ("run", "seconds", "bills_per_second")}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids: list[int]) -> bool:
    """Whether processes end, within a while."""
    patience = time.monotonic() + 30
    while any(map(alive, pids)) and time.monotonic() < patience:
        time.sleep(0.05)
    return not any(map(alive, pids))


def listening(pids: set[int]) -> set[str]:
    """Addresses at which processes listen for TCP, as the kernel writes them."""
    inodes = set()
    for pid in pids:
        for one in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # it ended meanwhile
                inodes.add(str(one.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                found.add(words[1].split(":")[0])
    return found


def family(pid: int) -> set[int]:
    """A process and all that it started, and those started; but for Python's own, which end with the first."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return {one for one in found if b"resource_tracker" not in command(one)}


def command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


# The kernel writes addresses with the lowest byte first.
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ENGINES if name != "local"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets that a killed worker leaves to its client
def test_two_workers_bill_what_this_machine_bills(
    name: str, book: Mapping[str, Compiled], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    source = portfolio(tmp_path)
    here = Watched(LocalEngine(1))
    expected = run(book, source, tmp_path / "here", here)
    before = family(os.getpid())
    engine: Any = open_engine(name, "", 2)
    try:
        with subtests.test("the files have the same rows, the summary the same sums"):
            there = Watched(engine)

            summary = run(book, source, tmp_path / "there", there)

            assert sums(expected) == sums(summary)
            assert files(tmp_path / "here") == files(tmp_path / "there")
            assert list(range(PARTITIONS)) == [partition.number for _, partition in there.asked]

        with subtests.test("nothing of it listens where another machine could reach it"):
            started = family(os.getpid()) - before

            assert len(engine.worker_pids()) == 2
            assert set(engine.worker_pids()) <= started
            assert listening(started | {os.getpid()}) <= LOOPBACK

        with subtests.test("a worker that is killed loses nothing and doubles nothing"):
            killed: list[int] = []

            def kill(number: int) -> None:
                if number == DEATH_AT:
                    killed.append(engine.worker_pids()[0])
                    os.kill(killed[0], signal.SIGKILL)

            summary = run(book, source, tmp_path / "killed", Watched(engine, kill))

            assert gone(killed)
            assert sums(expected) == sums(summary)
            assert files(tmp_path / "here") == files(tmp_path / "killed")
            ids = [read(tmp_path / "killed", table).column("row_id").to_pylist() for table in ("bills", "refused")]
            assert list(range(ROWS)) == sorted(ids[0] + ids[1])

        with subtests.test("a worker meets a problem, and it is told as it would be here, at once"):
            work, partition = here.asked[0]
            nowhere = replace(partition, slices=(Slice(str(tmp_path / "nothing.parquet"), 0, partition.rows),))
            with pytest.raises(FileProblem) as told_here:
                LocalEngine(1).submit(work, nowhere, 1).result()

            with pytest.raises(FileProblem) as told_there:
                engine.submit(work, nowhere, 1).result()

            assert told_here.value.to_json() == told_there.value.to_json()

        if name == "spark":
            with subtests.test("a server that is there is used, and is there afterwards"):
                other: Any = open_engine(name, engine._server.address, 1)
                work, partition = here.asked[0]

                done = other.submit(work, partition, 2).result()
                other.close()

                assert partition.rows == done.received
                assert partition.rows == engine.submit(work, partition, 3).result().received

        with subtests.test("when it is closed none of its processes is left, and nobody waits for what was under way"):
            started = family(os.getpid()) - before
            work, partition = here.asked[0]
            future = engine.submit(work, partition, 4)

            engine.close()

            assert future.done()
            assert gone(sorted(started))
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("name", "cluster", "reason"),
    [
        ("spark", "dc://here:1", "its address is written sc://HOST:15002 or spark://HOST:7077"),
        ("spark", "sc://here:x", "its address is written sc://HOST:15002 or spark://HOST:7077"),
        ("dask", "here:8786", "its address is written tcp://HOST:8786 or tls://HOST:8786"),
    ],
)
def test_an_address_of_no_cluster_is_told_with_how_to_write_it(name: str, cluster: str, reason: str) -> None:
    with pytest.raises(FileProblem) as told:
        open_engine(name, cluster)

    assert "engine-start" == told.value.code
    assert f"{cluster}: engine-start: there is no {name} to bill with: {reason}." == str(told.value).splitlines()[0]


@pytest.mark.parametrize(("name", "scheme"), [("spark", "sc"), ("spark", "spark"), ("dask", "tcp")])
def test_an_address_where_nobody_listens_is_told(name: str, scheme: str) -> None:
    with socket.socket() as held:  # bound, and not listening
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]

        with pytest.raises(FileProblem) as told:
            open_engine(name, f"{scheme}://127.0.0.1:{port}")

    assert f"nothing answers at 127.0.0.1:{port} (Connection refused)" == told.value.parameters["reason"]


WORK = Work("run-1", "b" * 64, "/nowhere/book.json", "rows.parquet", "", "/nowhere")
PARTITION = Partition(3, 10, (Slice("rows.parquet", 0, 10),), (4,))


def outcome(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Done:
    """What a driver is told when a worker meets an error."""

    def fail(*_: object) -> Done:
        raise error

    monkeypatch.setattr(task, "bill_partition", fail)
    monkeypatch.setattr(pa, "set_cpu_count", lambda _: None)  # of this process they stay as they are
    monkeypatch.setattr(pa, "set_io_thread_count", lambda _: None)
    return task.done_of(task.perform(task.task_text(WORK, PARTITION, 1)))


@pytest.mark.parametrize(
    "error",
    [
        FileProblem("output-unwritable", "/full", reason="No space left on device"),
        WrongBook("another one"),
        MemoryError("of 5 TB"),
        PermissionError(13, "Permission denied", "/closed"),
    ],
)
def test_what_a_worker_meets_is_raised_at_the_driver_as_it_was(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(type(error)) as told:
        outcome(monkeypatch, error)

    assert type(error) is type(told.value)
    assert str(error) == str(told.value)


def test_what_nobody_foresaw_is_told_with_where_it_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(task.WorkerFailed) as told:
        outcome(monkeypatch, ZeroDivisionError("of all things"))

    assert "ZeroDivisionError: of all things" == str(told.value).splitlines()[-1]
    assert "bill_partition" in str(told.value)


def test_a_worker_with_other_code_refuses_to_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    written = task.task_text(WORK, PARTITION, 1)
    monkeypatch.setattr(task, "code_hash", lambda: "c" * 64)
    monkeypatch.setattr(pa, "set_cpu_count", lambda _: None)
    monkeypatch.setattr(pa, "set_io_thread_count", lambda _: None)

    with pytest.raises(FileProblem) as told:
        task.done_of(task.perform(written))

    assert ("engine-code", "cccccccccccc") == (told.value.code, told.value.parameters["here"])


def test_an_engine_without_a_name_is_the_callers_fault() -> None:
    with pytest.raises(ValueError, match="'ray' is no engine with a cluster; they are spark and dask"):
        open_engine("ray")
