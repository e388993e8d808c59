"""One run on threads of this machine, on Spark and on Dask, two workers each: how much longer clusters take.

    python -m benchmarks.engines                     # 2e7 rows; some GB below the temporary folder
    python -m benchmarks.engines --rows 2000000 --rounds 3

Clusters are started, and have billed a small portfolio, before the clock runs. In each round the three bill the same
Parquet file in turn; what counts is the median over rounds. CPU is that of this process and of all that it started. The
tables of a cluster's run must be those of the local run, file by file and row by row.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from engine.bulk.partitions import Done, Partition, Work
from engine.bulk.portfolio import portfolio_batches, schema
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from engine.registry.database import Database
from engine.runs import driver
from engine.runs.driver import Engine
from engine.runs.engines import open_engine
from engine.runs.engines.local import LocalEngine
from engine.runs.ledger import Ledger
from engine.runs.order import Order

ROOT: Final = Path(__file__).resolve().parent.parent
ENGINES: Final = ("local", "spark", "dask")
AT_MOST: Final = {"spark": 1.8, "dask": 2.2}  # times local's run
THREADS: Final = 2
SEED: Final = 6
WARM_ROWS: Final = 200_000
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass
class Measured:
    """What runs on one engine took, a number a round."""

    start_seconds: float = 0.0
    wall_seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)


class Kept:
    """An engine that outlives a run."""

    def __init__(self, engine: Engine) -> None:
        self.name, self.width = engine.name, engine.width
        self._engine = engine

    def submit(self, work: Work, partition: Partition, attempt: int) -> Future[Done]:
        return self._engine.submit(work, partition, attempt)

    def close(self) -> None:
        """Leave it open for the next run."""


def measure(rows: int, rounds: int, folder: Path) -> dict[str, Measured]:
    """Bill `rows` rows `rounds` times on each engine.

    Raises:
        AssertionError: a cluster wrote other bytes than this machine.
    """
    book = compile_paths([ROOT / "rules"])
    warm, source = _portfolio(folder, WARM_ROWS), _portfolio(folder, rows)
    database = Database(f"sqlite:///{folder / 'ledger.sqlite'}")
    database.open()
    ledger = Ledger(database)
    found = {name: Measured() for name in ENGINES}
    with ExitStack() as stack:
        stack.callback(database.close)
        engines: dict[str, Engine] = {}
        for name in ENGINES:
            began = time.perf_counter()
            engines[name] = LocalEngine(THREADS) if name == "local" else open_engine(name, "", THREADS)
            stack.callback(engines[name].close)
            _run(ledger, book, engines[name], warm, folder / name)
            found[name].start_seconds = time.perf_counter() - began
        for _ in range(rounds):
            for name in ENGINES:
                before, began = _cpu_seconds(), time.perf_counter()
                _run(ledger, book, engines[name], source, folder / name)
                found[name].wall_seconds.append(time.perf_counter() - began)
                found[name].cpu_seconds.append(_cpu_seconds() - before)
        for name in AT_MOST:
            _compare(folder / "local", folder / name)
    return found


def _portfolio(folder: Path, rows: int) -> Path:
    path = folder / f"{rows}.parquet"
    with pq.ParquetWriter(path, schema(), compression="zstd") as writer:
        for batch in portfolio_batches(rows, SEED):
            writer.write_batch(batch)
    return path


def _run(ledger: Ledger, book: RateBook, engine: Engine, source: Path, output: Path) -> None:
    shutil.rmtree(output, ignore_errors=True)
    order = Order(inputs=(str(source),), rules=(), output=str(output))
    driver.begin(ledger, order, book, Kept(engine))


def _compare(here: Path, there: Path) -> None:
    """Tables of two runs, file by file."""
    names = sorted(file.relative_to(here) for file in here.rglob("*.parquet") if "_run" not in file.parts)
    assert names == sorted(file.relative_to(there) for file in there.rglob("*.parquet") if "_run" not in file.parts)
    for name in names:
        assert (here / name).read_bytes() == (there / name).read_bytes(), f"{there / name} has other bytes"


def _cpu_seconds() -> float:
    """Of this process and its descendants, those that ended included."""
    stats: dict[int, tuple[int, float]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            words = stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            stats[int(stat.parent.name)] = (int(words[1]), sum(map(int, words[11:15])) / _TICKS)
    family = {os.getpid()}
    while more := {pid for pid, (parent, _) in stats.items() if parent in family} - family:
        family |= more
    return sum(stats[pid][1] for pid in family)


def ratios(found: dict[str, Measured]) -> dict[str, float]:
    """Wall time of each cluster to that of this machine, the median of the rounds."""
    here = found["local"].wall_seconds
    return {
        name: statistics.median(one / own for one, own in zip(found[name].wall_seconds, here, strict=True))
        for name in AT_MOST
    }


def _table(found: dict[str, Measured], rows: int) -> str:
    lines = [
        "| engine | start s | run s | M rows/s | CPU s | run, × local | at most |",
        "|---|---|---|---|---|---|---|",
    ]
    times = {"local": 1.0, **ratios(found)}
    for name, one in found.items():
        wall, cpu = statistics.median(one.wall_seconds), statistics.median(one.cpu_seconds)
        most = AT_MOST.get(name, "")
        numbers = (f"{one.start_seconds:.1f}", f"{wall:.1f}", f"{rows / wall / 1e6:.2f}", f"{cpu:.1f}")
        lines.append("| " + " | ".join([name, *numbers, f"{times[name]:.2f}", str(most)]) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table; 1: a cluster takes longer than is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="dianjia-engines-") as folder:
        found = measure(told.rows, told.rounds, Path(folder))
    if told.json:
        print(json.dumps({name: vars(one) for name, one in found.items()}))
    else:
        print(_table(found, told.rows))
    return int(any(ratio > AT_MOST[name] for name, ratio in ratios(found).items()))


if __name__ == "__main__":
    sys.exit(main())
