"""The most memory that `dianjia run` takes, of portfolios of one million and of ten million rows.

    python -m benchmarks.memory              # the table of README.md; writes a GB below the temporary folder
    python -m benchmarks.memory 1000000 10000000 100000000 --portfolios W1      # as docs/scale.md has it

Two portfolios, Parquet: W1's rows, and those of `dianjia demo`, all shipped rule sets over accounts. What counts is the
peak resident memory that the kernel saw. Row ids and accounts that are looked for go to the disk where they do not fit,
so that memory does not grow with rows.
"""

from __future__ import annotations

import argparse
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
import pyarrow.parquet as parquet

from benchmarks.dianjia import FEBRUARY, JANUARY, RULES, compiled
from benchmarks.peers.arrow_decimals import to_decimals
from benchmarks.workloads import W1, columns

ROOT: Final = Path(__file__).resolve().parent.parent
SIZES: Final = (1_000_000, 10_000_000)
PIECE_ROWS: Final = 131_072
PORTFOLIOS: Final = ("W1", "demo")
# A process begins with the peak of the one that it was forked from, so a small one stands between this and the command.
WATCH: Final = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_maxrss, used.ru_utime + used.ru_stime]))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One portfolio, billed."""

    portfolio: str
    rows: int
    billed: int
    peak_mb: float  # 10^6 bytes, resident
    cpu_seconds: float
    wall_seconds: float


def measure(
    portfolios: Sequence[str] = PORTFOLIOS,
    sizes: Sequence[int] = SIZES,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Run]:
    """Bill each portfolio at each size, with two threads."""
    runs = []
    for portfolio in portfolios:
        for rows in sizes:
            with tempfile.TemporaryDirectory() as folder:
                file, results = Path(folder) / "portfolio.parquet", Path(folder) / "results"
                progress(f"{portfolio}: drawing {rows:,} rows")
                rules = ROOT / "rules" if portfolio == "demo" else RULES
                if portfolio == "demo":
                    finished(["demo", "--rows", str(rows), "--portfolio-only", str(file)])
                else:
                    write_residential(file, rows)
                progress(f"{portfolio}: billing {rows:,} rows")
                start = time.monotonic()
                command = ["run", "--rules", str(rules), "--input", str(file), "--output", str(results)]
                ledger = f"sqlite:///{Path(folder) / 'ledger.sqlite'}"
                peak, cpu = finished([*command, "--threads", "2", "--database", ledger])
                wall = time.monotonic() - start
                billed = json.loads((results / "summary.json").read_text(encoding="utf-8"))["billed"]
            # Linux counts in KiB.
            runs.append(Run(portfolio, rows, billed, peak * 1024 / 1e6, cpu, wall))
    return runs


def write_residential(file: Path, rows: int) -> None:
    """Write W1's rows as Parquet, a piece at a time, quantities as decimals."""
    writer = None
    for start in range(0, rows, PIECE_ROWS):
        count = min(PIECE_ROWS, rows - start)
        drawn = columns(W1, count, seed=start)
        names = pa.array([compiled("W1").id])
        piece = {
            "row_id": pa.array(np.arange(start, start + count)),
            "ruleset": pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), names),
            "period_from": pa.array(np.full(count, JANUARY, np.int32)).cast(pa.date32()),
            "period_to": pa.array(np.full(count, FEBRUARY, np.int32)).cast(pa.date32()),
        }
        for column in W1.inputs:
            values = drawn[column.name]
            if column.high == 1:
                piece[column.name] = pa.array(values.astype(np.bool_))
            else:
                piece[column.name] = to_decimals(values, 12, column.places) if column.places else pa.array(values)
        table = pa.table(piece)
        writer = writer or parquet.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def bytes_a_row(runs: Sequence[Run], portfolio: str) -> float:
    """Give what a row more takes, of the least and the most rows of a portfolio."""
    of = [one for one in runs if one.portfolio == portfolio]
    return (of[-1].peak_mb - of[0].peak_mb) * 1e6 / (of[-1].rows - of[0].rows)


def finished(arguments: Sequence[str]) -> tuple[int, float]:
    """Run the command and give what the kernel saw: peak memory [KiB] and CPU [s]."""
    command = [sys.executable, "-c", WATCH, sys.executable, "-m", "engine.start", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    code, peak, cpu = json.loads(done.stdout)
    if code not in (0, 1):  # 1: rows are refused, which some are meant to be
        raise RuntimeError(f"dianjia {' '.join(arguments)} ended with {code}")
    return peak, cpu


def render(runs: Sequence[Run]) -> str:
    """Write them as a Markdown table."""
    lines = ["| portfolio | rows | billed | peak memory | CPU | wall |", "|---|---:|---:|---:|---:|---:|"]
    for one in runs:
        cells = f"{one.peak_mb:,.0f} MB | {one.cpu_seconds:.1f} s | {one.wall_seconds:.1f} s"
        lines.append(f"| {one.portfolio} | {one.rows:,} | {one.billed:,} | {cells} |")
    several = [name for name in dict.fromkeys(one.portfolio for one in runs) if len({one.rows for one in runs}) > 1]
    grown = " and ".join(f"{bytes_a_row(runs, name):.0f} bytes of {name}" for name in several)
    return "\n".join([*lines, *(["", f"A row more takes {grown}."] if grown else [])])


def main() -> None:
    """Measure what the command line names, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", type=int, default=SIZES)
    parser.add_argument("--portfolios", nargs="+", choices=PORTFOLIOS, default=PORTFOLIOS)
    asked = parser.parse_args()
    print(render(measure(asked.portfolios, asked.rows, lambda line: print(line, file=sys.stderr))))


if __name__ == "__main__":
    main()
