"""Scores of many customers against their bills: `python -m benchmarks.scores`.

Each shipped rule set that scores customers or puts them into segments, on a million rows, and W1 on as many, in turns
on one thread, from columns in memory to scores and classes in memory, door included. Rows are drawn from each rule
set's declared inputs, edges included; those that are billed are repeated until there are a million. Asked: each within
three times W1's CPU. A sample is compared with the reference, in decimals: every score and every class.
"""

from __future__ import annotations

import argparse
import gc
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import dianjia
from benchmarks.allocator import keep_memory
from benchmarks.clock import cpu_seconds
from benchmarks.workloads import W1, columns
from engine.bulk.arrays import take
from engine.bulk.pieces import chosen_rows
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled, InputSpec
from engine.evaluator import decimals
from engine.evaluator.columns import read_column
from engine.evaluator.compare import plain
from engine.evaluator.draw import draw
from engine.evaluator.evaluate import Plans, Result, evaluate
from engine.evaluator.reference import Bill, reference
from engine.evaluator.rows import Column, Rows, same

RULES: Final = Path(__file__).resolve().parent.parent / "rules" / "cn" / "national" / "profiles"
ROWS: Final = 1_000_000
DRAWN: Final = 4_000  # rows of each rule set, before they are repeated
CHECKED: Final = 500  # of these
ROUNDS: Final = 5
AT_MOST: Final = 3.0  # times W1
SEED: Final = 20260101
YEAR: Final = (20_089, 20_454)  # 2025, since 1970-01-01


@dataclass(frozen=True, slots=True)
class Measured:
    """One rule set beside W1.

    Attributes:
        given: what a row of it gives or computes: scores and segments.
        seconds: CPU, the median of the rounds.
        ratio: to W1's, the median of the rounds.
    """

    ruleset: str
    scores: int
    segments: int
    rows: int
    seconds: float
    ratio: float
    checked: int
    wrong: int


@cache
def rulesets() -> Mapping[str, Compiled]:
    """The shipped rule sets that say something of customers, by id."""
    book = compile_paths([RULES]).rulesets
    return {one.id: one for one in book.values() if one.program.scores or one.program.segments}


def customers(compiled: Compiled, rows: int, drawn: int = DRAWN) -> Rows:
    """Rows of a rule set that are billed, the same ones for the same numbers."""
    some = draw(compiled, drawn, SEED)
    # All customers are looked at over one year, as W1's are billed for one month.
    first, end = (same(np.int64(day), drawn) for day in YEAR)
    some = replace(some, period_from=first, period_to=end)
    billed = evaluate(compiled, some).kept
    assert len(billed), f"{compiled.id}: no row of {drawn} is billed"
    # W1 has whole numbers and codes, and nobody else's columns are to cost a reading of texts.
    specs, positions = {spec.name: spec for spec in compiled.program.inputs}, np.resize(billed, rows)
    read = {name: _as_whole(specs[name], take(column, positions)) for name, column in some.columns.items()}
    first, end = (same(np.int64(day), rows) for day in YEAR)
    ruleset = Column(same(np.int64(0), rows), codes=(compiled.id,))
    return Rows(np.arange(rows, dtype=np.int64), ruleset, first, end, read)


def _as_whole(spec: InputSpec, column: Column) -> Column:
    read = read_column(spec, column)
    codes = spec.type.codes if spec.type.kind == "code" else None
    values = read.values.astype(np.bool_) if spec.type.kind == "boolean" else read.values
    given = None if read.given is None or bool(read.given.all()) else read.given
    return Column(values, 0 if codes else spec.type.places, given, codes)


def measure(
    rows: int = ROWS, rounds: int = ROUNDS, drawn: int = DRAWN, progress: Callable[[str], None] = lambda _: None
) -> list[Measured]:
    """Measure every rule set and W1 in turns."""
    keep_memory()
    side = dianjia.side()
    bills = side.load(W1, columns(W1, rows))
    found = []
    for id_, compiled in rulesets().items():
        progress(f"{id_}, {rows:,} rows")
        own, plans = customers(compiled, rows, drawn), Plans(compiled)
        result = evaluate(compiled, own, plans=plans)
        side.bill(bills)
        seconds, ratios = [], []
        for _ in range(rounds):
            w1 = _cpu(partial(side.bill, bills))
            seconds.append(_cpu(partial(evaluate, compiled, own, plans=plans)))
            ratios.append(seconds[-1] / w1)
        checked = min(CHECKED, rows)
        found.append(
            Measured(
                id_,
                len(compiled.program.scores),
                len(compiled.program.segments),
                rows,
                statistics.median(seconds),
                statistics.median(ratios),
                checked,
                wrong(compiled, own, result, checked),
            )
        )
    return found


def _cpu(work: Callable[[], object]) -> float:
    gc.collect()
    start = cpu_seconds()
    work()
    return cpu_seconds() - start


def wrong(compiled: Compiled, rows: Rows, result: Result, checked: int) -> int:
    """Count the rows, of the first so many, with a score or class that is not the reference's."""
    program = compiled.program
    cells = {name: plain(column) for name, column in chosen_rows(rows, np.arange(checked)).columns.items()}
    found = 0
    for at in range(checked):
        row = {name: values[at] for name, values in cells.items()}
        days = int(rows.period_from[at]), int(rows.period_to[at])
        bill = reference(compiled, row, period_from=days[0], period_to=days[1])
        assert isinstance(bill, Bill)
        scores = {
            one.id: decimals.of_whole(int(result.scores[one.id][at]), program.steps[program.names[one.id]].type.places)
            for one in program.scores
        }
        classes = {one.id: one.classes[int(result.segments[one.id][at])].id for one in program.segments}
        found += scores != bill.scores or classes != bill.segments
    return found


def render(found: Sequence[Measured]) -> str:
    """Write a Markdown table."""
    lines = ["| rule set | scores | segments | ns a row | to W1 | wrong |", "|---|---:|---:|---:|---:|---:|"]
    for one in found:
        cells = [f"`{one.ruleset}`", f"{one.scores}", f"{one.segments}", f"{one.seconds / one.rows * 1e9:.0f}"]
        lines.append("| " + " | ".join([*cells, f"{one.ratio:.2f}", f"{one.wrong} of {one.checked}"]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    print(render(measure(given.rows, given.rounds, progress=print)))
    print(f"\nasked: at most {AT_MOST:g} × W1")


if __name__ == "__main__":
    main()
