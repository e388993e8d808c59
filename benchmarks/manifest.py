"""What cutting a run's input into partitions costs, beside copying the input with pyarrow; and the memory it takes.

    python -m benchmarks.manifest              # 10,000,000 rows of 12 columns; writes 2 GB below the temporary folder
    python -m benchmarks.manifest 50000000

Of each kind of row ids and accounts a file is written, copied by a plain pyarrow loop, and planned; CPU is of all
threads. Memory is the peak of a process of its own, above one that has only imported pyarrow.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.memory import ROOT, WATCH

PIECE_ROWS: Final = 1_000_000
BATCH_ROWS: Final = 131_072
RULESET: Final = "cn.jiangsu.residential"
PLANNED: Final = """
import sys, json, time
from pathlib import Path
import pyarrow.parquet
pyarrow.array([1])  # imports pandas where it is installed, which users need not have
if len(sys.argv) > 3:
    from engine.runs.manifest import plan_partitions
    start = time.process_time()
    found = plan_partitions([Path(sys.argv[1])], Path(sys.argv[2]), {}, by=sys.argv[3])
    used = time.process_time() - start
    print(json.dumps([found.how, len(found.partitions), found.keys.duplicates, used]), file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """What row ids and accounts look like."""

    name: str
    row_id: Callable[[int, int], pa.Array]  # first row and rows
    account: Callable[[int, int], pa.Array]


@dataclass(frozen=True, slots=True)
class Figures:
    """One file, planned."""

    kind: str
    by: str
    how: str
    rows: int
    copy_cpu_s: float
    plan_cpu_s: float
    plan_wall_s: float
    above_mb: float  # 10^6 bytes, above a process that has imported pyarrow


def _counting(first: int, rows: int) -> pa.Array:
    return pa.array(np.arange(first, first + rows) + 10**12)


def _scattered(first: int, rows: int) -> pa.Array:
    """Whole numbers in no order, each once: multiplied by an odd number modulo 2^40."""
    return pa.array(np.arange(first, first + rows) * 0x9E3779B97F % (1 << 40))


def _texts(numbers: Callable[[int, int], pa.Array], width: int) -> Callable[[int, int], pa.Array]:
    return lambda first, rows: pa.array(np.char.zfill(np.asarray(numbers(first, rows)).astype(str), width))


def _groups(first: int, rows: int) -> pa.Array:
    """Three rows of each account, one after another."""
    return pa.array(np.arange(first, first + rows) // 3 + 10**9)


def _months(first: int, rows: int) -> pa.Array:
    """The same accounts month after month."""
    return pa.array(np.arange(first, first + rows) % 800_000 + 10**9)


KINDS: Final = (
    Kind("whole numbers that ascend", _counting, _groups),
    Kind("whole numbers in no order", _scattered, _groups),
    Kind("text in no order", _texts(_scattered, 13), _texts(_groups, 12)),
    Kind("accounts month by month", _counting, _months),
)


def write(path: Path, kind: Kind, rows: int) -> None:
    """Write rows of 12 columns, seven of them quantities."""
    draw = np.random.default_rng(20260101)
    writer = None
    for first in range(0, rows, PIECE_ROWS):
        count = min(PIECE_ROWS, rows - first)
        names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([RULESET]))
        columns = {
            "row_id": kind.row_id(first, count),
            "account": kind.account(first, count),
            "ruleset": names,
            "period_from": pa.array(np.full(count, 20454, np.int32)).cast(pa.date32()),
            "period_to": pa.array(np.full(count, 20485, np.int32)).cast(pa.date32()),
            **{f"quantity_{at}": pa.array(draw.integers(0, 1_000_000, count)) for at in range(7)},
        }
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=1)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def copy(source: Path, target: Path) -> float:
    """Copy a file by a plain loop; gives CPU seconds."""
    start = time.process_time()
    file = pq.ParquetFile(source)
    with file, pq.ParquetWriter(target, file.schema_arrow, compression="zstd", compression_level=1) as writer:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            writer.write_batch(batch)
    return time.process_time() - start


def measure(rows: int, progress: Callable[[str], None] = print) -> list[Figures]:
    """Plan a file of each kind."""
    found = []
    bare = _watched([])[0]
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.parquet"
            progress(f"{kind.name}: writing {rows:,} rows")
            write(file, kind, rows)
            copied = copy(file, Path(folder) / "copy.parquet")
            (Path(folder) / "copy.parquet").unlink()
            for by in ("auto", "hash") if kind is KINDS[0] else ("auto",):
                progress(f"{kind.name}: planning, {by}")
                start = time.monotonic()
                peak, told = _watched([str(file), str(Path(folder) / "work"), by])
                wall = time.monotonic() - start
                how, _, _, used = json.loads(told)
                found.append(Figures(kind.name, by, how, rows, copied, used, wall, (peak - bare) * 1024 / 1e6))
    return found


def _watched(arguments: Sequence[str]) -> tuple[int, str]:
    """Give the peak memory [KiB] of a process that plans, and what it said."""
    command = [sys.executable, "-c", WATCH, sys.executable, "-c", PLANNED, *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    code, peak, _ = json.loads(done.stdout)
    if code:
        raise RuntimeError(done.stderr)
    return peak, done.stderr


def render(figures: Sequence[Figures]) -> str:
    """Write them as a Markdown table."""
    lines = [
        "| row ids | cut | rows | copy, CPU | plan, CPU | of the copy | plan, wall | memory |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in figures:
        share = one.plan_cpu_s / one.copy_cpu_s
        lines.append(
            f"| {one.kind} | {one.how} | {one.rows:,} | {one.copy_cpu_s:.1f} s | {one.plan_cpu_s:.1f} s | {share:.2f} "
            f"| {one.plan_wall_s:.1f} s | {one.above_mb:,.0f} MB |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(render(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)))
