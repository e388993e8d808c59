"""Time every side of a workload in one run, in turns, and count its wrong totals.

What is counted is CPU time of the whole process and of the processes it has started, all threads, so that a side gains
nothing by borrowing a core. Sides take turns within a round: whatever else the machine does meets all of them. The
median of the rounds is reported, and a ratio is the median of the rounds' ratios. Every side's answers, to the last
item, are compared with the Decimal reference's.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks import dianjia, elsewhere
from benchmarks.allocator import keep_memory
from benchmarks.clock import cpu_seconds
from benchmarks.peers import (
    c_loops,
    decimal_loop,
    duckdb_decimal,
    numba_loop,
    numpy_blocked,
    numpy_whole,
    polars_decimal,
)
from benchmarks.sides import Side
from benchmarks.workloads import REFUSED, Columns, Workload, columns, sample

CHECKED_ROWS = 20_000  # at most; a Decimal bill takes 10 to 30 microseconds
ROUNDS = 7
ROUND_SECONDS = 0.05  # a side repeats its work within a round until this is reached


@dataclass(frozen=True, slots=True)
class Measurement:
    """One side on one workload at one size."""

    workload: str
    rows: int
    side: Side
    rounds: tuple[float, ...]  # ns of CPU a row
    billed: int  # rows that were timed: all, or as many as a slow side gets
    checked: int  # rows compared with the reference
    wrong_totals: int
    wrong_rows: int  # rows with any item, total or warning that differs

    @property
    def ns_per_row(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)


def sides() -> tuple[Side, ...]:
    """Give every side, the engine first and the reference last; those that cannot be measured here say why."""
    return (
        dianjia.side(),
        dianjia.native(),
        c_loops.vectors(),
        c_loops.side(),
        numba_loop.side(),
        numpy_blocked.side(),
        numpy_whole.side(),
        elsewhere.side(
            "numpy-alone",
            "whole-array numpy, a program of its own",
            None,
            "benchmarks.peers.numpy_whole",
            rows_max=10_000_000,
        ),
        duckdb_decimal.narrow(),
        duckdb_decimal.side(),
        polars_decimal.side(),
        elsewhere.side(
            "openfisca",
            "OpenFisca-core, float32 (not exact)",
            "openfisca",
            "benchmarks.peers.openfisca_core",
            rows_max=1_000_000,
            exact=False,
        ),
        decimal_loop.side(),
        elsewhere.side("zen", "GoRules zen, a row at a time", "zen", "benchmarks.peers.zen_rows", rows_max=2_000),
    )


def measurable(names: Sequence[str] | None = None) -> list[Side]:
    """Give the sides that can be measured here, or those of some names."""
    return [side for side in sides() if side.missing is None and (names is None or side.name in names)]


def measure(
    workload: Workload,
    rows: int,
    contenders: Sequence[Side],
    rounds: int = ROUNDS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Measurement]:
    """Measure `contenders` on `rows` rows of a workload, in turns, after one unmeasured bill each.

    A side that is too slow for so many rows is timed on the checked ones, which are a sample of them.
    """
    keep_memory()
    given = columns(workload, rows)
    checked = positions_to_check(rows)
    expected = reference(workload, given, checked)
    loaded: list[object] = []
    billed: list[int] = []
    compared: list[int] = []
    wrong: list[tuple[int, int]] = []
    for side in contenders:
        progress(f"{workload.name}, {rows:,} rows: checking {side.name}")
        small, few = given, slice(None)
        if side.rows_max < rows:
            few = slice(0, side.rows_max)
            small = sample(given, checked[few])
        loaded.append(side.load(workload, small))
        answer = side.answer(workload, side.bill(loaded[-1]))
        theirs = {name: values[few] for name, values in expected.items()}
        wrong.append(differences(workload, answer, theirs, checked if small is given else None))
        billed.append(len(small[workload.inputs[0].name]))
        compared.append(len(theirs["total"]))
    repeats = [_repeats(side, load) for side, load in zip(contenders, loaded, strict=True)]
    samples: list[list[float]] = [[] for _ in contenders]
    for turn in range(rounds):
        progress(f"{workload.name}, {rows:,} rows: round {turn + 1} of {rounds}")
        for position, side in enumerate(contenders):
            seconds = side_seconds(side, loaded[position], repeats[position])
            samples[position].append(seconds / billed[position] * 1e9)
    return [
        Measurement(workload.name, rows, side, tuple(taken), timed, many, *slips)
        for side, taken, timed, many, slips in zip(contenders, samples, billed, compared, wrong, strict=True)
    ]


def ratio(above: Measurement, below: Measurement) -> float:
    """Give how many times the one is the other: the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(above.rounds, below.rounds, strict=True))


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
    """Count the rows whose total is wrong, and the rows where any output is; a row billed or refused in error is both.

    `positions` (row,) are the rows of `answer` that `expected` holds; None where both hold the same rows.
    """
    taken = answer if positions is None else sample(answer, positions)
    billed = expected[REFUSED] == 0
    slips = taken[REFUSED] != expected[REFUSED]
    wrong = {name: ((taken[name] != expected[name]) & billed) | slips for name in workload.outputs}
    return int(wrong["total"].sum()), int(np.logical_or.reduce(list(wrong.values())).sum())


def side_seconds(side: Side, loaded: object, repeats: int) -> float:
    """Bill `repeats` times and give the CPU seconds of one, over all threads; no collection of garbage between."""
    gc.collect()
    gc.disable()
    try:
        start = cpu_seconds()
        for _ in range(repeats):
            side.bill(loaded)
        return (cpu_seconds() - start) / repeats
    finally:
        gc.enable()


def _repeats(side: Side, loaded: object) -> int:
    """Find how often a side bills within a round, so that looking at the clock, some 50 microseconds, is nothing."""
    repeats = 1
    while True:
        seconds = side_seconds(side, loaded, repeats) * repeats
        if seconds >= ROUND_SECONDS / 8:
            return max(1, round(repeats * ROUND_SECONDS / seconds))
        repeats *= 8
