"""Time every side of a workload in one run, in turns, and count its wrong totals.

What is counted is CPU time of the whole process, all threads, so that a side gains nothing by borrowing a core.
Sides take turns within a round: whatever else the machine does meets all of them. The median of the rounds is
reported. Every side's answers, to the last item, are compared with the Decimal reference's.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks import dianjia
from benchmarks.peers import decimal_loop, duckdb_decimal, numpy_blocked, numpy_whole, polars_decimal
from benchmarks.sides import Side
from benchmarks.workloads import Columns, Workload, columns, sample

CHECKED_ROWS = 20_000  # at most; a Decimal bill takes 10 to 30 microseconds
ROUNDS = 7
ROUND_SECONDS = 0.05  # a side repeats its work within a round until this is reached


@dataclass(frozen=True, slots=True)
class Measurement:
    """One side on one workload at one size."""

    workload: str
    rows: int
    side: str
    title: str
    ns_per_row: float  # median of the rounds, CPU time
    fastest: float  # of the rounds
    slowest: float
    checked: int  # rows compared with the reference
    wrong_totals: int
    wrong_rows: int  # rows with any item, total or warning that differs


def sides() -> tuple[Side, ...]:
    """Give every side, the engine first and the reference last."""
    return (
        dianjia.side(),
        numpy_whole.side(),
        numpy_blocked.side(),
        duckdb_decimal.side(),
        duckdb_decimal.narrow(),
        polars_decimal.side(),
        decimal_loop.side(),
    )


def measure(
    workload: Workload,
    rows: int,
    contenders: Sequence[Side],
    rounds: int = ROUNDS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Measurement]:
    """Measure `contenders` on `rows` rows of a workload, in turns, after one unmeasured bill each."""
    given = columns(workload, rows)
    checked = positions_to_check(rows)
    expected = reference(workload, given, checked)
    loaded = []
    wrong = []
    for side in contenders:
        progress(f"{workload.name}, {rows:,} rows: checking {side.name}")
        small = sample(given, checked) if side.name == "decimal" else given
        loaded.append(side.load(workload, small))
        answer = side.answer(workload, side.bill(loaded[-1]))
        wrong.append(differences(workload, answer, expected, checked if small is given else None))
    repeats = [_repeats(side, load) for side, load in zip(contenders, loaded, strict=True)]
    samples: list[list[float]] = [[] for _ in contenders]
    for turn in range(rounds):
        progress(f"{workload.name}, {rows:,} rows: round {turn + 1} of {rounds}")
        for position, side in enumerate(contenders):
            timed_rows = len(checked) if side.name == "decimal" else rows
            seconds = _cpu_seconds(side, loaded[position], repeats[position])
            samples[position].append(seconds / timed_rows * 1e9)
    return [
        Measurement(
            workload=workload.name,
            rows=rows,
            side=side.name,
            title=side.title,
            ns_per_row=statistics.median(taken),
            fastest=min(taken),
            slowest=max(taken),
            checked=len(checked),
            wrong_totals=totals,
            wrong_rows=any_output,
        )
        for side, taken, (totals, any_output) in zip(contenders, samples, wrong, strict=True)
    ]


def positions_to_check(rows: int) -> npt.NDArray[np.intp]:
    """Choose the rows whose answers are compared: all of them up to `CHECKED_ROWS`, else a seeded sample in order."""
    if rows <= CHECKED_ROWS:
        return np.arange(rows)
    chosen = np.random.default_rng(1).choice(rows, CHECKED_ROWS, replace=False)
    return np.sort(chosen)


def reference(workload: Workload, given: Columns, positions: npt.NDArray[np.intp]) -> Columns:
    """Compute the rows at `positions` with the Decimal loop."""
    side = decimal_loop.side()
    return side.answer(workload, side.bill(side.load(workload, sample(given, positions))))


def differences(
    workload: Workload, answer: Columns, expected: Columns, positions: npt.NDArray[np.intp] | None
) -> tuple[int, int]:
    """Count the rows whose total is wrong, and the rows where any output is.

    `positions` (row,) are the rows of `answer` that `expected` holds; None where both hold the same rows.
    """
    taken = answer if positions is None else sample(answer, positions)
    wrong = {name: taken[name] != expected[name] for name in workload.outputs}
    return int(wrong["total"].sum()), int(np.logical_or.reduce(list(wrong.values())).sum())


def _repeats(side: Side, loaded: object) -> int:
    once = _cpu_seconds(side, loaded, 1)
    return max(1, round(ROUND_SECONDS / max(once, 1e-6)))


def _cpu_seconds(side: Side, loaded: object, repeats: int) -> float:
    """Bill `repeats` times and give the CPU seconds of one, over all threads; no collection of garbage between."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        for _ in range(repeats):
            side.bill(loaded)
        return (time.process_time() - start) / repeats
    finally:
        gc.enable()
