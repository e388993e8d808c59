"""How the engine's time grows with rows, and what a second thread gives.

    python -m benchmarks.scaling             # the tables of README.md

Growth: CPU time a row of one batch of 100,000, of a million and of ten million rows, in turns. Threads: wall time of
one batch by one thread and by two, in turns; it says something only where two cores are idle.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import dianjia
from benchmarks.clock import cpu_seconds
from benchmarks.measure import differences, positions_to_check, reference
from benchmarks.workloads import WORKLOADS, Workload, columns
from engine.evaluator.evaluate import evaluate

GROWTH_SIZES = (100_000, 1_000_000, 10_000_000)
THREAD_ROWS = 2_000_000
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Growth:
    """One workload: ns of CPU a row by size, each the median of the rounds."""

    workload: str
    ns_per_row: dict[int, float]
    most: float  # greatest size to smallest, a row: the median of the rounds' ratios
    checked: int
    wrong_totals: int


@dataclass(frozen=True, slots=True)
class Threads:
    """One workload: wall time of a batch [s] by one thread and by two."""

    workload: str
    rows: int
    one: float
    two: float
    gain: float  # the median of the rounds' ratios


def growth(
    sizes: Sequence[int] = GROWTH_SIZES, rounds: int = ROUNDS, progress: Callable[[str], None] = lambda _: None
) -> list[Growth]:
    """Measure the engine at each size, on both workloads."""
    found = []
    side = dianjia.side()
    for workload in WORKLOADS.values():
        loaded, checked, wrong = {}, 0, 0
        for rows in sizes:
            progress(f"growth, {workload.name}: drawing {rows:,} rows")
            given = columns(workload, rows)
            loaded[rows] = side.load(workload, given)
            positions = positions_to_check(rows)
            expected = reference(workload, given, positions)
            answer = side.answer(workload, side.bill(loaded[rows]))
            wrong += differences(workload, answer, expected, positions)[0]
            checked += len(positions)
            del answer
        taken: dict[int, list[float]] = {rows: [] for rows in sizes}
        for turn in range(rounds):
            progress(f"growth, {workload.name}: round {turn + 1} of {rounds}")
            for rows in sizes:
                repeats = max(1, sizes[-1] // rows // 4)
                start = cpu_seconds()
                for _ in range(repeats):
                    side.bill(loaded[rows])
                taken[rows].append((cpu_seconds() - start) / repeats / rows * 1e9)
        most = statistics.median(a / b for a, b in zip(taken[sizes[-1]], taken[sizes[0]], strict=True))
        medians = {rows: statistics.median(values) for rows, values in taken.items()}
        found.append(Growth(workload.name, medians, most, checked, wrong))
    return found


def threads(rows: int = THREAD_ROWS, rounds: int = 9) -> list[Threads]:
    """Measure one thread against two, on both workloads."""
    return [_threads(workload, rows, rounds) for workload in WORKLOADS.values()]


def _threads(workload: Workload, rows: int, rounds: int) -> Threads:
    plans, batch = dianjia.side().load(workload, columns(workload, rows))
    taken: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(rounds + 1):
        for count in taken:
            start = time.perf_counter()
            evaluate(plans.compiled, batch, threads=count, plans=plans)
            if turn:  # the first one warms up
                taken[count].append(time.perf_counter() - start)
    gain = statistics.median(a / b for a, b in zip(taken[1], taken[2], strict=True))
    return Threads(workload.name, rows, statistics.median(taken[1]), statistics.median(taken[2]), gain)


def render(grown: Sequence[Growth], threaded: Sequence[Threads]) -> str:
    """Write both as one Markdown table."""
    sizes = list(grown[0].ns_per_row)
    head = ["", *(f"ns a row, {rows:,} rows" for rows in sizes), "last to first", "two threads, wall"]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for one, two in zip(grown, threaded, strict=True):
        cells = [one.workload, *(f"{ns:.1f}" for ns in one.ns_per_row.values()), f"{one.most:.2f} ×"]
        lines.append("| " + " | ".join([*cells, f"{two.gain:.2f} × as fast"]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(render(growth(), threads()))
