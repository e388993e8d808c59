"""Parquet -> bills -> Parquet: what `dianjia run` adds to reading, evaluating and writing; threads; memory.

    python -m benchmarks.recalculation                       # 20,000,000 rows of W1 and of the demonstration
    python -m benchmarks.recalculation --rows 50000000 --rounds 1 --portfolios W1

In turns: the command with one thread and with two; a loop of pyarrow that reads the same input files and writes the
same output files, batch by batch, with the same options; and the evaluator by itself on the same rows in memory. CPU is
that of the whole command, its start and the planning of the run included. Asked: CPU at most 1.5 x the loop's + the
evaluator's; two threads 1.6 times as fast as one; below 700 MB at 50,000,000 rows.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.dianjia import RULES
from benchmarks.memory import finished, write_residential
from engine.bulk.partition_run import Prepared, RowsOf
from engine.bulk.partitions import BATCH_ROWS, Partition, Slice, Work
from engine.bulk.sinks import parquet_options
from engine.cache.compiled import book_and_problems
from engine.evaluator.batch import dispatch
from engine.evaluator.families import Families

ROOT: Final = Path(__file__).resolve().parent.parent
ROWS: Final = 20_000_000
ROUNDS: Final = 3
PORTFOLIOS: Final = ("W1", "demo")


@dataclass
class Taken:
    """One portfolio: CPU and wall [s] of each round, and the most memory [10^6 bytes]."""

    portfolio: str
    rows: int
    one_cpu: list[float] = field(default_factory=list)
    one_wall: list[float] = field(default_factory=list)
    two_cpu: list[float] = field(default_factory=list)
    two_wall: list[float] = field(default_factory=list)
    copy_cpu: list[float] = field(default_factory=list)
    evaluator_cpu: list[float] = field(default_factory=list)
    peak_mb: float = 0.0

    @property
    def copies(self) -> float:
        """What the command takes beside the evaluator, in copies of its files: the median of the rounds."""
        rounds = zip(self.one_cpu, self.evaluator_cpu, self.copy_cpu, strict=True)
        return statistics.median((run - evaluator) / copy for run, evaluator, copy in rounds)

    @property
    def gain(self) -> float:
        """Wall time of one thread to that of two: the median of the rounds."""
        return statistics.median(one / two for one, two in zip(self.one_wall, self.two_wall, strict=True))


def measure(
    rows: int = ROWS,
    rounds: int = ROUNDS,
    portfolios: Sequence[str] = PORTFOLIOS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Taken]:
    """Measure each portfolio."""
    found = []
    for name in portfolios:
        with tempfile.TemporaryDirectory(prefix="dianjia-benchmark-") as folder:
            os.environ["DIANJIA_DATABASE"] = f"sqlite:///{folder}/ledger.sqlite"
            found.append(_measure(name, rows, rounds, Path(folder), progress))
    return found


def _measure(name: str, rows: int, rounds: int, folder: Path, progress: Callable[[str], None]) -> Taken:
    rules = RULES if name == "W1" else ROOT / "rules"
    source, output = folder / "portfolio.parquet", folder / "results"
    progress(f"{name}: drawing {rows:,} rows")
    if name == "W1":
        write_residential(source, rows)
    else:
        finished(["demo", "--rows", str(rows), "--portfolio-only", str(source)])
    taken = Taken(name, rows)
    for at in range(rounds):
        progress(f"{name}: round {at + 1} of {rounds}")
        for threads, cpu, wall in ((1, taken.one_cpu, taken.one_wall), (2, taken.two_cpu, taken.two_wall)):
            command = ["run", "--rules", str(rules), "--input", str(source), "--output", str(output), "--overwrite"]
            began = time.monotonic()
            peak, seconds = finished([*command, "--threads", str(threads)])
            wall.append(time.monotonic() - began)
            cpu.append(seconds)
            taken.peak_mb = max(taken.peak_mb, peak * 1024 / 1e6)  # Linux counts in KiB
        copied = subprocess.run(
            [sys.executable, "-m", "benchmarks.recalculation", "--copy", str(source), str(output)],
            check=True,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        taken.copy_cpu.append(float(copied.stdout))
        taken.evaluator_cpu.append(evaluator_seconds(rules, source))
    return taken


def copy_seconds(source: Path, output: Path) -> float:
    """CPU [s] of reading the input and writing the output, batch by batch; what is written is read off the clock."""
    pa.set_cpu_count(1)
    seconds = 0.0
    began = time.process_time()
    for _ in _batches(source):
        pass
    seconds += time.process_time() - began
    for file in sorted(output.rglob("*.parquet")):
        batches = list(_batches(file))
        schema = pq.read_schema(file)
        began = time.process_time()
        target = output.parent / "copied.parquet"
        with pq.ParquetWriter(target, schema, **parquet_options(schema)) as writer:
            for batch in batches:
                writer.write_batch(batch)
        seconds += time.process_time() - began
    return seconds


def _batches(file: Path) -> Iterator[Any]:
    with pq.ParquetFile(file) as parquet:
        yield from parquet.iter_batches(batch_size=BATCH_ROWS, use_threads=False)


def evaluator_seconds(rules: Path, source: Path) -> float:
    """CPU [s] of billing the rows of a file that are in memory, a batch at a time."""
    book, problems = book_and_problems([rules])
    assert not problems
    rows = pq.read_metadata(source).num_rows
    with tempfile.TemporaryDirectory() as folder:
        prepared = _prepared(book, source, Path(folder))
        rows_of = RowsOf(prepared, Partition(0, rows, (Slice(str(source), 0, rows),)))
        seconds = 0.0
        for batch in rows_of.source.batches():
            ready = rows_of.ready(batch)
            began = time.process_time()
            for piece in ready.pieces:
                dispatch(book.rulesets, piece.rows, pass_through=prepared.pass_through, plans=prepared.plans)
            seconds += time.process_time() - began
    return seconds


def _prepared(book: Any, source: Path, folder: Path) -> Prepared:
    from engine.bulk.outputs import lay_out
    from engine.bulk.sources import open_source

    opened = open_source(source, book.rulesets)
    work = Work("", book.hash, "", str(source), "", str(folder))
    layout = lay_out(book.rulesets, opened, "scaled", False)
    return Prepared(work, book, Families(book.rulesets), layout, opened, frozenset())


def render(taken: Sequence[Taken]) -> str:
    """Write them as a Markdown table."""
    lines = [
        "| portfolio | rows | CPU, one thread | evaluator | copy loop | rest, in copies | two threads, wall | peak |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in taken:
        cpu, own, copy = (statistics.median(of) for of in (one.one_cpu, one.evaluator_cpu, one.copy_cpu))
        cells = (
            f"{cpu:.1f} s | {own:.1f} s | {copy:.1f} s | {one.copies:.2f} | {one.gain:.2f} x | {one.peak_mb:,.0f} MB"
        )
        lines.append(f"| {one.portfolio} | {one.rows:,} | {cells} |")
    return "\n".join(lines)


def main() -> int:
    """Measure, or copy where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--portfolios", nargs="+", choices=PORTFOLIOS, default=PORTFOLIOS)
    parser.add_argument("--copy", nargs=2, type=Path, metavar=("INPUT", "OUTPUT"), help="only copy, and say the CPU")
    asked = parser.parse_args()
    if asked.copy:
        print(copy_seconds(*asked.copy))
        return 0
    print(render(measure(asked.rows, asked.rounds, asked.portfolios, lambda line: print(line, file=sys.stderr))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
